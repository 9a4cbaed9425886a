package psrpd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// A proxy is one of the commands that every restricted session has beside the
// organization's (PowerShell's own list for implicit remoting). It takes objects
// and gives others. The real ones are functions: error ids have their names where
// those of cmdlets have a class.
type proxy struct {
	name string
	// each takes an object, and finish comes after the last. A command without each
	// refuses what is piped to it; finish may be nil.
	each   func(v any, out func(any) error) error
	finish func(out func(any) error) error
}

// selectable is what a restricted Select-Object takes as -Property.
var selectable = [...]string{"ModuleName", "Namespace", "OutputType", "Count", "HelpUri", "Name", "CommandType",
	"ResolvedCommandName", "DefaultParameterSet", "CmdletBinding", "Parameters"}

// newProxy returns the proxy that a command names, nil when it names none, or why
// it cannot run.
func newProxy(c psrp.Command) (*proxy, *psrp.ErrorRecord) {
	p := &proxy{}
	var allowed []string
	switch strings.ToLower(c.Text) {
	case "select-object":
		p.name, allowed = "Select-Object", []string{"Property"}
		p.each = func(v any, out func(any) error) error { return out(v) }
	case "measure-object":
		p.name = "Measure-Object"
		p.measure()
	case "out-default":
		p.name, allowed = "Out-Default", []string{"Transcript"}
		p.each = func(any, func(any) error) error { return nil }
	case "get-formatdata":
		p.name, allowed = "Get-FormatData", []string{"TypeName", "PowerShellVersion"}
	case "exit-pssession":
		p.name = "Exit-PSSession"
	default:
		return nil, nil
	}
	for _, a := range c.Arguments {
		name := parameterName(a.Name)
		if !slices.ContainsFunc(allowed, func(s string) bool { return strings.EqualFold(s, name) }) {
			return nil, refuse(p.name, bindingException, "NamedParameterNotFound", 5, fmt.Sprintf("A parameter cannot be found that matches parameter name '%s'.", name))
		}
		if p.name == "Select-Object" {
			if record := p.choose(a.Value); record != nil {
				return nil, record
			}
		}
	}
	return p, nil
}

// refuse is an error of parameter binding.
func refuse(name, exception, id string, category int32, message string) *psrp.ErrorRecord {
	r := record(exchange.ErrorRecord{FullyQualifiedErrorID: id + "," + name, ExceptionType: exception,
		Reason: exception[strings.LastIndexByte(exception, '.')+1:], Activity: name, Message: message})
	r.Category = category
	return &r
}

const (
	bindingException        = "System.Management.Automation.ParameterBindingException"
	validationException     = "System.Management.Automation.ParameterBindingValidationException"
	transformationException = "System.Management.Automation.ParameterBindingArgumentTransformationException"
)

func (p *proxy) measure() {
	count := 0
	p.each = func(any, func(any) error) error { count++; return nil }
	p.finish = func(out func(any) error) error {
		return out(&clixml.Object{
			TypeNames: []string{"System.Management.Automation.PSCustomObject", "System.Object"},
			Members: []clixml.Property{{Name: "Count", Value: int32(count)}, {Name: "Average"}, {Name: "Sum"},
				{Name: "Maximum"}, {Name: "Minimum"}, {Name: "Property"}},
		})
	}
}

// choose makes Select-Object give the properties that were asked for.
func (p *proxy) choose(v any) *psrp.ErrorRecord {
	value, ok := argument(v)
	names, isList := value.(exchange.Strings)
	if s, isText := value.(exchange.String); isText {
		names, isList = exchange.Strings{string(s)}, true
	}
	if !ok || !isList {
		return refuse(p.name, transformationException, "ParameterArgumentTransformationError", 6, "Cannot process argument transformation on parameter 'Property'.")
	}
	for i, name := range names {
		at := slices.IndexFunc(selectable[:], func(s string) bool { return strings.EqualFold(s, name) })
		if at < 0 {
			return refuse(p.name, validationException, "ParameterArgumentValidationError", 6, fmt.Sprintf("Cannot validate argument on parameter 'Property'. The argument %q does not belong to the set %q "+
				"specified by the ValidateSet attribute. Supply an argument that is in the set and then try the command again.", name, strings.Join(selectable[:], ",")))
		}
		names[i] = selectable[at]
	}
	p.each = func(v any, out func(any) error) error { return out(chosen(v, names)) }
	return nil
}

