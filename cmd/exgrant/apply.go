package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

func (p *program) applyCommand() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		Usage:     "make a grant at a server, and read it back",
		UsageText: "exgrant apply [grant flags | -f FILE | PLAN.json] --server NAME [flags]",
		ArgsUsage: "[PLAN.json]",
		Description: `Shows the plan, asks, makes the changes, and reads back what is there. A second
run changes nothing. With PLAN.json it makes the changes of that plan, and
refuses when what the plan rests on has changed since.
` + signs + `; the
first that does not end well ends the run.`,
		Flags: append(append(append(grantFlags(), changeFlags()...),
			&cli.DurationFlag{Name: flagCustomize, Category: "Details",
				Usage: "`TIME` to try again when the organization must be customized first; 60m when not given"},
			&cli.BoolFlag{Name: flagEnableCustomization, Category: "Details",
				Usage: "run Enable-OrganizationCustomization, which cannot be undone, without a question if the server asks for it"},
			yesFlag(), reportFlag(),
			&cli.StringFlag{Name: flagUndo, Category: outputCategory,
				Usage: "write the script that takes exactly these changes back to `FILE` (a folder for several grants)"},
			overwriteFlag()), slices.Concat(namedMailboxFlags(), formatFlags(reportFormats), sessionFlags())...),
		Action: p.apply,
	}
}

func (p *program) apply(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	plans, grants, err := p.wishes(c)
	if err != nil {
		return err
	}
	if d := c.Duration(flagCustomize); c.IsSet(flagCustomize) && d <= 0 {
		return usageErrorf("%s: --%s %v is no time to wait", c.Command.HelpName, flagCustomize, d).withHint("write it as 30m or 2h")
	}
	if err := p.mayChange(c); err != nil {
		return err
	}
	reports, err := p.places(c, flagReport, ".json", grants)
	if err != nil {
		return err
	}
	undos, err := p.places(c, flagUndo, ".ps1", grants)
	if err == nil {
		err = p.check(c, reports, undos)
	}
	if err != nil {
		return err
	}
	options := p.options(c)
	options.Confirm = p.confirm(c)
	session, err := p.session(c)
	if err != nil {
		return err
	}
	defer p.close(c.Context, session)
	o := &operation{p: p, c: c, format: format, session: session, options: options}
	return o.each(grants, len(grants), true, func(i int) error {
		o.options.Beside = otherGrants(grants, i)
		return o.apply(plans[i], grants[i], reports[i], undos[i])
	})
}

// wishes are the grants to make, each with its plan where that was made before.
func (p *program) wishes(c *cli.Context) ([]*report.Plan, []exchange.Grant, error) {
	name := c.Args().First()
	if name == "" {
		grants, err := p.checkedGrants(c)
		return make([]*report.Plan, len(grants)), grants, err
	}
	others := append([]string{flagFile, flagDomainController, flagUpdate, flagEmpty, flagInScope, flagOutScope}, identifyingFlags...)
	for _, flag := range others {
		if c.IsSet(flag) {
			return nil, nil, usageErrorf("%s: %s and %s exclude each other", c.Command.HelpName, name, dashed(flag)).
				withHint("the plan says what to grant: make another plan for something else")
		}
	}
	text, err := p.readText(c, name, 2*report.MaxPlan)
	if err != nil {
		return nil, nil, err
	}
	plan, err := report.ReadPlan(bytes.NewReader(text))
	if err != nil {
		return nil, nil, usageErrorf("%s: %s: %w", c.Command.HelpName, fileName(name), err).withHint("exgrant plan -o PLAN.json writes one")
	}
	return []*report.Plan{plan}, []exchange.Grant{plan.Asked()}, nil
}

// apply makes one grant. Its files are written whatever happens, and first: they
// are the record of what was changed, also where nothing can be printed.
func (o *operation) apply(plan *report.Plan, g exchange.Grant, reportFile, undoFile string) error {
	kept := o.journal(reportFile)
	report, err := o.approved(plan, g)
	if err != nil {
		return err
	}
	o.p.person().Done()
	return errors.Join(kept.end(report), afterwards(o.p.saveUndo(o.c, undoFile, report)), o.result(report))
}

// approved plans where no plan was given, asks, and applies; with nobody to ask it
// makes the grant in one go. It returns the report of what came to an end.
func (o *operation) approved(plan *report.Plan, g exchange.Grant) (*report.Report, error) {
	ctx := o.c.Context
	if plan == nil && o.c.Bool(flagYes) {
		return told(grant.Make(ctx, o.session, g, o.options))
	}
	if plan == nil {
		made, err := grant.NewPlan(ctx, o.session, g, o.options)
		if err != nil {
			return told(nil, err)
		}
		plan = made
	}
	agreed, err := o.approve(plan)
	if err != nil && ctx.Err() != nil {
		return o.notMade(plan), nil
	}
	if err != nil {
		return nil, err
	}
	if !agreed {
		return nil, &hintedError{err: fmt.Errorf("%s: declined: nothing was changed", o.c.Command.HelpName), code: exitInterrupted}
	}
	return told(grant.Apply(ctx, o.session, plan, o.options))
}

// notMade is the report of a plan that was shown, and interrupted at the question.
func (o *operation) notMade(plan *report.Plan) *report.Report {
	r := render.PlanReport(plan, report.Interrupted)
	place := o.session.Place()
	r.Operation, r.Tool, r.Operator = report.OperationGrant, o.options.Tool, place.Operator
	r.Target.Server, r.Target.Transport = place.Server, place.Transport
	r.StartedAt = o.p.now().UTC().Truncate(time.Second)
	r.FinishedAt = r.StartedAt
	return r
}

// approve shows a plan and asks whether it may be made.
func (o *operation) approve(plan *report.Plan) (bool, error) {
	if o.c.Bool(flagYes) || len(plan.Changes) == 0 {
		return true, nil
	}
	o.p.person().Done()
	if err := render.Plan(o.p.stderr, plan, o.p.style(o.p.stderr)); err != nil {
		return false, err
	}
	fmt.Fprintln(o.p.stderr)
	changes := "this change"
	if n := len(plan.Changes); n > 1 {
		changes = fmt.Sprintf("these %d changes", n)
	}
	question := "Make " + changes + "?"
	if slices.ContainsFunc(plan.Changes, func(c report.Change) bool { return strings.Contains(c.Why, report.Widening) }) {
		question = report.Widening + " " + question
	}
	return o.p.person().Confirm(o.c.Context, question)
}
