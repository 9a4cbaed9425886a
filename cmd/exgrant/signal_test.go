//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
)

// TestSignals ends the program itself, as a process, behind its requests: by
// Ctrl-C, which cleans up, and by a kill, which leaves its shell until that is idle
// for too long. A second run ends as if the first had never been. In a usual run it
// happens behind every fifth request, behind all of them with EXGRANT_FULL.
func TestSignals(t *testing.T) {
	stride := 5
	if os.Getenv("EXGRANT_FULL") != "" {
		stride = 1
	}
	for _, test := range []struct {
		command string
		want    int // assignments, and scopes, in the end
	}{{"apply", 1}, {"revoke", 0}, {"audit", 1}} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL} {
			t.Run(test.command+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				for n, finished := 1, false; !finished; n += stride {
					e := newEndpoint(t)
					if test.command != "apply" {
						e.mustRun(t, "apply")
					}
					finished = e.signal(t, test.command, n, signal)
					if test.command != "audit" {
						e.mustRun(t, test.command)
					}
					if assignments, scopes := e.ours(t); assignments != test.want || scopes != test.want {
						t.Errorf("request %d: %d assignments, %d scopes, want %d", n, assignments, scopes, test.want)
					}
				}
			})
		}
	}
}

// process is this program as one, at the endpoint.
func (e *endpoint) process(args ...string) *exec.Cmd {
	process := exec.Command(os.Args[0], args...)
	process.Args[0] = "exgrant" // by this name the test's program is exgrant
	process.Env = append(os.Environ(), "EXGRANT_SERVER="+e.url, "EXGRANT_AUTH=basic", "EXGRANT_LOGON=administrator",
		"EXGRANT_PASSWORD="+scriptPassword)
	return process
}

// A second Ctrl-C ends the program at once: what was changed by then is told, and stands
// in the report. In a usual run it comes behind every third request.
func TestSecondSignal(t *testing.T) {
	t.Parallel() // it waits most of its time
	stride := 3
	if os.Getenv("EXGRANT_FULL") != "" {
		stride = 1
	}
	told := 0
	for n, finished := 1, false; !finished; n += stride {
		e := newEndpoint(t)
		file := filepath.Join(t.TempDir(), "report.json")
		process := e.process(append([]string{"apply", "--report", file}, agreed...)...)
		var output bytes.Buffer
		process.Stdout, process.Stderr = &output, &output
		started := make(chan struct{})
		interrupt := func() {
			<-started
			_ = process.Process.Signal(syscall.SIGINT) // it may have ended
		}
		e.behind(n, func() {
			interrupt()
			e.requests, e.end = 1, func() { // behind the next one, too; the lock is held
				time.Sleep(oneSignal + 50*time.Millisecond)
				interrupt()
			}
		})
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		_ = process.Wait() // the state says it
		e.behind(0, nil)
		finished = process.ProcessState.ExitCode() == exitDone
		assignments, _ := e.ours(t)
		record, _ := os.ReadFile(file) // it need not be there
		text := output.String()
		if strings.Contains(text, "given up") && assignments == 1 {
			told++
			if !strings.Contains(text, "changed: ") && !strings.Contains(text, "unknown: ") {
				t.Errorf("request %d: it does not say what was changed:\n%s", n, text)
			}
			if !bytes.Contains(record, []byte("Remove-ManagementRoleAssignment")) && !bytes.Contains(record, []byte("change-unknown")) {
				t.Errorf("request %d: the report does not say what was changed:\n%s", n, record)
			}
		}
		e.mustRun(t, "apply")
	}
	t.Logf("%d ends told a grant that stands", told)
}

// One signal that comes twice at once, as timeout(1) sends it, is one: the program cleans up.
func TestSignalTwiceAtOnce(t *testing.T) {
	e := newEndpoint(t)
	process := e.process(append([]string{"apply"}, agreed...)...)
	var output bytes.Buffer
	process.Stdout, process.Stderr = &output, &output
	started := make(chan struct{})
	e.behind(6, func() {
		<-started
		for range 2 {
			_ = process.Process.Signal(syscall.SIGTERM)
			time.Sleep(20 * time.Millisecond) // or the system makes one of the two
		}
	})
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = process.Wait() // the state says it
	e.behind(0, nil)
	if text := output.String(); strings.Contains(text, "given up") || !strings.Contains(text, "interrupted: ") {
		t.Errorf("%v\n%s", process.ProcessState, text)
	}
	if shells := e.server.Shells(); shells != 0 {
		t.Errorf("%d shells are left", shells)
	}
}

// signal runs a command as a process and signals it behind its nth request. It
// reports whether the process had come to its end by then.
func (e *endpoint) signal(t *testing.T, command string, n int, signal syscall.Signal) (finished bool) {
	t.Helper()
	args := []string{command}
	if command != "audit" {
		args = append(args, agreed...)
	}
	process := e.process(args...)
	var output bytes.Buffer
	process.Stdout, process.Stderr = &output, &output
	started := make(chan struct{})
	e.behind(n, func() {
		<-started
		_ = process.Process.Signal(signal) // it may have ended
	})
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = process.Wait() // the state says it
	e.behind(0, nil)

	state := process.ProcessState
	switch {
	case state.ExitCode() == exitDone:
		finished = true
	case signal != syscall.SIGKILL && state.ExitCode() != exitInterrupted:
		t.Errorf("request %d: %v\n%s", n, state, output.String())
	case signal != syscall.SIGKILL && !strings.Contains(output.String(), "interrupted"):
		t.Errorf("request %d: it does not say that it was interrupted:\n%s", n, output.String())
	case signal != syscall.SIGKILL && !strings.Contains(output.String(), "cleaning up; Ctrl-C again gives up"):
		t.Errorf("request %d: it does not say that it cleans up:\n%s", n, output.String())
	}
	if form := leaks(output.String()); form != "" {
		t.Errorf("request %d: it prints %q", n, form)
	}
	if signal == syscall.SIGKILL {
		e.later.Store(int64(psrpd.DefaultIdleTimeout + time.Minute))
	}
	shells := e.server.Shells()
	for tries := 0; signal == syscall.SIGKILL && shells != 0 && tries < 50; tries++ {
		// The server was at a request yet when the time was put forward.
		time.Sleep(20 * time.Millisecond)
		e.later.Add(int64(psrpd.DefaultIdleTimeout + time.Minute))
		shells = e.server.Shells()
	}
	if shells != 0 {
		t.Errorf("request %d: %d shells are left\n%s", n, shells, output.String())
	}
	return finished
}
