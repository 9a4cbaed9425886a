package psrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A GUID identifies a runspace pool or a pipeline.
type GUID [16]byte

// String writes the GUID in upper case, as WSMan's ShellId and CommandId have it.
func (g GUID) String() string {
	return fmt.Sprintf("%X-%X-%X-%X-%X", g[0:4], g[4:6], g[6:8], g[8:10], g[10:16])
}

// ParseGUID reads the form that String writes, in either case.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
		if _, err := hex.Decode(g[:], []byte(digits)); err == nil {
			return g, nil
		}
	}
	return GUID{}, fmt.Errorf("%.60q is not a GUID", s)
}

// Windows writes a GUID's first three fields little-endian (MS-DTYP 2.3.4.2).
func (g GUID) wire() [16]byte {
	return [16]byte{g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]}
}

func guidFromWire(b []byte) GUID { return GUID(GUID(b[:16]).wire()) }

// A MessageType says what a message is (MS-PSRP 2.2.1).
type MessageType uint32

// The message types of protocol version 2.3.
const (
	SessionCapability      MessageType = 0x00010002
	InitRunspacePool       MessageType = 0x00010004
	PublicKey              MessageType = 0x00010005
	EncryptedSessionKey    MessageType = 0x00010006
	PublicKeyRequest       MessageType = 0x00010007
	ConnectRunspacePool    MessageType = 0x00010008
	RunspacePoolInitData   MessageType = 0x0002100B
	ResetRunspaceState     MessageType = 0x0002100C
	SetMaxRunspaces        MessageType = 0x00021002
	SetMinRunspaces        MessageType = 0x00021003
	RunspaceAvailability   MessageType = 0x00021004
	RunspacePoolState      MessageType = 0x00021005
	CreatePipeline         MessageType = 0x00021006
	GetAvailableRunspaces  MessageType = 0x00021007
	UserEvent              MessageType = 0x00021008
	ApplicationPrivateData MessageType = 0x00021009
	GetCommandMetadata     MessageType = 0x0002100A
	RunspacePoolHostCall   MessageType = 0x00021100
	RunspacePoolHostReply  MessageType = 0x00021101
	PipelineInput          MessageType = 0x00041002
	EndOfPipelineInput     MessageType = 0x00041003
	PipelineOutput         MessageType = 0x00041004
	ErrorRecordMessage     MessageType = 0x00041005
	PipelineState          MessageType = 0x00041006
	DebugRecord            MessageType = 0x00041007
	VerboseRecord          MessageType = 0x00041008
	WarningRecord          MessageType = 0x00041009
	ProgressRecord         MessageType = 0x00041010
	InformationRecord      MessageType = 0x00041011
	PipelineHostCall       MessageType = 0x00041100
	PipelineHostReply      MessageType = 0x00041101
)

// A message's header (MS-PSRP 2.2.1): destination and type, 4 bytes each and
// little-endian, then the GUIDs of runspace pool and pipeline.
const (
	messageHeader = 40

	toClient = 1
	toServer = 2
)

type message struct {
	destination uint32
	kind        MessageType
	pool        GUID
	pipeline    GUID
	data        []byte // one CLIXML element in UTF-8; empty for types that have none
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func (m message) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, m.destination)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.kind))
	for _, g := range []GUID{m.pool, m.pipeline} {
		wire := g.wire()
		dst = append(dst, wire[:]...)
	}
	return append(dst, m.data...)
}

func parseMessage(b []byte) (message, error) {
	if len(b) < messageHeader {
		return message{}, protocolErrorf("a message of %d bytes is shorter than its header", len(b))
	}
	return message{
		destination: binary.LittleEndian.Uint32(b),
		kind:        MessageType(binary.LittleEndian.Uint32(b[4:])),
		pool:        guidFromWire(b[8:]),
		pipeline:    guidFromWire(b[24:]),
		data:        bytes.TrimPrefix(b[messageHeader:], byteOrderMark),
	}, nil
}

// expect checks where a message goes: to this side, pool and pipeline.
func (m message) expect(destination uint32, pool, pipeline GUID) error {
	switch {
	case m.destination != destination:
		return protocolErrorf("a message of type %#08x is for %d, not for %d", uint32(m.kind), m.destination, destination)
	case m.pool != pool && (m.kind != SessionCapability || m.pool != GUID{}): // servers answer before they read the id
		return protocolErrorf("a message of type %#08x is for the runspace pool %s, not for %s", uint32(m.kind), m.pool, pool)
	case m.pipeline != pipeline:
		return protocolErrorf("a message of type %#08x is for the pipeline %s, not for %s", uint32(m.kind), m.pipeline, pipeline)
	}
	return nil
}
