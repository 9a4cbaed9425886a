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
// Whatever Exchange or the connection answers is in the report that comes back;
// an error is returned only for arguments that do not validate. All functions are
// safe for concurrent use with different Invokers; with one Invoker, two runs that
// write at the same time see each other's changes as those of another
// administrator.
package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// DefaultCustomizationTimeout is how long Apply tries again after the organization
// was customized, when Options say nothing else.
const DefaultCustomizationTimeout = 60 * time.Minute

// Options are what a run needs beside the grant. The zero value works.
type Options struct {
	Tool     string // program and version, for the report
	Operator string // the account that is logged on, DOMAIN\name or a UPN; empty when it is not known

	// Target is the session as the transport knows it: Server is the host that was
	// dialed, by which Exchange Online is told where the organization's servers cannot
	// be read. Build is filled in by the run.
	Target exchange.Target

	Now   func() time.Time                           // nil is time.Now
	Sleep func(context.Context, time.Duration) error // nil waits; returns ctx's error when it ends first

	UpdateScope bool // change the scope of an assignment, or a scope, that has our name and another definition
	AllowEmpty  bool // grant also when the scope holds no recipient now

	// CustomizationTimeout is how long to try again when the organization must be
	// customized first; 0 is DefaultCustomizationTimeout.
	CustomizationTimeout time.Duration

	// Progress is called with each step as it ends, in order; may be nil.
	Progress func(exchange.Step)

	// Confirm is asked before changes: by Revoke once, with all that it is about to
	// do, by Apply only for Enable-OrganizationCustomization, which cannot be undone.
	// Nil agrees.
	Confirm func(context.Context, []exchange.Change) (bool, error)
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
	if o.Progress == nil {
		o.Progress = func(exchange.Step) {}
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
// changes nothing there. The plan is nil when the run stopped (a conflict, a name
// that was not found, no permission): the report says why. The report's outcome is
// planned, or already-granted when there is nothing to do.
//
// The error is an exchange.ValidationError when the grant is not valid.
func NewPlan(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*exchange.Plan, *exchange.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, nil, err
	}
	r := newRun(inv, exchange.OperationPlan, g, o)
	r.planning = true
	report := r.finish(ctx, r.grantProcedure(ctx))
	if r.ended != nil {
		return nil, report, nil
	}
	return r.plan(), report, nil
}

// Make makes a grant without a plan that somebody approved: it looks up, decides,
// changes and reads back in one go, as Apply does otherwise.
//
// The error is an exchange.ValidationError when the grant is not valid.
func Make(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*exchange.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	r := newRun(inv, exchange.OperationGrant, g, o)
	return r.finish(ctx, r.grantProcedure(ctx)), nil
}

// Apply makes the grant of a plan. It runs the whole procedure again with the
// plan's options (those of o that a plan holds are not used), and stops before any
// change with outcome differs when an object that the plan rests on has changed
// since, or the organization is another one; when the grant is there already,
// there is no change to stop. It retries what can help, and when it fails, a scope
// that it made is removed again.
//
// The error is an exchange.ValidationError when the plan's grant is not valid.
func Apply(ctx context.Context, inv exchange.Invoker, p *exchange.Plan, o Options) (*exchange.Report, error) {
	if p == nil {
		return nil, errors.New("apply: there is no plan")
	}
	g := p.Wish()
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("the plan's grant: %w", err)
	}
	o.UpdateScope, o.AllowEmpty = false, false
	if p.Options != nil {
		o.UpdateScope, o.AllowEmpty = p.Options.UpdateScope, p.Options.AllowEmpty
	}
	r := newRun(inv, exchange.OperationGrant, g, o)
	r.planned = p
	return r.finish(ctx, r.grantProcedure(ctx)), nil
}
