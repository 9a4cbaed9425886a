package remote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// maxErrors is how many error records and warnings of one pipeline are kept. More
// stop it: nothing that exgrant runs gives so many.
const maxErrors = 10_000

// Invoke is documented at exchange.Invoker. A pipeline that only reads, or that
// surely did not start, is sent again when the session was lost under it.
func (s *psrpSession) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return exchange.Streams{}, err
	}
	for try := 1; ; try++ {
		r, err := s.open(ctx)
		if err != nil {
			return exchange.Streams{}, err
		}
		run, err := newRun(r, p, yield)
		if err != nil {
			return exchange.Streams{}, err
		}
		err = s.attempt(ctx, run)
		if err == nil {
			if len(run.streams.Errors) == 0 {
				s.remember(p)
			}
			return run.streams, nil
		}
		if ctx.Err() != nil || run.refused || !isLost(err) || !run.repeatable() || try == tries {
			return run.streams, s.outcome(ctx, run, err)
		}
	}
}

// attempt runs a pipeline. A runspace that it leaves in an unknown state, by an
// error or a panic of yield, is given up.
func (s *psrpSession) attempt(ctx context.Context, x *run) error {
	defer func() {
		if !x.intact {
			s.drop(ctx, x.runspace)
		}
	}()
	return x.do(ctx)
}

// outcome is the error that a pipeline ends with.
func (s *psrpSession) outcome(ctx context.Context, run *run, err error) error {
	switch {
	case run.refused:
		return err // yield's own
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		err = s.explain("running "+run.pipeline[0].Cmdlet, err)
	}
	if run.started && !readsOnly(run.pipeline) {
		return &exchange.LostReplyError{Cmdlet: run.pipeline[0].Cmdlet, Err: err}
	}
	return err
}

