package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

const (
	firstWait  = 2 * time.Second
	longWait   = 5 * time.Minute
	maxRetries = 5 // of one command that may work a moment later
	maxLost    = 2 // replies, in one run
)

// A patience counts the tries of one command, and how long to wait before the next.
type patience struct {
	tries int // so far
	wait  time.Duration
}

// mayPass tells whether the same can work a moment later: a domain controller is away,
// or Exchange or WS-Management itself has had too many requests.
func mayPass(err error) bool {
	switch faultOf(err).ID {
	case fault.Transient, fault.Throttled, fault.ConnectQuota:
		return true
	}
	return false
}

// retry waits before the next try, and returns false when there were enough.
func (r *run) retry(ctx context.Context, p *patience, err error) (bool, error) {
	if p.tries++; p.tries > maxRetries {
		return false, nil
	}
	return true, r.pause(ctx, p, fault.Meaning(faultOf(err).ID), "")
}

// pause waits 2 seconds, then doubling, at most 5 minutes, never past the deadline,
// and tells it.
func (r *run) pause(ctx context.Context, p *patience, why, until string) error {
	left := (r.deadline.Sub(r.o.Now()) + time.Second - 1).Truncate(time.Second)
	p.wait = max(p.wait, firstWait)
	wait := max(time.Second, min(p.wait, left))
	p.wait = min(2*p.wait, longWait)
	r.o.Progress(report.Step{ID: r.step, Text: fmt.Sprintf("%s, attempt %d; next try in %d s%s", why, p.tries, int(wait.Seconds()), until)})
	return r.o.Sleep(ctx, wait)
}

// repeat does what only reads, again where that may work a moment later; final says
// that it must not be done twice.
func (r *run) repeat(ctx context.Context, read func() (final bool, err error)) error {
	for p := (patience{}); ; {
		final, err := read()
		if err == nil || final || ctx.Err() != nil || !mayPass(err) {
			return err
		}
		again, waitErr := r.retry(ctx, &p, err)
		switch {
		case waitErr != nil:
			return waitErr
		case !again:
			return err
		}
	}
}

// stream runs a command that only reads, and hands each object to yield: again where
// that may work a moment later, unless an object was handed on already.
func (r *run) stream(ctx context.Context, c exchange.Command, yield func(exchange.Object) error) error {
	given := false
	return r.repeat(ctx, func() (bool, error) {
		err := r.once(ctx, c, func(o exchange.Object) error {
			given = true
			return yield(o)
		})
		return given, err
	})
}

// list runs a command that only reads and returns its objects, none when there was an
// error.
func (r *run) list(ctx context.Context, c exchange.Command) ([]exchange.Object, error) {
	var objects []exchange.Object
	err := r.repeat(ctx, func() (bool, error) {
		var err error
		objects, err = r.listOnce(ctx, c)
		return false, err
	})
	return objects, err
}
