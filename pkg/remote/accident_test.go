package remote_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/testing/memnet"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

// A world is an organization behind its endpoint. It lives in the bubble of a test:
// its clock stands still while anything is under way, and the test does not end
// while a goroutine is left.
type world struct {
	way      remote.Transport
	org      *exchangesim.Organization
	server   endpoint
	listener *memnet.Listener
	web      *http.Server

	mu       sync.Mutex
	requests int
	commands int
	replied  func(n int) // told of the number of each request behind it; may be nil
}

// An endpoint is a simulated server of either kind.
type endpoint interface {
	http.Handler
	Shells() int
	Close()
}

func newWorld(t *testing.T, way remote.Transport, faults psrpd.FaultPlan) *world {
	t.Helper()
	x := &world{way: way, org: exchangesim.New(plain(t), exchangesim.Options{}), listener: memnet.Listen()}
	if way == remote.WinRS {
		x.server = winrsd.New(winrsd.Config{Organization: x.org, Program: standIn, Password: simulatedPassword, Faults: faults, Events: x.event})
	} else {
		x.server = psrpd.New(psrpd.Config{Organization: x.org, Password: simulatedPassword, Faults: faults, Events: x.event})
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	x.web = &http.Server{Handler: x.server, Protocols: protocols}
	go func() { _ = x.web.Serve(x.listener) }()
	return x
}

func (x *world) event(e psrpd.Event) {
	x.mu.Lock()
	x.requests = max(x.requests, e.N)
	if e.Action == "Command" {
		x.commands++
	}
	replied := x.replied
	x.mu.Unlock()
	if replied != nil {
		replied(e.N)
	}
}

func (x *world) close() {
	x.server.Close()
	_ = x.web.Close()
}

// session logs on.
func (x *world) session(t *testing.T) (remote.Session, grant.Options) {
	t.Helper()
	path := map[remote.Transport]string{remote.PSRP: "/PowerShell/", remote.WinRS: "/wsman"}[x.way]
	session, err := remote.NewOver(x.way, remote.Target{Server: "http://localhost" + path, Dial: x.listener.Dial},
		remote.Credential{Method: remote.Basic, Username: "administrator", Password: remote.NewSecret(simulatedPassword)}, remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	clock := x.org.Clock()
	return session, grant.Options{Tool: "exgrant test", Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			clock.Sleep(d)
			return ctx.Err()
		}}
}

// An undertaking is an operation on the scenario's grant, from its first request to
// the deletion of its shell.
type undertaking struct {
	name     string
	prepared bool // the grant is there before
	run      func(context.Context, remote.Session, grant.Options, exchange.Grant) (*report.Report, error)
}

var undertakings = []undertaking{
	{"make", false, func(ctx context.Context, s remote.Session, o grant.Options, g exchange.Grant) (*report.Report, error) {
		return grant.Make(ctx, s, g, o)
	}},
	{"revoke", true, func(ctx context.Context, s remote.Session, o grant.Options, g exchange.Grant) (*report.Report, error) {
		return grant.Revoke(ctx, s, grant.Revocation{Grant: &g}, o)
	}},
	{"audit", true, func(ctx context.Context, s remote.Session, o grant.Options, _ exchange.Grant) (*report.Report, error) {
		var seen []string
		return grant.Audit(ctx, s, o, func(h report.Holder) error {
			row := h.GUID + h.Holder
			if slices.Contains(seen, row) {
				return fmt.Errorf("%s of %s comes twice", h.Assignment, h.Holder)
			}
			seen = append(seen, row)
			return nil
		})
	}},
}

// prepare makes the grant where the undertaking needs it, without a request.
func (u undertaking) prepare(t *testing.T, x *world, g exchange.Grant) {
	t.Helper()
	if !u.prepared {
		return
	}
	inv, o := x.org.Session(exchangesim.SessionOptions{}), grant.Options{Now: x.org.Clock().Now}
	if _, err := grant.Make(t.Context(), inv, g, o); err != nil {
		t.Fatal(err)
	}
}

// do runs the undertaking once, with a session of its own.
func (u undertaking) do(t *testing.T, ctx context.Context, x *world, g exchange.Grant) *report.Report {
	t.Helper()
	session, o := x.session(t)
	report, err := told(u.run(ctx, session, o, g))
	if err != nil {
		t.Fatalf("%s: %v", u.name, err)
	}
	_ = session.Close(ctx) // that it fails is told by the shells that are left
	return report
}

// An accident happens to one request of an undertaking, by its number.
type accident struct {
	name   string
	faults func(n int) psrpd.FaultPlan
	cancel bool // the caller gives up behind the request
}

func atRequest(f psrpd.Fault) func(int) psrpd.FaultPlan {
	return func(n int) psrpd.FaultPlan { return psrpd.FaultPlan{n: f} }
}

// beyond is later than any time-out of a request.
const beyond = time.Hour

var accidents = []accident{
	{name: "cut before the request is carried out", faults: atRequest(psrpd.Fault{Kind: psrpd.Refuse})},
	{name: "cut before the reply", faults: atRequest(psrpd.Fault{Kind: psrpd.CutBefore})},
	{name: "cut during the reply", faults: atRequest(psrpd.Fault{Kind: psrpd.CutDuring})},
	{name: "cut after the reply", faults: atRequest(psrpd.Fault{Kind: psrpd.CutAfter})},
	{name: "reply truncated", faults: atRequest(psrpd.Fault{Kind: psrpd.Truncate})},
	{name: "reply delayed beyond the time-out", faults: atRequest(psrpd.Fault{Kind: psrpd.Delay, Delay: beyond})},
	{name: "reply duplicated", faults: atRequest(psrpd.Fault{Kind: psrpd.Duplicate})},
	{name: "reply garbled", faults: atRequest(psrpd.Fault{Kind: psrpd.Garble})},
	{name: "cancelled behind the request", cancel: true},
	{name: "cancelled while the reply is late", faults: atRequest(psrpd.Fault{Kind: psrpd.Delay, Delay: beyond}), cancel: true},
}

// TestAccidents lets every accident happen at every request of every undertaking: in
// a usual run a third of these cases, all of them with EXGRANT_FULL. Afterwards
// no shell is left and no goroutine, and a second run ends in the state that one
// clean run gives.
func TestAccidents(t *testing.T) {
	for _, way := range []remote.Transport{remote.PSRP, remote.WinRS} {
		for _, u := range undertakings {
			t.Run(fmt.Sprintf("%s by %s", u.name, way), func(t *testing.T) {
				clean, requests := u.clean(t, way)
				t.Logf("%d requests", requests)
				for i, a := range accidents {
					t.Run(a.name, func(t *testing.T) {
						t.Parallel()
						for n := 1; n <= requests; n++ {
							if n == 1 || (n+i)%stride() == 0 {
								synctest.Test(t, func(t *testing.T) { u.suffer(t, way, a, n, clean) })
							}
						}
					})
				}
			})
		}
	}
}

// stride is how far the requests are apart at which an accident happens, the first
// one aside, at which all do.
func stride() int {
	if full {
		return 1
	}
	return 3
}

// clean runs the undertaking undisturbed and returns the state after it and the
// number of its requests.
func (u undertaking) clean(t *testing.T, way remote.Transport) (state string, requests int) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, way, nil)
		defer x.close()
		g := plain(t).Grant()
		u.prepare(t, x, g)
		if report := u.do(t, t.Context(), x, g); report.Outcome.ExitCode() != 0 {
			t.Fatalf("%s: %s", u.name, report.Outcome)
		}
		state, requests = scriptshell.Snapshot(t, x.org), x.requests
	})
	return state, requests
}

