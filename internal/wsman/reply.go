package wsman

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Reply is the answer to a request: one of the bodies, or a fault. SendResponse,
// SignalResponse and the answer to Delete have nothing in them.
type Reply struct {
	Action    Action // of the request that it answers; the wsa:Action follows from it
	MessageID string
	RelatesTo string // the request's MessageID

	Created  *ShellCreated
	Command  *CommandStarted
	Received *Received
	Identity *Identity
	Fault    *Fault
}

// ShellCreated is the answer to Create: ResourceCreated (MS-PSRP 3.1.5.3.2) and
// the shell as it came to be (MS-WSMV 2.2.4.37).
type ShellCreated struct {
	Address       string
	ResourceURI   string
	Selectors     []Selector // what the requests for the shell must have
	Name          string
	Owner         string
	ClientIP      string
	IdleTimeout   time.Duration
	InputStreams  string
	OutputStreams string
}

// CommandStarted is the answer to Command (MS-WSMV 2.2.4.8).
type CommandStarted struct{ CommandID string }

// Received is the answer to Receive (MS-WSMV 2.2.4.31).
type Received struct {
	Streams   []Stream
	CommandID string // that the state is of
	State     string // StateDone, StatePending, StateRunning, or empty when nothing was said
	ExitCode  int    // of a command that is done
	NoExit    bool   // the command is done, and nothing was said about its exit code

	all []byte // the data of a parsed reply's streams, one after the other
}

// Done reports whether the command has ended: nothing more will come.
func (r *Received) Done() bool { return r.State == StateDone }

// An Identity says what answers (DSP0226 11).
type Identity struct {
	ProtocolVersion string
	Vendor          string
	Version         string
}

// Append appends the reply as an envelope. It fails when a text holds what XML
// cannot hold.
func (r *Reply) Append(out []byte) ([]byte, error) {
	w := &writer{out: out}
	if r.Identity != nil {
		r.Identity.write(w)
		return w.out, w.err
	}
	w.raw(`<s:Envelope xml:lang="en-US" xmlns:s="`, nsSOAP, `" xmlns:a="`, nsAddressing, `" xmlns:x="`, nsTransfer,
		`" xmlns:w="`, nsWSMan, `" xmlns:rsp="`, nsShell, `" xmlns:p="`, nsMicrosoft, `"><s:Header>`)
	action := r.Action + "Response"
	if r.Fault != nil {
		action = r.Fault.action()
	}
	w.element("a:Action", string(action))
	w.element("a:MessageID", r.MessageID)
	w.element("a:To", anonymous)
	w.optional("a:RelatesTo", r.RelatesTo)
	w.raw("</s:Header><s:Body>")
	if err := r.body(w); err != nil {
		return nil, err
	}
	w.raw("</s:Body></s:Envelope>")
	if w.err != nil {
		return nil, fmt.Errorf("WSMan reply to %s: %w", r.Action.Name(), w.err)
	}
	return w.out, nil
}

func (r *Reply) body(w *writer) error {
	switch {
	case r.Fault != nil:
		r.Fault.write(w)
	case r.Action == ActionDelete:
	case r.Action == ActionCreate && r.Created != nil:
		r.Created.write(w)
	case r.Action == ActionCommand && r.Command != nil:
		w.raw("<rsp:CommandResponse>")
		w.element("rsp:CommandId", r.Command.CommandID)
		w.raw("</rsp:CommandResponse>")
	case r.Action == ActionSend:
		w.raw("<rsp:SendResponse/>")
	case r.Action == ActionReceive && r.Received != nil:
		r.Received.write(w)
	case r.Action == ActionSignal:
		w.raw("<rsp:SignalResponse/>")
	default:
		return fmt.Errorf("WSMan reply to %q has no body for its action", clip(string(r.Action)))
	}
	return nil
}

func (c *ShellCreated) write(w *writer) {
	w.raw("<x:ResourceCreated>")
	w.element("a:Address", c.Address)
	w.raw("<a:ReferenceParameters>")
	w.element("w:ResourceURI", c.ResourceURI)
	w.raw("<w:SelectorSet>")
	w.named("w:Selector", c.Selectors)
	w.raw("</w:SelectorSet></a:ReferenceParameters></x:ResourceCreated><rsp:Shell>")
	for _, s := range c.Selectors {
		if strings.EqualFold(s.Name, "ShellId") {
			w.element("rsp:ShellId", s.Value)
		}
	}
	w.optional("rsp:Name", c.Name)
	w.element("rsp:ResourceUri", c.ResourceURI)
	w.optional("rsp:Owner", c.Owner)
	w.optional("rsp:ClientIP", c.ClientIP)
	w.element("rsp:IdleTimeOut", formatDuration(c.IdleTimeout))
	w.element("rsp:InputStreams", c.InputStreams)
	w.element("rsp:OutputStreams", c.OutputStreams)
	w.raw("</rsp:Shell>")
}

