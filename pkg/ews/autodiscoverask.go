package ews

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"
)

const (
	nsAddressing = "http://www.w3.org/2005/08/addressing"
	nsPOXRequest = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsPOXReply   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"

	actionUserSettings = nsAutodiscover + "/Autodiscover/GetUserSettings"
)

// ask asks one place, and waits for one that is busy.
func (s *search) ask(ctx context.Context, way Way, to string) (told, Answer, error) {
	patience := patience{left: maxDiscoverWait}
	for {
		t, answer, err := s.askOnce(ctx, way, to)
		wait, busy := patience.next(err)
		if !busy {
			return t, answer, err
		}
		if err := s.config.Sleep(ctx, wait); err != nil {
			return told{}, answer, err
		}
	}
}

// askOnce sends one request of Autodiscover.
func (s *search) askOnce(ctx context.Context, way Way, to string) (told, Answer, error) {
	answer := Answer{Operation: "Autodiscover", URL: to, RequestID: s.config.NewID(), Requests: 1}
	body, err := marshalPOX(s.found.Address)
	if way == BySOAP {
		answer.Operation = "GetUserSettings"
		body, err = marshalUserSettings(to, s.found.Address)
	}
	if err != nil {
		return told{}, answer, err
	}
	reply, err := errand{s.config.Transport, to, s.config.Timeout, s.config.MaxReply, map[string]string{
		"User-Agent": s.config.UserAgent, "X-AnchorMailbox": s.found.Address,
		"client-request-id": answer.RequestID, "return-client-request-id": "true",
	}, false}.post(ctx, body, &answer)
	var web *HTTPError
	switch {
	case errors.As(err, &web) && web.Location != "" && web.Status != http.StatusNotModified:
		return told{url: web.Location}, answer, nil // over verified TLS
	case err != nil:
		return told{}, answer, err
	case way == BySOAP:
		t, err := decodeUserSettings(reply, &answer)
		return t, answer, err
	}
	t, err := decodePOX(reply)
	return t, answer, err
}

// userSettings asks for what a client of EWS needs (MS-OXWSADISC 3.1.4.3).
type userSettings struct {
	XMLName xml.Name `xml:"soap:Envelope"`
	SOAP    string   `xml:"xmlns:soap,attr"`
	A       string   `xml:"xmlns:a,attr"`
	WSA     string   `xml:"xmlns:wsa,attr"`
	Header  struct {
		Version string `xml:"a:RequestedServerVersion"`
		Action  string `xml:"wsa:Action"`
		To      string `xml:"wsa:To"`
	} `xml:"soap:Header"`
	Mailbox  string   `xml:"soap:Body>a:GetUserSettingsRequestMessage>a:Request>a:Users>a:User>a:Mailbox"`
	Settings []string `xml:"soap:Body>a:GetUserSettingsRequestMessage>a:Request>a:RequestedSettings>a:Setting"`
}

func marshalUserSettings(to, address string) ([]byte, error) {
	q := userSettings{SOAP: nsSOAP, A: nsAutodiscover, WSA: nsAddressing, Mailbox: address,
		Settings: []string{settingInternal, settingExternal, "EwsSupportedSchemas", "CasVersion"}}
	q.Header.Version, q.Header.Action, q.Header.To = string(Exchange2010SP2), actionUserSettings, to
	return marshalXML(q)
}

const (
	settingInternal = "InternalEwsUrl"
	settingExternal = "ExternalEwsUrl"
)

func marshalXML(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	err := xml.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

type userSettingsReply struct {
	Code  string `xml:"Response>ErrorCode"`
	Text  string `xml:"Response>ErrorMessage"`
	Users []struct {
		Code     string `xml:"ErrorCode"`
		Text     string `xml:"ErrorMessage"`
		Redirect string `xml:"RedirectTarget"`
		Settings []struct {
			Name  string `xml:"Name"`
			Value string `xml:"Value"`
		} `xml:"UserSettings>UserSetting"`
	} `xml:"Response>UserResponses>UserResponse"`
}

func decodeUserSettings(reply []byte, answer *Answer) (told, error) {
	var r userSettingsReply
	info, err := unmarshal(reply, "GetUserSettingsResponseMessage", &r)
	answer.Build = info.build()
	var refused *ResponseError
	switch {
	case errors.As(err, &refused):
		answer.Code = refused.Code
		return told{}, err
	case err != nil:
		return told{}, err
	case r.Code != noError:
		answer.Code = clip(r.Code)
		return told{}, newResponseError(r.Code, r.Text, nil)
	case len(r.Users) != 1:
		return told{}, &ProtocolError{What: "the answer is not about one mailbox"}
	}
	user := r.Users[0]
	target := strings.TrimSpace(user.Redirect)
	answer.Code = clip(user.Code)
	switch {
	case user.Code == "RedirectAddress" && target != "":
		return told{address: target}, nil
	case user.Code == "RedirectUrl" && target != "":
		return told{url: target}, nil
	case user.Code != noError:
		return told{}, newResponseError(user.Code, user.Text, nil)
	}
	var t told
	for _, s := range user.Settings {
		switch s.Name {
		case settingInternal:
			t.internal = strings.TrimSpace(s.Value)
		case settingExternal:
			t.external = strings.TrimSpace(s.Value)
		}
	}
	return t, nil
}

// pox is the request in plain XML (MS-OXDSCLI 2.2.3).
type pox struct {
	XMLName xml.Name `xml:"Autodiscover"`
	NS      string   `xml:"xmlns,attr"`
	Address string   `xml:"Request>EMailAddress"`
	Schema  string   `xml:"Request>AcceptableResponseSchema"`
}

func marshalPOX(address string) ([]byte, error) {
	return marshalXML(pox{NS: nsPOXRequest, Address: address, Schema: nsPOXReply})
}

// poxReply is the answer to it (MS-OXDSCLI 2.2.4).
type poxReply struct {
	XMLName xml.Name `xml:"Autodiscover"`
	Error   *struct {
		Code string `xml:"ErrorCode"`
		Text string `xml:"Message"`
	} `xml:"Response>Error"`
	Account *struct {
		Action    string `xml:"Action"`
		Address   string `xml:"RedirectAddr"`
		URL       string `xml:"RedirectUrl"`
		Protocols []struct {
			Type string `xml:"Type"`
			EWS  string `xml:"EwsUrl"`
		} `xml:"Protocol"`
	} `xml:"Response>Account"`
}

func decodePOX(reply []byte) (told, error) {
	d := xml.NewTokenDecoder(&shallow{from: xml.NewDecoder(bytes.NewReader(replaceControls(reply)))})
	var r poxReply
	if err := d.Decode(&r); err != nil {
		return told{}, notXML(err)
	}
	if err := end(d); err != nil {
		return told{}, err
	}
	switch {
	case r.Error != nil:
		return told{}, newResponseError("Autodiscover"+clip(r.Error.Code), r.Error.Text, nil)
	case r.Account == nil:
		return told{}, &ProtocolError{What: "the answer has no account"}
	case r.Account.Action == "redirectAddr":
		return told{address: strings.TrimSpace(r.Account.Address)}, nil
	case r.Account.Action == "redirectUrl":
		return told{url: strings.TrimSpace(r.Account.URL)}, nil
	}
	var t told
	for _, p := range r.Account.Protocols {
		switch at := strings.TrimSpace(p.EWS); {
		case at == "":
		case p.Type == "EXCH" && t.internal == "": // the protocol inside the organization
			t.internal = at
		case p.Type != "EXCH" && t.external == "":
			t.external = at
		}
	}
	return t, nil
}
