package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

// signs end the description of the commands that print steps.
const signs = `Signs: + create, ~ change, - remove, = as it should be or left alone, x failed,
/ not tried, ! worth knowing. Several grants of a file are done in order`

func (p *program) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what a grant would change at a server",
		UsageText: "exgrant plan [grant flags | -f FILE] --server NAME [flags]",
		Description: `Shows each change with its exact command, what is left alone and why. Changes
nothing. -o keeps the plan for exgrant apply, which makes exactly its changes.
` + signs + `.`,
		Flags: append(append(append(grantFlags(), changeFlags()...),
			&cli.BoolFlag{Name: flagExitCode, Category: outputCategory, Usage: "exit with 3 when there is something to change"},
			&cli.StringFlag{Name: flagOutput, Category: outputCategory,
				Usage: "keep the plan in `FILE` (or folder) for exgrant apply"},
			overwriteFlag()), append(formatFlags(reportFormats), sessionFlags()...)...),
		Action: p.plan,
	}
}

// changeFlags are those that decide what may be changed.
func changeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: flagUpdate, Category: "Details", Usage: "change the scope that our own name has now"},
		&cli.BoolFlag{Name: flagEmpty, Category: "Details", Usage: "grant although the scope holds nobody now"},
	}
}

func (p *program) plan(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	if err := checkEnding(c, reportFormats); err != nil {
		return err
	}
	grants, err := p.checkedGrants(c)
	if err != nil {
		return err
	}
	kept := c.IsSet(flagOutput) && !c.IsSet(flagFormat) && !c.Bool(flagJSON) &&
		slices.Contains([]string{"", formatJSON}, formatOfFile(c.String(flagOutput)))
	if kept {
		format = formatJSON // for apply; a person sees it beside
	}
	files, err := p.planFiles(c, format, grants)
	if err != nil {
		return err
	}
	session, err := p.session(c)
	if err != nil {
		return err
	}
	defer p.close(c.Context, session)
	o := &operation{p: p, c: c, format: format, session: session, options: p.options(c), beside: kept}
	if len(files) == 1 {
		return p.intoFile(c, files[0], func() error {
			return o.each(grants, len(grants), false, func(i int) error { return o.plan(grants[i], otherGrants(grants, i)) })
		})
	}
	return o.each(grants, len(grants), false, func(i int) error {
		return p.intoFile(c, files[i], func() error { return o.plan(grants[i], otherGrants(grants, i)) })
	})
}

// planFiles are the files of the plans: one for each in JSON, since apply takes one plan,
// and else one for all. They are refused here where they could not be written.
func (p *program) planFiles(c *cli.Context, format string, grants []exchange.Grant) (places, error) {
	if !c.IsSet(flagOutput) || format != formatJSON || len(grants) <= 1 {
		path, err := p.outputPath(c)
		return places{path}, err
	}
	files, err := p.places(c, flagOutput, ".json", grants)
	if err == nil {
		err = p.check(c, files)
	}
	return files, err
}

// noPlan tells why there is none. The file of a plan gets plans only, and an older one
// stays: exgrant apply reads it.
func (o *operation) noPlan(r *report.Report) error {
	path := o.c.String(flagOutput)
	if o.format != formatJSON || path == "" || path == "-" {
		return o.result(r)
	}
	o.p.person().Done()
	o.p.advise(o.c, r)
	o.keep(r.Outcome)
	if o.beside {
		return render.Report(o.p.stderr, r, o.p.style(o.p.stderr))
	}
	o.p.tellFailure(o.c, r)
	return nil
}

func (o *operation) plan(g exchange.Grant, others []exchange.Grant) error {
	o.options.Beside = others
	plan, err := grant.NewPlan(o.c.Context, o.session, g, o.options)
	if stopped, err := told(nil, err); err != nil {
		return inCommand(o.c, err)
	} else if stopped != nil {
		return o.noPlan(stopped)
	}
	o.p.person().Done()
	outcome := report.Planned
	if plan.Outcome == report.Differs {
		outcome = report.Differs
	}
	if o.c.Bool(flagExitCode) && len(plan.Changes) > 0 {
		outcome = report.Differs
	}
	if o.beside {
		if err := render.Plan(o.p.stderr, plan, o.p.style(o.p.stderr)); err != nil {
			return err
		}
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
	return nil
}
