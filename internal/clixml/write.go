package clixml

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	documentStart = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">`
	documentEnd   = `</Objs>`
)

// Append appends the element of one value to dst, as the data of a PSRP message
// is. It writes what PowerShell would write, without white space between elements.
// Objects get numbers in their order, one that comes again becomes a Ref, and type
// names that come again a TNRef.
//
// It refuses Go types that stand for no value of CLIXML (an int does not say its
// size), texts that their types cannot have, strings that are neither UTF-8 nor
// WTF-8, and objects nested more than 1,000 deep. With an error it returns dst as
// it was.
func Append(dst []byte, v any) ([]byte, error) {
	return appendValues(dst, []any{v})
}

// Encode returns a document (<Objs>) with the values, as Append writes them.
func Encode(values ...any) ([]byte, error) {
	dst, err := appendValues([]byte(documentStart), values)
	if err != nil {
		return nil, err
	}
	return append(dst, documentEnd...), nil
}

func appendValues(dst []byte, values []any) ([]byte, error) {
	w := writer{out: dst}
	for _, v := range values {
		if err := w.value(v, ""); err != nil {
			return dst, fmt.Errorf("cannot write as CLIXML: %w", err)
		}
	}
	return w.out, nil
}

type writer struct {
	out     []byte
	objects map[*Object]int
	types   map[string]int // by the names, each with a NUL behind it
	key     []byte         // of types, used again and again
	depth   int
}

// value writes v; attributes are those of its element, a space before each.
func (w *writer) value(v any, attributes string) error {
	switch v := v.(type) {
	case nil:
		w.emptyElement("Nil", attributes)
		return nil
	case *Object:
		if v == nil {
			w.emptyElement("Nil", attributes)
			return nil
		}
		return w.object(v, attributes)
	case *ProgressRecord:
		return w.progress(v, attributes)
	case *Unknown:
		return w.unknown(v)
	}
	element, text, err := format(v)
	if err != nil {
		return err
	}
	return w.element(element, attributes, text)
}

// element writes an element with a text.
func (w *writer) element(name, attributes, text string) (err error) {
	w.start(name, attributes)
	if w.out, err = appendText(w.out, text, false); err != nil {
		return fmt.Errorf("%s %.60q: %w", name, text, err)
	}
	w.end(name)
	return nil
}

func (w *writer) start(name, attributes string) {
	w.out = append(append(append(w.out, '<'), name...), attributes...)
	w.out = append(w.out, '>')
}

func (w *writer) end(name string) {
	w.out = append(append(append(w.out, "</"...), name...), '>')
}

func (w *writer) emptyElement(name, attributes string) {
	w.out = append(append(append(w.out, '<'), name...), attributes...)
	w.out = append(w.out, " />"...)
}

func (w *writer) object(o *Object, attributes string) error {
	if id, known := w.objects[o]; known {
		w.emptyElement("Ref", attributes+refID(id))
		return nil
	}
	if w.depth++; w.depth > 1000 {
		return fmt.Errorf("objects more than 1000 deep in each other")
	}
	if w.objects == nil {
		w.objects = make(map[*Object]int)
	}
	id := len(w.objects)
	w.objects[o] = id
	w.start("Obj", attributes+refID(id))
	if err := w.content(o); err != nil {
		return err
	}
	w.end("Obj")
	w.depth--
	return nil
}

func refID(id int) string { return ` RefId="` + strconv.Itoa(id) + `"` }

