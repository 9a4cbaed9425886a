package main

import (
	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const operationExample = `
With several grants in the -f file, one after the other; --json prints one
document for each. --format junit (a report of tests, for CI and monitoring) and
--format html (one page, for a browser, paper or a change request) print one
document for all, at the end.`

func (p *program) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what a grant would change at a server",
		UsageText: "exgrant plan [grant flags | -f FILE] --server NAME [flags]",
		Description: `Looks everything up and shows each change with its exact command, what is left
alone and why. Changes nothing. -o keeps the plan for exgrant apply, which
refuses it when what it rests on has changed meanwhile.
` + operationExample,
		Flags: append(append(append(grantFlags(), changeFlags()...),
			&cli.BoolFlag{Name: flagExitCode, Category: outputCategory, Usage: "exit with 3 when there is something to change"},
			&cli.StringFlag{Name: flagOutput, Category: outputCategory, Usage: "also keep the plan as JSON in `FILE` (a folder for several grants)"},
			overwriteFlag()), append(formatFlags(reportFormats), sessionFlags()...)...),
		Action: p.plan,
	}
}

// changeFlags are those that decide what may be changed.
func changeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: flagUpdate, Category: "Details", Usage: "change the scope where the assignment, or the scope, has our name and another definition"},
		&cli.BoolFlag{Name: flagEmpty, Category: "Details", Usage: "grant also when the scope holds no recipient now"},
	}
}

func (p *program) plan(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	grants, err := p.grants(c)
	if err != nil {
		return err
	}
	files, err := p.places(c, flagOutput, ".json", grants)
	if err == nil {
		err = p.check(c, files)
	}
	if err != nil {
		return err
	}
	operator, err := p.operator(c, p.options(c))
	if err != nil {
		return err
	}
	defer p.close(c.Context, operator)
	o := &operation{p: p, c: c, format: format, operator: operator}
	return o.each(grants, len(grants), false, func(i int) error { return o.plan(grants[i], files[i]) })
}

func (o *operation) plan(g exchange.Grant, file string) error {
	plan, report, err := o.operator.Plan(o.c.Context, g)
	if err != nil {
		return inCommand(o.c, err)
	}
	if plan == nil {
		return o.result(report)
	}
	o.p.person().Done()
	outcome := exchange.Planned
	if o.c.Bool(flagExitCode) && len(plan.Changes) > 0 {
		outcome = exchange.Differs
	}
	switch o.format {
	case formatText:
		err = render.Plan(o.p.stdout, plan, o.p.style(o.p.stdout))
	case formatJSON:
		err = render.JSON(o.p.stdout, plan)
	default:
		o.reports = append(o.reports, render.PlanReport(plan, outcome))
	}
	if err != nil {
		return err
	}
	o.keep(outcome)
	return o.p.saveJSON(o.c, file, plan)
}
