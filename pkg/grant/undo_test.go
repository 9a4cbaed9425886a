package grant

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// granted is an organization with a grant in place, and the report of it.
func granted(t *testing.T, g exchange.Grant) (*stage, *report.Report) {
	t.Helper()
	st := newStage(t, scenario(t, "plain"))
	made := st.grant(t, g)
	checkEnd(t, "grant", made, report.Granted)
	return st, made
}

func copied(t *testing.T, r *report.Report) *report.Report {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var c report.Report
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

var groupGrant = exchange.Grant{Assignee: exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{"svc-reschedule", "svc-backup"}},
	Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}}

// A report is a file that anybody may have changed: what no run can have recorded is not
// taken back, and nothing at all is done then.
func TestForgedReport(t *testing.T) {
	user := scenario(t, "plain").Grant()
	guid := func(t *testing.T, st *stage, name string) string { return st.guidOf(t, name) }
	first := func(i report.Inverse) func(*testing.T, *stage, *report.Report) {
		return func(_ *testing.T, _ *stage, r *report.Report) { r.Inverse = append([]report.Inverse{i}, r.Inverse...) }
	}
	p := func(name string, value any) report.InverseParameter {
		return report.InverseParameter{Name: name, Value: value}
	}
	for _, c := range []struct {
		name  string
		g     exchange.Grant
		forge func(*testing.T, *stage, *report.Report)
	}{
		{"a delegating assignment", user, func(t *testing.T, st *stage, r *report.Report) {
			r.Inverse[0].Identity = guid(t, st, "ApplicationImpersonation-Organization Management-Delegating")
		}},
		{"an assignment of another role", user, func(t *testing.T, st *stage, r *report.Report) {
			r.Inverse[0].Identity = guid(t, st, "Mail Recipients-Organization Management")
		}},
		{"an assignment of another account", user, func(t *testing.T, st *stage, r *report.Report) {
			st.command(t, commands.NewAssignment("Backup", exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""))
			r.Inverse[0].Identity = guid(t, st, "Backup")
		}},
		{"another scope", user, func(t *testing.T, st *stage, r *report.Report) {
			st.command(t, commands.NewScope("Other Scope", "City -eq 'Berlin'", ""))
			for _, s := range st.org.Snapshot().Scopes {
				if s.Name == "Other Scope" {
					r.Inverse[1].Identity = st.guidOfScope(t, s.Name)
				}
			}
		}},
		{"another role group", groupGrant, func(t *testing.T, st *stage, r *report.Report) {
			for i := range r.Inverse {
				if strings.Contains(r.Inverse[i].Cmdlet, "RoleGroup") {
					r.Inverse[i].Identity = st.guidOfGroup(t, "Discovery Management")
				}
			}
		}},
		{"another role", user, first(report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "Mine",
			Parameters: []report.InverseParameter{p("User", "svc-reschedule"), p("Role", "Role Management")}})},
		{"the configuration role for a user", user, first(report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "Mine",
			Parameters: []report.InverseParameter{p("User", "svc-reschedule"), p("Role", exchange.RoleViewOnlyConfiguration)}})},
		{"another account", user, first(report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "Mine",
			Parameters: []report.InverseParameter{p("User", "svc-backup"), p("Role", exchange.Role)}})},
		{"the whole organization", user, first(report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "Mine",
			Parameters: []report.InverseParameter{p("User", "svc-reschedule"), p("Role", exchange.Role)}})},
		{"a wider scope", user, func(_ *testing.T, _ *stage, r *report.Report) {
			r.Inverse[0] = report.Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: r.Inverse[0].Identity,
				Parameters: []report.InverseParameter{p(relativeWriteScope, "Organization")}}
		}},
		{"a wider filter", user, func(_ *testing.T, _ *stage, r *report.Report) {
			r.Inverse[1] = report.Inverse{Cmdlet: "Set-ManagementScope", Identity: r.Inverse[1].Identity,
				Parameters: []report.InverseParameter{p("RecipientRestrictionFilter", "Name -like '*'")}}
		}},
		{"a member of a role group of roles", groupGrant, func(t *testing.T, st *stage, r *report.Report) {
			r.Inverse = append(r.Inverse, report.Inverse{Cmdlet: "Add-RoleGroupMember", Identity: st.guidOfGroup(t, "Organization Management"),
				Parameters: []report.InverseParameter{p("Member", r.Inverse[0].Parameters[0].Value)}})
		}},
		{"another member", groupGrant, func(t *testing.T, st *stage, r *report.Report) {
			r.Inverse = append(r.Inverse, report.Inverse{Cmdlet: "Add-RoleGroupMember", Identity: st.guidOfGroup(t, "Reschedulers"),
				Parameters: []report.InverseParameter{p("Member", "6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5")}})
		}},
		{"a role group of other roles", groupGrant, first(report.Inverse{Cmdlet: "New-RoleGroup", Identity: "Other Group",
			Parameters: []report.InverseParameter{p("Roles", []string{"Role Management"}), p("Members", []string{})}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, made := granted(t, c.g)
			forged := copied(t, made)
			c.forge(t, st, forged)
			start := st.snapshot(t)
			result := st.revoke(t, Revocation{Report: forged})
			checkEnd(t, "revoke", result, report.Conflict)
			st.unchanged(t, "a forged report", start)
		})
	}
}

