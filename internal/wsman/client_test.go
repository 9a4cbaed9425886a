package wsman

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeService answers requests by a function; it checks what every request has.
type fakeService struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*Request
	headers  []http.Header
}

func serve(t *testing.T, answer func(n int, r *Request) *Reply) *fakeService {
	s := &fakeService{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		body, _ := io.ReadAll(hr.Body)
		r, err := ParseRequest(body)
		if err != nil {
			t.Errorf("request: %v", err)
		}
		s.mu.Lock()
		s.requests, s.headers = append(s.requests, r), append(s.headers, hr.Header)
		n := len(s.requests)
		s.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "X-BackEndCookie", Value: fmt.Sprint("b", n), Path: "/PowerShell", Domain: "elsewhere.test"})
		reply := answer(n, r)
		reply.Action, reply.MessageID, reply.RelatesTo = r.Action, "uuid:R", r.MessageID
		envelope, err := reply.Append(nil)
		if err != nil {
			t.Errorf("reply: %v", err)
		}
		w.Header().Set("Content-Type", ContentType)
		if reply.Fault != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		w.Write(envelope)
	}))
	t.Cleanup(s.Close)
	return s
}

// client returns a client of a server, whose connections end with the test.
func client(t *testing.T, url string, change ...func(*Config)) *Client {
	h := NewHTTPClient(nil, nil)
	t.Cleanup(h.CloseIdleConnections)
	config := Config{URL: url, HTTP: h, ResourceURI: ResourceExchange, OperationTimeout: 5 * time.Second}
	for _, f := range change {
		f(&config)
	}
	return NewClient(config)
}

func created(id string) *Reply {
	return &Reply{Created: &ShellCreated{ResourceURI: ResourceExchange, Selectors: []Selector{{"ShellId", id}}}}
}

func TestShell(t *testing.T) {
	const given = "0F0F0F0F-0000-0000-0000-000000000000" // not what the client asked for
	s := serve(t, func(n int, r *Request) *Reply {
		switch r.Action {
		case ActionCreate:
			return created(given)
		case ActionCommand:
			return &Reply{Command: &CommandStarted{strings.ToLower(r.Command.CommandID)}}
		case ActionReceive:
			if n < 5 {
				return &Reply{Fault: OperationTimeout()}
			}
			return &Reply{Received: &Received{Streams: []Stream{{"stdout", testCommand, false, []byte("ab")}, {"stdout", testCommand, false, []byte("c")}},
				CommandID: testCommand, State: StateDone, ExitCode: 3}}
		}
		return &Reply{}
	})
	var traced []string
	c := client(t, s.URL+"/powershell/", func(c *Config) {
		c.Trace = func(direction, action string, size int) { traced = append(traced, direction+" "+action) }
	})
	ctx := t.Context()
	shell, err := c.Create(ctx, CreateRequest{ShellID: testShell, Payload: []byte("open")})
	if err != nil {
		t.Fatal(err)
	}
	if shell.ID() != given {
		t.Errorf("the shell is %s, want the selector of ResourceCreated", shell.ID())
	}
	if err := shell.Command(ctx, testCommand, []byte("first")); err != nil {
		t.Fatal(err)
	}
	got, err := shell.Receive(ctx, testCommand)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Data) != "abc" || !got.Done || got.ExitCode != 3 || len(got.Streams) != 2 {
		t.Errorf("received %+v", got)
	}
	for what, err := range map[string]error{"Send": shell.Send(ctx, testCommand, []byte("x")), "SendResponse": shell.SendResponse(ctx, "", []byte("y")),
		"Signal": shell.Signal(ctx, testCommand, SignalPowerShellStop), "Delete": shell.Delete(ctx)} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.check(t, given)
	if len(traced) != 2*len(s.requests) || traced[0] != "request Create" || traced[1] != "reply Create" {
		t.Errorf("traced %q", traced)
	}
}