// TestCommands pins how many commands an operation sends. Each costs two requests
// (Command, whose answer never holds output, and Receive; one more where the output
// comes before the end of the command), opening a session two, closing it one. The
// mailboxes that a grant is proved by are looked up before anything is written, and the
// holders of an audit for their SIDs.
func TestCommands(t *testing.T) {
	want := map[string]int{"make": 30, "revoke": 16, "audit": 13}
	for _, u := range undertakings {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, remote.PSRP, nil)
			defer x.close()
			u.prepare(t, x, plain(t).Grant())
			u.do(t, t.Context(), x, plain(t).Grant())
			if x.commands != want[u.name] {
				t.Errorf("%s: %d commands, want %d", u.name, x.commands, want[u.name])
			}
		})
	}
}

func plain(t *testing.T) exchangesim.Scenario {
	t.Helper()
	s, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// suffer runs the undertaking with an accident at its nth request, and then again
// without.
func (u undertaking) suffer(t *testing.T, way remote.Transport, a accident, n int, clean string) {
	var faults psrpd.FaultPlan
	if a.faults != nil {
		faults = a.faults(n)
	}
	x := newWorld(t, way, faults)
	defer x.close()
	g := plain(t).Grant()
	u.prepare(t, x, g)
	before := scriptshell.Snapshot(t, x.org)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if a.cancel {
		x.cancelAt(n, cancel, a.faults != nil)
	}
	report := u.do(t, ctx, x, g)
	where := fmt.Sprintf("request %d", n)
	u.checkReport(t, where, a, report, before != scriptshell.Snapshot(t, x.org))
	if shells := x.server.Shells(); shells != 0 {
		t.Errorf("%s: %d shells are left", where, shells)
	}
	u.do(t, t.Context(), x, g)
	if got := scriptshell.Snapshot(t, x.org); got != clean {
		t.Errorf("%s: after a second run:\n%s", where, scriptshell.Diff(clean, got))
	}
	if shells := x.server.Shells(); shells != 0 {
		t.Errorf("%s: %d shells are left after a second run", where, shells)
	}
}

// cancelAt cancels behind a request, or while its reply is late.
func (x *world) cancelAt(n int, cancel context.CancelFunc, late bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !late {
		x.replied = func(at int) {
			if at == n {
				cancel()
			}
		}
		return
	}
	first := func(at int) {
		if at == n-1 {
			time.AfterFunc(time.Second, cancel)
		}
	}
	x.replied = first
	if n == 1 {
		time.AfterFunc(time.Second, cancel)
	}
}

// checkReport holds a report to what happened.
func (u undertaking) checkReport(t *testing.T, where string, a accident, r *report.Report, changed bool) {
	t.Helper()
	unknown := slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.ID == "change-unknown" })
	switch {
	case a.cancel && r.Outcome != report.Interrupted && r.Outcome.ExitCode() != 0:
		t.Errorf("%s: %s", where, r.Outcome)
	case r.Outcome != report.Interrupted && r.Outcome != report.Unreachable && r.Outcome.ExitCode() != 0:
		last := r.Steps[len(r.Steps)-1]
		t.Errorf("%s: %s: %+v %+v", where, r.Outcome, last, last.Fault)
	}
	if !unknown && changed && !r.Changed {
		t.Errorf("%s: the report does not tell what was changed: %s", where, r.Outcome)
	}
}

