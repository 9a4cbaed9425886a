package grant

import (
	"context"
	"errors"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

func TestIsOnlineHost(t *testing.T) {
	for host, want := range map[string]bool{
		"outlook.office365.com": true, "ps.outlook.com": true, "Outlook.Office365.Us": true, "partner.outlook.cn": true,
		"webmail.apps.mil": true, "outlook.office365.com.": true,
		"ex01.contoso.test": false, "notoutlook.com": false, "outlook.com.contoso.test": false, "": false,
	} {
		if got := isOnlineHost(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

// counted counts pipelines by their cmdlet.
type counted struct {
	exchange.Invoker
	cmdlets []string
}

func (c *counted) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	c.cmdlets = append(c.cmdlets, p[0].Cmdlet)
	return c.Invoker.Invoke(ctx, p, yield)
}

// modal is a session that tells its language mode, or cannot.
type modal struct {
	exchange.Invoker
	mode string
	err  error
}

func (m modal) LanguageMode(context.Context) (string, error) { return m.mode, m.err }

// The report tells the language mode of the session; that it is unknown changes
// nothing else.
func TestLanguageMode(t *testing.T) {
	s := scenario(t, "plain")
	for _, test := range []struct {
		session modal
		want    string
	}{
		{modal{mode: "NoLanguage"}, "NoLanguage"},
		{modal{mode: "FullLanguage"}, "FullLanguage"},
		{modal{}, ""},
		{modal{mode: "half", err: errors.New("connection lost")}, ""},
	} {
		st := newStage(t, s)
		test.session.Invoker = st.session
		st.inv = test.session
		if _, r := st.plan(t, s.Grant()); r.Outcome != report.Planned || r.Target.LanguageMode != test.want {
			t.Errorf("%+v: %s, %q", test.session, r.Outcome, r.Target.LanguageMode)
		}
	}
}

// Over PowerShell remoting it is that of the endpoint.
func TestRemoteLanguageMode(t *testing.T) {
	s := scenario(t, "plain")
	if r := newRemoteStage(t, s).verify(t, s.Grant()); r.Target.LanguageMode != "NoLanguage" {
		t.Errorf("%+v", r.Target)
	}
}

// Every pipeline costs two requests over the network: what a grant needs is held
// here, so that nobody adds one without noticing.
func TestPipelines(t *testing.T) {
	s := scenario(t, "plain")
	st := newStage(t, s)
	c := &counted{Invoker: st.session}
	st.inv = c
	plan, _ := st.plan(t, s.Grant())
	if n := len(c.cmdlets); n > 20 {
		t.Errorf("a plan takes %d pipelines: %q", n, c.cmdlets)
	}
	c.cmdlets = nil
	st.apply(t, plan)
	if n := len(c.cmdlets); n > 29 {
		t.Errorf("a grant takes %d pipelines: %q", n, c.cmdlets)
	}
	if c.cmdlets[0] != "Get-Command" {
		t.Errorf("it begins with %s", c.cmdlets[0])
	}
}

// Somebody always acted: a report says so where the caller did not say who.
func TestOperatorUnknown(t *testing.T) {
	for operator, want := range map[string]string{"": "unknown", `CONTOSO\admin`: `CONTOSO\admin`} {
		r := newRun(acting{place: exchange.Place{Operator: operator}}, report.OperationGrant, exchange.Grant{}, Options{})
		if r.report.Operator != want {
			t.Errorf("%q: the report says %q, want %q", operator, r.report.Operator, want)
		}
	}
}
