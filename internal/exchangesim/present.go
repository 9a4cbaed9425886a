package exchangesim

import (
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	managementType    = "Microsoft.Exchange.Data.Directory.Management."
	configurationType = "Microsoft.Exchange.Data.Directory.SystemConfiguration."
)

// A property is an exchange.Property.
type property struct {
	Name  string
	Value any
}

type properties []property

// object makes an object of a type from its parts.
func object(typeName string, parts ...properties) exchange.Object {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	o := exchange.Object{TypeName: typeName, Properties: make([]exchange.Property, 0, n)}
	for _, part := range parts {
		for _, p := range part {
			o.Properties = append(o.Properties, exchange.Property(p))
		}
	}
	return o
}

// directoryTail is what every object of the directory ends with.
func directoryTail(identity, name, dn string, guid exchange.GUID, category string, classes []string, changed, created time.Time, dc string) properties {
	return properties{
		{"Identity", identity}, {"IsValid", true}, {"ExchangeVersion", "0.10 (14.0.100.0)"}, {"Name", name},
		{"DistinguishedName", dn}, {"Guid", guid}, {"ObjectCategory", configurationName + "/Schema/" + category},
		{"ObjectClass", classes}, {"WhenChanged", changed}, {"WhenCreated", created}, {"WhenChangedUTC", changed},
		{"WhenCreatedUTC", created}, {"OrganizationId", ""}, {"Id", identity}, {"OriginatingServer", dc},
		{"ObjectState", "Unchanged"},
	}
}

