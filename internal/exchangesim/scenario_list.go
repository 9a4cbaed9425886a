package exchangesim

import (
	"slices"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Scenarios returns every scenario that is about the organization; plain is the
// first. WebScenarios returns the others.
func Scenarios() []Scenario {
	return slices.Concat(plainScenarios(), customizationScenarios(), principalScenarios(), assignmentScenarios(),
		roleGroupScenarios(), scopeScenarios(), serverScenarios())
}

func plainScenarios() []Scenario {
	return []Scenario{
		{Name: "plain", Summary: "contoso.test on-premises (Exchange SE, EX01, DC01, DC02): svc-reschedule with a mailbox, the group Reschedule Users " +
			"with anna, ben and room1, outside it boss, and the roles, role groups and assignments of a real organization."},
		{Name: "german", Summary: "plain, with all messages in German.", arrange: func(o *Organization) { o.behaviour.Language = "de" }},
	}
}

func customizationScenarios() []Scenario {
	customized := func(c customization) func(*Organization) {
		return func(o *Organization) { o.behaviour.Customization = c }
	}
	return []Scenario{
		{Name: "dehydrated", Summary: "Changes are refused until Enable-OrganizationCustomization was run; it exists and works.",
			arrange: customized(customization{CmdletExists: true, Dehydrated: true})},
		{Name: "dehydrated-no-cmdlet", Summary: "Changes are refused as in dehydrated, and Enable-OrganizationCustomization does not exist.",
			arrange: customized(customization{Dehydrated: true})},
		{Name: "already-enabled", Summary: "Changes are refused until Enable-OrganizationCustomization was run, which answers that the organization " +
			"is already enabled; IsDehydrated is false.",
			arrange: customized(customization{CmdletExists: true, UntilEnabled: true})},
		{Name: "already-enabled-service-offer", Summary: "already-enabled in the words of 2012: \"not available in current service offer\".",
			arrange: customized(customization{CmdletExists: true, UntilEnabled: true, OldWording: true})},
		{Name: "not-yet-in-effect", Summary: "Customization is enabled and not in effect: three more changes are refused after " +
			"Enable-OrganizationCustomization answered that it is already enabled.",
			arrange: customized(customization{CmdletExists: true, UntilEnabled: true, NotInEffect: 3})},
		{Name: "customization-halfway", Summary: "dehydrated, and the first two runs of Enable-OrganizationCustomization fail half-way because of " +
			"an unrelated object.",
			arrange: customized(customization{CmdletExists: true, Dehydrated: true, Halfway: 2})},
		{Name: "exchange-online", Summary: "An Exchange Online shell: no Get-ExchangeServer, no domain controllers, the role ApplicationImpersonation " +
			"is gone, Enable-OrganizationCustomization exists, changes are refused as dehydrated.",
			arrange: func(o *Organization) {
				o.moveOnline()
				o.behaviour.Customization.Dehydrated = true
			}},
		{Name: "exchange-online-customized", Summary: "exchange-online, with customization in effect.", arrange: (*Organization).moveOnline},
	}
}

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
	}
}

// groupFilter is the filter of the scope that a grant for Reschedule Users makes.
func groupFilter(container string) string {
	return "MemberOfGroup -eq 'CN=" + rescheduleUsers + ",OU=" + container + ",DC=contoso,DC=test'"
}

// own adds an assignment of ApplicationImpersonation to svc-reschedule with the
// given scope.
func (o *Organization) own(name string, s *scope) *assignment {
	return o.addAssignment(assignment{Name: name, Role: exchange.Role, Assignee: o.mustFind(serviceAccount).GUID, WriteScope: scopeCustom, Scope: s.GUID})
}

func assignmentScenarios() []Scenario {
	return []Scenario{
		{Name: "name-taken", Summary: "'Reschedule Impersonation' is an assignment of ApplicationImpersonation to svc-backup, for the whole organization.",
			arrange: func(o *Organization) {
				o.addAssignment(assignment{Name: ownName, Role: exchange.Role, Assignee: o.mustFind(backupAccount).GUID})
			}},
		{Name: "equal-other-name", Summary: "svc-reschedule has the grant already: assignment 'Old Grant' with the scope 'Old Scope' over Reschedule Users.",
			arrange: func(o *Organization) { o.own("Old Grant", o.addScope("Old Scope", groupFilter("Groups"), false)) }},
		{Name: "disabled-grant", Summary: "The assignment 'Reschedule Impersonation' of svc-reschedule with the scope of the same name over Reschedule " +
			"Users is there, and disabled.",
			arrange: func(o *Organization) {
				o.own(ownName, o.addScope(ownName, groupFilter("Groups"), false)).Enabled = false
			}},
		{Name: "own-name-other-scope", Summary: "The assignment 'Reschedule Impersonation' of svc-reschedule has the scope 'Berlin' (City -eq 'Berlin').",
			arrange: func(o *Organization) { o.own(ownName, o.addScope("Berlin", "City -eq 'Berlin'", false)) }},
		{Name: "own-scope-other-filter", Summary: "The assignment 'Reschedule Impersonation' of svc-reschedule has the scope of the same name, whose " +
			"filter is City -eq 'Berlin'.",
			arrange: func(o *Organization) { o.own(ownName, o.addScope(ownName, "City -eq 'Berlin'", false)) }},
		{Name: "wider-grant", Summary: "svc-reschedule has ApplicationImpersonation for the whole organization: assignment 'Wide Grant'.",
			arrange: func(o *Organization) {
				o.addAssignment(assignment{Name: "Wide Grant", Role: exchange.Role, Assignee: o.mustFind(serviceAccount).GUID})
			}},
		{Name: "indirect-role-group", Summary: "svc-reschedule has ApplicationImpersonation for the whole organization as a member of the role group " +
			"'Scheduling Services'.",
			arrange: func(o *Organization) {
				o.addRoleGroupWith("Scheduling Services", o.guids(serviceAccount), assignment{}, exchange.Role)
			}},
		{Name: "child-role", Summary: "svc-reschedule has 'Calendar Impersonation', a child role of ApplicationImpersonation, for the whole " +
			"organization: assignment 'Child Grant'.",
			arrange: func(o *Organization) {
				child := o.addChildRole("Calendar Impersonation", exchange.Role)
				o.addAssignment(assignment{Name: "Child Grant", Role: child.Name, Assignee: o.mustFind(serviceAccount).GUID})
			}},
	}
}

