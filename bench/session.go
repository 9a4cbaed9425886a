package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
)

// sessionPython is what pypsrp does.
//
//go:embed session.py
var sessionPython string

// sessions compares remote sessions to one simulated server.
type sessions struct{ server *server }

// Sessions that are open at once. pypsrp has them one after the other in one
// thread, as it is: opening more takes too long.
const (
	ownSessions  = 1000
	peerSessions = 100
)

// Figures of many sessions.
const (
	bytesPerSession   = 0
	secondsPerRequest = 1
)

func (s *sessions) rows() []row {
	const one = "a session of five commands"
	many := fmt.Sprintf("%d open sessions (pypsrp: %d)", ownSessions, peerSessions)
	peer := func(mode string, figure int) side {
		return working("pypsrp", figure, python, "-c", sessionPython, s.server.url, benchUser, benchPassword, mode, strconv.Itoa(peerSessions), "basic")
	}
	own := side{"remote.Dial", func(context.Context) (func(context.Context) (float64, error), error) { return timed(s.one), nil }}
	all := func(figure int) side {
		return side{"remote.Dial", func(ctx context.Context) (func(context.Context) (float64, error), error) {
			w, err := startSelf(ctx, modeSessions, s.server.url)
			if err != nil {
				return nil, err
			}
			return func(context.Context) (float64, error) { return w.work(figure) }, nil
		}}
	}
	// pypsrp's sessions are cheap while they wait: it has no goroutines that watch
	// their connections.
	return []row{
		{what: one + ": HTTP requests", unit: count, ours: s.counted(own), peer: s.counted(peer("one", 0)), expected: 1, most: 1},
		{what: one + ": time", unit: milliseconds, ours: own, peer: peer("one", 0), expected: 3},
		{what: many + ": memory of each", unit: kibibytes, ours: all(bytesPerSession), peer: peer("many", bytesPerSession), expected: 0.5, once: true},
		{what: many + ": requests", unit: perSecond, ours: all(secondsPerRequest), peer: peer("many", secondsPerRequest), expected: 3, once: true},
	}
}

// counted makes a side's figure the requests that it asks the server.
func (s *sessions) counted(of side) side { return s.told("/requests", of) }

// told makes a side's figure what the server counts meanwhile.
func (s *sessions) told(path string, of side) side {
	return side{of.name, func(ctx context.Context) (func(context.Context) (float64, error), error) {
		run, err := of.prepare(ctx)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (float64, error) {
			before, err := s.server.ask(ctx, path)
			if err != nil {
				return 0, err
			}
			if _, err := run(ctx); err != nil {
				return 0, err
			}
			after, err := s.server.ask(ctx, path)
			return after - before, err
		}, nil
	}}
}

// one is a session from its opening to its end.
func (s *sessions) one(ctx context.Context) error {
	session, err := dial(ctx, s.server.url)
	if err != nil {
		return err
	}
	return fiveCommands(ctx, session)
}

// fiveCommands are those of a session, which it closes.
func fiveCommands(ctx context.Context, session remote.Session) (err error) {
	for _, name := range []string{"anna", "ben", "boss", "room1", "svc-reschedule"} {
		if err == nil {
			err = getUser(ctx, session, name)
		}
	}
	return errors.Join(err, session.Close(ctx))
}

func getUser(ctx context.Context, session remote.Session, name string) error {
	n := 0
	_, err := session.Invoke(ctx, exchange.Pipeline{commands.GetUser(name)}, func(exchange.Object) error { n++; return nil })
	if err == nil && n != 1 {
		err = fmt.Errorf("Get-User %s gave %d objects", name, n)
	}
	return err
}

// manySessions opens sessions and, for each line on standard input, prints the
// bytes that each has added to the process and the time that each of the requests
// took that they then made.
func manySessions(ctx context.Context, url string) error {
	return eachLine(func() error {
		before, err := residentBytes()
		if err != nil {
			return err
		}
		all := make([]remote.Session, ownSessions)
		err = each(all, func(i int) (err error) { all[i], err = dial(ctx, url); return err })
		if err != nil {
			return err
		}
		debug.FreeOSMemory()
		after, err := residentBytes()
		if err != nil {
			return err
		}
		start := time.Now()
		err = each(all, func(i int) error {
			for range 2 {
				if err := getUser(ctx, all[i], "anna"); err != nil {
					return err
				}
			}
			return nil
		})
		took := time.Since(start)
		err = errors.Join(err, each(all, func(i int) error { return all[i].Close(ctx) }))
		if err == nil {
			const requests = 2 * 2 * ownSessions // Command and Receive
			fmt.Println(float64(after-before)/ownSessions, took.Seconds()/requests)
		}
		return err
	})
}

// each does something for every session, with a few at once.
func each(all []remote.Session, do func(i int) error) error {
	errs := make([]error, len(all))
	atOnce := make(chan struct{}, 16*runtime.NumCPU())
	var wait sync.WaitGroup
	for i := range all {
		atOnce <- struct{}{}
		wait.Go(func() {
			defer func() { <-atOnce }()
			errs[i] = do(i)
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func eachLine(do func() error) error {
	var line string
	for {
		if _, err := fmt.Scanln(&line); err != nil {
			return nil // the end of standard input
		}
		if err := do(); err != nil {
			return err
		}
	}
}

// residentBytes is how much memory this process has, as Linux counts it.
func residentBytes() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/self/statm has %q", text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
