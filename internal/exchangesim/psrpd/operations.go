package psrpd

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
)

// The streams of a PowerShell shell (MS-PSRP 3.1.5.3.1).
const (
	inputStreams  = "stdin pr"
	outputStreams = "stdout"
)

const defaultTimeout = time.Minute // of an operation (DSP0226 6.1)

func asFault(err error) *wsman.Fault {
	var f *wsman.Fault
	if errors.As(err, &f) {
		return f
	}
	return wsman.NewPluginFault(wsman.CodePlugin, err.Error())
}

// operate carries a request out.
func (s *Server) operate(ctx context.Context, x *exchanged) (*wsman.Reply, error) {
	r := x.request
	switch {
	case r.Action == wsman.ActionIdentify:
		return &wsman.Reply{Identity: &wsman.Identity{ProtocolVersion: "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
			Vendor: "Microsoft Corporation", Version: "OS: 0.0.0 SP: 0.0 Stack: 3.0"}}, nil
	case !strings.EqualFold(r.ResourceURI, wsman.ResourceExchange):
		return nil, wsman.UnknownResource(r.ResourceURI)
	case r.Action == wsman.ActionCreate:
		return s.create(x)
	}
	sh, err := s.borrow(x)
	if err != nil {
		return nil, err
	}
	defer s.giveBack(sh)
	switch r.Action {
	case wsman.ActionCommand:
		return s.command(sh, x)
	case wsman.ActionSend:
		return &wsman.Reply{}, sh.receiveInput(r.Send, x)
	case wsman.ActionReceive:
		return sh.fetch(ctx, x)
	case wsman.ActionSignal:
		return &wsman.Reply{}, sh.signal(r.Signal, x)
	}
	s.remove(sh) // Delete: the parser knows no other action
	return &wsman.Reply{}, nil
}

func (s *Server) create(x *exchanged) (*wsman.Reply, error) {
	s.reap()
	r := x.request
	if v, ok := r.Option(wsman.OptionProtocolVersion); ok && !strings.HasPrefix(v, "2.") {
		return nil, wsman.NewPluginFault(wsman.CodePlugin, "The protocol version "+v+" is not supported.")
	}
	session := s.config.Organization.Session(exchangesim.SessionOptions{User: x.event.User})
	if len(session.Commands()) == 0 {
		return nil, wsman.NewPluginFault(wsman.CodePlugin, "[AuthZRequestId="+strings.ToLower(s.config.NewID())+
			"][FailureCategory=AuthZ-CmdletAccessDeniedException] The user \""+session.User()+"\" isn't assigned to any management roles.")
	}
	sh := &shell{id: r.Create.ShellID, user: x.event.User, idle: s.config.IdleTimeout, session: session}
	if d := r.Create.IdleTimeout; d > 0 {
		sh.idle = min(d, sh.idle)
	}
	if _, err := psrp.ParseGUID(sh.id); err != nil {
		sh.id = s.config.NewID()
	}
	sh.pool = psrp.NewServerPool(psrp.ServerConfig{MaxFragment: maxFragment(r.MaxEnvelope), PSVersion: "5.1.17763.1"})
	opened, err := sh.pool.Receive(r.Create.CreationXML)
	if err != nil {
		return nil, err
	}
	sh.out.fragments = opened
	if err := s.add(sh); err != nil {
		return nil, err
	}
	x.cookie, x.event.Shell = true, sh.id
	return &wsman.Reply{Created: &wsman.ShellCreated{
		Address: "http://" + serverFQDN + path + "/", ResourceURI: wsman.ResourceExchange,
		Selectors: []wsman.Selector{{Name: "ShellId", Value: sh.id}}, Name: r.Create.Name, Owner: session.User(),
		IdleTimeout: sh.idle, InputStreams: inputStreams, OutputStreams: outputStreams,
	}}, nil
}

// aroundStreams is what a reply to Receive takes beside its streams, aroundStream
// what one stream takes beside its data.
const (
	aroundStreams = 2048
	aroundStream  = 120
)

// maxFragment is the size of fragments that fit into the client's envelopes, and
// not more than what Windows sends.
func maxFragment(envelope int) int {
	if envelope == 0 {
		envelope = wsman.DefaultMaxEnvelope
	}
	return min(32<<10, (envelope-aroundStreams-aroundStream)/4*3)
}

func streamCost(fragment []byte) int {
	return base64.StdEncoding.EncodedLen(len(fragment)) + aroundStream
}

