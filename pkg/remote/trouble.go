package remote

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/nettext"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// An Error says what could not be done at a server, and why. Its evidence tells
// package fault what that means.
type Error struct {
	Doing string // "opening a session", "running Get-User"
	Err   error
}

func (e *Error) Error() string {
	var logon *negotiate.Error
	var network *wsman.NetworkError
	switch {
	case errors.As(e.Err, &logon) && isRefused(logon.Kind):
		return logon.Error() // what was sent by then says nothing
	case errors.As(e.Err, &network) && !network.Sent:
		return network.Error() // nor does what was not sent
	}
	return e.Doing + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do about it, where the log-on, the connection or the PowerShell
// there shows that.
func (e *Error) Hint() string {
	var stage *stageError
	var logon *negotiate.Error
	var network *wsman.NetworkError
	switch {
	case errors.As(e.Err, &stage):
		return stage.Hint()
	case errors.As(e.Err, &logon):
		return logon.Hint()
	case errors.As(e.Err, &network):
		return network.Hint()
	}
	return ""
}

// Evidence returns what is known about the error in codes and records.
func (e *Error) Evidence() fault.Evidence {
	evidence := fault.Evidence{Text: e.Err.Error()}
	var service *wsman.FaultError
	var web *wsman.HTTPError
	var refused *refusedError
	var ended *endedError
	var stage *stageError
	var logon *negotiate.Error
	switch {
	case errors.As(e.Err, &stage):
		evidence = stage.evidence()
	case errors.As(e.Err, &logon):
		evidence.WSManCode, evidence.HTTPStatus = logonEvidence(logon)
	case errors.As(e.Err, &service):
		evidence.WSManCode = service.Code
		evidence.Record = exchange.ErrorRecord{Message: strings.TrimSpace(service.ProviderText + " " + service.Message)}
	case errors.As(e.Err, &web):
		evidence.HTTPStatus = web.Status
	case errors.As(e.Err, &refused):
		evidence.Record = toErrorRecord(refused.record)
	case errors.As(e.Err, &ended):
		evidence.WSManCode = codeProviderDied
	case !isExcess(e.Err):
		evidence.WSManCode = networkCode(e.Err)
	}
	return evidence
}

// Codes that Windows' own client gives for what happens on the way to the server
// (wsmerror.h, WinHTTP's error messages). Package fault knows them.
const (
	codeCannotConnect = 0x80338012 // ERROR_WSMAN_CANNOT_CONNECT
	codeNameNotFound  = 0x803381B9 // ERROR_WSMAN_NAME_NOT_RESOLVED
	codeTimedOut      = 0x80338126 // ERROR_WSMAN_NETWORK_TIMEDOUT
	codeLost          = 12030      // ERROR_WINHTTP_CONNECTION_ERROR: terminated
	codeTLS           = 12175      // ERROR_WINHTTP_SECURE_FAILURE
	codeNotWSMan      = 0x803380F7 // ERROR_WSMAN_HTTP_CONTENT_TYPE_MISSMATCH_RESPONSE_DATA
	codeProviderDied  = 1726       // RPC_S_CALL_FAILED: the process behind the service ended
)

// logonEvidence gives a failed log-on, or an answer without its protection, a code
// or the HTTP status.
func logonEvidence(e *negotiate.Error) (code uint32, status int) {
	if code := e.Code(); code != 0 {
		return code, 0
	}
	if e.Status >= 300 && e.Status != http.StatusUnauthorized {
		return 0, e.Status
	}
	return codeNotWSMan, 0
}

// networkCode gives a failure between here and the server its code.
func networkCode(err error) uint32 {
	var network *wsman.NetworkError
	if !errors.As(err, &network) {
		return codeNotWSMan
	}
	var name *net.DNSError
	switch {
	case nettext.IsTLS(err):
		return codeTLS
	case errors.As(err, &name):
		return codeNameNotFound
	case !network.Sent:
		return codeCannotConnect
	case errors.Is(err, os.ErrDeadlineExceeded):
		return codeTimedOut
	}
	return codeLost
}

// explain wraps an error about the server; the context's own stays what it is.
func explain(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errClosed) {
		return err
	}
	return &Error{Doing: doing, Err: err}
}

