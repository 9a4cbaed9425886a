package ews_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func manners(w exchangesim.WebServices) func(*ewsd.Config) {
	return func(c *ewsd.Config) { c.WebServices = &w }
}

func faults(p ewsd.FaultPlan) func(*ewsd.Config) { return func(c *ewsd.Config) { c.Faults = p } }

// waits records the waits of a client and takes no time.
type waits struct {
	mu   sync.Mutex
	list []time.Duration
}

func (w *waits) into(c *ews.Config) {
	c.Sleep = func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.list = append(w.list, d)
		return ctx.Err()
	}
}

func TestEveryOperation(t *testing.T) {
	s := start(t, "ews-granted")
	c := s.as(t, service)
	ctx, on := t.Context(), ews.Impersonated(anna)
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

	folder, answer, err := c.GetFolder(ctx, on, ews.Calendar)
	if err != nil || folder.ID == "" || folder.Items < 2 {
		t.Errorf("GetFolder: %+v, %v", folder, err)
	}
	want := ews.Answer{Operation: "GetFolder", URL: s.url, Status: 200, Code: "NoError", Build: ews.Build{15, 2, 2562, 17}, ServerVersion: "V2017_07_11",
		FrontEnd: "EX01", BackEnd: "EX01", RequestID: answer.RequestID, Requests: 1, Took: answer.Took}
	if answer != want || answer.RequestID == "" || answer.Took <= 0 {
		t.Errorf("answer %+v, want %+v", answer, want)
	}
	view, _, err := c.FindAppointments(ctx, on, from, from.AddDate(0, 0, 14))
	if err != nil || view.Items < 4 || len(view.IDs) != view.Items || !view.Complete {
		t.Errorf("FindItem: %+v, %v", view, err)
	}
	long, _, err := c.FindAppointments(ctx, on, from, from.AddDate(1, 0, 0))
	if err != nil || long.Items < 100 || len(long.IDs) >= long.Items || long.Complete {
		t.Errorf("FindItem of a year: %d of %d, complete %t, %v", len(long.IDs), long.Items, long.Complete, err)
	}
	times, _, err := c.GetUserAvailability(ctx, on, from, from.AddDate(0, 0, 7))
	if err != nil || len(times.Slots) != 7*48 || times.Busy != 2*len(view.IDs)/2 {
		t.Errorf("GetUserAvailability: %d slots, %d busy, %v", len(times.Slots), times.Busy, err)
	}
	id, _, err := c.CreateAppointment(ctx, on, ews.Appointment{Subject: "A <test> & more", Body: "x", Start: from, End: from.Add(time.Hour)})
	if err != nil || id.ID == "" {
		t.Fatalf("CreateItem: %+v, %v", id, err)
	}
	if subject, _, err := c.GetItem(ctx, on, id); err != nil || subject != "A <test> & more" {
		t.Errorf("GetItem: %q, %v", subject, err)
	}
	if answer, err := c.DeleteItem(ctx, on, id); err != nil || answer.Code != "NoError" {
		t.Errorf("DeleteItem: %+v, %v", answer, err)
	}
	if _, _, err := c.GetItem(ctx, on, id); ews.CodeOf(err) != "ErrorItemNotFound" {
		t.Errorf("an item that is gone: %v", err)
	}
	if answer, err := c.ConvertID(ctx, ews.Mailbox{Address: anna}); err != nil || answer.Code != "NoError" {
		t.Errorf("ConvertId: %+v, %v", answer, err)
	}
	for entry, want := range map[string]int{"ann": 1, "John": 2, "nobody": 0, anna: 1} {
		if found, answer, err := c.ResolveNames(ctx, ews.Mailbox{Address: anna}, entry); err != nil || len(found) != want {
			t.Errorf("ResolveNames %s: %+v, %s, %v", entry, found, answer.Code, err)
		}
	}
}

