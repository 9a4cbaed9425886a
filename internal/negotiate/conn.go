package negotiate

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// A conn is one TCP connection with its security context.
type conn struct {
	t       *Transport
	http    *http.Transport // which has this connection and cannot make another
	base    string
	binding []byte // of TLS

	sealed     bool
	scheme     string    // by which the log-on went
	mechanism  mechanism // nil before the log-on
	ends       time.Time // of the log-on; zero is never
	used       bool      // it has been idle: the server may have closed it
	asked      bool      // it asked what the server offers
	begun      bool      // the server has answered to the log-on
	perRequest bool      // the server forgets the log-on after each request
}

// errGone is that of a connection which the server has closed.
var errGone = errors.New("the server closed the connection")

func isGone(err error) bool { return errors.Is(err, errGone) }

func (c *conn) close() {
	c.http.CloseIdleConnections()
	if c.mechanism != nil {
		c.mechanism.release()
		c.mechanism = nil
	}
}

// dial opens the TCP connection and, for https, TLS on it.
func (t *Transport) dial(ctx context.Context, u *url.URL) (*conn, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	raw, err := t.config.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	c := &conn{t: t, base: baseOf(u), sealed: t.sealed(u)}
	if u.Scheme == "https" {
		config := t.tls.Clone()
		if config.ServerName == "" {
			config.ServerName = u.Hostname()
		}
		secured := tls.Client(raw, config)
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		if err := secured.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		c.binding = endpointBinding(secured.ConnectionState().PeerCertificates[0])
		raw = secured
	}
	once := make(chan net.Conn, 1)
	once <- raw
	take := func(context.Context, string, string) (net.Conn, error) {
		select {
		case conn := <-once:
			return conn, nil
		default:
			return nil, errGone
		}
	}
	c.http = t.newHTTP(take)
	// Its transport takes the connection back a moment after an answer has been read: a
	// request that comes sooner has to wait for it, and not to ask for another.
	c.http.MaxConnsPerHost = 1
	c.http.DialTLSContext = take
	return c, nil
}

// send sends a request with its body, logging on first where that is needed. An
// answer that came before there was a log-on is returned as it is.
func (c *conn) send(r *http.Request, b *body) (*http.Response, error) {
	if !c.sealed {
		return c.sendPlain(r, b)
	}
	if c.mechanism == nil {
		if answer, err := c.logon(r, nil); err != nil || answer != nil {
			return answer, err
		}
	}
	return c.sendSealed(r, b)
}

// sendPlain sends a request that is not sealed. It goes with the last token of the
// log-on: some servers want a log-on with each request, and none answers an empty
// one as it should.
func (c *conn) sendPlain(r *http.Request, b *body) (*http.Response, error) {
	if c.mechanism == nil || c.perRequest {
		return c.logon(r, b)
	}
	response, err := c.post(r.Context(), r, b, "")
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusUnauthorized {
		c.keepFor(response)
		return response, nil
	}
	discard(response)
	c.perRequest = true
	return c.logon(r, b)
}

// post sends one request as it is given, or an empty one, with an Authorization.
func (c *conn) post(ctx context.Context, r *http.Request, b *body, authorization string) (*http.Response, error) {
	leg := r.Clone(ctx)
	leg.Body, leg.GetBody, leg.ContentLength = http.NoBody, nil, 0
	leg.Header.Del("Content-Length")
	if b != nil {
		content, err := b.open()
		if err != nil {
			return nil, err
		}
		leg.Body, leg.ContentLength = content, int64(b.size)
	} else {
		leg.Method = http.MethodPost
	}
	leg.Header.Del("Authorization")
	delete(leg.Header, repeatableMark) // this connection cannot make another
	if authorization != "" {
		leg.Header.Set("Authorization", authorization)
	}
	return c.http.RoundTrip(leg)
}

// maxDiscarded is how much of an answer is read that nobody wants, so that the
// connection can be used again.
const maxDiscarded = 256 << 10

func discard(response *http.Response) {
	io.CopyN(io.Discard, response.Body, maxDiscarded)
	response.Body.Close()
}

// sendSealed sends a request sealed, and opens the sealed answer.
func (c *conn) sendSealed(r *http.Request, b *body) (*http.Response, error) {
	content, err := b.open()
	if err != nil {
		return nil, err
	}
	protocol := protocolSPNEGO
	if c.scheme == schemeKerberos {
		protocol = protocolKerberos
	}
	sealed, err := sealBody(c.mechanism, protocol, r.Header.Get("Content-Type"), content, b.size)
	content.Close()
	if err != nil {
		return nil, err
	}
	request := r.Clone(r.Context())
	request.Header.Del("Content-Length")
	delete(request.Header, repeatableMark)
	request.Header.Set("Content-Type", sealedContentType(protocol))
	request.Header.Set("Accept-Encoding", "identity") // IIS compresses sealed answers too
	request.Body, request.ContentLength, request.GetBody = io.NopCloser(bytes.NewReader(sealed)), int64(len(sealed)), nil
	response, err := c.http.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if err := c.openAnswer(response); err != nil {
		return nil, err
	}
	c.used = true
	c.t.put(c)
	return response, nil
}

// openAnswer replaces a sealed answer by what is in it. One that is not sealed is
// refused, whatever its status says: anybody could have sent it.
func (c *conn) openAnswer(response *http.Response) error {
	boundary, ok := isSealedMedia(response.Header.Get("Content-Type"))
	if !ok {
		return notSealed(response)
	}
	sealed, err := c.readAnswer(response)
	if err != nil {
		return err
	}
	contentType, message, err := openBody(c.mechanism, boundary, sealed)
	if err != nil {
		return err
	}
	response.Header.Set("Content-Type", contentType)
	response.Header.Del("Content-Length")
	response.Body, response.ContentLength, response.TransferEncoding = io.NopCloser(bytes.NewReader(message)), int64(len(message)), nil
	return nil
}

func notSealed(response *http.Response) error {
	e := &Error{Kind: NotSealed, Status: response.StatusCode,
		What: fmt.Sprintf("the server answered %d %s, and not sealed, on a connection where messages are: it is not believed", response.StatusCode, http.StatusText(response.StatusCode))}
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		e.Advice = "the server has forgotten the log-on, as when its service restarts; the command may have been carried out"
		e.Offered = schemesOf(parseChallenges(response.Header))
	case response.StatusCode == http.StatusServiceUnavailable:
		e.Advice = "the application pool behind the path is stopped, or the server is too busy"
	case response.StatusCode >= 400:
		e.Advice = "the web server in front of the service answers, or something between here and it"
	default:
		e.Advice = "something between here and the server may have taken its place"
	}
	return e
}

// readAnswer reads a sealed answer, with room behind it in which open works.
func (c *conn) readAnswer(response *http.Response) ([]byte, error) {
	const room = 64
	limit := int64(c.t.config.MaxReply)
	if response.ContentLength > limit {
		return nil, tooLong(limit)
	}
	var b bytes.Buffer
	b.Grow(int(max(response.ContentLength, 0)) + bytes.MinRead + room)
	n, err := b.ReadFrom(io.LimitReader(response.Body, limit+1))
	if n > limit {
		return nil, tooLong(limit)
	}
	return b.Bytes(), err
}

func tooLong(limit int64) error { return malformed("a sealed answer of more than %d bytes", limit) }
