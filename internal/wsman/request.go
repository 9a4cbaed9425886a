package wsman

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Request is one request for a shell. Which of the last fields counts is decided
// by Action; the others are zero.
type Request struct {
	Action           Action
	MessageID        string // "uuid:…"
	To               string // the endpoint's URL
	ResourceURI      string
	SessionID        string // "uuid:…", the same for all requests of a client; may be empty
	Locale           string // language of messages and of data, such as "en-US"; may be empty
	DataLocale       string // empty is Locale
	MaxEnvelope      int    // bytes of the largest reply that the client takes; 0 is not said
	OperationTimeout time.Duration
	Selectors        []Selector
	Options          []Option

	Create  *CreateShell
	Command *RunCommand
	Send    *SendInput
	Receive *ReceiveOutput
	Signal  *SignalCommand
}

// A Selector names the instance of a resource: a shell has one, "ShellId".
type Selector struct{ Name, Value string }

// An Option is a wish of a request. The server must fail when it does not know one
// with MustComply.
type Option struct {
	Name, Value string
	MustComply  bool
}

// CreateShell is the body of Create (MS-WSMV 2.2.4.37, MS-PSRP 3.1.5.3.1).
type CreateShell struct {
	ShellID          string // the client's choice; empty leaves it to the server
	Name             string
	Environment      []Selector // name and value
	WorkingDirectory string
	IdleTimeout      time.Duration // 0 is the server's
	InputStreams     string        // names with blanks between
	OutputStreams    string
	CreationXML      []byte // the payload of a PowerShell shell
}

// RunCommand is the body of Command (MS-WSMV 2.2.4.7, MS-PSRP 3.1.5.3.3).
// PowerShell has no Line, and Payload instead of Arguments.
type RunCommand struct {
	CommandID string // the client's choice; empty leaves it to the server
	Line      string
	Arguments []string
	Payload   []byte
}

// SendInput is the body of Send (MS-WSMV 2.2.4.32).
type SendInput struct{ Streams []Stream }

// A Stream is a piece of what flows into or out of a shell or, with a CommandID,
// of a command (MS-WSMV 2.2.4.40).
type Stream struct {
	Name      string // stdin, pr, stdout or stderr
	CommandID string
	End       bool // nothing follows in this stream
	Data      []byte
}

// ReceiveOutput is the body of Receive (MS-WSMV 2.2.4.30).
type ReceiveOutput struct {
	CommandID string // empty: of the shell itself
	Streams   string // names with blanks between
}

// SignalCommand is the body of Signal (MS-WSMV 2.2.4.38).
type SignalCommand struct {
	CommandID string
	Code      string
}

// ShellID returns the shell that the request is for, "" when it names none.
func (r *Request) ShellID() string {
	for _, s := range r.Selectors {
		if strings.EqualFold(s.Name, "ShellId") {
			return s.Value
		}
	}
	return ""
}

// Option returns the value of an option; names ignore case.
func (r *Request) Option(name string) (string, bool) {
	for _, o := range r.Options {
		if strings.EqualFold(o.Name, name) {
			return o.Value, true
		}
	}
	return "", false
}

// Append appends the request as an envelope. It fails when a text holds what XML
// cannot hold, or the body that Action needs is not there.
func (r *Request) Append(out []byte) ([]byte, error) {
	w := &writer{out: out}
	if r.Action == ActionIdentify {
		w.raw(`<s:Envelope xmlns:s="`, nsSOAP, `" xmlns:wsmid="`, nsIdentity, `"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>`)
		return w.out, nil
	}
	w.raw(`<s:Envelope xmlns:s="`, nsSOAP, `" xmlns:a="`, nsAddressing, `" xmlns:w="`, nsWSMan,
		`" xmlns:p="`, nsMicrosoft, `" xmlns:rsp="`, nsShell, `">`)
	r.header(w)
	w.raw("<s:Body>")
	if err := r.body(w); err != nil {
		return nil, err
	}
	w.raw("</s:Body></s:Envelope>")
	if w.err != nil {
		return nil, fmt.Errorf("WSMan %s: %w", r.Action.Name(), w.err)
	}
	return w.out, nil
}

const understand = ` s:mustUnderstand="true"`

