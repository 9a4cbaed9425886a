package main

import "github.com/urfave/cli/v2"

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "tell whether a grant is in place at a server",
		UsageText: "exgrant verify [grant flags | -f FILE] --server NAME [flags]",
		Description: `Compares what is there with what was asked for, and asks the server which of the
named mailboxes the account reaches. Changes nothing. Exits 0 when everything is
as it should be, else 3.
` + operationExample,
		Flags: append(append(grantFlags(),
			&cli.StringSliceFlag{Name: flagInScope, Category: "Details", Usage: "a `MAILBOX` that must be within reach; repeat the flag for more"},
			&cli.StringSliceFlag{Name: flagOutScope, Category: "Details", Usage: "a `MAILBOX` that must not be; repeat the flag for more"}),
			append(formatFlags(reportFormats), sessionFlags()...)...),
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
	operator, err := p.operator(c, p.options(c))
	if err != nil {
		return err
	}
	defer p.close(c.Context, operator)
	o := &operation{p: p, c: c, format: format, operator: operator}
	return o.each(grants, len(grants), false, func(i int) error {
		report, err := operator.Verify(c.Context, grants[i])
		if err != nil {
			return invalidGrant(c, err)
		}
		return o.result(report)
	})
}
