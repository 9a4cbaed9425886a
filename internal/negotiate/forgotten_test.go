package negotiate

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// postRepeatable is post for a request that may reach the server twice.
func postRepeatable(t *testing.T, rt http.RoundTripper, url string, repeatable bool) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("<s:Envelope/>"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", soapMedia)
	if repeatable {
		r.Header[repeatableMark] = nil
	}
	response, err := rt.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	discard(response)
	return response.StatusCode, nil
}

// A server that forgets a log-on says so by a 401 or a 400 in clear. What can be
// told from a repetition is sent again under a new log-on, once; the rest is not.
func TestForgottenLogOn(t *testing.T) {
	kdc := peers.StartKDC(t)
	for _, method := range []Method{Kerberos, NTLM} {
		for _, status := range []int{http.StatusUnauthorized, http.StatusBadRequest} {
			s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, Args: []string{"--require-encryption", "--offer", "Negotiate"}})}
			var forget, conns atomic.Int32
			m := startMeddler(t, s.acceptor.Address, func(conn, _ int, r *http.Response, b []byte) []byte {
				conns.Store(int32(conn) + 1)
				if r.Header.Get("Content-Type") != "" && forget.Add(-1) >= 0 {
					r.StatusCode, r.Status = status, ""
					r.Header = http.Header{}
					return nil
				}
				return b
			})
			a := s.account(t, func(c *AccountConfig) {
				if method == NTLM {
					c.Username = peers.AcceptorNTLMUser
				}
			})
			rt := s.transport(t, method, a, func(c *Config) { c.Dial = dialTo(m.address) })
			for i, step := range []struct {
				forget     int32 // so many answers
				repeatable bool
				want       Kind
			}{{0, false, ""}, {1, true, ""}, {1, false, NotSealed}, {1, true, NotSealed}, {0, true, ""}, {2, true, NotSealed}} {
				forget.Store(step.forget)
				got, err := postRepeatable(t, rt, s.acceptor.URL+"/wsman", step.repeatable)
				if KindOf(err) != step.want || err == nil && got != 200 {
					t.Errorf("%s, %d, step %d: %d, %v", method, status, i, got, err)
				}
			}
			// The fourth went over a connection that was new, so that there was nothing to
			// forget; that of the last is given up for another, which is no better.
			if n := conns.Load(); n != 5 {
				t.Errorf("%s, %d: %d connections", method, status, n)
			}
		}
	}
}

// Without a context: a server that answers on a connection that is used by what
// means that it knows nothing of a log-on, or that closes it without a word.
func TestForgottenByBasic(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"401":   func(w http.ResponseWriter) { w.Header().Set("WWW-Authenticate", "Basic"); w.WriteHeader(401) },
		"400":   func(w http.ResponseWriter) { w.WriteHeader(400) },
		"close": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		var n atomic.Int32
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 2 {
				answer(w)
				return
			}
			w.Header().Set("Content-Type", soapMedia)
		}))
		a, err := NewAccount(AccountConfig{Username: `CONTOSO\alice`, Password: NewSecret("x"), Getenv: noEnv})
		if err != nil {
			t.Fatal(err)
		}
		for _, repeatable := range []bool{true, false} {
			rt, err := New(Config{Method: Basic, Account: a})
			if err != nil {
				t.Fatal(err)
			}
			n.Store(0)
			var got []int
			var errs int
			for range 3 {
				status, err := postRepeatable(t, rt, web.URL, repeatable)
				got = append(got, status)
				if err != nil {
					errs++
				}
			}
			if repeatable && (errs > 0 || got[1] != 200 || n.Load() != 4) || !repeatable && (got[1] == 200 || n.Load() != 3) || got[2] != 200 {
				t.Errorf("%s, repeatable %t: %v, %d errors, %d requests", name, repeatable, got, errs, n.Load())
			}
			if name == "close" && !repeatable && !rt.single.Load() {
				t.Error("the server closes, and connections are used again")
			}
			rt.CloseIdleConnections()
		}
		web.Close()
	}
}

// A 401 that ends its connection before anybody logged on is no end of a log-on.
func TestClosedBeforeTheLogOn(t *testing.T) {
	challenge := append([]byte(ntlmSignature), 2, 0, 0, 0, 8, 0, 8, 0, 56, 0, 0, 0, 0x35, 0x82, 0x8a, 0xe2)
	challenge = append(challenge, "12345678"...)
	challenge = append(challenge, make([]byte, 8)...)
	challenge = append(challenge, 28, 0, 28, 0, 64, 0, 0, 0, 10, 0, 0x63, 0x45, 0, 0, 0, 15)
	challenge = append(challenge, utf16le("EVIL")...)
	challenge = append(challenge, 2, 0, 8, 0)
	challenge = append(challenge, utf16le("EVIL")...)
	challenge = append(challenge, 1, 0, 8, 0)
	challenge = append(challenge, utf16le("EVIL")...)
	challenge = append(challenge, 0, 0, 0, 0)
	for _, silent := range []bool{false, true} {
		logons := 0
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			message, _ := base64.StdEncoding.DecodeString(token)
			switch {
			case len(message) == 0 && silent:
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_, _ = conn.Write([]byte("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"))
					conn.Close()
				}
			case len(message) == 0:
				w.Header().Set("Connection", "close")
				w.Header().Set("WWW-Authenticate", "NTLM")
				w.WriteHeader(401)
			case message[8] == 1:
				w.Header().Set("WWW-Authenticate", "NTLM "+base64.StdEncoding.EncodeToString(challenge))
				w.WriteHeader(401)
			default:
				logons++
				w.Header().Set("Content-Type", soapMedia)
			}
		}))
		a, err := NewAccount(AccountConfig{Username: `CONTOSO\alice`, Password: NewSecret("secret-Passw0rd"), Getenv: noEnv})
		if err != nil {
			t.Fatal(err)
		}
		rt, err := New(Config{Method: NTLM, Account: a, Seal: SealNever})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := postRepeatable(t, rt, web.URL, false); err != nil || status != 200 || logons != 1 {
			t.Errorf("silent %t: %d, %v after %d log-ons", silent, status, err, logons)
		}
		rt.CloseIdleConnections()
		web.Close()
	}
}
