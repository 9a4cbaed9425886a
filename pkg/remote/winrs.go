package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	winrmPath    = "/wsman"
	winrmPort    = "5985"
	winrmTLSPort = "5986"

	// shellIdle is how long a shell of ours lives on when nobody asks for it any more.
	shellIdle    = 15 * time.Minute
	winrsTimeout = 20 * time.Second

	// receiveTries is how often a Receive is asked again in a row after its answer was
	// lost on the way.
	receiveTries = 3

	// powershellLine is the command line of every PowerShell: it runs the statements that
	// standard input brings. -EncodedCommand would read standard input for itself.
	powershellLine = "powershell.exe -NoLogo -NoProfile -NonInteractive -OutputFormat Text -Command -"
)

// NewWinRS returns a session in a PowerShell that WinRM starts on the target, which is
// a name for http://NAME:5985/wsman (TLS: 5986), or a URL. The PowerShell there logs
// on to that server's Exchange with the credential's name and password, which the
// network log-on that started it does not have: a second hop. The error is about the
// arguments; nobody is contacted.
func NewWinRS(t Target, c Credential, o ShellOptions) (*Shell, error) {
	u, err := t.winrmEndpoint()
	if err != nil {
		return nil, err
	}
	connections, err := newHTTPClient(t, u, c)
	if err != nil {
		return nil, err
	}
	s := newShell(exchange.Place{Server: u.Hostname(), Transport: string(WinRS), Operator: c.User()}, o)
	s.end = connections.CloseIdleConnections
	if !o.RemoteExchange {
		if c.Username == "" || c.Password.IsZero() {
			return nil, errors.New("winrs needs a user name and a password, however it logs on: the PowerShell that it starts has none of its own to go on to Exchange with")
		}
		s.use(c.Username, c.Password)
	}
	way := &winrs{client: wsman.NewClient(wsman.Config{URL: u.String(), HTTP: connections, ResourceURI: wsman.ResourceCommand,
		OperationTimeout: winrsTimeout, Slack: t.timeout(), Trace: t.trace}),
		envelopes: newEnvelopes(u.String(), winrsTimeout, wsman.DefaultMaxEnvelope)}
	s.start = way.start
	return s, nil
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

// A winrs is WinRM's remote shell at a server (MS-WSMV).
type winrs struct {
	client    *wsman.Client
	envelopes envelopes
}

// A winrsConsole is a PowerShell that it started, alone in its shell. One request is
// under way at a time: where messages are sealed, they are sealed for one connection
// and in one order.
type winrsConsole struct {
	*winrs
	shell, command string // their identifiers
	stdout, stderr io.Writer
	done           bool // the PowerShell has ended
}

// start makes a shell and starts the PowerShell in it, with its statement.
func (w *winrs) start(ctx context.Context, nonce string, stdout, stderr io.Writer) (console, error) {
	c := &winrsConsole{winrs: w, stdout: stdout, stderr: stderr, shell: psrp.NewGUID().String()}
	err := c.begin(ctx)
	if err == nil {
		err = c.write(ctx, []byte(statement(nonce)+"\r\n"))
	}
	if err != nil {
		return nil, errors.Join(err, c.delete(ctx))
	}
	return c, nil
}

func (c *winrsConsole) begin(ctx context.Context) error {
	reply, err := c.ask(ctx, c.envelopes.create(c.shell, shellIdle))
	if err != nil {
		if !mayHaveHappened(err) {
			c.shell = ""
		}
		return err
	}
	if c.shell, err = shellOf(reply.Created); err != nil {
		return err
	}
	if reply, err = c.ask(ctx, c.envelopes.command(c.shell, powershellLine)); err == nil {
		c.command = reply.Command.CommandID
	}
	return err
}

func (w *winrs) ask(ctx context.Context, e envelope) (*wsman.Reply, error) {
	return w.client.Exchange(ctx, &e.request, e.text)
}

// write is documented at console.
func (c *winrsConsole) write(ctx context.Context, p []byte) error {
	size := c.envelopes.maxPayload()
	for rest := p; len(rest) > 0; {
		piece := rest[:min(size, len(rest))]
		rest = rest[len(piece):]
		if err := c.send(ctx, piece, false); err != nil {
			return err
		}
	}
	return nil
}

func (c *winrsConsole) send(ctx context.Context, piece []byte, end bool) error {
	_, err := c.ask(ctx, c.envelopes.send(c.shell, c.command, piece, end))
	return err
}

// read is documented at console. Output that was lost on its way comes again, or is
// missed by its number: what "?" is answered has the next one.
func (c *winrsConsole) read(ctx context.Context) error {
	if c.done {
		return io.EOF
	}
	for lost := 1; ; lost++ {
		err := c.receive(ctx)
		var network *wsman.NetworkError
		if err == nil || ctx.Err() != nil || !errors.As(err, &network) || !isLost(err) || lost > receiveTries {
			return err
		}
		if err := c.send(ctx, []byte("?\n"), false); err != nil {
			return err
		}
	}
}

// receive takes what the PowerShell says next. A server that has nothing to say for the
// whole time that it was given is asked again.
func (c *winrsConsole) receive(ctx context.Context) error {
	start := time.Now()
	reply, err := c.ask(ctx, c.envelopes.receive(c.shell, c.command))
	var timeout *wsman.FaultError
	if errors.As(err, &timeout) && timeout.Code == wsman.CodeOperationTimeout {
		return pauseUnlessLong(ctx, time.Since(start))
	}
	if err != nil {
		return err
	}
	c.done, err = passOn(reply.Received, c.command, c.stdout, c.stderr)
	if err == nil && !c.done && len(reply.Received.Streams) == 0 {
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

// close is documented at console.
func (c *winrsConsole) close(ctx context.Context, patience time.Duration) error {
	if !c.done && c.shell != "" && c.command != "" {
		c.finish(ctx, patience)
	}
	return c.delete(ctx)
}

// finish lets the PowerShell come to its end.
func (c *winrsConsole) finish(ctx context.Context, patience time.Duration) {
	ctx, cancel := aftermath.Within(ctx, patience)
	defer cancel()
	if err := c.send(ctx, nil, true); err != nil {
		return
	}
	for !c.done && c.read(ctx) == nil {
	}
}

// delete ends the shell and all that runs in it. One that is gone is no error.
func (c *winrsConsole) delete(ctx context.Context) error {
	id := c.shell
	if c.shell = ""; id == "" {
		return nil
	}
	ctx, cancel := aftermath.Within(ctx, cleanup)
	defer cancel()
	var err error
	for range tries {
		if _, err = c.ask(ctx, c.envelopes.delete(id)); err == nil || isGone(err) {
			return nil
		}
		var network *wsman.NetworkError
		if !errors.As(err, &network) || ctx.Err() != nil {
			break // asked again only when it may not have arrived
		}
	}
	return fmt.Errorf("the shell could not be deleted and stays for %v: %w", shellIdle, err)
}
