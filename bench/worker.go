package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// A worker is a process that measures itself: for every line on its standard input
// it works once and prints one line with its figures.
type worker struct {
	in     io.Writer
	out    *bufio.Reader
	stderr *bytes.Buffer
	wait   func() error
}

// startWorker starts a worker, which ends with ctx.
func startWorker(ctx context.Context, program string, args ...string) (*worker, error) {
	return startWorkerIn(ctx, nil, program, args...)
}

// startWorkerIn is startWorker with an environment; nil is this process's.
func startWorkerIn(ctx context.Context, environment []string, program string, args ...string) (*worker, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = environment
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w := &worker{in: in, out: bufio.NewReader(out), stderr: new(bytes.Buffer), wait: sync.OnceValue(cmd.Wait)}
	cmd.Stderr = w.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = w.wait() })
	return w, nil
}

// work makes the worker work once and returns one of its figures.
func (w *worker) work(figure int) (float64, error) {
	if _, err := io.WriteString(w.in, "go\n"); err != nil {
		return 0, err
	}
	line, err := w.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("it ended: %w: %s", errors.Join(err, w.wait()), w.stderr)
	}
	figures := strings.Fields(line)
	if figure >= len(figures) {
		return 0, fmt.Errorf("it printed %q", line)
	}
	return strconv.ParseFloat(figures[figure], 64)
}

// working is a side whose figure a worker measures.
func working(name string, figure int, program func(context.Context) (string, error), args ...string) side {
	return side{name, func(ctx context.Context) (func(context.Context) (float64, error), error) {
		path, err := program(ctx)
		if err != nil {
			return nil, err
		}
		w, err := startWorker(ctx, path, args...)
		if err != nil {
			return nil, err
		}
		return func(context.Context) (float64, error) { return w.work(figure) }, nil
	}}
}

// python returns the Python that has pypsrp.
func python(ctx context.Context) (string, error) { return pythonWith(ctx, "pypsrp") }

// pythonWith returns the Python that has a module.
func pythonWith(ctx context.Context, module string) (string, error) {
	path := os.Getenv("EXGRANT_PYTHON")
	if path == "" {
		path = "python3"
	}
	if err := exec.CommandContext(ctx, path, "-c", "import "+module).Run(); err != nil {
		return "", fmt.Errorf("no Python with %s: set EXGRANT_PYTHON", module)
	}
	return path, nil
}
