package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const simPassword = "correct horse"

// A simulated server, and what it was asked.
type simulated struct {
	*psrpd.Server
	organization *exchangesim.Organization
	url          string

	mu     sync.Mutex
	events []psrpd.Event
}

// noneLeft holds that no goroutine is left when the test and its clean-ups are over.
func noneLeft(t *testing.T) {
	known := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, known) })
}

// simulate serves a scenario until the test ends.
func simulate(t testing.TB, scenario string, config psrpd.Config) *simulated {
	t.Helper()
	of, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	s := &simulated{organization: exchangesim.New(of, exchangesim.Options{})}
	config.Organization, config.Password = s.organization, simPassword
	config.Events = func(e psrpd.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	s.Server = psrpd.New(config)
	served := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); served.CloseClientConnections(); served.Close() })
	s.url = served.URL
	return s
}

// asked lists the requests that were carried out, by action.
func (s *simulated) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var actions []string
	for _, e := range s.events {
		if e.N > 0 {
			actions = append(actions, e.Action)
		}
	}
	return actions
}

func (s *simulated) target() Target { return Target{Server: s.url, Timeout: 5 * time.Second} }

func simCredential() Credential {
	return Credential{Method: Basic, Username: "administrator", Password: NewSecret(simPassword)}
}

// impatient is a session that gives up on a request after some 400 ms.
func (s *simulated) impatient(t testing.TB) *psrpSession {
	t.Helper()
	opened, err := New(s.target(), simCredential())
	if err != nil {
		t.Fatal(err)
	}
	session := opened.(*psrpSession)
	session.client = wsman.NewClient(wsman.Config{URL: session.url.String(), HTTP: session.connections, ResourceURI: wsman.ResourceExchange,
		OperationTimeout: 200 * time.Millisecond, OpenTimeout: 200 * time.Millisecond, Slack: 200 * time.Millisecond})
	return session
}

var simFaults = []psrpd.FaultKind{psrpd.Refuse, psrpd.CutBefore, psrpd.CutDuring, psrpd.CutAfter, psrpd.Truncate, psrpd.Delay, psrpd.Duplicate, psrpd.Garble}

// Whatever happens to a request, and whichever it is: opening fails or works, a
// read is done in the end, a change is done or its outcome is told as unknown, and
// is never done twice; no shell and no goroutine is left.
func TestEveryRequestInTrouble(t *testing.T) {
	noneLeft(t)
	for _, kind := range simFaults {
		for n := 1; n <= lastRequest; n++ {
			t.Run(fmt.Sprintf("%s %d", kind, n), func(t *testing.T) { oneRequestInTrouble(t, kind, n) })
		}
	}
}

// lastRequest is the last of Create, Receive; Command and Receive of a read and of a
// change; Delete.
const lastRequest = 7

func oneRequestInTrouble(t *testing.T, kind psrpd.FaultKind, n int) {
	server := simulate(t, "plain", psrpd.Config{Faults: psrpd.FaultPlan{n: {Kind: kind, Delay: 600 * time.Millisecond}}})
	s := server.impatient(t)
	_, dialed := s.open(t.Context())
	if dialed != nil && n > 2 {
		t.Fatalf("opening: %v", dialed)
	}
	var unexplained *Error
	if dialed != nil && !errors.As(dialed, &unexplained) {
		t.Errorf("opening fails without evidence: %v", dialed)
	}
	var users int
	_, read := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, func(o exchange.Object) error { users++; return nil })
	if read != nil || users != 1 {
		t.Errorf("a read brings %d objects: %v", users, read)
	}
	streams, change := s.Invoke(t.Context(), exchange.Pipeline{commands.NewScope("S", "City -eq 'Berlin'", "")}, ignoreObject)
	var lost *exchange.LostReplyError
	there := len(server.organization.Snapshot().Scopes) == 1
	switch {
	case change == nil && (!there || len(streams.Errors) > 0):
		t.Errorf("a change is said to be done: there %t, %+v", there, streams)
	case change != nil && !errors.As(change, &lost):
		t.Errorf("a change fails without saying that it may be done: %v", change)
	case change != nil && (n < 4 || n == 4 && kind != psrpd.CutAfter && kind != psrpd.Duplicate): // those two hit the next request, too
		t.Errorf("the trouble was over: %v", change)
	}
	if n := writes(server.organization); n > 1 {
		t.Errorf("%d changes, at most one was asked for", n)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	if left := server.Shells(); left > 0 {
		t.Errorf("%d shells are left; asked: %v", left, server.asked())
	}
}

