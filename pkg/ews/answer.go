package ews

import (
	"time"
)

// An Answer is what came back for one call: of its last request, where several were
// needed. What was not told is zero.
type Answer struct {
	Operation string // "GetFolder"
	URL       string // that was asked
	Status    int    // of HTTP; 0 when no answer came
	Code      string // the response code: "NoError", "ErrorImpersonateUserDenied" …; "" when EWS itself did not answer

	Build         Build  // of the server that answered
	ServerVersion string // the schema's version that the server took, such as "V2017_07_11"
	FrontEnd      string // X-FEServer, the server that took the request
	BackEnd       string // X-BEServer or X-CalculatedBETarget, the one that has the mailbox
	RequestID     string // of the request, as the server logs it

	Requests int           // how many were sent, without those of logging on
	Waited   time.Duration // that the server asked for before the call could go on
	Took     time.Duration // from the first request to the end of the answer, waiting included
}
