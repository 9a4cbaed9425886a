package psgen

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares got with testdata/name, or writes it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", path, diff)
	}
}

// printed is what a generator function writes.
func printed(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// groupGrant is the grant of the documentation: one user, scoped to a group.
func groupGrant() exchange.Grant {
	return exchange.Grant{
		Assignee:   exchange.NewUser(`CONTOSO\svc-reschedule`),
		Scope:      exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
		InScope:    []string{"anna@contoso.test"},
		OutOfScope: []string{"boss@contoso.test"},
	}
}

func roleGroupGrant() exchange.Grant {
	g := groupGrant()
	g.Assignee = exchange.Assignee{
		Kind:                  exchange.RoleGroup,
		Identity:              "Reschedule Impersonation",
		Members:               []string{`CONTOSO\svc-reschedule`},
		ViewOnlyConfiguration: true,
	}
	return g
}

// grantOf is a grant of a form.
func grantOf(f Form) exchange.Grant {
	g := groupGrant()
	switch f.Assignee {
	case exchange.SecurityGroup:
		g.Assignee = exchange.NewSecurityGroup("Reschedule Services")
	case exchange.RoleGroup:
		g = roleGroupGrant()
	}
	g.Scope = map[exchange.ScopeKind]exchange.Scope{
		exchange.Group:              {Kind: exchange.Group, Text: "Reschedule Users"},
		exchange.OrganizationalUnit: {Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"},
		exchange.RecipientFilter:    {Kind: exchange.RecipientFilter, Text: "City -eq 'Bonn' -and RecipientTypeDetails -eq 'UserMailbox'"},
		exchange.Existing:           {Kind: exchange.Existing, Text: "Rooms"},
		exchange.WholeOrganization:  {Kind: exchange.WholeOrganization},
	}[f.Scope]
	return g
}

const someGUID = "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77"

// reportOf is what the script reports that a form of undo is for.
func reportOf(f Form) report.Report {
	g := grantOf(Form{Kind: KindGrant, Assignee: f.Assignee, Scope: exchange.Group})
	r := report.Report{
		Schema: report.Schema,
		Grant: &report.GrantState{
			Name:     g.AssignmentName(),
			Assignee: report.AssigneeState{Kind: f.Assignee, Given: g.Assignee.Identity, GUID: someGUID, Members: g.Assignee.Members},
			Scope:    report.ScopeState{Kind: g.Scope.Kind, Given: g.Scope.Text, Name: g.ScopeName()},
		},
		Inverse: []report.Inverse{
			{Cmdlet: "Remove-ManagementRoleAssignment", Identity: someGUID},
			{Cmdlet: "Remove-ManagementScope", Identity: someGUID, OnlyIf: "unused"},
		},
	}
	name, scope := g.AssignmentName(), g.ScopeName()
	parameters := func(pairs ...string) []report.InverseParameter {
		var list []report.InverseParameter
		for pair := range slices.Chunk(pairs, 2) {
			list = append(list, report.InverseParameter{Name: pair[0], Value: pair[1]})
		}
		return list
	}
	filter := parameters("RecipientRestrictionFilter", "MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'")
	switch {
	case f.Undone == KindRevoke && f.Assignee == exchange.RoleGroup:
		r.Inverse = []report.Inverse{
			{Cmdlet: "New-ManagementScope", Identity: scope, Parameters: filter},
			{Cmdlet: "New-RoleGroup", Identity: g.Assignee.Identity, Parameters: []report.InverseParameter{{Name: "Members", Value: []any{someGUID}}}},
			{Cmdlet: "New-ManagementRoleAssignment", Identity: "ApplicationImpersonation-Reschedule Impersonation", Parameters: parameters(
				"SecurityGroup", "contoso.test/Microsoft Exchange Security Groups/Reschedule Impersonation", "Role", exchange.Role, "CustomRecipientWriteScope", scope)},
		}
	case f.Undone == KindRevoke:
		r.Inverse = []report.Inverse{
			{Cmdlet: "New-ManagementScope", Identity: scope, Parameters: filter},
			{Cmdlet: "New-ManagementRoleAssignment", Identity: name, Parameters: parameters(
				"User", "contoso.test/Services/"+exchange.LastPart(g.Assignee.Identity), "Role", exchange.Role, "CustomRecipientWriteScope", scope)},
		}
	case f.Assignee == exchange.RoleGroup:
		r.Inverse = append([]report.Inverse{
			{Cmdlet: "Remove-RoleGroupMember", Identity: someGUID, Parameters: parameters("Member", someGUID)},
			{Cmdlet: "Remove-RoleGroup", Identity: someGUID, OnlyIf: "unused"},
		}, r.Inverse[1])
	}
	return r
}

// printForm writes a script of a form.
func printForm(f Form) func(io.Writer) error {
	switch f.Kind {
	case KindUndo:
		return func(w io.Writer) error { return Undo(w, reportOf(f)) }
	case KindAudit:
		return Audit
	case KindOffice365:
		return Office365
	case KindFieldTest:
		return FieldTest
	}
	return func(w io.Writer) error { return writeGrant(w, f.Kind, grantOf(f)) }
}

// allScripts is a script of every form, by its name.
func allScripts(t testing.TB) map[string][]byte {
	t.Helper()
	scripts := map[string][]byte{}
	for _, f := range Forms() {
		scripts[strings.ReplaceAll(f.String(), " ", "-")+".ps1"] = printed(t, printForm(f))
	}
	return scripts
}

// mostLines is how many lines a script has at most, all included: what an administrator
// reads in ten minutes.
func mostLines(f Form) int {
	switch f.Kind {
	case KindGrant:
		switch {
		case f.Scope == exchange.RecipientFilter:
			return 315
		case f.Assignee == exchange.RoleGroup:
			return 300
		case f.Scope == exchange.OrganizationalUnit:
			return 280
		case f.Scope == exchange.WholeOrganization:
			return 265
		}
		return 300
	case KindRevoke, KindUndo:
		return 265
	case KindStatus:
		return 200
	case KindAudit:
		return 160
	case KindOffice365:
		return 280
	}
	return 120
}

func TestScriptsAreShort(t *testing.T) {
	for _, f := range Forms() {
		script := string(printed(t, printForm(f)))
		lines := strings.Count(script, "\n")
		if lines > mostLines(f) {
			t.Errorf("%s has %d lines, of %d", f, lines, mostLines(f))
		}
		begin, name, functions := 0, "", 0
		for i, line := range strings.Split(script, "\r\n") {
			if rest, ok := strings.CutPrefix(line, "function "); ok {
				begin, functions = i, functions+1
				name, _, _ = strings.Cut(rest, " ")
			}
			if line == "}" && name != "" {
				if n := i - begin + 1; n > 60 {
					t.Errorf("%s: %s has %d lines", f, name, n)
				}
				name = ""
			}
		}
		t.Logf("%-36s %3d lines, %2d functions", f, lines, functions)
	}
}

// TestBodiesOfForms: what a form is decides everything but the data block.
func TestBodiesOfForms(t *testing.T) {
	for _, f := range Forms() {
		script := printed(t, printForm(f))
		hash := BodyHash(script)
		if h, err := ReadHeader(script); err != nil || h.BodySHA256 != hash || h.SHA256 != Hash(script) || h.Form != f.String() {
			t.Errorf("%s: %+v, %v", f, h, err)
		}
		if again := printed(t, printForm(f)); !bytes.Equal(script, again) {
			t.Errorf("%s is not the same twice", f)
		}
		if f.Scope == "" {
			continue
		}
		g := grantOf(f)
		g.Name, g.DomainController, g.InScope, g.OutOfScope = "Another Name", "DC02.contoso.test", nil, []string{"x", "y", strings.Repeat("z", 200)}
		g.Mailbox, g.Assignee.ViewOnlyConfiguration = "svc@contoso.test", false
		if g.Scope.Creates() {
			g.Scope.Name = "Another Scope"
		}
		if g.Assignee.Kind == exchange.RoleGroup {
			g.Assignee.Members = []string{strings.Repeat("a", 120), "b"}
		}
		other := printed(t, func(w io.Writer) error { return writeGrant(w, f.Kind, g) })
		if got := BodyHash(other); got != hash {
			t.Errorf("%s: another grant has another body", f)
		}
		if Hash(other) == Hash(script) {
			t.Errorf("%s: another grant has the same hash", f)
		}
	}
}

// TestBodyList: the list of hashes has every form of this release, and keeps those of
// former ones.
func TestBodyList(t *testing.T) {
	var now strings.Builder
	for _, f := range Forms() {
		fmt.Fprintf(&now, "%s %s %s\n", BodyHash(printed(t, printForm(f))), unreleased, f)
	}
	kept := ""
	for line := range strings.Lines(bodyList) {
		if fields := strings.Fields(line); len(fields) < 3 || len(fields[0]) != 64 {
			t.Errorf("bodies.txt: %q is no line of hash, release and form", line)
		} else if fields[1] != unreleased {
			kept += line
		}
	}
	if want := kept + now.String(); *update {
		if err := os.WriteFile("bodies.txt", []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if bodyList != want {
		t.Error("bodies.txt is not what the bodies are; -update writes it, then go generate ./...")
	}
}

func TestGoldens(t *testing.T) {
	for _, f := range []Form{
		{Kind: KindGrant, Assignee: exchange.User, Scope: exchange.Group}, {Kind: KindGrant, Assignee: exchange.RoleGroup, Scope: exchange.Group},
		{Kind: KindRevoke, Assignee: exchange.User, Scope: exchange.Group}, {Kind: KindRevoke, Assignee: exchange.RoleGroup, Scope: exchange.Group},
		{Kind: KindUndo, Assignee: exchange.User, Undone: KindGrant}, {Kind: KindUndo, Assignee: exchange.RoleGroup, Undone: KindRevoke},
	} {
		golden(t, strings.ReplaceAll(f.String(), " ", "-")+".ps1", printed(t, printForm(f)))
	}
}

// A part that no script holds would be reviewed for nothing, and run by nobody.
func TestEveryPartIsUsed(t *testing.T) {
	used := map[string]bool{}
	var all bytes.Buffer
	scripts := allScripts(t)
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		all.Write(bytes.ReplaceAll(scripts[name], []byte("\r\n"), []byte("\n")))
	}
	files, err := parts.ReadDir("body")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := parts.ReadFile("body/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		checkText(t, file.Name(), strings.TrimLeft(string(text), "\n"))
		for _, line := range strings.Split(string(text), "\n") {
			if rest, ok := strings.CutPrefix(line, includePrefix); ok {
				used[rest] = true
			} else if line != "" && !strings.HasPrefix(line, "# if: ") && line != "# end" && !strings.Contains(line, "{{") &&
				!bytes.Contains(all.Bytes(), []byte(line+"\n")) {
				t.Errorf("%s: no script holds %q", file.Name(), line)
			}
		}
	}
	for _, file := range files {
		if kind, _, _ := strings.Cut(strings.TrimSuffix(file.Name(), ".ps1"), "-"); !used[file.Name()] &&
			!slices.ContainsFunc(Forms(), func(f Form) bool { return string(f.Kind) == kind }) {
			t.Errorf("%s is included nowhere", file.Name())
		}
	}
}

// checkText holds the rules that need no parser: printable ASCII, lines that fit, no
// space at their end, one final newline.
func checkText(t *testing.T, name, text string) {
	t.Helper()
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		t.Errorf("%s does not end with one newline", name)
	}
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d", name, i+1)
		if len(line) > maxColumn && !strings.Contains(line, "https://") && !strings.Contains(line, "{{") {
			t.Errorf("%s has %d columns, of %d: %s", at, len(line), maxColumn, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("%s ends with a space", at)
		}
		for _, r := range line {
			if r < ' ' || r > '~' {
				t.Errorf("%s holds %q", at, r)
			}
		}
	}
}

func TestScriptsAreTidy(t *testing.T) {
	for name, script := range allScripts(t) {
		text, found := strings.CutPrefix(string(script), byteOrderMark)
		if !found {
			t.Errorf("%s has no byte order mark", name)
		}
		if lines := strings.Count(text, "\n"); strings.Count(text, "\r\n") != lines || strings.Count(text, "\r") != lines {
			t.Errorf("%s has line ends other than CRLF", name)
		}
		text = strings.ReplaceAll(text, "\r\n", "\n")
		checkText(t, name, text)
		if !strings.Contains(text, "\n[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]\nparam(") {
			t.Errorf("%s does not begin with the parameters that every script has", name)
		}
		if strings.Contains(text, "{{") || strings.Contains(text, includePrefix) || strings.Contains(text, ifPrefix) {
			t.Errorf("%s holds a mark of its template", name)
		}
		if !strings.HasSuffix(text, "\nif ($MyInvocation.InvocationName -ne '.') { exit $exitCode }\n") {
			t.Errorf("%s does not end with its exit code", name)
		}
	}
}
