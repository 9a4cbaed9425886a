package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "tell whether a grant is in place at a server",
		UsageText: "exgrant verify [grant flags | -f FILE] --server NAME [flags]",
		Description: `Compares what is there with what was asked for, and asks the server which of the
named mailboxes the account reaches. With --as and --ews-url it also logs on as
that account and proves it over Exchange Web Services, as exgrant diagnose does.
Changes nothing. Exits 0 when everything is as it should be, else 3.
` + operationExample,
		Flags:  slices.Concat(grantFlags(), mailboxFlags(), ewsFlags(), formatFlags(reportFormats), sessionFlags()),
		Action: p.verify,
	}
}

func (p *program) verify(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	grants, err := p.grants(c)
	if err != nil {
		return err
	}
	for i := range grants {
		grants[i].InScope = append(grants[i].InScope, c.StringSlice(flagInScope)...)
		grants[i].OutOfScope = append(grants[i].OutOfScope, c.StringSlice(flagOutScope)...)
		if err := grants[i].Validate(); err != nil {
			return invalidGrant(c, err)
		}
	}
	ladder, err := p.watch(c)
	if err == nil && p.asksEWS(c) {
		ladder, err = p.ladder(c)
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
	return o.each(grants, len(grants), false, func(i int) error {
		ladder.InScope, ladder.OutOfScope = grants[i].InScope, grants[i].OutOfScope
		report, err := ladder.Climb(c.Context, verification(operator, grants[i], ladder))
		if err != nil {
			return invalidGrant(c, err)
		}
		return o.result(report)
	})
}

// verification looks at one grant, and, where Exchange Web Services are asked too, at
// what their account reaches.
func verification(operator operate.Operator, g exchange.Grant, l operate.Ladder) func(context.Context) (operate.Look, error) {
	return func(ctx context.Context) (operate.Look, error) {
		report, err := operator.Verify(ctx, g)
		look := operate.Look{Report: report}
		reacher, ok := operator.(operate.Reacher)
		if err != nil || !ok || l.Client == nil || report.Outcome.ExitCode() != 0 && report.Outcome != exchange.Differs {
			return look, err
		}
		look.Reach = reacher.FindReach(ctx, l.Account, g.InScope, g.OutOfScope)
		report.Account = l.Account
		return look, nil
	}
}
