package psgen

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// A showing is one run of a script in a process of its own.
type showing struct {
	name, scenario string
	print          func(g exchange.Grant) func(io.Writer) error
	args           string
	code           int
}

func fullGrant(g exchange.Grant) func(io.Writer) error {
	return func(w io.Writer) error { return Grant(w, g, Full) }
}

func minimalGrant(g exchange.Grant) func(io.Writer) error {
	return func(w io.Writer) error { return Grant(w, g, Minimal) }
}

func statusScript(g exchange.Grant) func(io.Writer) error {
	return func(w io.Writer) error { return Status(w, g) }
}

func revokeScript(s Style) func(g exchange.Grant) func(io.Writer) error {
	return func(g exchange.Grant) func(io.Writer) error {
		return func(w io.Writer) error { return Revoke(w, g, s) }
	}
}

func auditScript(exchange.Grant) func(io.Writer) error { return Audit }

var showings = []showing{
	{"grant", "plain", fullGrant, "-Confirm:$false", 0},
	{"grant-whatif", "plain", fullGrant, "-WhatIf", 0},
	{"grant-denied", "access-denied", fullGrant, "-Confirm:$false", 5},
	{"grant-conflict", "own-name-other-scope", fullGrant, "-Confirm:$false", 1},
	{"grant-no-question", "plain", fullGrant, "", 1},
	{"grant-minimal", "plain", minimalGrant, "-Confirm:$false", 0},
	{"grant-minimal-whatif", "plain", minimalGrant, "-WhatIf", 0},
	{"grant-minimal-denied", "access-denied", minimalGrant, "-Confirm:$false", 5},
	{"status", "equal-other-name", statusScript, "", 0},
	{"status-differs", "plain", statusScript, "", 3},
	{"audit", "plain", auditScript, "", 0},
	{"revoke", "plain", revokeScript(Full), "-Confirm:$false", 0},
	{"revoke-other-name", "equal-other-name", revokeScript(Full), "-Confirm:$false", 3},
	{"revoke-minimal", "disabled-grant", revokeScript(Minimal), "-Confirm:$false", 0},
}

var (
	startDate = regexp.MustCompile(`-StartDate '[^']*'`)
	operator  = regexp.MustCompile(`(?m)^(Operator\s+: ).*$`)
)

// TestConsole shows what a person sees: the same text however the script is
// started, nothing lost at the exit, and the outcome's exit code. Dot-sourced, a
// script must not end the shell.
func TestConsole(t *testing.T) {
	for _, s := range showings {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, way := range []string{"-File", "&", "."} {
				st, g := stageOf(t, s.scenario)
				path := st.Write(t, s.print(g))
				args := []string{"-File", path}
				if s.args != "" {
					args = append(args, s.args)
				}
				if way != "-File" {
					args = []string{"-Command", fmt.Sprintf("%s '%s' %s\n'still here, ' + $LASTEXITCODE", way, path, s.args)}
				}
				seen := st.process(t, args)
				text := strings.ReplaceAll(seen.Stdout, path, "SCRIPT")
				after := ""
				if way != "-File" {
					text, after, _ = strings.Cut(text, "still here, ")
				}
				switch {
				case way == "-File" && seen.Code != s.code:
					t.Errorf("exit code %d, want %d", seen.Code, s.code)
				case way == "&" && strings.TrimSpace(after) != fmt.Sprint(s.code):
					t.Errorf("$LASTEXITCODE is %q after &, want %d", after, s.code)
				case way == "." && !strings.Contains(seen.Stdout, "still here, "):
					t.Error("dot-sourced, the script ended the shell")
				}
				text = operator.ReplaceAllString(startDate.ReplaceAllString(text, "-StartDate 'DATE'"), "${1}OPERATOR")
				golden(t, "console/"+s.name+".txt", []byte(strings.TrimSpace(text)+"\n"))
			}
		})
	}
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

