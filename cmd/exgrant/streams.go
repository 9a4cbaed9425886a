package main

import (
	"context"
	"io"
	"os"

	"github.com/urfave/cli/v2"
)

// open opens an input file; - is standard input. Reads end when the command is
// interrupted.
func (p *program) open(c *cli.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
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

// A standardOutput says in its errors what could not be written, in the words of
// cannotWrite.
type standardOutput struct{ file *os.File }

func (o standardOutput) Write(b []byte) (int, error) {
	n, err := o.file.Write(b)
	if err != nil {
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
