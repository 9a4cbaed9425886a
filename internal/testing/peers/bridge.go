package peers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A Bridge is the shared psrp_bridge.py in front of the real engine: a WSMan
// endpoint whose PSRP is PowerShell's own. It ends with its test.
type Bridge struct {
	URL string // http://127.0.0.1:PORT/wsman, or /PowerShell/ with --exchange

	stdin io.Closer
	log   *eventLog[BridgeEvent]
}

// A BridgeEvent is one line of the bridge's log. A field is zero in events that do
// not have it; Raw is the whole line. A request's event comes after its reply.
type BridgeEvent struct {
	Event         string         `json:"ev"` // listening, conn, request, engine-start, shell-closed, exit …
	N             int            `json:"n"`  // number of the request; counts requests with a body that passed authentication
	Action        string         `json:"action"`
	Path          string         `json:"path"`
	Shell         string         `json:"shell"`
	Command       string         `json:"command"`
	Code          string         `json:"code"` // of a Signal
	Conn          int            `json:"conn"` // the client's port
	In            int            `json:"in"`   // bytes
	Out           int            `json:"out"`  // bytes
	Status        int            `json:"status"`
	Fault         uint32         `json:"fault"`
	Done          bool           `json:"done"`
	Injected      string         `json:"injected"`
	ClientGone    bool           `json:"client_gone"`
	Cookie        bool           `json:"cookie"`
	Compressed    bool           `json:"compressed"`
	Why           string         `json:"why"`              // of shell-closed: delete, idle, broken …
	SOAPIn        string         `json:"soap_in"`          // with --log-soap
	SOAPOut       string         `json:"soap_out"`         // with --log-soap
	Requests      int            `json:"requests"`         // of exit
	ByAction      map[string]int `json:"by_action"`        // of exit
	ShellsLeft    []string       `json:"shells_left_open"` // of exit
	URL           string         `json:"url"`              // of listening
	Raw           string         `json:"-"`
	PSRPIn        [][2]any       `json:"psrp_in"`  // [message type, size]
	PSRPOut       [][2]any       `json:"psrp_out"` // [message type, size]
	FragmentCount int            `json:"fragments"`
}

// BridgeOptions are how a bridge is started.
type BridgeOptions struct {
	Args []string // flags of psrp_bridge.py, such as "--exchange", "--drop-after", "4"
	Env  []string // NAME=value, added to this process's environment; EXCHANGEORG_… sets up the organization
}

// StartBridge starts a bridge on a free port of the loopback interface and waits
// until it listens.
func StartBridge(t testing.TB, o BridgeOptions) *Bridge {
	t.Helper()
	script := Shared(t, "testbed", "psrp_bridge.py")
	args := append([]string{script, "--pwsh", Pwsh(t), "--exit-with-stdin"}, o.Args...)
	cmd := exec.Command(Program(t, "python3"), args...)
	cmd.Env = append(os.Environ(), o.Env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := new(strings.Builder)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &Bridge{stdin: stdin, log: newEventLog[BridgeEvent]()}
	go func() {
		defer close(b.log.ended)
		b.read(stdout)
		cmd.Wait() // the exit event says how it ended
	}()
	t.Cleanup(func() { b.end(cmd) })
	ready, ok := b.log.find(20*time.Second, func(e BridgeEvent) bool { return e.Event == "listening" })
	if !ok {
		b.end(cmd)
		t.Fatalf("psrp_bridge.py %s: did not come to listen: %s", strings.Join(o.Args, " "), stderr)
	}
	b.URL = ready.URL
	return b
}

func (b *Bridge) end(cmd *exec.Cmd) {
	b.stdin.Close()
	select {
	case <-b.log.ended:
	case <-time.After(10 * time.Second):
		cmd.Process.Kill()
		<-b.log.ended
	}
}

func (b *Bridge) read(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		e := BridgeEvent{Raw: strings.TrimSpace(line)}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			e.Event = fmt.Sprintf("unreadable: %v", err)
		}
		b.log.add(e)
	}
}

// Events returns what the bridge has logged so far.
func (b *Bridge) Events() []BridgeEvent {
	return b.log.all()
}

// WaitFor returns the first event, past or to come, that matches; one that does
// not come within 20 seconds fails the test.
func (b *Bridge) WaitFor(t testing.TB, what string, match func(BridgeEvent) bool) BridgeEvent {
	t.Helper()
	e, ok := b.log.find(20*time.Second, match)
	if !ok {
		t.Fatalf("the bridge did not log %s", what)
	}
	return e
}

// Stop ends the bridge and returns its last event: the requests by action, and the
// shells that were left open.
func (b *Bridge) Stop(t testing.TB) BridgeEvent {
	t.Helper()
	b.stdin.Close()
	return b.WaitFor(t, "its end", func(e BridgeEvent) bool { return e.Event == "exit" })
}
