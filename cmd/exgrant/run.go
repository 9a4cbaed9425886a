package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/internal/textfile"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a reviewed script in a PowerShell, and read its report",
		UsageText: "exgrant run SCRIPT.ps1 --transport winrs|local [flags] [-- -Param value ...]",
		ArgsUsage: "SCRIPT.ps1 ...",
		Description: `Runs a script that exgrant wrote, byte for byte, and refuses one that it would
not write itself; see exgrant help script check. A signature on it is checked
where it runs. Shows what a script would change and asks; -- -WhatIf only shows
it. What follows -- goes to the script: -TimeoutMinutes 30 -EnableCustomization`,
		Flags: append(append([]cli.Flag{yesFlag(), reportFlag(), overwriteFlag(),
			&cli.StringFlag{Name: flagBody, Category: "Details", Usage: "run a script of another release, whose body was reviewed and has this `HASH`"}}, formatFlags(reportFormats)...), sessionFlags()...),
		Action: p.runScript,
	}
}

// maxScript bounds a script that is read, in bytes.
const maxScript = 4 << 20

func (p *program) runScript(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	script, header, err := p.scriptFile(c)
	if err != nil {
		return err
	}
	run, err := scriptRun(c, script, header)
	if err != nil {
		return err
	}
	way, err := p.transport(c)
	if err != nil {
		return err
	}
	if way == remote.PSRP {
		return usageErrorf("%s: --%s psrp runs no script: Exchange's endpoint takes single commands only", c.Command.HelpName, flagTransport).
			withHint("--%s winrs or --%s local; or exgrant apply, which does the same by psrp", flagTransport, flagTransport)
	}
	if run.changes() && !run.agreed {
		if err := p.mayChange(c); err != nil {
			return err
		}
	}
	reports, err := p.places(c, flagReport, ".json", nil)
	if err == nil {
		err = p.check(c, reports)
	}
	if err != nil {
		return err
	}
	return p.runAt(c, run, format, reports[0])
}

func (p *program) runAt(c *cli.Context, run *scriptCall, format, reportFile string) error {
	session, err := p.session(c)
	if err != nil {
		return err
	}
	defer p.close(c.Context, session)
	o := &operation{p: p, c: c, format: format, session: session, options: p.options(c)}
	result, err := o.run(session.(*remote.Shell), run) // every transport but psrp is one
	p.person().Done()
	if err != nil {
		return err
	}
	saved := afterwards(p.saveJSON(c, reportFile, result))
	return errors.Join(saved, o.each(nil, 1, true, func(int) error {
		return o.result(result)
	}))
}

// run shows what a script would change and asks, where somebody is to be asked, and
// runs it.
func (o *operation) run(shell *remote.Shell, run *scriptCall) (*report.Report, error) {
	script := remote.Script{Text: run.text, Name: string(run.header.Kind) + ".ps1", Parameters: run.parameters, ReadsOnly: !run.changes(),
		Warning: func(text string) { o.p.person().Progress(text) }}
	if run.whatIf {
		script.Parameters = withParameter(script.Parameters, "WhatIf", exchange.Switch(true))
	}
	if !run.changes() {
		return o.runOnce(shell, run, script)
	}
	if !run.agreed && !o.c.Bool(flagYes) {
		preview := script
		preview.ReadsOnly, preview.Parameters = true, withParameter(script.Parameters, "WhatIf", exchange.Switch(true))
		seen, err := o.runOnce(shell, run, preview)
		if err != nil || seen.Outcome != report.Planned {
			return seen, err
		}
		if err := o.agree(seen); err != nil {
			return nil, err
		}
	}
	script.Parameters = withParameter(script.Parameters, "Confirm", exchange.Bool(false))
	// What cannot be undone is refused to the script until somebody agreed to just that.
	_, asks := run.header.Parameter(enableCustomization)
	script.Ask = asks && !run.has(enableCustomization) || !asks && !o.c.Bool(flagYes)
	if asks && script.Ask {
		script.Parameters = withParameter(script.Parameters, enableCustomization, exchange.Switch(true))
	}
	return o.runOnce(shell, run, script)
}

// enableCustomization is the script's switch that agrees to Enable-OrganizationCustomization.
const enableCustomization = "EnableCustomization"

func withParameter(list []exchange.Param, name string, v exchange.Value) []exchange.Param {
	return append(list[:len(list):len(list)], exchange.Param{Name: name, Value: v})
}

