package render

import (
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// notBegun stands where a report has its outcome, for a grant whose turn never
// came. It is never written as JSON.
const notBegun report.Outcome = "not-begun"

// NotBegun is what a document shows of a grant whose turn never came, because one
// before it did not end well.
func NotBegun(operation string, g exchange.Grant, now time.Time) *report.Report {
	return &report.Report{Operation: operation, Outcome: notBegun, StartedAt: now, FinishedAt: now, Grant: report.NewGrantState(g)}
}

// PlanReport is a plan as the report of the run that made it, for documents that
// hold reports: each change is a planned step. The outcome is planned or, for who
// asked to be told of changes, differs.
func PlanReport(p *report.Plan, outcome report.Outcome) *report.Report {
	r := &report.Report{
		Schema: report.Schema, Operation: report.OperationPlan, Outcome: outcome,
		StartedAt: p.MadeAt, FinishedAt: p.MadeAt, Grant: &p.Grant, Findings: p.Findings,
		Target: report.Target{Server: p.Target.Server, Build: p.Target.Build},
	}
	for _, c := range p.Changes {
		r.Steps = append(r.Steps, report.Step{ID: c.ID, Status: report.StatusPlanned,
			Text: c.Action + ": " + c.Why, Command: commandLine(c.Command)})
	}
	for _, u := range p.Unchanged {
		r.Steps = append(r.Steps, report.Step{ID: u.ID, Status: report.StatusUnchanged, Text: u.Text})
	}
	return r
}

// grantName is what a report is about, in a word or two; "" where it does not say.
func grantName(r *report.Report) string {
	if r.Grant == nil {
		return visible(r.Account)
	}
	return visible(r.Grant.Name)
}

// overtaken tells whether a failed step was tried again, and the last try did not
// fail.
func overtaken(steps []report.Step, i int) bool {
	if steps[i].Status != report.StatusFailed {
		return false
	}
	last := i
	for j := i + 1; j < len(steps); j++ {
		if steps[j].ID == steps[i].ID {
			last = j
		}
	}
	return last > i && steps[last].Attempt > steps[i].Attempt && steps[last].Status != report.StatusFailed
}
