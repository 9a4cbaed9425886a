package wsman

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	testShell   = "2D6534D0-6B12-40E3-B773-CBA26459CFA8"
	testCommand = "11111111-2222-3333-4444-555555555555"
)

func sampleRequests() map[string]*Request {
	base := func(action Action) *Request {
		return &Request{Action: action, MessageID: "uuid:0A", To: "http://ex01.contoso.test/PowerShell/?a=1&b=2", ResourceURI: ResourceExchange,
			SessionID: "uuid:0B", Locale: "en-US", DataLocale: "de-DE", MaxEnvelope: 153600, OperationTimeout: 20 * time.Second,
			Selectors: []Selector{{"ShellId", testShell}}}
	}
	create := base(ActionCreate)
	create.Selectors = nil
	create.Options = []Option{{OptionProtocolVersion, "2.3", true}}
	create.Create = &CreateShell{ShellID: testShell, Name: "O'Brien & <Söhne>", IdleTimeout: 15 * time.Minute, InputStreams: "stdin pr",
		OutputStreams: "stdout", CreationXML: []byte("payload")}
	winrs := base(ActionCreate)
	winrs.Selectors, winrs.ResourceURI = nil, ResourceCommand
	winrs.Create = &CreateShell{Environment: []Selector{{"A", "1\t2"}}, WorkingDirectory: `C:\`, InputStreams: "stdin", OutputStreams: "stdout stderr"}
	command := base(ActionCommand)
	command.Command = &RunCommand{CommandID: testCommand, Payload: []byte{0, 1, 2, 255}}
	line := base(ActionCommand)
	line.Command = &RunCommand{Line: `"echo"`, Arguments: []string{"a]]>b", " c "}}
	send := base(ActionSend)
	send.Send = &SendInput{Streams: []Stream{{Name: "stdin", CommandID: testCommand, Data: []byte("one")}, {Name: "pr", End: true, Data: []byte("two")}}}
	receive := base(ActionReceive)
	receive.Options = []Option{{Name: optionKeepAlive, Value: "True"}}
	receive.Receive = &ReceiveOutput{CommandID: testCommand, Streams: "stdout"}
	signal := base(ActionSignal)
	signal.Signal = &SignalCommand{CommandID: testCommand, Code: SignalPowerShellStop}
	return map[string]*Request{"request-create": create, "request-create-winrs": winrs, "request-command": command, "request-command-winrs": line,
		"request-send": send, "request-receive": receive, "request-signal": signal, "request-delete": base(ActionDelete),
		"request-identify": {Action: ActionIdentify}}
}

func sampleReplies() map[string]*Reply {
	base := func(action Action) *Reply {
		return &Reply{Action: action, MessageID: "uuid:0C", RelatesTo: "uuid:0A"}
	}
	create := base(ActionCreate)
	create.Created = &ShellCreated{Address: "http://ex01.contoso.test/PowerShell/", ResourceURI: ResourceExchange,
		Selectors: []Selector{{"ShellId", testShell}}, Name: "n", Owner: `CONTOSO\alice`, ClientIP: "127.0.0.1",
		IdleTimeout: 15 * time.Minute, InputStreams: "stdin pr", OutputStreams: "stdout"}
	command := base(ActionCommand)
	command.Command = &CommandStarted{testCommand}
	receive := base(ActionReceive)
	receive.Received = &Received{Streams: []Stream{{Name: "stdout", CommandID: testCommand, Data: []byte("a")}, {Name: "stdout", CommandID: testCommand, Data: []byte("bc")}},
		CommandID: testCommand, State: StateDone, ExitCode: -1}
	identify := base(ActionIdentify)
	identify.MessageID, identify.RelatesTo = "", ""
	identify.Identity = &Identity{nsWSMan, "Microsoft Corporation", "OS: 0.0.0 SP: 0.0 Stack: 3.0"}
	fault := &Reply{MessageID: "uuid:0C", RelatesTo: "uuid:0A", Fault: NoShell("[FailureCategory=WSMan-InvalidShellID] ", testShell)}
	plugin := &Reply{MessageID: "uuid:0C", RelatesTo: "uuid:0A", Fault: NewPluginFault(CodePlugin, "[FailureCategory=AuthZ-X] The user \"a\" isn't")}
	return map[string]*Reply{"reply-create": create, "reply-command": command, "reply-send": base(ActionSend), "reply-receive": receive,
		"reply-signal": base(ActionSignal), "reply-delete": base(ActionDelete), "reply-identify": identify, "reply-fault": fault, "reply-fault-plugin": plugin}
}

// golden compares an envelope with the file of its name, and reads it as another
// XML parser does.
func golden(t *testing.T, name string, envelope []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(envelope))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("encoding/xml: %v in %s", err, envelope)
		}
	}
	path := "testdata/" + name + ".xml"
	shown := append(bytes.ReplaceAll(envelope, []byte("><"), []byte(">\n<")), '\n')
	if *update {
		if err := os.WriteFile(path, shown, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(shown)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var sameReply = cmp.Options{cmpopts.IgnoreUnexported(Received{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Reply{}, "Action")}

func TestRequests(t *testing.T) {
	for name, r := range sampleRequests() {
		t.Run(name, func(t *testing.T) {
			envelope, err := r.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, envelope)
			back, err := ParseRequest(envelope)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, back, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	for name, r := range sampleReplies() {
		t.Run(name, func(t *testing.T) {
			envelope, err := r.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, envelope)
			back, err := parseReply(envelope)
			if err != nil {
				t.Fatal(err)
			}
			trim(r.Fault)
			if diff := cmp.Diff(r, back, sameReply); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if r.Fault == nil && r.Action != back.Action {
				t.Errorf("action %s, want %s", back.Action, r.Action)
			}
		})
	}
}

// trim takes the blanks away that readers drop.
func trim(f *Fault) {
	if f != nil {
		f.Reason, f.Message, f.ProviderText = strings.TrimSpace(f.Reason), strings.TrimSpace(f.Message), strings.TrimSpace(f.ProviderText)
	}
}

// xmlText is any text that XML can hold.
var xmlText = rapid.Custom(func(t *rapid.T) string {
	return strings.Map(func(r rune) rune {
		if !isXML(r) {
			return -1
		}
		return r
	}, rapid.String().Draw(t, "text"))
})

func TestAnyTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		name, value := xmlText.Draw(t, "name"), xmlText.Draw(t, "value")
		r := &Request{Action: ActionSend, MessageID: "uuid:0A", To: "http://x", ResourceURI: "urn:r",
			Selectors: []Selector{{name, value}}, Options: []Option{{name, value, true}},
			Send: &SendInput{Streams: []Stream{{Name: name, CommandID: value, Data: data}, {Name: value, Data: data, End: true}}}}
		envelope, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseRequest(envelope)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", envelope, diff)
		}
	})
}

func TestRefusesWhatXMLCannotHold(t *testing.T) {
	for _, text := range []string{"a\x00b", "\x1b[0m", "\xff", "\uFFFE", "\xed\xa0\x80"} {
		r := &Request{Action: ActionDelete, MessageID: "uuid:0A", To: "http://x", ResourceURI: "urn:r", Selectors: []Selector{{"ShellId", text}}}
		if envelope, err := r.Append(nil); err == nil {
			t.Errorf("%q became %s", text, envelope)
		}
		f := &Reply{Action: ActionDelete, Fault: NewFault(1, "w:X", text)}
		if envelope, err := f.Append(nil); err == nil {
			t.Errorf("%q became %s", text, envelope)
		}
	}
}

func TestBodyMustFitItsAction(t *testing.T) {
	for _, action := range []Action{ActionCreate, ActionCommand, ActionSend, ActionReceive, ActionSignal, "urn:other"} {
		if envelope, err := (&Request{Action: action}).Append(nil); err == nil {
			t.Errorf("%s without a body became %s", action, envelope)
		}
	}
}

func TestRequestFaults(t *testing.T) {
	good, err := sampleRequests()["request-send"].Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, old, new string
		code           uint32
	}{
		{"not XML", "</s:Envelope>", "", CodeInvalidXML},
		{"document type", "<s:Envelope", `<!DOCTYPE x [<!ENTITY e "e">]><s:Envelope`, CodeInvalidXML},
		{"entity", "<a:To>", "<a:To>&e;", CodeInvalidXML},
		{"undeclared prefix", "<a:To>", "<q:To/><a:To>", CodeInvalidXML},
		{"SOAP 1.1", nsSOAP, "http://schemas.xmlsoap.org/soap/envelope/", CodeInvalidXML},
		{"two roots", "</s:Envelope>", "</s:Envelope><x/>", CodeInvalidXML},
		{"no MessageID", "<a:MessageID>uuid:0A</a:MessageID>", "", CodeMissingHeader},
		{"unknown header", "</s:Header>", `<a:New s:mustUnderstand="1"/></s:Header>`, CodeNotUnderstood},
		{"time-out", "PT20S", "P1Y", CodeInvalidTimeout},
		{"action", "shell/Send<", "shell/Sing<", CodeUnknownAction},
		{"envelope size", ">153600<", ">8191<", CodeEnvelopeTooSmall},
		{"envelope size", ">153600<", ">x<", CodeEnvelopeTooSmall},
		{"base64", "b25l", "b25", CodeInvalidXML},
		{"another body", "rsp:Send>", "rsp:Sent>", CodeInvalidXML},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bad := strings.ReplaceAll(string(good), test.old, test.new)
			if bad == string(good) {
				t.Fatalf("%q is not in %s", test.old, good)
			}
			r, err := ParseRequest([]byte(bad))
			var f *Fault
			if !errors.As(err, &f) || f.Code != test.code {
				t.Fatalf("error %v, want fault %#x", err, test.code)
			}
			if r == nil {
				t.Fatal("no request beside the fault")
			}
			if _, err := (&Reply{RelatesTo: r.MessageID, Fault: f}).Append(nil); err != nil {
				t.Errorf("the fault cannot be answered: %v", err)
			}
		})
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT20S": 20 * time.Second, "PT60.000S": time.Minute, "P0DT0H3M0S": 3 * time.Minute,
		"PT0.25S": 250 * time.Millisecond, "P1DT1H": 25 * time.Hour, "PT2147483.647S": 2147483647 * time.Millisecond,
		"PT9223372036854775807S": maxDuration} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "P", "PT", "20", "PT20", "-PT1S", "P1Y", "P1M", "PTS", "PT1S1M", "PT1..2S", "PT1H ", "P1DT"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q became %v", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(0, int64(maxDuration/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		if got, err := parseDuration(formatDuration(want)); err != nil || got != want {
			t.Fatalf("%v became %v, %v", want, got, err)
		}
	})
}

func TestDepthAndSizeAreLimited(t *testing.T) {
	for _, xml := range []string{
		strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
		"<a>" + strings.Repeat("<b/>", maxElements) + "</a>",
		"<a" + numbered(` b%x=""`, 60_000) + "/>",
		"<a" + numbered(` xmlns:b%x=""`, 60_000) + "/>",
	} {
		if _, err := parseXML([]byte(xml)); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%.40s…: %v", xml, err)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// What an envelope costs is of the order of its length, whatever it is made of.
func TestEnvelopeCost(t *testing.T) {
	const n = 40_000
	for name, xml := range map[string]string{
		"attributes": "<a" + numbered(` b%x=""`, n) + "/>",
		"namespaces": "<a" + numbered(` xmlns:b%x=""`, maxAttributes) + ">" + strings.Repeat("<b0:c/>", maxElements-1) + "</a>",
		"comments":   "<a>" + strings.Repeat("<!---->", n) + "</a>",
		"references": "<a>" + strings.Repeat("&#65;", n) + "</a>",
		"CDATA":      "<a>" + strings.Repeat("<![CDATA[x]]>", n) + "</a>",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parseXML([]byte(xml))
		runtime.ReadMemStats(&after)
		if cost := (after.TotalAlloc - before.TotalAlloc) / uint64(len(xml)); cost > 60 {
			t.Errorf("%s: %d bytes are allocated for each of %d (%.100v)", name, cost, len(xml), err)
		}
	}
}

// FuzzXML compares the scanner with encoding/xml: what both read, they read alike,
// and what encoding/xml cannot read, the scanner does not.
func FuzzXML(f *testing.F) {
	for _, r := range sampleRequests() {
		envelope, _ := r.Append(nil)
		f.Add(envelope)
	}
	for _, s := range []string{"<a>&amp;&#65;<!-- c --><![CDATA[<x>]]>\r\nt</a>", `<?xml version="1.0"?><a b="&lt;" c='d'/>`, "<a></b>", "<a:b xmlns:a='u'/>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := parseXML(data)
		if err != nil || bytes.HasPrefix(data, []byte("<?xml")) && !bytes.Contains(data[:min(len(data), 60)], []byte(`version="1.0"`)) {
			return
		}
		if !utf8.Valid(data) {
			t.Fatalf("took %q, which is not UTF-8", data)
		}
		var got, want strings.Builder
		render(&got, root)
		if err := renderOther(&want, data); err != nil {
			return // encoding/xml refuses some names and ]]>, as it may
		}
		if got.String() != want.String() {
			t.Fatalf("read %q as\n%s, encoding/xml as\n%s", data, got.String(), want.String())
		}
	})
}

func render(out *strings.Builder, e *element) {
	out.WriteString("(" + e.local)
	for _, c := range e.children {
		render(out, c)
	}
	out.WriteString("|" + string(e.text) + ")")
}

func renderOther(out *strings.Builder, data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))))
	var texts []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			out.WriteString("(" + token.Name.Local)
			texts = append(texts, "")
		case xml.CharData:
			if len(texts) > 0 {
				texts[len(texts)-1] += string(token)
			}
		case xml.EndElement:
			out.WriteString("|" + texts[len(texts)-1] + ")")
			texts = texts[:len(texts)-1]
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, r := range sampleRequests() {
		envelope, _ := r.Append(nil)
		f.Add(envelope)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRequest(data)
		if err != nil {
			var fault *Fault
			if !errors.As(err, &fault) {
				t.Fatalf("error %v is no fault", err)
			}
			if _, err := (&Reply{RelatesTo: r.MessageID, Fault: fault}).Append(nil); err != nil {
				t.Fatalf("the fault cannot be answered: %v", err)
			}
			return
		}
		envelope, err := r.Append(nil)
		if err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		if _, err := ParseRequest(envelope); err != nil {
			t.Fatalf("%q cannot be read again: %v", envelope, err)
		}
	})
}

func FuzzParseReply(f *testing.F) {
	for _, r := range sampleReplies() {
		envelope, _ := r.Append(nil)
		f.Add(envelope)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseReply(data)
		if err != nil {
			return
		}
		envelope, err := r.Append(nil)
		if err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		back, err := parseReply(envelope)
		if err != nil {
			t.Fatalf("%q cannot be read again: %v", envelope, err)
		}
		if r.Received != nil && !bytes.Equal(r.Received.all, back.Received.all) {
			t.Fatalf("%q came back as %q", r.Received.all, back.Received.all)
		}
	})
}

func BenchmarkParseReply(b *testing.B) {
	r := &Reply{Action: ActionReceive, MessageID: "uuid:0C", RelatesTo: "uuid:0A", Received: &Received{}}
	for range 40 {
		r.Received.Streams = append(r.Received.Streams, Stream{Name: "stdout", CommandID: testCommand, Data: bytes.Repeat([]byte("payload!"), 1000)})
	}
	envelope, err := r.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(envelope)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseReply(envelope); err != nil {
			b.Fatal(err)
		}
	}
}
