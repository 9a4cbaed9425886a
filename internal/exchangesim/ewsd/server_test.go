package ewsd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
)

const password = "simulated"

// serve serves a scenario and returns its base URL.
func serve(t *testing.T, scenario string, change func(*ewsd.Config)) (*ewsd.Server, string) {
	t.Helper()
	sc, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	c := ewsd.Config{Organization: exchangesim.New(sc, exchangesim.Options{}), Password: password}
	if change != nil {
		change(&c)
	}
	s := ewsd.New(c)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web.URL
}

// ask sends one request and returns status and body.
func ask(t *testing.T, method, url, contentType, user, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	r.Header.Set("Content-Type", contentType)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

const xmlType = "text/xml; charset=utf-8"

// envelope is a request of one operation, for nobody but the account itself.
func envelope(operation string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" ` +
		`xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body>` + operation + `</s:Body></s:Envelope>`
}

// TestWebServer is what IIS says before EWS is asked.
func TestWebServer(t *testing.T) {
	s, base := serve(t, "plain", func(c *ewsd.Config) { c.Offered = []string{"Negotiate", "NTLM"} })
	const path = "/EWS/Exchange.asmx"
	for name, c := range map[string]struct {
		method, path, contentType, user string
		status                          int
	}{
		"nobody":           {"POST", path, xmlType, "", 401},
		"unknown":          {"POST", path, xmlType, "nobody", 401},
		"disabled":         {"POST", path, xmlType, "lena", 401},
		"elsewhere":        {"POST", "/EWS/", xmlType, "anna", 404},
		"reading":          {"GET", path, xmlType, "anna", 405},
		"not XML":          {"POST", path, "application/json", "anna", 415},
		"in another case":  {"POST", "/ews/EXCHANGE.asmx", xmlType, `CONTOSO\anna`, 500},
		"by UPN":           {"POST", path, xmlType, "anna@contoso.test", 500},
		"autodiscover XML": {"POST", "/Autodiscover/Autodiscover.xml", xmlType, "anna", 200},
	} {
		response, body := ask(t, c.method, base+c.path, c.contentType, c.user, "<x/>")
		if response.StatusCode != c.status {
			t.Errorf("%s: HTTP %d, want %d: %s", name, response.StatusCode, c.status, body)
		}
		if offered := response.Header.Values("WWW-Authenticate"); (c.status == 401) != (fmt.Sprint(offered) == "[Negotiate NTLM]") {
			t.Errorf("%s: it offers %q", name, offered)
		}
	}
	if response, _ := ask(t, "POST", base+path, xmlType, "anna", ""); response.StatusCode != 200 || response.ContentLength > 0 {
		t.Errorf("the first leg of a log-on: %v", response)
	}
	if n := s.Requests(); n != 3 {
		t.Errorf("%d requests were counted", n)
	}
}

// TestSchema refuses what is not in it, as a SOAP fault.
func TestSchema(t *testing.T) {
	_, base := serve(t, "plain", nil)
	for operation, want := range map[string]string{
		`<m:GetFolder/>`:  "ErrorSchemaValidation",
		`<GetFolder/>`:    "ErrorInvalidRequest",
		`<m:SyncFolder/>`: "ErrorInvalidRequest",
		``:                "ErrorSchemaValidation",
		`<m:FindItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape></m:FindItem>`:                                                                                            "ErrorSchemaValidation",
		`<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>a</t:Address></t:Email></t:MailboxData></m:MailboxDataArray></m:GetUserAvailabilityRequest>`: "ErrorTimeZone",
	} {
		response, body := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "anna", envelope(operation))
		if response.StatusCode != 500 || !strings.Contains(body, "a:"+want+"<") || !strings.Contains(body, ">"+want+"</e:ResponseCode>") {
			t.Errorf("%s: HTTP %d, %s", operation, response.StatusCode, body)
		}
	}
}

