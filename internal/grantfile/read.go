package grantfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Read reads a file; name is what errors call it. The grants are valid, and no two
// of them have the same assignment name. The error is an Errors unless r itself
// failed.
func Read(r io.Reader, name string) ([]exchange.Grant, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if len(data) > MaxSize {
		return nil, Errors{{File: name, Line: 1, Column: 1, Rule: fmt.Sprintf("is longer than %d bytes", MaxSize)}}
	}
	body, errs := parse(data, name)
	if len(errs) > 0 {
		return nil, errs.sorted()
	}
	d := decoder{file: name}
	grants := d.document(body)
	if err := d.errs.sorted(); err != nil {
		return nil, err
	}
	return grants, nil
}

// A decoder turns the nodes of a document into grants and notes what is wrong.
type decoder struct {
	file string
	errs Errors
}

// A place is a value in the file: where it stands and under which key.
type place struct {
	path string
	at   *token.Position // of the value; of the key where there is no value
	node ast.Node
}

func (d *decoder) fail(p place, value, rule string, args ...any) {
	if len(d.errs) < 2*maxErrors {
		d.errs = append(d.errs, &Error{d.file, p.at.Line, p.at.Column, p.path, value, fmt.Sprintf(rule, args...)})
	}
}

func (d *decoder) document(body ast.Node) []exchange.Grant {
	root := place{"", start(body), body}
	keys := d.mapping(root, "apiVersion", "grants")
	misspelt := len(d.errs) > 0 // then a key that is missing may be there, under another name
	if keys == nil {
		return nil
	}
	if version, ok := keys["apiVersion"]; ok {
		if text := d.text(version); text != "" && text != apiVersion {
			d.fail(version, text, "must be %s", apiVersion)
		}
	} else if !misspelt {
		d.fail(root, "", "the key apiVersion is missing: write apiVersion: %s", apiVersion)
	}
	list, ok := keys["grants"]
	if !ok {
		if !misspelt {
			d.fail(root, "", "the key grants is missing")
		}
		return nil
	}
	items := d.list(list)
	switch {
	case items != nil && len(items) == 0:
		d.fail(list, "", "must not be empty")
	case len(items) > maxGrants:
		d.fail(list, "", "holds %d grants, at most %d are allowed", len(items), maxGrants)
		return nil
	}
	var grants []exchange.Grant
	names := taken{}
	for _, item := range items {
		if g, ok := d.grant(item); ok {
			d.unique(names, g, item)
			grants = append(grants, g)
		}
	}
	return grants
}

// grant reads one grant. It is false when anything is wrong with it.
func (d *decoder) grant(p place) (g exchange.Grant, ok bool) {
	before := len(d.errs)
	keys := d.mapping(p, "name", "user", "group", "roleGroup", "mailbox", "scope", "domainController", "verify", "accept")
	if keys == nil {
		return g, false
	}
	values := fields{}
	g.Name = values.note("name", keys["name"], d.text)
	g.Mailbox = values.note("mailbox", keys["mailbox"], d.text)
	g.DomainController = values.note("domain-controller", keys["domainController"], d.text)
	d.assignee(&g, keys, values)
	if scope, ok := keys["scope"]; ok {
		d.scope(&g, scope, values)
	}
	g.Accept = d.texts("accept", keys["accept"], values)
	if verify, ok := keys["verify"]; ok {
		keys := d.mapping(verify, "inScope", "outOfScope")
		g.InScope = d.texts("in-scope", keys["inScope"], values)
		g.OutOfScope = d.texts("out-of-scope", keys["outOfScope"], values)
	}
	if len(d.errs) > before {
		return g, false // rules about the grant as a whole would only repeat it
	}
	d.validate(g, p, values)
	return g, len(d.errs) == before
}

func (d *decoder) assignee(g *exchange.Grant, keys map[string]place, values fields) {
	given := d.only(keys, "a grant has one assignee", "user", "group", "roleGroup")
	switch p := keys[given]; given {
	case "user":
		g.Assignee = exchange.NewUser(values.note("user", p, d.text))
	case "group":
		g.Assignee = exchange.NewSecurityGroup(values.note("group", p, d.text))
	case "roleGroup":
		before := len(d.errs)
		keys := d.mapping(p, "name", "members", "viewOnlyConfiguration")
		misspelt := len(d.errs) > before
		g.Assignee = exchange.Assignee{
			Kind:     exchange.RoleGroup,
			Identity: values.note("role-group", keys["name"], d.text),
			Members:  d.texts("member", keys["members"], values),
		}
		if p, ok := keys["viewOnlyConfiguration"]; ok {
			g.Assignee.ViewOnlyConfiguration = d.boolean(p)
		}
		if _, ok := keys["name"]; !ok && !misspelt {
			d.fail(p, "", "the key name is missing")
		}
	default:
		if g.Mailbox != "" { // a mailbox alone is also the user
			g.Assignee = exchange.NewUser(g.Mailbox)
		}
	}
}

