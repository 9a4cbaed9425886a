package grant

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/report"
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
// in an organization of its own, and demands the same end state, the same outcome and
// with it the same exit code. Words and findings may differ.
func TestDifferential(t *testing.T) {
	peers.Pwsh(t)
	for _, s := range exchangesim.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			if testing.Short() && s.Name == "recipients-50000" {
				t.Skip("50,000 recipients take long")
			}
			if _, ok := scenarioEnds[s.Name]; !ok {
				t.Errorf("scenario_test.go does not say how %s ends", s.Name)
			}
			if s.Shell.ConstrainedLanguage {
				return // a script cannot run there, which package psgen's tests hold; the endpoint takes commands
			}
			p := newPair(t, s)
			p.byNameAlone = byNameAlone[s.Name]
			p.compareAll(t, s.Grant())
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
		byName, empty  bool
		noVerify       bool // a script reads from the server that it is pinned to alone, and says that this one does not answer
	}{
		{name: "whole organization", g: exchange.Grant{Assignee: user, Scope: whole}},
		{name: "unit", g: exchange.Grant{Assignee: user, Scope: unit}},
		{name: "no unit", byName: true, g: exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Nowhere"}}},
		{name: "filter", g: exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.RecipientFilter, Text: "Name -eq 'anna' -or Name -eq 'ben'"}}},
		{name: "named scope", g: exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users", Name: "Rooms and People"}}},
		{name: "apostrophe", g: exchange.Grant{Assignee: exchange.NewUser("Peter O'Brien"), Scope: group}},
		{name: "security group", g: exchange.Grant{Assignee: exchange.NewSecurityGroup("Reschedule Users"), Scope: group, Mailbox: "svc-reschedule@contoso.test"}},
		{name: "no group", g: exchange.Grant{Assignee: exchange.NewSecurityGroup("No Such Group"), Scope: group}},
		{name: "pinned", g: exchange.Grant{Assignee: user, Scope: group, DomainController: "DC02.contoso.test"}},
		{name: "pinned where nothing is", noVerify: true, g: exchange.Grant{Assignee: user, Scope: group, DomainController: "DC09.contoso.test"}},
		{name: "role group", g: exchange.Grant{Assignee: roleGroup, Scope: group, InScope: []string{"anna@contoso.test"}}},
		{name: "role group, unit", g: exchange.Grant{Assignee: roleGroup, Scope: unit}},
		{name: "role group, whole organization", g: exchange.Grant{Assignee: roleGroup, Scope: whole}},
		{name: "existing scope", scenario: "own-name-other-scope", g: exchange.Grant{Assignee: user,
			Scope: exchange.Scope{Kind: exchange.Existing, Text: "Berlin"}}},
		{name: "exclusive existing scope", byName: true, scenario: "exclusive-scope", g: exchange.Grant{Assignee: user,
			Scope: exchange.Scope{Kind: exchange.Existing, Text: "Protected Executives"}}},
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
			p.byNameAlone, p.noVerify = form.byName, form.noVerify
			if form.empty {
				p.parameters, p.stage.o.AllowEmpty = []any{"AllowEmpty", true}, true
			}
			p.compareAll(t, form.g)
		})
	}
}

// byNameAlone are the scenarios in which a script takes back more than this package: it
// goes by its exact name, whatever became of the account, the group and the scope, and
// shows what it found in its question. Package psgen's scenarios hold how it ends.
var byNameAlone = map[string]bool{
	"global-assignee": true, "own-name-other-scope": true, "own-scope-other-filter": true, "group-deleted": true, "account-deleted": true,
	"both-renamed": true, "role-group-other-scope": true, "shared-scope-other-filter": true, "stale-group-dn": true,
}

// A pair is the same organization twice: one for scripts, one for this package.
type pair struct {
	shell      *scriptshell.Shell
	stage      *stage
	parameters []any // of the grant script

	byNameAlone, noVerify bool // a script's revocation, or status, is another
}

func newPair(t *testing.T, s exchangesim.Scenario) *pair {
	t.Helper()
	return &pair{shell: scriptshell.Open(t, &engine, s, exchangesim.Options{}, exchangesim.SessionOptions{}), stage: newRemoteStage(t, s)}
}

// compareAll goes through a grant's life on both sides.
func (p *pair) compareAll(t *testing.T, g exchange.Grant) {
	full := func(w io.Writer) error { return psgen.Grant(w, g) }
	script, _ := p.shell.Report(t, full, append([]any{"WhatIf", true}, p.parameters...)...)
	p.stage.as(script.Operator)
	plan, told := p.stage.plan(t, g)
	p.compare(t, "plan", script, told)
	if plan != nil {
		compareCommands(t, script, plan)
	}

	// -Confirm:$false does not agree to what cannot be undone.
	agreed := append([]any{"EnableCustomization", true}, p.parameters...)
	first, _ := p.shell.Report(t, full, agreed...)
	told = p.stage.grant(t, g)
	p.compare(t, "grant", first, told)

	again, _ := p.shell.Report(t, full, agreed...)
	p.compare(t, "second grant", again, p.stage.grant(t, g))

	status, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Status(w, g) })
	if ours := p.stage.verify(t, g); !p.noVerify {
		p.compare(t, "verify", status, ours)
	}

	audit, _ := p.shell.Report(t, psgen.Audit)
	p.compare(t, "audit", audit, p.stage.audit(t))

	if len(first.Inverse) > 0 && len(told.Inverse) > 0 {
		p.compareUndo(t, first, *told)
	}
	if p.byNameAlone {
		return
	}
	revoke, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Revoke(w, g) })
	p.compare(t, "revoke", revoke, p.stage.revoke(t, Revocation{Grant: &g}))
}

// compareUndo takes the grant back from its report, twice, and makes it again
// from the report of the first time.
func (p *pair) compareUndo(t *testing.T, script, told report.Report) {
	t.Helper()
	back, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Undo(w, script) })
	ours := p.stage.revoke(t, Revocation{Report: &told})
	p.compare(t, "undo", back, ours)

	again, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Undo(w, script) })
	p.compare(t, "second undo", again, p.stage.revoke(t, Revocation{Report: &told}))

	forth, _ := p.shell.Report(t, func(w io.Writer) error { return psgen.Undo(w, back) })
	p.compare(t, "undo of the undo", forth, p.stage.revoke(t, Revocation{Report: ours}))
}

func (p *pair) compare(t *testing.T, what string, script report.Report, ours *report.Report) {
	t.Helper()
	if script.Outcome != ours.Outcome || script.Changed != ours.Changed {
		t.Errorf("%s: the script ends as %s (changed %v), this package as %s (changed %v)\nthe script: %s\nours: %s", what,
			script.Outcome, script.Changed, ours.Outcome, ours.Changed, pretty(t, script.Steps), pretty(t, ours.Steps))
	}
	if want, got := p.shell.Snapshot(t), p.stage.snapshot(t); want != got {
		t.Errorf("%s: the organizations differ, after the script (-) and ours (+):\n%s", what, scriptshell.Diff(want, got))
	}
	if want, got := p.shell.Org.Snapshot().Customization, p.stage.org.Snapshot().Customization; want != got {
		t.Errorf("%s: customization is %+v after the script, %+v after ours", what, want, got)
	}
}

// compareCommands holds the plan's commands to what -WhatIf shows.
func compareCommands(t *testing.T, script report.Report, plan *report.Plan) {
	t.Helper()
	var want, got []string
	for _, s := range script.Steps {
		if s.Status == report.StatusPlanned {
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
