package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/report"
)

// diagnosed runs connect with variables, as text and as JSON, and looks for
// the password in all that it says. It is run twice: attempts are counted by who calls.
func diagnosed(t *testing.T, variables map[string]string, args ...string) (code int, text string, report report.Report) {
	t.Helper()
	run := func(format string) (int, string) {
		var stdout, stderr bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, getenv: func(name string) string { return variables[name] }}
		code := p.run(t.Context(), append([]string{"connect", "--verbose", "--format", format}, args...))
		if all := stdout.String() + stderr.String(); strings.Contains(all, "Passw0rd") || strings.Contains(all, "Secret") || leaks(all) != "" {
			t.Errorf("a password is shown:\n%s", all)
		}
		if code == exitUsage {
			t.Fatalf("refused: %s", &stderr)
		}
		return code, stdout.String()
	}
	code, text = run("text")
	again, data := run("json")
	if err := json.Unmarshal([]byte(data), &report); err != nil || again != code {
		t.Fatalf("exit %d as JSON, %d as text: %v\n%s", again, code, err, data)
	}
	return code, text, report
}

// endsAt holds a ladder to the rung at which it ends ("" for none), to its exit code
// and to what it says.
func endsAt(t *testing.T, rung string, want int, says string, variables map[string]string, args ...string) {
	t.Helper()
	code, text, result := diagnosed(t, variables, args...)
	failed := ""
	for _, s := range result.Steps {
		if s.Status == report.StatusFailed {
			failed += s.Rung.Name
			if s.Fault == nil && rung != "cmdlets" || s.Rung.Do == "" || s.Rung.Saw == "" || s.Rung.Means == "" {
				t.Errorf("rung %s does not say all: %+v", s.Rung.Name, s.Rung)
			}
		}
	}
	if failed != rung || code != want || !strings.Contains(strings.Join(strings.Fields(text), " "), says) || len(result.Steps) != 10 {
		t.Errorf("ends at %q with exit %d, want %q with %d and %q:\n%s", failed, code, rung, want, says, text)
	}
}

// with are variables, some of them others.
func with(variables map[string]string, changes ...string) map[string]string {
	other := maps.Clone(variables)
	for _, c := range changes {
		name, value, _ := strings.Cut(c, "=")
		other[name] = value
	}
	return other
}

func TestConnection(t *testing.T) {
	r := startRealm(t, false, "--require-encryption", "--offer", "Kerberos")
	known := with(r.variables(), "EXGRANT_PASSWORD="+peers.KDCPassword)
	r.kdc.Admin(t, "addprinc -randkey HTTP/other.contoso.test") // of which the server has no key
	for _, test := range []struct {
		name    string
		rung    string
		code    int
		says    string
		changes []string
	}{
		{"all is well", "", exitDone, "verified: the server can be reached, the log-on works, and the commands for grants are there. ex01.contoso.test, Exchange 15.2.2562.17", nil},
		{"unknown host", "name", exitFailed, "x 0 name: The name is not known: the name nowhere.invalid has no address", []string{"EXGRANT_SERVER=nowhere.invalid", "EXGRANT_CONNECT_TO="}},
		{"closed port", "tcp", exitFailed, "x 1 tcp: No connection: 127.0.0.1:1 refuses connections: nothing listens there", []string{"EXGRANT_CONNECT_TO=127.0.0.1:1"}},
		{"no TLS there", "tls", exitFailed, "x 2 tls: No TLS: what answers there does not speak TLS", []string{"EXGRANT_SERVER=https://ex01.contoso.test/PowerShell/"}},
		{"NTLM not offered", "challenge", 5, `x 3 challenge: The server offers no log-on that was asked for: HTTP 401, which offers Kerberos`, []string{"EXGRANT_AUTH=ntlm"}},
		{"no KDC", "kdc", 5, "x 4 kdc: No KDC can be asked for a ticket: no KDC of CONTOSO.TEST answers", []string{"EXGRANT_KRB5_CONFIG=" + krb5Config(t, "127.0.0.1:1")}},
		{"unknown realm", "kdc", 5, `no KDC is known for the realm "FABRIKAM.TEST"`, []string{"EXGRANT_LOGON=alice@fabrikam.test", "EXGRANT_KRB5_CONFIG=" + noDNS(t)}},
		{"unknown user", "ticket", 5, `x 5 ticket: The KDC does not know this user: the realm "CONTOSO.TEST" does not know "nobody@CONTOSO.TEST"`, []string{"EXGRANT_LOGON=nobody@CONTOSO.TEST"}},
		{"clock", "ticket", 5, "x 5 ticket: The clocks differ too much: the clock here and that of the KDC differ by ", []string{"EXGRANT_KRB5_CONFIG=" + krb5Config(t, serveSkew(t))}},
		{"unknown service", "spn", 5, `x 6 spn: The KDC gives no ticket for this server: the realm "CONTOSO.TEST" knows no service "HTTP/mail.contoso.test"`, []string{"EXGRANT_SERVER=mail.contoso.test"}},
		{"address", "spn", 5, "x 6 spn: The KDC gives no ticket for this server: Kerberos has no services of IP addresses", []string{"EXGRANT_SERVER=127.0.0.1"}},
		{"another's service", "session", 5, "x 7 session: The server opens no session: ", []string{"EXGRANT_SPN=HTTP/other.contoso.test"}},
	} {
		t.Run(test.name, func(t *testing.T) { endsAt(t, test.rung, test.code, test.says, with(known, test.changes...)) })
	}

	// The whole way costs one attempt with a wrong password, whichever way it logs on.
	before := refusals(t, r.kdc)
	for _, method := range []string{"kerberos", "negotiate"} {
		endsAt(t, "ticket", 5, `x 5 ticket: The KDC refuses the password: the password of "alice@CONTOSO.TEST" is wrong`, with(known, "EXGRANT_PASSWORD=wrong-Secret", "EXGRANT_AUTH="+method))
	}
	if n := refusals(t, r.kdc) - before; n != 4 { // two runs each
		t.Errorf("four runs with a wrong password cost %d attempts", n)
	}
}

