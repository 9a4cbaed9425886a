package negotiate

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
)

// ntlmProtection are the sealed messages of NTLM with extended session security,
// 128-bit keys and key exchange (MS-NLMP 3.4). One cipher runs through all messages
// of a direction.
type ntlmProtection struct {
	out, in ntlmHalf
}

type ntlmHalf struct {
	cipher *rc4.Cipher
	sign   []byte
	next   uint32
}

// newNTLMProtection returns that of the client, or of the server.
func newNTLMProtection(sessionKey []byte, client bool) *ntlmProtection {
	toServer := newNTLMHalf(sessionKey, "client-to-server")
	toClient := newNTLMHalf(sessionKey, "server-to-client")
	if client {
		return &ntlmProtection{toServer, toClient}
	}
	return &ntlmProtection{toClient, toServer}
}

// newNTLMHalf derives the keys of a direction (MS-NLMP 3.4.5.2, 3.4.5.3).
func newNTLMHalf(sessionKey []byte, direction string) ntlmHalf {
	derive := func(what string) []byte {
		sum := md5.Sum(append(sessionKey[:16:16], "session key to "+direction+" "+what+" key magic constant\x00"...))
		return sum[:]
	}
	cipher, _ := rc4.NewCipher(derive("sealing")) // fails only for a key that has not 1 to 256 bytes
	return ntlmHalf{cipher: cipher, sign: derive("signing")}
}

const ntlmSignatureSize = 16

func (*ntlmProtection) layout(int) (header, padding, tail int) { return ntlmSignatureSize, 0, 0 }

// signature makes the signature over a message in clear (MS-NLMP 2.2.2.9.2,
// 3.4.4.2), of which the cipher has already gone over the message.
func (h *ntlmHalf) signature(sum []byte) [ntlmSignatureSize]byte {
	var s [ntlmSignatureSize]byte
	s[0] = 1
	h.cipher.XORKeyStream(s[4:12], sum[:8])
	binary.LittleEndian.PutUint32(s[12:], h.next)
	return s
}

func (h *ntlmHalf) sum(message []byte) []byte {
	return hmacMD5(h.sign, binary.LittleEndian.AppendUint32(nil, h.next), message)
}

func (p *ntlmProtection) seal(b []byte, n int) error {
	message := b[ntlmSignatureSize : ntlmSignatureSize+n]
	sum := p.out.sum(message)
	p.out.cipher.XORKeyStream(message, message)
	s := p.out.signature(sum)
	copy(b, s[:])
	p.out.next++
	return nil
}

func (p *ntlmProtection) open(token []byte, header int) ([]byte, error) {
	if header != ntlmSignatureSize || len(token) < header || binary.LittleEndian.Uint32(token) != 1 {
		return nil, malformed("a sealed message without its signature")
	}
	if err := checkOrder(uint64(binary.LittleEndian.Uint32(token[12:])), uint64(p.in.next)); err != nil {
		return nil, err
	}
	message := token[header:]
	p.in.cipher.XORKeyStream(message, message)
	s := p.in.signature(p.in.sum(message))
	if !hmac.Equal(s[:], token[:header]) {
		return nil, altered("a sealed message was changed in transit, or the server does not know the password")
	}
	p.in.next++
	return message, nil
}
