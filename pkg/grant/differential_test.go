package grant

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/psgen"
)

// engine is shared by all tests: each job has a runspace of its own.
var engine peers.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	os.Exit(code)
}

// TestDifferential runs every operation of every scenario twice, by the generated
// full script on the real engine and by this package over PowerShell remoting, each
// in an organization of its own, and demands the same end state and the same report.
func TestDifferential(t *testing.T) {
	peers.Pwsh(t)
	for _, s := range exchangesim.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			if testing.Short() && s.Name == "recipients-50000" {
				t.Skip("50,000 recipients take long")
			}
			newPair(t, s).compareAll(t, s.Grant())
		})
	}
}

// TestDifferentialForms does the same for every form of assignee and scope, and for
// the options of a grant.
func TestDifferentialForms(t *testing.T) {
	peers.Pwsh(t)
	user, group := exchange.NewUser(`CONTOSO\svc-reschedule`), exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}
	roleGroup := exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{`CONTOSO\svc-reschedule`, "Peter O'Brien"},
		ViewOnlyConfiguration: true}
	unit := exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}
	whole := exchange.Scope{Kind: exchange.WholeOrganization}
	for _, form := range []struct {
		name, scenario string
		g              exchange.Grant
		first          *exchange.Grant // there already
		update, empty  bool
	}{
		{name: "whole organization", g: exchange.Grant{Assignee: user, Scope: whole}},
		{name: "unit", g: exchange.Grant{Assignee: user, Scope: unit}},
		{name: "no unit", g: exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Nowhere"}}},
		{name: "filter", g: exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.RecipientFilter, Text: "Name -eq 'anna' -or Name -eq 'ben'"}}},
		{name: "named scope", g: exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users", Name: "Rooms and People"}}},
		{name: "apostrophe", g: exchange.Grant{Assignee: exchange.NewUser("Peter O'Brien"), Scope: group}},
		{name: "security group", g: exchange.Grant{Assignee: exchange.NewSecurityGroup("Reschedule Users"), Scope: group, Mailbox: "svc-reschedule@contoso.test"}},
		{name: "no group", g: exchange.Grant{Assignee: exchange.NewSecurityGroup("No Such Group"), Scope: group}},
		{name: "pinned", g: exchange.Grant{Assignee: user, Scope: group, DomainController: "DC02.contoso.test"}},
		{name: "pinned where nothing is", g: exchange.Grant{Assignee: user, Scope: group, DomainController: "DC09.contoso.test"}},
		{name: "role group", g: exchange.Grant{Assignee: roleGroup, Scope: group, InScope: []string{"anna@contoso.test"}}},
		{name: "role group, unit", g: exchange.Grant{Assignee: roleGroup, Scope: unit}},
		{name: "role group, whole organization", g: exchange.Grant{Assignee: roleGroup, Scope: whole}},
		{name: "existing scope", scenario: "own-name-other-scope", g: exchange.Grant{Assignee: user,
			Scope: exchange.Scope{Kind: exchange.Existing, Text: "Berlin"}}},
		{name: "exclusive existing scope", scenario: "exclusive-scope", g: exchange.Grant{Assignee: user,
			Scope: exchange.Scope{Kind: exchange.Existing, Text: "Protected Executives"}}},
		{name: "update the assignment", scenario: "own-name-other-scope", update: true},
		{name: "update the scope", scenario: "own-scope-other-filter", update: true},
		{name: "update a stale scope", scenario: "stale-group-dn", update: true},
		{name: "widen to the whole organization", scenario: "own-name-other-scope", update: true, g: exchange.Grant{Assignee: user, Scope: whole,
			Name: "Reschedule Impersonation"}},
		{name: "update the unit", update: true, first: &exchange.Grant{Assignee: user, Name: "Unit Grant",
			Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff/Berlin"}},
			g: exchange.Grant{Assignee: user, Name: "Unit Grant", Scope: unit}},
		{name: "empty scope", scenario: "empty-group", empty: true},
	} {
		t.Run(form.name, func(t *testing.T) {
			if form.scenario == "" {
				form.scenario = "plain"
			}
			s := scenario(t, form.scenario)
			if form.g.Assignee.Kind == "" {
				form.g = s.Grant()
			}
			p := newPair(t, s)
			if form.update {
				p.parameters, p.stage.o.UpdateScope = []any{"UpdateScope", true}, true
			}
			if form.empty {
				p.parameters, p.stage.o.AllowEmpty = []any{"AllowEmpty", true}, true
			}
			if form.first != nil {
				first, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Grant(w, *form.first, psgen.Full) })
				p.compare(t, "first", first, p.stage.grant(t, *form.first))
			}
			p.compareAll(t, form.g)
		})
	}
}

// A pair is the same organization twice: one for scripts, one for this package.
type pair struct {
	shell      *scriptshell.Shell
	stage      *stage
	parameters []any // of the grant script
}

func newPair(t *testing.T, s exchangesim.Scenario) *pair {
	t.Helper()
	return &pair{shell: scriptshell.Open(t, &engine, s, exchangesim.Options{}, exchangesim.SessionOptions{}), stage: newRemoteStage(t, s)}
}

