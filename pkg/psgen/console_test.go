package psgen

import (
	"fmt"

	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// TestConsole: what a person sees is the same text however a script is started, nothing is
// lost at its exit, and its exit code is the outcome's. Dot-sourced, it does not end the
// shell.
func TestConsole(t *testing.T) {
	t.Parallel()
	type showing struct {
		name, scenario string
		form           Kind
		arguments      string
		outcome        report.Outcome
	}
	showings := []showing{
		{"grant", "plain", KindGrant, "-Confirm:$false", report.Granted},
		{"grant-conflict", "own-name-other-scope", KindGrant, "-Confirm:$false", report.Conflict},
		{"grant-denied", "access-denied", KindGrant, "-Confirm:$false", report.Denied},
		{"revoke-other-name", "equal-other-name", KindRevoke, "", report.NotRevoked},
		{"grant-nobody", "plain", KindGrant, "", report.Interrupted},
	}
	write := func(s showing) (*stage, string) {
		st, g := stageOf(t, s.scenario)
		if s.form == KindRevoke {
			return st, st.Write(t, revokeScript(g))
		}
		return st, st.Write(t, grantScript(g))
	}
	var all strings.Builder      // one shell for all other starts
	files := map[string]string{} // what -File shows
	var paths []string
	for _, s := range showings {
		st, path := write(s)
		seen := st.process(t, append([]string{"-File", path}, strings.Fields(s.arguments)...))
		if seen.Code != s.outcome.ExitCode() {
			t.Errorf("%s: exit code %d, want %d", s.name, seen.Code, s.outcome.ExitCode())
		}
		files[s.name] = strings.TrimSpace(seen.Stdout)
		golden(t, filepath.Join("console", s.name+".txt"), []byte(files[s.name]+"\n"))
		for _, way := range []string{"&", "."} {
			st, path := write(s)
			paths = append(paths, path)
			fmt.Fprintf(&all, "Import-Module '%s' -Force\n%s '%s' %s\n\"== $LASTEXITCODE\"\n$LASTEXITCODE = 0\nRemove-Module *\n", st.Manifest, way, path, s.arguments)
		}
	}
	fmt.Fprintf(&all, "exit 77\n")
	seen := peers.RunProcess(t, peers.Process{Args: []string{"-Command", all.String()}, OneConsole: true})
	if seen.Code != 77 {
		t.Errorf("a script ended the shell that it was called in: exit code %d", seen.Code)
	}
	shown := strings.Split(strings.ReplaceAll(seen.Stdout, "\r", ""), "== ")
	if len(shown) != len(paths)+1 {
		t.Fatalf("%d results of %d:\n%s", len(shown)-1, len(paths), seen.Stdout)
	}
	for i, s := range showings {
		for j, way := range []string{"&", "."} {
			text := shown[2*i+j]
			if i+j > 0 {
				_, text, _ = strings.Cut(text, "\n")
			}
			// One shell shows the objects of several scripts as one list, without empty lines between them.
			if got := strings.TrimSpace(text); strings.ReplaceAll(got, "\n\n", "\n") != strings.ReplaceAll(files[s.name], "\n\n", "\n") {
				t.Errorf("%s shows with %s\n%s\nand with -File\n%s", s.name, way, got, files[s.name])
			}
			code, _, _ := strings.Cut(shown[2*i+j+1], "\n")
			if want := fmt.Sprint(s.outcome.ExitCode()); way == "&" && code != want {
				t.Errorf("%s: $LASTEXITCODE is %s after &, want %s", s.name, code, want)
			}
		}
	}
}

// TestNoShell: where no Exchange command is, the script says how to get one.
func TestNoShell(t *testing.T) {
	for _, f := range []Form{{Kind: KindGrant, Assignee: exchange.User, Scope: exchange.Group}, {Kind: KindRevoke, Assignee: exchange.RoleGroup, Scope: exchange.Group},
		{Kind: KindStatus, Assignee: exchange.User, Scope: exchange.Existing}, {Kind: KindUndo, Assignee: exchange.User, Undone: KindGrant}} {
		path := writeScript(t, "script.ps1", printed(t, printForm(f)))
		r := engine.Run(t, peers.Job{Script: path, Parameters: map[string]any{"WhatIf": true}})
		said := strings.Join(strings.Fields(r.Console), "")
		if r.ExitCode != 1 || !strings.Contains(said, "Import-PSSession$s") || !strings.Contains(said, "New-PSSession-ConfigurationNameMicrosoft.Exchange") {
			t.Errorf("%s: exit code %d\n%s", f, r.ExitCode, r.Console)
		}
	}
}
