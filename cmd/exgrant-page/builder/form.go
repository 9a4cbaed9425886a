// Package builder turns what somebody typed into the page's form into scripts: the
// same grant, the same errors and the same bytes as the program makes of the flags of
// these names. It contacts nobody and keeps nothing.
package builder

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Form is the page's fields, by the names of the program's flags.
type Form struct {
	Assignee string `json:"assignee"` // which kind is chosen: user, group or role-group
	Scope    string `json:"scope"`    // which kind is chosen: group, ou, filter, name or organization

	User                  string `json:"user"`
	Group                 string `json:"group"`
	RoleGroup             string `json:"role-group"`
	Member                string `json:"member"` // one a line
	ViewOnlyConfiguration bool   `json:"view-only-configuration"`
	Mailbox               string `json:"mailbox"`

	ScopeGroup        string `json:"scope-group"`
	ScopeOU           string `json:"scope-ou"`
	ScopeFilter       string `json:"scope-filter"`
	ScopeName         string `json:"scope-name"`
	WholeOrganization bool   `json:"whole-organization"`

	InScope          string `json:"in-scope"`     // one a line
	OutOfScope       string `json:"out-of-scope"` // one a line
	Name             string `json:"name"`
	DomainController string `json:"domain-controller"`

	// LoneSurrogates are the fields that hold half a character, which a script cannot
	// hold, and neither can this form.
	LoneSurrogates []string `json:"lone-surrogates"`
}

// Grant is the grant that the form describes; it is not validated. Text around a value
// that cannot be seen in a form, the spaces before and behind it, is left out.
func (f Form) Grant() exchange.Grant {
	g := exchange.Grant{
		Name: trim(f.Name), Assignee: f.assignee(), Mailbox: trim(f.Mailbox), Scope: f.scope(),
		DomainController: trim(f.DomainController), InScope: lines(f.InScope), OutOfScope: lines(f.OutOfScope),
	}
	if g.Assignee.Kind == exchange.User && g.Assignee.Identity == "" && g.Mailbox != "" {
		g.Assignee.Identity = g.Mailbox // as --mailbox alone
	}
	return g
}

func (f Form) assignee() exchange.Assignee {
	switch f.Assignee {
	case "user":
		return exchange.NewUser(trim(f.User))
	case "group":
		return exchange.NewSecurityGroup(trim(f.Group))
	case "role-group":
		return exchange.Assignee{Kind: exchange.RoleGroup, Identity: trim(f.RoleGroup), Members: lines(f.Member),
			ViewOnlyConfiguration: f.ViewOnlyConfiguration}
	}
	return exchange.Assignee{}
}

func (f Form) scope() exchange.Scope {
	name := trim(f.ScopeName)
	switch {
	case f.Scope == "group":
		return exchange.Scope{Kind: exchange.Group, Text: trim(f.ScopeGroup), Name: name}
	case f.Scope == "ou":
		return exchange.Scope{Kind: exchange.OrganizationalUnit, Text: trim(f.ScopeOU)}
	case f.Scope == "filter":
		return exchange.NewFilterScope(trim(f.ScopeFilter), name)
	case f.Scope == "name":
		return exchange.Scope{Kind: exchange.Existing, Text: name}
	case f.Scope == "organization" && f.WholeOrganization:
		return exchange.Scope{Kind: exchange.WholeOrganization}
	}
	return exchange.Scope{}
}

func trim(s string) string { return strings.TrimSpace(s) }

func lines(s string) []string {
	var all []string
	for line := range strings.Lines(s) {
		if line = trim(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
