package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// CheckInverse says why a report cannot be taken back: it is none, it is about no grant,
// it changed nothing, or it holds a command that no report of this program has.
func (r *Report) CheckInverse() error {
	switch {
	case r.Schema != Schema:
		return fmt.Errorf("the report says schema %q, not %q", r.Schema, Schema)
	case r.Grant == nil:
		return errors.New("the report is not about a grant")
	case len(r.Inverse) == 0 && r.Changed:
		return errors.New("the report holds no command that takes its changes back")
	case len(r.Inverse) == 0:
		return errors.New("the report changed nothing: there is nothing to take back")
	}
	return checkInverses(r.Inverse)
}

// CheckOwnInverse is CheckInverse for who cannot look at the organization, such as who
// writes a script: what gives rights again must give the role of the report's own grant,
// to its own account. A report is a file that anybody may have changed.
func (r *Report) CheckOwnInverse() error {
	if err := r.CheckInverse(); err != nil {
		return err
	}
	for _, i := range r.Inverse {
		if why := r.foreign(i); why != "" {
			return fmt.Errorf("the report's inverse %s %s %s, which no script takes back: exgrant revoke --from looks at the server first",
				i.Cmdlet, i.Identity, why)
		}
	}
	return nil
}

// foreign tells what an inverse gives that the report's grant does not; "" for nothing.
func (r *Report) foreign(i Inverse) string {
	own := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n != "" && strings.EqualFold(n, i.Identity) })
	}
	a := r.Grant.Assignee
	switch {
	case i.Cmdlet == "New-ManagementScope":
		return "" // it gives nobody anything
	case i.Cmdlet == "New-RoleGroup" && (a.Kind != exchange.RoleGroup || !own(a.Given, a.Name)):
		return "makes another role group than the grant's"
	case (len(i.Texts("Roles")) > 0 || strings.EqualFold(i.Text("Role"), exchange.Role)) && !r.HasOwnScope(i):
		return "gives another scope than the grant's"
	}
	for _, p := range i.Parameters {
		for _, text := range p.texts() {
			switch p.Name {
			case "Role", "Roles":
				configuration := a.Kind == exchange.RoleGroup && strings.EqualFold(text, exchange.RoleViewOnlyConfiguration)
				if !strings.EqualFold(text, exchange.Role) && !configuration {
					return "gives the role " + text
				}
			case "User", "SecurityGroup":
				if !a.isNamed(text) {
					return "is for " + text
				}
			}
		}
	}
	return ""
}

// RelativeScope is the kind of a scope that is no object, such as Self.
const RelativeScope = exchange.ScopeKind("relative")

// HasOwnScope tells whether an assignment or a role group that an inverse makes again has
// the scope of the report's grant.
func (r *Report) HasOwnScope(i Inverse) bool {
	custom, unit, scope := i.Text("CustomRecipientWriteScope"), i.Text("RecipientOrganizationalUnitScope"), r.Grant.Scope
	switch {
	case i.Text("ExclusiveRecipientWriteScope") != "":
		return false
	case i.Text("RecipientRelativeWriteScope") != "":
		return scope.Kind == RelativeScope
	case custom != "":
		return strings.EqualFold(custom, scope.Name) || strings.EqualFold(custom, r.Grant.Name)
	case unit != "":
		return scope.Kind == exchange.OrganizationalUnit
	}
	return scope.Kind == exchange.WholeOrganization
}

// isNamed tells whether a text names the assignee: as it was given or found, or by the
// last part of its canonical name.
func (a AssigneeState) isNamed(text string) bool {
	return slices.ContainsFunc([]string{a.Given, a.Name, a.GUID, a.DistinguishedName}, func(name string) bool {
		return name != "" && (strings.EqualFold(name, text) || strings.EqualFold(exchange.LastPart(name), exchange.LastPart(text)))
	})
}
