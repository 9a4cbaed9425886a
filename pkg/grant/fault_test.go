package grant

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// wsmanFault is a fault of WS-Management itself, as the transport hands it on.
type wsmanFault uint32

func (f wsmanFault) Error() string { return fmt.Sprintf("WSMan fault %#x", uint32(f)) }
func (f wsmanFault) Evidence() fault.Evidence {
	return fault.Evidence{WSManCode: uint32(f), Text: f.Error()}
}

func record(exception string) exchange.Streams {
	return exchange.Streams{Errors: []exchange.ErrorRecord{{
		FullyQualifiedErrorID: "[Server=EX01,RequestId=4f3c,TimeStamp=x] [FailureCategory=Cmdlet-" + exception + "] 1,Microsoft.Exchange.Management.X",
		ExceptionType:         "Microsoft.Exchange.Data.Directory." + exception, Reason: exception, Message: "no",
	}}}
}

// passing are the ways in which a server says: not now.
var passing = map[string]func() (exchange.Streams, error){
	"directory":      func() (exchange.Streams, error) { return record("ADTransientException"), nil },
	"budget":         func() (exchange.Streams, error) { return record("OverBudgetException"), nil },
	"server busy":    func() (exchange.Streams, error) { return record("ServerBusyException"), nil },
	"WSMan commands": func() (exchange.Streams, error) { return exchange.Streams{}, wsmanFault(0x803381E9) },
	"WSMan load":     func() (exchange.Streams, error) { return exchange.Streams{}, wsmanFault(0x803381A7) },
}

// What may work a moment later is tried again at every command: preflight, reads, writes
// and read-back alike.
func TestRetryAtEveryCommand(t *testing.T) {
	eachUndertaking(t, func(t *testing.T, open func() *stage, u undertaking, clean string) {
		for name, answer := range passing {
			if !strings.Contains(t.Name(), "/plain/") && name != "WSMan commands" {
				continue // the same everywhere, once they are understood
			}
			for at := 1; ; at++ {
				st := open()
				a := &accident{Invoker: st.session, at: at}
				a.happen = func(*accident, context.Context, exchange.Pipeline, func(exchange.Object) error) (exchange.Streams, error) {
					return answer()
				}
				st.inv = a
				result := u.run(st, t, t.Context())
				if a.calls < at {
					break
				}
				// The forest's view and the language mode only enrich; nothing else may be lost.
				if got := st.snapshot(t); result.Outcome.ExitCode() != 0 || got != clean {
					t.Errorf("%s at command %d: %s\n%s%s", name, at, result.Outcome, pretty(t, result.Steps), scriptshell.Diff(clean, got))
				}
			}
		}
	})
}

// A server that never gets better is asked six times, and no change is left behind.
func TestRetryEnds(t *testing.T) {
	for _, cmdlet := range []string{"Get-User", "Get-Command", "New-ManagementScope", "New-ManagementRoleAssignment"} {
		s := scenario(t, "plain")
		st := newStage(t, s)
		start, asked := st.snapshot(t), 0
		st.inv = &refusing{st.session, func(p exchange.Pipeline) (exchange.Streams, error, bool) {
			if p[0].Cmdlet != cmdlet {
				return exchange.Streams{}, nil, false
			}
			asked++
			return record("OverBudgetException"), nil, true
		}}
		result, err := Make(t.Context(), st.inv, s.Grant(), st.o)
		if result == nil {
			t.Fatal(err)
		}
		if asked != 1+maxRetries || result.Outcome != report.Failed || result.Changed {
			t.Errorf("%s: asked %d times, %s, changed %v", cmdlet, asked, result.Outcome, result.Changed)
		}
		st.unchanged(t, cmdlet, start)
	}
}

// refusing is an Invoker that answers some commands itself.
type refusing struct {
	exchange.Invoker
	answer func(exchange.Pipeline) (exchange.Streams, error, bool)
}

