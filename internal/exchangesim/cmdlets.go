package exchangesim

import "strings"

const enableCustomization = "Enable-OrganizationCustomization"

// A cmdlet is one command of the organization.
type cmdlet struct {
	name          string
	task          string // the .NET class behind it, which errors name
	sets          []string
	parameters    []parameter
	shouldProcess bool
	highImpact    bool // it asks unless -Confirm:$false
	writes        bool // it changes the organization
	customizes    bool // it is refused while the organization is dehydrated
	onPremises    bool // it does not exist in Exchange Online
	online        bool // it exists in Exchange Online only
	run           func(*call) error
}

// A parameter is one parameter of a cmdlet.
type parameter struct {
	ParameterInfo
	onPrem   bool     // it does not exist in Exchange Online
	online   bool     // it exists in Exchange Online only
	values   []string // of an enumeration
	nullable bool     // $null clears the property
}

func named(name string, t ParameterType, sets ...string) parameter {
	return parameter{ParameterInfo: ParameterInfo{Name: name, Type: t, Sets: sets, Position: -1}}
}

// first is a parameter that may be given without its name and takes piped objects.
func first(name string, sets ...string) parameter {
	p := named(name, TypeString, sets...)
	p.Position, p.ValueFromPipeline = 0, true
	return p
}

func (p parameter) mandatory() parameter          { p.Mandatory = true; return p }
func (p parameter) unpiped() parameter            { p.ValueFromPipeline = false; return p }
func (p parameter) onPremises() parameter         { p.onPrem = true; return p }
func (p parameter) cloud() parameter              { p.online = true; return p }
func (p parameter) clearable() parameter          { p.nullable = true; return p }
func (p parameter) of(values ...string) parameter { p.values = values; return p }

func domainController() parameter { return named("DomainController", TypeString).onPremises() }

func relativeScope(sets ...string) parameter {
	return named("RecipientRelativeWriteScope", TypeString, sets...).of("None", "Organization", "MyGAL", "Self", "MyDistributionGroups")
}

const (
	rbacTasks      = "Microsoft.Exchange.Management.RbacTasks."
	recipientTasks = "Microsoft.Exchange.Management.RecipientTasks."
	systemTasks    = "Microsoft.Exchange.Management.SystemConfigurationTasks."
)

// cmdlets lists what the model has, with the parameters of the cmdlets' pages
// (learn.microsoft.com/powershell/module/exchangepowershell) that it knows.
func cmdlets() []*cmdlet {
	all := append(organizationCmdlets(), recipientCmdlets()...)
	all = append(all, assignmentCmdlets()...)
	return append(append(all, roleGroupCmdlets()...), applicationCmdlets()...)
}

func organizationCmdlets() []*cmdlet {
	return []*cmdlet{
		{name: "Get-ExchangeServer", task: systemTasks + "GetExchangeServer", onPremises: true, run: (*call).getExchangeServer,
			sets: []string{"Identity", "Domain"},
			parameters: []parameter{first("Identity", "Identity"), named("Domain", TypeString, "Domain"),
				named("Status", TypeSwitch), domainController()}},
		{name: "Get-OrganizationConfig", task: systemTasks + "GetOrganizationConfig", run: (*call).getOrganizationConfig,
			parameters: []parameter{domainController(), named("RetrieveEwsOperationAccessPolicy", TypeSwitch).cloud()}},
		{name: "Get-ADServerSettings", task: systemTasks + "GetADServerSettings", onPremises: true, run: (*call).getADServerSettings},
		{name: "Set-ADServerSettings", task: systemTasks + "SetADServerSettings", onPremises: true, shouldProcess: true,
			run: (*call).setADServerSettings,
			parameters: []parameter{named("ViewEntireForest", TypeBool), named("RecipientViewRoot", TypeString),
				named("PreferredServer", TypeString), named("ConfigurationDomainController", TypeString),
				named("PreferredGlobalCatalog", TypeString), named("SetPreferredDomainControllers", TypeStrings)}},
		{name: enableCustomization, task: "Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask",
			shouldProcess: true, writes: true, run: (*call).enableOrganizationCustomization},
		{name: "Search-AdminAuditLog", task: systemTasks + "SearchAdminAuditLog", run: (*call).searchAdminAuditLog,
			parameters: []parameter{named("Cmdlets", TypeStrings), named("ObjectIds", TypeStrings),
				named("UserIds", TypeStrings), named("StartDate", TypeString), named("EndDate", TypeString),
				named("IsSuccess", TypeBool), named("ResultSize", TypeInt), domainController()}},
	}
}

