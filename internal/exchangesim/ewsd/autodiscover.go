package ewsd

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

const (
	nsAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover" // MS-OXWSADISC 2.2.1
	nsAddressing   = "http://www.w3.org/2005/08/addressing"
	nsPOX          = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006" // MS-OXDSCLI 2.2.4
	nsPOXOutlook   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	nsPOXRequest   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
)

// An assignment of a mailbox: where its client has to go.
type discovered struct {
	code     string // of the setting's answer
	redirect string // address or URL to ask about, or at, instead
	internal string // EWS URL
	external string
	account  exchangesim.Account
}

// discover is what Autodiscover has to say about an address.
func (s *Server) discover(r *http.Request, address string) discovered {
	if s.config.RedirectURL != "" {
		return discovered{code: "RedirectUrl", redirect: s.config.RedirectURL}
	}
	account, ok := s.config.Organization.FindAccount(exchangesim.AddressName, address)
	switch {
	case !ok || !account.Mailbox && account.Cloud == "":
		return discovered{code: "InvalidUser"}
	case account.Cloud != "":
		return discovered{code: "RedirectAddress", redirect: account.Cloud}
	}
	scheme := "https"
	if r.TLS == nil {
		scheme = "http"
	}
	return discovered{code: "NoError", internal: scheme + "://" + r.Host + "/EWS/Exchange.asmx", external: s.config.ExternalURL, account: account}
}

// serveSOAPAutodiscover answers GetUserSettings (MS-OXWSADISC 3.1.4.3).
func (s *Server) serveSOAPAutodiscover(w http.ResponseWriter, r *http.Request, x *exchanged) {
	x.event.Operation = "GetUserSettings"
	if s.injected(w, x) {
		return
	}
	var q struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Users   []string `xml:"Body>GetUserSettingsRequestMessage>Request>Users>User>Mailbox"`
		Wanted  []string `xml:"Body>GetUserSettingsRequestMessage>Request>RequestedSettings>Setting"`
	}
	if err := xml.Unmarshal(x.event.Body, &q); err != nil || len(q.Users) == 0 || len(q.Wanted) == 0 {
		x.event.Code = "InvalidRequest"
		s.send(w, r, http.StatusOK, s.settingsReply("InvalidRequest", ""), x)
		return
	}
	var b strings.Builder
	for _, user := range q.Users {
		d := s.discover(r, strings.TrimSpace(user))
		x.event.Code = d.code
		b.WriteString(d.settings(q.Wanted, s.manners.Build))
	}
	s.send(w, r, http.StatusOK, s.settingsReply("NoError", b.String()), x)
}

func (s *Server) settingsReply(code, users string) string {
	header := fmt.Sprintf(`<s:Header><a:Action s:mustUnderstand="1" xmlns:a="%s">%s/Autodiscover/GetUserSettingsResponse</a:Action>`+
		`<h:ServerVersionInfo xmlns:h="%s"><h:MajorVersion>%d</h:MajorVersion><h:MinorVersion>%d</h:MinorVersion>`+
		`<h:MajorBuildNumber>%d</h:MajorBuildNumber><h:MinorBuildNumber>%d</h:MinorBuildNumber><h:Version>Exchange2013_SP1</h:Version></h:ServerVersionInfo></s:Header>`,
		nsAddressing, nsAutodiscover, nsAutodiscover, s.build.major, s.build.minor, s.build.build, s.build.revision)
	return envelope(header, fmt.Sprintf(`<GetUserSettingsResponseMessage xmlns="%s"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`+
		`<ErrorCode>%s</ErrorCode><ErrorMessage/><UserResponses>%s</UserResponses></Response></GetUserSettingsResponseMessage>`, nsAutodiscover, code, users))
}

func (d discovered) settings(wanted []string, build string) string {
	redirect := `<RedirectTarget i:nil="true"/>`
	if d.redirect != "" {
		redirect = "<RedirectTarget>" + escape(d.redirect) + "</RedirectTarget>"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<UserResponse><ErrorCode>%s</ErrorCode><ErrorMessage>%s</ErrorMessage>%s<UserSettingErrors/><UserSettings>`, d.code, d.code, redirect)
	known := map[string]string{"InternalEwsUrl": d.internal, "ExternalEwsUrl": d.external, "EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1",
		"CasVersion": build, "UserDisplayName": d.account.DisplayName, "AutoDiscoverSMTPAddress": d.account.Address}
	for _, name := range wanted {
		if value := known[strings.TrimSpace(name)]; value != "" && d.code == "NoError" {
			fmt.Fprintf(&b, `<UserSetting i:type="StringSetting"><Name>%s</Name><Value>%s</Value></UserSetting>`, escape(strings.TrimSpace(name)), escape(value))
		}
	}
	b.WriteString(`</UserSettings></UserResponse>`)
	return b.String()
}

// servePOXAutodiscover answers in plain XML (MS-OXDSCLI).
func (s *Server) servePOXAutodiscover(w http.ResponseWriter, r *http.Request, x *exchanged) {
	x.event.Operation = "Autodiscover"
	if s.injected(w, x) {
		return
	}
	var q struct {
		XMLName xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006 Autodiscover"`
		Address string   `xml:"Request>EMailAddress"`
		Schema  string   `xml:"Request>AcceptableResponseSchema"`
	}
	reply := ""
	if err := xml.Unmarshal(x.event.Body, &q); err != nil || q.Schema != nsPOXOutlook {
		reply, x.event.Code = poxError(600, "Invalid Request"), "600"
	} else {
		d := s.discover(r, strings.TrimSpace(q.Address))
		reply, x.event.Code = d.pox(), d.code
	}
	s.send(w, r, http.StatusOK, reply, x)
}

func poxError(code int, text string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="%s"><Response><Error Time="09:00:00.0000000" Id="1"><ErrorCode>%d</ErrorCode>`+
		`<Message>%s</Message><DebugData/></Error></Response></Autodiscover>`, nsPOX, code, text)
}

func (d discovered) pox() string {
	if d.code == "InvalidUser" {
		return poxError(500, "The email address can't be found.")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="%s"><Response xmlns="%s">`, nsPOX, nsPOXOutlook)
	switch d.code {
	case "RedirectAddress":
		fmt.Fprintf(&b, `<Account><Action>redirectAddr</Action><RedirectAddr>%s</RedirectAddr></Account>`, escape(d.redirect))
	case "RedirectUrl":
		fmt.Fprintf(&b, `<Account><Action>redirectUrl</Action><RedirectUrl>%s</RedirectUrl></Account>`, escape(d.redirect))
	default:
		fmt.Fprintf(&b, `<User><DisplayName>%s</DisplayName><AutoDiscoverSMTPAddress>%s</AutoDiscoverSMTPAddress></User><Account><AccountType>email</AccountType>`+
			`<Action>settings</Action><Protocol><Type>EXCH</Type><EwsUrl>%s</EwsUrl></Protocol>`, escape(d.account.DisplayName), escape(d.account.Address), escape(d.internal))
		if d.external != "" {
			fmt.Fprintf(&b, `<Protocol><Type>EXPR</Type><EwsUrl>%s</EwsUrl></Protocol>`, escape(d.external))
		}
		b.WriteString(`</Account>`)
	}
	b.WriteString(`</Response></Autodiscover>`)
	return b.String()
}