// remember keeps what changes the session itself, for a runspace that replaces
// this one.
func (s *psrpSession) remember(p exchange.Pipeline) {
	if p[0].Cmdlet != setSession {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = []exchange.Pipeline{p}
}

const setSession = "Set-ADServerSettings"

// readsOnly reports whether a pipeline can be run twice: it changes nothing but the
// session.
func readsOnly(p exchange.Pipeline) bool {
	for _, c := range p {
		verb, _, _ := strings.Cut(c.Cmdlet, "-")
		switch {
		case c.Cmdlet == setSession, strings.EqualFold(verb, "Get"), strings.EqualFold(verb, "Select"), strings.EqualFold(verb, "Measure"):
		default:
			return false
		}
	}
	return true
}

// holdBytes is how much output is held before the first object is given away: what
// is not given away yet can be asked for again when the connection is lost.
const holdBytes = 1 << 20

// A run is one attempt at a pipeline.
type run struct {
	runspace *runspace
	pipeline exchange.Pipeline
	command  psrp.PowerShell
	yield    func(exchange.Object) error
	streams  exchange.Streams
	held     []exchange.Object
	received int // bytes

	started bool // the server may have begun with it
	known   bool // the server said that it began
	yielded bool // an object was given away
	refused bool // the error is yield's
	intact  bool // the runspace can go on
}

func newRun(r *runspace, p exchange.Pipeline, yield func(exchange.Object) error) (*run, error) {
	command, err := powerShell(p)
	if err != nil {
		return nil, err
	}
	if yield == nil {
		yield = func(exchange.Object) error { return nil }
	}
	return &run{runspace: r, pipeline: p, command: command, yield: yield}, nil
}

// repeatable reports whether the same may be sent again without doing anything
// twice.
func (x *run) repeatable() bool { return !x.started || readsOnly(x.pipeline) && !x.yielded }

// do runs the pipeline. However it ends, a panic of yield included, the pipeline
// is over at the server or the runspace is not intact.
func (x *run) do(ctx context.Context) error {
	pipeline, fragments, err := x.runspace.pool.NewPipeline(newID(), x.command)
	if err != nil {
		x.intact = true // nothing was sent
		return err
	}
	id := pipeline.ID().String()
	defer func() {
		if x.started && !x.intact {
			x.stop(ctx, id)
		}
	}()
	if err := x.start(ctx, id, fragments[0]); err != nil {
		return err
	}
	if err := x.runspace.send(ctx, id, fragments[1:]); err != nil {
		return err
	}
	for !x.intact {
		if err := x.receive(ctx, pipeline); err != nil {
			return err
		}
	}
	return x.end(pipeline)
}

// start asks the server to begin. A cancel waits a little for the answer: what is
// known to have begun can be stopped, and the runspace goes on.
func (x *run) start(ctx context.Context, id string, first []byte) error {
	if err := ctx.Err(); err != nil {
		x.intact = true
		return err
	}
	ctx, cancel := outlasting(ctx, grace)
	defer cancel()
	err := x.runspace.shell.Command(ctx, id, first)
	x.known = err == nil
	x.started = x.known || mayHaveHappened(err)
	x.intact = !x.started && !isLost(err)
	return err
}

// grace is how much longer than the caller's context a request may take that must
// not be left in doubt.
const grace = 2 * time.Second

// outlasting returns a context that ends so much later than ctx.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// receive takes what the pipeline says next.
func (x *run) receive(ctx context.Context, pipeline *psrp.ClientPipeline) error {
	id := pipeline.ID().String()
	got, err := x.runspace.shell.Receive(ctx, id)
	if err != nil {
		return err
	}
	reply, err := pipeline.Receive(got.Data, x.event)
	if err != nil {
		return err
	}
	if err := x.runspace.answer(ctx, id, reply); err != nil {
		return err
	}
	if got.Done && !pipeline.State().Ended() {
		return &psrp.ProtocolError{What: "the server says that a command is done whose pipeline is " + pipeline.State().String()}
	}
	x.intact = got.Done
	if x.received += len(got.Data); got.Done || x.received > holdBytes {
		return x.release()
	}
	return nil
}

// release gives the objects away that are held.
func (x *run) release() error {
	for _, o := range x.held {
		x.yielded = true
		if err := x.yield(o); err != nil {
			x.refused = true
			return err
		}
	}
	clear(x.held)
	x.held = x.held[:0]
	return nil
}

// end looks at the state in which a pipeline ended.
func (x *run) end(pipeline *psrp.ClientPipeline) error {
	if pipeline.State() == psrp.Completed {
		return nil
	}
	x.streams.Failed = true
	failure, ok := pipeline.Failure()
	if !ok {
		failure = psrp.ErrorRecord{Message: fmt.Sprintf("The server ended the command as %s and gave no reason.", pipeline.State())}
	}
	x.streams.Errors = append(x.streams.Errors, toErrorRecord(failure))
	return nil
}

func (x *run) event(e psrp.Event) error {
	switch e.Type {
	case psrp.PipelineOutput:
		x.held = append(x.held, toObject(e.Value))
	case psrp.ErrorRecordMessage:
		record, ok := psrp.ReadErrorRecord(e.Value)
		if !ok {
			return &psrp.ProtocolError{What: "an error record says nothing"}
		}
		x.streams.Errors = append(x.streams.Errors, toErrorRecord(record))
	case psrp.WarningRecord:
		x.streams.Warnings = append(x.streams.Warnings, e.Message())
	}
	if n := len(x.streams.Errors) + len(x.streams.Warnings); n > maxErrors {
		return fmt.Errorf("%s gave more than %d errors and warnings", x.pipeline[0].Cmdlet, maxErrors)
	}
	return nil
}

// stop stops the pipeline at the server and throws away what it still says, in a
// time of its own. Where that works, or the server has forgotten the pipeline, the
// runspace can go on.
func (x *run) stop(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	for range tries {
		err := x.interrupt(ctx, id)
		if x.intact = err == nil || x.known && isForgotten(err); x.intact || isGone(err) {
			return
		}
	}
}

// interrupt asks the server to stop the pipeline, and waits for its end.
func (x *run) interrupt(ctx context.Context, id string) error {
	if err := x.runspace.shell.Signal(ctx, id, wsman.SignalPowerShellStop); err != nil {
		return err
	}
	for {
		got, err := x.runspace.shell.Receive(ctx, id)
		if err != nil || got.Done {
			return err
		}
	}
}
