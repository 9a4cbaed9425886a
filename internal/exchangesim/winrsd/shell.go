package winrsd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/wsman"
)

// A shell is one shell of a user: a folder, the organization's commands for what runs
// in it, and commands.
type shell struct {
	config Config
	id     string
	user   string
	idle   time.Duration
	dir    string
	proxy  *scriptproxy.Server
	module string // path of the stand-ins

	permitted bool // the user's roles give any command

	mu       sync.Mutex
	used     time.Time
	waiting  int // Receives: a shell that somebody waits at is not idle
	commands map[string]*command
	ended    bool
}

func newShell(c Config, id, user string, idle time.Duration) (*shell, error) {
	dir, err := os.MkdirTemp("", "exgrant-winrsd-")
	if err != nil {
		return nil, err
	}
	sh := &shell{config: c, id: id, user: user, idle: idle, dir: dir, used: c.Now(), commands: map[string]*command{}}
	if c.Program != nil {
		return sh, nil
	}
	if err := sh.prepare(); err != nil {
		sh.end()
		return nil, fmt.Errorf("winrsd: a shell: %w", err)
	}
	return sh, nil
}

// prepare makes what a session of Exchange from this shell will find.
func (sh *shell) prepare() error {
	for _, name := range []string{"temp", "sessions"} {
		if err := os.Mkdir(filepath.Join(sh.dir, name), 0o700); err != nil {
			return err
		}
	}
	organization := sh.config.Organization
	session := organization.Session(exchangesim.SessionOptions{User: sh.user})
	sh.permitted = len(session.Commands()) > 0
	var err error
	if sh.proxy, err = scriptproxy.Start(session, organization.Clock(), "127.0.0.1:0", filepath.Join(sh.dir, "exchange")); err != nil {
		return err
	}
	sh.module = filepath.Join(sh.dir, "standins.psm1")
	return os.WriteFile(sh.module, []byte(sh.standIns()), 0o600)
}

// touch says that the client is there.
func (sh *shell) touch(now time.Time) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.used = now
}

func (sh *shell) isIdle(now time.Time) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.waiting == 0 && now.Sub(sh.used) > sh.idle
}

func (sh *shell) running() int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := 0
	for _, c := range sh.commands {
		if !c.isOver() {
			n++
		}
	}
	return n
}

// end ends everything in the shell, and returns how many sessions of Exchange were
// left by it.
func (sh *shell) end() int {
	sh.mu.Lock()
	sh.ended = true
	commands := sh.commands
	sh.commands = nil
	sh.mu.Unlock()
	for _, c := range commands {
		c.kill()
		<-c.over
	}
	if sh.proxy != nil {
		_ = sh.proxy.Close()
	}
	left, _ := os.ReadDir(filepath.Join(sh.dir, "sessions"))
	_ = os.RemoveAll(sh.dir)
	return len(left)
}

// start starts a command (MS-WSMV 3.1.4.11).
func (sh *shell) start(x *exchanged) (*wsman.Reply, error) {
	asked := x.request.Command
	id := strings.ToUpper(asked.CommandID)
	if id == "" {
		id = sh.config.NewID()
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case sh.ended:
		return nil, wsman.NoShell("", sh.id)
	case sh.commands[id] != nil:
		return nil, wsman.NewFault(wsman.CodeCommandExists, "w:AlreadyExists", "The command exists already. ")
	case len(sh.commands) >= sh.config.MaxCommands:
		return nil, wsman.NewFault(wsman.CodeQuota, "w:QuotaLimit", fmt.Sprintf("The maximum number of concurrent operations for this shell has been exceeded: %d. ", sh.config.MaxCommands))
	}
	c, err := sh.run(strings.Join(append([]string{asked.Line}, asked.Arguments...), " "))
	if err != nil {
		return nil, err
	}
	sh.commands[id] = c
	x.event.Command = id
	return &wsman.Reply{Command: &wsman.CommandStarted{CommandID: id}}, nil
}

// find returns the command that a request is for.
func (sh *shell) find(x *exchanged, id string) (*command, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.commands[strings.ToUpper(id)]
	if c == nil {
		return nil, wsman.NoCommand()
	}
	x.event.Command = strings.ToUpper(id)
	return c, nil
}

func (sh *shell) send(ctx context.Context, x *exchanged) error {
	for _, s := range x.request.Send.Streams {
		c, err := sh.find(x, s.CommandID)
		if err != nil {
			return err
		}
		if s.Name != "stdin" {
			return wsman.NewFault(wsman.CodeInvalidValue, "w:InvalidParameter", "The shell has no such stream. ")
		}
		if err := c.input(ctx, s.Data, s.End); err != nil {
			return err
		}
	}
	return nil
}

// around is how much of a reply is not output.
const around = 4 << 10

func (sh *shell) receive(ctx context.Context, x *exchanged) (*wsman.Reply, error) {
	asked := x.request.Receive
	c, err := sh.find(x, asked.CommandID)
	if err != nil {
		return nil, err
	}
	sh.mu.Lock()
	sh.waiting++
	sh.mu.Unlock()
	defer func() {
		sh.mu.Lock()
		sh.waiting--
		sh.used = sh.config.Now()
		sh.mu.Unlock()
	}()
	size := x.request.MaxEnvelope
	if size == 0 {
		size = wsman.DefaultMaxEnvelope
	}
	limit := x.request.OperationTimeout
	if limit <= 0 {
		limit = wsman.DefaultOperationTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	got, err := c.output(ctx, (size-around)/4*3)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, wsman.OperationTimeout()
	}
	if err != nil {
		return nil, err
	}
	x.undo = func() { c.giveBack(got) }
	received := &wsman.Received{CommandID: asked.CommandID, State: wsman.StateRunning}
	for i := range got.streams {
		got.streams[i].CommandID = asked.CommandID
	}
	received.Streams = got.streams
	if got.done {
		// It stays until the client says that it is done with it: a signal to terminate.
		received.State, received.ExitCode = wsman.StateDone, got.code
	}
	return &wsman.Reply{Received: received}, nil
}

func (sh *shell) signal(x *exchanged) error {
	c, err := sh.find(x, x.request.Signal.CommandID)
	switch {
	case err != nil:
		return err
	case x.request.Signal.Code == wsman.SignalCtrlC:
		c.interrupt()
	case x.request.Signal.Code == wsman.SignalTerminate:
		c.kill()
		sh.mu.Lock()
		delete(sh.commands, x.event.Command)
		sh.mu.Unlock()
		<-c.over
	default:
		return wsman.NewFault(wsman.CodeInvalidValue, "w:InvalidParameter", "The shell does not know the signal. ")
	}
	return nil
}
