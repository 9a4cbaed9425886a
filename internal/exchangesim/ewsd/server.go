package ewsd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// What a Config is when it does not say otherwise.
const (
	defaultBuild       = exchangesim.DefaultBuild
	defaultConcurrency = 27              // EwsMaxConcurrency of Exchange 2013 and later
	defaultBackOff     = 5 * time.Second // of an account that asks for too much at once
)

// A Config says what a Server is.
type Config struct {
	Organization *exchangesim.Organization

	// Password is that of every account: Basic is asked for, with any identity of an
	// account as user name. Without it nobody is asked, and everybody is
	// exchangesim.DefaultUser.
	Password string
	// LogOn tells who a request is from in place of Basic, as where a proxy logs on.
	LogOn func(*http.Request) (user string, ok bool)
	// Offered are the ways to log on that a refusal names; nil is Basic.
	Offered []string

	// WebServices are the server's manners; those of the organization's scenario where
	// they are nil.
	WebServices *exchangesim.WebServices
	Latency     time.Duration // how much longer each request to EWS takes

	// ExternalURL is the EWS URL that Autodiscover tells for use outside; empty is none.
	// The internal one is that of the request.
	ExternalURL string
	// RedirectURL is where Autodiscover sends everybody; empty is nowhere.
	RedirectURL string

	Faults FaultPlan
	// Events is told of every request after its reply. It may be called by several
	// goroutines at once.
	Events func(Event)

	NewID func() string // a new GUID; nil takes random ones
}

// An Event is one request.
type Event struct {
	N            int    // number of the request; 0 for those that are not counted
	Operation    string // "GetFolder" …; empty when it was refused before that was known
	User         string // as the account logged on
	Impersonated string // DOMAIN\name of the account that is acted for; "" for nobody
	Anchor       string // X-AnchorMailbox
	UserAgent    string
	Version      string // RequestServerVersion
	Status       int    // of HTTP
	Code         string // response code; "" when EWS did not answer
	Injected     FaultKind
	Body         []byte // of the request
}

// A Server is the endpoint. It is safe for concurrent use.
type Server struct {
	config  Config
	manners exchangesim.WebServices
	build   build

	mu      sync.Mutex
	count   int                   // of requests
	busy    map[exchange.GUID]int // requests under way, by account
	refused int                   // requests that were told that the server is busy, of manners.Busy
	cache   map[exchange.GUID]kept
	items   map[exchange.GUID][]item // by mailbox
	nextID  int
}

// kept are the rights of an account that the server keeps for a while.
type kept struct {
	rights exchangesim.Rights
	until  time.Time
}

// New returns a server. It panics where the build is none.
func New(c Config) *Server {
	manners := c.Organization.Scenario().WebServices
	if c.WebServices != nil {
		manners = *c.WebServices
	}
	if manners.Build == "" {
		manners.Build = c.Organization.Build()
	}
	if manners.Language == "" {
		manners.Language = c.Organization.Language()
	}
	if manners.Concurrency == 0 {
		manners.Concurrency = defaultConcurrency
	}
	if manners.BackOff == 0 {
		manners.BackOff = defaultBackOff
	}
	if c.Offered == nil {
		c.Offered = []string{`Basic realm="` + serverFQDN + `"`}
	}
	if c.NewID == nil {
		c.NewID = func() string { return uuid.Must(uuid.NewV4()).String() }
	}
	return &Server{config: c, manners: manners, build: parseBuild(manners.Build), busy: map[exchange.GUID]int{}, cache: map[exchange.GUID]kept{}, items: map[exchange.GUID][]item{}}
}

// A build is that of the server, as replies tell it.
type build struct{ major, minor, build, revision int }

func parseBuild(text string) build {
	var b build
	if _, err := fmt.Sscanf(text, "%d.%d.%d.%d", &b.major, &b.minor, &b.build, &b.revision); err != nil {
		panic(fmt.Sprintf("ewsd: build %q: %v", text, err))
	}
	return b
}

// An exchanged request is on its way through the server.
type exchanged struct {
	event   Event
	fault   Fault
	caller  exchangesim.Account
	request *request
}

// maxRequest is the longest request that is taken.
const maxRequest = 1 << 20

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchanged{}
	x.event.Anchor, x.event.UserAgent = r.Header.Get("X-AnchorMailbox"), r.UserAgent()
	defer func() {
		if s.config.Events != nil {
			s.config.Events(x.event)
		}
	}()
	serve := s.route(r)
	if serve == nil {
		x.event.Status = page(w, http.StatusNotFound)
		return
	}
	if x.event.Status = s.admit(w, r, x); x.event.Status != 0 {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	switch {
	case err != nil:
		panic(http.ErrAbortHandler) // the client is gone
	case len(body) > maxRequest:
		x.event.Status = page(w, http.StatusRequestEntityTooLarge)
		return
	case len(body) == 0:
		x.event.Status = http.StatusOK // the first leg of a log-on
		return
	}
	x.event.Body = body
	x.fault = s.number(x)
	if x.fault.Kind == Refuse {
		panic(http.ErrAbortHandler)
	}
	serve(w, r, x)
}

// route returns what answers at a path, nil when nothing does.
func (s *Server) route(r *http.Request) func(http.ResponseWriter, *http.Request, *exchanged) {
	switch strings.ToLower(r.URL.Path) {
	case "/ews/exchange.asmx":
		return s.serveEWS
	case "/autodiscover/autodiscover.svc":
		return s.serveSOAPAutodiscover
	case "/autodiscover/autodiscover.xml":
		return s.servePOXAutodiscover
	}
	return nil
}

// number counts a request and tells what goes wrong with it.
func (s *Server) number(x *exchanged) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	x.event.N = s.count
	f := s.config.Faults[s.count]
	x.event.Injected = f.Kind
	return f
}

// Requests returns how many requests were counted.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Items returns how many items clients have left in a mailbox.
func (s *Server) Items(mailbox exchange.GUID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.items[mailbox])
}

// enter counts a request of an account. It is false when the server is busy, or the
// account has as many as its policy allows.
func (s *Server) enter(account exchange.GUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused < s.manners.Busy {
		s.refused++
		return false
	}
	if s.busy[account] >= s.manners.Concurrency {
		return false
	}
	s.busy[account]++
	return true
}

func (s *Server) leave(account exchange.GUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy[account]--
}

// rights returns what an account may do by impersonation, as the server knows it.
func (s *Server) rights(account exchange.GUID) exchangesim.Rights {
	if s.manners.CacheLife <= 0 {
		return s.config.Organization.ImpersonationRights(account)
	}
	now := s.config.Organization.Clock().Now()
	s.mu.Lock()
	k, ok := s.cache[account]
	s.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.rights
	}
	rights := s.config.Organization.ImpersonationRights(account)
	s.mu.Lock()
	s.cache[account] = kept{rights, now.Add(s.manners.CacheLife)}
	s.mu.Unlock()
	return rights
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
