package wsman

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The streams of a PowerShell shell (MS-PSRP 3.1.5.3.1).
const (
	streamsIn  = "stdin pr"
	streamsOut = "stdout"
)

// A CreateRequest says what shell to create. The zero value but for Payload is a
// PowerShell shell as it should be.
type CreateRequest struct {
	ShellID         string // GUID in upper case; empty takes a new one
	Name            string
	Payload         []byte        // the PSRP fragments that open the runspace pool
	ProtocolVersion string        // of PSRP; empty is "2.3"
	IdleTimeout     time.Duration // 0 is the server's
	InputStreams    string        // empty is "stdin pr"
	OutputStreams   string        // empty is "stdout"
}

// A Shell is one shell on the server. It is safe for concurrent use.
type Shell struct {
	client    *Client
	selectors []Selector
	streams   string
}

// Create makes a shell. When the answer is lost, the shell may be there all the
// same: Attach with the request's ShellID, then Delete.
func (c *Client) Create(ctx context.Context, create CreateRequest) (*Shell, error) {
	r := c.request(ActionCreate, nil)
	r.OperationTimeout = c.config.OpenTimeout
	r.Options = []Option{{OptionProtocolVersion, firstOf(create.ProtocolVersion, "2.3"), true}}
	r.Create = &CreateShell{
		ShellID:       create.ShellID,
		Name:          create.Name,
		IdleTimeout:   create.IdleTimeout,
		InputStreams:  firstOf(create.InputStreams, streamsIn),
		OutputStreams: firstOf(create.OutputStreams, streamsOut),
		CreationXML:   create.Payload,
	}
	if r.Create.ShellID == "" {
		r.Create.ShellID = c.config.NewID()
	}
	reply, err := c.do(ctx, r, c.config.OpenTimeout)
	if err != nil {
		return nil, err
	}
	return &Shell{c, reply.Created.Selectors, r.Create.OutputStreams}, nil
}

// repeatable reports whether a request may reach the server twice: the second Create
// or Command of the same identifier is refused as such, and that of the others does
// nothing. A second Receive would get what comes after the output of the first.
func (r *Request) repeatable() bool {
	switch {
	case r.Create != nil:
		return r.Create.ShellID != ""
	case r.Command != nil:
		return r.Command.CommandID != ""
	}
	return r.Action == ActionSignal || r.Action == ActionDelete || r.Action == ActionIdentify
}

// Attach returns a PowerShell shell that is known to exist, or may exist. It
// contacts nobody.
func (c *Client) Attach(shellID string) *Shell {
	return &Shell{c, []Selector{{"ShellId", shellID}}, streamsOut}
}

// ID returns the shell's identifier.
func (s *Shell) ID() string {
	r := Request{Selectors: s.selectors}
	return r.ShellID()
}

func (s *Shell) request(action Action) *Request { return s.client.request(action, s.selectors) }

func (s *Shell) do(ctx context.Context, r *Request) (*Reply, error) {
	return s.client.do(ctx, r, s.client.config.OperationTimeout)
}

