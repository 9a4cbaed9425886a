package negotiate

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A KDC is found without a word to it, by the realm of a UPN suffix too.
func TestFindKDC(t *testing.T) {
	kdc := peers.StartKDC(t)
	s := stage{kdc: kdc}
	before := kdc.Log(t)
	for _, name := range []string{"alice@CONTOSO.TEST", `CONTOSO\alice`, "alice"} {
		a := s.account(t, func(c *AccountConfig) { c.Username = name })
		if realm, address, err := a.FindKDC(t.Context()); err != nil || realm != "CONTOSO.TEST" || address == "" {
			t.Errorf("%s: %q %q %v", name, realm, address, err)
		}
	}
	if strings.Count(kdc.Log(t), "AS_REQ") != strings.Count(before, "AS_REQ") {
		t.Error("the KDC was asked for a ticket")
	}
	nowhere := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(nowhere, []byte("[libdefaults]\ndns_lookup_kdc = false\n[realms]\nCONTOSO.TEST = {\n kdc = 127.0.0.1:1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"alice@CONTOSO.TEST": "no KDC of CONTOSO.TEST answers: 127.0.0.1:1 refuses connections: nothing listens there", "alice@FABRIKAM.TEST": "no KDC is known"} {
		a := s.account(t, func(c *AccountConfig) { c.Username, c.Krb5Config = name, nowhere })
		if _, _, err := a.FindKDC(t.Context()); KindOf(err) != NoKDC || !strings.Contains(strings.ReplaceAll(err.Error(), `"`, ""), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A challenge is asked for by nobody: no Authorization, no content.
func TestChallenge(t *testing.T) {
	kdc := peers.StartKDC(t)
	s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, TLS: true, Args: []string{"--offer", "Negotiate,NTLM"}})}
	u, err := url.Parse(s.acceptor.URL + "/wsman")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []Method{Kerberos, Negotiate, NTLM, Basic} {
		rt := s.transport(t, method, s.account(t, nil), nil)
		c, err := rt.Challenge(t.Context(), u)
		if err != nil || c.Status != 401 || strings.Join(c.Offered, ",") != "Negotiate,NTLM" {
			t.Errorf("%s: %+v %v", method, c, err)
		}
		if err := rt.Accepts(c.Offered); (err != nil) != (method == Basic) {
			t.Errorf("%s: %v", method, err)
		}
	}
	for _, event := range []string{"auth", "auth-failed", "unsealed", "op", "BASIC-CREDENTIALS-SENT"} {
		if list := s.acceptor.Events(event); len(list) != 0 {
			t.Errorf("the server saw %s: %v", event, list)
		}
	}
}
