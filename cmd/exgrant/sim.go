package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
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
		Usage:     "simulate an Exchange organization to rehearse on",
		UsageText: "exgrant sim [flags]\nexgrant sim --list [--json]",
		Description: `Serves a simulated organization on this computer until Ctrl-C: the endpoint that
exgrant plan, apply, verify, revoke and audit talk to, and any other client of
PowerShell remoting; and Exchange Web Services with Autodiscover. --script-proxy
also writes a PowerShell module with the organization's cmdlets: where it is
loaded, the Exchange commands of a script reach the simulated organization.
Start-Sleep takes no time there, and Get-Date tells the simulated one. --pwsh
also serves the remote shell of Windows, for --transport winrs: what is started
there is a real PowerShell, the one at PATH.

When it is ready, one JSON line on standard output says where:
  {"psrp": URL, "ews": URL, "caFile": PATH, "username": …, "password": …}
with --pwsh also "winrs", with --script-proxy "scriptProxy" and "module". The
password is that of every simulated account.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: flagScriptProxy, Usage: "write the module of cmdlets into a folder below `DIR`, removed at the end"},
			&cli.StringFlag{Name: flagPwsh, Usage: "serve the remote shell of Windows too, with the PowerShell at `PATH`"},
			&cli.StringFlag{Name: flagScenario, Usage: "start from scenario `NAME`; plain when not given"},
			&cli.StringFlag{Name: flagState, Usage: "keep the organization in `FILE`: read at the start if it exists, written at the end"},
			&cli.StringFlag{Name: flagListen, Value: "127.0.0.1:0", Usage: "serve on `ADDRESS`, of this computer; port 0 is any free one"},
			&cli.BoolFlag{Name: flagTLS, Usage: "serve https, with a certificate made for it"},
			&cli.StringFlag{Name: flagAuth, Value: "basic", Usage: "ask for a log-on: `METHOD` is basic or none"},
			&cli.BoolFlag{Name: flagExitWithStdin, Usage: "also end when standard input ends"},
			&cli.BoolFlag{Name: "list", Usage: "list the scenarios instead"},
			&cli.BoolFlag{Name: "json", Usage: "with --list: as JSON"},
		},
		Action: p.sim,
	}
}

func (p *program) sim(c *cli.Context) error {
	if c.Bool("list") {
		for _, name := range []string{flagScriptProxy, flagPwsh, flagScenario, flagState, flagListen, flagTLS, flagAuth, flagExitWithStdin} {
			if c.IsSet(name) {
				return usageErrorf("exgrant sim: --list and --%s cannot be combined", name).withHint("--list only lists")
			}
		}
		return p.listScenarios(c.Bool("json"))
	}
	if c.Bool("json") {
		return usageErrorf("exgrant sim: --json is for --list").withHint("the line that says where it serves is JSON anyway")
	}
	for _, flag := range []string{flagScriptProxy, flagPwsh} {
		if c.IsSet(flag) && c.String(flag) == "" {
			return emptyValue(c, flag)
		}
	}
	if method := c.String(flagAuth); method != "basic" && method != "none" {
		return usageErrorf("exgrant sim: --%s %s: not one of basic, none", flagAuth, method).
			withHint("with none everybody is %s", exchangesim.DefaultUser)
	}
	if c.String(flagAuth) == "none" && c.IsSet(flagPwsh) {
		return usageErrorf("exgrant sim: --%s none and --%s exclude each other", flagAuth, flagPwsh).
			withHint("every program and every web page of this computer could start commands in that PowerShell")
	}
	if err := checkListen(c.String(flagListen)); err != nil {
		return err
	}
	organization, err := openOrganization(c.String(flagState), c.String(flagScenario))
	if err != nil {
		return err
	}
	return p.simulate(c, organization)
}

func (p *program) listScenarios(asJSON bool) error {
	all := slices.Concat(exchangesim.Scenarios(), exchangesim.WebScenarios())
	if asJSON {
		type row struct {
			Name    string `json:"name"`
			Summary string `json:"summary"`
		}
		rows := []row{}
		for _, s := range all {
			rows = append(rows, row{s.Name, s.Summary})
		}
		return render.JSON(p.stdout, rows)
	}
	width := 0
	for _, s := range all {
		width = max(width, len(s.Name))
	}
	return render.List(p.stdout, p.style(p.stdout), width, func(yield func(name, text string) bool) {
		for _, s := range all {
			if !yield(s.Name, s.Summary) {
				return
			}
		}
	})
}

// checkListen wants an address that only this computer reaches: what is simulated
// is nothing for a network.
func checkListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return usageErrorf("exgrant sim: --listen %s: not an address with a port", address).withHint("127.0.0.1:0 serves on any free port")
	}
	if !negotiate.IsLoopback(host) {
		return usageErrorf("exgrant sim: --listen %s: not an address of this computer alone", address).
			withHint("use 127.0.0.1:0, [::1]:0 or localhost:0")
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
func (p *program) simulate(c *cli.Context, organization *exchangesim.Organization) (err error) {
	served := &simulation{p: p, organization: organization}
	defer func() {
		err = errors.Join(err, served.close(), saveOrganization(c.String(flagState), organization))
	}()
	if err := served.start(c); err != nil {
		return err
	}
	if err := served.announce(); err != nil {
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
	return served.wait(ctx)
}

// A simulation is an organization with its front ends.
type simulation struct {
	p            *program
	organization *exchangesim.Organization
	psrp         *simulator
	scripts      *scriptproxy.Server // nil when not asked for
	ready        readyLine
	closers      []func() error
}

// A readyLine tells a program where a simulation is: what exists of it.
type readyLine struct {
	PSRP        string `json:"psrp"`
	WinRS       string `json:"winrs,omitempty"`
	EWS         string `json:"ews"`
	CAFile      string `json:"caFile,omitempty"`
	ScriptProxy string `json:"scriptProxy,omitempty"`
	Module      string `json:"module,omitempty"`
	Username    string `json:"username"`
	Password    string `json:"password,omitempty"`
}

func (s *simulation) start(c *cli.Context) error {
	s.ready.Username = exchangesim.DefaultUser
	if c.String(flagAuth) == "basic" {
		s.ready.Password = rand.Text()
	}
	pwsh, err := powerShell(c.String(flagPwsh))
	if err != nil {
		return err
	}
	s.psrp, err = startSimulator(s.organization, simulatorOptions{
		listen: c.String(flagListen), tls: c.Bool(flagTLS), password: s.ready.Password, now: s.p.now, realTime: true, pwsh: pwsh,
	})
	if err != nil {
		return failuref("exgrant sim: %w", err)
	}
	s.closers = append(s.closers, s.psrp.close)
	s.ready.PSRP, s.ready.WinRS, s.ready.EWS = s.psrp.URL, s.psrp.WinRS, s.psrp.EWS
	if s.psrp.Authority != nil {
		path, remove, err := saveAuthority(s.psrp.Authority)
		if err != nil {
			return failuref("exgrant sim: %w", err)
		}
		s.closers = append(s.closers, remove)
		s.ready.CAFile = path
	}
	if dir := c.String(flagScriptProxy); dir != "" {
		return s.startScripts(dir)
	}
	return nil
}

// powerShell is the absolute path of a PowerShell, "" for none.
func powerShell(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", usageErrorf("exgrant sim: --%s %s is no program that can be started", flagPwsh, name).withHint("it takes the path of pwsh, or its name where it is on the PATH")
	}
	return path, nil
}

// startScripts serves scripts too. Its address is its own: the other one is taken.
func (s *simulation) startScripts(dir string) error {
	session := s.organization.Session(exchangesim.SessionOptions{})
	server, err := scriptproxy.Start(session, s.organization.Clock(), "127.0.0.1:0", dir)
	if errors.Is(err, syscall.ENOTDIR) {
		return usageErrorf("exgrant sim: --%s %s: it is no folder", flagScriptProxy, dir).withHint("name a folder, which may be a new one")
	}
	if errors.Is(err, fs.ErrExist) {
		return failuref("exgrant sim: %w", err).
			withHint("another simulator uses it, or one that was killed left it: then remove it").
			withHint("simulators that run side by side need a folder each")
	}
	if err != nil {
		return failuref("exgrant sim: %w", err)
	}
	s.scripts = server
	s.closers = append(s.closers, server.Close)
	s.ready.ScriptProxy, s.ready.Module = server.URL, server.Manifest
	return nil
}

func (s *simulation) wait(ctx context.Context) error {
	ended := make(chan error, 1)
	if s.scripts != nil {
		go func() { ended <- s.scripts.Wait() }()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-s.psrp.ended:
		return failuref("exgrant sim: serve: %w", s.psrp.err)
	case err := <-ended:
		return failuref("exgrant sim: serve: %w", err)
	}
}

func (s *simulation) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

// announce says where the simulation is: to a program on stdout, to a person on
// stderr.
func (s *simulation) announce() error {
	w := s.p.stderr
	fmt.Fprintf(w, "Serving scenario %s. In another terminal:\n", s.organization.Scenario().Name)
	password := s.ready.Password
	if password == "" {
		password = "any" // nobody looks at it
	}
	shown := shownCommand(s.organization.Scenario())
	fmt.Fprintf(w, "  %s\n  %s\n", setting([]setVariable{
		{flagServer, s.ready.PSRP}, {flagCAFile, s.ready.CAFile}, {flagAuth, string(remote.Basic)}, {flagLogon, "administrator"}, {"password", password}}), shown)
	fmt.Fprintf(w, "With the grant in place:\n  %s\n  exgrant diagnose --as svc-reschedule --in-scope anna --out-of-scope boss\n", setting([]setVariable{
		{flagEWSURL, s.ready.EWS}, {flagEWSAuth, string(remote.Basic)}, {"as-password", password}}))
	if s.ready.WinRS != "" {
		fmt.Fprintf(w, "By the remote shell of Windows:\n  %s --transport winrs --server %s\n", shown, s.ready.WinRS)
	}
	if s.scripts != nil {
		fmt.Fprintf(w, "In PowerShell, load its cmdlets and run a script:\n  Import-Module -Name %s\n  ./grant.ps1 -WhatIf\n", psPath(s.scripts.Manifest))
	}
	fmt.Fprintln(w, "End with Ctrl-C.")
	return render.JSONLine(s.p.stdout, s.ready)
}

// shownCommand is the command that shows what a scenario is about.
func shownCommand(scenario exchangesim.Scenario) string {
	g := scenario.Grant()
	flags := grantWords(g, scenario.Name != "plain")
	is := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(scenario.Name, part) })
	}
	switch {
	case is("customization", "already-enabled", "dehydrated", "not-yet") && !is("online"):
		return "exgrant apply " + flags + " --yes --enable-customization"
	case is("deleted", "renamed"):
		return "exgrant verify --name " + shellWord(g.Name)
	case is("wider", "indirect", "child", "equal-other", "shared-scope", "stale", "exclusive", "ews-") && !is("other-filter"):
		return "exgrant verify " + flags + " --in-scope anna --out-of-scope boss"
	}
	return "exgrant plan " + flags
}

// grantWords are the flags of a grant, as they are typed.
func grantWords(g exchange.Grant, named bool) string {
	var words []string
	add := func(flag, value string) {
		if value != "" {
			words = append(words, dashed(flag), shellWord(value))
		}
	}
	switch g.Assignee.Kind {
	case exchange.User:
		add(flagUser, g.Assignee.Identity)
	case exchange.SecurityGroup:
		add(flagGroup, g.Assignee.Identity)
	case exchange.RoleGroup:
		add(flagRoleGroup, g.Assignee.Identity)
		for _, member := range g.Assignee.Members {
			add(flagMember, member)
		}
	}
	switch g.Scope.Kind {
	case exchange.WholeOrganization:
		words = append(words, dashed(flagWholeOrganization))
	case exchange.Group:
		add(flagScopeGroup, g.Scope.Text)
	case exchange.OrganizationalUnit:
		add(flagScopeOU, g.Scope.Text)
	case exchange.RecipientFilter:
		add(flagScopeFilter, g.Scope.Text)
	case exchange.Existing:
		add(flagScopeName, g.Scope.Text)
	}
	if named && g.Assignee.Kind != exchange.RoleGroup {
		add(flagName, g.Name)
	}
	return strings.Join(words, " ")
}

// A setVariable is a variable of this program, by the flag that it stands for.
type setVariable struct{ flag, value string }

// setting is the line that sets variables in a shell; empty ones are left out.
func setting(variables []setVariable) string {
	var words []string
	for _, v := range variables {
		switch {
		case v.value == "":
		case runtime.GOOS == "windows":
			words = append(words, "$env:"+variable(v.flag)+" = "+psPath(v.value))
		default:
			words = append(words, variable(v.flag)+"="+v.value)
		}
	}
	if runtime.GOOS == "windows" {
		return strings.Join(words, "; ")
	}
	return "export " + strings.Join(words, " ")
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