func (s *Server) remove(sh *shell) {
	s.mu.Lock()
	delete(s.shells, strings.ToUpper(sh.id))
	s.mu.Unlock()
	sh.end()
}

// command makes a pipeline. It starts to run when all of it has come.
func (s *Server) command(sh *shell, x *exchanged) (*wsman.Reply, error) {
	c := x.request.Command
	if c.CommandID == "" {
		c.CommandID = s.config.NewID()
	}
	x.event.Command = c.CommandID
	id, err := psrp.ParseGUID(c.CommandID)
	if err != nil {
		return nil, err
	}
	p, err := sh.newPipeline(id, c.CommandID)
	if err != nil {
		return nil, err
	}
	p.run = func() { s.runs.Go(func() { p.work(sh) }) }
	if err := p.receive(c.Payload); err != nil {
		sh.forget(p)
		return nil, err
	}
	return &wsman.Reply{Command: &wsman.CommandStarted{CommandID: c.CommandID}}, nil
}

// receiveInput takes fragments for the pool and for pipelines.
func (sh *shell) receiveInput(send *wsman.SendInput, x *exchanged) error {
	for _, stream := range send.Streams {
		if !slices.Contains(strings.Fields(inputStreams), stream.Name) {
			return wsman.NewFault(wsman.CodeInvalidValue, "w:SchemaValidationError",
				"The Windows Remote Shell received a request with a stream that does not exist: "+stream.Name+". ")
		}
		if stream.CommandID == "" {
			if err := sh.receivePool(stream.Data); err != nil {
				return err
			}
			continue
		}
		x.event.Command = stream.CommandID
		p, err := sh.pipelineOf(stream.CommandID)
		if err == nil {
			err = p.receive(stream.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (sh *shell) receivePool(data []byte) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	answer, err := sh.pool.Receive(data)
	if err == nil {
		sh.out.put(context.Background(), answer...) // a few words: there is room, or the client does not read them
	}
	return err
}

// fetch answers a Receive: what is there, or what comes in time.
func (sh *shell) fetch(ctx context.Context, x *exchanged) (*wsman.Reply, error) {
	r := x.request
	from, p := &sh.out, (*pipeline)(nil)
	if id := r.Receive.CommandID; id != "" {
		x.event.Command = id
		var err error
		if p, err = sh.pipelineOf(id); err != nil {
			return nil, err
		}
		from = &p.out
	}
	limit, envelope := r.OperationTimeout, r.MaxEnvelope
	if limit == 0 {
		limit = defaultTimeout
	}
	if envelope == 0 {
		envelope = wsman.DefaultMaxEnvelope
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	fragments, done, result := from.take(ctx, envelope-aroundStreams, streamCost)
	switch result {
	case fetchBusy:
		return nil, wsman.NewFault(wsman.CodeReceiveUnderWay, "w:Concurrency",
			"The Windows Remote Shell cannot process the request: a Receive operation is under way for this command or shell already. ")
	case fetchLate:
		return nil, wsman.OperationTimeout()
	case fetchGone:
		return nil, wsman.NewFault(wsman.CodeOperationAborted, "w:InternalError",
			"The I/O operation has been aborted because of either a thread exit or an application request. ")
	}
	if done && p != nil {
		sh.forget(p) // Windows does, once the end is told
	}
	x.undo = func() {
		from.giveBack(fragments)
		if done && p != nil {
			sh.keep(p)
		}
	}
	return &wsman.Reply{Received: received(r.Receive.CommandID, fragments, done && p != nil)}, nil
}

func received(commandID string, fragments [][]byte, done bool) *wsman.Received {
	r := &wsman.Received{CommandID: commandID}
	for _, f := range fragments {
		r.Streams = append(r.Streams, wsman.Stream{Name: outputStreams, CommandID: commandID, Data: f})
	}
	if done {
		r.State = wsman.StateDone
	}
	return r
}

// signal stops a pipeline, or ends it at once and forgets it: PowerShell takes every
// code but its own for the end (PowerShell's PerformWSManPluginSignal). What is gone
// already may be ended once more.
func (sh *shell) signal(signal *wsman.SignalCommand, x *exchanged) error {
	x.event.Command = signal.CommandID
	p, err := sh.pipelineOf(signal.CommandID)
	switch {
	case signal.Code == wsman.SignalPowerShellStop:
		if err == nil {
			p.cancel()
		}
		return err
	case err == nil:
		sh.forget(p)
		p.cancel()
		p.out.close()
	}
	return nil
}
