package negotiate

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/types"
)

// The outer form of a sealed message: what is read lies within what was given, and
// what we write is read back.
func FuzzSealedMultipart(f *testing.F) {
	f.Add([]byte("--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=3\r\n--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n\x02\x00\x00\x00abxyz--Encrypted Boundary--\r\n"), "Encrypted Boundary")
	f.Add([]byte("-- Encrypted Boundary\r\n\tContent-Type: x\r\n\tOriginalContent: type=a;Length=0\r\n-- Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n\x00\x00\x00\x00-- Encrypted Boundary--\r\n"), "Encrypted Boundary")
	f.Fuzz(func(t *testing.T, b []byte, boundary string) {
		s, err := parseSealed(boundary, bytes.Clone(b))
		if err != nil {
			if KindOf(err) != Malformed {
				t.Errorf("%v", err)
			}
			return
		}
		if s.header < 0 || s.header > len(s.token) || s.length < 0 || !bytes.Contains(b, s.token) {
			t.Errorf("%+v", s)
		}
	})
}

// Sealed messages of a server that does not have the key.
func FuzzWrapToken(f *testing.F) {
	client, server := protectionPairs(f)["AES aes256-cts-hmac-sha1-96"]()
	token, header := sealToken(f, server, []byte("<s:Envelope/>"))
	if _, err := client.open(bytes.Clone(token), header); err != nil {
		f.Fatal(err)
	}
	f.Add(token, header)
	f.Add([]byte{5, 4, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, 16)
	_, server = protectionPairs(f)["RC4"]()
	token, header = sealToken(f, server, []byte("<s:Envelope/>"))
	f.Add(token, header)
	_, server = protectionPairs(f)["NTLM"]()
	token, header = sealToken(f, server, []byte("<s:Envelope/>"))
	f.Add(token, header)
	f.Fuzz(func(t *testing.T, token []byte, header int) {
		if header < 0 || header > len(token) {
			return // parseSealed lets none through
		}
		// Keys that no seed was made with: nothing may be opened.
		sides := map[string]protectionOpener{"NTLM": newNTLMProtection(bytes.Repeat([]byte{1}, 16), true)}
		for enctype, size := range keySizes {
			p, err := newKrb5Protection(types.EncryptionKey{KeyType: enctype, KeyValue: bytes.Repeat([]byte{1}, size)}, true, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			sides[enctypeName(enctype)] = p
			if p.verify([]byte("list"), bytes.Clone(token)) == nil {
				t.Errorf("%s: a checksum without the key", enctypeName(enctype))
			}
		}
		for name, side := range sides {
			if got, err := side.open(bytes.Clone(token), header); err == nil || KindOf(err) == "" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	})
}

type protectionOpener interface {
	open([]byte, int) ([]byte, error)
}

// The server's tokens during the log-on.
func FuzzSPNEGO(f *testing.F) {
	f.Add([]byte{0xa1, 7, 0x30, 5, 0xa0, 3, 10, 1, 0})
	f.Add(append([]byte{0xa1, 21, 0x30, 19, 0xa0, 3, 10, 1, 1, 0xa1, 12, 6, 10}, oidNTLM...))
	f.Add(negTokenRespReject(frameToken(oidKRB5, []byte{3, 0, 0x7e, 0x80})))
	f.Add(negTokenRespReject(frameToken(oidKRB5, []byte{2, 0, 0x6f, 0x80})))
	f.Add([]byte(ntlmSignature))
	f.Fuzz(func(t *testing.T, token []byte) {
		if r, err := parseNegTokenResp(token); err == nil && (r.state < stateNone || r.state > stateRequestMIC) {
			t.Errorf("%+v", r)
		}
		k := &krb5Context{spn: "HTTP/x", ticket: &ticket{key: types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 32)}}}
		s := &spnegoContext{krb5Context: k, begun: true}
		if out, err := s.step(context.Background(), token); err == nil || out != nil || s.established() {
			t.Errorf("%x, %v: logged on by a token from nobody", out, err)
		}
		if _, err := k.step(context.Background(), token); err == nil || KindOf(err) == "" {
			t.Errorf("%v", err)
		}
	})
}

// The NTLM challenge, which comes from whoever answers.
func FuzzNTLMChallenge(f *testing.F) {
	valid := append([]byte(ntlmSignature), 2, 0, 0, 0, 0, 0, 0, 0, 56, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
	valid = append(valid, make([]byte, 16)...)
	valid = append(valid, 8, 0, 8, 0, 48, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	f.Add(valid)
	f.Fuzz(func(t *testing.T, token []byte) {
		n := &ntlmContext{user: "alice", domain: "CONTOSO", password: NewSecret("secret-Passw0rd"), spn: "HTTP/x", now: fixedTime, rand: func([]byte) {}, negotiate: []byte("first")}
		out, err := n.step(context.Background(), token)
		if (err == nil) != n.established() {
			t.Errorf("%v", err)
		}
		if err == nil && (len(out) < ntlmMICOffset+16 || bytes.Contains(out, utf16le("secret-Passw0rd"))) {
			t.Errorf("%x", out)
		}
	})
}

// WWW-Authenticate: schemes are short names, and tokens are what follows them.
func FuzzChallenges(f *testing.F) {
	for _, seed := range []string{"Negotiate", "Negotiate YIIB+/==, NTLM", `Basic realm="a, b\"c", Negotiate`, `Digest realm = "x",qop="auth", nonce=a==`, ",,=", "Kerberos abc=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		header := http.Header{"Www-Authenticate": {line}}
		for _, c := range parseChallenges(header) {
			if c.scheme == "" || !isToken(c.scheme) || !strings.Contains(line, c.scheme) || !strings.Contains(line, c.token) {
				t.Errorf("%q: %+v", line, c)
			}
			if _, err := serverToken(header, c.scheme); err != nil && KindOf(err) != Malformed {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestChallenges(t *testing.T) {
	for line, want := range map[string]string{
		"Negotiate":                            "Negotiate:",
		"Negotiate, NTLM":                      "Negotiate: NTLM:",
		`Basic realm="a, Negotiate", Kerberos`: "Basic: Kerberos:",
		`Digest realm="x", nonce="a", NTLM`:    "Digest: NTLM:",
		"Negotiate YWJj":                       "Negotiate:YWJj",
		"Negotiate YWI=":                       "Negotiate:YWI=",
		"negotiate YQ==, Basic realm=x":        "negotiate:YQ== Basic:",
		`Basic realm = "x"`:                    "Basic:",
		"":                                     "",
		"=, ,\"":                               "",
	} {
		var got []string
		for _, c := range parseChallenges(http.Header{"Www-Authenticate": {line}}) {
			got = append(got, c.scheme+":"+c.token)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	header := http.Header{"Www-Authenticate": {"NTLM", "Negotiate " + base64.StdEncoding.EncodeToString([]byte("token"))}}
	if token, err := serverToken(header, "negotiate"); err != nil || string(token) != "token" {
		t.Errorf("%q, %v", token, err)
	}
}
