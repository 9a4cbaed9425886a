package remote

import (
	"context"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// Invoke is documented at exchange.Invoker.
func (s *psrpSession) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	command, err := powerShell(p)
	if err != nil {
		return exchange.Streams{}, err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return exchange.Streams{}, err
	}
	a, err := persist(ctx, func() *attempt { return newAttempt(p, yield) }, func(ctx context.Context, a *attempt) error {
		r, err := s.open(ctx)
		if err != nil {
			a.over = true
			return err
		}
		return s.attempt(ctx, &run{attempt: a, runspace: r, command: command})
	})
	if err == nil && len(a.streams.Errors) == 0 {
		s.remember(p)
	}
	return a.streams, err
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

// A run is one attempt at a pipeline in a runspace.
type run struct {
	*attempt
	runspace *runspace
	command  psrp.PowerShell

	known  bool // the server said that it began
	intact bool // the runspace can go on
}

// do runs the pipeline. However it ends, a panic of yield included, the pipeline
// is over at the server or the runspace is not intact.
func (x *run) do(ctx context.Context) error {
	pipeline, fragments, err := x.runspace.pool.NewPipeline(psrp.NewGUID(), x.command)
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

// end looks at the state in which a pipeline ended.
func (x *run) end(pipeline *psrp.ClientPipeline) error {
	x.tellDropped()
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
		return x.output(e.Value)
	case psrp.ErrorRecordMessage:
		record, ok := psrp.ReadErrorRecord(e.Value)
		if !ok {
			return &psrp.ProtocolError{What: "an error record says nothing"}
		}
		return x.noteError(toErrorRecord(record), e.Size)
	case psrp.WarningRecord:
		return x.noteWarning(e.Message(), e.Size)
	}
	return x.count()
}

// stop stops the pipeline at the server and throws away what it still says, in a
// time of its own. Where that works, or the server has forgotten the pipeline, the
// runspace can go on.
func (x *run) stop(ctx context.Context, id string) {
	ctx, cancel := aftermath.Within(ctx, cleanup)
	defer cancel()
	for range tries {
		err := x.interrupt(ctx, id)
		if x.intact = err == nil || x.known && isForgotten(err); x.intact || isGone(err) || isExcess(err) {
			return
		}
	}
}

// interrupt asks the server to stop the pipeline, and waits for its end.
func (x *run) interrupt(ctx context.Context, id string) error {
	if err := x.runspace.shell.Signal(ctx, id, wsman.SignalPowerShellStop); err != nil {
		return err
	}
	for thrown := 0; thrown < maxStopping; {
		got, err := x.runspace.shell.Receive(ctx, id)
		if err != nil || got.Done {
			return err
		}
		thrown += len(got.Data)
	}
	return &excessError{"the command goes on after it was told to stop"}
}