// TestRequests shows what every request has: the anchor, an identifier, the version,
// one identity, no compression, HTTP/1.1.
func TestRequests(t *testing.T) {
	s := start(t, "two-domains")
	requests := map[string]*http.Request{}
	s.web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests[r.Header.Get("client-request-id")] = r
		s.ServeHTTP(w, r)
	})
	n := 0
	c := s.as(t, `CONTOSO\administrator`, func(c *ews.Config) {
		c.NewID = func() string { n++; return fmt.Sprint("id-", n) }
		c.UserAgent = "Agent/1"
	})
	sid, ok := s.organization.FindAccount(exchangesim.AddressName, "emily@contoso.test")
	if !ok {
		t.Fatal("no emily")
	}
	for i, as := range []ews.Identity{{}, {ews.SMTPAddress, "emily@contoso.test"}, {ews.PrimarySMTPAddress, "emily@contoso.test"},
		{ews.PrincipalName, "emily@emea.contoso.test"}, {ews.SID, sid.SID}} {
		_, answer, err := c.GetFolder(t.Context(), ews.Mailbox{Address: "emily@contoso.test", As: as}, ews.Calendar)
		if want := map[bool]string{true: "", false: "ErrorImpersonateUserDenied"}[as.IsZero()]; ews.CodeOf(err) != want {
			t.Errorf("%s: %v", as, err)
		}
		r := requests[fmt.Sprint("id-", i+1)]
		if r == nil || r.ProtoMajor != 1 || r.Header.Get("X-AnchorMailbox") != "emily@contoso.test" || r.UserAgent() != "Agent/1" ||
			r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
			t.Errorf("%s: %+v", as, r)
		}
		event := s.carriedOut()[i]
		impersonated := ""
		if !as.IsZero() {
			impersonated = `EMEA\emily`
		}
		if event.Version != "Exchange2013_SP1" || event.Impersonated != impersonated || answer.RequestID == "" {
			t.Errorf("%s: %+v", as, event)
		}
	}
}

// TestBusy honours what a server asks for, and gives up where that is more than the
// call may take.
func TestBusy(t *testing.T) {
	const busy = "ErrorServerBusy"
	soap := func(d time.Duration) ewsd.Fault { return ewsd.Fault{Kind: ewsd.SOAPFault, Code: busy, BackOff: d} }
	for _, c := range []struct {
		name    string
		plan    ewsd.FaultPlan
		maxWait time.Duration
		waits   []time.Duration
		code    string // of the error
	}{
		{name: "as long as it asks", plan: ewsd.FaultPlan{1: soap(7 * time.Second), 2: {Kind: ewsd.Response, Code: busy, BackOff: 3 * time.Second}},
			waits: []time.Duration{7 * time.Second, 3 * time.Second}},
		{name: "five minutes, as seen in the field", plan: ewsd.FaultPlan{1: soap(297749 * time.Millisecond)}, waits: []time.Duration{297749 * time.Millisecond}},
		{name: "more than is left", plan: ewsd.FaultPlan{1: soap(10 * time.Second), 2: soap(51 * time.Second)}, maxWait: time.Minute,
			waits: []time.Duration{10 * time.Second}, code: busy},
		{name: "for days", plan: ewsd.FaultPlan{1: soap(1000 * time.Hour)}, code: busy},
		{name: "not said how long", plan: ewsd.FaultPlan{1: soap(0), 2: soap(0), 3: {Kind: ewsd.SOAPFault, Code: "ErrorExceededConnectionCount"}},
			waits: []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second}},
		{name: "forever", plan: ewsd.FaultPlan{1: soap(0), 2: soap(0), 3: soap(0), 4: soap(0), 5: soap(0), 6: soap(0), 7: soap(0)},
			waits: []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second}, code: busy},
		{name: "at all", plan: ewsd.FaultPlan{1: soap(time.Second)}, maxWait: -1, code: busy},
		{name: "the web server", plan: ewsd.FaultPlan{1: {Kind: ewsd.Status, RetryAfter: 9 * time.Second}, 2: {Kind: ewsd.Status, Status: 429}},
			waits: []time.Duration{9 * time.Second, 2 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "ews-granted", faults(c.plan))
			var w waits
			client := s.as(t, service, w.into, func(config *ews.Config) { config.MaxWait = c.maxWait })
			_, answer, err := client.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar)
			if ews.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
				t.Errorf("error %v", err)
			}
			if fmt.Sprint(w.list) != fmt.Sprint(c.waits) || answer.Requests != len(c.waits)+1 {
				t.Errorf("waits %v, want %v; %d requests", w.list, c.waits, answer.Requests)
			}
			var sum time.Duration
			for _, d := range w.list {
				sum += d
			}
			if answer.Waited != sum {
				t.Errorf("it says %v", answer.Waited)
			}
		})
	}
}

