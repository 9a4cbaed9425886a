package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	// atOnce is how many pipelines of a session are under way. The runspace runs one
	// after the other, so that all see the same session; more only keep the line full.
	atOnce = 4

	// cleanup is how long stopping a pipeline or deleting a shell may take when the
	// caller's own time is over.
	cleanup = 10 * time.Second
)

// A psrpSession is a Session over PSRP. The runspace pool in it is replaced when
// the server has lost it.
type psrpSession struct {
	target   Target
	url      *url.URL
	operator string // who is logged on, for reports
	slots    chan struct{}

	client      *wsman.Client
	connections *http.Client

	opening chan struct{} // holds one while a runspace is opened

	mu       sync.Mutex
	current  *runspace
	settings []exchange.Pipeline // what a new runspace must be told again
	mode     string              // the language mode, once it was asked for
	closed   bool
}

// A runspace is one open runspace pool, with one runspace, in its shell.
type runspace struct {
	shell *wsman.Shell
	pool  *psrp.ClientPool
}

var errNeverOpens = fmt.Errorf("the server has a shell, and did not open its runspace pool within %v", wsman.DefaultOpenTimeout)

var errClosed = errors.New("the session is closed")

func newPSRPSession(t Target, u *url.URL, connections *http.Client, operator string) *psrpSession {
	return &psrpSession{
		target: t, url: u, connections: connections, operator: operator, slots: make(chan struct{}, atOnce), opening: make(chan struct{}, 1),
		client: wsman.NewClient(wsman.Config{
			URL: u.String(), HTTP: connections, ResourceURI: t.resource(), Slack: t.timeout(), Trace: t.trace,
		}),
	}
}

// Place is documented at exchange.Session.
func (s *psrpSession) Place() exchange.Place {
	return exchange.Place{Server: s.url.Hostname(), Transport: string(PSRP), Operator: s.operator}
}

// open returns the runspace, which it opens if there is none: one caller opens, the
// others wait.
func (s *psrpSession) open(ctx context.Context) (*runspace, error) {
	select {
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r, settings, err := s.state()
	if r != nil || err != nil {
		return r, err
	}
	r, err = s.openRunspace(ctx)
	if err != nil && isLost(err) && ctx.Err() == nil {
		r, err = s.openRunspace(ctx) // a reply was lost; what it was about is deleted
	}
	if err != nil {
		return nil, explain("opening a session", err)
	}
	if err := r.setUp(ctx, settings); err != nil {
		_ = r.delete(ctx)
		return nil, explain("setting up a new session", err)
	}
	if !s.use(r) {
		_ = r.delete(ctx)
		return nil, errClosed
	}
	return r, nil
}

// state returns the runspace that is open, nil when there is none, and what a new
// one must be told.
func (s *psrpSession) state() (*runspace, []exchange.Pipeline, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errClosed
	}
	return s.current, s.settings, nil
}

// use makes a runspace the session's, unless that was closed meanwhile.
func (s *psrpSession) use(r *runspace) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.current = r
	}
	return !s.closed
}

// setUp runs what changes the session itself.
func (r *runspace) setUp(ctx context.Context, settings []exchange.Pipeline) error {
	for _, p := range settings {
		command, err := powerShell(p)
		if err == nil {
			err = (&run{attempt: newAttempt(p, nil), runspace: r, command: command}).do(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openRunspace opens a runspace in a shell of its own, or leaves none.
func (s *psrpSession) openRunspace(ctx context.Context) (*runspace, error) {
	pool := psrp.NewClientPool(psrp.PoolConfig{ID: psrp.NewGUID(), MaxFragment: s.client.MaxPayload()})
	out, err := pool.Open()
	if err != nil {
		return nil, err
	}
	id := pool.ID().String()
	shell, err := s.client.Create(ctx, wsman.CreateRequest{ShellID: id, Payload: slices.Concat(out...)})
	if err != nil {
		if mayHaveHappened(err) {
			_ = (&runspace{shell: s.client.Attach(id)}).delete(ctx)
		}
		return nil, err
	}
	// Create has a time-out of its own, which a slow server is told by.
	ctx, cancel := context.WithTimeoutCause(ctx, wsman.DefaultOpenTimeout, errNeverOpens)
	defer cancel()
	r := &runspace{shell, pool}
	for pool.State() != psrp.PoolOpened && err == nil {
		err = r.negotiate(ctx)
	}
	if errors.Is(context.Cause(ctx), errNeverOpens) {
		err = &psrp.ProtocolError{What: errNeverOpens.Error()}
	}
	if err != nil {
		_ = r.delete(ctx)
		return nil, err
	}
	if !slices.Contains([]string{"2.0", "2.1"}, pool.ProtocolVersion()) {
		s.client.SetMaxEnvelope(wsman.MaxEnvelope22)
		pool.SetMaxFragment(s.client.MaxPayload())
	}
	return r, nil
}

// negotiate takes one step on the way to an open pool.
func (r *runspace) negotiate(ctx context.Context) error {
	got, err := r.shell.Receive(ctx, "")
	if err != nil {
		return err
	}
	reply, err := r.pool.Receive(got.Data)
	if err != nil {
		return err
	}
	if err := r.answer(ctx, "", reply); err != nil {
		return err
	}
	switch state := r.pool.State(); {
	case state == psrp.PoolBroken || state == psrp.PoolClosed:
		if failure, ok := r.pool.Failure(); ok {
			return &refusedError{failure}
		}
		return &psrp.ProtocolError{What: "the server closed the runspace pool while it opened"}
	case got.Done && state != psrp.PoolOpened:
		return &psrp.ProtocolError{What: "the server ended the shell while it opened"}
	}
	return nil
}

// send sends what follows the first fragment of a pipeline.
func (r *runspace) send(ctx context.Context, command string, fragments [][]byte) error {
	for _, f := range fragments {
		if err := r.shell.Send(ctx, command, f); err != nil {
			return err
		}
	}
	return nil
}

// answer sends the answers to host calls.
func (r *runspace) answer(ctx context.Context, command string, fragments [][]byte) error {
	for _, f := range fragments {
		if err := r.shell.SendResponse(ctx, command, f); err != nil {
			return err
		}
	}
	return nil
}

// delete ends the shell. It uses a time of its own: it must also happen when the
// caller's is over. A server that did not hear it would keep the shell until it is
// idle for long, therefore it is told again.
func (r *runspace) delete(ctx context.Context) error {
	ctx, cancel := aftermath.Within(ctx, cleanup)
	defer cancel()
	for try := 1; ; try++ {
		err := r.shell.Delete(ctx)
		if err == nil || ctx.Err() != nil || isGone(err) || !isLost(err) || try == tries {
			return err
		}
	}
}

// drop gives a runspace up that no longer answers as it should.
func (s *psrpSession) drop(ctx context.Context, r *runspace) {
	s.mu.Lock()
	mine := s.current == r
	if mine {
		s.current = nil
	}
	s.mu.Unlock()
	if mine { // else another pipeline has done it
		_ = r.delete(ctx) // it may be gone, which is why it is dropped
	}
}

// Close is documented at Session.
func (s *psrpSession) Close(ctx context.Context) error {
	s.mu.Lock()
	r := s.current
	s.current, s.closed = nil, true
	s.mu.Unlock()
	defer s.connections.CloseIdleConnections()
	if r == nil {
		return nil
	}
	if err := r.delete(ctx); err != nil && !isGone(err) {
		return explain("closing the session", err)
	}
	return nil
}
