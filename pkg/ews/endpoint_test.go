package ews_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
)

func TestEndpoint(t *testing.T) {
	const url = "https://mail.contoso.test/EWS/Exchange.asmx"
	offering := func(schemes ...string) http.Handler {
		return exchangeServer(t, func(c *ewsd.Config) { c.Offered = schemes })
	}
	for _, c := range []struct {
		name    string
		url     string // url where empty
		handler http.Handler
		badTLS  string
		verdict ews.Verdict
		fault   string
		saw     string
		next    string
	}{
		{name: "as it should be", handler: offering("Negotiate", "NTLM"), verdict: ews.Passed, saw: "offers Negotiate, NTLM"},
		{name: "with a quoted realm", handler: offering(`Basic realm="mail, contoso"`, "Negotiate"), verdict: ews.Passed, saw: "offers Basic, Negotiate"},
		{name: "nothing offered", handler: offering("Bearer"), verdict: ews.Failed, saw: "offers Bearer", next: "Get-WebServicesVirtualDirectory"},
		{name: "a wrong path", url: "https://mail.contoso.test/EWS/", handler: offering("Negotiate"), verdict: ews.Failed, fault: fault.ConnectHTTP, saw: "HTTP 404"},
		{name: "a page for everybody", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<title>Hello</title>")) }),
			verdict: ews.Failed, saw: "HTTP 200", next: "anonymous"},
		{name: "a stopped application pool", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }),
			verdict: ews.Failed, fault: fault.ConnectHTTP, saw: "HTTP 503"},
		{name: "a log-on page", handler: redirect(302, "/owa/auth/logon.aspx"), verdict: ews.Failed, fault: fault.ConnectHTTP, saw: "HTTP 302"},
		{name: "an authority that nobody trusts", handler: offering("Negotiate"), badTLS: "mail.contoso.test", verdict: ews.Failed, fault: fault.ConnectTLS, next: "--ca-file"},
		{name: "no such host", url: "https://nowhere.contoso.test/EWS/Exchange.asmx", handler: offering("Negotiate"), verdict: ews.Failed, fault: fault.ConnectNetwork, saw: "the name nowhere.contoso.test has no address"},
		{name: "a certificate that ends soon", handler: offering("Negotiate"), verdict: ews.Passed, next: "renew it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.badTLS, map[string]http.Handler{"https://mail.contoso.test": c.handler})
			reach := ews.TransportConfig{RootCAs: w.authorities, Dial: w.dial}
			anonymous := ews.NewTransport(reach)
			t.Cleanup(anonymous.CloseIdleConnections)
			if c.url == "" {
				c.url = url
			}
			client, err := ews.New(ews.Config{URL: c.url, Transport: logOn(t, reach, service, password)})
			if err != nil {
				t.Fatal(err)
			}
			p := ews.NewProber(ews.ProberConfig{Client: client, Anonymous: anonymous, Account: anna})
			r := p.Endpoint(t.Context())
			if r.Verdict != c.verdict || !strings.Contains(r.Saw, c.saw) || !strings.Contains(r.Next, c.next) || r.Means == "" {
				t.Errorf("%+v", r)
			}
			if c.fault != "" && (r.Fault == nil || r.Fault.ID != c.fault) {
				t.Errorf("it means %+v", r.Fault)
			}
			if r.Verdict == ews.Failed && r.Next == "" {
				t.Error("it does not say what to do")
			}
			if len(w.secret) > 0 {
				t.Errorf("the log-on went to %v", w.secret)
			}
		})
	}
}

// TestEndpointNames says for which names a certificate is good.
func TestEndpointNames(t *testing.T) {
	w := newWorld(t, "", map[string]http.Handler{"https://mail.contoso.test": http.NotFoundHandler()})
	w.web["https://ex01.contoso.test"] = w.web["https://mail.contoso.test"]
	reach := ews.TransportConfig{RootCAs: w.authorities, Dial: w.dial}
	anonymous := ews.NewTransport(reach)
	defer anonymous.CloseIdleConnections()
	client, err := ews.New(ews.Config{URL: "https://ex01.contoso.test/EWS/Exchange.asmx", Transport: anonymous})
	if err != nil {
		t.Fatal(err)
	}
	p := ews.NewProber(ews.ProberConfig{Client: client, Anonymous: anonymous, Account: anna})
	if r := p.Endpoint(t.Context()); r.Verdict != ews.Failed || !strings.Contains(r.Saw, "mail.contoso.test") {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := p.Endpoint(ctx); r.Verdict != ews.Unknown || !r.IsCancel() {
		t.Errorf("%+v", r)
	}
}