func (s *stage) guidOfScope(t *testing.T, name string) string {
	t.Helper()
	return s.guid(t, commands.GetScope(name, ""))
}

func (s *stage) guidOfGroup(t *testing.T, name string) string {
	t.Helper()
	return s.guid(t, commands.GetRoleGroup(name))
}

func (s *stage) guid(t *testing.T, c exchange.Command) string {
	t.Helper()
	var guid string
	_, err := s.session.Invoke(t.Context(), exchange.Pipeline{c}, func(o exchange.Object) error {
		guid = o.Text("Guid")
		return nil
	})
	if err != nil || guid == "" {
		t.Fatalf("%s: nothing found (%v)", c.Cmdlet, err)
	}
	return guid
}

// What gives rights again is a question of its own. Nobody to ask agrees to the report's
// own account and scope only.
func TestRightsAreAskedFor(t *testing.T) {
	g := scenario(t, "plain").Grant()
	st, _ := granted(t, g)
	inPlace := st.snapshot(t)
	back := st.revoke(t, Revocation{Grant: &g})
	gone := st.snapshot(t)
	var asked []Question
	answer := false
	st.o.Confirm = func(_ context.Context, q Question) (bool, error) {
		asked = append(asked, q)
		return answer, nil
	}
	checkEnd(t, "declined", st.revoke(t, Revocation{Report: back}), report.Interrupted)
	st.unchanged(t, "declined", gone)
	if len(asked) != 1 || asked[0].Kind != AskRights || !asked[0].Own || len(asked[0].Changes) != 2 {
		t.Errorf("asked %+v", asked)
	}
	answer = true
	checkEnd(t, "agreed", st.revoke(t, Revocation{Report: back}), report.Granted)
	st.unchanged(t, "agreed", inPlace)

	forged := copied(t, back)
	for i := range forged.Inverse {
		forged.Inverse[i].Parameters = slices.DeleteFunc(forged.Inverse[i].Parameters, func(p report.InverseParameter) bool { return p.Name == "CustomRecipientWriteScope" })
	}
	st.o.Confirm = nil
	st.revoke(t, Revocation{Grant: &g})
	result := st.revoke(t, Revocation{Report: forged})
	checkEnd(t, "nobody to ask for the whole organization", result, report.Conflict)
	if !strings.Contains(lastText(result), "nobody to ask") {
		t.Errorf("it says %q", lastText(result))
	}
	st.unchanged(t, "nobody to ask", gone)
}

