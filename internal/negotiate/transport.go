package negotiate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Method is a way to log on.
type Method string

// The ways to log on.
const (
	Kerberos    Method = "kerberos"    // by the server's scheme Kerberos or Negotiate
	Negotiate   Method = "negotiate"   // Kerberos; NTLM where there is no KDC or no service name
	NTLM        Method = "ntlm"        // version 2
	Basic       Method = "basic"       // over TLS, or to this machine
	Certificate Method = "certificate" // that of Config.TLS
)

// Methods returns every way to log on.
func Methods() []Method { return []Method{Kerberos, Negotiate, NTLM, Basic, Certificate} }

// A Sealing says when messages are sealed by the security context.
type Sealing int

// The sealings.
const (
	SealClear  Sealing = iota // those that are not sent over TLS
	SealAlways                // those over TLS too
	SealNever                 // none: then only TLS, or this machine, is talked to
)

// A Config says how a Transport logs on.
type Config struct {
	Method  Method
	Account *Account // not for Certificate
	Seal    Sealing  // for Kerberos, Negotiate and NTLM

	// AskFirst keeps the password of Basic back until the server has asked for it, as the
	// other methods do anyhow.
	AskFirst bool

	// SPN is the service to ask a ticket for; empty is HTTP/ and the host of the URL.
	SPN string

	// TLS is for https; it is not changed. Where it sets no MaxVersion, that is 1.2, and
	// the server may renegotiate once: IIS asks for a client certificate when it has read
	// the path, which is a renegotiation in 1.2 and in 1.3 something that Go does not have.
	TLS *tls.Config

	// Dial opens connections; nil is a net.Dialer's. It may connect to another address
	// than the URL's, such as a tunnel: names are those of the URL all the same.
	Dial DialFunc

	// Elsewhere names the place outside this machine that requests to a URL get to, and
	// is empty where there is none; nil knows only the URL's host. Where Dial leads away,
	// it must say so: what may go in clear to this machine would go there.
	Elsewhere func(*url.URL) string

	// MaxReply bounds a sealed answer in bytes; 0 is DefaultMaxReply.
	MaxReply int
}

const (
	// defaultMaxReply is eight times the largest envelope of WS-Management.
	defaultMaxReply = 4 << 20

	connectTimeout = 15 * time.Second
	// idleTimeout is shorter than the two minutes of IIS and HTTP.sys: a connection that
	// they close while a request is under way makes a lost reply of it.
	idleTimeout = time.Minute
	maxIdle     = 16
)

// A Transport is an http.RoundTripper that logs every connection on, and protects
// what goes over it. It is safe for concurrent use; requests that overlap take a
// connection each. It follows no redirection: that is an Error.
type Transport struct {
	config Config
	tls    *tls.Config
	plain  *http.Transport // for the methods without a context

	// single is set when a connection was found closed without a word behind an answer:
	// from then on each request has one of its own.
	single atomic.Bool

	mu      sync.Mutex
	offered []string // what the server offers; nil until asked
	noKrb   error    // why NTLM is used instead of Kerberos
	idle    []*conn
}