func (d *decoder) scope(g *exchange.Grant, p place, values fields) {
	before := len(d.errs)
	keys := d.mapping(p, "group", "ou", "filter", "wholeOrganization", "name")
	if keys == nil {
		return
	}
	s := &g.Scope
	name := values.note("scope-name", keys["name"], d.text)
	given := d.only(keys, "a grant has one scope", "group", "ou", "filter", "wholeOrganization")
	switch value := keys[given]; given {
	case "group":
		*s = exchange.Scope{Kind: exchange.Group, Text: values.note("scope-group", value, d.text), Name: name}
	case "ou":
		*s = exchange.Scope{Kind: exchange.OrganizationalUnit, Text: values.note("scope-ou", value, d.text), Name: name}
	case "filter":
		*s = exchange.NewFilterScope(values.note("scope-filter", value, d.text), name)
	case "wholeOrganization":
		*s = exchange.Scope{Kind: exchange.WholeOrganization, Name: name}
		if node, ok := value.node.(*ast.BoolNode); !ok || !node.Value {
			d.fail(value, written(value.node), "must be true: the whole organization is always asked for in so many words")
		}
	default:
		if _, ok := keys["name"]; ok {
			*s = exchange.Scope{Kind: exchange.Existing, Text: name}
		} else if len(d.errs) == before {
			d.fail(p, "", "needs one of the keys group, ou, filter, wholeOrganization, or the name of an existing scope")
		}
	}
}

// only returns the one of names that keys has, "" for none; several are an error.
func (d *decoder) only(keys map[string]place, rule string, names ...string) (given string) {
	for _, name := range names {
		p, ok := keys[name]
		switch {
		case !ok:
		case given == "":
			given = name
		default:
			d.fail(p, "", "stands beside %s: %s", given, rule)
		}
	}
	return given
}

// fields remembers where the values of a grant stand, by the field that
// exchange.FieldError names and the value.
type fields map[[2]string]place

func (f fields) note(field string, p place, read func(place) string) string {
	if p.node == nil {
		return ""
	}
	text := read(p)
	f[[2]string{field, text}] = p
	return text
}

// validate notes what exchange says about the grant, each at its value.
func (d *decoder) validate(g exchange.Grant, whole place, values fields) {
	var invalid exchange.ValidationError
	if !errors.As(g.Validate(), &invalid) {
		return
	}
	for _, e := range invalid {
		p, ok := values[[2]string{e.Field, e.Value}]
		if _, also := values[[2]string{"mailbox", e.Value}]; !ok && e.Field == "user" && also {
			continue // the mailbox that is also the user: said once
		}
		if !ok {
			d.fail(whole, "", "%s", e.Rule)
			continue
		}
		d.fail(p, e.Value, "%s%s", e.Rule, quotingHint(p.node, e.Value))
	}
}

