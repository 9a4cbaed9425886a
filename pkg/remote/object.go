package remote

import (
	"fmt"
	"math"
	"strings"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// deserialized stands before the type names of objects that crossed a session.
const deserialized = "Deserialized."

// hidden are properties that say nothing about the object: what PowerShell adds to
// everything that comes from elsewhere, and the serialized form that old shells
// ask for.
var hidden = []string{"PSComputerName", "RunspaceId", "PSShowComputerName", "SerializationData"}

// toObject reduces one object of a pipeline's output to what package exchange
// knows. An object that holds itself, or whose references make more of it than it
// is, has no such form: its error is an *excessError.
func toObject(v any) (exchange.Object, error) {
	r := reduction{}
	out := r.object(v)
	return out, r.err
}

// A reduction walks the graph of one object. What it holds on to is of the order of
// what the server sent: strings are its own, and what is met again by a reference
// costs.
type reduction struct {
	met         map[*clixml.Object]meeting
	depth       int
	repeating   int // how many of the objects that are being walked were walked before
	once, again int // bytes of what was met for the first time, and by references
	err         error
}

// A meeting says how far an object was walked.
type meeting uint8

const (
	walking meeting = iota + 1
	walked
)

// What a reduction allows: objects so deep in each other, and so many bytes by
// references besides eight times those that were met for the first time.
const (
	maxReductionDepth = 64
	freeRepetition    = 16 << 10
)

func (r *reduction) object(v any) exchange.Object {
	o, ok := v.(*clixml.Object)
	if !ok {
		return exchange.Object{Properties: []exchange.Property{{Name: "", Value: r.value(v)}}}
	}
	out := exchange.Object{TypeName: r.text(typeName(o))}
	names := map[string]bool{}
	innermost := o
	for inner := o; inner != nil && r.enter(inner); inner, _ = inner.Value.(*clixml.Object) {
		defer r.leave(inner)
		innermost = inner
		out.Properties = r.properties(out.Properties, inner.Props, names)
		out.Properties = r.properties(out.Properties, inner.Members, names)
	}
	if len(out.Properties) == 0 {
		if o.HasToString {
			innermost = o
		}
		out.Properties = []exchange.Property{{Name: "", Value: r.content(innermost)}}
	}
	return out
}

// properties adds those whose names did not come before.
func (r *reduction) properties(out []exchange.Property, properties []clixml.Property, names map[string]bool) []exchange.Property {
	for _, p := range properties {
		key := strings.ToLower(p.Name)
		if r.err != nil || isHidden(p.Name) || names[key] {
			continue
		}
		names[key] = true
		out = append(out, exchange.Property{Name: r.text(p.Name), Value: r.value(p.Value)})
	}
	return out
}

// enter begins to walk an object. It is false where that cannot be.
func (r *reduction) enter(o *clixml.Object) bool {
	switch {
	case r.err != nil:
		return false
	case r.met[o] == walking:
		r.err = &excessError{"an object holds itself"}
		return false
	case r.depth == maxReductionDepth:
		r.err = &excessError{fmt.Sprintf("objects lie more than %d deep in each other", maxReductionDepth)}
		return false
	case r.met == nil:
		r.met = map[*clixml.Object]meeting{}
	}
	if r.met[o] == walked || r.repeating > 0 {
		r.repeating++
	}
	r.depth++
	r.met[o] = walking
	return true
}

func (r *reduction) leave(o *clixml.Object) {
	r.depth--
	r.repeating = max(0, r.repeating-1)
	r.met[o] = walked
}

// text returns a text of its own, and counts it.
func (r *reduction) text(s string) string {
	const header = 16
	if r.repeating == 0 {
		r.once += header + len(s)
	} else if r.again += header + len(s); r.again > freeRepetition+8*r.once && r.err == nil {
		r.err = &excessError{"references make much more of an object than it is"}
	}
	if r.err != nil {
		return ""
	}
	return strings.Clone(s)
}

func isHidden(name string) bool {
	for _, h := range hidden {
		if strings.EqualFold(h, name) {
			return true
		}
	}
	return false
}

func typeName(o *clixml.Object) string {
	if len(o.TypeNames) == 0 {
		return ""
	}
	return strings.TrimPrefix(o.TypeNames[0], deserialized)
}

// value reduces a property's value. Enumerations and identities become their text,
// lists the texts of their elements, dictionaries those of their keys.
func (r *reduction) value(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v
	case string:
		return r.text(v)
	case float32:
		return float64(v)
	case clixml.GUID:
		return exchange.GUID(r.text(strings.ToLower(string(v))))
	case clixml.DateTime:
		if t, _, err := v.Time(); err == nil {
			return t.UTC()
		}
		return r.text(v.Text)
	case *clixml.Object:
		if v == nil || !r.enter(v) {
			return nil
		}
		defer r.leave(v)
		return r.content(v)
	}
	if n, ok := wholeNumber(v); ok {
		return n
	}
	return r.text(fmt.Sprint(v))
}

