package psgen

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// readScripts are the scripts that only read and are about no grant, with how many
// lines each may have.
var readScripts = []struct {
	kind  Kind
	write func(io.Writer) error
	most  int
}{{KindAudit, Audit, 160}, {KindOffice365, Office365, 280}, {KindFieldTest, FieldTest, 120}}

// Such a script is short, tidy and the same for everybody, and no command of it can
// change anything.
func TestReadScripts(t *testing.T) {
	var paths []string
	for _, s := range readScripts {
		script := printed(t, s.write)
		golden(t, string(s.kind)+".ps1", script)
		text := strings.ReplaceAll(strings.TrimPrefix(string(script), byteOrderMark), "\r\n", "\n")
		if lines := strings.Count(text, "\n"); lines > s.most {
			t.Errorf("%s has %d lines, of %d", s.kind, lines, s.most)
		}
		checkText(t, string(s.kind), text)
		path := filepath.Join(t.TempDir(), string(s.kind)+".ps1")
		if err := os.WriteFile(path, script, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, finding := range peers.Check(t, nil, paths...) {
		t.Error(finding)
	}
	commands := engine.Run(t, peers.Job{Parameters: map[string]any{"Path": paths}, Command: `param([string[]]$Path)
foreach ($file in $Path) {
    $ast = [System.Management.Automation.Language.Parser]::ParseFile($file, [ref]$null, [ref]$null)
    foreach ($node in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) { "$($node.CommandElements[0])" }
}`})
	reads := regexp.MustCompile(`^(Get-\w+|(Test|Write|Show|Add|ConvertTo|Format|Hide|Invoke|Get)-Exg\w+|(Where|ForEach|Select|Sort|Group)-Object|` +
		`ConvertTo-Json|Set-Content|Set-StrictMode|Write-Warning|\$list|\$Ask)$`)
	for _, o := range commands.Output {
		if !reads.MatchString(o.Text) {
			t.Errorf("%s is called, which may change something", o.Text)
		}
	}
	if len(commands.Output) < 50 {
		t.Errorf("only %d commands were found", len(commands.Output))
	}
}

// runRead runs a script that only reads, with -ReportPath, and holds the organization
// to what it was.
func runRead(t *testing.T, st *stage, write func(io.Writer) error) (*peers.Result, []byte) {
	t.Helper()
	before, path := st.Snapshot(t), filepath.Join(t.TempDir(), "report [1].json")
	r := st.Run(t, write, "ReportPath", path)
	st.Unchanged(t, "reading", before)
	text, err := os.ReadFile(path)
	if err != nil && r.ExitCode == 0 {
		t.Error(err)
	}
	return r, text
}

func named(t *testing.T, name string, so exchangesim.SessionOptions) *stage {
	t.Helper()
	s, err := exchangesim.ScenarioByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return newStage(t, s, exchangesim.Options{}, so)
}

func TestAudit(t *testing.T) {
	t.Parallel()
	const management = "delegating Administrator through Organization Management for the whole organization"
	const hygiene = "regular Hygiene Management for the whole organization"
	group := "'Reschedule Impersonation': MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'"
	for _, c := range []struct {
		scenario string
		code     int
		holders  []string
		findings []string
	}{
		{"plain", 0, nil, nil},
		{"wider-grant", 0, []string{"regular svc-reschedule for the whole organization"}, nil},
		{"disabled-grant", 0, []string{"regular disabled svc-reschedule for " + group}, nil},
		{"indirect-role-group", 0, []string{"regular svc-reschedule through Scheduling Services for the whole organization"}, nil},
		{"child-role", 0, []string{"regular svc-reschedule for the whole organization"}, nil},
		{"account-deleted", 0, []string{"regular  for " + group}, []string{"warning unresolved-holder"}},
		{"exclusive-scope", 0, nil, []string{"info exclusive-scope"}},
		{"german", 0, nil, nil},
		{"view-root", 0, nil, nil},
		{"strict-mode", 0, nil, nil},
		{"exchange-online", 1, nil, nil},
		{"cmdlet-missing", 1, nil, nil},
		{"constrained-language", 1, nil, nil},
	} {
		for _, deserialized := range []bool{false, true}[:1+len(c.holders)] {
			st := named(t, c.scenario, exchangesim.SessionOptions{Deserialized: deserialized})
			r, text := runRead(t, st, Audit)
			if r.ExitCode != c.code {
				t.Errorf("%s: exit code %d\n%s", c.scenario, r.ExitCode, r.Console)
			}
			if len(text) == 0 {
				continue // it was stopped before it began
			}
			told := scriptshell.ParseReport(t, strings.TrimSpace(string(text)))
			if told.Outcome.ExitCode() != c.code || told.Operation != report.OperationAudit {
				t.Errorf("%s: %s of %s", c.scenario, told.Outcome, told.Operation)
			}
			if c.code != 0 {
				continue
			}
			var holders, findings []string
			for _, h := range told.Holders {
				line := strings.ToLower(h.Delegation)
				if !h.Enabled {
					line += " disabled"
				}
				line += " " + h.Holder
				if h.Via != "" {
					line += " through " + h.Via
				}
				holders = append(holders, line+" for "+h.Scope.Text)
			}
			for _, f := range told.Findings {
				findings = append(findings, string(f.Severity)+" "+f.ID)
			}
			if diff := cmp.Diff(append([]string{management, hygiene}, c.holders...), holders); diff != "" {
				t.Errorf("%s:\n%s", c.scenario, diff)
			}
			if diff := cmp.Diff(c.findings, findings); diff != "" {
				t.Errorf("%s:\n%s", c.scenario, diff)
			}
			if n := strings.Count(r.Console, "Holder     : "); n != len(holders) || !strings.Contains(r.Console, "Outcome  : audited") {
				t.Errorf("%s: %d holders on the console:\n%s", c.scenario, n, r.Console)
			}
		}
	}
}

// Members of Hygiene Management act for every mailbox by default; who runs the script
// twice keeps the first report.
func TestAuditTwice(t *testing.T) {
	st := named(t, "plain", exchangesim.SessionOptions{})
	add := exchange.Command{Cmdlet: "Add-RoleGroupMember"}.With("Identity", exchange.String("Hygiene Management")).With("Member", exchange.String("svc-backup"))
	if s, err := st.Org.Session(exchangesim.SessionOptions{}).Invoke(t.Context(), exchange.Pipeline{add}, nil); err != nil || len(s.Errors) > 0 {
		t.Fatal(err, s.Errors)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	r := st.Run(t, Audit, "ReportPath", path)
	if r.ExitCode != 0 || !strings.Contains(r.Console, "security: svc-backup has it by default, in Hygiene Management.") {
		t.Errorf("exit code %d\n%s", r.ExitCode, r.Console)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r = st.Run(t, Audit, "ReportPath", path)
	if again, err := os.ReadFile(path); r.ExitCode != 1 || err != nil || !bytes.Equal(first, again) {
		t.Errorf("exit code %d: the report was written over: %v\n%s", r.ExitCode, err, r.Console)
	}
	if r = st.Run(t, Audit, "ReportPath", filepath.Join(path, "no folder")); r.ExitCode != 1 {
		t.Errorf("a report without a place: exit code %d\n%s", r.ExitCode, r.Console)
	}
}

// steps are the commands that stand in a script as comments.
func steps(t *testing.T, script []byte) []string {
	t.Helper()
	var steps []string
	for line := range strings.SplitSeq(string(script), "\r\n") {
		if command, ok := strings.CutPrefix(line, "#     "); ok {
			steps = append(steps, command)
		}
	}
	return steps
}

// The office365 script tells what is there. The steps that it shows do what they say
// when somebody takes off their marks, and leave nothing when they are taken back.
func TestOffice365(t *testing.T) {
	st := named(t, "exchange-online-customized", exchangesim.SessionOptions{})
	start := st.Snapshot(t)
	r, text := runRead(t, st, Office365)
	for _, want := range []string{"role: ApplicationImpersonation is gone", "2027-04-01: EWS in Exchange Online ends in 128 days.",
		"EwsEnabled: '': not set", "application: Exchange knows none.", "from 2026-10-01: EWS is switched off", "ExchangeServerApp-GUID"} {
		if r.ExitCode != 0 || !strings.Contains(r.Console, want) {
			t.Errorf("exit code %d, without %q:\n%s", r.ExitCode, want, r.Console)
		}
	}
	if told := scriptshell.ParseReport(t, strings.TrimSpace(string(text))); told.Outcome != report.Audited || told.Changed {
		t.Errorf("%+v", told)
	}
	script := printed(t, Office365)
	commands := steps(t, script)
	back := slices.IndexFunc(commands, func(s string) bool { return strings.HasPrefix(s, "Remove-") })
	if back < 0 || len(commands) < back+3 {
		t.Fatalf("steps %q", commands)
	}
	words := strings.NewReplacer("room1@contoso.com", "anna@contoso.test", "boss@contoso.com", "boss@contoso.test",
		"CustomAttribute1 -eq 'Reschedule'", "CustomAttribute1 -eq 'VIP'")
	run := func(what string, commands []string) *peers.Result {
		r := engine.Run(t, peers.Job{Modules: []string{st.Manifest}, Command: "$PSDefaultParameterValues = @{ '*:Confirm' = $false }\n" + words.Replace(strings.Join(commands, "\n"))})
		if len(r.Errors) > 0 {
			t.Fatalf("%s:\n%s", what, r.Console)
		}
		return r
	}
	made := run("the steps", commands[:back])
	var inScope []string
	for _, o := range made.Output {
		if slices.Contains(o.TypeNames, "Deserialized.Microsoft.Exchange.Management.RbacTasks.ServicePrincipalAuthorizationResult") {
			inScope = append(inScope, fmt.Sprint(o.Property("RoleName"), " ", o.Property("InScope")))
		}
	}
	if diff := cmp.Diff([]string{"Application Calendars.ReadWrite true", "Application Calendars.ReadWrite false"}, inScope); diff != "" {
		t.Errorf("the tests of the steps:\n%s\n%s", diff, made.Console)
	}
	r, _ = runRead(t, st, Office365)
	if want := "application: Reschedule (00000000-0000-0000-0000-000000000001) has 'Application Calendars.ReadWrite' by 'Reschedule'"; !strings.Contains(r.Console, want) {
		t.Errorf("without %q:\n%s", want, r.Console)
	}
	run("back", append([]string{commands[1]}, commands[back:]...))
	st.Unchanged(t, "the steps and the way back", start)
	// The retired way must not stand there as if it worked.
	for _, retired := range []string{"New-RoleGroup", "-Roles ", "-User ", "Enable-OrganizationCustomization -"} {
		if bytes.Contains(script, []byte(retired)) {
			t.Errorf("the script holds %q", retired)
		}
	}
}

func TestOffice365Elsewhere(t *testing.T) {
	for scenario, want := range map[string]string{"plain": "Get-ServicePrincipal is not here", "constrained-language": "Sign this file"} {
		r, _ := runRead(t, named(t, scenario, exchangesim.SessionOptions{}), Office365)
		if r.ExitCode != 1 || !strings.Contains(r.Console, want) {
			t.Errorf("%s: exit code %d\n%s", scenario, r.ExitCode, r.Console)
		}
	}
}

// A renamed session is one of an organization that calls everything by other names.
type renamed struct {
	*exchangesim.Session
	to, from *strings.Replacer
}

func (s *renamed) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	for i, c := range p {
		for j, param := range c.Params {
			if text, ok := param.Value.(exchange.String); ok {
				p[i].Params[j].Value = exchange.String(s.from.Replace(string(text)))
			}
		}
	}
	streams, err := s.Session.Invoke(ctx, p, func(o exchange.Object) error {
		for i, property := range o.Properties {
			switch v := property.Value.(type) {
			case string:
				o.Properties[i].Value = s.to.Replace(v)
			case []string:
				list := make([]string, len(v))
				for j, text := range v {
					list[j] = s.to.Replace(text)
				}
				o.Properties[i].Value = list
			}
		}
		return yield(o)
	})
	for i := range streams.Errors {
		streams.Errors[i].Message = s.to.Replace(streams.Errors[i].Message)
	}
	return streams, err
}

// plainNames are the names of the model's organization. Longer ones come first.
var plainNames = []string{"Reschedule Impersonation", "Reschedule Users", "First Organization", "svc-reschedule", "DC01.contoso.test", "DC02.contoso.test",
	"EX01.contoso.test", "contoso.test", "Old Grant", "Old Scope", "Old Groups", "Foreign Scope", "Foreign Grant", "Protected Executives", "administrator", "Administrator",
	"Services", "Staff", "Berlin", "anna", "VIP", "EX01", "DC01", "DC02", "contoso", "CONTOSO"}

// What the field test writes holds nothing by which the organization could be known,
// whatever its names are made of.
func TestFieldTestHidesNames(t *testing.T) {
	t.Parallel()
	peers.Pwsh(t)
	const mark = "Zq7" // in every name
	pieces := []string{"'", "''", "\"", "$(x)", "`", ".*", "[", "(", ")", "{0}", "%", "@", ",", ",OU=", "=", "/", `\`, `\2C`, "\n", "\t", " ", "\u2019", "ä", "日本", "\U0001F600",
		"-eq", "-or", "CN", "MemberOfGroup", "Name", "n1", "Version 15.2", "\u0130", "<b>", "&amp;", "#", "~", ";", "|"}
	random := rand.New(rand.NewPCG(3, 4))
	text := func() string {
		var b strings.Builder
		for range 1 + random.IntN(4) {
			b.WriteString(pieces[random.IntN(len(pieces))] + mark)
		}
		return b.String() + pieces[random.IntN(len(pieces))]
	}
	guid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}|S-1-5-`)
	scenarios := []string{"plain", "own-scope-other-filter", "stale-group-dn", "scope-unparsable", "exclusive-scope", "equal-other-name", "silent-guid", "view-root",
		"child-role-same-scope", "disabled-grant", "replication-lag", "german"}
	for i, name := range scenarios {
		s, err := exchangesim.ScenarioByName(name)
		if err != nil {
			t.Fatal(err)
		}
		org := exchangesim.New(s, exchangesim.Options{})
		var pairs, reversed []string
		for j, plain := range plainNames {
			hostile := fmt.Sprintf("%s%s%d%s", text(), mark, j, mark)
			if name == scenarios[0] {
				hostile = plain // as it is
			}
			pairs, reversed = append(pairs, plain, hostile), append(reversed, hostile, plain)
		}
		session := &renamed{org.Session(exchangesim.SessionOptions{Deserialized: i%2 == 1}), strings.NewReplacer(pairs...), strings.NewReplacer(reversed...)}
		server, err := scriptproxy.Start(session, org.Clock(), "127.0.0.1:0", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		st := &stage{&scriptshell.Shell{Org: org, Manifest: server.Manifest, Dir: t.TempDir()}}
		path := filepath.Join(t.TempDir(), "answers.txt")
		script := st.Write(t, FieldTest)
		r := engine.Run(t, peers.Job{Script: script, Modules: []string{server.Manifest}, Parameters: map[string]any{"ReportPath": path}})
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		written, err := os.ReadFile(path)
		if r.ExitCode != 0 || err != nil {
			t.Fatalf("%s: exit code %d: %v\n%s", name, r.ExitCode, err, r.Console)
		}
		if shown := strings.TrimSpace(r.Console); shown != strings.TrimSpace(strings.ReplaceAll(string(written), "\r\n", "\n")) {
			t.Errorf("%s: it shows\n%s\nand has written\n%s", name, shown, written)
		}
		for _, plain := range append(slices.Clone(plainNames), mark) {
			// Fixed words of the script's own hold some of them.
			if slices.Contains([]string{"Organization"}, plain) {
				continue
			}
			if strings.Contains(string(written), plain) {
				t.Errorf("%s: %q is in what was written:\n%s", name, plain, written)
			}
		}
		if found := guid.FindString(string(written)); found != "" {
			t.Errorf("%s: %s is in what was written:\n%s", name, found, written)
		}
		if i := bytes.IndexFunc(written, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' && r != '\r' }); i >= 0 {
			t.Errorf("%s: not ASCII at byte %d:\n%q", name, i, written)
		}
	}
}

// The answers tell one server from another.
func TestFieldTestAnswers(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string][]string{
		"own-scope-other-filter": {"servers: Version 15.2 (Build 2562.17)\n", "scope: City -eq 'n", "account by Guid: 88\n", "group by Guid: 88\n",
			"assignment RoleAssignee: Microsoft.Exchange.Data.Directory.ADObjectId n1/n5/n6\n", "no such name: error ManagementObjectNotFoundException\n"},
		"stale-group-dn": {"scope: MemberOfGroup -eq 'CN=n"},
		"silent-guid":    {"account by DistinguishedName: 88\n", "account by Guid: 0\n"},
		"exchange-2016":  {"servers: Version 15.1 (Build 2507.61)\n"},
		"view-root":      {"RecipientViewRoot: System.String n1/n2\n"},
		"strict-mode":    {"account by Name: 88\n"},
	} {
		r, text := runRead(t, named(t, scenario, exchangesim.SessionOptions{}), FieldTest)
		for _, line := range want {
			if r.ExitCode != 0 || !strings.Contains(strings.ReplaceAll(string(text), "\r\n", "\n"), line) {
				t.Errorf("%s: exit code %d, without %q:\n%s", scenario, r.ExitCode, line, r.Console)
			}
		}
	}
	for scenario, want := range map[string]string{"exchange-online": "Nothing was written", "constrained-language": "Sign this file"} {
		if r, text := runRead(t, named(t, scenario, exchangesim.SessionOptions{}), FieldTest); r.ExitCode != 1 || !strings.Contains(r.Console, want) || text != nil {
			t.Errorf("%s: exit code %d\n%s", scenario, r.ExitCode, r.Console)
		}
	}
}

// The testbed is an organization that others modelled.
func TestReadScriptsOnTheTestbed(t *testing.T) {
	t.Parallel()
	module := peers.Shared(t, "testbed", "ExchangeOrg.psm1")
	for _, s := range readScripts {
		if s.kind == KindOffice365 {
			continue // it has no Exchange Online
		}
		st := &scriptshell.Shell{Dir: t.TempDir()}
		quote, err := Literal(st.Write(t, s.write))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "report.json")
		r := peers.RunProcess(t, peers.Process{
			Args: []string{"-Command", fmt.Sprintf("Import-Module '%s' -DisableNameChecking\n& %s -ReportPath '%s'\nexit $LASTEXITCODE", module, quote, path)},
			Env:  []string{"EXCHANGEORG_STATE=" + filepath.Join(t.TempDir(), "org.json")}, OneConsole: true,
		})
		written, err := os.ReadFile(path)
		if r.Code != 0 || err != nil {
			t.Fatalf("%s: exit code %d: %v\n%s", s.kind, r.Code, err, r.Stdout)
		}
		if s.kind == KindFieldTest {
			for _, name := range []string{"contoso", "CONTOSO", "svc-", "Calendar", "EX01", "EX02", "dc01", "Alice", "First"} {
				if bytes.Contains(written, []byte(name)) {
					t.Errorf("%q is in what was written:\n%s", name, written)
				}
			}
			continue
		}
		var told report.Report
		if err := json.Unmarshal(written, &told); err != nil || told.Outcome != report.Audited || len(told.Holders) == 0 {
			t.Errorf("%s: %v\n%s", s.kind, err, written)
		}
	}
}

// In a management shell a reference to an object of the directory is an object, which is
// equal to no text. So every comparison of one is of its text, "$(…)": nothing else would
// show here that runs where references are text. Tables of the scripts' own have names
// in lower case, or hold what a command is given.
func TestReferencesAreComparedAsText(t *testing.T) {
	scripts := map[string]func(io.Writer) error{"audit": Audit, "office365": Office365, "fieldtest": FieldTest}
	for _, kind := range []Kind{KindGrant, KindRevoke, KindStatus} {
		for _, a := range []exchange.Assignee{exchange.NewUser("svc"), exchange.NewSecurityGroup("Schedulers"), {Kind: exchange.RoleGroup, Identity: "R", Members: []string{"svc"}}} {
			for _, s := range []exchange.Scope{{Kind: exchange.Group, Text: "G"}, {Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"},
				{Kind: exchange.RecipientFilter, Text: "City -eq 'Bonn'"}, {Kind: exchange.Existing, Text: "Rooms"}, {Kind: exchange.WholeOrganization}} {
				g := exchange.Grant{Assignee: a, Scope: s}
				if writeGrant(io.Discard, kind, g) != nil {
					continue // there is no such script yet
				}
				scripts[fmt.Sprint(kind, " ", assigneeFact(a.Kind), " ", s.Kind)] = func(w io.Writer) error { return writeGrant(w, kind, g) }
			}
		}
	}
	flawed := filepath.Join(t.TempDir(), "flawed.ps1")
	if err := os.WriteFile(flawed, []byte("$a.CustomRecipientWriteScope -eq 'x'; 'x' -in $_.Role; \"$($a.Role)\" -eq 'x'; $Grant.role -eq 'x'; switch ($it.User) { 'x' { 1 } }"), 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{flawed}
	for name, write := range scripts {
		path := filepath.Join(t.TempDir(), strings.ReplaceAll(name, " ", "-")+".ps1")
		if err := os.WriteFile(path, printed(t, write), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	r := engine.Run(t, peers.Job{Parameters: map[string]any{"Path": paths, "Names": exchangesim.References()}, Command: `param([string[]]$Path, [string[]]$Names)
function Test-Bare($node) {
    $node -is [System.Management.Automation.Language.MemberExpressionAst] -and $Names -ccontains "$($node.Member)" -and
        "$($node.Expression)" -notmatch '^\$(with|Run)$'
}
foreach ($file in $Path) {
    $ast = [System.Management.Automation.Language.Parser]::ParseFile($file, [ref]$null, [ref]$null)
    $found = @($ast.FindAll({ $args[0] -is [System.Management.Automation.Language.BinaryExpressionAst] }, $true) |
        Where-Object { "$($_.Operator)" -notmatch '^(Plus|Minus|Multiply|Divide|Rem|Format|And|Or|Xor|Join)$' -and ((Test-Bare $_.Left) -or (Test-Bare $_.Right)) })
    $found += @($ast.FindAll({ $args[0] -is [System.Management.Automation.Language.SwitchStatementAst] }, $true) |
        ForEach-Object { $_.Condition } | Where-Object { $_ } | ForEach-Object { $_.PipelineElements[0].Expression } | Where-Object { Test-Bare $_ })
    $found | ForEach-Object { [System.IO.Path]::GetFileName($file) + ': ' + $_.Extent.Text }
}`})
	var got []string
	for _, o := range r.Output {
		got = append(got, o.Text)
	}
	want := []string{"flawed.ps1: $a.CustomRecipientWriteScope -eq 'x'", "flawed.ps1: 'x' -in $_.Role", "flawed.ps1: $it.User"}
	if diff := cmp.Diff(want, got); diff != "" || len(r.Errors) > 0 {
		t.Errorf("comparisons of references in %d scripts:\n%s\n%s", len(paths), diff, r.Console)
	}
}
