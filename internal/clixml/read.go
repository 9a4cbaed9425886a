package clixml

import (
	"slices"
	"strings"
)

// A reader makes values of a document's elements. Its methods return what they
// have when an error stops the scanner: whoever explains a text that was cut off
// wants it.
type reader struct {
	scanner
	open      *tag // Objs, while it is open
	depth     int
	document  references
	refs      int // of the whole input
	texts     texts
	items     []any      // stacks: what the lists and
	props     []Property // properties that are being read have so far
	typeNames []string
}

// An item is a value at the top of a document.
type item struct {
	value  any
	stream string
}

// top reads the next value at the top, of this document or the one behind it.
// Where the text ends between two values, ok is false.
func (r *reader) top() (i item, ok bool) {
	for r.err == nil && r.toTop() {
		if strings.HasPrefix(r.text[r.at:], "</") {
			r.closeDocument()
			continue
		}
		t := r.startTag()
		if t.name == "Objs" && r.open == nil {
			r.beginDocument()
			if !t.closed {
				r.open = &t
			}
			continue
		}
		v := r.value(&t)
		return item{v, unescape(t.stream)}, r.err == nil || v != nil
	}
	return item{}, false
}

// header is what powershell.exe writes before the CLIXML of its streams.
const header = "#< CLIXML"

// toTop goes to the next markup outside of all values.
func (r *reader) toTop() bool {
	for r.err == nil {
		r.space()
		switch rest := r.text[r.at:]; {
		case rest == "":
			return false
		case r.open == nil && strings.HasPrefix(rest, header):
			r.at += len(header)
		case strings.HasPrefix(rest, "\uFEFF"):
			r.at += len("\uFEFF")
		default:
			within := ""
			if r.open != nil {
				within = r.open.name
			}
			if rest[0] == '<' && len(rest) > 1 && (rest[1] == '?' || rest[1] == '!') {
				r.aside(within)
				continue
			}
			return r.toMarkup(within)
		}
	}
	return false
}

// aside goes past a comment or an instruction, behind which the text may end.
func (r *reader) aside(within string) {
	switch rest := r.text[r.at:]; {
	case strings.HasPrefix(rest, "<!--"):
		r.past("<!--", "-->")
	case strings.HasPrefix(rest, "<?"):
		r.past("<?", "?>")
	default:
		r.toMarkup(within) // says what is wrong
	}
}

func (r *reader) closeDocument() {
	if r.open == nil {
		r.fail(r.at, "", "the end of an element that never began")
		return
	}
	r.endTag(r.open)
	r.open = nil
	r.finish()
}

// beginDocument forgets the numbers of the document before.
func (r *reader) beginDocument() {
	r.finish()
	r.document = references{}
}

// finish holds that the document defined all that it referred to.
func (r *reader) finish() {
	if r.err == nil {
		r.err = r.document.unresolved()
	}
}

// value reads the element that t begins.
func (r *reader) value(t *tag) any {
	switch t.name {
	case "S":
		return r.texts.boxed(unescape(r.content(t)))
	case "Obj":
		return r.object(t)
	case "Ref":
		r.empty(t)
		return r.reference(t)
	case "Nil":
		r.empty(t)
		return nil
	case "PR":
		return r.progress(t)
	}
	if isPrimitive(t.name) {
		return r.primitive(t)
	}
	return r.unknown(t)
}

func (r *reader) unknown(t *tag) *Unknown {
	return &Unknown{Element: t.name, XML: r.skip(t, r.depth)}
}

// empty holds that an element has no content.
func (r *reader) empty(t *tag) {
	if _, ok := r.child(t); ok {
		r.fail(r.at, t.name, "content in an element that has none")
	}
}

func (r *reader) reference(t *tag) any {
	if t.refID == "" {
		r.fail(t.start, t.name, "a reference without the attribute RefId")
		return nil
	}
	if r.refs++; r.refs > r.limits.References {
		r.exceeded("references", int64(r.limits.References))
	}
	return r.document.object(t.refID, r.base+int64(t.start))
}

func (r *reader) object(t *tag) *Object {
	o := r.document.define(t.refID)
	if r.depth++; r.depth > r.limits.Depth {
		r.exceeded("depth", int64(r.limits.Depth))
	}
	var hasValue, hasProps, hasMembers bool
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		switch c.name {
		case "TN":
			o.TypeNames = r.readTypeNames(&c)
		case "TNRef":
			r.empty(&c)
			r.useTypeNames(o, &c)
		case "ToString":
			o.ToString, o.HasToString = unescape(r.content(&c)), true
		case "Props":
			r.once(&hasProps, &c)
			o.Props = r.properties(&c)
		case "MS":
			r.once(&hasMembers, &c)
			o.Members = r.properties(&c)
		case "LST", "STK", "QUE", "IE":
			r.once(&hasValue, &c)
			o.Value = r.list(&c)
		case "DCT":
			r.once(&hasValue, &c)
			o.Value = r.dictionary(&c)
		default:
			r.otherContent(o, &c, &hasValue)
		}
	}
	r.depth--
	return o
}

