package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/pkg/remote"
)

func (p *program) diagnoseConnectionCommand() *cli.Command {
	return &cli.Command{
		Name:      "connection",
		Usage:     "find where the way to a server ends, and why",
		UsageText: "exgrant diagnose connection --server NAME [flags]",
		Description: `Climbs from the server's name to the commands of a session there:

  0 name       1 tcp     2 tls   3 challenge  what the web server asks for
  4 kdc        5 ticket  6 spn                what Kerberos says
  7 session    8 language-mode  9 cmdlets     what the log-on gives

Of each rung it tells what was tried and seen, and where the way ends what that
means and what to do. Changes nothing. A wrong password costs one attempt.

Exits 0 when all is well, 1 when the server is out of reach, 5 when nobody could
log on, 3 when the session is not as grants need it.`,
		Flags:  slices.Concat(formatFlags(reportFormats), sessionFlags()),
		Action: p.diagnoseConnection,
	}
}

func (p *program) diagnoseConnection(c *cli.Context) error {
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
func (p *program) connection(c *cli.Context, way remote.Transport) (operate.Connection, error) {
	target, err := p.target(c)
	if err != nil {
		return operate.Connection{}, err
	}
	script := remote.ScriptOptions{RequireSigned: c.Bool(flagRequireSigned), RemoteExchange: c.Bool(flagRemoteExchange)}
	credential, err := p.credential(c, way, func(credential remote.Credential) error {
		if way == remote.WinRS {
			_, err := remote.NewWinRS(target, credential, script)
			return err
		}
		_, err := remote.New(target, credential)
		return err
	})
	if err != nil {
		return operate.Connection{}, err
	}
	options := p.options(c)
	options.Operator = credential.User()
	return operate.Connection{Way: way, Target: target, Credential: credential, Script: script, Options: options}, nil
}
