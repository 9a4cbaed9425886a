package remote

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

// The tests in this file log on by Kerberos and NTLM to MIT's GSSAPI (acceptor.py),
// which unseals and passes on to a simulated organization or to PowerShell's own
// engine.

// A front is a way to log on, and how the acceptor in front is started.
type front struct {
	name   string
	method AuthMethod
	tls    bool
	seal   bool // over TLS, too
	args   []string
}

// asShipped is what an Exchange server does.
var asShipped = []string{"--offer", "Kerberos", "--require-encryption", "--exchange-boundary", "--iis-compress"}

var fronts = []front{
	{"Kerberos as shipped", Kerberos, false, false, asShipped},
	{"Kerberos in SPNEGO", Kerberos, false, false, []string{"--offer", "Negotiate", "--require-encryption"}},
	{"stream tokens", Kerberos, false, false, []string{"--stream", "--require-encryption"}},
	{"Negotiate", Negotiate, false, false, []string{"--require-encryption", "--exchange-boundary"}},
	{"NTLM", NTLM, false, false, []string{"--require-encryption", "--exchange-boundary", "--iis-compress"}},
	{"Kerberos over TLS, bound", Kerberos, true, false, []string{"--cbt", "required"}},
	{"Kerberos sealed over TLS", Kerberos, true, true, []string{"--cbt", "required", "--require-encryption"}},
	{"NTLM over TLS, bound", NTLM, true, false, []string{"--cbt", "required"}},
	{"NTLM sealed over TLS", NTLM, true, true, []string{"--cbt", "relaxed", "--require-encryption", "--exchange-boundary"}},
	{"Kerberos over TLS without bindings", Kerberos, true, false, []string{"--cbt", "none"}},
}

// open starts the acceptor in front of a plain endpoint and returns target and
// credential for it.
func (f front) open(t testing.TB, kdc *peers.KDC, upstream string, args ...string) (*peers.Acceptor, Target, Credential) {
	t.Helper()
	a := peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, TLS: f.tls, Args: slices.Concat(f.args, []string{"--upstream", upstream}, args)})
	target := Target{Server: a.URL + "/PowerShell/", ConnectTo: a.Address, SealOverTLS: f.seal, Timeout: 10 * time.Second}
	if f.tls {
		pem, err := os.ReadFile(a.CertFile)
		if err != nil {
			t.Fatal(err)
		}
		target.RootCAs = x509.NewCertPool()
		target.RootCAs.AppendCertsFromPEM(pem)
	}
	c := Credential{Method: f.method, Username: "alice@CONTOSO.TEST", Password: NewSecret(peers.KDCPassword), Krb5Config: kdc.Config}
	if f.method == NTLM {
		c.Username = peers.AcceptorNTLMUser
	}
	return a, target, c
}

// plainOrganization serves a simulated organization to whoever comes.
func plainOrganization(t testing.TB) (url string, served *psrpd.Server, _ *exchangesim.Organization) {
	t.Helper()
	of, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	organization := exchangesim.New(of, exchangesim.Options{})
	served = psrpd.New(psrpd.Config{Organization: organization})
	web := httptest.NewServer(served)
	t.Cleanup(func() { served.Close(); web.CloseClientConnections(); web.Close() })
	return web.URL, served, organization
}

