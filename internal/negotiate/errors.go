package negotiate

import (
	"errors"
	"fmt"
)

// A Kind is a way in which a log-on or a protected exchange fails. Its text is the
// name for programs.
type Kind string

// The kinds of Error.
const (
	// What was given cannot be used: a name without a realm, an unreadable keytab, a
	// ticket cache without tickets. Nobody was contacted.
	BadCredential Kind = "bad-credential"
	// Method and address together would send a password or a message in clear.
	WouldBeClear Kind = "would-be-clear"

	// The KDC, or the server, refused the account.
	WrongPassword   Kind = "wrong-password"
	PasswordExpired Kind = "password-expired"
	AccountLocked   Kind = "account-locked" // locked, disabled, expired, or not allowed now
	UnknownAccount  Kind = "unknown-account"
	TicketExpired   Kind = "ticket-expired" // that of a ticket cache, which cannot be renewed
	NoKDC           Kind = "no-kdc"         // none known, or none reachable
	UnknownSPN      Kind = "unknown-spn"    // the KDC does not know it, or it belongs to another account
	ClockSkew       Kind = "clock-skew"
	KDCRefused      Kind = "kdc-refused" // for another reason

	// The server offers only ways to log on that were not asked for.
	NotOffered     Kind = "not-offered"
	NTLMNotAllowed Kind = "ntlm-not-allowed" // it wants NTLM where only Kerberos was asked for
	LogonRefused   Kind = "logon-refused"    // it answered the log-on with 401

	// The server is not, or cannot prove to be, who it should be.
	NoAuthentication Kind = "no-authentication" // it answers 200 to nobody in particular
	NoMutualProof    Kind = "no-mutual-proof"   // it gave no proof of its identity, or a wrong one
	ChannelBinding   Kind = "channel-binding"   // the TLS connection ends before the server
	Redirected       Kind = "redirected"
	NotSealed        Kind = "not-sealed" // an answer in clear on a sealed connection
	Altered          Kind = "altered"    // a message that was changed in transit
	OutOfOrder       Kind = "out-of-order"
	Malformed        Kind = "malformed" // something that is none of the protocols' messages
)

// An Error says how a log-on or a protected exchange failed. It holds no secret.
type Error struct {
	Kind   Kind
	What   string // the whole of what failed, without Err
	Advice string // what to do; may be empty

	Status   int      // the HTTP status of the answer that is meant; 0 when there is none
	Offered  []string // the schemes that the server offers, where that is known
	Location string   // where a redirection leads, as the server wrote it
	Err      error    // the cause; may be nil
}

// Code is what Windows' own client gives for the same trouble (winerror.h), 0 where it
// has none.
func (e *Error) Code() uint32 { return codes[e.Kind] }

var codes = map[Kind]uint32{
	BadCredential:    0x8009030D, // SEC_E_UNKNOWN_CREDENTIALS
	WouldBeClear:     0x803380DE, // ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED
	WrongPassword:    1326,       // ERROR_LOGON_FAILURE
	LogonRefused:     1326,
	UnknownAccount:   1326,
	PasswordExpired:  1330,       // ERROR_PASSWORD_EXPIRED
	AccountLocked:    1909,       // ERROR_ACCOUNT_LOCKED_OUT
	TicketExpired:    0x8009030E, // SEC_E_NO_CREDENTIALS
	NoKDC:            0x80090311, // SEC_E_NO_AUTHENTICATING_AUTHORITY
	KDCRefused:       0x80090304, // SEC_E_INTERNAL_ERROR
	UnknownSPN:       0x80090303, // SEC_E_TARGET_UNKNOWN
	ClockSkew:        0x80090324, // SEC_E_TIME_SKEW
	NotOffered:       0x80090302, // SEC_E_NOT_SUPPORTED
	NTLMNotAllowed:   0x80090302,
	NoAuthentication: 0x80090363, // SEC_E_MUTUAL_AUTH_FAILED
	NoMutualProof:    0x80090363,
	ChannelBinding:   0x80090346, // SEC_E_BAD_BINDINGS
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.What + ": " + e.Err.Error()
	}
	return e.What
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do about it, or nothing.
func (e *Error) Hint() string { return e.Advice }

// KindOf returns the kind of the Error in err, or nothing.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// oneAttempt is what to do about a name or password that is refused.
const oneAttempt = "check user name and password. One attempt was made; repeated failures may lock the account"

func malformed(format string, args ...any) error {
	return &Error{Kind: Malformed, What: fmt.Sprintf(format, args...),
		Advice: "something else than the server answers at this address, such as a proxy, or changes what it says"}
}
