package psrp

import (
	"fmt"

	"github.com/exgrant/exgrant/internal/clixml"
)

// A HostCall is a method of the client's host that the server wants to run
// (MS-PSRP 2.2.2.15, 2.2.2.27). This client has no host: calls that want an answer
// are refused with an error, so that the pipeline fails where it would wait for
// ever; those that want none only say something.
type HostCall struct {
	ID         int64
	Method     string // RemoteHostMethodId, such as PromptForChoice
	Number     int32
	Parameters []any
}

// voidCall is the call id of methods that return nothing (MS-PSRP 2.2.3.17; the
// PowerShell source's ServerDispatchTable.VoidCallId).
const voidCall = -100

// Answered reports whether the server waits for an answer.
func (c HostCall) Answered() bool { return c.ID != voidCall }

func readHostCall(m message) (HostCall, error) {
	o, err := decodeObject(m)
	if err != nil {
		return HostCall{}, err
	}
	method := objectField(o, "mi")
	number, ok := integer(method)
	id, known := integerField(o, "ci")
	if !ok || !known {
		return HostCall{}, protocolErrorf("a host call has no number")
	}
	return HostCall{ID: id, Method: text(method), Number: int32(number), Parameters: listField(o, "mp")}, nil
}

// refusal is the answer to a host call.
func (c HostCall) refusal() *clixml.Object {
	record := ErrorRecord{
		Message:               fmt.Sprintf("The client is not interactive: it does not answer %s.", c.Method),
		ExceptionTypes:        []string{"System.Management.Automation.Host.HostException", "System.Management.Automation.RuntimeException", "System.SystemException", "System.Exception", "System.Object"},
		FullyQualifiedErrorID: "HostFunctionNotImplemented",
		Category:              categoryNotImplemented,
		Activity:              c.Method,
		Reason:                "HostException",
	}
	return extended(
		clixml.Property{Name: "ci", Value: c.ID},
		clixml.Property{Name: "mi", Value: enum("System.Management.Automation.Remoting.RemoteHostMethodId", c.Method, c.Number)},
		clixml.Property{Name: "me", Value: record.object()},
	)
}
