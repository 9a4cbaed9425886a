package exchangesim

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Delegation types of assignments. A delegating assignment allows to assign the
// role, not to use it.
const (
	regular           = "Regular"
	delegating        = "Delegating"
	delegatingOrgWide = "DelegatingOrgWide"
)

// Kinds of recipient write scopes, as assignments show them.
const (
	scopeOrganization = "Organization"
	scopeCustom       = "CustomRecipientScope"
	scopeExclusive    = "ExclusiveRecipientScope"
	scopeOU           = "OU"
)

// maxName is the longest name of an assignment, scope or role group.
const maxName = 64

// An assignment gives a role to an assignee within a scope.
type assignment struct {
	GUID         exchange.GUID `json:"guid"`
	Name         string        `json:"name"`
	Role         string        `json:"role"`
	Assignee     exchange.GUID `json:"assignee,omitempty"`
	AssigneeType string        `json:"assigneeType"`
	Policy       string        `json:"policy,omitempty"` // the assignee, when it is a role assignment policy
	Delegation   string        `json:"delegation"`
	Enabled      bool          `json:"enabled"`
	WriteScope   string        `json:"writeScope"`
	Scope        exchange.GUID `json:"scope,omitempty"` // management scope
	Unit         string        `json:"unit,omitempty"`  // canonical name of the organizational unit; GUID of the group
	Created      time.Time     `json:"created"`
	Changed      time.Time     `json:"changed"`
}

func (a *assignment) dn() string {
	return "CN=" + escapeRDN(a.Name) + "," + roleAssignmentsRDN + organizationDN
}

// addAssignment adds an assignment as it was from the beginning.
func (o *Organization) addAssignment(a assignment) *assignment {
	a.GUID, a.Enabled = o.newGUID(), true
	a.Created, a.Changed = epoch.AddDate(-1, 0, 0), epoch.AddDate(-1, 0, 0)
	if a.Delegation == "" {
		a.Delegation = regular
	}
	if a.WriteScope == "" {
		a.WriteScope = o.role(a.Role).recipientWrite()
	}
	if a.AssigneeType == "" {
		a.AssigneeType = assigneeType(latest(o.recipientIndex[a.Assignee]))
	}
	o.assignments = append(o.assignments, original(a.GUID, &a))
	return &a
}

func assigneeType(r *recipient) string {
	switch {
	case isServicePrincipal(r):
		return "ServicePrincipal"
	case r.Type == typeRoleGroup && r.LinkedTo != "":
		return "LinkedRoleGroup"
	case r.Type == typeRoleGroup:
		return "RoleGroup"
	case r.isGroup():
		return "SecurityGroup"
	}
	return "User"
}

// findAssignment returns the record of the assignment that identity means.
func (c *call) findAssignment(identity string) (*record[assignment], *assignment, error) {
	r := c.replica()
	for _, rec := range c.org.assignments {
		if a := see(r, rec); a != nil && isConfigurationObject(identity, a.Name, a.GUID, a.dn()) {
			return rec, a, nil
		}
	}
	return nil, nil, notFound(identity, r.dc)
}

// A row is one line of Get-ManagementRoleAssignment: an assignment as one
// account or group holds it.
type row struct {
	assignment *assignment
	method     string
	user       string // canonical name
	effective  string
	chain      []*recipient
}

func (c *call) getAssignment() error {
	rows, err := c.matchingAssignments()
	if err != nil {
		return err
	}
	for _, w := range rows {
		for _, x := range c.expand(w) {
			c.emit(c.presentAssignment(x))
		}
	}
	return nil
}

// matchingAssignments returns one row for each assignment that the parameters
// ask for.
func (c *call) matchingAssignments() ([]row, error) {
	accept, err := c.assignmentFilters()
	if err != nil {
		return nil, err
	}
	rows, err := c.assignmentsOf()
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(w row) bool { return !accept(w.assignment) })
	identity := c.text("Identity")
	if identity == "" {
		return rows, nil
	}
	found := slices.DeleteFunc(slices.Clone(rows), func(w row) bool {
		return !matchesName(identity, w.assignment.Name, w.assignment.GUID, w.assignment.dn())
	})
	if len(found) == 0 && !strings.Contains(identity, "*") {
		if c.org.options.UnknownAssignmentReturnsAll {
			return rows, nil
		}
		return nil, notFound(identity, c.replica().dc)
	}
	return found, nil
}

