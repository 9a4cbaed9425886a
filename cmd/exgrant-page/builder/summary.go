package builder

import (
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// summary says in five sentences what the grant's script will do.
func summary(g exchange.Grant) []string {
	return []string{
		fmt.Sprintf("It lets %s act as %s: read and change what is in their mailboxes, and send in their name (role %s).",
			who(g.Assignee), whom(g.Scope), exchange.Role),
		"It makes " + makes(g) + ", and changes nothing else.",
		"Before that it looks every name up, and stops with nothing changed where one is not found, is found twice or is in use for something else" +
			emptyScope(g.Scope) + ".",
		"It shows each command and asks before it runs it, and asks separately about Enable-OrganizationCustomization, which cannot be undone, " +
			"should the server demand it; with -WhatIf it changes nothing.",
		"Afterwards it reads the result back from the server" + asks(g) + ", and prints the commands that undo it.",
	}
}

func who(a exchange.Assignee) string {
	switch a.Kind {
	case exchange.SecurityGroup:
		return fmt.Sprintf("everybody in the security group '%s', now and later,", a.Identity)
	case exchange.RoleGroup:
		return fmt.Sprintf("the members of the role group '%s' (%s)", a.Identity, quoted(a.Members))
	}
	return fmt.Sprintf("the account '%s'", a.Identity)
}

func whom(s exchange.Scope) string {
	switch s.Kind {
	case exchange.Group:
		return fmt.Sprintf("every direct member of the group '%s'", s.Text)
	case exchange.OrganizationalUnit:
		return fmt.Sprintf("everybody in the organizational unit '%s' and below", s.Text)
	case exchange.RecipientFilter:
		return fmt.Sprintf("everybody whom the filter “%s” matches, now and later", s.Text)
	case exchange.Existing:
		return fmt.Sprintf("everybody in the management scope '%s', which must exist", s.Text)
	}
	return "EVERYBODY in the organization"
}

func makes(g exchange.Grant) string {
	scope := ""
	if g.Scope.Creates() {
		scope = fmt.Sprintf("the management scope '%s' and ", g.ScopeName())
	}
	if g.Assignee.Kind != exchange.RoleGroup {
		return fmt.Sprintf("%sthe role assignment '%s', unless an equal grant stands already", scope, g.AssignmentName())
	}
	also := ""
	if g.Assignee.ViewOnlyConfiguration {
		also = fmt.Sprintf(", which also gets the role %s for the whole organization", exchange.RoleViewOnlyConfiguration)
	}
	return fmt.Sprintf("%sthe role group '%s' with its members%s, or adds those that are missing to one of exactly these roles, this scope and no other members",
		scope, g.Assignee.Identity, also)
}

func emptyScope(s exchange.Scope) string {
	if s.Kind == exchange.WholeOrganization {
		return ""
	}
	return ", or where nobody is in the scope"
}

func asks(g exchange.Grant) string {
	var all []string
	if len(g.InScope) > 0 {
		all = append(all, quoted(g.InScope)+" must be reached")
	}
	if len(g.OutOfScope) > 0 {
		all = append(all, quoted(g.OutOfScope)+" must not be reached")
	}
	if len(all) == 0 {
		return ", without a test of who is reached, because you named no mailbox"
	}
	return ", asks it about the mailboxes that you named (" + strings.Join(all, ", ") + ")"
}

func quoted(all []string) string {
	const most = 5
	rest := ""
	if len(all) > most {
		rest = fmt.Sprintf(" and %d more", len(all)-most)
		all = all[:most]
	}
	return "'" + strings.Join(all, "', '") + "'" + rest
}
