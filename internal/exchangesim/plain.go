package exchangesim

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Names of the scenario plain that other scenarios build on.
const (
	serviceAccount  = "svc-reschedule"
	backupAccount   = "svc-backup"
	rescheduleUsers = "Reschedule Users"
	ownName         = "Reschedule Impersonation"
)

// furnish makes the scenario plain: contoso.test with what a real organization
// has after setup, and some recipients.
func (o *Organization) furnish() {
	o.behaviour.Language = "en"
	for _, name := range []string{"Users", "Builtin"} {
		o.units = append(o.units, organizationalUnit{contoso.Name + "/" + name, true})
	}
	for _, name := range []string{"Microsoft Exchange Security Groups", "Services", "Groups", "Staff", "Staff/Berlin", "Staff/Tokyo", "Rooms", "Partners"} {
		o.units = append(o.units, organizationalUnit{contoso.Name + "/" + name, false})
	}
	o.addAccounts()
	o.addGroups()
	for _, name := range builtInRoles {
		o.addRole(name)
	}
	o.addBuiltInRoleGroups()
	o.addPolicyAssignments()
	o.addAdministrators()
}

// Relative identifiers of the accounts and groups that administer Active Directory.
const (
	builtInSID          = "S-1-5-32"
	ridAdministrator    = 500
	ridDomainAdmins     = 512
	ridSchemaAdmins     = 518
	ridEnterpriseAdmins = 519
	ridAdministrators   = 544 // of builtInSID
)

// addAdministrators gives the built-in Administrator its SID, and the forest the groups
// that administer it, with the Administrator in each.
func (o *Organization) addAdministrators() {
	sid := func(rid int) string { return fmt.Sprintf("%s-%d", contoso.SID, rid) }
	o.replaceRecipient("Administrator", func(r *recipient) { r.SID = sid(ridAdministrator) })
	for _, g := range []struct{ name, sid, kind, container string }{
		{"Domain Admins", sid(ridDomainAdmins), typeNonUniversal, "Users"},
		{"Schema Admins", sid(ridSchemaAdmins), typeUniversalSecurity, "Users"},
		{"Enterprise Admins", sid(ridEnterpriseAdmins), typeUniversalSecurity, "Users"},
		{"Administrators", fmt.Sprintf("%s-%d", builtInSID, ridAdministrators), typeNonUniversal, "Builtin"},
	} {
		o.addRecipient(recipient{GUID: formatGUID(sha256.Sum256(fmt.Appendf(nil, "%d %s", o.options.Seed, g.sid))), SID: g.sid, Type: g.kind,
			Name: g.name, Sam: g.name, Container: contoso.Name + "/" + g.container, Group: &group{Members: o.guids("Administrator")}})
	}
}

// A person is an account or contact in the way in which the model's people
// differ.
type person struct {
	name, sam, unit, kind string
	display               string // the name when empty
	properties            map[string]string
}

