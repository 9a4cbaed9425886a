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
		{"step", func(r *Report) { r.Steps[0].ID = "defrag" }, `step 1: its id "defrag"`},
		{"status", func(r *Report) { r.Steps[1].Status = "ok" }, `step 2: its status "ok"`},
		{"severity", func(r *Report) { r.Findings[0].Severity = "none" }, `finding 1: its severity "none"`},
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