// TestDeadline lets the server hang from each request on, for good. The caller's time is
// over then, and so is, at its limit, what follows: stopping, deleting, settling what a
// change left.
func TestDeadline(t *testing.T) {
	const deadline, after = 10 * time.Second, 4 * time.Second
	for _, way := range []remote.Transport{remote.PSRP, remote.WinRS} {
		for _, u := range undertakings {
			t.Run(fmt.Sprintf("%s by %s", u.name, way), func(t *testing.T) {
				t.Parallel()
				_, requests := u.clean(t, way)
				for n := 1; n < requests; n += stride() {
					synctest.Test(t, func(t *testing.T) {
						hangs := psrpd.FaultPlan{}
						for i := n; i < n+1000; i++ {
							hangs[i] = psrpd.Fault{Kind: psrpd.Delay, Delay: beyond}
						}
						x := newWorld(t, way, hangs)
						defer x.close()
						g := plain(t).Grant()
						u.prepare(t, x, g)
						begin := time.Now() // of the clock of synctest
						ctx, cancel := context.WithTimeout(aftermath.Limit(t.Context(), begin.Add(deadline+after)), deadline)
						defer cancel()
						u.do(t, ctx, x, g)
						if took := time.Since(begin); took > deadline+after {
							t.Errorf("from request %d on: over after %v", n, took)
						}
					})
				}
			})
		}
	}
}
