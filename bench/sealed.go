package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/exgrant/exgrant/pkg/remote"
)

// A stage is a KDC, and an acceptor that unseals before the simulated server, both
// of MIT Kerberos.
type stage struct {
	config   string // a krb5.conf
	url      string // of the acceptor, by the name of its service
	address  string
	requests atomic.Int64
}

const (
	sealedHost     = "ex01.contoso.test"
	sealedUser     = "alice@CONTOSO.TEST"
	sealedPassword = "Passw0rd!"
)

// sealedRows compares sessions that log on by Kerberos and seal every message, as an
// Exchange server has it: by this machine's password, with a new ticket each.
func sealedRows() []row {
	const one = "a sealed session of five commands (Kerberos)"
	side := func(name string, figure func(*stage, func(context.Context) error) func(context.Context) (float64, error),
		prepare func(context.Context, *stage) (func(context.Context) error, error)) side {
		return side{name, func(ctx context.Context) (func(context.Context) (float64, error), error) {
			s, err := startStage(ctx)
			if err != nil {
				return nil, err
			}
			run, err := prepare(ctx, s)
			if err != nil {
				return nil, err
			}
			return figure(s, run), nil
		}}
	}
	took := func(_ *stage, run func(context.Context) error) func(context.Context) (float64, error) {
		return timed(run)
	}
	asked := func(s *stage, run func(context.Context) error) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) {
			before := s.requests.Load()
			err := run(ctx)
			return float64(s.requests.Load() - before), err
		}
	}
	return []row{
		{what: one + ": HTTP requests", unit: count, ours: side("remote.Dial", asked, ownSealed), peer: side("pypsrp", asked, peerSealed), expected: 1, most: 1},
		{what: one + ": time", unit: milliseconds, ours: side("remote.Dial", took, ownSealed), peer: side("pypsrp", took, peerSealed), expected: 2},
	}
}

func ownSealed(_ context.Context, s *stage) (func(context.Context) error, error) {
	return func(ctx context.Context) error {
		session, err := remote.Dial(ctx, remote.Target{Server: s.url, ConnectTo: s.address}, remote.Credential{Method: remote.Kerberos,
			Username: sealedUser, Password: remote.NewSecret(sealedPassword), Krb5Config: s.config})
		if err != nil {
			return err
		}
		return fiveCommands(ctx, session)
	}, nil
}

func peerSealed(ctx context.Context, s *stage) (func(context.Context) error, error) {
	path, err := python(ctx)
	if err != nil {
		return nil, err
	}
	w, err := startWorkerIn(ctx, append(os.Environ(), "KRB5_CONFIG="+s.config), path, "-c", sessionPython, s.url, sealedUser, sealedPassword, "one", "1", "kerberos")
	if err != nil {
		return nil, err
	}
	return func(context.Context) error {
		_, err := w.work(0)
		return err
	}, nil
}

// startStage starts both; they end with ctx.
func startStage(ctx context.Context) (*stage, error) {
	const systemPython = "/usr/bin/python3" // Debian's, which has the system's GSSAPI
	if err := exec.CommandContext(ctx, systemPython, "-c", "import gssapi").Run(); err != nil {
		return nil, errors.New("no Python with the system's GSSAPI")
	}
	dir, err := os.MkdirTemp("", "exgrant-bench-kdc-")
	if err != nil {
		return nil, err
	}
	s := &stage{config: filepath.Join(dir, "kdc", "krb5.conf")}
	kdcPort, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := startKDC(ctx, dir, filepath.Dir(s.config), kdcPort); err != nil {
		return nil, err
	}
	upstream, err := startServerAs(ctx, modeOpen)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, upstream.stop)
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s.url, s.address = "http://"+net.JoinHostPort(sealedHost, port)+"/PowerShell/", net.JoinHostPort("127.0.0.1", port)
	// An answer's head and body are written one after the other: without Nagle's
	// algorithm, which would make 40 ms of each for both sides.
	cmd := exec.CommandContext(ctx, systemPython, "-c", `import runpy, socketserver, sys
socketserver.StreamRequestHandler.disable_nagle_algorithm = True
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")`, shared("testbed", "acceptor.py"), "--port", port, "--upstream", upstream.url, "--require-encryption", "--offer", "Kerberos", "--exchange-boundary")
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+s.config, "KRB5_KTNAME=FILE:"+filepath.Join(dir, "kdc", "ex01.keytab"), "KRB5RCACHEDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, fmt.Errorf("acceptor.py did not start: %w", cmd.Wait())
	}
	go func() {
		for lines.Scan() {
			s.count(lines.Bytes())
		}
		_ = cmd.Wait()
	}()
	return s, nil
}

// count counts the requests that a line of the acceptor's log stands for.
func (s *stage) count(line []byte) {
	var e struct {
		Event string `json:"ev"`
	}
	if json.Unmarshal(line, &e) == nil && (e.Event == "anonymous" || e.Event == "auth" || e.Event == "op") {
		s.requests.Add(1)
	}
}

// startKDC starts a KDC that ends when its shell's standard input does: with ctx, or
// with this process.
func startKDC(ctx context.Context, dir, kdc, port string) error {
	const script = `trap '' INT; bash "$1" "$2" "$3" && echo ready && cat >/dev/null; kill $(cat "$2/kdc.pid"); rm -rf "$4"`
	cmd := exec.Command("bash", "-c", script, "kdc", shared("testbed", "kdc.sh"), kdc, port, dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { in.Close(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		in.Close()
		return fmt.Errorf("kdc.sh: %q, %w", line, errors.Join(err, cmd.Wait()))
	}
	return nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
