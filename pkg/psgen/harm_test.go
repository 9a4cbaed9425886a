package psgen

import (
	"io"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// text is a script as it stands.
func text(script string) writer {
	return func(w io.Writer) error { _, err := io.WriteString(w, script); return err }
}

// whole counts the assignments of the role that reach every mailbox.
func (s *stage) whole(t *testing.T) int {
	t.Helper()
	n := 0
	for _, a := range s.Org.Snapshot().Assignments {
		if a.Role == exchange.Role && a.Delegation == "Regular" && a.Enabled && a.RecipientWriteScope == "Organization" {
			n++
		}
	}
	return n
}

// TestRoleGroupUnderLag: a role group that is made at one domain controller and not to be
// seen at the others yet is no failure, is whole after the first run, and never gets the
// role without its scope.
func TestRoleGroupUnderLag(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "replication-lag")
	g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{g.Assignee.Identity}, ViewOnlyConfiguration: true}
	before := st.whole(t)
	st.ends(t, "grant", grantScript(g), report.GrantedReplicating)
	if n := st.whole(t); n != before {
		t.Errorf("%d assignments for the whole organization, before %d", n, before)
	}
	if again := st.ends(t, "grant again", grantScript(g), report.GrantedReplicating); again.Changed {
		t.Errorf("a second run changes something: %+v", again.Steps)
	}
	st.ends(t, "revoke", revokeScript(g), report.Revoked)
}

// TestRoleGroupSeenInParts: what a new role group shows at first may lack its assignments;
// what is missing to the eye is not made a second time, without a scope.
func TestRoleGroupSeenInParts(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "plain")
	g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{g.Assignee.Identity}, ViewOnlyConfiguration: true}
	script := printed(t, grantScript(g))
	blind := strings.Replace(string(script), "function Open-ExgSession", "function Get-ManagementRoleAssignment {\r\n"+
		"    param($RoleAssignee, $AssignmentMethod, $Role, $Delegating, $Enabled, $WritableRecipient, $DomainController, $ErrorAction)\r\n}\r\nfunction Open-ExgSession", 1)
	before := st.whole(t)
	st.Reported(t, text(blind))
	if n := st.whole(t); n != before {
		t.Errorf("%d assignments for the whole organization, before %d", n, before)
	}
}

// TestDelegatingStays: an assignment that only lets others hand the role on is never
// taken back, and never given back as one that lets act.
func TestDelegatingStays(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "plain")
	st.retype(t, "New-ManagementRoleAssignment -Name '"+g.AssignmentName()+"' -Role ApplicationImpersonation -User svc-backup -Delegating")
	start := st.Snapshot(t)
	gone := g
	gone.Assignee = exchange.NewUser("nobody")
	gone.Name = g.AssignmentName()
	st.ends(t, "revoke by name", revokeScript(gone), report.Conflict)
	r := reportOf(Form{Kind: KindUndo, Assignee: exchange.User, Undone: KindGrant})
	r.Grant.Name = g.AssignmentName()
	r.Inverse = []report.Inverse{{Cmdlet: "Remove-ManagementRoleAssignment", Identity: st.guidOf(t, "Get-ManagementRoleAssignment", g.AssignmentName())}}
	st.ends(t, "undo", undoScript(r), report.Conflict)
	st.Unchanged(t, "what was refused", start)
}

// TestRoleGroupIsAnothers: a role group that got other rights since, or a delegating
// assignment, is neither taken back by the grant nor by its report.
func TestRoleGroupIsAnothers(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"other role": "New-ManagementRoleAssignment -SecurityGroup 'Reschedulers' -Role 'Mail Recipients'",
		"delegating": "New-ManagementRoleAssignment -SecurityGroup 'Reschedulers' -Role ApplicationImpersonation -Delegating",
	} {
		st, g := stageOf(t, "plain")
		g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{g.Assignee.Identity}}
		made := st.ends(t, "grant", grantScript(g), report.Granted)
		st.retype(t, more)
		start := st.Snapshot(t)
		st.ends(t, name+": revoke", revokeScript(g), report.Conflict)
		st.Unchanged(t, name+": revoke", start)
		undone, _ := st.Reported(t, undoScript(made))
		if undone.Outcome.ExitCode() == 0 || st.guidOf(t, "Get-RoleGroup", "Reschedulers") == "" {
			t.Errorf("%s: undo: %s", name, undone.Outcome)
		}
	}
}

