package exchangesim

import (
	"cmp"
	"slices"
	"strings"
)

// A Snapshot is the state that grants are about, as all domain controllers see
// it once everything is replicated. It holds names, no GUIDs, and is sorted: two
// organizations in the same state have equal snapshots and the same JSON.
type Snapshot struct {
	Assignments   []AssignmentSnapshot  `json:"assignments"`
	Scopes        []ScopeSnapshot       `json:"scopes"`
	RoleGroups    []RoleGroupSnapshot   `json:"roleGroups"`
	Customization CustomizationSnapshot `json:"customization"`
}

// An AssignmentSnapshot is one role assignment.
type AssignmentSnapshot struct {
	Name                      string `json:"name"`
	Role                      string `json:"role"`
	RoleAssignee              string `json:"roleAssignee"` // canonical name
	RoleAssigneeType          string `json:"roleAssigneeType"`
	Delegation                string `json:"delegation"` // Regular, Delegating or DelegatingOrgWide
	Enabled                   bool   `json:"enabled"`
	RecipientWriteScope       string `json:"recipientWriteScope"`
	CustomRecipientWriteScope string `json:"customRecipientWriteScope,omitempty"`
}

// A ScopeSnapshot is one management scope.
type ScopeSnapshot struct {
	Name      string `json:"name"`
	Filter    string `json:"filter"` // as the server shows it
	Root      string `json:"root,omitempty"`
	Exclusive bool   `json:"exclusive"`
}

// A RoleGroupSnapshot is one role group with the canonical names of its members.
type RoleGroupSnapshot struct {
	Name    string   `json:"name"`
	Roles   []string `json:"roles"` // of its regular assignments
	Members []string `json:"members"`
}

// A CustomizationSnapshot tells whether the organization may be customized.
type CustomizationSnapshot struct {
	IsDehydrated bool `json:"isDehydrated"` // what Get-OrganizationConfig shows
	InEffect     bool `json:"inEffect"`     // commands that need customization work
	Answers      int  `json:"answers"`      // how often Enable-OrganizationCustomization ran, with success or not
}

// Snapshot returns the organization's present state.
func (o *Organization) Snapshot() Snapshot {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := replica{now: o.clock.Now()} // without a delay: everything is replicated
	c := o.behaviour.Customization
	return Snapshot{o.snapshotAssignments(r), o.snapshotScopes(r), o.snapshotRoleGroups(r), CustomizationSnapshot{c.Dehydrated, c.inEffect(), c.Answers}}
}

func (o *Organization) snapshotAssignments(r replica) []AssignmentSnapshot {
	all := []AssignmentSnapshot{}
	for _, a := range seen(r, o.assignments) {
		all = append(all, AssignmentSnapshot{a.Name, a.Role, o.assigneeName(r, a), a.AssigneeType, a.Delegation, a.Enabled, a.WriteScope, o.scopeText(r, a)})
	}
	slices.SortFunc(all, func(a, b AssignmentSnapshot) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.RoleAssignee, b.RoleAssignee))
	})
	return all
}

func (o *Organization) snapshotScopes(r replica) []ScopeSnapshot {
	all := []ScopeSnapshot{}
	for _, s := range seen(r, o.scopes) {
		all = append(all, ScopeSnapshot{s.Name, s.Filter, s.Root, s.Exclusive})
	}
	slices.SortFunc(all, func(a, b ScopeSnapshot) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (o *Organization) snapshotRoleGroups(r replica) []RoleGroupSnapshot {
	all := []RoleGroupSnapshot{}
	for _, g := range o.recipientsIn(view{replica: r}, isRoleGroup) {
		s := RoleGroupSnapshot{g.Name, []string{}, []string{}}
		for _, a := range o.assignmentsTo(r, g.GUID) {
			if a.Delegation == regular {
				s.Roles = append(s.Roles, a.Role)
			}
		}
		for _, guid := range g.Group.Members {
			if m := o.byGUID(r, guid); m != nil {
				s.Members = append(s.Members, m.Canonical())
			}
		}
		slices.Sort(s.Roles)
		slices.Sort(s.Members)
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b RoleGroupSnapshot) int { return strings.Compare(a.Name, b.Name) })
	return all
}
