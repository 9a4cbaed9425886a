package negotiate

import (
	"bytes"
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
	"net/url"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A client certificate logs on where the server asks for one; without it TLS ends.
func TestCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin@contoso.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	accept := true
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual" || len(r.TLS.PeerCertificates) != 1 || r.TLS.PeerCertificates[0].Subject.CommonName != "admin@contoso.test" {
			t.Errorf("%v", r.Header)
		}
		w.Header().Set("Content-Type", soapMedia)
		if !accept {
			w.WriteHeader(401)
		}
		w.Write([]byte("<s:Envelope/>"))
	}))
	web.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	web.StartTLS()
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	rt, err := New(Config{Method: Certificate, TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.CloseIdleConnections()
	if _, _, err := post(t.Context(), rt, web.URL, envelope("Create", 100)); err != nil {
		t.Error(err)
	}
	accept = false
	if _, _, err := post(t.Context(), rt, web.URL, envelope("Create", 100)); KindOf(err) != LogonRefused {
		t.Errorf("%v", err)
	}
	if _, _, err := post(t.Context(), rt, "http://127.0.0.1:1/", envelope("Create", 100)); err == nil {
		t.Error("no error")
	}
	if err := rt.Check(&url.URL{Scheme: "http", Host: "ex01.contoso.test"}); KindOf(err) != WouldBeClear {
		t.Errorf("%v", err)
	}
}

// A server that forgets the log-on after each request, as IIS does with Kerberos, is
// logged on to with each; another keeps one connection.
func TestLogonWithEachRequest(t *testing.T) {
	kdc := peers.StartKDC(t)
	for _, forgetful := range []bool{false, true} {
		s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc})}
		m := startMeddler(t, s.acceptor.Address, func(_, n int, r *http.Response, b []byte) []byte {
			if forgetful && r.Header.Get("Www-Authenticate") == "" && len(b) > 0 {
				r.StatusCode, r.Status = 401, ""
				r.Header = http.Header{"Www-Authenticate": {"Negotiate", "Kerberos"}}
				return nil
			}
			return b
		})
		rt := s.transport(t, Kerberos, s.account(t, nil), func(c *Config) {
			c.Dial, c.Seal, c.Elsewhere = dialTo(m.address), SealNever, func(*url.URL) string { return "" }
		})
		for range 4 {
			if status, _, err := post(t.Context(), rt, s.acceptor.URL+"/EWS/Exchange.asmx", envelope("Create", 1000)); err != nil || status != 200 {
				t.Fatalf("%d, %v\n%s", status, err, s.acceptor.Log())
			}
		}
		want := map[bool]int{false: 1, true: 4}[forgetful]
		if auth, conns := s.acceptor.Await(t, "auth", want), s.acceptor.Events("conn"); len(auth) != want || len(conns) != 1 {
			t.Errorf("forgetful %t: %d log-ons on %d connections", forgetful, len(auth), len(conns))
		}
	}
}

// The checksums of SPNEGO, held to the Kerberos library's, and from side to side.
func TestMIC(t *testing.T) {
	for enctype, size := range keySizes {
		key := types.EncryptionKey{KeyType: enctype, KeyValue: bytes.Repeat([]byte{3}, size)}
		client, err := newKrb5Protection(key, false, 7, 9)
		if err != nil {
			t.Fatal(err)
		}
		server, err := newKrb5Protection(key, false, 9, 7)
		if err != nil {
			t.Fatal(err)
		}
		server = asAcceptor(t, server)
		token := client.sign(mechTypes())
		if enctype == 17 || enctype == 18 {
			var theirs gssapi.MICToken
			if err := theirs.Unmarshal(token, false); err != nil {
				t.Fatal(err)
			}
			theirs.Payload = mechTypes()
			if ok, err := theirs.Verify(key, usageInitiatorSign); !ok {
				t.Errorf("%s: the library does not take the checksum: %v", enctypeName(enctype), err)
			}
		}
		if err := server.verify(mechTypes(), token); err != nil {
			t.Errorf("%s: %v", enctypeName(enctype), err)
		}
		if err := server.verify(mechTypes(), token); KindOf(err) != OutOfOrder {
			t.Errorf("%s, again: %v", enctypeName(enctype), err)
		}
		s := &spnegoContext{krb5Context: &krb5Context{protection: client}, begun: true}
		answer := server.sign(mechTypes())
		if out, err := s.respond(negTokenResp{state: stateCompleted, mic: answer}); err != nil || out != nil {
			t.Errorf("%s: %x, %v", enctypeName(enctype), out, err)
		}
		changed := server.sign(mechTypes())
		changed[len(changed)-1] ^= 1
		if _, err := s.respond(negTokenResp{state: stateCompleted, mic: changed}); KindOf(err) != Altered {
			t.Errorf("%s: %v", enctypeName(enctype), err)
		}
	}
}

// Sealing and opening of the largest messages, beside the copies that they make.
func BenchmarkSealed(b *testing.B) {
	message := bytes.Repeat([]byte("x"), 500<<10)
	for name, pair := range protectionPairs(b) {
		b.Run("seal "+name, func(b *testing.B) {
			client, _ := pair()
			m := sealOnly{client}
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sealBody(m, protocolSPNEGO, soapMedia, bytes.NewReader(message), len(message)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("open "+name, func(b *testing.B) {
			client, server := pair()
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				body, err := sealBody(sealOnly{server}, protocolSPNEGO, soapMedia, bytes.NewReader(message), len(message))
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, _, err := openBody(sealOnly{client}, boundary, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sealOnly is a mechanism of which only the messages are used.
type sealOnly struct{ sealer }

func (sealOnly) step(context.Context, []byte) ([]byte, error) { panic("not used") }
func (sealOnly) established() bool                            { return true }
func (sealOnly) final() bool                                  { return true }
func (sealOnly) ends() time.Time                              { return time.Time{} }
func (sealOnly) release()                                     {}