// TestMachineOutput: what programs ask for is complete and alone.
func TestMachineOutput(t *testing.T) {
	st, g := stageOf(t, "plain")
	path := st.Write(t, fullGrant(g))

	seen := st.process(t, []string{"-File", path, "-AsJson", "-WhatIf"})
	if r := scriptshell.ParseReport(t, strings.TrimSpace(seen.Stdout)); r.Outcome != exchange.Planned || seen.Code != 0 {
		t.Errorf("-AsJson -WhatIf: %s, exit code %d", r.Outcome, seen.Code)
	}

	seen = st.process(t, []string{"-File", path, "-RecordMarker", "x1Y2", "-Confirm:$false", "-ReportPath", "report.json"})
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(seen.Stdout, "\r", "")), "\n")
	begin := indexOf(lines, "-----BEGIN EXGRANT RECORD x1Y2-----")
	if begin < 0 || lines[len(lines)-1] != "-----END EXGRANT RECORD x1Y2-----" {
		t.Fatalf("no record at the end:\n%s", seen.Stdout)
	}
	record := lines[begin+1 : len(lines)-1]
	for i, line := range record {
		if len(line) > 76 || len(line) < 76 && i < len(record)-1 {
			t.Errorf("line %d of the record has %d characters", i, len(line))
		}
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(record, ""))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(st.Dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(decoded) != strings.TrimSpace(string(file)) {
		t.Errorf("the record and the file differ:\n%s\n%s", decoded, file)
	}
	if r := scriptshell.ParseReport(t, string(decoded)); r.Outcome != exchange.Granted {
		t.Errorf("outcome %s", r.Outcome)
	}

	if seen = st.process(t, []string{"-File", path, "-RecordMarker", "a b", "-WhatIf"}); seen.Code == 0 {
		t.Error("a marker that is none of letters and digits is taken")
	}
}

func indexOf(lines []string, want string) int {
	for i, line := range lines {
		if line == want {
			return i
		}
	}
	return -1
}

// TestReportOfFailure: the report is written when the run fails. One that has no
// place stops the run before any change, and one that the disk does not take does
// not undo what was done.
func TestReportOfFailure(t *testing.T) {
	st, g := stageOf(t, "access-denied")
	r := st.Run(t, fullGrant(g), "Confirm", false, "ReportPath", "denied.json")
	file, err := os.ReadFile(filepath.Join(st.Dir, "denied.json"))
	if err != nil {
		t.Fatal(err)
	}
	if report := scriptshell.ParseReport(t, strings.TrimSpace(string(file))); report.Outcome != exchange.Denied || r.ExitCode != 5 {
		t.Errorf("outcome %s, exit code %d", report.Outcome, r.ExitCode)
	}

	st, g = stageOf(t, "plain")
	start := st.Snapshot(t)
	r = st.Run(t, fullGrant(g), "Confirm", false, "ReportPath", "no/such/folder/report.json")
	if r.ExitCode != 1 || !strings.Contains(strings.Join(strings.Fields(r.Console), " "), "The report cannot be written to") || len(r.Warnings) > 0 {
		t.Errorf("exit code %d, warnings %q:\n%s", r.ExitCode, r.Warnings, r.Console)
	}
	st.Unchanged(t, "a run without a place for its report", start)

	if _, err := os.Stat("/dev/full"); err != nil {
		return
	}
	r = st.Run(t, fullGrant(g), "Confirm", false, "ReportPath", "/dev/full")
	if r.ExitCode != 0 || !strings.Contains(strings.Join(r.Warnings, "\n"), "could not be written") {
		t.Errorf("exit code %d, warnings %q", r.ExitCode, r.Warnings)
	}
}

// TestNoShell: where no Exchange command is, the script says how to get one.
func TestNoShell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grant.ps1")
	if err := os.WriteFile(path, printed(t, fullGrant(groupGrant())), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := peers.RunProcess(t, peers.Process{Args: []string{"-File", path, "-WhatIf"}, OneConsole: true})
	if seen.Code != 1 || !strings.Contains(strings.Join(strings.Fields(seen.Stdout), ""), "New-PSSession-ConfigurationNameMicrosoft.Exchange") {
		t.Errorf("exit code %d:\n%s", seen.Code, seen.Stdout)
	}
}
