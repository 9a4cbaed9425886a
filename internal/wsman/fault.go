package wsman

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault codes (MS-WSMV 2.2.4.43, and the Windows header of WS-Management errors)
// that a client or server here decides on.
const (
	CodeAccessDenied       uint32 = 5
	CodeOperationAborted   uint32 = 995
	CodeOperationTimeout   uint32 = 0x80338029 // no output within OperationTimeout: ask again
	CodeInvalidSelectors   uint32 = 0x8033805B // no such shell, or no such command
	CodeUnknownResource    uint32 = 0x8033803B // the resource URI is not in the catalogue
	CodeInvalidResourceURI uint32 = 0x80338002 // no such session configuration
	CodeQuota              uint32 = 0x803381A5 // too many shells of this user
	CodeUserLoad           uint32 = 0x803381A7 // too many requests of this user in a time
	CodePlugin             uint32 = 0x80540FA0 // the PowerShell or Exchange plug-in refused
	CodeInvalidXML         uint32 = 0x80338043
	CodeMissingHeader      uint32 = 0x80338011
	CodeNotUnderstood      uint32 = 0x80338010
	CodeInvalidTimeout     uint32 = 0x8033800F
	CodeUnknownAction      uint32 = 0x80338013
	CodeEnvelopeTooSmall   uint32 = 0x8033806E
	CodeEnvelopeTooLarge   uint32 = 0x80338026
	CodeAlreadyExists      uint32 = 0x80338033
	CodeCommandExists      uint32 = 0x803381D2
	CodeInvalidValue       uint32 = 0x80338056 // a stream, signal or argument that the shell does not have
	CodeReceiveUnderWay    uint32 = 0x80338127
)

// minEnvelope is the least MaxEnvelopeSize (DSP0226 6.2).
const minEnvelope = 8192

// A Fault is a SOAP fault with the detail of MS-WSMV 2.2.4.43.
type Fault struct {
	Code         uint32 // of WSManFault; 0 when the fault has no such detail
	Sender       bool   // s:Sender: the request is wrong; else s:Receiver
	Subcode      string // such as "w:InvalidSelectors"
	Reason       string // may be empty
	Detail       string // w:FaultDetail, a URI
	Machine      string
	Message      string // of WSManFault; empty when a provider's text stands there
	Provider     string // such as "PowerShellplugin"
	ProviderPath string
	ProviderText string
}

// Error returns the text of the fault and its code.
func (f *Fault) Error() string {
	text := firstOf(f.ProviderText, f.Message, f.Reason)
	switch {
	case text == "" && f.Code == 0:
		return "WSMan fault " + f.Subcode
	case text == "":
		return fmt.Sprintf("WSMan fault %d (0x%08X) without a text", f.Code, f.Code)
	case f.Code == 0:
		return text
	}
	return fmt.Sprintf("%s (WSMan fault %d, 0x%08X)", text, f.Code, f.Code)
}

func (f *Fault) write(w *writer) {
	role := "s:Receiver"
	if f.Sender {
		role = "s:Sender"
	}
	w.raw("<s:Fault><s:Code>")
	w.element("s:Value", role)
	w.raw("<s:Subcode>")
	w.element("s:Value", f.Subcode)
	w.raw("</s:Subcode></s:Code><s:Reason>")
	w.element(`s:Text xml:lang="en-US"`, f.Reason)
	w.raw("</s:Reason><s:Detail>")
	w.optional("w:FaultDetail", f.Detail)
	w.raw(`<f:WSManFault xmlns:f="`, nsFault, `" Code="`, strconv.FormatUint(uint64(f.Code), 10), `"`)
	w.attribute("Machine", f.Machine)
	w.raw("><f:Message>")
	if f.Provider == "" {
		w.text(f.Message)
	} else {
		w.raw("<f:ProviderFault")
		w.attribute("provider", f.Provider)
		w.attribute("path", f.ProviderPath)
		w.raw(">")
		w.text(f.ProviderText)
		w.raw("</f:ProviderFault>")
	}
	w.raw("</f:Message></f:WSManFault></s:Detail></s:Fault>")
}

// action is the wsa:Action of the reply that holds the fault.
func (f *Fault) action() Action {
	if strings.HasPrefix(f.Subcode, "a:") {
		return actionAddressing
	}
	return actionFault
}

func readFault(e *element) *Fault {
	code := e.child(nsSOAP, "Code")
	f := &Fault{
		Sender:  strings.HasSuffix(code.child(nsSOAP, "Value").value(), ":Sender"),
		Subcode: code.child(nsSOAP, "Subcode").child(nsSOAP, "Value").value(),
		Reason:  e.child(nsSOAP, "Reason").child(nsSOAP, "Text").value(),
	}
	detail := e.child(nsSOAP, "Detail")
	f.Detail = detail.child(nsWSMan, "FaultDetail").value()
	if d := detail.find(nsFault, "WSManFault"); d != nil {
		f.readDetail(d)
	}
	return f
}

