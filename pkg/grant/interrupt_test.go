package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// An effort is a grant that takes writes of some kind; all efforts together take
// every kind.
type effort struct {
	name     string
	scenario exchangesim.Scenario
	g        exchange.Grant
	update   bool
}

func efforts(t *testing.T) []effort {
	t.Helper()
	var all []effort
	for _, name := range []string{"plain", "dehydrated", "disabled-grant", "role-group-incomplete", "transient-dc", "replication-lag"} {
		s := scenario(t, name)
		all = append(all, effort{name: name, scenario: s, g: s.Grant()})
	}
	for _, name := range []string{"own-name-other-scope", "own-scope-other-filter"} {
		s := scenario(t, name)
		all = append(all, effort{name: name, scenario: s, g: s.Grant(), update: true})
	}
	roleGroup := exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{"svc-reschedule", "svc-backup"},
		ViewOnlyConfiguration: true}
	return append(all, effort{name: "new role group", scenario: scenario(t, "plain"), g: exchange.Grant{
		Name: "Reschedule Impersonation", Assignee: roleGroup, Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
	}})
}

// An accident is an Invoker to which something happens at one call.
type accident struct {
	exchange.Invoker
	mu     sync.Mutex
	calls  int
	writes int
	at     int // the call, or the write, to which it happens; from 1
	happen func(a *accident, ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error)
	write  bool // at counts writes
}

func (a *accident) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	a.mu.Lock()
	a.calls++
	n := a.calls
	isWrite := !strings.HasPrefix(p[0].Cmdlet, "Get-")
	if a.write {
		n = 0
		if isWrite {
			a.writes++
			n = a.writes
		}
	}
	a.mu.Unlock()
	if n == a.at {
		return a.happen(a, ctx, p, yield)
	}
	if err := ctx.Err(); err != nil {
		return exchange.Streams{}, err
	}
	return a.Invoker.Invoke(ctx, p, yield)
}

func lost(p exchange.Pipeline) error {
	return &exchange.LostReplyError{Cmdlet: p[0].Cmdlet, Err: errors.New("connection reset by peer")}
}

// loseAfter runs the command and loses its reply; loseBefore loses it on its way.
func loseAfter(a *accident, ctx context.Context, p exchange.Pipeline, _ func(exchange.Object) error) (exchange.Streams, error) {
	_, _ = a.Invoker.Invoke(ctx, p, func(exchange.Object) error { return nil })
	return exchange.Streams{}, lost(p)
}

func loseBefore(_ *accident, _ context.Context, p exchange.Pipeline, _ func(exchange.Object) error) (exchange.Streams, error) {
	return exchange.Streams{}, lost(p)
}

// losses are the ways in which a reply is lost.
var losses = map[string]func(*accident, context.Context, exchange.Pipeline, func(exchange.Object) error) (exchange.Streams, error){
	"before": loseBefore, "after": loseAfter,
}

