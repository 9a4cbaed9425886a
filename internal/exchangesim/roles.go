package exchangesim

import (
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A role is a management role: what its holders may do. Roles are part of a
// scenario, no command changes them.
type role struct {
	GUID        exchange.GUID
	Name        string
	Type        string // RoleType, which children share with their built-in ancestor
	Parent      string // name; empty for a built-in role
	Description string
	trimmed     map[string][]string // parameters that a child took away, by cmdlet
}

// recipientWrite and the three below are the implicit scopes of a role's type.
func (r *role) recipientWrite() string {
	switch r.Type {
	case "ViewOnlyConfiguration", "ViewOnlyRecipients", "ViewOnlyAuditLogs", "AuditLogs", "Monitoring":
		return "None"
	}
	if strings.HasPrefix(r.Type, "My") {
		return "Self"
	}
	return "Organization"
}

func (r *role) recipientRead() string {
	switch {
	case r.Type == "ViewOnlyConfiguration":
		return "None"
	case strings.HasPrefix(r.Type, "My"):
		return "Self"
	}
	return "Organization"
}

func (r *role) configRead() string {
	if r.Type == exchange.Role {
		return "None"
	}
	return "OrganizationConfig"
}

func (r *role) configWrite() string {
	switch {
	case r.Type == exchange.Role, strings.HasPrefix(r.Type, "ViewOnly"), strings.HasPrefix(r.Type, "My"):
		return "None"
	}
	return "OrganizationConfig"
}

func (r *role) dn() string {
	if r.Parent != "" {
		return "CN=" + escapeRDN(r.Name) + ",CN=" + escapeRDN(r.Parent) + "," + rolesRDN + organizationDN
	}
	return "CN=" + escapeRDN(r.Name) + "," + rolesRDN + organizationDN
}

// addRole adds a built-in role: its type is its name without separators.
func (o *Organization) addRole(name string) {
	o.roles = append(o.roles, &role{GUID: o.newGUID(), Name: name, Type: strings.NewReplacer(" ", "", "-", "").Replace(name)})
}

// addChildRole adds a child of an existing role, with all that the parent allows.
func (o *Organization) addChildRole(name, parent string) *role {
	p := o.role(parent)
	child := &role{GUID: o.newGUID(), Name: name, Type: p.Type, Parent: p.Name}
	o.roles = append(o.roles, child)
	return child
}

func (o *Organization) removeRole(name string) {
	o.roles = slices.DeleteFunc(o.roles, func(r *role) bool { return r.Name == name })
	o.assignments = slices.DeleteFunc(o.assignments, func(a *record[assignment]) bool { return latest(a).Role == name })
}

// role returns the role with the given name, GUID or distinguished name, nil
// when there is none.
func (o *Organization) role(identity string) *role {
	for _, r := range o.roles {
		if equalFold(r.Name, identity) || equalFold(string(r.GUID), identity) || equalFold(r.dn(), identity) {
			return r
		}
	}
	return nil
}

func (c *call) getManagementRole() error {
	identity, asked := c.text("Identity"), c.has("Identity")
	roleType := c.text("RoleType")
	var found []*role
	for _, r := range c.org.roles {
		if asked && !c.isAsked(r, identity) ||
			roleType != "" && !strings.EqualFold(r.Type, roleType) ||
			c.has("Cmdlet") && !slices.ContainsFunc(roleEntries[r.Type], func(n string) bool { return strings.EqualFold(n, c.text("Cmdlet")) }) {
			continue
		}
		found = append(found, r)
	}
	if asked && len(found) == 0 && !c.isTrue("GetChildren") && !strings.Contains(identity, "*") {
		return notFound(identity, c.replica().dc)
	}
	for _, r := range found {
		c.emit(c.presentRole(r))
	}
	return nil
}

// isAsked reports whether -Identity means r: the role itself, with -GetChildren
// its children, with -Recurse the role and all its descendants.
func (c *call) isAsked(r *role, identity string) bool {
	is := func(r *role) bool { return r != nil && matchesName(identity, r.Name, r.GUID, r.dn()) }
	parent := func(r *role) *role { return c.org.role(r.Parent) }
	switch {
	case c.isTrue("GetChildren"):
		return is(parent(r))
	case c.isTrue("Recurse"):
		for ; r != nil && !is(r); r = parent(r) {
		}
		return r != nil
	}
	return is(r)
}

// matchesName reports whether an identity means a configuration object. Wildcards
// match its name, which works in practice for every Get cmdlet although the
// documentation says otherwise.
func matchesName(identity, name string, guid exchange.GUID, dn string) bool {
	return likeText(name, identity) || isConfigurationObject(identity, name, guid, dn)
}

func isConfigurationObject(identity, name string, guid exchange.GUID, dn string) bool {
	return equalFold(name, identity) || equalFold(string(guid), identity) || equalFold("{"+string(guid)+"}", identity) || equalFold(dn, identity)
}
