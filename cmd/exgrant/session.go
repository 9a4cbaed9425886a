package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/internal/textfile"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

// The SESSION flags: which server, and who logs on how. Each has a variable,
// EXGRANT_ and its name in capitals, that counts where the flag is not given.
const (
	flagTransport    = "transport"
	flagServer       = "server"
	flagPort         = "port"
	flagTLS          = "tls"
	flagCAFile       = "ca-file"
	flagConnectTo    = "connect-to"
	flagAuth         = "auth"
	flagLogon        = "logon"
	flagPasswordFile = "password-file"
	flagTimeout      = "timeout"
	flagDeadline     = "deadline"
	flagVerbose      = "verbose"

	flagRequireSigned  = "require-signed"
	flagRemoteExchange = "remote-exchange"
	flagPwsh           = "pwsh"
)

func sessionFlags() []cli.Flag {
	const session = sessionCategory
	where := []cli.Flag{
		&cli.StringFlag{Name: flagTransport, Category: session,
			Usage: "how to connect: `HOW` is psrp, the endpoint of Exchange; winrs, the PowerShell that WinRM starts there, which gets the password with which it then logs on to Exchange; or local, a PowerShell of this computer; psrp when not given"},
		&cli.StringFlag{Name: flagServer, Category: session, Usage: "full `NAME` of one Exchange server, or URL"},
		&cli.BoolFlag{Name: flagTLS, Category: session, Usage: "connect by https, where --server is a name"},
		&cli.IntFlag{Name: flagPort, Category: session, Usage: "`PORT`, where --server is a name and its port is not 80 or, with TLS, 443"},
		&cli.StringFlag{Name: flagCAFile, Category: session, Usage: "accept certificates of the authorities in this PEM `FILE` only"},
		&cli.StringFlag{Name: flagConnectTo, Category: session, Usage: "connect to `HOST:PORT`, as through a tunnel; the server's name stays what is checked"},
	}
	how := []cli.Flag{
		&cli.DurationFlag{Name: flagTimeout, Category: session, Usage: "`TIME` that one request may take beyond the server's own; 30s when not given"},
		&cli.DurationFlag{Name: flagDeadline, Category: session, Usage: "`TIME`, such as 10m, after which the whole run is ended as by Ctrl-C, with 4 seconds to clean up; none when not given"},
		&cli.BoolFlag{Name: flagVerbose, Category: session, Usage: "tell every request on standard error, without its content"},
		&cli.BoolFlag{Name: flagRequireSigned, Category: session, Usage: "run: only a script that has a valid signature there"},
		&cli.BoolFlag{Name: flagRemoteExchange, Category: session,
			Usage: "winrs, local: open the management shell that is installed there, not a session of --server"},
		&cli.StringFlag{Name: flagPwsh, Category: session, Usage: "local: `PATH` of the PowerShell; else powershell.exe, or pwsh"},
	}
	return slices.Concat(where, logonFlags(session), how)
}

// setting is the value of a SESSION flag, or else of its variable.
func (p *program) setting(c *cli.Context, flag string) string {
	if c.IsSet(flag) {
		return c.String(flag)
	}
	return p.getenv(variable(flag))
}

