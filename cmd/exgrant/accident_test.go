package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/pkg/report"
)

// A visited command is one that contacts a server, with what its end must be when
// nothing happens.
type visited struct {
	name    string
	args    []string
	changes bool // something, when nothing happens
	granted bool // begins where the grant is in place
}

func visitedCommands(t *testing.T, made string) []visited {
	t.Helper()
	which := agreed[:4]
	return []visited{
		{name: "plan", args: append([]string{"plan"}, which...)},
		{name: "apply", args: append([]string{"apply", "--in-scope", "anna", "--out-of-scope", "boss"}, agreed...), changes: true},
		{name: "verify", args: append([]string{"verify", "--in-scope", "anna", "--out-of-scope", "boss"}, which...), granted: true},
		{name: "revoke", args: append([]string{"revoke"}, agreed...), changes: true, granted: true},
		{name: "revoke --from", args: []string{"revoke", "--yes", "--from", made}, changes: true, granted: true},
		{name: "audit", args: []string{"audit"}},
		{name: "connect", args: []string{"connect"}},
	}
}

// An accident is what happens to a command behind its nth request, or at it.
type accident struct {
	name string

	kind    psrpd.FaultKind // at the nth request
	cancel  bool            // Ctrl-C, SIGTERM or SIGHUP behind it
	report  string          // where the report goes; a temporary file when empty
	silent  bool            // nothing can be written to standard output
	nothing bool            // nor to standard error: the terminal is closed
}

var accidents = []accident{
	{name: "request lost", kind: psrpd.Refuse}, {name: "reply lost", kind: psrpd.CutBefore}, {name: "reply cut", kind: psrpd.CutDuring},
	{name: "reply garbled", kind: psrpd.Garble}, {name: "throttled by WS-Management", kind: psrpd.Throttle},
	{name: "interrupted", cancel: true}, {name: "full disk", report: "/dev/full"}, {name: "standard output full", silent: true},
	{name: "closed terminal", silent: true, nothing: true},
}

// Every command meets every accident, behind each of its requests (every third in a
// usual run, and each with EXGRANT_FULL). Whatever happens, the organization is as before
// or as after; the program says which by its exit code, by the report, and where neither
// could be written on standard error; no shell is left behind where the server could be
// told; and the next run ends as if nothing had happened.
func TestEveryCommandInEveryAccident(t *testing.T) {
	stride := 3
	if os.Getenv("EXGRANT_FULL") != "" {
		stride = 1
	}
	for _, a := range accidents {
		if _, err := os.Stat(a.report); a.report != "" && err != nil {
			continue // no such device here
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			for i := range visitedCommands(t, "") {
				for n, more := 1, true; more; n += stride {
					more = a.meet(t, i, n)
				}
			}
		})
	}
}

// meet has a command meet the accident at its nth request, and tells whether it had
// that many.
func (a accident) meet(t *testing.T, command, n int) bool {
	t.Helper()
	e := newEndpoint(t)
	made := filepath.Join(t.TempDir(), "made.json")
	c := visitedCommands(t, made)[command]
	if c.granted {
		if code, _, stderr := e.run(t.Context(), append([]string{"apply", "--report", made}, agreed...)...); code != exitDone {
			t.Fatal(stderr)
		}
	}
	before, _ := e.ours(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reached := false
	e.behind(n, func() {
		reached = true
		if a.cancel {
			cancel()
		}
	})
	if a.kind != "" {
		e.server.Inject(n, psrpd.Fault{Kind: a.kind})
	}
	file := a.report
	if file == "" {
		file = filepath.Join(t.TempDir(), "report.json")
	}
	args := append(slices.Clone(c.args), "--timeout", "2s")
	if c.changes {
		args = append(args, "--report", file, "--overwrite")
	}
	var out, diagnostics bytes.Buffer
	stdout, stderr := io.Writer(&out), io.Writer(&diagnostics)
	if a.silent {
		stdout = fullDisk{}
	}
	if a.nothing {
		stderr = fullDisk{}
	}
	code := e.program(stdout, stderr).run(ctx, args)
	e.behind(0, nil)
	e.server.Inject(0, psrpd.Fault{}) // it may have had fewer requests
	where := fmt.Sprintf("%s, %s at request %d: exit %d", c.name, a.name, n, code)
	a.check(t, e, c, where, code, before, file, diagnostics.String())

	// The next run.
	again := c.args
	if code, stdout, stderr := e.run(t.Context(), again...); code != exitDone {
		t.Errorf("%s: the next run: exit %d\n%s%s", where, code, stdout, stderr)
	}
	return reached && !a.steady()
}

// steady tells whether the accident is the same at whatever request.
func (a accident) steady() bool { return a.kind == "" && !a.cancel }

func (a accident) check(t *testing.T, e *endpoint, c visited, where string, code, before int, file, diagnostics string) {
	t.Helper()
	assignments, scopes := e.ours(t)
	after := before
	if c.changes {
		after = 1 - before
	}
	changed := assignments != before
	switch {
	case assignments != scopes && code != exitInterrupted && code != exitFailed:
		t.Errorf("%s: %d assignments and %d scopes\n%s", where, assignments, scopes, diagnostics)
	case code == exitDone && assignments != after:
		t.Errorf("%s: %d assignments, %d before\n%s", where, assignments, before, diagnostics)
	case !c.changes && changed:
		t.Errorf("%s: it changed something", where)
	case a.silent && code == exitDone && c.name != "":
		t.Errorf("%s: nothing could be printed", where)
	}
	if form := leaks(diagnostics); form != "" {
		t.Errorf("%s: it prints %q", where, form)
	}
	lost := a.kind == psrpd.Refuse || a.kind == psrpd.CutBefore || a.kind == psrpd.CutDuring || a.kind == psrpd.Garble || a.kind == psrpd.Throttle
	if shells := e.server.Shells(); shells != 0 && !lost {
		t.Errorf("%s: %d shells are left", where, shells)
	}
	if !c.changes {
		return
	}
	var told report.Report
	var record []byte
	if a.report == "" {
		record, _ = os.ReadFile(file) // it need not be there
	}
	isTold := json.Unmarshal(record, &told) == nil
	known := isTold && (told.Changed == changed || slices.ContainsFunc(told.Findings, func(f report.Finding) bool { return f.ID == "change-unknown" }))
	if changed && !known && !strings.Contains(diagnostics, "changed: ") && !a.nothing {
		t.Errorf("%s: it changed something and does not tell\n%s\n%s", where, record, diagnostics)
	}
	if isTold && !known {
		t.Errorf("%s: changed is %v, and the organization says %v\n%s", where, told.Changed, changed, record)
	}
	if a.report != "" && changed && !strings.Contains(diagnostics, "undo: ") {
		t.Errorf("%s: it does not say how to take it back\n%s", where, diagnostics)
	}
}