// check looks at what every request must have.
func (s *fakeService) check(t *testing.T, shell string) {
	t.Helper()
	ids := map[string]bool{}
	for i, r := range s.requests {
		ids[r.MessageID] = true
		if i > 0 && r.ShellID() != shell || r.SessionID != s.requests[0].SessionID || r.MaxEnvelope != DefaultMaxEnvelope {
			t.Errorf("%s: shell %q, session %q, envelope %d", r.Action.Name(), r.ShellID(), r.SessionID, r.MaxEnvelope)
		}
		h := s.headers[i]
		if h.Get("Accept-Encoding") != "identity" || h.Get("Content-Type") != ContentType || i > 0 && h.Get("Cookie") != fmt.Sprint("X-BackEndCookie=b", i) {
			t.Errorf("%s: headers %v", r.Action.Name(), h)
		}
	}
	if len(ids) != len(s.requests) {
		t.Errorf("%d MessageIDs for %d requests", len(ids), len(s.requests))
	}
	if v, _ := s.requests[0].Option("PROTOCOLVERSION"); v != "2.3" || s.requests[0].OperationTimeout != DefaultOpenTimeout {
		t.Errorf("Create: version %q, time-out %v", v, s.requests[0].OperationTimeout)
	}
}

// A server that says at once that it has nothing is not asked without a break.
func TestReceiveDoesNotRush(t *testing.T) {
	s := serve(t, func(int, *Request) *Reply { return &Reply{Fault: OperationTimeout()} })
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	_, err := client(t, s.URL).Attach(testShell).Receive(ctx, "")
	if !errors.Is(err, context.DeadlineExceeded) || len(s.requests) > 6 {
		t.Errorf("%d requests, then %v", len(s.requests), err)
	}
}

func TestReceiveIgnoresEmptyAnswers(t *testing.T) {
	s := serve(t, func(n int, r *Request) *Reply {
		if n < 3 {
			return &Reply{Received: &Received{State: StateRunning, CommandID: testCommand}}
		}
		return &Reply{Received: &Received{State: statePending, CommandID: testCommand}}
	})
	got, err := client(t, s.URL).Attach(testShell).Receive(t.Context(), testCommand)
	if err != nil || !got.Pending || len(s.requests) != 3 {
		t.Errorf("%+v, %v after %d requests", got, err, len(s.requests))
	}
}

// A server that says at once, again and again, that it has nothing is not asked for
// ever; one that takes its time is.
func TestReceiveEnds(t *testing.T) {
	for _, takes := range []time.Duration{0, 2 * time.Second, 6 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			c := NewClient(Config{URL: "http://ex01.contoso.test/PowerShell/", HTTP: answering(func(r *Request) *Reply {
				asked++
				time.Sleep(takes)
				return &Reply{Action: ActionReceive, RelatesTo: r.MessageID, Received: &Received{State: StateRunning, CommandID: testCommand}}
			})})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := c.Attach(testShell).Receive(ctx, testCommand)
			if ends := takes < DefaultOperationTimeout/4; ends && (!errors.Is(err, ErrNothing) || asked != maxQuick+1) || !ends && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("asked %d times, %v", asked, err)
			}
		})
	}
}

// answering is a Doer that answers without a network.
type answering func(*Request) *Reply

func (a answering) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	request, err := ParseRequest(body)
	if err != nil {
		return nil, err
	}
	envelope, err := a(request).Append(nil)
	if err == nil {
		err = r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {ContentType}},
		Body: io.NopCloser(bytes.NewReader(envelope)), ContentLength: int64(len(envelope)), Request: r}, err
}

