package wsman

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// recordedFaults are the whole envelopes in the shared corpus of errors.
func recordedFaults(t *testing.T) []string {
	file, err := os.Open(peers.Shared(t, "corpus", "errors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(record.Text, "<s:Envelope") && strings.HasSuffix(record.Text, "</s:Envelope>") {
			found = append(found, record.Text)
		}
	}
	if lines.Err() != nil || len(found) == 0 {
		t.Fatalf("%d envelopes, %v", len(found), lines.Err())
	}
	return found
}

// opened opens a runspace pool at the bridge, whose PSRP server is PowerShell.
func opened(t *testing.T, b *peers.Bridge, change ...func(*Config)) (*Shell, *psrp.ClientPool) {
	t.Helper()
	c := client(t, b.URL, change...)
	id, err := psrp.ParseGUID(testShell)
	if err != nil {
		t.Fatal(err)
	}
	pool := psrp.NewClientPool(psrp.PoolConfig{ID: id, MaxFragment: c.MaxPayload()})
	fragments, err := pool.Open()
	if err != nil {
		t.Fatal(err)
	}
	shell, err := c.Create(t.Context(), CreateRequest{ShellID: testShell, Payload: slices.Concat(fragments...)})
	if err != nil {
		t.Fatal(err)
	}
	for pool.State() != psrp.PoolOpened {
		got, err := shell.Receive(t.Context(), "")
		if err == nil {
			_, err = pool.Receive(got.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return shell, pool
}

// output runs a command and returns what it wrote, as text.
func output(t *testing.T, shell *Shell, pool *psrp.ClientPool, what psrp.PowerShell) []string {
	t.Helper()
	id, err := psrp.ParseGUID(testCommand)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, fragments, err := pool.NewPipeline(id, what)
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Command(t.Context(), testCommand, fragments[0]); err != nil {
		t.Fatal(err)
	}
	for _, f := range fragments[1:] {
		if err := shell.Send(t.Context(), testCommand, f); err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	for done := false; !done; {
		got, err := shell.Receive(t.Context(), testCommand)
		if err == nil {
			_, err = pipeline.Receive(got.Data, func(e psrp.Event) error {
				texts = append(texts, fmt.Sprint(e.Value))
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		done = got.Done
	}
	if pipeline.State() != psrp.Completed {
		t.Errorf("the pipeline is %s", pipeline.State())
	}
	return texts
}

func TestRealPowerShell(t *testing.T) {
	b := peers.StartBridge(t, peers.BridgeOptions{})
	shell, pool := opened(t, b, func(c *Config) { c.ResourceURI, c.MaxEnvelope = ResourcePowerShell, minEnvelope })
	script := psrp.PowerShell{NoInput: true, Statements: [][]psrp.Command{{{IsScript: true,
		Text: "# " + strings.Repeat("long ", 4000) + "\n'out'; Start-Sleep -Seconds 0; 'x' * 50000"}}}}
	got := output(t, shell, pool, script)
	if len(got) != 2 || got[0] != "out" || got[1] != strings.Repeat("x", 50000) {
		t.Errorf("%d objects: %.100q", len(got), got)
	}
	if err := shell.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	var fault *FaultError
	if _, err := shell.Receive(t.Context(), ""); !errors.As(err, &fault) || fault.Code != CodeInvalidSelectors {
		t.Errorf("after Delete: %v", err)
	}
	if end := b.Stop(t); len(end.ShellsLeft) != 0 {
		t.Errorf("shells left: %v", end.ShellsLeft)
	}
}

// An operation time-out is asked again, by the same shell, until there is output;
// a signal ends what runs; a reply that is lost says so.
func TestRealPowerShellWaitsAndStops(t *testing.T) {
	b := peers.StartBridge(t, peers.BridgeOptions{})
	shell, pool := opened(t, b, func(c *Config) { c.ResourceURI, c.OperationTimeout = ResourcePowerShell, 300*time.Millisecond })
	script := psrp.PowerShell{NoInput: true, Statements: [][]psrp.Command{{{IsScript: true, Text: "Start-Sleep -Milliseconds 900; 'late'"}}}}
	if got := output(t, shell, pool, script); len(got) != 1 || got[0] != "late" {
		t.Errorf("%q", got)
	}
	polls := 0
	for _, e := range b.Events() {
		if e.Action == "Receive" && e.Fault == CodeOperationTimeout {
			polls++
		}
	}
	if polls < 1 {
		t.Error("no Receive ran into its time-out")
	}
	id, err := psrp.ParseGUID(strings.Replace(testCommand, "1", "A", 1))
	if err != nil {
		t.Fatal(err)
	}
	pipeline, fragments, err := pool.NewPipeline(id, psrp.PowerShell{NoInput: true, Statements: [][]psrp.Command{{{IsScript: true, Text: "'begun'; Start-Sleep -Seconds 600"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Command(t.Context(), id.String(), slices.Concat(fragments...)); err != nil {
		t.Fatal(err)
	}
	// The engine may end altogether when it is to stop what it has not begun.
	for begun := false; !pipeline.State().Ended(); {
		got, err := shell.Receive(t.Context(), id.String())
		before := begun
		if err == nil {
			_, err = pipeline.Receive(got.Data, func(psrp.Event) error { begun = true; return nil })
		}
		if err == nil && begun && !before {
			err = shell.Signal(t.Context(), id.String(), SignalPowerShellStop)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if pipeline.State() != psrp.Stopped {
		t.Errorf("the pipeline is %s", pipeline.State())
	}
	if err := shell.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}

// The traps of a server that is not ready, as the bridge plays them.
func TestBridgeRefusals(t *testing.T) {
	tests := []struct {
		name string
		args []string
		is   func(error) bool
	}{
		{"Basic asked for", []string{"--basic", "alice:Passw0rd!"}, func(err error) bool {
			var h *HTTPError
			return errors.As(err, &h) && h.Status == 401 && slices.Equal(h.Offered, []string{"Basic"}) && Unsent(err)
		}},
		{"503", []string{"--http503", "1"}, func(err error) bool {
			var h *HTTPError
			return errors.As(err, &h) && h.Status == 503 && h.Title == "Service Unavailable" && h.Server != ""
		}},
		{"connection cut", []string{"--drop-before", "1"}, func(err error) bool {
			var n *NetworkError
			return errors.As(err, &n) && !Unsent(err)
		}},
		{"no roles", []string{"--deny", "authz"}, func(err error) bool {
			var f *FaultError
			return errors.As(err, &f) && f.Code == CodePlugin && f.Reason == "" && strings.Contains(f.ProviderText, "[FailureCategory=AuthZ-CmdletAccessDeniedException]")
		}},
		{"wrong resource", []string{"--exchange"}, func(err error) bool {
			var f *FaultError
			return errors.As(err, &f) && f.Code == CodeUnknownResource && f.Sender && f.Detail != ""
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := peers.StartBridge(t, peers.BridgeOptions{Args: test.args})
			_, err := client(t, b.URL, func(c *Config) { c.ResourceURI = ResourcePowerShell }).Create(t.Context(), CreateRequest{Payload: []byte("x")})
			if err == nil || !test.is(err) {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}

func TestIdentify(t *testing.T) {
	b := peers.StartBridge(t, peers.BridgeOptions{})
	got, err := client(t, b.URL).Identify(t.Context())
	if err != nil || got.Vendor != "Microsoft Corporation" || got.ProtocolVersion != nsWSMan {
		t.Errorf("%+v, %v", got, err)
	}
}
