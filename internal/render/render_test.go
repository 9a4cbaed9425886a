package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

var update = flag.Bool("update", false, "write the goldens anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func sampleReport() *report.Report {
	three := 3
	return &report.Report{
		Schema: report.Schema, Operation: report.OperationGrant, Outcome: report.Granted, Changed: true,
		StartedAt: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), FinishedAt: time.Date(2026, 11, 24, 9, 0, 3, 0, time.UTC),
		Target: report.Target{Server: "ex01.contoso.test", Build: "15.2.2562.17", DomainController: "DC01.contoso.test"},
		Grant: &report.GrantState{Name: "Reschedule", Role: exchange.Role,
			Assignee: report.AssigneeState{Kind: exchange.User, Given: `CONTOSO\svc`, Name: "svc"},
			Scope:    report.ScopeState{Kind: exchange.Group, Given: "Reschedule Users", Recipients: &three}},
		Steps: []report.Step{
			{ID: report.StepPreflight, Status: report.StatusUnchanged, Text: "Exchange 15.2.2562.17 on-premises, all commands are there."},
			{ID: report.StepAssign, Status: report.StatusFailed, Attempt: 1, Command: "New-ManagementRoleAssignment -Name 'Reschedule'",
				Fault: &fault.Fault{ID: "dehydrated", Message: "The command you tried to run\r\nisn't currently allowed in your organization.",
					Hint: "Exchange asks for Enable-OrganizationCustomization first; it is run next.", Source: "https://learn.microsoft.com/x"}},
			{ID: report.StepAssign, Status: report.StatusChanged, Attempt: 2, DurationMS: 412, Command: "New-ManagementRoleAssignment -Name 'Reschedule'",
				Text: "Gives svc the role", GUID: "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77"},
			{ID: report.StepCustomize, Status: report.StatusSkipped},
			{ID: report.StepRemove, Status: report.StatusChanged, Text: "Removes the unused scope 'Old'"},
		},
		Findings: []report.Finding{
			{ID: "wider-grant", Severity: report.SeverityWarning, Text: "'Old grant' gives svc the whole organization: the scope means nothing while it stands."},
			{ID: "out-of-scope", Severity: report.SeveritySecurity, Text: "boss can be reached."},
		},
		Proof: []report.Proof{
			{Mailbox: "anna@contoso.test", Expected: "allowed", RBAC: "allowed", EWS: "allowed"},
			{Mailbox: "boss\x1b[31m@contoso.test", Expected: "refused", RBAC: "allowed", EWS: "refused", EWSCode: "ErrorImpersonateUserDenied"},
		},
		Before: &report.State{Scopes: []report.ManagementScope{{GUID: "7f0d6a52-0c3e-4e0c-9a51-2b6f1a7c9d10", Name: "Old", Filter: "City -eq 'Berlin'"}}},
		After: &report.State{Assignments: []report.AssignmentState{{GUID: "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77", Name: "Reschedule", Enabled: true,
			RecipientWriteScope: "CustomRecipientScope", CustomRecipientWriteScope: "Reschedule"}}},
		Inverse: []report.Inverse{
			{Cmdlet: "Remove-ManagementRoleAssignment", Identity: "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77"},
			{Cmdlet: "Remove-ManagementScope", Identity: "0d5cbb54-0f0f-4f62-9f55-7f3c9d6a3f10", OnlyIf: "unused"},
		},
	}
}

// sampleDiagnosis is what the ladder leaves where the scope does not hold.
func sampleDiagnosis() *report.Report {
	rung := func(level int, name, mailbox, status, verdict, saw, means, do string) report.Step {
		return report.Step{ID: report.StepProof, Status: status, Text: means + ": " + saw + ".", DurationMS: 12, Rung: &report.Rung{
			Level: level, Name: name, Mailbox: mailbox, Verdict: verdict, Tried: "GetFolder calendar", Saw: saw, Means: means, Do: do}}
	}
	return &report.Report{
		Schema: report.Schema, Operation: report.OperationDiagnose, Outcome: report.Differs, Account: `CONTOSO\svc`, Tool: "exgrant v1",
		StartedAt: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), FinishedAt: time.Date(2026, 11, 24, 9, 4, 10, 0, time.UTC),
		Target: report.Target{Server: "ex01.contoso.test", EWS: "https://ex01.contoso.test/EWS/Exchange.asmx"},
		Steps: []report.Step{
			rung(0, "endpoint", "", report.StatusUnchanged, "passed", "HTTP 401, which offers Negotiate", "EWS is there and asks for a log-on", ""),
			{ID: report.StepProof, Status: report.StatusSkipped, Text: "Not tried: the address is given.", Rung: &report.Rung{Level: 1, Name: "autodiscover", Verdict: "skipped"}},
			rung(4, "read", "anna@contoso.test", report.StatusFailed, "failed", "ErrorImpersonateUserDenied", "The account may not act for this mailbox", "Ask the server"),
			rung(6, "refused", "boss@contoso.test", report.StatusFailed, report.SeveritySecurity, "NoError", "The scope does not restrict it", "Look for another assignment"),
		},
		Findings: []report.Finding{{ID: "out-of-scope-reached", Severity: report.SeveritySecurity, Text: "boss@contoso.test should be out of reach."}},
		Proof: []report.Proof{
			{Mailbox: "anna@contoso.test", Expected: "allowed", RBAC: "allowed", EWS: "refused", EWSCode: "ErrorImpersonateUserDenied",
				Diagnosis: "'Reschedule' was changed 3m0s ago, which servers may not know yet."},
			{Mailbox: "boss@contoso.test", Expected: "refused", RBAC: "refused", EWS: "allowed"},
			{Mailbox: "ben@contoso.test", Expected: "allowed", RBAC: "allowed", EWS: "unknown", EWSCode: "ErrorServerBusy"},
		},
	}
}

