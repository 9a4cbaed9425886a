package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

const (
	winrmPath    = "/wsman"
	winrmPort    = "5985"
	winrmTLSPort = "5986"

	// shellIdle is how long a shell of ours lives on when nobody asks for it any more. A
	// Receive that waits asks every winrsTimeout.
	shellIdle    = 5 * time.Minute
	winrsTimeout = 20 * time.Second

	// politely is how long a script has to clean up after Ctrl-C.
	politely = 5 * time.Second

	// receiveTries is how often a Receive is asked again in a row after its answer was
	// lost on the way.
	receiveTries = 3
)

// powershellLine is the command line of every run.
var powershellLine = "powershell.exe -NoLogo -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand " + encodedCommand(firstWords)

// A winrsRunner runs scripts in Windows PowerShell on a server, started by WinRM's
// remote shell (MS-WSMV). One request is under way at a time: where messages are
// sealed, they are sealed for one connection and in one order.
type winrsRunner struct {
	target      Target
	url         *url.URL
	credential  Credential
	options     ScriptOptions
	connections *http.Client
	client      *wsman.Client
	envelopes   envelopes

	mu     sync.Mutex // held while a script runs: one at a time
	shell  string     // its identifier; "" when there is none
	over   string     // a command that has ended, and that the shell still keeps
	closed bool
}

// NewWinRS returns a runner in a PowerShell that WinRM starts on the target, which is
// a name for http://NAME:5985/wsman (TLS: 5986), or a URL. The PowerShell there logs
// on to that server's Exchange with the credential's name and password, which the
// network log-on that started it does not have: a second hop. The error is about the
// arguments; nobody is contacted.
func NewWinRS(t Target, c Credential, o ScriptOptions) (Runner, error) {
	u, err := t.winrmEndpoint()
	if err != nil {
		return nil, err
	}
	connections, err := newHTTPClient(t, u, c)
	if err != nil {
		return nil, err
	}
	if !o.RemoteExchange && (c.Username == "" || c.Password.IsZero()) {
		return nil, errors.New("winrs needs a user name and a password, however it logs on: the PowerShell that it starts has none of its own to go on to Exchange with")
	}
	r := &winrsRunner{target: t, url: u, credential: c, options: o, connections: connections}
	r.client = wsman.NewClient(wsman.Config{URL: u.String(), HTTP: r.connections, ResourceURI: wsman.ResourceCommand,
		OperationTimeout: winrsTimeout, Slack: t.timeout(), Trace: t.trace})
	r.envelopes = newEnvelopes(u.String(), winrsTimeout, wsman.DefaultMaxEnvelope)
	return r, nil
}

// winrmEndpoint returns the URL of the target's WinRM.
func (t Target) winrmEndpoint() (*url.URL, error) {
	u, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	named := !strings.Contains(t.Server, "://")
	switch {
	case named && t.Port == 0:
		u.Host = net.JoinHostPort(u.Hostname(), map[bool]string{true: winrmTLSPort, false: winrmPort}[t.TLS])
		u.Path = winrmPath
	case named:
		u.Path = winrmPath
	case strings.EqualFold(strings.Trim(u.Path, "/"), "powershell"):
		given, err := url.Parse(t.Server)
		if err != nil || strings.Trim(given.Path, "/") != "" {
			return nil, fmt.Errorf("server %q is the address of Exchange's own endpoint, for psrp: WinRM's is /wsman on port 5985, or 5986 with TLS", u.Redacted())
		}
		u.Path = winrmPath
	}
	return u, nil
}

// Target is documented at Runner.
func (w *winrsRunner) Target() exchange.Target {
	return exchange.Target{Server: w.url.Hostname(), Transport: string(WinRS)}
}

// Run is documented at Runner. A script that only reads, or that surely did not
// begin, is sent again when the shell was lost under it.
func (w *winrsRunner) Run(ctx context.Context, s Script) (*ScriptResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for try := 1; ; try++ {
		x, err := w.newRun(s)
		if err != nil {
			return nil, err
		}
		var result *ScriptResult
		if err = x.do(ctx); err == nil {
			result, err = x.result()
		}
		switch {
		case err == nil:
			return result, nil
		case ctx.Err() != nil:
			err = ctx.Err()
		}
		if ctx.Err() != nil || try == tries || !isLost(err) && !errors.Is(err, errNoRecord) || x.began && !s.ReadsOnly {
			return nil, scriptError("running the script at "+w.url.Hostname(), s, x.began, err)
		}
	}
}

// Close is documented at Runner.
func (w *winrsRunner) Close(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	defer w.connections.CloseIdleConnections()
	if err := w.deleteShell(ctx); err != nil {
		return &Error{Doing: "closing the shell at " + w.url.Hostname(), Err: err}
	}
	return nil
}

