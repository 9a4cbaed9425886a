package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
)

const simulatedPassword = "Winter-is-0ver!"

// A stage is a simulated organization and one way to it.
type stage struct {
	way  remote.Transport
	org  *exchangesim.Organization
	open func(t *testing.T, o grant.Options) Operator
	left func() int // shells and sessions that are open
	user string     // who logs on; empty is the administrator
}

// ways are those that one behaviour is demanded of.
var ways = []struct {
	way   remote.Transport
	stage func(*testing.T, *exchangesim.Organization, *stage)
}{
	{remote.PSRP, psrpStage},
	{remote.WinRS, winrsStage},
	{remote.Local, localStage},
}

func newStage(t *testing.T, way remote.Transport, scenario string) *stage {
	t.Helper()
	peers.Pwsh(t)
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	st := &stage{way: way, org: exchangesim.New(s, exchangesim.Options{}), left: func() int { return 0 }}
	i := slices.Index(remote.Transports(), way)
	if len(ways) != len(remote.Transports()) || ways[i].way != way {
		t.Fatalf("the ways of this suite are not those of package remote: %v", remote.Transports())
	}
	ways[i].stage(t, st.org, st)
	return st
}

func psrpStage(t *testing.T, org *exchangesim.Organization, st *stage) {
	server := psrpd.New(psrpd.Config{Organization: org, Password: simulatedPassword})
	h := httptest.NewServer(server)
	t.Cleanup(func() { h.Close(); server.Close() })
	st.left = server.Shells
	st.open = func(t *testing.T, o grant.Options) Operator {
		session, err := remote.New(remote.Target{Server: h.URL + "/PowerShell/"}, st.credential())
		if err != nil {
			t.Fatal(err)
		}
		return Structured(session, o)
	}
}