// Over NTLM the attempt is at the server; and negotiate comes down to it where there is
// no KDC.
func TestConnectionByNTLM(t *testing.T) {
	r := startRealm(t, false, "--require-encryption")
	known := with(r.variables(), "EXGRANT_LOGON="+peers.AcceptorNTLMUser, "EXGRANT_PASSWORD="+peers.KDCPassword, "EXGRANT_AUTH=ntlm")
	endsAt(t, "", exitDone, "/ 4 kdc: Not tried: ntlm asks no KDC.", known)
	endsAt(t, "", exitDone, "/ 4 kdc: Not tried: NTLM is used instead of Kerberos, since no KDC of CONTOSO.TEST answers", with(known, "EXGRANT_AUTH=negotiate", "EXGRANT_KRB5_CONFIG="+krb5Config(t, "127.0.0.1:1")))
	endsAt(t, "", exitDone, `/ 6 spn: Not tried: NTLM is used instead of Kerberos, since the realm "CONTOSO.TEST" knows no service "HTTP/mail.contoso.test"`,
		with(known, "EXGRANT_AUTH=negotiate", "EXGRANT_SERVER=mail.contoso.test"))
	before := len(r.acceptor.Events("auth-failed"))
	endsAt(t, "session", 5, `x 7 session: The server opens no session: `, with(known, "EXGRANT_PASSWORD=wrong-Secret"))
	if n := len(r.acceptor.Events("auth-failed")) - before; n != 2 { // two runs
		t.Errorf("two runs with a wrong password cost %d attempts:\n%s", n, r.acceptor.Log())
	}
}

