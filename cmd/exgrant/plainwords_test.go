package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// rawWords are what Go's packages say of a failure, and links to other people's sources.
var rawWords = regexp.MustCompile(`dial (?:tcp|udp)|lookup \S+ on |(?:read|write) tcp|\bx509\b|[:a-z] tls: |net/http|\bhttp: |parse error|broken pipe|reset by peer|no such host` +
	`|i/o timeout|context (?:canceled|deadline)|\bEOF\b|%!|strconv\.|\b(?:json|yaml|xml|asn1|gssapi|krb5): |errno|\bopen /|\bstat /|invalid character|goroutine|github\.com/|application pool`)

// A broken is a server, or a way to log on, that fails in its own way.
type broken struct {
	name      string
	says      string            // that the second line has, or the first of a refusal
	variables map[string]string // beside those of a log-on by name and password
	pools     bool              // the web server says that it is its application pool
	slow      bool              // only connect does not wait as long as a real server may take
}

// brokens starts what fails.
func brokens(t *testing.T) []broken {
	t.Helper()
	good := serveSim(t, false, time.Now)
	secure := serveSim(t, true, time.Now)
	expired := serveSim(t, true, func() time.Time { return time.Now().AddDate(-20, 0, 0) })
	at := func(url string, more ...string) map[string]string {
		return with(map[string]string{"EXGRANT_SERVER": url}, more...)
	}
	kerberos := func(more ...string) map[string]string {
		return with(at("ex01.contoso.test", "EXGRANT_AUTH=kerberos", "EXGRANT_LOGON=admin@CONTOSO.TEST", "EXGRANT_CONNECT_TO="+strings.TrimPrefix(offering(t, "Negotiate"), "http://")), more...)
	}
	status := func(code int) string {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere.contoso.test/")
			w.WriteHeader(code)
		}))
		t.Cleanup(web.Close)
		return web.URL + "/PowerShell/"
	}
	return []broken{
		{name: "unknown name", says: "The name nowhere.invalid has no address", variables: at("https://nowhere.invalid/PowerShell/")},
		{name: "closed port", says: "127.0.0.1:1 refuses connections: nothing listens there", variables: at("http://127.0.0.1:1/PowerShell/")},
		{name: "unknown authority", says: "The server's certificate comes from exgrant simulator, an authority that is not trusted here", variables: at(secure.URL)},
		{name: "expired certificate", says: "The server's certificate expired on ", variables: at(expired.URL, "EXGRANT_CA_FILE="+authorityFile(t, expired))},
		{name: "another's certificate", says: "and not for mail.contoso.test",
			variables: at("https://mail.contoso.test/PowerShell/", "EXGRANT_CONNECT_TO="+hostOf(secure.URL), "EXGRANT_CA_FILE="+authorityFile(t, secure))},
		{name: "no TLS there", says: "does not speak TLS", variables: at(strings.Replace(good.URL, "http:", "https:", 1))},
		{name: "TLS there", says: "HTTP 400", variables: at(strings.Replace(secure.URL, "https:", "http:", 1))},
		{name: "no HTTP there", says: "does not speak HTTP", variables: at(listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1)) // what comes before a request counts as a cut connection
			fmt.Fprint(c, "220 smtp.contoso.test ready\r\n")
			_, _ = io.Copy(io.Discard, c) // closed with something unread, the connection would be cut
		}))},
		{name: "cut", says: "the connection was cut", variables: at(listen(t, func(net.Conn) {}))},
		{name: "silence", says: "no answer", variables: at(listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }), "EXGRANT_TIMEOUT=300ms"), slow: true},
		{name: "wrong password", says: "refuses name or password of \"administrator\"", variables: at(good.URL, "EXGRANT_PASSWORD=wrong")},
		{name: "HTTP 403", says: "HTTP 403", variables: at(status(403))},
		{name: "HTTP 404", says: "HTTP 404", variables: at(status(404))},
		{name: "HTTP 503", says: "HTTP 503", variables: at(status(503)), pools: true},
		{name: "redirection", says: "elsewhere.contoso.test", variables: at(status(302))},
		{name: "no KDC", says: "no KDC of CONTOSO.TEST answers: 127.0.0.1:1 refuses connections", variables: kerberos("EXGRANT_KRB5_CONFIG=" + krb5Config(t, "127.0.0.1:1"))},
		{name: "a KDC without a name", says: "no KDC of CONTOSO.TEST answers", variables: kerberos("EXGRANT_KRB5_CONFIG=" + krb5Config(t, "kdc.invalid:88"))},
		{name: "no ticket", says: "nobody to log on as", variables: kerberos("EXGRANT_LOGON=", "EXGRANT_PASSWORD=")},
		{name: "no keytab", says: "the keytab cannot be read", variables: kerberos("EXGRANT_PASSWORD=", "EXGRANT_KEYTAB="+filepath.Join(t.TempDir(), "none"))},
		{name: "no password", says: "no password, and there is no terminal to ask on", variables: at(good.URL, "EXGRANT_PASSWORD=")},
		{name: "a name without its domain", says: "nobody", variables: kerberos("EXGRANT_LOGON=", "EXGRANT_KRB5_CONFIG="+noDNS(t))},
	}
}

