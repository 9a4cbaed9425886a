package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// printed is what one command line prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }}
	if code := p.run(context.Background(), args); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, &stderr)
	}
	return stdout.String()
}

// completionCases are lines as they are typed, and what a shell offers: nil where
// it is left to the shell, which offers files.
var completionCases = []struct {
	line string
	want []string
}{
	{"exgrant scr", []string{"script"}},
	{"exgrant script g", []string{"grant"}},
	{"exgrant script grant --scope-", []string{"--scope-filter", "--scope-group", "--scope-name", "--scope-ou"}},
	{"exgrant script grant --user grant --wh", []string{"--whole-organization"}},
	{"exgrant script grant --overwrite --whole-organization --role-", []string{"--role-group"}},
	{"exgrant --v", []string{"--version"}},
	{"exgrant script grant -o ", nil},
}

func TestCompletionBash(t *testing.T) {
	bash := peers.Program(t, "bash")
	script := printed(t, "completion", "bash") + `
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_exgrant
printf '%s\n' "${COMPREPLY[@]}"
`
	for _, c := range completionCases {
		out, err := exec.Command(bash, append([]string{"-c", script, "bash"}, strings.Split(c.line, " ")...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.line, err, out)
		}
		got := strings.Fields(string(out))
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.line, got, c.want)
		}
	}
}

func TestCompletionPowerShell(t *testing.T) {
	file := filepath.Join(t.TempDir(), "completion.ps1")
	if err := os.WriteFile(file, []byte(printed(t, "completion", "powershell")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, finding := range peers.Check(t, nil, file) {
		t.Error(finding)
	}
	engine := peers.StartEngine(t)
	for _, c := range completionCases {
		if c.want == nil {
			continue
		}
		r := engine.Run(t, peers.Job{
			Command: `param($File, $Line)
. $File
[System.Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null).CompletionMatches |
    ForEach-Object { $_.CompletionText }`,
			Parameters: map[string]any{"File": file, "Line": c.line},
		})
		var got []string
		for _, o := range r.Output {
			got = append(got, o.Text)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v\n%s", c.line, got, c.want, r.Console)
		}
	}
}

// TestCompletionSyntax gives the scripts to the shells that there are.
func TestCompletionSyntax(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := printed(t, "completion", shell)
		for _, want := range []string{"role-group", "office365"} {
			if !strings.Contains(script, want) {
				t.Errorf("%s: no %q", shell, want)
			}
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("there is no %s", shell)
			continue
		}
		cmd := exec.Command(path, "-n")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// TestManual shows that the page has every command and flag, and that nothing of
// the help is taken for a request.
func TestManual(t *testing.T) {
	page := printed(t, "man")
	known := []string{".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".nf", ".fi"}
	for i, line := range strings.Split(page, "\n") {
		if request, _, _ := strings.Cut(line, " "); strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !slices.Contains(known, request) {
			t.Errorf("line %d would be a request: %s", i+1, line)
		}
	}
	plain := strings.NewReplacer(`\-`, "-", `\e`, `\`, `\&`, "").Replace(page)
	for _, c := range completionsOf((&program{}).app()) {
		if !strings.Contains(plain, c.path) {
			t.Errorf("no %s", c.path)
		}
		for _, w := range c.words {
			if !strings.Contains(plain, w.text) && w != helpWord && w.text != "--version" {
				t.Errorf("no %s of %s", w.text, c.path)
			}
		}
	}
	if !strings.Contains(plain, `DOMAIN\name`) {
		t.Error("a backslash is lost")
	}
}
