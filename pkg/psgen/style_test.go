package psgen

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// allScripts is every script of every kind and variant, by a name that tells
// them apart: between them they hold every body.
func allScripts(t testing.TB) map[string][]byte {
	t.Helper()
	user := exchange.NewUser(`CONTOSO\svc-reschedule`)
	grants := map[string]exchange.Grant{
		"group":        groupGrant(),
		"rolegroup":    roleGroupGrant(),
		"organization": {Assignee: user, Scope: exchange.Scope{Kind: exchange.WholeOrganization}},
		"unit":         {Assignee: user, Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Rooms"}},
		"filter":       {Assignee: user, Scope: exchange.Scope{Kind: exchange.RecipientFilter, Text: "City -eq 'Bonn'"}},
		"existing":     {Assignee: user, Scope: exchange.Scope{Kind: exchange.Existing, Text: "Rooms"}},
	}
	scripts := map[string][]byte{}
	for name, g := range grants {
		for _, k := range kinds(g) {
			scripts[k.name+"-"+name+".ps1"] = printed(t, k.print)
		}
	}
	report := exchange.Report{
		Schema: exchange.ReportSchema,
		Grant: &exchange.GrantState{
			Name:     "A",
			Assignee: exchange.AssigneeState{Kind: exchange.User, Given: user.Identity},
			Scope:    exchange.ScopeState{Kind: exchange.WholeOrganization},
		},
		Inverse: []exchange.Inverse{
			{Cmdlet: "Remove-ManagementRoleAssignment", Identity: "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77"},
		},
	}
	scripts["rollback.ps1"] = printed(t, func(w io.Writer) error { return Rollback(w, report) })
	day := time.Date(2026, time.November, 24, 0, 0, 0, 0, time.UTC)
	for name, o := range map[string]Office365Options{
		"office365.ps1": {}, "office365-ews.ps1": {AcceptEWSEnd: true, Now: day},
	} {
		scripts[name] = printed(t, func(w io.Writer) error { return Office365(w, o) })
	}
	return scripts
}

// writeScripts writes the scripts into a folder of the test and returns their
// paths, sorted. It leaves out those that differ from others in their data alone:
// full scripts know two bodies, for role groups and for everything else.
func writeScripts(t *testing.T, scripts map[string][]byte) []string {
	t.Helper()
	dir := t.TempDir()
	same := regexp.MustCompile(`^(grant-full|revoke-full|status|audit)-(organization|unit|filter|existing)\.ps1$|` +
		`^(status|audit)-rolegroup\.ps1$`)
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		if same.MatchString(name) {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, scripts[name], 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func bodyTexts(t *testing.T) map[string]string {
	t.Helper()
	paths, err := fs.Glob(bodies, "body/*.ps1")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range paths {
		text, err := bodies.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(path, "body/")] = string(text)
	}
	return texts
}

// checkText holds the rules that need no parser: printable ASCII, lines that fit,
// no space at their end, one final newline.
func checkText(t *testing.T, name, text string) {
	t.Helper()
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		t.Errorf("%s does not end with one newline", name)
	}
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d", name, i+1)
		if len(line) > maxColumn && !strings.Contains(line, "https://") {
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

func TestBodiesAreTidy(t *testing.T) {
	for name, text := range bodyTexts(t) {
		checkText(t, name, text)
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
		if !regexp.MustCompile(`\nif \(\$MyInvocation\.InvocationName -ne '\.'\) \{ exit [^\n]+ \}\n$`).MatchString(text) {
			t.Errorf("%s does not end with its exit code", name)
		}
		if strings.Contains(text, "{{") || strings.Contains(text, includePrefix) {
			t.Errorf("%s holds a mark of its template", name)
		}
	}
}

// A body that no script holds would be reviewed for nothing, and run by nobody.
func TestEveryBodyIsUsed(t *testing.T) {
	var all bytes.Buffer
	for _, script := range allScripts(t) {
		all.Write(bytes.ReplaceAll(script, []byte("\r\n"), []byte("\n")))
	}
	for name, text := range bodyTexts(t) {
		for _, part := range regexp.MustCompile(`(?m)^# include: .*\n`).Split(text, -1) {
			part = strings.TrimSpace(part)
			if part != "" && !strings.Contains(part, "{{") && !bytes.Contains(all.Bytes(), []byte(part)) {
				t.Errorf("%s: no script holds %.60q", name, part)
			}
		}
	}
}

// A call is one use of a command that is not PowerShell's own.
type call struct {
	where       string
	owner       string // the function around it, "" for the script
	cmdlet      string
	parameters  []string
	errorAction string
	guarded     bool
	kind        string // direct, variable (by a variable), change or find (by our function of that job)
}

// A reading is what testdata/calls.ps1 sees in scripts.
type reading struct {
	calls     []call
	functions map[string]string // name to a place where it is
	flaws     []string
}

func read(t *testing.T, scripts map[string][]byte) reading {
	t.Helper()
	tool, err := filepath.Abs("testdata/calls.ps1")
	if err != nil {
		t.Fatal(err)
	}
	result := peers.StartEngine(t).Run(t, peers.Job{
		Script: tool, Parameters: map[string]any{"Path": writeScripts(t, scripts)}, Limit: 5 * time.Minute,
	})
	if len(result.Errors) > 0 {
		t.Fatalf("%s: %v", tool, result.Errors)
	}
	r := reading{functions: map[string]string{}}
	for _, o := range result.Output {
		where := fmt.Sprintf("%v:%v", o.Property("File"), o.Property("Line"))
		switch {
		case o.Property("Flaw") != nil:
			r.flaws = append(r.flaws, fmt.Sprintf("%s: %v", where, o.Property("Flaw")))
		case o.Property("Function") != nil:
			r.functions[fmt.Sprint(o.Property("Function"))] = where
		default:
			c := call{
				where: where, owner: fmt.Sprint(o.Property("Owner")), cmdlet: fmt.Sprint(o.Property("Cmdlet")),
				errorAction: fmt.Sprint(o.Property("ErrorAction")), guarded: o.Property("Guarded") == true,
				kind: fmt.Sprint(o.Property("Kind")),
			}
			if list, ok := o.Property("Parameters").([]any); ok {
				for _, p := range list {
					c.parameters = append(c.parameters, fmt.Sprint(p))
				}
			}
			r.calls = append(r.calls, c)
		}
	}
	return r
}

// constructed is every command that package exchange builds, with the parameters
// it can have. A new constructor belongs here.
func constructed() map[string]map[string]bool {
	const s = "x"
	scopes := []exchange.AssignmentScope{{}, {Custom: s}, {OrganizationalUnit: s}}
	commands := []exchange.Command{
		exchange.GetExchangeServer(), exchange.GetOrganizationConfig(), exchange.GetADServerSettings(),
		exchange.SetADServerSettings(true), exchange.GetUser(s), exchange.GetGroup(s), exchange.GetMailbox(s),
		exchange.GetRecipient(s), exchange.GetOrganizationalUnit(s), exchange.ListRecipients(s, s),
		exchange.ListNestedGroups(s), exchange.ListImpersonationRoles(), exchange.ListAssignments(s),
		exchange.GetAssignment(s, s), exchange.ListDelegatingAssignments(s), exchange.ListAssignmentsOver(s, s),
		exchange.SetAssignmentEnabled(s, true, s), exchange.RemoveAssignment(s, s), exchange.ListScopes(),
		exchange.GetScope(s, s), exchange.NewScope(s, s, s), exchange.SetScope(s, s, s), exchange.RemoveScope(s, s),
		exchange.GetRoleGroup(s), exchange.ListRoleGroupMembers(s), exchange.AddRoleGroupMember(s, s, s),
		exchange.RemoveRoleGroupMember(s, s, s), exchange.RemoveRoleGroup(s, s), exchange.EnableOrganizationCustomization(),
	}
	for _, scope := range scopes {
		commands = append(commands,
			exchange.NewAssignment(s, exchange.User, s, s, scope, s),
			exchange.NewAssignment(s, exchange.SecurityGroup, s, s, scope, s),
			exchange.SetAssignmentScope(s, scope, s), exchange.NewRoleGroup(s, []string{s}, []string{s}, scope, s))
	}
	known := map[string]map[string]bool{}
	for _, c := range commands {
		for _, p := range c.Params {
			allow(known, c.Cmdlet, p.Name)
		}
		allow(known, c.Cmdlet)
	}
	return known
}

func allow(known map[string]map[string]bool, cmdlet string, parameters ...string) {
	if known[cmdlet] == nil {
		known[cmdlet] = map[string]bool{}
	}
	for _, p := range parameters {
		known[cmdlet][p] = true
	}
}

// scriptsOnly are the uses that scripts have beyond those of package exchange.
var scriptsOnly = []struct {
	cmdlet     string
	parameters []string
	why        string
}{
	{"Connect-ExchangeServer", []string{"Auto", "ClientApplication"}, "a function of RemoteExchange.ps1: opens the shell"},
	{"Get-ManagementRoleAssignment", []string{"AssignmentMethod"}, "with -RoleAssignee: only the direct ones"},
	{"Get-ManagementRoleAssignment", []string{"CustomRecipientWriteScope"}, "who uses a scope"},
	{"Get-ManagementRoleAssignment", []string{"Role", "Delegating", "GetEffectiveUsers", "RoleAssignee"}, "office365: what is left"},
	{"Get-ManagementRole", nil, "office365: application roles have no type to ask for"},
	// Exchange Online alone has these (learn.microsoft.com/powershell/module/exchangepowershell).
	{"Get-OrganizationConfig", []string{"RetrieveEwsOperationAccessPolicy"}, "office365: EwsAllowedAppIDs is shown only so"},
	{"Set-OrganizationConfig", []string{"EwsAllowedAppIDs", "EwsEnabled"}, "office365 with --accept-ews-end"},
	{"Get-ServicePrincipal", nil, "office365"},
	{"New-ServicePrincipal", []string{"AppId", "ObjectId", "DisplayName"}, "office365"},
	{"New-ManagementRoleAssignment", []string{
		"App", "CustomResourceScope", "RecipientGroupScope", "RecipientAdministrativeUnitScope",
	}, "office365"},
	{"Test-ServicePrincipalAuthorization", []string{"Identity", "Resource"}, "office365"},
}

// What only PowerShell's own parser can tell, on every script.
func TestScriptStyle(t *testing.T) {
	scripts := allScripts(t)
	r := read(t, scripts)
	for _, flaw := range r.flaws {
		t.Error(flaw)
	}
	t.Run("known commands", func(t *testing.T) { checkKnownCommands(t, r.calls) })
	t.Run("errors stop", func(t *testing.T) { checkErrorActions(t, r.calls) })
	t.Run("changes are asked for", func(t *testing.T) { checkQuestions(t, r.calls) })
	t.Run("function names", func(t *testing.T) { checkFunctionNames(t, r.functions) })
	// Approved verbs, aliases, positional arguments and the rest: the checker.
	t.Run("check", func(t *testing.T) {
		for _, finding := range peers.Check(t, nil, writeScripts(t, scripts)...) {
			finding.File = filepath.Base(finding.File)
			t.Error(finding)
		}
	})
}

// unreached is a call in scripts of every kind that only those for role groups
// come to; they have the function.
const unreached = "Get-ExgState Get-ExgRoleGroupMember"

// A script uses the commands that package exchange builds, or one on the list
// above: a parameter that does not exist on-premises would be found only by the
// administrator's server.
func checkKnownCommands(t *testing.T, calls []call) {
	known := constructed()
	for _, only := range scriptsOnly {
		allow(known, only.cmdlet, only.parameters...)
	}
	common := []string{"ErrorAction", "WarningAction", "Confirm", "WhatIf"}
	seen := map[string]bool{}
	for _, c := range calls {
		seen[c.cmdlet] = true
		if strings.HasPrefix(c.cmdlet, "$") {
			continue // our function of that job; its callers are in the list
		}
		if strings.Contains(c.cmdlet, "-Exg") {
			if c.owner+" "+c.cmdlet != unreached {
				t.Errorf("%s: %s is not in the script", c.where, c.cmdlet)
			}
			continue
		}
		if known[c.cmdlet] == nil {
			t.Errorf("%s: %s is not built by package exchange", c.where, c.cmdlet)
			continue
		}
		for _, p := range c.parameters {
			if !known[c.cmdlet][p] && !slices.Contains(common, p) {
				t.Errorf("%s: %s -%s is not built by package exchange", c.where, c.cmdlet, p)
			}
		}
	}
	// The reader itself must see what is there.
	for _, cmdlet := range []string{
		"New-ManagementRoleAssignment", "New-ManagementScope", "Get-User", "New-ServicePrincipal", "Remove-ManagementRoleAssignment",
		"Set-OrganizationConfig", "Enable-OrganizationCustomization", "$Cmdlet",
	} {
		if !seen[cmdlet] {
			t.Errorf("no call of %s was found", cmdlet)
		}
	}
}

// tolerant are the calls that may fail without ending the run.
var tolerant = []struct{ owner, cmdlet, errorAction, why string }{
	{"Assert-ExgOnPremises", "Get-ExchangeServer", "SilentlyContinue", "RBAC may hide it, or what it shows"},
	{"Set-ExgForestView", "Get-ADServerSettings", "SilentlyContinue", "the view is widened where it can be"},
	{"Close-ExgShell", "Set-ADServerSettings", "SilentlyContinue", "the run is over: its result must not be lost"},
	{"Open-ExgShell", "Connect-ExchangeServer", "", "a script's function, which has no such parameter"},
	{"Test-ExgScopeGroup", "Get-Group", "SilentlyContinue", "whether groups are nested only enriches the report"},
	{"", "New-ManagementScope", "", "minimal: not come to without a scope, which brings the parameters"},
	{"", "Get-User", "SilentlyContinue", "minimal: the member may be a group"},
	{"", "Remove-ManagementScope", "Continue", "taking back: the error before it is the result"},
}

// The functions of an implicit session live in a module and do not see the
// script's preferences: each call says itself that it must not go on after an
// error.
func checkErrorActions(t *testing.T, calls []call) {
	for _, c := range calls {
		if c.kind == "change" || c.kind == "find" || c.errorAction == "Stop" || strings.Contains(c.cmdlet, "-Exg") {
			continue
		}
		if !slices.ContainsFunc(tolerant, func(e struct{ owner, cmdlet, errorAction, why string }) bool {
			return e.owner == c.owner && e.cmdlet == c.cmdlet && e.errorAction == c.errorAction
		}) {
			t.Errorf("%s: %s in %q has -ErrorAction %q", c.where, c.cmdlet, c.owner, c.errorAction)
		}
	}
}

// unasked are the changes that are made without a question of their own.
var unasked = []struct{ owner, cmdlet, why string }{
	{"Set-ExgForestView", "Set-ADServerSettings", "of this session only, and put back"},
	{"Close-ExgShell", "Set-ADServerSettings", "puts the session back"},
	{"Undo-ExgScope", "Remove-ManagementScope", "takes back what this run made after a question"},
	{"", "Remove-ManagementScope", "minimal: takes back what this run made after a question"},
	{"Open-ExgShell", "Connect-ExchangeServer", "opens the shell"},
}

// Every change waits for an answer: it stands inside an if that asks, or behind
// one that leaves when the answer is no.
func checkQuestions(t *testing.T, calls []call) {
	reads := regexp.MustCompile(`^(Get|Test)-`)
	asked := 0
	for _, c := range calls {
		switch {
		case c.kind == "find":
			if !reads.MatchString(c.cmdlet) {
				t.Errorf("%s: %s is looked up, but changes something", c.where, c.cmdlet)
			}
		case reads.MatchString(c.cmdlet), c.kind == "change":
		case c.cmdlet == "$Cmdlet" && c.owner == "Find-ExgObject":
		case c.guarded:
			asked++
		case !slices.ContainsFunc(unasked, func(e struct{ owner, cmdlet, why string }) bool {
			return e.owner == c.owner && e.cmdlet == c.cmdlet
		}):
			t.Errorf("%s: %s in %q changes something without ShouldProcess", c.where, c.cmdlet, c.owner)
		}
	}
	if asked == 0 {
		t.Error("no change was found that is asked for")
	}
}

// Helpers carry a prefix, so that none hides a command of Exchange.
func checkFunctionNames(t *testing.T, functions map[string]string) {
	name := regexp.MustCompile(`^[A-Z][A-Za-z]+-Exg([A-Z][A-Za-z]*)$`)
	plural := regexp.MustCompile(`[^sui]s$`)
	singular := []string{"OnPremises", "Ews"}
	for function, where := range functions {
		m := name.FindStringSubmatch(function)
		if m == nil {
			t.Errorf("%s: function %s is not Verb-ExgNoun", where, function)
		} else if plural.MatchString(m[1]) && !slices.Contains(singular, m[1]) {
			t.Errorf("%s: function %s has a plural noun", where, function)
		}
	}
}
