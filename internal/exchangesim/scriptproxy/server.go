package scriptproxy

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// A Server serves one session to PowerShell: a module on disk and a listener that
// answers its calls.
type Server struct {
	// URL is where the server listens, such as http://127.0.0.1:40123.
	URL string
	// Manifest is the absolute path of the module's .psd1 file: import it by this path.
	Manifest string

	http   *http.Server
	served chan error
}

// Start writes the module of a session into dir, which is created when it does not
// exist, and serves it on listen, a loopback address such as 127.0.0.1:0.
//
//	organization := exchangesim.New(scenario, exchangesim.Options{})
//	session := organization.Session(exchangesim.SessionOptions{})
//	server, err := scriptproxy.Start(session, organization.Clock(), "127.0.0.1:0", t.TempDir())
//	…
//	defer server.Close()
//	engine.Run(t, peers.Job{Modules: []string{server.Manifest}, Script: "/path/of/script.ps1"})
//
// Several servers may serve sessions of one organization, each with a folder of its
// own.
func Start(s Session, clock *exchangesim.Clock, listen, dir string) (*Server, error) {
	listener, err := listenLoopback(listen)
	if err != nil {
		return nil, err
	}
	token := rand.Text()
	server := &Server{URL: "http://" + listener.Addr().String(), served: make(chan error, 1)}
	server.Manifest, err = writeModuleInto(dir, s, server.URL, token)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	server.http = &http.Server{
		Handler:           New(s, clock, token),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       time.Hour, // a script may think for long, and its next call must not meet a closing connection
		MaxHeaderBytes:    16 << 10,
	}
	go func() { server.served <- server.http.Serve(listener) }()
	return server, nil
}

func listenLoopback(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("listen %s: the script front end speaks plain HTTP and serves this computer only; use a loopback address such as 127.0.0.1:0", address)
	}
	return listener, nil
}

func writeModuleInto(dir string, s Session, url, token string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return WriteModule(dir, s, url, token)
}

// Wait returns when the server ends: with nil after Close, else with what ended it.
func (s *Server) Wait() error {
	err := <-s.served
	s.served <- err
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends the calls that are under way, stops listening and removes the module.
// It is safe to call it twice.
func (s *Server) Close() error {
	return errors.Join(s.http.Close(), s.Wait(), os.RemoveAll(filepath.Dir(s.Manifest)))
}
