package wsman

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
)

const redacted = "[redacted]"

// A Password is shown by nothing that formats, logs or marshals it.
type Password string

// String returns "[redacted]".
func (Password) String() string { return redacted }

// GoString returns "[redacted]".
func (Password) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Password) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// LogValue returns "[redacted]".
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]"; JSON uses it too.
func (Password) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// BasicAuth is a transport that logs on with Basic (RFC 7617). The password goes
// over the line as good as in clear: requests that are neither TLS nor to a
// loopback address are refused before anything is sent.
type BasicAuth struct {
	Username string
	Password Password
	Next     http.RoundTripper
}

// RoundTrip sends the request with the log-on.
func (b *BasicAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !isLoopback(r.URL) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("basic authentication to %s: it would send the password in clear: use https, or another way to log on", r.URL.Host)
	}
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.Username, string(b.Password))
	return b.Next.RoundTrip(r)
}

// CloseIdleConnections closes those of the transport behind it.
func (b *BasicAuth) CloseIdleConnections() {
	if c, ok := b.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
