package exchangesim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// commonParameters are PowerShell's own. Those without a meaning here are
// accepted and do what they would do in a session without a host: nothing.
var commonParameters = []string{
	"Verbose", "Debug", "ErrorAction", "WarningAction", "InformationAction", "ErrorVariable", "WarningVariable",
	"InformationVariable", "OutVariable", "OutBuffer", "PipelineVariable", "ProgressAction",
}

// bind finds the cmdlet and gives its parameters their values, as PowerShell
// does before a cmdlet runs.
func (c *call) bind(command exchange.Command, input *exchange.Object) error {
	i := slices.IndexFunc(c.session.permissions, func(p permission) bool { return strings.EqualFold(p.cmdlet.name, command.Cmdlet) })
	if i < 0 {
		return &failure{exception: typeCommandNotFound, category: "ObjectNotFound", target: command.Cmdlet,
			text: msgCommandNotFound, args: []any{command.Cmdlet}, engine: true}
	}
	p := c.session.permissions[i]
	c.cmdlet = p.cmdlet
	known := c.session.parameters(p)
	confirm := exchange.Value(nil)
	for _, param := range command.Params {
		switch handled, err := c.bindCommon(param, &confirm); {
		case err != nil:
			return err
		case handled:
			continue
		}
		q, err := findParameter(known, param.Name)
		if err != nil {
			return err
		}
		if c.has(q.Name) {
			return binding("ParameterAlreadyBound", "InvalidArgument", msgParameterTwice, q.Name)
		}
		if c.arguments[q.Name], err = q.convert(param.Value); err != nil {
			return err
		}
	}
	c.bindInput(known, input)
	if err := c.resolveSet(known); err != nil {
		return err
	}
	return c.confirm(confirm)
}

// bindCommon takes a common parameter.
func (c *call) bindCommon(p exchange.Param, confirm *exchange.Value) (handled bool, err error) {
	switch {
	case strings.EqualFold(p.Name, "ErrorAction"):
		action, _ := p.Value.(exchange.String)
		c.stop = strings.EqualFold(string(action), "Stop")
		c.quiet = strings.EqualFold(string(action), "SilentlyContinue") || strings.EqualFold(string(action), "Ignore")
		return true, nil
	case slices.ContainsFunc(commonParameters, func(n string) bool { return strings.EqualFold(n, p.Name) }):
		return true, nil
	case !c.cmdlet.shouldProcess:
		return false, nil
	case strings.EqualFold(p.Name, "WhatIf"):
		c.whatIf, err = truth("WhatIf", p.Value)
		return true, err
	case strings.EqualFold(p.Name, "Confirm"):
		*confirm = p.Value
		_, err = truth("Confirm", p.Value)
		return true, err
	}
	return false, nil
}

func truth(name string, v exchange.Value) (bool, error) {
	switch v := v.(type) {
	case exchange.Bool:
		return bool(v), nil
	case exchange.Switch:
		return bool(v), nil
	}
	return false, cannotConvert(name, "System.Management.Automation.SwitchParameter")
}

func cannotConvert(parameter, typeName string) error {
	return binding("ParameterArgumentTransformationError", "InvalidData", msgCannotConvert, parameter, typeName)
}

// findParameter returns the parameter of a name or of an unambiguous beginning
// of one.
func findParameter(known []parameter, name string) (parameter, error) {
	var begun []parameter
	for _, q := range known {
		if strings.EqualFold(q.Name, name) {
			return q, nil
		}
		if len(name) < len(q.Name) && strings.EqualFold(q.Name[:len(name)], name) {
			begun = append(begun, q)
		}
	}
	switch len(begun) {
	case 1:
		return begun[0], nil
	case 0:
		return parameter{}, binding("NamedParameterNotFound", "InvalidArgument", msgParameterNotFound, name)
	}
	var names strings.Builder
	for _, q := range begun {
		names.WriteString(" -" + q.Name)
	}
	return parameter{}, binding("AmbiguousParameter", "InvalidArgument", msgParameterAmbiguous, name, names.String())
}

// convert makes a value of the parameter's type from what was sent, with the
// conversions that PowerShell makes by itself.
func (q parameter) convert(v exchange.Value) (exchange.Value, error) {
	if _, null := v.(exchange.Null); null || v == nil {
		switch {
		case q.nullable:
			return exchange.Null{}, nil
		case q.Mandatory:
			return nil, binding("ParameterArgumentValidationErrorNullNotAllowed", "InvalidData", msgNullArgument, q.Name)
		case q.Type == TypeString || q.Type == TypeStrings:
			return exchange.Null{}, nil
		}
		return nil, cannotConvert(q.Name, dotNetType(q.Type))
	}
	switch q.Type {
	case TypeBool, TypeSwitch:
		b, err := truth(q.Name, v)
		if err != nil {
			return nil, cannotConvert(q.Name, dotNetType(q.Type))
		}
		return exchange.Bool(b), nil
	case TypeInt:
		if n, ok := v.(exchange.Int); ok {
			return n, nil
		}
	case TypeStrings:
		return q.convertTexts(v)
	case TypeString:
		if s, ok := asText(v); ok {
			return exchange.String(s), q.check(s)
		}
	}
	return nil, cannotConvert(q.Name, dotNetType(q.Type))
}

