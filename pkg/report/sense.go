package report

import (
	"errors"
	"fmt"
	"slices"
)

// successes are the outcomes that only some operations have. Whoever takes a revocation
// back by its report gives rights again.
var successes = map[Outcome][]string{
	Granted: {OperationGrant, OperationRevoke}, GrantedReplicating: {OperationGrant, OperationRevoke},
	AlreadyGranted: {OperationGrant, OperationPlan, OperationRevoke},
	Revoked:        {OperationRevoke}, NothingToRevoke: {OperationRevoke}, StillEffective: {OperationRevoke}, NotRevoked: {OperationRevoke},
	Verified: {OperationVerify, OperationStatus, OperationDiagnose, OperationConnect},
	Audited:  {OperationAudit}, Planned: {OperationPlan, OperationGrant, OperationRevoke},
}

// checkSense says what in the report contradicts itself: each word is one of exgrant's,
// and no run of it can have said all of them.
func (r *Report) checkSense() error {
	if of, some := successes[r.Outcome]; some && !slices.Contains(of, r.Operation) {
		return fmt.Errorf("its operation is %s and its outcome %s, which is none of that", r.Operation, r.Outcome)
	}
	if r.Grant != nil && r.Grant.Scope.Recipients != nil && *r.Grant.Scope.Recipients < 0 {
		return fmt.Errorf("its scope holds %d recipients", *r.Grant.Scope.Recipients)
	}
	if r.Operator == "" && r.Changed {
		return errors.New("it does not say who acted")
	}
	if r.Outcome.ExitCode() != 0 {
		return nil
	}
	for _, row := range r.Proof {
		if err := r.checkProof(row); err != nil {
			return err
		}
	}
	return r.checkFailures()
}

// checkProof wants a mailbox to answer as a good outcome needs it. What was just written
// may be refused for a while.
func (r *Report) checkProof(row Proof) error {
	for _, answer := range []string{row.RBAC, row.EWS} {
		isLate := r.Outcome == GrantedReplicating && row.Expected == "allowed"
		if (answer == "allowed" || answer == "refused") && answer != row.Expected && !isLate {
			return fmt.Errorf("its outcome is %s, and %s should be %s and is %s", r.Outcome, row.Mailbox, row.Expected, answer)
		}
	}
	return nil
}

// checkFailures wants what failed to have been tried again. Customizing may fail: the
// command that asked for it decides.
func (r *Report) checkFailures() error {
	last := map[string]Step{}
	for _, s := range r.Steps {
		if s.Rung != nil && s.Status == StatusFailed {
			return fmt.Errorf("its outcome is %s, and %s failed", r.Outcome, s.Rung.Name)
		}
		last[s.ID] = s
	}
	for _, s := range r.Steps {
		if s.ID != StepCustomize && last[s.ID].Status == StatusFailed {
			return fmt.Errorf("its outcome is %s, and %s failed", r.Outcome, s.ID)
		}
	}
	return nil
}
