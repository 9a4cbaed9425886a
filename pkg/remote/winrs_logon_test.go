package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// WinRM behind the system's own GSSAPI: messages are sealed, whatever is sent, and the
// password goes on to Exchange in a sealed message too.
func TestWinRSSealed(t *testing.T) {
	kdc := peers.StartKDC(t)
	kdc.Admin(t, "addprinc -pw "+peers.KDCPassword+" administrator")
	w := startWinRS(t, winrsd.Config{UserHeader: "X-Auth-User", ExchangePassword: peers.KDCPassword})
	upstream := strings.TrimSuffix(w.url, "/wsman")
	grant := grantScript(t, unattended)
	grant.Text = append(grant.Text[:len(grant.Text):len(grant.Text)], []byte("# "+strings.Repeat("long ", 20<<10)+"\r\n")...)
	again := raw(rawReport)
	again.ReadsOnly = true
	for _, test := range []struct {
		name   string
		tls    bool
		args   []string
		method AuthMethod
		user   string
		script Script
	}{
		{"Kerberos", false, []string{"--require-encryption"}, Kerberos, "administrator@CONTOSO.TEST", grant},
		{"Negotiate", false, []string{"--require-encryption"}, Negotiate, "administrator@CONTOSO.TEST", grantScript(t, unattended)},
		{"NTLM", false, []string{"--require-encryption"}, NTLM, `CONTOSO\administrator`, raw(rawReport)},
		{"connections that are closed", false, []string{"--require-encryption", "--hangup", "5"}, Kerberos, "administrator@CONTOSO.TEST", again},
		{"Kerberos over TLS", true, []string{"--cbt", "required"}, Kerberos, "administrator@CONTOSO.TEST", grantScript(t, unattended)},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, TLS: test.tls, Args: append(test.args, "--upstream", upstream)})
			target := Target{Server: a.URL + "/wsman", ConnectTo: a.Address, Timeout: 10 * time.Second}
			if test.tls {
				pem, err := os.ReadFile(a.CertFile)
				if err != nil {
					t.Fatal(err)
				}
				target.RootCAs = x509.NewCertPool()
				target.RootCAs.AppendCertsFromPEM(pem)
			}
			r, err := NewWinRS(target, Credential{Method: test.method, Username: test.user, Password: NewSecret(peers.KDCPassword), Krb5Config: kdc.Config}, ShellOptions{})
			if err != nil {
				t.Fatal(err)
			}
			result, err := r.Run(t.Context(), test.script)
			if err != nil || !slices.Contains([]report.Outcome{report.Granted, report.AlreadyGranted, report.Audited}, result.Report.Outcome) {
				t.Fatalf("%v %+v\n%s", err, result, a.Log())
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
			for _, e := range a.Events("op") {
				if !test.tls && !e.Sealed {
					t.Errorf("a message went unsealed: %+v", e)
				}
			}
			if len(a.Events("BASIC-CREDENTIALS-SENT")) > 0 {
				t.Error("the password was sent as Basic")
			}
			w.nothingLeft(t)
		})
	}
}

// A server that offers nothing but Basic gets neither the password nor a message.
func TestWinRSBasicOnlyServer(t *testing.T) {
	kdc := peers.StartKDC(t)
	for _, method := range []AuthMethod{Kerberos, NTLM} {
		var seen []string
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("Authorization"))
			var body [1 << 16]byte
			if n, _ := r.Body.Read(body[:]); strings.Contains(string(body[:n]), "Envelope") {
				t.Errorf("%s: a message went in clear", method)
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		target := Target{Server: "http://" + peers.AcceptorHost + ":5985/wsman", ConnectTo: strings.TrimPrefix(h.URL, "http://")}
		r, err := NewWinRS(target, Credential{Method: method, Username: "alice@CONTOSO.TEST", Password: NewSecret(peers.KDCPassword), Krb5Config: kdc.Config}, ShellOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = r.Run(t.Context(), raw(rawReport)); err == nil || fault.Of(err).ID != fault.ConnectAuth {
			t.Errorf("%s: %v", method, err)
		}
		for _, s := range seen {
			if strings.HasPrefix(s, "Basic") {
				t.Errorf("%s: the password was sent: %s", method, s)
			}
		}
		_ = r.Close(context.Background())
		h.Close()
	}
}

// WinRM on 5986 with a client certificate. Exchange gets name and password all the
// same.
func TestWinRSCertificate(t *testing.T) {
	w := startWinRS(t, winrsd.Config{UserHeader: "X-Mapped-User"})
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		if scheme := r.Header.Get("Authorization"); !strings.HasPrefix(scheme, "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual") {
			t.Errorf("Authorization %q", scheme)
		}
		r.Header.Set("X-Mapped-User", r.TLS.PeerCertificates[0].Subject.CommonName)
		w.Server.ServeHTTP(rw, r)
	}))
	h.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	h.StartTLS()
	defer h.Close()
	certificate := clientCertificate(t)
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	c := Credential{Method: Certificate, Username: simulatedUser, Password: NewSecret(simulatedPassword), Certificate: &certificate}
	r, err := NewWinRS(Target{Server: h.URL + "/wsman", RootCAs: roots}, c, ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Run(t.Context(), grantScript(t, unattended))
	if err != nil || result.Report.Outcome != report.Granted {
		t.Errorf("%v %+v", err, result)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.nothingLeft(t)
	c.Password = Secret{}
	if _, err := NewWinRS(Target{Server: h.URL + "/wsman", RootCAs: roots}, c, ShellOptions{}); err == nil || !strings.Contains(err.Error(), "however it logs on") {
		t.Errorf("no password for the second hop: %v", err)
	}
}

func clientCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: simulatedUser},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