// assignmentsOf returns the assignments of -RoleAssignee, direct and indirect, or
// all of them.
func (c *call) assignmentsOf() ([]row, error) {
	r := c.replica()
	identity := c.text("RoleAssignee")
	if identity == "" {
		if c.has("AssignmentMethod") {
			return nil, badArgument(msgNeedsAssignee)
		}
		var rows []row
		for _, a := range seen(r, c.org.assignments) {
			rows = append(rows, c.directRow(a))
		}
		return rows, nil
	}
	assignee, err := c.org.one(c.principals(), identity, anyRecipient)
	if err != nil {
		return nil, err
	}
	if c.org.behaviour.SilentGUIDs && strings.EqualFold(identity, string(assignee.GUID)) {
		return nil, nil
	}
	var rows []row
	for _, held := range c.org.heldBy(r, assignee) {
		w := c.directRow(held.assignment)
		if held.chain != nil {
			w = row{held.assignment, held.assignment.AssigneeType, assignee.Canonical(), assignee.Name, held.chain}
		}
		isMethod := func(m string) bool { return strings.EqualFold(m, w.method) }
		if c.has("AssignmentMethod") && !slices.ContainsFunc(c.texts("AssignmentMethod"), isMethod) {
			continue
		}
		rows = append(rows, w)
	}
	return rows, nil
}

// assignmentFilters returns the test that all other parameters make.
func (c *call) assignmentFilters() (func(*assignment) bool, error) {
	var tests []func(*assignment) bool
	add := func(parameter string, test func(*assignment) bool) {
		if c.has(parameter) {
			tests = append(tests, test)
		}
	}
	if name := c.text("Role"); name != "" {
		role := c.org.role(name)
		if role == nil && !strings.Contains(name, "*") {
			return nil, notFound(name, c.replica().dc)
		}
		add("Role", func(a *assignment) bool {
			return role != nil && a.Role == role.Name || role == nil && likeText(a.Role, name)
		})
	}
	if mailbox := c.text("WritableRecipient"); mailbox != "" {
		target, err := c.org.one(c.principals(), mailbox, anyRecipient)
		if err != nil {
			return nil, err
		}
		reach := c.org.reach(c.forest(), target)
		add("WritableRecipient", func(a *assignment) bool { return a.Enabled && reach(a) })
	}
	add("Delegating", func(a *assignment) bool { return (a.Delegation != regular) == c.isTrue("Delegating") })
	add("Enabled", func(a *assignment) bool { return a.Enabled == c.isTrue("Enabled") })
	add("Exclusive", func(a *assignment) bool { return (a.WriteScope == scopeExclusive) == c.isTrue("Exclusive") })
	add("RoleAssigneeType", func(a *assignment) bool { return strings.EqualFold(a.AssigneeType, c.text("RoleAssigneeType")) })
	add("RecipientWriteScope", func(a *assignment) bool { return strings.EqualFold(a.WriteScope, c.text("RecipientWriteScope")) })
	add("ConfigWriteScope", func(a *assignment) bool {
		return strings.EqualFold(c.org.role(a.Role).configWrite(), c.text("ConfigWriteScope"))
	})
	add("RecipientOrganizationalUnitScope", func(a *assignment) bool {
		return a.WriteScope == scopeOU && strings.EqualFold(a.Unit, c.text("RecipientOrganizationalUnitScope"))
	})
	for parameter, kind := range map[string]string{"CustomRecipientWriteScope": scopeCustom, "ExclusiveRecipientWriteScope": scopeExclusive} {
		add(parameter, func(a *assignment) bool { return a.WriteScope == kind && c.isScope(a.Scope, c.text(parameter)) })
	}
	for _, parameter := range []string{"CustomConfigWriteScope", "ExclusiveConfigWriteScope", "WritableServer", "WritableDatabase"} {
		add(parameter, func(*assignment) bool { return false }) // the model has no configuration scopes
	}
	return func(a *assignment) bool {
		return !slices.ContainsFunc(tests, func(test func(*assignment) bool) bool { return !test(a) })
	}, nil
}

