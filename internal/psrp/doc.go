// Package psrp is the PowerShell Remoting Protocol (MS-PSRP), client and server
// side, without a transport: bytes in, events and bytes out. It starts no
// goroutine, reads no clock and opens no socket.
//
// A ClientPool opens a runspace pool and makes ClientPipelines; a ServerPool
// answers one. What arrives on the pool's stream is fed to the pool, what arrives
// on a pipeline's stream to that pipeline. Every step returns the fragments to
// send. Errors of a pipeline are events and do not decide its state; the state
// does (MS-PSRP 2.2.3.5).
//
// A pool, and each pipeline, is for one goroutine at a time; pipelines of the
// same pool may be used by different goroutines.
package psrp

import "fmt"

// A ProtocolError says in what way the other side broke MS-PSRP. The pool or
// pipeline that returned it cannot go on.
type ProtocolError struct {
	What string
	Err  error // what could not be decoded, where that was the reason
}

func (e *ProtocolError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("PowerShell remoting: %s: %v", e.What, e.Err)
	}
	return "PowerShell remoting: " + e.What
}

func (e *ProtocolError) Unwrap() error { return e.Err }

func protocolErrorf(format string, args ...any) error {
	return &ProtocolError{What: fmt.Sprintf(format, args...)}
}

// Limits bound what the other side can make this one keep.
type Limits struct {
	MaxMessage int // bytes of one message; 0 means DefaultMaxMessage
	MaxPartial int // messages of one stream begun and not yet ended; 0 means DefaultMaxPartial
}

// What Limits are when they are zero. A message is one object: 8 MiB is far above
// anything that Exchange returns.
const (
	defaultMaxMessage = 8 << 20
	defaultMaxPartial = 8
)

// maxPoolMessages is how many messages a pool's stream may have. Five open it, and
// nothing is read from it afterwards.
const maxPoolMessages = 1000

func (l Limits) maxMessage() int {
	if l.MaxMessage == 0 {
		return defaultMaxMessage
	}
	return l.MaxMessage
}

func (l Limits) maxPartial() int {
	if l.MaxPartial == 0 {
		return defaultMaxPartial
	}
	return l.MaxPartial
}
