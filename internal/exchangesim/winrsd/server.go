package winrsd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/wsman"
)

// What a Config is when it does not say otherwise: what Windows has (MS-WSMV 3.1.1).
const (
	defaultMaxShells   = 30
	defaultMaxCommands = 25 // MaxProcessesPerShell
	defaultIdleTimeout = 2 * time.Hour
)

// A Config says what a Server is.
type Config struct {
	Organization *exchangesim.Organization
	Pwsh         string // path of the PowerShell engine
	// Program, when set, runs in place of the engine, until it returns its exit code or
	// ctx ends: who tests a client by it needs no process and no network.
	Program func(ctx context.Context, s *exchangesim.Session, stdin io.Reader, stdout io.Writer) (code int)

	// Password is that of every account: Basic is asked for. Without it nobody is asked,
	// and everybody is exchangesim.DefaultUser, or who the header UserHeader names.
	Password string
	// UserHeader is the header in which a server in front tells who logged on; empty is
	// none.
	UserHeader string
	// ExchangePassword is what New-PSSession's credential must have; empty is Password.
	ExchangePassword string

	MaxShells   int           // that a user may have at once
	MaxCommands int           // that a shell may run at once
	IdleTimeout time.Duration // of shells; clients may ask for less
	Latency     time.Duration // how much longer each request takes

	ExecutionPolicy string // that Get-ExecutionPolicy tells; empty is RemoteSigned
	Signature       string // status of a script that has a signature block; empty is Valid

	Faults psrpd.FaultPlan // Duplicate is of output alone
	// Events is told of every request after its reply. It may be called by several
	// goroutines at once.
	Events func(psrpd.Event)

	Now   func() time.Time // for the idle time-out; nil is time.Now
	NewID func() string    // a new GUID in upper case; nil takes random ones
}

// A Server is the endpoint. It is safe for concurrent use.
type Server struct {
	config Config

	mu     sync.Mutex
	shells map[string]*shell // by identifier in upper case
	count  int               // of requests
	opened int               // PSSessions that stayed when their shell ended
}

// New returns a server without shells.
func New(c Config) *Server {
	for value, usual := range map[*int]int{&c.MaxShells: defaultMaxShells, &c.MaxCommands: defaultMaxCommands} {
		if *value == 0 {
			*value = usual
		}
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = func() string { return strings.ToUpper(uuid.Must(uuid.NewV4()).String()) }
	}
	if c.ExchangePassword == "" {
		c.ExchangePassword = c.Password
	}
	return &Server{config: c, shells: map[string]*shell{}}
}

// Shells returns how many shells are open. Those whose idle time is over are ended
// first.
func (s *Server) Shells() int {
	s.reap()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.shells)
}

// Processes returns how many processes run.
func (s *Server) Processes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, sh := range s.shells {
		n += sh.running()
	}
	return n
}

// SessionsLeft returns how many sessions of Exchange were not removed by who opened
// them, in shells that have ended.
func (s *Server) SessionsLeft() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Close ends all shells with what runs in them. Requests that come later find no
// shell.
func (s *Server) Close() {
	s.mu.Lock()
	open := s.shells
	s.shells = map[string]*shell{}
	s.mu.Unlock()
	for _, sh := range open {
		s.end(sh)
	}
}

// end ends a shell that was taken out of the list.
func (s *Server) end(sh *shell) {
	left := sh.end()
	s.mu.Lock()
	s.opened += left
	s.mu.Unlock()
}

// reap ends shells that nobody has asked for too long.
func (s *Server) reap() {
	now := s.config.Now()
	var over []*shell
	s.mu.Lock()
	for id, sh := range s.shells {
		if sh.isIdle(now) {
			over = append(over, sh)
			delete(s.shells, id)
		}
	}
	s.mu.Unlock()
	for _, sh := range over {
		s.end(sh)
	}
}

// An exchanged request is on its way through the server.
type exchanged struct {
	event     psrpd.Event
	request   *wsman.Request
	fault     psrpd.Fault
	undo      func() // for when the reply could not be delivered; may be nil
	delivered bool
}

// maxRequest is the largest envelope that is taken.
const maxRequest = wsman.MaxEnvelope22

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
	if x.fault = s.number(x); x.fault.Kind == psrpd.Refuse {
		panic(http.ErrAbortHandler)
	}
	wait(r.Context(), s.config.Latency)
	s.send(w, r, s.answer(r.Context(), body, x), x)
}

