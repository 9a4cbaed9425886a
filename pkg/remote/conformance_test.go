package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
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
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

const simulatedPassword = "Winter-is-0ver!"

// A stage is a simulated organization and a session by one transport.
type stage struct {
	way     remote.Transport
	org     *exchangesim.Organization
	session remote.Session
	options grant.Options
	left    func() int // shells and sessions that are open
}

// ways are those that one behaviour is demanded of.
var ways = []struct {
	way  remote.Transport
	open func(*testing.T, *stage, remote.Credential) (remote.Session, error)
}{
	{remote.PSRP, openPSRP},
	{remote.WinRS, openWinRS},
	{remote.Local, openLocal},
}

func openPSRP(t *testing.T, s *stage, c remote.Credential) (remote.Session, error) {
	server := psrpd.New(psrpd.Config{Organization: s.org, Password: simulatedPassword})
	h := httptest.NewServer(server)
	t.Cleanup(func() { h.Close(); server.Close() })
	s.left = server.Shells
	return remote.New(remote.Target{Server: h.URL + "/PowerShell/"}, c)
}

func openWinRS(t *testing.T, s *stage, c remote.Credential) (remote.Session, error) {
	server := winrsd.New(winrsd.Config{Organization: s.org, Pwsh: peers.Pwsh(t), Password: simulatedPassword})
	h := httptest.NewServer(server)
	t.Cleanup(func() { h.Close(); server.Close() })
	s.left = func() int { return server.Shells() + server.SessionsLeft() }
	return remote.NewWinRS(remote.Target{Server: h.URL + "/wsman"}, c, remote.ShellOptions{})
}

// openLocal makes a PowerShell of this computer that has the organization's commands.
func openLocal(t *testing.T, s *stage, _ remote.Credential) (remote.Session, error) {
	dir := t.TempDir()
	server, err := scriptproxy.Start(s.org.Session(exchangesim.SessionOptions{}), s.org.Clock(), "127.0.0.1:0", dir)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = server.Close() })
	pwsh := filepath.Join(t.TempDir(), "pwsh")
	text := fmt.Sprintf("#!/bin/sh\nPSModulePath='%s' exec '%s' \"$@\"\n", dir, peers.Pwsh(t))
	if err := os.WriteFile(pwsh, []byte(text), 0o700); err != nil {
		return nil, err
	}
	s.left = func() int { return 0 }
	return remote.NewLocal(remote.Target{}, remote.ShellOptions{Pwsh: pwsh})
}

func newStage(t *testing.T, way remote.Transport, scenario exchangesim.Scenario, user string) *stage {
	t.Helper()
	peers.Pwsh(t)
	s := &stage{way: way, org: exchangesim.New(scenario, exchangesim.Options{})}
	i := slices.Index(remote.Transports(), way)
	if len(ways) != len(remote.Transports()) || ways[i].way != way {
		t.Fatalf("the ways of this suite are not those of package remote: %v", remote.Transports())
	}
	session, err := ways[i].open(t, s, remote.Credential{Method: remote.Basic, Username: user, Password: remote.NewSecret(simulatedPassword)})
	if err != nil {
		t.Fatal(err)
	}
	s.session = session
	clock := s.org.Clock()
	s.options = grant.Options{Tool: "exgrant test", Now: clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error { clock.Sleep(d); return ctx.Err() }}
	t.Cleanup(func() {
		if err := session.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		if n := s.left(); n > 0 {
			t.Errorf("%d shells or sessions are left", n)
		}
	})
	return s
}

// told is the report of an operation that came to an end, also to another than was
// asked for.
func told(r *report.Report, err error) (*report.Report, error) {
	if stopped := (*report.Stopped)(nil); errors.As(err, &stopped) {
		return stopped.Report, nil
	}
	return r, err
}

// A telling is what one transport tells and leaves, step by step, without what differs
// by nature.
type telling struct{ lines []string }

