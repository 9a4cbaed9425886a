package psrpd

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
)

// maxPipelines is how many commands of one shell may exist at once.
const maxPipelines = 64

// A shell is one client's runspace pool.
type shell struct {
	id      string
	user    string
	idle    time.Duration
	session *exchangesim.Session
	out     outbox // of the pool itself

	mu        sync.Mutex
	pool      *psrp.ServerPool
	pipelines map[string]*pipeline // by identifier in upper case; nil when there is none
	slots     int                  // runspaces in use
	freed     chan struct{}        // closed when one is given back and somebody waits
	gone      bool

	// Guarded by the server's lock.
	used    time.Time
	pending int // requests under way
}

// end stops everything that runs in the shell.
func (sh *shell) end() {
	sh.mu.Lock()
	running := sh.pipelines
	sh.pipelines, sh.gone = nil, true
	sh.mu.Unlock()
	for _, p := range running {
		p.cancel()
		p.out.close()
	}
	sh.out.close()
}

// reap ends the shells whose idle time is over.
func (s *Server) reap() {
	now := s.config.Now()
	var over []*shell
	s.mu.Lock()
	for id, sh := range s.shells {
		if sh.pending == 0 && now.Sub(sh.used) >= sh.idle {
			over = append(over, sh)
			delete(s.shells, id)
		}
	}
	s.mu.Unlock()
	for _, sh := range over {
		sh.end()
	}
}

// add makes the shell known, unless its user has too many or the identifier is
// taken.
func (s *Server) add(sh *shell) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shells[strings.ToUpper(sh.id)] != nil {
		return wsman.NewFault(wsman.CodeAlreadyExists, "w:AlreadyExists",
			"The WS-Management service cannot process the request because the shell already exists. ")
	}
	mine := 0
	for _, other := range s.shells {
		if other.user == sh.user {
			mine++
		}
	}
	if mine >= s.config.MaxShells {
		return wsman.NewFault(wsman.CodeQuota, "w:QuotaLimit", fmt.Sprintf(
			"The WS-Management service cannot process the request. This user is allowed a maximum number of %d concurrent shells, which has been exceeded. "+
				"Close existing shells or raise the quota for this user. ", s.config.MaxShells))
	}
	sh.used = s.config.Now()
	s.shells[strings.ToUpper(sh.id)] = sh
	return nil
}

// borrow finds the shell of a request; the shell is not idle until it is given
// back. A user sees only shells of their own.
func (s *Server) borrow(x *exchanged) (*shell, error) {
	s.reap()
	id := x.request.ShellID()
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shells[strings.ToUpper(id)]
	if sh == nil || sh.user != x.event.User || s.config.RequireCookie && !x.hasCookie {
		return nil, wsman.NoShell(cafe("WSMan-InvalidShellID"), id)
	}
	x.event.Shell = sh.id
	sh.pending++
	sh.used = s.config.Now()
	return sh, nil
}

func (s *Server) giveBack(sh *shell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.pending--
	sh.used = s.config.Now()
}

// cafe is what Exchange's front end writes before its errors.
func cafe(category string) string {
	return "[ClientAccessServer=" + serverName + ",BackEndServer=" + serverFQDN + "] [FailureCategory=" + category + "] "
}

// pipelineOf finds a command of the shell.
func (sh *shell) pipelineOf(id string) (*pipeline, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.pipelines[strings.ToUpper(id)]
	if p == nil {
		return nil, wsman.NoCommand()
	}
	return p, nil
}

func (sh *shell) keep(p *pipeline) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.gone {
		return
	}
	if sh.pipelines == nil {
		sh.pipelines = map[string]*pipeline{}
	}
	sh.pipelines[strings.ToUpper(p.id)] = p
}

func (sh *shell) forget(p *pipeline) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.pipelines, strings.ToUpper(p.id))
}
