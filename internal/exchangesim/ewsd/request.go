package ewsd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// The namespaces of EWS (MS-OXWSCDATA 2.2.1) and of SOAP 1.1.
const (
	nsSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)

// A request is an envelope: its header, and the operation.
type request struct {
	version       string
	impersonation *impersonation
	operation     xml.StartElement
	body          []byte // the operation's element, to be decoded
}

// impersonation is the header ExchangeImpersonation.
type impersonation struct {
	SID *struct {
		Identities []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	} `xml:"http://schemas.microsoft.com/exchange/services/2006/types ConnectingSID"`
}

var errNotSOAP = errors.New("not a SOAP envelope")

// parse reads an envelope.
func parse(body []byte) (*request, error) {
	var e struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Header  struct {
			Version *struct {
				Version string `xml:"Version,attr"`
			} `xml:"http://schemas.microsoft.com/exchange/services/2006/types RequestServerVersion"`
			Impersonation *impersonation `xml:"http://schemas.microsoft.com/exchange/services/2006/types ExchangeImpersonation"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Header"`
		Body struct {
			Inner []byte `xml:",innerxml"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	r := &request{impersonation: e.Header.Impersonation, body: body}
	if e.Header.Version != nil {
		r.version = e.Header.Version.Version
	}
	start, _, err := operationOf(body)
	r.operation = start
	return r, err
}

// operationOf returns the first element in the body, and a decoder that stands behind
// its start.
func operationOf(body []byte) (xml.StartElement, *xml.Decoder, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	depth, inBody := 0, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			err = errNotSOAP
		}
		if err != nil {
			return xml.StartElement{}, nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				inBody = token.Name == xml.Name{Space: nsSOAP, Local: "Body"}
			}
			if depth == 3 && inBody {
				return token, d, nil
			}
		case xml.EndElement:
			depth--
		}
	}
}

// decode reads the operation's element.
func (r *request) decode(into any) error {
	start, d, err := operationOf(r.body)
	if err != nil {
		return err
	}
	return d.DecodeElement(into, &start)
}
