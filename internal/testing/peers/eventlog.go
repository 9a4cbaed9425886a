package peers

import (
	"slices"
	"sync"
	"time"
)

// An eventLog is what a peer's process has logged so far, for tests that wait in it.
// It is safe for concurrent use.
type eventLog[E any] struct {
	ended chan struct{} // closed when the process has ended and its output is read

	mu      sync.Mutex
	events  []E
	changed chan struct{} // closed and replaced when an event arrives
}

func newEventLog[E any]() *eventLog[E] {
	return &eventLog[E]{ended: make(chan struct{}), changed: make(chan struct{})}
}

func (l *eventLog[E]) add(e E) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *eventLog[E]) all() []E {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// find returns the first event, past or to come, that matches. Each event is asked
// once. It gives up after the limit, and when the process has ended without one.
func (l *eventLog[E]) find(limit time.Duration, match func(E) bool) (found E, ok bool) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for seen := 0; ; {
		l.mu.Lock()
		fresh, changed := l.events[seen:], l.changed
		l.mu.Unlock()
		for _, e := range fresh {
			if match(e) {
				return e, true
			}
		}
		seen += len(fresh)
		select {
		case <-changed:
		case <-deadline.C:
			return found, false
		case <-l.ended:
			if len(l.all()) == seen {
				return found, false
			}
		}
	}
}
