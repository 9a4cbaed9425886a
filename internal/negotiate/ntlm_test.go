package negotiate

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The values of MS-NLMP 4.2.4: user "User" of "Domain", password "Password".
func TestNTLMVectors(t *testing.T) {
	n := &ntlmContext{user: "User", domain: "Domain", password: NewSecret("Password")}
	key := n.responseKey()
	if want := unhex(t, "0c868a403bfd7a93a3001ef22ef02e3f"); !bytes.Equal(key, want) {
		t.Errorf("NTOWFv2 %x, want %x", key, want)
	}
	serverNonce, clientNonce := unhex(t, "0123456789abcdef"), bytes.Repeat([]byte{0xaa}, 8)
	info := unhex(t, "02000c0044006f006d00610069006e0001000c005300650072007600650072000000 0000")
	temp := append([]byte{1, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 8)...)
	temp = append(append(append(temp, clientNonce...), 0, 0, 0, 0), info...)
	temp = append(temp, 0, 0, 0, 0)
	proof := hmacMD5(key, serverNonce, temp)
	if want := unhex(t, "68cd0ab851e51c96aabc927bebef6a1c"); !bytes.Equal(proof, want) {
		t.Errorf("NTProofStr %x, want %x", proof, want)
	}
	if base, want := hmacMD5(key, proof), unhex(t, "8de40ccadbc14a82f15cb0ad0de95ca3"); !bytes.Equal(base, want) {
		t.Errorf("SessionBaseKey %x, want %x", base, want)
	}
	// 4.2.4.4: sealing "Plaintext" with the random session key 55 55 …
	p := newNTLMProtection(bytes.Repeat([]byte{0x55}, 16), true)
	token, header := sealToken(t, p, utf16le("Plaintext"))
	if want := unhex(t, "01000000 7fb38ec5c55d4976 00000000"); !bytes.Equal(token[:header], want) {
		t.Errorf("signature %x, want %x", token[:header], want)
	}
	if want := unhex(t, "54e50165bf1936dc996020c1811b0f06fb5f"); !bytes.Equal(token[header:], want) {
		t.Errorf("data %x, want %x", token[header:], want)
	}
}

// A challenge that leaves protection out is refused: nothing made of the password
// is sent.
func TestNTLMDowngrade(t *testing.T) {
	for bit := range 32 {
		flag := uint32(1) << bit
		if ntlmRequired&flag == 0 {
			continue
		}
		challenge := append([]byte(ntlmSignature), 2, 0, 0, 0, 0, 0, 0, 0, 56, 0, 0, 0)
		challenge = binary.LittleEndian.AppendUint32(challenge, ^flag)
		challenge = append(challenge, make([]byte, 16)...)
		challenge = append(challenge, 4, 0, 4, 0, 48, 0, 0, 0, 0, 0, 0, 0)
		n := &ntlmContext{user: "alice", password: NewSecret("x"), negotiate: []byte("first"), now: fixedTime, rand: func([]byte) {}}
		if out, err := n.step(t.Context(), challenge); KindOf(err) != NotOffered || out != nil || n.established() {
			t.Errorf("without flag %#x: %x, %v", flag, out, err)
		}
	}
}

// What we say to the server of itself, of the channel, and of the message.
func TestNTLMTargetInfo(t *testing.T) {
	n := &ntlmContext{user: "alice", spn: "HTTP/ex01.contoso.test", binding: []byte("tls-server-end-point:x"), now: fixedTime}
	info, stamp := n.targetInfo(ntlmChallenge{target: []avPair{{1, utf16le("EX01")}, {avTargetName, utf16le("HTTP/evil")}, {avChannelBindings, make([]byte, 16)}, {avFlags, []byte{1, 0, 0, 0}}}})
	pairs, err := parseAVPairs(info)
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint16][]byte{}
	for _, p := range pairs {
		got[p.id] = p.value
	}
	hash := bindingHash(n.binding)
	if !bytes.Equal(got[avTargetName], utf16le(n.spn)) || !bytes.Equal(got[avChannelBindings], hash[:]) || got[avFlags][0] != 3 || len(pairs) != 4 {
		t.Errorf("%v", pairs)
	}
	if binary.LittleEndian.Uint64(stamp) != fileTime(fixedTime()) {
		t.Errorf("%x", stamp)
	}
}
