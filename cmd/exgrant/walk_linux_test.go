package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// walkWidth is the terminal of the stranger.
const walkWidth = 60

// A walker is a stranger with a narrow terminal, in one folder.
type walker struct {
	t           *testing.T
	dir         string
	environment []string
	transcript  strings.Builder
}

// does runs a command at the terminal, answers its questions with what is typed, and
// holds every line to the terminal's width.
func (w *walker) does(code int, typed, line string) {
	w.t.Helper()
	person, program := openTerminal(w.t)
	defer person.Close()
	if err := unix.IoctlSetWinsize(int(person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: walkWidth}); err != nil {
		w.t.Fatal(err)
	}
	words, _ := splitExample(w.t, line)
	binary, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	command := &exec.Cmd{Path: binary, Args: words, Dir: w.dir, Env: append([]string{"NO_COLOR=1", "TERM=dumb", "HOME=" + w.dir}, w.environment...),
		Stdin: program, Stdout: program, Stderr: program, SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}}
	shown := make(chan string)
	go func() {
		var all bytes.Buffer
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			all.Write(b[:n])
			if err != nil {
				shown <- all.String()
				return
			}
		}
	}()
	if _, err := person.WriteString(typed); err != nil {
		w.t.Fatal(err)
	}
	err = command.Run()
	program.Close()
	text := strings.ReplaceAll(<-shown, "\r", "")
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if got := command.ProcessState.ExitCode(); got != code {
		w.t.Errorf("$ %s: exit %d, want %d\n%s", line, got, code, text)
	}
	for _, l := range strings.Split(text, "\n") {
		if n := utf8.RuneCountInString(l); n > walkWidth && len(strings.Fields(strings.TrimSuffix(l, " `"))) > 1 && !strings.HasPrefix(strings.TrimSpace(l), "'") {
			w.t.Errorf("$ %s: a line of %d columns: %s", line, n, l)
		}
	}
	fmt.Fprintf(&w.transcript, "$ %s\n%s[%d]\n\n", line, text, code)
}

// What differs from run to run, of the same width.
var changing = []struct {
	what *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d{5}`), "127.0.0.1:40123"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "11111111-2222-3333-4444-555555555555"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d(\s+)\d\d:\d\d:\d\d`), "2026-11-29${1}09:00:00"},
}

// A stranger's first twenty minutes, at a terminal of 60 columns: what works, and what
// fails. Of every failure the first line says the outcome, the second the cause, the
// third what to type next.
func TestStrangersWalk(t *testing.T) {
	server := serveSim(t, false, time.Now)
	w := &walker{t: t, dir: t.TempDir()}
	at := func(variables ...string) {
		w.environment = append([]string{"EXGRANT_SERVER=" + server.URL, "EXGRANT_AUTH=basic", "EXGRANT_LOGON=administrator", "EXGRANT_PASSWORD=" + scriptPassword,
			"EXGRANT_EWS_URL=" + server.EWS, "EXGRANT_EWS_AUTH=basic", "EXGRANT_AS_PASSWORD=" + scriptPassword, "KRB5CCNAME=/nonexistent/cache"}, variables...)
	}
	const grant = `--user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users'`
	w.environment = []string{"KRB5CCNAME=/nonexistent/cache"}
	w.does(exitUsage, "", "exgrant grant")
	w.does(exitUsage, "", "exgrant plan")
	w.does(exitUsage, "", "exgrant plan --user svc-reschedule --server ex01.contoso.com")
	w.does(exitUsage, "", "exgrant plan "+grant+" --server ex01.contoso.com")
	w.does(exitFailed, "", "exgrant login --logon admin@CONTOSO.COM")

	at()
	w.does(exitDone, "", "exgrant plan "+grant)
	w.does(exitFailed, "", `exgrant plan --user CONTOSOsvc-reschedule --scope-group 'Reschedule Users'`)
	w.does(exitFailed, "", `exgrant plan --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedul Users'`)
	w.does(3, "", "exgrant verify "+grant)
	w.does(exitDone, "y\n", "exgrant apply "+grant+" --report made.json")
	w.does(exitDone, "", "exgrant verify "+grant+" --in-scope anna --out-of-scope boss")
	w.does(exitDone, "", "exgrant diagnose --as svc-reschedule --in-scope anna --out-of-scope boss")
	w.does(exitDone, "", "exgrant audit --holder svc-reschedule")
	w.does(exitDone, "y\n", "exgrant revoke --from made.json")

	at("EXGRANT_PASSWORD=wrong")
	w.does(5, "", "exgrant audit")
	at("EXGRANT_SERVER=http://127.0.0.1:1/PowerShell/")
	w.does(exitFailed, "", "exgrant audit")
	w.does(exitFailed, "", "exgrant connect")
	golden := filepath.Join("testdata", "walk.txt")
	got := w.transcript.String()
	for _, c := range changing {
		got = c.what.ReplaceAllString(got, c.is)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", golden, d)
	}

	// A name that DNS does not know, in whatever words this computer's DNS has.
	at("EXGRANT_SERVER=https://nowhere.invalid/PowerShell/")
	w.does(exitFailed, "", "exgrant audit")
}
