package wsman

// XML namespaces (MS-WSMV 2.2.1).
const (
	nsSOAP       = "http://www.w3.org/2003/05/soap-envelope"
	nsAddressing = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	nsWSMan      = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
	nsMicrosoft  = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
	nsTransfer   = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
	nsShell      = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
	nsFault      = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
	nsIdentity   = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
	nsPowerShell = "http://schemas.microsoft.com/powershell" // of creationXml, MS-PSRP 3.1.5.3.1
	nsXML        = "http://www.w3.org/XML/1998/namespace"
)

// An Action says what a request wants: the wsa:Action header.
type Action string

// The actions of a shell (MS-WSMV 3.1.4). A reply's action is its request's with
// "Response" appended.
const (
	ActionCreate  Action = nsTransfer + "/Create"
	ActionDelete  Action = nsTransfer + "/Delete"
	ActionCommand Action = nsShell + "/Command"
	ActionSend    Action = nsShell + "/Send"
	ActionReceive Action = nsShell + "/Receive"
	ActionSignal  Action = nsShell + "/Signal"
	// ActionIdentify is no wsa:Action: an Identify request (DSP0226 11) has no
	// headers.
	ActionIdentify Action = "Identify"
)

// Name returns the last part of the action: "Create", "Receive" …
func (a Action) Name() string {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] == '/' {
			return string(a[i+1:])
		}
	}
	return string(a)
}

const (
	anonymous        = nsAddressing + "/role/anonymous"
	actionFault      = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
	actionAddressing = nsAddressing + "/fault"
	faultDetails     = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
)

// Resource URIs.
const (
	ResourceExchange   = nsPowerShell + "/Microsoft.Exchange"
	ResourcePowerShell = nsPowerShell + "/Microsoft.PowerShell"
	ResourceCommand    = nsShell + "/cmd" // the command shell of WinRS
)

// Signal codes. PowerShell stops a pipeline with SignalPowerShellStop, which is no
// URI, is misspelt, and is compared to the letter (MS-PSRP 3.1.5.3.9): it takes every
// other code for the end of the command. MS-WSMV 2.2.4.38 has the others.
const (
	SignalPowerShellStop = "powershell/signal/crtl_c"
	SignalTerminate      = nsShell + "/signal/terminate"
	SignalCtrlC          = nsShell + "/signal/ctrl_c"
)

// Command states (MS-WSMV 2.2.4.4).
const (
	StateDone    = nsShell + "/CommandState/Done"
	statePending = nsShell + "/CommandState/Pending"
	StateRunning = nsShell + "/CommandState/Running"
)

// optionKeepAlive is the option of a Receive that keeps the shell's idle timer
// from running out while it waits (MS-WSMV 3.1.4.14).
const optionKeepAlive = "WSMAN_CMDSHELL_OPTION_KEEPALIVE"

// OptionProtocolVersion is the option of a PowerShell shell's Create (MS-PSRP
// 3.1.5.3.1).
const OptionProtocolVersion = "protocolversion"

// ContentType is what requests and replies are sent as (MS-WSMV 2.1).
const ContentType = "application/soap+xml;charset=UTF-8"
