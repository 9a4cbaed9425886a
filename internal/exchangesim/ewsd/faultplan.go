package ewsd

import "time"

// A FaultPlan says what goes wrong with which request, counted from 1. Only requests
// that logged on and have a body are counted.
type FaultPlan map[int]Fault

// A Fault is what goes wrong with one request.
type Fault struct {
	Kind  FaultKind
	Delay time.Duration // with Delay

	Status     int           // with Status: of HTTP, 0 is 503
	RetryAfter time.Duration // with Status: told in whole seconds

	Code    string        // with SOAPFault and Response: the response code
	Message string        // with them: in place of the usual text
	BackOff time.Duration // with them: BackOffMilliseconds
}

// A FaultKind is a way in which a request or its reply goes wrong.
type FaultKind string

// The kinds of faults.
const (
	CutBefore FaultKind = "cut-before" // carried out, the connection closed instead of the reply
	CutDuring FaultKind = "cut-during" // carried out, the connection closed within the reply
	Refuse    FaultKind = "refuse"     // not carried out, the connection closed
	Truncate  FaultKind = "truncate"   // the reply is half of it, and says that it is whole
	Garble    FaultKind = "garble"     // bytes in the middle that are neither UTF-8 nor XML
	Delay     FaultKind = "delay"      // the reply comes later
	Status    FaultKind = "status"     // not carried out, a web page with a status of HTTP
	Empty     FaultKind = "empty"      // not carried out, HTTP 500 without a body
	SOAPFault FaultKind = "soap-fault" // not carried out, a SOAP fault
	Response  FaultKind = "response"   // not carried out, a response message with an error

	Enormous FaultKind = "enormous" // the reply does not end
	Entities FaultKind = "entities" // a document type with entities that multiply
	Deep     FaultKind = "deep"     // elements within elements without end
	Other    FaultKind = "other"    // a reply to another operation
	Twice    FaultKind = "twice"    // two replies in one
	Page     FaultKind = "page"     // a web page with HTTP 200, as of a portal in between
	Login    FaultKind = "login"    // a redirection to a page that asks for a log-on
)
