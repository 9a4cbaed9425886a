package ews

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid"

	"github.com/exgrant/exgrant/internal/httptext"
	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/pkg/fault"
)

// What a Config is when it does not say otherwise.
const (
	DefaultTimeout   = 60 * time.Second
	defaultMaxWait   = 6 * time.Minute // servers ask for five
	defaultMaxReply  = 4 << 20
	DefaultUserAgent = "exgrant"
)

// A Config says where and how a Client asks.
type Config struct {
	// URL is the endpoint's: https://NAME/EWS/Exchange.asmx. In clear it is for this
	// machine alone.
	URL string
	// Transport sends requests and logs on. It keeps to HTTP/1.1 and is safe for
	// concurrent use: NewTransport behind what logs on.
	Transport http.RoundTripper

	// Version is what is asked for; empty is Exchange2013SP1, and Exchange2010SP2 where
	// a server turns out to be older.
	Version Version
	// UserAgent is what an organization's allow and block lists see.
	UserAgent string

	Timeout  time.Duration // of one request
	MaxReply int           // bytes of the longest reply that is read
	// MaxWait is how long one call may be held up by a server that is busy. A server
	// that asks for more than is left is not asked again. Negative is not at all.
	MaxWait time.Duration

	Now   func() time.Time                           // nil is time.Now
	Sleep func(context.Context, time.Duration) error // nil waits, or returns the context's error
	NewID func() string                              // of requests, a new GUID; nil takes random ones
	// Trace gets one line for each request: operation, mailbox, what came back. It may
	// be called by several goroutines at once.
	Trace func(line string)
}

// A Client asks one endpoint. It is safe for concurrent use.
type Client struct {
	config Config
	older  atomic.Bool // the server is older than Exchange 2013 SP1
}

