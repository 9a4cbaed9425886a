package clixml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

type document struct {
	name string
	text []byte
}

// corpus returns the files that real Exchange servers wrote, as UTF-8.
func corpus(t testing.TB) []document {
	t.Helper()
	root := peers.Shared(t, "corpus", "clixml")
	var documents []document
	for _, pattern := range []string{"*.xml", "IIS/*.xml"} {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			documents = append(documents, document{filepath.Base(name), []byte(toUTF8(data))})
		}
	}
	if len(documents) != 95 {
		t.Fatalf("%d files, want 95", len(documents))
	}
	return documents
}

// difference says where values differ in meaning, "" when they do not: the numbers
// that a document gives its objects mean nothing, which object is which does.
func difference(want, got []any) string {
	a, b := walker{seen: map[*Object]int{}, numbers: true}, walker{seen: map[*Object]int{}, numbers: true}
	for _, v := range want {
		a.value("", v)
	}
	for _, v := range got {
		b.value("", v)
	}
	if i := firstDifference(a.facts, b.facts); i >= 0 {
		return fmt.Sprintf("fact %d:\n%.300s\nbecame\n%.300s", i, at(a.facts, i), at(b.facts, i))
	}
	return ""
}

func TestCorpusComesBack(t *testing.T) {
	for _, d := range corpus(t) {
		values, err := Decode(d.text, Limits{})
		if err != nil {
			t.Errorf("%s: %v", d.name, err)
			continue
		}
		text, err := Encode(values...)
		if err != nil {
			t.Errorf("%s: %v", d.name, err)
			continue
		}
		again, err := Decode(text, Limits{})
		if diff := difference(values, again); diff != "" || err != nil {
			t.Errorf("%s: %v, %s", d.name, err, diff)
		}
	}
}

// What is in a document, found by a walk that knows nothing of this package, is
// what its values have, in the same order.
func TestCorpusLosesNothing(t *testing.T) {
	facts := 0
	for _, d := range corpus(t) {
		want := walkXML(t, d.text)
		values, err := Decode(d.text, Limits{})
		if err != nil {
			t.Errorf("%s: %v", d.name, err)
			continue
		}
		w := walker{seen: map[*Object]int{}}
		for _, v := range values {
			w.value("", v)
		}
		if i := firstDifference(want, w.facts); i >= 0 {
			t.Errorf("%s: fact %d:\n%.300s\nbecame\n%.300s", d.name, i, at(want, i), at(w.facts, i))
		}
		facts += len(want)
	}
	if facts < 60_000 {
		t.Errorf("%d facts compared: the walk sees too little", facts)
	}
}

func at(facts []string, i int) string {
	if i < len(facts) {
		return facts[i]
	}
	return "(none)"
}

func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

// walkXML lists the elements of a document with names and texts by encoding/xml.
func walkXML(t *testing.T, text []byte) []string {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\uFEFF"))))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var facts []string
	var leaf *int                // index of the fact that takes text
	types := map[string][2]int{} // of each TN, where its names stand among the facts
	open := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return facts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			leaf = nil
			name := e.Name.Local
			if e.Name.Space != "http://schemas.microsoft.com/powershell/2004/04" {
				if err := d.Skip(); err != nil {
					t.Fatal(err)
				}
				facts = append(facts, "unknown "+name)
				continue
			}
			switch name {
			case "Objs":
			case "TN": // T says what is in it
				open = attribute(e, "RefId")
				types[open] = [2]int{len(facts), len(facts)}
			case "TNRef":
				of := types[attribute(e, "RefId")]
				facts = append(facts, facts[of[0]:of[1]]...)
			default:
				facts = append(facts, fact(name, unescapeTwice(attribute(e, "N"))))
			}
			if name == "T" || name == "ToString" || name == "S" || isPrimitive(name) {
				n := len(facts) - 1
				leaf = &n
				facts[n] += " "
			}
		case xml.CharData:
			if leaf != nil {
				facts[*leaf] += unescapeTwice(string(e))
			}
		case xml.EndElement:
			if leaf != nil && e.Name.Local == "Db" {
				facts[*leaf] = shortest(facts[*leaf])
			}
			if e.Name.Local == "TN" {
				types[open] = [2]int{types[open][0], len(facts)}
			}
			leaf = nil
		}
	}
}

// shortest writes the number at the end of a fact in as few digits as tell it from
// every other.
func shortest(fact string) string {
	i := strings.LastIndexByte(fact, ' ') + 1
	if n, err := strconv.ParseFloat(fact[i:], 64); err == nil {
		return fact[:i] + strconv.FormatFloat(n, 'G', -1, 64)
	}
	return fact
}

func fact(element, name string) string { return fmt.Sprintf("%s %q", element, name) }

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

var escape = regexp.MustCompile(`(?:_x[0-9A-F]{4}_)+`)

