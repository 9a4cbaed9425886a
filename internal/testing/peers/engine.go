package peers

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed engine.ps1
var engineDriver string

// An Engine runs PowerShell scripts in a process of the real engine, each job in
// a runspace of its own, so that a job costs milliseconds and sees nothing of the
// one before. The zero Engine is ready to use: the process starts with the first
// job, and again with the job after one that ended it. A second process is started
// when jobs overlap, where there is a processor for it.
//
// A package shares one Engine over all its tests like this:
//
//	var engine peers.Engine
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		engine.Close()
//		os.Exit(code)
//	}
//
// Use RunProcess where the exit code and the console of a real process are what is
// asked for: an `exit` under `pwsh -File` loses a table that still waits for its
// column widths, an `exit` in a job does not.
//
// An Engine is safe for concurrent use.
type Engine struct {
	mu    sync.Mutex
	freed *sync.Cond
	lanes []*lane
}

// A lane is a process, or the place for one, which runs one job after the other.
type lane struct {
	busy    bool
	shell   string // of its last job
	process *engineProcess
}

// lanesAtMost bounds the memory: a process takes some 200 MiB.
const lanesAtMost = 2

// A Job is one script run.
type Job struct {
	// Script is the absolute path of a .ps1 file, called as `& Script -Name value …`.
	Script string `json:"script,omitempty"`
	// Command is script text to run instead of Script. An `exit` in it sets no ExitCode.
	Command string `json:"command,omitempty"`
	// DotSource runs Script with `.` instead of `&`.
	DotSource bool `json:"dotSource,omitempty"`
	// Parameters are bound by name: strings, booleans (also for switches), numbers,
	// lists, maps and nil.
	Parameters map[string]any `json:"parameters,omitempty"`
	// Modules are paths of modules to import first.
	Modules []string `json:"modules,omitempty"`
	// Shell names a shell that goes on to the next job of the same name, as one does in
	// which somebody runs several scripts; its modules are imported once. A job between
	// them may end it.
	Shell string `json:"shell,omitempty"`
	// Dir is the location in which the script runs; empty is the test's own folder.
	Dir string `json:"dir,omitempty"`
	// Constrained runs the script in constrained language mode, Strict after
	// Set-StrictMode -Version Latest. The modules are imported before.
	Constrained bool `json:"constrained,omitempty"`
	Strict      bool `json:"strict,omitempty"`
	// Limit is how long the job may run before the engine is ended; zero is a minute.
	Limit time.Duration `json:"-"`
}

// A Result is what a job gave.
type Result struct {
	Output   []Object      `json:"output"`   // what went down the pipeline, in order
	Errors   []ErrorRecord `json:"errors"`   // non-terminating ones in order, then the one that ended the job
	Warnings []string      `json:"warnings"` // without their prefix
	Verbose  []string      `json:"verbose"`
	// Console is what a person sees in a window of 120 columns: formatted output,
	// warnings, errors, verbose and host text, in order, without colours.
	Console string `json:"-"`
	// ExitCode is the script's `exit N`, 1 after an uncaught error, else 0.
	ExitCode int `json:"exitCode"`
	// Terminated says that an uncaught error ended the script.
	Terminated bool          `json:"terminated"`
	Duration   time.Duration `json:"-"` // without importing modules
}

// An Object is one object of a job's output.
type Object struct {
	TypeNames []string `json:"typeNames"` // most specific first, such as "Deserialized.…"
	Text      string   `json:"text"`      // as "$object" gives it
	// Value is the object as JSON, its properties as members, up to eight levels deep.
	Value json.RawMessage `json:"value"`
}

