package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/ladder"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "tell whether a grant is in place at a server",
		UsageText: "exgrant verify [grant flags | -f FILE] --server NAME [flags]\nexgrant verify --name NAME | --guid GUID --server NAME [flags]",
		Description: `Compares what is there with what was asked for, and asks the server which of the
named mailboxes the account reaches. With --as and --ews-url it also logs on as
that account and proves it over Exchange Web Services, as exgrant diagnose does.
Changes nothing. Exits 0 when everything is as it should be, else 3: also when
another grant lets the account reach more. Grants of one file explain one
another; --accept names what else is known.
` + signs + `.`,
		Flags: slices.Concat(grantFlags(), []cli.Flag{
			&cli.StringFlag{Name: flagGUID, Category: "Details", Usage: "the assignment with this `GUID`, instead of grant flags"},
			&cli.StringSliceFlag{Name: flagAccept, Category: "Details",
				Usage: "another assignment of the account, by `NAME` or GUID, that is known; repeatable"},
		}, mailboxFlags(), ewsFlags(), formatFlags(reportFormats), sessionFlags()),
		Action: p.verify,
	}
}

func (p *program) verify(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	subjects, err := p.subjects(c)
	if err != nil {
		return err
	}
	proof, err := p.watch(c)
	if err == nil && p.asksEWS(c) {
		proof, err = p.ladder(c)
	}
	if err != nil {
		return err
	}
	session, err := p.session(c)
	if err != nil {
		return err
	}
	defer p.close(c.Context, session)
	o := &operation{p: p, c: c, format: format, session: session, options: p.options(c)}
	return o.each(nil, len(subjects), false, func(i int) error {
		proof.InScope, proof.OutOfScope = subjects[i].grant.InScope, subjects[i].grant.OutOfScope
		o.options.Beside = beside(subjects, i)
		report, err := proof.Climb(c.Context, o.verification(subjects[i], proof))
		if err != nil {
			return invalidGrant(c, err)
		}
		return o.result(report)
	})
}

// A subject is what is verified: a grant, or an assignment that is known by its name or
// GUID; of the grant, the mailboxes and what is accepted count then.
type subject struct {
	identity string
	grant    exchange.Grant
}

// subjects are what the command line asks to verify.
func (p *program) subjects(c *cli.Context) ([]subject, error) {
	byGUID := c.IsSet(flagGUID)
	if !byGUID && !p.isNameAlone(c) {
		grants, err := p.checkedGrants(c)
		all := make([]subject, len(grants))
		for i, g := range grants {
			all[i].grant = g
		}
		return all, err
	}
	flag := flagName
	if byGUID {
		flag = flagGUID
		if set := given(c, append([]string{flagFile}, identifyingFlags...)); len(set) > 0 {
			return nil, usageErrorf("%s: --%s says what to verify, and nothing else may", c.Command.HelpName, flagGUID).
				withHint("give one of grant flags, -f, --%s and --%s", flagName, flagGUID)
		}
	}
	s := subject{identity: c.String(flag)}
	switch {
	case s.identity == "":
		return nil, emptyValue(c, flag)
	case byGUID && !exchange.IsGUID(s.identity):
		return nil, notGUID(c)
	}
	addChecks(c, &s.grant)
	return []subject{s}, nil
}

// notGUID is the error of a --guid that is none.
func notGUID(c *cli.Context) error {
	return usageErrorf("%s: --%s \"%s\" is not a GUID", c.Command.HelpName, flagGUID, c.String(flagGUID)).
		withHint("exgrant audit shows the GUID of every assignment")
}

// beside are the grants of the others: grants of one file explain each other.
func beside(subjects []subject, i int) []exchange.Grant {
	var others []exchange.Grant
	for j, s := range subjects {
		if j != i && s.identity == "" {
			others = append(others, s.grant)
		}
	}
	return others
}

// verification looks at one grant, and, where Exchange Web Services are asked too, at
// what their account reaches.
func (o *operation) verification(s subject, l ladder.Ladder) func(context.Context) (ladder.Look, error) {
	return func(ctx context.Context) (ladder.Look, error) {
		verify := func() (*report.Report, error) { return told(grant.Verify(ctx, o.session, s.grant, o.options)) }
		if s.identity != "" {
			verify = func() (*report.Report, error) {
				return told(grant.VerifyAssignment(ctx, o.session, s.identity, s.grant, o.options))
			}
		}
		result, err := verify()
		look := ladder.Look{Report: result}
		if err != nil || l.Client == nil || result.Outcome.ExitCode() != 0 && result.Outcome != report.Differs {
			return look, err
		}
		look.Reach = grant.FindReach(ctx, o.session, l.Account, s.grant.InScope, s.grant.OutOfScope, o.options)
		if isAccountOf(result, look.Reach, l.Account) {
			result.Account = l.Account
		} else {
			tellOtherAccount(result, cmp.Or(look.Reach.Account.Name, l.Account))
			look.Settled = true
		}
		return look, nil
	}
}
