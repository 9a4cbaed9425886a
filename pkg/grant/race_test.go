package grant

import (
	"context"
	"slices"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A rival is an Invoker before whose first run of one cmdlet another administrator
// does something.
type rival struct {
	exchange.Invoker
	cmdlet string
	act    func()
}

func (r *rival) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	if act := r.act; act != nil && p[0].Cmdlet == r.cmdlet {
		r.act = nil
		act()
	}
	return r.Invoker.Invoke(ctx, p, yield)
}

const raceName, raceFilter = "Reschedule Impersonation", "MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'"

// Between reading and writing somebody else writes: what they made is read, and
// used or left alone.
func TestRace(t *testing.T) {
	assign := func(account string, scope commands.WriteScope) exchange.Command {
		return commands.NewAssignment(raceName, exchange.User, account, exchange.Role, scope, "")
	}
	ours := commands.WriteScope{Custom: raceName}
	for _, c := range []struct {
		name, before string
		made         []exchange.Command
		end          report.Outcome
		scopes       int
		changed      bool
	}{
		{"the same grant before the scope", "New-ManagementScope", []exchange.Command{commands.NewScope(raceName, raceFilter, ""), assign("svc-reschedule", ours)},
			report.AlreadyGranted, 1, false},
		{"the same scope", "New-ManagementScope", []exchange.Command{commands.NewScope(raceName, raceFilter, "")}, report.Granted, 1, true},
		{"another scope of the name", "New-ManagementScope", []exchange.Command{commands.NewScope(raceName, "City -eq 'Berlin'", "")}, report.Conflict, 1, false},
		{"the same assignment", "New-ManagementRoleAssignment", []exchange.Command{assign("svc-reschedule", ours)}, report.Granted, 1, true},
		{"the name for another account", "New-ManagementRoleAssignment", []exchange.Command{assign("svc-backup", commands.WriteScope{})}, report.Conflict, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scenario(t, "plain")
			st := newStage(t, s)
			plan, _ := st.plan(t, s.Grant())
			st.inv = &rival{st.session, c.before, func() {
				for _, command := range c.made {
					st.command(t, command)
				}
			}}
			result := st.apply(t, plan)
			checkEnd(t, "apply", result, c.end)
			if result.Changed != c.changed {
				t.Errorf("the report says changed %v", result.Changed)
			}
			if scopes := st.org.Snapshot().Scopes; len(scopes) != c.scopes {
				t.Errorf("scopes %+v", scopes)
			}
			st.onlyOneGrant(t)
			if last := result.Steps[len(result.Steps)-1]; c.end == report.Granted && last.ID != report.StepReach {
				t.Errorf("it ends with %+v", last)
			}
		})
	}
}

// The reply to the clean-up of a scope can be lost too.
func TestLostCleanUp(t *testing.T) {
	for name, loss := range losses {
		s := scenario(t, "plain")
		st := newStage(t, s)
		plan, _ := st.plan(t, s.Grant())
		a := &accident{Invoker: st.session, at: 3, write: true, happen: loss}
		st.inv = &rival{a, "New-ManagementRoleAssignment", func() {
			st.command(t, commands.NewAssignment(raceName, exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""))
		}}
		result := st.apply(t, plan)
		checkEnd(t, name, result, report.Conflict)
		if last := result.Steps[len(result.Steps)-1]; last.ID != report.StepRemove || last.Status != report.StatusChanged || result.Changed {
			t.Errorf("lost %s: changed %v, last step %+v", name, result.Changed, last)
		}
		if scopes := st.org.Snapshot().Scopes; len(scopes) != 0 || a.writes < 3 {
			t.Errorf("lost %s: scopes %+v after %d writes", name, scopes, a.writes)
		}
	}
}

// The view of the forest is the session's own: it is asked for again.
func TestLostView(t *testing.T) {
	for name, loss := range losses {
		s := scenario(t, "two-domains")
		st := newStage(t, s)
		st.inv = &accident{Invoker: st.session, at: 1, write: true, happen: loss}
		_, result := st.plan(t, s.Grant())
		checkEnd(t, name, result, report.Planned)
	}
}

// Customization of which the reply is lost was done by this run all the same.
func TestLostCustomization(t *testing.T) {
	for name, loss := range losses {
		s := scenario(t, "dehydrated")
		st := newStage(t, s)
		plan, _ := st.plan(t, s.Grant())
		st.inv = &accident{Invoker: st.session, at: 2, write: true, happen: loss}
		result := st.apply(t, plan)
		checkEnd(t, name, result, report.Granted)
		done := slices.ContainsFunc(result.Steps, func(s report.Step) bool {
			return s.ID == report.StepCustomize && s.Status == report.StatusChanged && s.Irreversible
		})
		if !done {
			t.Errorf("lost %s: no step says that it cannot be undone: %s", name, pretty(t, result.Steps))
		}
	}
}

// onlyOneGrant fails when two assignments make the grant.
func (s *stage) onlyOneGrant(t *testing.T) {
	t.Helper()
	var ours []exchangesim.AssignmentSnapshot
	for _, a := range s.org.Snapshot().Assignments {
		if a.RoleAssignee == "contoso.test/Services/svc-reschedule" {
			ours = append(ours, a)
		}
	}
	if len(ours) > 1 {
		t.Errorf("assignments %+v", ours)
	}
}

// The default of Options.Sleep ends with its context.
func TestSleep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Options{}).withDefaults().Sleep(ctx, DefaultCustomizationTimeout); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if err := sleep(t.Context(), 1); err != nil {
		t.Error(err)
	}
}