// agree shows what a script would change, and asks.
func (o *operation) agree(seen *report.Report) error {
	o.p.person().Done()
	if err := render.Report(o.p.stderr, seen, o.p.style(o.p.stderr)); err != nil {
		return err
	}
	fmt.Fprintln(o.p.stderr)
	agreed, err := o.p.person().Confirm(o.c.Context, "Run the script, which makes these changes?")
	if err == nil && !agreed {
		err = &hintedError{err: fmt.Errorf("%s: declined: nothing was changed", o.c.Command.HelpName), code: exitInterrupted}
	}
	return err
}

// runOnce runs a script and returns its report, or that of why there is none. A command
// that it was refused is asked about; then it runs again.
func (o *operation) runOnce(shell *remote.Shell, run *scriptCall, script remote.Script) (*report.Report, error) {
	begun := o.p.now().UTC().Truncate(time.Second)
	result, err := shell.Run(o.c.Context, script)
	switch {
	case err != nil:
		return o.notRun(run, begun, err), nil
	case result.Asked && o.p.person().Interactive():
		o.p.person().Done()
		agreed, err := o.p.person().Confirm(o.c.Context, "This organization must be customized first: Enable-OrganizationCustomization, which cannot be undone. Run it?")
		if err != nil || !agreed {
			result.Report.Outcome = report.Interrupted
			break
		}
		script.Ask = false
		return o.runOnce(shell, run, script)
	case result.Asked:
		fmt.Fprintf(o.p.stderr, "exgrant: the script was not let run Enable-OrganizationCustomization, which cannot be undone: behind --, -%s agrees to it\n", enableCustomization)
	}
	r := &result.Report
	r.Operation = run.header.Kind.Operation()
	place := o.session.Place()
	r.Operator = cmp.Or(place.Operator, r.Operator)
	r.Target.Server = cmp.Or(r.Target.Server, place.Server)
	r.Target.Transport = place.Transport
	return r, nil
}

// notRun is the report of a script that gave none.
func (o *operation) notRun(run *scriptCall, begun time.Time, err error) *report.Report {
	place := o.session.Place()
	r := &report.Report{Schema: report.Schema, Operation: run.header.Kind.Operation(), StartedAt: begun, FinishedAt: o.p.now().UTC().Truncate(time.Second),
		Operator: place.Operator, Tool: o.options.Tool, Target: report.Target{Server: place.Server, Transport: place.Transport}, Findings: []report.Finding{},
		Steps: []report.Step{{ID: report.StepPreflight, Status: report.StatusFailed}}}
	if o.c.Context.Err() != nil {
		r.Outcome, r.Steps[0].Text = report.Interrupted, "Interrupted before it was done."
	} else {
		f := fault.Of(err)
		r.Outcome, r.Steps[0].Fault = grant.OutcomeOf(f), &f
	}
	if lost := (*exchange.LostReplyError)(nil); errors.As(err, &lost) {
		r.Findings = append(r.Findings, report.Finding{ID: "change-unknown", Severity: report.SeverityWarning,
			Text: "How far the script came is not known. Run it again: what is there is read first."})
	}
	return r
}

// scriptFile reads the script and holds it to its header.
func (p *program) scriptFile(c *cli.Context) ([]byte, psgen.Header, error) {
	name := c.Args().First()
	if name == "" {
		return nil, psgen.Header{}, usageErrorf("%s: no script is named", c.Command.HelpName).withHint("exgrant script grant -o grant.ps1 writes one")
	}
	text, err := p.readDecoded(c, name, maxScript, textfile.DecodeScript)
	if err != nil {
		return nil, psgen.Header{}, err
	}
	if err := mayRun(c, name, text); err != nil {
		return nil, psgen.Header{}, err
	}
	header, err := psgen.ReadHeader(text)
	if err != nil {
		return nil, header, usageErrorf("%s: %s: %w", c.Command.HelpName, fileName(name), err)
	}
	if header.Kind == psgen.KindOffice365 || header.Kind == psgen.KindFieldTest {
		return nil, header, usageErrorf("%s: %s is a script of kind %s, which gives no report", c.Command.HelpName, fileName(name), header.Kind).
			withHint("it is for a person in a shell of Exchange")
	}
	return text, header, nil
}

