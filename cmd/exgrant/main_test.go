package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

// TestMain lets the scripts run this program in the test's own binary.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"exgrant": runProgram})
}

// otherProgram is the variable that names another build of this program for the scripts
// to run, such as that for Windows, on Wine.
const otherProgram = "EXGRANT_PROGRAM"

func runProgram() {
	path := os.Getenv(otherProgram)
	if path == "" {
		main()
		return
	}
	cmd := exec.Command(path, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signal.Ignore(os.Interrupt) // it is the other program's
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// scriptParams are those of every script. In them [for-windows] holds where the program
// is the one for Windows, and [on-wine] where it is that, on Wine.
func scriptParams(dir string, setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv(otherProgram, os.Getenv(otherProgram))
			return setup(e)
		},
		Condition: func(name string) (bool, error) {
			onWine := os.Getenv(otherProgram) != ""
			switch name {
			case "on-wine":
				return onWine, nil
			case "for-windows":
				return runtime.GOOS == "windows" || onWine, nil
			}
			return false, fmt.Errorf("no such condition: %s", name)
		},
		RequireExplicitExec: true,
		UpdateScripts:       *update,
	}
}

func TestScripts(t *testing.T) { runScripts(t, "testdata/script", "") }

// The scripts whose transports start a PowerShell.
func TestPowerShellScripts(t *testing.T) { runScripts(t, "testdata/powershell", peers.Pwsh(t)) }

// enginePath is the variable in which scripts find the PowerShell engine.
const enginePath = "PWSH"

func runScripts(t *testing.T, dir, pwsh string) {
	if peers.OnWine() {
		t.Skip("the test scripts run outside of Wine, and the program for Windows on it: " + otherProgram)
	}
	params := scriptParams(dir, func(e *testscript.Env) error {
		e.Setenv(enginePath, pwsh)
		return nil
	})
	params.Cmds = map[string]func(*testscript.TestScript, bool, []string){"organization": startOrganization, "shells": countShells, "recode": recode, "redirect": redirect, "replace": replace}
	testscript.Run(t, params)
}

// scriptPassword is that of every account of a script's organization.
const scriptPassword = "Winter-is-0ver!"

// running holds the simulator of each script, by its folder.
var running sync.Map

// startOrganization serves the organization of a scenario until the script ends,
// and sets the variables with which this program finds it:
//
//	organization SCENARIO [tls|winrs|local]
//
// With winrs it also serves the remote shell of Windows; with local a PowerShell of
// this computer has the organization's commands.
func startOrganization(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: organization SCENARIO [tls|winrs|local]")
	}
	how := append(args, "")[1]
	scenario, err := exchangesim.ScenarioByName(args[0])
	ts.Check(err)
	organization := exchangesim.New(scenario, exchangesim.Options{})
	options := simulatorOptions{listen: "127.0.0.1:0", tls: how == "tls", password: scriptPassword, now: time.Now}
	if how == "winrs" {
		options.pwsh = ts.Getenv(enginePath)
	}
	s, err := startSimulator(organization, options)
	ts.Check(err)
	if how == "local" {
		dir := ts.MkAbs("modules")
		shell, err := scriptproxy.Start(organization.Session(exchangesim.SessionOptions{}), organization.Clock(), "127.0.0.1:0", dir)
		ts.Check(err)
		ts.Defer(func() { ts.Check(shell.Close()) })
		ts.Setenv("PSModulePath", dir)
	}
	ts.Defer(func() { ts.Check(s.close()) })
	ts.Setenv("EXGRANT_SERVER", s.URL)
	ts.Setenv("EXGRANT_WINRS", s.WinRS)
	ts.Setenv("EXGRANT_AUTH", "basic")
	ts.Setenv("EXGRANT_LOGON", "administrator")
	ts.Setenv("EXGRANT_PASSWORD", scriptPassword)
	ts.Setenv("EXGRANT_EWS_URL", s.EWS)
	ts.Setenv("EXGRANT_EWS_AUTH", "basic")
	ts.Setenv("EXGRANT_AS_PASSWORD", scriptPassword)
	if s.Authority != nil {
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), s.Authority, 0o600))
	}
	running.Store(ts.Getenv("WORK"), s)
}

// countShells holds the organization to a number of open sessions:
//
//	shells 0
func countShells(ts *testscript.TestScript, neg bool, args []string) {
	s, ok := running.Load(ts.Getenv("WORK"))
	if neg || len(args) != 1 || !ok {
		ts.Fatalf("usage, behind organization: shells NUMBER")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := s.(*simulator).endpoint.Shells()
	if shells := s.(*simulator).shells; shells != nil {
		got += shells.Shells()
	}
	if got != want {
		ts.Fatalf("%d shells are open, want %d", got, want)
	}
}