func TestDeleteOfWhatIsGone(t *testing.T) {
	s := serve(t, func(int, *Request) *Reply { return &Reply{Fault: NoShell("", testShell)} })
	if err := client(t, s.URL).Attach(testShell).Delete(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFaultError(t *testing.T) {
	s := serve(t, func(int, *Request) *Reply {
		return &Reply{Fault: NewPluginFault(CodePlugin, "[FailureCategory=AuthZ-X] no roles")}
	})
	_, err := client(t, s.URL).Create(t.Context(), CreateRequest{Payload: []byte("x")})
	var f *FaultError
	if !errors.As(err, &f) {
		t.Fatalf("%T %v", err, err)
	}
	if f.Code != 2152992672 || f.Provider != "PowerShellplugin" || f.ProviderText != "[FailureCategory=AuthZ-X] no roles" ||
		f.HTTPStatus != 500 || f.Action != ActionCreate || Unsent(err) {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(err.Error(), "WSMan Create at http://") || !strings.Contains(err.Error(), "no roles (WSMan fault 2152992672, 0x80540FA0)") {
		t.Errorf("%v", err)
	}
}

// What a web server answers that is not WSMan, and what the error must say.
func TestHTTPTraps(t *testing.T) {
	const page = "<html><HEAD><TITLE>Service\r\n Unavailable</TITLE></HEAD><body>x</body></html>"
	tests := []struct {
		status int
		header http.Header
		body   string
		path   string
		unsent bool
		says   []string
	}{
		{401, http.Header{"Www-Authenticate": {"Kerberos", `Negotiate, Basic realm="a b", charset="UTF-8"`}}, "", "/PowerShell/", true,
			[]string{"offers Kerberos, Negotiate, Basic", "IP address"}},
		{401, nil, "", "/PowerShell/", true, []string{"offers no log-on method"}},
		{403, nil, "Forbidden\n", "/PowerShell/", false, []string{"client certificate", `"Forbidden"`}},
		{404, nil, page, "/wsman", true, []string{"port 80 or 443"}},
		{404, nil, page, "/ews", true, []string{"Exchange's is /PowerShell"}},
		{404, nil, page, "/powershell", true, []string{"no Exchange server"}},
		{415, nil, "", "/PowerShell/", true, []string{"sealed"}},
		{500, nil, "", "/wsman", false, []string{"AllowUnencrypted=false"}},
		{503, http.Header{"Content-Type": {"text/html"}}, page, "/PowerShell/", false, []string{"application pool", `"Service Unavailable"`}},
		{302, http.Header{"Location": {"https://other.test/owa/"}}, "", "/PowerShell/", true, []string{"redirections are not followed", "other.test"}},
		{200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page, "/PowerShell/", false, []string{"not SOAP", "proxy"}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status, test.path), func(t *testing.T) {
			calls := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				for k, v := range test.header {
					w.Header()[k] = v
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer s.Close()
			_, err := client(t, s.URL+test.path).Create(t.Context(), CreateRequest{Payload: []byte("x")})
			var h *HTTPError
			if !errors.As(err, &h) || h.Status != test.status || calls != 1 {
				t.Fatalf("%T %v after %d calls", err, err, calls)
			}
			if Unsent(err) != test.unsent {
				t.Errorf("Unsent is %v", !test.unsent)
			}
			for _, s := range test.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

// raw answers with exactly these bytes to every request, and hangs up.
func raw(t *testing.T, answer func(request []byte) string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 64<<10)
			n, _ := conn.Read(buffer)
			io.WriteString(conn, answer(buffer[:n]))
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String() + "/PowerShell/"
}

func TestLostReplies(t *testing.T) {
	soap := "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n"
	for name, answer := range map[string]string{
		"cut before the reply": "",
		"cut in the header":    "HTTP/1.1 200",
		"cut in the body":      soap + "Content-Length: 500\r\n\r\n<s:Envelope",
		"cut in a chunk":       soap + "Transfer-Encoding: chunked\r\n\r\n1000\r\n<s:Envelope",
	} {
		t.Run(name, func(t *testing.T) {
			err := client(t, raw(t, func([]byte) string { return answer })).Attach(testShell).Send(t.Context(), "", []byte("x"))
			var n *NetworkError
			if !errors.As(err, &n) || !n.Sent || Unsent(err) || n.Action != ActionSend {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	soap := "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/soap+xml"
	other, err := (&Reply{Action: ActionSend, MessageID: "uuid:R", RelatesTo: "uuid:OTHER"}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := (&Reply{Action: ActionSend, MessageID: "uuid:R"}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	mixed := bytes.Replace(nobody, []byte("Send"), []byte("Signal"), 1)
	for name, test := range map[string]struct{ answer, says string }{
		"to another request": {soap + "\r\n\r\n" + string(other), "to another request"},
		"to no request":      {soap + "\r\n\r\n" + string(nobody), "does not say"},
		"other action":       {soap + "\r\n\r\n" + strings.Replace(string(mixed), "<a:To>", "<a:RelatesTo>uuid:ID</a:RelatesTo><a:To>", 1), "is one to Signal"},
		"not XML":            {soap + "\r\n\r\nhello", "cannot be read"},
		"compressed":         {soap + "\r\nContent-Encoding: gzip\r\n\r\nx", "compressed"},
		"UTF-16":             {soap + ";charset=UTF-16\r\n\r\nx", "UTF-8"},
		"said too long":      {soap + "\r\nContent-Length: 99999999\r\n\r\nx", "longer"},
		"too long":           {soap + "\r\n\r\n" + strings.Repeat(" ", DefaultMaxEnvelope+replySlack+1), "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, raw(t, func([]byte) string { return test.answer }), func(c *Config) { c.NewID = func() string { return "ID" } })
			err := c.Attach(testShell).Send(t.Context(), "", []byte("x"))
			var p *ProtocolError
			if !errors.As(err, &p) || !strings.Contains(err.Error(), test.says) || Unsent(err) {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}

func TestUnsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	secure.StartTLS()
	defer secure.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name, url string
		ctx       context.Context
		is        func(error) bool
	}{
		{"refused", closed, t.Context(), func(err error) bool { var op *net.OpError; return errors.As(err, &op) }},
		{"no such host", "http://nowhere.invalid/PowerShell/", t.Context(), func(err error) bool { var dns *net.DNSError; return errors.As(err, &dns) }},
		{"unknown authority", secure.URL, t.Context(), func(err error) bool { var x x509.UnknownAuthorityError; return errors.As(err, &x) }},
		{"context", closed, canceled, func(err error) bool { return errors.Is(err, context.Canceled) }},
		{"no URL", "http://[", t.Context(), func(err error) bool { return strings.Contains(err.Error(), "missing ']'") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := client(t, test.url).Attach(testShell).Send(test.ctx, "", []byte("x"))
			if err == nil || !Unsent(err) || !test.is(err) || strings.Contains(err.Error(), "tcp") || strings.Contains(err.Error(), "x509") {
				t.Errorf("%T %v", err, err)
			}
		})
	}
	err = client(t, closed).Attach("\x00").Delete(t.Context())
	if !Unsent(err) || !strings.Contains(err.Error(), "XML cannot hold") {
		t.Errorf("%v", err)
	}
}

// A server that never answers is given up; the caller's context has not ended then.
func TestNoAnswerInTime(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	c := client(t, s.URL, func(c *Config) { c.OperationTimeout, c.Slack = 500*time.Millisecond, 500*time.Millisecond })
	err := c.Attach(testShell).Send(t.Context(), "", []byte("x"))
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || Unsent(err) || !strings.Contains(err.Error(), "no answer within 1s") {
		t.Errorf("%T %v", err, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Attach(testShell).Send(ctx, "", []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%T %v", err, err)
	}
}

func TestMaxPayloadFits(t *testing.T) {
	for _, size := range []int{minEnvelope, DefaultMaxEnvelope, MaxEnvelope22} {
		c := client(t, "http://ex01.contoso.test/PowerShell/?serializationLevel=Full", func(c *Config) { c.MaxEnvelope = size })
		payload := make([]byte, c.MaxPayload())
		if len(payload) < (size-3000)/4*3 {
			t.Errorf("only %d bytes fit into %d", len(payload), size)
		}
		create := c.request(ActionCreate, nil)
		create.Options = []Option{{OptionProtocolVersion, "2.3", true}}
		create.Create = &CreateShell{ShellID: testShell, Name: "exgrant", IdleTimeout: time.Hour, InputStreams: streamsIn, OutputStreams: streamsOut, CreationXML: payload}
		command := c.request(ActionCommand, []Selector{{"ShellId", testShell}})
		command.Command = &RunCommand{CommandID: testCommand, Payload: payload}
		send := c.request(ActionSend, []Selector{{"ShellId", testShell}})
		send.Send = &SendInput{Streams: []Stream{{Name: "stdin", CommandID: testCommand, Data: payload}}}
		for _, r := range []*Request{create, command, send} {
			if envelope, err := r.Append(nil); err != nil || len(envelope) > size {
				t.Errorf("%s has %d bytes of %d, %v", r.Action.Name(), len(envelope), size, err)
			}
		}
	}
}

// Requests one after the other use one connection, also after faults.
func TestOneConnection(t *testing.T) {
	s := serve(t, func(n int, r *Request) *Reply {
		if n%2 == 0 {
			return &Reply{Fault: NoCommand()}
		}
		return &Reply{}
	})
	dials := 0
	h := NewHTTPClient(nil, func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, address)
	})
	defer h.CloseIdleConnections()
	shell := NewClient(Config{URL: s.URL, HTTP: h}).Attach(testShell)
	for i := range 6 {
		if err := shell.Send(t.Context(), "", []byte("x")); (err != nil) != (i%2 == 1) {
			t.Errorf("request %d: %v", i+1, err)
		}
	}
	if dials != 1 {
		t.Errorf("%d connections for 6 requests", dials)
	}
}

func TestCookiesAreBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", i), Value: "x"})
		}
		if n := len(r.Cookies()); n > maxCookies {
			t.Errorf("%d cookies came", n)
		}
		w.WriteHeader(404)
	}))
	defer s.Close()
	shell := client(t, s.URL).Attach(testShell)
	shell.Send(t.Context(), "", nil)
	if err := shell.Send(t.Context(), "", nil); err == nil {
		t.Error("no error")
	}
}

// renegotiatingConfig is what Exchange needs; the caller's own is left alone.
func TestTLSOfHTTPClient(t *testing.T) {
	own := &tls.Config{ServerName: "ex01.contoso.test"}
	got := NewHTTPClient(own, nil).Transport.(*http.Transport).TLSClientConfig
	if got.MaxVersion != tls.VersionTLS12 || got.Renegotiation != tls.RenegotiateOnceAsClient || got.ServerName != own.ServerName || own.MaxVersion != 0 {
		t.Errorf("%+v from %+v", got, own)
	}
}

// The faults that real servers sent, from public records.
func TestRecordedFaults(t *testing.T) {
	records := recordedFaults(t)
	want := map[uint32]Fault{
		2150858793: {Code: 2150858793, Subcode: "w:TimedOut", Machine: "127.0.0.1"},
		2147942402: {Code: 2147942402, Subcode: "w:InternalError", Machine: "server2008r2.domain.local", Provider: "Shell cmd plugin",
			ProviderText: "The system cannot find the file specified."},
		2150858843: {Code: 2150858843, Sender: true, Subcode: "w:InvalidSelectors", Machine: "127.0.0.1", Provider: "Shell provider",
			ProviderText: "The WS-Management service cannot process the request because the request contained invalid selectors for the resource.",
			Detail:       faultDetails + "UnexpectedSelectors"},
	}
	seen := 0
	for _, text := range records {
		r, err := parseReply([]byte(text))
		if err != nil || r.Fault == nil || r.Fault.Code == 0 || r.RelatesTo == "" || firstOf(r.Fault.ProviderText, r.Fault.Message) == "" {
			t.Errorf("%.200s: %+v, %v", text, r, err)
			continue
		}
		w, ok := want[r.Fault.Code]
		if !ok {
			continue
		}
		seen++
		got := *r.Fault
		got.Reason, got.Message, got.ProviderPath = "", "", ""
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d known faults are in %d records", seen, len(want), len(records))
	}
}
