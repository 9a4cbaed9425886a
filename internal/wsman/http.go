package wsman

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"time"
)

// A Doer sends one HTTP request: an *http.Client, or what authenticates and seals
// in front of one. It is safe for concurrent use.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// NewHTTPClient returns an http.Client fit for WSMan: connections are kept and
// used again, nothing is compressed, no proxy is used and no redirection followed,
// and there is no time limit but that of a request's context. config and dial may
// be nil; config is not changed.
//
// TLS is limited to 1.2 and a server may renegotiate once: IIS in front of
// Exchange's /PowerShell asks for a client certificate (SslNegotiateCert), and does
// so only when it has read the request's path. That is a renegotiation in TLS 1.2
// and post-handshake authentication in 1.3, which Go does not have.
func NewHTTPClient(config *tls.Config, dial DialFunc) *http.Client {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.MaxVersion = tls.VersionTLS12
	config.Renegotiation = tls.RenegotiateOnceAsClient
	if dial == nil {
		dial = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: refuseRedirect,
		Transport: &http.Transport{
			DialContext:         dial,
			TLSClientConfig:     config,
			TLSHandshakeTimeout: 15 * time.Second,
			Protocols:           protocols,
			DisableCompression:  true,
			MaxIdleConnsPerHost: 16,
			ReadBufferSize:      1 << 10, // for the headers; bodies are read past it
			// IIS and HTTP.sys close idle connections after two minutes. One that is
			// closed while a request is under way makes a lost reply of it: be earlier.
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// withoutRedirects returns a client that follows no redirection: a shell lives on
// one server, and credentials are for that one.
func withoutRedirects(d Doer) Doer {
	c, ok := d.(*http.Client)
	if !ok {
		return d
	}
	own := *c
	own.CheckRedirect = refuseRedirect
	return &own
}

// cookies are those of one endpoint. Exchange's front end finds the back end that
// has the shell by them, so that they count for every request, whatever path and
// domain they name.
type cookies struct {
	mu  sync.Mutex
	jar *cookiejar.Jar
}

// maxCookies is how many a server may set.
const maxCookies = 32

func newCookies() *cookies {
	jar, _ := cookiejar.New(nil) // never fails
	return &cookies{jar: jar}
}

func (c *cookies) add(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range c.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
}

func (c *cookies) keep(u *url.URL, set []*http.Cookie) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range set {
		cookie.Domain, cookie.Path = "", "/"
		if len(c.jar.Cookies(u)) < maxCookies {
			c.jar.SetCookies(u, []*http.Cookie{cookie})
		}
	}
}