// applyVerifyRevoke does all three over one session, and closes it.
func applyVerifyRevoke(t *testing.T, target Target, c Credential, g exchange.Grant) {
	t.Helper()
	ctx := t.Context()
	s, err := Dial(ctx, target, c)
	if err != nil {
		t.Fatal(err)
	}
	o := grant.Options{Tool: "test"}
	plan, err := grant.NewPlan(ctx, s, g, o)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	result, err := grant.Apply(ctx, s, plan, o)
	if err != nil || result.Outcome != report.Granted || result.Operator == "" || result.Target.Server == "" {
		t.Fatalf("apply: %+v, %v", result, err)
	}
	verified, err := grant.Verify(ctx, s, g, o)
	if err != nil || verified.Outcome != report.Verified {
		t.Errorf("verify: %+v, %v", verified, err)
	}
	revoked, err := grant.Revoke(ctx, s, grant.Revocation{Grant: &g}, o)
	if err != nil || revoked.Outcome != report.Revoked {
		t.Errorf("revoke: %+v, %v", revoked, err)
	}
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// checkProtected holds that all that went through the acceptor was protected: it
// was sealed, or TLS and bound where the server binds.
func (f front) checkProtected(t *testing.T, a *peers.Acceptor) {
	t.Helper()
	sealed := !f.tls || f.seal
	a.Await(t, "auth", 1)
	for _, op := range a.Events("op") {
		if op.Sealed != sealed {
			t.Fatalf("%s", op.Raw)
		}
	}
	for _, e := range a.Events("unsealed") {
		if !e.Encrypted {
			t.Errorf("%s", e.Raw)
		}
	}
	for _, e := range a.Events("auth") {
		if e.Bound != (f.tls && !slices.Contains(f.args, "none")) || e.Mech == "krb5" && !e.Mutual {
			t.Errorf("%s", e.Raw)
		}
	}
	for _, e := range a.Events("anonymous") {
		if e.SOAP && !f.tls { // pypsrp asks for the log-on by its first message where TLS protects it
			t.Errorf("a message without a log-on: %s", e.Raw)
		}
	}
	if sent := a.Events("BASIC-CREDENTIALS-SENT"); len(sent) > 0 {
		t.Errorf("%v", sent)
	}
}

func TestSealedOrganization(t *testing.T) {
	noneLeft(t)
	kdc := peers.StartKDC(t)
	g := exchange.Grant{Assignee: exchange.NewUser(`CONTOSO\svc-reschedule`), Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
		InScope: []string{"anna@contoso.test"}, OutOfScope: []string{"boss@contoso.test"}}
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			url, _, organization := plainOrganization(t)
			a, target, c := f.open(t, kdc, url)
			applyVerifyRevoke(t, target, c, g)
			f.checkProtected(t, a)
			for _, e := range a.Events("anonymous") {
				if e.SOAP {
					t.Errorf("a message without a log-on: %s", e.Raw)
				}
			}
			if n := len(organization.Snapshot().Assignments); n == 0 {
				t.Errorf("the organization's own assignments are gone")
			}
			if n := len(a.Events("auth")); n > atOnce+1 {
				t.Errorf("%d log-ons for one session", n)
			}
		})
	}
}

// The same before the real engine, in the language mode of an Exchange server.
func TestSealedEngine(t *testing.T) {
	noneLeft(t)
	kdc := peers.StartKDC(t)
	g := exchange.Grant{Assignee: exchange.NewUser("svc-sched"), Scope: exchange.Scope{Kind: exchange.Group, Text: "Calendar Users"}}
	for _, f := range fronts {
		if f.name != "Kerberos as shipped" && f.name != "Kerberos in SPNEGO" && f.name != "NTLM" && f.name != "Kerberos over TLS, bound" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			b := peers.StartBridge(t, peers.BridgeOptions{Args: []string{"--exchange", "--require-cookie"},
				Env: []string{"EXCHANGEORG_STATE=" + filepath.Join(t.TempDir(), "org.json")}})
			a, target, c := f.open(t, kdc, strings.TrimSuffix(b.URL, "/PowerShell/"))
			applyVerifyRevoke(t, target, c, g)
			f.checkProtected(t, a)
			if end := b.Stop(t); len(end.ShellsLeft) > 0 {
				t.Errorf("shells left open: %v", end.ShellsLeft)
			}
		})
	}
}

