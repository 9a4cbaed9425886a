package ews_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A world has hosts on the ports 80 and 443, as a name service and dialer show it.
type world struct {
	authorities *x509.CertPool
	hosts       map[string]http.Handler // by "https://name" or "http://name"
	web         map[string]*httptest.Server

	mu     sync.Mutex
	asked  []string // "POST https://name/path", in order
	secret []string // those of them that had a log-on

	challenged map[string]bool // hosts that were asked without one
}

// newWorld serves hosts. A certificate is for its own host; one of badTLS is of an
// authority that nobody trusts.
func newWorld(t *testing.T, badTLS string, hosts map[string]http.Handler) *world {
	t.Helper()
	w := &world{authorities: x509.NewCertPool(), hosts: hosts, web: map[string]*httptest.Server{}, challenged: map[string]bool{}}
	for at, handler := range hosts {
		scheme, name, _ := strings.Cut(at, "://")
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.mu.Lock()
			asked := r.Method + " " + at + r.URL.Path
			if n := len(w.asked); n == 0 || w.asked[n-1] != asked { // the same again is with a log-on
				w.asked = append(w.asked, asked)
			}
			if r.Header.Get("Authorization") != "" && !w.challenged[at] {
				t.Errorf("%s got a log-on that it had not asked for", at)
			}
			w.challenged[at] = true
			if r.Header.Get("Authorization") != "" {
				w.secret = append(w.secret, at+r.URL.Path)
			}
			w.mu.Unlock()
			handler.ServeHTTP(rw, r)
		}))
		if scheme == "https" {
			certificate, authority := certificateFor(t, name)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			if name != badTLS {
				w.authorities.AppendCertsFromPEM(authority)
			}
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		w.web[at] = s
	}
	return w
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, _ := net.SplitHostPort(address)
	s := w.web[map[string]string{"443": "https", "80": "http"}[port]+"://"+name]
	if s == nil {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
}

func (w *world) config(t *testing.T, srv ...*net.SRV) ews.AutodiscoverConfig {
	reach := ews.TransportConfig{RootCAs: w.authorities, Dial: w.dial}
	anonymous := ews.NewTransport(reach)
	t.Cleanup(anonymous.CloseIdleConnections)
	return ews.AutodiscoverConfig{
		Transport: logOn(t, reach, service, password), Anonymous: anonymous,
		LookupSRV: func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
			if len(srv) == 0 {
				return "", nil, &net.DNSError{Err: "no such host", Name: "_" + service + "._" + proto + "." + name, IsNotFound: true}
			}
			return "", srv, nil
		},
	}
}

// exchange is a simulated server behind a name.
func exchangeServer(t *testing.T, change func(*ewsd.Config)) http.Handler {
	t.Helper()
	scenario, err := exchangesim.ScenarioByName("ews-granted")
	if err != nil {
		t.Fatal(err)
	}
	c := ewsd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Password: password}
	if change != nil {
		change(&c)
	}
	return ewsd.New(c)
}

func redirect(status int, to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	})
}

