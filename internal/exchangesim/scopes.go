package exchangesim

import (
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
)

// Kinds of management scopes (ScopeRestrictionType).
const (
	recipientScope = "RecipientScope"
	serverScope    = "ServerScope"
	databaseScope  = "DatabaseScope"
)

// A scope is a management scope.
type scope struct {
	GUID      exchange.GUID `json:"guid"`
	Name      string        `json:"name"`
	Kind      string        `json:"kind"`
	Filter    string        `json:"filter"` // as the server shows it
	Root      string        `json:"root,omitempty"`
	Exclusive bool          `json:"exclusive,omitempty"`
	Created   time.Time     `json:"created"`
	Changed   time.Time     `json:"changed"`
}

func (s *scope) dn() string { return "CN=" + escapeRDN(s.Name) + "," + scopesRDN + organizationDN }

// addScope adds a recipient scope as it was from the beginning. A filter that
// cannot be parsed is kept as it is.
func (o *Organization) addScope(name, filter string, exclusive bool) *scope {
	if f, err := opath.Parse(filter); err == nil {
		filter = renderFilter(f)
	}
	s := &scope{GUID: o.newGUID(), Name: name, Kind: recipientScope, Filter: filter, Exclusive: exclusive,
		Created: epoch.AddDate(0, -6, 0), Changed: epoch.AddDate(0, -6, 0)}
	o.scopes = append(o.scopes, original(s.GUID, s))
	return s
}

// inScope reports whether a recipient scope has a recipient. A stored filter
// that the model cannot read has none.
func (o *Organization) inScope(v view, s *scope, target *recipient) bool {
	if s.Kind != recipientScope || s.Root != "" && !strings.HasPrefix(target.Canonical(), s.Root+"/") {
		return false
	}
	f, err := opath.Parse(s.Filter)
	if err != nil {
		return false
	}
	return o.compile(f, v)(target)
}

// findScope returns the record of the scope that identity means.
func (c *call) findScope(identity string) (*record[scope], *scope, error) {
	r := c.replica()
	for _, rec := range c.org.scopes {
		if s := see(r, rec); s != nil && isConfigurationObject(identity, s.Name, s.GUID, s.dn()) {
			return rec, s, nil
		}
	}
	return nil, nil, notFound(identity, r.dc)
}

func (c *call) isScope(guid exchange.GUID, identity string) bool {
	rec := find(c.org.scopes, guid)
	if rec == nil {
		return false
	}
	s := see(c.replica(), rec)
	return s != nil && isConfigurationObject(identity, s.Name, s.GUID, s.dn())
}

// scopeUser returns an assignment that uses a scope, nil when none does.
func (c *call) scopeUser(s *scope) *assignment {
	assignments := seen(c.replica(), c.org.assignments)
	if i := slices.IndexFunc(assignments, func(a *assignment) bool { return a.Scope == s.GUID }); i >= 0 {
		return assignments[i]
	}
	return nil
}

func (c *call) getScope() error {
	identity := c.text("Identity")
	found := false
	for _, s := range seen(c.replica(), c.org.scopes) {
		if identity != "" && !matchesName(identity, s.Name, s.GUID, s.dn()) {
			continue
		}
		found = true
		if c.has("Exclusive") && s.Exclusive != c.isTrue("Exclusive") || c.isTrue("Orphan") && c.scopeUser(s) != nil {
			continue
		}
		c.emit(c.presentScope(s))
	}
	if !found && identity != "" && !strings.Contains(identity, "*") {
		return notFound(identity, c.replica().dc)
	}
	return nil
}

func (c *call) newScope() error {
	s := scope{Name: c.text("Name"), Kind: recipientScope, Exclusive: c.isTrue("Exclusive"), Created: c.now, Changed: c.now}
	if err := c.restrict(&s); err != nil {
		return err
	}
	if err := checkName("Name", s.Name, maxName); err != nil {
		return err
	}
	if _, _, err := c.findScope(s.Name); err == nil {
		return exists(s.dn(), c.replica().dc)
	}
	if s.Exclusive && !c.isTrue("Force") && !c.whatIf {
		return &failure{exception: typeHost, id: "HostFunctionNotImplemented", category: "NotImplemented", engine: true,
			text: msgNoPrompt, args: []any{c.cmdlet.name}}
	}
	if c.changing(s.Name) {
		s.GUID = c.org.newGUID()
		rec := &record[scope]{GUID: s.GUID}
		write(c.replica(), rec, &s)
		c.org.scopes = append(c.org.scopes, rec)
		c.emit(c.presentScope(&s))
	}
	return nil
}

// restrict gives a scope the filter and root of the parameters, where they are
// given.
func (c *call) restrict(s *scope) error {
	if filter := c.text("RecipientRestrictionFilter"); filter != "" {
		f, err := parseFilter("RecipientRestrictionFilter", filter)
		if err != nil {
			return err
		}
		s.Filter = renderFilter(f)
	} else if c.has("RecipientRestrictionFilter") {
		return badArgument(msgScopeEmpty)
	}
	for parameter, kind := range map[string]string{
		"ServerRestrictionFilter": serverScope, "ServerList": serverScope,
		"DatabaseRestrictionFilter": databaseScope, "DatabaseList": databaseScope,
	} {
		if c.has(parameter) {
			s.Kind, s.Filter = kind, c.text(parameter)+strings.Join(c.texts(parameter), ", ")
		}
	}
	if !c.has("RecipientRoot") {
		return nil
	}
	return c.setRoot(s)
}

func (c *call) setRoot(s *scope) error {
	root := c.text("RecipientRoot")
	if root == "" {
		s.Root = ""
		return nil
	}
	units := c.org.findOUs(root)
	switch len(units) {
	case 0:
		return notFound(root, c.replica().dc)
	case 1:
		s.Root = units[0].Canonical
		return nil
	}
	return ambiguous(root)
}

func (c *call) setScope() error {
	rec, s, err := c.findScope(c.text("Identity"))
	if err != nil {
		return err
	}
	changed := *s
	if err := c.restrict(&changed); err != nil {
		return err
	}
	if changed.Kind != s.Kind {
		return badArgument(msgBadValue, changed.Kind, "ScopeRestrictionType")
	}
	if name := c.text("Name"); name != "" {
		if err := c.renameScope(&changed, name); err != nil {
			return err
		}
	}
	if changed == *s {
		c.warn(msgNothingModified, s.Name)
		return nil
	}
	if c.changing(s.Name) {
		changed.Changed = c.now
		write(c.replica(), rec, &changed)
	}
	return nil
}

func (c *call) renameScope(s *scope, name string) error {
	if err := checkName("Name", name, maxName); err != nil {
		return err
	}
	if _, other, err := c.findScope(name); err == nil && other.GUID != s.GUID {
		return exists(other.dn(), c.replica().dc)
	}
	s.Name = name
	return nil
}

func (c *call) removeScope() error {
	rec, s, err := c.findScope(c.text("Identity"))
	if err != nil {
		return err
	}
	if a := c.scopeUser(s); a != nil {
		return invalid(msgScopeInUse, s.Name, a.Name)
	}
	if c.changing(s.Name) {
		write(c.replica(), rec, nil)
	}
	return nil
}
