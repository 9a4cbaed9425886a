package negotiate

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// krbError is a KRB-ERROR of a KDC of X.TEST.
func krbError(t testing.TB, code int32, edata []byte) []byte {
	t.Helper()
	e := messages.KRBError{PVNO: iana.PVNO, MsgType: msgtype.KRB_ERROR, STime: time.Now().UTC(), Susec: 1, ErrorCode: code, Realm: "X.TEST",
		SName: types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", "X.TEST"}}, EData: edata, CRealm: "Y.TEST"}
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// preauthRequired asks for a timestamp under a key of the given type.
func preauthRequired(t testing.TB, enctype int32, params []byte) []byte {
	t.Helper()
	info, err := asn1.Marshal(types.ETypeInfo2{{EType: enctype, Salt: "salt", S2KParams: params}})
	if err != nil {
		t.Fatal(err)
	}
	hints, err := asn1.Marshal(types.PADataSequence{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: info}})
	if err != nil {
		t.Fatal(err)
	}
	return krbError(t, errorcode.KDC_ERR_PREAUTH_REQUIRED, hints)
}

// A recordedKDC answers the n-th request by the n-th reply, the last one again and
// again. At the address "dead:88" it takes a connection and says nothing.
type recordedKDC struct {
	replies  [][]byte
	requests int
	dead     int
}

func (k *recordedKDC) dial(_ context.Context, _, address string) (net.Conn, error) {
	client, server := net.Pipe()
	if address == "dead:88" {
		k.dead++
		go func() { _, _ = io.Copy(io.Discard, server) }()
		return client, nil
	}
	reply := k.replies[min(k.requests, len(k.replies)-1)]
	k.requests++
	go func() {
		defer server.Close()
		var length [4]byte
		if _, err := io.ReadFull(server, length[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, server, int64(binary.BigEndian.Uint32(length[:]))); err == nil {
			_, _ = server.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
		}
	}()
	return client, nil
}

// alice is an account of X.TEST, whose KDCs krb5.conf names.
func (k *recordedKDC) alice(t testing.TB, libdefaults, kdcs string, config AccountConfig) *Account {
	t.Helper()
	config.Krb5Config = filepath.Join(t.TempDir(), "krb5.conf")
	text := "[libdefaults]\ndefault_realm = X.TEST\ndns_lookup_kdc = false\n" + libdefaults + "[realms]\nX.TEST = {\n" + kdcs + "}\nY.TEST = {\n" + kdcs + "}\n"
	if err := os.WriteFile(config.Krb5Config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config.Username, config.Dial, config.Getenv = "alice@X.TEST", k.dial, func(string) string { return "" }
	a, err := NewAccount(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Whoever stands between this machine and the KDC can say how the password is to be
// proved. What makes it cheap to guess is not sent.
func TestDowngradedByTheKDC(t *testing.T) {
	iterations := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	for _, test := range []struct {
		name        string
		libdefaults string
		enctype     int32
		params      []byte
		keytab      bool
		proved      bool // the timestamp is sent
	}{
		{"RC4", "", 23, nil, false, false},
		{"RC4 that krb5.conf permits", "permitted_enctypes = aes rc4\n", 23, nil, false, true},
		{"RC4 that krb5.conf allows", "allow_rc4 = true\n", 23, nil, false, true},
		{"RC4 of a keytab", "", 23, nil, true, true},
		{"one iteration", "", 18, iterations(1), false, false},
		{"none, which is 2^32", "", 17, iterations(0), false, false},
		{"4095", "", 18, iterations(4095), false, false},
		{"4096", "", 18, iterations(4096), false, true},
		{"SHA-2, one iteration", "", 20, iterations(1), false, false},
		{"a million and more", "", 18, iterations(maxIterations + 1), false, false},
		{"none is said", "", 18, nil, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := &recordedKDC{replies: [][]byte{preauthRequired(t, test.enctype, test.params), krbError(t, errorcode.KDC_ERR_PREAUTH_FAILED, nil)}}
			config := AccountConfig{Password: NewSecret("secret")}
			if test.keytab {
				config = AccountConfig{Keytab: rc4Keytab(t)}
			}
			_, err := k.alice(t, test.libdefaults, "kdc = k\n", config).Login(t.Context())
			if proved := k.requests > 1; proved != test.proved || proved != (KindOf(err) == WrongPassword) {
				t.Errorf("%d requests, then %v", k.requests, err)
			}
		})
	}
}

// rc4Keytab is a keytab of alice with a key of RC4 alone.
func rc4Keytab(t *testing.T) string {
	file := keytab.New()
	if err := file.AddEntry("alice", "X.TEST", "secret", time.Now(), 1, 23); err != nil {
		t.Fatal(err)
	}
	b, err := file.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keytab")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A KDC that is dead costs its five seconds once.
func TestDeadKDC(t *testing.T) {
	k := &recordedKDC{replies: [][]byte{preauthRequired(t, 18, nil), krbError(t, errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, nil)}}
	a := k.alice(t, "", "kdc = dead\nkdc = live\n", AccountConfig{Password: NewSecret("secret")})
	synctest.Test(t, func(t *testing.T) {
		for range 3 {
			if _, err := a.Login(t.Context()); KindOf(err) != KDCRefused {
				t.Errorf("%v", err)
			}
		}
		if k.dead != 1 || k.requests < 4 {
			t.Errorf("the dead KDC was asked %d times, the living one %d", k.dead, k.requests)
		}
	})
}

// Whatever a KDC says, nobody is logged on by it, and it costs little.
func FuzzKDC(f *testing.F) {
	f.Add(preauthRequired(f, 18, []byte{0, 0, 0, 1}), krbError(f, errorcode.KDC_ERR_PREAUTH_FAILED, nil))
	f.Add(preauthRequired(f, 18, nil), krbError(f, errorcode.KDC_ERR_PREAUTH_FAILED, nil))
	f.Add(preauthRequired(f, 23, nil), []byte{0x6b, 0x80})
	f.Add(preauthRequired(f, 20, []byte{0, 0, 0, 1}), []byte{0x6b, 0x82, 1, 0, 0x30})
	f.Add(krbError(f, errorcode.KDC_ERR_WRONG_REALM, nil), krbError(f, errorcode.KDC_ERR_CLIENT_REVOKED, []byte{0x30, 3, 0xa1, 1, 3}))
	f.Add(krbError(f, errorcode.KRB_AP_ERR_SKEW, nil), []byte{0x7e, 0})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		k := &recordedKDC{replies: [][]byte{first, second}}
		a := k.alice(t, "", "kdc = k\n", AccountConfig{Password: NewSecret("secret")})
		if _, err := a.Login(t.Context()); err == nil {
			t.Error("logged on by nobody")
		}
		if k.requests > 2*maxReferrals {
			t.Errorf("%d requests", k.requests)
		}
	})
}
