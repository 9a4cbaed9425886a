package ladder_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/internal/ladder"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
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
	ladder       ladder.Ladder
	options      grant.Options
	scenario     exchangesim.Scenario
	front        func(http.ResponseWriter, *http.Request) bool // answers in the server's place, where it is not nil and returns true
	told         []report.Step                                 // progress
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
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.front == nil || !p.front(w, r) {
			p.server.ServeHTTP(w, r)
		}
	}))
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
	p.ladder = ladder.Ladder{
		Account: account, URL: web.URL + "/EWS/Exchange.asmx", Anonymous: transport,
		Client: func(url string) (*ews.Client, error) {
			return ews.New(ews.Config{URL: url, Transport: logOn(t, password), Now: clock.Now, Sleep: sleep})
		},
		InScope: []string{"anna"}, OutOfScope: []string{"boss"}, Now: clock.Now, Sleep: sleep,
		Progress: func(s report.Step) { p.told = append(p.told, s) },
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
	if _, err := grant.Make(t.Context(), session, p.scenario.Grant(), p.options); err != nil {
		t.Fatal(err)
	}
}

// ask looks at the organization too.
func (p *place) ask(ctx context.Context) (ladder.Look, error) {
	reach := grant.FindReach(ctx, p.organization.Session(exchangesim.SessionOptions{}), account, p.ladder.InScope, p.ladder.OutOfScope, p.options)
	return ladder.Look{Report: reach.Report, Reach: reach}, nil
}

// alone asks nobody but Exchange Web Services.
func (p *place) alone(context.Context) (ladder.Look, error) {
	return ladder.Look{Report: &report.Report{Operation: report.OperationDiagnose, Outcome: report.Verified}}, nil
}

func (p *place) climb(t *testing.T, look func(context.Context) (ladder.Look, error)) *report.Report {
	t.Helper()
	r, err := p.ladder.Climb(t.Context(), look)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rungs are the verdicts of a report's rungs: "4 anna@contoso.test passed".
func rungs(r *report.Report) []string {
	var list []string
	for _, s := range r.Steps {
		if s.Rung != nil {
			list = append(list, strings.Join(strings.Fields(strings.Join([]string{string(rune('0' + s.Rung.Level)), s.Rung.Mailbox, s.Rung.Verdict}, " ")), " "))
		}
	}
	return list
}

func hasFinding(r *report.Report, id, severity string) bool {
	return slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.ID == id && f.Severity == severity })
}

