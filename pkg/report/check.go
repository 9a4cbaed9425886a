package report

import (
	"fmt"
	"slices"
)

// Check says what is in the report that no report of exgrant holds: a word that is none
// of the contract's, a change that it denies, a command of its undoing that exgrant does
// not make. A report is a file that anybody may have edited; one that passes may have
// been edited with more care.
func (r *Report) Check() error {
	operations := []string{OperationGrant, OperationRevoke, OperationStatus, OperationVerify, OperationAudit, OperationPlan,
		OperationDiagnose, OperationConnect}
	switch {
	case !slices.Contains(operations, r.Operation):
		return fmt.Errorf("its operation %q is none of exgrant's", r.Operation)
	case !slices.Contains(Outcomes(), r.Outcome):
		return fmt.Errorf("its outcome %q is none of exgrant's", r.Outcome)
	case r.FinishedAt.Before(r.StartedAt):
		return fmt.Errorf("it ends (%s) before it begins (%s)", r.FinishedAt, r.StartedAt)
	}
	changed := r.Changed || slices.ContainsFunc(r.Steps, r.takesBack)
	for i, s := range r.Steps {
		if err := s.check(changed); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	severities := []string{SeverityInfo, SeverityWarning, SeveritySecurity}
	for i, f := range r.Findings {
		if !slices.Contains(severities, f.Severity) {
			return fmt.Errorf("finding %d: its severity %q is none of exgrant's", i+1, f.Severity)
		}
	}
	if err := checkInverses(r.Inverse); err != nil {
		return err
	}
	return r.checkSense()
}

// takesBack tells whether a step of a grant removed again what that had made: a run that
// does not end well leaves nothing, and then changed nothing.
func (r *Report) takesBack(s Step) bool {
	return r.Operation == OperationGrant && r.Outcome.ExitCode() != 0 && s.ID == StepRemove && s.Status == StatusChanged
}

func (s Step) check(changed bool) error {
	ids := []string{StepPreflight, StepResolve, StepReadAssignments, StepScope, StepCustomize, StepAssign, StepRoleGroup,
		StepRemove, StepReadBack, StepReach, StepProof}
	statuses := []string{StatusPlanned, StatusChanged, StatusUnchanged, StatusSkipped, StatusFailed}
	switch {
	case !slices.Contains(ids, s.ID) && s.Rung == nil:
		return fmt.Errorf("its id %q is none of exgrant's", s.ID)
	case !slices.Contains(statuses, s.Status):
		return fmt.Errorf("its status %q is none of exgrant's", s.Status)
	case s.Status == StatusChanged && !changed:
		return fmt.Errorf("%s changed something, and the report says that nothing was changed", s.ID)
	}
	return nil
}