func (x *telling) say(t *testing.T, what string, s *stage, r *report.Report, err error) {
	t.Helper()
	if r, err = told(r, err); err != nil {
		x.lines = append(x.lines, what+": "+err.Error())
		return
	}
	if r.Target.Transport != string(s.way) {
		t.Errorf("%s: the report says transport %q", what, r.Target.Transport)
	}
	x.lines = append(x.lines, what+": "+normalized(t, *r)+scriptshell.Snapshot(t, s.org))
}

// full is a run of everything; a usual one leaves out, in turn, one of the two
// transports that start a PowerShell, since these run the same there.
var full = os.Getenv("EXGRANT_FULL") != ""

// compare plays one scene by every transport and holds what they tell to the first.
func compare(t *testing.T, scenario string, play func(*testing.T, *stage, exchange.Grant, *telling)) {
	t.Helper()
	definition, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	var first telling
	leave := 1 + int(crc32.ChecksumIEEE([]byte(t.Name())))%2
	for i, w := range ways {
		if i == leave && !full {
			continue
		}
		var x telling
		play(t, newStage(t, w.way, definition, exchangesim.DefaultUser), definition.Grant(), &x)
		if i == 0 {
			first = x
			continue
		}
		if diff := cmp.Diff(first.lines, x.lines); diff != "" {
			t.Errorf("%s (-) and %s (+):\n%s", ways[0].way, w.way, diff)
		}
	}
}

// TestConformance is the life of a grant in every scenario by every transport: what is
// told, asked and left is the same.
func TestConformance(t *testing.T) {
	for _, scenario := range exchangesim.Scenarios() {
		if strings.HasPrefix(scenario.Name, "ews-") || scenario.Name == "recipients-50000" {
			continue // they differ from plain in what no command sees, or in size alone
		}
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			compare(t, scenario.Name, life)
		})
	}
	for name, scene := range map[string]struct {
		scenario string
		play     func(*testing.T, *stage, exchange.Grant, *telling)
	}{
		"all others":            {"plain", others},
		"declined":              {"ews-granted", declined},
		"customization":         {"dehydrated", func(t *testing.T, s *stage, g exchange.Grant, x *telling) { customizationAsked(t, s, g, x, true) }},
		"customization refused": {"dehydrated", func(t *testing.T, s *stage, g exchange.Grant, x *telling) { customizationAsked(t, s, g, x, false) }},
		"stale plan":            {"plain", stalePlan},
		"interrupted":           {"plain", interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, scene.scenario, scene.play)
		})
	}
}

// life is a grant from its plan to its revocation.
func life(t *testing.T, s *stage, g exchange.Grant, x *telling) {
	s.options.Progress = func(step report.Step) { x.lines = append(x.lines, step.ID+" "+step.Status) }
	plan, err := grant.NewPlan(t.Context(), s.session, g, s.options)
	if err == nil {
		shown := *plan
		shown.Target, shown.MadeAt = report.PlanTarget{}, time.Time{}
		x.lines = append(x.lines, numbered(pretty(t, shown)))
		r, err := grant.Apply(t.Context(), s.session, plan, s.options)
		x.say(t, "apply", s, r, err)
	} else {
		x.say(t, "plan", s, nil, err)
	}
	r, err := grant.Verify(t.Context(), s.session, g, s.options)
	x.say(t, "verify", s, r, err)
	r, err = grant.Revoke(t.Context(), s.session, grant.Revocation{Grant: &g}, s.options)
	x.say(t, "revoke", s, r, err)
}

