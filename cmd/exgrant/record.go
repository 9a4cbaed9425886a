package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/report"
)

// A record is what a command has changed so far, so that it is told whatever happens
// to the program. It is safe for concurrent use.
type record struct {
	mu    sync.Mutex
	busy  bool
	lines []string
}

// begin notes that a server is about to be contacted: from here on there is something
// to clean up.
func (r *record) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = true
}

func (r *record) set(lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = lines
}

func (r *record) now() (busy bool, lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy, r.lines
}

// oneSignal is how long after a signal another one is the same: timeout(1) signals the
// program and then its process group, which nobody means as a second Ctrl-C.
const oneSignal = time.Second

// watchSignals ends the command at the first signal, and the program at the second. A
// SIGHUP that was ignored when the program started (nohup) stays so.
func (p *program) watchSignals(stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		first := time.Now()
		stop()
		if busy, _ := p.record.now(); busy {
			fmt.Fprintln(p.stderr, "exgrant: cleaning up; Ctrl-C again gives up")
		}
		for range signals {
			if time.Since(first) >= oneSignal {
				break
			}
		}
		_, lines := p.record.now()
		fmt.Fprintln(p.stderr, "exgrant: given up")
		for _, line := range lines {
			fmt.Fprintln(p.stderr, line)
		}
		os.Exit(exitInterrupted)
	}()
}

// changedLines are what a report says was changed, and how to take it back.
func changedLines(r *report.Report) []string {
	var lines []string
	for _, s := range r.Steps {
		if s.Status != report.StatusChanged {
			continue
		}
		line := "changed: " + s.Text
		if s.GUID != "" {
			line += " " + s.GUID
		}
		lines = append(lines, oneLine(line))
	}
	for _, f := range r.Findings {
		if f.ID == "change-unknown" {
			lines = append(lines, oneLine("unknown: "+f.Text))
		}
	}
	for _, i := range r.Inverse {
		c, err := i.Command("")
		if err != nil {
			continue
		}
		line, err := c.Line()
		if err != nil {
			continue
		}
		lines = append(lines, oneLine("undo: "+line))
	}
	return lines
}

// A journal is the file of --report while the command runs: it holds the report as it
// is after each change.
type journal struct {
	p      *program
	c      *cli.Context
	path   string // "" when none is wanted
	begun  bool
	failed bool // it was told that the file cannot be written
}

// keep records the report as it is now. What cannot be written is told.
func (j *journal) keep(r *report.Report) {
	lines := changedLines(r)
	j.p.record.set(lines)
	if j.path == "" {
		return
	}
	err := j.write(r)
	if err == nil {
		return
	}
	j.p.person().Done()
	if !j.failed {
		fmt.Fprintf(j.p.stderr, "exgrant: %s; what is changed is told here\n", oneLine(err.Error()))
	}
	j.failed = true
	for _, line := range lines {
		fmt.Fprintln(j.p.stderr, line)
	}
}

func (j *journal) write(r *report.Report) error {
	var b bytes.Buffer
	if err := render.JSON(&b, r); err != nil {
		return err
	}
	staged, err := stage([]outfile{{j.path, b.Bytes()}}, j.begun || j.c.Bool(flagOverwrite))
	if err != nil {
		return err
	}
	defer staged.discard()
	if err := staged.publish(); err != nil {
		return err
	}
	j.begun = true
	return nil
}

// end writes the report for good.
func (j *journal) end(r *report.Report) error {
	if j.path == "" {
		return nil
	}
	if err := j.write(r); err != nil {
		j.p.tellChanges(r)
		return afterwards(inCommand(j.c, err))
	}
	fmt.Fprintf(j.p.stderr, "wrote %s\n", oneLine(j.path))
	return nil
}

// tellChanges tells on standard error what was changed, where it could not be told
// where it was to be.
func (p *program) tellChanges(r *report.Report) {
	if !r.Changed {
		return
	}
	if lines := changedLines(r); len(lines) > 0 {
		fmt.Fprintln(p.stderr, strings.Join(lines, "\n"))
	}
}
