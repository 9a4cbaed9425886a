package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/ladder"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

const (
	flagWriteTest = "write-test"
	flagLoad      = "load"
)

// maxLoad bounds --load: a test, not an attack.
const maxLoad = 100

func (p *program) diagnoseCommand() *cli.Command {
	return &cli.Command{
		Name:      "diagnose",
		Usage:     "prove that impersonation works, and only where it should",
		UsageText: "exgrant diagnose --as ACCOUNT --in-scope BOX --out-of-scope BOX [flags]\nexgrant diagnose --as ACCOUNT … --server NAME [flags]",
		Description: `Logs on to Exchange Web Services as the account that has the right, and tries
the server, the log-on, the calendar of each mailbox in scope, and each mailbox
out of scope, which must be refused. Of each step it says what was tried and
seen, what that means and what to do; one that fails stops no other. Success out
of scope is a security finding.

With --server it also asks the organization which mailboxes the role assignments
give, sets both side by side, and says why they differ. Without it mailboxes are
given by their addresses.

Changes nothing, but with --write-test, which creates an appointment without
attendees in the first mailbox in scope and deletes it. Exits 0 when everything
is as it should be, else 3; 5 when the account could not log on. --format junit
makes a test of each step, for CI and monitoring; --format html a page.`,
		Flags: slices.Concat(ewsFlags(), mailboxFlags(), []cli.Flag{
			&cli.BoolFlag{Name: flagWriteTest, Category: "Details", Usage: "also create and delete an appointment without attendees"},
			&cli.IntFlag{Name: flagLoad, Category: "Details", Usage: "also read the first mailbox in scope `N` times at once"},
		}, formatFlags(reportFormats), sessionFlags()),
		Action: p.diagnose,
	}
}

func (p *program) diagnose(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	in, out := c.StringSlice(flagInScope), c.StringSlice(flagOutScope)
	way, err := p.transport(c)
	if err != nil {
		return err
	}
	asksServer := p.setting(c, flagServer) != "" || way == remote.Local
	if err := checkMailboxes(c, in, out, asksServer); err != nil {
		return err
	}
	if n := c.Int(flagLoad); c.IsSet(flagLoad) && (n < 1 || n > maxLoad) {
		return usageErrorf("%s: --%s %d is not from 1 to %d", c.Command.HelpName, flagLoad, n, maxLoad).withHint("27 at once is what Exchange allows an account by default")
	}
	proof, err := p.ladder(c)
	if err != nil {
		return err
	}
	if len(in)+len(out) == 0 {
		return usageErrorf("%s: no mailbox to try", c.Command.HelpName).
			withHint("--%s MAILBOX and --%s MAILBOX: one that the account should reach, and one that it should not", flagInScope, flagOutScope)
	}
	proof.InScope, proof.OutOfScope = in, out
	proof.WriteTest, proof.Load = c.Bool(flagWriteTest), c.Int(flagLoad)
	look := p.lookNowhere(proof.Account)
	if asksServer {
		session, err := p.session(c)
		if err != nil {
			return err
		}
		defer p.close(c.Context, session)
		look = reachOf(session, p.options(c), proof)
	}
	o := &operation{p: p, c: c, format: format}
	return o.each(nil, 1, true, func(int) error {
		report, err := proof.Climb(c.Context, look)
		if err != nil {
			return inCommand(c, err)
		}
		return o.result(report)
	})
}

// reachOf looks at what the role assignments give the ladder's account.
func reachOf(s remote.Session, o grant.Options, l ladder.Ladder) func(context.Context) (ladder.Look, error) {
	return func(ctx context.Context) (ladder.Look, error) {
		reach := grant.FindReach(ctx, s, l.Account, l.InScope, l.OutOfScope, o)
		reach.Report.Account = l.Account
		return ladder.Look{Report: reach.Report, Reach: reach}, nil
	}
}

// lookNowhere is what the organization says where it is not asked.
func (p *program) lookNowhere(account string) func(context.Context) (ladder.Look, error) {
	return func(context.Context) (ladder.Look, error) {
		return ladder.Look{Report: &report.Report{Schema: report.Schema, Operation: report.OperationDiagnose, Outcome: report.Verified,
			Tool: p.tool(), Account: account, StartedAt: p.now().UTC().Truncate(time.Second)}}, nil
	}
}

// checkMailboxes refuses, before anybody is asked, names that nobody could find.
func checkMailboxes(c *cli.Context, in, out []string, asksServer bool) error {
	for _, list := range []struct {
		flag      string
		mailboxes []string
	}{{flagInScope, in}, {flagOutScope, out}} {
		for _, mailbox := range list.mailboxes {
			switch {
			case exchange.CheckIdentity(mailbox) != nil:
				return usageErrorf("%s: --%s: %w", c.Command.HelpName, list.flag, exchange.CheckIdentity(mailbox)).withHint("give its address, such as anna@contoso.com")
			case !asksServer && !strings.Contains(mailbox, "@"):
				return usageErrorf("%s: --%s \"%s\" is no address", c.Command.HelpName, list.flag, mailbox).
					withHint("give its address, such as anna@contoso.com; with --%s any name will do", flagServer)
			case list.flag == flagOutScope && slices.ContainsFunc(in, func(m string) bool { return strings.EqualFold(m, mailbox) }):
				return usageErrorf("%s: \"%s\" cannot be in scope and out of scope", c.Command.HelpName, mailbox).withHint("name it once")
			}
		}
	}
	return nil
}
