package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// TestReadme runs what README shows, in its order and in one folder: lines after
// "$ " in a shell, lines after "PS> " in the real PowerShell engine. What stands
// below a line must be its output; "…" stands for any text in a line, or alone for
// any number of lines.
func TestReadme(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("README's sessions are of a Unix shell, which Windows, or Wine, has not")
	}
	data, err := os.ReadFile(filepath.Join(peers.ModuleRoot(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := consoleBlocks(string(data))
	if len(blocks) < 4 {
		t.Fatalf("README shows %d sessions, expected at least 4", len(blocks))
	}
	r := &reader{dir: t.TempDir()}
	for _, b := range blocks {
		r.play(t, b)
	}
}

// A line is one command of a session and the output that README shows for it.
type line struct {
	prompt, command string
	want            []string
}

func consoleBlocks(markdown string) [][]line {
	var blocks [][]line
	for _, m := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(markdown, -1) {
		var block []line
		for _, text := range strings.Split(strings.TrimSuffix(m[1], "\n"), "\n") {
			prompt, command, ok := strings.Cut(text, " ")
			if ok && (prompt == "$" || prompt == "PS>") {
				block = append(block, line{prompt: prompt, command: command})
				continue
			}
			if last := len(block) - 1; last >= 0 {
				block[last].want = append(block[last].want, text)
			}
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// A reader does what somebody does who follows README.
type reader struct {
	dir    string
	module string // the module that the running simulation shows
	export string // the variables that it shows
}

var (
	shownModule = regexp.MustCompile(`'([^']*\.psd1)'`)
	shownExport = regexp.MustCompile(`export EXGRANT_(?:SERVER|EWS_URL)=.*`)
)

func (r *reader) play(t *testing.T, block []line) {
	t.Helper()
	if len(block) == 0 {
		t.Fatal("README has a session without a command")
	}
	if block[0].prompt == "PS>" {
		r.powershell(t, block)
		return
	}
	for _, l := range block {
		if l.command == "exgrant sim" || strings.HasPrefix(l.command, "exgrant sim --script-proxy") {
			r.simulate(t, l)
			continue
		}
		if shownExport.MatchString(l.command) {
			continue // what the simulation showed is set for every command
		}
		shell := exec.Command(peers.Program(t, "bash"), "-c", r.export+l.command)
		shell.Dir = r.dir
		out, err := shell.CombinedOutput()
		if err != nil {
			t.Fatalf("$ %s: %v\n%s", l.command, err, out)
		}
		compare(t, l, string(out))
	}
}

// simulate starts the simulation, which serves until the test ends.
func (r *reader) simulate(t *testing.T, l line) {
	t.Helper()
	words := strings.Fields(l.command)
	sim := exec.Command(words[0], append(words[1:], "--exit-with-stdin")...)
	sim.Dir = r.dir
	stdin, err := sim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	both, w := io.Pipe()
	sim.Stdout, sim.Stderr = w, w
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		go func() { _, _ = io.Copy(io.Discard, both) }()
		_ = stdin.Close()
		if err := sim.Wait(); err != nil {
			t.Errorf("$ %s: %v", l.command, err)
		}
		_ = w.Close()
	})
	var out strings.Builder
	for lines := bufio.NewScanner(both); lines.Scan(); {
		out.WriteString(lines.Text() + "\n")
		if m := shownModule.FindStringSubmatch(lines.Text()); m != nil {
			r.module = m[1]
		}
		if m := shownExport.FindString(lines.Text()); m != "" {
			r.export += m + "\n"
		}
		if strings.HasPrefix(lines.Text(), "End with") {
			break
		}
	}
	compare(t, l, shownModule.ReplaceAllString(out.String(), "'MODULE'"))
}

// powershell runs a session in one process of the engine.
func (r *reader) powershell(t *testing.T, block []line) {
	t.Helper()
	var script strings.Builder
	for i, l := range block {
		command := shownModule.ReplaceAllLiteralString(l.command, "'"+r.module+"'")
		fmt.Fprintf(&script, "%s\n'-- %d --'\n", command, i)
	}
	engine := exec.Command(peers.Pwsh(t), "-NoProfile", "-NonInteractive", "-Command", script.String())
	engine.Dir = r.dir
	out, err := engine.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, l := range block {
		own, rest, ok := bytes.Cut(out, fmt.Appendf(nil, "-- %d --\n", i))
		if !ok {
			t.Fatalf("PS> %s did not end:\n%s", l.command, out)
		}
		compare(t, l, string(own))
		out = rest
	}
}

var spaces = regexp.MustCompile(" +")

// compare holds output against what README shows, however many blanks a table has
// between its columns and at its line ends.
func compare(t *testing.T, l line, got string) {
	t.Helper()
	var pattern strings.Builder
	pattern.WriteString("^")
	for _, want := range l.want {
		if want == "…" {
			pattern.WriteString("(?:.*\n)*?")
			continue
		}
		want = shownModule.ReplaceAllString(want, "'MODULE'")
		for i, part := range strings.Split(strings.TrimRight(want, " "), "…") {
			if i > 0 {
				pattern.WriteString(".*")
			}
			pattern.WriteString(spaces.ReplaceAllString(regexp.QuoteMeta(part), " +"))
		}
		pattern.WriteString("[ \r]*\n")
	}
	pattern.WriteString("$")
	if !regexp.MustCompile(pattern.String()).MatchString(got) {
		t.Errorf("%s %s\nprints:\n%s\nREADME shows:\n%s", l.prompt, l.command, got, strings.Join(l.want, "\n"))
	}
}