func recipientCmdlets() []*cmdlet {
	get := func(name, class string, details []string, run func(*call) error, more ...parameter) *cmdlet {
		return &cmdlet{name: name, task: recipientTasks + class, run: run, sets: []string{"Identity", "AnrSet"},
			parameters: append([]parameter{first("Identity", "Identity"), named("Anr", TypeString, "AnrSet"),
				named("Filter", TypeString), named("OrganizationalUnit", TypeString), named("ResultSize", TypeString),
				named("RecipientTypeDetails", TypeStrings).of(details...), named("SortBy", TypeString),
				named("IgnoreDefaultScope", TypeSwitch).onPremises(), named("ReadFromDomainController", TypeSwitch).onPremises(),
				domainController()}, more...)}
	}
	users := []string{typeUser, typeDisabledUser, "LinkedUser", typeUserMailbox, typeLinkedMailbox, typeSharedMailbox, typeRoomMailbox,
		"EquipmentMailbox", "MailUser", typeRemoteUserMailbox, "RemoteRoomMailbox", "RemoteSharedMailbox", "RemoteEquipmentMailbox",
		"TeamMailbox", "DiscoveryMailbox", "LegacyMailbox", "LinkedRoomMailbox", "PublicFolderMailbox"}
	groups := []string{typeRoleGroup, typeUniversalSecurity, typeMailSecurity, typeMailDistribution, typeNonUniversal,
		"MailNonUniversalGroup", "UniversalDistributionGroup"}
	contacts := []string{typeMailContact, typeDynamicDistribution, "MailForestContact", "PublicFolder"}
	everything := append(append(append([]string{}, users...), groups...), contacts...)
	return []*cmdlet{
		get("Get-User", "GetUser", users, (*call).getUser),
		get("Get-Group", "GetGroup", groups, (*call).getGroup),
		get("Get-Mailbox", "GetMailbox", users, (*call).getMailbox),
		withoutCloud(get("Get-RemoteMailbox", "GetRemoteMailbox", users, (*call).getRemoteMailbox)),
		get("Get-Recipient", "GetRecipient", everything, (*call).getRecipient, named("RecipientType", TypeStrings)),
		get("Get-DistributionGroup", "GetDistributionGroup", groups, (*call).getDistributionGroup),
		get("Get-DynamicDistributionGroup", "GetDynamicDistributionGroup", contacts, (*call).getDynamicDistributionGroup),
		{name: "Get-OrganizationalUnit", task: recipientTasks + "GetOrganizationalUnit", run: (*call).getOrganizationalUnit,
			sets: []string{"Identity", "SearchText"},
			parameters: []parameter{first("Identity", "Identity"), named("SearchText", TypeString, "SearchText"),
				named("IncludeContainers", TypeSwitch), named("ResultSize", TypeString), domainController()}},
	}
}

func withoutCloud(c *cmdlet) *cmdlet { c.onPremises = true; return c }

