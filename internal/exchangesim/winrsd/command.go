package winrsd

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/wsman"
)

// maxWaiting is how much output of a command waits for the client, in bytes. The
// process waits when it is full.
const maxWaiting = 1 << 20

// A command is one process, or what cmd.exe says of a program that is not there.
type command struct {
	stdin       io.WriteCloser
	end         func()        // ends the process with all its children; nil where there is none
	interrupted func()        // is Ctrl-C for it
	over        chan struct{} // closed when the process has ended and its output is read

	writing sync.Mutex // one Send writes at a time

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when something changes
	waiting []wsman.Stream
	size    int
	done    bool
	code    int
	dead    bool // killed: nobody takes its output any more
}

// A piece of output is what one Receive gets.
type piece struct {
	streams []wsman.Stream
	done    bool
	code    int
}

// run runs a command line as cmd.exe would in this shell.
func (sh *shell) run(line string) (*command, error) {
	c := &command{over: make(chan struct{}), changed: make(chan struct{})}
	args := splitLine(line)
	if len(args) == 0 || !isPowerShell(args[0]) {
		name := strings.TrimSpace(line)
		if len(args) > 0 {
			name = args[0]
		}
		c.add("stderr", fmt.Appendf(nil, "'%s' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n", name))
		c.finish(1)
		close(c.over)
		return c, nil
	}
	if sh.config.Program != nil {
		sh.startProgram(c)
		return c, nil
	}
	args, first := sh.arguments(args[1:])
	err := sh.startProcess(c, args)
	if err == nil && first != "" {
		_, err = io.WriteString(c.stdin, first)
	}
	return c, err
}

