package remote

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/exgrant/exgrant/internal/wsman"
)

// newHTTPClient returns the connections of a session: to the target's address,
// with its authorities, logged on.
func newHTTPClient(t Target, u *url.URL, c Credential) *http.Client {
	config := &tls.Config{RootCAs: t.RootCAs, ServerName: u.Hostname()}
	client := wsman.NewHTTPClient(config, t.dial())
	client.Transport = &wsman.BasicAuth{Username: c.Username, Password: wsman.Password(c.Password.Reveal()), Next: client.Transport}
	return client
}

// connectTimeout bounds name resolution and the TCP handshake.
const connectTimeout = 15 * time.Second

// dial returns a dialer for ConnectTo, nil for the usual one.
func (t Target) dial() wsman.DialFunc {
	if t.ConnectTo == "" {
		return nil
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
		return dialer.DialContext(ctx, network, t.ConnectTo)
	}
}
