package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	powershell "github.com/bhendo/go-powershell"
	"github.com/bhendo/go-powershell/backend"
	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// NewLocal returns a session in a PowerShell of this computer, as the account that
// runs this program. Without a server it opens the management shell that is installed
// here, where the commands are not there yet; with one, a session of that server's
// Exchange. The error is about the arguments, or says that no PowerShell is there.
func NewLocal(t Target, o ShellOptions) (*Shell, error) {
	s := newShell(exchange.Place{Transport: string(Local), Operator: negotiate.ThisUser()}, o)
	if t.Server != "" {
		if o.RemoteExchange {
			return nil, errors.New("a server is named and the management shell of this computer is asked for: only one can open the session")
		}
		u, err := t.endpoint()
		if err != nil {
			return nil, err
		}
		s.place.Server = u.Hostname()
		s.use("", Secret{})
	}
	pwsh, err := findPwsh(o.Pwsh)
	if err != nil {
		return nil, err
	}
	s.start = func(_ context.Context, nonce string, stdout, stderr io.Writer) (console, error) {
		c, err := startLocal(pwsh, nonce, stdout, stderr)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", pwsh, err)
		}
		return c, nil
	}
	return s, nil
}

// findPwsh returns the PowerShell that is given, or else the best one here: 64-bit
// Windows PowerShell, which alone can open a management shell, or pwsh.
func findPwsh(given string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", fmt.Errorf("no PowerShell at %s: %w", given, err)
		}
		return filepath.Abs(path)
	}
	if root := os.Getenv("SystemRoot"); runtime.GOOS == "windows" && root != "" {
		// A 32-bit program sees the 64-bit folder as Sysnative.
		for _, system := range []string{"Sysnative", "System32"} {
			path := filepath.Join(root, system, "WindowsPowerShell", "v1.0", "powershell.exe")
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	path, err := exec.LookPath("pwsh")
	if err != nil {
		return "", fmt.Errorf("there is no PowerShell on this computer: neither powershell.exe nor pwsh was found")
	}
	return path, nil
}

// A localConsole is a PowerShell of this computer. Go-powershell starts it, feeds it
// its statement and waits for its end; what it writes is read here, since
// go-powershell reads 64 bytes at a time, and would wait forever for what a dead
// process does not write.
type localConsole struct {
	cmd   *exec.Cmd
	tree  *processTree
	temp  string
	stdin io.WriteCloser

	pieces         chan piece
	gone           chan struct{} // closed when nobody wants pieces any more
	over           chan struct{} // closed when the process has ended, with all that it started
	stdout, stderr io.Writer
	ends           [2]*endReader // for go-powershell
}

// A piece is what came next of an output.
type piece struct {
	to   io.Writer
	data []byte
}

// exitGrace is how long what a PowerShell started may go on after its end.
const exitGrace = 3 * time.Second

func startLocal(pwsh, nonce string, stdout, stderr io.Writer) (*localConsole, error) {
	temp, err := os.MkdirTemp("", "exgrant-")
	if err != nil {
		return nil, err
	}
	c := &localConsole{temp: temp, stdout: stdout, stderr: stderr, pieces: make(chan piece), gone: make(chan struct{}), over: make(chan struct{})}
	c.cmd = exec.Command(pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", "-")
	c.cmd.Env = localEnvironment(os.Environ(), temp)
	shell, err := powershell.New(c)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	go func() {
		defer close(c.over)
		_, _, _ = shell.Execute(statement(nonce)) // until the end of the loop; its error repeats the statement
		shell.Exit()
	}()
	return c, nil
}

// StartProcess is go-powershell's hook. The command line that it gives is one for
// Windows, and reads the user's profile: it is not used.
func (c *localConsole) StartProcess(string, ...string) (backend.Waiter, io.Writer, io.Reader, io.Reader, error) {
	c.tree = newProcessTree(c.cmd)
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, nil, nil, nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, nil, nil, nil, err
	}
	c.tree.started()
	c.ends = [2]*endReader{c.pass(stdout, c.stdout), c.pass(stderr, c.stderr)}
	return c, c, c.ends[0], c.ends[1], nil
}

// localEnvironment is the environment without what is meant for this program alone,
// passwords among it, and with a folder of its own for temporary files.
func localEnvironment(env []string, temp string) []string {
	var out []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		switch upper := strings.ToUpper(name); {
		case strings.HasPrefix(upper, "EXGRANT_"), upper == "TMP", upper == "TEMP", upper == "TMPDIR":
		default:
			out = append(out, entry)
		}
	}
	return append(out, "TMP="+temp, "TEMP="+temp, "TMPDIR="+temp)
}