func scenario(t *testing.T, name string) exchangesim.Scenario {
	t.Helper()
	s, err := exchangesim.ScenarioByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An undertaking is an operation that writes, with the organization before and
// after a clean run.
type undertaking struct {
	name    string
	prepare func(*stage, *testing.T)
	run     func(*stage, *testing.T, context.Context) *report.Report
}

func undertakings(g exchange.Grant) []undertaking {
	apply := func(s *stage, t *testing.T, ctx context.Context) *report.Report {
		plan, told := rehearse(t.Context(), s.session, g, s.o)
		if plan == nil {
			return told
		}
		told, err := Apply(ctx, s.inv, plan, s.o)
		return ended(t, told, err)
	}
	revoke := func(s *stage, t *testing.T, ctx context.Context) *report.Report {
		told, err := Revoke(ctx, s.inv, Revocation{Grant: &g}, s.o)
		return ended(t, told, err)
	}
	return []undertaking{
		{"apply", func(*stage, *testing.T) {}, apply},
		{"revoke", func(s *stage, t *testing.T) { apply(s, t, t.Context()) }, revoke},
	}
}

// eachUndertaking calls test with the state that one clean run gives; open gives it
// an organization in which it can begin.
func eachUndertaking(t *testing.T, test func(t *testing.T, open func() *stage, u undertaking, clean string)) {
	for _, e := range efforts(t) {
		for _, u := range undertakings(e.g) {
			t.Run(e.name+"/"+u.name, func(t *testing.T) {
				open := func() *stage {
					st := newStage(t, e.scenario)
					st.o.UpdateScope = e.update
					u.prepare(st, t)
					return st
				}
				st := open()
				u.run(st, t, t.Context())
				test(t, open, u, st.snapshot(t))
			})
		}
	}
}

// A reply that is lost at any write, before or after the server did it, leaves the
// state of a clean run, and the report says what was written.
func TestLostReply(t *testing.T) {
	eachUndertaking(t, func(t *testing.T, open func() *stage, u undertaking, clean string) {
		for name, loss := range losses {
			for at := 1; ; at++ {
				st := open()
				start := st.snapshot(t)
				a := &accident{Invoker: st.session, at: at, write: true, happen: loss}
				st.inv = a
				report := u.run(st, t, t.Context())
				if a.writes < at {
					break
				}
				where := fmt.Sprintf("reply of write %d lost %s it ran", at, name)
				if report.Outcome.ExitCode() != 0 {
					t.Errorf("%s: %s\n%s", where, report.Outcome, pretty(t, report.Steps))
				}
				st.converges(t, where, u, clean)
				if len(report.Inverse) == 0 {
					t.Errorf("%s: the report says nothing of how to take it back", where)
					continue
				}
				st.revoke(t, Revocation{Report: report})
				if got := st.snapshot(t); got != start {
					t.Errorf("%s: rolled back by its report:\n%s", where, scriptshell.Diff(start, got))
				}
			}
		}
	})
}

// converges runs the undertaking once more, undisturbed: the organization must be
// as after one clean run.
func (s *stage) converges(t *testing.T, where string, u undertaking, clean string) {
	t.Helper()
	s.inv = s.session
	u.run(s, t, t.Context())
	if got := s.snapshot(t); got != clean {
		t.Errorf("%s: after a second run:\n%s", where, scriptshell.Diff(clean, got))
	}
}

// A run that is cancelled at any call, before or after the server answers it, ends
// as interrupted, leaves no scope behind that nothing uses, and a second run
// converges.
func TestCancel(t *testing.T) {
	eachUndertaking(t, func(t *testing.T, open func() *stage, u undertaking, clean string) {
		for _, ran := range []bool{false, true} {
			for at := 1; ; at++ {
				st := open()
				ctx, cancel := context.WithCancel(t.Context())
				a := &accident{Invoker: st.session, at: at}
				a.happen = func(a *accident, ctx context.Context, p exchange.Pipeline, _ func(exchange.Object) error) (exchange.Streams, error) {
					if ran {
						_, _ = a.Invoker.Invoke(ctx, p, func(exchange.Object) error { return nil })
					}
					cancel()
					return exchange.Streams{}, ctx.Err()
				}
				st.inv = a
				result := u.run(st, t, ctx)
				cancel()
				if a.calls < at {
					break
				}
				where := fmt.Sprintf("cancelled at call %d, which ran: %v", at, ran)
				if result.Outcome != report.Interrupted {
					t.Errorf("%s: %s", where, result.Outcome)
				}
				if u.name == "apply" {
					st.noUnusedScope(t, where)
				}
				st.converges(t, where, u, clean)
			}
		}
	})
}

// noUnusedScope fails when a scope with the grant's name is there and no assignment
// has it.
func (s *stage) noUnusedScope(t *testing.T, where string) {
	t.Helper()
	const name = "Reschedule Impersonation"
	now := s.org.Snapshot()
	used := slices.ContainsFunc(now.Assignments, func(a exchangesim.AssignmentSnapshot) bool { return a.CustomRecipientWriteScope == name })
	made := slices.ContainsFunc(now.Scopes, func(s exchangesim.ScopeSnapshot) bool { return s.Name == name })
	if made && !used {
		t.Errorf("%s: the scope '%s' is left and nothing uses it", where, name)
	}
}

// A connection that stays away after any call ends the run as unreachable, and a
// second run converges.
func TestConnectionLost(t *testing.T) {
	eachUndertaking(t, func(t *testing.T, open func() *stage, u undertaking, clean string) {
		for at := 1; ; at++ {
			st := open()
			down := &outage{Invoker: st.session, from: at}
			st.inv = down
			result := u.run(st, t, t.Context())
			if down.calls < at {
				break
			}
			where := fmt.Sprintf("no connection from call %d on", at)
			if result.Outcome != report.Unreachable {
				t.Errorf("%s: %s\n%s", where, result.Outcome, pretty(t, result.Steps))
			}
			st.converges(t, where, u, clean)
		}
	})
}

// An outage is an Invoker whose connection is gone from one call on; a write on
// which it breaks has run.
type outage struct {
	exchange.Invoker
	calls, from int
}

func (o *outage) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	o.calls++
	switch {
	case o.calls < o.from:
		return o.Invoker.Invoke(ctx, p, yield)
	case o.calls == o.from && !strings.HasPrefix(p[0].Cmdlet, "Get-"):
		_, _ = o.Invoker.Invoke(ctx, p, func(exchange.Object) error { return nil })
		return exchange.Streams{}, lost(p)
	}
	return exchange.Streams{}, errors.New("Post \"http://ex01.contoso.test/PowerShell/\": dial tcp 192.0.2.1:80: connect: connection refused")
}

// A run that is stopped while it waits, after Enable-OrganizationCustomization failed
// half-way, does not say that nothing was changed.
func TestCancelHalfwayThroughCustomization(t *testing.T) {
	s := scenario(t, "customization-halfway")
	st := newStage(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	st.o.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	told, err := Make(ctx, st.inv, s.Grant(), st.o)
	told = ended(t, told, err)
	checkEnd(t, "stopped", told, report.Interrupted)
	if text := findingText(told, "change-unknown"); !strings.Contains(text, "half-way") {
		t.Errorf("it says %q: %s", text, pretty(t, told.Steps))
	}
}
