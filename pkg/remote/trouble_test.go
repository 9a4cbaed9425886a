package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A trial opens a session, reads, changes something, and closes. It returns what
// each step said.
type trial struct{ dial, read, change error }

func (x trial) String() string {
	return fmt.Sprintf("dial %v; read %v; change %v", x.dial, x.read, x.change)
}

func try(t *testing.T, b *peers.Bridge, timeout time.Duration) (x trial) {
	t.Helper()
	var s Session
	s, x.dial = Dial(t.Context(), Target{Server: b.URL, Timeout: timeout}, Credential{Method: Basic, Username: bridgeUser, Password: NewSecret(bridgePassword)})
	if x.dial != nil {
		return x
	}
	defer func() { _ = s.Close(context.Background()) }()
	_, x.read = s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("alice")}, ignoreObject)
	_, x.change = s.Invoke(t.Context(), exchange.Pipeline{commands.NewScope("S", "Name -eq 'x'", "")}, ignoreObject)
	return x
}

func ignoreObject(exchange.Object) error { return nil }

// Whatever happens to the connection, and whenever: a read is done in the end, a
// change is done or its outcome is told as unknown, and no shell is left. The
// simulator goes through all cases (TestEveryRequestInTrouble), the real engine shows
// one for each request.
func TestBridgeConnectionTrouble(t *testing.T) {
	noneLeft(t)
	const requests = 6 // Create, Receive, and Command and Receive of each pipeline
	for n := 1; n <= requests; n++ {
		trouble := []string{"--drop-before", "--drop-after", "--truncate"}[n%3]
		t.Run(fmt.Sprintf("%s %d", trouble, n), func(t *testing.T) {
			t.Parallel()
			b := exchangeBridge(t, []string{trouble, fmt.Sprint(n), "--lose-data"})
			x := try(t, b, 5*time.Second)
			var lost *exchange.LostReplyError
			switch {
			case x.dial != nil || x.read != nil:
				t.Errorf("opening or a read does not recover: %v", x)
			case n > 4 && x.change != nil && !errors.As(x.change, &lost): // a slow engine is asked more often, and the trouble comes before
				t.Errorf("a change whose reply is lost: %v", x)
			case n <= 4 && x.change != nil:
				t.Errorf("a change after the trouble: %v", x)
			}
			if left := b.Stop(t).ShellsLeft; len(left) > 0 {
				t.Errorf("shells left open: %v", left)
			}
		})
	}
}

func TestBridgeServerTrouble(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  []string
		dial  string // fault of opening; "" when it works
		read  string // fault of the read
		after string // text that its message has
	}{
		{"refused", []string{"--deny", "access"}, fault.ConnectAuth, "", "5"},
		{"not authorized", []string{"--deny", "authz"}, fault.AccessDenied, "", ""},
		{"unavailable", []string{"--http503", "1"}, fault.ConnectHTTP, "", "503"},
		{"not found", []string{"--http-status", "1:404"}, fault.ConnectHTTP, "", "404"},
		{"broken page", []string{"--http-status", "3:500"}, "", fault.ConnectHTTP, "500"},
		{"engine dies", []string{"--kill-engine-after", "3"}, "", "", ""},
		{"garbled header", []string{"--garbage-fragment", "5:header"}, "", "", ""},
		{"garbled payload", []string{"--garbage-fragment", "5:payload"}, "", "", ""},
		{"a fragment twice", []string{"--fragment-size", "200", "--garbage-fragment", "14:dup"}, "", "", ""},
		{"output twice", []string{"--duplicate-receive"}, "", fault.ConnectHTTP, "PowerShell remoting"},
		{"wrong order", []string{"--fragment-size", "200", "--garbage-fragment", "14:order"}, "", "", ""},
		{"cookies", []string{"--require-cookie"}, "", "", ""},
		{"slow", []string{"--slow-receive", "1"}, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := exchangeBridge(t, test.args)
			x := try(t, b, 5*time.Second)
			check(t, "opening", x.dial, test.dial, test.after)
			if test.dial == "" {
				check(t, "the read", x.read, test.read, test.after)
			}
			if left := b.Stop(t).ShellsLeft; len(left) > 0 {
				t.Errorf("shells left open: %v", left)
			}
		})
	}
}

func check(t *testing.T, what string, err error, want, text string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want == "":
	case err == nil || fault.Of(err).ID != want || !strings.Contains(err.Error(), text):
		t.Errorf("%s: %v, want %s with %q", what, err, want, text)
	}
}

