package grant

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// readRoles reads the roles that grant impersonation: custom roles made from the
// built-in one grant the same and count too.
func (r *run) readRoles(ctx context.Context) error {
	r.roles = []string{exchange.Role}
	if !r.has(getManagementRole) {
		r.find("roles-unread", report.SeverityInfo, "Get-ManagementRole is not in this session: custom roles that grant the same were "+
			"not looked for.")
		return nil
	}
	found, err := r.list(ctx, commands.ListImpersonationRoles())
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
		found, err := r.list(ctx, from(commands.ListAssignments(role), r.configurationServer))
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
	r.scopes, err = r.list(ctx, from(commands.ListScopes(), r.configurationServer))
	return err
}

// A holder is an account or group whose assignments are asked for: by its GUID, and
// where that gives nothing by its distinguished name.
type holder struct{ guid, dn string }

func holderOf(o exchange.Object) holder { return holder{o.Text("Guid"), o.Text("DistinguishedName")} }

// held returns the assignments of the roles that somebody holds, by the server's
// own reckoning: it knows the names and the groups. Direct ones are those made to
// this very account or group.
func (r *run) held(ctx context.Context, h holder, direct bool) ([]exchange.Object, error) {
	all, err := r.heldBy(ctx, h.guid, direct)
	r.knowsGUIDs = r.knowsGUIDs || len(all) > 0
	if err != nil || len(all) > 0 || h.dn == "" || r.knowsGUIDs {
		return all, err
	}
	return r.heldBy(ctx, h.dn, direct)
}

// madeTo returns the assignments, of every role, that were made to this very account or
// group.
func (r *run) madeTo(ctx context.Context, h holder) ([]exchange.Object, error) {
	for _, identity := range []string{h.guid, h.dn} {
		c := commands.ListDirectAssignmentsOf("", identity)
		found, err := r.list(ctx, from(c, r.configurationServer))
		if reports(err, fault.PrincipalNotFound) && r.configurationServer != "" {
			found, err = r.list(ctx, c) // a domain controller need not know accounts of other domains
		}
		if err != nil || len(found) > 0 || h.dn == "" || r.knowsGUIDs {
			return found, err
		}
	}
	return nil, nil
}

// heldBoth returns the assignments made to this very account or group, and all that it
// holds.
func (r *run) heldBoth(ctx context.Context, h holder) (direct, all []exchange.Object, err error) {
	if all, err = r.held(ctx, h, false); err != nil || len(all) == 0 {
		return nil, nil, err
	}
	direct, err = r.held(ctx, h, true)
	return direct, all, err
}

func (r *run) heldBy(ctx context.Context, identity string, direct bool) ([]exchange.Object, error) {
	var all []exchange.Object
	for _, role := range r.roles {
		c := commands.ListAssignmentsOf(role, identity)
		if direct {
			c = commands.ListDirectAssignmentsOf(role, identity)
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

// tellName tells the names that stand on the server.
func (r *run) tellName(a exchange.Object) {
	if r.report.Grant == nil {
		return
	}
	r.report.Grant.Name = a.Text("Name")
	if a.Text("RecipientWriteScope") == writeCustom {
		r.report.Grant.Scope.Name = a.Text("CustomRecipientWriteScope")
	}
}

// describe is an assignment in words, for messages.
func (r *run) describe(a exchange.Object) string {
	disabled := ""
	if !a.Bool("Enabled") {
		disabled = " (disabled)"
	}
	return fmt.Sprintf("'%s'%s gives %s %s", a.Text("Name"), disabled, cmp.Or(a.Text("RoleAssignee"), "an account that is gone"), r.describeScope(a))
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
func oldScope(a exchange.Object) report.InverseParameter {
	of := a.Text("CustomRecipientWriteScope")
	switch kind := a.Text("RecipientWriteScope"); kind {
	case writeCustom:
		return report.InverseParameter{Name: "CustomRecipientWriteScope", Value: of}
	case writeExclusive:
		return report.InverseParameter{Name: "ExclusiveRecipientWriteScope", Value: of}
	case writeUnit:
		return report.InverseParameter{Name: "RecipientOrganizationalUnitScope", Value: of}
	default:
		return report.InverseParameter{Name: relativeWriteScope, Value: kind}
	}
}

// relativeWriteScope is the parameter for scopes that are no objects. A new
// assignment has the whole organization, or what its role has, without being told.
const relativeWriteScope = "RecipientRelativeWriteScope"

// mustBeTold tells whether a new assignment of an impersonation role has a scope only
// when it is told.
func mustBeTold(scope report.InverseParameter) bool {
	if scope.Name != relativeWriteScope {
		return true
	}
	kind, _ := scope.Value.(string)
	return slices.Contains([]string{"Self", "MyGAL", "MyDistributionGroups", "None"}, kind)
}