func (r *Received) write(w *writer) {
	w.raw("<rsp:ReceiveResponse>")
	writeStreams(w, r.Streams)
	if r.State != "" {
		w.raw("<rsp:CommandState")
		w.attribute("CommandId", r.CommandID)
		w.attribute("State", r.State)
		w.raw(">")
		if r.Done() && !r.NoExit {
			w.element("rsp:ExitCode", strconv.Itoa(r.ExitCode))
		}
		w.raw("</rsp:CommandState>")
	}
	w.raw("</rsp:ReceiveResponse>")
}

func (i *Identity) write(w *writer) {
	w.raw(`<s:Envelope xml:lang="en-US" xmlns:s="`, nsSOAP, `"><s:Header/><s:Body><wsmid:IdentifyResponse xmlns:wsmid="`, nsIdentity, `">`)
	w.element("wsmid:ProtocolVersion", i.ProtocolVersion)
	w.element("wsmid:ProductVendor", i.Vendor)
	w.element("wsmid:ProductVersion", i.Version)
	w.raw("</wsmid:IdentifyResponse></s:Body></s:Envelope>")
}

// parseReply reads an envelope that a server sent. The error says in what way it
// is no reply to a request of this package.
//
// Data in the reply may share memory with the envelope.
func parseReply(data []byte) (*Reply, error) {
	root, err := parseXML(data)
	if err != nil {
		return nil, err
	}
	if !root.is(nsSOAP, "Envelope") {
		return nil, fmt.Errorf("the root is <%s>, not a SOAP 1.2 Envelope", clip(root.local))
	}
	header, body := root.child(nsSOAP, "Header"), root.child(nsSOAP, "Body")
	r := &Reply{MessageID: header.child(nsAddressing, "MessageID").value(), RelatesTo: header.child(nsAddressing, "RelatesTo").value()}
	if f := body.find(nsSOAP, "Fault"); f != nil {
		r.Fault = readFault(f)
		return r, nil
	}
	if i := body.find(nsIdentity, "IdentifyResponse"); i != nil {
		r.Action = ActionIdentify
		r.Identity = &Identity{i.child(nsIdentity, "ProtocolVersion").value(),
			i.child(nsIdentity, "ProductVendor").value(), i.child(nsIdentity, "ProductVersion").value()}
		return r, nil
	}
	action, ok := strings.CutSuffix(header.child(nsAddressing, "Action").value(), "Response")
	if !ok {
		return nil, fmt.Errorf("the action %q is not that of a reply", clip(action))
	}
	r.Action = Action(action)
	return r, r.readBody(body)
}

func (r *Reply) readBody(body *element) error {
	switch r.Action {
	case ActionDelete, ActionSend, ActionSignal:
	case ActionCreate:
		return r.readCreated(body)
	case ActionCommand:
		id := body.child(nsShell, "CommandResponse").child(nsShell, "CommandId").value()
		if id == "" {
			return fmt.Errorf("the CommandResponse names no command")
		}
		r.Command = &CommandStarted{id}
	case ActionReceive:
		return r.readReceived(body.find(nsShell, "ReceiveResponse"))
	default:
		return fmt.Errorf("the action %q answers no request", clip(string(r.Action)))
	}
	return nil
}

func (r *Reply) readCreated(body *element) error {
	created, shell := body.child(nsTransfer, "ResourceCreated"), body.child(nsShell, "Shell")
	reference := created.child(nsAddressing, "ReferenceParameters")
	c := &ShellCreated{
		Address:       created.child(nsAddressing, "Address").value(),
		ResourceURI:   reference.child(nsWSMan, "ResourceURI").value(),
		Selectors:     readNamed(reference.child(nsWSMan, "SelectorSet"), nsWSMan, "Selector"),
		Name:          shell.child(nsShell, "Name").value(),
		Owner:         shell.child(nsShell, "Owner").value(),
		ClientIP:      shell.child(nsShell, "ClientIP").value(),
		InputStreams:  shell.child(nsShell, "InputStreams").value(),
		OutputStreams: shell.child(nsShell, "OutputStreams").value(),
	}
	if len(c.Selectors) == 0 {
		return fmt.Errorf("ResourceCreated has no selectors")
	}
	if text := shell.child(nsShell, "IdleTimeOut").value(); text != "" {
		d, err := parseDuration(text)
		if err != nil {
			return fmt.Errorf("IdleTimeOut: %w", err)
		}
		c.IdleTimeout = d
	}
	r.Created = c
	return nil
}

func (r *Reply) readReceived(e *element) error {
	streams, all, err := readStreams(e, "ReceiveResponse")
	if err != nil {
		return err
	}
	r.Received = &Received{Streams: streams, all: all}
	state := e.find(nsShell, "CommandState")
	if state == nil {
		return nil
	}
	r.Received.CommandID = state.attribute("", "CommandId")
	r.Received.State = state.attribute("", "State")
	if text := state.child(nsShell, "ExitCode").value(); text != "" {
		// Windows writes exit codes as unsigned or as signed numbers of 32 bits.
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n != int64(int32(n)) && n != int64(uint32(n)) {
			return fmt.Errorf("the ExitCode %q is no number of 32 bits", clip(text))
		}
		r.Received.ExitCode = int(int32(n))
	} else {
		r.Received.NoExit = r.Received.Done()
	}
	return nil
}