// forest is the view of everything on the domain controller that answers.
func (c *call) forest() view { return view{replica: c.replica()} }

// directRow is an assignment as its assignee holds it.
func (c *call) directRow(a *assignment) row {
	w := row{assignment: a, method: "Direct", user: c.assigneeName(a)}
	assignee := c.org.byGUID(c.replica(), a.Assignee)
	switch {
	case a.Policy != "":
		w.effective = "All Policy Assignees"
	case assignee == nil: // the account or group was deleted
	case a.AssigneeType == "LinkedRoleGroup":
		w.effective = "All Linked Group Members"
	case assignee.isGroup():
		w.effective = "All Group Members"
	default:
		w.effective = assignee.Name
	}
	return w
}

// assigneeName is the canonical name of an assignment's assignee.
func (c *call) assigneeName(a *assignment) string {
	return c.org.assigneeName(c.replica(), a)
}

func (o *Organization) assigneeName(r replica, a *assignment) string {
	if assignee := o.byGUID(r, a.Assignee); assignee != nil {
		return assignee.Canonical()
	}
	return a.Policy
}

func (o *Organization) assigneeShortName(r replica, a *assignment) string {
	if assignee := o.byGUID(r, a.Assignee); assignee != nil {
		return assignee.Name
	}
	return a.Policy
}

// expand makes one row for each account that holds an assignment through a
// group, under -GetEffectiveUsers. A group without any keeps its own row, and so
// does a linked one: its members are in another forest.
func (c *call) expand(w row) []row {
	if !c.isTrue("GetEffectiveUsers") || w.assignment.AssigneeType == "LinkedRoleGroup" {
		return []row{w}
	}
	var rows []row
	c.org.walkMembers(c.replica(), w.assignment.Assignee, func(m *recipient, chain []*recipient) bool {
		if !m.isGroup() {
			rows = append(rows, row{w.assignment, w.assignment.AssigneeType, m.Canonical(), m.Name, slices.Clone(chain)})
		}
		return true
	})
	if len(rows) == 0 {
		return []row{w}
	}
	return rows
}

func (c *call) newAssignment() error {
	role, name, err := c.assignableRole()
	if err != nil {
		return err
	}
	a := c.newRegular(name, role)
	assignee, err := c.assignee()
	if err != nil {
		return err
	}
	a.Assignee, a.AssigneeType = assignee.GUID, assigneeType(assignee)
	if err := c.setWriteScope(&a, role); err != nil {
		return err
	}
	if c.isTrue("Delegating") {
		if a.Delegation = delegatingOrgWide; a.WriteScope != role.recipientWrite() {
			a.Delegation = delegating
		}
	}
	if a.Name == "" {
		a.Name = c.freeName(role.Name + "-" + assignee.Name)
	} else if err := c.checkNewName(a.Name, a.dn()); err != nil {
		return err
	}
	if c.changing(a.Name) {
		c.addWritten(&a)
		c.emit(c.presentAssignment(c.directRow(&a)))
	}
	return nil
}

// newRegular is an assignment to nobody yet, with the scope that the role implies.
func (c *call) newRegular(name string, r *role) assignment {
	return assignment{Name: name, Role: r.Name, Delegation: regular, Enabled: true, WriteScope: r.recipientWrite(),
		Created: c.now, Changed: c.now}
}

// assignableRole returns the role of -Role, which the caller may assign, and the
// name of the assignment, if one was given.
func (c *call) assignableRole() (*role, string, error) {
	role := c.org.role(c.text("Role"))
	if role == nil {
		return nil, "", notFound(c.text("Role"), c.replica().dc)
	}
	name := c.text("Name")
	label := name
	if label == "" {
		label = role.Name
	}
	return role, name, c.mayAssign(role, label)
}

// addWritten puts a new assignment into the directory.
func (c *call) addWritten(a *assignment) {
	a.GUID = c.org.newGUID()
	rec := &record[assignment]{GUID: a.GUID}
	write(c.replica(), rec, a)
	c.org.assignments = append(c.org.assignments, rec)
}