// content writes what is in an Obj, in PowerShell's order.
func (w *writer) content(o *Object) error {
	if err := w.typeNames(o.TypeNames); err != nil {
		return err
	}
	if o.HasToString {
		if err := w.element("ToString", "", o.ToString); err != nil {
			return err
		}
	}
	if err := w.inner(o.Value); err != nil {
		return err
	}
	if err := w.properties("Props", o.Props); err != nil {
		return err
	}
	if err := w.properties("MS", o.Members); err != nil {
		return err
	}
	for _, u := range o.Others {
		if err := w.unknown(u); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) typeNames(names []string) (err error) {
	if len(names) == 0 {
		return nil
	}
	w.key = w.key[:0]
	for _, name := range names {
		w.key = append(append(w.key, name...), 0)
	}
	if id, known := w.types[string(w.key)]; known {
		w.emptyElement("TNRef", refID(id))
		return nil
	}
	if w.types == nil {
		w.types = make(map[string]int)
	}
	id := len(w.types)
	w.types[string(w.key)] = id
	w.start("TN", refID(id))
	for _, name := range names {
		if err := w.element("T", "", name); err != nil {
			return err
		}
	}
	w.end("TN")
	return nil
}

// inner writes an object's own value: a container or a primitive one.
func (w *writer) inner(v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case *List:
		return w.list(v)
	case *Dictionary:
		return w.dictionary(v)
	case *Unknown:
		return fmt.Errorf("the value of an object is a %T: put it in a property or a list", v)
	}
	return w.value(v, "")
}

