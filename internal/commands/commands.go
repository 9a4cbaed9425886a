// Package commands makes the commands of all procedures. Each constructor is one
// use of one cmdlet, with parameters that exist on-premises
// (learn.microsoft.com/powershell/module/exchangepowershell); -Force is cloud-only
// there and never used, -Confirm:$false is given on every change because a question
// cannot be answered over the wire. Where a domainController parameter is empty,
// none is sent.
//
// Package grant decides with them; the tests of the transports and of the simulator
// send the same ones.
package commands

import "github.com/exgrant/exgrant/pkg/exchange"

func command(cmdlet string) exchange.Command { return exchange.Command{Cmdlet: cmdlet} }

// pinned has c asked of, or written to, one domain controller.
func pinned(c exchange.Command, domainController string) exchange.Command {
	if domainController == "" {
		return c
	}
	return c.With("DomainController", exchange.String(domainController))
}

// change is c as a change that nobody is asked about.
func change(c exchange.Command, domainController string) exchange.Command {
	return pinned(c, domainController).With("Confirm", exchange.Bool(false))
}

// GetExchangeServer lists the organization's servers. It does not exist in
// Exchange Online.
func GetExchangeServer() exchange.Command { return command("Get-ExchangeServer") }

// GetCommands looks cmdlets up by name in the session. Names that are not there,
// because no role of the caller gives them, are errors; the objects have Name and
// Parameters, the names of the parameters that the caller's roles leave.
func GetCommands(names ...string) exchange.Command {
	return command("Get-Command").With("Name", exchange.Strings(names))
}

// GetOrganizationConfig reads the organization's settings.
func GetOrganizationConfig() exchange.Command { return command("Get-OrganizationConfig") }

// GetADServerSettings reads the session's view of the directory.
func GetADServerSettings() exchange.Command { return command("Get-ADServerSettings") }

// SetADServerSettings makes recipient reads of this session cover the whole
// forest, or the default domain only.
func SetADServerSettings(viewEntireForest bool) exchange.Command {
	return command("Set-ADServerSettings").With("ViewEntireForest", exchange.Bool(viewEntireForest))
}

// GetUser, GetGroup, GetMailbox, GetRecipient and GetOrganizationalUnit look one
// object up by any identity.
func GetUser(identity string) exchange.Command { return byIdentity("Get-User", identity) }

// GetGroup is documented at GetUser.
func GetGroup(identity string) exchange.Command { return byIdentity("Get-Group", identity) }

// GetMailbox is documented at GetUser.
func GetMailbox(identity string) exchange.Command { return byIdentity("Get-Mailbox", identity) }

// GetRecipient is documented at GetUser.
func GetRecipient(identity string) exchange.Command { return byIdentity("Get-Recipient", identity) }

// GetOrganizationalUnit is documented at GetUser.
func GetOrganizationalUnit(identity string) exchange.Command {
	return byIdentity("Get-OrganizationalUnit", identity)
}

func byIdentity(cmdlet, identity string) exchange.Command {
	return command(cmdlet).With("Identity", exchange.String(identity))
}

// ListRecipients returns the recipients that match an OPATH filter; root, when
// not empty, limits them to an organizational unit.
func ListRecipients(filter, root string) exchange.Command {
	c := command("Get-Recipient")
	if filter != "" {
		c = c.With("Filter", exchange.String(filter))
	}
	if root != "" {
		c = c.With("OrganizationalUnit", exchange.String(root))
	}
	return c.With("ResultSize", exchange.String("Unlimited"))
}

// ListGroups returns the groups that match an OPATH filter.
func ListGroups(filter string) exchange.Command {
	return command("Get-Group").With("Filter", exchange.String(filter)).With("ResultSize", exchange.String("Unlimited"))
}

// ListImpersonationRoles returns the built-in role and its children.
func ListImpersonationRoles() exchange.Command {
	return command("Get-ManagementRole").With("RoleType", exchange.String(exchange.Role))
}