func samplePlan() *report.Plan {
	r := sampleReport()
	return &report.Plan{
		Schema: report.PlanSchema, Grant: *r.Grant, Target: report.PlanTarget{Server: "ex01.contoso.test", Build: "15.2.2562.17"},
		Changes: []report.Change{
			{ID: report.StepScope, Action: report.ActionCreate, Why: "no scope of this definition under this name",
				Command: report.NewPlanCommand(commands.NewScope("Reschedule", "MemberOfGroup -eq 'CN=Users,DC=contoso,DC=test'", ""))},
			{ID: report.StepAssign, Action: report.ActionUpdate, Why: "the scope is another one", Command: report.NewPlanCommand(commands.SetAssignmentEnabled("c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77", true, ""))},
			{ID: report.StepRemove, Action: report.ActionRemove, Why: "it is not used any more", Command: report.NewPlanCommand(commands.RemoveScope("c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77", "dc1"))},
		},
		Unchanged: []report.Unchanged{{ID: report.StepResolve, Text: "svc has a mailbox"}},
		Findings:  r.Findings[:1],
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		name  string
		style Style
		write func(io.Writer, Style) error
	}{
		{"report.txt", Style{}, func(w io.Writer, s Style) error { return Report(w, sampleReport(), s) }},
		{"report-narrow.txt", Style{Width: 44}, func(w io.Writer, s Style) error { return Report(w, sampleReport(), s) }},
		{"report-colour.txt", Style{Width: 100, Colour: true}, func(w io.Writer, s Style) error { return Report(w, sampleReport(), s) }},
		{"diagnosis.txt", Style{Width: 110}, func(w io.Writer, s Style) error { return Report(w, sampleDiagnosis(), s) }},
		{"diagnosis-narrow.txt", Style{Width: 60}, func(w io.Writer, s Style) error { return Report(w, sampleDiagnosis(), s) }},
		{"plan.txt", Style{Width: 80}, func(w io.Writer, s Style) error { return Plan(w, samplePlan(), s) }},
		{"plan-empty.txt", Style{}, func(w io.Writer, s Style) error { return Plan(w, &report.Plan{Grant: *sampleReport().Grant}, s) }},
		{"audit-table.txt", Style{}, func(w io.Writer, s Style) error { return audit(NewAuditText(w, s)) }},
		{"audit.txt", Style{Width: 80}, func(w io.Writer, s Style) error { return audit(NewAuditText(w, s)) }},
		{"audit.json", Style{}, func(w io.Writer, _ Style) error { return audit(NewAuditJSON(w)) }},
		{"audit.csv", Style{}, func(w io.Writer, _ Style) error { return audit(NewAuditCSV(w)) }},
		{"audit.html", Style{}, func(w io.Writer, _ Style) error { return audit(NewAuditDocument(w, HTML)) }},
		{"audit.junit.xml", Style{}, func(w io.Writer, _ Style) error { return audit(NewAuditDocument(w, JUnit)) }},
	} {
		var b bytes.Buffer
		if err := test.write(&b, test.style); err != nil {
			t.Fatal(err)
		}
		golden(t, test.name, b.String())
		if text := b.String(); test.style.Colour == strings.Contains(text, "\x1b[0m") && strings.Contains(text, "boss\x1b") {
			t.Errorf("%s: a name reaches the terminal as it is", test.name)
		}
	}
}

type auditWriter interface {
	Holder(report.Holder) error
	End(*report.Report) error
}

