package psgen

import (
	"io"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// TestForms goes through the life of every form of grant: granted, granted again, taken
// back from its report, made again from the report of that, revoked by name, and made
// again. Every way back leads exactly to where it was, by report and by what is printed.
func TestForms(t *testing.T) {
	user := exchange.NewUser(`CONTOSO\svc-reschedule`)
	roleGroup := exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{user.Identity, "Peter O'Brien"},
		ViewOnlyConfiguration: true}
	group := exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}
	unit := exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}
	whole := exchange.Scope{Kind: exchange.WholeOrganization}
	filter := exchange.Scope{Kind: exchange.RecipientFilter, Text: "Name -eq 'anna' -or (name -like 'b*' -and -not (City -eq 'O''x') -and HiddenFromAddressListsEnabled -eq $false)"}
	for name, g := range map[string]exchange.Grant{
		"user, group": {Assignee: user, Scope: group}, "user, unit": {Assignee: user, Scope: unit}, "user, filter": {Assignee: user, Scope: filter},
		"user, organization":        {Assignee: user, Scope: whole},
		"apostrophe, own scope":     {Assignee: exchange.NewUser("Peter O'Brien"), Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users", Name: "Rooms' and People"}},
		"security group, group":     {Assignee: exchange.NewSecurityGroup("Reschedule Users"), Scope: group},
		"pinned":                    {Assignee: user, Scope: group, DomainController: "DC02.contoso.test"},
		"role group, group, pinned": {Assignee: roleGroup, Scope: group, DomainController: "DC02.contoso.test"},
		"role group, unit":          {Assignee: roleGroup, Scope: unit}, "role group, filter": {Assignee: roleGroup, Scope: filter},
		"role group, organization": {Assignee: roleGroup, Scope: whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, _ := stageOf(t, "plain")
			thereAndBack(t, st, g)
		})
	}
}

// TestUndoOfScenarios takes back what a grant changed, whatever stood there before.
func TestUndoOfScenarios(t *testing.T) {
	for _, name := range []string{"disabled-grant", "dehydrated", "replication-lag", "role-group-incomplete", "scope-before", "two-domains", "wider-grant"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := exchangesim.ScenarioByName(name)
			if err != nil {
				t.Fatal(err)
			}
			st := newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{})
			thereAndBack(t, st, s.Grant())
		})
	}
}

func thereAndBack(t *testing.T, st *stage, g exchange.Grant) {
	start := st.Snapshot(t)
	run := func(what string, print func(io.Writer) error, parameters ...any) report.Report {
		t.Helper()
		r, result := st.Reported(t, print, parameters...)
		if code := r.Outcome.ExitCode(); code != result.ExitCode || code == 1 {
			t.Fatalf("%s: %s, exit code %d\n%s", what, r.Outcome, result.ExitCode, result.Console)
		}
		return r
	}
	first := run("grant", grantScript(g), "EnableCustomization", true)
	granted := st.Snapshot(t)
	if again := run("again", grantScript(g)); again.Changed {
		t.Error("a second grant changed something")
	}
	back := run("undo", undoScript(first))
	st.Unchanged(t, "grant and undo", start)
	if again := run("second undo", undoScript(first)); again.Changed {
		t.Errorf("a second undo changed something: %+v", again.Steps)
	}
	run("undo of the undo", undoScript(back))
	st.Unchanged(t, "undo of the undo", granted)
	revoked := run("revoke", revokeScript(g))
	if st.Snapshot(t) == granted {
		t.Fatal("the revocation changed nothing")
	}
	run("undo of the revocation", undoScript(revoked))
	st.Unchanged(t, "undo of the revocation", granted)
	st.paste(t, "revoke", revokeScript(g), granted)
	st.Run(t, revokeScript(g), "Confirm", false)
	before := st.Snapshot(t)
	st.paste(t, "grant", grantScript(g), before)
}

// paste runs a script, and then the commands that it prints as its undo, as they stand.
func (s *stage) paste(t *testing.T, what string, print func(io.Writer) error, want string) {
	t.Helper()
	r := s.Run(t, print, "Confirm", false)
	undo, _ := r.Output[len(r.Output)-1].Property("Undo").(string)
	if undo == "" {
		t.Fatalf("%s: no undo is printed:\n%s", what, r.Console)
	}
	s.retype(t, undo)
	if got := s.Snapshot(t); got != want {
		t.Errorf("%s: the undo does not lead back:\n%s\n%s", what, undo, scriptshell.Diff(want, got))
	}
}

// retype runs commands as somebody does who pastes them into the shell.
func (s *stage) retype(t *testing.T, commands string) {
	t.Helper()
	pasted := s.Run(t, func(w io.Writer) error {
		_, err := io.WriteString(w, "$ConfirmPreference = 'None'\r\n"+strings.ReplaceAll(commands, "\n", " -Confirm:$false\r\n")+" -Confirm:$false\r\n")
		return err
	})
	if len(pasted.Errors) > 0 {
		t.Errorf("what is pasted fails: %v\n%s", pasted.Errors[0].Message, commands)
	}
}

