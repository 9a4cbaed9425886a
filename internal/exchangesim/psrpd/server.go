package psrpd

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/wsman"
)

// What a Config is when it does not say otherwise.
const (
	defaultMaxShells   = 18 // of one user, as Exchange's policy has it
	DefaultIdleTimeout = 15 * time.Minute
)

// A Config says what a Server is.
type Config struct {
	Organization *exchangesim.Organization

	// Password is that of every account: Basic is asked for, with any identity of an
	// account as user name. Without it nobody is asked, and everybody is
	// exchangesim.DefaultUser.
	Password string

	MaxShells     int           // shells that a user may have at once; 0 is DefaultMaxShells
	IdleTimeout   time.Duration // 0 is DefaultIdleTimeout; clients may ask for less
	RequireCookie bool          // a request without the cookie of its Create meets no shell
	Latency       time.Duration // how much longer each request takes

	Faults FaultPlan
	// Events is told of every request after its reply. It may be called by several
	// goroutines at once.
	Events func(Event)

	Now   func() time.Time // for the idle time-out; nil is time.Now
	NewID func() string    // a new GUID in upper case; nil takes random ones
}

// An Event is one request.
type Event struct {
	N        int    // number of the request; 0 for those that are not counted
	Action   string // "Create", "Receive" …; empty when it was refused before that was known
	User     string
	Shell    string
	Command  string
	In, Out  int // bytes of the envelopes
	Status   int // of HTTP
	Fault    uint32
	Injected FaultKind
	Shells   int // that are open now
}

// A Server is the endpoint. It is safe for concurrent use.
type Server struct {
	config Config
	cookie string
	runs   sync.WaitGroup // of pipelines

	mu     sync.Mutex
	shells map[string]*shell // by identifier in upper case
	count  int               // of requests
	next   *injected         // nil when nothing was ordered
}

// New returns a server without shells.
func New(c Config) *Server {
	if c.MaxShells == 0 {
		c.MaxShells = defaultMaxShells
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = func() string { return strings.ToUpper(uuid.Must(uuid.NewV4()).String()) }
	}
	return &Server{config: c, cookie: strings.ToLower(strings.ReplaceAll(c.NewID(), "-", "")), shells: map[string]*shell{}}
}

// Shells returns how many shells are open. Those whose idle time is over are ended
// first.
func (s *Server) Shells() int {
	s.reap()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.shells)
}

// Close ends all shells and waits for their pipelines. Requests that come later
// find no shell.
func (s *Server) Close() {
	s.mu.Lock()
	open := s.shells
	s.shells = map[string]*shell{}
	s.mu.Unlock()
	for _, sh := range open {
		sh.end()
	}
	s.runs.Wait()
}

// An exchanged request is on its way through the server.
type exchanged struct {
	event     Event
	request   *wsman.Request
	fault     Fault
	hasCookie bool   // the request came with the server's cookie
	cookie    bool   // the reply sets it
	undo      func() // for when the reply could not be delivered; may be nil
	delivered bool
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchanged{}
	defer func() {
		if s.config.Events != nil {
			x.event.Shells = s.Shells()
			s.config.Events(x.event)
		}
	}()
	if x.event.Status = s.admit(w, r, x); x.event.Status != 0 {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	if len(body) == 0 {
		x.event.Status = http.StatusOK // the first leg of a log-on
		return
	}
	x.event.In = len(body)
	x.fault = s.number(x)
	if x.fault.Kind == Refuse {
		panic(http.ErrAbortHandler)
	}
	sleep(r.Context(), s.config.Latency)
	reply := s.answer(r.Context(), body, x)
	s.send(w, r, reply, x)
}

// maxRequest is the largest envelope that is taken.
const maxRequest = wsman.MaxEnvelope22

// number counts a request and tells what goes wrong with it.
func (s *Server) number(x *exchanged) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	x.event.N = s.count
	f := s.config.Faults[s.count]
	if s.next != nil && s.count == s.next.at {
		f = s.next.fault
	}
	x.event.Injected = f.Kind
	return f
}

// Inject has the nth request from now go wrong.
func (s *Server) Inject(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = &injected{s.count + n, f}
}

// An injected fault is one that was ordered while the server runs.
type injected struct {
	at    int
	fault Fault
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// answer carries a request out.
func (s *Server) answer(ctx context.Context, body []byte, x *exchanged) *wsman.Reply {
	var reply *wsman.Reply
	var request *wsman.Request
	var err error
	if len(body) > maxRequest {
		request, err = &wsman.Request{}, wsman.EnvelopeTooLarge(maxRequest)
	} else {
		request, err = wsman.ParseRequest(body)
	}
	x.request = request
	x.event.Action = request.Action.Name()
	switch {
	case err != nil:
	case x.fault.Kind == Throttle:
		err = wsman.NewFault(wsman.CodeUserLoad, "w:QuotaLimit", "The WS-Management service cannot process the request. This user has exceeded "+
			"the maximum number of requests per 2 seconds. ")
	default:
		reply, err = s.operate(ctx, x)
	}
	if err != nil {
		reply = &wsman.Reply{Fault: asFault(err)}
		x.event.Fault = reply.Fault.Code
	}
	reply.Action, reply.RelatesTo = request.Action, request.MessageID
	reply.MessageID = "uuid:" + s.config.NewID()
	return reply
}
