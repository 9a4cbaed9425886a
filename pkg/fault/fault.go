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

// A Fault is an error with its meaning. Its JSON form is part of
// a report's.
type Fault struct {
	ID      string                `json:"id"`
	Rule    string                `json:"rule"`
	Message string                `json:"message"`
	Hint    string                `json:"hint,omitempty"`
	Retry   string                `json:"retry"`
	Source  string                `json:"source,omitempty"`
	Record  *exchange.ErrorRecord `json:"record,omitempty"`
}

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

// meanings holds every fault once, in the order of the constants: what it is in
// words, and who can do something about it.
var meanings = []struct{ id, meaning, who string }{
	{Dehydrated, "the organization must be customized before this command can run", whoOrganization},
	{AlreadyCustomized, "the organization is customized already; there was nothing to do", whoRan},
	{AlreadyExists, "an object of that name, or that member, is there already", whoRan},
	{CmdletMissing, "the session does not have this cmdlet or parameter", whoOrganization},
	{AccessDenied, "logged on, but not permitted", whoOrganization},
	{PrincipalNotFound, "there is no such object", whoRan},
	{PrincipalAmbiguous, "several objects match", whoRan},
	{RoleNotFound, "there is no such management role", whoOrganization},
	{ScopeError, "Exchange refuses the scope or filter", whoRan},
	{LanguageMode, "the session takes single commands, not script text", whoRan},
	{Serialization, "an object was passed or came back in a form that is not accepted", whoRan},
	{Throttled, "too many requests in too short a time", "whoever runs the program; a wider throttling policy is given by a member of Organization Management"},
	{Transient, "a domain controller is away for a moment", "nobody, if it passes; else whoever keeps the domain controllers"},
	{ConnectAuth, "could not log on", "whoever has the account's password; for service names and trusts, a domain administrator"},
	{ConnectHTTP, "the web server answered, but not as Exchange does", "the administrator of the Exchange server, or of the proxy before it"},
	{ConnectNetwork, "no answer, or the link was cut", whoNetwork},
	{ConnectQuota, "the account has too many sessions or requests open", "whoever uses the account"},
	{ConnectTLS, "the certificate or the TLS version is not accepted", "whoever keeps the certificate of the server or load balancer"},
	{WSManFault, "the WS-Management service reports a fault", "the administrator of that server"},
	{EWSImpersonationDenied, "Exchange Web Services do not let the account act for this mailbox", whoOrganization},
	{EWSOther, "Exchange Web Services report an error", "the administrator of the Exchange server, with the vendor of the program"},
	{Other, "an error that is known here, and of none of the other kinds", ""},
}

const (
	whoOrganization = "a member of Organization Management in that Exchange organization"
	whoRan          = "whoever ran the command"
	whoNetwork      = "whoever keeps the network and the firewall between; on the server, its administrator"
)

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

// Says is the meaning of what a rule matches: its own, else that of its fault.
func (r Rule) Says() string {
	if r.Meaning != "" {
		return r.Meaning
	}
	return Meaning(r.ID)
}

// Can says who can do what the rule's hint says. It is empty where nobody is known.
func (r Rule) Can() string {
	if r.Who != "" {
		return r.Who
	}
	for _, m := range meanings {
		if m.id == r.ID {
			return m.who
		}
	}
	return ""
}

// Unknown says whether the rule is the last one: that of what no rule knows.
func (r Rule) Unknown() bool { return r.Name == unknownName }

// What may be done about a fault without asking anybody.
const (
	RetryNever              = "never"               // the same again fails again: somebody must change something first
	RetryAfterCustomization = "after-customization" // run Enable-OrganizationCustomization, then the command again
	RetryCommand            = "command"             // not this one again: the command that it was run for
	RetryReread             = "reread"              // the outcome is unknown or already there: read the state, then decide
	RetryBackoff            = "backoff"             // the same again after growing waits, a few times only
	RetryNewSession         = "new-session"         // open a new session, then the same again
)

// RetryMeaning says in a few words what a kind of retry is, and for how long to
// wait. It is empty for an unknown kind.
func RetryMeaning(kind string) string {
	switch kind {
	case RetryNever:
		return "the same again gives the same until somebody changes something"
	case RetryAfterCustomization:
		return "run " + enableCustomization + " once, then the command again after 1, 2, 4 minutes and so on, for an hour; it can take a day"
	case RetryCommand:
		return enableCustomization + " need not be repeated; repeat the command before it, after 1, 2, 4 minutes and so on, for an hour"
	case RetryReread:
		return "read what is there now, then decide; waiting does not help"
	case RetryBackoff:
		return "the same again after 1, 2, 4 and 8 minutes, then stop"
	case RetryNewSession:
		return "open a new session now, then the same again, once"
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
