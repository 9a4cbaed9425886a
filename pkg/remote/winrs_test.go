package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

const simulatedUser, simulatedPassword = `CONTOSO\administrator`, "Secr3t-O'Brien-\u00e4"

// A winrsServer is the simulated WinRM of a simulated organization.
type winrsServer struct {
	*winrsd.Server
	url string
	org *exchangesim.Organization

	mu       sync.Mutex
	requests []psrpd.Event
}

func startWinRS(t *testing.T, scenario string, c winrsd.Config) *winrsServer {
	t.Helper()
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	w := &winrsServer{org: exchangesim.New(s, exchangesim.Options{})}
	c.Organization, c.Pwsh = w.org, peers.Pwsh(t)
	if c.Password == "" {
		c.Password = simulatedPassword
	}
	c.Events = func(e psrpd.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.requests = append(w.requests, e)
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

func (w *winrsServer) runner(t *testing.T, o ScriptOptions) Runner {
	t.Helper()
	r, err := NewWinRS(Target{Server: w.url, Timeout: 10 * time.Second}, Credential{Method: Basic, Username: simulatedUser, Password: NewSecret(simulatedPassword)}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// nothingLeft holds that no shell, process, session or file of a run stayed.
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

func TestWinRSGrant(t *testing.T) {
	w := startWinRS(t, "plain", winrsd.Config{})
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := w.runner(t, ScriptOptions{})
	var steps []string
	for _, want := range []exchange.Outcome{exchange.Granted, exchange.AlreadyGranted} {
		s := grantScript(t, unattended)
		s.Progress = func(s exchange.Step) { steps = append(steps, s.ID) }
		result, err := r.Run(t.Context(), s)
		if err != nil || result.Report.Outcome != want || !result.ExitKnown || result.ExitCode != 0 {
			t.Fatalf("%v: %+v", err, result)
		}
	}
	if len(steps) < 8 {
		t.Errorf("progress %q", steps)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.nothingLeft(t)
	if n := w.SessionsLeft(); n > 0 {
		t.Errorf("%d sessions of Exchange were not removed", n)
	}
	t.Log(w.actions())
	if n := strings.Count(strings.Join(w.actions(), " "), "Create"); n != 1 {
		t.Errorf("%d shells for two scripts", n)
	}
}

func TestWinRSRefusedThere(t *testing.T) {
	signed := grantScript(t)
	signed.Text = append(signed.Text, "# SIG # Begin signature block\r\n# MII\r\n# SIG # End signature block\r\n"...)
	for _, test := range []struct {
		name   string
		config winrsd.Config
		o      ScriptOptions
		script Script
		fault  string
		want   []string
	}{
		{"not signed", winrsd.Config{}, ScriptOptions{RequireSigned: true}, grantScript(t), fault.Other, []string{"signature is not accepted", "NotSigned"}},
		{"broken signature", winrsd.Config{Signature: "HashMismatch"}, ScriptOptions{}, signed, fault.Other, []string{"HashMismatch"}},
		{"all signed", winrsd.Config{ExecutionPolicy: "AllSigned"}, ScriptOptions{}, signed, fault.Other, []string{"AllSigned", "Import-PSSession"}},
		{"restricted", winrsd.Config{ExecutionPolicy: "Restricted"}, ScriptOptions{RemoteExchange: true}, signed, fault.Other, []string{"Restricted", "no script may run"}},
		{"other password", winrsd.Config{ExchangePassword: "another"}, ScriptOptions{}, grantScript(t), fault.ConnectAuth, []string{"session of Exchange", "password is incorrect"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := startWinRS(t, "plain", test.config)
			r := w.runner(t, test.o)
			_, err := r.Run(t.Context(), test.script)
			var lost *exchange.LostReplyError
			if err == nil || fault.Of(err).ID != test.fault || errors.As(err, &lost) {
				t.Fatalf("%v: %+v", err, fault.Of(err))
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "O'Brien-") {
				t.Errorf("the password is told: %v", err)
			}
			_ = r.Close(t.Context())
			if n := w.SessionsLeft(); n > 0 {
				t.Errorf("%d sessions of Exchange were not removed", n)
			}
		})
	}
	w := startWinRS(t, "plain", winrsd.Config{})
	result, err := w.runner(t, ScriptOptions{RequireSigned: true}).Run(t.Context(), signed)
	if err != nil || result.Report.Outcome == "" {
		t.Errorf("a signed script: %v", err)
	}
}

// A script of 200 KB goes in and 30 MB of output come back, in bounded memory.
func TestWinRSLarge(t *testing.T) {
	w := startWinRS(t, "plain", winrsd.Config{})
	r := w.runner(t, ScriptOptions{RemoteExchange: true})
	noise := "$line = 'x' * 1023 + \"`n\"\r\nfor ($n = 0; $n -lt 30720; $n++) { [Console]::Out.Write($line) }\r\n"
	s := raw(noise + "# " + strings.Repeat("long ", 40<<10) + "\r\n" + rawRecord)
	result, err := r.Run(t.Context(), s)
	if err != nil || result.Report.Outcome != exchange.Audited || result.ExitCode != 3 {
		t.Fatalf("%v %+v", err, result)
	}
}

// Whatever is cut, and whenever: the run is done in the end or told as lost, run again
// it is done, and no process, shell or session is left.
func TestWinRSCut(t *testing.T) {
	quick := raw(rawRecord)
	for _, kind := range []psrpd.FaultKind{psrpd.Refuse, psrpd.CutDuring, psrpd.CutAfter, psrpd.Truncate} {
		for n := 1; n <= 5; n++ { // Create, Command, Send, Receive, Delete
			t.Run(fmt.Sprintf("%s %d", kind, n), func(t *testing.T) { cutAt(t, kind, n, quick, exchange.Audited) })
		}
	}
	for n := 1; n <= 12; n++ { // Create, Command, two Sends, Receives, Delete
		t.Run(fmt.Sprintf("%s %d", psrpd.CutBefore, n), func(t *testing.T) {
			cutAt(t, psrpd.CutBefore, n, grantScript(t, unattended), exchange.Granted, exchange.AlreadyGranted)
		})
	}
}

func cutAt(t *testing.T, kind psrpd.FaultKind, n int, s Script, outcomes ...exchange.Outcome) {
	t.Parallel()
	w := startWinRS(t, "plain", winrsd.Config{Faults: psrpd.FaultPlan{n: {Kind: kind}}})
	r := w.runner(t, ScriptOptions{})
	result, err := r.Run(t.Context(), s)
	var lost *exchange.LostReplyError
	switch {
	case err != nil && n <= 2:
		t.Errorf("what surely did not begin is not tried again: %v", err)
	case err != nil && !errors.As(err, &lost):
		t.Errorf("%v", err)
	}
	if err != nil {
		result, err = r.Run(t.Context(), s)
	}
	if err != nil || !slices.Contains(outcomes, result.Report.Outcome) {
		t.Errorf("%v: %+v", err, result)
	}
	_ = r.Close(t.Context())
	w.nothingLeft(t)
}

// A cancel ends the remote process and deletes the shell, at every request.
func TestWinRSCancel(t *testing.T) {
	for n := 1; n <= 5; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := startWinRS(t, "plain", winrsd.Config{Faults: psrpd.FaultPlan{n: {Kind: psrpd.Delay, Delay: time.Hour}}})
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			r := w.runner(t, ScriptOptions{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(time.Second, cancel)
			begun := time.Now()
			_, err := r.Run(ctx, raw("Start-Sleep -Seconds 600"))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			w.nothingLeft(t)
			_ = r.Close(t.Context())
		})
	}
}

func TestWinRSQuota(t *testing.T) {
	w := startWinRS(t, "plain", winrsd.Config{MaxShells: 1})
	first := w.runner(t, ScriptOptions{})
	s := raw(rawRecord)
	if _, err := first.Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := w.runner(t, ScriptOptions{}).Run(t.Context(), s); err == nil || fault.Of(err).ID != fault.ConnectQuota {
		t.Errorf("a shell too many: %v", err)
	}
}

// A shell that went while somebody thought is replaced.
func TestWinRSIdle(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	w := startWinRS(t, "plain", winrsd.Config{Now: clock})
	r := w.runner(t, ScriptOptions{})
	for range 2 {
		if _, err := r.Run(t.Context(), raw(rawRecord)); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		now = now.Add(time.Hour)
		mu.Unlock()
	}
}

func TestWinRSSecondHop(t *testing.T) {
	w := startWinRS(t, "plain", winrsd.Config{})
	_, err := NewWinRS(Target{Server: w.url}, Credential{Method: Basic, Username: simulatedUser}, ScriptOptions{})
	if err == nil {
		t.Error("a log-on without a password is taken")
	}
	for _, message := range []string{
		"A specified logon session does not exist. It may already have been terminated.",
		"Eine angegebene Anmeldesitzung ist nicht vorhanden. (0x8009030e)",
		"An operations error occurred. (Exception from HRESULT: 0x80072020)",
	} {
		f, _ := fault.Classify(fault.Evidence{Record: exchange.ErrorRecord{Message: message}})
		r := exchange.Report{Outcome: exchange.Failed, Steps: []exchange.Step{{ID: exchange.StepPreflight, Status: exchange.StatusFailed, Fault: &f}}}
		explainSecondHop(&r)
		got := r.Steps[0].Fault
		if got.Rule != "second-hop" || !strings.Contains(got.Message, "second hop") || !strings.Contains(got.Hint, "delegation") || strings.Contains(got.Message, "denied") {
			t.Errorf("%s: %+v", message, got)
		}
	}
	other := exchange.Fault{ID: fault.CmdletMissing, Message: "The term is not recognized"}
	r := exchange.Report{Outcome: exchange.Failed, Steps: []exchange.Step{{ID: exchange.StepPreflight, Status: exchange.StatusFailed, Fault: &other}}}
	explainSecondHop(&r)
	if r.Steps[0].Fault.Rule == "second-hop" {
		t.Error("any failure is taken for a second hop")
	}
}

// Nothing of a run is on a command line: it is one and the same for all, and short
// enough for cmd.exe, which takes 8191 characters.
func TestWinRSCommandLine(t *testing.T) {
	if len(powershellLine) > 2000 {
		t.Errorf("the command line has %d characters", len(powershellLine))
	}
	w := startWinRS(t, "plain", winrsd.Config{})
	r := w.runner(t, ScriptOptions{})
	done := make(chan error, 1)
	stop := t.TempDir() + "/stop"
	s := raw("while (-not [IO.File]::Exists($A)) { [Threading.Thread]::Sleep(50) }\r\n" + rawRecord)
	s.Parameters = []exchange.Param{{Name: "A", Value: exchange.String(stop)}}
	go func() { _, err := r.Run(t.Context(), s); done <- err }()
	seen := ""
	for range 200 {
		if seen = commandLines(t); strings.Contains(seen, "-EncodedCommand") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{simulatedPassword, "U2VjcjN0", "RecordMarker"} {
		if strings.Contains(seen, secret) {
			t.Errorf("%q is on a command line", secret)
		}
	}
}

// commandLines are those of all processes of this computer.
func commandLines(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	var b strings.Builder
	for _, e := range entries {
		line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		b.Write(line)
		b.WriteByte('\n')
	}
	return strings.ReplaceAll(b.String(), "\x00", " ")
}
