package exchangesim

import (
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
)

// A filterProperty is a property that filters know, by its own spelling.
type filterProperty struct {
	name   string
	values func(*Organization, *recipient) []string
}

func text(get func(*recipient) string) func(*Organization, *recipient) []string {
	return func(_ *Organization, r *recipient) []string {
		if s := get(r); s != "" {
			return []string{s}
		}
		return nil
	}
}

func boolean(get func(*recipient) bool) func(*Organization, *recipient) []string {
	return func(_ *Organization, r *recipient) []string {
		if get(r) {
			return []string{"True"}
		}
		return []string{"False"}
	}
}

func moment(get func(*recipient) time.Time) func(*Organization, *recipient) []string {
	return func(_ *Organization, r *recipient) []string { return []string{get(r).Format(time.RFC3339)} }
}

// plainProperties are those that hold a text of the recipient's Properties.
var plainProperties = [...]string{
	"Department", "Company", "City", "Office", "Title", "StateOrProvince", "PostalCode", "CountryOrRegion",
	"FirstName", "LastName", "Phone", "MobilePhone", "Fax", "Notes", "Manager", "StreetAddress", "Initials", "SimpleDisplayName",
	"CustomAttribute1", "CustomAttribute2", "CustomAttribute3", "CustomAttribute4", "CustomAttribute5",
	"CustomAttribute6", "CustomAttribute7", "CustomAttribute8", "CustomAttribute9", "CustomAttribute10",
	"CustomAttribute11", "CustomAttribute12", "CustomAttribute13", "CustomAttribute14", "CustomAttribute15",
	"ExtensionCustomAttribute1", "ExtensionCustomAttribute2", "ExtensionCustomAttribute3", "ExtensionCustomAttribute4",
	"ExtensionCustomAttribute5",
}

// filterProperties lists the filterable properties of recipients that have a
// value in the model
// (learn.microsoft.com/powershell/exchange/filter-properties).
func filterProperties() []filterProperty {
	return []filterProperty{
		{"Alias", text(func(r *recipient) string { return r.Alias })},
		{"DisplayName", text(func(r *recipient) string { return r.DisplayName })},
		{"DistinguishedName", text(func(r *recipient) string { return r.DN })},
		{"EmailAddresses", func(_ *Organization, r *recipient) []string { return r.emailAddresses() }},
		{"ExternalEmailAddress", text(func(r *recipient) string { return r.External })},
		{"GroupType", text(func(r *recipient) string {
			if r.Group == nil {
				return ""
			}
			return r.groupType()
		})},
		{"Guid", text(func(r *recipient) string { return string(r.GUID) })},
		{"HiddenFromAddressListsEnabled", boolean(func(r *recipient) bool { return r.Hidden })},
		{"Id", text(func(r *recipient) string { return r.DN })},
		{"LinkedMasterAccount", text(func(r *recipient) string { return r.LinkedTo })},
		{"Members", func(o *Organization, r *recipient) []string { return o.memberDNs(r) }},
		{"Name", text(func(r *recipient) string { return r.Name })},
		{"PrimarySmtpAddress", text(func(r *recipient) string { return r.SMTP })},
		{"RecipientType", text((*recipient).recipientType)},
		{"RecipientTypeDetails", text(func(r *recipient) string { return r.Type })},
		{"RecipientTypeDetailsValue", text(func(r *recipient) string { return r.Type })},
		{"SamAccountName", text(func(r *recipient) string { return r.Sam })},
		{"Sid", text(func(r *recipient) string { return r.SID })},
		{"UserPrincipalName", text(func(r *recipient) string { return r.UPN })},
		{"WhenChanged", moment(func(r *recipient) time.Time { return r.Changed })},
		{"WhenChangedUTC", moment(func(r *recipient) time.Time { return r.Changed })},
		{"WhenCreated", moment(func(r *recipient) time.Time { return r.Created })},
		{"WhenCreatedUTC", moment(func(r *recipient) time.Time { return r.Created })},
		{"WindowsEmailAddress", text(func(r *recipient) string { return r.SMTP })},
	}
}

