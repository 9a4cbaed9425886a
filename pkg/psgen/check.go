package psgen

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// An AlteredError says that a script is not what this package writes from its own data
// block, and where it differs first.
type AlteredError struct {
	Line      int    // of the script, from 1; 0 where what was asked for cannot be read
	Want, Got string // that line, as it should be and as it is
	Reason    error  // what is wrong with the header or with what was asked for; nil where a line differs
}

func (e *AlteredError) Error() string {
	if e.Line == 0 {
		return "altered: " + e.Reason.Error()
	}
	return fmt.Sprintf("altered: line %d is %q, and would be %q", e.Line, e.Got, e.Want)
}

func (e *AlteredError) Unwrap() error { return e.Reason }

// A ReleaseError says that a script is whole, and not of this release.
type ReleaseError struct {
	BodySHA256 string
	Release    string // that has this body; "" where none is known
}

func (e *ReleaseError) Error() string {
	if e.Release != "" {
		return "another release: the body is of " + e.Release
	}
	return "another release, or nobody's: the body " + e.BodySHA256 + " is not known"
}

// Check tells whether a script is what this package writes: it reads what was asked
// for, writes the script anew from that, and demands equal bytes, a signature block
// aside. It returns the kind of the script, and the grant that it is about, if it is
// about one.
//
// The error is an *AlteredError, a *ReleaseError, or another where the file is no script
// of this program. A script of another release is whole as far as its own hashes tell,
// and what was asked for in it is nothing but constants: whoever knows its body may run
// it.
func Check(script []byte) (Kind, exchange.Grant, error) {
	h, err := ReadHeader(script)
	if errors.Is(err, errForeign) {
		return "", exchange.Grant{}, err
	}
	anew, g, unreadable := rewrite(h.Form, script)
	switch {
	case unreadable == nil && bytes.Equal(anew, withoutSignature(script)):
		return h.Kind, g, nil
	case unreadable == nil && (BodyHash(anew) == h.BodySHA256 || err != nil && BodyHash(anew) == BodyHash(script)):
		if altered := firstDifference(anew, withoutSignature(script)); altered != nil {
			return h.Kind, g, altered
		}
		// What was asked for is of the form that it has here, and another than it was.
		return h.Kind, g, &AlteredError{Reason: errors.New("what was asked for was changed since the script was written: its hashes are of something else")}
	case err != nil:
		return h.Kind, g, &AlteredError{Reason: err}
	case unreadable != nil:
		return h.Kind, g, &AlteredError{Reason: unreadable}
	}
	return h.Kind, g, &ReleaseError{BodySHA256: h.BodySHA256, Release: releaseOf(h.BodySHA256)}
}

// firstDifference is where a script differs from what it would be; nil where only its
// hashes do.
func firstDifference(want, got []byte) *AlteredError {
	wanted, lines := strings.Split(string(want), "\r\n"), strings.Split(string(got), "\r\n")
	for i := range max(len(wanted), len(lines)) {
		w, g := "", ""
		if i < len(wanted) {
			w = wanted[i]
		}
		if i < len(lines) {
			g = lines[i]
		}
		// The hashes differ because of a line that follows.
		if w != g && !strings.Contains(w, "sha256: ") {
			return &AlteredError{Line: i + 1, Want: w, Got: g}
		}
	}
	return nil
}

// rewrite writes a script anew from its form and its data block.
func rewrite(form string, script []byte) ([]byte, exchange.Grant, error) {
	var g exchange.Grant
	i := slices.IndexFunc(Forms(), func(f Form) bool { return f.String() == form })
	if i < 0 {
		return nil, g, fmt.Errorf("no script has the form %q", form)
	}
	f := Forms()[i]
	variables, err := dataOf(script)
	if err != nil {
		return nil, g, err
	}
	var print func(io.Writer) error
	switch f.Kind {
	case KindAudit:
		print = Audit
	case KindOffice365:
		print = Office365
	case KindFieldTest:
		print = FieldTest
	case KindUndo:
		var r report.Report
		if r, err = readReport(variables); err == nil {
			g = reportGrant(*r.Grant)
			print = func(w io.Writer) error { return Undo(w, r) }
		}
	default:
		g = readGrant(variables)
		print = func(w io.Writer) error { return writeGrant(w, f.Kind, g) }
	}
	if err != nil {
		return nil, g, err
	}
	var b bytes.Buffer
	err = print(&b)
	return b.Bytes(), g, err
}

