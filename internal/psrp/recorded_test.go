package psrp

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record what the real engine says in testdata")

// A peer is the server at the other end of a conversation.
type peer interface {
	begin(id GUID)                     // a pipeline's stream
	data(id GUID, fragments ...[]byte) // to the pool (zeros) or a pipeline
	next(id GUID) []byte               // that comes from it
	end(id GUID)                       // of a pipeline's stream
}

func open(t *testing.T, s peer, c PoolConfig) *ClientPool {
	t.Helper()
	pool := NewClientPool(c)
	out, err := pool.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.data(GUID{}, out...)
	for pool.State() != PoolOpened {
		reply, err := pool.Receive(s.next(GUID{}))
		if err != nil {
			t.Fatal(err)
		}
		s.data(GUID{}, reply...)
	}
	return pool
}

// run runs a pipeline to its end and returns its events.
func run(t *testing.T, s peer, pool *ClientPool, id GUID, what PowerShell) (*ClientPipeline, []Event) {
	t.Helper()
	pipeline, out, err := pool.NewPipeline(id, what)
	if err != nil {
		t.Fatal(err)
	}
	s.begin(id)
	s.data(id, out...)
	var events []Event
	for !pipeline.State().Ended() {
		reply, err := pipeline.Receive(s.next(id), func(e Event) error { events = append(events, e); return nil })
		if err != nil {
			t.Fatal(err)
		}
		s.data(id, reply...)
	}
	s.end(id)
	return pipeline, events
}

// A recorder keeps what goes to and comes from a peer.
type recorder struct {
	peer
	lines bytes.Buffer
}

func (r *recorder) data(id GUID, fragments ...[]byte) {
	if len(fragments) > 0 {
		fmt.Fprintf(&r.lines, "client %s %s\n", id, base64.StdEncoding.EncodeToString(slices.Concat(fragments...)))
	}
	r.peer.data(id, fragments...)
}

func (r *recorder) next(id GUID) []byte {
	data := r.peer.next(id)
	fmt.Fprintf(&r.lines, "server %s %s\n", id, base64.StdEncoding.EncodeToString(data))
	return data
}

var recording = filepath.Join("testdata", "engine.txt")

func (r *recorder) save(t *testing.T) {
	if err := os.WriteFile(recording, r.lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A replay is a peer that says what was recorded, and holds the client to what it
// said then, byte for byte.
type replay struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (r *replay) begin(GUID) {}
func (r *replay) end(GUID)   {}

// take reads the next line, which must be of this side and stream.
func (r *replay) take(side string, id GUID) []byte {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatal("the recording ends here")
	}
	fields := strings.Fields(r.lines.Text())
	if len(fields) != 3 || fields[0] != side || fields[1] != id.String() {
		r.t.Fatalf("%s %s comes where %.60q was recorded", side, id, r.lines.Text())
	}
	data, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *replay) data(id GUID, fragments ...[]byte) {
	r.t.Helper()
	if len(fragments) == 0 {
		return
	}
	want, got := r.take("client", id), slices.Concat(fragments...)
	if !bytes.Equal(want, got) {
		r.t.Fatalf("the client says something else than what the real server took (record anew with -update):\n%q\n%q", got, want)
	}
}

func (r *replay) next(id GUID) []byte {
	r.t.Helper()
	return r.take("server", id)
}

// What the real engine said once is understood without it.
func TestRecordedServer(t *testing.T) {
	f, err := os.Open(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	converse(t, &replay{t, lines})
	if lines.Scan() {
		t.Errorf("the recording goes on: %.60q", lines.Text())
	}
}

// Whatever bytes come, a pool and a server say what is wrong, and keep little.
func FuzzPools(f *testing.F) {
	client, server := NewClientPool(PoolConfig{ID: GUID{1}}), NewServerPool(ServerConfig{PSVersion: "5.1"})
	out, err := client.Open()
	if err != nil {
		f.Fatal(err)
	}
	reply, err := server.Receive(slices.Concat(out...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Concat(out...), slices.Concat(reply...))
	f.Fuzz(func(t *testing.T, toServer, toClient []byte) {
		limits := Limits{MaxMessage: 1 << 14, MaxPartial: 2}
		server := NewServerPool(ServerConfig{PSVersion: "5.1", Limits: limits})
		if _, err := server.Receive(toServer); (err != nil) != (server.State() == PoolBroken) {
			t.Errorf("server: state %s, %v", server.State(), err)
		}
		client := NewClientPool(PoolConfig{ID: GUID{1}, Limits: limits})
		if _, err := client.Open(); err != nil {
			t.Fatal(err)
		}
		_, err := client.Receive(toClient)
		if err != nil && client.State() != PoolBroken {
			t.Errorf("client: state %s, %v", client.State(), err)
		}
		if held := server.in.held + client.in.held; held > 2*limits.MaxMessage {
			t.Errorf("%d bytes are kept", held)
		}
	})
}

func FuzzServerPipeline(f *testing.F) {
	client, server := NewClientPool(PoolConfig{ID: GUID{1}}), NewServerPool(ServerConfig{PSVersion: "5.1"})
	out, err := client.Open()
	if err != nil {
		f.Fatal(err)
	}
	reply, err := server.Receive(slices.Concat(out...))
	if err == nil {
		_, err = client.Receive(slices.Concat(reply...))
	}
	if err != nil {
		f.Fatal(err)
	}
	pipeline, out, err := client.NewPipeline(pipelineID, PowerShell{Statements: [][]Command{{{Text: "Get-It", Arguments: []Argument{{"A", "b"}}}}}})
	if err != nil {
		f.Fatal(err)
	}
	input, err := pipeline.Input("x")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Concat(out...))
	f.Add(slices.Concat(slices.Concat(out...), slices.Concat(input...), slices.Concat(pipeline.EndInput()...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		ran, err := server.NewPipeline(pipelineID)
		if err != nil {
			t.Fatal(err)
		}
		var asked int
		err = ran.Receive(data, func(r Request) error { asked++; return nil })
		if asked > 0 && ran.State() != running || asked == 0 && err == nil && ran.State() != notStarted {
			t.Errorf("%d requests, state %s, %v", asked, ran.State(), err)
		}
	})
}
