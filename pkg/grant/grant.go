// Package grant carries grants out on a live organization, over an
// exchange.Invoker: NewPlan reads and says what would change, Apply does it,
// Verify tells whether it is in place, Revoke takes it back, Audit lists who holds
// the role.
//
// The procedures are those of the generated scripts (package psgen, folder body):
// the same decisions in the same order, told in the same report. They read first,
// write second and read back third, and every write is decided on what was read in
// the same run, so that running one again changes nothing that is done already.
//
// Whatever Exchange or the connection answers is in the report that comes back. An
// outcome that is not what was asked for is an error too, a *report.Stopped, so that
// nobody takes a conflict for success; every other error is about the arguments. An
// Invoker that is an exchange.Session tells the report where it is and who acts.
//
// All functions are safe for concurrent use with different Invokers; with one Invoker,
// two runs that write at the same time see each other's changes as those of another
// administrator.
package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// DefaultCustomizationTimeout is how long Apply tries again after the organization
// was customized, when Options say nothing else.
const DefaultCustomizationTimeout = 60 * time.Minute

// Options are what a run needs beside the grant. The zero value works.
type Options struct {
	Tool string // program and version, for the report

	Now   func() time.Time                           // nil is time.Now
	Sleep func(context.Context, time.Duration) error // nil waits; returns ctx's error when it ends first

	UpdateScope bool // change the scope of an assignment, or a scope, that has our name and another definition
	AllowEmpty  bool // grant also when the scope holds no recipient now

	// CustomizationTimeout is how long to try again when the organization must be
	// customized first; 0 is DefaultCustomizationTimeout.
	CustomizationTimeout time.Duration

	// Holder limits an audit to the grants that this account or group holds, direct and
	// through groups; any identity.
	Holder string

	// Progress is called with each step as it ends, in order, and with a step without a
	// status while the run waits for the next try; may be nil.
	Progress func(report.Step)

	// Record is called before and after each change with the report as it is then, so
	// that what was changed is known whatever happens to the program; may be nil. It
	// must not keep the report.
	Record func(*report.Report)

	// EnableCustomization agrees to Enable-OrganizationCustomization, which cannot be
	// undone, where the server asks for it first. Otherwise Confirm is asked, and
	// without one the run ends there.
	EnableCustomization bool

	// Beside are other grants that are meant to be there: what they explain decides
	// nothing when a grant is verified.
	Beside []exchange.Grant

	// Confirm is asked before changes: by Revoke once with all that it is about to do,
	// and once more with what gives rights again; by Apply only for
	// Enable-OrganizationCustomization. Nil agrees to AskChanges, and to AskRights that
	// are Own.
	Confirm func(context.Context, Question) (bool, error)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.CustomizationTimeout == 0 {
		o.CustomizationTimeout = DefaultCustomizationTimeout
	}
	if o.Record == nil {
		o.Record = func(*report.Report) {}
	}
	if o.Progress == nil {
		o.Progress = func(report.Step) {}
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NewPlan reads the organization and says what applying the grant would change. It
// changes nothing there. A plan without changes is of a grant that is in place already.
//
// The error is an exchange.ValidationError when the grant is not valid, and a
// *report.Stopped when the run came to no plan: a conflict, a name that was not found,
// no permission.
func NewPlan(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*report.Plan, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	plan, told := rehearse(ctx, inv, g, o)
	if plan == nil {
		return nil, &report.Stopped{Report: told}
	}
	return plan, nil
}

// rehearse is the grant's procedure without its changes. The plan is nil when the run
// stopped.
func rehearse(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*report.Plan, *report.Report) {
	r := newRun(inv, report.OperationPlan, g, o)
	r.planning = true
	told := r.finish(ctx, r.grantProcedure(ctx))
	if r.ended != nil {
		return nil, told
	}
	return r.plan(), told
}

// Make makes a grant without a plan that somebody approved: it looks up, decides,
// changes and reads back in one go, as Apply does otherwise.
//
// The error is an exchange.ValidationError when the grant is not valid, else as Apply's.
func Make(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*report.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	r := newRun(inv, report.OperationGrant, g, o)
	return r.conclude(ctx, r.grantProcedure(ctx))
}

// Apply makes the grant of a plan. It runs the whole procedure again with the
// plan's options (those of o that a plan holds are not used), and stops before any
// change with outcome differs when an object that the plan rests on has changed
// since, or the organization is another one; when the grant is there already,
// there is no change to stop. It retries what can help, and when it fails, a scope
// that it made is removed again.
//
// The report comes back whatever happened. The error is a *report.Stopped with it when
// the outcome is not success, an exchange.ValidationError when the plan's grant is not
// valid.
func Apply(ctx context.Context, inv exchange.Invoker, p *report.Plan, o Options) (*report.Report, error) {
	if p == nil {
		return nil, errors.New("apply: there is no plan")
	}
	g := p.Asked()
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("the plan's grant: %w", err)
	}
	o.UpdateScope, o.AllowEmpty = false, false
	if p.Options != nil {
		o.UpdateScope, o.AllowEmpty = p.Options.UpdateScope, p.Options.AllowEmpty
	}
	r := newRun(inv, report.OperationGrant, g, o)
	r.planned = p
	return r.conclude(ctx, r.grantProcedure(ctx))
}

// conclude is finish, with an outcome that is not success as an error.
func (r *run) conclude(ctx context.Context, err error) (*report.Report, error) {
	told := r.finish(ctx, err)
	return told, told.Err()
}
