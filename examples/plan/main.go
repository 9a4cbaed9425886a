// Command plan shows how a Go program uses exgrant's packages: it logs on to a
// server, plans one grant there, and prints the commands that would make it.
//
//	EXGRANT_PASSWORD=… go run ./examples/plan ex01.contoso.com admin@CONTOSO.COM svc-reschedule 'Reschedule Users'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: plan SERVER USERNAME ACCOUNT GROUP")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	credential := remote.Credential{Method: remote.Kerberos, Username: os.Args[2], Password: remote.NewSecret(os.Getenv("EXGRANT_PASSWORD"))}
	wish := exchange.Grant{
		Assignee: exchange.NewUser(os.Args[3]),
		Scope:    exchange.Scope{Kind: exchange.Group, Text: os.Args[4]},
	}
	err := show(ctx, os.Stdout, remote.Target{Server: os.Args[1]}, credential, wish)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "plan:", err)
		os.Exit(1)
	}
}

// show prints each command that the wish needs, and why it does.
func show(ctx context.Context, w io.Writer, target remote.Target, credential remote.Credential, wish exchange.Grant) (err error) {
	session, err := remote.Dial(ctx, target, credential)
	if err != nil {
		return err
	}
	// Close is done even when ctx has ended: no session is left at the server.
	defer func() { err = errors.Join(err, session.Close(ctx)) }()

	plan, report, err := grant.NewPlan(ctx, session, wish, grant.Options{Target: session.Target(), Operator: credential.Username})
	switch {
	case err != nil: // the wish itself is not valid
		return err
	case plan == nil: // the server said no, or something is in the way
		return fmt.Errorf("%s: %s", report.Outcome, reason(report))
	}
	for _, change := range plan.Changes {
		command, err := change.Command.Command()
		if err != nil {
			return err
		}
		line, err := command.Line()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "# %s\n%s\n", change.Why, line); err != nil {
			return err
		}
	}
	return nil
}

// reason is what the step that failed says.
func reason(r *exchange.Report) string {
	for _, step := range r.Steps {
		switch {
		case step.Status != exchange.StatusFailed:
		case step.Fault != nil:
			return step.Fault.Message
		default:
			return step.Text
		}
	}
	return "no step failed"
}
