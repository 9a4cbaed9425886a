package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A plan, a question and an apply need one shell and one PowerShell, and two requests
// for each command.
func TestWinRSRequests(t *testing.T) {
	w := startWinRS(t, winrsd.Config{})
	s := w.shell(t, ShellOptions{})
	for _, name := range []string{"anna", "ben", "boss"} {
		objects(t, s, call("Get-User", exchange.Param{Name: "Identity", Value: exchange.String(name)}))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	actions := strings.Join(w.actions(), " ")
	if strings.Count(actions, "Create") != 1 || strings.Count(actions, "Command") != 1 || strings.Count(actions, "Send") != 6 { // Receives: as many as the server is slow
		t.Error(actions)
	}
	w.nothingLeft(t)
}

// Whatever is cut, and at whatever request: what reads is done in the end, what changes
// is done once or told as lost; and no process and no shell is left.
func TestWinRSCut(t *testing.T) {
	kinds := []psrpd.FaultKind{psrpd.Refuse, psrpd.CutBefore, psrpd.CutDuring, psrpd.CutAfter, psrpd.Truncate}
	const requests = 12 // Create, Command, Send, Receives, and Send and Receive for each command, Send, Receive, Delete
	for i, kind := range kinds {
		for n := 1; n <= requests; n++ {
			if (n+i)%3 != 0 && os.Getenv("EXGRANT_FULL") == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", kind, n), func(t *testing.T) { cutAt(t, kind, n) })
		}
	}
}

func cutAt(t *testing.T, kind psrpd.FaultKind, n int) {
	w := startWinRS(t, winrsd.Config{Faults: psrpd.FaultPlan{n: {Kind: kind}}})
	s := w.shell(t, ShellOptions{})
	path := filepath.Join(t.TempDir(), "changed")
	if list, _ := objects(t, s, call("Get-TrialObject", exchange.Param{Name: "Count", Value: exchange.Int(3)})); len(list) != 3 {
		t.Errorf("%d objects", len(list))
	}
	_, err := s.Invoke(t.Context(), call("Set-Trial", exchange.Param{Name: "Path", Value: exchange.String(path)}), nil)
	text, _ := os.ReadFile(path)
	var lost *exchange.LostReplyError
	switch {
	case err == nil && string(text) != "x":
		t.Errorf("it was done %d times", len(text))
	case err != nil && (!errors.As(err, &lost) || len(text) > 1):
		t.Errorf("%v, and it was done %d times", err, len(text))
	}
	if list, _ := objects(t, s, call("Get-TrialObject", exchange.Param{Name: "Count", Value: exchange.Int(1)})); len(list) != 1 {
		t.Errorf("%d objects", len(list))
	}
	_ = s.Close(t.Context())
	w.nothingLeft(t)
}

// A cancel at any request ends the shell with what runs in it.
func TestWinRSCancel(t *testing.T) {
	for n := 1; n <= 8; n++ {
		if n%3 != 0 && os.Getenv("EXGRANT_FULL") == "" {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := startWinRS(t, winrsd.Config{Faults: psrpd.FaultPlan{n: {Kind: psrpd.Delay, Delay: time.Hour}}})
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			s := w.shell(t, ShellOptions{})
			s.patience = 2 * time.Second
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(3*time.Second, cancel)
			begun := time.Now()
			_, err := s.Invoke(ctx, call("Get-TrialWait", exchange.Param{Name: "Path", Value: exchange.String(filepath.Join(t.TempDir(), "begun"))}), nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			_ = s.Close(t.Context())
			if took := time.Since(begun); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			w.nothingLeft(t)
		})
	}
}

func TestWinRSQuota(t *testing.T) {
	w := startWinRS(t, winrsd.Config{MaxShells: 1})
	objects(t, w.shell(t, ShellOptions{}), call("Get-TrialProcess"))
	if _, err := w.shell(t, ShellOptions{}).Invoke(t.Context(), call("Get-TrialProcess"), nil); err == nil || fault.Of(err).ID != fault.ConnectQuota {
		t.Errorf("a shell too many: %v", err)
	}
}

// A shell that went while somebody thought is replaced, also for what changes
// something; one that rested long is not relied on.
func TestWinRSIdle(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	w := startWinRS(t, winrsd.Config{Now: clock})
	s := w.shell(t, ShellOptions{})
	path := filepath.Join(t.TempDir(), "changed")
	change := call("Set-Trial", exchange.Param{Name: "Path", Value: exchange.String(path)})
	objects(t, s, change)
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	objects(t, s, change)
	s.used = time.Now().Add(-time.Hour)
	objects(t, s, change)
	if text, _ := os.ReadFile(path); string(text) != "xxx" {
		t.Errorf("%q", text)
	}
	if n := strings.Count(strings.Join(w.actions(), " "), "Create"); n != 3 {
		t.Errorf("%d shells", n)
	}
}

func TestWinRSSecondHop(t *testing.T) {
	w := startWinRS(t, winrsd.Config{})
	if _, err := NewWinRS(Target{Server: w.url}, Credential{Method: Basic, Username: simulatedUser}, ShellOptions{}); err == nil {
		t.Error("a log-on without a password is taken")
	}
	for message, want := range map[string]bool{
		"A specified logon session does not exist. It may already have been terminated.": true,
		"Eine angegebene Anmeldesitzung ist nicht vorhanden. (0x8009030e)":               true,
		"An operations error occurred. (Exception from HRESULT: 0x80072020)":             true,
		"only 64-bit Windows PowerShell can open it":                                     false,
	} {
		err := error(&Error{Doing: "opening a PowerShell", Err: newStageError("shell", exchange.ErrorRecord{Message: message}, true)})
		f := fault.Of(err)
		if got := f.ID == fault.ConnectAuth && strings.Contains(f.Message, "second hop") && strings.Contains(f.Hint, "delegation"); got != want {
			t.Errorf("%s: %+v", message, f)
		}
	}
}

// Nothing of a run is on a command line: it is one and the same for all, and short
// enough for cmd.exe, which takes 8191 characters.
func TestWinRSCommandLine(t *testing.T) {
	w := startWinRS(t, winrsd.Config{})
	s := w.shell(t, ShellOptions{})
	list, _ := objects(t, s, call("Get-TrialProcess"))
	line, err := os.ReadFile("/proc/" + list[0].Text("") + "/cmdline")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	if i := slices.Index(args, "-NoLogo"); i < 0 || !slices.Equal(args[i:], strings.Fields(powershellLine)[1:]) {
		t.Errorf("%q", args)
	}
}
