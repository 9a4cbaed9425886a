package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/keyring"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// environment are variables as a process has them.
func environment(variables map[string]string) []string {
	var list []string
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	return list
}

// What login keeps in gnome-keyring is used until logout, also when it is wrong, and
// what was typed or kept is never shown. A wrong password costs one attempt.
func TestLogin(t *testing.T) {
	bus := "DBUS_SESSION_BUS_ADDRESS=" + peers.StartSecretService(t)
	r := startRealm(t, false, "--require-encryption")
	known := append(environment(r.variables()), bus)
	const wrong = "wrong-Secret-7"
	keep := func(first, second string) *sitting {
		s := sit(t, known, "login")
		s.see("Password of alice@CONTOSO.TEST: ")
		s.typesSecret(first + "\n")
		s.see("The same again: ")
		s.typesSecret(second + "\n")
		return s
	}
	s := keep(peers.KDCPassword, wrong)
	s.see("exgrant: login: the two passwords differ")
	s.ends(exitUsage)
	s = keep(wrong, wrong)
	s.see("kept the password of alice@CONTOSO.TEST; it was not tried")
	s.ends(exitDone)
	if text := s.everything(); strings.Contains(text, "Secret") || strings.Contains(text, peers.KDCPassword) {
		t.Errorf("the terminal shows a password: %q", text)
	}

	s = sit(t, known, "audit", "--verbose")
	s.ends(5)
	if got := s.stdout.String(); !strings.HasPrefix(got, "denied: ") || !strings.Contains(got, `The password of "alice@CONTOSO.TEST" is wrong`) {
		t.Errorf("stdout: %s", got)
	}
	if text := s.everything() + s.stdout.String(); strings.Contains(text, "Secret") {
		t.Errorf("a password is shown: %q", text)
	}
	if n := refusals(t, r.kdc); n != 1 {
		t.Errorf("a wrong password cost %d attempts\n%s", n, r.kdc.Log(t))
	}

	s = sit(t, append(known, "EXGRANT_LOGON=ALICE@contoso.test", "EXGRANT_PASSWORD="+peers.KDCPassword), "login")
	s.see("kept the password of alice@CONTOSO.TEST")
	s.ends(exitDone)
	s = sit(t, known, "audit")
	s.ends(exitDone)
	s = sit(t, known, "logout")
	s.see("forgot the password of alice@CONTOSO.TEST")
	s.ends(exitDone)
	s = sit(t, known, "logout")
	s.see("there was no password of alice@CONTOSO.TEST to forget")
	s.ends(exitDone)
	s = sit(t, known, "audit")
	s.see("Password of alice@CONTOSO.TEST: ")
	s.typesSecret(interrupt)
	s.see("exgrant: interrupted")
	s.ends(exitInterrupted)
	s = sit(t, known, "login")
	s.see("Password of alice@CONTOSO.TEST: ")
	s.typesSecret(interrupt)
	s.ends(exitInterrupted)
}

// Where there is no keyring it is said what to use instead, and a person is asked.
func TestNoKeyring(t *testing.T) {
	_, variables := serveOrganization(t)
	s := sit(t, variables, "login", "--logon", "alice@contoso.test", "--password-file", passwordFile(t, "x"))
	s.see("exgrant: login: there is no keyring on this computer")
	s.see("hint: a server without a desktop has none: use --password-file")
	s.ends(exitFailed)
	s = sit(t, variables, "logout", "--logon", "alice@contoso.test")
	s.see("exgrant: logout: there is no keyring on this computer")
	s.ends(exitFailed)
	s = sit(t, append(variables, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"), "login", "--logon", "alice@contoso.test", "--password-file", passwordFile(t, "x"))
	s.see("exgrant: login: there is no keyring on this computer")
	s.ends(exitFailed)
	s = sit(t, variables, "login")
	s.see(`--logon "administrator" does not say of which realm`)
	s.ends(exitUsage)
	s = sit(t, nil, "logout")
	s.see("nobody is named")
	s.ends(exitUsage)
}

func passwordFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A brokenStore is a keyring that gives nothing but an error.
type brokenStore struct{ err error }

func (b brokenStore) Get(context.Context, string) (string, error) { return "", b.err }
func (b brokenStore) Set(context.Context, string, string) error   { return b.err }
func (b brokenStore) Delete(context.Context, string) error        { return b.err }

// A keyring that does not answer is told of, and whoever is there is asked.
func TestKeyringWithoutAnswer(t *testing.T) {
	var stderr bytes.Buffer
	for _, test := range []struct {
		err  error
		told string
	}{
		{keyring.ErrNoAnswer, "exgrant: the keyring does not answer; going on without it\n"},
		{errors.New("the keyring: it is broken\nexgrant: all is well"), "exgrant: the keyring: it is broken exgrant: all is well; going on without it\n"},
		{keyring.ErrNone, ""},
		{keyring.ErrNotFound, ""},
	} {
		stderr.Reset()
		p := &program{stdin: strings.NewReader(""), stdout: &stderr, stderr: &stderr, now: time.Now, keyring: brokenStore{test.err}, getenv: func(string) string { return "" }}
		code := p.run(t.Context(), []string{"audit", "--server", "localhost", "--auth", "basic", "--logon", "alice@contoso.test"})
		if got := stderr.String(); code != exitUsage || !strings.HasPrefix(got, test.told+"exgrant: audit: no password, and there is no terminal to ask on\n") {
			t.Errorf("%v: exit %d: %s", test.err, code, got)
		}
	}
}

// The README's session by Kerberos, as a shell runs it; a variable has the password that a
// person types.
func TestReadmeKerberos(t *testing.T) {
	r := startRealm(t, false, "--require-encryption", "--offer", "Kerberos", "--exchange-boundary")
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```sh\n")
	script, _, closed := strings.Cut(rest, "```")
	if !found || !closed || !strings.Contains(script, "exgrant connect") {
		t.Fatal("the README has no session by Kerberos")
	}
	script = strings.NewReplacer("admin@CONTOSO.COM", "alice@CONTOSO.TEST", "ex01.contoso.com", "ex01.contoso.test").Replace(script)
	bin := t.TempDir()
	binary, err := os.Executable()
	if err == nil {
		err = os.Symlink(binary, filepath.Join(bin, "exgrant"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-e", "-c", script)
	variables := r.variables()
	delete(variables, "EXGRANT_SERVER")
	delete(variables, "EXGRANT_LOGON")
	cmd.Env = append(environment(variables), "EXGRANT_PASSWORD="+peers.KDCPassword, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+bin)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "= 6 spn: The KDC knows the server's service: a ticket for HTTP/ex01.contoso.test@CONTOSO.TEST") ||
		!strings.Contains(string(out), "New-ManagementScope") {
		t.Errorf("%v:\n%s", err, out)
	}
}
