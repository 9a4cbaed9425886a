package operate_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
)

const (
	password = "Pa$$w0rd-of-everybody"
	account  = `CONTOSO\svc-reschedule`
)

// A place is an organization with a ladder against its Exchange Web Services, both in
// the organization's time.
type place struct {
	organization *exchangesim.Organization
	server       *ewsd.Server
	ladder       operate.Ladder
	options      grant.Options
	scenario     exchangesim.Scenario
	told         []exchange.Step // progress
	waiting      []string
	waits        []time.Duration
}

func newPlace(t *testing.T, scenario string, change ...func(*exchangesim.WebServices)) *place {
	t.Helper()
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{scenario: s, organization: exchangesim.New(s, exchangesim.Options{})}
	manners := s.WebServices
	for _, c := range change {
		c(&manners)
	}
	p.server = ewsd.New(ewsd.Config{Organization: p.organization, Password: password, WebServices: &manners})
	web := httptest.NewServer(p.server)
	t.Cleanup(web.Close)
	transport := ews.NewTransport(ews.TransportConfig{})
	t.Cleanup(transport.CloseIdleConnections)
	clock := p.organization.Clock()
	sleep := func(ctx context.Context, d time.Duration) error {
		clock.Sleep(d)
		p.waits = append(p.waits, d)
		return ctx.Err()
	}
	p.options = grant.Options{Tool: "exgrant test", Now: clock.Now, Sleep: sleep}
	p.ladder = operate.Ladder{
		Account: account, URL: web.URL + "/EWS/Exchange.asmx", Anonymous: transport,
		Client: func(url string) (*ews.Client, error) {
			return ews.New(ews.Config{URL: url, Transport: logOn(t, password), Now: clock.Now, Sleep: sleep})
		},
		InScope: []string{"anna"}, OutOfScope: []string{"boss"}, Now: clock.Now, Sleep: sleep,
		Progress: func(s exchange.Step) { p.told = append(p.told, s) },
		Waiting:  func(text string) { p.waiting = append(p.waiting, text) },
	}
	return p
}

