package psrp

import (
	"strconv"

	"github.com/exgrant/exgrant/internal/clixml"
)

// dataLimits bound what the data of one message may cost: some 50 MiB, where 10,000
// members of a group take 5.
var dataLimits = clixml.Limits{Depth: 128, Nodes: 200_000, References: 20_000}

// decode reads a message's data: one value, or nothing.
func decode(m message) (any, error) {
	if len(m.data) == 0 {
		return nil, nil
	}
	values, err := clixml.Decode(m.data, dataLimits)
	if err == nil && len(values) == 1 {
		return values[0], nil
	}
	what := "the data of a message of type 0x" + strconv.FormatUint(uint64(m.kind), 16)
	if err == nil {
		return nil, protocolErrorf("%s is %d values, not one", what, len(values))
	}
	return nil, &ProtocolError{What: what + " cannot be read", Err: err}
}

// decodeObject reads a message's data where it must be an object.
func decodeObject(m message) (*clixml.Object, error) {
	v, err := decode(m)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*clixml.Object)
	if !ok {
		return nil, protocolErrorf("the data of a message of type %#08x is no object", uint32(m.kind))
	}
	return o, nil
}

// field returns a value of an object, an extended one (MS) before an adapted one
// of the same name (Props); nil when it has neither.
func field(o *clixml.Object, name string) any {
	if o == nil {
		return nil
	}
	v, _ := o.Prop(name)
	return v
}

func objectField(o *clixml.Object, name string) *clixml.Object {
	v, _ := field(o, name).(*clixml.Object)
	return v
}

func listField(o *clixml.Object, name string) []any { return items(field(o, name)) }

// items returns the elements of an object that is a list.
func items(v any) []any {
	list, ok := clixml.Base(v).(*clixml.List)
	if !ok {
		return nil
	}
	return list.Items
}

// text returns a value as text: of an object what it shows (ToString), "" for
// what is no text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case clixml.Version:
		return string(v)
	case *clixml.Object:
		if v.HasToString {
			return v.ToString
		}
		return text(clixml.Base(v))
	}
	return ""
}

func textField(o *clixml.Object, name string) string { return text(field(o, name)) }

// integer returns a whole number or the number of an enumeration's value.
func integer(v any) (int64, bool) {
	switch v := clixml.Base(v).(type) {
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func integerField(o *clixml.Object, name string) (int64, bool) { return integer(field(o, name)) }

func boolField(o *clixml.Object, name string) bool {
	b, _ := field(o, name).(bool)
	return b
}

// extended is an object that has only extended properties, as most of MS-PSRP's.
func extended(properties ...clixml.Property) *clixml.Object {
	return &clixml.Object{Members: properties}
}

// enum is a value of an enumeration (MS-PSRP 2.2.3: type names, text, number).
func enum(typeName, name string, value int32) *clixml.Object {
	return &clixml.Object{
		TypeNames: []string{typeName, "System.Enum", "System.ValueType", "System.Object"},
		ToString:  name, HasToString: true, Value: value,
	}
}

func arrayList(values []any) *clixml.Object {
	return &clixml.Object{
		TypeNames: []string{"System.Collections.ArrayList", "System.Object"},
		Value:     &clixml.List{Items: values},
	}
}

func genericList(of string, values []any) *clixml.Object {
	return &clixml.Object{
		TypeNames: []string{"System.Collections.Generic.List`1[[" + of + "]]", "System.Object"},
		Value:     &clixml.List{Items: values},
	}
}
