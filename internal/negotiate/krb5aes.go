package negotiate

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/common"
	"github.com/jcmturner/gokrb5/v8/types"
)

// The key usages of RFC 4121 2.
const (
	usageAcceptorSeal  = 22
	usageAcceptorSign  = 23
	usageInitiatorSeal = 24
	usageInitiatorSign = 25
)

// The flags of a token (RFC 4121 4.2.2).
const (
	sentByAcceptor = 1
	isSealed       = 2
	acceptorSubkey = 4
)

// newKrb5Protection returns the message functions for a key: that of the server's
// AP-REP (theirs), else our own. out and in are the first sequence numbers.
func newKrb5Protection(key types.EncryptionKey, theirs bool, out, in uint64) (protection, error) {
	if key.KeyType == 23 {
		return &krb5RC4{key: key.KeyValue, out: uint32(out), in: uint32(in), theirs: 0xff}, nil
	}
	k := &krb5AES{out: out, in: in, theirs: sentByAcceptor}
	if theirs {
		k.mine, k.theirs = acceptorSubkey, sentByAcceptor|acceptorSubkey
	}
	for usage, half := range map[uint32]*aesHalf{usageInitiatorSeal: &k.sealing, usageAcceptorSeal: &k.opening} {
		if err := half.derive(key, usage); err != nil {
			return nil, err
		}
	}
	var err error
	if k.signKey, err = deriveKey(key, common.GetUsageKc(usageInitiatorSign)); err != nil {
		return nil, err
	}
	k.verifyKey, err = deriveKey(key, common.GetUsageKc(usageAcceptorSign))
	return k, err
}

func deriveKey(key types.EncryptionKey, usage []byte) ([]byte, error) {
	etype, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return nil, err
	}
	return etype.DeriveKey(key.KeyValue, usage)
}

// krb5AES are the tokens of RFC 4121 with AES of RFC 3962 or RFC 8009. Keys are
// derived once; messages are worked on where they are.
//
// A sealed token is a header of 16 bytes and, encrypted, the message and a copy of
// the header; the encryption puts a confounder of one block in front and a checksum
// behind. Rotated right by the length of header copy and checksum, all that is not
// the message stands before it: that is the signature of MS-WSMV.
type krb5AES struct {
	sealing, opening   aesHalf
	signKey, verifyKey []byte
	out, in            uint64
	mine, theirs       byte // the flags of tokens
}

// An aesHalf is one direction.
type aesHalf struct {
	block    cipher.Block
	checksum hash.Hash
	size     int  // of a checksum
	ofCipher bool // the checksum is over the ciphertext (RFC 8009), not the plain text
	newHash  func() hash.Hash
}

const tokenHeader, blockSize = 16, aes.BlockSize

func (h *aesHalf) derive(key types.EncryptionKey, usage uint32) error {
	switch key.KeyType {
	case 17, 18:
		h.newHash, h.size = sha1.New, 12
	case 19:
		h.newHash, h.size, h.ofCipher = sha256.New, 16, true
	case 20:
		h.newHash, h.size, h.ofCipher = sha512.New384, 24, true
	default:
		return fmt.Errorf("no sealing with %s", enctypeName(key.KeyType))
	}
	ke, err := deriveKey(key, common.GetUsageKe(usage))
	if err != nil {
		return err
	}
	ki, err := deriveKey(key, common.GetUsageKi(usage))
	if err != nil {
		return err
	}
	h.checksum = hmac.New(h.newHash, ki)
	h.block, err = aes.NewCipher(ke)
	return err
}

// sum returns the checksum over a text, which in RFC 8009 begins with the cipher
// state.
func (h *aesHalf) sum(text []byte) []byte {
	h.checksum.Reset()
	if h.ofCipher {
		h.checksum.Write(make([]byte, blockSize))
	}
	h.checksum.Write(text)
	return h.checksum.Sum(nil)[:h.size]
}

func (k *krb5AES) layout(int) (header, padding, tail int) {
	// tail: the header's copy, and the rest of a last block
	return tokenHeader + tokenHeader + k.sealing.size + blockSize, 0, tokenHeader + blockSize
}

// header returns the header of the next token that we send.
func (k *krb5AES) header() []byte {
	h := []byte{5, 4, isSealed | k.mine, 0xff, 0, 0, 0, 0}
	return binary.BigEndian.AppendUint64(h, k.out)
}

func (k *krb5AES) seal(b []byte, n int) error {
	start, _, tail := k.layout(n)
	head := k.header()
	k.out++
	encrypted := b[start-blockSize : start+n+tokenHeader]
	rand.Read(encrypted[:blockSize]) // never fails
	copy(encrypted[blockSize+n:], head)
	var sum []byte
	if !k.sealing.ofCipher {
		sum = k.sealing.sum(encrypted)
	}
	encryptCTS(k.sealing.block, b[start-blockSize:start+n+tail], len(encrypted))
	if k.sealing.ofCipher {
		sum = k.sealing.sum(encrypted)
	}
	binary.BigEndian.PutUint16(head[6:], uint16(tokenHeader+len(sum))) // RRC
	copy(b, head)
	copy(b[tokenHeader:], encrypted[blockSize+n:])
	copy(b[2*tokenHeader:], sum)
	return nil
}