// others are the operations that are not in life.
func others(t *testing.T, s *stage, g exchange.Grant, x *telling) {
	ctx := t.Context()
	made, err := grant.Make(ctx, s.session, g, s.options)
	x.say(t, "make", s, made, err)
	r, err := grant.Make(ctx, s.session, g, s.options)
	x.say(t, "make again", s, r, err)
	reach := grant.FindReach(ctx, s.session, g.Assignee.Identity, []string{"anna"}, []string{"boss", "nobody"}, s.options)
	x.say(t, "reach", s, reach.Report, nil)
	var holders []report.Holder
	r, err = grant.Audit(ctx, s.session, s.options, func(h report.Holder) error { holders = append(holders, h); return nil })
	x.say(t, "audit", s, r, err)
	x.lines = append(x.lines, numbered(pretty(t, holders)))
	stop := errors.New("enough")
	if _, err = grant.Audit(ctx, s.session, s.options, func(report.Holder) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of yield: %v", err)
	}
	r, err = grant.Revoke(ctx, s.session, grant.Revocation{GUID: made.After.Assignments[0].GUID}, s.options)
	x.say(t, "revoke by GUID", s, r, err)
	r, err = grant.Revoke(ctx, s.session, grant.Revocation{Report: made}, s.options)
	x.say(t, "revoke from the report", s, r, err)
	g.Name = "in/valid"
	_, err = grant.NewPlan(ctx, s.session, g, s.options)
	x.say(t, "an invalid grant", s, nil, err)
}

func (s *stage) asking(t *testing.T, x *telling, agree bool) {
	s.options.Confirm = func(_ context.Context, q grant.Question) (bool, error) {
		x.lines = append(x.lines, numbered(pretty(t, q)))
		return agree, nil
	}
}

func declined(t *testing.T, s *stage, g exchange.Grant, x *telling) {
	for _, agree := range []bool{false, true} {
		s.asking(t, x, agree)
		r, err := grant.Revoke(t.Context(), s.session, grant.Revocation{Grant: &g}, s.options)
		x.say(t, fmt.Sprint(agree), s, r, err)
	}
}

func customizationAsked(t *testing.T, s *stage, g exchange.Grant, x *telling, agree bool) {
	s.asking(t, x, agree)
	r, err := grant.Make(t.Context(), s.session, g, s.options)
	x.say(t, "make", s, r, err)
	x.lines = append(x.lines, fmt.Sprint(s.org.Snapshot().Customization))
}

// stalePlan: what the plan rests on is changed before it is applied.
func stalePlan(t *testing.T, s *stage, g exchange.Grant, x *telling) {
	plan, err := grant.NewPlan(t.Context(), s.session, g, s.options)
	if err != nil {
		t.Fatal(err)
	}
	made, err := grant.Apply(t.Context(), s.session, plan, s.options)
	x.say(t, "apply", s, made, err)
	p := exchange.Pipeline{{Cmdlet: "Remove-ManagementRoleAssignment", Params: []exchange.Param{
		{Name: "Identity", Value: exchange.String(made.After.Assignments[0].GUID)}, {Name: "Confirm", Value: exchange.Bool(false)}}}}
	if _, err := s.session.Invoke(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	r, err := grant.Apply(t.Context(), s.session, plan, s.options)
	x.say(t, "apply again", s, r, err)
}

func interrupted(t *testing.T, s *stage, g exchange.Grant, x *telling) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := grant.NewPlan(ctx, s.session, g, s.options)
	x.say(t, "plan", s, nil, err)
}

// An account without any role is denied, whichever way it comes.
func TestNoRoles(t *testing.T) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ways[:2] {
		s := newStage(t, w.way, scenario, "boss")
		r, err := told(grant.Verify(t.Context(), s.session, scenario.Grant(), s.options))
		if err != nil || r.Outcome != report.Denied || r.Steps[0].Fault.ID != fault.AccessDenied {
			t.Errorf("%s: %v %+v", w.way, err, r.Steps)
		}
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

// normalized is a report as text without what depends on when, where and by which
// transport it was made.
func normalized(t *testing.T, r report.Report) string {
	t.Helper()
	if r.Operator == "" {
		t.Error("the report names nobody")
	}
	r.Operator = "" // a shell of this computer has the account that this program runs as
	r.Target.Server, r.Target.Transport, r.Target.LanguageMode = "", "", ""
	r.StartedAt, r.FinishedAt = time.Time{}, time.Time{}
	r.Steps = slices.Clone(r.Steps)
	for i := range r.Steps {
		r.Steps[i].DurationMS = 0
		if f := r.Steps[i].Fault; f != nil && f.ID == fault.CmdletMissing {
			own := *f
			own.Message, own.Record = "", nil // PowerShell's words, of its version
			r.Steps[i].Fault = &own
		}
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
