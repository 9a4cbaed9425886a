package exchangesim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// roleGroupView is the view of role groups: they are in the forest's root domain,
// whatever the session views.
func (c *call) roleGroupView() (view, error) {
	v := view{replica: c.replica(), root: c.org.domains[0].Name}
	if dc, d, ok := c.org.findDC(c.text("DomainController")); ok && d.Name != v.root {
		return v, notFound("CN=Roles,"+organizationDN, dc)
	}
	return v, nil
}

func isRoleGroup(r *recipient) bool { return r.Type == typeRoleGroup }

// findRoleGroup returns the one role group that -Identity means.
func (c *call) findRoleGroup() (*recipient, error) {
	v, err := c.roleGroupView()
	if err != nil {
		return nil, notFound(c.text("Identity"), v.dc)
	}
	return c.org.one(v, c.text("Identity"), isRoleGroup)
}

func (c *call) getRoleGroup() error {
	v, err := c.roleGroupView()
	if err != nil {
		return err
	}
	identity := c.text("Identity")
	var groups []*recipient
	if identity != "" {
		groups = c.org.named(v, identity, isRoleGroup)
		if len(groups) == 0 && !strings.Contains(identity, "*") {
			return notFound(identity, v.dc)
		}
	} else {
		groups = c.org.recipientsIn(v, isRoleGroup)
	}
	if filter := c.text("Filter"); filter != "" {
		f, err := parseFilter("Filter", filter)
		if err != nil {
			return err
		}
		accept := c.org.compile(f, v)
		groups = slices.DeleteFunc(groups, func(g *recipient) bool { return !accept(g) })
	}
	groups, err = limited(c, groups)
	for _, g := range groups {
		c.emit(c.presentRoleGroup(g))
	}
	return err
}

// assignmentsTo returns the assignments of a group itself.
func (o *Organization) assignmentsTo(r replica, group exchange.GUID) []*assignment {
	return slices.DeleteFunc(seen(r, o.assignments), func(a *assignment) bool { return a.Assignee != group })
}

func (c *call) newRoleGroup() error {
	v, err := c.roleGroupView()
	if err != nil {
		return err
	}
	g := recipient{Type: typeRoleGroup, Name: c.text("Name"), DisplayName: c.text("DisplayName"), Sam: c.text("SamAccountName"),
		Container: securityGroupsOU, LinkedTo: c.text("LinkedForeignGroup"), Group: &group{Description: c.text("Description")}}
	if err := c.nameRoleGroup(&g); err != nil {
		return err
	}
	roles, err := c.assignableRoles()
	if err != nil {
		return err
	}
	if g.Group.Members, err = c.members(c.texts("Members")); err != nil {
		return err
	}
	if g.Group.ManagedBy, err = c.managers(); err != nil {
		return err
	}
	grants, err := c.roleGroupAssignments(g, roles)
	if err != nil {
		return err
	}
	taken := c.org.recipientsIn(v, func(r *recipient) bool {
		return r.Container == g.Container && strings.EqualFold(r.Name, g.Name) || strings.EqualFold(r.Sam, g.Sam)
	})
	if len(taken) > 0 {
		return exists(taken[0].DN, v.dc)
	}
	if c.changing(g.Name) {
		c.addRoleGroup(&g, grants)
	}
	return nil
}

// nameRoleGroup checks the name of a new role group and derives the account name.
func (c *call) nameRoleGroup(g *recipient) error {
	if err := checkName("Name", g.Name, maxName); err != nil {
		return err
	}
	if err := checkName("SamAccountName", g.Sam, 20); g.Sam != "" && err != nil {
		return err
	}
	if g.Sam == "" {
		g.Sam = g.Name
	}
	return nil
}

// assignableRoles returns the roles of -Roles, all of which the caller may assign.
func (c *call) assignableRoles() ([]*role, error) {
	var roles []*role
	for _, name := range c.texts("Roles") {
		r := c.org.role(name)
		if r == nil {
			return nil, notFound(name, c.replica().dc)
		}
		if err := c.mayAssign(r, r.Name+"-"+c.text("Name")); err != nil {
			return nil, err
		}
		roles = append(roles, r)
	}
	return roles, nil
}

// members resolves the identities of members, each once.
func (c *call) members(identities []string) ([]exchange.GUID, error) {
	var guids []exchange.GUID
	for _, identity := range identities {
		m, err := c.member(identity)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(guids, m.GUID) {
			guids = append(guids, m.GUID)
		}
	}
	return guids, nil
}

// member returns the one account or security group that identity means.
func (c *call) member(identity string) (*recipient, error) {
	return c.org.one(c.principals(), identity, func(r *recipient) bool {
		return r.isUser() || r.isGroup() && r.Type != typeMailDistribution
	})
}

// managers returns who manages a new role group: those of -ManagedBy, or
// Organization Management and the caller.
func (c *call) managers() ([]exchange.GUID, error) {
	if c.has("ManagedBy") {
		return c.members(c.texts("ManagedBy"))
	}
	return []exchange.GUID{c.org.organizationManagement(c.replica()), c.session.user.GUID}, nil
}