func assignmentCmdlets() []*cmdlet {
	identity := first("Identity").mandatory()
	force := named("Force", TypeSwitch).cloud()
	return []*cmdlet{
		{name: "Get-ManagementRole", task: rbacTasks + "GetManagementRole", run: (*call).getManagementRole,
			parameters: []parameter{first("Identity"), named("RoleType", TypeString), named("Cmdlet", TypeString),
				named("GetChildren", TypeSwitch), named("Recurse", TypeSwitch), domainController()}},
		{name: "Get-ManagementRoleAssignment", task: rbacTasks + "GetManagementRoleAssignment", run: (*call).getAssignment,
			sets: []string{"RoleAssignee", "Identity"},
			parameters: []parameter{first("Identity", "Identity"), named("Role", TypeString, "RoleAssignee"),
				named("RoleAssignee", TypeString, "RoleAssignee"),
				named("AssignmentMethod", TypeStrings, "RoleAssignee").of("Direct", "SecurityGroup", "RoleGroup", "RoleAssignmentPolicy"),
				named("ConfigWriteScope", TypeString), named("CustomConfigWriteScope", TypeString).onPremises(),
				named("CustomRecipientWriteScope", TypeString), named("Delegating", TypeBool), named("Enabled", TypeBool),
				named("Exclusive", TypeBool), named("ExclusiveConfigWriteScope", TypeString).onPremises(),
				named("ExclusiveRecipientWriteScope", TypeString), named("GetEffectiveUsers", TypeSwitch),
				named("RecipientOrganizationalUnitScope", TypeString), named("RecipientWriteScope", TypeString),
				named("RoleAssigneeType", TypeString).of("User", "SecurityGroup", "RoleAssignmentPolicy", "ForeignSecurityPrincipal",
					"RoleGroup", "LinkedRoleGroup", "Computer", "ServicePrincipal"),
				named("WritableDatabase", TypeString).onPremises(), named("WritableRecipient", TypeString),
				named("WritableServer", TypeString).onPremises(), domainController()}},
		{name: "New-ManagementRoleAssignment", task: rbacTasks + "NewManagementRoleAssignment", run: (*call).newAssignment,
			shouldProcess: true, writes: true, customizes: true, sets: []string{"User", "SecurityGroup", "Policy", "Computer", "App"},
			parameters: []parameter{first("Name").unpiped(), named("Role", TypeString).mandatory(),
				named("User", TypeString, "User").mandatory(), named("SecurityGroup", TypeString, "SecurityGroup").mandatory(),
				named("Policy", TypeString, "Policy").mandatory(), named("Computer", TypeString, "Computer").mandatory().onPremises(),
				named("CustomRecipientWriteScope", TypeString), named("ExclusiveRecipientWriteScope", TypeString),
				named("RecipientOrganizationalUnitScope", TypeString), relativeScope(),
				named("CustomConfigWriteScope", TypeString).onPremises(), named("ExclusiveConfigWriteScope", TypeString).onPremises(),
				named("RecipientAdministrativeUnitScope", TypeString), named("RecipientGroupScope", TypeString).cloud(),
				named("App", TypeString, "App").mandatory().cloud(), named("CustomResourceScope", TypeString).cloud(),
				named("Delegating", TypeSwitch), named("UnScopedTopLevel", TypeSwitch).onPremises(), force, domainController()}},
		{name: "Set-ManagementRoleAssignment", task: rbacTasks + "SetManagementRoleAssignment", run: (*call).setAssignment,
			shouldProcess: true, writes: true, customizes: true,
			sets: []string{"RelativeRecipientWriteScope", "CustomRecipientWriteScope", "RecipientOrganizationalUnitScope", "ExclusiveScope"},
			parameters: []parameter{identity, named("Enabled", TypeBool), relativeScope("RelativeRecipientWriteScope"),
				named("CustomRecipientWriteScope", TypeString, "CustomRecipientWriteScope").clearable(),
				named("RecipientOrganizationalUnitScope", TypeString, "RecipientOrganizationalUnitScope").clearable(),
				named("ExclusiveRecipientWriteScope", TypeString, "ExclusiveScope").clearable(),
				named("CustomConfigWriteScope", TypeString, "RelativeRecipientWriteScope", "CustomRecipientWriteScope",
					"RecipientOrganizationalUnitScope").onPremises().clearable(),
				named("ExclusiveConfigWriteScope", TypeString, "ExclusiveScope").onPremises().clearable(), force, domainController()}},
		{name: "Remove-ManagementRoleAssignment", task: rbacTasks + "RemoveManagementRoleAssignment", run: (*call).removeAssignment,
			shouldProcess: true, highImpact: true, writes: true, parameters: []parameter{identity, force, domainController()}},
		{name: "Get-ManagementScope", task: rbacTasks + "GetManagementScope", run: (*call).getScope,
			parameters: []parameter{first("Identity"), named("Exclusive", TypeBool), named("Orphan", TypeSwitch), domainController()}},
		{name: "New-ManagementScope", task: rbacTasks + "NewManagementScope", run: (*call).newScope,
			shouldProcess: true, writes: true, customizes: true,
			sets: []string{"RecipientFilter", "ServerFilter", "ServerList", "DatabaseFilter", "DatabaseList"},
			parameters: []parameter{first("Name").unpiped().mandatory(),
				named("RecipientRestrictionFilter", TypeString, "RecipientFilter").mandatory(),
				named("RecipientRoot", TypeString, "RecipientFilter"),
				named("ServerRestrictionFilter", TypeString, "ServerFilter").mandatory().onPremises(),
				named("ServerList", TypeStrings, "ServerList").mandatory().onPremises(),
				named("DatabaseRestrictionFilter", TypeString, "DatabaseFilter").mandatory().onPremises(),
				named("DatabaseList", TypeStrings, "DatabaseList").mandatory().onPremises(),
				named("Exclusive", TypeSwitch), named("Force", TypeSwitch), domainController()}},
		{name: "Set-ManagementScope", task: rbacTasks + "SetManagementScope", run: (*call).setScope,
			shouldProcess: true, writes: true, customizes: true, sets: []string{"RecipientFilter", "ServerFilter", "DatabaseFilter"},
			parameters: []parameter{identity, named("Name", TypeString),
				named("RecipientRestrictionFilter", TypeString, "RecipientFilter"),
				named("RecipientRoot", TypeString, "RecipientFilter").clearable(),
				named("ServerRestrictionFilter", TypeString, "ServerFilter").onPremises(),
				named("DatabaseRestrictionFilter", TypeString, "DatabaseFilter").onPremises(), domainController()}},
		{name: "Remove-ManagementScope", task: rbacTasks + "RemoveManagementScope", run: (*call).removeScope,
			shouldProcess: true, highImpact: true, writes: true, parameters: []parameter{identity, domainController()}},
	}
}

