package main

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/ews"
)

// webServices are the ways to Exchange Web Services and Autodiscover for one account.
type webServices struct {
	command    string // for errors
	credential ews.Credential
	transport  ews.TransportConfig
	config     ews.Config // without URL and transport
	anonymous  *http.Transport
	loggedOn   *ews.LogOn
}

// webServices reads the EWS flags, but for the password.
func (p *program) webServices(c *cli.Context, account string) (*webServices, error) {
	w := &webServices{command: c.Command.HelpName,
		credential: ews.Credential{Method: ews.AuthMethod(strings.ToLower(p.setting(c, flagEWSAuth))), Username: account}}
	if w.credential.Method == "" {
		w.credential.Method = ews.Negotiate
	}
	if !slices.Contains(ews.AuthMethods(), w.credential.Method) {
		return nil, usageErrorf("%s: --%s \"%s\": not one of negotiate, kerberos, ntlm, basic", w.command, flagEWSAuth, w.credential.Method).
			withHint("negotiate is Kerberos where that works, else NTLM: what Exchange is shipped with")
	}
	timeout, err := p.timeout(c)
	if err != nil {
		return nil, err
	}
	if file := p.setting(c, flagCAFile); file != "" {
		if w.transport.RootCAs, err = authorities(c, file); err != nil {
			return nil, err
		}
	}
	w.transport.ConnectTo = p.setting(c, flagConnectTo)
	agent := p.setting(c, flagUserAgent)
	if strings.ContainsFunc(agent, func(r rune) bool { return r < ' ' || r > '~' }) || c.IsSet(flagUserAgent) && strings.TrimSpace(agent) == "" {
		return nil, usageErrorf("%s: --%s is no text of letters, digits and signs", w.command, flagUserAgent).withHint("what the product itself sends, such as \"Contoso Scheduler/2.1\"")
	}
	w.config = ews.Config{UserAgent: cmp.Or(agent, p.tool()), Timeout: timeout, Now: p.now, Trace: p.trace(c)}
	w.anonymous = ews.NewTransport(w.transport)
	return w, nil
}

// check says what is wrong with the account, or with an address; "" is none. It is
// asked before anybody types a password.
func (w *webServices) check(address string) error {
	credential := w.credential
	credential.Password = ews.NewSecret("-")
	transport, err := ews.NewLogOn(w.transport, credential)
	if err == nil && address != "" {
		config := w.config
		config.URL, config.Transport = address, transport
		_, err = ews.New(config)
	}
	return w.usage(err)
}

func (w *webServices) usage(err error) error {
	if err == nil {
		return nil
	}
	return usageErrorf("%s: %w", w.command, err).withHint("%s --help shows the EWS flags", w.command)
}

// logOn makes the account's connections possible. It contacts nobody.
func (w *webServices) logOn(password ews.Secret) error {
	w.credential.Password = password
	var err error
	w.loggedOn, err = ews.NewLogOn(w.transport, w.credential)
	return w.usage(err)
}

func (w *webServices) client(address string) (*ews.Client, error) {
	config := w.config
	config.URL, config.Transport = address, w.loggedOn
	return ews.New(config)
}

func (w *webServices) discover(ctx context.Context, address string) (ews.Rung, string) {
	rung, found := ews.ProbeAutodiscover(ctx, ews.AutodiscoverConfig{Transport: w.loggedOn, Anonymous: w.anonymous,
		UserAgent: w.config.UserAgent, Timeout: w.config.Timeout}, address)
	return rung, found.URL
}
