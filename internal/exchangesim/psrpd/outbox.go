package psrpd

import (
	"context"
	"sync"
	"time"
)

// maxWaiting is how many bytes of fragments wait for a Receive before what makes
// them has to wait too.
const maxWaiting = 512 << 10

// An outbox holds the fragments that wait for a client's Receive: those of a shell
// or of one command. An idle one is a few words: what waits, waits on a channel
// that is made then.
type outbox struct {
	mu        sync.Mutex
	fragments [][]byte
	size      int
	ended     bool // nothing more will come
	closed    bool // nobody will fetch what is here
	fetching  bool // a Receive is under way
	changed   chan struct{}
}

// wait returns a channel that is closed when the outbox changes. Its lock is held.
func (o *outbox) wait() <-chan struct{} {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

func (o *outbox) notify() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// put adds fragments when there is room for more, or ctx's error. A closed outbox
// takes everything and keeps nothing.
func (o *outbox) put(ctx context.Context, fragments ...[]byte) error {
	o.mu.Lock()
	for o.size >= maxWaiting && !o.closed {
		changed := o.wait()
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
		o.mu.Lock()
	}
	defer o.mu.Unlock()
	o.add(fragments)
	return nil
}

// last adds the last fragments. It does not wait: there are few of them.
func (o *outbox) last(fragments ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(fragments)
	o.ended = true
}

func (o *outbox) add(fragments [][]byte) {
	if o.closed {
		return
	}
	for _, f := range fragments {
		o.fragments = append(o.fragments, f)
		o.size += len(f)
	}
	o.notify()
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.fragments, o.size = true, nil, 0
	o.notify()
}

// A fetch says how a Receive ended.
type fetch int

const (
	fetched   fetch = iota // something, or the end
	fetchLate              // nothing came in time, or the client went away
	fetchBusy              // another Receive waits
	fetchGone              // the outbox was closed
)

// take waits for fragments, or the end, and returns as many as fit into a budget of
// bytes, one at least. cost is what a fragment takes of it.
func (o *outbox) take(ctx context.Context, budget int, cost func([]byte) int) (out [][]byte, done bool, result fetch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fetching && !o.turn(ctx) {
		return nil, false, fetchBusy
	}
	o.fetching = true
	defer func() { o.fetching = false; o.notify() }()
	for len(o.fragments) == 0 && !o.ended && !o.closed {
		if !o.sleep(ctx) {
			return nil, false, fetchLate
		}
	}
	if o.closed {
		return nil, false, fetchGone
	}
	for len(o.fragments) > 0 {
		f := o.fragments[0]
		if budget -= cost(f); budget < 0 && len(out) > 0 {
			break
		}
		o.fragments[0] = nil
		o.fragments = o.fragments[1:]
		o.size -= len(f)
		out = append(out, f)
	}
	if len(o.fragments) == 0 {
		o.fragments = nil
	}
	return out, o.ended && len(o.fragments) == 0, fetched
}

// sleep waits for a change, with the lock given up meanwhile; false when ctx ended.
func (o *outbox) sleep(ctx context.Context) bool {
	changed := o.wait()
	o.mu.Unlock()
	defer o.mu.Lock()
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// turn waits a second for the Receive before this one: that may be of a client
// which hung up.
func (o *outbox) turn(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for o.fetching {
		if !o.sleep(ctx) {
			return !o.fetching
		}
	}
	return true
}

// giveBack returns what a Receive took and could not deliver.
func (o *outbox) giveBack(fragments [][]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.fragments = append(append([][]byte(nil), fragments...), o.fragments...)
	for _, f := range fragments {
		o.size += len(f)
	}
	o.notify()
}
