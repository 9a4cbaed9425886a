package exchange

// The commands of all procedures. Each constructor is one use of one cmdlet, with
// parameters that exist on-premises (learn.microsoft.com/powershell/module/exchangepowershell);
// -Force is cloud-only there and never used, -Confirm:$false is given on every
// change because a question cannot be answered over the wire. Where a
// domainController parameter is empty, none is sent.

func command(cmdlet string, params ...Param) Command { return Command{cmdlet, params} }

func (c Command) pinned(domainController string) Command {
	if domainController == "" {
		return c
	}
	return c.With("DomainController", String(domainController))
}

func (c Command) unattended() Command { return c.With("Confirm", Bool(false)) }

// GetExchangeServer lists the organization's servers. It does not exist in
// Exchange Online.
func GetExchangeServer() Command { return command("Get-ExchangeServer") }

// GetCommands looks cmdlets up by name in the session. Names that are not there,
// because no role of the caller gives them, are errors; the objects have Name and
// Parameters, the names of the parameters that the caller's roles leave.
func GetCommands(names ...string) Command {
	return command("Get-Command", Param{"Name", Strings(names)})
}

// GetOrganizationConfig reads the organization's settings.
func GetOrganizationConfig() Command { return command("Get-OrganizationConfig") }

// GetADServerSettings reads the session's view of the directory.
func GetADServerSettings() Command { return command("Get-ADServerSettings") }

// SetADServerSettings makes recipient reads of this session cover the whole
// forest, or the default domain only.
func SetADServerSettings(viewEntireForest bool) Command {
	return command("Set-ADServerSettings", Param{"ViewEntireForest", Bool(viewEntireForest)})
}

// GetUser, GetGroup, GetMailbox, GetRecipient and GetOrganizationalUnit look one
// object up by any identity.
func GetUser(identity string) Command { return byIdentity("Get-User", identity) }

// GetGroup is documented at GetUser.
func GetGroup(identity string) Command { return byIdentity("Get-Group", identity) }

// GetMailbox is documented at GetUser.
func GetMailbox(identity string) Command { return byIdentity("Get-Mailbox", identity) }

// GetRecipient is documented at GetUser.
func GetRecipient(identity string) Command { return byIdentity("Get-Recipient", identity) }

// GetOrganizationalUnit is documented at GetUser.
func GetOrganizationalUnit(identity string) Command {
	return byIdentity("Get-OrganizationalUnit", identity)
}

func byIdentity(cmdlet, identity string) Command {
	return command(cmdlet, Param{"Identity", String(identity)})
}

// ListRecipients returns the recipients that match an OPATH filter; root, when
// not empty, limits them to an organizational unit.
func ListRecipients(filter, root string) Command {
	c := command("Get-Recipient")
	if filter != "" {
		c = c.With("Filter", String(filter))
	}
	if root != "" {
		c = c.With("OrganizationalUnit", String(root))
	}
	return c.With("ResultSize", String("Unlimited"))
}

// ListNestedGroups returns the groups that match an OPATH filter: those that are
// members of a group when the filter says so.
func ListNestedGroups(filter string) Command {
	return command("Get-Group", Param{"Filter", String(filter)}, Param{"ResultSize", String("Unlimited")})
}

// ListImpersonationRoles returns the built-in role and its children.
func ListImpersonationRoles() Command {
	return command("Get-ManagementRole", Param{"RoleType", String(Role)})
}

// ListAssignments returns the assignments of a role, regular and delegating.
func ListAssignments(role string) Command {
	return command("Get-ManagementRoleAssignment", Param{"Role", String(role)})
}

// ListHolders returns the assignments of a role, one row for each account that
// holds the role through it.
func ListHolders(role string) Command {
	return ListAssignments(role).With("GetEffectiveUsers", Switch(true))
}

// ListAssignmentsUsing returns the assignments whose recipient write scope is the
// management scope of that name. Servers may answer with others too: compare.
func ListAssignmentsUsing(scope string) Command {
	return command("Get-ManagementRoleAssignment", Param{"CustomRecipientWriteScope", String(scope)})
}

// ListAssignmentsOf returns the assignments of a role that assignee holds, direct
// and through groups: the server resolves names and memberships.
func ListAssignmentsOf(role, assignee string) Command {
	return ListAssignments(role).With("RoleAssignee", String(assignee))
}

// ListDirectAssignmentsOf returns the assignments of a role that were made to
// assignee itself. With role "" it returns those of every role.
func ListDirectAssignmentsOf(role, assignee string) Command {
	c := command("Get-ManagementRoleAssignment")
	if role != "" {
		c = ListAssignments(role)
	}
	return c.With("RoleAssignee", String(assignee)).With("AssignmentMethod", Strings{"Direct"})
}

// GetAssignment reads one assignment by name or GUID. Servers answer an unknown
// identity with an error or with every assignment: compare what comes back.
func GetAssignment(identity, domainController string) Command {
	return byIdentity("Get-ManagementRoleAssignment", identity).pinned(domainController)
}

// ListDelegatingAssignments returns the assignments that allow account to assign
// the role.
func ListDelegatingAssignments(account string) Command {
	return command("Get-ManagementRoleAssignment", Param{"Role", String(Role)},
		Param{"RoleAssignee", String(account)}, Param{"Delegating", Bool(true)})
}

