// Command bench measures exgrant beside its peers, in the same run and on the
// same machine, and prints one table. Run it from the module's root:
//
//	go run ./bench [-n RUNS]
//
// It measures and judges nothing: it fails only when something does not run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	runs := flag.Int("n", 15, "how often each side of a row runs")
	flag.Parse()
	if mode := os.Getenv(modeVariable); mode != "" {
		be(mode)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *runs); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "bench: %v\n", err)
	os.Exit(1)
}

// A row compares us with one peer doing the same, or the least that it can do.
type row struct {
	what     string
	unit     unit
	ours     side
	peer     side
	expected float64 // how many times less than the peer's our figure should be
	most     int     // runs at most, for what takes long; 0 is no limit
	once     bool    // one run only, of fresh processes
}

// A unit shows a figure: seconds, bytes or a number, of which less is better.
type unit func(figure float64) string

// A side is one of the two that a row runs in turn. What prepare starts ends with
// its context; its error says why the side is absent.
type side struct {
	name    string
	prepare func(context.Context) (run func(context.Context) (figure float64, err error), err error)
}

// rows lists what is measured, in the order of the table.
func rows(program string, s *sessions) []row {
	start := row{
		what: "cold start to finished script",
		unit: milliseconds,
		ours: process("exgrant script grant", program, "script", "grant",
			"--user", `CONTOSO\svc-reschedule`, "--scope-group", "Reschedule Users"),
		peer:     engine("pwsh prints one line", "-NoProfile", "-NonInteractive", "-Command", "'hi'"),
		expected: 20,
	}
	return slices.Concat([]row{start}, programRows(program), pageRows(program), clixmlRows(), s.rows(), sealedRows(), s.scriptRows(), proofRows())
}

func run(ctx context.Context, w io.Writer, runs int) error {
	if runs < 1 {
		return fmt.Errorf("-n %d: at least one run is needed", runs)
	}
	dir, err := os.MkdirTemp("", "exgrant-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "exgrant")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "github.com/exgrant/exgrant/cmd/exgrant")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}

	server, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer server.stop()

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "what\tours\tfigure\tpeer\tfigure\tratio\texpected\n")
	for _, r := range rows(program, &sessions{server: server}) {
		line, err := measure(ctx, r, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		fmt.Fprintln(t, line)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nthe best of %d runs at most, the two sides in turn; %s/%s, %d CPUs\n", runs, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if err != nil {
		return err
	}
	return memoryTable(ctx, w, program)
}

// measure runs both sides of a row in turn and returns its line of the table.
func measure(ctx context.Context, r row, runs int) (string, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	first := 0 // fills caches and compiles: it does not count
	switch {
	case r.once:
		first, runs = 1, 1
	case r.most > 0:
		runs = min(runs, r.most)
	}
	ours, err := r.ours.prepare(ctx)
	if err != nil {
		return fmt.Sprintf("%s\t%s\tabsent: %v\t%s\t\t\t", r.what, r.ours.name, err, r.peer.name), nil
	}
	peer, absent := r.peer.prepare(ctx)
	ourBest, peerBest := math.Inf(1), math.Inf(1)
	for i := first; i <= runs; i++ {
		figure, err := ours(ctx)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.ours.name, err)
		}
		var peerFigure float64
		if absent == nil {
			if peerFigure, err = peer(ctx); err != nil {
				return "", fmt.Errorf("%s: %w", r.peer.name, err)
			}
		}
		if i > 0 {
			ourBest, peerBest = min(ourBest, figure), min(peerBest, peerFigure)
		}
	}
	line := fmt.Sprintf("%s\t%s\t%s\t%s\t", r.what, r.ours.name, r.unit(ourBest), r.peer.name)
	if absent != nil {
		return line + fmt.Sprintf("absent: %v\t\t>= %gx", absent, r.expected), nil
	}
	return line + fmt.Sprintf("%s\t%.1fx\t>= %gx", r.unit(peerBest), peerBest/ourBest, r.expected), nil
}

// timed measures the time that something takes, in seconds.
func timed(run func(context.Context) error) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		start := time.Now()
		err := run(ctx)
		return time.Since(start).Seconds(), err
	}
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.1f ms", seconds*1000) }

func kibibytes(bytes float64) string { return fmt.Sprintf("%.0f KiB", bytes/1024) }

func count(n float64) string { return fmt.Sprintf("%.0f", n) }

// perSecond shows the time that one of many takes.
func perSecond(seconds float64) string { return fmt.Sprintf("%.0f/s", 1/seconds) }

// absent is a side that cannot run here.
func absent(name string, err error) side {
	return side{name, func(context.Context) (func(context.Context) (float64, error), error) { return nil, err }}
}

// process is a side that starts a program and reads all that it prints.
func process(name, program string, args ...string) side {
	return side{name, func(context.Context) (func(context.Context) (float64, error), error) {
		return timed(func(ctx context.Context) error {
			out, err := exec.CommandContext(ctx, program, args...).Output()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				return fmt.Errorf("%w: %s", err, exit.Stderr)
			}
			if err == nil && len(out) == 0 {
				err = errors.New("it printed nothing")
			}
			return err
		}), nil
	}}
}

// engine is a side that starts the real PowerShell engine: EXGRANT_PWSH, or the
// one of the shared tools.
func engine(name string, args ...string) side {
	return side{name, func(ctx context.Context) (func(context.Context) (float64, error), error) {
		path, err := pwsh(ctx)
		if err != nil {
			return nil, err
		}
		return process(name, path, args...).prepare(ctx)
	}}
}

func pwsh(ctx context.Context) (string, error) {
	if path := os.Getenv("EXGRANT_PWSH"); path != "" {
		return path, nil
	}
	return installed(ctx)
}

func installed(ctx context.Context) (string, error) {
	installer := shared("tools", "psengine", "install.sh")
	if _, err := os.Stat(installer); err != nil {
		return "", errors.New("no PowerShell engine: set EXGRANT_PWSH")
	}
	out, err := exec.CommandContext(ctx, "sh", installer).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", installer, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
}

// shared returns a path of the shared material.
func shared(elem ...string) string {
	root := os.Getenv("EXGRANT_SHARED")
	if root == "" {
		root = filepath.Join("..", "shared")
	}
	return filepath.Join(append([]string{root}, elem...)...)
}