// addPerson adds an account of contoso.test; its mail address is its account name.
func (o *Organization) addPerson(p person) *recipient {
	r := recipient{Type: p.kind, Name: p.name, DisplayName: p.display, Sam: p.sam, Container: contoso.Name + "/" + p.unit, Properties: p.properties}
	address := p.sam + "@" + contoso.Name
	switch p.kind {
	case typeMailContact:
		r.Sam, r.Alias, r.SMTP, r.External = "", p.sam, p.sam+"@partner.test", "SMTP:"+p.sam+"@partner.test"
	case typeContact:
		r.Sam = ""
	case typeUser, typeDisabledUser:
		r.UPN = address
	case typeRemoteUserMailbox:
		r.UPN, r.Alias, r.SMTP, r.External = address, p.sam, address, "SMTP:"+p.sam+"@contoso.mail.onmicrosoft.test"
	default:
		r.UPN, r.Alias, r.SMTP = address, p.sam, address
	}
	switch p.kind {
	case typeDisabledUser, typeSharedMailbox, typeRoomMailbox, typeLinkedMailbox:
		r.Disabled = true // the accounts of such mailboxes are, by design
	}
	if p.kind == typeLinkedMailbox {
		r.LinkedTo = `FABRIKAM\` + p.sam
	}
	return o.addRecipient(r)
}

func (o *Organization) addAccounts() {
	berlin := map[string]string{"City": "Berlin", "Department": "Planning", "Office": "B1", "CountryOrRegion": "DE"}
	tokyo := map[string]string{"City": "Tokyo", "Department": "Sales", "CountryOrRegion": "JP"}
	for _, p := range []person{
		{name: "Administrator", sam: "administrator", unit: "Users", kind: typeUserMailbox},
		{name: "Auditor", sam: "auditor", unit: "Users", kind: typeUser},
		{name: serviceAccount, sam: serviceAccount, unit: "Services", kind: typeUserMailbox},
		{name: backupAccount, sam: backupAccount, unit: "Services", kind: typeUserMailbox},
		{name: "svc-archive", sam: "svc-archive", unit: "Services", kind: typeUser},
		{name: "anna", sam: "anna", unit: "Staff", kind: typeUserMailbox, display: "Anna Abel",
			properties: map[string]string{"FirstName": "Anna", "LastName": "Abel", "City": "Berlin", "Department": "Planning", "CustomAttribute1": "VIP"}},
		{name: "ben", sam: "ben", unit: "Staff", kind: typeUserMailbox, display: "Ben Brand",
			properties: map[string]string{"FirstName": "Ben", "LastName": "Brand", "City": "Tokyo", "Department": "Planning"}},
		{name: "room1", sam: "room1", unit: "Rooms", kind: typeRoomMailbox, display: "Room 1"},
		{name: "boss", sam: "boss", unit: "Staff", kind: typeUserMailbox, display: "Bea Boss",
			properties: map[string]string{"FirstName": "Bea", "LastName": "Boss", "City": "Berlin", "Department": "Board", "Title": "CEO"}},
		{name: "Peter O'Brien", sam: "pobrien", unit: "Staff/Berlin", kind: typeUserMailbox, properties: berlin},
		{name: "Jürgen Großmann", sam: "jgrossmann", unit: "Staff/Berlin", kind: typeUserMailbox, properties: berlin},
		{name: "会議室", sam: "kaigi", unit: "Staff/Tokyo", kind: typeRoomMailbox, properties: tokyo},
		{name: "John Doe", sam: "jdoe", unit: "Staff/Berlin", kind: typeUserMailbox, properties: berlin},
		{name: "John Doe", sam: "jdoe2", unit: "Staff/Tokyo", kind: typeUserMailbox, properties: tokyo},
		{name: "Doe, Jane", sam: "jane", unit: "Staff", kind: typeUserMailbox, display: "Jane Doe (Planning)"},
		{name: "Left Lena", sam: "lena", unit: "Staff", kind: typeDisabledUser},
		{name: "Linked Lars", sam: "lars", unit: "Partners", kind: typeLinkedMailbox},
		{name: "Cloud Clara", sam: "clara", unit: "Staff", kind: typeRemoteUserMailbox},
		{name: "Plain Paul", sam: "paul", unit: "Staff", kind: typeUser},
		{name: "Partner Pia", sam: "pia", unit: "Partners", kind: typeMailContact},
		{name: "Contact Carl", sam: "carl", unit: "Partners", kind: typeContact},
		{name: "info", sam: "info", unit: "Services", kind: typeSharedMailbox, display: "Info"},
	} {
		o.addPerson(p)
	}
	o.replaceRecipient("info", func(r *recipient) { r.Hidden = true })
}

// guids returns the GUIDs of the named recipients.
func (o *Organization) guids(names ...string) []exchange.GUID {
	guids := make([]exchange.GUID, len(names))
	for i, n := range names {
		guids[i] = o.mustFind(n).GUID
	}
	return guids
}

func (o *Organization) addGroups() {
	add := func(name, kind string, members ...string) {
		r := recipient{Type: kind, Name: name, Sam: name, Container: contoso.Name + "/Groups", Group: &group{Members: o.guids(members...)}}
		switch kind {
		case typeMailSecurity, typeMailDistribution, typeDynamicDistribution:
			r.Alias = strings.ReplaceAll(strings.ToLower(name), " ", "-")
			r.SMTP = r.Alias + "@" + contoso.Name
		}
		if kind == typeDynamicDistribution {
			r.Sam, r.Group.Filter = "", "((RecipientTypeDetails -eq 'UserMailbox') -and (City -eq 'Berlin'))"
		}
		o.addRecipient(r)
	}
	add(rescheduleUsers, typeMailSecurity, "anna", "ben", "room1")
	add("Schedulers", typeUniversalSecurity, backupAccount)
	add("Planning Managers", typeMailSecurity, "boss")
	add("Planning", typeMailSecurity, "Peter O'Brien", "Planning Managers")
	add("Newsletter", typeMailDistribution, "anna", "Partner Pia")
	add("Berlin (global)", typeNonUniversal, "Jürgen Großmann")
	add("Hybrid Users", typeMailSecurity, "ben", "Cloud Clara")
	add("Empty Group", typeMailSecurity)
	add("Berlin Mailboxes", typeDynamicDistribution)
}

// builtInRoles are roles of setup, by name. Real organizations have more.
var builtInRoles = []string{
	exchange.Role, "Active Directory Permissions", "Address Lists", "Audit Logs", "Cmdlet Extension Agents",
	"Database Availability Groups", "Database Copies", "Databases", "Disaster Recovery", "Distribution Groups",
	"E-Mail Address Policies", "Exchange Servers", "Exchange Virtual Directories", "Federated Sharing", "Journaling",
	"Legal Hold", "Mail Recipient Creation", "Mail Recipients", "Mail Tips", "Mailbox Import Export", "Mailbox Search",
	"Message Tracking", "Migration", "Monitoring", "Move Mailboxes", "Organization Client Access",
	"Organization Configuration", "Organization Transport Settings", "Public Folders", "Receive Connectors",
	"Recipient Policies", "Reset Password", "Retention Management", "Role Management",
	"Security Group Creation and Membership", "Send Connectors", "Support Diagnostics", "Transport Agents",
	"Transport Hygiene", "Transport Queues", "Transport Rules", "Unscoped Role Management", "User Options",
	"View-Only Audit Logs", exchange.RoleViewOnlyConfiguration, "View-Only Recipients",
	"MyBaseOptions", "MyContactInformation", "MyDistributionGroups",
}

// delegatedOnly are the roles that setup lets Organization Management assign but
// not use.
var delegatedOnly = map[string]bool{
	exchange.Role: true, "Active Directory Permissions": true, "Mailbox Import Export": true, "Mailbox Search": true,
	"Reset Password": true, "Support Diagnostics": true, "Unscoped Role Management": true,
	"MyBaseOptions": true, "MyContactInformation": true, "MyDistributionGroups": true,
}

func (o *Organization) addBuiltInRoleGroups() {
	var regularRoles []string
	for _, r := range builtInRoles {
		if !delegatedOnly[r] {
			regularRoles = append(regularRoles, r)
		}
	}
	management := o.addBuiltInRoleGroup("Organization Management", regularRoles...)
	o.replaceRecipient(management.Name, func(r *recipient) { r.Group.Members = o.guids("Administrator") })
	for _, r := range builtInRoles {
		o.addAssignment(assignment{Name: r + "-" + management.Name + "-Delegating", Role: r, Assignee: management.GUID, Delegation: delegatingOrgWide})
	}
	o.addBuiltInRoleGroup("Recipient Management", "Distribution Groups", "Mail Recipient Creation", "Mail Recipients",
		"Message Tracking", "Migration", "Move Mailboxes", "Recipient Policies")
	o.addBuiltInRoleGroup("View-Only Organization Management", "Monitoring", exchange.RoleViewOnlyConfiguration, "View-Only Recipients")
	o.addBuiltInRoleGroup("Hygiene Management", exchange.Role, "Receive Connectors", "Transport Agents", "Transport Hygiene",
		exchange.RoleViewOnlyConfiguration, "View-Only Recipients")
	o.addBuiltInRoleGroup("Discovery Management", "Legal Hold", "Mailbox Search")
	o.addBuiltInRoleGroup("Help Desk", "User Options", "View-Only Recipients")
	o.addBuiltInRoleGroup("Records Management", "Audit Logs", "Journaling", "Message Tracking", "Retention Management", "Transport Rules")
	o.addBuiltInRoleGroup("Server Management", "Database Copies", "Databases", "Exchange Servers", "Exchange Virtual Directories",
		"Monitoring", "Receive Connectors", "Transport Queues")
	o.addBuiltInRoleGroup("Compliance Management", "Audit Logs", "Journaling", "Message Tracking", "Retention Management",
		"Transport Rules", exchange.RoleViewOnlyConfiguration, "View-Only Audit Logs", "View-Only Recipients")
	o.addBuiltInRoleGroup("Public Folder Management", "Public Folders")
	o.addBuiltInRoleGroup("Delegated Setup", exchange.RoleViewOnlyConfiguration)
	o.replaceRecipient("View-Only Organization Management", func(r *recipient) { r.Group.Members = o.guids("Auditor") })
	manager := []exchange.GUID{management.GUID}
	for _, rec := range o.recipients {
		if r := latest(rec); r.Type == typeRoleGroup {
			r.Group.ManagedBy = manager
		}
	}
}

// addPolicyAssignments adds what setup gives every user over their own mailbox.
func (o *Organization) addPolicyAssignments() {
	for _, r := range []string{"MyBaseOptions", "MyContactInformation"} {
		o.addAssignment(assignment{Name: r + "-" + defaultPolicy, Role: r, AssigneeType: "RoleAssignmentPolicy", Policy: defaultPolicy})
	}
}
