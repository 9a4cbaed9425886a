package psrpd

import "time"

// A FaultKind is what goes wrong with a request.
type FaultKind string

// The kinds of faults. Output of a Receive whose reply could not be sent comes
// again with the next one, as on Windows.
const (
	Refuse    FaultKind = "refuse"     // the connection is cut, the request not carried out
	CutBefore FaultKind = "cut-before" // carried out, and cut before the reply
	CutDuring FaultKind = "cut-during" // cut in the middle of the reply
	CutAfter  FaultKind = "cut-after"  // cut when the whole reply was sent
	Truncate  FaultKind = "truncate"   // the reply is a whole HTTP reply with half an envelope
	Delay     FaultKind = "delay"      // carried out, and answered so much later
	Duplicate FaultKind = "duplicate"  // output comes twice in its reply; other replies are sent twice
	Throttle  FaultKind = "throttle"   // the service itself says that the user has sent too many; not carried out
	Garble    FaultKind = "garble"     // output has broken fragments; other replies have broken XML
)

// A Fault is one thing that goes wrong.
type Fault struct {
	Kind  FaultKind
	Delay time.Duration // of Delay
}

// A FaultPlan says which requests go wrong, by their number. Requests are counted
// from 1: those that passed authentication and have a body.
type FaultPlan map[int]Fault
