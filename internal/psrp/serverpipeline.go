package psrp

import "github.com/exgrant/exgrant/internal/clixml"

// A ServerPipeline is the server's side of one pipeline (MS-PSRP 3.2.1.3).
type ServerPipeline struct {
	pool  *ServerPool
	id    GUID
	in    assembler
	state InvocationState
	input bool // the client may still send input
}

// A Request is what a client sent for a pipeline; one field is set.
type Request struct {
	PowerShell *PowerShell // the first: what to run
	Input      *Input
	EndOfInput bool
	HostReply  *clixml.Object
}

// Input is one object for the pipeline's first command.
type Input struct{ Value any }

// NewPipeline returns a pipeline with the id that the transport gave it. It counts
// as running until its state has ended.
func (s *ServerPool) NewPipeline(id GUID) (*ServerPipeline, error) {
	if s.state != PoolOpened {
		return nil, protocolErrorf("the pool is %s, not open", s.state)
	}
	s.busy.Add(1)
	return &ServerPipeline{pool: s, id: id, in: assembler{limits: s.config.Limits}}, nil
}

// ID is the pipeline's id.
func (l *ServerPipeline) ID() GUID { return l.id }

// State is the last state that was told, or Running once there is something to
// run.
func (l *ServerPipeline) State() InvocationState { return l.state }

// Receive takes what arrived for the pipeline and calls yield for each request.
func (l *ServerPipeline) Receive(data []byte, yield func(Request) error) error {
	return l.in.feed(data, func(b []byte) error {
		m, err := parseMessage(b)
		if err == nil {
			err = m.expect(toServer, l.pool.id, l.id)
		}
		if err != nil {
			return err
		}
		r, err := l.request(m)
		if err != nil {
			return err
		}
		return yield(r)
	})
}

func (l *ServerPipeline) request(m message) (Request, error) {
	switch {
	case m.kind == createPipeline && l.state == notStarted:
		o, err := decodeObject(m)
		if err != nil {
			return Request{}, err
		}
		p, err := readPowerShell(o)
		l.state, l.input = running, !p.NoInput
		return Request{PowerShell: &p}, err
	case m.kind == pipelineInput && l.input:
		v, err := decode(m)
		return Request{Input: &Input{v}}, err
	case m.kind == endOfPipelineInput && l.input:
		l.input = false
		return Request{EndOfInput: true}, nil
	case m.kind == pipelineHostReply && l.state == running:
		o, err := decodeObject(m)
		return Request{HostReply: o}, err
	}
	return Request{}, protocolErrorf("a message of type %#08x comes for a pipeline that is %s", uint32(m.kind), l.state)
}

// Output returns the fragments of one object of the pipeline's output.
func (l *ServerPipeline) Output(v any) ([][]byte, error) {
	return l.pool.send(nil, PipelineOutput, l.id, v)
}

// Error returns the fragments of an error that does not end the pipeline.
func (l *ServerPipeline) Error(r ErrorRecord) ([][]byte, error) {
	return l.pool.send(nil, ErrorRecordMessage, l.id, r.object())
}

// Inform returns the fragments of a warning, verbose or debug record.
func (l *ServerPipeline) Inform(kind MessageType, text string) ([][]byte, error) {
	name := map[MessageType]string{WarningRecord: "Warning", VerboseRecord: "Verbose", debugRecord: "Debug"}[kind]
	if name == "" {
		return nil, protocolErrorf("a message of type %#08x is no warning, verbose or debug record", uint32(kind))
	}
	o := extended(
		clixml.Property{Name: "InformationalRecord_Message", Value: text},
		clixml.Property{Name: "InformationalRecord_SerializeInvocationInfo", Value: false},
		clixml.Property{Name: "InformationalRecord_PipelineIterationInfo", Value: &clixml.Object{
			TypeNames: []string{"System.Collections.ObjectModel.ReadOnlyCollection`1[[System.Int32, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]]", "System.Object"},
			Value:     &clixml.List{},
		}},
	)
	o.TypeNames = []string{"System.Management.Automation." + name + "Record", "System.Management.Automation.InformationalRecord", "System.Object"}
	o.ToString, o.HasToString = text, true
	return l.pool.send(nil, kind, l.id, o)
}

// Ask returns the fragments of a host call, and whether the client will answer it.
func (l *ServerPipeline) Ask(c HostCall) ([][]byte, error) {
	return l.pool.send(nil, pipelineHostCall, l.id, extended(
		clixml.Property{Name: "ci", Value: c.ID},
		clixml.Property{Name: "mi", Value: enum("System.Management.Automation.Remoting.RemoteHostMethodId", c.Method, c.Number)},
		clixml.Property{Name: "mp", Value: arrayList(c.Parameters)},
	))
}

// End returns the fragments of the pipeline's last state: Completed, Failed or
// Stopped, the latter two with the reason.
func (l *ServerPipeline) End(state InvocationState, reason *ErrorRecord) ([][]byte, error) {
	if !state.Ended() || l.state.Ended() {
		return nil, protocolErrorf("a pipeline that is %s cannot end as %s", l.state, state)
	}
	l.state = state
	l.pool.busy.Add(-1)
	o := extended(clixml.Property{Name: "PipelineState", Value: int32(state)})
	if reason != nil {
		o.Members = append(o.Members, clixml.Property{Name: "ExceptionAsErrorRecord", Value: reason.object()})
	}
	return l.pool.send(nil, PipelineState, l.id, o)
}
