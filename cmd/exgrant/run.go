package main

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
)

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a reviewed script in a PowerShell, and read its report",
		UsageText: "exgrant run SCRIPT.ps1 --transport winrs|local [flags] [-- -Param value ...]",
		ArgsUsage: "SCRIPT.ps1 ...",
		Description: `Runs a full script that exgrant wrote, byte for byte, and refuses one that was
changed since. A signature on it is checked where it runs. Shows what a script
would change and asks; -- -WhatIf only shows it. What follows -- goes to the
script: -DomainController DC01, -UpdateScope, -TimeoutMinutes 30 …`,
		Flags:  append(append([]cli.Flag{yesFlag(), reportFlag(), overwriteFlag()}, formatFlags(reportFormats)...), sessionFlags()...),
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
	return p.runAt(c, way, run, format, reports[0])
}

func (p *program) runAt(c *cli.Context, way remote.Transport, run *scriptCall, format, reportFile string) error {
	runner, username, err := p.runner(c, way)
	if err != nil {
		return err
	}
	options := p.options(c)
	options.Operator = username
	if run.changes() && !run.agreed {
		options.Confirm = p.confirm(c)
	}
	operator := operate.Scripted(runner, options)
	defer p.close(c.Context, operator)
	report := operator.Run(c.Context, operate.Script{Text: run.text, Kind: run.header.Kind, Parameters: run.parameters, WhatIf: run.whatIf})
	p.person().Done()
	o := &operation{p: p, c: c, format: format, operator: operator}
	saved := afterwards(p.saveJSON(c, reportFile, report))
	return errors.Join(saved, o.each(nil, 1, true, func(int) error {
		if report.Operation == exchange.OperationAudit && format == formatText {
			return o.holders(report)
		}
		return o.result(report)
	}))
}

// holders prints the report of an audit for a person.
func (o *operation) holders(report *exchange.Report) error {
	w := render.NewAuditText(o.p.stdout, o.p.style(o.p.stdout))
	for _, h := range report.Holders {
		if err := w.Holder(h); err != nil {
			return err
		}
	}
	o.keep(report.Outcome)
	return w.End(report)
}

// scriptFile reads the script and holds it to its header.
func (p *program) scriptFile(c *cli.Context) ([]byte, psgen.Header, error) {
	name := c.Args().First()
	if name == "" {
		return nil, psgen.Header{}, usageErrorf("%s: no script is named", c.Command.HelpName).withHint("exgrant script grant -o grant.ps1 writes one")
	}
	r, err := p.open(c, name)
	if err != nil {
		return nil, psgen.Header{}, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxScript+1))
	switch {
	case c.Context.Err() != nil:
		return nil, psgen.Header{}, c.Context.Err()
	case err != nil:
		return nil, psgen.Header{}, cannotRead(c, name, err)
	case len(text) > maxScript:
		return nil, psgen.Header{}, usageErrorf("%s: %s is longer than %d MiB: it is no script of exgrant", c.Command.HelpName, fileName(name), maxScript>>20).
			withHint("exgrant script writes the scripts that this command runs")
	}
	header, err := psgen.ReadHeader(text)
	if err != nil {
		return nil, header, usageErrorf("%s: %s: %w", c.Command.HelpName, fileName(name), err).
			withHint("generate it again with exgrant script, and review that").
			withHint("git and editors may change line ends: *.ps1 -text in .gitattributes keeps them")
	}
	if !slices.Contains([]string{exchange.OperationGrant, exchange.OperationRevoke, exchange.OperationStatus, exchange.OperationAudit}, header.Kind) {
		return nil, header, usageErrorf("%s: %s is a script of kind %s, which gives no record", c.Command.HelpName, fileName(name), header.Kind).
			withHint("%s", kindHint(header.Kind))
	}
	return text, header, nil
}

func kindHint(kind string) string {
	if strings.HasSuffix(kind, "-minimal") {
		return "generate it with --style full; minimal scripts are for a person in a management shell"
	}
	return "it is for a person in a shell of Exchange Online"
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
	return !s.whatIf && (s.header.Kind == exchange.OperationGrant || s.header.Kind == exchange.OperationRevoke)
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
				withHint("behind -- stand parameters as PowerShell has them: -DomainController DC01 -UpdateScope")
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
	"recordmarker": "this program sets it", "asjson": "use --json", "reportpath": "use --report FILE, which is written here",
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
