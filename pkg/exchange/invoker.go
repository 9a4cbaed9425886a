package exchange

import "context"

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

// Streams is what a pipeline reported beside its output.
type Streams struct {
	Errors   []ErrorRecord
	Warnings []string
	Failed   bool // the pipeline ended in state Failed (MS-PSRP 2.2.3.5); errors alone do not fail it
}
