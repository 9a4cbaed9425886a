package psrp

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A server is the real engine's own PSRP server, which talks over its standard
// input and output: packets in single lines of XML, each acknowledged. It takes
// each packet in a thread of its own, so that the next must wait for the
// acknowledgement.
type server struct {
	t       *testing.T
	in      io.WriteCloser
	packets chan packet
	waiting []packet // data that came before its turn
}

type packet struct {
	kind string // Data, CommandAck, …
	pipe string // the pipeline's GUID; zeros for the pool
	data []byte
}

var packetLine = regexp.MustCompile(`^<(\w+)(?: Stream='\w+')? PSGuid='([0-9a-fA-F-]+)' ?(?:/>|>([^<]*)</)`)

func startServer(t *testing.T) *server {
	cmd := exec.Command(peers.Pwsh(t), "-s", "-NoProfile", "-NoLogo")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, in: in, packets: make(chan packet, 64)}
	go s.read(out)
	t.Cleanup(func() {
		in.Close()
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		for range s.packets { // so that the reader ends
		}
		_ = cmd.Wait()
	})
	return s
}

func (s *server) read(out io.Reader) {
	defer close(s.packets)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if m := packetLine.FindStringSubmatch(line); m != nil {
			data, err := base64.StdEncoding.DecodeString(m[3])
			if err != nil {
				return
			}
			s.packets <- packet{m[1], strings.ToUpper(m[2]), data}
		}
	}
}

func (s *server) write(format string, args ...any) {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, format+"\n", args...); err != nil {
		s.t.Fatal(err)
	}
}

// data sends fragments and waits until they are taken.
func (s *server) data(id GUID, fragments ...[]byte) {
	s.t.Helper()
	if len(fragments) == 0 {
		return
	}
	s.write("<Data Stream='Default' PSGuid='%s'>%s</Data>", id, base64.StdEncoding.EncodeToString(slices.Concat(fragments...)))
	s.acknowledged("DataAck", id)
}

func (s *server) acknowledged(kind string, id GUID) {
	s.t.Helper()
	for {
		p := s.packet()
		if p.kind == kind && p.pipe == id.String() {
			return
		}
		s.waiting = append(s.waiting, p)
	}
}

// next returns the next data for the pool or a pipeline.
func (s *server) next(id GUID) []byte {
	s.t.Helper()
	for i, p := range s.waiting {
		if p.kind == "Data" && p.pipe == id.String() {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			return p.data
		}
	}
	for {
		p := s.packet()
		if p.kind == "Data" && p.pipe == id.String() {
			return p.data
		}
		s.waiting = append(s.waiting, p)
	}
}

func (s *server) packet() packet {
	s.t.Helper()
	select {
	case p, ok := <-s.packets:
		if !ok {
			s.t.Fatal("the engine ended")
		}
		return p
	case <-time.After(60 * time.Second):
		s.t.Fatal("the engine says nothing")
	}
	return packet{}
}

// begin starts a pipeline's stream.
func (s *server) begin(id GUID) {
	s.t.Helper()
	s.write("<Command PSGuid='%s' />", id)
	s.acknowledged("CommandAck", id)
}

func (s *server) end(id GUID) {
	s.t.Helper()
	s.write("<Close PSGuid='%s' />", id)
	s.acknowledged("CloseAck", id)
}

func script(text string) PowerShell {
	return PowerShell{NoInput: true, Statements: [][]Command{{{Text: text, IsScript: true}}}}
}

func TestRealServer(t *testing.T) {
	recorded := &recorder{peer: startServer(t)}
	converse(t, recorded)
	if *update && !t.Failed() {
		recorded.save(t)
	}
}

