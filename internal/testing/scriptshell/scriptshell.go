// Package scriptshell runs generated scripts in tests: on the real PowerShell
// engine, in a shell that is connected to a simulated organization.
package scriptshell

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/report"
)

// A Shell is a PowerShell shell of one simulated organization.
type Shell struct {
	Org      *exchangesim.Organization
	Manifest string // of the module with the organization's cmdlets
	Dir      string // where scripts lie and run

	engine *peers.Engine
}

// Open makes the organization of a scenario and connects a shell to it. The test
// is skipped, or fails where peers are required, when there is no engine.
func Open(t testing.TB, engine *peers.Engine, s exchangesim.Scenario, o exchangesim.Options, so exchangesim.SessionOptions) *Shell {
	t.Helper()
	peers.Pwsh(t)
	org := exchangesim.New(s, o)
	server, err := scriptproxy.Start(org.Session(so), org.Clock(), "127.0.0.1:0", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Shell{org, server.Manifest, t.TempDir(), engine}
}

// Write puts a generated script into the shell's folder and returns its path.
func (s *Shell) Write(t testing.TB, print func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := print(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.Dir, "script.ps1")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Run runs a script in the shell; parameters are name, value pairs.
func (s *Shell) Run(t testing.TB, print func(io.Writer) error, parameters ...any) *peers.Result {
	t.Helper()
	job := peers.Job{
		Script:     s.Write(t, print),
		Modules:    []string{s.Manifest},
		Parameters: map[string]any{},
		Dir:        s.Dir,

		Constrained: s.Org.Scenario().Shell.ConstrainedLanguage,
		Strict:      s.Org.Scenario().Shell.StrictMode,
	}
	if !job.Constrained { // what is constrained stays so
		job.Shell = s.Manifest
	}
	for i := 0; i < len(parameters); i += 2 {
		job.Parameters[parameters[i].(string)] = parameters[i+1]
	}
	return s.engine.Run(t, job)
}

// Report runs a script, asking nothing unless it is with -WhatIf, and returns the
// report that it writes, and its exit code.
func (s *Shell) Report(t testing.TB, print func(io.Writer) error, parameters ...any) (report.Report, int) {
	t.Helper()
	r, result := s.Reported(t, print, parameters...)
	return r, result.ExitCode
}

// Reported is Report with everything that the run showed.
func (s *Shell) Reported(t testing.TB, print func(io.Writer) error, parameters ...any) (report.Report, *peers.Result) {
	t.Helper()
	if !slices.Contains(parameters, any("WhatIf")) && !slices.Contains(parameters, any("Confirm")) {
		parameters = append(parameters, "Confirm", false)
	}
	path := filepath.Join(s.Dir, "report.json")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	r := s.Run(t, print, append(parameters, "ReportPath", path)...)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Console)
	}
	return ParseReport(t, strings.TrimSpace(string(text))), r
}

// ParseReport reads a report as a script writes it: one line of ASCII with no
// field that the contract does not have.
func ParseReport(t testing.TB, text string) report.Report {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return r > '~' || r < ' ' }); i >= 0 {
		t.Fatalf("the report is not one line of ASCII at byte %d", i)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	var report report.Report
	if err := d.Decode(&report); err != nil {
		t.Fatalf("the report does not have the contract's form: %v\n%s", err, text)
	}
	return report
}

// Snapshot is the organization's state as indented JSON, without what cannot be
// undone: its customization.
func (s *Shell) Snapshot(t testing.TB) string {
	t.Helper()
	return Snapshot(t, s.Org)
}

// Unchanged fails the test when the organization's state is not want.
func (s *Shell) Unchanged(t testing.TB, what, want string) {
	t.Helper()
	if got := s.Snapshot(t); got != want {
		t.Errorf("%s changed the organization:\n%s", what, Diff(want, got))
	}
}

// Snapshot is documented at Shell.Snapshot.
func Snapshot(t testing.TB, org *exchangesim.Organization) string {
	t.Helper()
	snapshot := org.Snapshot()
	snapshot.Customization = exchangesim.CustomizationSnapshot{}
	b, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
