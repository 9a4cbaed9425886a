package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// A sitting is this program at a terminal, with a person in front of it.
type sitting struct {
	t       *testing.T
	person  *os.File // what is written here is typed
	program *os.File // the program's end
	command *exec.Cmd
	stdout  bytes.Buffer // not the terminal: results can be piped on

	mu     sync.Mutex
	shown  strings.Builder // everything on the terminal
	looked int             // how much of it the person has looked at
}

// sit starts this program, in the test's own binary, at a terminal of its own.
func sit(t *testing.T, environment []string, args ...string) *sitting {
	t.Helper()
	s := &sitting{t: t}
	s.person, s.program = openTerminal(t)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.command = &exec.Cmd{
		Path: binary, Args: append([]string{"exgrant"}, args...), Dir: t.TempDir(),
		Env:   append([]string{"NO_COLOR=1", "HOME=" + t.TempDir()}, environment...),
		Stdin: s.program, Stdout: &s.stdout, Stderr: s.program,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	go s.watch()
	return s
}

func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = errors.Join(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
			unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func (s *sitting) watch() {
	b := make([]byte, 4096)
	for {
		n, err := s.person.Read(b)
		s.mu.Lock()
		s.shown.Write(b[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// see waits until the terminal shows a text behind what was seen before.
func (s *sitting) see(text string) {
	s.t.Helper()
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		i := strings.Index(s.shown.String()[s.looked:], text)
		if i >= 0 {
			s.looked += i + len(text)
		}
		s.mu.Unlock()
		if i >= 0 {
			return
		}
	}
	s.t.Fatalf("%q is never shown: %q", text, s.everything())
}

func (s *sitting) everything() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

func (s *sitting) types(keys string) {
	s.t.Helper()
	if _, err := s.person.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// typesSecret types where nothing of it may be shown.
func (s *sitting) typesSecret(keys string) {
	s.t.Helper()
	for limit := time.Now().Add(10 * time.Second); s.echoes(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			s.t.Fatal("the terminal shows what is typed")
		}
	}
	s.types(keys)
}

func (s *sitting) echoes() bool {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.program.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// ends holds the program to an exit code, and to a terminal as it was before.
func (s *sitting) ends(code int) {
	s.t.Helper()
	var exit *exec.ExitError
	if err := s.command.Wait(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if got := s.command.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit %d, want %d\nterminal: %q\nstdout: %s", got, code, s.everything(), s.stdout.String())
	}
	if !s.echoes() {
		s.t.Error("the terminal no longer shows what is typed")
	}
}

const (
	interrupt = "\x03"
	endOfFile = "\x04"
)

var asked = []string{"--user", "svc-reschedule", "--scope-group", "Reschedule Users"}

// serveOrganization serves the plain organization, and returns the variables that
// lead to it but for the password.
func serveOrganization(t *testing.T) (*simulator, []string) {
	t.Helper()
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	s, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}),
		simulatorOptions{listen: "127.0.0.1:0", password: scriptPassword, now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := s.endpoint.Shells(); n != 0 {
			t.Errorf("%d shells are left", n)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s, []string{"EXGRANT_SERVER=" + s.URL, "EXGRANT_AUTH=basic", "EXGRANT_LOGON=administrator"}
}

func TestChangesAreAskedFor(t *testing.T) {
	_, environment := serveOrganization(t)
	known := append(environment, "EXGRANT_PASSWORD="+scriptPassword)

	for _, no := range []string{"n\n", "\n", "yess\n", endOfFile} {
		s := sit(t, known, append([]string{"apply"}, asked...)...)
		s.see("+ create scope: ")
		s.see("New-ManagementScope ")
		s.see("Make these 2 changes? [y/N] ")
		s.types(no)
		s.see("exgrant: apply: declined: nothing was changed")
		s.ends(exitInterrupted)
	}
	s := sit(t, known, append([]string{"apply", "--report", "made.json"}, asked...)...)
	s.see("[y/N] ")
	s.types(interrupt)
	s.see("wrote made.json")
	s.ends(exitInterrupted)
	if got := s.stdout.String(); !strings.HasPrefix(got, "interrupted: nothing was changed.") {
		t.Errorf("stdout: %s", got)
	}
	if kept, err := os.ReadFile(filepath.Join(s.command.Dir, "made.json")); err != nil || !strings.Contains(string(kept), `"outcome": "interrupted"`) {
		t.Errorf("the report: %v\n%s", err, kept)
	}

	s = sit(t, known, append([]string{"plan", "--exit-code"}, asked...)...)
	s.ends(3)
	s = sit(t, known, append([]string{"apply"}, asked...)...)
	s.see("[y/N] ")
	s.types("y\n")
	s.ends(exitDone)
	if got := s.stdout.String(); !strings.HasPrefix(got, "granted: ") {
		t.Errorf("stdout: %s", got)
	}

	s = sit(t, known, append([]string{"revoke"}, asked...)...)
	s.see("About to be changed:")
	s.see("Remove-ManagementRoleAssignment ")
	s.see("Go on? [y/N] ")
	s.types("n\n")
	s.ends(exitInterrupted)
	s = sit(t, known, append([]string{"revoke"}, asked...)...)
	s.see("Go on? [y/N] ")
	s.types("yes\n")
	s.ends(exitDone)
	if got := s.stdout.String(); !strings.HasPrefix(got, "revoked: ") {
		t.Errorf("stdout: %s", got)
	}
}

func TestPasswordIsAskedFor(t *testing.T) {
	_, environment := serveOrganization(t)
	s := sit(t, environment, "audit")
	s.see("Password of administrator: ")
	s.typesSecret(scriptPassword + "\n")
	s.ends(exitDone)
	if !strings.Contains(s.stdout.String(), "audited: ") || strings.Contains(s.everything(), scriptPassword) {
		t.Errorf("terminal: %q\nstdout: %s", s.everything(), s.stdout.String())
	}

	s = sit(t, environment, "audit")
	s.see("Password of administrator: ")
	s.typesSecret(interrupt)
	s.see("exgrant: interrupted")
	s.ends(exitInterrupted)

	s = sit(t, environment, "audit")
	s.see("Password of administrator: ")
	s.typesSecret("\n")
	s.see("the password is empty")
	s.ends(exitUsage)

	s = sit(t, append(environment, "EXGRANT_AUTH=kerberos", "KRB5_CONFIG=/nowhere"), "audit")
	s.see("the user name \"administrator\" does not say which realm")
	s.ends(exitUsage)
	if strings.Contains(s.everything(), "Password of") {
		t.Errorf("a password is asked for that nobody can use: %q", s.everything())
	}
}
