package operate

import (
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// planOf makes a plan of what a grant script says with -WhatIf. It rests on the
// changes themselves: Read is empty, and whoever applies it by a script compares the
// changes of another preview.
func (x *scripted) planOf(g exchange.Grant, r *exchange.Report) (*exchange.Plan, error) {
	changes, err := changesOf(r)
	if err != nil {
		return nil, err
	}
	if r.Grant == nil {
		return nil, fmt.Errorf("it says nothing about the grant")
	}
	p := &exchange.Plan{
		Schema: exchange.PlanSchema, MadeAt: r.FinishedAt, Grant: *r.Grant, Options: x.planOptions(g),
		Target:  exchange.PlanTarget{Server: r.Target.Server, Build: r.Target.Build},
		Changes: changes, Unchanged: []exchange.Unchanged{}, Findings: r.Findings, Read: []exchange.ReadObject{},
	}
	for _, s := range r.Steps {
		if s.Status == exchange.StatusUnchanged {
			p.Unchanged = append(p.Unchanged, exchange.Unchanged{ID: s.ID, Text: s.Text})
		}
	}
	return p, nil
}

// planOptions is nil when nothing but the grant itself was asked for.
func (x *scripted) planOptions(g exchange.Grant) *exchange.PlanOptions {
	o := exchange.PlanOptions{
		DomainController:      g.DomainController,
		ViewOnlyConfiguration: g.Assignee.ViewOnlyConfiguration,
		UpdateScope:           x.options.UpdateScope,
		AllowEmpty:            x.options.AllowEmpty,
		InScope:               g.InScope,
		OutOfScope:            g.OutOfScope,
	}
	if o.DomainController == "" && !o.ViewOnlyConfiguration && !o.UpdateScope && !o.AllowEmpty && len(o.InScope)+len(o.OutOfScope) == 0 {
		return nil
	}
	return &o
}

// changesOf are the planned steps of a report as commands.
func changesOf(r *exchange.Report) ([]exchange.Change, error) {
	changes := []exchange.Change{}
	for _, s := range r.Steps {
		if s.Status != exchange.StatusPlanned {
			continue
		}
		command, err := exchange.ParseLine(s.Command)
		if err != nil {
			return nil, err
		}
		changes = append(changes, exchange.Change{ID: s.ID, Action: actionOf(command), Command: exchange.NewPlanCommand(command), Why: whyOf(command, s.Text)})
	}
	return changes, nil
}

func actionOf(c exchange.Command) string {
	switch verb, noun, _ := strings.Cut(c.Cmdlet, "-"); {
	case verb == "New":
		return exchange.ActionCreate
	case verb == "Remove" && noun != "RoleGroupMember":
		return exchange.ActionRemove
	}
	return exchange.ActionUpdate
}

// whyOf is why a command is run, where the command alone says it; else the step's
// text, which names what is changed.
func whyOf(c exchange.Command, text string) string {
	switch c.Cmdlet {
	case "New-ManagementScope":
		return "there is no scope of this name"
	case "New-RoleGroup":
		return "there is no role group of this name"
	case "Add-RoleGroupMember":
		return "it is not a member"
	case "New-ManagementRoleAssignment":
		for _, p := range c.Params {
			if p.Name == "Role" && p.Value == exchange.Value(exchange.String(exchange.RoleViewOnlyConfiguration)) {
				return "the role group does not have this role"
			}
		}
		return "there is no equal grant"
	}
	return text
}