func writes(o *exchangesim.Organization) int {
	n := 0
	for _, c := range o.Calls() {
		if c.Writes {
			n++
		}
	}
	return n
}

// A session is for many goroutines at once, which read, change, give up and refuse
// what comes. All share one shell and one view of the directory.
func TestManyGoroutines(t *testing.T) {
	noneLeft(t)
	server := simulate(t, "plain", psrpd.Config{})
	s, err := Dial(t.Context(), server.target(), simCredential())
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Go(func() { oneOfMany(t, s, i) })
	}
	wait.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(server.organization.Snapshot().Scopes); n != 16 {
		t.Errorf("%d scopes, want 16", n)
	}
	asked := server.asked()
	if n := len(asked) - len(slices.DeleteFunc(slices.Clone(asked), func(a string) bool { return a == "Create" })); n != 1 || server.Shells() != 0 {
		t.Errorf("%d shells were opened, %d are left: %v", n, server.Shells(), asked)
	}
}

func oneOfMany(t *testing.T, s Session, i int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	enough := errors.New("enough")
	switch i % 4 {
	case 0:
		name := []string{"anna", "ben", "boss", "room1"}[i/4%4]
		var got []string
		_, err := s.Invoke(ctx, exchange.Pipeline{commands.GetMailbox(name)}, func(o exchange.Object) error {
			got = append(got, o.Text("Alias"))
			return nil
		})
		if err != nil || len(got) != 1 || got[0] != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	case 1:
		streams, err := s.Invoke(ctx, exchange.Pipeline{commands.NewScope(fmt.Sprintf("Scope %d", i), "City -eq 'Berlin'", "")}, ignoreObject)
		if err != nil || len(streams.Errors) > 0 {
			t.Errorf("scope %d: %v, %+v", i, err, streams)
		}
	case 2:
		if _, err := s.Invoke(ctx, exchange.Pipeline{commands.ListRecipients("", "")}, func(exchange.Object) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("a refusal becomes %v", err)
		}
	case 3:
		cancel()
		if _, err := s.Invoke(ctx, exchange.Pipeline{commands.GetUser("anna")}, ignoreObject); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancel becomes %v", err)
		}
	}
}

// A cancel at any moment ends the call soon, leaves the session of use, and no
// shell or goroutine behind.
func TestCancelAtEveryRequest(t *testing.T) {
	noneLeft(t)
	for n := 1; n <= 6; n++ {
		server := simulate(t, "plain", psrpd.Config{Faults: psrpd.FaultPlan{n: {Kind: psrpd.Delay, Delay: time.Minute}}})
		ctx, cancel := context.WithCancel(t.Context())
		var count atomic.Int32
		target := server.target()
		target.Trace = func(line string) {
			if strings.Contains(line, "request") && int(count.Add(1)) == n {
				time.AfterFunc(20*time.Millisecond, cancel)
			}
		}
		s, err := New(target, simCredential())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Invoke(ctx, exchange.Pipeline{commands.GetUser("anna")}, ignoreObject)
		if err == nil {
			_, err = s.Invoke(ctx, exchange.Pipeline{commands.NewScope("S", "City -eq 'Berlin'", "")}, ignoreObject)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at request %d: %v", n, err)
		}
		if _, err := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, ignoreObject); err != nil {
			t.Errorf("after a cancel at request %d: %v", n, err)
		}
		if err := s.Close(ctx); err != nil {
			t.Errorf("close after a cancel at request %d: %v", n, err)
		}
		if left := server.Shells(); left > 0 {
			t.Errorf("cancelled at request %d: %d shells are left: %v", n, left, server.asked())
		}
		cancel()
	}
}

// While one goroutine opens the session, another can give up waiting for it; and
// who closes the session meanwhile leaves no shell.
func TestOpeningIsNoTrap(t *testing.T) {
	noneLeft(t)
	server := simulate(t, "plain", psrpd.Config{Faults: psrpd.FaultPlan{2: {Kind: psrpd.Delay, Delay: 5 * time.Second}}})
	s, err := New(server.target(), simCredential())
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		_, err := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, ignoreObject)
		opened <- err
	}()
	for len(server.asked()) == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.Invoke(ctx, exchange.Pipeline{commands.GetUser("ben")}, ignoreObject); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who waits in vain: %v after %v", err, time.Since(start))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-opened; !errors.Is(err, errClosed) {
		t.Errorf("who opened a session that was closed: %v", err)
	}
	if n := server.Shells(); n != 0 {
		t.Errorf("%d shells are left: %v", n, server.asked())
	}
}

