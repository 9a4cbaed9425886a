package negotiate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"encoding/base64"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// Every form of a credential logs on, with nothing left running.
func TestCredentials(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	kdc := peers.StartKDC(t)
	dir := t.TempDir()
	keytab, both := filepath.Join(dir, "alice.keytab"), filepath.Join(dir, "both.keytab")
	kdc.Admin(t, "ktadd -norandkey -k "+keytab+" alice", "ktadd -norandkey -k "+both+" alice bob")
	ccache := kdc.Kinit(t, "alice")
	s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, Args: []string{"--require-encryption"}})}
	defer s.acceptor.Stop()
	srv := func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		if service != "kerberos" || proto != "tcp" || name != "CONTOSO.TEST" {
			return "", nil, fmt.Errorf("asked for _%s._%s.%s", service, proto, name)
		}
		return "", []*net.SRV{{Target: "localhost.", Port: uint16(kdc.Port)}}, nil
	}
	none := func(c *AccountConfig) { c.Username, c.Password = "", Secret{} }
	for name, change := range map[string]func(*AccountConfig){
		"user@REALM":             func(c *AccountConfig) {},
		"user@realm":             func(c *AccountConfig) { c.Username = "alice@contoso.test" },
		"NetBIOS domain":         func(c *AccountConfig) { c.Username = `CONTOSO\alice` },
		"domain as DNS name":     func(c *AccountConfig) { c.Username = `contoso.test\alice` },
		"default realm":          func(c *AccountConfig) { c.Username = "alice" },
		"short realm":            func(c *AccountConfig) { c.Username = "alice@CONTOSO" },
		"DNS SRV":                func(c *AccountConfig) { c.Krb5Config, c.LookupSRV = emptyConf(t), srv },
		"KRB5_CONFIG":            func(c *AccountConfig) { c.Krb5Config, c.Getenv = "", env("KRB5_CONFIG", kdc.Config) },
		"keytab":                 func(c *AccountConfig) { none(c); c.Keytab = keytab },
		"keytab and user":        func(c *AccountConfig) { c.Password, c.Keytab = Secret{}, both },
		"ccache":                 func(c *AccountConfig) { none(c); c.CCache = ccache },
		"ccache FILE and user":   func(c *AccountConfig) { c.Password, c.CCache = Secret{}, "FILE:"+ccache },
		"KRB5CCNAME":             func(c *AccountConfig) { none(c); c.Getenv = env("KRB5CCNAME", "FILE:"+ccache) },
		"default_ccache_name":    func(c *AccountConfig) { none(c); os.Link(ccache, filepath.Join(kdc.Dir, "ccache")) },
		"password wins":          func(c *AccountConfig) { c.Keytab = "/nonexistent" },
		"service named by --spn": func(c *AccountConfig) {},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.account(t, change)
			rt := s.transport(t, Kerberos, a, func(c *Config) {
				if strings.HasPrefix(name, "service") {
					c.SPN = "host/ex01.contoso.test"
				}
			})
			if _, _, err := post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Create", 100)); err != nil {
				t.Fatal(err)
			}
			if e := last(s.acceptor.Events("auth")); e.Initiator != "alice@CONTOSO.TEST" {
				t.Errorf("%s", e.Raw)
			}
			if !strings.Contains(strings.ToLower(a.Username()), "alice") {
				t.Errorf("%q", a.Username())
			}
			rt.CloseIdleConnections()
		})
	}
}

func env(name, value string) func(string) string {
	return func(n string) string {
		if n == name {
			return value
		}
		return ""
	}
}

