package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const simulatedUser, simulatedPassword = `CONTOSO\administrator`, "Secr3t-O'Brien-\u00e4"

// trialPwsh is the real engine, with modules of its own and the commands of
// testdata/Trial.
func trialPwsh(t *testing.T, modules ...string) string {
	t.Helper()
	pwsh := peers.Pwsh(t)
	trial, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pwsh")
	text := fmt.Sprintf("#!/bin/sh\nPSModulePath='%s' exec '%s' \"$@\"\n", strings.Join(append(modules, trial), ":"), pwsh)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func organization(t *testing.T, scenario string) *exchangesim.Organization {
	t.Helper()
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return exchangesim.New(s, exchangesim.Options{})
}

// A winrsServer is the simulated WinRM of a simulated organization.
type winrsServer struct {
	*winrsd.Server
	url string
	org *exchangesim.Organization

	mu       sync.Mutex
	requests []psrpd.Event
	behind   func(n int) // is told of each request behind it; may be nil
}

func startWinRS(t *testing.T, c winrsd.Config) *winrsServer {
	t.Helper()
	w := &winrsServer{org: organization(t, "plain")}
	c.Organization, c.Pwsh = w.org, trialPwsh(t)
	if c.Password == "" {
		c.Password = simulatedPassword
	}
	c.Events = func(e psrpd.Event) {
		w.mu.Lock()
		w.requests = append(w.requests, e)
		behind := w.behind
		w.mu.Unlock()
		if behind != nil {
			behind(e.N)
		}
	}
	w.Server = winrsd.New(c)
	h := httptest.NewServer(w.Server)
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
		w.Server.Close()
	})
	w.url = h.URL + "/wsman"
	return w
}

func (w *winrsServer) actions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.requests {
		list = append(list, e.Action)
	}
	return list
}

