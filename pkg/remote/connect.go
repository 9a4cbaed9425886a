package remote

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
)

// newHTTPClient returns the connections of a session: to the target's address,
// with its authorities, logged on. The error is about the credential for the URL.
func newHTTPClient(t Target, u *url.URL, c Credential) (*http.Client, error) {
	if !slices.Contains(AuthMethods(), c.Method) {
		return nil, fmt.Errorf("there is no log-on method %q", c.Method)
	}
	if c.account == nil && c.Method != Certificate {
		var err error
		if c, err = c.Share(); err != nil {
			return nil, err
		}
	}
	config := negotiate.Config{Method: negotiate.Method(c.Method), Account: c.account, SPN: t.SPN, Dial: t.dial(),
		TLS:       &tls.Config{RootCAs: t.RootCAs},
		Elsewhere: t.elsewhere}
	if c.Method == Certificate && c.Certificate != nil {
		config.TLS.Certificates = []tls.Certificate{*c.Certificate}
	}
	if t.SealOverTLS {
		config.Seal = negotiate.SealAlways
	}
	transport, err := negotiate.New(config)
	if err != nil {
		return nil, err
	}
	if err := transport.Check(u); err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport}, nil
}

// connectTimeout bounds name resolution and the TCP handshake.
const connectTimeout = 15 * time.Second

// dial returns the dialer of the target, which goes to ConnectTo if it has one; nil
// is the usual one.
func (t Target) dial() negotiate.DialFunc {
	dial := t.Dial
	switch {
	case t.ConnectTo == "":
		return dial
	case dial == nil:
		dial = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, t.ConnectTo) }
}