// quotingHint explains how a character got into a text that its writer cannot see
// there.
func quotingHint(n ast.Node, value string) string {
	switch n := n.(type) {
	case *ast.StringNode:
		if n.Token.Type == token.DoubleQuoteType && strings.Contains(n.Token.Origin, `\`) && exchange.CheckText(value) != nil {
			return ` (in double quotes \ begins an escape: use single quotes)`
		}
	case *ast.LiteralNode:
		if strings.HasSuffix(value, "\n") {
			return " (the text ends in a line break: write >- or |-)"
		}
	}
	return ""
}

// taken holds the names that the grants of a file use, and for what.
type taken map[string]use

type use struct {
	path string
	what string
}

// unique notes a name that an earlier grant has for something else.
func (d *decoder) unique(names taken, g exchange.Grant, p place) {
	claim := func(kind, name, what string) {
		key := kind + "\x00" + strings.ToLower(name)
		if first, ok := names[key]; !ok {
			names[key] = use{p.path, what}
		} else if what == "" || what != first.what {
			d.fail(p, "", "the %s %q is that of %s too", kind, name, first.path)
		}
	}
	if g.Assignee.Kind == exchange.RoleGroup {
		claim("role group", g.Assignee.Identity, "")
	} else {
		claim("assignment name", g.AssignmentName(), "")
	}
	if g.Scope.Creates() {
		claim("scope name", g.ScopeName(), string(g.Scope.Kind)+"\x00"+strings.ToLower(g.Scope.Text))
	}
}

// mapping returns the values of a mapping by key, nil when it is none. Keys that
// are not known, or stand twice, are errors.
func (d *decoder) mapping(p place, known ...string) map[string]place {
	if p.node == nil {
		return nil
	}
	node, ok := p.node.(*ast.MappingNode)
	if !ok {
		d.fail(p, written(p.node), "must be a mapping with the keys %s", strings.Join(known, ", "))
		return nil
	}
	keys := map[string]place{}
	for _, pair := range node.Values {
		at := pair.Key.GetToken().Position
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			d.fail(place{path: p.path, at: at}, written(pair.Key), "is no key: %s", listed(known))
			continue
		}
		entry := place{join(p.path, name.Value), start(pair.Value), pair.Value}
		if _, empty := pair.Value.(*ast.NullNode); empty {
			entry.at = at
		}
		first, twice := keys[name.Value]
		switch {
		case name.Value == "targets":
			d.fail(place{path: entry.path, at: at}, "", "is a reserved word: a file holds the grants of one organization")
		case !slices.Contains(known, name.Value):
			d.fail(place{path: entry.path, at: at}, "", "is not a key here: %s", suggestion(name.Value, known))
		case twice:
			d.fail(place{path: entry.path, at: at}, "", "stands twice, first in line %d", first.at.Line)
		default:
			keys[name.Value] = entry
		}
	}
	return keys
}

// list returns the items of a list, nil when it is none.
func (d *decoder) list(p place) []place {
	if p.node == nil {
		return nil
	}
	node, ok := p.node.(*ast.SequenceNode)
	if !ok {
		d.fail(p, written(p.node), "must be a list")
		return nil
	}
	items := make([]place, len(node.Values))
	for i, value := range node.Values {
		items[i] = place{fmt.Sprintf("%s[%d]", p.path, i), start(value), value}
	}
	return items
}

func (d *decoder) texts(field string, p place, values fields) (out []string) {
	list, _ := p.node.(*ast.SequenceNode)
	for _, item := range d.list(p) {
		text := values.note(field, item, d.text)
		if plain, ok := item.node.(*ast.StringNode); ok && list.IsFlowStyle && plain.Token.Type == token.StringType && strings.Contains(text, "=") {
			d.fail(item, text, "needs quotes: within [ ] a comma ends an item, also in a distinguished name")
		}
		out = append(out, text)
	}
	return out
}

// text returns a value that must be text, "" when it is wrong.
func (d *decoder) text(p place) string {
	text := ""
	switch n := p.node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.NullNode:
	case *ast.MappingNode, *ast.SequenceNode:
		d.fail(p, written(p.node), "must be text: one that begins with { or [ needs quotes")
		return ""
	default:
		d.fail(p, written(p.node), "must be text: write it in quotes")
		return ""
	}
	if text == "" {
		d.fail(p, "", "must not be empty")
	}
	return text
}

func (d *decoder) boolean(p place) bool {
	n, ok := p.node.(*ast.BoolNode)
	if !ok {
		d.fail(p, written(p.node), "must be true or false")
		return false
	}
	return n.Value
}

// start is where a node begins. A mapping's own token is its first colon.
func start(n ast.Node) *token.Position {
	for {
		m, ok := n.(*ast.MappingNode)
		if !ok || m.IsFlowStyle || len(m.Values) == 0 {
			return n.GetToken().Position
		}
		n = m.Values[0].Key
	}
}

// written is a value as it stands in the file, shortened.
func written(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return ""
	case *ast.MappingNode, *ast.SequenceNode:
		text := []rune(strings.Join(strings.Fields(n.String()), " "))
		if len(text) > 40 {
			text = append(text[:40], []rune("...")...)
		}
		return string(text)
	}
	return n.GetToken().Value
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func listed(known []string) string { return "the keys are " + strings.Join(known, ", ") }