// A refusedError is a runspace pool that the server did not open, with its reason.
type refusedError struct{ record psrp.ErrorRecord }

func (e *refusedError) Error() string {
	return "the server did not open the session: " + e.record.Message
}

// An excessError is an answer that would cost more than any real one does, or that
// has no end: the same question would get the same again.
type excessError struct{ what string }

func (e *excessError) Error() string { return "the answer is not believed: " + e.what }

// isExcess reports whether asking again would only cost the same again.
func isExcess(err error) bool {
	var excess *excessError
	var limit *clixml.LimitError
	return errors.As(err, &excess) || errors.As(err, &limit) || errors.Is(err, wsman.ErrNothing)
}

// isLost reports whether an error says that the session is gone, or no longer to
// be reached, and not that the server refused something.
func isLost(err error) bool {
	if kind := negotiate.KindOf(err); kind != "" {
		return kind == negotiate.NotSealed // the server has forgotten us; the others are here to stay
	}
	if isExcess(err) {
		return false
	}
	var network *wsman.NetworkError
	var garbled *wsman.ProtocolError
	var protocol *psrp.ProtocolError
	var ended *endedError
	var damaged *garbledError
	var f *wsman.FaultError
	return isGone(err) || errors.As(err, &f) && isRepeated(f) || errors.As(err, &network) || errors.As(err, &garbled) || errors.As(err, &protocol) ||
		errors.As(err, &ended) || errors.As(err, &damaged)
}

// isGone reports whether the server does not have the shell, or the command, any
// more.
func isGone(err error) bool {
	var f *wsman.FaultError
	if !errors.As(err, &f) {
		return false
	}
	return f.Code == wsman.CodeInvalidSelectors || f.Code == codeProviderDied || noShell(f)
}

// isRepeated reports whether the server has the command or the shell already that a
// request was to start. Its identifier is new, so that it was this request: what lies
// between sent it twice.
func isRepeated(f *wsman.FaultError) bool {
	return f.Code == wsman.CodeCommandExists || f.Code == wsman.CodeAlreadyExists
}

func noShell(f *wsman.FaultError) bool {
	return strings.Contains(f.Fault.Error(), "[FailureCategory=WSMan-InvalidShellID]")
}

// isForgotten reports whether the server does not have the command any more. Where
// it does not have the shell, Exchange says so beside the code; Windows does not, and
// the next command finds out.
func isForgotten(err error) bool {
	var f *wsman.FaultError
	return errors.As(err, &f) && f.Code == wsman.CodeInvalidSelectors && !noShell(f)
}

// isRefused reports whether a kind of error means that nobody was logged on: then
// nothing was carried out.
func isRefused(kind negotiate.Kind) bool {
	switch kind {
	case negotiate.BadCredential, negotiate.WouldBeClear, negotiate.WrongPassword, negotiate.PasswordExpired, negotiate.AccountLocked,
		negotiate.UnknownAccount, negotiate.TicketExpired, negotiate.NoKDC, negotiate.UnknownSPN, negotiate.ClockSkew, negotiate.KDCRefused,
		negotiate.NotOffered, negotiate.NTLMNotAllowed, negotiate.LogonRefused, negotiate.ChannelBinding, negotiate.Redirected:
		return true
	}
	return false
}

// mayHaveHappened reports whether the request that failed could have been carried
// out. A fault in answer to a request that starts something means that it did not
// start, but for faults about time, about a process that ended, and about something
// that has started already: then the request itself came twice.
func mayHaveHappened(err error) bool {
	var f *wsman.FaultError
	if errors.As(err, &f) {
		switch f.Code {
		case wsman.CodeOperationTimeout, wsman.CodeOperationAborted, codeProviderDied:
			return true
		}
		return isRepeated(f)
	}
	return !isRefused(negotiate.KindOf(err)) && !wsman.Unsent(err)
}
