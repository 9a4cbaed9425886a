package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInterruptedAtEveryRequest ends a command behind each of its requests. It must
// say so, leave no shell, keep its record, and a second run must end as if the first
// had never been.
func TestInterruptedAtEveryRequest(t *testing.T) {
	for _, test := range []struct {
		command string
		want    int // assignments, and scopes, in the end
	}{{"apply", 1}, {"revoke", 0}} {
		for n, finished := 1, false; !finished; n++ {
			e := newEndpoint(t)
			if test.command == "revoke" {
				e.mustRun(t, "apply")
			}
			finished = e.interrupt(t, test.command, n)
			if shells := e.server.Shells(); shells != 0 {
				t.Errorf("%s ended by request %d leaves %d shells", test.command, n, shells)
			}
			e.mustRun(t, test.command)
			if assignments, scopes := e.ours(t); assignments != test.want || scopes != test.want {
				t.Errorf("%s after request %d: %d assignments, %d scopes, want %d", test.command, n, assignments, scopes, test.want)
			}
		}
	}
}

var agreed = []string{"--user", "svc-reschedule", "--scope-group", "Reschedule Users", "--yes"}

func (e *endpoint) mustRun(t *testing.T, command string) {
	t.Helper()
	if code, stdout, stderr := e.run(t.Context(), append([]string{command}, agreed...)...); code != exitDone {
		t.Fatalf("%s: exit %d\n%s%s", command, code, stdout, stderr)
	}
}

// interrupt ends a command behind its nth request, and reports whether it had come
// to its end by then.
func (e *endpoint) interrupt(t *testing.T, command string, n int) (finished bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.behind(n, cancel)
	defer e.behind(0, nil)
	file := filepath.Join(t.TempDir(), "report.json")
	code, stdout, stderr := e.run(ctx, append([]string{command, "--report", file}, agreed...)...)
	finished = code == exitDone
	if !finished && code != exitInterrupted {
		t.Errorf("%s ended by request %d: exit %d\n%s%s", command, n, code, stdout, stderr)
	}
	record, err := os.ReadFile(file)
	if err != nil || finished == bytes.Contains(record, []byte(`"outcome": "interrupted"`)) {
		t.Errorf("%s ended by request %d: the report: %v\n%s", command, n, err, record)
	}
	return finished
}

// TestRecordWithoutOutput: what was changed is written down also where nothing can
// be printed any more.
func TestRecordWithoutOutput(t *testing.T) {
	e := newEndpoint(t)
	for _, test := range []struct{ command, outcome string }{{"apply", "granted"}, {"revoke", "revoked"}} {
		report := filepath.Join(t.TempDir(), "report.json")
		args := append([]string{test.command, "--report", report}, agreed...)
		var diagnostics bytes.Buffer
		code := e.program(fullDisk{}, &diagnostics).run(t.Context(), args)
		if code != exitFailed || !strings.Contains(diagnostics.String(), "the disk is full") {
			t.Errorf("%s: exit %d\n%s", test.command, code, diagnostics.String())
		}
		record, err := os.ReadFile(report)
		if err != nil || !strings.Contains(string(record), `"outcome": "`+test.outcome+`"`) {
			t.Errorf("%s: %v\n%s", test.command, err, record)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }
