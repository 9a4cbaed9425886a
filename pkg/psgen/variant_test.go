package psgen

import (
	"io"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// stageOf is a stage for the scenario of that name.
func stageOf(t *testing.T, name string) (*stage, exchange.Grant) {
	t.Helper()
	s, err := exchangesim.ScenarioByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{}), s.Grant()
}

// TestGrantForms grants, repeats, checks, takes back by name and by report, for
// every form of assignee and scope.
func TestGrantForms(t *testing.T) {
	user := exchange.NewUser(`CONTOSO\svc-reschedule`)
	roleGroup := roleGroupGrant().Assignee
	group := exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}
	for _, test := range []struct {
		name string
		g    exchange.Grant
	}{
		{"user, whole organization", exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.WholeOrganization}}},
		{"user, unit", exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}}},
		{"user, filter", exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.RecipientFilter, Text: "Name -eq 'anna' -or Name -eq 'ben'"}}},
		{"user, named scope", exchange.Grant{Assignee: user, Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users", Name: "Rooms and People"}}},
		{"user by name with an apostrophe", exchange.Grant{Assignee: exchange.NewUser("Peter O'Brien"), Scope: group}},
		{"security group", exchange.Grant{Assignee: exchange.NewSecurityGroup("Reschedule Users"), Scope: group}},
		{"pinned", exchange.Grant{Assignee: user, Scope: group, DomainController: "DC02.contoso.test"}},
		{"role group", exchange.Grant{Assignee: roleGroup, Scope: group}},
		{"role group, unit", exchange.Grant{Assignee: roleGroup, Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}}},
		{"role group, whole organization", exchange.Grant{Assignee: roleGroup, Scope: exchange.Scope{Kind: exchange.WholeOrganization}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := test.g
			for _, style := range []Style{Full, Minimal} {
				st, _ := stageOf(t, "plain")
				start := st.Snapshot(t)
				grant := func(w io.Writer) error { return Grant(w, g, style) }
				status := func(w io.Writer) error { return Status(w, g) }
				if style == Minimal {
					if r := st.Run(t, grant, "Confirm", false); r.ExitCode != 0 {
						t.Fatalf("minimal grant: exit code %d\n%s", r.ExitCode, r.Console)
					}
				} else {
					first, code := st.Report(t, grant)
					checkEnd(t, "grant", first, code, exchange.Granted)
					granted := st.Snapshot(t)
					again, code := st.Report(t, grant)
					checkEnd(t, "again", again, code, exchange.AlreadyGranted)
					st.rollback(t, first, granted, start)
				}
				r, code := st.Report(t, status)
				checkEnd(t, "status", r, code, exchange.Verified)
				st.revoke(t, g, style, start)
			}
		})
	}
}

// revoke takes the grant back by name. A scope with a name of its own stays.
func (s *stage) revoke(t *testing.T, g exchange.Grant, style Style, start string) {
	t.Helper()
	revoke := func(w io.Writer) error { return Revoke(w, g, style) }
	if r := s.Run(t, revoke, "Confirm", false); r.ExitCode != 0 {
		t.Errorf("revoke: exit code %d\n%s", r.ExitCode, r.Console)
	}
	if g.Scope.Name == "" {
		s.Unchanged(t, "grant and revoke", start)
	} else if got := s.Snapshot(t); !strings.Contains(got, g.Scope.Name) || strings.Contains(got, g.AssignmentName()) {
		t.Errorf("the scope with its own name should be all that is left:\n%s", scriptshell.Diff(start, got))
	}
	if r := s.Run(t, revoke, "Confirm", false); r.ExitCode != 0 {
		t.Errorf("second revoke: exit code %d\n%s", r.ExitCode, r.Console)
	}
}

// TestExistingScope uses a scope that somebody else made; it is never removed.
func TestExistingScope(t *testing.T) {
	st, g := stageOf(t, "own-name-other-scope")
	g.Name, g.Scope = "", exchange.Scope{Kind: exchange.Existing, Text: "Berlin"}
	g.InScope, g.OutOfScope = nil, nil
	start := st.Snapshot(t)
	r, code := st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) })
	checkEnd(t, "an equal grant", r, code, exchange.AlreadyGranted)

	g.Assignee = exchange.NewUser("svc-backup")
	g.Mailbox = ""
	r, code = st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) })
	checkEnd(t, "grant", r, code, exchange.Granted)
	r, code = st.Report(t, func(w io.Writer) error { return Revoke(w, g, Full) })
	checkEnd(t, "revoke", r, code, exchange.Revoked)
	st.Unchanged(t, "grant and revoke", start)

	g.Scope.Text = "Nowhere"
	r, code = st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) })
	checkEnd(t, "a scope that does not exist", r, code, exchange.NotFound)
}

// TestUpdateScope changes what stands under the grant's name, and takes it back.
func TestUpdateScope(t *testing.T) {
	for _, name := range []string{"own-name-other-scope", "own-scope-other-filter", "stale-group-dn"} {
		for _, kind := range []exchange.ScopeKind{exchange.Group, exchange.WholeOrganization, exchange.OrganizationalUnit} {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				st, g := stageOf(t, name)
				g.InScope, g.OutOfScope = nil, nil
				switch kind {
				case exchange.WholeOrganization:
					g.Scope = exchange.Scope{Kind: kind}
				case exchange.OrganizationalUnit:
					g.Scope = exchange.Scope{Kind: kind, Text: "contoso.test/Staff"}
				}
				grant := func(w io.Writer) error { return Grant(w, g, Full) }
				start := st.Snapshot(t)
				preview, code := st.Report(t, grant, "UpdateScope", true, "WhatIf", true)
				checkEnd(t, "preview", preview, code, exchange.Planned)
				st.Unchanged(t, "preview", start)
				r, code := st.Report(t, grant, "UpdateScope", true)
				checkEnd(t, "grant", r, code, exchange.Granted)
				granted := st.Snapshot(t)
				again, code := st.Report(t, grant)
				checkEnd(t, "again", again, code, exchange.AlreadyGranted)
				st.rollback(t, r, granted, start)
			})
		}
	}
}

