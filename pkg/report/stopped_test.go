package report

import (
	"errors"
	"fmt"
	"testing"

	"github.com/exgrant/exgrant/pkg/fault"
)

// An outcome is an error exactly when the program would not exit with 0.
func TestErr(t *testing.T) {
	for _, outcome := range Outcomes() {
		err := (&Report{Outcome: outcome}).Err()
		if (err == nil) != (outcome.ExitCode() == 0) {
			t.Errorf("%s: exit code %d, error %v", outcome, outcome.ExitCode(), err)
		}
	}
	r := &Report{Outcome: NotFound, Steps: []Step{
		{ID: StepPreflight, Status: StatusUnchanged, Text: "fine"},
		{ID: StepResolve, Status: StatusFailed, Text: "look-up", Fault: &fault.Fault{Message: "There is no 'svc'."}}}}
	var stopped *Stopped
	if err := fmt.Errorf("granting: %w", r.Err()); !errors.As(err, &stopped) || stopped.Report != r || err.Error() != "granting: not-found: There is no 'svc'." {
		t.Errorf("got %v", err)
	}
	if got := (&Report{Outcome: Conflict}).Err().Error(); got != "conflict" {
		t.Errorf("without a step: %q", got)
	}
}

// A caller who only looks at the error cannot take a conflict for success.
func ExampleReport_Err() {
	r := &Report{Outcome: Conflict, Steps: []Step{{ID: StepScope, Status: StatusFailed, Text: "The scope 'Rooms' has another filter."}}}
	var stopped *Stopped
	if err := r.Err(); errors.As(err, &stopped) {
		fmt.Println(err)
		fmt.Println("changed:", stopped.Report.Changed)
	}
	// Output:
	// conflict: The scope 'Rooms' has another filter.
	// changed: false
}