func unescapeTwice(s string) string {
	return escape.ReplaceAllStringFunc(s, func(run string) string {
		var units []uint16
		for ; run != ""; run = run[len("_x0000_"):] {
			n, _ := strconv.ParseUint(run[2:6], 16, 16)
			units = append(units, uint16(n))
		}
		return string(utf16.Decode(units))
	})
}

// A walker lists what values have in the way of walkXML.
type walker struct {
	facts   []string
	seen    map[*Object]int
	numbers bool          // tell which object is meant when one comes again
	expand  bool          // walk an object again, unless it is within itself
	sorted  bool          // dictionaries by their keys
	forget  func(any) any // what to list in the place of a value; nil lists all
}

func (w *walker) add(element, name string) { w.facts = append(w.facts, fact(element, name)) }

func (w *walker) text(element, name, text string) {
	w.facts = append(w.facts, fact(element, name)+" "+text)
}

func (w *walker) value(name string, v any) {
	if w.forget != nil {
		v = w.forget(v)
	}
	switch v := v.(type) {
	case nil:
		w.add("Nil", name)
	case *Unknown:
		w.facts = append(w.facts, "unknown "+v.Element)
	case *Object:
		if n, again := w.seen[v]; again && w.numbers {
			w.text("Ref", name, strconv.Itoa(n))
			return
		} else if again {
			w.add("Ref", name)
			return
		}
		w.seen[v] = len(w.seen)
		w.add("Obj", name)
		w.object(v)
		if w.expand {
			delete(w.seen, v)
		}
	default:
		element, text, err := format(v)
		if err != nil {
			text = err.Error()
		}
		w.text(element, name, text)
		if element == "Db" {
			w.facts[len(w.facts)-1] = shortest(w.facts[len(w.facts)-1])
		}
	}
}

func (w *walker) object(o *Object) {
	for _, name := range o.TypeNames {
		w.text("T", "", name)
	}
	if o.HasToString {
		w.text("ToString", "", o.ToString)
	}
	switch v := o.Value.(type) {
	case nil:
	case *List:
		w.add(v.Kind.String(), "")
		for _, item := range v.Items {
			w.value("", item)
		}
	case *Dictionary:
		w.add("DCT", "")
		entries := slices.Clone(v.Entries)
		if w.sorted {
			slices.SortStableFunc(entries, func(a, b Entry) int {
				return strings.Compare(fmt.Sprintf("%v %T", a.Key, a.Key), fmt.Sprintf("%v %T", b.Key, b.Key))
			})
		}
		for _, e := range entries {
			w.add("En", "")
			w.value("Key", e.Key)
			w.value("Value", e.Value)
		}
	default:
		w.value("", v)
	}
	w.properties("Props", o.Props)
	w.properties("MS", o.Members)
}

func (w *walker) properties(element string, properties []Property) {
	if properties != nil {
		w.add(element, "")
	}
	for _, p := range properties {
		w.value(p.Name, p.Value)
	}
}

// The stream decoder gives what Decode gives, however the input comes.
func TestDecoderReadsTheCorpus(t *testing.T) {
	for _, d := range corpus(t) {
		want, err := Decode(d.text, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for name, input := range map[string]io.Reader{"UTF-8": bytes.NewReader(d.text), "UTF-16": bytes.NewReader(toUTF16(d.text))} {
			got, err := decodeAll(NewDecoder(input, Limits{}))
			if err != nil {
				t.Errorf("%s, %s: %v", d.name, name, err)
			}
			if diff := difference(want, got); diff != "" {
				t.Errorf("%s, %s: %s", d.name, name, diff)
			}
		}
		got, err := Decode(toUTF16(d.text), Limits{})
		if diff := difference(want, got); diff != "" || err != nil {
			t.Errorf("%s as UTF-16: %v %s", d.name, err, diff)
		}
	}
}

func toUTF16(text []byte) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + strings.TrimPrefix(string(text), "\uFEFF"))) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

func decodeAll(d *Decoder) (values []any, err error) {
	for {
		v, err := d.Next()
		if err == io.EOF {
			return values, nil
		}
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
}

func TestSecretsStayOutOfTraces(t *testing.T) {
	if s := fmt.Sprintf("%v %+v %#v %s", SecureString("c2VjcmV0"), SecureString("c2VjcmV0"), SecureString("c2VjcmV0"),
		struct{ S any }{SecureString("c2VjcmV0")}); strings.Contains(s, "c2Vj") {
		t.Error(s)
	}
}

func BenchmarkDecode(b *testing.B) {
	documents := corpus(b)
	n := 0
	for _, d := range documents {
		n += len(d.text)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range documents {
			if _, err := Decode(d.text, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	var all []any
	for _, d := range corpus(b) {
		values, err := Decode(d.text, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		all = slices.Concat(all, values)
	}
	text, err := Encode(all...)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(all...); err != nil {
			b.Fatal(err)
		}
	}
}
