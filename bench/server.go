package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/pkg/remote"
)

// modeVariable makes this program another part of a measurement than the one that
// measures: each part is a process of its own, so that their memory is.
const modeVariable = "EXGRANT_BENCH_MODE"

// The modes.
const (
	modeServer   = "server"   // serves a simulated organization
	modeOpen     = "open"     // the same to whoever comes
	modeSessions = "sessions" // opens many sessions to it
	modeEWS      = "ews"      // serves the Exchange Web Services of one
	modeProof    = "proof"    // proves mailboxes at them
)

const (
	benchUser     = "administrator"
	benchPassword = "bench"
)

// be is this program in another mode.
func be(mode string) {
	var err error
	switch mode {
	case modeServer:
		err = serve(benchPassword)
	case modeOpen:
		err = serve("")
	case modeSessions:
		err = manySessions(context.Background(), os.Args[1])
	case modeEWS:
		err = serveEWS()
	case modeProof:
		err = prove(context.Background(), os.Args[1])
	case modeLaunch:
		err = launch(os.Args[1:])
	default:
		err = fmt.Errorf("%s=%s: no such mode", modeVariable, mode)
	}
	if err != nil {
		fail(err)
	}
}

// serve serves until standard input ends. It prints its URL; below /requests it
// tells how many requests it was asked.
func serve(password string) error {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		return err
	}
	var requests atomic.Int64
	endpoint := psrpd.New(psrpd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Password: password,
		MaxShells: 10_000, Events: func(e psrpd.Event) { requests.Add(1) }})
	defer endpoint.Close()
	mux := http.NewServeMux()
	mux.Handle("/", endpoint)
	var starts atomic.Int64
	if path, err := pwsh(context.Background()); err == nil {
		// Each who asks for /anew finds an organization in which nothing was done yet.
		var shells atomic.Pointer[winrsd.Server]
		anew := func() {
			old := shells.Swap(winrsd.New(winrsd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Pwsh: path, Password: benchPassword,
				Events: func(e psrpd.Event) {
					requests.Add(1)
					if e.Action == "Command" {
						starts.Add(1)
					}
				}}))
			if old != nil {
				old.Close()
			}
		}
		anew()
		defer func() { shells.Load().Close() }()
		mux.HandleFunc("/wsman", func(w http.ResponseWriter, r *http.Request) { shells.Load().ServeHTTP(w, r) })
		mux.HandleFunc("/anew", func(http.ResponseWriter, *http.Request) { anew() })
	}
	mux.HandleFunc("/requests", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, requests.Load()) })
	mux.HandleFunc("/starts", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, starts.Load()) })
	server := httptest.NewServer(mux)
	fmt.Println(server.URL)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err // and with the process all connections
}

// A server is this program serving.
type server struct {
	url  string
	stop func()
}

func startServer(ctx context.Context) (*server, error) { return startServerAs(ctx, modeServer) }

// startServerAs starts this program in a mode that serves.
func startServerAs(ctx context.Context, mode string) (*server, error) {
	ctx, end := context.WithCancel(ctx)
	w, err := startSelf(ctx, mode)
	if err != nil {
		end()
		return nil, err
	}
	s := &server{stop: func() { end(); _ = w.wait() }}
	if s.url, err = w.out.ReadString('\n'); err != nil {
		s.stop()
		return nil, fmt.Errorf("the simulator did not start: %w: %s", err, w.stderr)
	}
	s.url = strings.TrimSpace(s.url)
	return s, nil
}

// startSelf starts this program in another mode.
func startSelf(ctx context.Context, mode string, args ...string) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startWorkerIn(ctx, append(os.Environ(), modeVariable+"="+mode), self, args...)
}

// ask returns the number that the server tells below a path: requests, or starts of
// PowerShell, so far.
func (s *server) ask(ctx context.Context, path string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, err
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer reply.Body.Close()
	line, err := bufio.NewReader(reply.Body).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if line == "" {
		return 0, nil
	}
	return strconv.ParseFloat(line, 64)
}

func dial(ctx context.Context, url string) (remote.Session, error) {
	return remote.Dial(ctx, remote.Target{Server: url}, remote.Credential{
		Method: remote.Basic, Username: benchUser, Password: remote.NewSecret(benchPassword)})
}
