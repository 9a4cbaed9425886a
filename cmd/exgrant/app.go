package main

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/terminal"
)

// A program is exgrant with everything it may touch of the world around it.
type program struct {
	stdin  io.Reader
	stdout io.Writer // results only
	stderr io.Writer // everything else
	getenv func(string) string
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error // between tries; nil waits

	terminal *terminal.Terminal // where a person may sit; nil when nobody does
	keyring  passwordStore      // nil when there is none
	record   record             // of what was changed so far
	tracing  sync.Mutex         // held while --verbose writes a line
	read     bool               // standard input, which can be read once
	handed   *secrets           // what standard input held for --secrets; nil before it was read
}

// person is who may sit in front of the program.
func (p *program) person() *terminal.Terminal {
	if p.terminal == nil {
		p.terminal = terminal.Nobody()
	}
	return p.terminal
}

// commands lists every command, in the order in which help shows them.
func (p *program) commands() []*cli.Command {
	commands := []*cli.Command{
		p.scriptCommand(),
		p.planCommand(),
		p.applyCommand(),
		p.verifyCommand(),
		p.revokeCommand(),
		p.auditCommand(),
		p.diagnoseCommand(),
		p.connectCommand(),
		p.runCommand(),
		p.reportCommand(),
		p.explainCommand(),
		p.loginCommand(),
		p.logoutCommand(),
		p.demoCommand(),
		p.simCommand(),
		p.completionCommand(),
		p.manCommand(),
		p.versionCommand(),
	}
	p.addOutput(commands)
	return commands
}

// run runs one command line, without the program's name, and returns the exit
// code.
func (p *program) run(ctx context.Context, args []string) int {
	app := p.app()
	call, err := arrange(app, args)
	switch {
	case err != nil:
		return p.fail(ctx, err)
	case call.version:
		return p.fail(ctx, p.printVersion())
	case call.session:
		return p.fail(ctx, writeSessionHelp(p.stdout))
	case call.help:
		return p.fail(ctx, writeHelp(p.stdout, app, call.path))
	case call.incomplete:
		_ = writeHelp(p.stderr, app, call.path) // the exit code says it too
		return exitUsage
	}
	return p.fail(ctx, app.RunContext(ctx, append([]string{app.Name}, call.args...)))
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:      "exgrant",
		HelpName:  "exgrant",
		Usage:     "let a service mailbox act for other mailboxes on Exchange",
		UsageText: "exgrant COMMAND [flags] [operands]",
		Description: `Grants the ApplicationImpersonation role of an on-premises Exchange organization
to one account and for one scope, as a script to read, sign and run.`,
		Commands:                  p.commands(),
		Reader:                    p.stdin,
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
		DisableSliceFlagSeparator: true, // distinguished names have commas
		HideHelp:                  true, // help.go
		HideVersion:               true, // version.go
		ExitErrHandler:            func(*cli.Context, error) {},
	}
	p.prepare(app.Commands)
	return app
}

// prepare sets on every command what the parser must leave to arrange.
func (p *program) prepare(commands []*cli.Command) {
	for _, c := range commands {
		if slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == flagDeadline }) {
			c.Action = p.withDeadline(c.Action)
		}
		if c.Action != nil {
			c.Action = p.readingOnce(c.Action)
		}
		c.HideHelp = true
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageErrorf("%v", err) }
		p.prepare(c.Subcommands)
	}
}
