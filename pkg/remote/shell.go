package remote

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	// shellOpens is how long a PowerShell may take until it has the commands of Exchange:
	// New-PSSession alone gives up after three minutes.
	shellOpens = 5 * time.Minute

	// stale is after how much rest a PowerShell is started anew: the session of Exchange
	// in it ends when it was idle, and does not come back by itself.
	stale = 10 * time.Minute

	// quiet is after how long without an answer a PowerShell is asked whether the last one
	// was lost on its way: the answer to that has a number.
	quiet = time.Minute

	// patience is how long a command has to end when it is stopped, and a PowerShell when
	// its input has ended.
	patience = 10 * time.Second
)

// ShellOptions are those of the transports that start a PowerShell.
type ShellOptions struct {
	// RemoteExchange opens the management shell that is installed where the PowerShell
	// runs, instead of a session of the server's Exchange.
	RemoteExchange bool

	// RequireSigned refuses a script without a valid signature. One that is signed is
	// always checked.
	RequireSigned bool

	// Pwsh is the PowerShell to start, for local; empty looks for one.
	Pwsh string
}

// A console is the standard input and output of a PowerShell, wherever it runs. It is
// for one goroutine.
type console interface {
	// write writes to standard input.
	write(ctx context.Context, p []byte) error
	// read passes on what comes next of standard output and error; io.EOF at its end.
	read(ctx context.Context) error
	// close ends the PowerShell and all that it started, however ctx is: by the end of its
	// input, and where that does not help in time, for good. What it still says is passed on.
	close(ctx context.Context, patience time.Duration) error
}

// A Shell is a Session in a PowerShell that stays open: of a server, which WinRM's
// remote shell starts (NewWinRS), or of this computer (NewLocal). It opens when it is
// first used, and again when the PowerShell is lost. One command runs at a time.
//
// A Shell also runs scripts that were written before: see Run.
type Shell struct {
	place    exchange.Place
	options  ShellOptions
	opening  []exchange.Param // of Open-ExgExchange, all but the password
	password Secret           // of its user, if it has one
	// start starts the PowerShell with its statement, to write to these; its error leaves
	// nothing behind.
	start    func(ctx context.Context, nonce string, stdout, stderr io.Writer) (console, error)
	end      func() // of the connections, at the end of the session
	patience time.Duration

	slot     chan struct{} // holds one while the fields below are used
	current  *loop
	used     time.Time           // last
	settings []exchange.Pipeline // what a new PowerShell must be told again
	mode     string
	closed   bool
}

// importedCommands are the Exchange commands that grants and scripts use.
var importedCommands = []string{
	"Add-RoleGroupMember", "Enable-OrganizationCustomization", "Get-ADServerSettings", "Get-ExchangeServer", "Get-Group", "Get-Mailbox",
	"Get-ManagementRole", "Get-ManagementRoleAssignment", "Get-ManagementScope", "Get-OrganizationConfig", "Get-OrganizationalUnit",
	"Get-Recipient", "Get-RoleGroup", "Get-RoleGroupMember", "Get-User", "New-ManagementRoleAssignment", "New-ManagementScope",
	"New-RoleGroup", "Remove-ManagementRoleAssignment", "Remove-ManagementScope", "Remove-RoleGroup", "Remove-RoleGroupMember",
	"Set-ADServerSettings", "Set-ManagementRoleAssignment", "Set-ManagementScope",
}

func newShell(place exchange.Place, o ShellOptions) *Shell {
	return &Shell{place: place, options: o, end: func() {}, patience: patience, slot: make(chan struct{}, 1)}
}

// use makes it open a session of the Exchange of its server, as a user or, without one,
// as who runs it.
func (s *Shell) use(user string, password Secret) {
	s.opening = []exchange.Param{{Name: "Server", Value: exchange.String(s.place.Server)}, {Name: "CommandName", Value: exchange.Strings(importedCommands)}}
	if user != "" {
		s.opening, s.password = append(s.opening, exchange.Param{Name: "User", Value: exchange.String(user)}), password
	}
}

// Place is documented at exchange.Session.
func (s *Shell) Place() exchange.Place { return s.place }

// take waits for its turn, which ends with the function that it returns.
func (s *Shell) take(ctx context.Context) (func(), error) {
	select {
	case s.slot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		<-s.slot
		return nil, err
	}
	return func() { <-s.slot }, nil
}

// Invoke is documented at exchange.Invoker. A pipeline is one command here.
func (s *Shell) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	line, err := commandLine(p)
	if err != nil {
		return exchange.Streams{}, err
	}
	leave, err := s.take(ctx)
	if err != nil {
		return exchange.Streams{}, err
	}
	defer leave()
	a, err := persist(ctx, func() *attempt { return newAttempt(p, yield) }, func(ctx context.Context, a *attempt) error {
		return s.attempt(ctx, line, a)
	})
	streams := a.streams
	if err == nil && len(streams.Errors) == 0 && p[0].Cmdlet == setSession {
		s.settings = []exchange.Pipeline{p}
	}
	return streams, err
}