// memberDNs are the distinguished names of a group's direct members.
func (o *Organization) memberDNs(r *recipient) []string {
	if r.Group == nil {
		return nil
	}
	var dns []string
	for _, guid := range r.Group.Members {
		if rec := o.recipientIndex[guid]; rec != nil {
			dns = append(dns, latest(rec).DN)
		}
	}
	return dns
}

// memberOfGroup is filterable too, but asks the groups and not the recipient.
const memberOfGroup = "MemberOfGroup"

func findFilterProperty(name string) (filterProperty, bool) {
	if strings.EqualFold(name, memberOfGroup) {
		return filterProperty{name: memberOfGroup}, true
	}
	for _, p := range plainProperties {
		if strings.EqualFold(p, name) {
			return filterProperty{p, text(func(r *recipient) string { return r.Properties[p] })}, true
		}
	}
	for _, p := range filterProperties() {
		if strings.EqualFold(p.name, name) {
			return p, true
		}
	}
	return filterProperty{}, false
}

// parseFilter reads a filter that a caller gave for a parameter. Its errors are
// those of the parameter's type.
func parseFilter(parameter, s string) (opath.Filter, error) {
	f, err := opath.Parse(s)
	if err != nil {
		position := 1
		if syntax, ok := err.(*opath.SyntaxError); ok {
			position = syntax.Offset + 1
		}
		return nil, binding("ParameterBindingFailed", "WriteError", msgFilterSyntax, parameter, s, position)
	}
	if unknown, ok := unknownProperty(f); ok {
		position := strings.Index(s, unknown) + 1
		return nil, binding("ParameterBindingFailed", "WriteError", msgFilterProperty, parameter, unknown, s, position)
	}
	return f, nil
}

// unknownProperty returns the first property of a filter that recipients do not
// have.
func unknownProperty(f opath.Filter) (string, bool) {
	for _, operand := range operands(f) {
		if name, ok := unknownProperty(operand); ok {
			return name, true
		}
	}
	if c, ok := f.(*opath.Comparison); ok {
		_, known := findFilterProperty(c.Property)
		return c.Property, !known
	}
	return "", false
}

func operands(f opath.Filter) []opath.Filter {
	switch f := f.(type) {
	case *opath.And:
		return f.Operands
	case *opath.Or:
		return f.Operands
	case *opath.Not:
		return []opath.Filter{f.Operand}
	}
	return nil
}

// renderFilter writes a filter as servers give it back: property names in their
// own spelling, a pair of parentheses around every condition of a combination
// and around the whole, $true as text (real Exchange 2019, dynamic group
// "((RecipientTypeDetailsValue -eq 'PublicFolderMailbox') -and (IsHierarchyReady -eq 'True'))").
func renderFilter(f opath.Filter) string {
	switch f := f.(type) {
	case *opath.Comparison:
		return renderComparison(f)
	case *opath.Not:
		return "(-not" + parenthesized(f.Operand) + ")"
	case *opath.And:
		return renderChain(f.Operands, " -and ")
	case *opath.Or:
		return renderChain(f.Operands, " -or ")
	}
	return ""
}

// renderChain nests to the left, as the server's own binary operators do.
func renderChain(operands []opath.Filter, operator string) string {
	s := "(" + parenthesized(operands[0]) + operator + parenthesized(operands[1]) + ")"
	for _, f := range operands[2:] {
		s = "(" + s + operator + parenthesized(f) + ")"
	}
	return s
}

func parenthesized(f opath.Filter) string {
	if s := renderFilter(f); s[0] == '(' {
		return s
	} else {
		return "(" + s + ")"
	}
}

func renderComparison(c *opath.Comparison) string {
	name := c.Property
	if p, ok := findFilterProperty(name); ok {
		name = p.name
	}
	value := "'" + strings.ReplaceAll(filterText(c.Value), "'", "''") + "'"
	if c.Value.Kind == opath.Variable && c.Value.Text == "null" {
		value = "$null"
	}
	return name + " -" + c.Operator + " " + value
}

// filterText is a constant as text. The system values are the words that
// properties have for them.
func filterText(v opath.Value) string {
	if v.Kind == opath.Variable {
		switch v.Text {
		case "true":
			return "True"
		case "false":
			return "False"
		}
		return ""
	}
	return v.Text
}

