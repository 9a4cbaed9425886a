package exchangesim

import (
	"sync"
	"time"
)

// epoch is when every model begins.
var epoch = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// A Clock is the time of a model. It stands still until Sleep moves it; commands
// take no time. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *Clock { return &Clock{now: epoch} }

// Now returns the model's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the model's time by d and returns at once. Time does not go back:
// a negative d does nothing.
func (c *Clock) Sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
