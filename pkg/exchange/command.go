package exchange

import "strings"

// A Command is one cmdlet with its parameters, in the order in which they are
// shown and sent.
type Command struct {
	Cmdlet string
	Params []Param
}

// A Param is one named parameter of a Command.
type Param struct {
	Name  string // without the hyphen
	Value Value
}

// A Pipeline is one statement: commands that pass their output on.
type Pipeline []Command

// A Value is what a parameter may hold: String, Int, Bool, Switch, Strings or
// Null. The set is sealed so that every renderer knows all of them.
type Value interface{ value() }

type (
	// String is a text parameter. Also GUIDs, DNs and OPATH filters are sent as text.
	String string
	// Int is a 64-bit integer parameter.
	Int int64
	// Bool is a $true or $false parameter.
	Bool bool
	// Switch is a switch parameter: -Name when true, -Name:$false when false.
	Switch bool
	// Strings is a multi-valued text parameter.
	Strings []string
	// Null is $null: it clears a property.
	Null struct{}
)

func (String) value()  {}
func (Int) value()     {}
func (Bool) value()    {}
func (Switch) value()  {}
func (Strings) value() {}
func (Null) value()    {}

// Param returns the named parameter's value; names ignore case.
func (c Command) Param(name string) (Value, bool) {
	for _, p := range c.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return nil, false
}

// Text returns the named parameter as text, "" when it is absent or not a String.
func (c Command) Text(name string) string {
	v, _ := c.Param(name)
	s, _ := v.(String)
	return string(s)
}

// With returns the command with one more parameter. The receiver is unchanged.
func (c Command) With(name string, v Value) Command {
	params := make([]Param, 0, len(c.Params)+1)
	c.Params = append(append(params, c.Params...), Param{name, v})
	return c
}