// New returns a transport. It contacts nobody. An error is of kind BadCredential.
func New(c Config) (*Transport, error) {
	if !slices.Contains(Methods(), c.Method) {
		return nil, &Error{Kind: BadCredential, What: fmt.Sprintf("there is no log-on method %s", quote(string(c.Method)))}
	}
	if c.Account == nil && c.Method != Certificate {
		return nil, &Error{Kind: BadCredential, What: fmt.Sprintf("logging on by %s needs an account", c.Method)}
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if c.Elsewhere == nil {
		c.Elsewhere = elsewhere
	}
	if c.MaxReply == 0 {
		c.MaxReply = defaultMaxReply
	}
	t := &Transport{config: c, tls: &tls.Config{}}
	if c.TLS != nil {
		t.tls = c.TLS.Clone()
	}
	if t.tls.MaxVersion == 0 {
		t.tls.MaxVersion, t.tls.Renegotiation = tls.VersionTLS12, tls.RenegotiateOnceAsClient
	}
	t.plain = t.newHTTP(c.Dial)
	t.plain.TLSClientConfig, t.plain.MaxIdleConnsPerHost = t.tls, maxIdle
	return t, t.checkCredential()
}

// checkCredential refuses accounts that the method has no use for.
func (t *Transport) checkCredential() error {
	a := t.config.Account
	switch t.config.Method {
	case NTLM:
		if a.sspi {
			return nil
		}
		_, err := a.password(NTLM)
		return err
	case Basic:
		_, err := a.password(Basic)
		return err
	case Certificate:
		if len(t.tls.Certificates) == 0 && t.tls.GetClientCertificate == nil {
			return &Error{Kind: BadCredential, What: "logging on by certificate needs a client certificate and its key"}
		}
	case Kerberos:
		return a.checkKerberos()
	case Negotiate:
		if a.config.Password.IsZero() {
			return a.checkKerberos() // NTLM needs the password
		}
		return a.noConf // which would leave NTLM only, and nobody asked for that
	}
	return nil
}

// newHTTP returns a transport of HTTP 1.1 that changes nothing.
func (t *Transport) newHTTP(dial DialFunc) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{DialContext: dial, Protocols: protocols, DisableCompression: true, TLSHandshakeTimeout: connectTimeout,
		ReadBufferSize:  1 << 10, // for the headers; bodies are read past it
		IdleConnTimeout: idleTimeout, MaxResponseHeaderBytes: 256 << 10}
}

// IsLoopback reports whether a host can only be this machine.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

// Format writes how it logs on, and nothing of what it holds.
func (t *Transport) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s of %v", t.config.Method, t.config.Account)
}

// Check refuses a URL to which the method would send a password or a message in
// clear, as RoundTrip does. It contacts nobody.
func (t *Transport) Check(u *url.URL) error { return t.mayBeClear(u) }

func elsewhere(u *url.URL) string {
	if IsLoopback(u.Hostname()) {
		return ""
	}
	return u.Host
}

// CloseIdleConnections closes the connections that are not in use.
func (t *Transport) CloseIdleConnections() {
	t.closeIdle()
	t.plain.CloseIdleConnections()
}

// closeIdle closes those that are logged on.
func (t *Transport) closeIdle() {
	t.mu.Lock()
	idle := t.idle
	t.idle = nil
	t.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}

// RoundTrip sends a request over a connection that is logged on. An answer that
// came before there was a log-on, such as 404 or 503, is returned as it is: then
// nothing of the request was sent.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.roundTrip(r)
	if r.Body != nil {
		r.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	response.Request = r
	if err := redirected(response); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}

func (t *Transport) roundTrip(r *http.Request) (*http.Response, error) {
	if err := t.mayBeClear(r.URL); err != nil {
		return nil, err
	}
	switch t.config.Method {
	case Basic:
		return t.basic(r)
	case Certificate:
		return t.certificate(r)
	}
	body, err := newBody(r)
	if err != nil {
		return nil, err
	}
	for again := false; ; {
		c, err := t.connection(r)
		if err != nil {
			return nil, err
		}
		used := c.used
		response, err := c.send(r, body)
		if err == nil && !(used && !again && repeatable(r) && isForgotten(response)) {
			return response, nil
		}
		if err == nil {
			discard(response)
		}
		c.close()
		cut := isCut(err)
		if cut && used {
			t.single.Store(true)
		}
		switch {
		case err != nil && r.Context().Err() != nil:
			return nil, err
		case isGone(err) && (used || c.asked), cut && c.asked && !c.begun:
			// The server had closed it while it was idle, or after it was asked how to log
			// on: nothing was sent.
		case used && !again && repeatable(r) && (err == nil || cut || isNotSealed(err)):
			again = true // the server has forgotten the log-on, or the connection, and most likely all of them
			t.closeIdle()
		default:
			return nil, err
		}
	}
}

