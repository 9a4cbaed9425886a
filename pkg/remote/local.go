package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	powershell "github.com/bhendo/go-powershell"
	"github.com/bhendo/go-powershell/backend"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A localRunner runs scripts in a PowerShell of this computer, one process for each.
type localRunner struct {
	target  Target
	options ScriptOptions
	pwsh    string

	mu     sync.Mutex // held while a script runs: one at a time
	closed bool
}

// NewLocal returns a runner in a PowerShell of this computer, as the account that
// runs this program. Without a server the script opens the management shell that is
// installed here; with one, a session of that server's Exchange is opened for it. The
// error is about the arguments, or says that no PowerShell is there.
func NewLocal(t Target, o ScriptOptions) (Runner, error) {
	if t.Server != "" && o.RemoteExchange {
		return nil, errors.New("a server is named and the management shell of this computer is asked for: only one can open the session")
	}
	if t.Server != "" {
		if _, err := t.endpoint(); err != nil {
			return nil, err
		}
	}
	pwsh, err := findPwsh(o.Pwsh)
	if err != nil {
		return nil, err
	}
	return &localRunner{target: t, options: o, pwsh: pwsh}, nil
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

// Target is documented at Runner.
func (l *localRunner) Target() exchange.Target {
	return exchange.Target{Server: l.serverName(), Transport: string(Local)}
}

// serverName is the host of the server whose Exchange is used, "" for the
// management shell's own choice.
func (l *localRunner) serverName() string {
	if l.target.Server == "" {
		return ""
	}
	u, err := l.target.endpoint() // checked by NewLocal
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Close is documented at Runner. A script that still runs is waited for: end its
// context to end it.
func (l *localRunner) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// Run is documented at Runner.
func (l *localRunner) Run(ctx context.Context, s Script) (*ScriptResult, error) {
	const doing = "running the script in a PowerShell of this computer"
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, errClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	j, err := newJob(s, l.options)
	if err != nil {
		return nil, err
	}
	if name := l.serverName(); name != "" {
		j.Open, j.Server, j.Commands = true, name, importedCommands
	}
	command, err := localCommand(j, s)
	if err != nil {
		return nil, err
	}
	result, began, err := l.execute(ctx, j, s, command)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, scriptError(doing, s, began, err)
	}
	return result, nil
}

// localCommand is one line of ASCII that runs a job: the texts in it are base64, so
// that nothing needs quoting.
func localCommand(j *job, s Script) (string, error) {
	lines, err := j.lines(s.Text, Secret{})
	if err != nil {
		return "", err
	}
	return "& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('" + lines[0] + "')))) @('" +
		strings.Join(lines, "','") + "')", nil
}

// execute runs one command in a process of its own. However it ends, nothing of the
// process is left.
func (l *localRunner) execute(ctx context.Context, j *job, s Script, command string) (result *ScriptResult, began bool, err error) {
	dir, err := os.MkdirTemp("", "exgrant-")
	if err != nil {
		return nil, false, err
	}
	defer os.RemoveAll(dir)
	out, noise := newRecordReader(j.Marker, s.Progress), new(errorReader)
	starter := &localStarter{ctx: ctx, pwsh: l.pwsh, temp: dir, stdout: out, stderr: noise}
	shell, err := powershell.New(starter)
	if err != nil {
		return nil, false, fmt.Errorf("start %s: %w", l.pwsh, err)
	}
	// Its output is read by the starter; its error repeats the command and is not used.
	_, _, _ = shell.Execute(command)
	shell.Exit()
	noise.drop(starter.process.err.boundary)
	began = true
	report, err := out.report()
	var stage *stageError
	if errors.As(err, &stage) && stage.Stage != "script" {
		began = false
	}
	if err != nil {
		if words := noise.summary(); errors.Is(err, errNoRecord) && words != "" {
			err = fmt.Errorf("%w; it wrote: %s", err, words)
		}
		return nil, began, err
	}
	return &ScriptResult{Report: *report, ExitCode: out.end.Code, ExitKnown: true, Asked: out.asked, Errors: noise.records()}, began, nil
}

// A localStarter starts the PowerShell for go-powershell in the way that this
// package needs: its own program, flags and environment, ended with all its children
// when the context ends; and it reads the output itself. Go-powershell, which would
// wait forever for a boundary that a dead process does not write, and reads 64 bytes
// at a time, is given the boundaries alone.
type localStarter struct {
	ctx            context.Context
	pwsh, temp     string
	stdout, stderr io.Writer

	process *localProcess
}

// exitGrace is how long a PowerShell may take to end, and what it leaves running.
const exitGrace = 3 * time.Second

// StartProcess ignores the command line that it is given: it is one for Windows, and
// reads the user's profile.
func (l *localStarter) StartProcess(string, ...string) (backend.Waiter, io.Writer, io.Reader, io.Reader, error) {
	cmd := exec.Command(l.pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", "-")
	cmd.Env = localEnvironment(os.Environ(), l.temp)
	tree := newProcessTree(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, nil, err
	}
	tree.started()
	p := &localProcess{cmd: cmd, tree: tree, stdin: stdin, interrupted: make(chan struct{})}
	p.out, p.err = newBoundaryReader(stdout, l.stdout), newBoundaryReader(stderr, l.stderr)
	p.stop = context.AfterFunc(l.ctx, p.interrupt)
	l.process = p
	return p, p, p.out, p.err, nil
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

// A localProcess is one PowerShell: what go-powershell writes to and waits for.
type localProcess struct {
	cmd      *exec.Cmd
	tree     *processTree
	stdin    io.WriteCloser
	out, err *boundaryReader
	stop     func() bool

	interrupted chan struct{} // closed when interrupt has done its work
}

// Write sends a command. The boundaries that go-powershell will wait for stand in it.
func (p *localProcess) Write(command []byte) (int, error) {
	p.out.expect(between(command, "; echo '", "'"))
	p.err.expect(between(command, "[Console]::Error.WriteLine('", "')"))
	n, err := p.stdin.Write(command)
	if err != nil {
		// It has ended: its output says why, and ends too.
		return len(command), nil
	}
	return n, nil
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
func (p *localProcess) Close() error { return p.stdin.Close() }

// interrupt asks the PowerShell to stop as Ctrl-C does, so that it can clean up, and
// ends it with all its children when it does not.
func (p *localProcess) interrupt() {
	defer close(p.interrupted)
	p.tree.interrupt()
	timer := time.NewTimer(exitGrace)
	defer timer.Stop()
	select {
	case <-p.out.ended:
	case <-timer.C:
	}
	p.end()
}

// end ends the process with all its children, and reads no more of what one that got
// away may write.
func (p *localProcess) end() {
	p.tree.kill()
	p.out.giveUp()
	p.err.giveUp()
}

// Wait waits for the end of the process, and ends what it left running.
func (p *localProcess) Wait() error {
	timer := time.AfterFunc(exitGrace, p.end)
	<-p.out.ended
	<-p.err.ended
	timer.Stop()
	p.tree.kill()
	if !p.stop() {
		<-p.interrupted
	}
	err := p.cmd.Wait()
	p.tree.close()
	return err
}

// A boundaryReader passes what a process writes on to a writer, and gives
// go-powershell a boundary when it came, with the CR LF that it insists on, or when
// the output has ended without it.
type boundaryReader struct {
	from io.ReadCloser
	to   io.Writer

	mu       sync.Mutex
	boundary []byte
	tail     []byte // of what was passed on: the boundary may come in pieces
	came     bool

	ready chan struct{} // closed when there is something to read: the boundary
	once  sync.Once
	ended chan struct{} // closed when the output has ended
	left  []byte
}

func newBoundaryReader(from io.ReadCloser, to io.Writer) *boundaryReader {
	r := &boundaryReader{from: from, to: to, ready: make(chan struct{}), ended: make(chan struct{})}
	go r.pass()
	return r
}

// expect says which boundary is waited for.
func (r *boundaryReader) expect(boundary []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(boundary) == 0 {
		return // go-powershell says goodbye
	}
	r.boundary = boundary
	r.left = append(bytes.Clone(boundary), "\r\n"...)
}

// pass reads the output to its end.
func (r *boundaryReader) pass() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.from.Read(buffer)
		if n > 0 {
			r.seen(buffer[:n])
		}
		if err != nil {
			close(r.ended)
			r.release()
			return
		}
	}
}

func (r *boundaryReader) seen(p []byte) {
	_, _ = r.to.Write(p) // a reader of records takes everything
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.came || len(r.boundary) == 0 {
		return
	}
	r.tail = append(r.tail, p...)
	if bytes.Contains(r.tail, r.boundary) {
		r.came = true
		r.tail = nil
		r.release()
		return
	}
	if over := len(r.tail) - len(r.boundary); over > 0 {
		r.tail = append(r.tail[:0], r.tail[over:]...)
	}
}

func (r *boundaryReader) release() { r.once.Do(func() { close(r.ready) }) }

// giveUp ends a read that a child of the process keeps open.
func (r *boundaryReader) giveUp() { _ = r.from.Close() }

// Read gives the boundary, once.
func (r *boundaryReader) Read(p []byte) (int, error) {
	<-r.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
