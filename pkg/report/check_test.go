package report

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

func TestCheck(t *testing.T) {
	example, err := os.ReadFile(peers.Shared(t, "design", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		edit func(*Report)
		want string
	}{
		{"as published", func(*Report) {}, ""},
		{"operation", func(r *Report) { r.Operation = "format" }, `its operation "format" is none`},
		{"outcome", func(r *Report) { r.Outcome = "fine" }, `its outcome "fine" is none`},
		{"times", func(r *Report) { r.FinishedAt = r.StartedAt.Add(-1) }, "before it begins"},
		{"a change denied", func(r *Report) { r.Changed = false }, "step 4: scope changed something"},
		{"a change taken back", func(r *Report) {
			r.Changed, r.Outcome, r.Steps = false, Denied, append(r.Steps, Step{ID: StepRemove, Status: StatusChanged})
		}, ""},
		{"step", func(r *Report) { r.Steps[0].ID = "defrag" }, `step 1: its id "defrag"`},
		{"status", func(r *Report) { r.Steps[1].Status = "ok" }, `step 2: its status "ok"`},
		{"severity", func(r *Report) { r.Findings[0].Severity = "none" }, `finding 1: its severity "none"`},
		{"outcome of another operation", func(r *Report) { r.Outcome = Verified }, "its operation is grant and its outcome verified, which is none of that"},
		{"reached from outside", func(r *Report) { r.Proof = []Proof{{Mailbox: "boss", Expected: "refused", RBAC: "allowed"}} },
			"its outcome is granted, and boss should be refused and is allowed"},
		{"late", func(r *Report) {
			r.Outcome, r.Proof = GrantedReplicating, []Proof{{Mailbox: "anna", Expected: "allowed", RBAC: "refused"}}
		}, ""},
		{"failed step", func(r *Report) { r.Steps = append(r.Steps, Step{ID: StepReadBack, Status: StatusFailed}) }, "its outcome is granted, and read-back failed"},
		{"tried again", func(r *Report) {
			r.Steps = append(r.Steps, Step{ID: StepReadBack, Status: StatusFailed}, Step{ID: StepReadBack, Status: StatusUnchanged, Attempt: 2})
		}, ""},
		{"operator", func(r *Report) { r.Operator = "" }, "it does not say who acted"},
		{"recipients", func(r *Report) { n := -1; r.Grant.Scope.Recipients = &n }, "its scope holds -1 recipients"},
		{"inverse", func(r *Report) { r.Inverse[0].Cmdlet = "Remove-Mailbox" }, "Remove-Mailbox"},
	} {
		var r Report
		if err := json.Unmarshal(example, &r); err != nil {
			t.Fatal(err)
		}
		test.edit(&r)
		switch err := r.Check(); {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}
