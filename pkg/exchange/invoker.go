package exchange

import (
	"context"
	"fmt"
)

// An Invoker runs one pipeline in an Exchange session.
//
// It calls yield for every output object, in order, while the pipeline runs. An
// error of yield stops the pipeline and is returned. Errors that Exchange
// reports are data: they are in Streams, also when the pipeline failed. The
// returned error is the transport's, the protocol's, the context's or yield's.
//
// When ctx ends, the Invoker stops the remote pipeline before it returns.
// Implementations are safe for concurrent use.
type Invoker interface {
	Invoke(ctx context.Context, p Pipeline, yield func(Object) error) (Streams, error)
}

// A LanguageModer is an Invoker whose session can be asked for its language mode:
// FullLanguage, ConstrainedLanguage, RestrictedLanguage or NoLanguage
// (about_Language_Modes); "" is a session that does not say. It asks once for each
// session, and is safe for concurrent use with Invoke.
type LanguageModer interface {
	Invoker
	LanguageMode(ctx context.Context) (string, error)
}

// A Session is an Invoker that says where it is and who acts in it, for reports. It is
// safe for concurrent use with Invoke.
type Session interface {
	Invoker
	Place() Place
}

// A Place is where an Invoker's commands run, and who runs them.
type Place struct {
	Server    string // host that was dialed; "" for a shell of this computer that names none
	Transport string // psrp, winrs or local
	Operator  string // the account that is logged on, DOMAIN\name or a UPN
}

// A LostReplyError says that a pipeline was sent and the connection failed before
// its end was known: it may have run, whole or in part, or not at all. Invokers
// give it only for pipelines that change something; those that only read are
// sent again. Who gets it reads what is there before going on.
type LostReplyError struct {
	Cmdlet string
	Err    error // what happened to the connection
}

func (e *LostReplyError) Error() string {
	return fmt.Sprintf("%s was sent, but its reply was lost: %v", e.Cmdlet, e.Err)
}

func (e *LostReplyError) Unwrap() error { return e.Err }

// Streams is what a pipeline reported beside its output.
type Streams struct {
	Errors   []ErrorRecord
	Warnings []string
	Failed   bool // the pipeline ended in state Failed (MS-PSRP 2.2.3.5); errors alone do not fail it
}
