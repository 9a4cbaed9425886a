package exchangesim

import (
	"slices"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func serverScenarios() []Scenario {
	return []Scenario{
		{Name: "access-denied", Summary: "The administrator is in the role group 'Exchange Operators' instead of Organization Management: Role Management " +
			"and the view-only roles, and no delegating assignment.",
			arrange: func(o *Organization) {
				o.addRoleGroupWith("Exchange Operators", o.guids("Administrator"), assignment{}, "Role Management",
					exchange.RoleViewOnlyConfiguration, "View-Only Recipients")
				o.replaceRecipient("Organization Management", func(r *recipient) { r.Group.Members = nil })
			}},
		{Name: "cmdlet-missing", Summary: "The administrator is in Recipient Management and View-Only Organization Management only: the cmdlets for roles " +
			"and scopes are not there.",
			arrange: func(o *Organization) {
				o.replaceRecipient("Organization Management", func(r *recipient) { r.Group.Members = nil })
				for _, name := range []string{"Recipient Management", "View-Only Organization Management"} {
					o.replaceRecipient(name, func(r *recipient) { r.Group.Members = o.guids("Administrator") })
				}
			}},
		{Name: "parameter-missing", Summary: "The administrator's only Role Management is a child role without New-ManagementRoleAssignment's parameter " +
			"CustomRecipientWriteScope.",
			arrange: (*Organization).trimParameter},
		{Name: "transient-dc", Summary: "The first three changes fail because the domain controller does not answer.",
			arrange: func(o *Organization) { o.behaviour.Transient = 3 }},
		{Name: "throttled", Summary: "The first three changes fail because of the caller's quota.",
			arrange: func(o *Organization) { o.behaviour.Throttled = 3 }},
		{Name: "replication-lag", Summary: "Changes go to DC01 and reads to DC02, which has them 20 minutes later.", arrange: func(o *Organization) {
			o.behaviour.ReplicationDelay, o.behaviour.ReadsElsewhere = 20*time.Minute, true
		}},
		{Name: "busy-after-scope", Summary: "The first New-ManagementScope is done and answered: server too busy.",
			arrange: misreported("New-ManagementScope", false)},
		{Name: "busy-after-assignment", Summary: "The first New-ManagementRoleAssignment is done; answer: server too busy.",
			arrange: misreported("New-ManagementRoleAssignment", false)},
		{Name: "lost-after-scope", Summary: "The first New-ManagementScope is done, and its reply is lost.",
			arrange: misreported("New-ManagementScope", true)},
		{Name: "lost-after-assignment", Summary: "The first New-ManagementRoleAssignment is done; its reply is lost.",
			arrange: misreported("New-ManagementRoleAssignment", true)},
		{Name: "silent-guid", Summary: "A -RoleAssignee by GUID finds nothing and says nothing; names and DNs work.",
			arrange: func(o *Organization) { o.behaviour.SilentGUIDs = true }},
		{Name: "view-root", Summary: "The shell's RecipientViewRoot is contoso.test/Staff, without svc-reschedule.",
			arrange: func(o *Organization) { o.behaviour.ViewRoot = contoso.Name + "/Staff" }},
		{Name: "constrained-language", Summary: "The shell of scripts is in constrained language mode.", Shell: Shell{ConstrainedLanguage: true}},
		{Name: "strict-mode", Summary: "The shell of scripts has run Set-StrictMode -Version Latest.", Shell: Shell{StrictMode: true}},
		{Name: "exchange-2016", Summary: "The server is Exchange 2016 CU23, without support since October 2025.",
			arrange: func(o *Organization) { o.behaviour.Build = "15.1.2507.61" }},
		{Name: "exchange-2019", Summary: "The server is Exchange 2019 CU15, without support since October 2025.",
			arrange: func(o *Organization) { o.behaviour.Build = "15.2.1748.39" }},
		{Name: "two-domains", Summary: "A second domain, emea.contoso.test (EMEA), has svc-reschedule (mailbox svc-reschedule@contoso.test) and emily, " +
			"a fourth member of Reschedule Users.",
			arrange: (*Organization).addEMEA,
			grant:   func(g *exchange.Grant) { g.Assignee = exchange.NewUser(`EMEA\` + serviceAccount) }},
		{Name: "recipients-5000", Summary: "5,000 more mailboxes, all in Reschedule Users: 5,003 are in scope.",
			arrange: func(o *Organization) { o.addPopulation(5_000, 1) }},
		{Name: "recipients-50000", Summary: "50,000 more mailboxes in the organizational unit Staff/Population, department Population; every tenth is in Reschedule Users.",
			arrange: (*Organization).populate},
	}
}

func (o *Organization) trimParameter() {
	child := o.addChildRole("Role Management without scopes", "Role Management")
	child.trimmed = map[string][]string{"New-ManagementRoleAssignment": {"CustomRecipientWriteScope"}}
	for _, rec := range o.assignments {
		if a := latest(rec); a.Name == "Role Management-Organization Management" {
			a.Name, a.Role = child.Name+"-Organization Management", child.Name
		}
	}
}

func (o *Organization) addEMEA() {
	o.domains = append(o.domains, emea)
	o.units = append(o.units, organizationalUnit{emea.Name + "/Users", true}, organizationalUnit{emea.Name + "/Services", false},
		organizationalUnit{emea.Name + "/Staff", false})
	o.removeRecipient(serviceAccount)
	for _, p := range []struct{ name, unit string }{{serviceAccount, "Services"}, {"emily", "Staff"}} {
		o.addRecipient(recipient{Type: typeUserMailbox, Name: p.name, Sam: p.name, UPN: p.name + "@" + emea.Name, Alias: p.name,
			SMTP: p.name + "@" + contoso.Name, Container: emea.Name + "/" + p.unit})
	}
	o.replaceRecipient(rescheduleUsers, func(r *recipient) {
		r.Group.Members = append(slices.Clone(r.Group.Members), o.guids("emily")...)
	})
}

func (o *Organization) populate() { o.addPopulation(50_000, 10) }

// misreported arranges that the first write of a cmdlet is done and answered with an
// error.
func misreported(cmdlet string, lost bool) func(*Organization) {
	return func(o *Organization) {
		o.behaviour.Misreports = append(o.behaviour.Misreports, misreport{Cmdlet: cmdlet, Write: 1, Lost: lost})
	}
}
