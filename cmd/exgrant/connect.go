package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/ladder"
	"github.com/exgrant/exgrant/pkg/remote"
)

func (p *program) connectCommand() *cli.Command {
	return &cli.Command{
		Name:      "connect",
		Usage:     "find why a server cannot be reached, step by step",
		UsageText: "exgrant connect --server NAME [flags]",
		Description: `Checks, one after the other, all that a session needs:

  0 name       1 tcp     2 tls   3 challenge  what the web server asks for
  4 kdc        5 ticket  6 spn                what Kerberos says
  7 session    8 language-mode  9 cmdlets     what the log-on gives

Stops at the first that fails, and says what was tried and seen, what that means
and what to do. Changes nothing. A wrong password costs one attempt.

Exits 0 when all is well, 1 when the server is out of reach, 5 when nobody could
log on, 3 when the session is not as grants need it.`,
		Flags:  slices.Concat(formatFlags(reportFormats), sessionFlags()),
		Action: p.connect,
	}
}

func (p *program) connect(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	way, err := p.transport(c)
	if err != nil {
		return err
	}
	if way == remote.Local {
		return usageErrorf("%s: --%s local connects to nothing", c.Command.HelpName, flagTransport).withHint("--%s psrp or winrs", flagTransport)
	}
	connection, err := p.connection(c, way)
	if err != nil {
		return err
	}
	o := &operation{p: p, c: c, format: format}
	return o.each(nil, 1, true, func(int) error {
		report, err := connection.Climb(c.Context)
		if err != nil {
			return inCommand(c, err)
		}
		return o.result(report)
	})
}

// connection is the way that the SESSION flags name. It contacts nobody, and asks for
// the password where it must.
func (p *program) connection(c *cli.Context, way remote.Transport) (ladder.Connection, error) {
	target, shell, credential, err := p.logOnTo(c, way)
	return ladder.Connection{Way: way, Target: target, Credential: credential, Shell: shell, Options: p.options(c)}, err
}
