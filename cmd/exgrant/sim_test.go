package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A servingSim is `exgrant sim` while it runs.
type servingSim struct {
	ScriptProxy string
	Module      string
	Username    string

	stdin  *io.PipeWriter
	cancel context.CancelFunc
	stderr *bytes.Buffer
	code   chan int      // receives the exit code
	ended  chan struct{} // is closed when it has ended, and left no file
}

// startSim runs `exgrant sim` until its line on stdout says that it is ready.
func startSim(t *testing.T, args ...string) *servingSim {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdin, stdinWriter := io.Pipe()
	stdout, stdoutWriter := io.Pipe()
	s := &servingSim{stdin: stdinWriter, cancel: cancel, stderr: new(bytes.Buffer), code: make(chan int, 1), ended: make(chan struct{})}
	p := &program{
		stdin:  interruptible{ctx, stdin},
		stdout: stdoutWriter,
		stderr: s.stderr,
		getenv: func(string) string { return "" },
		now:    time.Now,
	}
	go func() {
		defer close(s.ended)
		code := p.run(ctx, append([]string{"sim"}, args...))
		stdoutWriter.Close()
		s.code <- code
	}()
	t.Cleanup(func() {
		cancel()
		stdin.Close()
		<-s.ended // only then the directories of the test can be removed
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no line on stdout: %v, exit %d, %s", err, <-s.code, s.stderr)
	}
	go io.Copy(io.Discard, stdout)
	if err := json.Unmarshal(line, s); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return s
}

func (s *servingSim) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-s.code:
		return code
	case <-time.After(20 * time.Second):
		t.Fatal("exgrant sim did not end")
		return -1
	}
}

func TestSimServesUntilInterrupted(t *testing.T) {
	engine := peers.StartEngine(t)
	dir := t.TempDir()
	s := startSim(t, "--script-proxy", dir)
	if !strings.HasPrefix(s.ScriptProxy, "http://127.0.0.1:") || !filepath.IsAbs(s.Module) || s.Username == "" {
		t.Errorf("ready: %+v", s)
	}
	r := engine.Run(t, peers.Job{
		Modules: []string{s.Module},
		Command: `(Get-User -Identity svc-reschedule).SamAccountName`,
	})
	if r.Console != "svc-reschedule\n" {
		t.Errorf("console %q", r.Console)
	}
	s.cancel()
	if code := s.wait(t); code != 0 {
		t.Errorf("exit %d after an interrupt, want 0: %s", code, s.stderr)
	}
	if !strings.Contains(s.stderr.String(), "Import-Module -Name '"+s.Module+"'") {
		t.Errorf("stderr does not tell how to import the module:\n%s", s.stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

func TestSimKeepsItsState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "organization.json")
	engine := peers.StartEngine(t)
	for _, want := range []string{"1\n", "2\n"} {
		s := startSim(t, "--script-proxy", t.TempDir(), "--state", state, "--exit-with-stdin")
		r := engine.Run(t, peers.Job{Modules: []string{s.Module}, Command: `
$name = [guid]::NewGuid().ToString()
New-ManagementScope -Name $name -RecipientRestrictionFilter "Name -eq 'x'" -Confirm:$false | Out-Null
@(Get-ManagementScope).Count`})
		if r.Console != want {
			t.Errorf("console %q, want %q", r.Console, want)
		}
		s.stdin.Close()
		if code := s.wait(t); code != 0 {
			t.Errorf("exit %d at the end of standard input, want 0: %s", code, s.stderr)
		}
	}
}
