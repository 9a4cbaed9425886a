package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/negotiate"
)

// A simulator serves an organization as one Exchange server does: its PowerShell
// endpoint, Exchange Web Services and Autodiscover.
type simulator struct {
	URL       string // of the PowerShell endpoint
	EWS       string // of Exchange Web Services
	WinRS     string // of WinRM's remote shell; "" without a PowerShell to start
	Authority []byte // that signed the server's certificate, in PEM; nil without TLS

	endpoint *psrpd.Server
	shells   *winrsd.Server // nil without a PowerShell to start
	server   *http.Server
	ended    chan struct{} // closed when it no longer serves
	err      error         // why, once it has ended
}

// simulatorOptions say how a simulator serves.
type simulatorOptions struct {
	listen   string
	tls      bool
	password string // of every account; nobody is asked without it
	now      func() time.Time
	realTime bool   // the organization's clock goes on with the real one
	pwsh     string // path of a PowerShell for the remote shell; "" serves none
}

// cannotListen is the error of an address that the system does not give.
func cannotListen(address string, err error) error {
	var call *os.SyscallError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return failuref("exgrant sim: --%s %s: another program has that port", flagListen, address).withHint("127.0.0.1:0 serves on any free port")
	case errors.As(err, &call):
		return failuref("exgrant sim: --%s %s: the system does not give it: %w", flagListen, address, call.Err).withHint("127.0.0.1:0 serves on any free port")
	}
	return failuref("exgrant sim: --%s %s: %w", flagListen, address, err)
}

// startSimulator serves an organization until it is closed.
func startSimulator(o *exchangesim.Organization, options simulatorOptions) (*simulator, error) {
	s := &simulator{ended: make(chan struct{}), endpoint: psrpd.New(psrpd.Config{Organization: o, Password: options.password})}
	listener, err := net.Listen("tcp", options.listen)
	if err != nil {
		return nil, cannotListen(options.listen, err)
	}
	base := "http://" + listener.Addr().String()
	if options.tls {
		certificate, authority, err := exchangesim.NewCertificate(options.now())
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.Authority = authority
		base = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	s.URL, s.EWS = base+"/PowerShell/", base+"/EWS/Exchange.asmx"
	handler := virtualDirectories(s.endpoint, ewsd.New(ewsd.Config{Organization: o, Password: options.password}))
	if options.pwsh != "" {
		s.WinRS = base + "/wsman"
		s.shells = winrsd.New(winrsd.Config{Organization: o, Pwsh: options.pwsh, Password: options.password})
		handler = fork{s.shells, handler}
	}
	if options.realTime {
		handler = &clockwork{clock: o.Clock(), last: options.now(), now: options.now, next: handler}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.server = &http.Server{Handler: ownHost{handler}, ReadHeaderTimeout: 10 * time.Second, Protocols: protocols,
		ErrorLog: log.New(io.Discard, "", 0)} // what clients do wrong, they are told
	go func() {
		defer close(s.ended)
		s.err = s.server.Serve(listener)
	}()
	return s, nil
}

// An ownHost lets pass what is asked for by a name of this computer, or by one below
// .test, where the simulated organization has its names and nobody else can have any
// (RFC 6761 6.2). A web page that got its own name to lead here has another.
type ownHost struct{ next http.Handler }

func (o ownHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if !strings.HasSuffix(host, ".test") && !negotiate.IsLoopback(host) {
		http.Error(w, "Bad Request - Invalid Hostname", http.StatusBadRequest) // as HTTP.sys says it
		return
	}
	o.next.ServeHTTP(w, r)
}

// virtualDirectories shares one web server among the services, by path as IIS does.
func virtualDirectories(powershell, ews http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.ToLower(r.URL.Path)
		if strings.HasPrefix(path, "/ews/") || strings.HasPrefix(path, "/autodiscover/") {
			ews.ServeHTTP(w, r)
			return
		}
		powershell.ServeHTTP(w, r)
	})
}

// close ends all sessions and connections.
func (s *simulator) close() error {
	s.endpoint.Close()
	if s.shells != nil {
		s.shells.Close()
	}
	err := s.server.Close()
	<-s.ended
	if !errors.Is(s.err, http.ErrServerClosed) {
		err = errors.Join(err, s.err)
	}
	return err
}

// A fork passes requests to WinRM's path on to the remote shell, others to Exchange.
type fork struct{ winrm, exchange http.Handler }

func (f fork) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(strings.TrimRight(r.URL.Path, "/"), "/wsman") {
		f.winrm.ServeHTTP(w, r)
		return
	}
	f.exchange.ServeHTTP(w, r)
}

// A clockwork moves an organization's clock on by the time that has gone by since
// the last request.
type clockwork struct {
	clock *exchangesim.Clock
	now   func() time.Time
	next  http.Handler

	mu   sync.Mutex
	last time.Time
}

func (c *clockwork) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	now := c.now()
	c.clock.Sleep(now.Sub(c.last))
	c.last = now
	c.mu.Unlock()
	c.next.ServeHTTP(w, r)
}

// saveAuthority writes an authority's certificate where a program can read it, and
// returns the path and what removes it.
func saveAuthority(pem []byte) (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "exgrant-sim-")
	if err != nil {
		return "", nil, fmt.Errorf("the simulator's certificate: %w", err)
	}
	remove = func() error { return os.RemoveAll(dir) }
	path = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(path, pem, 0o600); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the simulator's certificate: %w", err), remove())
	}
	return path, remove, nil
}