// Command starts a pipeline. firstFragments holds the first fragments of its
// CREATE_PIPELINE message; the others follow by Send.
func (s *Shell) Command(ctx context.Context, commandID string, firstFragments []byte) error {
	r := s.request(ActionCommand)
	r.Command = &RunCommand{CommandID: commandID, Payload: firstFragments}
	reply, err := s.do(ctx, r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(reply.Command.CommandID, commandID) {
		return &ProtocolError{ActionCommand, s.client.config.URL,
			"the command got another identifier than was asked for: " + clip(reply.Command.CommandID), nil}
	}
	return nil
}

// Send passes fragments on, to a command or, when commandID is empty, to the
// shell.
func (s *Shell) Send(ctx context.Context, commandID string, data []byte) error {
	return s.send(ctx, Stream{Name: "stdin", CommandID: commandID, Data: data})
}

// SendResponse passes fragments on that answer a host call (MS-PSRP 3.1.5.1.1).
func (s *Shell) SendResponse(ctx context.Context, commandID string, data []byte) error {
	return s.send(ctx, Stream{Name: "pr", CommandID: commandID, Data: data})
}

func (s *Shell) send(ctx context.Context, stream Stream) error {
	r := s.request(ActionSend)
	r.Send = &SendInput{Streams: []Stream{stream}}
	_, err := s.do(ctx, r)
	return err
}

// A ReceiveResult is what one Receive brought.
type ReceiveResult struct {
	Data     []byte   // of all streams, in order, one after the other
	Streams  []Stream // the same by stream; their data are slices of Data
	Done     bool     // the command has ended: nothing more will come, and the server has forgotten it
	Pending  bool     // the command waits for an answer of its host
	ExitCode int      // of a command that is done
}

// maxQuick is how often in a row a server may say that it has nothing long before the
// operation's time-out, until which it should wait for output.
const maxQuick = 20

// ErrNothing is in the error of a Receive that was answered again and again at once,
// and never by anything.
var ErrNothing = errors.New("that it has nothing yet")

// Receive waits for output of a command or, when commandID is empty, of the shell.
// It asks again whenever the server had nothing to give in time, until there is
// something, or ctx ends. Only one Receive for the same command waits at a time.
func (s *Shell) Receive(ctx context.Context, commandID string) (ReceiveResult, error) {
	for quick := 0; ; {
		start := s.client.config.Now()
		result, err := s.receive(ctx, commandID)
		var fault *FaultError
		nothing := errors.As(err, &fault) && fault.Code == CodeOperationTimeout ||
			err == nil && len(result.Data) == 0 && !result.Done && !result.Pending
		if !nothing {
			return result, err
		}
		// A server that says at once that it has nothing must not be asked without a
		// break.
		if s.client.config.Now().Sub(start) > s.client.config.OperationTimeout/4 {
			quick = 0
			continue
		}
		if quick++; quick > maxQuick {
			return ReceiveResult{}, &ProtocolError{ActionReceive, s.client.config.URL, fmt.Sprintf("the server said %d times, and at once", quick), ErrNothing}
		}
		if err := s.pause(ctx, time.Duration(1<<min(quick, 6))*20*time.Millisecond); err != nil {
			return ReceiveResult{}, err
		}
	}
}

// pause waits, unless ctx ends first.
func (s *Shell) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &NetworkError{ActionReceive, s.client.config.URL, true, ctx.Err()}
	}
}

func (s *Shell) receive(ctx context.Context, commandID string) (ReceiveResult, error) {
	r := s.request(ActionReceive)
	r.Receive = &ReceiveOutput{CommandID: commandID, Streams: s.streams}
	r.Options = []Option{{Name: optionKeepAlive, Value: "True"}}
	reply, err := s.do(ctx, r)
	if err != nil {
		return ReceiveResult{}, err
	}
	received := reply.Received
	result := ReceiveResult{Data: received.all, Streams: received.Streams, Done: received.Done(),
		Pending: received.State == statePending, ExitCode: received.ExitCode}
	for _, stream := range received.Streams {
		if !strings.EqualFold(stream.CommandID, commandID) {
			return ReceiveResult{}, &ProtocolError{ActionReceive, s.client.config.URL, "the answer has output of another command", nil}
		}
	}
	return result, nil
}

// Signal sends a signal, such as SignalPowerShellStop, to a command.
func (s *Shell) Signal(ctx context.Context, commandID, code string) error {
	r := s.request(ActionSignal)
	r.Signal = &SignalCommand{CommandID: commandID, Code: code}
	_, err := s.do(ctx, r)
	return err
}

// deletes is how often a Delete is asked for at most. It can be repeated: the
// second finds no shell.
const deletes = 3

// Delete ends the shell and all that runs in it. A shell that is no longer there is
// no error. When no answer comes, as on a connection that was cut, it asks again.
func (s *Shell) Delete(ctx context.Context) error {
	for try := 1; ; try++ {
		_, err := s.do(ctx, s.request(ActionDelete))
		var fault *FaultError
		var network *NetworkError
		var garbled *ProtocolError
		switch {
		case errors.As(err, &fault) && fault.Code == CodeInvalidSelectors:
			return nil
		case try == deletes || ctx.Err() != nil || !errors.As(err, &network) && !errors.As(err, &garbled):
			return err
		}
	}
}
