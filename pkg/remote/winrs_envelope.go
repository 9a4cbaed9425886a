package remote

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"

	"github.com/exgrant/exgrant/internal/wsman"
)

// An envelopes builds the requests of a command shell with masterzen/winrm, and reads
// its replies with it. Building is all that is taken from there: every envelope is
// read by package wsman before it is sent, and every reply before it is read here, so
// that a fault, a reply to something else, and text that is not base64 are errors.
type envelopes struct {
	url        string // escaped: the builders write text as it is
	parameters *winrm.Parameters
}

func newEnvelopes(url string, timeout time.Duration, maxEnvelope int) envelopes {
	return envelopes{html.EscapeString(url), winrm.NewParameters(fmt.Sprintf("PT%dS", int(timeout/time.Second)), "en-US", maxEnvelope)}
}

// The builders lack what these three need: an identifier that the client chooses, by
// which a shell can be deleted whose Create was not answered; input that is a pipe and
// not a console, which would edit lines and end them at 4095 characters (MS-WSMV
// 2.2.4.24); and another signal than terminate.

// create makes a shell with an identifier of ours. It goes by itself when nobody asks
// for so long.
func (e envelopes) create(shell string, idle time.Duration) []byte {
	m := e.message(wsman.ActionCreate, "", "WINRS_NOPROFILE", "FALSE", "WINRS_CODEPAGE", "65001")
	body := m.CreateBodyElement("Shell", soap.DOM_NS_WIN_SHELL)
	body.SetAttr("ShellId", shell)
	m.CreateElement(body, "IdleTimeOut", soap.DOM_NS_WIN_SHELL).SetContent(fmt.Sprintf("PT%dS", int(idle/time.Second)))
	m.CreateElement(body, "InputStreams", soap.DOM_NS_WIN_SHELL).SetContent("stdin")
	m.CreateElement(body, "OutputStreams", soap.DOM_NS_WIN_SHELL).SetContent("stdout stderr")
	return []byte(m.String())
}

// command starts a program by its command line.
func (e envelopes) command(shell, line string) []byte {
	m := e.message(wsman.ActionCommand, shell, "WINRS_CONSOLEMODE_STDIN", "FALSE", "WINRS_SKIP_CMD_SHELL", "FALSE")
	body := m.CreateBodyElement("CommandLine", soap.DOM_NS_WIN_SHELL)
	m.CreateElement(body, "Command", soap.DOM_NS_WIN_SHELL).SetContent(html.EscapeString(line))
	return []byte(m.String())
}

// interrupt is Ctrl-C for a command.
func (e envelopes) interrupt(shell, command string) []byte {
	m := e.message(wsman.ActionSignal, shell)
	body := m.CreateBodyElement("Signal", soap.DOM_NS_WIN_SHELL)
	body.SetAttr("CommandId", html.EscapeString(command))
	m.CreateElement(body, "Code", soap.DOM_NS_WIN_SHELL).SetContent(wsman.SignalCtrlC)
	return []byte(m.String())
}

// message is an envelope with its header; options are names and values.
func (e envelopes) message(action wsman.Action, shell string, options ...string) *soap.SoapMessage {
	m := soap.NewMessage()
	h := m.Header().To(e.url).ReplyTo("http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous").
		MaxEnvelopeSize(e.parameters.EnvelopeSize).Id("uuid:" + newID().String()).Locale(e.parameters.Locale).
		Timeout(e.parameters.Timeout).Action(string(action)).ResourceURI(wsman.ResourceCommand)
	if shell != "" {
		h.ShellId(html.EscapeString(shell))
	}
	for i := 0; i < len(options); i += 2 {
		h.AddOption(soap.NewHeaderOption(options[i], options[i+1]))
	}
	return h.Build()
}

func (e envelopes) send(shell, command string, data []byte, end bool) []byte {
	return []byte(winrm.NewSendInputRequest(e.url, html.EscapeString(shell), html.EscapeString(command), data, end, e.parameters).String())
}

func (e envelopes) receive(shell, command string) []byte {
	return []byte(winrm.NewGetOutputRequest(e.url, html.EscapeString(shell), html.EscapeString(command), "stdout stderr", e.parameters).String())
}

func (e envelopes) terminate(shell, command string) []byte {
	return []byte(winrm.NewSignalRequest(e.url, html.EscapeString(shell), html.EscapeString(command), e.parameters).String())
}

func (e envelopes) delete(shell string) []byte {
	return []byte(winrm.NewDeleteShellRequest(e.url, html.EscapeString(shell), e.parameters).String())
}

// maxPayload is how many bytes of input fit into one Send of so many bytes.
func (e envelopes) maxPayload() int {
	id := newID().String()
	return max(1024, (e.parameters.EnvelopeSize-len(e.send(id, id, nil, true)))/4*3-3)
}

func readShell(reply []byte) (string, error) {
	id, err := winrm.ParseOpenShellResponse(string(reply))
	if err == nil && id == "" {
		err = fmt.Errorf("the answer to Create names no shell")
	}
	return id, err
}

func readCommand(reply []byte) (string, error) {
	id, err := winrm.ParseExecuteCommandResponse(string(reply))
	if err == nil && id == "" {
		err = fmt.Errorf("the answer to Command names no command")
	}
	return strings.TrimSpace(id), err
}

// readOutput passes the output in a reply on. checked is the same reply, read: it
// tells whether an exit code was told at all, which the parser takes for 0 when not.
func readOutput(reply []byte, checked *wsman.Received, command string, stdout, stderr io.Writer) (done bool, code int, told bool, err error) {
	for _, s := range checked.Streams {
		if !strings.EqualFold(s.CommandID, command) {
			return false, 0, false, fmt.Errorf("the answer has output of another command")
		}
	}
	done, _, err = winrm.ParseSlurpOutputErrResponse(string(bytes.ToValidUTF8(reply, nil)), stdout, stderr)
	if done != checked.Done() {
		return false, 0, false, fmt.Errorf("the answer has the state of another command")
	}
	return done, checked.ExitCode, done && !checked.NoExit, err
}
