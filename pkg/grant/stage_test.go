package grant

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
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
	server := "ex01.contoso.test"
	if strings.HasPrefix(session.Module(), "tmpEXO_") {
		server = "outlook.office365.com"
	}
	return &stage{org, session, session, Options{
		Tool: "exgrant test", Operator: session.User(), Target: exchange.Target{Server: server, Transport: "psrp", LanguageMode: "NoLanguage"},
		Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			clock.Sleep(d)
			return ctx.Err()
		},
	}}
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
