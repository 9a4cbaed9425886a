package wsman

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid"

	"github.com/exgrant/exgrant/internal/httptext"
)

// What a Config is when it does not say otherwise.
const (
	DefaultOperationTimeout = 20 * time.Second
	DefaultOpenTimeout      = 3 * time.Minute // what Exchange's own shell allows
	defaultSlack            = 30 * time.Second
	DefaultMaxEnvelope      = 150 << 10 // MS-WSMV 3.1.1: what every server takes
	// MaxEnvelope22 is what servers take whose shell speaks version 2.2 of the
	// PowerShell Remoting Protocol or a later one.
	MaxEnvelope22 = 500 << 10
)

// A Config says where and how a Client asks.
type Config struct {
	URL         string // of the endpoint, such as http://ex01.contoso.test/PowerShell/
	HTTP        Doer   // nil is NewHTTPClient(nil, nil)
	ResourceURI string
	Locale      string // of messages and data; empty is "en-US"

	// OperationTimeout is how long the server may take for an answer; a Receive
	// without output is asked again after it. OpenTimeout is that of Create. Slack
	// is how much later an answer may still arrive.
	OperationTimeout time.Duration
	OpenTimeout      time.Duration
	Slack            time.Duration

	MaxEnvelope int // bytes of the largest envelope, both ways; see Client.SetMaxEnvelope

	NewID func() string    // a new GUID in upper case; nil takes random ones
	Now   func() time.Time // nil is time.Now
	// Trace is told of every envelope: "request" or "reply", the action's name, the
	// envelope's bytes. It may be called by several goroutines at once.
	Trace func(direction, action string, size int)
}

// A Client asks one endpoint. It is safe for concurrent use; each Receive that
// waits takes one connection.
type Client struct {
	config      Config
	session     string
	cookies     *cookies
	maxEnvelope atomic.Int64
}

// NewClient returns a client. It contacts nobody.
func NewClient(config Config) *Client {
	if config.HTTP == nil {
		config.HTTP = NewHTTPClient(nil, nil)
	}
	config.HTTP = withoutRedirects(config.HTTP)
	config.Locale = firstOf(config.Locale, "en-US")
	for d, usual := range map[*time.Duration]time.Duration{&config.OperationTimeout: DefaultOperationTimeout,
		&config.OpenTimeout: DefaultOpenTimeout, &config.Slack: defaultSlack} {
		if *d <= 0 {
			*d = usual
		}
	}
	if config.MaxEnvelope == 0 {
		config.MaxEnvelope = DefaultMaxEnvelope
	}
	if config.NewID == nil {
		config.NewID = func() string { return strings.ToUpper(uuid.Must(uuid.NewV4()).String()) }
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	c := &Client{config: config, session: "uuid:" + config.NewID(), cookies: newCookies()}
	c.SetMaxEnvelope(config.MaxEnvelope)
	return c
}

// SetMaxEnvelope changes the size of the largest envelope, for requests to come.
func (c *Client) SetMaxEnvelope(bytes int) { c.maxEnvelope.Store(int64(max(bytes, minEnvelope))) }

// MaxPayload returns how many bytes of payload fit into one Create, Command or
// Send: base64 makes four of three, and the envelope around it takes its part.
func (c *Client) MaxPayload() int {
	id := strings.Repeat("F", 36)
	probe := c.request(ActionSend, []Selector{{"ShellId", id}})
	probe.Send = &SendInput{Streams: []Stream{{Name: "stdin", CommandID: id}}}
	// What Create has more than Send: its option, its stream names, a name.
	const more = 512
	around, err := probe.Append(nil)
	if err != nil {
		return 0
	}
	return max(0, (int(c.maxEnvelope.Load())-len(around)-more)/4*3)
}

// Identify asks what answers. Windows answers without a log-on, Exchange may
// refuse it.
func (c *Client) Identify(ctx context.Context) (Identity, error) {
	reply, err := c.do(ctx, &Request{Action: ActionIdentify}, c.config.OperationTimeout)
	if err != nil {
		return Identity{}, err
	}
	return *reply.Identity, nil
}

// request returns a request with its headers.
func (c *Client) request(action Action, selectors []Selector) *Request {
	return &Request{
		Action:           action,
		MessageID:        "uuid:" + c.config.NewID(),
		To:               c.config.URL,
		ResourceURI:      c.config.ResourceURI,
		SessionID:        c.session,
		Locale:           c.config.Locale,
		MaxEnvelope:      int(c.maxEnvelope.Load()),
		OperationTimeout: c.config.OperationTimeout,
		Selectors:        selectors,
	}
}

// do sends a request and returns its reply, which is no fault and answers it. The
// answer may take so long, and the slack.
func (c *Client) do(ctx context.Context, r *Request, limit time.Duration) (*Reply, error) {
	envelope, err := r.Append(nil)
	if err != nil {
		return nil, &NetworkError{r.Action, c.config.URL, false, err}
	}
	return c.carry(ctx, r, envelope, limit)
}

// Exchange sends an envelope that somebody else built, and returns the reply to it: a
// fault is an error, as for Client's own requests. r says what the envelope is: its
// Action and MessageID, by which the reply is told from one to something else, how long
// the answer may take, besides the slack, and, for a Create, the shell's identifier.
func (c *Client) Exchange(ctx context.Context, r *Request, envelope []byte) (*Reply, error) {
	return c.carry(ctx, r, envelope, cmp.Or(r.OperationTimeout, c.config.OperationTimeout))
}

// carry sends a request's envelope and checks what comes back.
func (c *Client) carry(ctx context.Context, r *Request, envelope []byte, limit time.Duration) (*Reply, error) {
	c.trace("request", r.Action, len(envelope))
	status, body, err := c.post(ctx, r, envelope, limit+c.config.Slack)
	if err != nil {
		return nil, err
	}
	c.trace("reply", r.Action, len(body))
	reply, err := parseReply(body)
	switch {
	case err != nil:
		return nil, &ProtocolError{r.Action, c.config.URL, "the answer cannot be read", err}
	case reply.RelatesTo != "" && !strings.EqualFold(reply.RelatesTo, r.MessageID):
		return nil, &ProtocolError{r.Action, c.config.URL, "the answer is to another request", nil}
	case reply.Fault != nil:
		return nil, &FaultError{*reply.Fault, status, r.Action, c.config.URL}
	case reply.RelatesTo == "" && r.Action != ActionIdentify:
		return nil, &ProtocolError{r.Action, c.config.URL, "the answer does not say to which request it is", nil}
	case reply.Action != r.Action:
		return nil, &ProtocolError{r.Action, c.config.URL, "the answer is one to " + clip(reply.Action.Name()), nil}
	}
	return reply, nil
}

func (c *Client) trace(direction string, action Action, size int) {
	if c.config.Trace != nil {
		c.config.Trace(direction, action.Name(), size)
	}
}

// post sends one envelope and reads the whole answer, which is an envelope.
func (c *Client) post(ctx context.Context, r *Request, envelope []byte, limit time.Duration) (status int, body []byte, err error) {
	action := r.Action
	ctx, cancel := context.WithTimeoutCause(ctx, limit, lateError{limit})
	defer cancel()
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport buffers: what it calls written may not have left yet. That
		// errs on the side that is safe.
		WroteHeaders: func() { sent.Store(true) },
	})
	fail := func(err error) error { return c.networkError(ctx, action, sent.Load(), err) }
	request, err := http.NewRequestWithContext(traced, http.MethodPost, c.config.URL, bytes.NewReader(envelope))
	if err != nil {
		return 0, nil, fail(err)
	}
	request.Header.Set("Content-Type", ContentType)
	request.Header.Set("User-Agent", "exgrant")
	// An Exchange server's IIS compresses replies unless it is told not to, and a
	// transport that seals messages has to see them as they are.
	request.Header.Set("Accept-Encoding", "identity")
	if r.repeatable() {
		request.Header["X-Idempotency-Key"] = nil // net/http's mark, which is not sent
	}
	c.cookies.add(request)
	response, err := c.config.HTTP.Do(request)
	if err != nil {
		return 0, nil, fail(err)
	}
	defer drain(response.Body)
	c.cookies.keep(request.URL, response.Cookies())
	if err := c.checkAnswer(action, response); err != nil {
		return 0, nil, err
	}
	body, err = httptext.Body(response, int(c.maxEnvelope.Load())+replySlack)
	var long *httptext.TooLongError
	if errors.As(err, &long) {
		return 0, nil, &ProtocolError{action, c.config.URL, "the answer is longer than was asked for", err}
	}
	if err != nil {
		return 0, nil, fail(err)
	}
	return response.StatusCode, body, nil
}

