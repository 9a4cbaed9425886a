package main

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// An endpoint is a server that can end a test's command behind a request.
type endpoint struct {
	url          string
	server       *psrpd.Server
	organization *exchangesim.Organization

	later atomic.Int64 // by how many nanoseconds the server's clock is ahead

	mu       sync.Mutex
	requests int    // to go
	end      func() // called behind the last of them
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{organization: exchangesim.New(scenario, exchangesim.Options{})}
	e.server = psrpd.New(psrpd.Config{Organization: e.organization, Password: scriptPassword, Events: e.replied,
		Now: func() time.Time { return time.Now().Add(time.Duration(e.later.Load())) }})
	web := httptest.NewServer(e.server)
	e.url = web.URL + "/PowerShell/"
	t.Cleanup(func() { e.server.Close(); web.Close() })
	return e
}

// behind has end called behind the nth request from now.
func (e *endpoint) behind(n int, end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests, e.end = n, end
}

func (e *endpoint) replied(psrpd.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.requests--; e.requests == 0 {
		e.end()
	}
}

// program is this program with the variables that lead to the endpoint, away from
// any terminal.
func (e *endpoint) program(stdout, stderr io.Writer) *program {
	variables := map[string]string{
		"EXGRANT_SERVER": e.url, "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword,
	}
	return &program{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, now: time.Now,
		sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		getenv: func(name string) string { return variables[name] },
	}
}

func (e *endpoint) run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, diagnostics bytes.Buffer
	code = e.program(&out, &diagnostics).run(ctx, args)
	return code, out.String(), diagnostics.String()
}

// ours counts the objects that the grant makes: assignments and scopes.
func (e *endpoint) ours(t *testing.T) (assignments, scopes int) {
	t.Helper()
	session := e.organization.Session(exchangesim.SessionOptions{})
	count := func(c exchange.Command) (n int) {
		_, err := session.Invoke(t.Context(), exchange.Pipeline{c}, func(o exchange.Object) error {
			if strings.HasPrefix(o.Text("Name"), "ApplicationImpersonation-svc-reschedule-") {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return count(commands.ListAssignments(exchange.Role)), count(commands.ListScopes())
}
