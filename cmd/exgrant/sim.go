package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	flagListen        = "listen"
	flagScenario      = "scenario"
	flagState         = "state"
	flagScriptProxy   = "script-proxy"
	flagExitWithStdin = "exit-with-stdin"
)

func (p *program) simCommand() *cli.Command {
	return &cli.Command{
		Name:      "sim",
		Usage:     "simulate an Exchange organization to rehearse scripts on",
		UsageText: "exgrant sim --script-proxy DIR [flags]\nexgrant sim --list [--json]",
		Description: `Serves a simulated organization until Ctrl-C. --script-proxy writes a PowerShell
module with its cmdlets: where it is loaded, the Exchange commands of a script
reach the simulated organization. Start-Sleep takes no time there, and Get-Date
tells the simulated one.

When it is ready, one JSON line on standard output says where:
  {"scriptProxy": URL, "module": PATH, "username": "DOMAIN\\name"}`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: flagScriptProxy, Usage: "write the module of cmdlets into a folder below `DIR`, removed at the end"},
			&cli.StringFlag{Name: flagScenario, Usage: "start from scenario `NAME`; plain when not given"},
			&cli.StringFlag{Name: flagState, Usage: "keep the organization in `FILE`: read at the start if it exists, written at the end"},
			&cli.StringFlag{Name: flagListen, Value: "127.0.0.1:0", Usage: "serve on `ADDRESS`, of this computer; port 0 is any free one"},
			&cli.BoolFlag{Name: flagExitWithStdin, Usage: "also end when standard input ends"},
			&cli.BoolFlag{Name: "list", Usage: "list the scenarios instead"},
			&cli.BoolFlag{Name: "json", Usage: "with --list: as JSON"},
		},
		Action: p.sim,
	}
}

func (p *program) sim(c *cli.Context) error {
	if c.Bool("list") {
		for _, name := range []string{flagScriptProxy, flagScenario, flagState, flagListen, flagExitWithStdin} {
			if c.IsSet(name) {
				return usageErrorf("exgrant sim: --list and --%s cannot be combined", name).withHint("--list only lists")
			}
		}
		return p.listScenarios(c.Bool("json"))
	}
	if c.Bool("json") {
		return usageErrorf("exgrant sim: --json is for --list").withHint("the line that says where it serves is JSON anyway")
	}
	dir := c.String(flagScriptProxy)
	if dir == "" {
		return usageErrorf("exgrant sim: nothing to serve").
			withHint("--script-proxy DIR writes a PowerShell module into DIR and serves it").
			withHint("--list shows the scenarios")
	}
	if err := checkListen(c.String(flagListen)); err != nil {
		return err
	}
	organization, err := openOrganization(c.String(flagState), c.String(flagScenario))
	if err != nil {
		return err
	}
	return p.simulate(c, organization, dir)
}

func (p *program) listScenarios(asJSON bool) error {
	if asJSON {
		type row struct {
			Name    string `json:"name"`
			Summary string `json:"summary"`
		}
		rows := []row{}
		for _, s := range exchangesim.Scenarios() {
			rows = append(rows, row{s.Name, s.Summary})
		}
		encoder := json.NewEncoder(p.stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(rows)
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, s := range exchangesim.Scenarios() {
		fmt.Fprintf(table, "%s\t%s\n", s.Name, s.Summary)
	}
	return table.Flush()
}

// checkListen wants an address that only this computer reaches: the front end
// speaks plain HTTP.
func checkListen(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usageErrorf("exgrant sim: --listen %s: not an address with a port", address).withHint("127.0.0.1:0 serves on any free port")
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return usageErrorf("exgrant sim: --listen %s: not an address of this computer alone", address).
			withHint("the module speaks plain HTTP: use 127.0.0.1:0, [::1]:0 or localhost:0")
	}
	return nil
}

// openOrganization restores the organization of a state file, or makes a new one
// and, so that a file that cannot be written is known at once, saves it.
func openOrganization(state, name string) (*exchangesim.Organization, error) {
	if state != "" {
		switch organization, err := loadOrganization(state); {
		case err == nil && name != "" && name != organization.Scenario().Name:
			return nil, usageErrorf("exgrant sim: %s holds scenario %s, not %s", state, organization.Scenario().Name, name).
				withHint("leave --scenario out, or name another --state file")
		case !errors.Is(err, fs.ErrNotExist):
			return organization, err
		}
	}
	if name == "" {
		name = exchangesim.Scenarios()[0].Name
	}
	scenario, err := exchangesim.ScenarioByName(name)
	if err != nil {
		return nil, usageErrorf("exgrant sim: %v", err).withHint("exgrant sim --list shows the scenarios")
	}
	organization := exchangesim.New(scenario, exchangesim.Options{})
	return organization, saveOrganization(state, organization)
}

func loadOrganization(path string) (*exchangesim.Organization, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, failuref("exgrant sim: read state: %w", err)
	}
	defer f.Close()
	organization, err := exchangesim.Load(f)
	if err != nil {
		return nil, usageErrorf("exgrant sim: %s: %v", path, err).
			withHint("--state takes a file that exgrant sim wrote, or a name that does not exist yet")
	}
	return organization, nil
}

// saveOrganization replaces the state file, wholly or not at all. Without a path
// it does nothing.
func saveOrganization(path string, organization *exchangesim.Organization) error {
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	if err := organization.Save(&b); err != nil {
		return fmt.Errorf("save the organization: %w", err)
	}
	s, err := stage([]outfile{{path, b.Bytes()}}, true)
	if err != nil {
		return err
	}
	defer s.discard()
	return s.publish()
}

// simulate serves until the context or, where asked for, standard input ends. Both
// are how a simulation should end, and no failure.
func (p *program) simulate(c *cli.Context, organization *exchangesim.Organization, dir string) (err error) {
	session := organization.Session(exchangesim.SessionOptions{})
	server, err := scriptproxy.Start(session, organization.Clock(), c.String(flagListen), dir)
	if errors.Is(err, fs.ErrExist) {
		return failuref("exgrant sim: %w", err).
			withHint("another simulator uses it, or one that was killed left it: then remove it").
			withHint("simulators that run side by side need a folder each")
	}
	if err != nil {
		return failuref("exgrant sim: %w", err)
	}
	defer func() {
		err = errors.Join(err, server.Close(), saveOrganization(c.String(flagState), organization))
	}()
	if err := p.announce(organization, server); err != nil {
		return err
	}

	ctx, end := context.WithCancel(c.Context)
	defer end()
	if c.Bool(flagExitWithStdin) {
		go func() {
			defer end()
			_, _ = io.Copy(io.Discard, p.stdin)
		}()
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return failuref("exgrant sim: serve: %w", err)
	}
}

// announce says where the simulation is: to a program on stdout, to a person on
// stderr.
func (p *program) announce(organization *exchangesim.Organization, server *scriptproxy.Server) error {
	fmt.Fprintf(p.stderr, `Serving scenario %s. In PowerShell, load its cmdlets and run a script:
  Import-Module -Name %s
  ./grant.ps1 -WhatIf
End with Ctrl-C.
`, organization.Scenario().Name, psPath(server.Manifest))
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		ScriptProxy string `json:"scriptProxy"`
		Module      string `json:"module"`
		Username    string `json:"username"`
	}{server.URL, server.Manifest, exchangesim.DefaultUser})
}

// psPath is a path as PowerShell takes it. One that holds what a person cannot see
// is shown as Go does.
func psPath(path string) string {
	quoted, err := exchange.Quote(path)
	if err != nil {
		return fmt.Sprintf("%q", path)
	}
	return quoted
}