// deleteShell ends the shell and all that runs in it, also when ctx is over. One that
// is gone is no error.
func (w *winrsRunner) deleteShell(ctx context.Context) error {
	id := w.shell
	if w.shell, w.over = "", ""; id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	var err error
	for range tries {
		if _, _, err = w.client.Exchange(ctx, w.envelopes.delete(id)); err == nil || isGone(err) {
			return nil
		}
		var network *wsman.NetworkError
		if !errors.As(err, &network) || ctx.Err() != nil {
			break // asked again only when it may not have arrived
		}
	}
	return err
}

// openShell makes the shell, if there is none.
func (w *winrsRunner) openShell(ctx context.Context) error {
	if w.closed {
		return errClosed
	}
	if w.shell != "" {
		return nil
	}
	id := newID().String()
	w.shell = strings.ToUpper(id)
	_, reply, err := w.client.Exchange(ctx, w.envelopes.create(w.shell, shellIdle))
	if err != nil {
		if !mayHaveHappened(err) {
			w.shell = ""
		}
		return err
	}
	given, err := readShell(reply)
	if err == nil {
		w.shell = given // an old server chooses its own
	}
	return err
}

// A winrsRun is one attempt at a script.
type winrsRun struct {
	w       *winrsRunner
	job     *job
	input   []byte
	stdout  *recordReader
	stderr  *errorReader
	command string
	began   bool // the script may have begun
	done    bool
	code    int
	told    bool // the exit code was
}

func (w *winrsRunner) newRun(s Script) (*winrsRun, error) {
	j, err := newJob(s, w.options)
	if err != nil {
		return nil, err
	}
	password := Secret{}
	if !w.options.RemoteExchange {
		j.Open, j.Server, j.User, j.Commands = true, w.url.Hostname(), w.credential.Username, importedCommands
		password = w.credential.Password
	}
	lines, err := j.lines(s.Text, password)
	if err != nil {
		return nil, err
	}
	return &winrsRun{w: w, job: j, input: []byte(strings.Join(lines, "\r\n") + "\r\n"),
		stdout: newRecordReader(j.Marker, s.Progress), stderr: new(errorReader)}, nil
}

// do runs the script to its end. When that fails, the shell is gone with all that ran
// in it.
func (x *winrsRun) do(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			x.stop(ctx)
			err = errors.Join(err, x.unclosed(x.w.deleteShell(ctx)))
		}
	}()
	if err := x.w.openShell(ctx); err != nil {
		return err
	}
	if err := x.w.forget(ctx); err != nil {
		return err
	}
	_, reply, err := x.w.client.Exchange(ctx, x.w.envelopes.command(x.w.shell, powershellLine))
	if err != nil {
		return err
	}
	if x.command, err = readCommand(reply); err != nil {
		return err
	}
	if err := x.send(ctx); err != nil {
		return err
	}
	for lost := 0; !x.done; {
		err := x.receive(ctx)
		var network *wsman.NetworkError
		switch {
		case err == nil:
			lost = 0
		case ctx.Err() != nil || !errors.As(err, &network) || !isLost(err) || lost >= receiveTries:
			return err
		default:
			lost++ // output that did not arrive comes again
		}
	}
	x.w.over = x.command
	return nil
}

// forget tells the shell that a command which has ended is of no more use (MS-WSMV
// 3.1.4.12); its deletion says so too. That it is gone already is no error.
func (w *winrsRunner) forget(ctx context.Context) error {
	if w.over == "" {
		return nil
	}
	_, _, err := w.client.Exchange(ctx, w.envelopes.terminate(w.shell, w.over))
	var f *wsman.FaultError
	if errors.As(err, &f) && f.Code != wsman.CodeInvalidSelectors {
		err = nil // it does not matter to the next one
	}
	if err == nil {
		w.over = ""
	}
	return err
}

// unclosed says of a shell that could not be deleted, when that adds anything.
func (x *winrsRun) unclosed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the shell could not be deleted and stays for %v: %w", shellIdle, err)
}

// send sends all input. The script begins with its end.
func (x *winrsRun) send(ctx context.Context) error {
	size := x.w.envelopes.maxPayload()
	for rest := x.input; ; {
		piece := rest[:min(size, len(rest))]
		rest = rest[len(piece):]
		x.began = len(rest) == 0
		if _, _, err := x.w.client.Exchange(ctx, x.w.envelopes.send(x.w.shell, x.command, piece, len(rest) == 0)); err != nil {
			x.began = x.began && mayHaveHappened(err)
			return err
		}
		if len(rest) == 0 {
			return nil
		}
	}
}