// repeatable reports whether whoever sent a request can tell when it is carried out
// twice, or does not mind: then it is sent again where a connection that was idle
// turns out to be worth nothing. The mark is that of net/http, which does not send it.
func repeatable(r *http.Request) bool {
	_, ok := r.Header[repeatableMark]
	return ok
}

const repeatableMark = "X-Idempotency-Key"

// isForgotten reports whether an answer on a connection that was logged on says that
// the server does not know so any more. HTTP.sys says 400 where a log-on ends in the
// middle; a service that has something to say about a request says it in XML.
func isForgotten(response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return true
	case http.StatusBadRequest:
		return !strings.Contains(response.Header.Get("Content-Type"), "xml")
	}
	return false
}

// isCut reports whether a connection ended without an answer.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// isNotSealed reports whether a sealed request was answered by what isForgotten means.
func isNotSealed(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == NotSealed && (e.Status == http.StatusUnauthorized || e.Status == http.StatusBadRequest)
}

// sealed reports whether messages to a URL are sealed.
func (t *Transport) sealed(u *url.URL) bool {
	return t.config.Seal == SealAlways || t.config.Seal == SealClear && u.Scheme != "https"
}

// mayBeClear refuses what would send a password or a message in clear.
func (t *Transport) mayBeClear(u *url.URL) error {
	if u.Scheme == "https" {
		return nil
	}
	where := t.config.Elsewhere(u)
	switch {
	case where == "":
		return nil
	case t.config.Method == Basic:
		return &Error{Kind: WouldBeClear, What: "basic would send the password to " + where + " in clear", Advice: "use TLS (--tls), or --auth kerberos, which seals"}
	case t.config.Method == Certificate:
		return &Error{Kind: WouldBeClear, What: "a certificate logs on over TLS only, and " + where + " would be talked to without it", Advice: "use TLS (--tls)"}
	case !t.sealed(u):
		return &Error{Kind: WouldBeClear, What: "messages to " + where + " would go in clear", Advice: "use an https URL"}
	}
	return nil
}

func redirected(response *http.Response) error {
	if response.StatusCode < 300 || response.StatusCode >= 400 || response.StatusCode == http.StatusNotModified {
		return nil
	}
	return &Error{Kind: Redirected, Status: response.StatusCode, Location: response.Header.Get("Location"), What: "the server sends us to " + quote(response.Header.Get("Location")) + ", and redirections are not followed",
		Advice: "a log-on is for the server that was named: if that one is right, name it itself"}
}

// connection returns one that was idle, or a new one, which is not logged on.
func (t *Transport) connection(r *http.Request) (*conn, error) {
	for {
		t.mu.Lock()
		n := len(t.idle)
		if n == 0 {
			t.mu.Unlock()
			return t.dial(r.Context(), r.URL)
		}
		c := t.idle[n-1]
		t.idle = t.idle[:n-1]
		t.mu.Unlock()
		if c.base == baseOf(r.URL) && (c.ends.IsZero() || t.config.Account.config.Now().Before(c.ends)) {
			return c, nil
		}
		c.close()
	}
}

// baseOf is what a connection is for.
func baseOf(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }

// put takes a connection back.
func (t *Transport) put(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) < maxIdle && !t.single.Load() {
		t.idle = append(t.idle, c)
		return
	}
	c.close()
}

// A body is a request's content, which can be read again.
type body struct {
	open func() (io.ReadCloser, error)
	size int
}

// maxBody bounds a request: WS-Management's largest are 500 KiB.
const maxBody = 64 << 20

func newBody(r *http.Request) (*body, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return &body{func() (io.ReadCloser, error) { return http.NoBody, nil }, 0}, nil
	}
	if r.GetBody != nil && r.ContentLength > 0 && r.ContentLength <= maxBody {
		return &body{r.GetBody, int(r.ContentLength)}, nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(b) > maxBody {
		err = fmt.Errorf("a request of more than %d bytes", maxBody)
	}
	return &body{func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(b))), nil }, len(b)}, err
}

// withoutTrace hides a request's httptrace from the legs of the log-on, which are
// not the request.
type withoutTrace struct{ context.Context }

func (withoutTrace) Value(any) any { return nil }
