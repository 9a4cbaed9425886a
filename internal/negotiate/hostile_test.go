package negotiate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	//lint:ignore SA1019 the hash that is looked for
	"golang.org/x/crypto/md4"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A wire records every byte that leaves the client over the connections that its
// dialers open.
type wire struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

type recorded struct {
	net.Conn
	w *wire
}

func (r recorded) Write(b []byte) (int, error) {
	r.w.mu.Lock()
	r.w.bytes.Write(b)
	r.w.mu.Unlock()
	return r.Conn.Write(b)
}

// dial returns a dialer that records; address may be empty for that which is asked
// for.
func (w *wire) dial(address string) DialFunc {
	return func(ctx context.Context, network, asked string) (net.Conn, error) {
		if address != "" {
			asked = address
		}
		c, err := new(net.Dialer).DialContext(ctx, network, asked)
		if err != nil {
			return nil, err
		}
		return recorded{c, w}, nil
	}
}

// checkSecrets searches what left the client, and what the errors say, for the
// password, its NT hash and SOAP in clear, in every form that they could have.
func (w *wire) checkSecrets(t *testing.T, password string, errs ...error) {
	t.Helper()
	w.mu.Lock()
	sent := bytes.Clone(w.bytes.Bytes())
	w.mu.Unlock()
	// Tokens are base64: look inside.
	for _, token := range regexp.MustCompile(`Authorization: \S+ (\S+)`).FindAllSubmatch(sent, -1) {
		if b, err := base64.StdEncoding.DecodeString(string(token[1])); err == nil {
			sent = append(sent, b...)
		}
	}
	for _, err := range errs {
		sent = append(sent, fmt.Sprintf("%v %+v %#v", err, err, err)...)
		for ; err != nil; err = errors.Unwrap(err) {
			sent = append(sent, fmt.Sprintf("%v %#v", err, err)...)
		}
	}
	hash := md4.New()
	hash.Write(utf16le(password))
	secrets := map[string][]byte{"password": []byte(password), "password in UTF-16": utf16le(password), "NT hash": hash.Sum(nil), "SOAP": []byte("Envelope")}
	for what, secret := range secrets {
		forms := [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret)))}
		for pad := range 3 { // base64 at every alignment, without its ragged ends
			b := base64.StdEncoding.EncodeToString(append(make([]byte, pad), secret...))
			forms = append(forms, []byte(b[4:len(b)-4]))
		}
		for _, form := range forms {
			if bytes.Contains(sent, form) {
				t.Errorf("%s left the client", what)
			}
		}
	}
}

// A meddler stands between client and server and changes answers. It counts them
// from 0 on each connection: the offer, the answer to the log-on, then messages.
type meddler struct {
	address string
	change  func(conn, n int, r *http.Response, body []byte) []byte
}

func startMeddler(t *testing.T, server string, change func(conn, n int, r *http.Response, body []byte) []byte) *meddler {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &meddler{l.Addr().String(), change}
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(c, n, server)
		}
	}()
	return m
}

func (m *meddler) serve(c net.Conn, conn int, server string) {
	defer c.Close()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer up.Close()
	fromClient, fromServer := bufio.NewReader(c), bufio.NewReader(up)
	for n := 0; ; n++ {
		request, err := http.ReadRequest(fromClient)
		if err != nil {
			return
		}
		if request.Write(up) != nil {
			return
		}
		response, err := http.ReadResponse(fromServer, request)
		if err != nil {
			return
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return
		}
		body = m.change(conn, n, response, body)
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		response.Header.Del("Content-Length")
		if response.Write(c) != nil {
			return
		}
	}
}

