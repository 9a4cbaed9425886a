package psrp

import (
	"strings"
	"sync/atomic"

	"github.com/exgrant/exgrant/internal/clixml"
)

// ServerConfig is what a ServerPool is made of.
type ServerConfig struct {
	MaxFragment int    // bytes; see ServerPool.SetMaxFragment
	PSVersion   string // of the server's PowerShell, such as "5.1.14393.0"
	Limits      Limits
}

// A ServerPool is the server's side of a runspace pool (MS-PSRP 3.2.1.2).
type ServerPool struct {
	config       ServerConfig
	fragment     atomic.Int64
	objectID     *atomic.Uint64
	in           assembler
	id           GUID
	state        PoolState
	maxRunspaces int
	busy         atomic.Int64
}

// NewServerPool returns a pool that waits for its client's first message.
func NewServerPool(c ServerConfig) *ServerPool {
	s := &ServerPool{config: c, objectID: &atomic.Uint64{}, in: assembler{limits: c.Limits}}
	s.SetMaxFragment(c.MaxFragment)
	return s
}

// ID is the pool's id, as the client gave it.
func (s *ServerPool) ID() GUID { return s.id }

// State is the pool's state.
func (s *ServerPool) State() PoolState { return s.state }

// MaxRunspaces is how many pipelines the client wants to run at once.
func (s *ServerPool) MaxRunspaces() int { return s.maxRunspaces }

// SetMaxFragment is documented at ClientPool.SetMaxFragment.
func (s *ServerPool) SetMaxFragment(bytes int) { s.fragment.Store(int64(max(bytes, minFragment))) }

func (s *ServerPool) send(out [][]byte, kind MessageType, pipeline GUID, data any) ([][]byte, error) {
	return frame(out, s.objectID, int(s.fragment.Load()), message{destination: toClient, kind: kind, pool: s.id, pipeline: pipeline}, data)
}

// Receive takes what arrived for the pool and returns the fragments to answer
// with.
func (s *ServerPool) Receive(data []byte) (reply [][]byte, err error) {
	err = s.in.feed(data, func(b []byte) error {
		m, err := parseMessage(b)
		if err != nil {
			return err
		}
		if s.state == poolBeforeOpen {
			s.id = m.pool
		}
		if err := m.expect(toServer, s.id, GUID{}); err != nil {
			return err
		}
		reply, err = s.handle(reply, m)
		return err
	})
	if err != nil {
		s.state = PoolBroken
	}
	return reply, err
}

func (s *ServerPool) handle(reply [][]byte, m message) ([][]byte, error) {
	o, err := decodeObject(m)
	if err != nil {
		return reply, err
	}
	switch {
	case m.kind == sessionCapability && s.state == poolBeforeOpen:
		return s.negotiate(reply, o)
	case m.kind == initRunspacePool && s.state == poolNegotiationSucceeded:
		return s.open(reply, o)
	case s.state != PoolOpened:
	case m.kind == setMaxRunspaces:
		n, ok := integerField(o, "MaxRunspaces")
		if ok = ok && n >= 1; ok {
			s.maxRunspaces = int(n)
		}
		return s.available(reply, o, ok)
	case m.kind == setMinRunspaces:
		return s.available(reply, o, true)
	case m.kind == getAvailableRunspaces:
		return s.available(reply, o, int64(s.maxRunspaces)-s.busy.Load())
	case m.kind == resetRunspaceState:
		return s.available(reply, o, true)
	}
	return reply, protocolErrorf("a message of type %#08x comes in state %s", uint32(m.kind), s.state)
}

func (s *ServerPool) negotiate(reply [][]byte, o *clixml.Object) ([][]byte, error) {
	if v := textField(o, "protocolversion"); !strings.HasPrefix(v, "2.") {
		return reply, protocolErrorf("the client speaks version %.20q of the protocol, this server 2.x", v)
	}
	s.state = poolNegotiationSucceeded
	return s.send(reply, sessionCapability, GUID{}, extended(
		clixml.Property{Name: "protocolversion", Value: clixml.Version(protocolVersion)},
		clixml.Property{Name: "PSVersion", Value: clixml.Version(clientPSVersion)},
		clixml.Property{Name: "SerializationVersion", Value: clixml.Version(serializationVersion)},
	))
}

func (s *ServerPool) open(reply [][]byte, o *clixml.Object) ([][]byte, error) {
	n, ok := integerField(o, "MaxRunspaces")
	if !ok || n < 1 {
		return reply, protocolErrorf("the pool is to have %d runspaces", n)
	}
	s.maxRunspaces = int(n)
	versions := &clixml.Dictionary{Entries: []clixml.Entry{
		{Key: "PSVersion", Value: clixml.Version(s.config.PSVersion)},
		{Key: "PSRemotingProtocolVersion", Value: clixml.Version(protocolVersion)},
		{Key: "SerializationVersion", Value: clixml.Version(serializationVersion)},
	}}
	private := &clixml.Dictionary{Entries: []clixml.Entry{{Key: "PSVersionTable", Value: primitiveDictionary(versions)}}}
	reply, err := s.send(reply, applicationPrivateData, GUID{}, extended(
		clixml.Property{Name: "ApplicationPrivateData", Value: primitiveDictionary(private)}))
	if err != nil {
		return reply, err
	}
	s.state = PoolOpened
	return s.send(reply, runspacePoolState, GUID{}, extended(
		clixml.Property{Name: "RunspaceState", Value: int32(PoolOpened)}))
}

func primitiveDictionary(d *clixml.Dictionary) *clixml.Object {
	return &clixml.Object{
		TypeNames: []string{"System.Management.Automation.PSPrimitiveDictionary", "System.Collections.Hashtable", "System.Object"},
		Value:     d,
	}
}

// available answers a question about runspaces (MS-PSRP 2.2.2.8).
func (s *ServerPool) available(reply [][]byte, question *clixml.Object, answer any) ([][]byte, error) {
	return s.send(reply, runspaceAvailability, GUID{}, extended(
		clixml.Property{Name: "SetMinMaxRunspacesResponse", Value: answer},
		clixml.Property{Name: "ci", Value: field(question, "ci")},
	))
}