// A setting that somebody changed since is not overwritten; one that is as the run left
// it is put back.
func TestUndoOfChangedSetting(t *testing.T) {
	for name, later := range map[string]func(t *testing.T, st *stage, made *report.Report){
		"own-scope-other-filter": func(t *testing.T, st *stage, made *report.Report) {
			st.command(t, commands.SetScope(made.Inverse[0].Identity, "City -eq 'Tokyo'", ""))
		},
		"own-name-other-scope": func(t *testing.T, st *stage, made *report.Report) {
			st.command(t, commands.SetAssignmentScope(st.guidOf(t, "Reschedule Impersonation"), commands.WriteScope{}, ""))
		},
	} {
		for _, changed := range []bool{false, true} {
			s := scenario(t, name)
			st := newStage(t, s)
			start := st.snapshot(t)
			st.o.UpdateScope = true
			made := st.grant(t, s.Grant())
			checkEnd(t, name, made, report.Granted)
			want := report.Granted
			if changed {
				later(t, st, made)
				start, want = st.snapshot(t), report.Conflict
			}
			result := st.revoke(t, Revocation{Report: copied(t, made)})
			checkEnd(t, name, result, want)
			if changed && !strings.Contains(lastText(result), "was changed since") {
				t.Errorf("%s: it says %q", name, lastText(result))
			}
			st.unchanged(t, name, start)
		}
	}
}

// An account that is gone does not stop what the report names by its GUID.
func TestUndoAfterAccountIsGone(t *testing.T) {
	for name, g := range map[string]exchange.Grant{"user": scenario(t, "plain").Grant(), "role group": groupGrant} {
		st, made := granted(t, g)
		start := newStage(t, scenario(t, "plain")).snapshot(t)
		st.inv = &refusing{st.session, func(p exchange.Pipeline) (exchange.Streams, error, bool) {
			id := p[0].Text("Identity")
			gone := (p[0].Cmdlet == "Get-User" || p[0].Cmdlet == "Get-Group") && (id == "svc-backup" || id == made.Grant.Assignee.GUID)
			return exchange.Streams{Errors: []exchange.ErrorRecord{{Reason: "ManagementObjectNotFoundException", Message: "not found",
				FullyQualifiedErrorID: "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] 1,Microsoft.Exchange.Management.X"}}}, nil, gone
		}}
		back := st.revoke(t, Revocation{Report: made})
		checkEnd(t, name, back, report.Revoked)
		if !hasFinding(back, "account-gone") {
			t.Errorf("%s: %s", name, pretty(t, back.Findings))
		}
		st.unchanged(t, name, start)
	}
}

// Somebody else in the role group keeps it alive; our members leave.
func TestUndoLeavesOthersInRoleGroup(t *testing.T) {
	st, made := granted(t, groupGrant)
	st.command(t, commands.AddRoleGroupMember("Reschedulers", "svc-archive", ""))
	back := st.revoke(t, Revocation{Report: made})
	var members []string
	_, _ = st.session.Invoke(t.Context(), exchange.Pipeline{commands.ListRoleGroupMembers("Reschedulers")}, func(o exchange.Object) error {
		members = append(members, o.Text("Name"))
		return nil
	})
	if len(members) != 1 || members[0] != "svc-archive" || !back.Changed {
		t.Errorf("members %q: %s", members, pretty(t, back.Steps))
	}
}

// A role group is made again as it was, with its roles, members and scope.
func TestUndoOfRoleGroup(t *testing.T) {
	for _, configuration := range []bool{false, true} {
		g := groupGrant
		g.Assignee.Members = []string{`CONTOSO\svc-reschedule`, "Peter O'Brien"}
		g.Assignee.ViewOnlyConfiguration = configuration
		st, made := granted(t, g)
		inPlace := st.snapshot(t)
		back := st.revoke(t, Revocation{Report: copied(t, made)})
		checkEnd(t, "undo", back, report.Revoked)
		checkEnd(t, "undo of the undo", st.revoke(t, Revocation{Report: copied(t, back)}), report.Granted)
		st.unchanged(t, "undo of the undo", inPlace)
		checkEnd(t, "once more", st.revoke(t, Revocation{Report: copied(t, back)}), report.AlreadyGranted)
	}
}

