package ews

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/httptext"
)

// The namespaces of EWS (MS-OXWSCDATA 2.2.1) and of SOAP 1.1.
const (
	nsSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"

	nsAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover" // MS-OXWSADISC 2.2.1
)

// An envelope is a request. Names carry their prefixes, which encoding/xml writes as
// they are.
type envelope struct {
	XMLName  xml.Name `xml:"soap:Envelope"`
	SOAP     string   `xml:"xmlns:soap,attr"`
	Types    string   `xml:"xmlns:t,attr"`
	Messages string   `xml:"xmlns:m,attr"`
	Header   struct {
		Version struct {
			Version Version `xml:"Version,attr"`
		} `xml:"t:RequestServerVersion"`
		Impersonation *impersonation
	} `xml:"soap:Header"`
	Body struct{ Request any } `xml:"soap:Body"`
}

// impersonation is the header ExchangeImpersonation: exactly one identity.
type impersonation struct {
	XMLName xml.Name                   `xml:"t:ExchangeImpersonation"`
	SID     struct{ Identity element } `xml:"t:ConnectingSID"`
}

// An element is one whose name is decided at run time.
type element struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// marshal makes the envelope of a request.
func marshal(version Version, as Identity, request any) ([]byte, error) {
	e := envelope{SOAP: nsSOAP, Types: nsTypes, Messages: nsMessages}
	e.Header.Version.Version = version
	if !as.IsZero() {
		e.Header.Impersonation = &impersonation{}
		e.Header.Impersonation.SID.Identity = element{xml.Name{Local: "t:" + string(as.Form)}, as.Value}
	}
	e.Body.Request = request
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(e); err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return b.Bytes(), nil
}

// Limits of a reply, beside its length.
const (
	maxDepth   = 64      // elements within elements; real replies have ten
	maxMessage = 4 << 10 // bytes of a message that are kept
	maxDetails = 32      // values beside a message that are kept
	maxBackOff = 24 * time.Hour
)

// unmarshal decodes the body of a reply into a value. A SOAP fault is a
// *ResponseError, what is no reply to the request a *ProtocolError. The header is
// returned as far as it was read.
func unmarshal(data []byte, reply string, into any) (info serverVersionInfo, err error) {
	d := xml.NewTokenDecoder(&shallow{from: xml.NewDecoder(bytes.NewReader(replaceControls(data)))})
	if _, err := child(d, nsSOAP, "Envelope"); err != nil {
		return info, err
	}
	header := struct {
		Info serverVersionInfo `xml:"ServerVersionInfo"`
	}{}
	start, err := child(d, nsSOAP, "")
	if err == nil && start.Name.Local == "Header" {
		if err = d.DecodeElement(&header, &start); err != nil {
			return info, notXML(err)
		}
		info = header.Info
		start, err = child(d, nsSOAP, "Body")
	}
	if err != nil {
		return info, err
	}
	if start.Name.Local != "Body" {
		return info, &ProtocolError{What: "the answer has no SOAP body, but " + clip(start.Name.Local)}
	}
	if start, err = child(d, "", ""); err != nil {
		return info, err
	}
	if start.Name == (xml.Name{Space: nsSOAP, Local: "Fault"}) {
		return info, decodeFault(d, start)
	}
	if start.Name.Local != reply || start.Name.Space != nsMessages && start.Name.Space != nsAutodiscover {
		return info, &ProtocolError{What: fmt.Sprintf("the answer is a %s, not a %s", clip(start.Name.Local), reply)}
	}
	if err := d.DecodeElement(into, &start); err != nil {
		return info, notXML(err)
	}
	return info, end(d)
}

// child returns the start of the next element. Namespace and name are what it must
// have; "" is any.
func child(d *xml.Decoder, space, name string) (xml.StartElement, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return xml.StartElement{}, notXML(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if space != "" && token.Name.Space != space || name != "" && token.Name.Local != name {
				return token, &ProtocolError{What: "the answer is not SOAP: it has an element " + clip(token.Name.Local)}
			}
			return token, nil
		case xml.EndElement:
			return xml.StartElement{}, &ProtocolError{What: "the answer is empty in " + clip(token.Name.Local)}
		}
	}
}

// end wants the rest of a reply to be closed elements: what is cut is no answer.
func end(d *xml.Decoder) error {
	for {
		switch token, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return notXML(err)
		default:
			if start, ok := token.(xml.StartElement); ok {
				return &ProtocolError{What: "the answer goes on after its end, with " + clip(start.Name.Local)}
			}
		}
	}
}

func notXML(err error) error {
	if errors.Is(err, io.EOF) {
		return &ProtocolError{What: "the answer ends before it is whole"}
	}
	var deep *ProtocolError
	if errors.As(err, &deep) {
		return deep
	}
	return &ProtocolError{What: "the answer cannot be read", Err: errors.New(clip(err.Error()))}
}

// A shallow reader of XML refuses what is nested too deep.
type shallow struct {
	from  *xml.Decoder
	depth int
}

