package psrp

import (
	"strings"
	"sync/atomic"

	"github.com/exgrant/exgrant/internal/clixml"
)

// Versions that this package speaks (MS-PSRP 2.2.2.1).
const (
	protocolVersion      = "2.3"
	serializationVersion = "1.1.0.1"
	clientPSVersion      = "2.0" // of the client's language; every client sends this
)

// PoolConfig is what a ClientPool is made of.
type PoolConfig struct {
	ID           GUID
	MaxRunspaces int // pipelines that may run at once; 0 means 1
	MaxFragment  int // bytes; see ClientPool.SetMaxFragment
	Limits       Limits
}

// A ClientPool is the client's side of a runspace pool (MS-PSRP 3.1.1.2).
type ClientPool struct {
	config   PoolConfig
	fragment atomic.Int64
	objectID *atomic.Uint64 // of the last message sent (2.2.4: unique in the pool)
	in       assembler
	messages int // that came
	state    PoolState
	version  string
	private  *clixml.Object
	failure  *ErrorRecord
}

// NewClientPool returns a pool that is not open yet.
func NewClientPool(c PoolConfig) *ClientPool {
	c.MaxRunspaces = max(c.MaxRunspaces, 1)
	p := &ClientPool{config: c, objectID: &atomic.Uint64{}, in: assembler{limits: c.Limits}}
	p.SetMaxFragment(c.MaxFragment)
	return p
}

// ID is the pool's id.
func (p *ClientPool) ID() GUID { return p.config.ID }

// State is the pool's state.
func (p *ClientPool) State() PoolState { return p.state }

// ProtocolVersion is the server's, such as "2.3"; empty before it was told.
func (p *ClientPool) ProtocolVersion() string { return p.version }

// PrivateData is what the server says about itself to every client; nil before it
// was told.
func (p *ClientPool) PrivateData() *clixml.Object { return p.private }

// Failure is why the pool is Broken or Closed, where the server said so.
func (p *ClientPool) Failure() (ErrorRecord, bool) {
	if p.failure == nil {
		return ErrorRecord{}, false
	}
	return *p.failure, true
}

// SetMaxFragment says how long fragments may be that are made from now on, header
// included: what fits into one request of the transport. It may be called at any
// time.
func (p *ClientPool) SetMaxFragment(bytes int) { p.fragment.Store(int64(max(bytes, minFragment))) }

// Open returns the fragments that open the pool (3.1.5.3.1): they go with the
// request that creates it, all at once.
func (p *ClientPool) Open() ([][]byte, error) {
	capability := extended(
		clixml.Property{Name: "protocolversion", Value: clixml.Version(protocolVersion)},
		clixml.Property{Name: "PSVersion", Value: clixml.Version(clientPSVersion)},
		clixml.Property{Name: "SerializationVersion", Value: clixml.Version(serializationVersion)},
	)
	initialize := extended(
		clixml.Property{Name: "MinRunspaces", Value: int32(1)},
		clixml.Property{Name: "MaxRunspaces", Value: int32(p.config.MaxRunspaces)},
		clixml.Property{Name: "PSThreadOptions", Value: enum(threadOptions, "Default", 0)},
		clixml.Property{Name: "ApartmentState", Value: anyApartment()},
		clixml.Property{Name: "HostInfo", Value: noHost()},
		clixml.Property{Name: "ApplicationArguments"},
	)
	out, err := p.send(nil, sessionCapability, GUID{}, capability)
	if err == nil {
		out, err = p.send(out, initRunspacePool, GUID{}, initialize)
	}
	p.state = poolNegotiationSent
	return out, err
}

// send appends a message as fragments.
func (p *ClientPool) send(out [][]byte, kind MessageType, pipeline GUID, data any) ([][]byte, error) {
	return frame(out, p.objectID, int(p.fragment.Load()), message{destination: toServer, kind: kind, pool: p.config.ID, pipeline: pipeline}, data)
}

// frame encodes a message's data and cuts the whole into fragments.
func frame(out [][]byte, objectID *atomic.Uint64, size int, m message, data any) ([][]byte, error) {
	b := m.append(make([]byte, 0, 1024))
	b, err := clixml.Append(b, data)
	if err != nil {
		return nil, &ProtocolError{What: "a value cannot be sent", Err: err}
	}
	return appendFragments(out, objectID.Add(1), b, size), nil
}

// Receive takes what arrived on the pool's stream and returns fragments to answer
// with, if any. The state tells what has become of the pool.
func (p *ClientPool) Receive(data []byte) (reply [][]byte, err error) {
	err = p.in.feed(data, func(b []byte) error {
		m, err := parseMessage(b)
		if err == nil {
			err = m.expect(toClient, p.config.ID, GUID{})
		}
		if err != nil {
			return err
		}
		reply, err = p.handle(reply, m)
		return err
	})
	if err != nil {
		p.state = PoolBroken
	}
	return reply, err
}

func (p *ClientPool) handle(reply [][]byte, m message) ([][]byte, error) {
	if p.messages++; p.messages > maxPoolMessages {
		return reply, protocolErrorf("more than %d messages come on the pool's stream", maxPoolMessages)
	}
	switch m.kind {
	case sessionCapability:
		return reply, p.negotiated(m)
	case runspacePoolState:
		return reply, p.changed(m)
	case applicationPrivateData:
		o, err := decodeObject(m)
		p.private = objectField(o, "ApplicationPrivateData")
		return reply, err
	case runspacePoolHostCall:
		call, err := readHostCall(m)
		if err != nil || !call.Answered() {
			return reply, err
		}
		return p.send(reply, runspacePoolHostReply, GUID{}, call.refusal())
	case userEvent, runspaceAvailability, runspacePoolInitData:
		_, err := decode(m) // says nothing that a client without subscriptions acts on
		return reply, err
	case publicKeyRequest:
		return reply, protocolErrorf("the server wants to exchange keys for a SecureString, which this client does not take")
	}
	return reply, protocolErrorf("a message of type %#08x does not belong on the pool's stream", uint32(m.kind))
}

func (p *ClientPool) negotiated(m message) error {
	o, err := decodeObject(m)
	if err != nil {
		return err
	}
	if p.state != poolNegotiationSent {
		return protocolErrorf("capabilities come in state %s", p.state)
	}
	p.version = textField(o, "protocolversion")
	if !strings.HasPrefix(p.version, "2.") {
		return protocolErrorf("the server speaks version %.20q of the protocol, this client 2.x", p.version)
	}
	p.state = poolNegotiationSucceeded
	return nil
}

func (p *ClientPool) changed(m message) error {
	o, err := decodeObject(m)
	if err != nil {
		return err
	}
	n, ok := integerField(o, "RunspaceState")
	state := PoolState(n)
	switch {
	case !ok || n < int64(poolBeforeOpen) || n > int64(maxPoolState):
		return protocolErrorf("a pool's state cannot be read")
	case state == PoolOpened && p.state != poolNegotiationSucceeded && p.state != PoolOpened:
		return protocolErrorf("the pool is said to be open in state %s", p.state)
	}
	p.state = state
	if r, ok := ReadErrorRecord(field(o, "ExceptionAsErrorRecord")); ok {
		p.failure = &r
	}
	return nil
}