// changeToken replaces the token of an answer.
func changeToken(r *http.Response, change func([]byte) []byte) {
	scheme, text, ok := strings.Cut(r.Header.Get("Www-Authenticate"), " ")
	token, err := base64.StdEncoding.DecodeString(text)
	if ok && err == nil {
		r.Header.Set("Www-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(change(token)))
	}
}

// Between client and server everything may be changed: it is noticed, by its own
// kind of error, and nothing that counts has left.
func TestMeddling(t *testing.T) {
	kdc := peers.StartKDC(t)
	s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, Args: []string{"--require-encryption", "--offer", "Negotiate"}})}
	var kept []byte
	var keptToken string
	plain := func(r *http.Response, status int) []byte {
		r.StatusCode, r.Status = status, ""
		r.Header.Set("Content-Type", soapMedia)
		return []byte(`<s:Envelope/>`)
	}
	for _, test := range []struct {
		name   string
		kind   Kind
		ntlm   Kind // for NTLM, where it is another
		change func(conn, n int, r *http.Response, body []byte) []byte
	}{
		{"offers Basic alone", NotOffered, "", func(_, n int, r *http.Response, b []byte) []byte {
			r.Header.Set("Www-Authenticate", `Basic realm="x"`)
			return b
		}},
		{"offers nothing", NotOffered, "", func(_, n int, r *http.Response, b []byte) []byte {
			r.Header.Del("Www-Authenticate")
			return b
		}},
		{"200 to nobody", NoAuthentication, "", func(_, n int, r *http.Response, b []byte) []byte { return plain(r, 200) }},
		{"200 to the log-on without a proof", NoMutualProof, "", func(_, n int, r *http.Response, b []byte) []byte {
			if n == 0 {
				return b
			}
			r.Header.Del("Www-Authenticate")
			return plain(r, 200)
		}},
		{"wrong proof", NoMutualProof, Altered, func(_, n int, r *http.Response, b []byte) []byte {
			if n == 1 {
				changeToken(r, func(b []byte) []byte {
					if b[0] != 'N' {
						b[len(b)-1] ^= 1
					}
					return b
				})
			}
			if n > 2 { // NTLM's proof is its first message
				b[len(b)-40] ^= 1
			}
			return b
		}},
		{"refused without a word", LogonRefused, "", func(_, n int, r *http.Response, b []byte) []byte {
			if n > 0 {
				r.StatusCode, r.Status = 401, ""
				r.Header.Set("Www-Authenticate", "Negotiate")
			}
			return b
		}},
		{"unsealed answer", NotSealed, "", func(_, n int, r *http.Response, b []byte) []byte {
			if r.Header.Get("Content-Type") != "" {
				return plain(r, 200)
			}
			return b
		}},
		{"unsealed fault", NotSealed, "", func(_, n int, r *http.Response, b []byte) []byte {
			if r.Header.Get("Content-Type") != "" {
				return plain(r, 500)
			}
			return b
		}},
		{"empty answer", NotSealed, "", func(_, n int, r *http.Response, b []byte) []byte {
			if r.Header.Get("Content-Type") != "" {
				r.Header.Del("Content-Type")
				return nil
			}
			return b
		}},
		{"altered", Altered, "", func(_, n int, r *http.Response, b []byte) []byte {
			if r.Header.Get("Content-Type") != "" {
				b[len(b)-40] ^= 0x20
			}
			return b
		}},
		{"length altered", Altered, "", func(_, n int, r *http.Response, b []byte) []byte {
			return regexp.MustCompile(`Length=\d+`).ReplaceAll(b, []byte("Length=7"))
		}},
		{"cut short", Malformed, "", func(_, n int, r *http.Response, b []byte) []byte {
			if r.Header.Get("Content-Type") != "" {
				return b[:len(b)/2]
			}
			return b
		}},
		{"replayed", OutOfOrder, "", func(_, n int, r *http.Response, b []byte) []byte {
			switch {
			case r.Header.Get("Content-Type") == "":
			case kept == nil:
				kept = bytes.Clone(b)
			default:
				return kept
			}
			return b
		}},
		{"proof of another log-on", NoMutualProof, "none", func(conn, n int, r *http.Response, b []byte) []byte {
			if n == 1 && keptToken == "" {
				keptToken = r.Header.Get("Www-Authenticate")
				r.Header.Set("Www-Authenticate", keptToken)
			} else if n <= 1 && conn > 0 && strings.Contains(r.Header.Get("Www-Authenticate"), " ") {
				r.Header.Set("Www-Authenticate", keptToken)
			}
			if len(b) > 0 {
				r.Close = true // so that there is another
			}
			return b
		}},
		{"redirected at first", Redirected, "", func(_, n int, r *http.Response, b []byte) []byte {
			r.StatusCode, r.Status = 302, ""
			r.Header.Set("Location", "http://evil.example/wsman")
			return b
		}},
		{"redirected after the log-on", NotSealed, "", func(_, n int, r *http.Response, b []byte) []byte {
			if r.Header.Get("Content-Type") != "" {
				r.StatusCode, r.Status = 307, ""
				r.Header.Set("Location", "http://evil.example/wsman")
				r.Header.Del("Content-Type")
			}
			return b
		}},
		{"token is no base64", Malformed, "", func(_, n int, r *http.Response, b []byte) []byte {
			if n > 0 && r.Header.Get("Www-Authenticate") != "" {
				r.Header.Set("Www-Authenticate", "Negotiate !!!!")
			}
			return b
		}},
		{"NTLM instead", NTLMNotAllowed, "none", func(_, n int, r *http.Response, b []byte) []byte {
			if n > 0 {
				r.StatusCode, r.Status = 401, ""
				r.Header.Set("Www-Authenticate", "Negotiate "+base64.StdEncoding.EncodeToString(append([]byte(ntlmSignature), make([]byte, 60)...)))
			}
			return b
		}},
		{"NTLM chosen in SPNEGO", NTLMNotAllowed, "none", func(_, n int, r *http.Response, b []byte) []byte {
			if n > 0 {
				r.StatusCode, r.Status = 401, ""
				token := append([]byte{0xa1, 21, 0x30, 19, 0xa0, 3, 10, 1, 1, 0xa1, 12, 6, 10}, oidNTLM...)
				r.Header.Set("Www-Authenticate", "Negotiate "+base64.StdEncoding.EncodeToString(token))
			}
			return b
		}},
	} {
		for _, method := range []Method{Kerberos, NTLM} {
			want := test.kind
			if method == NTLM && test.ntlm != "" {
				want = test.ntlm
			}
			if want == "none" {
				continue
			}
			t.Run(test.name+" "+string(method), func(t *testing.T) {
				kept, keptToken = nil, ""
				m := startMeddler(t, s.acceptor.Address, test.change)
				w := new(wire)
				a := s.account(t, func(c *AccountConfig) {
					c.Dial = w.dial("")
					if method == NTLM {
						c.Username = peers.AcceptorNTLMUser
					}
				})
				rt := s.transport(t, method, a, func(c *Config) { c.Dial = w.dial(m.address) })
				var err error
				for range 3 {
					if _, _, err = post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Receive", 500)); err != nil {
						break
					}
				}
				if KindOf(err) != want {
					t.Errorf("%v (%s), want %s", err, KindOf(err), want)
				}
				var e *Error
				if errors.As(err, &e) && e.Hint() == "" {
					t.Errorf("no hint: %v", err)
				}
				w.checkSecrets(t, peers.KDCPassword, err)
			})
		}
	}
}