// Whatever fails, every command says it in an administrator's words: the outcome, the
// cause, and what to type next. No line is wider than a terminal where there is one.
func TestFailuresInPlainWords(t *testing.T) {
	commands := [][]string{
		{"audit"}, {"connect"}, {"plan", "--user", "svc-reschedule", "--whole-organization"}, {"apply", "--yes", "--user", "svc-reschedule", "--whole-organization"},
		{"verify", "--user", "svc-reschedule", "--whole-organization", "--in-scope", "anna"}, {"revoke", "--yes", "--name", "Reschedule"},
		{"diagnose", "--as", "svc-reschedule@contoso.test", "--in-scope", "anna@contoso.test", "--ews-url", "https://127.0.0.1:1/EWS/Exchange.asmx"},
	}
	t.Setenv("KRB5CCNAME", filepath.Join(t.TempDir(), "none"))
	for _, b := range brokens(t) {
		if runtime.GOOS == "windows" && b.variables["EXGRANT_LOGON"] == "" && b.variables["EXGRANT_AUTH"] == "kerberos" {
			continue // that is who is logged on to Windows
		}
		t.Run(b.name, func(t *testing.T) {
			for _, args := range commands {
				if b.slow && args[0] != "connect" || b.variables["EXGRANT_CONNECT_TO"] != "" && args[0] == "diagnose" {
					continue
				}
				variables := map[string]string{"EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword, "EXGRANT_AS_PASSWORD": scriptPassword}
				maps.Copy(variables, b.variables)
				code, stdout, stderr := runWith(t, variables, args...)
				b.check(t, args[0], code, stdout, stderr)
				_, document, stderr := runWith(t, variables, append(slices.Clone(args), "--json")...)
				b.clean(t, args[0]+" --json", stderr+readable(document))
			}
		})
	}
}

func (b broken) clean(t *testing.T, where, text string) {
	t.Helper()
	for _, raw := range rawWords.FindAllString(text, -1) {
		if raw != "application pool" || !b.pools {
			t.Errorf("%s: raw %q:\n%s", where, raw, text)
		}
	}
}

func (b broken) check(t *testing.T, command string, code int, stdout, stderr string) {
	t.Helper()
	b.clean(t, command, stdout+stderr)
	all := strings.Split(stdout, "\n")
	switch code {
	case exitUsage: // a refusal before anybody was contacted
		lines := strings.Split(stderr, "\n")
		if !strings.Contains(lines[0], b.says) || !strings.HasPrefix(lines[1], "hint: ") || stdout != "" {
			t.Errorf("%s: want %q and a hint:\n%s%s", command, b.says, stdout, stderr)
		}
		return
	case exitFailed, 5:
	default:
		t.Errorf("%s: exit %d\n%s%s", command, code, stdout, stderr)
		return
	}
	if len(all) < 3 || !regexp.MustCompile(`^(?:unreachable|denied): .*\.$`).MatchString(all[0]) || !strings.HasPrefix(all[1], "  cause: ") ||
		!strings.Contains(strings.ToLower(all[1]), strings.ToLower(b.says)) {
		t.Errorf("%s: want the outcome and the cause %q:\n%s", command, b.says, stdout)
		return
	}
	if next := "  next: exgrant connect"; command != "connect" && all[2] != next || command == "connect" && !strings.HasPrefix(all[2], "  do: ") {
		t.Errorf("%s: third line %q", command, all[2])
	}
}

// readable are the texts of a report as JSON that people read.
func readable(document string) string {
	var kept []string
	for lines := bufio.NewScanner(strings.NewReader(document)); lines.Scan(); {
		if line := lines.Text(); !strings.Contains(line, `"source": `) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func runWith(t *testing.T, variables map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &diagnostics, now: time.Now, sleep: func(context.Context, time.Duration) error { return nil },
		getenv: func(name string) string { return variables[name] }}
	code = p.run(t.Context(), args)
	return code, out.String(), diagnostics.String()
}

func serveSim(t *testing.T, tls bool, now func() time.Time) *simulator {
	t.Helper()
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	s, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}), simulatorOptions{listen: "127.0.0.1:0", tls: tls, password: scriptPassword, now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

func authorityFile(t *testing.T, s *simulator) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, s.Authority, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "//")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// offering is the address of a web server that asks for a log-on by a scheme.
func offering(t *testing.T, scheme string) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", scheme)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// listen is the URL of something that does what it likes with each connection.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(10 * time.Second))
				serve(c)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/PowerShell/"
}
