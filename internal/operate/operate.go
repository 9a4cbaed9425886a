// Package operate gives the commands one behaviour over every way to an
// organization: the same operations, the same reports.
package operate

import (
	"context"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
)

// An Operator carries operations out at one organization. Their reports tell
// everything that happened, also that the organization could not be reached; an
// error is about what was asked for. It is for one operation at a time. Whoever
// made it closes it.
type Operator interface {
	// Plan is documented at grant.NewPlan.
	Plan(ctx context.Context, g exchange.Grant) (*exchange.Plan, *exchange.Report, error)
	// Make is documented at grant.Make.
	Make(ctx context.Context, g exchange.Grant) (*exchange.Report, error)
	// Apply is documented at grant.Apply.
	Apply(ctx context.Context, p *exchange.Plan) (*exchange.Report, error)
	// Verify is documented at grant.Verify.
	Verify(ctx context.Context, g exchange.Grant) (*exchange.Report, error)
	// Revoke is documented at grant.Revoke.
	Revoke(ctx context.Context, what grant.Revocation) (*exchange.Report, error)
	// Audit is documented at grant.Audit.
	Audit(ctx context.Context, yield func(exchange.Holder) error) (*exchange.Report, error)

	// Close ends what the operator holds at the organization.
	Close(ctx context.Context) error
}

// A Reacher is an operator that can tell which mailboxes an account reaches.
type Reacher interface {
	// FindReach is documented at grant.FindReach.
	FindReach(ctx context.Context, account string, inScope, outOfScope []string) *grant.Reach
}

// A structured operator decides here and sends single commands.
type structured struct {
	session remote.Session
	options grant.Options
}

// Structured returns an operator over a session that takes commands. The options'
// target is filled in from the session.
func Structured(s remote.Session, o grant.Options) Operator {
	o.Target = s.Target()
	return &structured{s, o}
}

func (x *structured) Plan(ctx context.Context, g exchange.Grant) (*exchange.Plan, *exchange.Report, error) {
	return grant.NewPlan(ctx, x.session, g, x.options)
}

func (x *structured) Make(ctx context.Context, g exchange.Grant) (*exchange.Report, error) {
	return grant.Make(ctx, x.session, g, x.options)
}

func (x *structured) Apply(ctx context.Context, p *exchange.Plan) (*exchange.Report, error) {
	return grant.Apply(ctx, x.session, p, x.options)
}

func (x *structured) Verify(ctx context.Context, g exchange.Grant) (*exchange.Report, error) {
	return grant.Verify(ctx, x.session, g, x.options)
}

func (x *structured) Revoke(ctx context.Context, what grant.Revocation) (*exchange.Report, error) {
	return grant.Revoke(ctx, x.session, what, x.options)
}

func (x *structured) Audit(ctx context.Context, yield func(exchange.Holder) error) (*exchange.Report, error) {
	return grant.Audit(ctx, x.session, x.options, yield)
}

func (x *structured) FindReach(ctx context.Context, account string, inScope, outOfScope []string) *grant.Reach {
	return grant.FindReach(ctx, x.session, account, inScope, outOfScope, x.options)
}

func (x *structured) Close(ctx context.Context) error { return x.session.Close(ctx) }