// New returns a client. It contacts nobody; the error is about the configuration.
func New(config Config) (*Client, error) {
	if err := checkURL(config.URL); err != nil {
		return nil, err
	}
	if config.Transport == nil {
		return nil, errors.New("a client of EWS needs a transport that logs on")
	}
	if config.UserAgent == "" {
		config.UserAgent = DefaultUserAgent
	}
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.MaxReply <= 0 {
		config.MaxReply = defaultMaxReply
	}
	if config.MaxWait == 0 {
		config.MaxWait = defaultMaxWait
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Sleep == nil {
		config.Sleep = sleep
	}
	if config.NewID == nil {
		config.NewID = newUUID
	}
	return &Client{config: config}, nil
}

// URL returns the endpoint's.
func (c *Client) URL() string { return c.config.URL }

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("the URL of EWS cannot be read") // without the text, which may hold a password
	case strings.Contains(text, "@") && !strings.Contains(text, "://"):
		return errors.New("the URL of EWS has no user in it, nor a password: who logs on is told otherwise") // without the text
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("EWS at %q: a URL has the form https://NAME/EWS/Exchange.asmx", u.Redacted())
	case u.Scheme == "http" && !negotiate.IsLoopback(u.Hostname()):
		return fmt.Errorf("EWS at %s: it would go in clear: use https", u.Redacted())
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newUUID makes the id of a request.
func newUUID() string { return uuid.Must(uuid.NewV4()).String() }

// An operation is one request, and what reads its reply.
type operation struct {
	name    string
	request any           // the element in the body
	fresh   func() result // for one reply; the element in its body is name + "Response"
}

// A result is the decoded element of a reply. check returns the response code, and why
// the reply is no success: a *ResponseError or *ProtocolError.
type result interface {
	check() (code string, err error)
}

// call carries one operation out and returns its decoded reply, which is a success.
// Errors are of type *Error, or the context's.
func call[T any, P interface {
	*T
	result
}](ctx context.Context, c *Client, on Mailbox, name string, request any) (*T, Answer, error) {
	if err := on.validate(); err != nil {
		return nil, Answer{Operation: name}, fmt.Errorf("%s %s: %w", name, on, err)
	}
	r, answer, err := c.carryOut(ctx, on, operation{name, request, func() result { return P(new(T)) }})
	if err != nil {
		return nil, answer, err
	}
	return (*T)(r.(P)), answer, nil
}

// carryOut waits for a server that is busy, and asks an older one again in its own
// version.
func (c *Client) carryOut(ctx context.Context, on Mailbox, op operation) (result, Answer, error) {
	answer := Answer{Operation: op.name, URL: c.config.URL}
	start := c.config.Now()
	patience := patience{left: c.config.MaxWait}
	for {
		version := c.version()
		r, err := c.send(ctx, on, op, version, &answer)
		answer.Took = c.config.Now().Sub(start)
		c.trace(on, answer, err)
		if err == nil {
			return r, answer, nil
		}
		if isCancel(ctx, err) {
			return nil, answer, fmt.Errorf("%s %s: %w", op.name, on, ctx.Err())
		}
		if version == Exchange2013SP1 && c.config.Version == "" && isOlder(answer.Code) {
			c.older.Store(true)
			continue
		}
		wait, ok := patience.next(err)
		if !ok {
			return nil, answer, &Error{Doing: op.name + " " + on.String(), Answer: answer, Err: err}
		}
		if err := c.config.Sleep(ctx, wait); err != nil {
			return nil, answer, fmt.Errorf("%s %s: %w", op.name, on, err)
		}
		answer.Waited += wait
	}
}

func (c *Client) version() Version {
	switch {
	case c.config.Version != "":
		return c.config.Version
	case c.older.Load():
		return Exchange2010SP2
	}
	return Exchange2013SP1
}

// A patience is what is left of the time that a call may be held up.
type patience struct {
	left time.Duration
	step time.Duration // of a server that does not say how long
}

// The waits for a server that is busy and does not say how long.
const (
	firstWait = 2 * time.Second
	maxWaits  = 5 // so many of them: 62 s
)

// next returns how long to wait before the same again. It is false for what waiting
// does not help, and where the server asks for more than is left: asking earlier
// would only be refused again.
func (p *patience) next(err error) (time.Duration, bool) {
	wait, busy := backOff(err)
	if !busy {
		return 0, false
	}
	if wait <= 0 {
		if p.step == 0 {
			p.step = firstWait
		} else {
			p.step *= 2
		}
		if p.step > firstWait<<(maxWaits-1) {
			return 0, false
		}
		wait = p.step
	}
	if wait > p.left {
		return 0, false
	}
	p.left -= wait
	return wait, true
}

// backOff reports whether a server refused to carry a request out because it is
// busy, and how long it asks to be left alone.
func backOff(err error) (time.Duration, bool) {
	var response *ResponseError
	var web *HTTPError
	switch {
	case errors.As(err, &response):
		f, _ := fault.Classify(fault.Evidence{EWSCode: response.Code})
		return response.BackOff, f.ID == fault.Throttled
	case errors.As(err, &web):
		return web.RetryAfter, web.Status == http.StatusTooManyRequests || web.Status == http.StatusServiceUnavailable && web.RetryAfter > 0
	}
	return 0, false
}

// send sends a request once and decodes its reply.
func (c *Client) send(ctx context.Context, on Mailbox, op operation, version Version, answer *Answer) (result, error) {
	envelope, err := marshal(version, on.As, op.request)
	if err != nil {
		return nil, err
	}
	answer.Requests++
	answer.Status, answer.Code, answer.RequestID = 0, "", c.config.NewID()
	body, err := c.post(ctx, on, envelope, answer)
	if err != nil {
		return nil, err
	}
	r := op.fresh()
	info, err := unmarshal(body, op.name+"Response", r)
	if b := info.build(); !b.IsZero() {
		answer.Build, answer.ServerVersion = b, clip(info.Version)
	}
	var refused *ResponseError
	switch {
	case errors.As(err, &refused):
		answer.Code = refused.Code
	case err != nil && answer.Status == http.StatusInternalServerError && !bytes.Contains(body, []byte(nsSOAP)):
		err = &HTTPError{Status: answer.Status, Title: httptext.Title(string(body), maxClip)}
	case err == nil:
		answer.Code, err = r.check()
		if err == nil && answer.Status != http.StatusOK {
			err = &ProtocolError{What: fmt.Sprintf("the answer says %s under HTTP %d", answer.Code, answer.Status)}
		}
	}
	return r, err
}

// post sends one envelope and reads the whole answer, which is XML.
func (c *Client) post(ctx context.Context, on Mailbox, envelope []byte, answer *Answer) ([]byte, error) {
	return errand{c.config.Transport, c.config.URL, c.config.Timeout, c.config.MaxReply, map[string]string{
		"User-Agent": c.config.UserAgent, "X-AnchorMailbox": on.Address,
		"client-request-id": answer.RequestID, "return-client-request-id": "true",
	}, answer.Operation == "CreateItem"}.post(ctx, envelope, answer)
}

// An errand is one request on its way.
type errand struct {
	transport http.RoundTripper
	url       string
	timeout   time.Duration
	maxReply  int
	headers   map[string]string
	changes   bool // what it asks for must not be done twice
}

// post sends XML and reads the whole answer, which is XML.
func (e errand) post(ctx context.Context, body []byte, answer *Answer) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.timeout, lateError{e.timeout})
	defer cancel()
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	request, err := http.NewRequestWithContext(traced, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, &NetworkError{Err: err}
	}
	for name, value := range map[string]string{"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "Accept-Encoding": "identity"} {
		request.Header.Set(name, value)
	}
	for name, value := range e.headers {
		request.Header.Set(name, value)
	}
	if !e.changes {
		request.Header["X-Idempotency-Key"] = nil // net/http's mark, which is not sent
	}
	response, err := e.transport.RoundTrip(request)
	if err != nil {
		return nil, answer.noReply(ctx, sent.Load(), err)
	}
	defer drain(response.Body)
	answer.note(response)
	if err := checkAnswer(response); err != nil {
		return nil, err
	}
	reply, err := read(response, e.maxReply)
	var long *ProtocolError
	if err != nil && !errors.As(err, &long) {
		return nil, &NetworkError{true, cause(ctx, err)}
	}
	return reply, err
}