// What a KDC refuses has its own kind, and is asked once.
func TestKDCRefuses(t *testing.T) {
	kdc := peers.StartKDC(t)
	kdc.Admin(t, "addprinc -pw "+peers.KDCPassword+" +requires_preauth -pwexpire yesterday expired", "addprinc -pw "+peers.KDCPassword+" +requires_preauth -allow_tix locked",
		"addprinc -pw "+peers.KDCPassword+" +requires_preauth -expire yesterday ended", "addprinc -pw "+peers.KDCPassword+" -requires_preauth trusting")
	s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc})}
	for _, test := range []struct {
		user, password, spn string
		kind                Kind
	}{
		{"alice", "wrong-Passw0rd", "", WrongPassword},
		{"trusting", "wrong-Passw0rd", "", WrongPassword},
		{"nobody", "some-Passw0rd", "", UnknownAccount},
		{"expired", peers.KDCPassword, "", PasswordExpired},
		{"locked", peers.KDCPassword, "", AccountLocked},
		{"ended", peers.KDCPassword, "", AccountLocked},
		{"alice", peers.KDCPassword, "HTTP/balanced.contoso.test", UnknownSPN},
		{"alice", peers.KDCPassword, "HTTP/192.0.2.7", UnknownSPN},
	} {
		for _, method := range []Method{Kerberos, Negotiate} {
			t.Run(test.user+" "+test.spn+" "+string(method), func(t *testing.T) {
				if method == Negotiate && test.kind == UnknownSPN {
					return // that is where NTLM is for
				}
				w := new(wire)
				a := s.account(t, func(c *AccountConfig) {
					c.Username, c.Password, c.Dial = test.user+"@contoso.test", NewSecret(test.password), w.dial("")
					c.Resolve = func(_ context.Context, host string) (string, []string, error) { return host + ".", nil, nil }
				})
				before := strings.Count(kdc.Log(t), "AS_REQ")
				var err error
				for range 3 {
					rt := s.transport(t, method, a, func(c *Config) { c.Dial, c.SPN = w.dial(s.acceptor.Address), test.spn })
					_, _, err = post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Create", 500))
				}
				var e *Error
				if !errors.As(err, &e) || e.Kind != test.kind || e.Hint() == "" && test.user != "ended" && test.user != "trusting" {
					t.Errorf("%v (%s), want %s", err, KindOf(err), test.kind)
				}
				// One for what the KDC wants, one with the proof; unknown users are asked for again.
				if asked := strings.Count(kdc.Log(t), "AS_REQ") - before; asked > 2 && test.kind != UnknownAccount {
					t.Errorf("the KDC was asked %d times", asked)
				}
				if auth := s.acceptor.Events("auth-failed"); len(auth) > 0 {
					t.Errorf("the server was tried: %s", auth[0].Raw)
				}
				w.checkSecrets(t, test.password, err)
			})
		}
	}
}