// lateError is the cause of a context that ended because no answer came.
type lateError struct{ limit time.Duration }

func (e lateError) Error() string { return fmt.Sprintf("no answer within %v", e.limit) }

// Unwrap makes it a time-out, and not the end of the caller's context.
func (lateError) Unwrap() error { return os.ErrDeadlineExceeded }

// networkError says what kept the answer away; of the caller's context, that is
// its own error.
func (c *Client) networkError(ctx context.Context, action Action, sent bool, err error) error {
	var late lateError
	var inner *url.Error
	switch {
	case errors.As(context.Cause(ctx), &late):
		err = late
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &inner):
		err = inner.Err // without the URL, which the message has already
	}
	return &NetworkError{action, c.config.URL, sent, err}
}

// checkAnswer refuses what is not SOAP.
func (c *Client) checkAnswer(action Action, response *http.Response) error {
	media, parameters, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	encoding := response.Header.Get("Content-Encoding")
	switch {
	case response.StatusCode == http.StatusUnauthorized || media != "application/soap+xml":
		return c.httpError(action, response)
	case response.StatusCode != http.StatusOK && response.StatusCode != http.StatusInternalServerError && response.StatusCode != http.StatusBadRequest:
		return c.httpError(action, response)
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return &ProtocolError{action, c.config.URL, "the answer is compressed, though none was asked for: " + clip(encoding), nil}
	case parameters["charset"] != "" && !strings.EqualFold(parameters["charset"], "utf-8"):
		return &ProtocolError{action, c.config.URL, "the answer is not in UTF-8: " + clip(parameters["charset"]), nil}
	}
	return nil
}

func (c *Client) httpError(action Action, response *http.Response) error {
	return &HTTPError{Status: response.StatusCode, Offered: schemes(response.Header.Values("WWW-Authenticate")),
		Server: clip(response.Header.Get("Server")), Location: clip(response.Header.Get("Location")),
		Title: httptext.Title(httptext.Start(response), maxClip), Action: action, URL: c.config.URL}
}

// schemes are the authentication schemes of WWW-Authenticate (RFC 9110 11.6.1): a
// token at the start of a challenge, followed by a blank or nothing.
func schemes(headers []string) []string {
	var list []string
	for _, header := range headers {
		for _, part := range strings.Split(header, ",") {
			scheme, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			if scheme != "" && !strings.ContainsAny(scheme, `="`) {
				list = append(list, clip(scheme))
			}
		}
	}
	return list
}

// replySlack is how much longer than MaxEnvelope a reply may be: servers do not
// count to the byte.
const replySlack = 64 << 10

// drain reads what is left of a body, so that the connection can be used again, and
// closes it. A long one is not worth it.
func drain(body io.ReadCloser) {
	io.CopyN(io.Discard, body, replySlack)
	body.Close()
}