// TestRenamedMemberIsNoStranger: where a member is not found by its name and others are
// in the role group, one of them may be the member: nothing is said to be done.
func TestRenamedMemberIsNoStranger(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "plain")
	g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{g.Assignee.Identity}}
	st.ends(t, "grant", grantScript(g), report.Granted)
	start := st.Snapshot(t)
	g.Assignee.Members = []string{"svc-as-it-was-called"}
	st.ends(t, "revoke", revokeScript(g), report.Conflict)
	st.Unchanged(t, "revoke", start)
}

// TestOtherGrantsOfMembers: what a member of a role group can do by another way is told by
// the script that grants, and is no "verified".
func TestOtherGrantsOfMembers(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "wider-grant")
	g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{g.Assignee.Identity}}
	for _, run := range []struct {
		what   string
		script writer
		want   report.Outcome
	}{
		{"grant", grantScript(g), report.Granted},
		{"status", statusOf(g), report.Differs},
	} {
		r := st.ends(t, run.what, run.script, run.want)
		if len(r.Findings) != 1 || r.Findings[0].ID != "other-grant" {
			t.Errorf("%s: findings %+v", run.what, r.Findings)
		}
	}
}

// TestForgedReports: a report is a file that anybody may have edited. Neither what is not
// the account's is taken back by it, nor more given back than its grant had.
func TestForgedReports(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "plain")
	made := st.ends(t, "grant", grantScript(g), report.Granted)
	granted := st.Snapshot(t)
	for _, o := range st.Org.Snapshot().Assignments {
		if o.Role == exchange.Role && o.Name != g.AssignmentName() {
			forged := made
			forged.Inverse = []report.Inverse{{Cmdlet: "Remove-ManagementRoleAssignment", Identity: st.guidOf(t, "Get-ManagementRoleAssignment", o.Name)}}
			st.ends(t, "take back "+o.Name, undoScript(forged), report.Conflict)
		}
	}
	st.Unchanged(t, "forged reports", granted)
	revoked := st.ends(t, "revoke", revokeScript(g), report.Revoked)
	for i, inverse := range revoked.Inverse {
		if inverse.Cmdlet == "New-ManagementRoleAssignment" {
			kept := revoked.Inverse[i].Parameters
			var fewer []report.InverseParameter
			for _, p := range kept {
				if p.Name != "CustomRecipientWriteScope" {
					fewer = append(fewer, p)
				}
			}
			revoked.Inverse[i].Parameters = fewer
		}
	}
	if err := Undo(new(strings.Builder), revoked); err == nil {
		t.Error("a report that gives the whole organization in the place of a scope is taken")
	}
}

// TestLostForGood: where nothing can be read after a reply that was lost, nobody is told
// that nothing was changed.
func TestLostForGood(t *testing.T) {
	t.Parallel()
	st, g := stageOf(t, "plain")
	g.Scope = exchange.Scope{Kind: exchange.WholeOrganization}
	script := printed(t, grantScript(g))
	cut := strings.Replace(string(script), "function Open-ExgSession", "function New-ManagementRoleAssignment {\r\n"+
		"    $script:Cut = $true; throw 'The I/O operation has been aborted'\r\n}\r\n"+
		"function Get-ManagementRole { if ($script:Cut) { throw 'The session is gone' }; @{ Name = 'ApplicationImpersonation' } }\r\nfunction Open-ExgSession", 1)
	r, _ := st.Reported(t, text(cut))
	last := r.Steps[len(r.Steps)-1].Text
	if r.Outcome != report.Failed || !strings.Contains(last, "Perhaps done") || !strings.Contains(last, "The session is gone") {
		t.Errorf("%s: %s", r.Outcome, last)
	}
}

// TestPastedUndoOfAnotherDomain: what is printed to make a grant again finds its accounts
// in whatever domain they are.
func TestPastedUndoOfAnotherDomain(t *testing.T) {
	t.Parallel()
	s, err := exchangesim.ScenarioByName("two-domains")
	if err != nil {
		t.Fatal(err)
	}
	g := s.Grant()
	g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{g.Assignee.Identity}}
	st := newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{})
	st.ends(t, "grant", grantScript(g), report.Granted)
	st.paste(t, "revoke", revokeScript(g), st.Snapshot(t))
}
