package exchangesim

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func principalScenarios() []Scenario {
	return []Scenario{
		{Name: "no-such-user", Summary: "There is no svc-reschedule.", arrange: func(o *Organization) { o.removeRecipient(serviceAccount) }},
		{Name: "ambiguous-user", Summary: "A second account is called svc-reschedule, in the organizational unit Partners; its logon name is svc-reschedule2.",
			arrange: func(o *Organization) {
				o.addPerson(person{name: serviceAccount, sam: serviceAccount + "2", unit: "Partners", kind: typeUserMailbox})
			},
			grant: func(g *exchange.Grant) { g.Assignee = exchange.NewUser(serviceAccount) }},
		{Name: "no-mailbox", Summary: "svc-reschedule is an account without a mailbox.", arrange: func(o *Organization) {
			o.replaceRecipient(serviceAccount, func(r *recipient) { r.Type, r.Alias, r.SMTP = typeUser, "", "" })
		}},
		{Name: "cloud-mailbox", Summary: "svc-reschedule's mailbox is in Exchange Online (a remote mailbox).", arrange: func(o *Organization) {
			o.replaceRecipient(serviceAccount, func(r *recipient) {
				r.Type, r.External = typeRemoteUserMailbox, "SMTP:"+serviceAccount+"@contoso.mail.onmicrosoft.test"
			})
		}},
		{Name: "shared-mailbox", Summary: "The grant is for info, a shared mailbox: its account is disabled.",
			grant: func(g *exchange.Grant) { g.Assignee, g.Mailbox = exchange.NewUser(`CONTOSO\info`), "info@contoso.test" }},
		{Name: "no-account-control", Summary: "The shell does not show whether an account is disabled.",
			arrange: func(o *Organization) { o.behaviour.NoAccountControl = true }},
		{Name: "global-assignee", Summary: "The grant is for 'Berlin (global)', no universal group: it is refused.",
			grant: func(g *exchange.Grant) { g.Assignee = exchange.NewSecurityGroup(globalGroup) }},
		{Name: "global-scope-group", Summary: "The scope is the group 'Berlin (global)', which is not universal.",
			grant: func(g *exchange.Grant) {
				g.Scope.Text, g.InScope = globalGroup, []string{"jgrossmann@contoso.test"}
			}},
		{Name: "domain-admin", Summary: "svc-reschedule is in Domain Admins, which is called 'Domänen-Admins'.", arrange: func(o *Organization) {
			o.replaceRecipient(domainAdmins, func(r *recipient) { r.Group.Members = append(r.Group.Members, o.guids(serviceAccount)...) })
			o.renameRecipient(domainAdmins, "Domänen-Admins", "Users")
		}},
		{Name: "lookalike-admin", Summary: "svc-reschedule is in a group 'Domain Admins' that only has that name.", arrange: func(o *Organization) {
			o.renameRecipient(domainAdmins, "Domänen-Admins", "Users")
			o.addRecipient(recipient{Type: typeUniversalSecurity, Name: domainAdmins, Sam: domainAdmins, Container: contoso.Name + "/Groups",
				Group: &group{Members: o.guids(serviceAccount)}})
		}},
	}
}

const (
	globalGroup  = "Berlin (global)"
	domainAdmins = "Domain Admins"
)

// renameRecipient gives a recipient another name, and its account's names with it, in a
// container of contoso.test.
func (o *Organization) renameRecipient(name, to, container string) {
	o.replaceRecipient(name, func(r *recipient) {
		r.Name, r.DisplayName, r.Container = to, to, contoso.Name+"/"+container
		r.DN = "CN=" + escapeRDN(to) + "," + o.containerDN(r.Container)
		r.Sam = to
		if r.UPN != "" {
			r.UPN = to + "@" + contoso.Name
		}
		if r.SMTP != "" {
			r.Alias = strings.ReplaceAll(strings.ToLower(to), " ", "-")
			r.SMTP = r.Alias + "@" + contoso.Name
		}
	})
}