// What cannot work is refused with what to write instead, before anybody is asked.
func TestBadCredentials(t *testing.T) {
	kdc := peers.StartKDC(t)
	dir := t.TempDir()
	both := filepath.Join(dir, "both.keytab")
	kdc.Admin(t, "ktadd -norandkey -k "+both+" alice bob")
	ccache := kdc.Kinit(t, "bob")
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte{5, 4, 0, 1, 0xff}, 50), 0o600); err != nil {
		t.Fatal(err)
	}
	nobody := func(context.Context, string, string) (net.Conn, error) {
		t.Error("somebody was contacted")
		return nil, errors.New("contacted")
	}
	secret := NewSecret("secret-Passw0rd")
	for _, test := range []struct {
		c          AccountConfig
		what, hint string
	}{
		{AccountConfig{Username: `CONTOSO\alice`, Password: secret, Krb5Config: emptyConf(t)}, "short name", "alice@CONTOSO."},
		{AccountConfig{Username: `alice@FABRIKAM`, Password: secret}, "short name", "alice@FABRIKAM."},
		{AccountConfig{Username: `alice`, Password: secret, Krb5Config: emptyConf(t)}, "which realm", "alice@"},
		{AccountConfig{Username: `alice@`, Password: secret}, "cannot be read", "user@REALM"},
		{AccountConfig{Username: `\alice`, Password: secret}, "cannot be read", "user@REALM"},
		{AccountConfig{Username: `a\b\c`, Password: secret}, "cannot be read", "user@REALM"},
		{AccountConfig{Password: secret}, "no user name", ""},
		{AccountConfig{Keytab: both}, "2 principals", "alice@CONTOSO.TEST, bob@CONTOSO.TEST"},
		{AccountConfig{Username: "carol@CONTOSO.TEST", Keytab: both}, "no key of", "bob@CONTOSO.TEST"},
		{AccountConfig{Keytab: garbage}, "keytab cannot be read", ""},
		{AccountConfig{CCache: garbage}, "ticket cache cannot be read", "kinit"},
		{AccountConfig{CCache: filepath.Join(dir, "missing")}, "ticket cache cannot be read", "kinit"},
		{AccountConfig{CCache: "KEYRING:persistent:0"}, "only this system's own Kerberos", "kinit -c FILE:"},
		{AccountConfig{CCache: "KCM:"}, "only this system's own Kerberos", "kinit -c FILE:"},
		{AccountConfig{Username: "alice@CONTOSO.TEST", CCache: ccache}, "is that of bob@CONTOSO.TEST", "kinit"},
		{AccountConfig{Username: "alice@CONTOSO.TEST", Password: secret, Krb5Config: filepath.Join(dir, "missing")}, "configuration cannot be read", ""},
	} {
		if test.c.Krb5Config == "" {
			test.c.Krb5Config = kdc.Config
		}
		test.c.Getenv, test.c.Dial = noEnv, nobody
		a, err := NewAccount(test.c)
		if err == nil {
			_, err = New(Config{Method: Kerberos, Account: a})
		}
		var e *Error
		if !errors.As(err, &e) || e.Kind != BadCredential || !strings.Contains(e.Error(), test.what) || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%+v: %v, hint %q", test.c, err, KindOf(err))
		}
	}
	for _, method := range []Method{NTLM, Basic} {
		a, err := NewAccount(AccountConfig{Username: "alice", Getenv: noEnv, Krb5Config: kdc.Config})
		if err == nil {
			_, err = New(Config{Method: method, Account: a})
		}
		if KindOf(err) != BadCredential || !strings.Contains(err.Error(), "needs a user name and a password") {
			t.Errorf("%s: %v", method, err)
		}
	}
	for _, c := range []Config{{Method: "digest"}, {Method: Kerberos}, {Method: Certificate}} {
		if _, err := New(c); KindOf(err) != BadCredential {
			t.Errorf("%s: %v", c.Method, err)
		}
	}
}

