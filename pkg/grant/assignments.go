package grant

import (
	"context"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// readRoles reads the roles that grant impersonation: custom roles made from the
// built-in one grant the same and count too.
func (r *run) readRoles(ctx context.Context) error {
	r.roles = []string{exchange.Role}
	if !r.has(getManagementRole) {
		r.find("roles-unread", exchange.SeverityInfo, "Get-ManagementRole is not in this session: custom roles that grant the same were "+
			"not looked for.")
		return nil
	}
	found, err := r.list(ctx, exchange.ListImpersonationRoles())
	if err != nil {
		return err
	}
	var roles []string
	for _, o := range found {
		if strings.EqualFold(o.Text("RoleType"), exchange.Role) {
			roles = append(roles, o.Text("Name"))
		}
	}
	if len(roles) > 0 {
		r.roles = roles
	}
	return nil
}

// readAssignments reads all assignments of the roles, and all scopes, from the
// domain controller that takes changes of them: others may show them later.
func (r *run) readAssignments(ctx context.Context) error {
	if err := r.readRoles(ctx); err != nil {
		return err
	}
	r.assignments = nil
	for _, role := range r.roles {
		found, err := r.list(ctx, from(exchange.ListAssignments(role), r.configurationServer))
		if err != nil {
			return err
		}
		r.assignments = append(r.assignments, found...)
	}
	return r.readScopes(ctx)
}

func (r *run) readScopes(ctx context.Context) error {
	r.scopes = nil
	if !r.has(getManagementScope) {
		return nil
	}
	var err error
	r.scopes, err = r.list(ctx, from(exchange.ListScopes(), r.configurationServer))
	return err
}

// held returns the assignments of the roles that somebody holds, by the server's
// own reckoning: it knows the names and the groups. Direct ones are those made to
// this very account or group.
func (r *run) held(ctx context.Context, holder string, direct bool) ([]exchange.Object, error) {
	var all []exchange.Object
	for _, role := range r.roles {
		c := exchange.ListAssignmentsOf(role, holder)
		if direct {
			c = exchange.ListDirectAssignmentsOf(role, holder)
		}
		found, err := r.list(ctx, from(c, r.configurationServer))
		if reports(err, fault.PrincipalNotFound) && r.configurationServer != "" {
			// A domain controller need not know accounts of other domains.
			found, err = r.list(ctx, c)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func isRegular(assignment exchange.Object) bool {
	return strings.EqualFold(assignment.Text("RoleAssignmentDelegationType"), "Regular")
}

// describe is an assignment in words, for messages.
func (r *run) describe(a exchange.Object) string {
	disabled := ""
	if !a.Bool("Enabled") {
		disabled = " (disabled)"
	}
	return fmt.Sprintf("'%s'%s gives %s %s", a.Text("Name"), disabled, a.Text("RoleAssignee"), r.describeScope(a))
}

// describeScope is the recipient write scope of an assignment in words.
func (r *run) describeScope(a exchange.Object) string {
	scope, _ := named(r.scopes, a.Text("CustomRecipientWriteScope"))
	return describeScope(a, scope.Text("RecipientFilter"))
}

// describeScope is the recipient write scope of an assignment in words, with the
// filter of its management scope where it is known.
func describeScope(a exchange.Object, filter string) string {
	of := a.Text("CustomRecipientWriteScope")
	if filter != "" {
		filter = " (" + filter + ")"
	}
	switch kind := a.Text("RecipientWriteScope"); kind {
	case writeOrganization:
		return "the whole organization"
	case writeUnit:
		return "the organizational unit " + of
	case writeCustom:
		return "the scope '" + of + "'" + filter
	case writeExclusive:
		return "the exclusive scope '" + of + "'" + filter
	default:
		return "the relative scope " + kind
	}
}

// oldScope is the parameter that puts an assignment's present scope back.
func oldScope(a exchange.Object) exchange.InverseParameter {
	of := a.Text("CustomRecipientWriteScope")
	switch kind := a.Text("RecipientWriteScope"); kind {
	case writeCustom:
		return exchange.InverseParameter{Name: "CustomRecipientWriteScope", Value: of}
	case writeExclusive:
		return exchange.InverseParameter{Name: "ExclusiveRecipientWriteScope", Value: of}
	case writeUnit:
		return exchange.InverseParameter{Name: "RecipientOrganizationalUnitScope", Value: of}
	default:
		return exchange.InverseParameter{Name: relativeWriteScope, Value: kind}
	}
}

// relativeWriteScope is the parameter for scopes that are no objects. A new
// assignment has the whole organization, or what its role has, without being told.
const relativeWriteScope = "RecipientRelativeWriteScope"
