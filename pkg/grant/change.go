package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

const (
	firstWait  = 2 * time.Second
	longWait   = 5 * time.Minute
	maxRetries = 5 // of what may work a moment later, in one run
	maxLost    = 2 // replies, in one run
)

// A change is one command that changes the organization.
type change struct {
	step   string
	action string // of the plan: create, update or remove
	text   string // what it does
	why    string

	// command gives the command for a domain controller, "" for any.
	command func(domainController string) exchange.Command

	// landed reads whether the organization is as the command would make it, and the
	// object as it is then. It decides after a reply was lost.
	landed func(ctx context.Context) (exchange.Object, bool, error)

	// done notes what takes the change back, once it was made.
	done func(written exchange.Object)
}

func (c change) line(domainController string) string {
	line, err := c.command(domainController).Line()
	if err != nil {
		return c.command(domainController).Cmdlet // a name that was read and cannot be shown
	}
	return line
}

func (c change) planned(domainController string) exchange.Change {
	return exchange.Change{ID: c.step, Action: c.action, Command: exchange.NewPlanCommand(c.command(domainController)), Why: c.why}
}

// change makes one change and returns what the command gave; in a plan it only
// tells it. It tries again when the fault says that this can help, and ends the run
// otherwise.
func (r *run) change(ctx context.Context, c change) (exchange.Object, error) {
	r.step = c.step
	if r.planning {
		r.changes = append(r.changes, c.planned(r.writeServer))
		r.addStep(exchange.Step{ID: c.step, Status: exchange.StatusPlanned, Text: c.text, Command: c.line(r.writeServer)})
		return exchange.Object{}, nil
	}
	begun := r.o.Now()
	for attempt := 1; ; attempt++ {
		written, err := r.one(ctx, c.command(r.writeServer))
		done := err == nil
		if !done {
			written, done, err = r.failed(ctx, c, attempt, err)
		}
		switch {
		case done:
			r.made(c, written, attempt, begun)
			return written, nil
		case err != nil:
			return exchange.Object{}, err
		}
	}
}

// failed looks at an attempt that gave an error. The change can be done all the
// same; else, without an error, it is to be tried again.
func (r *run) failed(ctx context.Context, c change, attempt int, err error) (exchange.Object, bool, error) {
	var reply *exchange.LostReplyError
	switch {
	case errors.As(err, &reply):
		return r.lookAgain(ctx, c, attempt, err)
	case ctx.Err() != nil:
		r.unsure = &c
		return exchange.Object{}, false, err
	case reports(err, fault.PrincipalNotFound) && r.writeServer != "" && !r.pinned:
		// The server that took the first write need not know objects of other domains.
		r.writeServer = ""
		return exchange.Object{}, false, nil
	}
	return exchange.Object{}, false, r.resume(ctx, c, attempt, err)
}

// lookAgain reads what became of a change whose reply was lost.
func (r *run) lookAgain(ctx context.Context, c change, attempt int, err error) (exchange.Object, bool, error) {
	r.unsure = &c
	there, landed, readErr := c.landed(ctx)
	if readErr != nil {
		return there, false, readErr
	}
	r.unsure = nil
	if landed {
		return there, true, nil
	}
	if r.lost++; r.lost > maxLost {
		return there, false, err
	}
	f := faultOf(err)
	r.addStep(exchange.Step{ID: c.step, Status: exchange.StatusFailed, Attempt: attempt, Command: c.line(r.writeServer), Fault: &f,
		Text: "The reply was lost, and reading showed that nothing was changed: once more."})
	return there, false, nil
}

// made tells a change that was made.
func (r *run) made(c change, written exchange.Object, attempt int, begun time.Time) {
	command := c.line(r.writeServer)
	r.report.Changed = true
	if server := written.Text("OriginatingServer"); server != "" && r.writeServer == "" {
		r.writeServer = server
		r.report.Target.DomainController = server
	}
	if attempt == 1 {
		attempt = 0 // it goes without saying
	}
	r.addStep(exchange.Step{ID: c.step, Status: exchange.StatusChanged, Attempt: attempt, Command: command, Text: c.text,
		GUID: written.Text("Guid"), DurationMS: r.o.Now().Sub(begun).Milliseconds()})
	if c.done != nil {
		c.done(written)
	}
}

// errReadAgain says that what was to be made is there already: what somebody else
// made may be what is wanted.
var errReadAgain = errors.New("the object is there already")

// resume prepares the next attempt after a fault, or ends the run.
func (r *run) resume(ctx context.Context, c change, attempt int, err error) error {
	var reported *exchangeError
	if !errors.As(err, &reported) {
		return err
	}
	f := reported.fault
	failed := exchange.Step{ID: c.step, Status: exchange.StatusFailed, Attempt: attempt, Command: c.line(r.writeServer), Text: f.Message, Fault: &f}
	if f.ID == fault.PrincipalNotFound && r.pinned {
		failed.Text = fmt.Sprintf("Not on this domain controller (%s): %s", r.writeServer, f.Message)
	}
	switch {
	case f.ID == fault.AlreadyExists && r.readAgain:
		return errReadAgain
	case f.ID == fault.Dehydrated:
		r.addStep(failed)
		return r.waitForCustomization(ctx, c, attempt, f)
	case (f.ID == fault.Transient || f.ID == fault.Throttled) && r.retries < maxRetries:
		r.addStep(failed)
		r.retries++
		return r.waitRetry(ctx)
	}
	return r.stop(OutcomeOf(f), failed)
}

// waitRetry waits 2 seconds, then doubling, at most 5 minutes, never past the
// deadline.
func (r *run) waitRetry(ctx context.Context) error {
	left := (r.deadline.Sub(r.o.Now()) + time.Second - 1).Truncate(time.Second)
	wait := max(time.Second, min(r.wait, left))
	r.wait = min(2*r.wait, longWait)
	return r.o.Sleep(ctx, wait)
}

// settle looks whether a change was made of which the run could not know it.
func (r *run) settle(ctx context.Context) {
	c := r.unsure
	if c == nil {
		return
	}
	r.unsure = nil
	written, landed, err := c.landed(ctx)
	switch {
	case err != nil:
		r.find("change-unknown", exchange.SeverityWarning, "Whether this was carried out is not known: "+c.line(r.writeServer)+". Run again: "+
			"what is there is read first.")
	case landed:
		r.made(*c, written, 1, r.o.Now())
	}
}