// However many sessions begin at once with a wrong password, the server sees one
// attempt.
func TestWrongPasswordIsTriedOnce(t *testing.T) {
	const password = "wrong-Passw0rd"
	acceptor := peers.StartAcceptor(t, peers.AcceptorOptions{})
	basicAttempts := 0
	var mu sync.Mutex
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if _, _, ok := r.BasicAuth(); ok {
			basicAttempts++
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(401)
	}))
	defer web.Close()
	s := stage{nil, acceptor}
	for _, method := range []Method{NTLM, Basic} {
		w := new(wire)
		a := s.account(t, func(c *AccountConfig) { c.Username, c.Password = peers.AcceptorNTLMUser, NewSecret(password) })
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				url, address := acceptor.URL+"/wsman", acceptor.Address
				if method == Basic {
					url, address = web.URL, ""
				}
				rt := s.transport(t, method, a, func(c *Config) { c.Dial = w.dial(address) })
				for range 2 {
					if _, _, err := post(t.Context(), rt, url, envelope("Create", 100)); KindOf(err) != LogonRefused {
						t.Errorf("%s: %v", method, err)
					}
				}
			})
		}
		wg.Wait()
		if method == NTLM {
			w.checkSecrets(t, password)
		}
	}
	if n := len(acceptor.Events("auth-failed")); n != 1 {
		t.Errorf("NTLM: %d attempts", n)
	}
	mu.Lock()
	defer mu.Unlock()
	if basicAttempts != 1 {
		t.Errorf("Basic: %d attempts", basicAttempts)
	}
}

