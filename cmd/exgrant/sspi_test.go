package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// The scripts in which Windows logs on whoever is logged on to it: to PowerShell's own
// remoting server, behind MIT's GSSAPI, with sealed messages only. On Wine that is who
// has a ticket of MIT Kerberos.
func TestSSPIScripts(t *testing.T) {
	if os.Getenv(otherProgram) == "" {
		t.Skip("logging on by Windows needs Windows: " + otherProgram + " is not set, by which .ci/run names the program for it, on Wine")
	}
	kdc := peers.StartKDC(t)
	bridge := peers.StartBridge(t, peers.BridgeOptions{Args: []string{"--exchange", "--require-cookie"},
		Env: []string{"EXCHANGEORG_STATE=" + filepath.Join(t.TempDir(), "org.json")}})
	upstream, _, _ := strings.Cut(bridge.URL, "/PowerShell")
	acceptor := peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc,
		Args: []string{"--upstream", upstream, "--require-encryption", "--offer", "Kerberos", "--exchange-boundary", "--iis-compress"}})
	ticket := kdc.Kinit(t, "alice")
	testscript.Run(t, scriptParams("testdata/sspi", func(e *testscript.Env) error {
		e.Setenv("EXGRANT_SERVER", acceptor.URL+"/PowerShell/")
		e.Setenv("EXGRANT_CONNECT_TO", acceptor.Address)
		e.Setenv("KRB5_CONFIG", kdc.Config)
		e.Setenv("KRB5CCNAME", "FILE:"+ticket)
		return nil
	}))
	if t.Failed() {
		t.Logf("the acceptor saw:\n%s", acceptor.Log())
	}
	if log := acceptor.Events("unsealed"); len(log) != 0 {
		t.Errorf("messages came in clear: %v", log)
	}
	for _, e := range acceptor.Events("auth") {
		if e.Initiator != "alice@CONTOSO.TEST" || !e.Mutual {
			t.Errorf("somebody else logged on, or without a proof of the server: %s", e.Raw)
		}
	}
}
