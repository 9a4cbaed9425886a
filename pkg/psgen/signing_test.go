package psgen

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// TestSigning signs a script with a throw-away certificate, as an administrator
// would with a real one: it verifies, it still runs, its hash is still the one in
// its header, and none of this holds once it is altered.
func TestSigning(t *testing.T) {
	tool, openssl := peers.Program(t, "osslsigncode"), peers.Program(t, "openssl")
	st, g := stageOf(t, "plain")
	path := st.Write(t, grantScript(g))
	signed := filepath.Join(st.Dir, "signed.ps1")
	key, cert := filepath.Join(st.Dir, "key.pem"), filepath.Join(st.Dir, "cert.pem")
	must(t, openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=exgrant test",
		"-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", cert)
	must(t, tool, "sign", "-certs", cert, "-key", key, "-h", "sha256", "-in", path, "-out", signed)
	if out, err := verify(tool, cert, signed); err != nil {
		t.Fatalf("the signature does not verify: %v\n%s", err, out)
	}

	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	withBlock, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(withBlock, bytes.TrimRight(plain, "\r\n")) {
		t.Error("signing changed the script itself")
	}
	if bytes.Count(withBlock, []byte("\n")) != bytes.Count(withBlock, []byte("\r\n")) {
		t.Error("the signed script mixes line ends")
	}
	want := Hash(plain)
	if want == "" || Hash(withBlock) != want || !bytes.Contains(plain, []byte("sha256: "+want)) {
		t.Errorf("hash %q unsigned, %q signed", want, Hash(withBlock))
	}
	seen := st.process(t, []string{"-File", signed, "-WhatIf"})
	if seen.Code != 0 || !strings.Contains(seen.Stdout, "planned") {
		t.Errorf("signed, it ends with %d:\n%s", seen.Code, seen.Stdout)
	}

	altered := bytes.Replace(withBlock, []byte("'Reschedule Users'"), []byte("'Everybody'"), 1)
	if err := os.WriteFile(signed, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := verify(tool, cert, signed); err == nil {
		t.Errorf("altered, it still verifies:\n%s", out)
	}
	if Hash(altered) == want {
		t.Error("altered, it has the same hash")
	}
}

func verify(tool, cert, path string) ([]byte, error) {
	return exec.Command(tool, "verify", "-CAfile", cert, "-in", path).CombinedOutput()
}

func must(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, args[0], err, out)
	}
}