// converse is what our client says to a real server, and what it must hear.
func converse(t *testing.T, s peer) {
	pool := open(t, s, PoolConfig{ID: GUID{7, 7}, MaxRunspaces: 1, MaxFragment: 300})
	if pool.ProtocolVersion() == "" || pool.PrivateData() == nil {
		t.Errorf("version %q, private data %v", pool.ProtocolVersion(), pool.PrivateData())
	}
	t.Run("structured commands", func(t *testing.T) {
		_, events := run(t, s, pool, GUID{1}, PowerShell{NoInput: true, Statements: [][]Command{{
			{Text: "Get-Command", Arguments: []Argument{{"Name", &clixml.Object{Value: &clixml.List{Items: []any{"Get-Command", "Get-Help"}}}}}},
			{Text: "Measure-Object"},
		}}})
		if len(events) != 1 || events[0].Type != PipelineOutput {
			t.Fatalf("events %+v", events)
		}
		if n, _ := integerField(events[0].Value.(*clixml.Object), "Count"); n != 2 {
			t.Errorf("%d commands, want 2", n)
		}
	})
	t.Run("every stream", func(t *testing.T) {
		pipeline, events := run(t, s, pool, GUID{2}, script(`
$WarningPreference = $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
'out'; $PSCmdlet; [Console]::Out | Out-Null
Write-Warning 'warned'; Write-Verbose 'told'; Write-Debug 'shown'; Write-Information 'informed'
Write-Error -Message 'broken' -ErrorId 'MyId' -Category InvalidData -TargetObject 'target'
Write-Progress -Activity 'a' -Status 's'
'é漢字😀' + "`+"`"+`u{1}"`))
		var got []string
		for _, e := range events {
			if e.Type == ProgressRecord || e.Value == nil {
				continue
			}
			got = append(got, fmt.Sprintf("%#x %s", uint32(e.Type), e.Message()))
			if r, ok := ReadErrorRecord(e.Value); e.Type == ErrorRecordMessage {
				if !ok || r.FullyQualifiedErrorID != "MyId,Microsoft.PowerShell.Commands.WriteErrorCommand" && r.FullyQualifiedErrorID != "MyId" ||
					r.Category != 6 || r.Message != "broken" || !slices.Contains(r.ExceptionTypes, "System.Exception") {
					t.Errorf("error record %+v", r)
				}
			}
		}
		want := []string{"0x41004 out", "0x41009 warned", "0x41008 told", "0x41007 shown", "0x41011 informed", "0x41005 broken", "0x41004 é漢字😀\x01"}
		if diff := cmp.Diff(want, got); diff != "" || pipeline.State() != Completed {
			t.Errorf("state %s, events (-want +got):\n%s", pipeline.State(), diff)
		}
	})
	t.Run("failure", func(t *testing.T) {
		pipeline, _ := run(t, s, pool, GUID{3}, script(`throw 'gone'`))
		if r, ok := pipeline.Failure(); pipeline.State() != Failed || !ok || r.Message != "gone" {
			t.Errorf("state %s, %+v", pipeline.State(), r)
		}
	})
	// A client that says it has no host is not even asked.
	t.Run("a question to the host", func(t *testing.T) {
		pipeline, events := run(t, s, pool, GUID{4}, script(`$Host.UI.PromptForChoice('c', 'm', [System.Management.Automation.Host.ChoiceDescription[]]@('&Yes', '&No'), 1)`))
		if len(events) != 1 || events[0].Type != ErrorRecordMessage || !pipeline.State().Ended() {
			t.Errorf("state %s, events %+v", pipeline.State(), events)
		}
	})
	t.Run("several statements and input", func(t *testing.T) {
		_, events := run(t, s, pool, GUID{5}, PowerShell{NoInput: true, Statements: [][]Command{{{Text: "1", IsScript: true}}, {{Text: "2", IsScript: true}}}})
		if len(events) != 2 || events[0].Value != int32(1) || events[1].Value != int32(2) {
			t.Errorf("events %+v", events)
		}
		input(t, s, pool)
	})
}

func input(t *testing.T, s peer, pool *ClientPool) {
	id := GUID{6}
	pipeline, out, err := pool.NewPipeline(id, PowerShell{Statements: [][]Command{{{Text: `process { "got $_" }`, IsScript: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	input, err := pipeline.Input(strings.Repeat("x", 1000))
	if err != nil {
		t.Fatal(err)
	}
	s.begin(id)
	s.data(id, out...)
	s.data(id, input...)
	s.data(id, pipeline.EndInput()...)
	var got string
	for !pipeline.State().Ended() {
		if _, err := pipeline.Receive(s.next(id), func(e Event) error { got += e.Message(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got != "got "+strings.Repeat("x", 1000) {
		t.Errorf("got %.40q…, %d bytes", got, len(got))
	}
}
