package psgen

import (
	"github.com/exgrant/exgrant/pkg/exchange"
)

// grantVariables is the data block of a script of a grant.
func grantVariables(kind Kind, g exchange.Grant) ([]entry, error) {
	grant, err := grantTable(kind, g)
	if err != nil {
		return nil, err
	}
	variables := []entry{{"Grant", grant}}
	if g.Assignee.Kind == exchange.RoleGroup {
		roles := list{exchange.Role}
		if g.Assignee.ViewOnlyConfiguration {
			roles = append(roles, exchange.RoleViewOnlyConfiguration)
		}
		variables = append(variables, entry{"Roles", roles})
	}
	switch {
	case kind == KindRevoke && g.Scope.Creates():
		// A scope with a name of its own may be older than the grant.
		variables = append(variables, entry{"OwnScope", g.Scope.Name == ""})
	case kind != KindRevoke:
		variables = append(variables, mailboxes(g)...)
	}
	pin := table{plain: true}
	if g.DomainController != "" {
		pin.entries = []entry{{"DomainController", g.DomainController}}
	}
	return append(variables, entry{"Pin", pin}), nil
}

// grantTable is the grant as a report tells it (report.GrantState).
func grantTable(kind Kind, g exchange.Grant) (table, error) {
	assignee := []entry{{"kind", string(g.Assignee.Kind)}, {"given", g.Assignee.Identity}}
	if g.Assignee.Kind == exchange.RoleGroup {
		assignee = append(assignee, entry{"members", texts(g.Assignee.Members)})
	}
	scope := []entry{{"kind", string(g.Scope.Kind)}}
	if g.Scope.Text != "" {
		scope = append(scope, entry{"given", g.Scope.Text})
	}
	if g.Scope.Creates() && g.Scope.Name != "" {
		scope = append(scope, entry{"name", g.Scope.Name})
	}
	if g.Scope.Kind == exchange.RecipientFilter && kind != KindRevoke { // which never looks at it
		filter, err := storedFilter(g.Scope.Text)
		if err != nil {
			return table{}, err
		}
		scope = append(scope, entry{"filter", filter})
	}
	grant := []entry{
		{"name", g.AssignmentName()}, {"assignee", table{entries: assignee}}, {"role", exchange.Role}, {"scope", table{entries: scope}},
	}
	if g.Mailbox != "" {
		grant = append(grant, entry{"mailbox", g.Mailbox})
	}
	return table{entries: grant}, nil
}

// mailboxes are the two lists by which a grant is proven, in one line where they fit.
func mailboxes(g exchange.Grant) []entry {
	in, out := texts(g.InScope), texts(g.OutOfScope)
	together := entry{"InScope, $OutOfScope", both{in, out}}
	p := constantPrinter{}
	if line, _ := p.line(together.value); len("$"+together.name+" = "+line) <= maxColumn {
		return []entry{together}
	}
	return []entry{{"InScope", in}, {"OutOfScope", out}}
}
