package ews

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
)

// A TransportConfig says how to reach servers. The zero value is the usual way.
type TransportConfig struct {
	// RootCAs are the authorities that certificates must come from; nil is the system's.
	RootCAs *x509.CertPool
	// ConnectTo is the host:port to connect to in place of every server, as through a
	// tunnel. The name in the URL stays what certificates and tickets are for.
	ConnectTo string
	// Dial opens connections; nil is a net.Dialer's. It gets host:port as in the URL, or
	// ConnectTo.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// tls takes TLS 1.3: the virtual directory of EWS, unlike that of PowerShell, asks
// nobody for a client certificate. A server with 1.2 that does may renegotiate once.
func (c TransportConfig) tls() *tls.Config {
	return &tls.Config{RootCAs: c.RootCAs, MaxVersion: tls.VersionTLS13, Renegotiation: tls.RenegotiateOnceAsClient}
}

func (c TransportConfig) dial() negotiate.DialFunc {
	dial := negotiate.DialFunc(c.Dial)
	if dial == nil {
		dial = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	if c.ConnectTo == "" {
		return dial
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, c.ConnectTo) }
}

// elsewhere returns the place outside this machine that requests to a URL get to.
func (c TransportConfig) elsewhere(u *url.URL) string {
	if !negotiate.IsLoopback(u.Hostname()) {
		return u.Host
	}
	if host, _, err := net.SplitHostPort(c.ConnectTo); err == nil && !negotiate.IsLoopback(host) {
		return c.ConnectTo
	}
	return ""
}

// NewTransport returns a transport fit for EWS, which logs nobody on: HTTP/1.1 only,
// because Kerberos and NTLM log a connection on; no proxy, no compression, connections
// are kept.
func NewTransport(c TransportConfig) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:         c.dial(),
		TLSClientConfig:     c.tls(),
		TLSHandshakeTimeout: 15 * time.Second,
		Protocols:           protocols,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 16,
		// IIS closes idle connections after two minutes; one that is closed while a
		// request is under way makes a lost reply of it: be earlier.
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// An AuthMethod is a way to log on.
type AuthMethod string

// The ways to log on.
const (
	Negotiate = AuthMethod(negotiate.Negotiate) // Kerberos; NTLM where there is no KDC or no service name
	Kerberos  = AuthMethod(negotiate.Kerberos)
	NTLM      = AuthMethod(negotiate.NTLM)  // version 2
	Basic     = AuthMethod(negotiate.Basic) // the password itself: over TLS, or to this machine
)

// AuthMethods returns every way to log on, the usual one first.
func AuthMethods() []AuthMethod { return []AuthMethod{Negotiate, Kerberos, NTLM, Basic} }

// A Secret is a password. It does not print, log or marshal itself; Reveal is the only
// way to its text.
type Secret = negotiate.Secret

// NewSecret wraps a password.
func NewSecret(text string) Secret { return negotiate.NewSecret(text) }

// A Credential is who logs on, and how: by the password, else the keytab, else the
// ticket cache.
type Credential struct {
	Method     AuthMethod
	Username   string // user@REALM or DOMAIN\user
	Password   Secret
	Keytab     string // a file
	CCache     string // a file; empty is that of Kerberos' own programs
	Krb5Config string // a file; empty is the system's
	SPN        string // service to ask a ticket for; empty is HTTP/ and the URL's host
}

// A LogOn is a transport that logs every connection on, to any number of servers. Over
// TLS, Kerberos and NTLM are bound to the server's certificate (channel binding); what
// would send a password or a message in clear is refused. It is safe for concurrent
// use.
type LogOn struct {
	config     TransportConfig
	credential Credential
	account    *negotiate.Account

	mu      sync.Mutex
	servers map[string]*negotiate.Transport
}

var _ http.RoundTripper = (*LogOn)(nil)

// NewLogOn returns a transport that logs on. It contacts nobody; the error is about
// the credential.
func NewLogOn(c TransportConfig, who Credential) (*LogOn, error) {
	if strings.Contains(c.ConnectTo, "@") {
		return nil, errors.New("the address to connect to has no user in it, nor a password") // without the text
	}
	if c.ConnectTo != "" {
		if host, port, err := net.SplitHostPort(c.ConnectTo); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("connect to %q: expected HOST:PORT", c.ConnectTo)
		}
	}
	account, err := negotiate.NewAccount(negotiate.AccountConfig{Username: who.Username, Password: who.Password,
		Keytab: who.Keytab, CCache: who.CCache, Krb5Config: who.Krb5Config})
	if err != nil {
		return nil, err
	}
	l := &LogOn{config: c, credential: who, account: account, servers: map[string]*negotiate.Transport{}}
	_, err = l.newServer()
	return l, err
}

func (l *LogOn) newServer() (*negotiate.Transport, error) {
	return negotiate.New(negotiate.Config{Method: negotiate.Method(l.credential.Method), Account: l.account, Seal: negotiate.SealNever, AskFirst: true,
		SPN: l.credential.SPN, TLS: l.config.tls(), Dial: l.config.dial(), Elsewhere: l.config.elsewhere})
}

// RoundTrip sends a request over a connection that is logged on.
func (l *LogOn) RoundTrip(r *http.Request) (*http.Response, error) {
	base := r.URL.Scheme + "://" + strings.ToLower(r.URL.Host)
	l.mu.Lock()
	server, ok := l.servers[base]
	if !ok {
		var err error
		if server, err = l.newServer(); err != nil {
			l.mu.Unlock()
			return nil, err
		}
		l.servers[base] = server
	}
	l.mu.Unlock()
	return server.RoundTrip(r)
}

// CloseIdleConnections closes the connections that are not in use.
func (l *LogOn) CloseIdleConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, server := range l.servers {
		server.CloseIdleConnections()
	}
}
