package grant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// run makes a change in the organization as another administrator would.
func (s *stage) command(t *testing.T, c exchange.Command) {
	t.Helper()
	streams, err := s.org.Session(exchangesim.SessionOptions{}).Invoke(t.Context(), exchange.Pipeline{c}, func(exchange.Object) error { return nil })
	if err != nil || len(streams.Errors) > 0 {
		t.Fatalf("%s: %v, %+v", c.Cmdlet, err, streams.Errors)
	}
}

func TestPlanDocument(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	plan, _ := st.plan(t, scenario(t, "plain").Grant())
	var kinds []string
	for _, o := range plan.Read {
		kinds = append(kinds, o.Kind)
		if len(o.SHA256) != 64 || !exchange.IsGUID(o.GUID) {
			t.Errorf("read %+v", o)
		}
	}
	if got := strings.Join(kinds, " "); got != "Group Recipient User" {
		t.Errorf("the plan rests on %q", got)
	}
	var lines []string
	for _, c := range plan.Changes {
		line := c.ID + " " + c.Action + " " + c.Command.Cmdlet
		for _, p := range c.Command.Parameters {
			line += " " + p.Name
		}
		lines = append(lines, line)
	}
	want := []string{
		"scope create New-ManagementScope Name RecipientRestrictionFilter Confirm",
		"assign create New-ManagementRoleAssignment Name User Role CustomRecipientWriteScope Confirm",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("changes %q", lines)
	}
	if !exchange.IsGUID(plan.Target.Organization) || plan.Target.Build != "15.2.2562.17" || plan.Target.Server != "ex01.contoso.test" {
		t.Errorf("target %+v", plan.Target)
	}
}

