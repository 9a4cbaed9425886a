package psrpd

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
)

// served is a server without a password, with its clients.
type served struct {
	*Server
	url    string
	client *http.Client

	mu     sync.Mutex
	events []Event
}

func serve(t *testing.T, c Config) *served {
	t.Helper()
	known := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, known) })
	s := &served{client: wsman.NewHTTPClient(nil, nil)}
	if c.Organization == nil {
		c.Organization = organization(t, "plain")
	}
	c.Events = func(e Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	s.Server = New(c)
	web := httptest.NewServer(s)
	s.url = web.URL + "/PowerShell/"
	t.Cleanup(func() { s.client.CloseIdleConnections(); s.Close(); web.CloseClientConnections(); web.Close() })
	return s
}

func (s *served) wsman() *wsman.Client {
	return wsman.NewClient(wsman.Config{URL: s.url, HTTP: s.client, ResourceURI: wsman.ResourceExchange, OperationTimeout: time.Second})
}

// open opens a shell with its pool.
func open(ctx context.Context, c *wsman.Client, id psrp.GUID) (*wsman.Shell, *psrp.ClientPool, error) {
	pool := psrp.NewClientPool(psrp.PoolConfig{ID: id, MaxFragment: c.MaxPayload()})
	out, err := pool.Open()
	if err != nil {
		return nil, nil, err
	}
	shell, err := c.Create(ctx, wsman.CreateRequest{ShellID: id.String(), Payload: slices.Concat(out...)})
	for err == nil && pool.State() != psrp.PoolOpened {
		var got wsman.ReceiveResult
		if got, err = shell.Receive(ctx, ""); err == nil {
			_, err = pool.Receive(got.Data)
		}
	}
	return shell, pool, err
}

func code(err error) uint32 {
	var f *wsman.FaultError
	if errors.As(err, &f) {
		return f.Code
	}
	return 0
}

// The nineteenth shell of a user is refused; that of another user is not, and one
// that is deleted makes room.
func TestEighteenShells(t *testing.T) {
	s := serve(t, Config{})
	c := s.wsman()
	var first *wsman.Shell
	for i := range defaultMaxShells {
		shell, _, err := open(t.Context(), c, psrp.GUID{1, byte(i)})
		if err != nil {
			t.Fatalf("shell %d: %v", i+1, err)
		}
		if first == nil {
			first = shell
		}
	}
	_, _, err := open(t.Context(), c, psrp.GUID{2})
	if code(err) != wsman.CodeQuota || !strings.Contains(err.Error(), "maximum number of 18 concurrent shells") {
		t.Errorf("one too many: %v", err)
	}
	if err := first.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t.Context(), c, psrp.GUID{3}); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
	if n := s.Shells(); n != defaultMaxShells {
		t.Errorf("%d shells", n)
	}
}