func TestConnectionTLS(t *testing.T) {
	r := startRealm(t, true, "--cbt", "required")
	known := with(r.variables(), "EXGRANT_PASSWORD="+peers.KDCPassword)
	endsAt(t, "", exitDone, "= 2 tls: The certificate is trusted, and the server's: TLS 1.2, a certificate for ex01.contoso.test from ex01.contoso.test, valid until ", known)
	endsAt(t, "", exitDone, "verified: ", with(known, "EXGRANT_SEAL_OVER_TLS=true"))
	endsAt(t, "tls", exitFailed, "x 2 tls: The certificate is not accepted: the server's certificate comes from ex01.contoso.test, an authority that is not trusted here", with(known, "EXGRANT_CA_FILE="))
	endsAt(t, "tls", exitFailed, "x 2 tls: The certificate is not accepted: the server's certificate is for ex01.contoso.test, and not for mail.contoso.test", with(known, "EXGRANT_SERVER=https://mail.contoso.test/PowerShell/"))

	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	past := func() time.Time { return time.Now().AddDate(-20, 0, 0) }
	expired, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}), simulatorOptions{listen: "127.0.0.1:0", tls: true, password: scriptPassword, now: past})
	if err != nil {
		t.Fatal(err)
	}
	defer expired.close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, expired.Authority, 0o600); err != nil {
		t.Fatal(err)
	}
	endsAt(t, "tls", exitFailed, "x 2 tls: The certificate is not accepted: the server's certificate expired on ", map[string]string{"EXGRANT_SERVER": expired.URL, "EXGRANT_CA_FILE": authority,
		"EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword})
}

// What the web server answers instead of a request to log on.
func TestConnectionChallenge(t *testing.T) {
	var status int
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("something logs on to a server that has not asked")
		}
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			t.Errorf("something was sent to nobody in particular: %s", body)
		}
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		w.Header().Set("Location", "http://elsewhere.contoso.test/")
		w.WriteHeader(status)
	}))
	defer web.Close()
	known := map[string]string{"EXGRANT_SERVER": web.URL, "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword}
	for _, test := range []struct {
		status int
		says   string
	}{
		{200, "x 3 challenge: The server asks nobody to log on: HTTP 200"},
		{302, "x 3 challenge: The web server sends elsewhere: the server sends us to \"http://elsewhere.contoso.test/\""},
		{403, "x 3 challenge: The web server forbids it before anybody logs on: HTTP 403"},
		{404, "x 3 challenge: There is no such path at this server: HTTP 404"},
		{405, "x 3 challenge: The web server answers something else than a request to log on: HTTP 405"},
		{500, "x 3 challenge: The service behind the path does not work: HTTP 500"},
		{503, "HTTP 503; its clock and the one here differ by 1h0m"},
	} {
		status = test.status
		endsAt(t, "challenge", exitFailed, test.says, known)
	}
	e := newEndpoint(t)
	known["EXGRANT_SERVER"] = strings.Replace(e.url, "127.0.0.1", "ex01.contoso.test", 1)
	known["EXGRANT_CONNECT_TO"] = strings.TrimPrefix(strings.TrimSuffix(e.url, "/PowerShell/"), "http://")
	known["EXGRANT_AUTH"], known["EXGRANT_LOGON"] = "kerberos", "alice@CONTOSO.TEST"
	endsAt(t, "challenge", 5, "x 3 challenge: The server offers no log-on that was asked for: HTTP 401, which offers Basic", known)
}

