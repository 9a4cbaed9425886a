package ews_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
)

// behind serves the simulator behind the acceptor, which logs on by the system's
// GSSAPI. alice is the service account.
func behind(t *testing.T, o peers.AcceptorOptions) (*server, *peers.Acceptor) {
	t.Helper()
	s := start(t, "ews-granted", func(c *ewsd.Config) {
		c.LogOn = func(r *http.Request) (string, bool) {
			user := strings.ToLower(r.Header.Get("X-Auth-User"))
			return map[bool]string{true: "svc-reschedule", false: "svc-backup"}[strings.Contains(user, "alice")], user != ""
		}
	})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Content-Type", "text/xml; charset=utf-8") // the acceptor is made for WS-Management
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(upstream.Close)
	o.Args = append(o.Args, "--upstream", upstream.URL)
	return s, peers.StartAcceptor(t, o)
}

func reach(t *testing.T, a *peers.Acceptor) ews.TransportConfig {
	t.Helper()
	c := ews.TransportConfig{ConnectTo: a.Address, RootCAs: x509.NewCertPool()}
	if a.CertFile != "" {
		pem, err := os.ReadFile(a.CertFile)
		if err != nil || !c.RootCAs.AppendCertsFromPEM(pem) {
			t.Fatal(err)
		}
	}
	return c
}

func prober(t *testing.T, a *peers.Acceptor, who ews.Credential) *ews.Prober {
	t.Helper()
	logOn, err := ews.NewLogOn(reach(t, a), who)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(logOn.CloseIdleConnections)
	client, err := ews.New(ews.Config{URL: a.URL + "/EWS/Exchange.asmx", Transport: logOn})
	if err != nil {
		t.Fatal(err)
	}
	anonymous := ews.NewTransport(reach(t, a))
	t.Cleanup(anonymous.CloseIdleConnections)
	return ews.NewProber(ews.ProberConfig{Client: client, Anonymous: anonymous, Account: "svc-reschedule@contoso.test"})
}

// TestChannelBinding logs on by Kerberos and by NTLM to every mode of Extended
// Protection.
func TestChannelBinding(t *testing.T) {
	kdc := peers.StartKDC(t)
	kerberos := ews.Credential{Method: ews.Kerberos, Username: "alice@CONTOSO.TEST", Password: ews.NewSecret(peers.KDCPassword), Krb5Config: kdc.Config}
	ntlm := ews.Credential{Method: ews.NTLM, Username: peers.AcceptorNTLMUser, Password: ews.NewSecret(peers.KDCPassword)}
	negotiate := kerberos
	negotiate.Method = ews.Negotiate
	for _, mode := range []string{"none", "relaxed", "required", "wrong"} {
		t.Run(mode, func(t *testing.T) {
			s, a := behind(t, peers.AcceptorOptions{KDC: kdc, TLS: true, Args: []string{"--cbt", mode, "--offer", "Negotiate,NTLM"}})
			for name, who := range map[string]ews.Credential{"kerberos": kerberos, "ntlm": ntlm, "negotiate": negotiate} {
				p := prober(t, a, who)
				if r := p.Endpoint(t.Context()); r.Verdict != ews.Passed || !strings.Contains(r.Saw, "offers Negotiate") || !strings.Contains(r.Saw, "TLS 1.3") {
					t.Errorf("%s: endpoint: %+v", name, r)
				}
				r := p.LogOn(t.Context())
				if mode == "wrong" {
					if r.Verdict != ews.Failed || r.Fault.ID != fault.ConnectAuth || r.Next == "" || r.Access != "" {
						t.Errorf("%s: %+v", name, r)
					}
					continue
				}
				if r.Verdict != ews.Passed {
					t.Errorf("%s: %+v", name, r)
				}
				if r := p.Read(t.Context(), anna); r.Access != ews.Allowed {
					t.Errorf("%s: in scope: %+v", name, r)
				}
				if r := p.Refused(t.Context(), boss); r.Verdict != ews.Passed {
					t.Errorf("%s: out of scope: %+v", name, r)
				}
			}
			bound := 0
			for _, e := range a.Events("auth") {
				if e.Bound {
					bound++
				}
			}
			if len(a.Events("BASIC-CREDENTIALS-SENT")) > 0 {
				t.Error("a password went over the line")
			}
			if (mode == "relaxed" || mode == "required") != (bound > 0) {
				t.Errorf("%d log-ons were bound to the channel", bound)
			}
			for _, e := range s.seen() {
				if e.User != `CONTOSO\svc-reschedule` {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	kdc := peers.StartKDC(t)
	_, a := behind(t, peers.AcceptorOptions{KDC: kdc, TLS: true})
	for name, who := range map[string]ews.Credential{
		"kerberos": {Method: ews.Kerberos, Username: "alice@CONTOSO.TEST", Password: ews.NewSecret("wrong"), Krb5Config: kdc.Config},
		"ntlm":     {Method: ews.NTLM, Username: peers.AcceptorNTLMUser, Password: ews.NewSecret("wrong")},
		"basic":    {Method: ews.Basic, Username: "alice", Password: ews.NewSecret("wrong")},
	} {
		r := prober(t, a, who).LogOn(t.Context())
		if r.Verdict != ews.Failed || r.Fault.ID != fault.ConnectAuth || r.Next == "" || strings.Contains(r.Saw+r.Next, "wrong\"") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestInClear refuses what would send a password, or another's calendar, in clear.
func TestInClear(t *testing.T) {
	_, err := ews.NewLogOn(ews.TransportConfig{ConnectTo: "192.0.2.1"}, ews.Credential{Method: ews.Basic, Username: "a", Password: ews.NewSecret("b")})
	if err == nil || !strings.Contains(err.Error(), "HOST:PORT") {
		t.Errorf("%v", err)
	}
	dialled := false
	c := ews.TransportConfig{ConnectTo: "192.0.2.1:80", Dial: func(context.Context, string, string) (net.Conn, error) {
		dialled = true
		return nil, context.Canceled
	}}
	for _, method := range []ews.AuthMethod{ews.Basic, ews.NTLM} {
		logOn, err := ews.NewLogOn(c, ews.Credential{Method: method, Username: `CONTOSO\a`, Password: ews.NewSecret("b")})
		if err != nil {
			t.Fatal(err)
		}
		client, err := ews.New(ews.Config{URL: "http://127.0.0.1/EWS/Exchange.asmx", Transport: logOn})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.GetFolder(t.Context(), ews.Impersonated(anna), ews.Calendar); err == nil || !strings.Contains(err.Error(), "in clear") || dialled {
			t.Errorf("%s: %v, dialled %t", method, err, dialled)
		}
	}
	for _, who := range []ews.Credential{{}, {Method: "digest", Username: "a", Password: ews.NewSecret("b")}, {Method: ews.Basic, Username: "a"}} {
		if _, err := ews.NewLogOn(ews.TransportConfig{}, who); err == nil {
			t.Errorf("%+v can log on", who)
		}
	}
}