// assignee returns the one object that -User, -SecurityGroup, -Policy or
// -Computer means.
func (c *call) assignee() (*recipient, error) {
	switch {
	case c.has("User"):
		return c.org.one(c.principals(), c.text("User"), (*recipient).isUser)
	case c.has("SecurityGroup"):
		g, err := c.org.one(c.principals(), c.text("SecurityGroup"), (*recipient).isGroup)
		if err == nil && (g.Type == typeMailDistribution || g.Type == typeNonUniversal) {
			return nil, invalid(msgNotUniversalSecurity, g.Canonical())
		}
		return g, err
	case c.has("App"):
		return c.servicePrincipal(c.text("App"))
	}
	identity := c.text("Policy") + c.text("Computer")
	return nil, notFound(identity, c.replica().dc) // the model has neither policies to assign to nor computers
}

// writeScopeParameters are the parameters that give an assignment its recipient
// scope.
var writeScopeParameters = []string{
	"CustomRecipientWriteScope", "ExclusiveRecipientWriteScope", "RecipientOrganizationalUnitScope", "RecipientRelativeWriteScope",
	"CustomResourceScope", "RecipientGroupScope", "RecipientAdministrativeUnitScope",
}

// setWriteScope gives an assignment the recipient scope that the parameters ask
// for, if they ask for one.
func (c *call) setWriteScope(a *assignment, r *role) error {
	if err := c.refuseConfigScope(r); err != nil {
		return err
	}
	given := 0
	for _, p := range writeScopeParameters {
		if !c.has(p) {
			continue
		}
		if given++; given > 1 {
			return badArgument(msgSeveralScopes)
		}
		if r.recipientWrite() == "None" && c.text(p) != "" && !strings.EqualFold(c.text(p), "None") {
			return invalid(msgRoleWithoutWriteScope, r.Name)
		}
		if err := c.applyWriteScope(a, r, p); err != nil {
			return err
		}
	}
	return nil
}

// refuseConfigScope refuses what the model has not: configuration scopes and
// unscoped roles. ApplicationImpersonation cannot have them anywhere.
func (c *call) refuseConfigScope(r *role) error {
	for _, p := range []string{"CustomConfigWriteScope", "ExclusiveConfigWriteScope"} {
		switch scope := c.text(p); {
		case scope == "":
		case r.configWrite() == "None":
			return invalid(msgRoleWithoutConfigScope, r.Name)
		default:
			return notFound(scope, c.replica().dc)
		}
	}
	if c.isTrue("UnScopedTopLevel") {
		return invalid(msgNotUnscoped, r.Name)
	}
	return nil
}

func (c *call) applyWriteScope(a *assignment, r *role, parameter string) error {
	value := c.text(parameter)
	if value == "" { // $null
		a.WriteScope, a.Scope, a.Unit = r.recipientWrite(), "", ""
		return nil
	}
	switch parameter {
	case "RecipientRelativeWriteScope":
		a.WriteScope, a.Scope, a.Unit = relativeScopeName(value), "", ""
	case "RecipientOrganizationalUnitScope":
		units := c.org.findOUs(value)
		if len(units) == 0 {
			return notFound(value, c.replica().dc)
		}
		if len(units) > 1 {
			return ambiguous(value)
		}
		a.WriteScope, a.Scope, a.Unit = scopeOU, "", units[0].Canonical
	case "RecipientGroupScope":
		return c.scopeByGroup(a, value)
	case "RecipientAdministrativeUnitScope":
		return notFound(value, c.replica().dc) // the model has no administrative units
	default:
		s, err := c.usableScope(value, parameter)
		if err != nil {
			return err
		}
		a.WriteScope, a.Scope, a.Unit = scopeCustom, s.GUID, ""
		if s.Exclusive {
			a.WriteScope = scopeExclusive
		}
	}
	return nil
}

func relativeScopeName(value string) string {
	for _, v := range relativeScope().values {
		if strings.EqualFold(v, value) {
			return v
		}
	}
	return value
}

// usableScope returns the management scope that an assignment may have by the
// given parameter.
func (c *call) usableScope(identity, parameter string) (*scope, error) {
	_, s, err := c.findScope(identity)
	switch {
	case err != nil:
		return nil, err
	case s.Kind != recipientScope:
		return nil, invalid(msgNotRecipientScope, s.Name, parameter)
	case s.Exclusive && parameter != "ExclusiveRecipientWriteScope":
		return nil, invalid(msgExclusiveAsCustom, s.Name, parameter)
	case !s.Exclusive && parameter == "ExclusiveRecipientWriteScope":
		return nil, invalid(msgRegularAsExclusive, s.Name, parameter)
	}
	return s, nil
}

