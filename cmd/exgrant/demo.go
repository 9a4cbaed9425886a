package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/ladder"
	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

func (p *program) demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "watch a grant from plan to revocation in a simulated organization",
		Description: `Serves a model of an Exchange organization over HTTPS on this computer, and does
there what this program does: a script, a plan, the grant, its verification, an
audit, the proof over Exchange Web Services, the revocation and its proof.
Nothing else is contacted, and nothing stays behind.`,
		Action: p.demo,
	}
}

// demoScenario is an organization that must be customized before its first change:
// the surprise that most administrators meet.
const demoScenario = "dehydrated"

func (p *program) demo(c *cli.Context) (err error) {
	scenario, err := exchangesim.ScenarioByName(demoScenario)
	if err != nil {
		return fmt.Errorf("exgrant demo: %w", err)
	}
	organization := exchangesim.New(scenario, exchangesim.Options{})
	clock := organization.Clock()
	password := rand.Text()
	simulator, err := startSimulator(organization, simulatorOptions{listen: "127.0.0.1:0", tls: true, password: password, now: p.now})
	if err != nil {
		return fmt.Errorf("exgrant demo: %w", err)
	}
	defer func() { err = errors.Join(err, simulator.close()) }()

	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(simulator.Authority)
	session, err := remote.New(remote.Target{Server: simulator.URL, RootCAs: authorities},
		remote.Credential{Method: remote.Basic, Username: "administrator", Password: remote.NewSecret(password)})
	if err != nil {
		return fmt.Errorf("exgrant demo: %w", err)
	}
	// Time is the organization's own, so that nobody waits.
	sleep := func(_ context.Context, d time.Duration) error { clock.Sleep(d); return nil }
	options := grant.Options{Tool: p.tool(), Now: clock.Now, Sleep: sleep,
		EnableCustomization: true} // what a person is asked for
	defer func() { err = errors.Join(err, session.Close(context.WithoutCancel(c.Context))) }()

	account := scenario.Grant().Assignee.Identity
	way := ews.TransportConfig{RootCAs: authorities}
	logOn, err := ews.NewLogOn(way, ews.Credential{Method: ews.Basic, Username: account, Password: ews.NewSecret(password)})
	if err != nil {
		return fmt.Errorf("exgrant demo: %w", err)
	}
	defer logOn.CloseIdleConnections()
	anonymous := ews.NewTransport(way)
	defer anonymous.CloseIdleConnections()
	proof := ladder.Ladder{Account: account, URL: simulator.EWS, Anonymous: anonymous, Now: clock.Now, Sleep: sleep,
		Progress: func(report.Step) {}, Waiting: func(string) {},
		Client: func(url string) (*ews.Client, error) {
			return ews.New(ews.Config{URL: url, Transport: logOn, Now: clock.Now, Sleep: sleep})
		}}

	s := &story{w: p.stdout, style: p.style(p.stdout), session: session, options: options, ladder: proof, server: simulator.URL, grant: scenario.Grant()}
	if err := s.tell(c.Context); err != nil {
		return fmt.Errorf("exgrant demo: %w", err)
	}
	return nil
}

// storyWidth is how wide the story's audit is on paper, in columns.
const storyWidth = 110

// A story is one grant from its script to its revocation, told on paper.
type story struct {
	w       io.Writer
	style   render.Style
	session remote.Session
	options grant.Options
	ladder  ladder.Ladder
	server  string
	grant   exchange.Grant
	made    *report.Report // of the grant
	err     error          // the first failure to write
}

func (s *story) tell(ctx context.Context) error {
	s.print("Everything here is simulated: an Exchange organization that lives in this program,\nbehind HTTPS at %s.\n", s.server)
	s.print("Wanted: %s may act for the members of %s, and for nobody else.\n", s.grant.Assignee.Identity, s.grant.Scope.Text)
	for i, act := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"A script, for those who read, sign and run it themselves: exgrant script grant", s.script},
		{"What would change at the server, before anything does: exgrant plan", s.plan},
		{"The grant. This organization must be customized first, which servers say only when it fails: exgrant apply", s.apply},
		{"The same again changes nothing: exgrant apply", s.apply},
		{"Is it in place, within reach and not beyond: exgrant verify", s.verify},
		{"Who holds the role at all: exgrant audit", s.audit},
		{"Does it work, and only where it should? The account itself tries: exgrant diagnose", s.prove},
		{"Exactly this grant is taken back, by its report: exgrant revoke --from", s.revoke},
		{"And now nobody is in reach: exgrant diagnose", s.disprove},
	} {
		s.print("\n%d. %s\n\n", i+1, act.title)
		if err := act.play(ctx); err != nil {
			return err
		}
	}
	s.print("\nYour turn, on an organization like this one: exgrant sim\n")
	return s.err
}

