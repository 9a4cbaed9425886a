package psrp

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/clixml"
)

var pipelineID = GUID{15: 1}

// openPair returns a client and a server whose pool is open.
func openPair(t *testing.T, fragment int) (*ClientPool, *ServerPool) {
	t.Helper()
	client := NewClientPool(PoolConfig{ID: GUID{1, 2, 3}, MaxRunspaces: 3, MaxFragment: fragment})
	server := NewServerPool(ServerConfig{MaxFragment: fragment, PSVersion: "5.1.1.1"})
	out, err := client.Open()
	if err != nil || client.State() != poolNegotiationSent {
		t.Fatalf("open: %v, state %s", err, client.State())
	}
	reply, err := server.Receive(slices.Concat(out...))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Receive(slices.Concat(reply...))
	if err != nil || len(answer) > 0 {
		t.Fatalf("answer %x, %v", answer, err)
	}
	if client.State() != PoolOpened || server.State() != PoolOpened {
		t.Fatalf("client %s, server %s", client.State(), server.State())
	}
	return client, server
}

func TestPairOpens(t *testing.T) {
	for _, fragment := range []int{0, 50, 1 << 16} {
		client, server := openPair(t, fragment)
		if client.ID() != server.ID() || server.MaxRunspaces() != 3 || client.ProtocolVersion() != "2.3" {
			t.Errorf("ids %s %s, %d runspaces, version %s", client.ID(), server.ID(), server.MaxRunspaces(), client.ProtocolVersion())
		}
		table, _ := clixml.Base(client.PrivateData()).(*clixml.Dictionary)
		if table == nil {
			t.Fatal("no private data")
		}
		if _, ok := table.Lookup("PSVersionTable"); !ok {
			t.Errorf("private data: %+v", table)
		}
	}
}