// header writes the headers of MS-WSMV 3.1.4.1.
func (r *Request) header(w *writer) {
	w.raw("<s:Header>")
	w.element("a:Action"+understand, string(r.Action))
	w.element("a:To", r.To)
	w.element("a:MessageID", r.MessageID)
	w.raw("<a:ReplyTo><a:Address", understand, ">", anonymous, "</a:Address></a:ReplyTo>")
	w.element("w:ResourceURI"+understand, r.ResourceURI)
	if r.MaxEnvelope > 0 {
		w.element("w:MaxEnvelopeSize"+understand, strconv.Itoa(r.MaxEnvelope))
	}
	if r.OperationTimeout > 0 {
		w.element("w:OperationTimeout", formatDuration(r.OperationTimeout))
	}
	if r.Locale != "" {
		w.raw(`<w:Locale s:mustUnderstand="false"`)
		w.attribute("xml:lang", r.Locale)
		w.raw(`/><p:DataLocale s:mustUnderstand="false"`)
		w.attribute("xml:lang", firstOf(r.DataLocale, r.Locale))
		w.raw("/>")
	}
	w.optional(`p:SessionId s:mustUnderstand="false"`, r.SessionID)
	if len(r.Selectors) > 0 {
		w.raw("<w:SelectorSet>")
		w.named("w:Selector", r.Selectors)
		w.raw("</w:SelectorSet>")
	}
	r.options(w)
	w.raw("</s:Header>")
}

func (r *Request) options(w *writer) {
	if len(r.Options) == 0 {
		return
	}
	w.raw("<w:OptionSet", understand, ">")
	for _, o := range r.Options {
		w.raw("<w:Option")
		w.attribute("Name", o.Name)
		if o.MustComply {
			w.raw(` MustComply="true"`)
		}
		w.raw(">")
		w.text(o.Value)
		w.raw("</w:Option>")
	}
	w.raw("</w:OptionSet>")
}