func (k *krb5AES) open(token []byte, _ int) ([]byte, error) {
	half := &k.opening
	if len(token) < tokenHeader+blockSize+tokenHeader+half.size || token[0] != 5 || token[1] != 4 || token[3] != 0xff {
		return nil, malformed("a sealed message that is no token")
	}
	head := [tokenHeader]byte(token)
	if head[2] != isSealed|k.theirs {
		return nil, altered("the flags of a sealed message are not the server's")
	}
	extra, rotated := int(binary.BigEndian.Uint16(head[4:])), int(binary.BigEndian.Uint16(head[6:]))
	text := rotateLeft(token[tokenHeader:], rotated)
	encrypted, sum := text[:len(text)-half.size], text[len(text)-half.size:]
	if half.ofCipher && !hmac.Equal(half.sum(encrypted), sum) {
		return nil, altered("a sealed message was changed in transit")
	}
	decryptCTS(half.block, encrypted)
	if !half.ofCipher && !hmac.Equal(half.sum(encrypted), sum) {
		return nil, altered("a sealed message was changed in transit")
	}
	message, behind := encrypted[blockSize:len(encrypted)-tokenHeader], encrypted[len(encrypted)-tokenHeader:]
	head[6], head[7] = 0, 0 // RFC 4121 4.2.4: the copy has no rotation count
	behind[6], behind[7] = 0, 0
	if string(head[:]) != string(behind) || extra > len(message) {
		return nil, altered("the header of a sealed message was changed in transit")
	}
	if err := checkOrder(binary.BigEndian.Uint64(head[8:]), k.in); err != nil {
		return nil, err
	}
	k.in++
	return message[:len(message)-extra], nil
}

func altered(what string) error {
	return &Error{Kind: Altered, What: what, Advice: "something between here and the server changes messages; the command may have been carried out"}
}

// checkOrder compares the number of a message with the one that is next.
func checkOrder(got, want uint64) error {
	switch {
	case got < want:
		return &Error{Kind: OutOfOrder, What: "a sealed message came a second time", Advice: "something between here and the server replays messages; the command may have been carried out"}
	case got > want:
		return &Error{Kind: OutOfOrder, What: "a sealed message is missing before this one", Advice: "something between here and the server drops or reorders messages; the command may have been carried out"}
	}
	return nil
}

// rotateLeft undoes a rotation to the right by n. It moves what was rotated behind
// the rest, into the slice's capacity where that is enough.
func rotateLeft(b []byte, n int) []byte {
	n %= len(b)
	if n == 0 {
		return b
	}
	// What moves may lie where it goes to.
	front := append(make([]byte, 0, n), b[:n]...)
	return append(b[n:], front...)
}

// encryptCTS encrypts the first n bytes of b in place by CBC with ciphertext
// stealing and an initial vector of zeros (RFC 3962 5). n is more than a block; b
// has room for whole blocks.
func encryptCTS(block cipher.Block, b []byte, n int) {
	whole := (n + blockSize - 1) / blockSize * blockSize
	clear(b[n:whole])
	var iv [blockSize]byte
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(b[:whole], b[:whole])
	last, before := b[whole-blockSize:whole], b[whole-2*blockSize:whole-blockSize]
	for i := range last {
		last[i], before[i] = before[i], last[i]
	}
}

// decryptCTS undoes encryptCTS, in place. b is more than a block.
func decryptCTS(block cipher.Block, b []byte) {
	last := (len(b) - 1) / blockSize * blockSize // where the last, perhaps short, block begins
	before, rest := b[last-blockSize:last], b[last:]
	var plain, iv [blockSize]byte
	block.Decrypt(plain[:], before)
	copy(before, rest)
	copy(before[len(rest):], plain[len(rest):])
	for i := range rest {
		rest[i] ^= plain[i]
	}
	cipher.NewCBCDecrypter(block, iv[:]).CryptBlocks(b[:last], b[:last])
}

// sign makes a MIC token (RFC 4121 4.2.6.1).
func (k *krb5AES) sign(message []byte) []byte {
	head := binary.BigEndian.AppendUint64([]byte{4, 4, k.mine, 0xff, 0xff, 0xff, 0xff, 0xff}, k.out)
	k.out++
	return append(head, k.sealing.mic(k.signKey, message, head)...)
}

func (h *aesHalf) mic(key, message, head []byte) []byte {
	mac := hmac.New(h.newHash, key)
	mac.Write(message)
	mac.Write(head)
	return mac.Sum(nil)[:h.size]
}

func (k *krb5AES) verify(message, token []byte) error {
	if len(token) != tokenHeader+k.opening.size || token[0] != 4 || token[1] != 4 || token[2] != k.theirs {
		return malformed("a checksum that is no token")
	}
	if !hmac.Equal(k.opening.mic(k.verifyKey, message, token[:tokenHeader]), token[tokenHeader:]) {
		return altered("the checksum of the negotiation is wrong")
	}
	if err := checkOrder(binary.BigEndian.Uint64(token[8:]), k.in); err != nil {
		return err
	}
	k.in++
	return nil
}
