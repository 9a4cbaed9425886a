package scriptproxy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// clixml writes objects as PowerShell serializes them (MS-PSRP 2.2.5), on one line,
// so that PowerShell's own deserializer makes of them what it makes of a remote
// session's output. Texts of this package's own go through it too.
type clixml struct {
	strings.Builder
	origin     string // PSComputerName of output
	references bool   // references to objects of the directory are objects; else they are text, of which the module makes objects

	objects int            // in this document: the RefId of the next one
	types   map[string]int // RefIds of the type names in this document
}

func (x *clixml) begin() {
	x.Reset()
	x.objects = 0
	x.types = map[string]int{}
	x.WriteString(`<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">`)
}

func (x *clixml) end() { x.WriteString(`</Objs>`) }

// output writes one object of a cmdlet's output, with the properties by which
// remoting tells where it came from.
func (x *clixml) output(o exchange.Object) { x.object("", o, x.origin) }

func (x *clixml) object(name string, o exchange.Object, origin string) {
	x.open(name, o.TypeName)
	if text := identity(o); text != "" {
		x.element("ToString", "", text)
	}
	x.WriteString("<Props>")
	for _, p := range o.Properties {
		if x.references && exchangesim.IsReference(o.TypeName, p.Name) {
			x.reference(p.Name, p.Value)
		} else {
			x.value(p.Name, p.Value)
		}
	}
	x.WriteString("</Props>")
	if origin != "" {
		x.WriteString("<MS>")
		x.element("S", "PSComputerName", origin)
		x.element("G", "RunspaceId", "00000000-0000-0000-0000-000000000000")
		x.element("B", "PSShowComputerName", "false")
		x.WriteString("</MS>")
	}
	x.WriteString("</Obj>")
}

// reference writes what refers to an object of the directory: an object whose text is
// the value. No value is no object.
func (x *clixml) reference(name string, v any) {
	switch v := v.(type) {
	case string:
		if v == "" {
			break
		}
		x.open(name, exchangesim.ReferenceType)
		x.element("ToString", "", v)
		x.WriteString("</Obj>")
		return
	case []string:
		x.open(name, "System.Collections.ArrayList")
		x.WriteString("<LST>")
		for _, text := range v {
			x.reference("", text)
		}
		x.WriteString("</LST></Obj>")
		return
	}
	x.value(name, v)
}

// open begins an object. A type that the document had before is given by reference.
func (x *clixml) open(name, typeName string) {
	x.WriteString("<Obj")
	x.name(name)
	x.number(` RefId="`, x.objects, `">`)
	x.objects++
	if ref, known := x.types[typeName]; known {
		x.number(`<TNRef RefId="`, ref, `" />`)
		return
	}
	x.number(`<TN RefId="`, len(x.types), `">`)
	x.types[typeName] = len(x.types)
	if typeName != "" {
		x.element("T", "", typeName)
	}
	x.WriteString("<T>System.Object</T></TN>")
}

func (x *clixml) number(before string, n int, after string) {
	x.WriteString(before)
	x.WriteString(strconv.Itoa(n))
	x.WriteString(after)
}

// identity is the text of an object: that of the identity it has, else its name.
func identity(o exchange.Object) string {
	if text := o.Text("Identity"); text != "" {
		return text
	}
	return o.Text("Name")
}

func (x *clixml) value(name string, v any) {
	switch v := v.(type) {
	case nil:
		x.WriteString("<Nil")
		x.name(name)
		x.WriteString(" />")
	case string:
		x.element("S", name, v)
	case exchange.GUID:
		x.element("G", name, string(v))
	case bool:
		x.element("B", name, strconv.FormatBool(v))
	case int64:
		kind := "I64"
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			kind = "I32"
		}
		x.element(kind, name, strconv.FormatInt(v, 10))
	case float64:
		x.element("Db", name, strconv.FormatFloat(v, 'g', -1, 64))
	case time.Time:
		x.element("DT", name, v.UTC().Format("2006-01-02T15:04:05.9999999Z"))
	case []string:
		x.open(name, "System.Collections.ArrayList")
		x.WriteString("<LST>")
		for _, s := range v {
			x.element("S", "", s)
		}
		x.WriteString("</LST></Obj>")
	case []exchange.Object:
		x.open(name, "System.Collections.ArrayList")
		x.WriteString("<LST>")
		for _, o := range v {
			x.object("", o, "")
		}
		x.WriteString("</LST></Obj>")
	case exchange.Object:
		x.object(name, v, "")
	default:
		x.element("S", name, fmt.Sprint(v))
	}
}

func (x *clixml) element(kind, name, text string) {
	x.WriteByte('<')
	x.WriteString(kind)
	x.name(name)
	x.WriteByte('>')
	writeEncoded(&x.Builder, text)
	x.WriteString("</")
	x.WriteString(kind)
	x.WriteByte('>')
}

// name writes the attribute that says which property an element is.
func (x *clixml) name(name string) {
	if name == "" {
		return
	}
	x.WriteString(` N="`)
	writeEncoded(&x.Builder, name)
	x.WriteByte('"')
}

// writeEncoded writes text as XML character data or attribute value. What XML
// cannot hold, line breaks, and an underscore that would read as the beginning of an
// escape, become _xHHHH_ for each UTF-16 unit (MS-PSRP 2.2.5.3.2).
func writeEncoded(b *strings.Builder, s string) {
	plain := 0 // where the text begins that needs no encoding
	for i, r := range s {
		var encoded string
		switch {
		case r == '<':
			encoded = "&lt;"
		case r == '>':
			encoded = "&gt;"
		case r == '&':
			encoded = "&amp;"
		case r == '"':
			encoded = "&quot;"
		case r == '_' && i+1 < len(s) && (s[i+1] == 'x' || s[i+1] == 'X'):
			encoded = "_x005F_"
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfffe, r == 0xffff:
			encoded = fmt.Sprintf("_x%04X_", r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			encoded = fmt.Sprintf("_x%04X__x%04X_", high, low)
		default:
			continue
		}
		b.WriteString(s[plain:i])
		b.WriteString(encoded)
		plain = i + utf8.RuneLen(r)
	}
	b.WriteString(s[plain:])
}