func (w *writer) named(tag string, list []Selector) {
	for _, s := range list {
		w.raw("<", tag)
		w.attribute("Name", s.Name)
		w.raw(">")
		w.text(s.Value)
		w.end(tag)
	}
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func (r *Request) body(w *writer) error {
	switch {
	case r.Action == ActionDelete:
	case r.Action == ActionCreate && r.Create != nil:
		r.Create.write(w)
	case r.Action == ActionCommand && r.Command != nil:
		r.Command.write(w)
	case r.Action == ActionSend && r.Send != nil:
		w.raw("<rsp:Send>")
		writeStreams(w, r.Send.Streams)
		w.raw("</rsp:Send>")
	case r.Action == ActionReceive && r.Receive != nil:
		w.raw("<rsp:Receive><rsp:DesiredStream")
		w.attribute("CommandId", r.Receive.CommandID)
		w.raw(">")
		w.text(r.Receive.Streams)
		w.raw("</rsp:DesiredStream></rsp:Receive>")
	case r.Action == ActionSignal && r.Signal != nil:
		w.raw("<rsp:Signal")
		w.attribute("CommandId", r.Signal.CommandID)
		w.raw(">")
		w.element("rsp:Code", r.Signal.Code)
		w.raw("</rsp:Signal>")
	default:
		return fmt.Errorf("WSMan request %q has no body for its action", clip(string(r.Action)))
	}
	return nil
}

func (c *CreateShell) write(w *writer) {
	w.raw("<rsp:Shell")
	w.attribute("ShellId", c.ShellID)
	w.attribute("Name", c.Name)
	w.raw(">")
	if len(c.Environment) > 0 {
		w.raw("<rsp:Environment>")
		w.named("rsp:Variable", c.Environment)
		w.raw("</rsp:Environment>")
	}
	w.optional("rsp:WorkingDirectory", c.WorkingDirectory)
	if c.IdleTimeout > 0 {
		w.element("rsp:IdleTimeOut", formatDuration(c.IdleTimeout))
	}
	w.element("rsp:InputStreams", c.InputStreams)
	w.element("rsp:OutputStreams", c.OutputStreams)
	if len(c.CreationXML) > 0 {
		w.raw(`<creationXml xmlns="`, nsPowerShell, `">`)
		w.base64(c.CreationXML)
		w.raw("</creationXml>")
	}
	w.raw("</rsp:Shell>")
}

func (c *RunCommand) write(w *writer) {
	w.raw("<rsp:CommandLine")
	w.attribute("CommandId", c.CommandID)
	w.raw(">")
	w.element("rsp:Command", c.Line)
	if len(c.Payload) > 0 {
		w.raw("<rsp:Arguments>")
		w.base64(c.Payload)
		w.raw("</rsp:Arguments>")
	}
	for _, a := range c.Arguments {
		w.element("rsp:Arguments", a)
	}
	w.raw("</rsp:CommandLine>")
}

func writeStreams(w *writer, streams []Stream) {
	for _, s := range streams {
		w.raw("<rsp:Stream")
		w.attribute("Name", s.Name)
		w.attribute("CommandId", s.CommandID)
		if s.End {
			w.raw(` End="true"`)
		}
		w.raw(">")
		w.base64(s.Data)
		w.raw("</rsp:Stream>")
	}
}

// ParseRequest reads an envelope that a client sent. Its errors are of type
// *Fault: what to answer. The request is returned beside the error with what could
// be read, for the reply's RelatesTo.
//
// Data in the request may share memory with the envelope.
func ParseRequest(data []byte) (*Request, error) {
	r := &Request{}
	root, err := parseXML(data)
	if err != nil {
		return r, invalidXML(err.Error())
	}
	if !root.is(nsSOAP, "Envelope") {
		return r, invalidXML("the root is not a SOAP 1.2 Envelope")
	}
	header, body := root.child(nsSOAP, "Header"), root.child(nsSOAP, "Body")
	if body.find(nsIdentity, "Identify") != nil {
		r.Action = ActionIdentify
		return r, nil
	}
	if err := r.readHeader(header); err != nil {
		return r, err
	}
	return r, r.readBody(body)
}

func (r *Request) readHeader(header *element) error {
	r.Action = Action(header.child(nsAddressing, "Action").value())
	r.MessageID = header.child(nsAddressing, "MessageID").value()
	r.To = header.child(nsAddressing, "To").value()
	r.ResourceURI = header.child(nsWSMan, "ResourceURI").value()
	r.SessionID = header.child(nsMicrosoft, "SessionId").value()
	r.Locale = header.child(nsWSMan, "Locale").attribute(nsXML, "lang")
	r.DataLocale = header.child(nsMicrosoft, "DataLocale").attribute(nsXML, "lang")
	for _, name := range []string{"Action", "To", "MessageID", "ReplyTo"} {
		if header.find(nsAddressing, name) == nil {
			return missingHeader(name)
		}
	}
	if err := understood(header); err != nil {
		return err
	}
	if size := header.child(nsWSMan, "MaxEnvelopeSize").value(); size != "" {
		n, err := strconv.Atoi(size)
		if err != nil || n < minEnvelope {
			return envelopeTooSmall()
		}
		r.MaxEnvelope = min(n, math.MaxInt32)
	}
	if text := header.child(nsWSMan, "OperationTimeout").value(); text != "" {
		d, err := parseDuration(text)
		if err != nil {
			return invalidTimeout(text)
		}
		r.OperationTimeout = d
	}
	r.Selectors = readNamed(header.child(nsWSMan, "SelectorSet"), nsWSMan, "Selector")
	for _, o := range header.child(nsWSMan, "OptionSet").children {
		if o.is(nsWSMan, "Option") {
			r.Options = append(r.Options, Option{o.attribute("", "Name"), string(o.text), isTrue(o.attribute("", "MustComply"))})
		}
	}
	return nil
}

func readNamed(set *element, space, local string) []Selector {
	var list []Selector
	for _, e := range set.children {
		if e.is(space, local) {
			list = append(list, Selector{e.attribute("", "Name"), string(e.text)})
		}
	}
	return list
}

func isTrue(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// knownHeaders are the headers that may say mustUnderstand: those that are read,
// and those that change nothing here.
var knownHeaders = [...]string{"Action", "To", "ReplyTo", "MessageID", "ResourceURI", "MaxEnvelopeSize", "OperationTimeout",
	"Locale", "DataLocale", "SessionId", "OperationID", "SequenceId", "OptionSet", "SelectorSet", "ActivityId", "CompressionType"}

func understood(header *element) error {
	for _, e := range header.children {
		if !isTrue(e.attribute(nsSOAP, "mustUnderstand")) {
			continue
		}
		known := false
		for _, name := range knownHeaders {
			known = known || e.local == name
		}
		if !known {
			return notUnderstood(e.local)
		}
	}
	return nil
}

func (r *Request) readBody(body *element) error {
	var err error
	switch r.Action {
	case ActionDelete:
		return nil
	case ActionCreate:
		r.Create, err = readCreate(body.find(nsShell, "Shell"))
	case ActionCommand:
		r.Command, err = readCommand(body.find(nsShell, "CommandLine"))
	case ActionSend:
		streams, _, wrong := readStreams(body.find(nsShell, "Send"), "Send")
		if wrong != nil {
			return invalidXML(wrong.Error())
		}
		r.Send = &SendInput{Streams: streams}
	case ActionReceive:
		e := body.find(nsShell, "Receive")
		if e == nil {
			return invalidXML("Receive is missing")
		}
		d := e.child(nsShell, "DesiredStream")
		r.Receive = &ReceiveOutput{CommandID: d.attribute("", "CommandId"), Streams: d.value()}
	case ActionSignal:
		e := body.find(nsShell, "Signal")
		if e == nil {
			return invalidXML("Signal is missing")
		}
		r.Signal = &SignalCommand{CommandID: e.attribute("", "CommandId"), Code: e.child(nsShell, "Code").value()}
	default:
		return unknownAction(string(r.Action))
	}
	return err
}

func readCreate(e *element) (*CreateShell, error) {
	if e == nil {
		return nil, invalidXML("Shell is missing")
	}
	c := &CreateShell{
		ShellID:          e.attribute("", "ShellId"),
		Name:             firstOf(e.attribute("", "Name"), e.child(nsShell, "Name").value()),
		Environment:      readNamed(e.child(nsShell, "Environment"), nsShell, "Variable"),
		WorkingDirectory: e.child(nsShell, "WorkingDirectory").value(),
		InputStreams:     e.child(nsShell, "InputStreams").value(),
		OutputStreams:    e.child(nsShell, "OutputStreams").value(),
	}
	if text := e.child(nsShell, "IdleTimeOut").value(); text != "" {
		d, err := parseDuration(text)
		if err != nil {
			return nil, invalidTimeout(text)
		}
		c.IdleTimeout = d
	}
	var err error
	if c.CreationXML, err = appendBase64(nil, e.child(nsPowerShell, "creationXml").text); err != nil {
		return nil, invalidXML("creationXml is not base64")
	}
	return c, nil
}

func readCommand(e *element) (*RunCommand, error) {
	if e == nil {
		return nil, invalidXML("CommandLine is missing")
	}
	c := &RunCommand{CommandID: e.attribute("", "CommandId"), Line: string(e.child(nsShell, "Command").text)}
	for _, a := range e.children {
		if !a.is(nsShell, "Arguments") {
			continue
		}
		if c.Line != "" {
			c.Arguments = append(c.Arguments, string(a.text))
			continue
		}
		var err error
		if c.Payload, err = appendBase64(c.Payload, a.text); err != nil {
			return nil, invalidXML("Arguments is not base64")
		}
	}
	return c, nil
}

// readStreams decodes the Stream elements of e into one buffer, which it returns
// too.
func readStreams(e *element, name string) (streams []Stream, buffer []byte, err error) {
	if e == nil {
		return nil, nil, fmt.Errorf("%s is missing", name)
	}
	size := 0
	for _, c := range e.children {
		if c.is(nsShell, "Stream") {
			size += len(c.text)/4*3 + 3
		}
	}
	buffer = make([]byte, 0, size)
	for _, c := range e.children {
		if !c.is(nsShell, "Stream") {
			continue
		}
		start := len(buffer)
		if buffer, err = appendBase64(buffer, c.text); err != nil {
			return nil, nil, fmt.Errorf("a Stream is not base64: %w", err)
		}
		streams = append(streams, Stream{Name: c.attribute("", "Name"), CommandID: c.attribute("", "CommandId"),
			End: isTrue(c.attribute("", "End")), Data: buffer[start:len(buffer):len(buffer)]})
	}
	return streams, buffer, nil
}