// ListAssignments returns the assignments of a role, regular and delegating.
func ListAssignments(role string) exchange.Command {
	return command("Get-ManagementRoleAssignment").With("Role", exchange.String(role))
}

// ListHolders returns the assignments of a role, one row for each account that
// holds the role through it.
func ListHolders(role string) exchange.Command {
	return ListAssignments(role).With("GetEffectiveUsers", exchange.Switch(true))
}

// ListAssignmentsUsing returns the assignments whose recipient write scope is the
// management scope of that name. Servers may answer with others too: compare.
func ListAssignmentsUsing(scope string) exchange.Command {
	return command("Get-ManagementRoleAssignment").With("CustomRecipientWriteScope", exchange.String(scope))
}

// ListAssignmentsOf returns the assignments of a role that assignee holds, direct
// and through groups: the server resolves names and memberships.
func ListAssignmentsOf(role, assignee string) exchange.Command {
	return ListAssignments(role).With("RoleAssignee", exchange.String(assignee))
}

// ListDirectAssignmentsOf returns the assignments of a role that were made to
// assignee itself. With role "" it returns those of every role.
func ListDirectAssignmentsOf(role, assignee string) exchange.Command {
	c := command("Get-ManagementRoleAssignment")
	if role != "" {
		c = ListAssignments(role)
	}
	return c.With("RoleAssignee", exchange.String(assignee)).With("AssignmentMethod", exchange.Strings{"Direct"})
}

// GetAssignment reads one assignment by name or GUID. Servers answer an unknown
// identity with an error or with every assignment: compare what comes back.
func GetAssignment(identity, domainController string) exchange.Command {
	return pinned(byIdentity("Get-ManagementRoleAssignment", identity), domainController)
}

// ListDelegatingAssignments returns the assignments that allow account to assign
// the role.
func ListDelegatingAssignments(account string) exchange.Command {
	return command("Get-ManagementRoleAssignment").With("Role", exchange.String(exchange.Role)).With("RoleAssignee", exchange.String(account)).
		With("Delegating", exchange.Bool(true))
}

// ListAssignmentsOver returns the regular assignments of assignee, direct and
// through groups, whose write scope holds mailbox: the server's own answer to
// whether the scope covers it.
func ListAssignmentsOver(mailbox, assignee string) exchange.Command {
	return command("Get-ManagementRoleAssignment").With("RoleAssignee", exchange.String(assignee)).
		With("WritableRecipient", exchange.String(mailbox)).With("Delegating", exchange.Bool(false))
}

// A WriteScope is the recipient write scope of an assignment: exactly one
// field is set, or none for the whole organization.
type WriteScope struct {
	Custom             string // name or GUID of a management scope
	OrganizationalUnit string // an organizational unit, canonical or distinguished name
}

// NewAssignment assigns role to a user or security group, both by GUID or DN.
func NewAssignment(name string, kind exchange.AssigneeKind, assignee, role string, scope WriteScope, domainController string) exchange.Command {
	c := command("New-ManagementRoleAssignment")
	if name != "" {
		c = c.With("Name", exchange.String(name))
	}
	parameter := "User"
	if kind != exchange.User {
		parameter = "SecurityGroup"
	}
	c = c.With(parameter, exchange.String(assignee)).With("Role", exchange.String(role))
	return change(scoped(c, scope), domainController)
}

func scoped(c exchange.Command, scope WriteScope) exchange.Command {
	switch {
	case scope.Custom != "":
		return c.With("CustomRecipientWriteScope", exchange.String(scope.Custom))
	case scope.OrganizationalUnit != "":
		return c.With("RecipientOrganizationalUnitScope", exchange.String(scope.OrganizationalUnit))
	}
	return c
}

