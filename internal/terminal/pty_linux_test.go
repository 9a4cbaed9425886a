package terminal

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY returns both ends of a pseudo terminal of 40 columns: what is written to
// the first is typed at the second.
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 40}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close(); person.Close() })
	return person, program
}

func noEnvironment(string) string { return "" }

// seen collects what the program shows until it has shown a text.
func seen(t *testing.T, person *os.File, until string) string {
	t.Helper()
	if err := person.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		t.Fatal(err)
	}
	var text strings.Builder
	b := make([]byte, 256)
	for !strings.Contains(text.String(), until) {
		n, err := person.Read(b)
		if err != nil {
			t.Fatalf("%v after %q, before %q", err, text.String(), until)
		}
		text.Write(b[:n])
	}
	return text.String()
}

func TestConfirm(t *testing.T) {
	for typed, want := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "n\n": false, "yess\n": false, "\x04": false} {
		person, program := openPTY(t)
		terminal := New(program, program, noEnvironment)
		if !terminal.Interactive() {
			t.Fatal("a pseudo terminal is not taken for one")
		}
		if _, err := person.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		got, err := terminal.Confirm(t.Context(), "Go on?")
		if err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", typed, got, err, want)
		}
		if text := seen(t, person, "[y/N]"); !strings.Contains(text, "Go on?") {
			t.Errorf("%q: shown %q", typed, text)
		}
	}
}

func TestConfirmEndsWithTheContext(t *testing.T) {
	_, program := openPTY(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if ok, err := New(program, program, noEnvironment).Confirm(ctx, "Go on?"); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", ok, err)
	}
}

func echoes(t *testing.T, program *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func TestPasswordIsNotShown(t *testing.T) {
	person, program := openPTY(t)
	terminal := New(program, program, noEnvironment)
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer)
	go func() {
		text, err := terminal.Password(t.Context(), "Password")
		done <- answer{text, err}
	}()
	shown := seen(t, person, "Password: ")
	for limit := time.Now().Add(5 * time.Second); echoes(t, program) && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	if _, err := person.WriteString("pässword 1\n"); err != nil {
		t.Fatal(err)
	}
	got := <-done
	shown += seen(t, person, "\n")
	if got.err != nil || got.text != "pässword 1" || strings.Contains(shown, "ssword 1") {
		t.Errorf("%q, %v, shown %q", got.text, got.err, shown)
	}
	if !echoes(t, program) {
		t.Error("the terminal stays silent")
	}
}

func TestPasswordEndsWithTheContext(t *testing.T) {
	_, program := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := New(program, program, noEnvironment).Password(ctx, "Password"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if !echoes(t, program) {
		t.Error("the terminal stays silent after a cancel")
	}
	person, program := openPTY(t)
	if _, err := New(program, program, noEnvironment).Password(ctx, "Password"); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
	if _, err := program.WriteString("end"); err != nil {
		t.Fatal(err)
	}
	if text := seen(t, person, "end"); text != "end" || !echoes(t, program) {
		t.Errorf("after a cancel %q is shown, or the terminal is silent", text)
	}
}

func TestProgressStaysInItsLine(t *testing.T) {
	person, program := openPTY(t)
	terminal := New(program, program, noEnvironment)
	terminal.Progress(strings.Repeat("x", 100) + "\x1b]0;title\a")
	terminal.Progress("漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字")
	terminal.Done()
	terminal.Done()
	if _, err := program.WriteString("end"); err != nil {
		t.Fatal(err)
	}
	want := clearLine + strings.Repeat("x", 39) + clearLine + strings.Repeat("漢字", 9) + "漢" + clearLine + "end"
	if got := seen(t, person, "end"); got != want {
		t.Errorf("shown %q\nwant  %q", got, want)
	}
	if Width(program) != 40 {
		t.Errorf("width %d", Width(program))
	}
}

func TestColour(t *testing.T) {
	_, program := openPTY(t)
	for _, test := range []struct {
		environment map[string]string
		want        bool
	}{{nil, true}, {map[string]string{"NO_COLOR": "1"}, false}, {map[string]string{"TERM": "dumb"}, false}} {
		getenv := func(name string) string { return test.environment[name] }
		if got := New(program, program, getenv).Colour(program); got != test.want {
			t.Errorf("%v: %v", test.environment, got)
		}
	}
}
