package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

func (p *program) revokeCommand() *cli.Command {
	return &cli.Command{
		Name:      "revoke",
		Usage:     "take a grant back at a server",
		UsageText: "exgrant revoke [grant flags | -f FILE] --server NAME [flags]\nexgrant revoke --name NAME | --guid GUID | --from REPORT --server NAME [flags]",
		Description: `Removes exactly one assignment, and its scope if the grant made it and nothing
else uses it: the one that the grant describes, the one with a name or a GUID,
or by its report everything that a run changed. Then it tells by what else the
account still reaches mailboxes.
` + signs + `; the
first that cannot be done ends the run. Access that is left ends it last.`,
		Flags: append(append(grantFlags(),
			&cli.StringFlag{Name: flagGUID, Category: "Details", Usage: "the assignment with this `GUID`; its scope stays"},
			&cli.StringFlag{Name: flagFrom, Category: "Details", Usage: "take back what `REPORT` tells: the JSON of --report or of a script's -ReportPath; - for standard input"},
			yesFlag(), reportFlag(), overwriteFlag()), append(formatFlags(reportFormats), sessionFlags()...)...),
		Action: p.revoke,
	}
}

func (p *program) revoke(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	what, grants, err := p.revocations(c)
	if err != nil {
		return err
	}
	if err := p.mayChange(c); err != nil {
		return err
	}
	reports, err := p.places(c, flagReport, ".json", grants)
	if err == nil {
		err = p.check(c, reports)
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
	back := &takeback{o: o}
	return o.each(grants, len(what), true, func(i int) error {
		kept := o.journal(reports[i])
		report, err := told(grant.Revoke(c.Context, session, what[i], o.options))
		if err != nil {
			return errors.Join(back.show(), invalidGrant(c, err))
		}
		p.person().Done()
		return back.add(report, kept, i == len(what)-1)
	})
}

// revocations are what to take back; the grants are those of the flags or the file,
// none when something else says it.
func (p *program) revocations(c *cli.Context) ([]grant.Revocation, []exchange.Grant, error) {
	grantSaid := given(c, append([]string{flagFile}, identifyingFlags...))
	for _, flag := range []string{flagGUID, flagFrom} {
		if !c.IsSet(flag) {
			continue
		}
		if c.String(flag) == "" {
			return nil, nil, emptyValue(c, flag)
		}
		if len(grantSaid) > 0 || c.IsSet(flagGUID) && c.IsSet(flagFrom) {
			return nil, nil, usageErrorf("%s: --%s says what to take back, and nothing else may", c.Command.HelpName, flag).
				withHint("give one of grant flags, -f, --%s and --%s", flagGUID, flagFrom)
		}
	}
	switch {
	case c.IsSet(flagGUID):
		if !exchange.IsGUID(c.String(flagGUID)) {
			return nil, nil, notGUID(c)
		}
		return []grant.Revocation{{GUID: c.String(flagGUID)}}, nil, nil
	case c.IsSet(flagFrom):
		report, err := p.readReport(c, c.String(flagFrom))
		if err == nil {
			err = takesBack(c, report)
		}
		return []grant.Revocation{{Report: &report}}, nil, err
	}
	if p.isNameAlone(c) {
		if c.String(flagName) == "" {
			return nil, nil, emptyValue(c, flagName)
		}
		return []grant.Revocation{{Name: c.String(flagName)}}, nil, nil
	}
	grants, err := p.grants(c)
	what := make([]grant.Revocation, len(grants))
	for i := range grants {
		what[i].Grant = &grants[i]
	}
	return what, grants, err
}

// takesBack refuses, before anything is contacted, a report that takes nothing back.
func takesBack(c *cli.Context, r report.Report) error {
	err := r.CheckInverse()
	if err == nil {
		return nil
	}
	refused := usageErrorf("%s: %s: %w", c.Command.HelpName, fileName(c.String(flagFrom)), err)
	if r.Grant != nil && len(r.Inverse) == 0 {
		return refused.withHint("the report of the run that made the grant takes it back; or name the grant: %s --%s %s", c.Command.HelpName, flagName, shellWord(r.Grant.Name))
	}
	return refused.withHint("give the report as it was written, of a run that changed something")
}