// onlyPOX has no SOAP.
func onlyPOX(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".svc") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// told answers by POX, to whom is logged on.
func told(account string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>`+account+`</Account></Response></Autodiscover>`)
	})
}

// busy answers so many requests by 503.
func busy(n int, retryAfter string, next http.Handler) http.Handler {
	var asked atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if int(asked.Add(1)) <= n {
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(503)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestDiscover(t *testing.T) {
	server := exchangeServer(t, nil)
	external := exchangeServer(t, func(c *ewsd.Config) { c.ExternalURL = "https://mail.contoso.test/EWS/Exchange.asmx" })
	website := http.NotFoundHandler()
	const svc, pox = "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.xml"
	for _, c := range []struct {
		name    string
		hosts   map[string]http.Handler
		badTLS  string
		srv     []*net.SRV
		address string // anna's when empty
		trust   bool   // everything

		url   string
		way   ews.Way
		cloud string
		err   string
		asked []string
		fault string
	}{
		{name: "SOAP at the domain", hosts: map[string]http.Handler{"https://contoso.test": server},
			url: "https://contoso.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"POST https://contoso.test" + svc}},
		{name: "POX at the domain", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(server)},
			url: "https://contoso.test/EWS/Exchange.asmx", way: ews.ByPOX, asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "SOAP at autodiscover, after a website", hosts: map[string]http.Handler{"https://contoso.test": website, "https://autodiscover.contoso.test": external},
			url: "https://autodiscover.contoso.test/EWS/Exchange.asmx", way: ews.BySOAP,
			asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox, "POST https://autodiscover.contoso.test" + svc}},
		{name: "a redirection in clear", hosts: map[string]http.Handler{"http://autodiscover.contoso.test": redirect(302, "https://mail.contoso.test"+pox), "https://mail.contoso.test": server},
			url: "https://mail.contoso.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"GET http://autodiscover.contoso.test" + pox, "POST https://mail.contoso.test" + svc}},
		{name: "a redirection in clear to somebody else", hosts: map[string]http.Handler{"http://autodiscover.contoso.test": redirect(302, "https://evil.test"+pox), "https://evil.test": server},
			err: "could be forged", asked: []string{"GET http://autodiscover.contoso.test" + pox}},
		{name: "a redirection in clear to somebody who is trusted", trust: true,
			hosts: map[string]http.Handler{"http://autodiscover.contoso.test": redirect(302, "https://hoster.test"+pox), "https://hoster.test": server},
			url:   "https://hoster.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"GET http://autodiscover.contoso.test" + pox, "POST https://hoster.test" + svc}},
		{name: "a redirection to a name that only looks alike", hosts: map[string]http.Handler{"http://autodiscover.contoso.test": redirect(302, "https://evilcontoso.test"+pox), "https://evilcontoso.test": server},
			err: "could be forged", asked: []string{"GET http://autodiscover.contoso.test" + pox}},
		{name: "a redirection to an address in clear", trust: true, hosts: map[string]http.Handler{"http://autodiscover.contoso.test": redirect(302, "http://mail.contoso.test"+pox), "http://mail.contoso.test": server},
			err: "in clear", asked: []string{"GET http://autodiscover.contoso.test" + pox}},
		{name: "the DNS", hosts: map[string]http.Handler{"https://mail.contoso.test": server}, srv: []*net.SRV{{Target: "mail.contoso.test.", Port: 443}},
			url: "https://mail.contoso.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"POST https://mail.contoso.test" + svc}},
		{name: "the DNS names somebody else", hosts: map[string]http.Handler{"https://evil.test": server}, srv: []*net.SRV{{Target: "evil.test.", Port: 443}}, err: "could be forged"},
		{name: "over verified TLS, to somebody else", hosts: map[string]http.Handler{"https://contoso.test": redirect(302, "https://evil.test"+svc), "https://evil.test": server},
			err: "could be forged", asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "somebody else's URL in the answer", hosts: map[string]http.Handler{"https://contoso.test": exchangeServer(t, func(c *ewsd.Config) { c.RedirectURL = "https://evil.test" + svc }), "https://evil.test": server},
			err: "could be forged"},
		{name: "somebody else's URL in POX", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(told(`<Action>redirectUrl</Action><RedirectUrl>https://evil.test` + pox + `</RedirectUrl>`)), "https://evil.test": server},
			err: "could be forged"},
		{name: "somebody else's address in POX", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(told(`<Action>redirectAddr</Action><RedirectAddr>anna@evil.test</RedirectAddr>`)), "https://evil.test": server, "https://autodiscover.evil.test": server},
			err: "could be forged"},
		{name: "somebody else's EWS", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(told(`<Protocol><Type>EXPR</Type><EwsUrl>https://evil.test/EWS/Exchange.asmx</EwsUrl></Protocol>`))},
			err: "could be forged"},
		{name: "EWS inside by a name of another domain, outside by ours", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(told(`<Protocol><Type>EXCH</Type><EwsUrl>https://ex01.corp.local/EWS/Exchange.asmx</EwsUrl></Protocol><Protocol><Type>EXPR</Type><EwsUrl>https://mail.contoso.test/EWS/Exchange.asmx</EwsUrl></Protocol>`))},
			url: "https://mail.contoso.test/EWS/Exchange.asmx", way: ews.ByPOX, asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "another address of ours", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(told(`<Action>redirectAddr</Action><RedirectAddr>anna@sub.contoso.test</RedirectAddr>`)), "https://sub.contoso.test": onlyPOX(told(`<Protocol><Type>EXCH</Type><EwsUrl>https://contoso.test/EWS/Exchange.asmx</EwsUrl></Protocol>`))},
			url: "https://contoso.test/EWS/Exchange.asmx", way: ews.ByPOX, asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox, "POST https://sub.contoso.test" + svc, "POST https://sub.contoso.test" + pox}},
		{name: "a web site that is busy for a moment", hosts: map[string]http.Handler{"https://contoso.test": busy(2, "1", server)},
			url: "https://contoso.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"POST https://contoso.test" + svc}},
		{name: "a web site that is busy for long", hosts: map[string]http.Handler{"https://contoso.test": busy(99, "600", server), "https://autodiscover.contoso.test": server},
			url: "https://autodiscover.contoso.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox, "POST https://autodiscover.contoso.test" + svc}},
		{name: "over verified TLS, to another host that is trusted", trust: true, hosts: map[string]http.Handler{"https://contoso.test": redirect(302, "https://hoster.test"+svc), "https://hoster.test": server},
			url: "https://hoster.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"POST https://contoso.test" + svc, "POST https://hoster.test" + svc}},
		{name: "over verified TLS, to an address in clear", hosts: map[string]http.Handler{"https://contoso.test": redirect(302, "http://hoster.test"+svc), "http://hoster.test": server},
			err: "https addresses only", asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "a URL in the answer", hosts: map[string]http.Handler{"https://contoso.test": exchangeServer(t, func(c *ewsd.Config) { c.RedirectURL = "https://mail.contoso.test" + svc }), "https://mail.contoso.test": server},
			url: "https://mail.contoso.test/EWS/Exchange.asmx", way: ews.BySOAP, asked: []string{"POST https://contoso.test" + svc, "POST https://mail.contoso.test" + svc}},
		{name: "in a circle", hosts: map[string]http.Handler{"https://contoso.test": exchangeServer(t, func(c *ewsd.Config) { c.RedirectURL = "https://contoso.test" + svc })},
			err: "circle", asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "a mailbox in the cloud", address: "clara@contoso.test", hosts: map[string]http.Handler{"https://contoso.test": server},
			cloud: "clara@contoso.mail.onmicrosoft.test", asked: []string{"POST https://contoso.test" + svc}},
		{name: "a mailbox in the cloud, by POX", address: "clara@contoso.test", hosts: map[string]http.Handler{"https://contoso.test": onlyPOX(server)},
			cloud: "clara@contoso.mail.onmicrosoft.test", asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "an address of the cloud", address: "clara@contoso.mail.onmicrosoft.com", cloud: "clara@contoso.mail.onmicrosoft.com"},
		{name: "Exchange Online's host", hosts: map[string]http.Handler{"http://autodiscover.contoso.test": redirect(302, "https://autodiscover-s.outlook.com"+pox), "https://autodiscover-s.outlook.com": server},
			cloud: "autodiscover-s.outlook.com", asked: []string{"GET http://autodiscover.contoso.test" + pox}},
		{name: "Exchange Online's host, in the DNS", srv: []*net.SRV{{Target: "autodiscover.outlook.com.", Port: 443}}, cloud: "autodiscover.outlook.com"},
		{name: "Exchange Online's host, over TLS", hosts: map[string]http.Handler{"https://contoso.test": redirect(302, "https://outlook.office365.com"+svc), "https://outlook.office365.com": server},
			cloud: "outlook.office365.com", asked: []string{"POST https://contoso.test" + svc}},
		{name: "a certificate that nobody vouches for", badTLS: "autodiscover.contoso.test", hosts: map[string]http.Handler{"https://autodiscover.contoso.test": server},
			err: "an authority that is not trusted here", fault: fault.ConnectTLS},
		{name: "nobody knows the address", address: "nobody@contoso.test", hosts: map[string]http.Handler{"https://contoso.test": server},
			err: "InvalidUser", fault: fault.EWSOther, asked: []string{"POST https://contoso.test" + svc, "POST https://contoso.test" + pox}},
		{name: "the log-on is refused", hosts: map[string]http.Handler{"https://contoso.test": exchangeServer(t, func(c *ewsd.Config) { c.Password = "other" })},
			err: "refuses name or password", fault: fault.ConnectAuth, asked: []string{"POST https://contoso.test" + svc}},
		{name: "nothing is there", err: "has no address", fault: fault.ConnectNetwork},
		{name: "no address", address: "anna", err: "not an address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.badTLS, c.hosts)
			config := w.config(t, c.srv...)
			config.Sleep = func(context.Context, time.Duration) error { return nil }
			if c.trust {
				config.Trust = func(string) bool { return true }
			}
			if c.address == "" {
				c.address = anna
			}
			d, err := ews.Discover(t.Context(), config, c.address)
			if d.URL != c.url || d.Way != c.way || d.Cloud != c.cloud {
				t.Errorf("%+v, %v", d, err)
			}
			if (err == nil) != (c.err == "") {
				t.Fatalf("error %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), c.err) && !attempted(d, c.err) {
				t.Errorf("error %v; attempts %+v", err, d.Attempts)
			}
			if c.fault != "" && fault.Of(err).ID != c.fault {
				t.Errorf("it means %+v", fault.Of(err))
			}
			if c.asked != nil && strings.Join(w.asked, "\n") != strings.Join(c.asked, "\n") {
				t.Errorf("asked %q, want %q", w.asked, c.asked)
			}
			for _, at := range w.secret {
				if strings.HasPrefix(at, "http://") || strings.Contains(at, "evil") || strings.Contains(at, "outlook") {
					t.Errorf("the log-on went to %s", at)
				}
			}
			r, _ := ews.ProbeAutodiscover(t.Context(), config, c.address)
			if (r.Verdict == ews.Passed) != (c.url != "") || r.Means == "" || (r.Next == "") != (c.url != "") {
				t.Errorf("as a rung: %+v", r)
			}
		})
	}
}

func attempted(d ews.Discovery, text string) bool {
	for _, a := range d.Attempts {
		if a.Err != nil && strings.Contains(a.Saw, text) {
			return true
		}
	}
	return false
}

func TestDiscoverCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t, "", map[string]http.Handler{"https://contoso.test": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel() })})
	if _, err := ews.Discover(ctx, w.config(t), anna); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if r, _ := ews.ProbeAutodiscover(ctx, w.config(t), anna); r.Verdict != ews.Unknown || !r.IsCancel() {
		t.Errorf("%+v", r)
	}
}

// TestDiscoveredSettings reads both URLs, in both ways.
func TestDiscoveredSettings(t *testing.T) {
	server := exchangeServer(t, func(c *ewsd.Config) { c.ExternalURL = "https://mail.contoso.test/EWS/Exchange.asmx" })
	for way, handler := range map[ews.Way]http.Handler{ews.BySOAP: server, ews.ByPOX: onlyPOX(server)} {
		w := newWorld(t, "", map[string]http.Handler{"https://contoso.test": handler})
		d, err := ews.Discover(t.Context(), w.config(t), anna)
		if err != nil || d.InternalURL != "https://contoso.test/EWS/Exchange.asmx" || d.ExternalURL != "https://mail.contoso.test/EWS/Exchange.asmx" || d.URL != d.InternalURL {
			t.Errorf("%s: %+v, %v", way, d, err)
		}
		if way == ews.BySOAP && d.Build != (ews.Build{15, 2, 2562, 17}) {
			t.Errorf("build %v", d.Build)
		}
	}
}
