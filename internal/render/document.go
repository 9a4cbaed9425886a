package render

import (
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// notBegun stands where a report has its outcome, for a grant whose turn never
// came. It is never written as JSON.
const notBegun exchange.Outcome = "not-begun"

// NotBegun is what a document shows of a grant whose turn never came, because one
// before it did not end well.
func NotBegun(operation string, g exchange.Grant, now time.Time) *exchange.Report {
	return &exchange.Report{Operation: operation, Outcome: notBegun, StartedAt: now, FinishedAt: now, Grant: &exchange.GrantState{
		Name: g.AssignmentName(), Role: exchange.Role, Mailbox: g.Mailbox,
		Assignee: exchange.AssigneeState{Kind: g.Assignee.Kind, Given: g.Assignee.Identity, Members: g.Assignee.Members},
		Scope:    exchange.ScopeState{Kind: g.Scope.Kind, Given: g.Scope.Text},
	}}
}

// PlanReport is a plan as the report of the run that made it, for documents that
// hold reports: each change is a planned step. The outcome is planned or, for who
// asked to be told of changes, differs.
func PlanReport(p *exchange.Plan, outcome exchange.Outcome) *exchange.Report {
	r := &exchange.Report{
		Schema: exchange.ReportSchema, Operation: exchange.OperationPlan, Outcome: outcome,
		StartedAt: p.MadeAt, FinishedAt: p.MadeAt, Grant: &p.Grant, Findings: p.Findings,
		Target: exchange.Target{Server: p.Target.Server, Build: p.Target.Build},
	}
	for _, c := range p.Changes {
		r.Steps = append(r.Steps, exchange.Step{ID: c.ID, Status: exchange.StatusPlanned,
			Text: c.Action + ": " + c.Why, Command: commandLine(c.Command)})
	}
	for _, u := range p.Unchanged {
		r.Steps = append(r.Steps, exchange.Step{ID: u.ID, Status: exchange.StatusUnchanged, Text: u.Text})
	}
	return r
}

// outcomeText is a report's outcome in words, without a full stop.
func outcomeText(r *exchange.Report) string {
	switch {
	case r.Outcome == notBegun:
		return "one before it did not end well"
	case r.Operation == exchange.OperationDiagnose && r.Outcome == exchange.Verified:
		return "impersonation reaches what it should, and nothing else that was tried"
	case r.Operation == exchange.OperationDiagnose && r.Outcome == exchange.Differs:
		return "impersonation does not work as it should: the rungs say where, and what to do"
	case r.Operation == exchange.OperationConnection && r.Outcome == exchange.Verified:
		return "the way to the server works, from its name to its commands"
	case r.Operation == exchange.OperationConnection && r.Outcome == exchange.Differs:
		return "the server is reached, and the session there is not as it should be"
	case r.Operation == exchange.OperationConnection && r.Outcome == exchange.Denied:
		return "the server is there, and does not let this account in"
	}
	return outcomes[r.Outcome]
}

// grantName is what a report is about, in a word or two; "" where it does not say.
func grantName(r *exchange.Report) string {
	if r.Grant == nil {
		return visible(r.Account)
	}
	return visible(r.Grant.Name)
}

// overtaken tells whether a failed step was tried again, and the last try did not
// fail.
func overtaken(steps []exchange.Step, i int) bool {
	if steps[i].Status != exchange.StatusFailed {
		return false
	}
	last := i
	for j := i + 1; j < len(steps); j++ {
		if steps[j].ID == steps[i].ID {
			last = j
		}
	}
	return last > i && steps[last].Attempt > steps[i].Attempt && steps[last].Status != exchange.StatusFailed
}
