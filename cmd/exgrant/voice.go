package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// The exit codes of the program. Those of operations come from
// report.Outcome.ExitCode.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // usage or invalid input; nothing was contacted or written
	exitInterrupted = 130
)

// A hintedError is a failure with what to do about it. The text has the form
// "what failed: why"; hints are whole phrases.
type hintedError struct {
	err   error
	code  int
	hints []string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// withHint adds one line to what is printed after the error.
func (e *hintedError) withHint(format string, args ...any) *hintedError {
	e.hints = append(e.hints, fmt.Sprintf(format, args...))
	return e
}

// usageErrorf is a mistake on the command line or in a file given there.
func usageErrorf(format string, args ...any) *hintedError {
	return &hintedError{err: fmt.Errorf(format, args...), code: exitUsage}
}

// failuref is a failure that is not the command line's.
func failuref(format string, args ...any) *hintedError {
	return &hintedError{err: fmt.Errorf(format, args...), code: exitFailed}
}

// An outcomeError ends the program with the exit code of an outcome whose report
// is already printed.
type outcomeError struct{ outcome report.Outcome }

func (e outcomeError) Error() string { return string(e.outcome) }

// fail says what went wrong on stderr, one line and its hints, and returns the
// exit code: that of no error is 0.
func (p *program) fail(ctx context.Context, err error) int {
	var outcome outcomeError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errNobodyReads):
		return exitFailed
	case errors.As(err, &outcome):
		return outcome.outcome.ExitCode()
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		text := "exgrant: interrupted: nothing was changed"
		if _, lines := p.record.now(); len(lines) > 0 {
			text = "exgrant: interrupted"
		}
		fmt.Fprintln(p.stderr, text)
		return exitInterrupted
	}
	code, hints := exitFailed, []string(nil)
	if h := (*hintedError)(nil); errors.As(err, &h) {
		code, hints = h.code, h.hints
	}
	// A command names itself in its errors as it is typed; the prefix is that name.
	text := strings.TrimPrefix(oneLine(err.Error()), "exgrant: ")
	text = strings.TrimPrefix(text, "exgrant ")
	p.say("exgrant: ", text)
	for _, h := range hints {
		p.say("hint: ", oneLine(h))
	}
	return code
}

// say writes one line to standard error, on a terminal as many as it is wide.
func (p *program) say(lead, text string) {
	_ = render.Line(p.stderr, p.style(p.stderr), lead, text) // there is nowhere to say it
}

// oneLine folds every run of white space and shows what a terminal would act on,
// so that nothing in an error can write over what stands around it.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if exchange.CheckText(s) == nil {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if exchange.CheckText(string(r)) != nil {
			fmt.Fprintf(&b, "<%U>", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
