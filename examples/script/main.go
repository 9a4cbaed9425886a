// Command script shows how a Go program lets a server's own PowerShell run a generated
// script, by the remote shell of Windows, and reads its report: here the grant script
// with -WhatIf, which changes nothing.
//
//	EXGRANT_PASSWORD=… go run ./examples/script https://ex01.contoso.com:5986/wsman admin@contoso.com svc-reschedule 'Reschedule Users'
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: script SERVER USERNAME ACCOUNT GROUP")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	credential := remote.Credential{Method: remote.Basic, Username: os.Args[2], Password: remote.NewSecret(os.Getenv("EXGRANT_PASSWORD"))}
	wanted := exchange.Grant{
		Assignee: exchange.NewUser(os.Args[3]),
		Scope:    exchange.Scope{Kind: exchange.Group, Text: os.Args[4]},
	}
	err := preview(ctx, os.Stdout, remote.Target{Server: os.Args[1]}, credential, wanted)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "script:", err)
		os.Exit(1)
	}
}

// preview prints what the grant's script would do at the server.
func preview(ctx context.Context, w io.Writer, target remote.Target, credential remote.Credential, wanted exchange.Grant) (err error) {
	var script bytes.Buffer
	if err := psgen.Grant(&script, wanted); err != nil {
		return err
	}
	runner, err := remote.NewWinRS(target, credential, remote.ShellOptions{})
	if err != nil {
		return err
	}
	// Close is done even when ctx has ended: no shell is left at the server.
	defer func() { err = errors.Join(err, runner.Close(ctx)) }()

	result, err := runner.Run(ctx, remote.Script{
		Text:       script.Bytes(),
		Parameters: []exchange.Param{{Name: "WhatIf", Value: exchange.Switch(true)}},
		ReadsOnly:  true,
	})
	if err != nil {
		return err
	}
	for _, step := range result.Report.Steps {
		fmt.Fprintf(w, "%s %s: %s\n", step.Status, step.ID, cmp.Or(step.Command, step.Text))
	}
	fmt.Fprintf(w, "outcome: %s\n", result.Report.Outcome)
	return nil
}
