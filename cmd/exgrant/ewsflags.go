package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/ladder"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

// The EWS flags: where Exchange Web Services are, and who logs on there. Each has a
// variable as the SESSION flags have.
const (
	flagEWSURL         = "ews-url"
	flagAs             = "as"
	flagAsPasswordFile = "as-password-file"
	flagEWSAuth        = "ews-auth"
	flagUserAgent      = "user-agent"
	flagWait           = "wait"
)

func ewsFlags() []cli.Flag {
	const category = "Exchange Web Services (each also as variable: EXGRANT_EWS_URL, EXGRANT_AS …)"
	return []cli.Flag{
		&cli.StringFlag{Name: flagEWSURL, Category: category,
			Usage: "the `URL` to ask: https://ex01.contoso.com/EWS/Exchange.asmx; when not given, that of --server, else Autodiscover finds it"},
		&cli.StringFlag{Name: flagAs, Category: category, Usage: "the `ACCOUNT` that the right is for, which logs on there: USER@REALM or DOMAIN\\USER"},
		&cli.StringFlag{Name: flagAsPasswordFile, Category: category,
			Usage: "its password is the first line of `FILE`, - for standard input; else EXGRANT_AS_PASSWORD, else that of exgrant login, else it is asked for"},
		&cli.StringFlag{Name: flagEWSAuth, Category: category, Value: string(ews.Negotiate),
			Usage: "how it logs on: `METHOD` is negotiate, kerberos, ntlm or, over TLS or to this computer only, basic"},
		&cli.StringFlag{Name: flagUserAgent, Category: category,
			Usage: "be `TEXT` to it, as the product that the right is for is: an organization may let only some programs in; exgrant and its version when not given"},
	}
}

func mailboxFlags() []cli.Flag {
	return append(namedMailboxFlags(),
		&cli.DurationFlag{Name: flagWait, Category: "Details", Usage: "look again for this `TIME`, such as 30m, until everything is in effect; then say how long it took"})
}

// namedMailboxFlags name the mailboxes that show where a grant ends.
func namedMailboxFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: flagInScope, Category: "Details", Usage: "a `MAILBOX` that must be within reach; repeatable"},
		&cli.StringSliceFlag{Name: flagOutScope, Category: "Details", Usage: "a `MAILBOX` that must not be; repeatable"},
	}
}

// asksEWS tells whether the proof over Exchange Web Services is asked for: by any of
// their flags, or by the variable that names the account.
func (p *program) asksEWS(c *cli.Context) bool {
	return p.setting(c, flagAs) != "" || slices.ContainsFunc([]string{flagEWSURL, flagAsPasswordFile, flagEWSAuth}, c.IsSet)
}

// ladder is the proof that the EWS flags ask for. It contacts nobody, and asks for the
// password where it must.
func (p *program) ladder(c *cli.Context) (ladder.Ladder, error) {
	l, err := p.watch(c)
	if err != nil {
		return l, err
	}
	l.Account = p.setting(c, flagAs)
	if l.URL, err = p.webAddress(c); err != nil {
		return l, err
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

// webAddress is the URL of Exchange Web Services: as given, or that of the server that
// is named; "" is left to Autodiscover.
func (p *program) webAddress(c *cli.Context) (string, error) {
	given, server := p.setting(c, flagEWSURL), p.setting(c, flagServer)
	if c.IsSet(flagEWSURL) && given == "" {
		return "", emptyValue(c, flagEWSURL)
	}
	way, err := p.transport(c)
	if err != nil || server == "" || way == remote.Local {
		return given, err
	}
	target, err := p.target(c)
	if err != nil {
		return "", err
	}
	endpoint, err := target.URL(way)
	if err != nil {
		return "", usageErrorf("%s: %w", c.Command.HelpName, err).withHint("%s --help shows the SESSION flags", c.Command.HelpName)
	}
	web := &url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host, Path: "/EWS/Exchange.asmx"}
	if own, err := netip.ParseAddr(endpoint.Hostname()); way != remote.PSRP || web.Scheme != "https" && (err != nil || !own.IsLoopback()) {
		web.Scheme, web.Host = "https", endpoint.Hostname() // on the port of https, whichever the other is on
		if strings.Contains(web.Host, ":") {
			web.Host = "[" + web.Host + "]"
		}
	}
	if given != "" {
		if web, err = url.Parse(given); err != nil {
			return given, nil // which is refused as what it is
		}
	}
	if target.ConnectTo != "" && (web.Scheme != endpoint.Scheme || port(web) != port(endpoint)) {
		return "", usageErrorf("%s: --%s leads to one port, and the server's PowerShell is at port %s while its Exchange Web Services are at port %s", c.Command.HelpName,
			flagConnectTo, port(endpoint), port(web)).withHint("--%s where both are at port 443; or ask one of the two in a run of its own", flagTLS)
	}
	return web.String(), nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// watch is a ladder that asks nothing of Exchange Web Services, and only looks again.
func (p *program) watch(c *cli.Context) (ladder.Ladder, error) {
	if d := c.Duration(flagWait); c.IsSet(flagWait) && d <= 0 {
		return ladder.Ladder{}, usageErrorf("%s: --%s %v is no time to wait", c.Command.HelpName, flagWait, d).withHint("write it as 90s or 30m")
	}
	return ladder.Ladder{
		Wait: c.Duration(flagWait), Now: p.now, Sleep: sleep,
		Progress: func(s report.Step) { p.person().Progress(s.ID + ": " + s.Text) },
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
	return p.passwordFrom(c, p.setting(c, flagAsPasswordFile), "EXGRANT_AS_PASSWORD", account, flagAsPasswordFile)
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
