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

// A Samba is an Active Directory domain controller of the realm CONTOSO.TEST: a KDC
// that Microsoft's clients take for one of theirs. Its users are as those of a KDC.
type Samba struct {
	*KDC
	conf string
}

// StartSamba starts a domain controller on the loopback interface (20 s). It has
// port 88 to itself, which takes root: EXGRANT_SAMBA=1 asks for it, as `.ci/run
// --full` does.
func StartSamba(t testing.TB) *Samba {
	t.Helper()
	if os.Getenv("EXGRANT_SAMBA") != "1" {
		t.Skip("Samba takes long, and port 88: EXGRANT_SAMBA=1 runs it, as .ci/run --full does")
	}
	for _, tool := range []string{"samba", "samba-tool", "ldbmodify"} {
		Program(t, tool)
	}
	dir := filepath.Join(t.TempDir(), "samba")
	cmd := exec.Command("bash", Shared(t, "testbed", "samba.sh"), dir)
	log, err := os.Create(filepath.Join(t.TempDir(), "samba.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log // files, which the server in the background may keep
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("samba.sh: %v: %s", err, text)
	}
	s := &Samba{&KDC{Dir: dir, Config: filepath.Join(dir, "krb5.conf"), Keytab: filepath.Join(dir, "ex01.keytab"), Port: 88}, filepath.Join(dir, "etc", "smb.conf")}
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *Samba) stop(t testing.TB) {
	text, err := os.ReadFile(filepath.Join(s.Dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if process, err := os.FindProcess(pid); err == nil {
		process.Kill()
	}
	for range 100 {
		conn, err := net.Dial("tcp", "127.0.0.1:88")
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(50 * time.Millisecond)
	}
}

// Tool runs samba-tool and returns what it prints.
func (s *Samba) Tool(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(Program(t, "samba-tool"), append(args, "-s", s.conf)...).CombinedOutput()
	if err != nil {
		t.Fatalf("samba-tool %q: %v: %s", args, err, out)
	}
	return string(out)
}

// Modify changes a user's attributes, given as lines of LDIF.
func (s *Samba) Modify(t testing.TB, user string, lines ...string) {
	t.Helper()
	cmd := exec.Command(Program(t, "ldbmodify"), "-H", filepath.Join(s.Dir, "private", "sam.ldb"))
	cmd.Stdin = strings.NewReader("dn: CN=" + user + ",CN=Users,DC=contoso,DC=test\nchangetype: modify\n" + strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ldbmodify %s %q: %v: %s", user, lines, err, out)
	}
}
