package remote

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
)

// A Target is one server's management endpoint.
type Target struct {
	// Server is the server's fully qualified name, or the endpoint's whole URL. A name
	// becomes http://NAME/PowerShell/, the endpoint of every Exchange server; with TLS
	// https. An address works only where the authentication does not need a name.
	Server string
	Port   int  // instead of the scheme's own; 0 is that. Not together with a URL.
	TLS    bool // https for a name. Not together with a URL.

	// ConnectTo is the host:port to connect to where that is not the server's name, as
	// through a tunnel. The server's name stays what certificates are checked against.
	ConnectTo string

	// SPN is the service that a Kerberos ticket is asked for; empty is HTTP/ and the
	// server's name.
	SPN string

	// SealOverTLS seals messages by the log-on's keys also where TLS protects them.
	SealOverTLS bool

	// Dial connects to an address; nil is the network of this machine.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// RootCAs are the authorities that the server's certificate must come from; nil is
	// the system's.
	RootCAs *x509.CertPool

	// Timeout is the longest that one request may take beyond the time that the server
	// may wait for output; 0 is DefaultTimeout.
	Timeout time.Duration

	// ConfigurationName is the session configuration; empty is Microsoft.Exchange.
	ConfigurationName string

	// Trace, when set, gets one line for each request: what was asked and how many bytes
	// came back, never their content. It may be called by several goroutines at once.
	Trace func(line string)
}

// Defaults of a Target.
const (
	DefaultTimeout       = 30 * time.Second
	DefaultConfiguration = "Microsoft.Exchange"

	exchangePath = "/PowerShell/"
	// resourcePrefix is MS-PSRP 3.1.5.3.1's: a session configuration as a resource.
	resourcePrefix = "http://schemas.microsoft.com/powershell/"
)

// endpoint returns the URL to talk to.
func (t Target) endpoint() (*url.URL, error) {
	if t.Server == "" {
		return nil, fmt.Errorf("no server is named")
	}
	if strings.Contains(t.Server, "@") || strings.Contains(t.ConnectTo, "@") {
		return nil, errors.New("a server's address has no user in it, nor a password: who logs on is told otherwise") // without the text
	}
	if t.ConnectTo != "" {
		if host, port, err := net.SplitHostPort(t.ConnectTo); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("connect to %q: expected HOST:PORT", t.ConnectTo)
		}
	}
	if !strings.Contains(t.Server, "://") {
		return t.namedEndpoint()
	}
	u, err := url.Parse(t.Server)
	switch {
	case err != nil:
		return nil, errors.New("the server's URL cannot be read") // without the text, which may hold a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("server %q: the scheme is http or https", u.Redacted())
	case u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("server %q: a URL has a host, and neither user nor fragment", u.Redacted())
	case t.Port != 0 || t.TLS:
		return nil, fmt.Errorf("server %q: port and TLS are part of the URL", u.Redacted())
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = exchangePath
	}
	return u, nil
}

// URL returns the address that a transport other than Local talks to.
func (t Target) URL(way Transport) (*url.URL, error) {
	if way == WinRS {
		return t.winrmEndpoint()
	}
	return t.endpoint()
}

func (t Target) namedEndpoint() (*url.URL, error) {
	name := t.Server
	if address, err := netip.ParseAddr(name); err == nil && address.Is6() {
		name = "[" + name + "]"
	}
	if strings.ContainsAny(name, " /\\@?#") || t.Port < 0 || t.Port > 65535 {
		return nil, fmt.Errorf("server %q, port %d: expected a host name or a URL", t.Server, t.Port)
	}
	u := &url.URL{Scheme: "http", Host: name, Path: exchangePath}
	if t.TLS {
		u.Scheme = "https"
	}
	if t.Port != 0 {
		u.Host = net.JoinHostPort(strings.Trim(name, "[]"), strconv.Itoa(t.Port))
	}
	if parsed, err := url.Parse(u.String()); err != nil || parsed.Hostname() == "" || parsed.Port() != u.Port() {
		return nil, fmt.Errorf("server %q: expected a host name or a URL", t.Server)
	}
	return u, nil
}

func (t Target) resource() string {
	if t.ConfigurationName == "" {
		return resourcePrefix + DefaultConfiguration
	}
	return resourcePrefix + t.ConfigurationName
}

func (t Target) timeout() time.Duration {
	if t.Timeout <= 0 {
		return DefaultTimeout
	}
	return t.Timeout
}

func (t Target) trace(direction, action string, size int) {
	if t.Trace != nil {
		t.Trace(fmt.Sprintf("%s %s, %d bytes", action, direction, size))
	}
}

// elsewhere returns the place that what is sent to a URL of this target can get to
// outside this machine: the name in the URL, or the address that is connected to in
// its place. It is empty when there is none.
func (t Target) elsewhere(u *url.URL) string {
	if !negotiate.IsLoopback(u.Hostname()) {
		return u.Host
	}
	if host, _, err := net.SplitHostPort(t.ConnectTo); err == nil && !negotiate.IsLoopback(host) {
		return t.ConnectTo
	}
	return ""
}
