package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/textfile"
)

// open opens an input file; - is standard input. Reads end when the command is
// interrupted.
func (p *program) open(c *cli.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
		if p.read {
			return nil, usageErrorf("%s: standard input cannot be read twice", c.Command.HelpName).
				withHint("write one of the two to a file")
		}
		p.read = true
		return io.NopCloser(p.stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, cannotRead(c, name, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{interruptible{c.Context, f}, f}, nil
}

// readingOnce refuses, before anything is read, a command line that takes more than one
// thing from standard input: else a password could be read as something that is shown.
func (p *program) readingOnce(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		readers := 0
		for _, flag := range []string{flagFile, flagFrom, flagSecrets} {
			if c.String(flag) == "-" {
				readers++
			}
		}
		for _, flag := range []string{flagPasswordFile, flagAsPasswordFile} {
			if findFlag(c.Command, flag) != nil && p.setting(c, flag) == "-" {
				readers++
			}
		}
		for _, operand := range c.Args().Slice() {
			if operand == "-" {
				readers++
			}
		}
		if readers > 1 {
			return usageErrorf("%s: standard input cannot be read twice", c.Command.HelpName).
				withHint("give only one thing there; a password can stand in a file, or in %s and EXGRANT_AS_PASSWORD", envPassword)
		}
		return action(c)
	}
}

// readText reads a text file that somebody made, at most limit bytes of it; - is standard
// input. It may be in UTF-8 or, as Windows PowerShell's > writes it, in UTF-16.
func (p *program) readText(c *cli.Context, name string, limit int) ([]byte, error) {
	return p.readDecoded(c, name, limit, textfile.Decode)
}

func (p *program) readDecoded(c *cli.Context, name string, limit int, decode func([]byte) ([]byte, error)) ([]byte, error) {
	r, err := p.open(c, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := textfile.Read(r, limit, decode)
	var encoding *textfile.EncodingError
	switch {
	case c.Context.Err() != nil:
		return nil, c.Context.Err()
	case err == nil:
		return text, nil
	case errors.Is(err, textfile.ErrTooLong):
		return nil, usageErrorf("%s: %s is longer than %d KiB", c.Command.HelpName, fileName(name), limit>>10).withHint("is it the right file?")
	case errors.As(err, &encoding):
		return nil, cannotDecode(c, name, err)
	}
	return nil, cannotRead(c, fileName(name), err)
}

// cannotDecode is the error of an input that is no text.
func cannotDecode(c *cli.Context, name string, err error) *hintedError {
	refusal := usageErrorf("%s: %s: %w", c.Command.HelpName, fileName(name), err)
	var encoding *textfile.EncodingError
	if errors.As(err, &encoding) {
		return refusal.withHint("%s", encoding.Hint())
	}
	return refusal
}

// errNobodyReads is that of a result whose reader went away, as head does: there is
// nobody to tell.
var errNobodyReads = errors.New("nobody reads standard output")

// isClosedPipe reports whether whoever read has gone: as Unix says it, and as Windows
// does (ERROR_BROKEN_PIPE, ERROR_NO_DATA).
func isClosedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || runtime.GOOS == "windows" && (errors.Is(err, syscall.Errno(109)) || errors.Is(err, syscall.Errno(232)))
}

// A standardOutput says in its errors what could not be written, in the words of
// cannotWrite.
type standardOutput struct{ file *os.File }

func (o standardOutput) Write(b []byte) (int, error) {
	n, err := o.file.Write(b)
	switch {
	case isClosedPipe(err):
		err = errNobodyReads
	case err != nil:
		err = cannotWrite("standard output", err)
	}
	return n, err
}

// Fd lets a command ask how wide the terminal is.
func (o standardOutput) Fd() uintptr { return o.file.Fd() }

// An interruptible reader ends with the context's error when the context ends,
// also while a read waits for somebody to type. The read that waits then is left
// behind: use it only for a reader that nobody reads afterwards.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	own := make([]byte, len(b)) // b belongs to the caller again after a cancel
	go func() {
		n, err := i.r.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		copy(b, own[:r.n])
		return r.n, r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