func roleGroupCmdlets() []*cmdlet {
	identity := first("Identity").mandatory()
	force := named("Force", TypeSwitch).cloud()
	bypass := named("BypassSecurityGroupManagerCheck", TypeSwitch)
	member := named("Member", TypeString).mandatory()
	member.ValueFromPipeline = true
	return []*cmdlet{
		{name: "Get-RoleGroup", task: rbacTasks + "GetRoleGroup", run: (*call).getRoleGroup,
			parameters: []parameter{first("Identity"), named("Filter", TypeString), named("ResultSize", TypeString),
				named("ReadFromDomainController", TypeSwitch).onPremises(), domainController()}},
		{name: "New-RoleGroup", task: rbacTasks + "NewRoleGroup", run: (*call).newRoleGroup,
			shouldProcess: true, writes: true, customizes: true, sets: []string{"default", "linkedpartnergroup"},
			parameters: []parameter{first("Name").unpiped().mandatory(), named("Roles", TypeStrings),
				named("Members", TypeStrings, "default"), named("ManagedBy", TypeStrings), named("Description", TypeString),
				named("DisplayName", TypeString), named("SamAccountName", TypeString).onPremises(),
				named("CustomRecipientWriteScope", TypeString), named("CustomConfigWriteScope", TypeString).onPremises(),
				named("RecipientOrganizationalUnitScope", TypeString).onPremises(),
				named("LinkedForeignGroup", TypeString, "linkedpartnergroup").mandatory().onPremises(),
				named("LinkedDomainController", TypeString, "linkedpartnergroup").mandatory().onPremises(), force, domainController()}},
		{name: "Remove-RoleGroup", task: rbacTasks + "RemoveRoleGroup", run: (*call).removeRoleGroup,
			shouldProcess: true, highImpact: true, writes: true, parameters: []parameter{identity, bypass, force, domainController()}},
		{name: "Get-RoleGroupMember", task: rbacTasks + "GetRoleGroupMember", run: (*call).getRoleGroupMember,
			parameters: []parameter{identity, named("ResultSize", TypeString), named("ReadFromDomainController", TypeSwitch).onPremises(),
				domainController()}},
		{name: "Add-RoleGroupMember", task: rbacTasks + "AddRoleGroupMember", run: (*call).addRoleGroupMember,
			shouldProcess: true, writes: true, parameters: []parameter{identity.unpiped(), member, bypass, domainController()}},
		{name: "Remove-RoleGroupMember", task: rbacTasks + "RemoveRoleGroupMember", run: (*call).removeRoleGroupMember,
			shouldProcess: true, highImpact: true, writes: true, parameters: []parameter{identity.unpiped(), member, bypass, domainController()}},
	}
}

func (o *Organization) findCmdlet(name string) *cmdlet {
	for _, c := range o.cmdlets {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}
