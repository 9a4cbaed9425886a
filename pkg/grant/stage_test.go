package grant

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/testing/memnet"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

// A stage is one simulated organization with a session to it.
type stage struct {
	org     *exchangesim.Organization
	session *exchangesim.Session
	inv     exchange.Invoker
	o       Options
}

func newStage(t *testing.T, s exchangesim.Scenario) *stage {
	t.Helper()
	return newStageOf(t, exchangesim.New(s, exchangesim.Options{}))
}

func newStageOf(t *testing.T, org *exchangesim.Organization) *stage {
	t.Helper()
	session := org.Session(exchangesim.SessionOptions{})
	clock := org.Clock()
	inv := acting{modal{Invoker: session, mode: "NoLanguage"}, exchange.Place{Server: "ex01.contoso.test", Transport: "psrp", Operator: session.User()}}
	return &stage{org, session, inv, Options{
		Tool: "exgrant test", Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			clock.Sleep(d)
			return ctx.Err()
		},
		EnableCustomization: true,
	}}
}

// newRemoteStage is newStage with everything between: the session goes through
// PowerShell remoting, to the organization's endpoint.
func newRemoteStage(t *testing.T, s exchangesim.Scenario) *stage {
	t.Helper()
	st := newStage(t, s)
	server := psrpd.New(psrpd.Config{Organization: st.org, Password: "Winter-is-0ver!"})
	listener := memnet.Listen()
	web := &http.Server{Handler: server}
	go func() { _ = web.Serve(listener) }()
	session, err := remote.New(remote.Target{Server: "http://localhost/PowerShell/", Dial: listener.Dial},
		remote.Credential{Method: remote.Basic, Username: exchangesim.DefaultUser, Password: remote.NewSecret("Winter-is-0ver!")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(context.Background()); err != nil || server.Shells() != 0 {
			t.Errorf("%d shells are left: %v", server.Shells(), err)
		}
		server.Close()
		_ = web.Close()
	})
	st.inv = session
	return st
}

// acting is a session in which somebody else acts.
type acting struct {
	exchange.LanguageModer
	place exchange.Place
}

func (a acting) Place() exchange.Place { return a.place }

// as has operator act in the stage's session, as in the one of a script.
func (s *stage) as(operator string) {
	session := s.inv.(remote.Session)
	place := session.Place()
	place.Operator = operator
	s.inv = acting{session, place}
}

// ended is the report of a run, also of one that stopped; any other error ends the test.
func ended(t testing.TB, told *report.Report, err error) *report.Report {
	t.Helper()
	var stopped *report.Stopped
	if errors.As(err, &stopped) != (told != nil && told.Outcome.ExitCode() != 0) || err != nil && stopped == nil {
		t.Fatalf("outcome and error do not go together: %+v, %v", told, err)
	}
	if told != nil {
		if err := told.Check(); err != nil {
			t.Errorf("the report is none that this program would read again: %v", err)
		}
	}
	return told
}

// snapshot is the organization's state; customization cannot be undone and is left out.
func (s *stage) snapshot(t testing.TB) string {
	t.Helper()
	return scriptshell.Snapshot(t, s.org)
}

func pretty(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (s *stage) plan(t testing.TB, g exchange.Grant) (*report.Plan, *report.Report) {
	t.Helper()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	return rehearse(t.Context(), s.inv, g, s.o)
}

// grant plans and applies; where there is no plan it returns the report of that.
func (s *stage) grant(t testing.TB, g exchange.Grant) *report.Report {
	t.Helper()
	plan, report := s.plan(t, g)
	if plan == nil {
		return report
	}
	return s.apply(t, plan)
}

func (s *stage) apply(t testing.TB, p *report.Plan) *report.Report {
	t.Helper()
	told, err := Apply(t.Context(), s.inv, p, s.o)
	return ended(t, told, err)
}

func (s *stage) revoke(t testing.TB, v Revocation) *report.Report {
	t.Helper()
	told, err := Revoke(t.Context(), s.inv, v, s.o)
	return ended(t, told, err)
}

func (s *stage) verify(t testing.TB, g exchange.Grant) *report.Report {
	t.Helper()
	told, err := Verify(t.Context(), s.inv, g, s.o)
	return ended(t, told, err)
}

// audit returns the report with the rows as its holders.
func (s *stage) audit(t testing.TB) *report.Report {
	t.Helper()
	var holders []report.Holder
	told, err := Audit(t.Context(), s.inv, s.o, func(h report.Holder) error {
		holders = append(holders, h)
		return nil
	})
	told = ended(t, told, err)
	told.Holders = holders
	return told
}