func roleGroupScenarios() []Scenario {
	wish := func(members ...string) func(*exchange.Grant) {
		return func(g *exchange.Grant) {
			g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: ownName, Members: members}
		}
	}
	ours := func(o *Organization, filter string, members []string, roles ...string) {
		s := o.addScope(ownName, filter, false)
		o.addRoleGroupWith(ownName, o.guids(members...), assignment{WriteScope: scopeCustom, Scope: s.GUID}, roles...)
	}
	equal := groupFilter("Groups")
	return []Scenario{
		{Name: "role-group-incomplete", Summary: "The role group 'Reschedule Impersonation' exists with ApplicationImpersonation, the scope over Reschedule " +
			"Users and the member svc-reschedule; svc-backup is wished for too.",
			arrange: func(o *Organization) { ours(o, equal, []string{serviceAccount}, exchange.Role) },
			grant:   wish(serviceAccount, backupAccount)},
		{Name: "role-group-other-members", Summary: "The role group 'Reschedule Impersonation' exists with ApplicationImpersonation, the scope over " +
			"Reschedule Users and the member svc-backup only.",
			arrange: func(o *Organization) { ours(o, equal, []string{backupAccount}, exchange.Role) }, grant: wish(serviceAccount)},
		{Name: "role-group-other-roles", Summary: "The role group 'Reschedule Impersonation' exists with svc-reschedule and the scope over Reschedule Users, " +
			"and has Mail Recipients beside ApplicationImpersonation.",
			arrange: func(o *Organization) { ours(o, equal, []string{serviceAccount}, exchange.Role, "Mail Recipients") }, grant: wish(serviceAccount)},
		{Name: "role-group-other-scope", Summary: "The role group 'Reschedule Impersonation' exists with svc-reschedule and ApplicationImpersonation, its scope " +
			"is 'Berlin' (City -eq 'Berlin').",
			arrange: func(o *Organization) {
				s := o.addScope("Berlin", "City -eq 'Berlin'", false)
				o.addRoleGroupWith(ownName, o.guids(serviceAccount), assignment{WriteScope: scopeCustom, Scope: s.GUID}, exchange.Role)
			}, grant: wish(serviceAccount)},
	}
}

func scopeScenarios() []Scenario {
	return []Scenario{
		{Name: "exclusive-scope", Summary: "The exclusive scope 'Protected Executives' (CustomAttribute1 -eq 'VIP') covers anna; no assignment has it.",
			arrange: func(o *Organization) { o.addScope("Protected Executives", "CustomAttribute1 -eq 'VIP'", true) }},
		{Name: "stale-group-dn", Summary: "The assignment 'Reschedule Impersonation' of svc-reschedule has the scope of the same name, whose filter holds the " +
			"group's old distinguished name (OU=Old Groups): it matches nobody.",
			arrange: func(o *Organization) { o.own(ownName, o.addScope(ownName, groupFilter("Old Groups"), false)) }},
		{Name: "empty-group", Summary: "Reschedule Users has no members.", arrange: func(o *Organization) {
			o.replaceRecipient(rescheduleUsers, func(r *recipient) { r.Group.Members = nil })
		}, grant: func(g *exchange.Grant) { g.InScope = nil }},
		{Name: "scope-unparsable", Summary: "svc-reschedule has the assignment 'Foreign Grant' with the scope 'Foreign Scope', whose stored filter names " +
			"Reschedule Users and has an operator that no parser of filters knows.",
			arrange: func(o *Organization) {
				o.own("Foreign Grant", o.addScope("Foreign Scope", "(("+groupFilter("Groups")+") -and (RecipientDisplayType -band '1'))", false))
			}},
	}
}

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
		{Name: "two-domains", Summary: "A second domain, emea.contoso.test (EMEA), has svc-reschedule (mailbox svc-reschedule@contoso.test) and emily, " +
			"a fourth member of Reschedule Users.",
			arrange: (*Organization).addEMEA,
			grant:   func(g *exchange.Grant) { g.Assignee = exchange.NewUser(`EMEA\` + serviceAccount) }},
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

func (o *Organization) populate() { o.addPopulation(50_000) }
