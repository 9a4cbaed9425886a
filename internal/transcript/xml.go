package transcript

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/pkg/fault"
)

// xmlStart finds where a fault of WSMan or EWS begins in a text that may hold
// more: a trace's element, a prolog, a log's prefix.
var xmlStart = pattern(`<(?:[A-Za-z][A-Za-z0-9-]{0,15}:)?(?:Envelope|Fault|WSManFault|ResponseCode|MessageText|faultcode|[A-Za-z]{3,40}ResponseMessage)\b`)

// A soapFault is what a WSMan or EWS answer says, each value from the first
// element that has it.
type soapFault struct {
	code         uint32 // WSManFault's Code, the outermost
	reason       string // Reason/Text
	message      string // Message and ProviderFault below WSManFault
	responseCode string // EWS
	faultCode    string // SOAP 1.1, without its prefix
	faultString  string // SOAP 1.1
	detail       string // EWS Message or MessageText
}

// parseXML reads a fault out of a text that has one, complete or cut off.
func parseXML(text string) (fault.Evidence, bool) {
	start := xmlStart().FindStringIndex(text)
	if start == nil {
		return fault.Evidence{}, false
	}
	f := readFault(text[start[0]:])
	e := fault.Evidence{WSManCode: f.code, Text: text}
	e.EWSCode = f.responseCode
	if e.EWSCode == "" && strings.HasPrefix(f.faultCode, "Error") {
		e.EWSCode = f.faultCode
	}
	e.Record.Message = firstOf(f.faultString, f.detail, f.reason, f.message)
	if e.WSManCode == 0 && e.EWSCode == "" && e.Record.Message == "" {
		return fault.Evidence{}, false
	}
	if start[0] > 0 && e.EWSCode == "" {
		// A console's text with a fault in it: the console's fields count too.
		console := parseConsole(text)
		console.WSManCode = e.WSManCode
		return console, true
	}
	return e, true
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s = strings.Join(strings.Fields(s), " "); s != "" {
			return s
		}
	}
	return ""
}

// readFault goes through the tokens by local name: prefixes differ, pasted XML is
// seldom whole, and what was read before an error counts.
func readFault(text string) soapFault {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var f soapFault
	var path []string
	for {
		token, err := d.RawToken()
		if err != nil {
			return f
		}
		switch t := token.(type) {
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > maxDepth {
				return f
			}
			if t.Name.Local == "WSManFault" && f.code == 0 {
				f.code = codeAttribute(t)
			}
		case xml.EndElement:
			path = closed(path, t.Name.Local)
		case xml.CharData:
			f.add(path, string(t))
		}
	}
}

// closed leaves the innermost open element of that name, and those in it that
// were never closed.
func closed(path []string, name string) []string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == name {
			return path[:i]
		}
	}
	return path
}

func codeAttribute(t xml.StartElement) uint32 {
	for _, a := range t.Attr {
		if a.Name.Local == "Code" {
			n, _ := strconv.ParseUint(strings.TrimSpace(a.Value), 10, 32)
			return uint32(n)
		}
	}
	return 0
}

func (f *soapFault) add(path []string, s string) {
	if len(path) == 0 || strings.TrimSpace(s) == "" {
		return
	}
	switch path[len(path)-1] {
	case "ResponseCode":
		if code := strings.TrimSpace(s); f.responseCode == "" && code != "NoError" {
			f.responseCode = code
		}
	case "faultcode":
		f.faultCode = strings.TrimSpace(s[strings.LastIndex(s, ":")+1:])
	case "faultstring":
		f.faultString += s
	case "MessageText":
		f.detail += s
	case "Text":
		f.reason += s
	case "Message", "ProviderFault":
		if inside(path, "WSManFault") {
			f.message += s
		} else {
			f.detail += s
		}
	}
}

func inside(path []string, name string) bool {
	for _, p := range path {
		if p == name {
			return true
		}
	}
	return false
}