// attempt runs a line of loop.ps1, in a PowerShell that it opens where there is none.
func (s *Shell) attempt(ctx context.Context, line []byte, a *attempt) error {
	l, err := s.open(ctx)
	if err != nil {
		a.over = true
		return err
	}
	return s.within(ctx, l, a, func() error { return l.command(ctx, line, a) })
}

// LanguageMode is documented at exchange.LanguageModer.
func (s *Shell) LanguageMode(ctx context.Context) (string, error) {
	leave, err := s.take(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	if s.mode == "" {
		_, err = s.open(ctx)
	}
	return s.mode, err
}

// Close is documented at Session. What still runs is waited for.
func (s *Shell) Close(ctx context.Context) error {
	s.slot <- struct{}{}
	defer func() { <-s.slot }()
	s.closed = true
	defer s.end()
	if err := s.drop(ctx); err != nil {
		return explain("closing the shell"+s.where(), err)
	}
	return nil
}

// where is " at SERVER", where there is one.
func (s *Shell) where() string {
	if s.place.Server == "" {
		return ""
	}
	return " at " + s.place.Server
}

// within runs a command. Where that does not come to its end, a panic included, it is
// stopped; where that does not help, the PowerShell is ended.
func (s *Shell) within(ctx context.Context, l *loop, a *attempt, do func() error) (err error) {
	whole := false
	defer func() {
		if !whole && !l.quell(ctx, a, s.patience) {
			err = errors.Join(err, s.drop(ctx))
		}
	}()
	err = do()
	whole = err == nil
	return err
}

// drop ends the PowerShell, if there is one.
func (s *Shell) drop(ctx context.Context) error {
	l := s.current
	if s.current = nil; l == nil {
		return nil
	}
	return l.console.close(ctx, s.patience)
}

// open returns the PowerShell, which it starts if there is none. What surely could
// change nothing is tried again when the connection is lost.
func (s *Shell) open(ctx context.Context) (*loop, error) {
	if s.closed {
		return nil, errClosed
	}
	if !s.used.IsZero() && time.Since(s.used) > stale {
		_ = s.drop(ctx) // it may be gone
	}
	defer func() { s.used = time.Now() }()
	for try := 1; s.current == nil; try++ {
		err := s.openOnce(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case try == tries || !isLost(err) || !mayHaveHappened(err):
			return nil, explain("opening a PowerShell"+s.where(), err)
		}
	}
	return s.current, nil
}

func (s *Shell) openOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, shellOpens, errors.New("the PowerShell did not get the commands of Exchange within "+shellOpens.String()))
	defer cancel()
	l := &loop{answers: answerReader{nonce: rand.Text()}}
	var err error
	if l.console, err = s.start(ctx, l.answers.nonce, &l.answers, &l.stderr); err != nil {
		return err
	}
	if err = s.begin(ctx, l); err != nil {
		err = errors.Join(err, l.console.close(ctx, s.patience))
	} else {
		s.current = l
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = context.Cause(ctx) // tried again, it would only take as long again
	}
	return err
}

// begin makes a PowerShell one with the commands of Exchange.
func (s *Shell) begin(ctx context.Context, l *loop) error {
	if a, err := l.next(ctx); err != nil {
		return err
	} else if a.kind != answerHello {
		return unexpected(a)
	}
	// Only now: the host may have read on what it takes for its own next statement.
	params := s.opening
	if !s.password.IsZero() {
		params = append(params[:len(params):len(params)], exchange.Param{Name: "Password", Value: exchange.String(s.password.Reveal())})
	}
	a := newAttempt(nil, func(o exchange.Object) error { s.mode = o.Text(""); return nil })
	for i, p := range append([]exchange.Pipeline{{{Cmdlet: "Open-ExgExchange", Params: params}}}, s.settings...) {
		line, err := commandLine(p)
		if err == nil {
			err = l.command(ctx, line, a)
		}
		if err != nil {
			return err
		}
		if i == 0 && a.streams.Failed {
			return newStageError(a.stage, a.failure, s.place.Transport == string(WinRS))
		}
		a = newAttempt(p, nil)
	}
	return nil
}

//go:embed loop.ps1
var loopText string

//go:embed commands.ps1
var commandsText string

//go:embed open.ps1
var openText string

//go:embed script.ps1
var scriptText string

// statement is the one statement that a PowerShell is fed: loop.ps1, and what that
// loads. Base64 makes it one line of ASCII, in which nothing needs quoting; it holds
// nothing of what will be run.
func statement(nonce string) string {
	commands := strings.NewReplacer("# include: open.ps1\n", openText, "# include: script.ps1\n", scriptText).Replace(commandsText)
	return "& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('" +
		base64.StdEncoding.EncodeToString([]byte(loopText)) + "')))) " + nonce + " '" + base64.StdEncoding.EncodeToString([]byte(commands)) + "'"
}

// A parameter is a name and a text, texts or another value. Texts have a mark before
// them: ConvertFrom-Json makes a date of one that looks like it.
type parameter struct {
	Name  string   `json:"name"`
	Text  string   `json:"text,omitempty"`
	Texts []string `json:"texts,omitempty"`
	Value any      `json:"value,omitempty"`
}

