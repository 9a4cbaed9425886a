package psgen

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// TestReportPath: a report is written where its path says, letter by letter, and never
// over another one: that may be the undo of the run before. One that has no place stops
// the run before any change.
func TestReportPath(t *testing.T) {
	st, g := stageOf(t, "plain")
	start := st.Snapshot(t)
	path := filepath.Join(st.Dir, "grant [1] 'a'.json")
	if r := st.Run(t, grantScript(g), "Confirm", false, "ReportPath", path); r.ExitCode != 0 {
		t.Fatal(r.Console)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	undo := undoScript(scriptshell.ParseReport(t, strings.TrimSpace(string(first))))
	granted := st.Snapshot(t)
	for name, print := range map[string]func() (int, string, string){
		"again":  func() (int, string, string) { return st.refusedPath(t, grantScript(g), path) },
		"revoke": func() (int, string, string) { return st.refusedPath(t, revokeScript(g), path) },
		"undo":   func() (int, string, string) { return st.refusedPath(t, undo, path) },
	} {
		code, console, wrote := print()
		if code != 1 || wrote != string(first) || !strings.Contains(console, "may hold the undo of another run") {
			t.Errorf("%s with the path of another report: exit code %d, it holds %d bytes\n%s", name, code, len(wrote), console)
		}
		st.Unchanged(t, name, granted)
	}
	if r := st.Run(t, undo, "Confirm", false); r.ExitCode != 0 {
		t.Errorf("the first report cannot be undone:\n%s", r.Console)
	}
	st.Unchanged(t, "grant and undo", start)

	// An empty file is nobody's report.
	empty := filepath.Join(st.Dir, "empty.json")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := st.Run(t, grantScript(g), "WhatIf", true, "ReportPath", empty); r.ExitCode != 0 {
		t.Errorf("an empty file: exit code %d\n%s", r.ExitCode, r.Console)
	}
	for _, place := range []string{filepath.Join(st.Dir, "no", "such", "folder.json"), filepath.Join(empty, "below a file"), "/dev/full"} {
		if _, err := os.Stat(place); err != nil && strings.HasPrefix(place, "/dev") {
			continue
		}
		for name, print := range map[string]func() (int, string, string){
			"grant":  func() (int, string, string) { return st.refusedPath(t, grantScript(g), place) },
			"revoke": func() (int, string, string) { return st.refusedPath(t, revokeScript(g), place) },
		} {
			calls := len(st.Org.Calls())
			if code, console, _ := print(); code != 1 || !strings.Contains(console, "Outcome  : failed") || !strings.Contains(console, "No report: ") {
				t.Errorf("%s to %s: exit code %d\n%s", name, place, code, console)
			}
			if asked := st.Org.Calls()[calls:]; len(asked) > 0 {
				t.Errorf("%s to %s: %s was run", name, place, asked[0].Command.Cmdlet)
			}
		}
	}
	st.Unchanged(t, "reports without a place", start)

	// One that the disk no longer takes in the end is told of: what was done is shown all the same.
	gone := filepath.Join(st.Dir, "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	script := string(printed(t, grantScript(g)))
	last := "    $Report.outcome = @(Invoke-ExgProcedure)[-1]\r\n"
	cut := strings.Replace(script, last, last+"    Remove-Item -LiteralPath '"+gone+"' -Recurse\r\n", 1)
	r := st.Run(t, func(w io.Writer) error { _, err := io.WriteString(w, cut); return err }, "Confirm", false, "ReportPath", filepath.Join(gone, "report.json"))
	if r.ExitCode != 0 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "No report: ") || !strings.Contains(r.Console, "Outcome  : granted") ||
		!strings.Contains(r.Console, "Undo     : Remove-ManagementRoleAssignment") {
		t.Errorf("exit code %d, warnings %q\n%s", r.ExitCode, r.Warnings, r.Console)
	}
}

// refusedPath runs a script with a path that it must not take.
func (s *stage) refusedPath(t *testing.T, print writer, path string) (code int, console, wrote string) {
	t.Helper()
	r := s.Run(t, print, "Confirm", false, "ReportPath", path)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() { // a device may have no end
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wrote = string(text)
	}
	return r.ExitCode, r.Console, wrote
}

// TestReportOfFailure: it is written when the run fails too.
func TestReportOfFailure(t *testing.T) {
	st, g := stageOf(t, "access-denied")
	r := st.ends(t, "denied", grantScript(g), report.Denied)
	last := r.Steps[len(r.Steps)-1]
	if last.Status != report.StatusFailed || !strings.Contains(last.Text, "delegating role assignment") || len(r.Inverse) > 0 {
		t.Errorf("%+v", r)
	}
}

// TestConstrainedLanguage: where unsigned scripts may do less, nothing is begun, and it is
// said what to do.
func TestConstrainedLanguage(t *testing.T) {
	st, g := stageOf(t, "constrained-language")
	start := st.Snapshot(t)
	for name, print := range map[string]writer{"grant": grantScript(g), "revoke": revokeScript(g),
		"undo": undoScript(reportOf(Form{Kind: KindUndo, Assignee: exchange.User, Undone: KindGrant}))} {
		r := st.Run(t, print, "Confirm", false, "ReportPath", filepath.Join(st.Dir, "none.json"))
		if r.ExitCode != 1 || !strings.Contains(r.Console, "Sign this file") || len(r.Errors) > 0 {
			t.Errorf("%s: exit code %d\n%s", name, r.ExitCode, r.Console)
		}
	}
	st.Unchanged(t, "constrained language", start)
	if calls := st.Org.Calls(); len(calls) > 0 {
		t.Errorf("%s was run", calls[0].Command.Cmdlet)
	}
}

// TestStrictMode: what a profile has set does not matter, whatever the form.
func TestStrictMode(t *testing.T) {
	t.Parallel()
	for _, a := range []exchange.Assignee{exchange.NewUser(`CONTOSO\svc-reschedule`), roleGroupGrant().Assignee} {
		for _, s := range []exchange.Scope{{Kind: exchange.RecipientFilter, Text: "City -eq 'Berlin'"}, {Kind: exchange.WholeOrganization}} {
			st, g := stageOf(t, "strict-mode")
			start := st.Snapshot(t)
			g.Name, g.Assignee, g.Scope, g.InScope, g.OutOfScope = "", a, s, nil, nil
			r := st.ends(t, "grant", grantScript(g), report.Granted)
			st.ends(t, "undo", undoScript(r), report.Revoked)
			st.ends(t, "grant", grantScript(g), report.Granted)
			st.ends(t, "revoke", revokeScript(g), report.Revoked)
			st.Unchanged(t, "strict mode", start)
		}
	}
}

// TestAllowEmpty: a scope with nobody in it is refused, and made when it is asked for.
func TestAllowEmpty(t *testing.T) {
	for _, a := range []exchange.Assignee{exchange.NewUser(`CONTOSO\svc-reschedule`), roleGroupGrant().Assignee} {
		st, g := stageOf(t, "empty-group")
		g.Name, g.Assignee, g.InScope = "", a, nil
		start := st.Snapshot(t)
		r := st.Run(t, grantScript(g), "Confirm", false)
		if r.ExitCode != 1 || !strings.Contains(r.Console, "-AllowEmpty") {
			t.Errorf("exit code %d\n%s", r.ExitCode, r.Console)
		}
		st.Unchanged(t, "an empty scope", start)
		st.ends(t, "allowed", grantScript(g), report.Granted, "AllowEmpty", true)
	}
}

// TestTimeout: customization takes its time. What there is of it is used in growing waits;
// where it is up, nothing is half made, and the same script goes through later.
func TestTimeout(t *testing.T) {
	for _, a := range []exchange.Assignee{exchange.NewUser(`CONTOSO\svc-reschedule`), roleGroupGrant().Assignee} {
		for _, minutes := range []float64{0, 0.05} {
			st, g := stageOf(t, "not-yet-in-effect")
			g.Name, g.Assignee = "", a
			start := st.Snapshot(t)
			r := st.ends(t, "no time", grantScript(g), report.CustomizationPending, "TimeoutMinutes", minutes, "EnableCustomization", true)
			st.Unchanged(t, "no time", start)
			if len(r.Inverse) > 0 {
				t.Errorf("inverses %+v", r.Inverse)
			}
			r = st.ends(t, "later", grantScript(g), report.Granted, "EnableCustomization", true)
			if minutes == 0 && a.Kind == exchange.User {
				if waited := r.FinishedAt.Sub(r.StartedAt).Seconds(); waited < 2+4 || waited > 2+4+8+1 {
					t.Errorf("it waited %v seconds", waited)
				}
			}
		}
	}
	st, g := stageOf(t, "transient-dc")
	r := st.ends(t, "grant", grantScript(g), report.Granted)
	if waited := r.FinishedAt.Sub(r.StartedAt).Seconds(); waited != 2+4+8 {
		t.Errorf("three waits took %v seconds, want 14", waited)
	}
}

// TestView: a root that the session's view had is there again, whatever the script ends with.
func TestView(t *testing.T) {
	st, g := stageOf(t, "view-root")
	view := st.view(t)
	if !strings.Contains(view, "contoso.test/Staff") {
		t.Fatalf("the view is %q", view)
	}
	wrong := g
	wrong.InScope = []string{"nobody@contoso.test"}
	for _, c := range []struct {
		what    string
		print   writer
		outcome report.Outcome
	}{
		{"not found", grantScript(wrong), report.NotFound}, {"grant", grantScript(g), report.Granted}, {"again", grantScript(g), report.AlreadyGranted},
		{"revoke", revokeScript(g), report.Revoked}, {"nothing to revoke", revokeScript(g), report.NothingToRevoke},
	} {
		st.ends(t, c.what, c.print, c.outcome)
		if got := st.view(t); got != view {
			t.Errorf("%s: the view was %q and is %q", c.what, view, got)
		}
	}
}

// TestNamesBeforeWrites: a mistyped name of any kind ends the run before anything is made.
func TestNamesBeforeWrites(t *testing.T) {
	mistype := map[string]func(*exchange.Grant){
		"in scope":     func(g *exchange.Grant) { g.InScope = append(g.InScope, "ana@contoso.test") },
		"out of scope": func(g *exchange.Grant) { g.OutOfScope = []string{"bos@contoso.test"} },
		"group":        func(g *exchange.Grant) { g.Scope.Text = "Reschedule User" },
		"account":      func(g *exchange.Grant) { g.Assignee.Identity += "x" },
		"member": func(g *exchange.Grant) {
			g.Assignee = roleGroupGrant().Assignee
			g.Assignee.Members = []string{"svc-reschedul"}
		},
		"unit": func(g *exchange.Grant) {
			g.Scope = exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Stuff"}
		},
		"scope": func(g *exchange.Grant) { g.Scope = exchange.Scope{Kind: exchange.Existing, Text: "Nowhere"} },
	}
	st, plain := stageOf(t, "plain")
	start := st.Snapshot(t)
	for name, change := range mistype {
		g := plain
		g.InScope = slices.Clone(g.InScope)
		change(&g)
		r := st.ends(t, name, grantScript(g), report.NotFound)
		if last := r.Steps[len(r.Steps)-1]; last.Text == "" || len(r.Steps) != 1 {
			t.Errorf("%s: steps %+v", name, r.Steps)
		}
	}
	st.Unchanged(t, "mistyped names", start)
	if i := slices.IndexFunc(st.Org.Calls(), func(c exchangesim.Call) bool { return c.Writes }); i >= 0 {
		t.Errorf("%s was run", st.Org.Calls()[i].Command.Cmdlet)
	}
}
