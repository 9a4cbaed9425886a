package ews_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const password = "Pa$$w0rd-of-everybody"

// A server is a simulated organization's EWS with a client of it.
type server struct {
	*ewsd.Server
	organization *exchangesim.Organization
	web          *httptest.Server
	url          string

	mu     sync.Mutex
	events []ewsd.Event
}

// start serves a scenario to everybody who has the password.
func start(t testing.TB, scenario string, change ...func(*ewsd.Config)) *server {
	t.Helper()
	return startWith(t, scenario, exchangesim.Options{}, change...)
}

func startWith(t testing.TB, scenario string, options exchangesim.Options, change ...func(*ewsd.Config)) *server {
	t.Helper()
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	sim := &server{organization: exchangesim.New(s, options)}
	config := ewsd.Config{Organization: sim.organization, Password: password, Events: func(e ewsd.Event) {
		sim.mu.Lock()
		defer sim.mu.Unlock()
		sim.events = append(sim.events, e)
	}}
	for _, c := range change {
		c(&config)
	}
	sim.Server = ewsd.New(config)
	sim.web = httptest.NewServer(sim.Server)
	t.Cleanup(sim.web.Close)
	sim.url = sim.web.URL + "/EWS/Exchange.asmx"
	return sim
}

func (s *server) seen() []ewsd.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ewsd.Event(nil), s.events...)
}

// carriedOut are those of the events that were logged on.
func (s *server) carriedOut() []ewsd.Event {
	return slices.DeleteFunc(s.seen(), func(e ewsd.Event) bool { return e.User == "" })
}

// invoke runs a cmdlet as the administrator.
func (s *server) invoke(t testing.TB, cmdlet string, nameAndValue ...string) {
	t.Helper()
	c := exchange.Command{Cmdlet: cmdlet, Params: []exchange.Param{{Name: "Confirm", Value: exchange.Bool(false)}}}
	for i := 0; i < len(nameAndValue); i += 2 {
		c.Params = append(c.Params, exchange.Param{Name: nameAndValue[i], Value: exchange.String(nameAndValue[i+1])})
	}
	streams, err := s.organization.Session(exchangesim.SessionOptions{}).Invoke(t.Context(), exchange.Pipeline{c}, func(exchange.Object) error { return nil })
	if err != nil || len(streams.Errors) > 0 {
		t.Fatalf("%s: %v %v", cmdlet, err, streams.Errors)
	}
}

// grant gives svc-reschedule the role within Reschedule Users.
func (s *server) grant(t testing.TB) {
	t.Helper()
	s.invoke(t, "New-ManagementScope", "Name", "Reschedule", "RecipientRestrictionFilter", "MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'")
	s.invoke(t, "New-ManagementRoleAssignment", "Name", "Reschedule", "User", "svc-reschedule", "Role", exchange.Role, "CustomRecipientWriteScope", "Reschedule")
}

// logOn logs on by Basic.
func logOn(t testing.TB, c ews.TransportConfig, user, password string) *ews.LogOn {
	t.Helper()
	l, err := ews.NewLogOn(c, ews.Credential{Method: ews.Basic, Username: user, Password: ews.NewSecret(password)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.CloseIdleConnections)
	return l
}

// as returns a client of an account, which never waits in real time.
func (s *server) as(t testing.TB, user string, change ...func(*ews.Config)) *ews.Client {
	t.Helper()
	config := ews.Config{URL: s.url, Transport: logOn(t, ews.TransportConfig{}, user, password),
		Sleep: func(ctx context.Context, d time.Duration) error { return ctx.Err() }}
	for _, c := range change {
		c(&config)
	}
	client, err := ews.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

const (
	service = `CONTOSO\svc-reschedule`
	anna    = "anna@contoso.test"
	boss    = "boss@contoso.test"
)

func TestProof(t *testing.T) {
	s := start(t, "plain")
	s.grant(t)
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: "svc-reschedule@contoso.test"})
	var rungs []ews.Rung
	rungs = append(rungs, p.Endpoint(t.Context()), p.LogOn(t.Context()), p.Read(t.Context(), anna))
	rungs = append(rungs, p.Use(t.Context(), anna)...)
	rungs = append(rungs, p.Refused(t.Context(), boss), p.Write(t.Context(), anna), p.Load(t.Context(), anna, 10))
	for _, r := range rungs {
		t.Logf("%d %s %s: %s | %s | %s | %s", r.Level, r.Level, r.Verdict, r.Tried, r.Saw, r.Means, r.Next)
		if r.Verdict != ews.Passed {
			t.Errorf("%s: %s", r.Level, r.Verdict)
		}
	}
	if r := p.Refused(t.Context(), anna); r.Verdict != ews.Security || r.Access != ews.Allowed {
		t.Errorf("a mailbox that is in scope: %+v", r)
	}
	if r := p.Read(t.Context(), boss); r.Verdict != ews.Failed || r.Access != ews.Refused || r.Answer.Code != "ErrorImpersonateUserDenied" {
		t.Errorf("a mailbox that is out of scope: %+v", r)
	}
}

// certificateFor makes a certificate for a name, and the authority that signed it.
func certificateFor(t *testing.T, name string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
