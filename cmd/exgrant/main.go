// Command exgrant gives a service mailbox the right to act for other mailboxes
// of an on-premises Exchange organization, and shows that it did.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/exgrant/exgrant/internal/keyring"
	"github.com/exgrant/exgrant/internal/terminal"
)

func main() {
	// A write to a closed pipe becomes an error like any other: without this the
	// runtime would end the program before it could clean up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	// net/http logs what servers send that nobody asked for, content included.
	log.SetOutput(io.Discard)

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	p := &program{
		stdin:  interruptible{ctx, os.Stdin},
		stdout: standardOutput{os.Stdout},
		stderr: os.Stderr,
		getenv: os.Getenv,
		now:    time.Now,

		terminal: terminal.New(os.Stdin, os.Stderr, os.Getenv),
		keyring:  keyring.New(os.Getenv),
	}
	p.watchSignals(stop)
	os.Exit(p.run(ctx, os.Args[1:]))
}