func (s *shallow) Token() (xml.Token, error) {
	token, err := s.from.Token()
	switch token.(type) {
	case xml.StartElement:
		if s.depth++; s.depth > maxDepth {
			return nil, &ProtocolError{What: fmt.Sprintf("the answer has elements more than %d deep", maxDepth)}
		}
	case xml.EndElement:
		s.depth--
	}
	return token, err
}

// replaceControls turns references to characters that XML 1.0 does not have into
// question marks: Exchange passes on what is in an item's texts.
func replaceControls(data []byte) []byte {
	var out []byte
	rest := data
	for {
		i := bytes.Index(rest, []byte("&#"))
		if i < 0 {
			break
		}
		end := bytes.IndexByte(rest[i:min(len(rest), i+12)], ';')
		if end > 0 && isControl(string(rest[i+2:i+end])) {
			out = append(append(out, rest[:i]...), '?')
			rest = rest[i+end+1:]
			continue
		}
		out = append(out, rest[:i+2]...)
		rest = rest[i+2:]
	}
	if out == nil {
		return data
	}
	return append(out, rest...)
}

// isControl reports whether the number of a reference, "x1F" or "31", is none of a
// character of XML.
func isControl(number string) bool {
	base := 10
	if strings.HasPrefix(number, "x") || strings.HasPrefix(number, "X") {
		number, base = number[1:], 16
	}
	n, err := strconv.ParseUint(number, base, 32)
	return err == nil && (n < 0x20 && n != '\t' && n != '\n' && n != '\r' || n >= 0xD800 && n < 0xE000 || n == 0xFFFE || n == 0xFFFF || n > 0x10FFFF)
}

// A namedValue is one of the values of MessageXml (MS-OXWSCDATA 2.2.4.42).
type namedValue struct {
	Name string `xml:"Name,attr"`
	Text string `xml:",chardata"`
}

// A soapFault is a SOAP 1.1 fault with EWS's details. Its parts may be indented.
type soapFault struct {
	Code   string `xml:"faultcode"`
	Text   string `xml:"faultstring"`
	Detail struct {
		ResponseCode string       `xml:"ResponseCode"`
		Message      string       `xml:"Message"`
		Values       []namedValue `xml:"MessageXml>Value"`
		ErrorCode    string       `xml:"ErrorCode"` // of Autodiscover
	} `xml:"detail"`
}

func decodeFault(d *xml.Decoder, start xml.StartElement) error {
	var f soapFault
	if err := d.DecodeElement(&f, &start); err != nil {
		return notXML(err)
	}
	code := strings.TrimSpace(f.Detail.ResponseCode)
	if code == "" {
		code = strings.TrimSpace(f.Detail.ErrorCode)
	}
	if code == "" { // the faultcode's local part says the same
		code = strings.TrimSpace(f.Code)
		code = code[strings.LastIndexByte(code, ':')+1:]
	}
	if code == "" || code == "NoError" {
		return &ProtocolError{What: "the answer is a SOAP fault that says nothing"}
	}
	text := f.Text
	if text == "" {
		text = f.Detail.Message
	}
	refusal := newResponseError(code, text, f.Detail.Values)
	refusal.Fault = true
	return refusal
}

func newResponseError(code, text string, values []namedValue) *ResponseError {
	e := &ResponseError{Code: clip(code), Message: httptext.Line(text, maxMessage)}
	for _, v := range values {
		if len(e.Details) == maxDetails {
			break
		}
		if e.Details == nil {
			e.Details = map[string]string{}
		}
		e.Details[clip(v.Name)] = clip(v.Text)
		if v.Name == "BackOffMilliseconds" {
			e.BackOff = milliseconds(v.Text)
		}
	}
	return e
}

// milliseconds reads a time to wait. What is no sensible one is 0: it is not known.
func milliseconds(text string) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(min(n, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond, maxBackOff)
}

// A responseMessage is what every operation answers for each of its parts
// (MS-OXWSCDATA 2.2.4.57).
type responseMessage struct {
	Class  string       `xml:"ResponseClass,attr"`
	Text   string       `xml:"MessageText"`
	Code   string       `xml:"ResponseCode"`
	Values []namedValue `xml:"MessageXml>Value"`
}

// check is documented at result.
func (m *responseMessage) check() (string, error) {
	code := clip(m.Code)
	switch {
	case code == "":
		return "", &ProtocolError{What: "the answer has no response code"}
	case m.Class == "Success" && code == noError:
		return code, nil
	case code == noError:
		return code, &ProtocolError{What: fmt.Sprintf("the answer says %s and %s at once", code, clip(m.Class))}
	}
	return code, newResponseError(code, m.Text, m.Values)
}

const noError = "NoError"

// one returns the only message of a reply, for an operation that was asked for one.
func one[T any](messages []T) (*T, error) {
	if len(messages) != 1 {
		return nil, &ProtocolError{What: fmt.Sprintf("the answer has %d response messages, not one", len(messages))}
	}
	return &messages[0], nil
}

// timeFormat is xs:dateTime in UTC.
const timeFormat = "2006-01-02T15:04:05Z"
