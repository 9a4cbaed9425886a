// Package fault tells what an error means: Evidence in, Fault out.
package fault

import "github.com/exgrant/exgrant/pkg/exchange"

// Evidence is what is known of one error. Every field may be empty.
type Evidence struct {
	Record     exchange.ErrorRecord
	WSManCode  uint32 // of f:WSManFault, or an exception's ErrorCode
	HTTPStatus int
	EWSCode    string // EWS ResponseCode
	Text       string // everything else, as it was shown
}
