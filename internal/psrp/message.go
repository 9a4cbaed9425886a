package psrp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/gofrs/uuid"
)

// A GUID identifies a runspace pool or a pipeline.
type GUID uuid.UUID

// NewGUID returns a random GUID.
func NewGUID() GUID { return GUID(uuid.Must(uuid.NewV4())) }

// String writes the GUID in upper case, as WSMan's ShellId and CommandId have it.
func (g GUID) String() string { return strings.ToUpper(uuid.UUID(g).String()) }

// ParseGUID reads the form that String writes, in either case.
func ParseGUID(s string) (GUID, error) {
	if id, err := uuid.FromString(s); err == nil && len(s) == len(id.String()) {
		return GUID(id), nil
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
	sessionCapability      MessageType = 0x00010002
	initRunspacePool       MessageType = 0x00010004
	publicKey              MessageType = 0x00010005
	encryptedSessionKey    MessageType = 0x00010006
	publicKeyRequest       MessageType = 0x00010007
	connectRunspacePool    MessageType = 0x00010008
	runspacePoolInitData   MessageType = 0x0002100B
	resetRunspaceState     MessageType = 0x0002100C
	setMaxRunspaces        MessageType = 0x00021002
	setMinRunspaces        MessageType = 0x00021003
	runspaceAvailability   MessageType = 0x00021004
	runspacePoolState      MessageType = 0x00021005
	createPipeline         MessageType = 0x00021006
	getAvailableRunspaces  MessageType = 0x00021007
	userEvent              MessageType = 0x00021008
	applicationPrivateData MessageType = 0x00021009
	getCommandMetadata     MessageType = 0x0002100A
	runspacePoolHostCall   MessageType = 0x00021100
	runspacePoolHostReply  MessageType = 0x00021101
	pipelineInput          MessageType = 0x00041002
	endOfPipelineInput     MessageType = 0x00041003
	PipelineOutput         MessageType = 0x00041004
	ErrorRecordMessage     MessageType = 0x00041005
	PipelineState          MessageType = 0x00041006
	debugRecord            MessageType = 0x00041007
	VerboseRecord          MessageType = 0x00041008
	WarningRecord          MessageType = 0x00041009
	ProgressRecord         MessageType = 0x00041010
	informationRecord      MessageType = 0x00041011
	pipelineHostCall       MessageType = 0x00041100
	pipelineHostReply      MessageType = 0x00041101
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
	case m.pool != pool && (m.kind != sessionCapability || m.pool != GUID{}): // servers answer before they read the id
		return protocolErrorf("a message of type %#08x is for the runspace pool %s, not for %s", uint32(m.kind), m.pool, pool)
	case m.pipeline != pipeline:
		return protocolErrorf("a message of type %#08x is for the pipeline %s, not for %s", uint32(m.kind), m.pipeline, pipeline)
	}
	return nil
}
