package aftermath_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
)

func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		limited := aftermath.Limit(over, begin.Add(4*time.Second))
		for _, c := range []struct {
			ctx  context.Context
			d    time.Duration
			want time.Duration
		}{
			{over, time.Minute, time.Minute},
			{limited, time.Minute, 4 * time.Second},
			{limited, time.Second, time.Second},
			{aftermath.Limit(over, begin.Add(-time.Second)), time.Second, -time.Second},
		} {
			ctx, cancel := aftermath.Within(c.ctx, c.d)
			defer cancel()
			at, ok := ctx.Deadline()
			if !ok || at.Sub(begin) != c.want {
				t.Errorf("%v: ends after %v, want %v", c.d, at.Sub(begin), c.want)
			}
			if c.want > 0 && ctx.Err() != nil {
				t.Errorf("%v: %v although it has time", c.d, ctx.Err())
			}
		}
	})
}