func TestBusyAndCancelled(t *testing.T) {
	s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: {Kind: ewsd.SOAPFault, Code: "ErrorServerBusy", BackOff: time.Minute}}))
	ctx, cancel := context.WithCancel(t.Context())
	client := s.as(t, service, func(c *ews.Config) {
		c.Sleep = nil // really
		c.Trace = func(string) { cancel() }
	})
	began := time.Now()
	if _, _, err := client.GetFolder(ctx, ews.Impersonated(anna), ews.Calendar); !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestOlderServer(t *testing.T) {
	s := start(t, "ews-2010")
	c := s.as(t, service)
	for i, want := range []int{2, 1} { // it is remembered
		_, answer, err := c.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar)
		if err != nil || answer.Requests != want || answer.Build.Product() != "Exchange 2010" {
			t.Errorf("call %d: %+v, %v", i, answer, err)
		}
	}
	if got := s.carriedOut()[1].Version; got != string(ews.Exchange2010SP2) {
		t.Errorf("then it asks in version %s", got)
	}
	insisting := s.as(t, service, func(c *ews.Config) { c.Version = ews.Exchange2013SP1 })
	if _, _, err := insisting.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar); ews.CodeOf(err) != "ErrorInvalidServerVersion" {
		t.Errorf("a version that was asked for: %v", err)
	}
	schema := start(t, "ews-granted", faults(ewsd.FaultPlan{1: {Kind: ewsd.SOAPFault, Code: "ErrorSchemaValidation"}, 2: {Kind: ewsd.SOAPFault, Code: "ErrorSchemaValidation"}}))
	if _, answer, err := schema.as(t, service).GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar); ews.CodeOf(err) != "ErrorSchemaValidation" || answer.Requests != 2 {
		t.Errorf("a request that no version makes right: %+v, %v", answer, err)
	}
}

// TestBrokenReplies holds whatever comes instead of a reply to be no success, to be
// explained, and to take little memory.
func TestBrokenReplies(t *testing.T) {
	for _, c := range []struct {
		fault ewsd.Fault
		want  string // in the error
		id    string // of the fault
	}{
		{ewsd.Fault{Kind: ewsd.Refuse}, "no whole answer", fault.ConnectNetwork},
		{ewsd.Fault{Kind: ewsd.CutBefore}, "no whole answer", fault.ConnectNetwork},
		{ewsd.Fault{Kind: ewsd.CutDuring}, "no whole answer", fault.ConnectNetwork},
		{ewsd.Fault{Kind: ewsd.Truncate}, "ends before it is whole|cannot be read", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Garble}, "cannot be read", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Twice}, "goes on after its end|cannot be read", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Other}, "not a GetFolderResponse", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Entities}, "cannot be read", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Deep}, "deep", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Enormous}, "longer than 4194304 bytes", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Page}, "a web page or another text", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Login}, "redirections are not followed", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Empty}, "HTTP 500", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Status, Status: 503}, "HTTP 503", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Status, Status: 403}, "HTTP 403", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Status, Status: 404}, "HTTP 404", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Response, Code: "NoError"}, "NoError and Error at once", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.Response, Code: " "}, "no response code", fault.ConnectHTTP},
		{ewsd.Fault{Kind: ewsd.SOAPFault, Code: "NoError"}, "says nothing", fault.ConnectHTTP},
	} {
		t.Run(string(c.fault.Kind)+fmt.Sprint(c.fault.Status)+c.fault.Code, func(t *testing.T) {
			s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: c.fault, 2: c.fault})) // a connection that is cut is dialled anew once
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, answer, err := s.as(t, service).GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("it passes for a success")
			}
			ok := false
			for want := range strings.SplitSeq(c.want, "|") {
				ok = ok || strings.Contains(err.Error(), want)
			}
			if !ok || len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("%q", err)
			}
			f := fault.Of(err)
			if f.ID != c.id || f.Hint == "" || f.ID == fault.EWSImpersonationDenied {
				t.Errorf("it means %s, rule %s", f.ID, f.Rule)
			}
			if answer.Code != "" && answer.Code != "NoError" {
				t.Errorf("code %q", answer.Code)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 64<<20 {
				t.Errorf("%d MB allocated", allocated>>20)
			}
		})
	}
}

func TestLateReply(t *testing.T) {
	s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: {Kind: ewsd.Delay, Delay: 20 * time.Second}}))
	client := s.as(t, service, func(c *ews.Config) { c.Timeout = 50 * time.Millisecond })
	_, _, err := client.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar)
	if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") || errors.Is(err, context.DeadlineExceeded) || fault.Of(err).ID != fault.ConnectNetwork {
		t.Errorf("%v", err)
	}
}

