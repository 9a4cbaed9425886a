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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *runs); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// A row compares us with one peer doing the same, or the least that it can do.
type row struct {
	what     string
	ours     side
	peer     side
	expected float64 // how many times faster we want to be
}

// A side is one of the two that a row runs in turn. The time that run takes is
// measured; an error of prepare says why the side is absent.
type side struct {
	name    string
	prepare func(context.Context) (run func(context.Context) error, err error)
}

// rows lists what is measured, in the order of the table.
func rows(program string) []row {
	return []row{
		{
			what: "cold start to finished script",
			ours: process("exgrant script grant", program, "script", "grant",
				"--user", `CONTOSO\svc-reschedule`, "--scope-group", "Reschedule Users"),
			peer:     engine("pwsh prints one line", "-NoProfile", "-NonInteractive", "-Command", "'hi'"),
			expected: 20,
		},
	}
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
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/exgrant/exgrant/cmd/exgrant")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "what\tours\ttime\tpeer\ttime\tratio\texpected\n")
	for _, r := range rows(program) {
		line, err := measure(ctx, r, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		fmt.Fprintln(t, line)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nmedians of %d runs, the two sides in turn; %s/%s, %d CPUs\n", runs, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	return err
}

// measure runs both sides of a row in turn and returns its line of the table.
func measure(ctx context.Context, r row, runs int) (string, error) {
	ours, err := r.ours.prepare(ctx)
	if err != nil {
		return "", err
	}
	peer, absent := r.peer.prepare(ctx)
	var oursTimes, peerTimes []time.Duration
	for i := range runs + 1 {
		took, err := stopwatch(ctx, ours)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.ours.name, err)
		}
		var peerTook time.Duration
		if absent == nil {
			if peerTook, err = stopwatch(ctx, peer); err != nil {
				return "", fmt.Errorf("%s: %w", r.peer.name, err)
			}
		}
		if i == 0 {
			continue // the first run fills the disk's cache
		}
		oursTimes, peerTimes = append(oursTimes, took), append(peerTimes, peerTook)
	}
	line := fmt.Sprintf("%s\t%s\t%s\t%s\t", r.what, r.ours.name, shown(median(oursTimes)), r.peer.name)
	if absent != nil {
		return line + fmt.Sprintf("absent: %v\t\t>= %.0fx", absent, r.expected), nil
	}
	ratio := float64(median(peerTimes)) / float64(median(oursTimes))
	return line + fmt.Sprintf("%s\t%.1fx\t>= %.0fx", shown(median(peerTimes)), ratio, r.expected), nil
}

func stopwatch(ctx context.Context, run func(context.Context) error) (time.Duration, error) {
	start := time.Now()
	err := run(ctx)
	return time.Since(start), err
}

// median returns the middle of times, which it sorts; of an even number the
// slower one of the two.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func shown(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// process is a side that starts a program and reads all that it prints.
func process(name, program string, args ...string) side {
	return side{name, func(context.Context) (func(context.Context) error, error) {
		return func(ctx context.Context) error {
			out, err := exec.CommandContext(ctx, program, args...).Output()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				return fmt.Errorf("%w: %s", err, exit.Stderr)
			}
			if err == nil && len(out) == 0 {
				err = errors.New("it printed nothing")
			}
			return err
		}, nil
	}}
}

// engine is a side that starts the real PowerShell engine: EXGRANT_PWSH, or the
// one of the shared tools.
func engine(name string, args ...string) side {
	return side{name, func(ctx context.Context) (func(context.Context) error, error) {
		path := os.Getenv("EXGRANT_PWSH")
		if path == "" {
			var err error
			if path, err = installed(ctx); err != nil {
				return nil, err
			}
		}
		return process(name, path, args...).prepare(ctx)
	}}
}

func installed(ctx context.Context) (string, error) {
	shared := os.Getenv("EXGRANT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "shared")
	}
	installer := filepath.Join(shared, "tools", "psengine", "install.sh")
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