// A predicate says whether a filter holds for a recipient.
type predicate func(*recipient) bool

// compile turns a filter into a predicate over the recipients of a view.
func (o *Organization) compile(f opath.Filter, v view) predicate {
	switch f := f.(type) {
	case *opath.And:
		each := o.compileAll(f.Operands, v)
		return func(r *recipient) bool {
			for _, p := range each {
				if !p(r) {
					return false
				}
			}
			return true
		}
	case *opath.Or:
		each := o.compileAll(f.Operands, v)
		return func(r *recipient) bool {
			for _, p := range each {
				if p(r) {
					return true
				}
			}
			return false
		}
	case *opath.Not:
		p := o.compile(f.Operand, v)
		return func(r *recipient) bool { return !p(r) }
	case *opath.Comparison:
		return o.compileComparison(f, v)
	}
	return func(*recipient) bool { return false }
}

func (o *Organization) compileAll(filters []opath.Filter, v view) []predicate {
	predicates := make([]predicate, len(filters))
	for i, f := range filters {
		predicates[i] = o.compile(f, v)
	}
	return predicates
}

func (o *Organization) compileComparison(c *opath.Comparison, v view) predicate {
	property, ok := findFilterProperty(c.Property)
	switch {
	case !ok:
		return func(*recipient) bool { return false }
	case property.name == memberOfGroup:
		return o.compileMembership(c, v)
	}
	holds := comparison(c)
	return func(r *recipient) bool { return holds(property.values(o, r)) }
}

// compileMembership finds the group once. Only the group's distinguished name
// means it; the members are the direct ones.
func (o *Organization) compileMembership(c *opath.Comparison, v view) predicate {
	members := map[exchange.GUID]bool{}
	for _, rec := range o.recipients {
		if g := see(v.replica, rec); g != nil && g.Group != nil && strings.EqualFold(g.DN, c.Value.Text) {
			for _, m := range g.Group.Members {
				members[m] = true
			}
		}
	}
	switch c.Operator {
	case "eq":
		return func(r *recipient) bool { return members[r.GUID] }
	case "ne":
		return func(r *recipient) bool { return !members[r.GUID] }
	}
	return func(*recipient) bool { return false }
}

// comparison returns the test that a comparison makes on a property's values. A
// property with several values is equal to each of them.
func comparison(c *opath.Comparison) func([]string) bool {
	want := filterText(c.Value)
	null := c.Value.Kind == opath.Variable && c.Value.Text == "null"
	equal := func(values []string) bool {
		if null {
			return len(values) == 0
		}
		return anyText(values, func(v string) bool { return strings.EqualFold(v, want) })
	}
	like := func(values []string) bool { return anyText(values, func(v string) bool { return likeText(v, want) }) }
	switch c.Operator {
	case "eq":
		return equal
	case "ne":
		return func(values []string) bool { return !equal(values) }
	case "like":
		return like
	case "notlike":
		return func(values []string) bool { return !like(values) }
	}
	return func(values []string) bool {
		return anyText(values, func(v string) bool { return ordered(c.Operator, compareValues(v, want)) })
	}
}

func anyText(values []string, test func(string) bool) bool {
	for _, v := range values {
		if test(v) {
			return true
		}
	}
	return false
}

func ordered(operator string, order int) bool {
	switch operator {
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	case "gt":
		return order > 0
	}
	return order >= 0
}

// compareValues orders numbers as numbers, times as times and all else as text
// without regard to case.
func compareValues(a, b string) int {
	if x, err := strconv.ParseFloat(a, 64); err == nil {
		if y, err := strconv.ParseFloat(b, 64); err == nil {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	}
	if x, err := time.Parse(time.RFC3339, a); err == nil {
		for _, layout := range []string{time.RFC3339, "2006-01-02", "1/2/2006 3:04:05 PM", "1/2/2006"} {
			if y, err := time.Parse(layout, b); err == nil {
				return x.Compare(y)
			}
		}
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// likeText matches * only: the one wildcard that OPATH has.
func likeText(s, pattern string) bool {
	s, pattern = strings.ToLower(s), strings.ToLower(pattern)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}