// A plan that was written to a file and read again does what the plan does.
func TestPlanFromFile(t *testing.T) {
	for _, name := range []string{"plain", "role-group-incomplete", "two-domains"} {
		st := newStage(t, scenario(t, name))
		plan, _ := st.plan(t, scenario(t, name).Grant())
		b, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		read, err := report.ReadPlan(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		result := st.apply(t, read)
		checkEnd(t, name, result, report.Granted)
		checkEnd(t, name+" again", st.apply(t, read), report.AlreadyGranted)
	}
}

func TestStalePlan(t *testing.T) {
	group := `contoso.test/Groups/Reschedule Users`
	for _, c := range []struct {
		name, scenario string
		meanwhile      exchange.Command
		end            report.Outcome
		says           string
	}{
		{"scope changed", "disabled-grant", commands.SetScope("Reschedule Impersonation", "MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test' -and City -ne 'Berlin'", ""),
			report.Differs, "ManagementScope"},
		{"assignment enabled", "disabled-grant", commands.SetAssignmentEnabled("Reschedule Impersonation", true, ""), report.AlreadyGranted, ""},
		{"assignment removed", "disabled-grant", commands.RemoveAssignment("Reschedule Impersonation", ""), report.Differs, "is gone"},
		{"member added", "role-group-incomplete", commands.AddRoleGroupMember("Reschedule Impersonation", group, ""), report.Differs, "RoleGroup"},
		{"role added", "role-group-incomplete", commands.NewAssignment("", exchange.SecurityGroup, "Reschedule Impersonation",
			exchange.RoleViewOnlyConfiguration, commands.WriteScope{}, ""), report.Differs, "it has the role"}, // nothing that was read has changed
	} {
		t.Run(c.name, func(t *testing.T) {
			st := newStage(t, scenario(t, c.scenario))
			plan, _ := st.plan(t, scenario(t, c.scenario).Grant())
			st.command(t, c.meanwhile)
			before := st.snapshot(t)
			report := st.apply(t, plan)
			checkEnd(t, "apply", report, c.end)
			if last := report.Steps[len(report.Steps)-1]; !strings.Contains(last.Text, c.says) || report.Changed {
				t.Errorf("last step %+v, changed %v", last, report.Changed)
			}
			st.unchanged(t, "a stale plan", before)
		})
	}
}

func TestPlanOfAnotherOrganization(t *testing.T) {
	s := scenario(t, "plain")
	plan, _ := newStage(t, s).plan(t, s.Grant())
	st := newStage(t, s)
	st.org = exchangesim.New(s, exchangesim.Options{Seed: 7})
	st.inv = st.org.Session(exchangesim.SessionOptions{})
	before := st.snapshot(t)
	result := st.apply(t, plan)
	checkEnd(t, "apply", result, report.Differs)
	if text := result.Steps[len(result.Steps)-1].Text; !strings.Contains(text, "another organization") {
		t.Errorf("it says %q", text)
	}
	st.unchanged(t, "a plan of another organization", before)
}

// The options of a plan are those it is applied with.
func TestPlanOptions(t *testing.T) {
	s := scenario(t, "own-name-other-scope")
	st := newStage(t, s)
	st.o.UpdateScope = true
	plan, _ := st.plan(t, s.Grant())
	st.o.UpdateScope = false
	checkEnd(t, "apply", st.apply(t, plan), report.Granted)
	if plan.Options == nil || !plan.Options.UpdateScope {
		t.Errorf("options %+v", plan.Options)
	}
}

func TestConfirm(t *testing.T) {
	s := scenario(t, "dehydrated")
	st := newStage(t, s)
	var asked []report.Change
	answer := false
	st.o.EnableCustomization = false
	st.o.Confirm = func(_ context.Context, q Question) (bool, error) {
		asked = append(asked, q.Changes...)
		return answer, nil
	}
	start := st.snapshot(t)
	result := st.grant(t, s.Grant())
	checkEnd(t, "declined customization", result, report.Interrupted)
	if len(asked) != 1 || asked[0].ID != report.StepCustomize || !strings.Contains(asked[0].Why, "cannot be undone") {
		t.Errorf("asked %+v", asked)
	}
	st.unchanged(t, "declined customization", start)

	answer, asked = true, nil
	checkEnd(t, "agreed", st.grant(t, s.Grant()), report.Granted)
	granted := st.snapshot(t)

	g := s.Grant()
	answer, asked = false, nil
	result = st.revoke(t, Revocation{Grant: &g})
	checkEnd(t, "declined revocation", result, report.Interrupted)
	st.unchanged(t, "declined revocation", granted)
	if len(asked) != 2 || asked[0].Command.Cmdlet != "Remove-ManagementRoleAssignment" || asked[1].Command.Cmdlet != "Remove-ManagementScope" {
		t.Errorf("asked %+v", asked)
	}

	st.o.Confirm = func(context.Context, Question) (bool, error) {
		return false, errors.New("the terminal is gone")
	}
	result = st.revoke(t, Revocation{Grant: &g})
	checkEnd(t, "a question that fails", result, report.Failed)
	st.unchanged(t, "a question that fails", granted)
}

func TestProgress(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	var seen []report.Step
	st.o.Progress = func(s report.Step) { seen = append(seen, s) }
	plan, _ := st.plan(t, scenario(t, "plain").Grant())
	seen = nil
	report := st.apply(t, plan)
	if len(seen) != len(report.Steps) {
		t.Fatalf("%d steps were told of %d", len(seen), len(report.Steps))
	}
	for i, s := range report.Steps {
		if seen[i] != s {
			t.Errorf("step %d was told as %+v, the report has %+v", i, seen[i], s)
		}
	}
}

func TestArguments(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	g := scenario(t, "plain").Grant()
	wrong := g
	wrong.Scope = exchange.Scope{}
	result := &report.Report{Schema: report.Schema, Grant: &report.GrantState{},
		Inverse: []report.Inverse{{Cmdlet: "Remove-Mailbox", Identity: "0d5cbb54-0f0f-4f62-9f55-7f3c9d6a3f10"}}}
	for name, err := range map[string]error{
		"plan":                   errorOf(NewPlan(t.Context(), st.inv, wrong, st.o)),
		"verify":                 errorOf(Verify(t.Context(), st.inv, wrong, st.o)),
		"apply without a plan":   errorOf(Apply(t.Context(), st.inv, nil, st.o)),
		"apply":                  errorOf(Apply(t.Context(), st.inv, &report.Plan{}, st.o)),
		"revoke nothing":         errorOf(Revoke(t.Context(), st.inv, Revocation{}, st.o)),
		"revoke two":             errorOf(Revoke(t.Context(), st.inv, Revocation{Grant: &g, GUID: "x"}, st.o)),
		"revoke no GUID":         errorOf(Revoke(t.Context(), st.inv, Revocation{GUID: "Some Name"}, st.o)),
		"revoke a wrong grant":   errorOf(Revoke(t.Context(), st.inv, Revocation{Grant: &wrong}, st.o)),
		"revoke a forged report": errorOf(Revoke(t.Context(), st.inv, Revocation{Report: result}, st.o)),
		"revoke no report":       errorOf(Revoke(t.Context(), st.inv, Revocation{Report: &report.Report{}}, st.o)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if calls := st.org.Calls(); len(calls) > 0 {
		t.Errorf("%d commands were run for arguments that do not validate", len(calls))
	}
}

func errorOf[A any](_ A, err error) error { return err }