// A shell that nobody asks for anything is ended when its idle time is over, with
// the pipeline whose output nobody fetches.
func TestIdleShellsEnd(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	s := serve(t, Config{Now: clock, Organization: organization(t, "recipients-50000")})
	shell, pool, err := open(t.Context(), s.wsman(), psrp.GUID{1})
	if err != nil {
		t.Fatal(err)
	}
	id := psrp.GUID{2}
	_, out, err := pool.NewPipeline(id, psrp.PowerShell{NoInput: true, Statements: [][]psrp.Command{{{Text: "Get-Recipient",
		Arguments: []psrp.Argument{{Name: "ResultSize", Value: "Unlimited"}}}}}})
	if err == nil {
		err = shell.Command(t.Context(), id.String(), out[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	pass(DefaultIdleTimeout - time.Second)
	if n := s.Shells(); n != 1 {
		t.Errorf("%d shells before the idle time is over", n)
	}
	pass(time.Second)
	if n := s.Shells(); n != 0 {
		t.Errorf("%d shells after it", n)
	}
	if _, err := shell.Receive(t.Context(), ""); code(err) != wsman.CodeInvalidSelectors || !strings.Contains(err.Error(), "[FailureCategory=WSMan-InvalidShellID]") {
		t.Errorf("the ended shell says %v", err)
	}
}

// post sends one envelope as it is.
func (s *served) post(t *testing.T, path, contentType, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimSuffix(s.url, "/PowerShell/")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	reply, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reply.Body.Close() })
	return reply
}

const identify = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>`

func TestWebServer(t *testing.T) {
	s := serve(t, Config{Password: "pass"})
	for _, test := range []struct {
		path, kind, body string
		header           []string
		want             int
	}{
		{"/PowerShell/", wsman.ContentType, identify, nil, http.StatusUnauthorized},
		{"/PowerShell/", wsman.ContentType, identify, []string{"Authorization", "Basic YWRtaW5pc3RyYXRvcjp3cm9uZw=="}, http.StatusUnauthorized},
		{"/PowerShell/", wsman.ContentType, identify, []string{"Authorization", "Basic YWRtaW5pc3RyYXRvcjpwYXNz"}, http.StatusOK},
		{"/powershell?serializationLevel=Full;ExchClientVer=15.2.1118.7", wsman.ContentType, identify, []string{"Authorization", "Basic YWRtaW5pc3RyYXRvcjpwYXNz"}, http.StatusOK},
		{"/PowerShell/", "text/xml", identify, []string{"Authorization", "Basic YWRtaW5pc3RyYXRvcjpwYXNz"}, http.StatusUnsupportedMediaType},
		{"/wsman", wsman.ContentType, identify, nil, http.StatusNotFound},
		{"/PowerShell/", wsman.ContentType, "<nonsense", []string{"Authorization", "Basic YWRtaW5pc3RyYXRvcjpwYXNz"}, http.StatusInternalServerError},
	} {
		reply := s.post(t, test.path, test.kind, test.body, test.header...)
		if reply.StatusCode != test.want {
			t.Errorf("%s %s %v: HTTP %d, want %d", test.path, test.kind, test.header, reply.StatusCode, test.want)
		}
		if offered := reply.Header.Get("WWW-Authenticate"); (offered != "") != (test.want == http.StatusUnauthorized) {
			t.Errorf("HTTP %d offers %q", reply.StatusCode, offered)
		}
	}
}

// IIS compresses for clients that say they understand it.
func TestCompression(t *testing.T) {
	s := serve(t, Config{})
	reply := s.post(t, "/PowerShell/", wsman.ContentType, identify, "Accept-Encoding", "gzip, deflate")
	if reply.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", reply.Header)
	}
	z, err := gzip.NewReader(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || !bytes.Contains(body, []byte("IdentifyResponse")) {
		t.Errorf("%v: %.300s", err, body)
	}
	if plain := s.post(t, "/PowerShell/", wsman.ContentType, identify); plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("compressed without being asked: %v", plain.Header)
	}
}

// Who does not bring the cookie gets to another back end, which has no such shell.
func TestCookie(t *testing.T) {
	s := serve(t, Config{RequireCookie: true})
	shell, _, err := open(t.Context(), s.wsman(), psrp.GUID{1})
	if err != nil {
		t.Fatal(err)
	}
	stranger := s.wsman().Attach(shell.ID())
	if _, err := stranger.Receive(t.Context(), ""); code(err) != wsman.CodeInvalidSelectors {
		t.Errorf("without the cookie: %v", err)
	}
	if err := shell.Delete(t.Context()); err != nil || s.Shells() != 0 {
		t.Errorf("%v, %d shells", err, s.Shells())
	}
}

// loggedOn sends every request with a name and a password.
type loggedOn struct {
	user, password string
	next           http.RoundTripper
}

func (l loggedOn) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(l.user, l.password)
	return l.next.RoundTrip(r)
}

// A shell is its user's: others do not see it.
func TestShellsOfOthers(t *testing.T) {
	s := serve(t, Config{Password: "pass"})
	as := func(user string) *wsman.Client {
		return wsman.NewClient(wsman.Config{URL: s.url, ResourceURI: wsman.ResourceExchange,
			HTTP: &http.Client{Transport: loggedOn{user, "pass", s.client.Transport}}})
	}
	shell, _, err := open(t.Context(), as("administrator"), psrp.GUID{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := as(`CONTOSO\svc-reschedule`).Attach(shell.ID()).Signal(t.Context(), psrp.GUID{9}.String(), wsman.SignalTerminate); code(err) != wsman.CodeInvalidSelectors {
		t.Errorf("another user's signal: %v", err)
	}
	if s.Shells() != 1 {
		t.Errorf("%d shells", s.Shells())
	}
	_, _, err = open(t.Context(), as("nobody"), psrp.GUID{2})
	if code(err) != wsman.CodePlugin || !strings.Contains(err.Error(), "[FailureCategory=AuthZ-CmdletAccessDeniedException]") {
		t.Errorf("an account without roles: %v", err)
	}
}

func TestResourceOfOthers(t *testing.T) {
	s := serve(t, Config{})
	c := wsman.NewClient(wsman.Config{URL: s.url, HTTP: s.client, ResourceURI: wsman.ResourcePowerShell})
	if _, _, err := open(t.Context(), c, psrp.GUID{1}); code(err) != wsman.CodeUnknownResource {
		t.Errorf("another session configuration: %v", err)
	}
}

// Each switch does to a reply what it says.
func TestFaultSwitches(t *testing.T) {
	for _, kind := range []FaultKind{Refuse, CutBefore, CutDuring, CutAfter, Truncate, Delay, Duplicate, Throttle, Garble} {
		t.Run(string(kind), func(t *testing.T) {
			s := serve(t, Config{Faults: FaultPlan{2: {Kind: kind, Delay: 300 * time.Millisecond}}})
			shell, _, err := open(t.Context(), s.wsman(), psrp.GUID{1}) // Create and Receive
			works := kind == CutAfter || kind == Delay || kind == Duplicate
			if (err == nil) != works && kind != Duplicate {
				t.Errorf("opening: %v", err)
			}
			if s.Shells() != 1 {
				t.Errorf("%d shells", s.Shells())
			}
			if shell != nil && works && kind != Duplicate {
				if err := shell.Delete(t.Context()); err != nil {
					t.Error(err)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.events) < 2 || s.events[1].N != 2 || s.events[1].Injected != kind {
				t.Errorf("events %s", fmt.Sprintf("%+v", s.events))
			}
		})
	}
}