// What is made again is as it was: disabled, and with its relative scope.
func TestUndoOfRevocationKeepsWhatItWas(t *testing.T) {
	p := func(name string, v exchange.Value) exchange.Param { return exchange.Param{Name: name, Value: v} }
	for name, change := range map[string]exchange.Param{
		"disabled": p("Enabled", exchange.Bool(false)), "Self": p(relativeWriteScope, exchange.String("Self")),
		"None": p(relativeWriteScope, exchange.String("None")), "MyGAL": p(relativeWriteScope, exchange.String("MyGAL")),
	} {
		s := scenario(t, "equal-other-name")
		st := newStage(t, s)
		st.command(t, exchange.Command{Cmdlet: "Set-ManagementRoleAssignment"}.With("Identity", exchange.String("Old Grant")).
			With(change.Name, change.Value).With("Confirm", exchange.Bool(false)))
		start := st.snapshot(t)
		back := st.revoke(t, Revocation{Name: "Old Grant"})
		checkEnd(t, name, back, report.Revoked)
		again := st.revoke(t, Revocation{Report: copied(t, back)})
		st.unchanged(t, name, start)
		if len(again.Inverse) != 1 || again.Inverse[0].Cmdlet != "Remove-ManagementRoleAssignment" {
			t.Errorf("%s: the undo is undone by %s", name, pretty(t, again.Inverse))
		}
		if more := st.revoke(t, Revocation{Report: copied(t, back)}); more.Changed {
			t.Errorf("%s: a second undo changed something: %s", name, pretty(t, more.Steps))
		}
	}
}

// An undo that gives rights back says so, and its steps are no removals; where it is done
// already, it finds that.
func TestUndoThatGives(t *testing.T) {
	g := scenario(t, "plain").Grant()
	st, _ := granted(t, g)
	back := st.revoke(t, Revocation{Grant: &g})
	for _, want := range []report.Outcome{report.Granted, report.AlreadyGranted} {
		told := st.revoke(t, Revocation{Report: copied(t, back)})
		checkEnd(t, "undo", told, want)
		if len(told.After.Assignments) != 1 || len(told.After.Scopes) != 1 {
			t.Errorf("%s: afterwards there is %s", want, pretty(t, told.After))
		}
		for _, step := range told.Steps {
			if step.ID == report.StepRemove {
				t.Errorf("%s: a removal: %s", want, pretty(t, step))
			}
		}
		if hasFinding(told, "access-left") {
			t.Errorf("%s: %s", want, pretty(t, told.Findings))
		}
	}
}

// Another object by the name of what the report removed is no success.
func TestUndoFindsAnother(t *testing.T) {
	for name, other := range map[string]exchange.Command{
		"account": commands.NewAssignment("Reschedule Impersonation", exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""),
		"role":    commands.NewAssignment("Reschedule Impersonation", exchange.User, "svc-reschedule", exchange.RoleViewOnlyConfiguration, commands.WriteScope{}, ""),
		"scope":   commands.NewAssignment("Reschedule Impersonation", exchange.User, "svc-reschedule", exchange.Role, commands.WriteScope{}, ""),
		"filter":  commands.NewScope("Reschedule Impersonation", "City -eq 'Berlin'", ""),
	} {
		g := scenario(t, "plain").Grant()
		st, _ := granted(t, g)
		back := st.revoke(t, Revocation{Grant: &g})
		st.command(t, other)
		start := st.snapshot(t)
		told := st.revoke(t, Revocation{Report: copied(t, back)})
		checkEnd(t, name, told, report.Conflict)
		if !strings.Contains(lastText(told), "not the one that the report removed") {
			t.Errorf("%s: it says %q", name, lastText(told))
		}
		st.unchanged(t, name, start)
	}
	st, _ := granted(t, groupGrant)
	back := st.revoke(t, Revocation{Grant: &groupGrant})
	st.command(t, commands.NewRoleGroup("Reschedulers", []string{exchange.Role}, nil, commands.WriteScope{}, ""))
	checkEnd(t, "role group", st.revoke(t, Revocation{Report: copied(t, back)}), report.Conflict)
}
