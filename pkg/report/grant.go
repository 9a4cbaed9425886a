package report

import "github.com/exgrant/exgrant/pkg/exchange"

// NewGrantState is a grant as it was asked for, with none of its names resolved.
func NewGrantState(g exchange.Grant) *GrantState {
	return &GrantState{
		Name:     g.AssignmentName(),
		Assignee: AssigneeState{Kind: g.Assignee.Kind, Given: g.Assignee.Identity, Members: g.Assignee.Members},
		Role:     exchange.Role,
		Scope:    ScopeState{Kind: g.Scope.Kind, Given: g.Scope.Text},
		Mailbox:  g.Mailbox,
	}
}

// Asked is the grant as it was asked for, as far as a report holds it; a plan holds the
// rest: see Plan.Asked.
func (s GrantState) Asked() exchange.Grant {
	g := exchange.Grant{
		Name:     s.Name,
		Assignee: exchange.Assignee{Kind: s.Assignee.Kind, Identity: s.Assignee.Given, Members: s.Assignee.Members},
		Mailbox:  s.Mailbox,
		Scope:    exchange.Scope{Kind: s.Scope.Kind, Text: s.Scope.Given},
	}
	if g.Scope.Creates() {
		g.Scope.Name = s.Scope.Name
	}
	return g
}

// Found is Asked with the assignee by its GUID where it was found, so that a rename since
// then does not matter, and without the mailbox: taking a grant back does not need it.
func (s GrantState) Found() exchange.Grant {
	g := s.Asked()
	if s.Assignee.GUID != "" && s.Assignee.Kind != exchange.RoleGroup {
		g.Assignee.Identity = s.Assignee.GUID
	}
	g.Mailbox = ""
	return g
}

// Asked is the grant that the plan is for, as it was asked for.
func (p *Plan) Asked() exchange.Grant {
	g := p.Grant.Asked()
	if o := p.Options; o != nil {
		g.DomainController = o.DomainController
		g.Assignee.ViewOnlyConfiguration = o.ViewOnlyConfiguration
		g.InScope, g.OutOfScope = o.InScope, o.OutOfScope
	}
	return g
}