// TestWideningIsNamed: the question and the preview say that a grant becomes wider.
func TestWideningIsNamed(t *testing.T) {
	st, g := stageOf(t, "own-name-other-scope")
	g.Scope = exchange.Scope{Kind: exchange.WholeOrganization}
	r := st.Run(t, func(w io.Writer) error { return Grant(w, g, Full) }, "UpdateScope", true, "WhatIf", true)
	if !strings.Contains(r.Console, "THIS WIDENS THE GRANT") {
		t.Errorf("no word of it:\n%s", r.Console)
	}
}

func TestAllowEmpty(t *testing.T) {
	st, g := stageOf(t, "empty-group")
	r, code := st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) }, "AllowEmpty", true)
	checkEnd(t, "grant", r, code, exchange.Granted)
	if !hasFinding(r, "scope-empty") {
		t.Errorf("findings %+v, none is scope-empty", r.Findings)
	}
}

// TestTimeoutIsABudget: with no time left the outcome says so, and nothing stays
// half made. Afterwards the same script goes through.
func TestTimeoutIsABudget(t *testing.T) {
	for _, minutes := range []float64{0, 0.05} {
		st, g := stageOf(t, "not-yet-in-effect")
		grant := func(w io.Writer) error { return Grant(w, g, Full) }
		start := st.Snapshot(t)
		r, code := st.Report(t, grant, "TimeoutMinutes", minutes)
		checkEnd(t, "no time", r, code, exchange.CustomizationPending)
		st.Unchanged(t, "no time", start)
		for range 3 {
			r, code = st.Report(t, grant)
		}
		checkEnd(t, "later", r, code, exchange.AlreadyGranted)

		st, g = stageOf(t, "not-yet-in-effect")
		m := st.Run(t, func(w io.Writer) error { return Grant(w, g, Minimal) }, "TimeoutMinutes", minutes, "Confirm", false)
		if m.ExitCode != 3 {
			t.Errorf("minimal: exit code %d, want 3\n%s", m.ExitCode, m.Console)
		}
		st.Unchanged(t, "minimal, no time", start)
	}
}

// TestWaitsGrow: 2 seconds, doubling, at most 5 minutes, within the budget.
func TestWaitsGrow(t *testing.T) {
	st, g := stageOf(t, "not-yet-in-effect")
	r, _ := st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) })
	if got := r.FinishedAt.Sub(r.StartedAt).Seconds(); got != 2+4+8 {
		t.Errorf("three waits took %v seconds, want 14", got)
	}
}

// TestDomainController: a pin is used for the writes and told; one that cannot see
// an object is not a reason to say that it does not exist.
func TestDomainController(t *testing.T) {
	st, g := stageOf(t, "replication-lag")
	st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) })
	g.Scope, g.Name = exchange.Scope{Kind: exchange.Existing, Text: g.Name}, ""
	r, code := st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) }, "DomainController", "DC02.contoso.test")
	checkEnd(t, "a scope that DC02 does not have yet", r, code, exchange.NotFound)
	if last := r.Steps[len(r.Steps)-1]; !strings.Contains(last.Fault.Message, "on this domain controller (DC02.contoso.test)") {
		t.Errorf("the failed step says %q", last.Fault.Message)
	}

	st, g = stageOf(t, "plain")
	r, code = st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) }, "DomainController", "DC02.contoso.test")
	checkEnd(t, "pinned", r, code, exchange.Granted)
	for _, s := range r.Steps {
		if s.Status == exchange.StatusChanged && !strings.Contains(s.Command, "-DomainController 'DC02.contoso.test'") {
			t.Errorf("not pinned: %s", s.Command)
		}
	}
}

func hasFinding(r exchange.Report, id string) bool {
	for _, f := range r.Findings {
		if f.ID == id {
			return true
		}
	}
	return false
}

// TestPinReachesEveryChange: a domain controller in the grant is where every style
// of script makes every change.
func TestPinReachesEveryChange(t *testing.T) {
	for _, g := range []exchange.Grant{groupGrant(), roleGroupGrant()} {
		g.DomainController = "DC02.contoso.test"
		for _, style := range []Style{Full, Minimal} {
			st, _ := stageOf(t, "plain")
			for _, print := range []func(io.Writer) error{
				func(w io.Writer) error { return Grant(w, g, style) },
				func(w io.Writer) error { return Revoke(w, g, style) },
			} {
				if r := st.Run(t, print, "Confirm", false); r.ExitCode != 0 {
					t.Fatalf("exit code %d\n%s", r.ExitCode, r.Console)
				}
			}
			changes := 0
			for _, c := range st.Org.Calls() {
				if !c.Writes {
					continue
				}
				changes++
				if got := c.Command.Text("DomainController"); got != g.DomainController {
					t.Errorf("style %d: %s on %q", style, c.Command.Cmdlet, got)
				}
			}
			if changes < 4 {
				t.Errorf("style %d: %d changes", style, changes)
			}
		}
	}
}