func audit(a auditWriter) error {
	holders := []report.Holder{
		{Assignment: "ApplicationImpersonation-Hygiene Management", GUID: "1b7c3c1e-8a1d-4d3e-9b6e-0f4f2f6f7a01", Role: exchange.Role, Holder: "Hygiene Management",
			HolderType: "RoleGroup", Delegation: "Regular", Enabled: true, Scope: report.HolderScope{Kind: exchange.WholeOrganization, Text: "the whole organization"}},
		{Assignment: "Reschedule", GUID: "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77", Role: exchange.Role, Holder: "svc", HolderType: "User", SID: "S-1-5-21-1004336348-1177238915-682003330-1105", Via: "Schedulers",
			Delegation: "Regular", Scope: report.HolderScope{Kind: exchange.Group, Name: "S", Filter: "MemberOfGroup -eq 'CN=Users'", Text: "members of Reschedule Users <&>"}},
	}
	for _, h := range holders {
		if err := a.Holder(h); err != nil {
			return err
		}
	}
	r := sampleReport()
	r.Operation, r.Outcome, r.Changed, r.Grant, r.Inverse, r.Proof = report.OperationAudit, report.Audited, false, nil, nil, nil
	r.Before, r.After = nil, nil
	return a.End(r)
}

// The streamed document is the report with its holders, whole.
func TestAuditJSONIsTheReport(t *testing.T) {
	var b bytes.Buffer
	if err := audit(NewAuditJSON(&b)); err != nil {
		t.Fatal(err)
	}
	var r report.Report
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if len(r.Holders) != 2 || r.Outcome != report.Audited || len(r.Steps) != 5 {
		t.Errorf("%d holders, %s, %d steps", len(r.Holders), r.Outcome, len(r.Steps))
	}
	b.Reset()
	none := NewAuditJSON(&b)
	if err := none.End(&report.Report{Operation: report.OperationAudit, Outcome: report.Audited}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &r); err != nil || len(r.Holders) != 0 || !strings.Contains(b.String(), `"holders": []`) {
		t.Errorf("%s: %v", b.String(), err)
	}
}

// Every outcome has words, and a narrow page stays narrow but for commands.
func TestEveryOutcome(t *testing.T) {
	for _, o := range report.Outcomes() {
		if outcomes[o] == "" {
			t.Errorf("%s has no words", o)
		}
		r := sampleReport()
		r.Outcome = o
		var b bytes.Buffer
		if err := Report(&b, r, Style{Width: 50}); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			long := strings.Contains(line, "Management") || strings.Contains(line, "https:")
			if n := utf8.RuneCountInString(line); n > 50 && !long {
				t.Errorf("%s: %d columns: %s", o, n, line)
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestAFullDiskIsTold(t *testing.T) {
	for name, err := range map[string]error{
		"report": Report(full{}, sampleReport(), Style{}),
		"plan":   Plan(full{}, samplePlan(), Style{}),
		"JSON":   JSON(full{}, sampleReport()),
		"audit":  audit(NewAuditText(full{}, Style{})),
		"stream": audit(NewAuditJSON(full{})),
	} {
		if err == nil {
			t.Errorf("%s: a full disk is not told", name)
		}
	}
}

// A spreadsheet must take no cell for a formula, and every reader must see each row.
func TestAuditCSVIsNoFormula(t *testing.T) {
	var b strings.Builder
	w := NewAuditCSV(&b)
	for _, name := range []string{"=1+1", "+1", "-1", "@x", "a,\"b\"", "two\nlines", "plain"} {
		if err := w.Holder(report.Holder{Holder: name}); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, row[0])
	}
	if diff := cmp.Diff([]string{"'=1+1", "'+1", "'-1", "'@x", "a,\"b\"", "two lines", "plain"}, got); diff != "" {
		t.Error(diff)
	}
}

// A document that is made as a whole stays small, and says where it stops.
func TestAuditDocumentStops(t *testing.T) {
	var shown []*report.Report
	w := NewAuditDocument(io.Discard, func(_ io.Writer, r []*report.Report) error { shown = r; return nil })
	for range 20000 {
		if err := w.Holder(report.Holder{Holder: "anna"}); err != nil {
			t.Fatal(err)
		}
	}
	r := &report.Report{Operation: report.OperationAudit, Outcome: report.Audited}
	if err := w.End(r); err != nil {
		t.Fatal(err)
	}
	if n := len(shown[0].Holders); n != 5000 {
		t.Errorf("%d holders are shown", n)
	}
	if f := shown[0].Findings; len(f) != 1 || !strings.HasPrefix(f[0].Text, "15000 more holders are not shown here") || len(r.Findings) != 0 {
		t.Errorf("findings %+v, of the report itself %+v", f, r.Findings)
	}
}

// What a server says may hold what a terminal would obey, or what cannot be seen.
func TestJSONIsASCII(t *testing.T) {
	const text = "a\x1b[2J\u0085\u009b31m\u202eevil\u200b\u2028\U000E0001é漢😀\x7f<&>\"\\"
	for _, write := range []func(io.Writer, any) error{JSON, JSONLine} {
		var b bytes.Buffer
		if err := write(&b, map[string]string{"text": text}); err != nil {
			t.Fatal(err)
		}
		if i := bytes.IndexFunc(b.Bytes(), func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }); i >= 0 {
			t.Errorf("%q has something else at %d", b.String(), i)
		}
		var back map[string]string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["text"] != text {
			t.Errorf("%q, %v", back["text"], err)
		}
	}
}
