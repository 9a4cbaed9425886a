package negotiate

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"encoding/binary"
)

// krb5RC4 are the tokens of RC4-HMAC (RFC 4757 7), which have the form of RFC 1964
// 1.2: frame, mechanism, header, encrypted sequence number, checksum, and encrypted
// confounder, message and padding of one byte.
type krb5RC4 struct {
	key          []byte
	out, in      uint32
	mine, theirs byte // the direction, four times behind the sequence number
}

var (
	rc4SealHeader = []byte{2, 1, 0x11, 0, 0x10, 0, 0xff, 0xff}
	rc4SignHeader = []byte{1, 1, 0x11, 0, 0xff, 0xff, 0xff, 0xff}
	rc4Frame      = append([]byte{6, byte(len(oidKRB5))}, oidKRB5...)
)

const (
	rc4Confounder = 8
	rc4Inner      = 8 + 8 + 8 // header, sequence number, checksum
	rc4SealUsage  = 13        // RFC 4757 3: wrap
	rc4SignUsage  = 15        // MIC
)

func hmacMD5(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// rc4With encrypts or decrypts in place.
func rc4With(key, b []byte) {
	c, _ := rc4.NewCipher(key) // fails only for a key that has not 1 to 256 bytes
	c.XORKeyStream(b, b)
}

func (k *krb5RC4) checksum(usage uint32, parts ...[]byte) []byte {
	digest := md5.New()
	digest.Write(binary.LittleEndian.AppendUint32(nil, usage))
	for _, p := range parts {
		digest.Write(p)
	}
	return hmacMD5(hmacMD5(k.key, []byte("signaturekey\x00")), digest.Sum(nil))[:8]
}

// sequenceKey encrypts the sequence number of a token with this checksum.
func (k *krb5RC4) sequenceKey(checksum []byte) []byte {
	return hmacMD5(hmacMD5(k.key, make([]byte, 4)), checksum)
}

// sealKey encrypts the message of a token with this sequence number.
func (k *krb5RC4) sealKey(sequence []byte) []byte {
	local := bytes.Clone(k.key)
	for i := range local {
		local[i] ^= 0xf0
	}
	return hmacMD5(hmacMD5(local, make([]byte, 4)), sequence)
}

// derLength writes the length of a DER element.
func derLength(n int) []byte {
	if n < 0x80 {
		return []byte{byte(n)}
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(n))
	for b[0] == 0 {
		b = b[1:]
	}
	return append([]byte{0x80 | byte(len(b))}, b...)
}

func (k *krb5RC4) layout(n int) (header, padding, tail int) {
	inner := len(rc4Frame) + rc4Inner + rc4Confounder
	return 1 + len(derLength(inner+n+1)) + inner, 1, 1
}

func (k *krb5RC4) seal(b []byte, n int) error {
	start, padding, _ := k.layout(n)
	text := b[start-rc4Confounder : start+n+padding]
	rand.Read(text[:rc4Confounder]) // never fails
	text[len(text)-1] = 1           // RFC 1964 1.2.2.3: padding to a block of one byte
	sequence := binary.BigEndian.AppendUint32(nil, k.out)
	k.out++
	sum := k.checksum(rc4SealUsage, rc4SealHeader, text)
	rc4With(k.sealKey(sequence), text)
	sequence = append(sequence, k.mine, k.mine, k.mine, k.mine)
	rc4With(k.sequenceKey(sum), sequence)
	head := append([]byte{0x60}, derLength(len(rc4Frame)+rc4Inner+len(text))...)
	for _, part := range [][]byte{rc4Frame, rc4SealHeader, sequence, sum} {
		head = append(head, part...)
	}
	copy(b, head)
	return nil
}

// inner returns what follows the mechanism in a token. The length in the frame is
// not looked at: Windows leaves that of the message out.
func (k *krb5RC4) inner(token, header []byte) ([]byte, error) {
	i := bytes.Index(token[:min(len(token), 2+4+len(rc4Frame))], rc4Frame)
	if i < 2 || token[0] != 0x60 {
		return nil, malformed("a sealed message that is no token")
	}
	inner := token[i+len(rc4Frame):]
	if len(inner) < rc4Inner || !bytes.Equal(inner[:8], header) {
		return nil, malformed("a sealed message that is no token")
	}
	return inner, nil
}

// order opens the sequence number of a token and checks it.
func (k *krb5RC4) order(inner []byte) (sequence []byte, err error) {
	sequence = bytes.Clone(inner[8:16])
	rc4With(k.sequenceKey(inner[16:24]), sequence)
	if !bytes.Equal(sequence[4:], []byte{k.theirs, k.theirs, k.theirs, k.theirs}) {
		return nil, altered("a sealed message is not the server's, or was changed in transit")
	}
	return sequence[:4], nil
}

func (k *krb5RC4) open(token []byte, _ int) ([]byte, error) {
	inner, err := k.inner(token, rc4SealHeader)
	if err != nil || len(inner) < rc4Inner+rc4Confounder+1 {
		return nil, malformed("a sealed message that is no token")
	}
	sequence, err := k.order(inner)
	if err != nil {
		return nil, err
	}
	text := inner[rc4Inner:]
	rc4With(k.sealKey(sequence), text)
	if !hmac.Equal(k.checksum(rc4SealUsage, rc4SealHeader, text), inner[16:24]) {
		return nil, altered("a sealed message was changed in transit")
	}
	if err := checkOrder(uint64(binary.BigEndian.Uint32(sequence)), uint64(k.in)); err != nil {
		return nil, err
	}
	k.in++
	padding := int(text[len(text)-1])
	if padding < 1 || padding > 8 || padding > len(text)-rc4Confounder {
		return nil, malformed("a sealed message with %d bytes of padding", padding)
	}
	return text[rc4Confounder : len(text)-padding], nil
}

func (k *krb5RC4) sign(message []byte) []byte {
	sequence := append(binary.BigEndian.AppendUint32(nil, k.out), k.mine, k.mine, k.mine, k.mine)
	k.out++
	sum := k.checksum(rc4SignUsage, rc4SignHeader, message)
	rc4With(k.sequenceKey(sum), sequence)
	return frameToken(oidKRB5, bytes.Join([][]byte{rc4SignHeader, sequence, sum}, nil))
}

func (k *krb5RC4) verify(message, token []byte) error {
	inner, err := k.inner(token, rc4SignHeader)
	if err != nil || len(inner) != rc4Inner {
		return malformed("a checksum that is no token")
	}
	sequence, err := k.order(inner)
	if err != nil {
		return err
	}
	if !hmac.Equal(k.checksum(rc4SignUsage, rc4SignHeader, message), inner[16:24]) {
		return altered("the checksum of the negotiation is wrong")
	}
	if err := checkOrder(uint64(binary.BigEndian.Uint32(sequence)), uint64(k.in)); err != nil {
		return err
	}
	k.in++
	return nil
}