func TestPairRunsAPipeline(t *testing.T) {
	list := &clixml.Object{TypeNames: []string{"System.String[]"}, Value: &clixml.List{Items: []any{"a", "b"}}}
	what := PowerShell{NoInput: true, Statements: [][]Command{{
		{Text: "Get-Mailbox", Arguments: []Argument{{"Identity", "O'Brien & <Söhne>"}, {"Confirm", false}, {"ResultSize", int32(5)}, {"Members", list}, {"Nothing", nil}, {"", "positional"}}},
		{Text: "Select-Object"},
	}, {{Text: "1 + 1", IsScript: true}}}}
	for _, fragment := range []int{0, 64, 1 << 16} {
		client, server := openPair(t, fragment)
		pipeline, out, err := client.NewPipeline(pipelineID, what)
		if err != nil {
			t.Fatal(err)
		}
		ran, err := server.NewPipeline(pipelineID)
		if err != nil {
			t.Fatal(err)
		}
		var got []Request
		if err := ran.Receive(slices.Concat(out...), func(r Request) error { got = append(got, r); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].PowerShell == nil || ran.State() != running {
			t.Fatalf("requests %+v, state %s", got, ran.State())
		}
		clear := func(p *PowerShell) { p.Statements[0][0].Arguments[3].Value = nil } // compared below
		member := got[0].PowerShell.Statements[0][0].Arguments[3].Value
		clear(got[0].PowerShell)
		want := PowerShell{NoInput: true, Statements: [][]Command{slices.Clone(what.Statements[0]), what.Statements[1]}}
		want.Statements[0][0].Arguments = slices.Clone(want.Statements[0][0].Arguments)
		clear(&want)
		if diff := cmp.Diff(want, *got[0].PowerShell); diff != "" {
			t.Errorf("what arrived (-want +got):\n%s", diff)
		}
		if !slices.Equal(items(member), []any{"a", "b"}) {
			t.Errorf("the list arrived as %+v", member)
		}
		checkStreams(t, pipeline, ran)
	}
}

// checkStreams sends one of everything back.
func checkStreams(t *testing.T, client *ClientPipeline, server *ServerPipeline) {
	t.Helper()
	record := ErrorRecord{
		Message: "gone <>&", ExceptionTypes: []string{"Microsoft.Exchange.X", "System.Exception"}, FullyQualifiedErrorID: "[Server=EX01] 1,T",
		Category: 13, Activity: "Get-Mailbox", Reason: "X", TargetName: "t", TargetType: "String", CategoryMessage: "ObjectNotFound: (t:String) [Get-Mailbox], X",
	}
	var wire []byte
	add := func(f [][]byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		wire = append(wire, slices.Concat(f...)...)
	}
	add(server.Output("one"))
	add(server.Error(record))
	add(server.Inform(WarningRecord, "careful"))
	add(server.Inform(VerboseRecord, "details"))
	add(server.Inform(debugRecord, "more"))
	add(server.Ask(HostCall{ID: 7, Method: "PromptForChoice", Number: 26, Parameters: []any{"sure?"}}))
	add(server.Ask(HostCall{ID: voidCall, Method: "WriteLine2", Number: 16}))
	add(server.Output(nil))
	add(server.End(Failed, &record))

	var got []string
	var gotRecord ErrorRecord
	reply, err := client.Receive(wire, func(e Event) error {
		switch v := e.Value.(type) {
		case HostCall:
			got = append(got, "host call "+v.Method)
		case nil:
			got = append(got, "nothing")
		default:
			got = append(got, e.Message())
			if e.Type == ErrorRecordMessage {
				gotRecord, _ = ReadErrorRecord(e.Value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"one", "gone <>&", "careful", "details", "more", "host call PromptForChoice", "host call WriteLine2", "nothing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	gotRecord.Exception = nil
	if diff := cmp.Diff(record, gotRecord); diff != "" {
		t.Errorf("the error (-want +got):\n%s", diff)
	}
	if failure, ok := client.Failure(); client.State() != Failed || !ok || failure.FullyQualifiedErrorID != record.FullyQualifiedErrorID {
		t.Errorf("state %s, failure %+v", client.State(), failure)
	}
	var answers []Request
	err = server.Receive(slices.Concat(reply...), func(r Request) error { answers = append(answers, r); return nil })
	var protocol *ProtocolError
	if !errors.As(err, &protocol) || len(answers) != 0 {
		t.Errorf("a reply to a pipeline that has ended: %+v, %v", answers, err)
	}
	for rest := wire; len(rest) > 0; rest = rest[fragmentHeader+binary.BigEndian.Uint32(rest[17:]):] {
		rest[0] = 1 // by their numbers these messages did not come yet
	}
	if _, err := client.Receive(wire, func(Event) error { return nil }); err == nil || !strings.Contains(err.Error(), "after the pipeline Failed") {
		t.Errorf("output after the end: %v", err)
	}
}

// A question to the host is answered with an error, never left open.
func TestHostCallIsRefused(t *testing.T) {
	client, server := openPair(t, 0)
	pipeline, out, _ := client.NewPipeline(pipelineID, PowerShell{NoInput: true, Statements: [][]Command{{{Text: "Remove-It"}}}})
	ran, _ := server.NewPipeline(pipelineID)
	if err := ran.Receive(slices.Concat(out...), func(Request) error { return nil }); err != nil {
		t.Fatal(err)
	}
	question, err := ran.Ask(HostCall{ID: 3, Method: "PromptForChoice", Number: 26})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := pipeline.Receive(slices.Concat(question...), func(Event) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var answer *clixml.Object
	if err := ran.Receive(slices.Concat(reply...), func(r Request) error { answer = r.HostReply; return nil }); err != nil {
		t.Fatal(err)
	}
	record, ok := ReadErrorRecord(field(answer, "me"))
	id, _ := integerField(answer, "ci")
	if !ok || id != 3 || !strings.Contains(record.Message, "PromptForChoice") {
		t.Errorf("call %d is answered with %+v", id, record)
	}
}

func TestPipelineInput(t *testing.T) {
	client, server := openPair(t, 0)
	pipeline, out, _ := client.NewPipeline(pipelineID, PowerShell{Statements: [][]Command{{{Text: "Measure-Object"}}}})
	ran, _ := server.NewPipeline(pipelineID)
	input, err := pipeline.Input("x")
	if err != nil {
		t.Fatal(err)
	}
	wire := slices.Concat(slices.Concat(out...), slices.Concat(input...), slices.Concat(pipeline.EndInput()...))
	var got []Request
	if err := ran.Receive(wire, func(r Request) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[1].Input == nil || got[1].Input.Value != "x" || !got[2].EndOfInput {
		t.Errorf("got %+v", got)
	}
}

// pypsrp and Windows ask these of a pool.
func TestServerTellsRunspaces(t *testing.T) {
	client, server := openPair(t, 1<<16)
	if _, err := server.NewPipeline(pipelineID); err != nil {
		t.Fatal(err)
	}
	ask := func(kind MessageType, name string, value any) *clixml.Object {
		question, err := client.send(nil, kind, GUID{}, extended(clixml.Property{Name: name, Value: value}, clixml.Property{Name: "ci", Value: int64(9)}))
		if err != nil {
			t.Fatal(err)
		}
		reply, err := server.Receive(slices.Concat(question...))
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseMessage(slices.Concat(reply...)[fragmentHeader:])
		if err != nil || m.kind != runspaceAvailability {
			t.Fatalf("%#x, %v", uint32(m.kind), err)
		}
		o, err := decodeObject(m)
		if id, _ := integerField(o, "ci"); err != nil || id != 9 {
			t.Fatalf("call %d, %v", id, err)
		}
		return o
	}
	if n, _ := integerField(ask(getAvailableRunspaces, "x", nil), "SetMinMaxRunspacesResponse"); n != 2 {
		t.Errorf("%d runspaces are free, want 2", n)
	}
	if !boolField(ask(setMaxRunspaces, "MaxRunspaces", int32(5)), "SetMinMaxRunspacesResponse") || server.MaxRunspaces() != 5 {
		t.Errorf("%d runspaces, want 5", server.MaxRunspaces())
	}
	if boolField(ask(setMaxRunspaces, "MaxRunspaces", int32(0)), "SetMinMaxRunspacesResponse") || server.MaxRunspaces() != 5 {
		t.Errorf("%d runspaces after a refused change, want 5", server.MaxRunspaces())
	}
}

func TestClientRefuses(t *testing.T) {
	ignore := func(Event) error { return nil }
	state := func(name string, v any) *clixml.Object { return extended(clixml.Property{Name: name, Value: v}) }
	for _, test := range []struct {
		name, want string
		pipeline   bool
		m          message
		data       any
	}{
		{"unknown type on the pool", "does not belong on the pool's stream", false, message{destination: toClient, kind: 0x99, pool: GUID{1, 2, 3}}, nil},
		{"unknown type on a pipeline", "does not belong on a pipeline's stream", true, message{destination: toClient, kind: 0x99, pool: GUID{1, 2, 3}, pipeline: pipelineID}, nil},
		{"another pool", "is for the runspace pool", false, message{destination: toClient, kind: runspacePoolState}, nil},
		{"another pipeline", "is for the pipeline", true, message{destination: toClient, kind: PipelineOutput, pool: GUID{1, 2, 3}}, nil},
		{"to the server", "is for 2, not for 1", false, message{destination: toServer, kind: runspacePoolState, pool: GUID{1, 2, 3}}, nil},
		{"capabilities twice", "come in state Opened", false, message{destination: toClient, kind: sessionCapability, pool: GUID{1, 2, 3}}, state("protocolversion", clixml.Version("2.3"))},
		{"a pool's state that is none", "cannot be read", false, message{destination: toClient, kind: runspacePoolState, pool: GUID{1, 2, 3}}, state("RunspaceState", int32(99))},
		{"a state that is none", "cannot be read", true, message{destination: toClient, kind: PipelineState, pool: GUID{1, 2, 3}, pipeline: pipelineID}, state("PipelineState", int32(9))},
		{"a state in words", "cannot be read", true, message{destination: toClient, kind: PipelineState, pool: GUID{1, 2, 3}, pipeline: pipelineID}, state("PipelineState", "Completed")},
		{"session keys", "SecureString", false, message{destination: toClient, kind: publicKeyRequest, pool: GUID{1, 2, 3}}, ""},
		{"a host call without number", "has no number", true, message{destination: toClient, kind: pipelineHostCall, pool: GUID{1, 2, 3}, pipeline: pipelineID}, state("ci", int64(1))},
	} {
		client, server := openPair(t, 0)
		pipeline, _, err := client.NewPipeline(pipelineID, PowerShell{Statements: [][]Command{{{Text: "Get-It"}}}})
		if err != nil {
			t.Fatal(err)
		}
		wire, err := frame(nil, server.objectID, 1<<16, test.m, test.data)
		if err != nil {
			t.Fatal(err)
		}
		if test.pipeline {
			_, err = pipeline.Receive(slices.Concat(wire...), ignore)
		} else {
			_, err = client.Receive(slices.Concat(wire...))
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestVersionsAreChecked(t *testing.T) {
	client := NewClientPool(PoolConfig{ID: GUID{1}})
	if _, _, err := client.NewPipeline(pipelineID, PowerShell{}); err == nil {
		t.Error("a pipeline starts in a pool that is not open")
	}
	out, _ := client.Open()
	_ = out
	capability := extended(clixml.Property{Name: "protocolversion", Value: clixml.Version("3.0")})
	m := message{destination: toClient, kind: sessionCapability, pool: GUID{1}}
	server := NewServerPool(ServerConfig{})
	wire, _ := frame(nil, server.objectID, 1<<16, m, capability)
	if _, err := client.Receive(slices.Concat(wire...)); err == nil || client.State() != PoolBroken {
		t.Errorf("version 3.0: %v, state %s", err, client.State())
	}
	m.destination = toServer
	wire, _ = frame(nil, server.objectID, 1<<16, m, capability)
	if _, err := server.Receive(slices.Concat(wire...)); err == nil || server.State() != PoolBroken {
		t.Errorf("version 3.0 at the server: %v, state %s", err, server.State())
	}
}

func TestOpenedNeedsNegotiation(t *testing.T) {
	client, server := NewClientPool(PoolConfig{ID: GUID{1}}), NewServerPool(ServerConfig{})
	if _, err := client.Open(); err != nil {
		t.Fatal(err)
	}
	wire, err := frame(nil, server.objectID, 1<<16, message{destination: toClient, kind: runspacePoolState, pool: GUID{1}},
		extended(clixml.Property{Name: "RunspaceState", Value: int32(PoolOpened)}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Receive(slices.Concat(wire...)); err == nil || client.State() != PoolBroken {
		t.Errorf("a pool opens without capabilities: %v, state %s", err, client.State())
	}
}

func FuzzClientPipeline(f *testing.F) {
	client, server := NewClientPool(PoolConfig{ID: GUID{1}}), NewServerPool(ServerConfig{PSVersion: "5.1"})
	out, _ := client.Open()
	if reply, err := server.Receive(slices.Concat(out...)); err == nil {
		_, _ = client.Receive(slices.Concat(reply...))
	}
	ran, err := server.NewPipeline(pipelineID)
	if err != nil {
		f.Fatal(err)
	}
	for _, make := range []func() ([][]byte, error){
		func() ([][]byte, error) { return ran.Output("x") },
		func() ([][]byte, error) { return ran.Error(ErrorRecord{Message: "m"}) },
		func() ([][]byte, error) { return ran.Ask(HostCall{ID: 1, Method: "Prompt", Number: 23}) },
	} {
		wire, err := make()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(slices.Concat(wire...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		pipeline, _, err := client.NewPipeline(pipelineID, PowerShell{Statements: [][]Command{{{Text: "Get-It"}}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = pipeline.Receive(data, func(e Event) error {
			_ = e.Message()
			_, _ = ReadErrorRecord(e.Value)
			return nil
		})
		if s := pipeline.State(); s < notStarted || s > Failed {
			t.Errorf("state %s, %v", s, err)
		}
	})
}