// The callback panics while the connection is lost, too: no shell is left, and the
// session goes on.
func TestPanicAndLostConnection(t *testing.T) {
	server := simulate(t, "recipients-50000", psrpd.Config{Faults: psrpd.FaultPlan{8: {Kind: psrpd.Refuse}, 9: {Kind: psrpd.Refuse}}})
	s, err := Dial(t.Context(), server.target(), simCredential())
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() != "callback" {
				t.Error("the panic was swallowed")
			}
		}()
		_, err := s.Invoke(t.Context(), exchange.Pipeline{commands.ListRecipients("Department -eq 'Population'", "")}, func(exchange.Object) error { panic("callback") })
		t.Errorf("no panic: %v", err)
	}()
	if _, err := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, ignoreObject); err != nil {
		t.Errorf("after a panic: %v", err)
	}
	if err := s.Close(t.Context()); err != nil || server.Shells() != 0 {
		t.Errorf("%v, %d shells are left: %v", err, server.Shells(), server.asked())
	}
}

// A thousand sessions of one program are open at once.
func TestThousandSessions(t *testing.T) {
	noneLeft(t)
	const sessions = 1000
	server := simulate(t, "plain", psrpd.Config{MaxShells: sessions})
	all := make([]Session, sessions)
	// each does something with every session, with a few at once.
	each := func(what string, do func(i int) error) {
		var wait sync.WaitGroup
		atOnce := make(chan struct{}, 32)
		for i := range all {
			atOnce <- struct{}{}
			wait.Go(func() {
				defer func() { <-atOnce }()
				if err := do(i); err != nil {
					t.Errorf("%s session %d: %v", what, i, err)
				}
			})
		}
		wait.Wait()
	}
	each("opening", func(i int) (err error) {
		all[i], err = Dial(t.Context(), server.target(), simCredential())
		return err
	})
	if t.Failed() {
		t.FailNow()
	}
	if n := server.Shells(); n != sessions {
		t.Errorf("%d sessions are open, want %d", n, sessions)
	}
	each("using", func(i int) error {
		_, err := all[i].Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, ignoreObject)
		return err
	})
	each("closing", func(i int) error { return all[i].Close(t.Context()) })
	asked := map[string]int{}
	for _, action := range server.asked() {
		asked[action]++
	}
	// What a slow server says at two moments is received by one request more.
	if n := asked["Receive"]; n < 2*sessions || n > 2*sessions+sessions/10 {
		t.Errorf("%d times received, want %d", n, 2*sessions)
	}
	delete(asked, "Receive")
	if want := map[string]int{"Create": sessions, "Command": sessions, "Delete": sessions}; !maps.Equal(asked, want) || server.Shells() != 0 {
		t.Errorf("asked %v, want %v; %d shells are left", asked, want, server.Shells())
	}
}

// A shell that the server has ended, as after its idle time, is replaced: even a
// change goes on, for it did not begin, and the new session sees the directory as
// the old one did.
func TestShellThatIsGone(t *testing.T) {
	noneLeft(t)
	server := simulate(t, "plain", psrpd.Config{})
	opened, err := Dial(t.Context(), server.target(), simCredential())
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*psrpSession)
	if _, err := s.Invoke(t.Context(), exchange.Pipeline{commands.SetADServerSettings(true)}, ignoreObject); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Attach(s.current.shell.ID()).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams, err := s.Invoke(t.Context(), exchange.Pipeline{commands.NewScope("S", "City -eq 'Berlin'", "")}, ignoreObject)
	if err != nil || len(streams.Errors) > 0 {
		t.Errorf("a change after the shell was gone: %v, %+v", err, streams)
	}
	var ran []string
	for _, c := range server.organization.Calls() {
		ran = append(ran, c.Command.Cmdlet)
	}
	if want := []string{setSession, setSession, "New-ManagementScope"}; !slices.Equal(ran, want) {
		t.Errorf("ran %q, want %q", ran, want)
	}
	if err := s.Close(t.Context()); err != nil || server.Shells() != 0 {
		t.Errorf("%v, %d shells are left", err, server.Shells())
	}
}
