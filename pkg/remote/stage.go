package remote

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A stageError says at what stage a PowerShell failed before it had the commands of
// Exchange, or before a script came to its end, and with which error there.
type stageError struct {
	stage     string
	record    exchange.ErrorRecord
	secondHop bool
}

func newStageError(stage string, record exchange.ErrorRecord, overNetwork bool) *stageError {
	return &stageError{stage, record, overNetwork && stage == "shell" && isSecondHop(record)}
}

func (e *stageError) Error() string {
	message := e.record.Message
	switch {
	case e.secondHop:
		return secondHopText + " It said: " + message
	case e.stage == "policy" && message == "Restricted":
		return "the execution policy there is Restricted: no script may run"
	case e.stage == "policy":
		return "the execution policy there is " + message + ": only signed scripts may run, and what Import-PSSession makes of a session of Exchange is not signed"
	case e.stage == "signature":
		return "the script's signature is not accepted there: " + message
	case e.stage == "session":
		return "the PowerShell there could not open a session of Exchange: " + message
	case e.stage == "import":
		return "the PowerShell there got no commands from its session of Exchange: " + message
	case e.stage == "shell":
		return "the management shell there could not be opened: " + message
	case e.stage == "file":
		return "the script could not be put into a private file there: " + message
	}
	return "the script ended with an error of its own: " + message
}

// Hint says what to do, "" where the evidence alone decides.
func (e *stageError) Hint() string {
	switch {
	case e.secondHop:
		return secondHopHint
	case e.stage == "policy":
		return "What works: --transport psrp, which runs no script; or Set-ExecutionPolicy RemoteSigned there, where a group policy does not decide."
	case e.stage == "signature":
		return "Sign it with a certificate that is trusted there, and change nothing afterwards. Scripts of this program need no signature unless --require-signed is given."
	case e.stage == "shell":
		return "Run it on an Exchange server or a computer with its management tools; or name a server with --server, whose Exchange is used then."
	}
	return ""
}

// evidence is what the error is known by.
func (e *stageError) evidence() fault.Evidence {
	switch {
	case e.secondHop:
		return fault.Evidence{WSManCode: codeNoLogonSession}
	case e.stage == "policy", e.stage == "signature", e.stage == "file":
		return fault.Evidence{Text: e.Error()}
	}
	return fault.Evidence{Record: e.record, Text: e.Error()}
}

// codeNoLogonSession is ERROR_NO_SUCH_LOGON_SESSION.
const codeNoLogonSession = 1312

const (
	secondHopText = "the PowerShell that WinRM started on the server could not log on to Exchange or to a domain controller. This is a second hop: " +
		"it was started by a log-on over the network, which has no password or ticket to go on with."
	secondHopHint = "Leave --remote-exchange out: then exgrant passes your password to the PowerShell there, for Exchange's own session. Or use --transport psrp, or " +
		"log on to the server itself and use --transport local. Kerberos delegation, constrained or not, does not help: WinRM does not use it."
)

// isSecondHop knows it by codes: no log-on session or credentials, or an LDAP
// operation without a log-on (SEC_E_NO_CREDENTIALS, ERROR_NO_SUCH_LOGON_SESSION,
// LDAP_OPERATIONS_ERROR); and by what any refusal at this place means.
func isSecondHop(record exchange.ErrorRecord) bool {
	f, _ := fault.Classify(fault.Evidence{Record: record})
	if f.ID == fault.ConnectAuth || f.ID == fault.AccessDenied {
		return true
	}
	text := strings.ToLower(record.FullyQualifiedErrorID + " " + record.Message)
	for _, sign := range []string{"0x8009030e", "-2146893042", "0x80070520", "1312,pssessionopenfailed", "0x80072020", "-2147016672", "logon session",
		"operations error", "getcomputersite"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
