package grant

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/memnet"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
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
	org := exchangesim.New(s, exchangesim.Options{})
	session := org.Session(exchangesim.SessionOptions{})
	clock := org.Clock()
	return &stage{org, session, session, Options{
		Tool: "exgrant test", Operator: session.User(), Target: exchange.Target{Server: "ex01.contoso.test", Transport: "psrp", LanguageMode: "NoLanguage"},
		Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			clock.Sleep(d)
			return ctx.Err()
		},
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
	st.inv, st.o.Target = session, session.Target()
	return st
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

func (s *stage) plan(t testing.TB, g exchange.Grant) (*exchange.Plan, *exchange.Report) {
	t.Helper()
	plan, report, err := NewPlan(t.Context(), s.inv, g, s.o)
	if err != nil {
		t.Fatal(err)
	}
	return plan, report
}

// grant plans and applies; where there is no plan it returns the report of that.
func (s *stage) grant(t testing.TB, g exchange.Grant) *exchange.Report {
	t.Helper()
	plan, report := s.plan(t, g)
	if plan == nil {
		return report
	}
	return s.apply(t, plan)
}

func (s *stage) apply(t testing.TB, p *exchange.Plan) *exchange.Report {
	t.Helper()
	report, err := Apply(t.Context(), s.inv, p, s.o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (s *stage) revoke(t testing.TB, v Revocation) *exchange.Report {
	t.Helper()
	report, err := Revoke(t.Context(), s.inv, v, s.o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (s *stage) verify(t testing.TB, g exchange.Grant) *exchange.Report {
	t.Helper()
	report, err := Verify(t.Context(), s.inv, g, s.o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// audit returns the report with the rows as its holders.
func (s *stage) audit(t testing.TB) *exchange.Report {
	t.Helper()
	var holders []exchange.Holder
	report, err := Audit(t.Context(), s.inv, s.o, func(h exchange.Holder) error {
		holders = append(holders, h)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	report.Holders = holders
	return report
}