// A server that offers other ways gets nothing.
func TestOffers(t *testing.T) {
	for _, test := range []struct {
		offer  []string
		method Method
		kind   Kind
	}{
		{[]string{`Basic realm="x"`}, Kerberos, NotOffered},
		{[]string{`Basic realm="x"`}, NTLM, NotOffered},
		{[]string{`Basic realm="x"`}, Negotiate, NotOffered},
		{[]string{`Digest realm="x, Negotiate", nonce="a"`}, Kerberos, NotOffered},
		{[]string{"NTLM"}, Kerberos, NTLMNotAllowed},
		{[]string{"NTLM", `Basic realm="x"`}, Kerberos, NTLMNotAllowed},
		{[]string{"Kerberos"}, NTLM, NotOffered},
		{[]string{"Negotiate"}, Basic, NotOffered},
		{nil, Kerberos, NotOffered},
	} {
		t.Run(fmt.Sprint(test.offer, test.method), func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Www-Authenticate"] = test.offer
				w.WriteHeader(401)
			}))
			defer web.Close()
			w := new(wire)
			const password = "secret-Passw0rd"
			a, err := NewAccount(AccountConfig{Username: `CONTOSO.TEST\alice`, Password: NewSecret(password), Getenv: noEnv, Dial: w.dial("")})
			if err != nil {
				t.Fatal(err)
			}
			rt, err := New(Config{Method: test.method, Account: a, Dial: w.dial("")})
			if err != nil {
				t.Fatal(err)
			}
			defer rt.CloseIdleConnections()
			_, _, err = post(t.Context(), rt, web.URL, envelope("Create", 100))
			if KindOf(err) != test.kind {
				t.Errorf("%v (%s), want %s", err, KindOf(err), test.kind)
			}
			if test.method != Basic {
				w.checkSecrets(t, password, err)
			}
		})
	}
}

// Nothing is even dialed where it would go in clear.
func TestWouldBeClear(t *testing.T) {
	dialed := func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialed")
		return nil, errors.New("dialed")
	}
	a, err := NewAccount(AccountConfig{Username: "alice@CONTOSO.TEST", Password: NewSecret("x"), Getenv: noEnv, Dial: dialed})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{Method: Basic}, {Method: Kerberos, Seal: SealNever}, {Method: NTLM, Seal: SealNever}} {
		c.Account, c.Dial = a, dialed
		rt, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{"http://ex01.contoso.test/PowerShell/", "http://localhost.contoso.test/", "http://127.0.0.1.evil.example/", "http://10.0.0.1:5985/wsman"} {
			if _, _, err := post(t.Context(), rt, url, envelope("Create", 100)); KindOf(err) != WouldBeClear {
				t.Errorf("%s %s: %v", c.Method, url, err)
			}
		}
	}
}

// A fakeKDC answers every request with a KRB-ERROR.
func fakeKDC(t *testing.T, answer func() messages.KRBError) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var length [4]byte
			io.ReadFull(c, length[:])
			io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(length[:])))
			e := answer()
			b, err := e.Marshal()
			if err != nil {
				t.Error(err)
			}
			c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
			c.Close()
		}
	}()
	return l.Addr().String()
}