// ListAssignmentsOver returns the regular assignments of assignee, direct and
// through groups, whose write scope holds mailbox: the server's own answer to
// whether the scope covers it.
func ListAssignmentsOver(mailbox, assignee string) Command {
	return command("Get-ManagementRoleAssignment", Param{"RoleAssignee", String(assignee)},
		Param{"WritableRecipient", String(mailbox)}, Param{"Delegating", Bool(false)})
}

// An AssignmentScope is the recipient write scope of an assignment: exactly one
// field is set, or none for the whole organization.
type AssignmentScope struct {
	Custom             string // name or GUID of a management scope
	OrganizationalUnit string // an organizational unit, canonical or distinguished name
}

// NewAssignment assigns role to a user or security group, both by GUID or DN.
func NewAssignment(name string, kind AssigneeKind, assignee, role string, scope AssignmentScope, domainController string) Command {
	c := command("New-ManagementRoleAssignment")
	if name != "" {
		c = c.With("Name", String(name))
	}
	parameter := "User"
	if kind != User {
		parameter = "SecurityGroup"
	}
	c = c.With(parameter, String(assignee)).With("Role", String(role))
	return c.scoped(scope).pinned(domainController).unattended()
}

func (c Command) scoped(scope AssignmentScope) Command {
	switch {
	case scope.Custom != "":
		return c.With("CustomRecipientWriteScope", String(scope.Custom))
	case scope.OrganizationalUnit != "":
		return c.With("RecipientOrganizationalUnitScope", String(scope.OrganizationalUnit))
	}
	return c
}

// SetAssignmentScope replaces the recipient write scope of an assignment. For
// the whole organization it is given by its relative name, since leaving the
// scope out would leave it as it is.
func SetAssignmentScope(guid string, scope AssignmentScope, domainController string) Command {
	c := byIdentity("Set-ManagementRoleAssignment", guid)
	if scope == (AssignmentScope{}) {
		c = c.With("RecipientRelativeWriteScope", String("Organization"))
	}
	return c.scoped(scope).pinned(domainController).unattended()
}

// SetAssignmentEnabled enables or disables an assignment.
func SetAssignmentEnabled(guid string, enabled bool, domainController string) Command {
	return byIdentity("Set-ManagementRoleAssignment", guid).With("Enabled", Bool(enabled)).pinned(domainController).unattended()
}

// RemoveAssignment removes one assignment, by GUID.
func RemoveAssignment(guid, domainController string) Command {
	return byIdentity("Remove-ManagementRoleAssignment", guid).pinned(domainController).unattended()
}

// ListScopes returns every management scope, exclusive ones included.
func ListScopes() Command { return command("Get-ManagementScope") }

// GetScope reads one management scope by name or GUID.
func GetScope(identity, domainController string) Command {
	return byIdentity("Get-ManagementScope", identity).pinned(domainController)
}

// NewScope creates a regular recipient scope.
func NewScope(name, filter, domainController string) Command {
	return command("New-ManagementScope", Param{"Name", String(name)},
		Param{"RecipientRestrictionFilter", String(filter)}).pinned(domainController).unattended()
}

// SetScope replaces the filter of a recipient scope.
func SetScope(guid, filter, domainController string) Command {
	return byIdentity("Set-ManagementScope", guid).With("RecipientRestrictionFilter", String(filter)).
		pinned(domainController).unattended()
}

// RemoveScope removes one management scope, by GUID. Servers refuse while an
// assignment uses it.
func RemoveScope(guid, domainController string) Command {
	return byIdentity("Remove-ManagementScope", guid).pinned(domainController).unattended()
}

// GetRoleGroup and ListRoleGroupMembers read a role group.
func GetRoleGroup(identity string) Command { return byIdentity("Get-RoleGroup", identity) }

// ListRoleGroupMembers is documented at GetRoleGroup.
func ListRoleGroupMembers(identity string) Command {
	return byIdentity("Get-RoleGroupMember", identity).With("ResultSize", String("Unlimited"))
}

// NewRoleGroup creates a role group whose assignments all have the given scope.
func NewRoleGroup(name string, roles, members []string, scope AssignmentScope, domainController string) Command {
	return command("New-RoleGroup", Param{"Name", String(name)}, Param{"Roles", Strings(roles)},
		Param{"Members", Strings(members)}).scoped(scope).pinned(domainController).unattended()
}

// AddRoleGroupMember adds one member. The caller need not manage the group.
func AddRoleGroupMember(group, member, domainController string) Command {
	return byIdentity("Add-RoleGroupMember", group).With("Member", String(member)).
		With("BypassSecurityGroupManagerCheck", Switch(true)).pinned(domainController).unattended()
}

// RemoveRoleGroupMember removes one member. The caller need not manage the group.
func RemoveRoleGroupMember(group, member, domainController string) Command {
	return byIdentity("Remove-RoleGroupMember", group).With("Member", String(member)).
		With("BypassSecurityGroupManagerCheck", Switch(true)).pinned(domainController).unattended()
}

// RemoveRoleGroup removes a role group and the assignments it holds.
func RemoveRoleGroup(guid, domainController string) Command {
	return byIdentity("Remove-RoleGroup", guid).
		With("BypassSecurityGroupManagerCheck", Switch(true)).pinned(domainController).unattended()
}

// EnableOrganizationCustomization allows changes of the organization's
// configuration. It cannot be undone.
func EnableOrganizationCustomization() Command {
	return command("Enable-OrganizationCustomization").unattended()
}
