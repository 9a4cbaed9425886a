package negotiate

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func emptyConf(t testing.TB) string {
	t.Helper()
	return writeConf(t, t.TempDir(), "krb5.conf", "")
}

func writeConf(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file as distributions ship it: parts elsewhere, sections twice, lines that mean
// nothing to us.
func TestKrb5Conf(t *testing.T) {
	dir := t.TempDir()
	writeConf(t, dir, "d/10-realms", "[realms]\nFABRIKAM.TEST = {\n  kdc = dc9.fabrikam.test\n}\n")
	writeConf(t, dir, "d/crypto.conf", "[libdefaults]\n permitted_enctypes = aes256-sha2 +rc4 aes128-cts -aes256-sha2 unheard-of\n")
	writeConf(t, dir, "d/ignored.rpmsave", "[libdefaults]\ndefault_realm = WRONG.TEST\n")
	path := writeConf(t, dir, "krb5.conf", `# comment
includedir `+filepath.Join(dir, "d")+`
[logging]
 default = FILE:/var/log/krb5libs.log
[libdefaults]
    dns_lookup_realm = false
    pkinit_anchors = FILE:/etc/pki/tls/certs/ca-bundle.crt
    default_realm = CONTOSO.TEST
    default_realm = SECOND.TEST
    default_ccache_name = KEYRING:persistent:%{uid}
    dns_lookup_kdc = False
[realms]
 CONTOSO.TEST = {
  kdc = dc1.contoso.test
  kdc = tcp/dc2.contoso.test:1088 *
  kdc = [2001:db8::1]:88
  auth_to_local = {
    RULE:[1:$1] }
  admin_server = dc1.contoso.test
 }
[domain_realm]
 .contoso.test = CONTOSO.TEST
 mail.contoso.test = FABRIKAM.TEST
 fabrikam.test = FABRIKAM.TEST
[plugins]
`)
	c, err := loadKrb5Conf(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, kdc := range c.kdcs["CONTOSO.TEST"] {
		addresses = append(addresses, kdcAddress(kdc))
	}
	if want := []string{"dc1.contoso.test:88", "dc2.contoso.test:1088", "[2001:db8::1]:88"}; !slices.Equal(addresses, want) {
		t.Errorf("%q, want %q", addresses, want)
	}
	if c.defaultRealm != "CONTOSO.TEST" || !c.noDNS || c.ccacheName != "KEYRING:persistent:%{uid}" || !slices.Equal(c.enctypes, []int32{23, 17}) || len(c.kdcs["FABRIKAM.TEST"]) != 1 {
		t.Errorf("%+v", c)
	}
	for host, want := range map[string]string{"ex01.contoso.test": "CONTOSO.TEST", "EX01.Contoso.Test.": "CONTOSO.TEST", "mail.contoso.test": "FABRIKAM.TEST",
		"x.fabrikam.test": "FABRIKAM.TEST", "contoso.test": "", "other.example": "", "localhost": ""} {
		if got := c.realmOfHost(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	loop := writeConf(t, dir, "loop.conf", "include "+filepath.Join(dir, "loop.conf")+"\n")
	if _, err := loadKrb5Conf(loop, noEnv); KindOf(err) != BadCredential {
		t.Errorf("%v", err)
	}
	if c, err := loadKrb5Conf("", env("KRB5_CONFIG", filepath.Join(dir, "missing")+string(filepath.ListSeparator)+path)); err != nil || c.path != path {
		t.Errorf("%+v, %v", c, err)
	}
}