func (r *refusing) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	if streams, err, own := r.answer(p); own {
		return streams, err
	}
	return r.Invoker.Invoke(ctx, p, yield)
}

// Whatever error comes after a write, one that was done is found and told; one that was
// not leaves the state before. Changed is true exactly when something differs.
func TestErrorAfterWrite(t *testing.T) {
	answers := map[string]func() (exchange.Streams, error){
		"unknown": func() (exchange.Streams, error) { return record("SomethingNewException"), nil },
		"denied":  func() (exchange.Streams, error) { return record("CmdletAccessDeniedException"), nil },
		"dehydrated": func() (exchange.Streams, error) {
			return record("InvalidOperationInDehydratedContextException"), nil
		},
		"lost, throttled": func() (exchange.Streams, error) {
			return exchange.Streams{}, &exchange.LostReplyError{Cmdlet: "x", Err: wsmanFault(0x803381A8)}
		},
	}
	answers["server busy"] = passing["server busy"]
	eachUndertaking(t, func(t *testing.T, open func() *stage, u undertaking, clean string) {
		for name, answer := range answers {
			for _, ran := range []bool{true, false} {
				for at := 1; ; at++ {
					st := open()
					start := st.snapshot(t)
					a := &accident{Invoker: st.session, at: at, write: true}
					a.happen = func(a *accident, ctx context.Context, p exchange.Pipeline, _ func(exchange.Object) error) (exchange.Streams, error) {
						if ran && (name != "denied" || p[0].Cmdlet != enableCustomization) {
							_, _ = a.Invoker.Invoke(ctx, p, func(exchange.Object) error { return nil })
						}
						return answer()
					}
					st.inv = a
					result := u.run(st, t, t.Context())
					if a.writes < at {
						break
					}
					where := fmt.Sprintf("%s at write %d, which ran: %v", name, at, ran)
					got := st.snapshot(t)
					if customized := st.org.Snapshot().Customization != open().org.Snapshot().Customization; result.Changed != (got != start || customized) {
						t.Errorf("%s: %s, changed %v, and the state says %v", where, result.Outcome, result.Changed, got != start)
					}
					if got != start && got != clean && result.Outcome.ExitCode() == 0 {
						t.Errorf("%s: %s, and half is done:\n%s", where, result.Outcome, scriptshell.Diff(clean, got))
					}
					st.converges(t, where, u, clean)
				}
			}
		}
	})
}

// Four runs of one grant at the same time: one makes it, the others find it.
func TestParallel(t *testing.T) {
	user := scenario(t, "plain").Grant()
	group := exchange.Grant{Name: "Parallel", Scope: user.Scope, Assignee: exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Reschedulers",
		Members: []string{"svc-reschedule", "svc-backup"}, ViewOnlyConfiguration: true}}
	for name, g := range map[string]exchange.Grant{"user": user, "role group": group} {
		for _, planned := range []bool{false, true} {
			for range 8 {
				st := newStage(t, scenario(t, "plain"))
				plan, _ := st.plan(t, g)
				results := make([]*report.Report, 4)
				var wait sync.WaitGroup
				for i := range results {
					wait.Go(func() {
						session := st.org.Session(exchangesim.SessionOptions{})
						var err error
						if planned {
							results[i], err = Apply(t.Context(), session, plan, st.o)
						} else {
							results[i], err = Make(t.Context(), session, g, st.o)
						}
						if results[i] == nil {
							t.Error(err)
						}
					})
				}
				wait.Wait()
				for _, r := range results {
					if r.Outcome != report.Granted && r.Outcome != report.AlreadyGranted {
						t.Errorf("%s, by a plan %v: %s\n%s", name, planned, r.Outcome, pretty(t, r.Steps))
					}
				}
				if scopes := st.org.Snapshot().Scopes; len(scopes) != 1 {
					t.Errorf("%s: scopes %+v", name, scopes)
				}
				checkEnd(t, name, st.verify(t, g), report.Verified)
			}
		}
	}
}

