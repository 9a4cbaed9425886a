package remote

import (
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/masterzen/winrm/soap"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
)

// An envelopes builds the requests of a command shell with the builder of
// masterzen/winrm. Package wsman sends them, and reads what comes back.
//
// The library's ready-made requests lack what a session of ours needs: an identifier that
// the client chooses, by which a shell can be deleted whose Create was not answered; input
// that is a pipe and not a console, which would edit lines and end them at 4095 characters
// (MS-WSMV 2.2.4.24); and a MessageID that is known, by which the reply is told from one
// to something else.
type envelopes struct {
	url         string // escaped: the builder writes text as it is
	timeout     time.Duration
	maxEnvelope int // bytes
}

func newEnvelopes(url string, timeout time.Duration, maxEnvelope int) envelopes {
	return envelopes{html.EscapeString(url), timeout, maxEnvelope}
}

// An envelope is a request as text, and what its sender must know of it.
type envelope struct {
	request wsman.Request
	text    []byte
}

// create makes a shell with an identifier of ours. It goes by itself when nobody asks
// for so long.
func (e envelopes) create(shell string, idle time.Duration) envelope {
	m, request := e.message(wsman.ActionCreate, "", "WINRS_NOPROFILE", "FALSE", "WINRS_CODEPAGE", "65001")
	request.Create = &wsman.CreateShell{ShellID: shell}
	body := m.CreateBodyElement("Shell", soap.DOM_NS_WIN_SHELL)
	body.SetAttr("ShellId", html.EscapeString(shell))
	m.CreateElement(body, "IdleTimeOut", soap.DOM_NS_WIN_SHELL).SetContent(seconds(idle))
	m.CreateElement(body, "InputStreams", soap.DOM_NS_WIN_SHELL).SetContent("stdin")
	m.CreateElement(body, "OutputStreams", soap.DOM_NS_WIN_SHELL).SetContent("stdout stderr")
	return envelope{request, []byte(m.String())}
}

// command starts a program by its command line.
func (e envelopes) command(shell, line string) envelope {
	m, request := e.message(wsman.ActionCommand, shell, "WINRS_CONSOLEMODE_STDIN", "FALSE", "WINRS_SKIP_CMD_SHELL", "FALSE")
	body := m.CreateBodyElement("CommandLine", soap.DOM_NS_WIN_SHELL)
	m.CreateElement(body, "Command", soap.DOM_NS_WIN_SHELL).SetContent(html.EscapeString(line))
	return envelope{request, []byte(m.String())}
}

// send gives a command input, and says whether more may follow.
func (e envelopes) send(shell, command string, data []byte, end bool) envelope {
	m, request := e.message(wsman.ActionSend, shell)
	stream := m.CreateElement(m.CreateBodyElement("Send", soap.DOM_NS_WIN_SHELL), "Stream", soap.DOM_NS_WIN_SHELL)
	stream.SetAttr("Name", "stdin")
	stream.SetAttr("CommandId", html.EscapeString(command))
	if end {
		stream.SetAttr("End", "true")
	}
	stream.SetContent(base64.StdEncoding.EncodeToString(data))
	return envelope{request, []byte(m.String())}
}

// receive asks for a command's output.
func (e envelopes) receive(shell, command string) envelope {
	m, request := e.message(wsman.ActionReceive, shell)
	streams := m.CreateElement(m.CreateBodyElement("Receive", soap.DOM_NS_WIN_SHELL), "DesiredStream", soap.DOM_NS_WIN_SHELL)
	streams.SetAttr("CommandId", html.EscapeString(command))
	streams.SetContent("stdout stderr")
	return envelope{request, []byte(m.String())}
}

// delete ends a shell.
func (e envelopes) delete(shell string) envelope {
	m, request := e.message(wsman.ActionDelete, shell)
	m.NewBody()
	return envelope{request, []byte(m.String())}
}

// message is an envelope with its header; options are names and values.
func (e envelopes) message(action wsman.Action, shell string, options ...string) (*soap.SoapMessage, wsman.Request) {
	request := wsman.Request{Action: action, MessageID: "uuid:" + psrp.NewGUID().String(), OperationTimeout: e.timeout}
	m := soap.NewMessage()
	h := m.Header().To(e.url).ReplyTo("http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous").
		MaxEnvelopeSize(e.maxEnvelope).Id(request.MessageID).Locale("en-US").
		Timeout(seconds(e.timeout)).Action(string(action)).ResourceURI(wsman.ResourceCommand)
	if shell != "" {
		h.ShellId(html.EscapeString(shell))
	}
	for i := 0; i < len(options); i += 2 {
		h.AddOption(soap.NewHeaderOption(options[i], options[i+1]))
	}
	return h.Build(), request
}

// seconds is a time as WSMan writes it.
func seconds(d time.Duration) string { return fmt.Sprintf("PT%dS", int(d/time.Second)) }

// maxPayload is how many bytes of input fit into one Send of so many bytes.
func (e envelopes) maxPayload() int {
	id := psrp.NewGUID().String()
	return max(1024, (e.maxEnvelope-len(e.send(id, id, nil, true).text))/4*3-3)
}

// shellOf is the identifier of a shell that was made; an old server chooses its own.
func shellOf(created *wsman.ShellCreated) (string, error) {
	for _, s := range created.Selectors {
		if strings.EqualFold(s.Name, "ShellId") && s.Value != "" {
			return s.Value, nil
		}
	}
	return "", fmt.Errorf("the answer to Create names no shell")
}

// passOn writes a command's output, and tells whether the command has ended.
func passOn(received *wsman.Received, command string, stdout, stderr io.Writer) (done bool, err error) {
	if received.CommandID != "" && !strings.EqualFold(received.CommandID, command) {
		return false, fmt.Errorf("the answer has the state of another command")
	}
	for _, s := range received.Streams {
		if !strings.EqualFold(s.CommandID, command) {
			return false, fmt.Errorf("the answer has output of another command")
		}
		to := map[string]io.Writer{"stdout": stdout, "stderr": stderr}[strings.ToLower(s.Name)]
		if to == nil {
			continue
		}
		if _, err := to.Write(s.Data); err != nil {
			return false, err
		}
	}
	return received.Done(), nil
}