// A krb5.conf that cannot be read stops what needs Kerberos, and nothing else.
func TestBrokenConfiguration(t *testing.T) {
	broken := t.TempDir() // not a file
	getenv := func(name string) string { return map[string]string{"KRB5_CONFIG": broken}[name] }
	for method, want := range map[Method]Kind{Kerberos: BadCredential, Negotiate: BadCredential, NTLM: "", Basic: ""} {
		a, err := NewAccount(AccountConfig{Username: "alice@CONTOSO.TEST", Password: NewSecret("secret-Passw0rd"), Getenv: getenv})
		if err == nil {
			_, err = New(Config{Method: method, Account: a})
		}
		if KindOf(err) != want {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// A clock that is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) add(d time.Duration) { c.set(c.Now().Add(d)) }

// 64 sessions at once share one ticket, and one new one when it is about to end:
// connections of the old one are not used any more.
func TestManySessions(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const sessions, requests = 64, 4
	kdc := peers.StartKDC(t)
	kdc.Admin(t, "modprinc -maxlife 1h alice")
	s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, Args: []string{"--require-encryption", "--offer", "Kerberos"}})}
	defer s.acceptor.Stop()
	now := &clock{now: time.Now()}
	a := s.account(t, func(c *AccountConfig) { c.Now = now.Now })
	transports := make([]*Transport, sessions)
	for i := range transports {
		transports[i] = s.transport(t, Kerberos, a, nil)
	}
	round := func() {
		var wg sync.WaitGroup
		for _, rt := range transports {
			wg.Go(func() {
				for i := range requests {
					if _, _, err := post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Receive", 1000*i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	round()
	tickets := func() (int, int) {
		log := kdc.Log(t)
		return strings.Count(log, "AS_REQ") - strings.Count(log, "NEEDED_PREAUTH"), strings.Count(log, "TGS_REQ")
	}
	if as, tgs := tickets(); as != 1 || tgs != 1 {
		t.Errorf("%d AS and %d TGS exchanges for %d sessions", as, tgs, sessions)
	}
	if n := len(s.acceptor.Await(t, "auth", sessions)); n != sessions {
		t.Errorf("%d log-ons", n)
	}
	ticket, err := a.Ticket(t.Context(), "HTTP/ex01.contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	kdc.Admin(t, "modprinc -maxlife 9h alice") // what is got from now on is fresh then
	now.set(ticket.Ends.Add(-replaceBefore + time.Second))
	round()
	if _, tgs := tickets(); tgs != 1 || len(s.acceptor.Events("auth")) != sessions {
		t.Errorf("connections are given up before their ticket ends: %d TGS exchanges", tgs)
	}
	if again, err := a.Ticket(t.Context(), "HTTP/ex01.contoso.test"); err != nil || !again.Ends.After(ticket.Ends) {
		t.Errorf("%+v, %v", again, err)
	}
	now.set(ticket.Ends)
	round()
	if as, tgs := tickets(); as != 2 || tgs != 2 {
		t.Errorf("%d AS and %d TGS exchanges after the ticket's end", as, tgs)
	}
	if n := len(s.acceptor.Await(t, "auth", 2*sessions)); n != 2*sessions {
		t.Errorf("%d log-ons: connections outlive their ticket", n)
	}
	for _, rt := range transports {
		rt.CloseIdleConnections()
	}
}

// The ticket of a cache is renewed while that can be done, taken anew when kinit has
// been there, and its end is told.
func TestTicketCacheEnds(t *testing.T) {
	kdc := peers.StartKDC(t)
	kdc.Admin(t, "modprinc -maxrenewlife 7d krbtgt/CONTOSO.TEST", "modprinc -maxrenewlife 7d alice")
	now := &clock{now: time.Now()}
	account := func(ccache string) *Account {
		a, err := NewAccount(AccountConfig{CCache: ccache, Krb5Config: kdc.Config, Getenv: noEnv, Now: now.Now})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	renewable := account(kdc.Kinit(t, "alice", "-l", "1h", "-r", "7d"))
	path := kdc.Kinit(t, "alice", "-l", "1h")
	plain := account(path)
	first, err := renewable.Login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now.add(57 * time.Minute)
	if renewed, err := renewable.Login(t.Context()); err != nil || renewed.Ends.Before(first.Ends) || strings.Count(kdc.Log(t), "TGS_REQ") != 1 {
		t.Errorf("%+v, %v", renewed, err)
	}
	if _, err := plain.Login(t.Context()); err != nil {
		t.Errorf("in its last minutes: %v", err)
	}
	now.add(5 * time.Minute)
	if _, err := plain.Login(t.Context()); KindOf(err) != TicketExpired || !strings.Contains(err.(*Error).Hint(), "kinit") {
		t.Errorf("%v", err)
	}
	fresh, err := os.ReadFile(kdc.Kinit(t, "alice", "-l", "9h"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fresh, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Login(t.Context()); err != nil {
		t.Errorf("after kinit: %v", err)
	}
}

// What a server says about the ticket that it was given.
func TestServerRefusesTicket(t *testing.T) {
	kdc := peers.StartKDC(t)
	for code, want := range map[int32]Kind{
		errorcode.KRB_AP_ERR_SKEW: ClockSkew, errorcode.KRB_AP_ERR_MODIFIED: UnknownSPN, errorcode.KRB_AP_ERR_BADKEYVER: UnknownSPN,
		errorcode.KRB_AP_ERR_NOT_US: UnknownSPN, errorcode.KRB_ERR_GENERIC: LogonRefused,
	} {
		for _, scheme := range []string{schemeKerberos, schemeNegotiate} {
			e := messages.NewKRBError(types.NewPrincipalName(2, "HTTP/ex01.contoso.test"), "CONTOSO.TEST", code, "said by the server")
			e.STime = e.STime.Add(time.Hour)
			b, err := e.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			token := frameToken(oidKRB5, append([]byte{3, 0}, b...))
			if scheme == schemeNegotiate {
				token = negTokenRespReject(token)
			}
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := scheme
				if r.Header.Get("Authorization") != "" {
					answer += " " + base64.StdEncoding.EncodeToString(token)
				}
				w.Header().Set("WWW-Authenticate", answer)
				w.WriteHeader(401)
			}))
			w := new(wire)
			a := stage{kdc: kdc}.account(t, func(c *AccountConfig) { c.Dial = w.dial("") })
			rt, err := New(Config{Method: Kerberos, Account: a, Dial: w.dial(web.Listener.Addr().String())})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = post(t.Context(), rt, "http://ex01.contoso.test/wsman", envelope("Create", 100))
			if KindOf(err) != want {
				t.Errorf("%s, %d: %v (%s), want %s", scheme, code, err, KindOf(err), want)
			}
			w.checkSecrets(t, peers.KDCPassword, err)
			rt.CloseIdleConnections()
			web.Close()
		}
	}
}

func negTokenRespReject(token []byte) []byte {
	inner := append([]byte{0xa0, 3, 10, 1, stateReject}, append(append([]byte{0xa2}, derLength(len(token)+1+len(derLength(len(token))))...), append(append([]byte{4}, derLength(len(token))...), token...)...)...)
	sequence := append(append([]byte{0x30}, derLength(len(inner))...), inner...)
	return append(append([]byte{0xa1}, derLength(len(sequence))...), sequence...)
}

// No form of printing shows what an account or a transport holds.
func TestNothingIsShown(t *testing.T) {
	const password = "secret-Passw0rd"
	a, err := NewAccount(AccountConfig{Username: "alice@CONTOSO.TEST", Password: NewSecret(password), Getenv: noEnv, Krb5Config: emptyConf(t)})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := New(Config{Method: Kerberos, Account: a})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	shown := []string{}
	for _, value := range []any{a, a.config, a.source, rt, rt.config, NewSecret(password), &passwordSource{NewSecret(password)}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			shown = append(shown, fmt.Sprintf(verb, value))
		}
		logger.Info("x", "v", value)
		b, _ := json.Marshal(value)
		shown = append(shown, string(b))
	}
	for _, text := range append(shown, log.String()) {
		if strings.Contains(text, password) || strings.Contains(text, fmt.Sprintf("%x", password)) {
			t.Errorf("shown: %s", text)
		}
	}
}
