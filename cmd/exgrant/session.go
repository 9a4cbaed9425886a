package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
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
	flagUsername     = "username"
	flagPasswordFile = "password-file"
	flagTimeout      = "timeout"
	flagVerbose      = "verbose"

	flagRequireSigned  = "require-signed"
	flagRemoteExchange = "remote-exchange"
	flagPwsh           = "pwsh"
)

func sessionFlags() []cli.Flag {
	const session = "Session (each also as variable: EXGRANT_SERVER, EXGRANT_USERNAME …)"
	return []cli.Flag{
		&cli.StringFlag{Name: flagTransport, Category: session,
			Usage: "the way there: `WAY` is psrp, the endpoint of Exchange; winrs, a script in the PowerShell that WinRM starts there; or local, one of this computer; psrp when not given"},
		&cli.StringFlag{Name: flagServer, Category: session, Usage: "the Exchange server's full `NAME`, or the URL of its PowerShell endpoint"},
		&cli.StringFlag{Name: flagAuth, Category: session, Usage: "how to log on: `METHOD` is basic, over TLS or to this computer only"},
		&cli.StringFlag{Name: flagUsername, Category: session, Usage: "who logs on: `USER`@REALM or DOMAIN\\USER"},
		&cli.StringFlag{Name: flagPasswordFile, Category: session,
			Usage: "the password is the first line of `FILE`, - for standard input; else EXGRANT_PASSWORD, else it is asked for"},
		&cli.BoolFlag{Name: flagTLS, Category: session, Usage: "https, where --server is a name"},
		&cli.IntFlag{Name: flagPort, Category: session, Usage: "`PORT`, where --server is a name and its port is not 80 or, with TLS, 443"},
		&cli.StringFlag{Name: flagCAFile, Category: session, Usage: "accept certificates of the authorities in this PEM `FILE` only"},
		&cli.StringFlag{Name: flagConnectTo, Category: session, Usage: "connect to `HOST:PORT`, as through a tunnel; the server's name stays what is checked"},
		&cli.DurationFlag{Name: flagTimeout, Category: session, Usage: "`TIME` that one request may take beyond the server's own; 30s when not given"},
		&cli.BoolFlag{Name: flagVerbose, Category: session, Usage: "tell every request on standard error, without its content"},
		&cli.BoolFlag{Name: flagRequireSigned, Category: session, Usage: "winrs, local: run only a script that has a valid signature there"},
		&cli.BoolFlag{Name: flagRemoteExchange, Category: session,
			Usage: "winrs, local: let the script open the management shell that is installed there, not a session of --server"},
		&cli.StringFlag{Name: flagPwsh, Category: session, Usage: "local: `PATH` of the PowerShell; else powershell.exe, or pwsh"},
	}
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

// operator returns the way to the organization that the SESSION flags name. It
// contacts nobody, and asks for the password where it must.
func (p *program) operator(c *cli.Context, options grant.Options) (operate.Operator, error) {
	way, err := p.transport(c)
	if err != nil {
		return nil, err
	}
	if way != remote.PSRP {
		runner, username, err := p.runner(c, way)
		if err != nil {
			return nil, err
		}
		options.Operator = username
		return operate.Scripted(runner, options), nil
	}
	target, err := p.target(c)
	if err != nil {
		return nil, err
	}
	credential, err := p.credential(c, func(credential remote.Credential) error {
		_, err := remote.New(target, credential)
		return err
	})
	if err != nil {
		return nil, err
	}
	session, err := remote.New(target, credential)
	if err != nil {
		return nil, usageErrorf("%s: %w", c.Command.HelpName, err).withHint("%s --help shows the SESSION flags", c.Command.HelpName)
	}
	options.Operator = credential.Username
	return operate.Structured(session, options), nil
}

func (p *program) target(c *cli.Context) (remote.Target, error) {
	t := remote.Target{Server: p.setting(c, flagServer), ConnectTo: p.setting(c, flagConnectTo), TLS: c.Bool(flagTLS)}
	if t.Server == "" {
		return t, usageErrorf("%s: no server is named", c.Command.HelpName).
			withHint("--%s ex01.contoso.com, one server's full name and not a load balancer's; or EXGRANT_SERVER", flagServer)
	}
	var err error
	if v := p.getenv(variable(flagTLS)); v != "" && !c.IsSet(flagTLS) {
		if t.TLS, err = strconv.ParseBool(v); err != nil {
			return t, usageErrorf("%s: %s \"%s\" is not true or false", c.Command.HelpName, variable(flagTLS), v).withHint("set it to true, or remove it")
		}
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

func (p *program) timeout(c *cli.Context) (time.Duration, error) {
	d, given := c.Duration(flagTimeout), c.IsSet(flagTimeout)
	if v := p.getenv(variable(flagTimeout)); v != "" && !given {
		var err error
		if d, err = time.ParseDuration(v); err != nil {
			return 0, usageErrorf("%s: %s \"%s\" is not a time", c.Command.HelpName, variable(flagTimeout), v).withHint("write it as 45s or 2m")
		}
		given = true
	}
	if given && d <= 0 {
		return 0, usageErrorf("%s: --%s %v is no time to wait", c.Command.HelpName, flagTimeout, d).withHint("write it as 45s or 2m")
	}
	return d, nil
}

// maxCAFile bounds a file of certificates, in bytes.
const maxCAFile = 4 << 20

func authorities(c *cli.Context, file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, cannotRead(c, file, err)
	}
	pool := x509.NewCertPool()
	if len(data) > maxCAFile || !pool.AppendCertsFromPEM(data) {
		return nil, usageErrorf("%s: --%s %s holds no certificates", c.Command.HelpName, flagCAFile, file).
			withHint("it takes PEM: blocks that begin with -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// credential is who logs on. check tells what is wrong with it and its target, before
// anybody types a password.
func (p *program) credential(c *cli.Context, check func(remote.Credential) error) (remote.Credential, error) {
	method := remote.AuthMethod(strings.ToLower(p.setting(c, flagAuth)))
	credential := remote.Credential{Method: method, Username: p.setting(c, flagUsername)}
	switch {
	case method == "":
		return credential, usageErrorf("%s: --%s is needed: this version logs on by basic only", c.Command.HelpName, flagAuth).
			withHint("--%s basic works over TLS, or to this computer; Exchange's endpoint takes it where an administrator allowed it", flagAuth).
			withHint("without a log-on: exgrant script writes a script to run in the management shell")
	case method != remote.Basic:
		return credential, usageErrorf("%s: --%s \"%s\": not one of basic", c.Command.HelpName, flagAuth, method).withHint("--%s basic", flagAuth)
	case credential.Username == "":
		return credential, usageErrorf("%s: nobody is named to log on", c.Command.HelpName).
			withHint("--%s admin@contoso.com, or EXGRANT_USERNAME", flagUsername)
	}
	if err := check(remote.Credential{Method: method, Username: credential.Username, Password: remote.NewSecret("-")}); err != nil {
		return credential, usageErrorf("%s: %w", c.Command.HelpName, err).withHint("%s --help shows the SESSION flags", c.Command.HelpName)
	}
	var err error
	credential.Password, err = p.password(c, credential.Username)
	return credential, err
}

// maxPassword bounds a password, in bytes.
const maxPassword = 4096

// password is the first of these that is there, even if it is wrong: the file, the
// variable, what somebody types.
func (p *program) password(c *cli.Context, username string) (remote.Secret, error) {
	return p.passwordFrom(c, p.setting(c, flagPasswordFile), "EXGRANT_PASSWORD", username, flagPasswordFile)
}

func (p *program) passwordFrom(c *cli.Context, file, variable, username, flag string) (remote.Secret, error) {
	if file != "" {
		return p.passwordFile(c, file)
	}
	if v := p.getenv(variable); v != "" {
		return remote.NewSecret(v), nil
	}
	text, err := p.person().Password(c.Context, "Password of "+oneLine(username))
	switch {
	case c.Context.Err() != nil:
		return remote.Secret{}, c.Context.Err()
	case err != nil:
		return remote.Secret{}, usageErrorf("%s: no password, and %w", c.Command.HelpName, err).
			withHint("--%s FILE, or %s", flag, variable)
	case text == "":
		return remote.Secret{}, usageErrorf("%s: the password is empty", c.Command.HelpName).withHint("nothing was contacted")
	}
	return remote.NewSecret(text), nil
}

func (p *program) passwordFile(c *cli.Context, file string) (remote.Secret, error) {
	if file == "-" && (c.String(flagFile) == "-" || c.String(flagFrom) == "-" || c.Args().First() == "-") {
		return remote.Secret{}, usageErrorf("%s: standard input cannot be read twice", c.Command.HelpName).
			withHint("put the password into a file, or into EXGRANT_PASSWORD")
	}
	r, err := p.open(c, file)
	if err != nil {
		return remote.Secret{}, err
	}
	defer r.Close()
	line, err := firstLine(r, maxPassword)
	switch {
	case c.Context.Err() != nil:
		return remote.Secret{}, c.Context.Err()
	case errors.Is(err, errTooLong):
		return remote.Secret{}, usageErrorf("%s: the first line of %s is too long for a password", c.Command.HelpName, fileName(file)).
			withHint("the file holds the password alone")
	case err != nil:
		return remote.Secret{}, cannotRead(c, fileName(file), err)
	case line == "":
		return remote.Secret{}, usageErrorf("%s: %s begins with an empty line, and that is no password", c.Command.HelpName, fileName(file)).
			withHint("the password is the first line")
	}
	return remote.NewSecret(line), nil
}

// close ends the session; what goes wrong then changes nothing about the result.
func (p *program) close(ctx context.Context, o operate.Operator) {
	p.person().Done()
	if err := o.Close(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintf(p.stderr, "exgrant: %s\n", oneLine(err.Error()))
	}
}