// TestUndoRefuses: a report is a file that anybody may have edited. What is not of the
// form that exgrant writes is refused, and the rest are constants.
func TestUndoRefuses(t *testing.T) {
	evil := "'; $(Remove-Item /) #>"
	with := func(inverse ...report.Inverse) report.Report {
		r := reportOf(Form{Kind: KindUndo, Assignee: exchange.User, Undone: KindGrant})
		r.Inverse = inverse
		return r
	}
	parameters := func(name string, value any) []report.InverseParameter {
		return []report.InverseParameter{{Name: name, Value: value}}
	}
	for name, r := range map[string]report.Report{
		"no schema":      {Grant: &report.GrantState{}, Inverse: []report.Inverse{{}}},
		"no grant":       {Schema: report.Schema, Inverse: []report.Inverse{{}}},
		"nothing to do":  with(),
		"no assignee":    {Schema: report.Schema, Grant: &report.GrantState{}, Inverse: with(report.Inverse{Cmdlet: "Remove-ManagementScope", Identity: someGUID}).Inverse},
		"other command":  with(report.Inverse{Cmdlet: "Remove-Mailbox", Identity: someGUID}),
		"no GUID":        with(report.Inverse{Cmdlet: "Remove-ManagementScope", Identity: "*"}),
		"other option":   with(report.Inverse{Cmdlet: "Remove-ManagementScope", Identity: someGUID, Parameters: parameters("Force", true)}),
		"odd condition":  with(report.Inverse{Cmdlet: "Remove-ManagementScope", Identity: someGUID, OnlyIf: "always"}),
		"number":         with(report.Inverse{Cmdlet: "Set-ManagementScope", Identity: someGUID, Parameters: parameters("RecipientRestrictionFilter", 1.5)}),
		"control letter": with(report.Inverse{Cmdlet: "Set-ManagementScope", Identity: someGUID, Parameters: parameters("RecipientRestrictionFilter", "a\x07")}),
		"mixed list":     with(report.Inverse{Cmdlet: "New-RoleGroup", Identity: "g", Parameters: parameters("Roles", []any{"a", 1})}),
		"another account": with(report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "g", Parameters: []report.InverseParameter{
			{Name: "User", Value: `CONTOSO\mallory`}, {Name: "Role", Value: exchange.Role}}}),
	} {
		if err := Undo(io.Discard, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r := with(
		report.Inverse{Cmdlet: "Set-ManagementScope", Identity: someGUID, Parameters: parameters("RecipientRestrictionFilter", evil),
			Set: parameters("RecipientRestrictionFilter", "City -eq 'Bonn'")},
		report.Inverse{Cmdlet: "New-RoleGroup", Identity: evil, Parameters: []report.InverseParameter{{Name: "Members", Value: []any{evil, "b"}}, {Name: "Roles", Value: []any{}}}})
	r.Grant.Assignee.Kind, r.Grant.Assignee.Given = exchange.RoleGroup, evil
	script := printed(t, undoScript(r))
	if _, _, err := Check(script); err != nil {
		t.Error(err)
	}
	syntax := peers.AST(t, writeScript(t, "undo.ps1", script))[0]
	if len(syntax.Errors) > 0 {
		t.Fatalf("does not parse: %+v", syntax.Errors)
	}
	found := 0
	for _, s := range syntax.Strings {
		if strings.Contains(s.Value, "Remove-Item") {
			if found++; s.Kind != "SingleQuoted" {
				t.Errorf("line %d: %s %q", s.Line, s.Kind, s.Value)
			}
		}
	}
	if found != 5 {
		t.Errorf("%d constants hold the text, want 5", found)
	}
}

// TestUndoLeavesAlone: what no run for the grant can have made stays, whatever a report
// says; and what somebody changed since.
func TestUndoLeavesAlone(t *testing.T) {
	st, g := stageOf(t, "name-taken") // the name is of svc-backup
	start := st.Snapshot(t)
	r := reportOf(Form{Kind: KindUndo, Assignee: exchange.User, Undone: KindGrant})
	r.Grant.Name = g.AssignmentName()
	for _, o := range st.Org.Snapshot().Assignments {
		if o.Role != exchange.Role && o.Delegation == "Regular" {
			r.Inverse = []report.Inverse{{Cmdlet: "Remove-ManagementRoleAssignment", Identity: st.guidOf(t, "Get-ManagementRoleAssignment", o.Name)}}
			st.ends(t, o.Name, undoScript(r), report.Conflict)
			break
		}
	}
	st.Unchanged(t, "a forged report", start)
}