// receive takes what the script says next. A server that has nothing to say for the
// whole time that it was given is asked again.
func (x *winrsRun) receive(ctx context.Context) error {
	start := time.Now()
	checked, reply, err := x.w.client.Exchange(ctx, x.w.envelopes.receive(x.w.shell, x.command))
	var timeout *wsman.FaultError
	if errors.As(err, &timeout) && timeout.Code == wsman.CodeOperationTimeout {
		return pauseUnlessLong(ctx, time.Since(start))
	}
	if err != nil {
		return err
	}
	x.done, x.code, x.told, err = readOutput(reply, checked.Received, x.command, x.stdout, x.stderr)
	if err == nil && !x.done && len(checked.Received.Streams) == 0 {
		return pauseUnlessLong(ctx, time.Since(start))
	}
	return err
}

// pauseUnlessLong waits a moment before a server is asked again that said at once that
// it has nothing.
func pauseUnlessLong(ctx context.Context, took time.Duration) error {
	if took > time.Second {
		return nil
	}
	timer := time.NewTimer(500 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends a command that still runs: as Ctrl-C does, so that the script takes back
// what it left half made and removes its session and its file, and then for good.
func (x *winrsRun) stop(ctx context.Context) {
	if x.command == "" || x.done || x.w.shell == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), politely)
	defer cancel()
	if _, _, err := x.w.client.Exchange(ctx, x.w.envelopes.interrupt(x.w.shell, x.command)); err == nil && x.began {
		for !x.done && x.receive(ctx) == nil {
		}
	}
	if !x.done {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), politely)
		defer cancel()
		_, _, _ = x.w.client.Exchange(ctx, x.w.envelopes.terminate(x.w.shell, x.command)) // the shell is deleted next
	}
}

// result is what the script gave, or why it did not.
func (x *winrsRun) result() (*ScriptResult, error) {
	report, err := x.stdout.report()
	var stage *stageError
	switch {
	case errors.As(err, &stage):
		x.began = stage.Stage == "script"
		return nil, err
	case errors.Is(err, errNoRecord):
		return nil, fmt.Errorf("%w%s", err, x.unexplained())
	case err != nil:
		return nil, err
	}
	if x.w.options.RemoteExchange {
		explainSecondHop(report)
	}
	return &ScriptResult{Report: *report, ExitCode: x.code, ExitKnown: x.told, Asked: x.stdout.asked, Errors: x.stderr.records()}, nil
}

// unexplained is what there is to say of a PowerShell that ended without a word to us.
func (x *winrsRun) unexplained() string {
	text := "; its exit code is not known"
	if x.told {
		text = fmt.Sprintf("; its exit code is %d", x.code)
	}
	if words := x.stderr.summary(); words != "" {
		text += ", and it wrote: " + words
	}
	return text
}

const (
	secondHopText = "The PowerShell that WinRM started on the server could not log on to Exchange or to a domain controller: this is a second hop. " +
		"It was started by a log-on over the network, which has no password or ticket to go on with."
	secondHopHint = "Leave --remote-exchange out: then exgrant passes your password to the PowerShell there, for Exchange's own session. Or use --transport psrp, or " +
		"log on to the server itself and use --transport local. Kerberos delegation, constrained or not, does not help: WinRM does not use it."
)

// explainSecondHop recognizes, in the report of a script that opened a management
// shell by itself after a log-on over the network, that it had nothing to log on
// with.
func explainSecondHop(r *exchange.Report) {
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.ID != exchange.StepPreflight || s.Status != exchange.StatusFailed || s.Fault == nil || !isSecondHop(*s.Fault) {
			continue
		}
		record := s.Fault.Record
		s.Text = s.Fault.Message
		s.Fault = &exchange.Fault{ID: fault.ConnectAuth, Rule: "second-hop", Message: secondHopText, Hint: secondHopHint, Retry: s.Fault.Retry, Record: record,
			Source: "https://learn.microsoft.com/powershell/scripting/security/remoting/ps-remoting-second-hop"}
		r.Outcome = exchange.Denied
	}
}

// isSecondHop knows it by codes: no log-on session or credentials, or an LDAP
// operation without a log-on (SEC_E_NO_CREDENTIALS, ERROR_NO_SUCH_LOGON_SESSION,
// LDAP_OPERATIONS_ERROR); and by what any refusal at this place means.
func isSecondHop(f exchange.Fault) bool {
	if f.ID == fault.ConnectAuth || f.ID == fault.AccessDenied {
		return true
	}
	text := strings.ToLower(f.Message)
	if f.Record != nil {
		text += " " + strings.ToLower(f.Record.FullyQualifiedErrorID+" "+f.Record.Message)
	}
	for _, sign := range []string{"0x8009030e", "-2146893042", "0x80070520", "1312,pssessionopenfailed", "0x80072020", "-2147016672", "logon session",
		"operations error", "getcomputersite"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