// Ctrl-C while Enable-OrganizationCustomization runs: the report says that it may have
// been carried out.
func TestInterruptedCustomization(t *testing.T) {
	s := scenario(t, "dehydrated")
	st := newStage(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	st.inv = &refusing{st.session, func(p exchange.Pipeline) (exchange.Streams, error, bool) {
		if p[0].Cmdlet != enableCustomization {
			return exchange.Streams{}, nil, false
		}
		_, _ = st.session.Invoke(t.Context(), p, func(exchange.Object) error { return nil }) // it is carried out
		cancel()
		return exchange.Streams{}, &exchange.LostReplyError{Cmdlet: p[0].Cmdlet, Err: context.Canceled}, true
	}}
	result, err := Make(ctx, st.inv, s.Grant(), st.o)
	if result == nil {
		t.Fatal(err)
	}
	if result.Outcome != report.Interrupted || !hasFinding(result, "change-unknown") {
		t.Errorf("%s: %s", result.Outcome, pretty(t, result))
	}
}

// Nobody agreed to what cannot be undone: the run ends before it.
func TestCustomizationUnasked(t *testing.T) {
	s := scenario(t, "dehydrated")
	st := newStage(t, s)
	st.o.EnableCustomization = false
	start := st.org.Snapshot().Customization
	result := st.grant(t, s.Grant())
	if result.Outcome != report.Failed || !strings.Contains(lastText(result), "--enable-customization") || result.Changed {
		t.Errorf("%s: %s", result.Outcome, lastText(result))
	}
	if now := st.org.Snapshot().Customization; now != start {
		t.Errorf("customization is %+v", now)
	}
}

// While it waits, the run says which attempt comes when, and until when it goes on.
func TestWaitingIsTold(t *testing.T) {
	s := scenario(t, "not-yet-in-effect")
	st := newStage(t, s)
	var waits []string
	st.o.Progress = func(step report.Step) {
		if step.Status == "" {
			waits = append(waits, step.ID+": "+step.Text)
		}
	}
	st.grant(t, s.Grant())
	if len(waits) != 3 || !strings.HasPrefix(waits[1], "scope: not yet in effect, attempt 2; next try in 4 s, until ") {
		t.Errorf("%q", waits)
	}
}

// Each change is recorded before it is made and after.
func TestRecord(t *testing.T) {
	s := scenario(t, "plain")
	st := newStage(t, s)
	var seen []string
	st.o.Record = func(r *report.Report) {
		changed := 0
		for _, step := range r.Steps {
			if step.Status == report.StatusChanged {
				changed++
			}
		}
		seen = append(seen, fmt.Sprint(changed, len(r.Inverse), hasFinding(r, "change-unknown")))
	}
	st.grant(t, s.Grant())
	if got := strings.Join(seen, "; "); got != "0 0 true; 1 1 false; 1 1 true; 2 2 false" {
		t.Errorf("%s", got)
	}
}

func hasFinding(r *report.Report, id string) bool {
	for _, f := range r.Findings {
		if f.ID == id {
			return true
		}
	}
	return false
}

// All decisions by errors hold in every language.
func TestScenariosInOtherLanguages(t *testing.T) {
	for _, language := range []string{"de", "ja"} {
		for _, s := range exchangesim.Scenarios() {
			if s.Name == "recipients-50000" || s.Name == "recipients-5000" {
				continue
			}
			t.Run(language+" "+s.Name, func(t *testing.T) {
				st := newStageOf(t, exchangesim.New(s, exchangesim.Options{Language: language}))
				g, want := s.Grant(), scenarioEnds[s.Name]
				_, plan := st.plan(t, g)
				checkEnd(t, "plan", plan, want.plan)
				checkEnd(t, "grant", st.grant(t, g), want.grant)
				checkEnd(t, "again", st.grant(t, g), want.again)
				checkEnd(t, "verify", st.verify(t, g), want.verify)
				checkEnd(t, "revoke", st.revoke(t, Revocation{Grant: &g}), want.revoke)
			})
		}
	}
}
