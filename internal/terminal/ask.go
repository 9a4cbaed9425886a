package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

// errNobody is the error of a question where nobody sits.
var errNobody = errors.New("there is no terminal to ask on")

// maxAnswer bounds what is read as one answer, in bytes.
const maxAnswer = 1024

// Confirm asks a question and reports whether the answer is yes. Everything but y
// and yes is no, the end of the input too. When ctx ends, its error is returned.
func (t *Terminal) Confirm(ctx context.Context, question string) (bool, error) {
	if !t.Interactive() {
		return false, errNobody
	}
	t.Done()
	fmt.Fprintf(t.out, "%s [y/N] ", question)
	answer, err := t.line(ctx)
	if err != nil {
		fmt.Fprintln(t.out)
	}
	switch {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// line reads one line, a byte at a time so that what follows it stays.
func (t *Terminal) line(ctx context.Context) (string, error) {
	return await(ctx, func() (string, error) {
		var line []byte
		var b [1]byte
		for len(line) < maxAnswer {
			n, err := t.in.Read(b[:])
			switch {
			case n == 1 && b[0] == '\n':
				return string(line), nil
			case n == 1:
				line = append(line, b[0])
			case err != nil:
				return "", err
			}
		}
		return "", fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	})
}

// Password asks for a secret without showing it. However it ends, the terminal
// shows again what is typed.
func (t *Terminal) Password(ctx context.Context, prompt string) (string, error) {
	if !t.Interactive() {
		return "", errNobody
	}
	if err := ctx.Err(); err != nil {
		return "", err // the echo would be switched off behind our back
	}
	t.Done()
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("terminal: %w", err)
	}
	defer func() {
		_ = term.Restore(fd, before)
		fmt.Fprintln(t.out)
	}()
	fmt.Fprintf(t.out, "%s: ", prompt)
	return await(ctx, func() (string, error) {
		password, err := term.ReadPassword(fd)
		return string(password), err
	})
}

// await runs a read that cannot be interrupted and returns when it or ctx ends. A
// read that still waits then is left behind; the program is about to end.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
