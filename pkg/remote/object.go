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
// knows.
func toObject(v any) exchange.Object {
	o, ok := v.(*clixml.Object)
	if !ok {
		return exchange.Object{Properties: []exchange.Property{{Name: "", Value: toValue(v)}}}
	}
	out := exchange.Object{TypeName: typeName(o)}
	for _, properties := range [][]clixml.Property{o.Props, o.Members} {
		for _, p := range properties {
			if isHidden(p.Name) {
				continue
			}
			if _, twice := out.Value(p.Name); !twice {
				out.Properties = append(out.Properties, exchange.Property{Name: p.Name, Value: toValue(p.Value)})
			}
		}
	}
	if len(out.Properties) == 0 {
		out.Properties = []exchange.Property{{Name: "", Value: toValue(o)}}
	}
	return out
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

// toValue reduces a property's value. Enumerations and identities become their
// text, lists the texts of their elements, dictionaries those of their keys.
func toValue(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int64, float64:
		return v
	case float32:
		return float64(v)
	case clixml.GUID:
		return exchange.GUID(strings.ToLower(string(v)))
	case clixml.DateTime:
		if t, _, err := v.Time(); err == nil {
			return t.UTC()
		}
		return v.Text
	case *clixml.Object:
		return toObjectValue(v)
	}
	if n, ok := wholeNumber(v); ok {
		return n
	}
	return fmt.Sprint(v)
}

func toObjectValue(o *clixml.Object) any {
	switch content := o.Value.(type) {
	case *clixml.List:
		return toTexts(content.Items)
	case *clixml.Dictionary:
		var keys []any
		for _, e := range content.Entries {
			keys = append(keys, e.Key)
		}
		return toTexts(keys)
	}
	switch {
	case o.HasToString:
		return o.ToString
	case o.Value != nil:
		return toValue(o.Value)
	case len(o.Props)+len(o.Members) == 0:
		return nil
	}
	return exchange.Object{TypeName: typeName(o)}
}

func toTexts(items []any) []string {
	texts := make([]string, len(items))
	for i, v := range items {
		one := exchange.Object{Properties: []exchange.Property{{Name: "x", Value: toValue(v)}}}
		texts[i] = one.Text("x")
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