func (o *Organization) organizationManagement(r replica) exchange.GUID {
	for _, g := range o.recipientsIn(view{replica: r}, isRoleGroup) {
		if g.Name == "Organization Management" {
			return g.GUID
		}
	}
	return ""
}

// roleGroupAssignments makes the assignments of a new role group: all have the
// same scope, so that a role that can have none refuses the whole.
func (c *call) roleGroupAssignments(g recipient, roles []*role) ([]assignment, error) {
	grants := make([]assignment, len(roles))
	for i, r := range roles {
		grants[i] = c.newRegular(c.freeName(r.Name+"-"+g.Name), r)
		grants[i].AssigneeType = assigneeType(&g)
		if err := c.setWriteScope(&grants[i], r); err != nil {
			return nil, err
		}
	}
	return grants, nil
}

// addWrittenRecipient puts a new object into the directory.
func (c *call) addWrittenRecipient(r *recipient) {
	rec := &record[recipient]{GUID: r.GUID}
	write(c.replica(), rec, r)
	c.org.recipients = append(c.org.recipients, rec)
	c.org.recipientIndex[r.GUID] = rec
}

func (c *call) addRoleGroup(g *recipient, grants []assignment) {
	c.org.complete(g, c.now)
	c.addWrittenRecipient(g)
	for i := range grants {
		grants[i].Assignee = g.GUID
		c.addWritten(&grants[i])
	}
	c.emit(c.presentRoleGroup(g))
}

func (c *call) removeRoleGroup() error {
	g, err := c.findRoleGroup()
	if err != nil {
		return err
	}
	if g.Group.BuiltIn {
		return invalid(msgBuiltInGroup, g.Name)
	}
	if !c.manages(g) {
		return invalid(msgNotManager)
	}
	held := c.org.assignmentsTo(c.replica(), g.GUID)
	for _, a := range held {
		if err := c.mayAssign(c.org.role(a.Role), a.Name); err != nil {
			return err
		}
	}
	if !c.changing(g.Name) {
		return nil
	}
	write(c.replica(), c.org.recipientIndex[g.GUID], nil)
	for _, a := range held {
		write(c.replica(), find(c.org.assignments, a.GUID), nil)
	}
	return nil
}

func (c *call) getRoleGroupMember() error {
	g, err := c.findRoleGroup()
	if err != nil {
		return err
	}
	var members []*recipient
	for _, guid := range g.Group.Members {
		if m := c.org.byGUID(c.replica(), guid); m != nil {
			members = append(members, m)
		}
	}
	members, err = limited(c, members)
	for _, m := range members {
		c.output = append(c.output, c.presentRecipient(m))
	}
	return err
}

// changeMembers replaces the members of a role group that the caller manages.
func (c *call) changeMembers(change func(g, m *recipient) ([]exchange.GUID, error)) error {
	g, err := c.findRoleGroup()
	if err != nil {
		return err
	}
	if !c.manages(g) {
		return invalid(msgNotManager)
	}
	m, err := c.member(c.text("Member"))
	if err != nil {
		return err
	}
	members, err := change(g, m)
	if err != nil || !c.changing(g.Name) {
		return err
	}
	changed, inner := *g, *g.Group
	inner.Members = members
	changed.Group, changed.Changed = &inner, c.now
	write(c.replica(), c.org.recipientIndex[g.GUID], &changed)
	return nil
}

func (c *call) addRoleGroupMember() error {
	return c.changeMembers(func(g, m *recipient) ([]exchange.GUID, error) {
		if slices.Contains(g.Group.Members, m.GUID) {
			return nil, &failure{exception: typeMemberExists, target: g.Name, text: msgMemberExists, args: []any{m.Canonical(), g.Name}}
		}
		return append(slices.Clone(g.Group.Members), m.GUID), nil
	})
}

func (c *call) removeRoleGroupMember() error {
	return c.changeMembers(func(g, m *recipient) ([]exchange.GUID, error) {
		i := slices.Index(g.Group.Members, m.GUID)
		if i < 0 {
			return nil, &failure{exception: typeMemberMissing, target: g.Name, text: msgMemberMissing, args: []any{m.Canonical(), g.Name}}
		}
		return slices.Delete(slices.Clone(g.Group.Members), i, i+1), nil
	})
}

// addBuiltInRoleGroup adds a role group of setup with the roles it has there.
func (o *Organization) addBuiltInRoleGroup(name string, roles ...string) *recipient {
	g := o.addRoleGroupWith(name, nil, assignment{}, roles...)
	o.replaceRecipient(name, func(r *recipient) { r.Group.BuiltIn = true })
	return g
}

// addRoleGroupWith adds a role group as it was from the beginning. Its
// assignments have the scope of the template.
func (o *Organization) addRoleGroupWith(name string, members []exchange.GUID, template assignment, roles ...string) *recipient {
	g := o.addRecipient(recipient{Type: typeRoleGroup, Name: name, Sam: name, Container: securityGroupsOU,
		Group: &group{Members: members}})
	for _, r := range roles {
		a := template
		a.Name, a.Role, a.Assignee = fmt.Sprintf("%s-%s", r, name), r, g.GUID
		if o.role(r).recipientWrite() == "None" {
			a.WriteScope, a.Scope, a.Unit = "", "", ""
		}
		o.addAssignment(a)
	}
	return g
}