// TestParts answers each part of a request by itself, under HTTP 200.
func TestParts(t *testing.T) {
	_, base := serve(t, "german", nil)
	const shape = `<t:BaseShape>Default</t:BaseShape>`
	folders := func(ids string) string {
		return envelope(`<m:GetFolder><m:FolderShape>` + shape + `</m:FolderShape><m:FolderIds>` + ids + `</m:FolderIds></m:GetFolder>`)
	}
	for ids, want := range map[string][]string{
		`<t:DistinguishedFolderId Id="calendar"/><t:DistinguishedFolderId Id="inbox"/>`:   {"NoError", "NoError"},
		`<t:DistinguishedFolderId Id="calendar"/><t:DistinguishedFolderId Id="nowhere"/>`: {"NoError", "ErrorFolderNotFound"},
		`<t:FolderId Id="abc"/>`: {"ErrorFolderNotFound"},
		`<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>boss@contoso.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`: {"ErrorAccessDenied"},
		`<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>anna@contoso.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`: {"NoError"},
	} {
		response, body := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "anna", folders(ids))
		var got []string
		for part := range strings.SplitSeq(body, "<m:ResponseCode>") {
			if code, _, ok := strings.Cut(part, "</m:ResponseCode>"); ok {
				got = append(got, code)
			}
		}
		if response.StatusCode != 200 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: HTTP %d, %v: %s", ids, response.StatusCode, got, body)
		}
		if strings.Contains(body, "ErrorFolderNotFound") && !strings.Contains(body, "Der angegebene Ordner") {
			t.Errorf("the organization speaks German, its EWS does not: %s", body)
		}
	}
}

// TestAnchor is a server that has to find the mailbox in another site.
func TestAnchor(t *testing.T) {
	_, base := serve(t, "ews-granted", func(c *ewsd.Config) { c.WebServices = &exchangesim.WebServices{RequireAnchor: true} })
	body := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">` +
		`<s:Header><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>anna@contoso.test</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>` +
		`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`
	if response, _ := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "svc-reschedule", body); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("HTTP %d without X-AnchorMailbox", response.StatusCode)
	}
}

// TestAllowList is what a list of applications says to a client that is not on it.
func TestAllowList(t *testing.T) {
	plain := envelope(`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>`)
	impersonated := strings.Replace(plain, "<s:Body>",
		`<s:Header><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>anna@contoso.test</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>`, 1)
	for _, c := range []struct {
		scenario, body string
		status         int
	}{
		{"ews-allow-list", plain, 403}, {"ews-allow-list", impersonated, 403},
		{"ews-allow-list-passed", plain, 403}, {"ews-allow-list-passed", impersonated, 200},
	} {
		_, base := serve(t, c.scenario, nil)
		response, body := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "svc-reschedule", c.body)
		if response.StatusCode != c.status || c.status == 200 && !strings.Contains(body, "<m:ResponseCode>NoError") {
			t.Errorf("%s, impersonated %v: HTTP %d: %s", c.scenario, c.body == impersonated, response.StatusCode, body)
		}
	}
}

// TestMailboxIsBounded takes no more appointments than a simulation needs.
func TestMailboxIsBounded(t *testing.T) {
	_, base := serve(t, "plain", nil)
	create := envelope(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>x</t:Subject><t:Start>2026-11-24T09:00:00Z</t:Start>` +
		`<t:End>2026-11-24T10:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>`)
	for i := range 1001 {
		_, body := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "anna", create)
		if want := map[bool]string{true: "NoError", false: "ErrorQuotaExceeded"}[i < 1000]; !strings.Contains(body, want) {
			t.Fatalf("appointment %d: %s", i, body)
		}
	}
	invited := strings.Replace(create, "</t:End>", "</t:End><t:RequiredAttendees/>", 1)
	if _, body := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "ben", invited); !strings.Contains(body, "ErrorInvalidOperation") {
		t.Errorf("somebody was invited: %s", body)
	}
	silent := strings.Replace(create, ` SendMeetingInvitations="SendToNone"`, "", 1)
	if _, body := ask(t, "POST", base+"/EWS/Exchange.asmx", xmlType, "ben", silent); !strings.Contains(body, "ErrorSendMeetingInvitationsRequired") {
		t.Errorf("nothing is said of invitations: %s", body)
	}
}
