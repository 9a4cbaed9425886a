package peers

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A KDC is an MIT Kerberos KDC of the realm CONTOSO.TEST with the users alice and
// bob, whose password is KDCPassword, and services that a keytab has.
type KDC struct {
	Dir    string
	Config string // a krb5.conf that knows it
	Keytab string // of HTTP/ex01.contoso.test, host/ex01.contoso.test, HTTP/rc4.contoso.test
	Port   int
}

// KDCPassword is that of all users of the KDC.
const KDCPassword = "Passw0rd!"

// StartKDC starts a KDC on a free port of the loopback interface (0.3 s).
func StartKDC(t testing.TB) *KDC {
	t.Helper()
	script, bash := Shared(t, "testbed", "kdc.sh"), Program(t, "bash")
	for _, tool := range []string{"/usr/sbin/krb5kdc", "/usr/sbin/kadmin.local"} {
		if _, err := os.Stat(tool); err != nil {
			absent(t, "no MIT KDC: %v", err)
		}
	}
	k := &KDC{Dir: filepath.Join(t.TempDir(), "kdc"), Port: freePort(t)}
	k.Config, k.Keytab = filepath.Join(k.Dir, "krb5.conf"), filepath.Join(k.Dir, "ex01.keytab")
	cmd := exec.Command(bash, script, k.Dir, strconv.Itoa(k.Port))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kdc.sh: %v: %s", err, out)
	}
	t.Cleanup(func() { k.Stop(t) })
	return k
}

// Stop ends the KDC: nobody answers on its port any more.
func (k *KDC) Stop(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.Dir, "kdc.pid"))
	if err != nil {
		return // it is stopped already
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if process, err := os.FindProcess(pid); err == nil {
		process.Kill()
	}
	for range 100 {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(k.Port)))
		if err != nil {
			break
		}
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
	os.Remove(filepath.Join(k.Dir, "kdc.pid"))
}

// Admin runs commands of kadmin.local, such as "addprinc -pw x carol".
func (k *KDC) Admin(t testing.TB, commands ...string) {
	t.Helper()
	cmd := exec.Command("/usr/sbin/kadmin.local", "-r", "CONTOSO.TEST")
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+k.Config, "KRB5_KDC_PROFILE="+filepath.Join(k.Dir, "kdc.conf"))
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kadmin.local %q: %v: %s", commands, err, out)
	}
}

// Kinit gets a ticket for a user into a file, and returns the file.
func (k *KDC) Kinit(t testing.TB, user string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ccache")
	cmd := exec.Command(Program(t, "kinit"), append(append([]string{}, args...), user)...)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+k.Config, "KRB5CCNAME=FILE:"+path)
	cmd.Stdin = strings.NewReader(KDCPassword + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kinit %s: %v: %s", user, err, out)
	}
	return path
}

// Log returns what the KDC has logged: a line for each request, "AS_REQ … alice@…",
// with "PREAUTH_FAILED", "ISSUE" and the like.
func (k *KDC) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.Dir, "kdc.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// freePort returns a port that nobody listens on now.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
