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
	wanted := exchange.Grant{
		Assignee: exchange.NewUser(os.Args[3]),
		Scope:    exchange.Scope{Kind: exchange.Group, Text: os.Args[4]},
	}
	err := show(ctx, os.Stdout, remote.Target{Server: os.Args[1]}, credential, wanted)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "plan:", err)
		os.Exit(1)
	}
}

// show prints each command that the grant needs, and why it does.
func show(ctx context.Context, w io.Writer, target remote.Target, credential remote.Credential, wanted exchange.Grant) (err error) {
	session, err := remote.Dial(ctx, target, credential)
	if err != nil {
		return err
	}
	// Close is done even when ctx has ended: no session is left at the server.
	defer func() { err = errors.Join(err, session.Close(ctx)) }()

	// A *report.Stopped says that the server refused, or that something is in the way.
	plan, err := grant.NewPlan(ctx, session, wanted, grant.Options{})
	if err != nil {
		return err
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