// otherContent reads an element of an object that is a primitive value, an object
// in the object as PowerShell writes one that is wrapped twice, or unknown.
func (r *reader) otherContent(o *Object, c *tag, hasValue *bool) {
	v := r.value(c)
	if u, ok := v.(*Unknown); ok {
		o.Others = append(o.Others, u)
		return
	}
	r.once(hasValue, c)
	o.Value = v
}

// once holds that an object has a part once at most.
func (r *reader) once(has *bool, t *tag) {
	if *has {
		r.fail(t.start, t.name, "a second one in one object")
	}
	*has = true
}

func (r *reader) readTypeNames(t *tag) []string {
	mark := len(r.typeNames)
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		if c.name != "T" {
			r.fail(c.start, t.name, "an element other than T")
			break
		}
		r.typeNames = append(r.typeNames, unescape(r.content(&c)))
	}
	names := slices.Clone(r.typeNames[mark:])
	r.typeNames = r.typeNames[:mark]
	r.document.defineTypes(t.refID, names)
	return names
}

func (r *reader) useTypeNames(o *Object, t *tag) {
	if t.refID == "" {
		r.fail(t.start, t.name, "a reference without the attribute RefId")
		return
	}
	r.document.useTypes(t.refID, o, r.base+int64(t.start))
}

// properties reads Props or MS.
func (r *reader) properties(t *tag) []Property {
	mark := len(r.props)
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		name := unescape(c.n)
		if !c.hasName {
			r.fail(c.start, t.name, "a property without the attribute N")
		}
		v := r.value(&c)
		r.props = append(r.props, Property{name, v})
	}
	return above(&r.props, mark)
}

func (r *reader) list(t *tag) *List {
	l := &List{Kind: listKind(t.name)}
	mark := len(r.items)
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		v := r.value(&c)
		r.items = append(r.items, v)
	}
	l.Items = above(&r.items, mark)
	return l
}

func listKind(element string) ListKind {
	return ListKind(slices.Index(listElements[:], element))
}

// above takes what lies above mark off a stack, as a slice of its own.
func above[T any](stack *[]T, mark int) []T {
	top := (*stack)[mark:]
	taken := make([]T, len(top))
	copy(taken, top)
	clear(top)
	*stack = (*stack)[:mark]
	return taken
}

func (r *reader) dictionary(t *tag) *Dictionary {
	d := &Dictionary{}
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		if c.name != "En" {
			r.fail(c.start, t.name, "an element other than En")
			break
		}
		d.Entries = append(d.Entries, r.entry(&c))
	}
	return d
}

func (r *reader) entry(t *tag) Entry {
	var e Entry
	var hasKey, hasValue bool
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		place, has := &e.Key, &hasKey
		switch c.n {
		case "Key":
		case "Value":
			place, has = &e.Value, &hasValue
		default:
			r.fail(c.start, t.name, "an element whose N is neither Key nor Value")
		}
		r.once(has, &c)
		*place = r.value(&c)
	}
	if !hasKey || !hasValue {
		r.fail(t.start, t.name, "an entry without key or value")
	}
	return e
}

// progress reads PR. Its elements come in a fixed order, the operation as a value
// between them.
func (r *reader) progress(t *tag) *ProgressRecord {
	p := &ProgressRecord{}
	for c, ok := r.child(t); ok; c, ok = r.child(t) {
		switch c.name {
		case "AV":
			p.Activity = unescape(r.content(&c))
		case "AI":
			p.ActivityID = r.int32(&c)
		case "PI":
			p.ParentActivityID = r.int32(&c)
		case "PC":
			p.PercentComplete = r.int32(&c)
		case "SR":
			p.SecondsRemaining = r.int32(&c)
		case "T":
			p.Type = unescape(r.content(&c))
		case "SD":
			p.StatusDescription = unescape(r.content(&c))
		case "S":
			p.CurrentOperation = unescape(r.content(&c))
		case "Nil":
			r.empty(&c)
		default:
			r.fail(c.start, t.name, "an element that a progress record does not have")
		}
	}
	return p
}

// texts keeps strings in interfaces, so that one that comes again and again, such
// as an empty one, costs memory once.
type texts struct {
	recent [256]any
}

func (t *texts) boxed(s string) any {
	const longest = 48
	if len(s) > longest {
		return s
	}
	hash := uint32(len(s))
	for i := 0; i < len(s); i++ {
		hash = hash*31 + uint32(s[i])
	}
	place := &t.recent[hash%uint32(len(t.recent))]
	if known, ok := (*place).(string); !ok || known != s {
		*place = s
	}
	return *place
}