func logOn(t *testing.T, password string) *ews.LogOn {
	t.Helper()
	l, err := ews.NewLogOn(ews.TransportConfig{}, ews.Credential{Method: ews.Basic, Username: account, Password: ews.NewSecret(password)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.CloseIdleConnections)
	return l
}

// grant makes the scenario's grant.
func (p *place) grant(t *testing.T) {
	t.Helper()
	session := p.organization.Session(exchangesim.SessionOptions{})
	plan, report, err := grant.NewPlan(t.Context(), session, p.scenario.Grant(), p.options)
	if err == nil && plan != nil {
		report, err = grant.Apply(t.Context(), session, plan, p.options)
	}
	if err != nil || report.Outcome.ExitCode() != 0 {
		t.Fatalf("%v: %+v", err, report)
	}
}

// ask looks at the organization too.
func (p *place) ask(ctx context.Context) (operate.Look, error) {
	reach := grant.FindReach(ctx, p.organization.Session(exchangesim.SessionOptions{}), account, p.ladder.InScope, p.ladder.OutOfScope, p.options)
	return operate.Look{Report: reach.Report, Reach: reach}, nil
}

// alone asks nobody but Exchange Web Services.
func (p *place) alone(context.Context) (operate.Look, error) {
	return operate.Look{Report: &exchange.Report{Operation: exchange.OperationDiagnose, Outcome: exchange.Verified}}, nil
}

func (p *place) climb(t *testing.T, look func(context.Context) (operate.Look, error)) *exchange.Report {
	t.Helper()
	r, err := p.ladder.Climb(t.Context(), look)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rungs are the verdicts of a report's rungs: "4 anna@contoso.test passed".
func rungs(r *exchange.Report) []string {
	var list []string
	for _, s := range r.Steps {
		if s.Rung != nil {
			list = append(list, strings.Join(strings.Fields(strings.Join([]string{string(rune('0' + s.Rung.Level)), s.Rung.Mailbox, s.Rung.Verdict}, " ")), " "))
		}
	}
	return list
}

func hasFinding(r *exchange.Report, id, severity string) bool {
	return slices.ContainsFunc(r.Findings, func(f exchange.Finding) bool { return f.ID == id && f.Severity == severity })
}

func TestClimb(t *testing.T) {
	p := newPlace(t, "plain")
	p.grant(t)
	p.ladder.WriteTest = true
	r := p.climb(t, p.ask)
	if r.Outcome != exchange.Verified {
		t.Errorf("%s: %q", r.Outcome, rungs(r))
	}
	want := []string{"0 passed", "1 skipped", "2 passed", "3 anna passed", "3 boss passed", "4 anna@contoso.test passed",
		"5 anna@contoso.test passed", "5 anna@contoso.test passed", "6 boss@contoso.test passed", "7 anna@contoso.test passed",
		"8 anna@contoso.test passed", "8 anna@contoso.test passed", "8 anna@contoso.test passed", "8 anna@contoso.test passed", "9 passed"}
	if got := rungs(r); !slices.Equal(got, want) {
		t.Errorf("rungs:\n%q\nwant\n%q", got, want)
	}
	rows := []exchange.Proof{{Mailbox: "anna", Expected: "allowed", RBAC: "allowed", EWS: "allowed"},
		{Mailbox: "boss", Expected: "refused", RBAC: "refused", EWS: "refused", EWSCode: "ErrorImpersonateUserDenied"}}
	if !slices.Equal(r.Proof, rows) {
		t.Errorf("%+v", r.Proof)
	}
	anna, _ := p.organization.FindAccount(exchangesim.AnyName, "anna")
	if n := p.server.Items(anna.GUID); n != 0 {
		t.Errorf("%d items are left", n)
	}
	for _, s := range r.Steps {
		if s.Rung != nil && s.Rung.Verdict == "passed" && (s.Rung.Tried == "" || s.Rung.Saw == "" || s.Rung.Means == "") {
			t.Errorf("%+v says too little", s.Rung)
		}
	}
	if len(p.told) != len(want) {
		t.Errorf("progress of %d rungs, of %d", len(p.told), len(want))
	}
}

// Without a session the ladder is climbed all the same, by addresses.
func TestClimbAlone(t *testing.T) {
	p := newPlace(t, "plain")
	p.grant(t)
	p.ladder.InScope, p.ladder.OutOfScope = []string{"anna@contoso.test"}, []string{"boss@contoso.test"}
	r := p.climb(t, p.alone)
	if r.Outcome != exchange.Verified || len(r.Proof) != 2 || r.Proof[0].RBAC != "" || r.Proof[1].EWS != "refused" {
		t.Errorf("%s: %+v: %q", r.Outcome, r.Proof, rungs(r))
	}
}

// Names that nobody turned into addresses are no reason to ask the server for nothing.
func TestNoAddress(t *testing.T) {
	p := newPlace(t, "plain")
	p.ladder.Account = "svc-reschedule"
	for _, s := range p.climb(t, p.alone).Steps {
		if s.Status == exchange.StatusFailed {
			t.Errorf("failed: %+v", s)
		}
		if s.Rung != nil && s.Rung.Level == int(ews.LevelLogOn) && !strings.Contains(s.Text, "as user@domain") {
			t.Errorf("log-on: %s", s.Text)
		}
	}
}

// A rung that fails stops no other, and what is wrong is told with its evidence.
func TestDisagreements(t *testing.T) {
	for _, test := range []struct {
		name, scenario string
		arrange        func(*testing.T, *place)
		server         func(*exchangesim.WebServices)
		outcome        exchange.Outcome
		rows           []string // RBAC, EWS and code of each
		diagnosis      []string // a part of each row's
		security       bool
	}{
		{name: "no grant", scenario: "plain", outcome: exchange.Differs,
			rows: []string{"refused refused ErrorImpersonateUserDenied", "refused refused ErrorImpersonateUserDenied"}, diagnosis: []string{"No role assignment reaches it", ""}},
		{name: "wider grant", scenario: "wider-grant", outcome: exchange.Differs, security: true,
			rows: []string{"allowed allowed ", "allowed allowed "}, diagnosis: []string{"", "'Wide Grant' reaches it"}},
		{name: "the server's cache", scenario: "plain", outcome: exchange.Differs,
			server: func(c *exchangesim.WebServices) { c.CacheLife = time.Hour },
			arrange: func(t *testing.T, p *place) {
				p.ladder.InScope = []string{"anna@contoso.test"}
				p.climb(t, p.alone) // the server now knows that there is nothing
				p.ladder.InScope = []string{"anna"}
				p.grant(t)
			},
			rows:      []string{"allowed refused ErrorImpersonateUserDenied", "refused refused ErrorImpersonateUserDenied"},
			diagnosis: []string{"'Reschedule Impersonation' gives it, and the server refuses: 'Reschedule Impersonation' was changed", ""}},
		{name: "a moved mailbox", scenario: "plain", outcome: exchange.Differs, arrange: func(t *testing.T, p *place) { p.grant(t) },
			server: func(c *exchangesim.WebServices) {
				c.Codes = map[string]string{"anna@contoso.test": "ErrorMailboxMoveInProgress"}
			},
			rows: []string{"allowed unknown ErrorMailboxMoveInProgress", "refused refused ErrorImpersonateUserDenied"}, diagnosis: []string{"do not show", ""}},
		{name: "disabled", scenario: "plain", outcome: exchange.Unreachable, arrange: func(t *testing.T, p *place) { p.grant(t) },
			server: func(c *exchangesim.WebServices) { c.Disabled = true },
			rows:   []string{"allowed unknown ", "refused unknown "}, diagnosis: []string{"do not show", "do not show"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var change []func(*exchangesim.WebServices)
			if test.server != nil {
				change = append(change, test.server)
			}
			p := newPlace(t, test.scenario, change...)
			if test.arrange != nil {
				test.arrange(t, p)
			}
			r := p.climb(t, p.ask)
			if r.Outcome != test.outcome || hasFinding(r, "out-of-scope-reached", exchange.SeveritySecurity) != test.security {
				t.Errorf("%s, %+v", r.Outcome, r.Findings)
			}
			for i, row := range r.Proof {
				if got := row.RBAC + " " + row.EWS + " " + row.EWSCode; got != test.rows[i] {
					t.Errorf("%s: %s, want %s", row.Mailbox, got, test.rows[i])
				}
				if (row.Diagnosis == "") != (test.diagnosis[i] == "") || !strings.Contains(row.Diagnosis, test.diagnosis[i]) {
					t.Errorf("%s: diagnosis %q, want %q", row.Mailbox, row.Diagnosis, test.diagnosis[i])
				}
			}
			levels := map[byte]bool{}
			for _, rung := range rungs(r) {
				levels[rung[0]] = true
			}
			if len(levels) != 10 {
				t.Errorf("the rungs are %q", rungs(r))
			}
		})
	}
}

// A wrong password is tried once more by no rung: the account would be locked.
func TestWrongPassword(t *testing.T) {
	p := newPlace(t, "plain")
	requests := 0
	client := p.ladder.Client
	p.ladder.Client = func(url string) (*ews.Client, error) {
		requests++
		_, _ = client(url)
		return ews.New(ews.Config{URL: url, Transport: logOn(t, "wrong")})
	}
	p.ladder.Wait = time.Hour
	r := p.climb(t, p.ask)
	if r.Outcome != exchange.Denied || requests != 1 || p.server.Requests() != 0 {
		t.Errorf("%s after %d clients", r.Outcome, requests)
	}
	if got := rungs(r); !slices.Contains(got, "2 failed") || !slices.Contains(got, "3 boss passed") || slices.ContainsFunc(got, func(s string) bool { return s[0] > '3' && !strings.HasSuffix(s, "skipped") }) {
		t.Errorf("%q", got)
	}
}

// Waiting looks again, with growing pauses, until the grant has come into effect, and
// says how long that took.
func TestWait(t *testing.T) {
	p := newPlace(t, "replication-lag")
	p.grant(t)
	p.ladder.Wait = time.Hour
	r := p.climb(t, p.ask)
	if r.Outcome != exchange.Verified || !hasFinding(r, "took-effect", exchange.SeverityInfo) {
		t.Fatalf("%s: %+v: %q", r.Outcome, r.Findings, rungs(r))
	}
	if took := r.FinishedAt.Sub(r.StartedAt); took < 10*time.Minute || took > 25*time.Minute {
		t.Errorf("it took %v", took)
	}
	if len(p.waiting) == 0 || !strings.Contains(p.waiting[0], "anna refused") || p.waits[len(p.waits)-1] > time.Minute {
		t.Errorf("%q, %v", p.waiting, p.waits)
	}
	for _, row := range r.Proof {
		if row.RBAC != row.Expected || row.EWS != row.Expected {
			t.Errorf("%+v", row)
		}
	}
}

func TestWaitInVain(t *testing.T) {
	p := newPlace(t, "plain")
	p.ladder.Wait = 10 * time.Minute
	r := p.climb(t, p.ask)
	if r.Outcome != exchange.Differs || !hasFinding(r, "not-in-effect", exchange.SeverityWarning) || r.FinishedAt.Sub(r.StartedAt) < 10*time.Minute {
		t.Errorf("%s: %+v", r.Outcome, r.Findings)
	}
}

func TestInterrupted(t *testing.T) {
	p := newPlace(t, "plain")
	p.ladder.Wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	p.ladder.Sleep = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
	r, err := p.ladder.Climb(ctx, p.ask)
	if err != nil || r.Outcome != exchange.Interrupted {
		t.Errorf("%v: %+v", err, r)
	}
}

// Where the URL is not given, Autodiscover finds it; where it leads to the cloud,
// nothing is asked there.
func TestAutodiscover(t *testing.T) {
	p := newPlace(t, "ews-granted")
	url := p.ladder.URL
	p.ladder.URL = ""
	var asked []string
	p.ladder.Discover = func(_ context.Context, address string) (ews.Rung, string) {
		asked = append(asked, address)
		return ews.Rung{Level: ews.LevelAutodiscover, Verdict: ews.Passed, Tried: "it", Saw: url, Means: "found"}, url
	}
	r := p.climb(t, p.ask)
	if r.Outcome != exchange.Verified || r.Target.EWS != url || !slices.Equal(asked, []string{"svc-reschedule@contoso.test"}) {
		t.Errorf("%s at %q, asked %q", r.Outcome, r.Target.EWS, asked)
	}
	if got := rungs(r)[:3]; !slices.Equal(got, []string{"0 passed", "1 passed", "2 passed"}) {
		t.Errorf("%q", got)
	}
	p.ladder.Discover = func(context.Context, string) (ews.Rung, string) {
		return ews.Rung{Level: ews.LevelAutodiscover, Verdict: ews.Failed, Tried: "it", Saw: "the cloud", Means: "not here"}, ""
	}
	requests := p.server.Requests()
	if r := p.climb(t, p.ask); r.Outcome != exchange.Differs || p.server.Requests() != requests {
		t.Errorf("%s after %d requests: %q", r.Outcome, p.server.Requests()-requests, rungs(r))
	}
}

// Every scenario of the web services is diagnosed: a failed rung says what to do.
func TestScenarios(t *testing.T) {
	outcomes := map[string]exchange.Outcome{
		"ews-granted": exchange.Verified, "ews-cached": exchange.Verified, "ews-busy": exchange.Verified, "ews-throttled": exchange.Verified,
		"ews-2010": exchange.Verified, "ews-chinese": exchange.Verified,
		"ews-disabled": exchange.Unreachable, "ews-block-list": exchange.Unreachable, "ews-allow-list": exchange.Unreachable,
		"ews-disabled-mailbox": exchange.Differs, "ews-moving": exchange.Differs,
	}
	for _, s := range exchangesim.WebScenarios() {
		p := newPlace(t, s.Name)
		r := p.climb(t, p.ask)
		if r.Outcome != outcomes[s.Name] {
			t.Errorf("%s: %s, want %q: %q", s.Name, r.Outcome, outcomes[s.Name], rungs(r))
		}
		for _, step := range r.Steps {
			if step.Rung != nil && step.Status == exchange.StatusFailed && (step.Rung.Do == "" || step.Rung.Means == "") {
				t.Errorf("%s: %+v says not what to do", s.Name, step.Rung)
			}
		}
	}
}
