package psgen

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// engine is shared by all tests: each job has a runspace of its own.
var engine peers.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	os.Exit(code)
}

// A stage is one simulated organization with a shell that is connected to it.
type stage struct {
	org    *exchangesim.Organization
	server *scriptproxy.Server
	dir    string
}

func newStage(t *testing.T, s exchangesim.Scenario, o exchangesim.Options, so exchangesim.SessionOptions) *stage {
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
	return &stage{org, server, t.TempDir()}
}

// write puts a generated script into the stage's folder and returns its path.
func (s *stage) write(t *testing.T, print func(io.Writer) error) string {
	t.Helper()
	path := filepath.Join(s.dir, "script.ps1")
	if err := os.WriteFile(path, printed(t, print), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a script in the stage's shell; parameters are name, value pairs.
func (s *stage) run(t *testing.T, print func(io.Writer) error, parameters ...any) *peers.Result {
	t.Helper()
	job := peers.Job{
		Script:     s.write(t, print),
		Modules:    []string{s.server.Manifest},
		Parameters: map[string]any{},
		Dir:        s.dir,
	}
	for i := 0; i < len(parameters); i += 2 {
		job.Parameters[parameters[i].(string)] = parameters[i+1]
	}
	return engine.Run(t, job)
}

// report runs a full script with -AsJson and returns its report.
func (s *stage) report(t *testing.T, print func(io.Writer) error, parameters ...any) (exchange.Report, int) {
	t.Helper()
	if !contains(parameters, "WhatIf") {
		parameters = append(parameters, "Confirm", false)
	}
	r := s.run(t, print, append(parameters, "AsJson", true)...)
	if len(r.Output) != 1 {
		t.Fatalf("-AsJson gave %d objects, not one:\n%s", len(r.Output), r.Console)
	}
	return parseReport(t, r.Output[0].Text), r.ExitCode
}

func parseReport(t *testing.T, text string) exchange.Report {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return r > '~' || r < ' ' }); i >= 0 {
		t.Fatalf("the report is not one line of ASCII at byte %d", i)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	var report exchange.Report
	if err := d.Decode(&report); err != nil {
		t.Fatalf("the report does not have the contract's form: %v\n%s", err, text)
	}
	return report
}

func contains(list []any, want string) bool {
	for _, v := range list {
		if v == want {
			return true
		}
	}
	return false
}
