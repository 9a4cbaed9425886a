package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/exgrant/exgrant/internal/negotiate"
)

// Whoever logs on has a name for reports, whatever the log-on is by.
func TestUser(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "exgrant", Organization: []string{"Contoso"}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5CCNAME", filepath.Join(t.TempDir(), "none"))
	config := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(config, []byte("[libdefaults]\ndefault_realm = CONTOSO.TEST\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		credential Credential
		want       string // "" is anybody
	}{
		"name":        {Credential{Method: Kerberos, Username: `CONTOSO\admin`, Password: NewSecret("x"), Krb5Config: config}, `CONTOSO\admin`},
		"certificate": {Credential{Method: Certificate, Certificate: &tls.Certificate{Certificate: [][]byte{der}}}, "certificate CN=exgrant,O=Contoso"},
		"no leaf":     {Credential{Method: Certificate, Certificate: &tls.Certificate{}}, "a certificate"},
		"nobody":      {Credential{Method: Negotiate, Krb5Config: config}, ""}, // who is logged on to Windows
	} {
		shared, err := test.credential.Share()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := shared.User(); got == "" || test.want != "" && got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if negotiate.ThisUser() == "" {
		t.Error("nobody runs this test")
	}
}