// dataOf reads what was asked for; nothing where a script has no such block.
func dataOf(script []byte) (map[string]any, error) {
	_, rest, found := bytes.Cut(afterHeader(script), []byte("\r\n"+dataHead+"\r\n"))
	if !found {
		return nil, nil
	}
	block, _, found := bytes.Cut(rest, []byte("\r\n\r\n"))
	if !found {
		return nil, errors.New("what was asked for has no end")
	}
	return readConstants(strings.ReplaceAll(string(block), "\r\n", "\n"))
}

// readGrant is the grant of a data block.
func readGrant(variables map[string]any) exchange.Grant {
	t, _ := variables["Grant"].(table)
	assignee, _ := t.get("assignee").(table)
	scope, _ := t.get("scope").(table)
	pin, _ := variables["Pin"].(table)
	g := exchange.Grant{
		Assignee: exchange.Assignee{
			Kind: exchange.AssigneeKind(assignee.text("kind")), Identity: assignee.text("given"), Members: asTexts(assignee.get("members")),
			ViewOnlyConfiguration: slices.Contains(asTexts(variables["Roles"]), exchange.RoleViewOnlyConfiguration),
		},
		Mailbox:          t.text("mailbox"),
		Scope:            exchange.Scope{Kind: exchange.ScopeKind(scope.text("kind")), Text: scope.text("given"), Name: scope.text("name")},
		DomainController: pin.text("DomainController"),
		InScope:          asTexts(variables["InScope"]),
		OutOfScope:       asTexts(variables["OutOfScope"]),
	}
	if name := t.text("name"); name != g.AssignmentName() {
		g.Name = name // else it is derived
	}
	return g
}

// readReport is what an undo was written from.
func readReport(variables map[string]any) (report.Report, error) {
	t, _ := variables["Grant"].(table)
	assignee, _ := t.get("assignee").(table)
	scope, _ := t.get("scope").(table)
	r := report.Report{Schema: report.Schema, After: &report.State{}, Grant: &report.GrantState{
		Name: t.text("name"), Role: t.text("role"),
		Assignee: report.AssigneeState{Kind: exchange.AssigneeKind(assignee.text("kind")), Given: assignee.text("given"), GUID: assignee.text("guid"),
			Members: asTexts(assignee.get("members"))},
		Scope: report.ScopeState{Kind: exchange.ScopeKind(scope.text("kind")), Given: scope.text("given"), Name: scope.text("name")},
	}}
	changes, _ := variables["Changes"].(list)
	for _, c := range changes {
		change, ok := c.(table)
		if !ok {
			return r, errNotConstant
		}
		i := report.Inverse{Cmdlet: change.text("cmdlet"), Identity: change.text("id"), OnlyIf: change.text("onlyIf")}
		parameters, _ := change.get("parameters").(table)
		i.Parameters = readParameters(parameters)
		if again, ok := change.get("again").(table); ok && len(again.entries) > 1 {
			i.Set = readParameters(table{entries: again.entries[1:]}) // without -Identity
		}
		if now := change.text("now"); now != "" {
			r.After.Scopes = append(r.After.Scopes, report.ManagementScope{GUID: i.Identity, Filter: now})
			r.After.Assignments = append(r.After.Assignments, report.AssignmentState{GUID: i.Identity, CustomRecipientWriteScope: now})
		}
		r.Inverse = append(r.Inverse, i)
	}
	return r, nil
}

// readParameters are the parameters of a change.
func readParameters(t table) []report.InverseParameter {
	var parameters []report.InverseParameter
	for _, e := range t.entries {
		value := e.value
		if l, ok := value.(list); ok {
			value = asTexts(l)
		}
		parameters = append(parameters, report.InverseParameter{Name: e.name, Value: value})
	}
	return parameters
}

// reportGrant is the grant of a report.
func reportGrant(s report.GrantState) exchange.Grant {
	return exchange.Grant{
		Name:     s.Name,
		Assignee: exchange.Assignee{Kind: s.Assignee.Kind, Identity: s.Assignee.Given, Members: s.Assignee.Members},
		Mailbox:  s.Mailbox,
		Scope:    exchange.Scope{Kind: s.Scope.Kind, Text: s.Scope.Given, Name: s.Scope.Name},
	}
}

// bodyList holds the hash of the body of each form, of this release and of former ones:
// a line each of hash, release and form. A test keeps those of this release; when a
// release is made, its lines get its name and stay.
//
//go:embed bodies.txt
var bodyList string

// unreleased stands in bodyList for what is not released yet.
const unreleased = "unreleased"

// releaseOf is the release that has a body of that hash; "" where none is known.
func releaseOf(hash string) string {
	for line := range strings.Lines(bodyList) {
		if fields := strings.Fields(line); len(fields) > 2 && strings.EqualFold(fields[0], hash) {
			return fields[1]
		}
	}
	return ""
}
