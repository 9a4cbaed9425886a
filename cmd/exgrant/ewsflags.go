package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
)

// The EWS flags: where Exchange Web Services are, and who logs on there. Each has a
// variable as the SESSION flags have.
const (
	flagEWSURL         = "ews-url"
	flagAs             = "as"
	flagAsPasswordFile = "as-password-file"
	flagEWSAuth        = "ews-auth"
	flagWait           = "wait"
)

func ewsFlags() []cli.Flag {
	const category = "Exchange Web Services (each also as variable: EXGRANT_EWS_URL, EXGRANT_AS …)"
	return []cli.Flag{
		&cli.StringFlag{Name: flagEWSURL, Category: category,
			Usage: "the `URL` to ask: https://ex01.contoso.com/EWS/Exchange.asmx; when not given, Autodiscover finds it"},
		&cli.StringFlag{Name: flagAs, Category: category, Usage: "the `ACCOUNT` that the right is for, which logs on there: USER@REALM or DOMAIN\\USER"},
		&cli.StringFlag{Name: flagAsPasswordFile, Category: category,
			Usage: "its password is the first line of `FILE`, - for standard input; else EXGRANT_AS_PASSWORD, else that of exgrant login, else it is asked for"},
		&cli.StringFlag{Name: flagEWSAuth, Category: category, Value: string(ews.Negotiate),
			Usage: "how it logs on: `METHOD` is negotiate, kerberos, ntlm or, over TLS or to this computer only, basic"},
	}
}

func mailboxFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: flagInScope, Category: "Details", Usage: "a `MAILBOX` that must be within reach; repeat the flag for more"},
		&cli.StringSliceFlag{Name: flagOutScope, Category: "Details", Usage: "a `MAILBOX` that must not be; repeat the flag for more"},
		&cli.DurationFlag{Name: flagWait, Category: "Details", Usage: "look again for this `TIME`, such as 30m, until everything is in effect; then say how long it took"},
	}
}

// asksEWS tells whether the proof over Exchange Web Services is asked for: by any of
// their flags, or by the variable that names the account.
func (p *program) asksEWS(c *cli.Context) bool {
	return p.setting(c, flagAs) != "" || slices.ContainsFunc([]string{flagEWSURL, flagAsPasswordFile, flagEWSAuth}, c.IsSet)
}

// ladder is the proof that the EWS flags ask for. It contacts nobody, and asks for the
// password where it must.
func (p *program) ladder(c *cli.Context) (operate.Ladder, error) {
	l, err := p.watch(c)
	if err != nil {
		return l, err
	}
	l.Account, l.URL = p.setting(c, flagAs), p.setting(c, flagEWSURL)
	if c.IsSet(flagEWSURL) && l.URL == "" {
		return l, emptyValue(c, flagEWSURL)
	}
	if l.Account == "" {
		return l, usageErrorf("%s: nobody is named to act for the mailboxes", c.Command.HelpName).
			withHint("--%s svc@contoso.com, or EXGRANT_AS: the account that has the right", flagAs)
	}
	w, err := p.webServices(c, l.Account)
	if err == nil {
		err = w.check(l.URL)
	}
	if err != nil {
		return l, err
	}
	password, err := p.asPassword(c, l.Account)
	if err != nil {
		return l, err
	}
	if err := w.logOn(password); err != nil {
		return l, err
	}
	l.Anonymous, l.Client, l.Discover = w.anonymous, w.client, w.discover
	return l, nil
}

// watch is a ladder that asks nothing of Exchange Web Services, and only looks again.
func (p *program) watch(c *cli.Context) (operate.Ladder, error) {
	if d := c.Duration(flagWait); c.IsSet(flagWait) && d <= 0 {
		return operate.Ladder{}, usageErrorf("%s: --%s %v is no time to wait", c.Command.HelpName, flagWait, d).withHint("write it as 90s or 30m")
	}
	return operate.Ladder{
		Wait: c.Duration(flagWait), Now: p.now, Sleep: sleep,
		Progress: func(s exchange.Step) { p.person().Progress(s.ID + ": " + s.Text) },
		Waiting:  func(text string) { p.person().Progress(text) },
	}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asPassword is the password of the account that logs on to Exchange Web Services: the
// first of these that is there, even if it is wrong.
func (p *program) asPassword(c *cli.Context, account string) (remote.Secret, error) {
	file := p.setting(c, flagAsPasswordFile)
	if file == "-" && p.setting(c, flagPasswordFile) == "-" {
		return remote.Secret{}, usageErrorf("%s: standard input cannot be read twice", c.Command.HelpName).
			withHint("put one of the passwords into a file, or into EXGRANT_AS_PASSWORD")
	}
	return p.passwordFrom(c, file, "EXGRANT_AS_PASSWORD", account, flagAsPasswordFile)
}

// trace tells every request on standard error, where --verbose asks for that.
func (p *program) trace(c *cli.Context) func(line string) {
	if !c.Bool(flagVerbose) {
		return nil
	}
	person := p.person()
	return func(line string) { // of several goroutines at once
		p.tracing.Lock()
		defer p.tracing.Unlock()
		person.Done()
		fmt.Fprintf(p.stderr, "%s %s\n", p.now().UTC().Format("15:04:05.000"), line)
	}
}