// What an Active Directory says beyond the code of RFC 4120, and clocks that differ.
func TestKDCErrors(t *testing.T) {
	extended := func(status uint32) []byte {
		value := binary.LittleEndian.AppendUint32(nil, status)
		value = append(value, 0, 0, 0, 0, 1, 0, 0, 0)
		inner := append([]byte{0xa1, 3, 2, 1, 3, 0xa2, 14, 4, 12}, value...)
		return append([]byte{0x30, byte(len(inner))}, inner...)
	}
	for _, test := range []struct {
		code  int32
		eData []byte
		skew  time.Duration
		kind  Kind
		text  string
	}{
		{errorcode.KDC_ERR_CLIENT_REVOKED, extended(statusAccountLocked), 0, AccountLocked, "is locked"},
		{errorcode.KDC_ERR_CLIENT_REVOKED, extended(statusAccountDisabled), 0, AccountLocked, "is disabled"},
		{errorcode.KDC_ERR_CLIENT_REVOKED, extended(statusAccountExpired), 0, AccountLocked, "has expired"},
		{errorcode.KDC_ERR_CLIENT_REVOKED, extended(statusLogonHours), 0, AccountLocked, "at this hour"},
		{errorcode.KDC_ERR_CLIENT_REVOKED, []byte{0x30, 0x80, 0xff}, 0, AccountLocked, "locked or disabled"},
		{errorcode.KDC_ERR_KEY_EXPIRED, nil, 0, PasswordExpired, "password"},
		{errorcode.KRB_AP_ERR_SKEW, nil, -time.Hour, ClockSkew, "1h0m"},
		{errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, nil, 0, UnknownAccount, "does not know"},
		{errorcode.KDC_ERR_PREAUTH_FAILED, nil, 0, WrongPassword, "is wrong"},
		{errorcode.KDC_ERR_ETYPE_NOSUPP, nil, 0, KDCRefused, "ETYPE_NOSUPP"},
		{errorcode.KDC_ERR_PREAUTH_REQUIRED, nil, 0, Malformed, "prove"},
	} {
		address := fakeKDC(t, func() messages.KRBError {
			e := messages.NewKRBError(types.NewPrincipalName(2, "krbtgt/CONTOSO.TEST"), "CONTOSO.TEST", test.code, "")
			e.EData, e.STime = test.eData, e.STime.Add(test.skew)
			return e
		})
		a, err := NewAccount(AccountConfig{Username: "alice@CONTOSO.TEST", Password: NewSecret("secret-Passw0rd"), Getenv: noEnv, Dial: dialTo(address),
			LookupSRV: func(context.Context, string, string, string) (string, []*net.SRV, error) {
				return "", []*net.SRV{{Target: "dc1.contoso.test.", Port: 88}}, nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(t.Context())
		if KindOf(err) != test.kind || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%d: %v (%s), want %s", test.code, err, KindOf(err), test.kind)
		}
	}
}

// Without a KDC, and with one that never answers.
func TestNoKDC(t *testing.T) {
	none := func(context.Context, string, string, string) (string, []*net.SRV, error) {
		return "", nil, &net.DNSError{Err: "no such host", Name: "_kerberos._tcp.CONTOSO.TEST", IsNotFound: true}
	}
	account := func(lookup LookupSRVFunc, dial DialFunc) *Account {
		a, err := NewAccount(AccountConfig{Username: "alice@CONTOSO.TEST", Password: NewSecret("x"), Getenv: noEnv, LookupSRV: lookup, Dial: dial, Krb5Config: emptyConf(t)})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if _, err := account(none, nil).Login(t.Context()); KindOf(err) != NoKDC || !strings.Contains(err.(*Error).Hint(), "_kerberos._tcp.contoso.test") {
		t.Errorf("%v", err)
	}
	one := func(context.Context, string, string, string) (string, []*net.SRV, error) {
		return "", []*net.SRV{{Target: "127.0.0.1.", Port: 1}}, nil
	}
	if _, err := account(one, nil).Login(t.Context()); KindOf(err) != NoKDC || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("%v", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := account(one, dialTo(silent.Addr().String())).Login(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	// A KDC that announces too much is not believed.
	loud, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer loud.Close()
	go func() {
		c, err := loud.Accept()
		if err == nil {
			c.Write([]byte{0xff, 0xff, 0xff, 0xff})
			defer c.Close()
			io.Copy(io.Discard, c)
		}
	}()
	if _, err := account(one, dialTo(loud.Addr().String())).Login(t.Context()); KindOf(err) != NoKDC || !strings.Contains(err.Error(), "4294967295") {
		t.Errorf("%v", err)
	}
}
