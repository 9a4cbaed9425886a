package grant

import (
	"github.com/exgrant/exgrant/pkg/exchange"
)

// plan is what the run found and would do.
func (r *run) plan() *exchange.Plan {
	p := &exchange.Plan{
		Schema: exchange.PlanSchema, MadeAt: r.report.FinishedAt,
		Target:    exchange.PlanTarget{Server: r.report.Target.Server, Build: r.report.Target.Build, Organization: r.organization},
		Grant:     *r.report.Grant,
		Options:   r.planOptions(),
		Changes:   r.changes,
		Unchanged: []exchange.Unchanged{},
		Findings:  r.report.Findings,
		Read:      r.reads(),
	}
	for _, s := range r.report.Steps {
		if s.Status == exchange.StatusUnchanged {
			p.Unchanged = append(p.Unchanged, exchange.Unchanged{ID: s.ID, Text: s.Text})
		}
	}
	return p
}

// planOptions is nil when nothing but the grant itself was asked for.
func (r *run) planOptions() *exchange.PlanOptions {
	o := exchange.PlanOptions{
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
