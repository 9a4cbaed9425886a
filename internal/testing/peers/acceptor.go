package peers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An Acceptor is the shared acceptor.py: an HTTP endpoint that authenticates and
// unseals by the system's GSSAPI (MIT Kerberos, gss-ntlmssp).
type Acceptor struct {
	URL      string // http or https, of AcceptorHost, without a path
	Address  string // where it listens, for a dialer
	CertFile string // PEM; empty without TLS

	cmd    *exec.Cmd
	stderr *strings.Builder
	log    *eventLog[AcceptorEvent]
}

// AcceptorHost is the name that the acceptor's service key is for.
const AcceptorHost = "ex01.contoso.test"

// AcceptorNTLMUser is who can log on by NTLM, with KDCPassword.
const AcceptorNTLMUser = `CONTOSO\alice`

// An AcceptorEvent is one line of its log.
type AcceptorEvent struct {
	Event     string `json:"ev"` // listening, conn, close, anonymous, auth, auth-failed, auth-refused, unsealed, sealed, op, hangup, BASIC-CREDENTIALS-SENT …
	Scheme    string `json:"scheme"`
	Shape     string `json:"shape"` // of a token: gss, raw-ntlm, negTokenResp
	Mech      string `json:"mech"`
	Initiator string `json:"initiator"`
	Mutual    bool   `json:"mutual"`
	Bound     bool   `json:"channel_bound"`
	Verb      string `json:"verb"`
	Sealed    bool   `json:"sealed"` // of op
	Encrypted bool   `json:"encrypted"`
	Original  string `json:"original"` // the first part of a sealed request
	Plain     int    `json:"plain"`
	SOAP      bool   `json:"soap"`
	Status    int    `json:"status"`
	Raw       string `json:"-"`
}

// AcceptorOptions are how an acceptor is started.
type AcceptorOptions struct {
	KDC  *KDC     // nil is NTLM alone
	TLS  bool     // https, with a certificate made for AcceptorHost
	Args []string // flags of acceptor.py
	Env  []string
}

// withoutNagle runs a script whose server writes head and body of an answer one
// after the other: Nagle's algorithm and delayed acknowledgements together make 40
// ms of each.
const withoutNagle = `import runpy, socketserver, sys
socketserver.StreamRequestHandler.disable_nagle_algorithm = True
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")`

// StartAcceptor starts an acceptor on a free port and waits until it listens.
func StartAcceptor(t testing.TB, o AcceptorOptions) *Acceptor {
	t.Helper()
	python := SystemPython(t)
	dir := t.TempDir()
	users := filepath.Join(dir, "ntlmusers")
	var known strings.Builder
	for _, user := range []string{"alice", "bob", "administrator"} {
		fmt.Fprintf(&known, "CONTOSO:%s:%s\n", user, KDCPassword)
	}
	if err := os.WriteFile(users, []byte(known.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	a := &Acceptor{Address: fmt.Sprintf("127.0.0.1:%d", port), URL: fmt.Sprintf("http://%s:%d", AcceptorHost, port),
		log: newEventLog[AcceptorEvent](), stderr: new(strings.Builder)}
	args := append([]string{"-c", withoutNagle, Shared(t, "testbed", "acceptor.py"), "--port", fmt.Sprint(port)}, o.Args...)
	if o.TLS {
		var key string
		a.CertFile, key = certificate(t, dir)
		a.URL = strings.Replace(a.URL, "http:", "https:", 1)
		args = append(args, "--cert", a.CertFile, "--key", key)
	}
	a.cmd = exec.Command(python, args...)
	a.cmd.Env = append(os.Environ(), "NTLM_USER_FILE="+users, "NETBIOS_COMPUTER_NAME=EX01", "NETBIOS_DOMAIN_NAME=CONTOSO")
	if o.KDC != nil {
		a.cmd.Env = append(a.cmd.Env, "KRB5_CONFIG="+o.KDC.Config, "KRB5_KTNAME=FILE:"+o.KDC.Keytab, "KRB5RCACHEDIR="+dir)
	}
	a.cmd.Env = append(a.cmd.Env, o.Env...)
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.cmd.Stderr = a.stderr
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.log.ended)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			a.add(lines.Bytes())
		}
		a.cmd.Wait()
	}()
	t.Cleanup(a.Stop)
	if _, ok := a.log.find(20*time.Second, func(e AcceptorEvent) bool { return e.Event == "listening" }); !ok {
		a.Stop()
		t.Fatalf("acceptor.py %s: did not come to listen: %s", strings.Join(o.Args, " "), a.stderr)
	}
	return a
}

// certificate makes a self-signed certificate for AcceptorHost.
func certificate(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	out, err := exec.Command(Program(t, "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-sha256",
		"-subj", "/CN="+AcceptorHost, "-addext", "subjectAltName=DNS:"+AcceptorHost, "-keyout", key, "-out", cert).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v: %s", err, out)
	}
	return cert, key
}

// Stop ends the acceptor.
func (a *Acceptor) Stop() {
	a.cmd.Process.Kill()
	<-a.log.ended
}

func (a *Acceptor) add(line []byte) {
	e := AcceptorEvent{Raw: string(line)}
	if err := json.Unmarshal(line, &e); err != nil {
		e.Event = "unreadable"
	}
	a.log.add(e)
}

// Events returns the events of a kind that have been logged so far.
func (a *Acceptor) Events(kind string) []AcceptorEvent {
	var list []AcceptorEvent
	for _, e := range a.log.all() {
		if e.Event == kind {
			list = append(list, e)
		}
	}
	return list
}

// Log returns all that has been logged.
func (a *Acceptor) Log() string {
	var b strings.Builder
	for _, e := range a.log.all() {
		b.WriteString(e.Raw + "\n")
	}
	return b.String()
}

// Await returns the events of a kind once there are n of them; fewer after 10
// seconds fail the test. The log comes a little after what it tells of.
func (a *Acceptor) Await(t testing.TB, kind string, n int) []AcceptorEvent {
	t.Helper()
	seen := 0
	if _, ok := a.log.find(10*time.Second, func(e AcceptorEvent) bool {
		if e.Event == kind {
			seen++
		}
		return seen == n
	}); !ok && n > 0 {
		t.Fatalf("the acceptor logged %d of %d events %q:\n%s", seen, n, kind, a.Log())
	}
	return a.Events(kind)
}