// SetAssignmentScope replaces the recipient write scope of an assignment. For
// the whole organization it is given by its relative name, since leaving the
// scope out would leave it as it is.
func SetAssignmentScope(guid string, scope WriteScope, domainController string) exchange.Command {
	c := byIdentity("Set-ManagementRoleAssignment", guid)
	if scope == (WriteScope{}) {
		c = c.With("RecipientRelativeWriteScope", exchange.String("Organization"))
	}
	return change(scoped(c, scope), domainController)
}

// SetAssignmentEnabled enables or disables an assignment.
func SetAssignmentEnabled(guid string, enabled bool, domainController string) exchange.Command {
	return change(byIdentity("Set-ManagementRoleAssignment", guid).With("Enabled", exchange.Bool(enabled)), domainController)
}

// RemoveAssignment removes one assignment, by GUID.
func RemoveAssignment(guid, domainController string) exchange.Command {
	return change(byIdentity("Remove-ManagementRoleAssignment", guid), domainController)
}

// ListScopes returns every management scope, exclusive ones included.
func ListScopes() exchange.Command { return command("Get-ManagementScope") }

// GetScope reads one management scope by name or GUID.
func GetScope(identity, domainController string) exchange.Command {
	return pinned(byIdentity("Get-ManagementScope", identity), domainController)
}

// NewScope creates a regular recipient scope.
func NewScope(name, filter, domainController string) exchange.Command {
	return change(command("New-ManagementScope").With("Name", exchange.String(name)).With("RecipientRestrictionFilter", exchange.String(filter)), domainController)
}

// SetScope replaces the filter of a recipient scope.
func SetScope(guid, filter, domainController string) exchange.Command {
	return change(byIdentity("Set-ManagementScope", guid).With("RecipientRestrictionFilter", exchange.String(filter)), domainController)
}

// RemoveScope removes one management scope, by GUID. Servers refuse while an
// assignment uses it.
func RemoveScope(guid, domainController string) exchange.Command {
	return change(byIdentity("Remove-ManagementScope", guid), domainController)
}

// GetRoleGroup and ListRoleGroupMembers read a role group.
func GetRoleGroup(identity string) exchange.Command { return byIdentity("Get-RoleGroup", identity) }

// ListRoleGroupMembers is documented at GetRoleGroup.
func ListRoleGroupMembers(identity string) exchange.Command {
	return byIdentity("Get-RoleGroupMember", identity).With("ResultSize", exchange.String("Unlimited"))
}

// NewRoleGroup creates a role group whose assignments all have the given scope.
func NewRoleGroup(name string, roles, members []string, scope WriteScope, domainController string) exchange.Command {
	c := command("New-RoleGroup").With("Name", exchange.String(name)).
		With("Roles", exchange.Strings(roles)).With("Members", exchange.Strings(members))
	return change(scoped(c, scope), domainController)
}

// AddRoleGroupMember adds one member. The caller need not manage the group.
func AddRoleGroupMember(group, member, domainController string) exchange.Command {
	return change(byIdentity("Add-RoleGroupMember", group).With("Member", exchange.String(member)).
		With("BypassSecurityGroupManagerCheck", exchange.Switch(true)), domainController)
}

// RemoveRoleGroupMember removes one member. The caller need not manage the group.
func RemoveRoleGroupMember(group, member, domainController string) exchange.Command {
	return change(byIdentity("Remove-RoleGroupMember", group).With("Member", exchange.String(member)).
		With("BypassSecurityGroupManagerCheck", exchange.Switch(true)), domainController)
}

// RemoveRoleGroup removes a role group and the assignments it holds.
func RemoveRoleGroup(guid, domainController string) exchange.Command {
	return change(byIdentity("Remove-RoleGroup", guid).
		With("BypassSecurityGroupManagerCheck", exchange.Switch(true)), domainController)
}

// EnableOrganizationCustomization allows changes of the organization's
// configuration. It cannot be undone.
func EnableOrganizationCustomization() exchange.Command {
	return change(command("Enable-OrganizationCustomization"), "")
}
