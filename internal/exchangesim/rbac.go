package exchangesim

import (
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A permission is a cmdlet that a caller's roles give, without the parameters
// that every one of those roles takes away.
type permission struct {
	cmdlet  *cmdlet
	trimmed []string
}

// roleEntries lists the modelled cmdlets that a role of a type gives (Exchange's
// permissions tables: even reading assignments takes Role Management).
var roleEntries = map[string][]string{
	"RoleManagement": {
		"Get-ManagementRole", "Get-ManagementRoleAssignment", "New-ManagementRoleAssignment", "Set-ManagementRoleAssignment",
		"Remove-ManagementRoleAssignment", "Get-ManagementScope", "New-ManagementScope", "Set-ManagementScope",
		"Remove-ManagementScope", "Get-RoleGroup", "New-RoleGroup", "Remove-RoleGroup", "Get-RoleGroupMember",
		"Add-RoleGroupMember", "Remove-RoleGroupMember", "Get-User", "Get-Group", "Get-Recipient",
		"Get-OrganizationalUnit", "Get-ADServerSettings", "Set-ADServerSettings",
		"Get-ServicePrincipal", "New-ServicePrincipal", "Remove-ServicePrincipal", "Test-ServicePrincipalAuthorization",
	},
	"ViewOnlyConfiguration": {
		"Get-ExchangeServer", "Get-OrganizationConfig", "Get-OrganizationalUnit", "Get-ADServerSettings", "Set-ADServerSettings",
	},
	"ViewOnlyRecipients":        recipientReads,
	"MailRecipients":            recipientReads,
	"OrganizationConfiguration": {"Get-OrganizationConfig", "Set-OrganizationConfig", "Enable-OrganizationCustomization", "Get-ADServerSettings", "Set-ADServerSettings"},
	"ExchangeServers":           {"Get-ExchangeServer", "Get-ADServerSettings", "Set-ADServerSettings"},
	"AuditLogs":                 {"Search-AdminAuditLog"},
	"ViewOnlyAuditLogs":         {"Search-AdminAuditLog"},
}

var recipientReads = []string{
	"Get-User", "Get-Group", "Get-Mailbox", "Get-RemoteMailbox", "Get-Recipient", "Get-DistributionGroup",
	"Get-DynamicDistributionGroup", "Get-OrganizationalUnit", "Get-ADServerSettings", "Set-ADServerSettings",
}

// permissions returns what the roles of an account give, sorted by cmdlet.
func (o *Organization) permissions(r replica, caller *recipient) []permission {
	given := map[string]permission{}
	for _, held := range o.heldBy(r, caller) {
		if held.assignment.Delegation != regular || !held.assignment.Enabled {
			continue
		}
		role := o.role(held.assignment.Role)
		for _, name := range roleEntries[role.Type] {
			cmd := o.findCmdlet(name)
			if cmd == nil || !o.hasCmdlet(cmd) {
				continue
			}
			p, seen := given[name]
			if !seen {
				p = permission{cmd, role.trimmed[name]}
			} else {
				p.trimmed = slices.DeleteFunc(slices.Clone(p.trimmed), func(s string) bool { return !slices.Contains(role.trimmed[name], s) })
			}
			given[name] = p
		}
	}
	sorted := make([]permission, 0, len(given))
	for _, p := range given {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b permission) int { return strings.Compare(a.cmdlet.name, b.cmdlet.name) })
	return sorted
}

// hasCmdlet reports whether the organization's kind of Exchange has a cmdlet.
func (o *Organization) hasCmdlet(c *cmdlet) bool {
	switch {
	case o.behaviour.Online:
		return !c.onPremises
	case c.online:
		return false
	case c.name == enableCustomization:
		return o.behaviour.Customization.CmdletExists
	}
	return true
}

// A holding is one way in which an account holds an assignment: directly, or as
// a member of the assignee through chain.
type holding struct {
	assignment *assignment
	chain      []*recipient // groups from the assignee down to the one that has the account; empty when direct
}

// heldBy returns the assignments of an account, direct and through groups.
func (o *Organization) heldBy(r replica, account *recipient) []holding {
	var held []holding
	if account == nil {
		return nil
	}
	for _, a := range seen(r, o.assignments) {
		if a.Assignee == account.GUID {
			held = append(held, holding{assignment: a})
			continue
		}
		if chain := o.chainTo(r, a.Assignee, account.GUID); chain != nil {
			held = append(held, holding{a, chain})
		}
	}
	return held
}

// chainTo returns the groups by which a member belongs to a group, the group
// itself first; nil when it does not.
func (o *Organization) chainTo(r replica, group, member exchange.GUID) []*recipient {
	var found []*recipient
	o.walkMembers(r, group, func(m *recipient, chain []*recipient) bool {
		if m.GUID == member {
			found = slices.Clone(chain)
		}
		return found == nil
	})
	return found
}

// walkMembers calls visit for every member of a group, nested groups and their
// members included, each once, with the groups that lead to it. It ends when
// visit returns false.
func (o *Organization) walkMembers(r replica, group exchange.GUID, visit func(m *recipient, chain []*recipient) bool) {
	visited := map[exchange.GUID]bool{group: true}
	var walk func(g *recipient, chain []*recipient) bool
	walk = func(g *recipient, chain []*recipient) bool {
		chain = append(chain, g)
		for _, guid := range g.Group.Members {
			m := o.byGUID(r, guid)
			if m == nil || visited[guid] {
				continue
			}
			visited[guid] = true
			if !visit(m, chain) || m.isGroup() && !walk(m, chain) {
				return false
			}
		}
		return true
	}
	if g := o.byGUID(r, group); g != nil && g.Group != nil {
		walk(g, nil)
	}
}

// mayAssign reports why a caller may not create, change or remove assignments of
// a role: it takes an enabled delegating assignment of the role or of one of its
// ancestors, without a scope.
func (c *call) mayAssign(r *role, assignmentName string) error {
	for _, held := range c.org.heldBy(c.replica(), c.caller()) {
		a := held.assignment
		if a.Delegation == regular || !a.Enabled || a.WriteScope != "Organization" && c.org.role(a.Role).recipientWrite() == "Organization" {
			continue
		}
		for ancestor := r; ancestor != nil; ancestor = c.org.role(ancestor.Parent) {
			if a.Role == ancestor.Name {
				return nil
			}
			if ancestor.Parent == "" {
				break
			}
		}
	}
	f := invalid(msgNoDelegating, assignmentName)
	f.id = "FAFCBF5A"
	return f
}

// manages reports whether the caller may change a group's members: a manager of
// it or, with -BypassSecurityGroupManagerCheck, a holder of Role Management.
func (c *call) manages(g *recipient) bool {
	if c.isTrue("BypassSecurityGroupManagerCheck") {
		return true
	}
	caller := c.caller()
	for _, manager := range g.Group.ManagedBy {
		if manager == caller.GUID || c.org.chainTo(c.replica(), manager, caller.GUID) != nil {
			return true
		}
	}
	return false
}
