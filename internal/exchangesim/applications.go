package exchangesim

import (
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// typeServicePrincipal is an application of Exchange Online. It is kept with the
// recipients because assignments are made to it, and is none of them.
const typeServicePrincipal = "ServicePrincipal"

// Kinds of scopes that only Exchange Online has.
const scopeGroup = "Group"

// applicationRoles are the roles that Exchange Online has for applications
// (learn.microsoft.com/exchange/permissions-exo/application-rbac).
var applicationRoles = []string{
	"Application Calendars.Read", "Application Calendars.ReadWrite", "Application Contacts.Read", "Application Contacts.ReadWrite",
	"Application EWS.AccessAsApp", "Application Exchange Full Access", "Application Mail Full Access", "Application Mail.Read",
	"Application Mail.ReadBasic", "Application Mail.ReadWrite", "Application Mail.Send", "Application MailboxSettings.Read",
	"Application MailboxSettings.ReadWrite", "Application SMTP.SendAsApp",
}

// moveOnline makes the organization one of Exchange Online.
func (o *Organization) moveOnline() {
	o.behaviour.Online = true
	o.behaviour.Customization = customization{CmdletExists: true}
	o.domains[0].DCs = []string{"AM6PR03A01DC002.EURPR03A001.PROD.OUTLOOK.COM"}
	o.removeRole(exchange.Role)
	management := o.mustFind("Organization Management")
	for _, name := range applicationRoles {
		o.addRole(name)
		o.addAssignment(assignment{Name: name + "-" + management.Name + "-Delegating", Role: name, Assignee: management.GUID, Delegation: delegatingOrgWide})
	}
}

// onlineSettings are the settings of EWS that Exchange Online has beside those
// of servers.
type onlineSettings struct {
	EwsEnabled       *bool  `json:"ewsEnabled,omitempty"`
	EwsAllowedAppIDs string `json:"ewsAllowedAppIds,omitempty"`
}

func applicationCmdlets() []*cmdlet {
	return []*cmdlet{
		{name: "Set-OrganizationConfig", task: systemTasks + "SetOrganizationConfig", online: true, shouldProcess: true, writes: true,
			run:        (*call).setOrganizationConfig,
			parameters: []parameter{named("EwsEnabled", TypeBool), named("EwsAllowedAppIDs", TypeString).clearable()}},
		{name: "Get-ServicePrincipal", task: rbacTasks + "GetServicePrincipal", online: true, run: (*call).getServicePrincipal,
			parameters: []parameter{first("Identity"), named("Organization", TypeString)}},
		{name: "New-ServicePrincipal", task: rbacTasks + "NewServicePrincipal", online: true, shouldProcess: true, writes: true,
			run: (*call).newServicePrincipal,
			parameters: []parameter{named("AppId", TypeString).mandatory(), named("ObjectId", TypeString).mandatory(),
				named("DisplayName", TypeString)}},
		{name: "Remove-ServicePrincipal", task: rbacTasks + "RemoveServicePrincipal", online: true, shouldProcess: true, highImpact: true,
			writes: true, run: (*call).removeServicePrincipal, parameters: []parameter{first("Identity").mandatory()}},
		{name: "Test-ServicePrincipalAuthorization", task: rbacTasks + "TestServicePrincipalAuthorization", online: true,
			run:        (*call).testServicePrincipalAuthorization,
			parameters: []parameter{first("Identity").mandatory(), named("Resource", TypeString)}},
	}
}

func (c *call) setOrganizationConfig() error {
	settings := c.org.behaviour.Settings
	if c.has("EwsEnabled") {
		enabled := c.isTrue("EwsEnabled")
		settings.EwsEnabled = &enabled
	}
	if c.has("EwsAllowedAppIDs") {
		settings.EwsAllowedAppIDs = c.text("EwsAllowedAppIDs")
	}
	if c.changing(organizationName) {
		c.org.behaviour.Settings = settings
	}
	return nil
}

func isServicePrincipal(r *recipient) bool { return r.Type == typeServicePrincipal }

// servicePrincipal returns the one application that an object id, application id
// or name means.
func (c *call) servicePrincipal(identity string) (*recipient, error) {
	v := c.principals()
	found := c.org.recipientsIn(v, func(r *recipient) bool {
		called, _ := c.org.isCalled(r, identity)
		return isServicePrincipal(r) && (called || strings.EqualFold(r.Properties["AppId"], identity))
	})
	switch len(found) {
	case 0:
		return nil, notFound(identity, v.dc)
	case 1:
		return found[0], nil
	}
	return nil, ambiguous(identity)
}

func (c *call) getServicePrincipal() error {
	if identity := c.text("Identity"); identity != "" {
		p, err := c.servicePrincipal(identity)
		if err == nil {
			c.emit(c.presentServicePrincipal(p))
		}
		return err
	}
	for _, p := range c.org.recipientsIn(c.principals(), isServicePrincipal) {
		c.emit(c.presentServicePrincipal(p))
	}
	return nil
}

// newServicePrincipal makes an application known. Its name is its object id.
func (c *call) newServicePrincipal() error {
	app, object := c.text("AppId"), c.text("ObjectId")
	for _, p := range c.org.recipientsIn(c.principals(), isServicePrincipal) {
		if strings.EqualFold(p.Name, object) || strings.EqualFold(p.Properties["AppId"], app) {
			return exists(p.DN, c.replica().dc)
		}
	}
	p := recipient{Type: typeServicePrincipal, Name: object, DisplayName: c.text("DisplayName"), Container: contoso.Name + "/Users",
		Properties: map[string]string{"AppId": app}}
	if c.changing(object) {
		c.org.complete(&p, c.now)
		c.addWrittenRecipient(&p)
		c.emit(c.presentServicePrincipal(&p))
	}
	return nil
}

// removeServicePrincipal removes an application with its assignments.
func (c *call) removeServicePrincipal() error {
	p, err := c.servicePrincipal(c.text("Identity"))
	if err != nil || !c.changing(p.Name) {
		return err
	}
	for _, a := range c.org.assignmentsTo(c.replica(), p.GUID) {
		write(c.replica(), find(c.org.assignments, a.GUID), nil)
	}
	write(c.replica(), c.org.recipientIndex[p.GUID], nil)
	return nil
}

func (c *call) presentServicePrincipal(p *recipient) exchange.Object {
	return object(managementType+"ServicePrincipal", properties{
		{"DisplayName", p.DisplayName}, {"AppId", p.Properties["AppId"]}, {"ObjectId", p.Name}, {"Sid", p.SID},
	}, c.recipientTail(p))
}

// testServicePrincipalAuthorization shows what an application may do, and with
// -Resource whether its scopes have that mailbox.
func (c *call) testServicePrincipalAuthorization() error {
	p, err := c.servicePrincipal(c.text("Identity"))
	if err != nil {
		return err
	}
	inScope := func(*assignment) any { return "Not Run" }
	if c.has("Resource") {
		target, err := c.org.one(c.principals(), c.text("Resource"), (*recipient).isMailbox)
		if err != nil {
			return err
		}
		reach := c.org.reach(c.forest(), target)
		inScope = func(a *assignment) any { return reach(a) }
	}
	for _, a := range c.org.assignmentsTo(c.replica(), p.GUID) {
		if !a.Enabled || a.Delegation != regular {
			continue
		}
		c.emit(object("Microsoft.Exchange.Management.RbacTasks.ServicePrincipalAuthorizationResult", properties{
			{"RoleName", a.Role}, {"GrantedPermissions", strings.TrimPrefix(a.Role, "Application ")},
			{"AllowedResourceScope", c.org.scopeText(c.replica(), a)}, {"ScopeType", a.WriteScope}, {"InScope", inScope(a)},
		}))
	}
	return nil
}

// scopeByGroup limits an assignment to the direct members of a group.
func (c *call) scopeByGroup(a *assignment, identity string) error {
	g, err := c.org.one(c.principals(), identity, (*recipient).isGroup)
	if err != nil {
		return err
	}
	a.WriteScope, a.Scope, a.Unit = scopeGroup, "", string(g.GUID)
	return nil
}

// hasMember reports whether a group has a direct member.
func (o *Organization) hasMember(r replica, group, member exchange.GUID) bool {
	g := o.byGUID(r, group)
	return g != nil && g.Group != nil && slices.Contains(g.Group.Members, member)
}
