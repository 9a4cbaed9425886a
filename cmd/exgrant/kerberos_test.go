package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A realm is an MIT KDC, and in front of a simulated Exchange server what logs people
// on by MIT's GSSAPI and takes sealed messages only.
type realm struct {
	kdc      *peers.KDC
	acceptor *peers.Acceptor
	server   *simulator
}

// startRealm starts one, with flags of acceptor.py. TLS ends at the acceptor.
func startRealm(t *testing.T, tls bool, args ...string) *realm {
	t.Helper()
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	kdc := peers.StartKDC(t)
	server, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}), simulatorOptions{listen: "127.0.0.1:0", now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := server.endpoint.Shells(); n != 0 {
			t.Errorf("%d shells are left", n)
		}
		if err := server.close(); err != nil {
			t.Error(err)
		}
	})
	r := &realm{kdc: kdc, server: server}
	upstream, _, _ := strings.Cut(server.URL, "/PowerShell")
	r.acceptor = peers.StartAcceptor(t, peers.AcceptorOptions{KDC: r.kdc, TLS: tls, Args: append([]string{"--upstream", upstream}, args...)})
	return r
}

// variables lead to the realm's server, but for the password.
func (r *realm) variables() map[string]string {
	return map[string]string{
		"EXGRANT_SERVER": r.acceptor.URL + "/PowerShell/", "EXGRANT_CONNECT_TO": r.acceptor.Address,
		"EXGRANT_LOGON": "alice@CONTOSO.TEST", "EXGRANT_KRB5_CONFIG": r.kdc.Config, "KRB5CCNAME": filepath.Join(r.kdc.Dir, "no-ticket"),
		"EXGRANT_CA_FILE": r.acceptor.CertFile,
	}
}

// The scripts that log on by Kerberos, to a server as Exchange is shipped: no TLS, and
// nothing but sealed messages.
func TestKerberosScripts(t *testing.T) {
	r := startRealm(t, false, "--require-encryption", "--offer", "Kerberos", "--exchange-boundary", "--iis-compress")
	r.kdc.Admin(t, "ktadd -norandkey -k "+filepath.Join(r.kdc.Dir, "alice.keytab")+" alice")
	ticket, err := os.ReadFile(r.kdc.Kinit(t, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, scriptParams("testdata/kerberos", func(e *testscript.Env) error {
		for name, value := range r.variables() {
			e.Setenv(name, value)
		}
		e.Setenv("KEYTAB", filepath.Join(r.kdc.Dir, "alice.keytab"))
		e.Setenv("GOOD", peers.KDCPassword)
		return os.WriteFile(filepath.Join(e.WorkDir, "ticket"), ticket, 0o600)
	}))
	if t.Failed() {
		t.Logf("the acceptor saw:\n%s", r.acceptor.Log())
	}
	if log := r.acceptor.Events("unsealed"); len(log) != 0 {
		t.Errorf("messages came in clear: %v", log)
	}
}

// refusals counts in a KDC's log how often a password was wrong.
func refusals(t *testing.T, k *peers.KDC) int {
	t.Helper()
	return strings.Count(k.Log(t), "PREAUTH_FAILED: ")
}
