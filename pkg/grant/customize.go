package grant

import (
	"context"
	"errors"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// maxCustomize is how often Enable-OrganizationCustomization is tried.
const maxCustomize = 4

// waitForCustomization answers the demand that the organization be customized:
// once with the command for it, then with patience.
func (r *run) waitForCustomization(ctx context.Context, c change, attempt int, f exchange.Fault) error {
	if !r.customized {
		return r.customize(ctx, f)
	}
	if !r.o.Now().Before(r.deadline) {
		return r.stop(exchange.CustomizationPending, exchange.Step{ID: c.step, Attempt: attempt, Text: "Customization is enabled but not yet " +
			"in effect. This can take a day: apply again later."})
	}
	return r.waitRetry(ctx)
}

// customize lets the organization's configuration be customized. It cannot be
// undone, therefore it is done only after the server has asked for it, and with a
// question of its own.
func (r *run) customize(ctx context.Context, asked exchange.Fault) error {
	if !r.has(enableCustomization) {
		r.addStep(exchange.Step{ID: exchange.StepCustomize, Status: exchange.StatusSkipped, Text: enableCustomization + " is not in this session."})
		return r.stop(exchange.Failed, exchange.Step{ID: exchange.StepAssign, Fault: &asked, Text: "The organization asks to be customized, but " +
			"the command for it is not here: nothing was granted. It exists in Exchange Online and hosted organizations."})
	}
	c := change{
		step: exchange.StepCustomize, action: exchange.ActionUpdate, why: "the organization refuses changes of its configuration; this cannot be undone",
		command: func(string) exchange.Command { return exchange.EnableOrganizationCustomization() },
	}
	r.step = c.step
	if err := r.confirm(ctx, enableCustomization+" (this cannot be undone)", c.line(""), []change{c}); err != nil {
		return err
	}
	if err := r.tryCustomize(ctx, c); err != nil {
		return err
	}
	r.customized = true
	r.wait = firstWait
	return nil
}

// tryCustomize runs the command. Half-way failures are tried again; that it was
// enabled already counts as done, in either wording.
func (r *run) tryCustomize(ctx context.Context, c change) error {
	ran := false // a reply was lost: it may have been this run
	for attempt := 1; ; attempt++ {
		_, err := r.one(ctx, c.command(""))
		f := exchange.Fault{}
		if err != nil {
			f = faultOf(err)
		}
		var reported *exchangeError
		var reply *exchange.LostReplyError
		lost := errors.As(err, &reply)
		switch {
		case err == nil || ran && f.ID == fault.AlreadyCustomized:
			r.report.Changed = true
			r.customizedNow = true
			r.addStep(exchange.Step{ID: c.step, Status: exchange.StatusChanged, Command: c.line(""), Irreversible: true,
				Text: "Customization of the organization was enabled. This cannot be undone."})
			return nil
		case !lost && !errors.As(err, &reported):
			return err
		case f.ID == fault.AlreadyCustomized:
			r.unchanged(c.step, "Customization was enabled already.", "")
			return nil
		}
		ran = ran || lost
		failed := exchange.Step{ID: c.step, Status: exchange.StatusFailed, Text: f.Message, Command: c.line(""), Fault: &f}
		if attempt >= maxCustomize || f.ID == fault.AccessDenied {
			return r.stop(OutcomeOf(f), failed)
		}
		failed.Attempt = attempt
		r.addStep(failed)
		if err := r.waitRetry(ctx); err != nil {
			return err
		}
	}
}

// confirm asks before changes; without agreement the run ends.
func (r *run) confirm(ctx context.Context, what, command string, changes []change) error {
	if r.o.Confirm == nil {
		return nil
	}
	asked := make([]exchange.Change, len(changes))
	for i, c := range changes {
		asked[i] = c.planned(r.writeServer)
	}
	agreed, err := r.o.Confirm(ctx, asked)
	switch {
	case err != nil:
		return err
	case agreed:
		return nil
	}
	return r.stop(exchange.Interrupted, exchange.Step{ID: r.step, Command: command, Text: "Declined: " + what + " was not run."})
}
