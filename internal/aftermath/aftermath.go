// Package aftermath gives time to what must be done although a context is over: a
// session that is deleted at the server, a change that is looked at.
package aftermath

import (
	"context"
	"time"
)

type limit struct{}

// Limit returns ctx with a time at which everything that follows its end is over, too.
// Without it what follows takes the time that Within gives.
func Limit(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, limit{}, at)
}

// Within returns a context for what follows the end of ctx. It ends after d, or at the
// limit of ctx if that is earlier, whether ctx is over or not.
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	at := time.Now().Add(d)
	if limit, ok := ctx.Value(limit{}).(time.Time); ok && limit.Before(at) {
		at = limit
	}
	return context.WithDeadline(free, at)
}
