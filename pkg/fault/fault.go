// Package fault tells what an error means: [Evidence] in, [Fault] out.
//
// One ordered table of rules decides, the first match wins. A rule looks at what
// no server or client translates: the server's failure category, the exception's
// type, the error's identifier, the cmdlet, WSMan and HTTP and EWS codes. Text is
// the last resort, in short fragments. What no rule knows is [Other].
//
// Some mistakes cost more than others: a false [Dehydrated] changes an
// organization for good, a false [AlreadyCustomized], [AlreadyExists] or
// [Transient] makes a program go on where it must stop. Rules for these four are
// narrow on purpose; where evidence is ambiguous, the answer is [Other].
//
// All functions are safe for concurrent use.
package fault

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Fault is an error with its meaning.
type Fault = exchange.Fault

// The identifiers of faults: what is wrong, in one word. They are a contract.
const (
	Dehydrated             = "dehydrated"               // the organization must be customized before this command
	AlreadyCustomized      = "already_customized"       // Enable-OrganizationCustomization has nothing left to do
	AlreadyExists          = "already_exists"           // an object of that name, or that member, is there
	CmdletMissing          = "cmdlet_missing"           // a cmdlet or parameter that this session does not have
	AccessDenied           = "access_denied"            // logged on, but not permitted
	PrincipalNotFound      = "principal_not_found"      // no such user, group, server, scope or database
	PrincipalAmbiguous     = "principal_ambiguous"      // several objects match
	RoleNotFound           = "role_not_found"           // the management role is not there
	ScopeError             = "scope_error"              // a scope or filter that Exchange refuses
	LanguageMode           = "language_mode"            // script text sent to a session that takes commands only
	Serialization          = "serialization"            // an object came back, or was passed, in a form that is not accepted
	Throttled              = "throttled"                // too many requests in too short a time
	Transient              = "transient"                // a domain controller is away for a moment
	ConnectAuth            = "connect_auth"             // could not log on
	ConnectHTTP            = "connect_http"             // the web server answered, but not as PowerShell
	ConnectNetwork         = "connect_network"          // no answer, or the link was cut
	ConnectQuota           = "connect_quota"            // too many sessions of this account
	ConnectTLS             = "connect_tls"              // certificate or protocol refused
	WSManFault             = "wsman_fault"              // the WS-Management service reports another fault
	EWSImpersonationDenied = "ews_impersonation_denied" // EWS does not let the account act for that mailbox
	EWSOther               = "ews_other"                // EWS reports another error
	Other                  = "other"                    // not known; never tried again
)

// meanings holds every fault once, in the order of the constants, and what it is
// in words.
var meanings = []struct{ id, meaning string }{
	{Dehydrated, "the organization must be customized before this command can run"},
	{AlreadyCustomized, "the organization is customized already; there was nothing to do"},
	{AlreadyExists, "an object of that name, or that member, is there already"},
	{CmdletMissing, "the session does not have this cmdlet or parameter"},
	{AccessDenied, "logged on, but not permitted"},
	{PrincipalNotFound, "there is no such object"},
	{PrincipalAmbiguous, "several objects match"},
	{RoleNotFound, "there is no such management role"},
	{ScopeError, "Exchange refuses the scope or filter"},
	{LanguageMode, "the session takes single commands, not script text"},
	{Serialization, "an object was passed or came back in a form that is not accepted"},
	{Throttled, "too many requests in too short a time"},
	{Transient, "a domain controller is away for a moment"},
	{ConnectAuth, "could not log on"},
	{ConnectHTTP, "the web server answered, but not as Exchange does"},
	{ConnectNetwork, "no answer, or the link was cut"},
	{ConnectQuota, "the account has too many sessions or requests open"},
	{ConnectTLS, "the certificate or the TLS version is not accepted"},
	{WSManFault, "the WS-Management service reports a fault"},
	{EWSImpersonationDenied, "Exchange Web Services do not let the account act for this mailbox"},
	{EWSOther, "Exchange Web Services report an error"},
	{Other, "not an error that is known here"},
}

// IDs returns every fault identifier once, in the order of the constants.
func IDs() []string {
	out := make([]string, len(meanings))
	for i, m := range meanings {
		out[i] = m.id
	}
	return out
}

// Meaning says in a few words, without a full stop, what a fault is. It is empty
// for an unknown identifier.
func Meaning(id string) string {
	for _, m := range meanings {
		if m.id == id {
			return m.meaning
		}
	}
	return ""
}

// What may be done about a fault without asking anybody.
const (
	RetryNever              = "never"               // the same again fails again: somebody must change something first
	RetryAfterCustomization = "after-customization" // run Enable-OrganizationCustomization, then the command again
	RetryReread             = "reread"              // the outcome is unknown or already there: read the state, then decide
	RetryBackoff            = "backoff"             // the same again after growing waits, a few times only
	RetryNewSession         = "new-session"         // open a new session, then the same again
)

// RetryMeaning says in a few words what a kind of retry is. It is empty for an
// unknown kind.
func RetryMeaning(kind string) string {
	switch kind {
	case RetryNever:
		return "the same again fails again until somebody changes something"
	case RetryAfterCustomization:
		return "run " + enableCustomization + ", then the command again with growing waits"
	case RetryReread:
		return "read what is there now, then decide"
	case RetryBackoff:
		return "the same again after growing waits, a few times only"
	case RetryNewSession:
		return "open a new session, then the same again"
	default:
		return ""
	}
}

// Evidence is what is known of one error. Every field may be empty.
type Evidence struct {
	Record     exchange.ErrorRecord
	WSManCode  uint32 // of f:WSManFault, or an exception's ErrorCode
	HTTPStatus int
	EWSCode    string // EWS ResponseCode
	Text       string // everything else, as it was shown
}

// Classify tells what the evidence means, and by which rule of [Rules]. The rule
// is a copy; it is never nil: what no rule knows is told by the last one, whose
// ID is [Other]. Fault.Message is the record's message, or else the text;
// Fault.Record is the record without its message, nil when nothing is left of it.
func Classify(e Evidence) (Fault, *Rule) {
	c := newClues(e)
	for _, m := range matchers() {
		if m.matches(c) {
			rule := m.Rule.clone()
			return explain(e, rule), &rule
		}
	}
	rule := unknown()
	return explain(e, rule), &rule
}

func explain(e Evidence, r Rule) Fault {
	f := Fault{ID: r.ID, Rule: r.Name, Hint: r.Hint, Retry: r.Retry, Source: r.Source}
	f.Message = strings.TrimSpace(e.Record.Message)
	if f.Message == "" {
		f.Message = strings.TrimSpace(e.Text)
	}
	record := e.Record
	record.Message = ""
	if record != (exchange.ErrorRecord{}) {
		f.Record = &record
	}
	return f
}