// freeName returns a name for an assignment that was given none: Exchange adds a
// number when the name is taken.
func (c *call) freeName(base string) string {
	name := cutName(base, maxName)
	for i := 1; ; i++ {
		if _, _, err := c.findAssignment(name); err != nil {
			return name
		}
		suffix := "-" + strconv.Itoa(i)
		name = cutName(base, maxName-len(suffix)) + suffix
	}
}

// nameLength counts as Exchange does, in UTF-16 units.
func nameLength(name string) int { return len(utf16.Encode([]rune(name))) }

func cutName(name string, longest int) string {
	runes := []rune(name)
	for nameLength(string(runes)) > longest {
		runes = runes[:len(runes)-1]
	}
	return string(runes)
}

// checkNewName refuses a name that cannot be, or that an assignment has already.
func (c *call) checkNewName(name, dn string) error {
	if err := checkName("Name", name, maxName); err != nil {
		return err
	}
	if _, _, err := c.findAssignment(name); err == nil {
		return exists(dn, c.replica().dc)
	}
	return nil
}

// checkName refuses a name that is too long or cannot stand in a distinguished
// name without being escaped.
func checkName(property, name string, longest int) error {
	if nameLength(name) > longest {
		return &failure{exception: typeValidation, target: name, text: msgTooLong, args: []any{property, longest}}
	}
	if strings.ContainsAny(name, "\\,+\"<>;=#/*?[]") || strings.TrimSpace(name) != name {
		return &failure{exception: typeValidation, target: name, text: msgBadCharacter, args: []any{name, property}}
	}
	return nil
}

func (c *call) setAssignment() error {
	rec, a, err := c.findAssignment(c.text("Identity"))
	if err != nil {
		return err
	}
	role := c.org.role(a.Role)
	if err := c.mayAssign(role, a.Name); err != nil {
		return err
	}
	changed := *a
	if err := c.setWriteScope(&changed, role); err != nil {
		return err
	}
	if c.has("Enabled") {
		changed.Enabled = c.isTrue("Enabled")
	}
	if changed == *a {
		c.warn(msgNothingModified, a.Name)
		return nil
	}
	if c.changing(a.Name) {
		changed.Changed = c.now
		write(c.replica(), rec, &changed)
	}
	return nil
}

func (c *call) removeAssignment() error {
	rec, a, err := c.findAssignment(c.text("Identity"))
	if err != nil {
		return err
	}
	if err := c.mayAssign(c.org.role(a.Role), a.Name); err != nil {
		return err
	}
	if c.changing(a.Name) {
		write(c.replica(), rec, nil)
	}
	return nil
}

// reach returns the test whether an assignment's scope lets its holder write to
// a recipient: the server's own oracle.
func (o *Organization) reach(v view, target *recipient) func(*assignment) bool {
	return o.reachBy(v, target, seen(v.replica, o.scopes))
}

// reachBy is reach with the scopes that a server knows.
func (o *Organization) reachBy(v view, target *recipient, scopes []*scope) func(*assignment) bool {
	covered := false
	if !o.options.ExclusiveScopesIgnored {
		covered = slices.ContainsFunc(scopes, func(s *scope) bool { return s.Exclusive && o.inScope(v, s, target) })
	}
	return func(a *assignment) bool {
		switch a.WriteScope {
		case scopeOrganization:
			return !covered
		case scopeOU:
			return !covered && strings.HasPrefix(target.Canonical(), a.Unit+"/")
		case scopeGroup:
			return !covered && o.hasMember(v.replica, exchange.GUID(a.Unit), target.GUID)
		case "Self":
			return !covered && a.Assignee == target.GUID
		case scopeCustom, scopeExclusive:
			i := slices.IndexFunc(scopes, func(s *scope) bool { return s.GUID == a.Scope })
			return i >= 0 && (scopes[i].Exclusive || !covered) && o.inScope(v, scopes[i], target)
		}
		return false
	}
}