// number counts a request and tells what goes wrong with it.
func (s *Server) number(x *exchanged) psrpd.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	x.event.N = s.count
	f := s.config.Faults[s.count]
	x.event.Injected = f.Kind
	return f
}

func wait(ctx context.Context, d time.Duration) {
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
	request, err := &wsman.Request{}, error(wsman.EnvelopeTooLarge(maxRequest))
	if len(body) <= maxRequest {
		request, err = wsman.ParseRequest(body)
	}
	x.request = request
	x.event.Action = request.Action.Name()
	if err == nil {
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

func asFault(err error) *wsman.Fault {
	var f *wsman.Fault
	if errors.As(err, &f) {
		return f
	}
	return wsman.NewFault(wsman.CodePlugin, "w:InternalError", err.Error())
}

// operate does what a request asks for.
func (s *Server) operate(ctx context.Context, x *exchanged) (*wsman.Reply, error) {
	r := x.request
	s.reap()
	if r.Action == wsman.ActionIdentify {
		return &wsman.Reply{Identity: &wsman.Identity{ProtocolVersion: "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
			Vendor: "Microsoft Corporation", Version: "OS: 0.0.0 SP: 0.0 Stack: 3.0"}}, nil
	}
	if !strings.EqualFold(r.ResourceURI, wsman.ResourceCommand) {
		return nil, wsman.UnknownResource(r.ResourceURI)
	}
	if r.Action == wsman.ActionCreate {
		return s.create(x)
	}
	sh, err := s.find(x)
	if err != nil {
		return nil, err
	}
	x.event.Shell = sh.id
	switch r.Action {
	case wsman.ActionCommand:
		return sh.start(x)
	case wsman.ActionSend:
		return &wsman.Reply{}, sh.send(ctx, x)
	case wsman.ActionReceive:
		return sh.receive(ctx, x)
	case wsman.ActionSignal:
		return &wsman.Reply{}, sh.signal(x)
	case wsman.ActionDelete:
		s.mu.Lock()
		delete(s.shells, sh.id)
		s.mu.Unlock()
		s.end(sh)
		return &wsman.Reply{}, nil
	}
	return nil, wsman.NewFault(wsman.CodeUnknownAction, "a:ActionNotSupported", "The action is not supported by a shell. ")
}

// find returns the shell that a request is for: a user sees only his own.
func (s *Server) find(x *exchanged) (*shell, error) {
	id := x.request.ShellID()
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shells[strings.ToUpper(id)]
	if sh == nil || !strings.EqualFold(sh.user, x.event.User) {
		return nil, wsman.NoShell("", id)
	}
	sh.touch(s.config.Now())
	return sh, nil
}

// create makes a shell. What reserves its place is the list: two requests with one
// identifier make one shell.
func (s *Server) create(x *exchanged) (*wsman.Reply, error) {
	asked := x.request.Create
	id := strings.ToUpper(asked.ShellID)
	if id == "" {
		id = s.config.NewID()
	}
	idle := s.config.IdleTimeout
	if asked.IdleTimeout > 0 {
		idle = min(idle, asked.IdleTimeout)
	}
	if err := s.admitShell(id, x.event.User); err != nil {
		return nil, err
	}
	sh, err := newShell(s.config, id, x.event.User, idle)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.shells[id] = sh
	s.mu.Unlock()
	x.event.Shell = id
	return &wsman.Reply{Created: &wsman.ShellCreated{
		Address: x.request.To, ResourceURI: wsman.ResourceCommand, Selectors: []wsman.Selector{{Name: "ShellId", Value: id}},
		Owner: x.event.User, IdleTimeout: idle, InputStreams: asked.InputStreams, OutputStreams: asked.OutputStreams,
	}}, nil
}

func (s *Server) admitShell(id, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, sh := range s.shells {
		if strings.EqualFold(sh.user, user) {
			n++
		}
	}
	switch {
	case s.shells[id] != nil:
		return wsman.NewFault(wsman.CodeAlreadyExists, "w:AlreadyExists", "The shell exists already. ")
	case n >= s.config.MaxShells:
		return wsman.NewFault(wsman.CodeQuota, "w:QuotaLimit", fmt.Sprintf("The WS-Management service cannot process the request. "+
			"The maximum number of concurrent shells for this user has been exceeded: %d. Close existing shells or raise the quota for this user. ", s.config.MaxShells))
	}
	return nil
}
