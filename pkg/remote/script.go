package remote

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A Transport is a way to an organization.
type Transport string

// The transports. PSRP takes single commands (New, Dial); the others run whole
// scripts in a PowerShell: the one that WinRM's remote shell starts on a server
// (NewWinRS), or one of this computer (NewLocal).
const (
	PSRP  Transport = "psrp"
	WinRS Transport = "winrs"
	Local Transport = "local"
)

// Transports returns every transport, the usual one first.
func Transports() []Transport { return []Transport{PSRP, WinRS, Local} }

// A Runner runs generated scripts in a PowerShell. It runs one at a time and is
// safe for concurrent use. Whoever made it closes it.
type Runner interface {
	// Run runs one script to its end and returns its report. Errors about the way there
	// are of type *Error. One about a script that may have changed something is, or
	// wraps, an *exchange.LostReplyError.
	Run(ctx context.Context, s Script) (*ScriptResult, error)

	// Target says where scripts run, for reports.
	Target() exchange.Target

	// Close ends what is held for the runner. It is done even when ctx has ended. A
	// second Close does nothing.
	Close(ctx context.Context) error
}

// A Script is one run of a generated script.
type Script struct {
	Text       []byte           // the file, byte for byte
	Name       string           // of the file, while it runs; empty is script.ps1
	Parameters []exchange.Param // -RecordMarker is added

	// ReadsOnly says that this run changes nothing: when its end is lost, it is run
	// again.
	ReadsOnly bool

	// Ask names commands that must not run yet: the script is refused them, and the
	// result says so.
	Ask []string

	// Progress is called with each step as it ends; may be nil.
	Progress func(exchange.Step)
}

// A ScriptResult is what a script that came to its end gave.
type ScriptResult struct {
	Report exchange.Report

	// ExitCode is that of the PowerShell, where it was told.
	ExitCode  int
	ExitKnown bool

	// Asked are the commands of Script.Ask that the script wanted.
	Asked []Question

	// Errors are those of standard error: what the script wrote there on its way.
	Errors []exchange.ErrorRecord
}

// A Question is a command that a script wanted to run and was not let.
type Question struct {
	Command string `json:"command"`
	Exists  bool   `json:"exists"` // the session has it
}

// ScriptOptions are those of the transports that run scripts.
type ScriptOptions struct {
	// RequireSigned refuses a script without a valid signature. One that is signed is
	// always checked.
	RequireSigned bool

	// RemoteExchange leaves it to the script to open the management shell that is
	// installed where it runs, instead of a session of the server's Exchange.
	RemoteExchange bool

	// Pwsh is the PowerShell to start, for local; empty looks for one.
	Pwsh string
}

// importedCommands are the Exchange commands that generated scripts use.
var importedCommands = []string{
	"Add-RoleGroupMember", "Enable-OrganizationCustomization", "Get-ADServerSettings", "Get-ExchangeServer", "Get-Group", "Get-Mailbox",
	"Get-ManagementRole", "Get-ManagementRoleAssignment", "Get-ManagementScope", "Get-OrganizationConfig", "Get-OrganizationalUnit",
	"Get-Recipient", "Get-RoleGroup", "Get-RoleGroupMember", "Get-User", "New-ManagementRoleAssignment", "New-ManagementScope",
	"New-RoleGroup", "Remove-ManagementRoleAssignment", "Remove-ManagementScope", "Remove-RoleGroup", "Remove-RoleGroupMember",
	"Set-ADServerSettings", "Set-ManagementRoleAssignment", "Set-ManagementScope",
}

//go:embed bootstrap.ps1
var bootstrapText string

// firstWords is what a PowerShell is started with: it reads everything on standard
// input and runs its first line, base64 of bootstrap.ps1, with all of them. It is the
// same for every script, so that no command line and no log of command lines holds
// anything of a run.
const firstWords = `$l=@($input);& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($l[0])))) $l;exit $LASTEXITCODE`