func isPowerShell(name string) bool {
	name = strings.ToLower(filepath.Base(strings.ReplaceAll(name, `\`, "/")))
	switch strings.TrimSuffix(name, ".exe") {
	case "powershell", "pwsh":
		return true
	}
	return false
}

// splitLine cuts a command line at blanks outside double quotes.
func splitLine(line string) []string {
	var args []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case (r == ' ' || r == '\t') && !quoted:
			if any {
				args = append(args, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	if any {
		args = append(args, b.String())
	}
	return args
}

// arguments are those of the engine: the stand-ins are loaded before the command that
// the client gave, which stays as it is. One that standard input will bring has them
// loaded by the first statement there.
func (sh *shell) arguments(args []string) (out []string, first string) {
	policy := sh.config.ExecutionPolicy
	if policy == "" {
		policy = "RemoteSigned"
	}
	out = []string{"-ExecutionPolicy", policy}
	load := "Import-Module -Name '" + strings.ReplaceAll(sh.module, "'", "''") + "' -Global -DisableNameChecking\n"
	for i := 0; i < len(args); i++ {
		switch name := strings.ToLower(strings.TrimLeft(args[i], "-/")); {
		case i+1 < len(args) && strings.HasPrefix(name, "e") && strings.HasPrefix("encodedcommand", name), name == "ec" && i+1 < len(args):
			out = append(out, args[i], encode(load+decode(args[i+1])))
			i++
		case i+1 < len(args) && (name == "c" || name == "command") && args[i+1] == "-":
			return append(out, args[i:]...), load
		case i+1 < len(args) && (name == "c" || name == "command"):
			return append(out, args[i], load+strings.Join(args[i+1:], " ")), ""
		default:
			out = append(out, args[i])
		}
	}
	return out, ""
}

// decode reads the value of -EncodedCommand; what is none stays what it is.
func decode(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%2 != 0 {
		return text
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
	}
	return string(utf16.Decode(units))
}

func encode(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (sh *shell) startProcess(c *command, args []string) error {
	cmd := exec.Command(sh.config.Pwsh, args...)
	cmd.Dir = sh.dir
	temp := filepath.Join(sh.dir, "temp")
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); !strings.HasPrefix(strings.ToUpper(name), "EXGRANT_") && name != "PSModulePath" {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+temp, "TMP="+temp, "TEMP="+temp)
	tree := newTree(cmd)
	var err error
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.end, c.interrupted = tree.kill, tree.interrupt
	var read sync.WaitGroup
	for name, from := range map[string]io.Reader{"stdout": stdout, "stderr": stderr} {
		read.Go(func() { c.read(name, from) })
	}
	go func() {
		defer close(c.over)
		read.Wait()
		_ = cmd.Wait() // the code says how it ended
		tree.kill()
		code := cmd.ProcessState.ExitCode()
		if code < 0 {
			code = 0xC000013A - 1<<32 // STATUS_CONTROL_C_EXIT, as a number of 32 bits
		}
		c.finish(code)
	}()
	return nil
}

// startProgram starts what runs in place of the engine.
func (sh *shell) startProgram(c *command) {
	ctx, cancel := context.WithCancel(context.Background())
	stdin, in := io.Pipe()
	c.stdin = in
	c.end = func() { cancel(); _ = stdin.Close() }
	c.interrupted = c.end
	go func() {
		defer close(c.over)
		session := sh.config.Organization.Session(exchangesim.SessionOptions{User: sh.user})
		code := sh.config.Program(ctx, session, stdin, outputOf{c})
		c.end()
		c.finish(code)
	}()
}

// An outputOf is a command's standard output.
type outputOf struct{ c *command }

func (o outputOf) Write(p []byte) (int, error) {
	o.c.room()
	o.c.add("stdout", p)
	return len(p), nil
}

func (c *command) read(name string, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			c.room()
			c.add(name, buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// room waits until there is room for more output, or nobody wants any.
func (c *command) room() {
	for {
		c.mu.Lock()
		free, changed := c.size < maxWaiting || c.dead, c.changed
		c.mu.Unlock()
		if free {
			return
		}
		<-changed
	}
}

// change wakes who waits; the lock is held.
func (c *command) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *command) add(name string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	c.size += len(data)
	if last := len(c.waiting) - 1; last >= 0 && c.waiting[last].Name == name {
		c.waiting[last].Data = append(c.waiting[last].Data, data...)
	} else {
		c.waiting = append(c.waiting, wsman.Stream{Name: name, Data: append([]byte(nil), data...)})
	}
	c.change()
}

func (c *command) finish(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done, c.code = true, code
	c.change()
}

func (c *command) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// output waits for output, or the end, and takes as much as fits.
func (c *command) output(ctx context.Context, limit int) (piece, error) {
	for {
		c.mu.Lock()
		if len(c.waiting) > 0 || c.done {
			p := c.take(limit)
			c.mu.Unlock()
			return p, nil
		}
		changed, dead := c.changed, c.dead
		c.mu.Unlock()
		if dead {
			return piece{}, wsman.NoCommand()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return piece{}, ctx.Err()
		}
	}
}

// take takes what fits; the lock is held. The end is told with the last of it.
func (c *command) take(limit int) piece {
	var p piece
	for len(c.waiting) > 0 && limit > 0 {
		s := &c.waiting[0]
		n := min(len(s.Data), limit)
		p.streams = append(p.streams, wsman.Stream{Name: s.Name, Data: s.Data[:n:n]})
		limit -= n
		c.size -= n
		if s.Data = s.Data[n:]; len(s.Data) == 0 {
			c.waiting = c.waiting[1:]
		}
	}
	if len(c.waiting) == 0 && c.done {
		p.done, p.code = true, c.code
		p.streams = append(p.streams, wsman.Stream{Name: "stdout", End: true}, wsman.Stream{Name: "stderr", End: true})
	}
	c.change()
	return p
}

// giveBack puts output back that did not reach the client: the next Receive gets it.
func (c *command) giveBack(p piece) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var back []wsman.Stream
	for _, s := range p.streams {
		if len(s.Data) > 0 {
			back = append(back, wsman.Stream{Name: s.Name, Data: s.Data})
			c.size += len(s.Data)
		}
	}
	c.waiting = append(back, c.waiting...)
	c.change()
}

// input writes to the process. One that does not read makes the Send wait.
func (c *command) input(ctx context.Context, data []byte, end bool) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.stdin == nil {
		return nil // what cmd.exe says of an unknown program has no input
	}
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	if len(data) > 0 {
		_, _ = c.stdin.Write(data) // a process that has ended says so in the next Receive
	}
	if end {
		_ = c.stdin.Close()
	}
	return nil
}

func (c *command) interrupt() {
	if c.interrupted != nil && !c.isOver() {
		c.interrupted()
	}
}

// kill ends the process with all its children, and drops its output.
func (c *command) kill() {
	c.mu.Lock()
	c.dead = true
	c.waiting, c.size = nil, 0
	c.change()
	c.mu.Unlock()
	if c.end != nil && !c.isOver() {
		c.end()
	}
}