// readDetail reads a WSManFault. A provider may nest a second one; its code is the
// more precise.
func (f *Fault) readDetail(d *element) {
	if n, err := strconv.ParseUint(d.attribute("", "Code"), 10, 32); err == nil {
		f.Code = uint32(n)
	}
	f.Machine = firstOf(f.Machine, d.attribute("", "Machine"))
	message := d.child(nsFault, "Message")
	f.Message = firstOf(message.value(), f.Message)
	p := message.find(nsFault, "ProviderFault")
	if p == nil {
		return
	}
	f.Provider, f.ProviderPath = p.attribute("", "provider"), p.attribute("", "path")
	f.ProviderText = p.value()
	if inner := p.find(nsFault, "WSManFault"); inner != nil {
		nested := Fault{Code: f.Code}
		nested.readDetail(inner)
		f.Code = nested.Code
		f.ProviderText = firstOf(f.ProviderText, nested.ProviderText, nested.Message)
	}
}

// NewFault returns a fault with one text, as the service itself gives it.
func NewFault(code uint32, subcode, text string) *Fault {
	return &Fault{Code: code, Subcode: subcode, Reason: text, Message: text, Sender: true}
}

// NewPluginFault returns the fault of the plug-in behind the service: its text is
// in the provider's fault, and the reason is empty, as Exchange answers.
func NewPluginFault(code uint32, text string) *Fault {
	return &Fault{Code: code, Subcode: "w:InternalError", Provider: "PowerShellplugin",
		ProviderPath: `%windir%\system32\pwrshplugin.dll`, ProviderText: text}
}

// OperationTimeout is the fault of a Receive that had nothing to give in time.
func OperationTimeout() *Fault {
	f := NewFault(CodeOperationTimeout, "w:TimedOut", "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ")
	f.Sender = false
	return f
}

// NoShell is the fault of a request for a shell that is not there. Exchange writes
// where it looked before the text; prefix is that, or empty.
func NoShell(prefix, shellID string) *Fault {
	f := invalidSelectors()
	f.Message = prefix + "The request for the Windows Remote Shell with ShellId " + shellID + " failed because the shell was not found on the server. " +
		"Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the server. Provide the correct ShellId or create a new shell and retry the operation. "
	return f
}

// NoCommand is the fault of a request for a command that is not there, or that was
// told to be Done.
func NoCommand() *Fault {
	f := invalidSelectors()
	f.Message = "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist. " +
		"Either the command has completed execution or the client specified an invalid command identifier. "
	return f
}

func invalidSelectors() *Fault {
	f := NewFault(CodeInvalidSelectors, "w:InvalidSelectors",
		"The WS-Management service cannot process the request because the request contained invalid selectors for the resource. ")
	f.Detail = faultDetails + "UnexpectedSelectors"
	return f
}

// UnknownResource is the fault of a resource URI that the endpoint does not have.
func UnknownResource(uri string) *Fault {
	f := NewFault(CodeUnknownResource, "a:DestinationUnreachable", "The WS-Management service cannot process the request. The resource URI ("+uri+
		") was not found in the WS-Management catalog. The catalog contains the metadata that describes resources, or logical endpoints. ")
	f.Detail = faultDetails + "InvalidResourceURI"
	return f
}

// EnvelopeTooLarge is the fault of a request of more than so many bytes.
func EnvelopeTooLarge(limit int) *Fault {
	f := NewFault(CodeEnvelopeTooLarge, "w:EncodingLimit", fmt.Sprintf("The WS-Management service cannot process the request. "+
		"The size of the request exceeded the configured MaxEnvelopeSize of %d bytes. ", limit))
	f.Detail = faultDetails + "MaxEnvelopeSizeExceeded"
	return f
}

func invalidXML(why string) *Fault {
	return NewFault(CodeInvalidXML, "w:SchemaValidationError",
		"The WS-Management service cannot process the request because the XML is invalid: "+why+". ")
}

func missingHeader(name string) *Fault {
	f := NewFault(CodeMissingHeader, "a:MessageInformationHeaderRequired",
		"The WS-Management service cannot process the request. The request does not have all the expected SOAP headers. ")
	f.Detail = "a:" + name
	return f
}

func notUnderstood(name string) *Fault {
	return NewFault(CodeNotUnderstood, "s:NotUnderstood",
		"The WS-Management service cannot process the request because the request contains a SOAP header that is not understood: "+name+" ")
}

func invalidTimeout(text string) *Fault {
	return NewFault(CodeInvalidTimeout, "a:InvalidMessageInformationHeader",
		"The WS-Management service cannot process the request. The XML contains an invalid timeout field in the SOAP header: "+clip(text)+". ")
}

func unknownAction(action string) *Fault {
	return NewFault(CodeUnknownAction, "a:ActionNotSupported",
		"The WS-Management service does not support the action specified in the request: "+clip(action)+" ")
}

func envelopeTooSmall() *Fault {
	f := NewFault(CodeEnvelopeTooSmall, "w:EncodingLimit", fmt.Sprintf(
		"The WS-Management service cannot process the request. The MaxEnvelopeSize value specified in the request is too small: the least is %d. ", minEnvelope))
	f.Detail = faultDetails + "MinimumEnvelopeLimit"
	return f
}