func variable(flag string) string {
	return "EXGRANT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// session returns the session that the SESSION flags name. It contacts nobody, and asks
// for the password where it must.
func (p *program) session(c *cli.Context) (remote.Session, error) {
	way, err := p.transport(c)
	if err != nil {
		return nil, err
	}
	var s remote.Session
	if way == remote.Local {
		s, err = p.localShell(c)
	} else {
		s, err = p.remoteSession(c, way)
	}
	if err != nil {
		return nil, err
	}
	p.record.begin()
	return s, nil
}

func (p *program) localShell(c *cli.Context) (remote.Session, error) {
	options, err := p.shellOptions(c)
	if err != nil {
		return nil, err
	}
	// A server of a variable is one for the other ways.
	s, err := remote.NewLocal(remote.Target{Server: c.String(flagServer)}, options)
	if err != nil {
		return nil, usageErrorf("%s: %w", c.Command.HelpName, err).
			withHint("--%s PATH names a PowerShell; --%s local needs 64-bit Windows PowerShell to open a management shell", flagPwsh, flagTransport)
	}
	return s, nil
}

func (p *program) remoteSession(c *cli.Context, way remote.Transport) (remote.Session, error) {
	target, options, credential, err := p.logOnTo(c, way)
	if err != nil {
		return nil, err
	}
	s, err := remote.NewOver(way, target, credential, options)
	if err != nil {
		return nil, usageErrorf("%s: %w", c.Command.HelpName, err).withHint("exgrant help session shows the flags of a session")
	}
	return s, nil
}

// logOnTo is where a session is, and who logs on there.
func (p *program) logOnTo(c *cli.Context, way remote.Transport) (remote.Target, remote.ShellOptions, remote.Credential, error) {
	target, err := p.target(c)
	if err != nil {
		return target, remote.ShellOptions{}, remote.Credential{}, err
	}
	options, err := p.shellOptions(c)
	if err != nil {
		return target, options, remote.Credential{}, err
	}
	credential, err := p.credential(c, way, func(credential remote.Credential) error {
		_, err := remote.NewOver(way, target, credential, options)
		return err
	})
	return target, options, credential, err
}

func (p *program) target(c *cli.Context) (remote.Target, error) {
	t := remote.Target{Server: p.setting(c, flagServer), ConnectTo: p.setting(c, flagConnectTo), SPN: p.setting(c, flagSPN)}
	if t.Server == "" {
		return t, usageErrorf("%s: no server is named", c.Command.HelpName).
			withHint("--%s ex01.contoso.com, one server's full name and not a load balancer's; or EXGRANT_SERVER", flagServer)
	}
	if err := checkSPN(c, t.SPN); err != nil {
		return t, err
	}
	var err error
	if t.TLS, err = p.switched(c, flagTLS); err != nil {
		return t, err
	}
	if t.SealOverTLS, err = p.switched(c, flagSealOverTLS); err != nil {
		return t, err
	}
	if c.IsSet(flagSealOverTLS) && !t.TLS && !strings.HasPrefix(strings.ToLower(t.Server), "https:") {
		return t, usageErrorf("%s: --%s has no meaning without TLS", c.Command.HelpName, flagSealOverTLS).withHint("without TLS every message is sealed anyway")
	}
	if t.Port, err = p.port(c); err != nil {
		return t, err
	}
	if t.Timeout, err = p.timeout(c); err != nil {
		return t, err
	}
	if file := p.setting(c, flagCAFile); file != "" {
		if t.RootCAs, err = authorities(c, file); err != nil {
			return t, err
		}
	}
	t.Trace = p.trace(c)
	return t, nil
}

// switched is the value of a SESSION flag that is on or off, or else of its variable.
func (p *program) switched(c *cli.Context, flag string) (bool, error) {
	v := p.getenv(variable(flag))
	if c.IsSet(flag) || v == "" {
		return c.Bool(flag), nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, usageErrorf("%s: %s \"%s\" is not true or false", c.Command.HelpName, variable(flag), v).withHint("set it to true, or remove it")
	}
	return on, nil
}

func (p *program) port(c *cli.Context) (int, error) {
	if c.IsSet(flagPort) {
		if n := c.Int(flagPort); n < 1 || n > 65535 {
			return 0, usageErrorf("%s: --%s %d is not a port", c.Command.HelpName, flagPort, n).withHint("ports are 1 to 65535")
		}
		return c.Int(flagPort), nil
	}
	v := p.getenv(variable(flagPort))
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil || n == 0 {
		return 0, usageErrorf("%s: %s \"%s\" is not a port", c.Command.HelpName, variable(flagPort), v).withHint("ports are 1 to 65535")
	}
	return int(n), nil
}

func (p *program) timeout(c *cli.Context) (time.Duration, error) { return p.duration(c, flagTimeout) }

// duration is the value of a SESSION flag that is a time, or else of its variable; 0
// is neither.
func (p *program) duration(c *cli.Context, flag string) (time.Duration, error) {
	d, given := c.Duration(flag), c.IsSet(flag)
	if v := p.getenv(variable(flag)); v != "" && !given {
		var err error
		if d, err = time.ParseDuration(v); err != nil {
			return 0, usageErrorf("%s: %s \"%s\" is not a time", c.Command.HelpName, variable(flag), v).withHint("write it as 45s or 2m")
		}
		given = true
	}
	if given && d <= 0 {
		return 0, usageErrorf("%s: --%s %v is no time to wait", c.Command.HelpName, flag, d).withHint("write it as 45s or 2m")
	}
	return d, nil
}

// afterDeadline is how long cleaning up may take when --deadline is over: a server that
// hangs hangs then, too.
const afterDeadline = 4 * time.Second

// withDeadline runs a command's action, and ends it as a Ctrl-C does when --deadline
// is over.
func (p *program) withDeadline(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		d, err := p.duration(c, flagDeadline)
		switch {
		case err != nil:
			return err
		case d == 0:
			return action(c)
		}
		limited := aftermath.Limit(c.Context, time.Now().Add(d+afterDeadline))
		ctx, cancel := context.WithTimeout(limited, d)
		defer cancel()
		outer := c.Context
		c.Context = ctx
		err = action(c)
		if outer.Err() != nil || ctx.Err() == nil || err == nil {
			return err
		}
		p.person().Done()
		fmt.Fprintf(p.stderr, "exgrant: --%s %v is over: the run was ended\n", flagDeadline, d)
		if errors.Is(err, context.DeadlineExceeded) {
			return outcomeError{report.Interrupted}
		}
		return err
	}
}

// maxCAFile bounds a file of certificates, in bytes.
const maxCAFile = 4 << 20

func authorities(c *cli.Context, file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, cannotRead(c, file, err)
	}
	if text, err := textfile.Decode(data); err == nil { // else it is no PEM either
		data = text
	}
	pool := x509.NewCertPool()
	if len(data) > maxCAFile || !pool.AppendCertsFromPEM(data) {
		return nil, usageErrorf("%s: --%s %s holds no certificates", c.Command.HelpName, flagCAFile, file).
			withHint("it takes PEM: blocks that begin with -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// close ends the session; what goes wrong then changes nothing about the result.
func (p *program) close(ctx context.Context, s remote.Session) {
	p.person().Done()
	if err := s.Close(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintf(p.stderr, "exgrant: %s\n", oneLine(err.Error()))
	}
}