func (w *winrsServer) shell(t *testing.T, o ShellOptions) *Shell {
	t.Helper()
	s, err := NewWinRS(Target{Server: w.url, Timeout: 10 * time.Second}, Credential{Method: Basic, Username: simulatedUser, Password: NewSecret(simulatedPassword)}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// nothingLeft holds that no shell, process or session of Exchange stayed.
func (w *winrsServer) nothingLeft(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for w.Shells() > 0 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if n := w.Shells(); n > 0 {
		t.Errorf("%d shells left, with %d processes", n, w.Processes())
	}
}

// localShell is a PowerShell of this computer that has the commands of a simulated
// organization, as a management shell has.
func localShell(t *testing.T) *Shell { return localShellOf(t, "plain") }

func localShellOf(t *testing.T, scenario string) *Shell {
	t.Helper()
	org := organization(t, scenario)
	dir := t.TempDir()
	pwsh := trialPwsh(t, dir)
	server, err := scriptproxy.Start(org.Session(exchangesim.SessionOptions{}), org.Clock(), "127.0.0.1:0", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s, err := NewLocal(Target{}, ShellOptions{Pwsh: pwsh})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// eachShell tests what is the same wherever the PowerShell runs.
func eachShell(t *testing.T, test func(t *testing.T, s *Shell)) {
	t.Run("local", func(t *testing.T) { test(t, localShell(t)) })
	t.Run("winrs", func(t *testing.T) {
		w := startWinRS(t, winrsd.Config{})
		s := w.shell(t, ShellOptions{})
		test(t, s)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		w.nothingLeft(t)
		if n := w.SessionsLeft(); n > 0 && !strings.Contains(t.Name(), "Ends") && !strings.Contains(t.Name(), "ForGood") {
			t.Errorf("%d sessions of Exchange were not removed", n)
		}
	})
}

func call(cmdlet string, params ...exchange.Param) exchange.Pipeline {
	return exchange.Pipeline{{Cmdlet: cmdlet, Params: params}}
}

func objects(t *testing.T, s Session, p exchange.Pipeline) ([]exchange.Object, exchange.Streams) {
	t.Helper()
	var list []exchange.Object
	streams, err := s.Invoke(t.Context(), p, func(o exchange.Object) error { list = append(list, o); return nil })
	if err != nil {
		t.Fatalf("%s: %v", p[0].Cmdlet, err)
	}
	return list, streams
}

// What a command gives comes as PowerShell remoting gives it, whatever else the command
// does to its PowerShell.
func TestShellCommands(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		list, _ := objects(t, s, call("Get-TrialObject", exchange.Param{Name: "Count", Value: exchange.Int(5000)}))
		if len(list) != 5000 || list[4999].Text("Number") != "5000" {
			t.Fatalf("%d objects", len(list))
		}
		want := exchange.Object{TypeName: "System.Management.Automation.PSCustomObject", Properties: []exchange.Property{
			{Name: "Name", Value: "object 1 \\u00e4 漢 ' \"<&>"}, {Name: "Number", Value: int64(1)}, {Name: "Flag", Value: true},
			{Name: "Guid", Value: exchange.GUID("00000000-0000-0000-0000-0000000000aa")}, {Name: "List", Value: []string{"a", "b"}}, {Name: "One", Value: []string{"a"}},
			{Name: "None", Value: []string(nil)}, {Name: "Nothing", Value: nil}, {Name: "Day", Value: "Monday"},
			{Name: "When", Value: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, {Name: "Version", Value: "15.2"}, {Name: "Big", Value: int64(9007199254740993)},
		}}
		if diff := cmp.Diff(want, list[0]); diff != "" {
			t.Error(diff)
		}

		list, streams := objects(t, s, call("Get-TrialTrouble"))
		if len(list) != 1 || len(streams.Errors) != 2 || streams.Failed || len(streams.Warnings) != 1 || streams.Warnings[0] != "careful" {
			t.Fatalf("%+v %+v", list, streams)
		}
		first := exchange.ErrorRecord{FullyQualifiedErrorID: "FirstId,Get-TrialTrouble", ExceptionType: "Microsoft.PowerShell.Commands.WriteErrorException",
			Category: "ObjectNotFound", Reason: "WriteErrorException", Activity: "Write-Error", TargetName: "anna", Message: "first"}
		if diff := cmp.Diff(first, streams.Errors[0]); diff != "" {
			t.Error(diff)
		}
		_, streams = objects(t, s, call("Get-TrialTrouble", exchange.Param{Name: "Ends", Value: exchange.Switch(true)}))
		if !streams.Failed || len(streams.Errors) != 2 || streams.Errors[1].ExceptionType != "System.InvalidOperationException" {
			t.Errorf("%+v", streams)
		}
		_, streams = objects(t, s, call("Get-NoSuchThing"))
		if !streams.Failed || len(streams.Errors) != 1 || streams.Errors[0].FullyQualifiedErrorID != "CommandNotFoundException" {
			t.Errorf("%+v", streams)
		}

		if list, _ = objects(t, s, call("Get-TrialNoise")); len(list) != 1 || list[0].Text("") != "the object" {
			t.Errorf("%+v", list)
		}
		list, streams = objects(t, s, call("Get-TrialInput"))
		if len(list) != 1 || list[0].Text("") != "nothing" || len(streams.Errors) != 1 {
			t.Errorf("a command that reads standard input: %+v %+v", list, streams)
		}
		if list, _ = objects(t, s, call("Get-User", exchange.Param{Name: "Identity", Value: exchange.String("anna")})); len(list) != 1 {
			t.Errorf("the one behind it: %+v", list)
		}
		if mode, err := s.LanguageMode(t.Context()); mode != "FullLanguage" || err != nil {
			t.Errorf("%q %v", mode, err)
		}
	})
}

// A value arrives as it is, whatever PowerShell would make of its text.
func TestShellValues(t *testing.T) {
	texts := []string{"", "anna", " ' \" ` $(1) $true ; | & %", "O'Brien ‘x’ ‚y‛", "2026-01-02T03:04:05Z", "/Date(1700000000000)/", "漢字 \U0001F600", `\u0041 \n`, "-Identity", "{a:1}"}
	s := localShell(t)
	for _, text := range texts {
		list, streams := objects(t, s, call("Get-TrialEcho", exchange.Param{Name: "Text", Value: exchange.String(text)}, exchange.Param{Name: "List", Value: exchange.Strings{text}},
			exchange.Param{Name: "Flag", Value: exchange.Bool(true)}, exchange.Param{Name: "On", Value: exchange.Switch(true)},
			exchange.Param{Name: "Number", Value: exchange.Int(9007199254740993)}, exchange.Param{Name: "Nothing", Value: exchange.Null{}}))
		want := exchange.Object{TypeName: "System.Management.Automation.PSCustomObject", Properties: []exchange.Property{{Name: "Text", Value: text},
			{Name: "List", Value: []string{text}}, {Name: "Flag", Value: true}, {Name: "On", Value: true}, {Name: "Number", Value: int64(9007199254740993)}, {Name: "Nothing", Value: true}}}
		if len(list) != 1 || len(streams.Errors) > 0 {
			t.Fatalf("%q: %+v", text, streams)
		}
		if diff := cmp.Diff(want, list[0]); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	list, _ := objects(t, s, call("Get-TrialEcho", exchange.Param{Name: "List", Value: exchange.Strings(texts)}, exchange.Param{Name: "On", Value: exchange.Switch(false)}))
	if diff := cmp.Diff(texts, list[0].Strings("List")); diff != "" || list[0].Bool("On") {
		t.Error(diff)
	}
	for _, bad := range []exchange.Pipeline{nil, append(call("Get-User"), call("Get-User")...), call("Get-User", exchange.Param{Name: "Identity", Value: exchange.String("a\x00b")})} {
		if _, err := s.Invoke(t.Context(), bad, nil); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// A cancel stops the command, which cleans up; the PowerShell goes on. Closed, it is
// gone with all that it started.
func TestShellCancel(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		path := filepath.Join(t.TempDir(), "begun")
		cancelled(t, s, path, "Get-TrialWait")
		if _, err := os.Stat(path + ".end"); err != nil {
			t.Errorf("the command did not clean up: %v", err)
		}
		list, _ := objects(t, s, call("Get-TrialProcess"))
		pid, _ := os.ReadFile(path)
		if len(list) != 1 || list[0].Text("") != string(pid) {
			t.Errorf("the PowerShell was %s and is %+v", pid, list)
		}
		_ = s.Close(t.Context())
		gone(t, string(pid))
	})
}

// A command that does not let itself be stopped ends with its PowerShell.
func TestShellCancelForGood(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		s.patience = time.Second
		path := filepath.Join(t.TempDir(), "begun")
		cancelled(t, s, path, "Get-TrialDeaf")
		pid, _ := os.ReadFile(path)
		gone(t, string(pid))
		if list, _ := objects(t, s, call("Get-TrialProcess")); len(list) != 1 || list[0].Text("") == string(pid) {
			t.Errorf("%+v", list)
		}
	})
}

// cancelled cancels a command when it has written its process to a file.
func cancelled(t *testing.T, s *Shell, path, cmdlet string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if text, _ := os.ReadFile(path); len(text) > 0 {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	_, err := s.Invoke(ctx, call(cmdlet, exchange.Param{Name: "Path", Value: exchange.String(path)}), nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func gone(t *testing.T, pid string) {
	t.Helper()
	if _, err := os.Stat("/proc/" + pid); err == nil || pid == "" {
		t.Errorf("process %s is left", pid)
	}
}

// An error of yield ends the command; a panic too, and comes through.
func TestShellRefusal(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		enough := errors.New("enough")
		many := call("Get-TrialObject", exchange.Param{Name: "Count", Value: exchange.Int(50)})
		if _, err := s.Invoke(t.Context(), many, func(exchange.Object) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("%v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is lost")
				}
			}()
			_, _ = s.Invoke(t.Context(), many, func(exchange.Object) error { panic("yield") })
		}()
		if list, _ := objects(t, s, many); len(list) != 50 {
			t.Errorf("%d objects", len(list))
		}
	})
}

// A PowerShell that ends under a command is replaced for what only reads; what may have
// changed something is told as lost.
func TestShellEnds(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		_, err := s.Invoke(t.Context(), call("Get-TrialEnd"), nil)
		if err == nil || !strings.Contains(err.Error(), "ended before it was done") || !strings.Contains(err.Error(), "last words") {
			t.Errorf("%v", err)
		}
		if list, _ := objects(t, s, call("Get-TrialObject", exchange.Param{Name: "Count", Value: exchange.Int(1)})); len(list) != 1 {
			t.Errorf("%+v", list)
		}
	})
}

// A session's own settings are made again in the PowerShell that replaces one.
func TestShellSettings(t *testing.T) {
	s := localShell(t)
	view := func() bool {
		list, _ := objects(t, s, call("Get-ADServerSettings"))
		return len(list) == 1 && list[0].Bool("ViewEntireForest")
	}
	objects(t, s, call("Set-ADServerSettings", exchange.Param{Name: "ViewEntireForest", Value: exchange.Bool(true)}))
	before := view()
	_, _ = s.Invoke(t.Context(), call("Get-TrialEnd"), nil)
	if !before || !view() {
		t.Errorf("the whole forest is seen: %v, and again: %v", before, view())
	}
}
