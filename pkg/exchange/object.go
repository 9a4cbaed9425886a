package exchange

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Object is one object that a cmdlet returned.
type Object struct {
	TypeName   string // full .NET name, without "Deserialized."; empty for a bare value
	Properties []Property
}

// A Property is a named value of an Object. Value is nil, string, bool, int64,
// float64, time.Time (UTC), GUID, []string, or Object. Enumerations and
// identities are their text, as a session over implicit remoting shows them.
type Property struct {
	Name  string
	Value any
}

// Value returns the named property (names ignore case, as in PowerShell) and
// whether the object has it.
func (o Object) Value(name string) (any, bool) {
	for _, p := range o.Properties {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return nil, false
}

// Text returns the named property as PowerShell would print it, "" when the
// object does not have it or it is null. Lists are joined by ", ".
func (o Object) Text(name string) string {
	v, _ := o.Value(name)
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case GUID:
		return string(v)
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case []string:
		return strings.Join(v, ", ")
	default:
		return fmt.Sprint(v)
	}
}

// Bool reports whether the named property is true.
func (o Object) Bool(name string) bool {
	v, _ := o.Value(name)
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return strings.EqualFold(v, "true")
	}
	return false
}

// Strings returns the named property as a list: nil when absent or null, one
// element for a single value.
func (o Object) Strings(name string) []string {
	v, _ := o.Value(name)
	switch v := v.(type) {
	case nil:
		return nil
	case []string:
		return v
	default:
		return []string{o.Text(name)}
	}
}

// Size is how many bytes of memory the object takes, more or less: whoever keeps
// objects of a server bounds the sum.
func (o Object) Size() int {
	const (
		word   = 8
		header = 2 * word // of a string
	)
	size := 4*word + header + len(o.TypeName)
	for _, p := range o.Properties {
		size += 2*header + len(p.Name)
		switch v := p.Value.(type) {
		case string:
			size += header + len(v)
		case GUID:
			size += header + len(v)
		case []string:
			for _, s := range v {
				size += header + len(s)
			}
		case Object:
			size += v.Size()
		default:
			size += word
		}
	}
	return size
}
