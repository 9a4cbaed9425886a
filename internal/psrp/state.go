package psrp

import "fmt"

// A PoolState is the state of a runspace pool (MS-PSRP 2.2.3.4).
type PoolState int32

// The states that a pool of this package can be in.
const (
	poolBeforeOpen           PoolState = 0
	PoolOpened               PoolState = 2
	PoolClosed               PoolState = 3
	poolClosing              PoolState = 4
	PoolBroken               PoolState = 5
	poolNegotiationSent      PoolState = 6
	poolNegotiationSucceeded PoolState = 7
	maxPoolState             PoolState = 11 // Connecting and Disconnected are those of clients that come back
)

func (s PoolState) String() string {
	switch s {
	case poolBeforeOpen:
		return "BeforeOpen"
	case PoolOpened:
		return "Opened"
	case PoolClosed:
		return "Closed"
	case poolClosing:
		return "Closing"
	case PoolBroken:
		return "Broken"
	case poolNegotiationSent:
		return "NegotiationSent"
	case poolNegotiationSucceeded:
		return "NegotiationSucceeded"
	}
	return fmt.Sprintf("PoolState(%d)", int32(s))
}

// An InvocationState is the state of a pipeline (MS-PSRP 2.2.3.5).
type InvocationState int32

// The states of a pipeline.
const (
	notStarted InvocationState = 0
	running    InvocationState = 1
	stopping   InvocationState = 2
	Stopped    InvocationState = 3
	Completed  InvocationState = 4
	Failed     InvocationState = 5
)

// Ended reports whether a pipeline in this state gives nothing more.
func (s InvocationState) Ended() bool { return s == Stopped || s == Completed || s == Failed }

func (s InvocationState) String() string {
	switch s {
	case notStarted:
		return "NotStarted"
	case running:
		return "Running"
	case stopping:
		return "Stopping"
	case Stopped:
		return "Stopped"
	case Completed:
		return "Completed"
	case Failed:
		return "Failed"
	}
	return fmt.Sprintf("InvocationState(%d)", int32(s))
}