func winrsStage(t *testing.T, org *exchangesim.Organization, st *stage) {
	server := winrsd.New(winrsd.Config{Organization: org, Pwsh: peers.Pwsh(t), Password: simulatedPassword})
	h := httptest.NewServer(server)
	t.Cleanup(func() { h.Close(); server.Close() })
	st.left = func() int { return server.Shells() + server.SessionsLeft() }
	st.open = func(t *testing.T, o grant.Options) Operator {
		runner, err := remote.NewWinRS(remote.Target{Server: h.URL + "/wsman"}, st.credential(), remote.ScriptOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return Scripted(runner, o)
	}
}

// localStage makes a PowerShell of this computer that has the organization's commands.
func localStage(t *testing.T, org *exchangesim.Organization, st *stage) {
	dir := t.TempDir()
	server, err := scriptproxy.Start(org.Session(exchangesim.SessionOptions{}), org.Clock(), "127.0.0.1:0", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	pwsh := filepath.Join(t.TempDir(), "pwsh")
	text := fmt.Sprintf("#!/bin/sh\nPSModulePath='%s' exec '%s' \"$@\"\n", dir, peers.Pwsh(t))
	if err := os.WriteFile(pwsh, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	st.open = func(t *testing.T, o grant.Options) Operator {
		runner, err := remote.NewLocal(remote.Target{}, remote.ScriptOptions{Pwsh: pwsh})
		if err != nil {
			t.Fatal(err)
		}
		return Scripted(runner, o)
	}
}

func (s *stage) credential() remote.Credential {
	c := credential()
	if s.user != "" {
		c.Username = s.user
	}
	return c
}

func credential() remote.Credential {
	return remote.Credential{Method: remote.Basic, Username: exchangesim.DefaultUser, Password: remote.NewSecret(simulatedPassword)}
}

// operator opens the way and closes it with the test. Waiting moves the model's clock.
func (s *stage) operator(t *testing.T, change func(*grant.Options)) Operator {
	t.Helper()
	clock := s.org.Clock()
	o := grant.Options{Tool: "exgrant test", Operator: exchangesim.DefaultUser, Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error { clock.Sleep(d); return ctx.Err() }}
	if change != nil {
		change(&o)
	}
	operator := s.open(t, o)
	t.Cleanup(func() {
		if err := operator.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		if n := s.left(); n > 0 {
			t.Errorf("%d shells or sessions are left", n)
		}
	})
	return operator
}

// A telling is what one way tells and leaves, step by step, without what differs by
// nature: times, GUIDs, the server's name.
type telling struct{ lines []string }

func (x *telling) say(t *testing.T, what string, s *stage, r *exchange.Report, err error) {
	t.Helper()
	if err != nil {
		x.lines = append(x.lines, what+": error")
		return
	}
	if r.Target.Transport != string(s.way) {
		t.Errorf("%s: the report says transport %q", what, r.Target.Transport)
	}
	x.lines = append(x.lines, what+": "+normalized(t, *r)+scriptshell.Snapshot(t, s.org))
}

func (x *telling) plan(t *testing.T, what string, s *stage, p *exchange.Plan, r *exchange.Report, err error) {
	t.Helper()
	if p != nil {
		x.lines = append(x.lines, what+": "+numbered(commandLines(p.Changes)+pretty(t, p.Unchanged)+pretty(t, p.Findings)+pretty(t, p.Grant)+pretty(t, p.Options)))
	}
	x.say(t, what, s, r, err)
}

// TestDifferential makes the grant of every scenario once by each way, and demands the
// same end state and the same report.
func TestDifferential(t *testing.T) {
	for _, scenario := range exchangesim.Scenarios() {
		if strings.HasPrefix(scenario.Name, "ews-") || scenario.Name == "recipients-50000" {
			continue // they differ from plain in what scripts never see, or in size alone
		}
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			compare(t, scenario.Name, func(t *testing.T, s *stage, x *telling) {
				report, err := s.operator(t, nil).Make(t.Context(), scenario.Grant())
				x.say(t, "make", s, report, err)
			})
		})
	}
}

// compare plays one scene by every way and holds what they tell to the first.
func compare(t *testing.T, scenario string, play func(*testing.T, *stage, *telling)) {
	t.Helper()
	var first telling
	for i, w := range ways {
		var x telling
		s := newStage(t, w.way, scenario)
		play(t, s, &x)
		if i == 0 {
			first = x
			continue
		}
		if diff := cmp.Diff(first.lines, x.lines); diff != "" {
			t.Errorf("%s (-) and %s (+):\n%s", ways[0].way, w.way, diff)
		}
	}
}

// TestConformance is the life of a grant by every way: what is told, asked and left is
// the same.
func TestConformance(t *testing.T) {
	t.Run("life", func(t *testing.T) {
		t.Parallel()
		compare(t, "plain", life)
	})
	t.Run("declined", func(t *testing.T) {
		t.Parallel()
		compare(t, "ews-granted", declinedRevocation)
	})
	t.Run("stale plan", func(t *testing.T) {
		t.Parallel()
		stalePlan(t)
	})
	for _, agreed := range []bool{true, false} {
		t.Run(fmt.Sprintf("customization %v", agreed), func(t *testing.T) {
			t.Parallel()
			compare(t, "dehydrated", func(t *testing.T, s *stage, x *telling) { customizationAsked(t, s, x, agreed) })
		})
	}
	t.Run("no customization", func(t *testing.T) {
		t.Parallel()
		compare(t, "dehydrated-no-cmdlet", func(t *testing.T, s *stage, x *telling) { customizationAsked(t, s, x, true) })
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		compare(t, "plain", interrupted)
	})
}

func scenarioGrant(t *testing.T, name string) exchange.Grant {
	t.Helper()
	s, err := exchangesim.ScenarioByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return s.Grant()
}

func life(t *testing.T, s *stage, x *telling) {
	g := scenarioGrant(t, "plain")
	g.InScope, g.OutOfScope = []string{"anna"}, []string{"boss"}
	var progress []string
	operator := s.operator(t, func(o *grant.Options) {
		o.Progress = func(s exchange.Step) { progress = append(progress, s.ID+" "+s.Status) }
	})
	plan, report, err := operator.Plan(t.Context(), g)
	x.plan(t, "plan", s, plan, report, err)
	report, err = operator.Apply(t.Context(), plan) // of a plan that says the same, whichever way made it
	x.say(t, "apply", s, report, err)
	made := report
	report, err = operator.Apply(t.Context(), plan)
	x.say(t, "apply again", s, report, err)
	report, err = operator.Verify(t.Context(), g)
	x.say(t, "verify", s, report, err)
	var holders []exchange.Holder
	report, err = operator.Audit(t.Context(), func(h exchange.Holder) error { holders = append(holders, h); return nil })
	x.say(t, "audit", s, report, err)
	x.lines = append(x.lines, numbered(pretty(t, holders)))
	told := len(progress)
	stop := errors.New("enough")
	if _, err = operator.Audit(t.Context(), func(exchange.Holder) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of yield: %v", err)
	}
	progress = progress[:told] // a script has come to its end already
	report, err = operator.Revoke(t.Context(), grant.Revocation{Report: made})
	x.say(t, "revoke from the report", s, report, err)
	report, err = operator.Revoke(t.Context(), grant.Revocation{Grant: &g})
	x.say(t, "revoke", s, report, err)
	g.Name = "in/valid"
	_, report, err = operator.Plan(t.Context(), g)
	x.say(t, "an invalid grant", s, report, err)
	x.lines = append(x.lines, progress...)
}

func declinedRevocation(t *testing.T, s *stage, x *telling) {
	g := scenarioGrant(t, "ews-granted")
	asked := ""
	agree := false
	operator := s.operator(t, func(o *grant.Options) {
		o.Confirm = func(_ context.Context, changes []exchange.Change) (bool, error) {
			asked = commandLines(changes)
			return agree, nil
		}
	})
	report, err := operator.Revoke(t.Context(), grant.Revocation{Grant: &g})
	if err != nil || report.Outcome != exchange.Interrupted || report.Changed {
		t.Errorf("%v %+v", err, report)
	}
	x.lines = append(x.lines, numbered(asked), string(report.Outcome), scriptshell.Snapshot(t, s.org))
	agree = true
	report, err = operator.Revoke(t.Context(), grant.Revocation{Grant: &g})
	x.say(t, "agreed", s, report, err)
}

// stalePlan: what the plan rests on is changed before it is applied.
func stalePlan(t *testing.T) {
	for _, w := range ways {
		s := newStage(t, w.way, "plain")
		g := scenarioGrant(t, "plain")
		operator := s.operator(t, nil)
		plan, _, err := operator.Plan(t.Context(), g)
		if err != nil || plan == nil {
			t.Fatal(err)
		}
		made, err := operator.Apply(t.Context(), plan)
		if err != nil || made.Outcome != exchange.Granted {
			t.Fatalf("%v %+v", err, made)
		}
		// The assignment goes, and the scope stays: another change than the plan's.
		session := s.org.Session(exchangesim.SessionOptions{})
		if _, err := session.Invoke(t.Context(), exchange.Pipeline{exchange.RemoveAssignment(made.After.Assignments[0].GUID, "")}, func(exchange.Object) error { return nil }); err != nil {
			t.Fatal(err)
		}
		before := scriptshell.Snapshot(t, s.org)
		report, err := operator.Apply(t.Context(), plan)
		if w.way != remote.PSRP && (err != nil || report.Outcome != exchange.Differs || report.Changed) {
			t.Errorf("%s: %v %+v", w.way, err, report)
		}
		if report.Outcome == exchange.Differs && scriptshell.Snapshot(t, s.org) != before {
			t.Errorf("%s: a stale plan changed something", w.way)
		}
	}
}

func customizationAsked(t *testing.T, s *stage, x *telling, agree bool) {
	asked := ""
	operator := s.operator(t, func(o *grant.Options) {
		o.Confirm = func(_ context.Context, changes []exchange.Change) (bool, error) {
			asked += commandLines(changes)
			return agree, nil
		}
	})
	plan, _, err := operator.Plan(t.Context(), scenarioGrant(t, "dehydrated"))
	if err != nil || plan == nil {
		t.Fatal(err)
	}
	report, err := operator.Apply(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	x.lines = append(x.lines, asked, string(report.Outcome), fmt.Sprint(report.Changed), scriptshell.Snapshot(t, s.org), fmt.Sprint(s.org.Snapshot().Customization))
	if agree {
		x.say(t, "apply", s, report, err)
	}
}

func interrupted(t *testing.T, s *stage, x *telling) {
	operator := s.operator(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	plan, report, err := operator.Plan(ctx, scenarioGrant(t, "plain"))
	if err != nil || plan != nil || report.Outcome != exchange.Interrupted {
		t.Errorf("%v %+v", err, report)
	}
	x.lines = append(x.lines, normalized(t, *report))
}

// What one way cannot do is refused by name.
func TestRefused(t *testing.T) {
	for _, w := range ways[1:] {
		operator := newStage(t, w.way, "plain").operator(t, nil)
		_, err := operator.Revoke(t.Context(), grant.Revocation{GUID: "11111111-1111-1111-1111-111111111111"})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Way != w.way || !strings.Contains(err.Error(), string(w.way)) || refused.Hint == "" {
			t.Errorf("%s: %v", w.way, err)
		}
	}
}

// What the PowerShell there refuses is told in a report, with the ways that work.
func TestPolicy(t *testing.T) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	server := winrsd.New(winrsd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Pwsh: peers.Pwsh(t), Password: simulatedPassword, ExecutionPolicy: "AllSigned"})
	defer server.Close()
	h := httptest.NewServer(server)
	defer h.Close()
	runner, err := remote.NewWinRS(remote.Target{Server: h.URL + "/wsman"}, credential(), remote.ScriptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	operator := Scripted(runner, grant.Options{})
	report, err := operator.Verify(t.Context(), scenario.Grant())
	if err != nil || report.Outcome != exchange.Failed {
		t.Fatalf("%v %+v", err, report)
	}
	if f := report.Steps[0].Fault; !strings.Contains(f.Message, "AllSigned") || !strings.Contains(f.Hint, "--transport psrp") {
		t.Errorf("%+v", f)
	}
	if err := operator.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// An account without any role is denied, whichever way it comes.
func TestNoRoles(t *testing.T) {
	for _, w := range ways[:2] {
		s := newStage(t, w.way, "plain")
		s.user = "boss"
		report, err := s.operator(t, nil).Verify(t.Context(), scenarioGrant(t, "plain"))
		if err != nil || report.Outcome != exchange.Denied || report.Steps[0].Fault.ID != fault.AccessDenied {
			t.Errorf("%s: %v %+v", w.way, err, report.Steps)
		}
	}
}

// A server that cannot be reached is told in a report, with the grant that was asked
// for.
func TestUnreachable(t *testing.T) {
	target := remote.Target{Server: "http://127.0.0.1:1/wsman"}
	runner, err := remote.NewWinRS(target, credential(), remote.ScriptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	operator := Scripted(runner, grant.Options{Tool: "exgrant test"})
	g := scenarioGrant(t, "plain")
	plan, report, err := operator.Plan(t.Context(), g)
	if err != nil || plan != nil || report.Outcome != exchange.Unreachable || report.Grant == nil || report.Steps[0].Fault.ID != fault.ConnectNetwork {
		t.Errorf("%v %+v", err, report)
	}
	report, err = operator.Apply(t.Context(), &exchange.Plan{Grant: *report.Grant})
	if err != nil || report.Outcome != exchange.Unreachable || report.Operation != exchange.OperationGrant || len(report.Findings) > 0 {
		t.Errorf("%v %+v", err, report)
	}
	if err := operator.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func pretty(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	requestPattern = regexp.MustCompile(`RequestId=[0-9a-f-]+,TimeStamp=[^\]]*`)
	guidPattern    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
)

// normalized is a report as text without what depends on when, where and by which way
// it was made.
func normalized(t *testing.T, r exchange.Report) string {
	t.Helper()
	r.Target.Server, r.Target.Transport, r.Target.LanguageMode = "", "", ""
	r.StartedAt, r.FinishedAt = time.Time{}, time.Time{}
	// A script takes the account of its process for the caller: here that of this
	// computer, which the organization does not know.
	r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f exchange.Finding) bool { return f.ID == "no-delegating-assignment" })
	r.Steps = slices.Clone(r.Steps)
	for i := range r.Steps {
		r.Steps[i].DurationMS = 0
		f := r.Steps[i].Fault
		if f == nil {
			continue
		}
		own := *f
		if own.Record != nil {
			record := *own.Record
			if own.ID == fault.CmdletMissing {
				// PowerShell's own words, of its version; -ErrorAction Stop shortens the record.
				record.FullyQualifiedErrorID, record.Activity, own.Message = "", "", ""
			}
			own.Record = &record
		}
		r.Steps[i].Fault = &own
	}
	return numbered(requestPattern.ReplaceAllString(pretty(t, r), "RequestId"))
}

// numbered replaces GUIDs by numbers, in the order in which they appear.
func numbered(text string) string {
	seen := map[string]string{}
	return guidPattern.ReplaceAllStringFunc(text, func(guid string) string {
		if seen[guid] == "" {
			seen[guid] = fmt.Sprintf("GUID-%d", len(seen)+1)
		}
		return seen[guid]
	})
}