// Property returns a property of the object as encoding/json decodes it, nil when
// there is none. Names ignore case.
func (o Object) Property(name string) any {
	var members map[string]any
	if json.Unmarshal(o.Value, &members) != nil {
		return nil
	}
	for key, value := range members {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}

// An ErrorRecord is an error as the script could see it, with the place where it
// happened.
type ErrorRecord struct {
	FullyQualifiedErrorID string `json:"fullyQualifiedErrorId"`
	ExceptionType         string `json:"exceptionType"` // full .NET name
	Category              string `json:"category"`
	Reason                string `json:"reason"`
	Activity              string `json:"activity"`
	TargetName            string `json:"targetName"`
	Message               string `json:"message"`
	Script                string `json:"script"`
	Line                  int    `json:"line"`
	Position              string `json:"position"` // the lines "At …" with the statement underlined
}

// StartEngine returns an Engine that ends with the test. It skips the test, or
// fails it where peers are required, when the machine has no PowerShell engine.
func StartEngine(t testing.TB) *Engine {
	t.Helper()
	Pwsh(t)
	e := new(Engine)
	t.Cleanup(e.Close)
	return e
}

// Run runs one job. An engine that died, hung or could not import a module fails
// the test; an error of the script itself is part of the Result.
func (e *Engine) Run(t testing.TB, job Job) *Result {
	t.Helper()
	r, err := e.run(t.Context(), Pwsh(t), job)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Close ends the processes; no job may be running. An Engine may be used again afterwards.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.lanes {
		l.drop()
	}
	e.lanes = nil
}

func (l *lane) drop() {
	if l.process != nil {
		l.process.end()
		l.process = nil
	}
}

// take returns a lane for a job: the one whose shell goes on, else the first that is idle.
func (e *Engine) take(shell string) *lane {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lanes == nil {
		e.freed = sync.NewCond(&e.mu)
		for range min(lanesAtMost, runtime.GOMAXPROCS(0)) {
			e.lanes = append(e.lanes, new(lane))
		}
	}
	isSame := func(l *lane) bool { return shell != "" && l.shell == shell }
	isIdle := func(l *lane) bool { return !l.busy }
	for {
		i := slices.IndexFunc(e.lanes, isSame)
		if i < 0 {
			i = slices.IndexFunc(e.lanes, isIdle)
		}
		if i >= 0 && isIdle(e.lanes[i]) {
			e.lanes[i].busy, e.lanes[i].shell = true, shell
			return e.lanes[i]
		}
		e.freed.Wait()
	}
}

func (e *Engine) giveBack(l *lane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.busy = false
	e.freed.Broadcast()
}

func (e *Engine) run(ctx context.Context, pwsh string, job Job) (*Result, error) {
	limit := job.Limit
	if limit == 0 {
		limit = time.Minute
	}
	l := e.take(job.Shell)
	defer e.giveBack(l)
	if l.process == nil {
		p, err := startEngineProcess(pwsh)
		if err != nil {
			return nil, err
		}
		l.process = p
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the job ran longer than its limit of %v", limit))
	defer cancel()
	// A job that outlives its limit cannot be stopped from outside: its process is ended,
	// which also ends the read below.
	stop := context.AfterFunc(ctx, l.process.kill)
	r, err := l.process.do(job)
	if !stop() {
		err = errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		var setUp setUpError
		if !errors.As(err, &setUp) {
			l.drop()
		}
		return nil, fmt.Errorf("PowerShell engine, job %s: %w", job.name(), err)
	}
	return r, nil
}

func (j Job) name() string {
	if j.Command != "" {
		return fmt.Sprintf("%.60q", j.Command)
	}
	return j.Script
}

// A setUpError says why a job could not begin. The engine itself is well.
type setUpError string

func (e setUpError) Error() string { return "could not begin: " + string(e) }

type engineProcess struct {
	cmd    *exec.Cmd
	jobs   io.WriteCloser
	output *os.File // the process's console: standard output and error in one, in order
	lines  *bufio.Reader
	mark   string
}

func startEngineProcess(pwsh string) (*engineProcess, error) {
	p := &engineProcess{mark: "result-" + rand.Text() + " "}
	p.cmd = exec.Command(pwsh, "-NoProfile", "-NonInteractive", "-Command", engineDriver)
	jobs, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.jobs = jobs
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.output, p.lines = r, bufio.NewReader(r)
	p.cmd.Stdout, p.cmd.Stderr = w, w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("PowerShell engine: %w", err)
	}
	if _, err := io.WriteString(jobs, p.mark+"\n"); err != nil {
		p.end()
		return nil, fmt.Errorf("PowerShell engine: %w", err)
	}
	return p, nil
}

func (p *engineProcess) kill() { _ = p.cmd.Process.Kill() }

// end closes the process's input, on which its driver stops, and does not wait
// long for it.
func (p *engineProcess) end() {
	_ = p.jobs.Close()
	timer := time.AfterFunc(2*time.Second, p.kill)
	_, _ = io.Copy(io.Discard, p.lines)
	_ = p.cmd.Wait()
	timer.Stop()
	_ = p.output.Close()
}

func (p *engineProcess) do(job Job) (*Result, error) {
	line, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	if _, err := p.jobs.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("the engine has ended: %w", err)
	}
	var console bytes.Buffer
	for {
		line, err := p.lines.ReadString('\n')
		shown, result, found := strings.Cut(line, p.mark)
		console.WriteString(shown)
		if found {
			return readResult(result, console.String())
		}
		if err != nil {
			return nil, fmt.Errorf("the engine has ended: %w; its last words: %q", err, tail(console.String(), 500))
		}
	}
}

func readResult(text, console string) (*Result, error) {
	var r struct {
		Result
		SetUp        string `json:"setUp"`
		Milliseconds int64  `json:"milliseconds"`
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, fmt.Errorf("result of the engine: %w in %.500q", err, text)
	}
	if r.SetUp != "" {
		return nil, setUpError(r.SetUp)
	}
	r.Console = console
	r.Duration = time.Duration(r.Milliseconds) * time.Millisecond
	return &r.Result, nil
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}
