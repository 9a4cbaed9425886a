package exchangesim

import "github.com/exgrant/exgrant/pkg/exchange"

// groupFilter is the filter of the scope that a grant for Reschedule Users makes.
func groupFilter(container string) string {
	return "MemberOfGroup -eq 'CN=" + rescheduleUsers + ",OU=" + container + ",DC=contoso,DC=test'"
}

// own adds an assignment of ApplicationImpersonation to svc-reschedule with the
// given scope.
func (o *Organization) own(name string, s *scope) *assignment {
	return o.addAssignment(assignment{Name: name, Role: exchange.Role, Assignee: o.mustFind(serviceAccount).GUID, WriteScope: scopeCustom, Scope: s.GUID})
}

// grantInPlace makes the scenarios' own grant: assignment and scope have its name.
func (o *Organization) grantInPlace() (*assignment, *scope) {
	s := o.addScope(ownName, groupFilter("Groups"), false)
	return o.own(ownName, s), s
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
		{Name: "disabled-foreign-grant", Summary: "An equal grant, 'Old Grant', stands and is disabled.",
			arrange: func(o *Organization) {
				o.own("Old Grant", o.addScope("Old Scope", groupFilter("Groups"), false)).Enabled = false
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
		{Name: "child-role-same-scope", Summary: "'Child Grant', of a child role, has an equal scope: it is no equal grant.",
			arrange: func(o *Organization) {
				child := o.addChildRole("Calendar Impersonation", exchange.Role)
				s := o.addScope("Old Scope", groupFilter("Groups"), false)
				o.addAssignment(assignment{Name: "Child Grant", Role: child.Name, Assignee: o.mustFind(serviceAccount).GUID, WriteScope: scopeCustom, Scope: s.GUID})
			}},
		{Name: "group-deleted", Summary: "The grant is in place, and its group Reschedule Users is deleted.", arrange: func(o *Organization) {
			o.grantInPlace()
			o.removeRecipient(rescheduleUsers)
		}},
		{Name: "account-deleted", Summary: "The grant is in place, and its account svc-reschedule is deleted.", arrange: func(o *Organization) {
			o.grantInPlace()
			o.removeRecipient(serviceAccount)
		}},
		{Name: "both-renamed", Summary: "The grant is in place; account and group were renamed and moved since.", arrange: func(o *Organization) {
			o.grantInPlace()
			o.renameRecipient(serviceAccount, "svc-calendar", "Partners")
			o.renameRecipient(rescheduleUsers, "Calendar Users", "Staff")
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
			"Users and the member svc-reschedule; the grant asks for svc-backup too.",
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
		{Name: "scope-before", Summary: "The scope 'Reschedule Impersonation' is there already, and not used.",
			arrange: func(o *Organization) { o.addScope(ownName, groupFilter("Groups"), false) }},
		{Name: "shared-scope", Summary: "The grant is in place; Help Desk has another role on its scope.", arrange: func(o *Organization) {
			_, s := o.grantInPlace()
			o.shareScope(s)
		}},
		{Name: "shared-scope-other-filter", Summary: "own-scope-other-filter, and Help Desk has another role on the scope.",
			arrange: func(o *Organization) {
				s := o.addScope(ownName, "City -eq 'Berlin'", false)
				o.own(ownName, s)
				o.shareScope(s)
			}},
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

// shareScope gives Help Desk a role that is not ours on a scope.
func (o *Organization) shareScope(s *scope) {
	o.addAssignment(assignment{Name: "Help Desk Recipients", Role: "Mail Recipients", Assignee: o.mustFind("Help Desk").GUID, WriteScope: scopeCustom, Scope: s.GUID})
}
