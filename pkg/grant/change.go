package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
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
	// object as it is then. It decides whenever the command did not simply work.
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

func (c change) planned(domainController string) report.Change {
	return report.Change{ID: c.step, Action: c.action, Command: report.NewPlanCommand(c.command(domainController)), Why: c.why}
}

// An attempt is one try at a change.
type attempt struct {
	change   change
	n        int // from 1
	patience patience
	begun    time.Time
}

// change makes one change and returns what the command gave; in a plan it only
// tells it. It tries again when the fault says that this can help, and ends the run
// otherwise.
func (r *run) change(ctx context.Context, c change) (exchange.Object, error) {
	r.step = c.step
	if r.planning {
		r.changes = append(r.changes, c.planned(r.writeServer))
		r.addStep(report.Step{ID: c.step, Status: report.StatusPlanned, Text: c.text, Command: c.line(r.writeServer)})
		return exchange.Object{}, nil
	}
	if err := r.checkChange(c); err != nil {
		return exchange.Object{}, err
	}
	for a := (attempt{change: c, n: 1, begun: r.o.Now()}); ; a.n++ {
		r.keep(c.line(r.writeServer))
		written, err := r.one(ctx, c.command(r.writeServer))
		if err == nil {
			r.made(a, written)
			return written, nil
		}
		there, done, err := r.failed(ctx, &a, err)
		if done || err != nil {
			return there, err
		}
	}
}

// failed looks at an attempt that gave an error. What the organization shows then
// decides, whatever the error said: the change can be done all the same. Else, without
// an error, it is to be tried again.
func (r *run) failed(ctx context.Context, a *attempt, err error) (exchange.Object, bool, error) {
	var reported *exchangeError
	var reply *exchange.LostReplyError
	lost := errors.As(err, &reply)
	if !lost && !errors.As(err, &reported) && ctx.Err() == nil && !mayPass(err) {
		return exchange.Object{}, false, err // it was not sent
	}
	r.unsure = a
	if ctx.Err() != nil {
		return exchange.Object{}, false, err
	}
	there, landed, readErr := a.change.landed(ctx)
	if readErr != nil {
		return there, false, readErr
	}
	r.unsure = nil
	switch {
	case landed && a.n == 1 && isAlready(err):
		r.unchanged(a.change.step, "Somebody else did it meanwhile: "+a.change.text+".", there.Text("Guid"))
		return there, true, nil
	case landed:
		r.made(*a, there)
		return there, true, nil
	case lost:
		return there, false, r.resend(ctx, a, err)
	case reports(err, fault.PrincipalNotFound) && r.writeServer != "" && !r.pinned:
		// The server that took the first write need not know objects of other domains.
		r.writeServer = ""
		return there, false, nil
	}
	return there, false, r.resume(ctx, a, faultOf(err))
}

// isAlready tells whether Exchange says that a change had nothing to do.
func isAlready(err error) bool {
	return reports(err, fault.AlreadyExists) || reports(err, fault.PrincipalNotFound)
}

// resend prepares the next attempt at a change whose reply was lost, and that was not
// made.
func (r *run) resend(ctx context.Context, a *attempt, err error) error {
	f := faultOf(err)
	failed := r.failedStep(a, f)
	failed.Text = "The reply was lost, and reading showed that nothing was changed: once more."
	if mayPass(err) {
		again, waitErr := r.retryStep(ctx, a, failed, err)
		if again || waitErr != nil {
			return waitErr
		}
		return err
	}
	if r.lost++; r.lost > maxLost {
		return err
	}
	r.addStep(failed)
	return nil
}

func (r *run) failedStep(a *attempt, f fault.Fault) report.Step {
	return report.Step{ID: a.change.step, Status: report.StatusFailed, Attempt: a.n, Command: a.change.line(r.writeServer), Text: f.Message, Fault: &f}
}

// retryStep tells a failed attempt and waits, unless there were enough.
func (r *run) retryStep(ctx context.Context, a *attempt, failed report.Step, err error) (bool, error) {
	if a.patience.tries >= maxRetries {
		return false, nil
	}
	r.addStep(failed)
	return r.retry(ctx, &a.patience, err)
}

// made tells a change that was made.
func (r *run) made(a attempt, written exchange.Object) {
	c := a.change
	command := c.line(r.writeServer)
	r.report.Changed = true
	if server := written.Text("OriginatingServer"); server != "" && r.writeServer == "" {
		r.writeServer = server
		r.report.Target.DomainController = server
	}
	number := a.n
	if number == 1 {
		number = 0 // it goes without saying
	}
	if c.done != nil {
		c.done(written)
	}
	r.addStep(report.Step{ID: c.step, Status: report.StatusChanged, Attempt: number, Command: command, Text: c.text,
		GUID: written.Text("Guid"), DurationMS: r.o.Now().Sub(a.begun).Milliseconds()})
	r.keep("")
}

// errReadAgain says that what was to be made is there already: what somebody else
// made may be what is wanted.
var errReadAgain = errors.New("the object is there already")

// resume prepares the next attempt after a fault, or ends the run.
func (r *run) resume(ctx context.Context, a *attempt, f fault.Fault) error {
	failed := r.failedStep(a, f)
	if f.ID == fault.PrincipalNotFound && r.pinned {
		failed.Text = fmt.Sprintf("Not on this domain controller (%s): %s", r.writeServer, f.Message)
	}
	switch f.ID {
	case fault.AlreadyExists:
		if r.readAgain {
			return errReadAgain
		}
	case fault.Dehydrated:
		r.addStep(failed)
		return r.waitForCustomization(ctx, a, f)
	case fault.Transient, fault.Throttled, fault.ConnectQuota:
		again, err := r.retryStep(ctx, a, failed, &exchangeError{f})
		if again || err != nil {
			return err
		}
	}
	return r.stop(OutcomeOf(f), failed)
}

// settle looks whether a change was made of which the run could not know it.
func (r *run) settle(ctx context.Context) {
	if r.mayCustomize {
		r.find("change-unknown", report.SeverityWarning, "Whether "+enableCustomization+" was carried out is not known: it was sent, and its end "+
			"was not seen, or it failed and can have stopped half-way. It cannot be undone.")
	}
	a := r.unsure
	if a == nil {
		return
	}
	r.unsure = nil
	written, landed, err := a.change.landed(ctx)
	switch {
	case err != nil:
		r.find("change-unknown", report.SeverityWarning, "Whether this was carried out is not known: "+a.change.line(r.writeServer)+". Run again: "+
			"what is there is read first.")
	case landed:
		r.made(*a, written)
	}
}