// content is the value of an object that is being walked.
func (r *reduction) content(o *clixml.Object) any {
	switch content := o.Value.(type) {
	case *clixml.List:
		return r.texts(len(content.Items), func(i int) any { return content.Items[i] })
	case *clixml.Dictionary:
		return r.texts(len(content.Entries), func(i int) any { return content.Entries[i].Key })
	}
	switch {
	case o.HasToString:
		return r.text(o.ToString)
	case o.Value != nil:
		return r.value(o.Value)
	case len(o.Props)+len(o.Members) == 0:
		return nil
	}
	return exchange.Object{TypeName: r.text(typeName(o))}
}

func (r *reduction) texts(n int, item func(int) any) []string {
	var texts []string
	for i := 0; i < n && r.err == nil; i++ {
		v := r.value(item(i))
		text, ok := v.(string)
		if !ok {
			one := exchange.Object{Properties: []exchange.Property{{Name: "x", Value: v}}}
			text = r.text(one.Text("x"))
		}
		texts = append(texts, text)
	}
	return texts
}

func wholeNumber(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case uint8:
		return int64(v), true
	case int16:
		return int64(v), true
	case uint16:
		return int64(v), true
	case int32:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}

// powerShell is a pipeline as structured commands: no script text, which the
// endpoint would refuse.
func powerShell(p exchange.Pipeline) (psrp.PowerShell, error) {
	if len(p) == 0 {
		return psrp.PowerShell{}, fmt.Errorf("a pipeline without commands cannot be run")
	}
	var statement []psrp.Command
	for _, c := range p {
		command := psrp.Command{Text: c.Cmdlet}
		for _, param := range c.Params {
			v, err := argument(param.Value)
			if err != nil {
				return psrp.PowerShell{}, fmt.Errorf("parameter %s of %s: %w", param.Name, c.Cmdlet, err)
			}
			command.Arguments = append(command.Arguments, psrp.Argument{Name: param.Name, Value: v})
		}
		statement = append(statement, command)
	}
	return psrp.PowerShell{Statements: [][]psrp.Command{statement}, NoInput: true}, nil
}

func argument(v exchange.Value) (any, error) {
	switch v := v.(type) {
	case exchange.String:
		return string(v), exchange.CheckText(string(v))
	case exchange.Int:
		return int64(v), nil
	case exchange.Bool:
		return bool(v), nil
	case exchange.Switch:
		return bool(v), nil
	case exchange.Null:
		return nil, nil
	case exchange.Strings:
		items := make([]any, len(v))
		for i, s := range v {
			if err := exchange.CheckText(s); err != nil {
				return nil, err
			}
			items[i] = s
		}
		return &clixml.Object{
			TypeNames: []string{"System.String[]", "System.Array", "System.Object"},
			Value:     &clixml.List{Items: items},
		}, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be sent", v)
}
