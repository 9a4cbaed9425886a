package grant

import (
	"github.com/exgrant/exgrant/pkg/report"
)

// plan is what the run found and would do.
func (r *run) plan() *report.Plan {
	p := &report.Plan{
		Schema: report.PlanSchema, Outcome: r.report.Outcome, Changed: len(r.changes) > 0, MadeAt: r.report.FinishedAt,
		Target:    report.PlanTarget{Server: r.report.Target.Server, Build: r.report.Target.Build, Organization: r.organization},
		Grant:     *r.report.Grant,
		Options:   r.planOptions(),
		Changes:   r.changes,
		Unchanged: []report.Unchanged{},
		Findings:  r.report.Findings,
		Read:      r.reads(),
	}
	for _, s := range r.report.Steps {
		if s.Status == report.StatusUnchanged {
			p.Unchanged = append(p.Unchanged, report.Unchanged{ID: s.ID, Text: s.Text})
		}
	}
	return p
}

// planOptions is nil when nothing but the grant itself was asked for.
func (r *run) planOptions() *report.PlanOptions {
	o := report.PlanOptions{
		DomainController:      r.grant.DomainController,
		ViewOnlyConfiguration: r.grant.Assignee.ViewOnlyConfiguration,
		UpdateScope:           r.o.UpdateScope,
		AllowEmpty:            r.o.AllowEmpty,
		InScope:               r.grant.InScope,
		OutOfScope:            r.grant.OutOfScope,
	}
	if o.DomainController == "" && !o.ViewOnlyConfiguration && !o.UpdateScope && !o.AllowEmpty && len(o.InScope)+len(o.OutOfScope) == 0 {
		return nil
	}
	return &o
}