// compareAll goes through a grant's life on both sides.
func (p *pair) compareAll(t *testing.T, g exchange.Grant) {
	full := func(w io.Writer) error { return psgen.Grant(w, g, psgen.Full) }
	script, _ := p.shell.Report(t, full, append([]any{"WhatIf", true}, p.parameters...)...)
	p.stage.o.Operator = script.Operator
	plan, report := p.stage.plan(t, g)
	p.compare(t, "plan", script, report)
	if plan != nil {
		compareCommands(t, script, plan)
	}

	first, _ := p.shell.Report(t, full, p.parameters...)
	report = p.stage.grant(t, g)
	p.compare(t, "grant", first, report)

	again, _ := p.shell.Report(t, full, p.parameters...)
	p.compare(t, "second grant", again, p.stage.grant(t, g))

	status, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Status(w, g) })
	p.compare(t, "verify", status, p.stage.verify(t, g))

	audit, _ := p.shell.Report(t, psgen.Audit)
	p.compare(t, "audit", audit, p.stage.audit(t))

	if len(first.Inverse) > 0 && len(report.Inverse) > 0 {
		p.compareRollback(t, first, *report)
	}
	revoke, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Revoke(w, g, psgen.Full) })
	p.compare(t, "revoke", revoke, p.stage.revoke(t, Revocation{Grant: &g}))
}

// compareRollback takes the grant back from its report, twice, and makes it again
// from the report of the first time.
func (p *pair) compareRollback(t *testing.T, script, report exchange.Report) {
	t.Helper()
	back, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Rollback(w, script) })
	ours := p.stage.revoke(t, Revocation{Report: &report})
	p.compare(t, "rollback", back, ours)

	again, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Rollback(w, script) })
	p.compare(t, "second rollback", again, p.stage.revoke(t, Revocation{Report: &report}))

	forth, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Rollback(w, back) })
	p.compare(t, "rollback of the rollback", forth, p.stage.revoke(t, Revocation{Report: ours}))
}

func (p *pair) compare(t *testing.T, what string, script exchange.Report, ours *exchange.Report) {
	t.Helper()
	want, got := normalized(t, script), normalized(t, *ours)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the script's report (-) and ours (+):\n%s", what, diff)
	}
	if want, got := p.shell.Snapshot(t), p.stage.snapshot(t); want != got {
		t.Errorf("%s: the organizations differ, after the script (-) and ours (+):\n%s", what, scriptshell.Diff(want, got))
	}
	if want, got := p.shell.Org.Snapshot().Customization, p.stage.org.Snapshot().Customization; want != got {
		t.Errorf("%s: customization is %+v after the script, %+v after ours", what, want, got)
	}
}

// compareCommands holds the plan's commands to what -WhatIf shows.
func compareCommands(t *testing.T, script exchange.Report, plan *exchange.Plan) {
	t.Helper()
	var want, got []string
	for _, s := range script.Steps {
		if s.Status == exchange.StatusPlanned {
			cmdlet, _, _ := strings.Cut(s.Command, " ")
			want = append(want, s.ID+" "+cmdlet)
		}
	}
	for _, c := range plan.Changes {
		got = append(got, c.ID+" "+c.Command.Cmdlet)
		if c.Why == "" {
			t.Errorf("%s: the plan does not say why", c.Command.Cmdlet)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the changes of the preview (-) and of the plan (+):\n%s", diff)
	}
}

// scriptWords are the texts that speak of a script, and what the program says.
var scriptWords = strings.NewReplacer(
	"Use -UpdateScope to", "Use --update-scope to",
	"or use -AllowEmpty when", "or use --allow-empty when",
	"this script cannot compare", "exgrant cannot compare",
	"run this script again later", "apply again later",
	"This shell is connected", "This session is connected",
	"Run this script in a shell of the on-premises organization", "Connect to a server of the on-premises organization",
)

var (
	requestPattern = regexp.MustCompile(`RequestId=[0-9a-f-]+,TimeStamp=[^\]]*`)
	guidPattern    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
)

// normalized is a report as text without what depends on when, where and by whom
// it was made: GUIDs are numbered in the order in which they appear.
func normalized(t *testing.T, r exchange.Report) string {
	t.Helper()
	r.Operation, r.Operator, r.Tool = "", "", ""
	r.Target.Server, r.Target.Transport, r.Target.LanguageMode = "", "", ""
	r.StartedAt, r.FinishedAt = time.Time{}, time.Time{}
	for i := range r.Steps {
		r.Steps[i].DurationMS = 0
		if f := r.Steps[i].Fault; f != nil && f.ID == fault.CmdletMissing && f.Record != nil {
			r.Steps[i].Fault = withoutEngine(*f)
		}
	}
	text := requestPattern.ReplaceAllString(pretty(t, r), "RequestId")
	text = scriptWords.Replace(text)
	seen := map[string]string{}
	return guidPattern.ReplaceAllStringFunc(text, func(guid string) string {
		if seen[guid] == "" {
			seen[guid] = fmt.Sprintf("GUID-%d", len(seen)+1)
		}
		return seen[guid]
	})
}

// withoutEngine leaves out what PowerShell itself says of a missing command: its
// words are those of its version, and -ErrorAction Stop shortens the record.
func withoutEngine(f exchange.Fault) *exchange.Fault {
	record := *f.Record
	record.FullyQualifiedErrorID, record.Activity = "", ""
	f.Message, f.Record = "", &record
	return &f
}