// TestNothingOfTheLogOn looks for the password, and for what Basic makes of it, in
// all that a client says.
func TestNothingOfTheLogOn(t *testing.T) {
	s := start(t, "ews-granted", faults(ewsd.FaultPlan{2: {Kind: ewsd.CutDuring}, 3: {Kind: ewsd.Garble}, 4: {Kind: ewsd.Status, Status: 500}}))
	var said strings.Builder
	client := s.as(t, service, func(c *ews.Config) { c.Trace = func(line string) { said.WriteString(line + "\n") } })
	for range 5 {
		folder, answer, err := client.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar)
		fmt.Fprintf(&said, "%+v %+v %v %+v\n", folder, answer, err, err)
	}
	wrong := s.as(t, "nobody")
	_, _, err := wrong.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar)
	fmt.Fprintf(&said, "%v %+v", err, fault.Of(err))
	if strings.Contains(said.String(), password) || strings.Contains(said.String(), base64.StdEncoding.EncodeToString([]byte(service+":"+password))) || strings.Contains(said.String(), "Authorization") {
		t.Error(said.String())
	}
	if strings.Count(said.String(), "GetFolder as anna@contoso.test, request 1: HTTP") != 5 {
		t.Error(said.String())
	}
}

func TestConfig(t *testing.T) {
	transport := ews.NewTransport(ews.TransportConfig{})
	for url, want := range map[string]string{
		"https://mail.contoso.test/EWS/Exchange.asmx":    "",
		"http://127.0.0.1:8080/EWS/Exchange.asmx":        "",
		"http://[::1]/EWS/Exchange.asmx":                 "",
		"http://mail.contoso.test/EWS/Exchange.asmx":     "in clear",
		"http://127.0.0.1.contoso.test/EWS/":             "in clear",
		"mail.contoso.test":                              "has the form",
		"ftp://mail.contoso.test/":                       "has the form",
		"https://alice:secret@mail.contoso.test/EWS":     "has the form",
		"https://alice:secret@mail.contoso.test/EWS/%zz": "cannot be read",
		"": "has the form",
	} {
		_, err := ews.New(ews.Config{URL: url, Transport: transport})
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := ews.New(ews.Config{URL: "https://mail.contoso.test/"}); err == nil {
		t.Error("a client that cannot log on")
	}
	if protocols := transport.Protocols; protocols == nil || protocols.HTTP2() || !protocols.HTTP1() || !transport.DisableCompression || transport.Proxy != nil {
		t.Errorf("%+v", transport)
	}
}

func TestIdentities(t *testing.T) {
	for identity, ok := range map[ews.Identity]bool{
		{ews.SMTPAddress, anna}: true, {ews.PrimarySMTPAddress, "o'brien+x@contoso.test"}: true, {ews.PrincipalName, "jürgen@contoso.test"}: true,
		{ews.SID, "S-1-5-21-1-2-3-1105"}: true, {ews.SID, "S-1-5-21-1-2-3-1105</t:SID>"}: false, {ews.SID, ""}: false, {ews.SID, "anna"}: false,
		{ews.SMTPAddress, ""}: false, {ews.SMTPAddress, "anna"}: false, {ews.SMTPAddress, "@contoso.test"}: false, {ews.SMTPAddress, "a@b@c"}: false,
		{ews.SMTPAddress, "a@b\r\nX-Evil: 1"}: false, {ews.SMTPAddress, "a\u200b@contoso.test"}: false, {ews.SMTPAddress, "a@\xff"}: false,
		{ews.SMTPAddress, "a@b.test,c@d.test"}: false, {ews.SMTPAddress, "<a@b.test>"}: false, {ews.SMTPAddress, "a@" + strings.Repeat("x", 2000)}: false,
		{ews.PrincipalName, `CONTOSO\anna`}: false, {"UPN", anna}: false, {"", anna}: false, {}: false,
	} {
		if err := identity.Validate(); (err == nil) != ok {
			t.Errorf("%v: %v", identity, err)
		}
	}
	s := start(t, "plain")
	if _, _, err := s.as(t, service).GetFolder(t.Context(), ews.Impersonated("anna"), ews.Calendar); err == nil || len(s.seen()) != 0 {
		t.Errorf("what is no address was sent: %v", err)
	}
}

// TestIllegalCharacters reads what Exchange passes on of an item's texts, which XML
// does not have.
func TestIllegalCharacters(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:GetItemResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">`+
			`<m:ResponseMessages><m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items><x><ItemId Id="1"/>`+
			`<Subject>a&#x1F;b&#31;c&#xD800;d&#65;&amp;&#</Subject></x></m:Items></m:GetItemResponseMessage></m:ResponseMessages></m:GetItemResponse></s:Body></s:Envelope>`)
	}))
	defer web.Close()
	transport := ews.NewTransport(ews.TransportConfig{})
	defer transport.CloseIdleConnections()
	c, err := ews.New(ews.Config{URL: web.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.GetItem(t.Context(), ews.Impersonated(anna), ews.ItemID{ID: "1"})
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a reference without a number: %v", err)
	}
}
