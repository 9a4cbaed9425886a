package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/fault"
)

// What masterzen/winrm's own transports and loops do wrong must not be ours: each test
// of this file is one of those faults. Others are in winrs_logon_test.go (the password
// and the message in clear), winrs_test.go (a cancel that is ignored).

// replies serve requests one after the other.
type replies struct {
	requests atomic.Int64
	answer   func(n int, r *wsman.Request, w http.ResponseWriter)
}

func (a *replies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	request, err := wsman.ParseRequest(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.answer(int(a.requests.Add(1)), request, w)
}

// reply answers as a server should.
func reply(w http.ResponseWriter, r *wsman.Request, reply wsman.Reply) {
	reply.Action, reply.RelatesTo, reply.MessageID = r.Action, r.MessageID, "uuid:1"
	body, err := reply.Append(nil)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", wsman.ContentType)
	if reply.Fault != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = w.Write(body)
}

// good answers everything but Receive.
func good(w http.ResponseWriter, r *wsman.Request) {
	switch r.Action {
	case wsman.ActionCreate:
		reply(w, r, wsman.Reply{Created: &wsman.ShellCreated{Address: "x", ResourceURI: wsman.ResourceCommand,
			Selectors: []wsman.Selector{{Name: "ShellId", Value: r.Create.ShellID}}}})
	case wsman.ActionCommand:
		reply(w, r, wsman.Reply{Command: &wsman.CommandStarted{CommandID: "C1"}})
	default:
		reply(w, r, wsman.Reply{})
	}
}

func against(t *testing.T, answer func(n int, r *wsman.Request, w http.ResponseWriter)) (*Shell, *replies) {
	t.Helper()
	a := &replies{answer: answer}
	h := httptest.NewServer(a)
	t.Cleanup(h.Close)
	r, err := NewWinRS(Target{Server: h.URL + "/wsman?a=1&b=2", Timeout: 2 * time.Second}, Credential{Method: Basic, Username: "u", Password: NewSecret("p")}, ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r, a
}

// A fault is an error, whatever it is an answer to, and not an empty result that is
// asked for again as fast as the network goes.
func TestWinRSFaultEnds(t *testing.T) {
	denied := wsman.NewFault(wsman.CodeAccessDenied, "w:AccessDenied", "Access is denied. OperationTimeout ")
	for _, action := range []wsman.Action{wsman.ActionCreate, wsman.ActionCommand, wsman.ActionSend, wsman.ActionReceive} {
		r, a := against(t, func(_ int, q *wsman.Request, w http.ResponseWriter) {
			if q.Action == action {
				reply(w, q, wsman.Reply{Fault: denied})
				return
			}
			good(w, q)
		})
		_, err := r.Invoke(t.Context(), call("Get-User"), nil)
		var f *wsman.FaultError
		if !errors.As(err, &f) || f.Code != wsman.CodeAccessDenied {
			t.Errorf("%s: %v", action.Name(), err)
		}
		if n := a.requests.Load(); n > 8 {
			t.Errorf("%s: %d requests", action.Name(), n)
		}
	}
}

// A server that says at once, again and again, that it has nothing is asked with a
// break between.
func TestWinRSNothingAtOnce(t *testing.T) {
	r, a := against(t, func(_ int, q *wsman.Request, w http.ResponseWriter) {
		if q.Action == wsman.ActionReceive {
			reply(w, q, wsman.Reply{Fault: wsman.OperationTimeout()})
			return
		}
		good(w, q)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	if _, err := r.Invoke(ctx, call("Get-User"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if n := a.requests.Load(); n > 30 {
		t.Errorf("%d requests", n)
	}
}

// A web page is no reply, and its body is closed; one that says OperationTimeout is no
// reason to ask again.
func TestWinRSWebPages(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, status := range []int{200, 401, 403, 404, 500, 503} {
		var n int
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			fmt.Fprint(w, "<html><title>OperationTimeout</title>"+strings.Repeat("x", 200_000))
		}))
		r, err := NewWinRS(Target{Server: h.URL + "/wsman"}, Credential{Method: Basic, Username: "u", Password: NewSecret("p")}, ShellOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Invoke(t.Context(), call("Get-User"), nil)
		if id := fault.Of(err).ID; err == nil || id != fault.ConnectHTTP && id != fault.ConnectAuth {
			t.Errorf("%d: %v", status, err)
		}
		if n > 8 {
			t.Errorf("%d: %d requests", status, n)
		}
		_ = r.Close(t.Context())
		h.Close()
	}
}

// Text that XML takes for markup arrives as it is, and each envelope is what its sender is
// told that it is.
func TestWinRSEnvelopesEscape(t *testing.T) {
	const nasty = `a]]>&amp;<b x="1">'"]]&gt;`
	e := newEnvelopes("https://x/wsman?a=1&b=<2>", winrsTimeout, wsman.DefaultMaxEnvelope)
	for name, built := range map[string]envelope{
		"create": e.create("S", time.Minute), "command": e.command("S", nasty),
		"send": e.send("S", nasty, []byte{0, 255}, true), "receive": e.receive(nasty, nasty), "delete": e.delete(nasty),
	} {
		r, err := wsman.ParseRequest(built.text)
		if err != nil || r.To != "https://x/wsman?a=1&b=<2>" {
			t.Fatalf("%s: %v %+v\n%s", name, err, r, built.text)
		}
		told := built.request
		if r.Action != told.Action || r.MessageID != told.MessageID || r.OperationTimeout != told.OperationTimeout ||
			(r.Create == nil) != (told.Create == nil) || r.Create != nil && r.Create.ShellID != told.Create.ShellID {
			t.Errorf("%s: it is %+v, and told as %+v", name, r, told)
		}
		got := []string{r.ShellID()}
		switch {
		case r.Command != nil:
			got = []string{r.Command.Line}
		case r.Send != nil:
			got = []string{r.Send.Streams[0].CommandID}
		case r.Receive != nil:
			got = append(got, r.Receive.CommandID)
		case r.Signal != nil:
			got = []string{r.Signal.CommandID}
		case r.Create != nil:
			continue
		}
		for _, g := range got {
			if g != nasty {
				t.Errorf("%s: %q", name, g)
			}
		}
	}
	if v, _ := must2(wsman.ParseRequest(e.command("S", "x").text)).Option("WINRS_CONSOLEMODE_STDIN"); v != "FALSE" {
		t.Errorf("input is a console: %q", v)
	}
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Output that is not base64, or of another command, is an error and not nothing; a
// program that is not there says so.
func TestWinRSOutputIsChecked(t *testing.T) {
	receive := func(body string) func(int, *wsman.Request, http.ResponseWriter) {
		return func(_ int, q *wsman.Request, w http.ResponseWriter) {
			if q.Action != wsman.ActionReceive {
				good(w, q)
				return
			}
			w.Header().Set("Content-Type", wsman.ContentType)
			fmt.Fprintf(w, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Header><a:Action>%sResponse</a:Action><a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body><rsp:ReceiveResponse>%s</rsp:ReceiveResponse></s:Body></s:Envelope>`,
				wsman.ActionReceive, q.MessageID, body)
		}
	}
	done := `<rsp:CommandState CommandId="C1" State="` + wsman.StateDone + `">`
	words := base64.StdEncoding.EncodeToString([]byte("The system cannot find the path.\r\n"))
	for name, test := range map[string]struct{ body, want string }{
		"no exit code":    {`<rsp:Stream Name="stdout" CommandId="C1">` + words + `</rsp:Stream>` + done + `</rsp:CommandState>`, `its last words: "The system cannot find the path."`},
		"an exit code":    {`<rsp:Stream Name="stderr" CommandId="C1">` + words + `</rsp:Stream>` + done + `<rsp:ExitCode>9009</rsp:ExitCode></rsp:CommandState>`, `it wrote: "The system cannot find the path."`},
		"not base64":      {`<rsp:Stream Name="stdout" CommandId="C1">%%%</rsp:Stream>` + done + `</rsp:CommandState>`, "base64"},
		"another command": {`<rsp:Stream Name="stdout" CommandId="C2">` + words + `</rsp:Stream>` + done + `</rsp:CommandState>`, "of another command"},
		"no number":       {done + `<rsp:ExitCode>x</rsp:ExitCode></rsp:CommandState>`, "ExitCode"},
	} {
		r, a := against(t, receive(test.body))
		_, err := r.Invoke(t.Context(), call("Get-User"), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if n := a.requests.Load(); n > 24 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// What PowerShell writes to standard error when it is started with -EncodedCommand:
// documents of CLIXML, most of them about progress.
func TestStandardErrorCLIXML(t *testing.T) {
	const progress = `#< CLIXML
<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS><I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj></Objs>`
	const failure = `#< CLIXML
<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><S S="Error">Get-Thing : The term 'Get-Thing' is not rec_x000D__x000A_</S><S S="Error">ognized_x000D__x000A_</S><S S="verbose">chatter</S></Objs>`
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{progress, nil},
		{progress + "\r\n" + progress, nil},
		{progress + "\r\n" + failure, []string{"Get-Thing : The term 'Get-Thing' is not rec ognized"}},
		{"plain text\r\nof cmd.exe\r\n", []string{"plain text of cmd.exe"}},
		{"first\r\n" + failure, []string{"first", "Get-Thing : The term 'Get-Thing' is not rec ognized"}},
		{progress[:len(progress)-40], nil},
	} {
		e := new(errorReader)
		_, _ = e.Write([]byte(test.text))
		var got []string
		for _, r := range e.records() {
			got = append(got, r.Message)
		}
		if strings.Join(got, "|") != strings.Join(test.want, "|") {
			t.Errorf("%.60q: %q, want %q", test.text, got, test.want)
		}
	}
}
