package psrp

import "github.com/exgrant/exgrant/internal/clixml"

// A ClientPipeline is the client's side of one pipeline (MS-PSRP 3.1.1.3).
type ClientPipeline struct {
	pool    *ClientPool
	id      GUID
	in      assembler
	state   InvocationState
	failure *ErrorRecord
	changes int // of the state
}

// maxChanges bounds them: a pipeline runs, and ends.
const maxChanges = 16

// An Event is something that a pipeline said: an object of its output, an error,
// a warning and so on. Type is PipelineOutput, ErrorRecordMessage, WarningRecord,
// VerboseRecord, DebugRecord, InformationRecord, ProgressRecord or
// PipelineHostCall; the value of the last is a HostCall.
type Event struct {
	Type  MessageType
	Value any
	Size  int // bytes of the message's data, which strings of the value may hold
}

// Message is the text of a warning, verbose or debug record (MS-PSRP 2.2.2.22 to
// 2.2.2.24), or of an information record's data.
func (e Event) Message() string {
	o, ok := e.Value.(*clixml.Object)
	if !ok {
		return text(e.Value)
	}
	for _, name := range []string{"InformationalRecord_Message", "Message", "MessageData"} {
		if v := field(o, name); v != nil {
			return text(v)
		}
	}
	return text(o)
}

// NewPipeline returns a pipeline and the fragments that start it (3.1.5.3.3). The
// first goes with the request that creates the pipeline, the others follow it.
func (p *ClientPool) NewPipeline(id GUID, what PowerShell) (*ClientPipeline, [][]byte, error) {
	if p.state != PoolOpened {
		return nil, nil, protocolErrorf("the pool is %s, not open", p.state)
	}
	fragments, err := p.send(nil, createPipeline, id, what.object())
	if err != nil {
		return nil, nil, err
	}
	return &ClientPipeline{pool: p, id: id, in: assembler{limits: p.config.Limits}, state: running}, fragments, nil
}

// ID is the pipeline's id.
func (l *ClientPipeline) ID() GUID { return l.id }

// State is the pipeline's state. Errors alone do not change it.
func (l *ClientPipeline) State() InvocationState { return l.state }

// Failure is why the pipeline is Failed or Stopped, where the server said so.
func (l *ClientPipeline) Failure() (ErrorRecord, bool) {
	if l.failure == nil {
		return ErrorRecord{}, false
	}
	return *l.failure, true
}

// Input returns the fragments that pass one object to the pipeline's first
// command (3.1.5.3.5).
func (l *ClientPipeline) Input(v any) ([][]byte, error) {
	return l.pool.send(nil, pipelineInput, l.id, v)
}

// EndInput returns the fragments that say that no more input comes.
func (l *ClientPipeline) EndInput() [][]byte {
	m := message{destination: toServer, kind: endOfPipelineInput, pool: l.pool.config.ID, pipeline: l.id}
	return appendFragments(nil, l.pool.objectID.Add(1), m.append(nil), int(l.pool.fragment.Load()))
}

// Receive takes what arrived on the pipeline's stream, calls yield for each event
// in order, and returns fragments to answer with, if any. An error of yield ends
// it and is returned.
func (l *ClientPipeline) Receive(data []byte, yield func(Event) error) (reply [][]byte, err error) {
	err = l.in.feed(data, func(b []byte) error {
		m, err := parseMessage(b)
		if err == nil {
			err = m.expect(toClient, l.pool.config.ID, l.id)
		}
		if err != nil {
			return err
		}
		reply, err = l.handle(reply, m, yield)
		return err
	})
	return reply, err
}

func (l *ClientPipeline) handle(reply [][]byte, m message, yield func(Event) error) ([][]byte, error) {
	if l.state.Ended() {
		return reply, protocolErrorf("a message of type %#08x comes after the pipeline %s", uint32(m.kind), l.state)
	}
	switch m.kind {
	case PipelineState:
		return reply, l.changed(m)
	case PipelineOutput, ErrorRecordMessage, WarningRecord, VerboseRecord, debugRecord, informationRecord, ProgressRecord:
		v, err := decode(m)
		if err != nil {
			return reply, err
		}
		return reply, yield(Event{m.kind, v, len(m.data)})
	case pipelineHostCall:
		return l.hostCall(reply, m, yield)
	}
	return reply, protocolErrorf("a message of type %#08x does not belong on a pipeline's stream", uint32(m.kind))
}

func (l *ClientPipeline) hostCall(reply [][]byte, m message, yield func(Event) error) ([][]byte, error) {
	call, err := readHostCall(m)
	if err != nil {
		return reply, err
	}
	if call.Answered() {
		if reply, err = l.pool.send(reply, pipelineHostReply, l.id, call.refusal()); err != nil {
			return reply, err
		}
	}
	return reply, yield(Event{pipelineHostCall, call, len(m.data)})
}

func (l *ClientPipeline) changed(m message) error {
	if l.changes++; l.changes > maxChanges {
		return protocolErrorf("a pipeline changes its state more than %d times", maxChanges)
	}
	o, err := decodeObject(m)
	if err != nil {
		return err
	}
	n, ok := integerField(o, "PipelineState")
	if !ok || n < int64(notStarted) || n > int64(Failed) {
		return protocolErrorf("a pipeline's state cannot be read")
	}
	l.state = InvocationState(n)
	if r, ok := ReadErrorRecord(field(o, "ExceptionAsErrorRecord")); ok {
		l.failure = &r
	}
	return nil
}
