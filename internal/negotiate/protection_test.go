package negotiate

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/types"
)

// Both sides of every protection: what one seals the other opens, changed by a bit
// nowhere, a second time never, and not with one missing before it.
func TestProtections(t *testing.T) {
	for name, pair := range protectionPairs(t) {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 1000, 500 << 10} {
				client, server := pair()
				message := make([]byte, n)
				rand.Read(message)
				for range 3 {
					token, header := sealToken(t, client, message)
					if got, err := server.open(token, header); err != nil || !bytes.Equal(got, message) {
						t.Fatalf("%d bytes: %v", n, err)
					}
				}
			}
			message := []byte("<s:Envelope>a message that is to arrive as it was sent</s:Envelope>")
			for bit := 0; ; bit++ {
				client, server := pair()
				token, header := sealToken(t, client, message)
				if bit == 8*len(token) {
					break
				}
				token[bit/8] ^= 1 << (bit % 8)
				got, err := server.open(token, header)
				if err == nil && !(strings.HasPrefix(name, "RC4") && bit < 8*2+8*2) { // the frame's length is not looked at
					t.Errorf("bit %d of %d: opened as %q", bit, 8*len(token), got)
				}
			}
			client, server := pair()
			_, header := sealToken(t, client, message)
			second, _ := sealToken(t, client, message)
			if _, err := server.open(bytes.Clone(second), header); KindOf(err) != OutOfOrder {
				t.Errorf("one missing: %v", err)
			}
			client, server = pair()
			first, header := sealToken(t, client, message)
			if _, err := server.open(bytes.Clone(first), header); err != nil {
				t.Error(err)
			}
			if _, err := server.open(bytes.Clone(first), header); KindOf(err) != OutOfOrder {
				t.Errorf("a second time: %v", err)
			}
			for n := range first {
				_, server := pair()
				if _, err := server.open(bytes.Clone(first[:n]), min(n, header)); err == nil {
					t.Errorf("%d of %d bytes were opened", n, len(first))
				}
			}
		})
	}
}

func sealToken(t testing.TB, m interface {
	layout(int) (int, int, int)
	seal([]byte, int) error
}, message []byte) (token []byte, header int) {
	t.Helper()
	header, padding, tail := m.layout(len(message))
	b := make([]byte, header+len(message)+max(padding, tail))
	copy(b[header:], message)
	if err := m.seal(b, len(message)); err != nil {
		t.Fatal(err)
	}
	return b[:header+len(message)+padding], header
}

type sealer interface {
	layout(int) (int, int, int)
	seal([]byte, int) error
	open([]byte, int) ([]byte, error)
}

// protectionPairs returns makers of a client's and a server's side.
func protectionPairs(t testing.TB) map[string]func() (client, server sealer) {
	pairs := map[string]func() (sealer, sealer){
		"NTLM": func() (sealer, sealer) {
			key := bytes.Repeat([]byte{7}, 16)
			return newNTLMProtection(key, true), newNTLMProtection(key, false)
		},
	}
	for enctype, size := range keySizes {
		key := types.EncryptionKey{KeyType: enctype, KeyValue: bytes.Repeat([]byte{9}, size)}
		name := "AES " + enctypeName(enctype)
		if enctype == 23 {
			name = "RC4"
		}
		pairs[name] = func() (sealer, sealer) {
			client, err := newKrb5Protection(key, true, 100, 200)
			if err != nil {
				t.Fatal(err)
			}
			server, err := newKrb5Protection(key, true, 200, 100)
			if err != nil {
				t.Fatal(err)
			}
			return client, asAcceptor(t, server)
		}
	}
	return pairs
}

// asAcceptor turns the protection of an initiator into that of the other side.
func asAcceptor(t testing.TB, p protection) protection {
	t.Helper()
	switch p := p.(type) {
	case *krb5AES:
		p.sealing, p.opening = p.opening, p.sealing
		p.signKey, p.verifyKey = p.verifyKey, p.signKey
		p.mine, p.theirs = p.theirs, p.mine
	case *krb5RC4:
		p.mine, p.theirs = p.theirs, p.mine
	default:
		t.Fatalf("%T", p)
	}
	return p
}