func TestBridgeWrongPassword(t *testing.T) {
	b := exchangeBridge(t, nil)
	_, err := Dial(t.Context(), Target{Server: b.URL}, Credential{Method: Basic, Username: bridgeUser, Password: NewSecret("wrong-secret")})
	if err == nil || fault.Of(err).ID != fault.ConnectAuth || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestBridgeQuota(t *testing.T) {
	b := exchangeBridge(t, []string{"--max-shells", "1"})
	first := bridgeSession(t, b)
	if x := try(t, b, 5*time.Second); x.dial == nil || fault.Of(x.dial).ID != fault.ConnectQuota {
		t.Errorf("a shell too many: %v", x)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x := try(t, b, 5*time.Second); x.dial != nil || x.read != nil {
		t.Errorf("after the first is gone: %v", x)
	}
}

// The callback's panic passes, and nothing stays behind.
func TestBridgePanic(t *testing.T) {
	b := exchangeBridge(t, nil)
	s := bridgeSession(t, b)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.Invoke(t.Context(), exchange.Pipeline{commands.ListRecipients("", "")}, func(exchange.Object) error { panic("callback") })
	}()
	if objects, _ := invoke(t, s, commands.GetUser("alice")); len(objects) != 1 {
		t.Errorf("objects %+v", objects)
	}
}

func TestDialRefuses(t *testing.T) {
	basic := Credential{Method: Basic, Username: "admin", Password: NewSecret("p")}
	for _, test := range []struct {
		want   string
		target Target
		c      Credential
	}{
		{"no server is named", Target{}, basic},
		{"in clear", Target{Server: "ex01.contoso.test"}, basic},
		{"in clear", Target{Server: "http://10.0.0.1/PowerShell/"}, basic},
		{"ex01.contoso.test:80 in clear", Target{Server: "localhost", ConnectTo: "ex01.contoso.test:80"}, basic},
		{"ex01.contoso.test in clear", Target{Server: "ex01.contoso.test", ConnectTo: "127.0.0.1:80"}, basic},
		{"expected HOST:PORT", Target{Server: "https://ex01.contoso.test/", ConnectTo: "127.0.0.1"}, basic},
		{"no log-on method \"\"", Target{Server: "localhost"}, Credential{}},
		{"needs a user name and a password", Target{Server: "localhost"}, Credential{Method: Basic, Username: "x"}},
		{"expected a host name", Target{Server: "a b"}, basic},
		{"expected a host name", Target{Server: "a/b"}, basic},
		{"the scheme is http or https", Target{Server: "ftp://x"}, basic},
		{"no user in it, nor a password", Target{Server: "https://u:p@x/"}, basic},
		{"are part of the URL", Target{Server: "https://x/", Port: 5}, basic},
	} {
		_, err := Dial(t.Context(), test.target, test.c)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), ":p@") {
			t.Errorf("%+v: %v, want %q", test.target, err, test.want)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	basic := Credential{Method: Basic, Username: "admin", Password: NewSecret("p")}
	for server, want := range map[string]string{
		"http://127.0.0.1:1/PowerShell/":      fault.ConnectNetwork,
		"https://no-such-host.invalid/":       fault.ConnectNetwork,
		"https://ex01.contoso.test/at/nobody": fault.ConnectNetwork,
	} {
		_, err := Dial(t.Context(), Target{Server: server, ConnectTo: map[bool]string{true: "127.0.0.1:1"}[strings.Contains(server, "contoso")]}, basic)
		var e *Error
		if !errors.As(err, &e) || fault.Of(err).ID != want {
			t.Errorf("%s: %v", server, err)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for want, target := range map[string]Target{
		"http://ex01.contoso.test/PowerShell/":       {Server: "ex01.contoso.test"},
		"https://ex01.contoso.test/PowerShell/":      {Server: "ex01.contoso.test", TLS: true},
		"https://ex01.contoso.test:8443/PowerShell/": {Server: "ex01.contoso.test", TLS: true, Port: 8443},
		"http://[::1]/PowerShell/":                   {Server: "::1"},
		"http://[::1]:81/PowerShell/":                {Server: "::1", Port: 81},
		"http://127.0.0.1:5985/wsman":                {Server: "http://127.0.0.1:5985/wsman"},
		"https://x/PowerShell/":                      {Server: "https://x"},
		"https://x/PowerShell/?a=b":                  {Server: "https://x/PowerShell/?a=b"},
	} {
		u, err := target.endpoint()
		if err != nil || u.String() != want {
			t.Errorf("%+v: %v, %v, want %s", target, u, err, want)
		}
	}
}

// Where nobody was logged on there is nothing to delete or to ask again, and the error
// is the log-on's own.
func TestRefusedLogOnDidNothing(t *testing.T) {
	refused := &wsman.NetworkError{Sent: true, Err: &negotiate.Error{Kind: negotiate.LogonRefused, What: "the server refuses the log-on"}}
	if mayHaveHappened(refused) {
		t.Error("a refused log-on may have done something")
	}
	if got, want := (&Error{"opening a session", refused}).Error(), "the server refuses the log-on"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	altered := &wsman.NetworkError{Sent: true, Err: &negotiate.Error{Kind: negotiate.Altered, What: "it was changed"}}
	if !mayHaveHappened(altered) {
		t.Error("a reply that was changed on its way says that nothing happened")
	}
}
