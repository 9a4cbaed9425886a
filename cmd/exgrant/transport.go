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
	if c.IsSet(flagRequireSigned) && c.Command.Name != "run" {
		return "", usageErrorf("%s: --%s has no meaning here", c.Command.HelpName, flagRequireSigned).withHint("it is for exgrant run, which runs scripts")
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
	return []string{flagAuth, flagLogon, flagPasswordFile, flagKeytab, flagCCache, flagKrb5Config, flagSPN, flagSealOverTLS, flagClientCert, flagClientKey,
		flagTLS, flagPort, flagCAFile, flagConnectTo, flagTimeout, flagVerbose}
}

func uselessHint(way remote.Transport) string {
	switch way {
	case remote.PSRP:
		return "psrp starts no PowerShell; winrs and local do"
	case remote.WinRS:
		return "WinRM starts the Windows PowerShell of the server; local takes --" + flagPwsh
	}
	return "local starts a PowerShell here as who you are, and logs on nowhere itself"
}

// shellOptions are those of the PowerShell that the SESSION flags name.
func (p *program) shellOptions(c *cli.Context) (remote.ShellOptions, error) {
	options := remote.ShellOptions{Pwsh: p.setting(c, flagPwsh)}
	var err error
	if options.RequireSigned, err = p.switched(c, flagRequireSigned); err != nil {
		return options, err
	}
	options.RemoteExchange, err = p.switched(c, flagRemoteExchange)
	return options, err
}
