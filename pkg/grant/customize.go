package grant

import (
	"context"
	"errors"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// maxCustomize is how often Enable-OrganizationCustomization is tried.
const maxCustomize = 4

// waitForCustomization answers the demand that the organization be customized:
// once with the command for it, then with patience.
func (r *run) waitForCustomization(ctx context.Context, a *attempt, f fault.Fault) error {
	if !r.customized {
		err := r.customize(ctx, f)
		a.patience = patience{}
		r.step = a.change.step
		return err
	}
	if !r.o.Now().Before(r.deadline) {
		return r.stop(report.CustomizationPending, report.Step{ID: a.change.step, Attempt: a.n, Text: "Customization is enabled but not yet " +
			"in effect. This can take a day: apply again later."})
	}
	a.patience.tries++
	return r.pause(ctx, &a.patience, "not yet in effect", ", until "+r.deadline.UTC().Format("15:04")+" UTC")
}

// customize lets the organization's configuration be customized. It cannot be
// undone, therefore it is done only after the server has asked for it, and with a
// question of its own.
func (r *run) customize(ctx context.Context, asked fault.Fault) error {
	if !r.has(enableCustomization) {
		r.addStep(report.Step{ID: report.StepCustomize, Status: report.StatusSkipped, Text: enableCustomization + " is not in this session."})
		return r.stop(report.Failed, report.Step{ID: report.StepAssign, Fault: &asked, Text: "The organization asks to be customized, but " +
			"the command for it is not here: nothing was granted. It exists in Exchange Online and hosted organizations."})
	}
	c := change{
		step: report.StepCustomize, action: report.ActionUpdate, why: "the server asks for it first; it cannot be undone",
		command: func(string) exchange.Command { return commands.EnableOrganizationCustomization() },
	}
	r.step = c.step
	if err := r.agreeToCustomize(ctx, c, asked); err != nil {
		return err
	}
	if err := r.tryCustomize(ctx, c); err != nil {
		return err
	}
	r.customized = true
	return nil
}

// agreeToCustomize asks for Enable-OrganizationCustomization. Who agreed to the other
// changes did not agree to this one.
func (r *run) agreeToCustomize(ctx context.Context, c change, asked fault.Fault) error {
	switch {
	case r.o.EnableCustomization:
		return nil
	case r.o.Confirm != nil:
		return r.ask(ctx, Question{Kind: AskCustomization, Changes: []report.Change{c.planned("")}}, c.line(""))
	}
	return r.stop(report.Failed, report.Step{ID: c.step, Command: c.line(""), Fault: &asked, Text: "The server asks for " + enableCustomization +
		" first. It cannot be undone, and nobody has agreed to it: --enable-customization does. Nothing was granted."})
}

// tryCustomize runs the command. Half-way failures are tried again; that it was
// enabled already counts as done, in either wording.
func (r *run) tryCustomize(ctx context.Context, c change) error {
	ran := false     // a reply was lost: it may have been this run
	halfway := false // it failed, and can have gone half-way
	var p patience
	for n := 1; ; n++ {
		r.mayCustomize = true
		r.keep(c.line(""))
		_, err := r.one(ctx, c.command(""))
		f := fault.Fault{}
		if err != nil {
			f = faultOf(err)
		}
		var reported *exchangeError
		var reply *exchange.LostReplyError
		lost := errors.As(err, &reply)
		switch {
		case err == nil || ran && f.ID == fault.AlreadyCustomized:
			r.mayCustomize = false
			r.report.Changed = true
			r.customizedNow = true
			r.addStep(report.Step{ID: c.step, Status: report.StatusChanged, Command: c.line(""), Irreversible: true,
				Text: "Customization of the organization was enabled. This cannot be undone."})
			r.keep("")
			return nil
		case ctx.Err() != nil:
			return err
		case errors.As(err, &reported):
			halfway = halfway || f.ID != fault.AccessDenied
			r.mayCustomize = ran || halfway
		case !lost && !mayPass(err):
			r.mayCustomize = ran || halfway
			return err
		}
		if f.ID == fault.AlreadyCustomized {
			r.mayCustomize = false
			r.unchanged(c.step, "Customization was enabled already.", "")
			return nil
		}
		ran = ran || lost
		failed := report.Step{ID: c.step, Status: report.StatusFailed, Text: f.Message, Command: c.line(""), Fault: &f}
		if n >= maxCustomize || f.ID == fault.AccessDenied {
			return r.stop(OutcomeOf(f), failed)
		}
		failed.Attempt = n
		r.addStep(failed)
		p.tries++
		if err := r.pause(ctx, &p, "failed", ""); err != nil {
			return err
		}
	}
}

// What a Question is about.
const (
	AskChanges       = "changes"       // what the operation was asked to do
	AskCustomization = "customization" // Enable-OrganizationCustomization, which cannot be undone
	AskRights        = "rights"        // what gives rights again when a report is taken back
)

// A Question is asked before changes are made.
type Question struct {
	Kind    string
	Changes []report.Change

	// Own says of AskRights that it gives only what the report's own account had, by
	// what the report itself says was there before.
	Own bool
}

// ask asks, where there is somebody to ask; without agreement the run ends. Nobody to
// ask agrees to what the operation was asked to do, and to nothing beyond.
func (r *run) ask(ctx context.Context, q Question, command string) error {
	if r.o.Confirm == nil {
		if q.Kind == AskChanges || q.Own {
			return nil
		}
		return r.stop(report.Conflict, report.Step{ID: r.step, Command: command, Text: "This would give rights beyond those of the report's own " +
			"account and scope, and there is nobody to ask. Nothing was changed; run it without --yes to be asked."})
	}
	agreed, err := r.o.Confirm(ctx, q)
	switch {
	case err != nil:
		return err
	case agreed:
		return nil
	}
	return r.stop(report.Interrupted, report.Step{ID: r.step, Command: command, Text: "Declined: " + declined(q) + " was not run."})
}

func declined(q Question) string {
	text := ""
	for i, c := range q.Changes {
		if i > 0 {
			text += ", "
		}
		text += c.Command.Cmdlet
	}
	return text
}