func chosen(v any, names []string) *clixml.Object {
	o, _ := v.(*clixml.Object)
	selected := &clixml.Object{TypeNames: []string{"System.Management.Automation.PSCustomObject", "System.Object"}}
	if o != nil && len(o.TypeNames) > 0 {
		selected.TypeNames = append([]string{"Selected." + o.TypeNames[0]}, selected.TypeNames...)
	}
	for _, name := range names {
		property := clixml.Property{Name: name}
		if o != nil {
			property.Value, _ = o.Prop(name)
		}
		selected.Members = append(selected.Members, property)
	}
	return selected
}

// statement runs one statement: the organization's commands, then proxies.
// reason is why it failed; err says that it could not go on.
func (p *pipeline) statement(sh *shell, commands []psrp.Command) (reason *psrp.ErrorRecord, err error) {
	var source exchange.Pipeline
	var proxies []*proxy
	for _, c := range commands {
		if c.IsScript {
			return scriptsNotAllowed(c.Text), nil
		}
		shaping, reason := newProxy(c)
		switch {
		case reason != nil:
			return reason, nil
		case shaping != nil:
			proxies = append(proxies, shaping)
		case len(proxies) > 0 && sh.has(c.Text): // nothing that comes out of a proxy is an identity
			proxies = append(proxies, &proxy{name: c.Text})
		case len(proxies) > 0:
			return p.invoke(sh, exchange.Pipeline{{Cmdlet: c.Text}}, p.output) // the session knows the words for it
		default:
			command, reason := sh.command(c)
			if reason != nil {
				return reason, nil
			}
			source = append(source, command)
		}
	}
	out := p.output
	finish := func() error { return nil }
	for _, shaping := range slices.Backward(proxies) {
		if shaping.each == nil {
			shaping.each = func(any, func(any) error) error {
				return p.report([]psrp.ErrorRecord{*notBound(shaping.name)}, nil)
			}
		}
		out, finish = shaping.before(out, finish)
	}
	return p.flow(sh, source, out, finish)
}

// before puts a proxy before what takes its output.
func (p *proxy) before(next func(any) error, then func() error) (out func(any) error, finish func() error) {
	out = func(v any) error { return p.each(v, next) }
	finish = func() error {
		if p.finish != nil {
			if err := p.finish(next); err != nil {
				return err
			}
		}
		return then()
	}
	return out, finish
}

// flow makes the objects of a statement flow: those of the organization's
// commands, once for each object of the client's input when there is some, or the
// input itself.
func (p *pipeline) flow(sh *shell, source exchange.Pipeline, out func(any) error, finish func() error) (*psrp.ErrorRecord, error) {
	if len(source) == 0 {
		for _, v := range p.input {
			if err := out(v); err != nil {
				return nil, err
			}
		}
		return nil, finish()
	}
	runs := []exchange.Pipeline{source}
	if len(p.input) > 0 {
		runs = nil
		for _, v := range p.input {
			first, ok := sh.withInput(source[0], v)
			if !ok {
				return notBound(source[0].Cmdlet), nil
			}
			runs = append(runs, append(exchange.Pipeline{first}, source[1:]...))
		}
	}
	for _, run := range runs {
		reason, err := p.invoke(sh, run, out)
		if reason != nil || err != nil {
			return reason, err
		}
	}
	return nil, finish()
}

func (p *pipeline) invoke(sh *shell, run exchange.Pipeline, out func(any) error) (*psrp.ErrorRecord, error) {
	streams, err := sh.session.Invoke(p.ctx, run, func(o exchange.Object) error { return out(object(o)) })
	if err != nil {
		return nil, err
	}
	records := make([]psrp.ErrorRecord, len(streams.Errors))
	for i, r := range streams.Errors {
		records[i] = record(r)
	}
	var reason *psrp.ErrorRecord
	if n := len(records); streams.Failed && n > 0 {
		reason, records = &records[n-1], records[:n-1]
	}
	return reason, p.report(records, streams.Warnings)
}