func (w *writer) list(l *List) error {
	if int(l.Kind) >= len(listElements) {
		return fmt.Errorf("list of kind %d, which there is not", l.Kind)
	}
	name := l.Kind.String()
	if len(l.Items) == 0 {
		w.emptyElement(name, "")
		return nil
	}
	w.start(name, "")
	for i, item := range l.Items {
		if err := w.value(item, ""); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	w.end(name)
	return nil
}

func (w *writer) dictionary(d *Dictionary) error {
	if len(d.Entries) == 0 {
		w.emptyElement("DCT", "")
		return nil
	}
	w.start("DCT", "")
	for i, e := range d.Entries {
		w.start("En", "")
		if err := w.value(e.Key, ` N="Key"`); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		if err := w.value(e.Value, ` N="Value"`); err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
		w.end("En")
	}
	w.end("DCT")
	return nil
}

func (w *writer) properties(element string, properties []Property) error {
	if len(properties) == 0 {
		if properties != nil {
			w.emptyElement(element, "")
		}
		return nil
	}
	w.start(element, "")
	for i := range properties {
		if err := w.property(&properties[i]); err != nil {
			return fmt.Errorf("%.60q: %w", properties[i].Name, err)
		}
	}
	w.end(element)
	return nil
}

func (w *writer) property(p *Property) error {
	if _, ok := p.Value.(*Unknown); ok {
		return w.value(p.Value, "") // its N is in its text
	}
	attribute, err := appendText([]byte(` N="`), p.Name, true)
	if err != nil {
		return err
	}
	return w.value(p.Value, string(append(attribute, '"')))
}

func (w *writer) progress(p *ProgressRecord, attributes string) error {
	if p == nil {
		return fmt.Errorf("a nil %T", p)
	}
	w.start("PR", attributes)
	number := func(n int32) string { return strconv.Itoa(int(n)) }
	for _, e := range []struct{ element, text string }{
		{"AV", p.Activity}, {"AI", number(p.ActivityID)}, {"S", p.CurrentOperation}, {"PI", number(p.ParentActivityID)},
		{"PC", number(p.PercentComplete)}, {"T", p.Type}, {"SR", number(p.SecondsRemaining)}, {"SD", p.StatusDescription},
	} {
		if e.element == "S" && e.text == "" {
			w.emptyElement("Nil", "")
			continue
		}
		if err := w.element(e.element, "", e.text); err != nil {
			return err
		}
	}
	w.end("PR")
	return nil
}

// unknown writes an element that was kept, when it still is one element that
// CLIXML does not know: nothing may slip in through it.
func (w *writer) unknown(u *Unknown) error {
	if u == nil {
		return fmt.Errorf("a nil %T", u)
	}
	r := &reader{}
	r.limits = Limits{Depth: math.MaxInt32, Nodes: math.MaxInt}
	r.take(u.XML, 0)
	if r.err != nil {
		return fmt.Errorf("unknown element %s: %w", u.Element, r.err)
	}
	if !strings.HasPrefix(u.XML, "<") {
		return fmt.Errorf("unknown element %s: %.60q is no element", u.Element, u.XML)
	}
	t := r.startTag()
	r.skip(&t, 0)
	if r.err != nil || r.at != len(u.XML) || t.name != u.Element || isKnown(t.name) {
		return fmt.Errorf("unknown element %s: %.60q is not one whole such element", u.Element, u.XML)
	}
	w.out = append(w.out, u.XML...)
	return nil
}

func isKnown(element string) bool {
	switch element {
	case "S", "Obj", "Ref", "Nil", "PR":
		return true
	}
	return isPrimitive(element)
}

// format returns the element and the text of a primitive value.
func format(v any) (element, text string, err error) {
	switch v := v.(type) {
	case string:
		return "S", v, nil
	case bool:
		return "B", strconv.FormatBool(v), nil
	case Char:
		return "C", strconv.Itoa(int(v)), nil
	case []byte:
		return "BA", base64.StdEncoding.EncodeToString(v), nil
	case URI:
		return "URI", string(v), nil
	case XMLText:
		return "XD", string(v), nil
	case ScriptBlock:
		return "SBK", string(v), nil
	case float32:
		return "Sg", formatFloat(float64(v), 32), nil
	case float64:
		return "Db", formatFloat(v, 64), nil
	}
	if element, text, ok := formatInteger(v); ok {
		return element, text, nil
	}
	return formatChecked(v)
}

func formatInteger(v any) (element, text string, ok bool) {
	switch v := v.(type) {
	case int8:
		return "SB", strconv.Itoa(int(v)), true
	case int16:
		return "I16", strconv.Itoa(int(v)), true
	case int32:
		return "I32", strconv.Itoa(int(v)), true
	case int64:
		return "I64", strconv.FormatInt(v, 10), true
	case uint8:
		return "By", strconv.Itoa(int(v)), true
	case uint16:
		return "U16", strconv.Itoa(int(v)), true
	case uint32:
		return "U32", strconv.FormatUint(uint64(v), 10), true
	case uint64:
		return "U64", strconv.FormatUint(v, 10), true
	}
	return "", "", false
}

// formatChecked formats values whose text may be wrong.
func formatChecked(v any) (element, text string, err error) {
	switch v := v.(type) {
	case Decimal:
		element, text = "D", string(v)
	case DateTime:
		element, text = "DT", v.Text
	case Duration:
		element, text = "TS", v.Text
	case GUID:
		element, text = "G", string(v)
	case Version:
		element, text = "Version", string(v)
	case SecureString:
		if !isEncrypted(string(v)) {
			return "", "", fmt.Errorf("SS: a secure string that is not encrypted") // without the text: it may be a password
		}
		return "SS", string(v), nil
	case int, uint:
		return "", "", fmt.Errorf("a Go %T: say its size, such as int32", v)
	case *List, *Dictionary:
		return "", "", fmt.Errorf("a %T that is no Object's Value: put it in an Object", v)
	default:
		return "", "", fmt.Errorf("a Go %T stands for no value of CLIXML", v)
	}
	if _, want := parsePrimitive(element, text); want != "" {
		return "", "", fmt.Errorf("%s %.60q: want %s", element, text, want)
	}
	return element, text, nil
}

// formatFloat writes the shortest text that reads back as the same number, as
// PowerShell 7 does.
func formatFloat(f float64, bits int) string {
	switch {
	case math.IsInf(f, 1):
		return "INF"
	case math.IsInf(f, -1):
		return "-INF"
	}
	if a := math.Abs(f); a == 0 || a >= 1e-5 && a < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, bits)
	}
	return strings.ToUpper(strconv.FormatFloat(f, 'g', -1, bits))
}