// A scriptCall is a script with its parameters.
type scriptCall struct {
	text       []byte
	header     psgen.Header
	parameters []exchange.Param
	whatIf     bool
	agreed     bool // -Confirm:$false was given
}

// changes tells whether the run may change something without -WhatIf.
func (s *scriptCall) changes() bool {
	return !s.whatIf && slices.Contains([]psgen.Kind{psgen.KindGrant, psgen.KindRevoke, psgen.KindUndo}, s.header.Kind)
}

func (s *scriptCall) has(parameter string) bool {
	return slices.ContainsFunc(s.parameters, func(p exchange.Param) bool { return p.Name == parameter })
}

// scriptRun reads the script's parameters from the operands behind it.
func scriptRun(c *cli.Context, text []byte, header psgen.Header) (*scriptCall, error) {
	call := &scriptCall{text: text, header: header}
	words := c.Args().Tail()
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, value, given := strings.Cut(word, ":")
		if len(name) < 2 || name[0] != '-' {
			return nil, usageErrorf("%s: %q is no parameter of the script", c.Command.HelpName, word).
				withHint("behind -- stand parameters as PowerShell has them: -TimeoutMinutes 30 -AllowEmpty")
		}
		parameter, err := call.declared(c, name[1:])
		if err != nil {
			return nil, err
		}
		if !given && !parameter.Switch {
			if len(words) == 0 {
				return nil, usageErrorf("%s: %s needs a value", c.Command.HelpName, name).withHint("%s VALUE, or %s:VALUE", name, name)
			}
			value, given = words[0], true
			words = words[1:]
		}
		if err := call.set(c, parameter, value, given); err != nil {
			return nil, err
		}
	}
	return call, nil
}

// ownParameters are those that this program sets, and what to use instead.
var ownParameters = map[string]string{
	"reportpath": "use --report FILE, which is written here",
}

// declared is the parameter of a name. -WhatIf and -Confirm every script has.
func (s *scriptCall) declared(c *cli.Context, name string) (psgen.Parameter, error) {
	for _, common := range []string{"WhatIf", "Confirm"} {
		if strings.EqualFold(name, common) {
			return psgen.Parameter{Name: common, Switch: true}, nil
		}
	}
	if why := ownParameters[strings.ToLower(name)]; why != "" {
		return psgen.Parameter{}, usageErrorf("%s: -%s is not for you to set", c.Command.HelpName, name).withHint("%s", why)
	}
	if p, ok := s.header.Parameter(name); ok {
		return p, nil
	}
	var known []string
	for _, p := range s.header.Parameters {
		if ownParameters[strings.ToLower(p.Name)] == "" {
			known = append(known, "-"+p.Name)
		}
	}
	return psgen.Parameter{}, usageErrorf("%s: the script has no parameter -%s", c.Command.HelpName, name).
		withHint("it has %s", strings.Join(append(known, "-WhatIf", "-Confirm"), ", "))
}

func (s *scriptCall) set(c *cli.Context, p psgen.Parameter, value string, given bool) error {
	for _, before := range s.parameters {
		if before.Name == p.Name {
			return usageErrorf("%s: -%s is given twice", c.Command.HelpName, p.Name).withHint("give it once")
		}
	}
	if !p.Switch {
		if err := exchange.CheckText(value); err != nil {
			return usageErrorf("%s: -%s: %w", c.Command.HelpName, p.Name, err).withHint("it would not be seen in a review")
		}
		s.parameters = append(s.parameters, exchange.Param{Name: p.Name, Value: exchange.String(value)})
		return nil
	}
	on := !given
	switch strings.ToLower(value) {
	case "$true", "true":
		on = true
	case "$false", "false", "":
	default:
		return usageErrorf("%s: -%s:%s is neither $true nor $false", c.Command.HelpName, p.Name, value).withHint("-%s, or '-%s:$false'", p.Name, p.Name)
	}
	switch p.Name {
	case "WhatIf":
		s.whatIf = on
	case "Confirm":
		if on {
			return usageErrorf("%s: nobody can be asked by a script that runs there", c.Command.HelpName).
				withHint("this program shows the changes and asks, unless --%s is given", flagYes)
		}
		s.agreed = true
	default:
		s.parameters = append(s.parameters, exchange.Param{Name: p.Name, Value: exchange.Switch(on)})
	}
	return nil
}