func TestConnectionSession(t *testing.T) {
	serve := func(scenario string) map[string]string {
		s, err := exchangesim.ScenarioByName(scenario)
		if err != nil {
			t.Fatal(err)
		}
		server, err := startSimulator(exchangesim.New(s, exchangesim.Options{}), simulatorOptions{listen: "127.0.0.1:0", password: scriptPassword, now: time.Now, pwsh: peers.Pwsh(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if n := server.endpoint.Shells() + server.shells.Shells(); n != 0 {
				t.Errorf("%d shells are left", n)
			}
			server.close()
		})
		return map[string]string{"EXGRANT_SERVER": server.URL, "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword, "WINRS": server.WinRS}
	}
	plain := serve("plain")
	endsAt(t, "", exitDone, "= 8 language-mode: The session accepts single commands, as Exchange is shipped: NoLanguage.", plain)
	endsAt(t, "session", 5, `x 7 session: The server opens no session: the server refuses name or password of "administrator"`, with(plain, "EXGRANT_PASSWORD=wrong-Secret"))
	winrs := with(plain, "EXGRANT_SERVER="+plain["WINRS"], "EXGRANT_TRANSPORT=winrs")
	endsAt(t, "", exitDone, "= 8 language-mode: The PowerShell accepts single commands: FullLanguage.", winrs)
	endsAt(t, "session", 5, `x 7 session: The server opens no session: the server refuses name or password of "administrator"`, with(winrs, "EXGRANT_PASSWORD=wrong-Secret"))
	endsAt(t, "challenge", exitFailed, `x 3 challenge: There is no such path at this server: HTTP 404`, with(winrs, "EXGRANT_SERVER="+plain["WINRS"]+"/elsewhere"))

	missing := serve("cmdlet-missing")
	endsAt(t, "cmdlets", 3, "x 9 cmdlets: The session does not have what grants need: missing: Get-ManagementRoleAssignment, ", missing)
	endsAt(t, "cmdlets", 3, "x 9 cmdlets: The session does not have what grants need: ", with(missing, "EXGRANT_SERVER="+missing["WINRS"], "EXGRANT_TRANSPORT=winrs"))
	endsAt(t, "cmdlets", exitFailed, "This session is connected to Exchange Online: the role ApplicationImpersonation no longer exists there", serve("exchange-online"))
}

// The real engine says each of its language modes.
func TestConnectionLanguageModes(t *testing.T) {
	for mode, says := range map[string]string{
		"NoLanguage":         "= 8 language-mode: The session accepts single commands, as Exchange is shipped: NoLanguage.",
		"RestrictedLanguage": "= 8 language-mode: The session accepts script text too, which is more than exgrant needs: RestrictedLanguage.",
		"FullLanguage":       "! language-mode: The endpoint lets whoever logs on run script text (FullLanguage); as shipped by Microsoft it is NoLanguage.",
	} {
		bridge := peers.StartBridge(t, peers.BridgeOptions{Args: []string{"--exchange", "--basic", "alice:" + peers.KDCPassword}, Env: []string{"EXCHANGEORG_LANGUAGEMODE=" + mode}})
		endsAt(t, "", exitDone, says, map[string]string{"EXGRANT_SERVER": bridge.URL, "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "alice", "EXGRANT_PASSWORD": peers.KDCPassword})
	}
}

// krb5Config is a krb5.conf that knows one KDC of the realm.
func krb5Config(t *testing.T, kdc string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "krb5.conf")
	text := fmt.Sprintf("[libdefaults]\ndns_lookup_kdc = false\ndefault_realm = CONTOSO.TEST\n[realms]\nCONTOSO.TEST = {\n kdc = %s\n}\n", kdc)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noDNS(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(path, []byte("[libdefaults]\ndns_lookup_kdc = false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serveSkew serves a KDC that finds every clock an hour slow.
func serveSkew(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			answerSkew(conn)
		}
	}()
	return listener.Addr().String()
}

func answerSkew(conn net.Conn) {
	defer conn.Close()
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return // only looked whether somebody is there
	}
	io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(length[:])))
	refusal := messages.NewKRBError(types.NewPrincipalName(2, "krbtgt/CONTOSO.TEST"), "CONTOSO.TEST", errorcode.KRB_AP_ERR_SKEW, "")
	refusal.STime = time.Now().UTC().Add(time.Hour)
	b, _ := refusal.Marshal() // of constants
	conn.Write(slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b))
}

// A cancel ends the ladder wherever it is, and the report says so.
func TestConnectionInterrupted(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // whose connections nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	variables := map[string]string{"EXGRANT_SERVER": "http://" + silent.Addr().String(), "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword}
	var stdout, stderr bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, getenv: func(name string) string { return variables[name] }}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if code := p.run(ctx, []string{"connect"}); code != exitInterrupted || !strings.HasPrefix(stdout.String(), "interrupted") ||
		!strings.Contains(stdout.String(), "/ 3 challenge: Not tried: it was interrupted.") {
		t.Errorf("exit %d: %s%s", code, &stdout, &stderr)
	}
}

// WinRM takes Kerberos by Negotiate, as it is shipped, and sealed messages only.
func TestConnectionWinRSByKerberos(t *testing.T) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	server, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}), simulatorOptions{listen: "127.0.0.1:0", now: time.Now, pwsh: peers.Pwsh(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	kdc := peers.StartKDC(t)
	acceptor := peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, Args: []string{"--require-encryption", "--offer", "Negotiate", "--upstream", strings.TrimSuffix(server.WinRS, "/wsman")}})
	known := map[string]string{"EXGRANT_TRANSPORT": "winrs", "EXGRANT_SERVER": acceptor.URL + "/wsman", "EXGRANT_CONNECT_TO": acceptor.Address,
		"EXGRANT_LOGON": "alice@CONTOSO.TEST", "EXGRANT_PASSWORD": peers.KDCPassword, "EXGRANT_KRB5_CONFIG": kdc.Config}
	endsAt(t, "", exitDone, "= 6 spn: The KDC knows the server's service: a ticket for HTTP/ex01.contoso.test@CONTOSO.TEST", known)
	if n := len(acceptor.Events("unsealed")); n == 0 || server.shells.Shells() != 0 {
		t.Errorf("%d sealed messages, %d shells are left\n%s", n, server.shells.Shells(), acceptor.Log())
	}
}