// parameterName takes away what belongs to the syntax of a typed command.
func parameterName(name string) string { return strings.TrimSuffix(strings.TrimPrefix(name, "-"), ":") }

// command makes a command of the organization. One that the session does not have
// is left to the session, which knows the words for it; but not behind others,
// where PowerShell would look it up before anything runs.
func (sh *shell) command(c psrp.Command) (exchange.Command, *psrp.ErrorRecord) {
	command := exchange.Command{Cmdlet: c.Text}
	position := 0
	for _, a := range c.Arguments {
		name := parameterName(a.Name)
		if name == "" {
			if name = sh.positional(c.Text, position); name == "" {
				return command, refuse(c.Text, bindingException, "PositionalParameterNotFound", 5, "A positional parameter cannot be found that accepts the argument.")
			}
			position++
		}
		value, ok := argument(a.Value)
		if !ok {
			return command, refuse(c.Text, transformationException, "ParameterArgumentTransformationError", 6,
				fmt.Sprintf("Cannot process argument transformation on parameter '%s'.", name))
		}
		command.Params = append(command.Params, exchange.Param{Name: name, Value: value})
	}
	return command, nil
}

// has reports whether the session has a command of the organization.
func (sh *shell) has(cmdlet string) bool {
	return slices.ContainsFunc(sh.session.Commands(), func(c exchangesim.CommandInfo) bool { return strings.EqualFold(c.Name, cmdlet) })
}

// parameter finds a parameter of a command that the session has.
func (sh *shell) parameter(cmdlet string, is func(exchangesim.ParameterInfo) bool) string {
	for _, c := range sh.session.Commands() {
		if !strings.EqualFold(c.Name, cmdlet) {
			continue
		}
		for _, p := range c.Parameters {
			if is(p) {
				return p.Name
			}
		}
	}
	return ""
}

func (sh *shell) positional(cmdlet string, position int) string {
	return sh.parameter(cmdlet, func(p exchangesim.ParameterInfo) bool { return p.Position == position })
}

// withInput gives an object of the client's input to the parameter that takes one.
func (sh *shell) withInput(c exchange.Command, v any) (exchange.Command, bool) {
	name := sh.parameter(c.Cmdlet, func(p exchangesim.ParameterInfo) bool { return p.ValueFromPipeline })
	value, ok := argument(v)
	if name == "" || !ok {
		return c, false
	}
	return c.With(name, value), true
}

// argument makes a parameter's value of what was sent.
func argument(v any) (exchange.Value, bool) {
	switch v := v.(type) {
	case nil:
		return exchange.Null{}, true
	case string:
		return exchange.String(v), true
	case bool:
		return exchange.Bool(v), true
	case int32:
		return exchange.Int(v), true
	case int64:
		return exchange.Int(v), true
	case clixml.GUID:
		return exchange.String(v), true
	case clixml.URI:
		return exchange.String(v), true
	case clixml.Version:
		return exchange.String(v), true
	case clixml.DateTime:
		if t, _, err := v.Time(); err == nil {
			return exchange.String(t.UTC().Format(time.RFC3339)), true
		}
	case *clixml.Object:
		return objectArgument(v)
	}
	return nil, false
}

// objectArgument takes switches, lists, and the text of anything else.
func objectArgument(o *clixml.Object) (exchange.Value, bool) {
	if o.HasType("System.Management.Automation.SwitchParameter") {
		v, _ := o.Prop("IsPresent")
		on, ok := v.(bool)
		return exchange.Switch(on), ok
	}
	if list, ok := o.Value.(*clixml.List); ok {
		texts := exchange.Strings{}
		for _, item := range list.Items {
			v, ok := argument(item)
			s, isText := v.(exchange.String)
			if !ok || !isText {
				return nil, false
			}
			texts = append(texts, string(s))
		}
		return texts, true
	}
	switch {
	case o.HasToString && o.ToString != "":
		return exchange.String(o.ToString), true
	case o.Value == nil:
		return nil, false
	}
	if _, nested := o.Value.(*clixml.Dictionary); nested {
		return nil, false
	}
	return argument(o.Value)
}