func (q parameter) convertTexts(v exchange.Value) (exchange.Value, error) {
	list, ok := v.(exchange.Strings)
	if !ok {
		s, ok := asText(v)
		if !ok {
			return nil, cannotConvert(q.Name, dotNetType(q.Type))
		}
		list = exchange.Strings{s}
	}
	for _, s := range list {
		if err := q.check(s); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// check refuses an empty text where one is needed, and what an enumeration does
// not have.
func (q parameter) check(s string) error {
	if s == "" && q.Mandatory {
		return binding("ParameterArgumentValidationErrorEmptyStringNotAllowed", "InvalidData", msgEmptyArgument, q.Name)
	}
	if q.values != nil && !slices.ContainsFunc(q.values, func(v string) bool { return strings.EqualFold(v, s) }) {
		return cannotConvert(q.Name, q.Name)
	}
	return nil
}

func asText(v exchange.Value) (string, bool) {
	switch v := v.(type) {
	case exchange.String:
		return string(v), true
	case exchange.Strings:
		if len(v) == 1 {
			return v[0], true
		}
	case exchange.Int:
		return strconv.FormatInt(int64(v), 10), true
	}
	return "", false
}

func dotNetType(t ParameterType) string {
	switch t {
	case TypeBool:
		return "System.Boolean"
	case TypeSwitch:
		return "System.Management.Automation.SwitchParameter"
	case TypeInt:
		return "System.Int32"
	case TypeStrings:
		return "System.String[]"
	}
	return "System.String"
}

// bindInput gives a piped object to the parameter that takes one.
func (c *call) bindInput(known []parameter, input *exchange.Object) {
	if input == nil {
		return
	}
	identity := input.Text("DistinguishedName")
	if identity == "" {
		identity = input.Text("Identity")
	}
	for _, q := range known {
		if q.ValueFromPipeline && !c.has(q.Name) && identity != "" {
			c.arguments[q.Name] = exchange.String(identity)
			return
		}
	}
}

// resolveSet checks that one parameter set has all that was given, and that
// nothing mandatory is missing.
func (c *call) resolveSet(known []parameter) error {
	sets := c.cmdlet.usableSets(known)
	if len(sets) == 0 {
		sets = []string{""}
	}
	var missing []string
	possible := false
	for _, set := range sets {
		fits, absent := c.fits(known, set)
		if !fits {
			continue
		}
		if len(absent) == 0 {
			return nil
		}
		if !possible {
			missing = absent
		}
		possible = true
	}
	if !possible {
		return binding("AmbiguousParameterSet", "InvalidArgument", msgParameterSet)
	}
	return binding("MissingMandatoryParameter", "InvalidArgument", msgMandatoryMissing, strings.Join(missing, " "))
}

// usableSets returns the parameter sets of which a caller has some parameter that
// not every set has.
func (c *cmdlet) usableSets(known []parameter) []string {
	return slices.DeleteFunc(slices.Clone(c.sets), func(set string) bool {
		has := func(q parameter) bool { return slices.Contains(q.Sets, set) }
		return slices.ContainsFunc(c.parameters, has) && !slices.ContainsFunc(known, has)
	})
}

// fits reports whether a parameter set has every given parameter, and which of
// its mandatory ones were not given.
func (c *call) fits(known []parameter, set string) (fits bool, absent []string) {
	for _, q := range known {
		in := len(q.Sets) == 0 || slices.Contains(q.Sets, set)
		switch given := c.has(q.Name); {
		case given && !in:
			return false, nil
		case !given && in && q.Mandatory:
			absent = append(absent, q.Name)
		}
	}
	return true, absent
}

// confirm fails a command that would ask: nobody can answer in a session without
// a host.
func (c *call) confirm(given exchange.Value) error {
	asks := c.cmdlet.highImpact
	if given != nil {
		asks, _ = truth("Confirm", given)
	}
	if !asks || c.whatIf {
		return nil
	}
	return &failure{exception: typeHost, id: "HostFunctionNotImplemented", category: "NotImplemented", engine: true,
		text: msgNoPrompt, args: []any{c.cmdlet.name}}
}
