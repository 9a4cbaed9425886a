package render

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/report"
)

// A conflict is headed by the reason of the step that decided, whatever that is.
func TestConflictHeadline(t *testing.T) {
	r := &report.Report{Operation: report.OperationGrant, Outcome: report.Conflict, Steps: []report.Step{{ID: report.StepResolve, Status: report.StatusFailed,
		Text: "'Berlin' is no universal group and cannot hold a role. Name another one."}}}
	var b strings.Builder
	if err := Report(&b, r, Style{}); err != nil {
		t.Fatal(err)
	}
	if want := "conflict: 'Berlin' is no universal group and cannot hold a role.\n  Name another one.\n"; !strings.HasPrefix(b.String(), want) {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
	if text := outcomeText(&report.Report{Outcome: report.Conflict}); strings.Contains(text, "exists") {
		t.Errorf("without a reason: %s", text)
	}
}

// A headline gives the reason that is true.
func TestHeadlineReasons(t *testing.T) {
	found := func(ids ...string) (list []report.Finding) {
		for _, id := range ids {
			list = append(list, report.Finding{ID: id})
		}
		return list
	}
	for want, r := range map[string]report.Report{
		"the scope holds nobody now": {Operation: report.OperationPlan, Outcome: report.Conflict, Findings: found("scope-empty")},
		"its scope holds nobody now": {Operation: report.OperationVerify, Outcome: report.Verified, Findings: found("scope-empty")},
		"is again as it was before.": {Operation: report.OperationRevoke, Outcome: report.Granted, Changed: true},
		"was again as it was before": {Operation: report.OperationRevoke, Outcome: report.AlreadyGranted},
	} {
		if got := outcomeText(&r); !strings.Contains(got, want) {
			t.Errorf("%s: %q", want, got)
		}
	}
}