// Long answers and long requests go sealed as they are.
func TestSealedLongMessages(t *testing.T) {
	kdc := peers.StartKDC(t)
	for _, f := range fronts[:5] {
		t.Run(f.name, func(t *testing.T) {
			url, _, _ := plainOrganization(t)
			a, target, c := f.open(t, kdc, url)
			s, err := Dial(t.Context(), target, c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			filter := "City -eq '" + strings.Repeat("Straße ", 100<<10) + "'"
			_, streams := invoke(t, s, commands.NewScope("S", filter, ""))
			if len(streams.Errors) > 0 && !strings.Contains(streams.Errors[0].Message, "ilter") {
				t.Errorf("%+v", streams)
			}
			longest := 0
			for _, e := range a.Await(t, "unsealed", 1) {
				longest = max(longest, e.Plain)
			}
			if longest < 400<<10 {
				t.Errorf("the longest message has %d bytes", longest)
			}
			f.checkProtected(t, a)
		})
	}
}

// Whatever happens to a sealed connection: nothing goes in clear afterwards, a
// change is done once or its outcome is told as unknown.
func TestSealedTrouble(t *testing.T) {
	noneLeft(t)
	kdc := peers.StartKDC(t)
	for _, f := range []front{fronts[0], fronts[4]} {
		for _, trouble := range [][]string{{"--corrupt"}, {"--idle", "1"}, {"--hangup", "1"}, {"--hangup", "2"}, {"--hangup", "3"}, {"--hangup", "4"}, {"--hangup", "5"}, {"--hangup", "6"}} {
			t.Run(fmt.Sprint(f.name, trouble), func(t *testing.T) {
				url, _, organization := plainOrganization(t)
				a, target, c := f.open(t, kdc, url, trouble...)
				s, err := Dial(t.Context(), target, c)
				corrupt := trouble[0] == "--corrupt"
				if corrupt && negotiate.KindOf(err) != negotiate.Altered {
					t.Errorf("corrupted: %v", err)
				}
				if err != nil {
					f.checkProtected(t, a)
					return
				}
				defer s.Close(context.Background())
				if _, err := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, ignoreObject); err != nil {
					t.Errorf("read: %v", err)
				}
				if trouble[0] == "--idle" {
					time.Sleep(1500 * time.Millisecond)
				}
				_, err = s.Invoke(t.Context(), exchange.Pipeline{commands.NewScope("S", "City -eq 'Berlin'", "")}, ignoreObject)
				var lost *exchange.LostReplyError
				if there := len(organization.Snapshot().Scopes) == 1; err == nil && !there || err != nil && !errors.As(err, &lost) {
					t.Errorf("change: there %t, %v", there, err)
				}
				if trouble[0] == "--idle" && err != nil {
					t.Errorf("a connection that the server closed while it was idle is a lost reply: %v", err)
				}
				f.checkProtected(t, a)
			})
		}
	}
}

// What cannot log on is told by its class, with what to do.
func TestLogonFailures(t *testing.T) {
	kdc := peers.StartKDC(t)
	url, _, _ := plainOrganization(t)
	a, target, c := fronts[0].open(t, kdc, url)
	unknownName := target
	unknownName.Server = "http://mail.contoso.test/PowerShell/"
	address := target
	address.Server = "http://192.0.2.7/PowerShell/"
	wrong, nobody := c, c
	wrong.Password = NewSecret("wrong-Passw0rd")
	nobody.Username = "nobody@CONTOSO.TEST"
	for _, test := range []struct {
		name       string
		target     Target
		c          Credential
		kind       negotiate.Kind
		text, hint string
	}{
		{"password", target, wrong, negotiate.WrongPassword, "is wrong", "One attempt was made"},
		{"account", target, nobody, negotiate.UnknownAccount, "does not know", "sAMAccountName"},
		{"name", unknownName, c, negotiate.UnknownSPN, "HTTP/mail.contoso.test", "full name"},
		{"address", address, c, negotiate.UnknownSPN, "IP address", "full name"},
	} {
		_, err := Dial(t.Context(), test.target, test.c)
		f := fault.Fault{}
		if err != nil {
			f = fault.Of(err)
		}
		if negotiate.KindOf(err) != test.kind || f.ID != fault.ConnectAuth || !strings.Contains(f.Message, test.text) || !strings.Contains(f.Hint, test.hint) {
			t.Errorf("%s: %v: %+v", test.name, err, f)
		}
	}
	_, untrusted, c := fronts[5].open(t, kdc, url)
	untrusted.RootCAs = x509.NewCertPool()
	if _, err := Dial(t.Context(), untrusted, c); err == nil || fault.Of(err).ID != fault.ConnectTLS {
		t.Errorf("a certificate of nobody: %v", err)
	}
	if n := strings.Count(kdc.Log(t), "PREAUTH_FAILED") + strings.Count(kdc.Log(t), "Decrypt integrity check failed"); n > 2 {
		t.Errorf("the wrong password was tried more than once:\n%s", kdc.Log(t))
	}
	if len(a.Events("op")) > 0 {
		t.Errorf("%s", a.Log())
	}
}

// Sessions of one shared credential use the same tickets.
func TestSharedTickets(t *testing.T) {
	kdc := peers.StartKDC(t)
	url, _, _ := plainOrganization(t)
	_, target, c := fronts[0].open(t, kdc, url)
	c, err := c.Share()
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		s, err := Dial(t.Context(), target, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(kdc.Log(t), "TGS_REQ"); n != 1 {
		t.Errorf("%d tickets for four sessions", n)
	}
}
