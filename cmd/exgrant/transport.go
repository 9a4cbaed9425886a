package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/remote"
)

// transport is the way that was asked for. What it has no use for is refused: a flag
// that does nothing would make somebody believe that it did.
func (p *program) transport(c *cli.Context) (remote.Transport, error) {
	way := remote.Transport(strings.ToLower(p.setting(c, flagTransport)))
	if way == "" {
		way = remote.Transports()[0]
	}
	if !slices.Contains(remote.Transports(), way) {
		return "", usageErrorf("%s: --%s \"%s\": not one of psrp, winrs, local", c.Command.HelpName, flagTransport, way).
			withHint("psrp is Exchange's own endpoint, winrs Windows' remote shell, local this computer")
	}
	for _, flag := range useless(way) {
		if c.IsSet(flag) {
			return "", usageErrorf("%s: --%s has no meaning for --%s %s", c.Command.HelpName, flag, flagTransport, way).withHint("%s", uselessHint(way))
		}
	}
	return way, nil
}

// useless are the SESSION flags that a transport cannot honour.
func useless(way remote.Transport) []string {
	switch way {
	case remote.PSRP:
		return []string{flagRequireSigned, flagRemoteExchange, flagPwsh}
	case remote.WinRS:
		return []string{flagPwsh}
	}
	return []string{flagAuth, flagUsername, flagPasswordFile, flagKeytab, flagCCache, flagKrb5Config, flagSPN, flagSealOverTLS, flagClientCert, flagClientKey,
		flagTLS, flagPort, flagCAFile, flagConnectTo, flagTimeout, flagVerbose}
}

func uselessHint(way remote.Transport) string {
	switch way {
	case remote.PSRP:
		return "psrp runs no script; winrs and local do"
	case remote.WinRS:
		return "WinRM starts the Windows PowerShell of the server; local takes --" + flagPwsh
	}
	return "local starts a PowerShell here as who you are, and logs on nowhere itself"
}

// runner returns the PowerShell that the SESSION flags name, and who logs on there. It
// contacts nobody, and asks for the password where it must.
func (p *program) runner(c *cli.Context, way remote.Transport) (remote.Runner, string, error) {
	options := remote.ScriptOptions{Pwsh: p.setting(c, flagPwsh)}
	for flag, on := range map[string]*bool{flagRequireSigned: &options.RequireSigned, flagRemoteExchange: &options.RemoteExchange} {
		var err error
		if *on, err = p.switched(c, flag); err != nil {
			return nil, "", err
		}
	}
	if way == remote.Local {
		// A server of a variable is one for the other ways.
		r, err := remote.NewLocal(remote.Target{Server: c.String(flagServer)}, options)
		if err != nil {
			return nil, "", usageErrorf("%s: %w", c.Command.HelpName, err).
				withHint("--%s PATH names a PowerShell; --%s local needs 64-bit Windows PowerShell to open a management shell", flagPwsh, flagTransport)
		}
		return r, "", nil
	}
	target, err := p.target(c)
	if err != nil {
		return nil, "", err
	}
	credential, err := p.credential(c, way, func(credential remote.Credential) error {
		_, err := remote.NewWinRS(target, credential, options)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	r, err := remote.NewWinRS(target, credential, options)
	if err != nil {
		return nil, "", usageErrorf("%s: %w", c.Command.HelpName, err).withHint("%s --help shows the SESSION flags", c.Command.HelpName)
	}
	return r, credential.User(), nil
}
