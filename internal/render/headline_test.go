package render

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/report"
)

// A headline gives the reason that is true.
func TestHeadlineReasons(t *testing.T) {
	found := func(ids ...string) (list []report.Finding) {
		for _, id := range ids {
			list = append(list, report.Finding{ID: id})
		}
		return list
	}
	for want, r := range map[string]report.Report{
		"something else exists already": {Operation: report.OperationGrant, Outcome: report.Conflict},
		"the group cannot hold a role":  {Operation: report.OperationGrant, Outcome: report.Conflict, Findings: found("group-unfit")},
		"could not be compared":         {Operation: report.OperationPlan, Outcome: report.Conflict, Findings: found("scope-unverified")},
		"the scope holds nobody now":    {Operation: report.OperationPlan, Outcome: report.Conflict, Findings: found("scope-empty")},
		"its scope holds nobody now":    {Operation: report.OperationVerify, Outcome: report.Verified, Findings: found("scope-empty")},
		"is again as it was before.":    {Operation: report.OperationRevoke, Outcome: report.Granted, Changed: true},
		"was again as it was before":    {Operation: report.OperationRevoke, Outcome: report.AlreadyGranted},
	} {
		if got := outcomeText(&r); !strings.Contains(got, want) {
			t.Errorf("%s: %q", want, got)
		}
	}
}