// Write sends the statement, and notes by what go-powershell will know its end.
func (c *localConsole) Write(text []byte) (int, error) {
	c.ends[0].expect(between(text, "; echo '", "'"))
	c.ends[1].expect(between(text, "[Console]::Error.WriteLine('", "')"))
	_, _ = c.stdin.Write(text) // a process that has ended says why, and its output ends
	return len(text), nil
}

func between(text []byte, before, after string) []byte {
	at := bytes.LastIndex(text, []byte(before))
	if at < 0 {
		return nil
	}
	middle, _, _ := bytes.Cut(text[at+len(before):], []byte(after))
	return bytes.Clone(middle)
}

// Close ends the input: PowerShell ends then, too.
func (c *localConsole) Close() error { return c.stdin.Close() }

// Wait waits for the end of the process, and ends what it left running.
func (c *localConsole) Wait() error {
	timer := time.AfterFunc(exitGrace, c.kill)
	<-c.ends[0].ended
	<-c.ends[1].ended
	timer.Stop()
	c.tree.kill()
	err := c.cmd.Wait()
	c.tree.close()
	return err
}

// kill ends the process with all its children, and reads no more of what one that got
// away may write.
func (c *localConsole) kill() {
	c.tree.kill()
	for _, e := range c.ends {
		_ = e.from.Close()
	}
}

// write is documented at console.
func (c *localConsole) write(ctx context.Context, p []byte) error {
	stop := context.AfterFunc(ctx, c.kill) // one that does not read would make this wait
	defer stop()
	if _, err := c.stdin.Write(p); err != nil {
		return cmp.Or[error](ctx.Err(), &endedError{"the PowerShell has ended: " + err.Error()})
	}
	return nil
}

// read is documented at console.
func (c *localConsole) read(ctx context.Context) error {
	select {
	case p := <-c.pieces:
		_, _ = p.to.Write(p.data) // it takes everything
		return nil
	case <-c.over:
		return io.EOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close is documented at console.
func (c *localConsole) close(ctx context.Context, patience time.Duration) error {
	ctx, cancel := aftermath.Within(ctx, patience)
	defer cancel()
	_ = c.stdin.Close()
	for c.read(ctx) == nil {
	}
	close(c.gone)
	c.kill()
	<-c.over
	return os.RemoveAll(c.temp)
}

// An endReader is what go-powershell reads: nothing while an output goes on, and at
// its end the text by which it knows that its statement is over.
type endReader struct {
	from  io.ReadCloser
	ended chan struct{} // closed at the end of the output
	left  []byte
}

// pass passes an output on, piece by piece, while somebody wants it.
func (c *localConsole) pass(from io.ReadCloser, to io.Writer) *endReader {
	e := &endReader{from: from, ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if n > 0 {
				select {
				case c.pieces <- piece{to, bytes.Clone(buffer[:n])}:
				case <-c.gone:
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return e
}

// expect notes the text, and the line end that go-powershell insists on.
func (e *endReader) expect(text []byte) {
	if len(text) > 0 {
		e.left = append(text, "\r\n"...)
	}
}

func (e *endReader) Read(p []byte) (int, error) {
	<-e.ended
	if len(e.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}