func (s *story) print(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}

// page prints what write writes, moved in.
func (s *story) page(write func(io.Writer, render.Style) error) error {
	const indent = "   "
	style := s.style
	if style.Width > len(indent) {
		style.Width -= len(indent)
	}
	var b bytes.Buffer
	if err := write(&b, style); err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimRight(b.String(), "\n"), "\n") {
		s.print("%s\n", strings.TrimRight(indent+line, " "))
	}
	return s.err
}

func (s *story) script(context.Context) error {
	var b bytes.Buffer
	if err := psgen.Grant(&b, s.grant); err != nil {
		return err
	}
	lines := strings.Split(b.String(), "\r\n")
	return s.page(func(w io.Writer, _ render.Style) error {
		fmt.Fprintf(w, "%d lines of PowerShell. All that is this grant's own stands in one block:\n\n", len(lines)-1)
		inside := false
		for _, line := range lines {
			inside = inside || strings.HasPrefix(line, "$Grant = ")
			if inside {
				fmt.Fprintln(w, line)
			}
			if inside && line == "}" {
				break
			}
		}
		return nil
	})
}

func (s *story) plan(ctx context.Context) error {
	plan, err := grant.NewPlan(ctx, s.session, s.grant, s.options)
	if err != nil {
		return err
	}
	return s.page(func(w io.Writer, style render.Style) error { return render.Plan(w, plan, style) })
}

func (s *story) apply(ctx context.Context) error {
	plan, err := grant.NewPlan(ctx, s.session, s.grant, s.options)
	if err != nil {
		return err
	}
	result, err := told(grant.Apply(ctx, s.session, plan, s.options))
	if err != nil {
		return err
	}
	if s.made == nil {
		s.made = result
	}
	return s.report(result, report.Granted, report.AlreadyGranted)
}

func (s *story) verify(ctx context.Context) error {
	result, err := told(grant.Verify(ctx, s.session, s.grant, s.options))
	if err != nil {
		return err
	}
	return s.report(result, report.Verified)
}

func (s *story) audit(ctx context.Context) error {
	return s.page(func(w io.Writer, style render.Style) error {
		if style.Width == 0 {
			style.Width = storyWidth
		}
		text := render.NewAuditText(w, style)
		report, err := grant.Audit(ctx, s.session, s.options, text.Holder)
		if err != nil {
			return err
		}
		return text.End(report)
	})
}

func (s *story) prove(ctx context.Context) error {
	return s.climb(ctx, s.grant.InScope, s.grant.OutOfScope)
}

func (s *story) disprove(ctx context.Context) error {
	return s.climb(ctx, nil, append(s.grant.InScope, s.grant.OutOfScope...))
}

func (s *story) climb(ctx context.Context, in, out []string) error {
	l := s.ladder
	l.InScope, l.OutOfScope = in, out
	l.WriteTest = len(in) > 0
	result, err := l.Climb(ctx, reachOf(s.session, s.options, l))
	if err != nil {
		return err
	}
	return s.report(result, report.Verified)
}

func (s *story) revoke(ctx context.Context) error {
	result, err := told(grant.Revoke(ctx, s.session, grant.Revocation{Report: s.made}, s.options))
	if err != nil {
		return err
	}
	return s.report(result, report.Revoked)
}

// report prints a report, and fails when it did not end as the story goes.
func (s *story) report(r *report.Report, wanted ...report.Outcome) error {
	if err := s.page(func(w io.Writer, style render.Style) error { return render.Report(w, r, style) }); err != nil {
		return err
	}
	for _, o := range wanted {
		if r.Outcome == o {
			return nil
		}
	}
	return fmt.Errorf("it ended as %s", r.Outcome)
}