// nullable is a text property that is $null when it has no text.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// presentAssignment shows a row. The scope object of the custom, exclusive and
// organizational unit kinds stands in CustomRecipientWriteScope.
func (c *call) presentAssignment(w row) exchange.Object {
	a, r := w.assignment, c.replica()
	role := c.org.role(a.Role)
	assignee := c.assigneeName(a)
	var chain []string
	for _, g := range w.chain {
		chain = append(chain, g.Name)
	}
	p := properties{
		{"DataObject", a.Name}, {"User", nullable(w.user)}, {"AssignmentMethod", w.method}, {"Identity", a.Name},
		{"EffectiveUserName", w.effective}, {"AssignmentChain", strings.Join(chain, `\`)},
		{"RoleAssigneeType", a.AssigneeType}, {"RoleAssignee", nullable(assignee)}, {"Role", a.Role},
		{"RoleAssignmentDelegationType", a.Delegation}, {"CustomRecipientWriteScope", nullable(c.org.scopeText(r, a))},
		{"CustomConfigWriteScope", nil}, {"RecipientReadScope", role.recipientRead()},
		{"ConfigReadScope", role.configRead()}, {"RecipientWriteScope", a.WriteScope},
		{"ConfigWriteScope", role.configWrite()}, {"Enabled", a.Enabled},
		{"RoleAssigneeName", c.org.assigneeShortName(r, a)},
	}
	if c.org.behaviour.Online {
		p = append(p, property{"CustomResourceScope", nullable(c.org.scopeText(r, a))})
	}
	tail := directoryTail(a.Name, a.Name, a.dn(), a.GUID, "ms-Exch-Role-Assignment", []string{"top", "msExchRoleAssignment"}, a.Changed, a.Created, r.dc)
	return object(managementType+"ExchangeRoleAssignmentPresentation", p, tail[1:])
}

// scopeText is the scope of an assignment by name, or its organizational unit.
func (o *Organization) scopeText(r replica, a *assignment) string {
	switch {
	case a.WriteScope == scopeGroup:
		if g := o.byGUID(r, exchange.GUID(a.Unit)); g != nil {
			return g.Name
		}
		return a.Unit
	case a.Scope == "":
		return a.Unit
	}
	rec := find(o.scopes, a.Scope)
	if s := see(r, rec); s != nil {
		return s.Name
	}
	if s := latest(rec); s != nil {
		return s.Name
	}
	return string(a.Scope)
}

func (c *call) presentScope(s *scope) exchange.Object {
	filters := map[string]string{s.Kind: s.Filter}
	p := properties{
		{"RecipientRoot", nullable(s.Root)}, {"RecipientFilter", filters[recipientScope]}, {"ServerFilter", filters[serverScope]},
		{"DatabaseFilter", filters[databaseScope]}, {"TenantOrganizationFilter", ""}, {"ScopeRestrictionType", s.Kind},
		{"Exclusive", s.Exclusive}, {"AdminDisplayName", ""},
	}
	return object(configurationType+"ManagementScope", p,
		directoryTail(s.Name, s.Name, s.dn(), s.GUID, "ms-Exch-Scope", []string{"top", "msExchScope"}, s.Changed, s.Created, c.replica().dc))
}

func (c *call) presentRole(r *role) exchange.Object {
	entries := []string{}
	for _, name := range roleEntries[r.Type] {
		if cmd := c.org.findCmdlet(name); cmd != nil {
			entries = append(entries, "(Microsoft.Exchange.Management.PowerShell.E2010) "+name)
		}
	}
	p := properties{
		{"RoleEntries", entries}, {"RoleType", r.Type}, {"ImplicitRecipientReadScope", r.recipientRead()},
		{"ImplicitRecipientWriteScope", r.recipientWrite()}, {"ImplicitConfigReadScope", r.configRead()},
		{"ImplicitConfigWriteScope", r.configWrite()}, {"IsRootRole", r.Parent == ""},
		{"IsEndUserRole", strings.HasPrefix(r.Type, "My")}, {"MailboxPlanIndex", ""}, {"Description", r.Description},
		{"Parent", nullable(r.Parent)}, {"IsDeprecated", false}, {"AdminDisplayName", ""},
	}
	return object(configurationType+"ExchangeRole", p,
		directoryTail(r.Name, r.Name, r.dn(), r.GUID, "ms-Exch-Role", []string{"top", "msExchRole"}, installed, installed, c.replica().dc))
}

func (c *call) presentRoleGroup(g *recipient) exchange.Object {
	roles, assignments := []string{}, []string{}
	for _, a := range c.org.assignmentsTo(c.replica(), g.GUID) {
		assignments = append(assignments, a.Name)
		if a.Delegation == regular && !slices.Contains(roles, a.Role) {
			roles = append(roles, a.Role)
		}
	}
	kind := "Standard"
	if g.LinkedTo != "" {
		kind = "Linked"
	}
	p := properties{
		{"ManagedBy", c.canonicalNames(g.Group.ManagedBy)}, {"RoleAssignments", assignments}, {"Roles", roles},
		{"DisplayName", g.DisplayName}, {"ExternalDirectoryObjectId", ""}, {"Members", c.canonicalNames(g.Group.Members)},
		{"SamAccountName", g.Sam}, {"Description", g.Group.Description}, {"RoleGroupType", kind},
		{"LinkedGroup", g.LinkedTo}, {"Capabilities", []string{}}, {"LinkedPartnerGroupId", ""},
		{"LinkedPartnerOrganizationId", ""},
	}
	return object(managementType+"RoleGroup", p, c.recipientTail(g))
}

// canonicalNames returns the canonical names of those objects that the replica has.
func (c *call) canonicalNames(guids []exchange.GUID) []string {
	names := []string{}
	for _, guid := range guids {
		if r := c.org.byGUID(c.replica(), guid); r != nil {
			names = append(names, r.Canonical())
		}
	}
	return names
}

func (c *call) presentUnit(u organizationalUnit) exchange.Object {
	dn, guid := u.dn(c.org.domains), c.org.unitGUID(u)
	class, kind := "organizationalUnit", "OrganizationalUnit"
	if u.Container {
		class, kind = "container", "Container"
	}
	p := properties{{"HasChildren", nil}, {"Type", kind}, {"CanonicalName", u.Canonical}, {"OrganizationalUnitName", u.name()}}
	return object(managementType+"ExtendedOrganizationalUnit", p,
		directoryTail(u.Canonical, u.name(), dn, guid, "Organizational-Unit", []string{"top", class}, installed, installed, c.view().dc))
}

func (c *call) presentADServerSettings() exchange.Object {
	var preferred any
	if c.session.preferredDC != "" {
		preferred = c.session.preferredDC
	}
	dc, configuration := c.replica().dc, c.org.writer(c.now).dc
	if c.session.preferredDC != "" {
		configuration = dc
	}
	return object("Microsoft.Exchange.Configuration.Tasks.RunspaceServerSettingsPresentationObject", properties{
		{"DefaultGlobalCatalog", dc}, {"PreferredDomainControllerForDomain", []string{}}, {"DefaultConfigurationDomainController", configuration},
		{"DefaultPreferredDomainControllers", []string{dc}}, {"UserPreferredGlobalCatalog", preferred},
		{"UserPreferredConfigurationDomainController", preferred}, {"UserPreferredDomainControllers", []string{}},
		{"RecipientViewRoot", nullable(c.session.viewRoot)}, {"ViewEntireForest", c.session.viewRoot == ""}, {"WriteOriginatingChangeTimestamp", false},
		{"WriteShadowProperties", false}, {"Identity", nil}, {"IsValid", true}, {"ObjectState", "New"},
	})
}

func (c *call) presentAuditEntry(e auditEntry) exchange.Object {
	parameters := []string{}
	for _, p := range e.Parameters {
		parameters = append(parameters, p.Name)
	}
	at, _ := time.Parse(time.RFC3339, e.At)
	return object("Microsoft.Exchange.Management.SystemConfigurationTasks.AdminAuditLogEvent", properties{
		{"ObjectModified", e.Object}, {"SearchObject", nullable(e.Object)}, {"CmdletName", e.Cmdlet}, {"CmdletParameters", parameters},
		{"ModifiedProperties", []string{}}, {"Caller", e.Caller}, {"ExternalAccess", false}, {"Succeeded", e.Succeeded},
		{"Error", nullable(e.Error)}, {"RunDate", at}, {"OriginatingServer", "EX01 (" + c.org.build() + ")"},
		{"Identity", string(e.GUID)}, {"IsValid", true}, {"ObjectState", "New"},
	})
}