// encodedCommand is text as -EncodedCommand takes it: base64 of UTF-16LE.
func encodedCommand(text string) string {
	units := utf16.Encode([]rune(text))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// A job is what bootstrap.ps1 is told of a run.
type job struct {
	Marker        string      `json:"marker"`
	Open          bool        `json:"open"` // a session of the server's Exchange
	Server        string      `json:"server,omitempty"`
	User          string      `json:"user,omitempty"` // of the session; empty is who runs it
	Commands      []string    `json:"commands,omitempty"`
	Name          string      `json:"name"`
	Parameters    []parameter `json:"parameters"`
	Signed        bool        `json:"signed"`
	RequireSigned bool        `json:"requireSigned"`
	Ask           []string    `json:"ask,omitempty"`
	Steps         bool        `json:"steps"` // are told when they end
}

// A parameter is a name and a text, which has a mark before it, or another value.
type parameter struct {
	Name  string `json:"name"`
	Text  string `json:"text,omitempty"`
	Value any    `json:"value,omitempty"`
}

const textMark = "="

func newJob(s Script, o ScriptOptions) (*job, error) {
	j := &job{Marker: rand.Text()[:24], Name: s.Name, Ask: s.Ask, Steps: s.Progress != nil, RequireSigned: o.RequireSigned, Signed: isSigned(s.Text)}
	if j.Name == "" {
		j.Name = "script.ps1"
	}
	if strings.ContainsAny(j.Name, `/\:`) || !strings.HasSuffix(strings.ToLower(j.Name), ".ps1") {
		return nil, fmt.Errorf("script %q: expected the name of a .ps1 file", j.Name)
	}
	for _, p := range append(s.Parameters[:len(s.Parameters):len(s.Parameters)], exchange.Param{Name: "RecordMarker", Value: exchange.String(j.Marker)}) {
		switch v := p.Value.(type) {
		case exchange.String:
			j.Parameters = append(j.Parameters, parameter{Name: p.Name, Text: textMark + string(v)})
		case exchange.Bool, exchange.Switch, exchange.Int, exchange.Strings:
			j.Parameters = append(j.Parameters, parameter{Name: p.Name, Value: v})
		default:
			return nil, fmt.Errorf("script parameter %s: a value of type %T cannot be passed", p.Name, v)
		}
	}
	return j, nil
}

// isSigned tells whether a script has a signature block (about_Signing).
func isSigned(text []byte) bool {
	return strings.Contains(string(text), "\n# SIG # Begin signature block")
}

// lines are what bootstrap.ps1 is called with, in base64; password is left out where
// there is none.
func (j *job) lines(script []byte, password Secret) ([]string, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	lines := []string{
		base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(bootstrapText, "\r\n", "\n"))),
		base64.StdEncoding.EncodeToString(text),
		base64.StdEncoding.EncodeToString(script),
	}
	if !password.IsZero() {
		lines = append(lines, base64.StdEncoding.EncodeToString([]byte(password.Reveal())))
	}
	return lines, nil
}

// A stageError says at what stage a run ended before its report, and with which
// error there.
type stageError struct {
	Stage string `json:"stage"`
	exchange.ErrorRecord
}

func (e *stageError) Error() string {
	switch e.Stage {
	case "policy":
		return "the execution policy there is " + e.Message + ": " + policyMeaning(e.Message)
	case "signature":
		return "the script's signature is not accepted there: " + e.Message
	case "session":
		return "the PowerShell there could not open a session of Exchange: " + e.Message
	case "import":
		return "the PowerShell there got no commands from its session of Exchange: " + e.Message
	case "file":
		return "the script could not be put into a private file there: " + e.Message
	}
	return "the script ended with an error of its own: " + e.Message
}

func policyMeaning(policy string) string {
	if policy == "Restricted" {
		return "no script may run"
	}
	return "only signed scripts may run, and what Import-PSSession makes of a session of Exchange is not signed"
}

// Hint says what to do, "" where the evidence alone decides.
func (e *stageError) Hint() string {
	switch e.Stage {
	case "policy":
		return "What works: --transport psrp, which runs no script; or Set-ExecutionPolicy RemoteSigned there, where a group policy does not decide."
	case "signature":
		return "Sign it with a certificate that is trusted there, and change nothing afterwards. Scripts of this program need no signature unless --require-signed is given."
	}
	return ""
}

// scriptError is a run that gave no report, as the Runner's caller gets it.
func scriptError(doing string, s Script, began bool, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errClosed) {
		// The context's own stays what it is.
	} else {
		err = &Error{Doing: doing, Err: err}
	}
	if began && !s.ReadsOnly {
		return &exchange.LostReplyError{Cmdlet: "The script", Err: err}
	}
	return err
}

// evidence is what a stage's error is known by.
func (e *stageError) evidence() fault.Evidence {
	switch e.Stage {
	case "policy", "signature", "file":
		return fault.Evidence{Text: e.Error()}
	}
	return fault.Evidence{Record: e.ErrorRecord, Text: e.Error()}
}