// note takes from the headers who answered.
func (a *Answer) note(r *http.Response) {
	a.Status = r.StatusCode
	a.FrontEnd = clip(r.Header.Get("X-FEServer"))
	a.BackEnd = clip(r.Header.Get("X-BEServer"))
	if a.BackEnd == "" {
		a.BackEnd = clip(r.Header.Get("X-CalculatedBETarget"))
	}
	if id := r.Header.Get("request-id"); id != "" {
		a.RequestID = clip(id)
	}
}

// noReply explains why there is no reply. A log-on that failed is its own error, as is
// the redirection that it does not follow.
func (a *Answer) noReply(ctx context.Context, sent bool, err error) error {
	var logon *negotiate.Error
	if !errors.As(err, &logon) || ctx.Err() != nil {
		return &NetworkError{sent, cause(ctx, err)}
	}
	a.Status = logon.Status
	if logon.Kind != negotiate.Redirected {
		return logon
	}
	web := &HTTPError{Status: logon.Status}
	if to, err := url.Parse(a.URL); err == nil {
		if to, err = to.Parse(logon.Location); err == nil {
			web.Location = withoutQuery(to)
		}
	}
	return web
}

// lateError is the cause of a context that ended because no answer came.
type lateError struct{ limit time.Duration }

func (e lateError) Error() string { return fmt.Sprintf("no answer within %v", e.limit) }

// Unwrap makes it a time-out, and not the end of the caller's context.
func (lateError) Unwrap() error { return os.ErrDeadlineExceeded }

// cause returns what ended a request: its time limit, the caller's context, or err.
func cause(ctx context.Context, err error) error {
	var late lateError
	switch {
	case errors.As(context.Cause(ctx), &late):
		return late
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// drain reads what is left of a body, so that the connection can be used again, and
// closes it. A long one is not worth it.
func drain(body io.ReadCloser) {
	io.CopyN(io.Discard, body, 64<<10)
	body.Close()
}

func (c *Client) trace(on Mailbox, a Answer, err error) {
	if c.config.Trace == nil {
		return
	}
	got := a.Code
	var network *NetworkError
	switch {
	case errors.As(err, &network):
		got = network.Error()
	case a.Code == "" && err != nil:
		got = err.Error()
	}
	c.config.Trace(fmt.Sprintf("%s %s, request %d: HTTP %d %s", a.Operation, on, a.Requests, a.Status, got))
}

// A cancelBody ends the context of its request when it is closed.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