func TestClimb(t *testing.T) {
	p := newPlace(t, "plain")
	p.grant(t)
	p.ladder.WriteTest = true
	r := p.climb(t, p.ask)
	if r.Outcome != report.Verified {
		t.Errorf("%s: %q", r.Outcome, rungs(r))
	}
	want := []string{"0 passed", "1 skipped", "2 passed", "3 anna passed", "3 boss passed", "4 anna@contoso.test passed",
		"5 anna@contoso.test passed", "5 anna@contoso.test passed", "6 boss@contoso.test passed", "7 anna@contoso.test passed",
		"8 anna@contoso.test passed", "8 anna@contoso.test passed", "8 anna@contoso.test passed", "8 anna@contoso.test passed", "9 passed"}
	if got := rungs(r); !slices.Equal(got, want) {
		t.Errorf("rungs:\n%q\nwant\n%q", got, want)
	}
	rows := []report.Proof{{Mailbox: "anna", Expected: "allowed", RBAC: "allowed", EWS: "allowed"},
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
	if r.Outcome != report.Verified || len(r.Proof) != 2 || r.Proof[0].RBAC != "" || r.Proof[1].EWS != "refused" {
		t.Errorf("%s: %+v: %q", r.Outcome, r.Proof, rungs(r))
	}
}

// Names that nobody turned into addresses are no reason to ask the server for nothing.
func TestNoAddress(t *testing.T) {
	p := newPlace(t, "plain")
	p.ladder.Account = "svc-reschedule"
	for _, s := range p.climb(t, p.alone).Steps {
		if s.Status == report.StatusFailed {
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
		outcome        report.Outcome
		rows           []string // RBAC, EWS and code of each
		diagnosis      []string // a part of each row's
		security       bool
	}{
		{name: "no grant", scenario: "plain", outcome: report.Differs,
			rows: []string{"refused refused ErrorImpersonateUserDenied", "refused refused ErrorImpersonateUserDenied"}, diagnosis: []string{"No role assignment reaches it", ""}},
		{name: "wider grant", scenario: "wider-grant", outcome: report.Differs, security: true,
			rows: []string{"allowed allowed ", "allowed allowed "}, diagnosis: []string{"", "'Wide Grant' reaches it"}},
		{name: "the server's cache", scenario: "plain", outcome: report.Differs,
			server: func(c *exchangesim.WebServices) { c.CacheLife = time.Hour },
			arrange: func(t *testing.T, p *place) {
				p.ladder.InScope = []string{"anna@contoso.test"}
				p.climb(t, p.alone) // the server now knows that there is nothing
				p.ladder.InScope = []string{"anna"}
				p.grant(t)
			},
			rows:      []string{"allowed refused ErrorImpersonateUserDenied", "refused refused ErrorImpersonateUserDenied"},
			diagnosis: []string{"'Reschedule Impersonation' gives it, and the server refuses: 'Reschedule Impersonation' was changed", ""}},
		{name: "a moved mailbox", scenario: "plain", outcome: report.Differs, arrange: func(t *testing.T, p *place) { p.grant(t) },
			server: func(c *exchangesim.WebServices) {
				c.Codes = map[string]string{"anna@contoso.test": "ErrorMailboxMoveInProgress"}
			},
			rows: []string{"allowed unknown ErrorMailboxMoveInProgress", "refused refused ErrorImpersonateUserDenied"}, diagnosis: []string{"do not show", ""}},
		{name: "disabled", scenario: "plain", outcome: report.Blocked, arrange: func(t *testing.T, p *place) { p.grant(t) },
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
			if r.Outcome != test.outcome || hasFinding(r, "out-of-scope-reached", report.SeveritySecurity) != test.security {
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
	if r.Outcome != report.Denied || requests != 1 || p.server.Requests() != 0 {
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
	if r.Outcome != report.Verified || !hasFinding(r, "took-effect", report.SeverityInfo) {
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
	if r.Outcome != report.Differs || !hasFinding(r, "not-in-effect", report.SeverityWarning) || r.FinishedAt.Sub(r.StartedAt) < 10*time.Minute {
		t.Errorf("%s: %+v", r.Outcome, r.Findings)
	}
}

func TestInterrupted(t *testing.T) {
	p := newPlace(t, "plain")
	p.ladder.Wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	p.ladder.Sleep = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
	r, err := p.ladder.Climb(ctx, p.ask)
	if err != nil || r.Outcome != report.Interrupted {
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
	if r.Outcome != report.Verified || r.Target.EWS != url || !slices.Equal(asked, []string{"svc-reschedule@contoso.test"}) {
		t.Errorf("%s at %q, asked %q", r.Outcome, r.Target.EWS, asked)
	}
	if got := rungs(r)[:3]; !slices.Equal(got, []string{"0 passed", "1 passed", "2 passed"}) {
		t.Errorf("%q", got)
	}
	p.ladder.Discover = func(context.Context, string) (ews.Rung, string) {
		return ews.Rung{Level: ews.LevelAutodiscover, Verdict: ews.Failed, Tried: "it", Saw: "the cloud", Means: "not here"}, ""
	}
	requests := p.server.Requests()
	if r := p.climb(t, p.ask); r.Outcome != report.Differs || p.server.Requests() != requests {
		t.Errorf("%s after %d requests: %q", r.Outcome, p.server.Requests()-requests, rungs(r))
	}
}

// Every scenario of the web services is diagnosed: a failed rung says what to do.
func TestScenarios(t *testing.T) {
	outcomes := map[string]report.Outcome{
		"ews-granted": report.Verified, "ews-cached": report.Verified, "ews-busy": report.Verified, "ews-throttled": report.Verified,
		"ews-2010": report.Verified, "ews-chinese": report.Verified,
		"ews-disabled": report.Blocked, "ews-block-list": report.Blocked, "ews-allow-list": report.Blocked, "ews-allow-list-passed": report.Verified,
		"ews-disabled-mailbox": report.Differs, "ews-moving": report.Differs,
	}
	for _, s := range exchangesim.WebScenarios() {
		p := newPlace(t, s.Name)
		r := p.climb(t, p.ask)
		if want := outcomes[s.Name]; r.Outcome != want {
			t.Errorf("%s: %s, want %q: %q", s.Name, r.Outcome, want, rungs(r))
		}
		for _, step := range r.Steps {
			if step.Rung != nil && step.Status == report.StatusFailed && (step.Rung.Do == "" || step.Rung.Means == "") {
				t.Errorf("%s: %+v says not what to do", s.Name, step.Rung)
			}
		}
	}
}

// What a server answers before it is asked for a mailbox does not outrank what it
// answers then, and one that is busy is waited for.
func TestWhatWasProvedCounts(t *testing.T) {
	for name, test := range map[string]struct {
		answer    func(http.Header) int
		only      func(*http.Request) bool
		times     int
		want      report.Outcome
		warnings  int
		waitedFor bool
	}{
		"403 without a log-on":      {answer: status(403), only: anonymous, times: 1, want: report.Verified, warnings: 1},
		"403 of everything":         {answer: status(403), times: 99, want: report.Blocked},
		"503 without a log-on":      {answer: status(503), only: anonymous, times: 1, want: report.Verified, warnings: 1},
		"503 with Retry-After":      {answer: status(503, "Retry-After", "2"), times: 2, want: report.Verified, waitedFor: true},
		"503 until a date":          {answer: status(503, "Date", "Mon, 01 Jun 2026 08:00:00 GMT", "Retry-After", "Mon, 01 Jun 2026 08:00:03 GMT"), times: 1, want: report.Verified, waitedFor: true},
		"429":                       {answer: status(429), times: 1, want: report.Verified, waitedFor: true},
		"429 with Retry-After":      {answer: status(429, "Retry-After", "1"), times: 3, want: report.Verified, waitedFor: true},
		"503 for longer than a day": {answer: status(503, "Retry-After", "99999999999"), times: 1, want: report.Verified, warnings: 1},
		"503 for less than nothing": {answer: status(503, "Retry-After", "-5"), only: anonymous, times: 1, want: report.Verified, warnings: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "ews-granted")
			times := test.times
			p.front = func(w http.ResponseWriter, r *http.Request) bool {
				if times == 0 || test.only != nil && !test.only(r) {
					return false
				}
				times--
				w.WriteHeader(test.answer(w.Header()))
				return true
			}
			r := p.climb(t, p.ask)
			warnings := 0
			for _, f := range r.Findings {
				if f.ID == "odd-answer" && f.Severity == report.SeverityWarning {
					warnings++
				}
			}
			if r.Outcome != test.want || warnings != test.warnings || test.waitedFor != (len(p.waits) > 0) {
				t.Errorf("%s, %d warnings, waits %v: %q", r.Outcome, warnings, p.waits, rungs(r))
			}
		})
	}
}

func anonymous(r *http.Request) bool { return r.Header.Get("Authorization") == "" }

// status answers by a status and headers.
func status(code int, headers ...string) func(http.Header) int {
	return func(h http.Header) int {
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return code
	}
}