const textMark = "="

func parametersOf(params []exchange.Param) ([]parameter, error) {
	list := []parameter{}
	for _, p := range params {
		one := parameter{Name: p.Name}
		var err error
		switch v := p.Value.(type) {
		case exchange.String:
			one.Text, err = textMark+string(v), exchange.CheckText(string(v))
		case exchange.Strings:
			one.Value = []string{}
			for _, s := range v {
				err = errors.Join(err, exchange.CheckText(s))
				one.Texts = append(one.Texts, textMark+s)
			}
		case exchange.Bool, exchange.Switch, exchange.Int:
			one.Value = v
		case exchange.Null:
		default:
			err = fmt.Errorf("a value of type %T cannot be sent", v)
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		list = append(list, one)
	}
	return list, nil
}

// commandLine is a command as loop.ps1 reads it.
func commandLine(p exchange.Pipeline) ([]byte, error) {
	if len(p) != 1 {
		return nil, fmt.Errorf("a pipeline of %d commands cannot be run here: one at a time", len(p))
	}
	parameters, err := parametersOf(p[0].Params)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p[0].Cmdlet, err)
	}
	return commandOf(p[0].Cmdlet, parameters)
}

func commandOf(cmdlet string, parameters []parameter) ([]byte, error) {
	return asciiLine(struct {
		Cmdlet     string      `json:"cmdlet"`
		Parameters []parameter `json:"parameters"`
	}{cmdlet, parameters})
}

// asciiLine is a value as a line of JSON in ASCII, which no code page changes.
func asciiLine(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('\n')
	return []byte(b.String()), nil
}

// A loop is a PowerShell in which loop.ps1 runs.
type loop struct {
	console console
	answers answerReader
	stderr  errorReader

	running   bool // a command
	questions int  // that were asked, with their numbers
	before    int  // how many, before the command began

	unsure bool // whether one came whole, or the PowerShell is there at all
	ended  bool // the output
}

// next returns the next answer.
func (l *loop) next(ctx context.Context) (answer, error) {
	asked := time.Now()
	for {
		a, ok, err := l.answers.next()
		if ok && a.kind == answerIdle {
			if n, err := strconv.Atoi(a.text()); err == nil && l.running && n > l.before {
				l.unsure = true // it was asked about this command
				return answer{}, &garbledError{"nothing runs any more, and the end of the command did not come"}
			}
			continue // its number has told what there is to know
		}
		if ok || err != nil {
			return a, err
		}
		if time.Since(asked) > quiet {
			l.questions++
			if err := l.console.write(ctx, fmt.Appendf(nil, "?%d\n", l.questions)); err != nil {
				return answer{}, err
			}
			asked = time.Now()
		}
		switch err := l.console.read(ctx); {
		case err == io.EOF:
			l.ended = true
			return answer{}, &endedError{"the PowerShell ended before it was done" + l.lastWords()}
		case err != nil:
			return answer{}, err
		}
	}
}

// lastWords is what there is to say of a PowerShell that ended without a word to us.
func (l *loop) lastWords() string {
	if words := l.stderr.summary(); words != "" {
		return "; it wrote: " + words
	}
	if words := l.answers.lastWords(); words != "" {
		return fmt.Sprintf("; its last words: %q", words)
	}
	return ""
}

func unexpected(a answer) error {
	return &garbledError{fmt.Sprintf("an answer of kind %.20q came at the wrong time", a.kind)}
}

// command runs a command to its end.
func (l *loop) command(ctx context.Context, line []byte, a *attempt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.console.write(ctx, line); err != nil {
		a.started, l.unsure = mayHaveHappened(err), true
		return err
	}
	a.started, l.running, l.before = true, true, l.questions
	for {
		answer, err := l.next(ctx)
		if err != nil {
			return err
		}
		if answer.kind == answerEnd {
			l.running = false
			a.tellDropped()
			return a.release()
		}
		if err := a.take(answer); err != nil {
			return err
		}
	}
}

// quell stops the command that runs, and takes the last of what it says. It returns
// whether the PowerShell can go on.
func (l *loop) quell(ctx context.Context, a *attempt, patience time.Duration) bool {
	if l.unsure || l.ended || l.answers.err != nil {
		return false
	}
	if !l.running {
		return true
	}
	ctx, cancel := aftermath.Within(ctx, patience)
	defer cancel()
	if l.console.write(ctx, []byte("\n")) != nil {
		return false
	}
	for thrown := 0; l.running; {
		answer, err := l.next(ctx)
		if thrown += answer.size; err != nil || a.told == nil && thrown > maxStopping {
			return false
		}
		if l.running = answer.kind != answerEnd; a.told != nil {
			_, _ = a.told(answer) // its last words
		}
	}
	return true
}

// An endedError is a PowerShell that is gone.
type endedError struct{ what string }

func (e *endedError) Error() string { return e.what }

// A garbledError is output that did not arrive as it was written.
type garbledError struct{ what string }

func (e *garbledError) Error() string { return "the PowerShell's output: " + e.what }
