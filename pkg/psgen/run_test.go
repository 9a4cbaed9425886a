package psgen

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// engine is shared by all tests: each job has a runspace of its own.
var engine peers.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	os.Exit(code)
}

// A writer writes a script.
type writer = func(io.Writer) error

// A stage is one simulated organization with a shell that is connected to it.
type stage struct{ *scriptshell.Shell }

func newStage(t *testing.T, s exchangesim.Scenario, o exchangesim.Options, so exchangesim.SessionOptions) *stage {
	t.Helper()
	return &stage{scriptshell.Open(t, &engine, s, o, so)}
}

// stageOf is a stage for the scenario of that name.
func stageOf(t *testing.T, name string) (*stage, exchange.Grant) {
	t.Helper()
	s, err := exchangesim.ScenarioByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{}), s.Grant()
}

func grantScript(g exchange.Grant) func(io.Writer) error {
	return func(w io.Writer) error { return Grant(w, g) }
}

func revokeScript(g exchange.Grant) func(io.Writer) error {
	return func(w io.Writer) error { return Revoke(w, g) }
}

func undoScript(r report.Report) func(io.Writer) error {
	return func(w io.Writer) error { return Undo(w, r) }
}

// ends runs a script and demands its outcome and exit code, and that its report says
// whether something was changed.
func (s *stage) ends(t *testing.T, what string, print func(io.Writer) error, want report.Outcome, parameters ...any) report.Report {
	t.Helper()
	before := s.Snapshot(t)
	r, result := s.Reported(t, print, parameters...)
	if r.Outcome != want || result.ExitCode != want.ExitCode() {
		t.Errorf("%s: %s with exit code %d, want %s with %d\n%s", what, r.Outcome, result.ExitCode, want, want.ExitCode(), result.Console)
	}
	customized := slices.ContainsFunc(r.Steps, func(s report.Step) bool { return s.Irreversible })
	if after := s.Snapshot(t); r.Changed != (after != before) && !customized {
		t.Errorf("%s: the report says changed %v:\n%s", what, r.Changed, scriptshell.Diff(before, after))
	}
	if r.Operator == "" || r.Tool != "script-format 2" || r.FinishedAt.Before(r.StartedAt) {
		t.Errorf("%s: operator %q, tool %q, from %v to %v", what, r.Operator, r.Tool, r.StartedAt, r.FinishedAt)
	}
	return r
}

// process runs one real process; the shell finds the simulated cmdlets by itself.
func (s *stage) process(t *testing.T, args []string) peers.Exited {
	t.Helper()
	return peers.RunProcess(t, peers.Process{
		Args:       args,
		Dir:        s.Dir,
		Env:        []string{"PSModulePath=" + filepath.Dir(filepath.Dir(s.Manifest))},
		OneConsole: true,
	})
}

// guidOf is the GUID that a command shows of the object of a name.
func (s *stage) guidOf(t *testing.T, cmdlet, name string) string {
	t.Helper()
	quoted, err := Literal(name)
	if err != nil {
		t.Fatal(err)
	}
	r := engine.Run(t, peers.Job{Modules: []string{s.Manifest}, Command: cmdlet + " | Where-Object -Property Name -EQ " + quoted + " | ForEach-Object { \"$($_.Guid)\" }"})
	if len(r.Output) != 1 {
		t.Fatalf("%s %s: %d objects\n%s", cmdlet, name, len(r.Output), r.Console)
	}
	return r.Output[0].Text
}
