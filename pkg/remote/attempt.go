package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// What one pipeline may say. Nothing that exgrant runs says so much.
const (
	maxKept     = 1000      // error records, and warnings, that are kept: the rest is counted
	maxKeptText = 4 << 20   // bytes of the messages that they came in
	maxRecords  = 50_000    // of all that is no output; more stop it
	maxObjects  = 1_000_000 // of its output, where it only reads; more stop it
	maxChanged  = 1000      // of its output, where it changes something
	maxStopping = 4 << 20   // bytes of output that are thrown away while it is stopped
)

const (
	// holdBytes is how much output is held before the first object is given away: what
	// is not given away yet can be asked for again when the connection is lost.
	holdBytes = 1 << 20

	// tries is how often a pipeline is sent at most when the session is lost under it.
	tries = 3
)

// An attempt is one try at a pipeline or a script, and what it gave.
type attempt struct {
	what      string // for errors
	readsOnly bool   // it can be run twice
	yield     func(exchange.Object) error
	told      func(answer) (taken bool, err error) // is asked first for each answer of loop.ps1; may be nil

	streams  exchange.Streams
	held     []exchange.Object
	received int // bytes
	objects  int // of the output, so far
	records  int // errors, warnings and all the rest, so far
	text     int // bytes of the errors and warnings that are kept
	dropped  int // errors and warnings that are not

	stage   string // of the error that ended it, for loop.ps1
	failure exchange.ErrorRecord

	over    bool // its error is no reason to try again
	started bool // the server may have begun with it
	yielded bool // an object was given away
	refused bool // the error is yield's
}

// newAttempt is an attempt at a pipeline; without yield its output is not wanted.
func newAttempt(p exchange.Pipeline, yield func(exchange.Object) error) *attempt {
	a := &attempt{what: "the pipeline", readsOnly: readsOnly(p), yield: yield}
	if len(p) > 0 {
		a.what = p[0].Cmdlet
	}
	if yield == nil {
		a.yield = func(exchange.Object) error { return nil }
	}
	return a
}

// persist makes attempts until one comes to its end, and returns the last one. What
// only reads, or surely did not start, is tried again when the session was lost under
// it.
func persist(ctx context.Context, begin func() *attempt, one func(context.Context, *attempt) error) (*attempt, error) {
	for try := 1; ; try++ {
		a := begin()
		err := one(ctx, a)
		if err == nil {
			return a, nil
		}
		again := ctx.Err() == nil && !a.over && !a.refused && isLost(err) && (!a.started || a.readsOnly && !a.yielded)
		if !again || try == tries {
			return a, a.outcome(ctx, err)
		}
	}
}

// outcome is the error that an attempt ends with.
func (a *attempt) outcome(ctx context.Context, err error) error {
	switch {
	case a.over:
		return err // it is told already
	case a.refused: // it is yield's own
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		err = explain("running "+a.what, err)
	}
	if a.started && !a.readsOnly {
		return &exchange.LostReplyError{Cmdlet: a.what, Err: err}
	}
	return err
}

const setSession = "Set-ADServerSettings"

// readsOnly reports whether a pipeline can be run twice: it changes nothing but the
// session.
func readsOnly(p exchange.Pipeline) bool {
	for _, c := range p {
		verb, _, _ := strings.Cut(c.Cmdlet, "-")
		switch {
		case c.Cmdlet == setSession, strings.EqualFold(verb, "Get"), strings.EqualFold(verb, "Select"), strings.EqualFold(verb, "Measure"):
		default:
			return false
		}
	}
	return true
}

// output takes an object of the output.
func (a *attempt) output(v any) error {
	most := maxChanged
	if a.readsOnly {
		most = maxObjects
	}
	if a.objects++; a.objects > most {
		return &excessError{fmt.Sprintf("%s gave more than %d objects", a.what, most)}
	}
	o, err := toObject(v)
	if err != nil {
		return err
	}
	a.held = append(a.held, o)
	return nil
}

// release gives the objects away that are held.
func (a *attempt) release() error {
	for _, o := range a.held {
		a.yielded = true
		if err := a.yield(o); err != nil {
			a.refused = true
			return err
		}
	}
	clear(a.held)
	a.held = a.held[:0]
	return nil
}

// count counts what is no output.
func (a *attempt) count() error {
	if a.records++; a.records > maxRecords {
		return &excessError{fmt.Sprintf("%s gave more than %d errors, warnings and other messages beside its output", a.what, maxRecords)}
	}
	return nil
}

func (a *attempt) noteError(r exchange.ErrorRecord, size int) error {
	if a.keep(len(a.streams.Errors), size) {
		a.streams.Errors = append(a.streams.Errors, r)
	}
	return a.count()
}

func (a *attempt) noteWarning(text string, size int) error {
	if a.keep(len(a.streams.Warnings), size) {
		a.streams.Warnings = append(a.streams.Warnings, strings.Clone(text))
	}
	return a.count()
}

// keep reports whether there is room for one more error or warning, of which so many
// are kept. Those for which there is none are counted.
func (a *attempt) keep(kept, size int) bool {
	if kept == maxKept || a.text+size > maxKeptText {
		a.dropped++
		return false
	}
	a.text += size
	return true
}

// tellDropped says how many errors and warnings are not kept.
func (a *attempt) tellDropped() {
	if a.dropped > 0 {
		a.streams.Warnings = append(a.streams.Warnings, fmt.Sprintf("%d more errors and warnings came, which were counted and not kept", a.dropped))
	}
}

// take takes an answer of loop.ps1.
func (a *attempt) take(answer answer) error {
	if a.told != nil {
		if taken, err := a.told(answer); taken || err != nil {
			return err
		}
	}
	switch answer.kind {
	case answerObject:
		err := a.output(answer.value)
		if a.received += answer.size; err == nil && a.received > holdBytes {
			err = a.release()
		}
		return err
	case answerWarning:
		return a.noteWarning(answer.text(), answer.size)
	case answerError, answerFailed:
		stage, record, err := answer.record()
		if answer.kind == answerFailed {
			a.streams.Failed, a.stage, a.failure = true, stage, record
		}
		return errors.Join(err, a.noteError(record, answer.size))
	}
	return unexpected(answer)
}
