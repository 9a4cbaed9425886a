package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

func (p *program) demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "watch a grant being made in a simulated organization",
		Description: `Sends the commands of "script grant --style minimal", one by one, to a model of
an Exchange organization inside this program, and prints each with the answer.
Nothing is contacted, and nothing stays behind.`,
		Action: func(c *cli.Context) error { return runDemo(c.Context, p.stdout) },
	}
}

// runDemo tells the story of one grant: in an organization that must be
// customized first, in the same one once all is done, and in one that needs time.
func runDemo(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "Everything here is simulated: an Exchange organization that lives in this program.")
	var customized *exchangesim.Organization
	for _, act := range []struct{ title, scenario string }{
		{"1. An organization that must be customized before its first change.", "dehydrated"},
		{"2. The same again: all is done, and nothing changes.", ""},
		{"3. An organization where customizing takes effect only after a while.", "not-yet-in-effect"},
	} {
		organization := customized
		if act.scenario != "" {
			scenario, err := exchangesim.ScenarioByName(act.scenario)
			if err != nil {
				return fmt.Errorf("exgrant demo: %w", err)
			}
			organization = exchangesim.New(scenario, exchangesim.Options{})
		}
		customized = organization
		if _, err := fmt.Fprintf(w, "\n%s\n", act.title); err != nil {
			return fmt.Errorf("exgrant demo: %w", err)
		}
		s := &story{w: w, clock: organization.Clock(), session: organization.Session(exchangesim.SessionOptions{})}
		if err := s.grant(ctx, organization.Scenario().Grant()); err != nil {
			return fmt.Errorf("exgrant demo: %w", err)
		}
	}
	_, err := fmt.Fprint(w, `
What you saw is what a script does. Write yours:
  exgrant script grant --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users'
`)
	if err != nil {
		return fmt.Errorf("exgrant demo: %w", err)
	}
	return nil
}

// A story sends commands to an organization and prints them with their answers.
type story struct {
	w       io.Writer
	clock   *exchangesim.Clock
	session exchange.Invoker
}

// grant is the documented sequence with its fallback, as the minimal script has
// it: look, resolve, make the scope, assign, read back.
func (s *story) grant(ctx context.Context, g exchange.Grant) error {
	named := func(o exchange.Object) bool { return strings.EqualFold(o.Text("Name"), g.AssignmentName()) }
	assignments, err := s.ask(ctx, exchange.ListAssignments(exchange.Role))
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(assignments, named); i >= 0 {
		s.answer("%d assignments, and this grant's is one of them: there is nothing to do", len(assignments))
		s.answer("%s", assignment(assignments[i]))
		return nil
	}
	s.answer("%d assignments, none of them called '%s'", len(assignments), g.AssignmentName())

	groups, err := s.ask(ctx, exchange.GetGroup(g.Scope.Text))
	if err != nil {
		return err
	}
	if len(groups) != 1 {
		return fmt.Errorf("%d groups are called '%s', expected one", len(groups), g.Scope.Text)
	}
	dn := groups[0].Text("DistinguishedName")
	s.answer("%s", dn)

	filter, err := exchange.MemberOf(dn)
	if err != nil {
		return err
	}
	scope, err := s.change(ctx, exchange.NewScope(g.ScopeName(), filter, g.DomainController))
	if err != nil {
		return err
	}
	s.answer("scope '%s': %s", scope.Text("Name"), scope.Text("RecipientFilter"))
	made, err := s.change(ctx, exchange.NewAssignment(g.AssignmentName(), g.Assignee.Kind, g.Assignee.Identity,
		exchange.Role, exchange.AssignmentScope{Custom: g.ScopeName()}, g.DomainController))
	if err != nil {
		return err
	}
	s.answer("%s", assignment(made))

	back, err := s.ask(ctx, exchange.GetAssignment(made.Text("Guid"), g.DomainController))
	if err != nil {
		return err
	}
	if len(back) != 1 {
		return fmt.Errorf("%d assignments have the GUID of the new one, expected one", len(back))
	}
	s.answer("%s, enabled: %s", assignment(back[0]), back[0].Text("Enabled"))
	return nil
}

func assignment(o exchange.Object) string {
	return fmt.Sprintf("assignment '%s': %s has %s over '%s'", o.Text("Name"),
		o.Text("RoleAssigneeName"), o.Text("Role"), o.Text("CustomRecipientWriteScope"))
}

const (
	firstWait   = 2 * time.Second
	longestWait = 5 * time.Minute
	patience    = time.Hour
)

// change sends a command that changes something. Where the organization must be
// customized first, it does that once and tries the same again with growing
// waits, on the organization's own clock.
func (s *story) change(ctx context.Context, c exchange.Command) (exchange.Object, error) {
	end := s.clock.Now().Add(patience)
	customized := false
	for wait := firstWait; ; {
		objects, failed, err := s.send(ctx, c)
		switch {
		case err != nil:
			return exchange.Object{}, err
		case failed == nil && len(objects) != 1:
			return exchange.Object{}, fmt.Errorf("%s returned %d objects, expected one", c.Cmdlet, len(objects))
		case failed == nil:
			return objects[0], nil
		case failed.ID != fault.Dehydrated || s.clock.Now().After(end):
			return exchange.Object{}, fmt.Errorf("%s failed: %s", c.Cmdlet, failed.Message)
		case !customized:
			customized = true
			if err := s.customize(ctx); err != nil {
				return exchange.Object{}, err
			}
		default:
			s.clock.Sleep(wait)
			s.answer("waited %v on the organization's clock", wait)
			wait = min(2*wait, longestWait)
		}
	}
}

func (s *story) customize(ctx context.Context) error {
	_, failed, err := s.send(ctx, exchange.EnableOrganizationCustomization())
	switch {
	case err != nil:
		return err
	case failed == nil:
		s.answer("done; this cannot be undone")
	case failed.ID != fault.AlreadyCustomized:
		return fmt.Errorf("Enable-OrganizationCustomization failed: %s", failed.Message)
	}
	return nil
}

// ask sends a command that reads; an error is not expected of it.
func (s *story) ask(ctx context.Context, c exchange.Command) ([]exchange.Object, error) {
	objects, failed, err := s.send(ctx, c)
	if err == nil && failed != nil {
		err = fmt.Errorf("%s failed: %s", c.Cmdlet, failed.Message)
	}
	return objects, err
}

// send prints a command, runs it, and prints the error if that is the answer.
func (s *story) send(ctx context.Context, c exchange.Command) ([]exchange.Object, *fault.Fault, error) {
	text, err := c.Line()
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(s.w, "  PS> %s\n", text)
	var objects []exchange.Object
	streams, err := s.session.Invoke(ctx, exchange.Pipeline{c}, func(o exchange.Object) error {
		objects = append(objects, o)
		return nil
	})
	if err != nil || len(streams.Errors) == 0 {
		return objects, nil, err
	}
	f, _ := fault.Classify(fault.Evidence{Record: streams.Errors[0]})
	s.answer("error: %s", f.Message)
	s.answer("       that is %s, retry: %s", f.ID, f.Retry)
	return objects, &f, nil
}

// answer prints a line below the command that it answers. A failure to write
// shows at the next act.
func (s *story) answer(format string, args ...any) {
	fmt.Fprintf(s.w, "      "+format+"\n", args...)
}
