package negotiate

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	//lint:ignore SA1019 MS-NLMP 3.3.2 is made of it
	"golang.org/x/crypto/md4"
)

const ntlmSignature = "NTLMSSP\x00"

// The flags of MS-NLMP 2.2.2.5.
const (
	ntlmUnicode         = 1 << 0
	ntlmRequestTarget   = 1 << 2
	ntlmSign            = 1 << 4
	ntlmSeal            = 1 << 5
	ntlmNTLM            = 1 << 9
	ntlmAlwaysSign      = 1 << 15
	ntlmExtendedSession = 1 << 19
	ntlmTargetInfo      = 1 << 23
	ntlmVersion         = 1 << 25
	ntlm128             = 1 << 29
	ntlmKeyExchange     = 1 << 30
	ntlm56              = 1 << 31

	ntlmAsked = ntlmUnicode | ntlmRequestTarget | ntlmSign | ntlmSeal | ntlmNTLM | ntlmAlwaysSign | ntlmExtendedSession |
		ntlmTargetInfo | ntlmVersion | ntlm128 | ntlmKeyExchange | ntlm56
	// ntlmRequired is what a server must agree to: less would be signatures and keys that
	// can be broken.
	ntlmRequired = ntlmUnicode | ntlmSign | ntlmSeal | ntlmExtendedSession | ntlmTargetInfo | ntlm128 | ntlmKeyExchange
)

// The attributes of MS-NLMP 2.2.2.1.
const (
	avEnd             = 0
	avFlags           = 6
	avTimestamp       = 7
	avSingleHost      = 8
	avTargetName      = 9
	avChannelBindings = 10

	avFlagMIC = 2
)

// ntlmProductVersion is MS-NLMP 2.2.2.10: Windows 10.0.17763, NTLM revision 15.
var ntlmProductVersion = [8]byte{10, 0, 0x63, 0x45, 0, 0, 0, 15}

// ntlmContext is the client's side of NTLM version 2 (MS-NLMP), with an integrity
// code over its three messages, a channel binding, and the service's name. Weaker
// forms do not exist here.
type ntlmContext struct {
	domain, user string
	password     Secret
	spn          string
	binding      []byte

	now  func() time.Time
	rand func([]byte)

	negotiate []byte // the first message
	*ntlmProtection
}

func newNTLM(a *Account, password Secret, spn string, binding []byte) *ntlmContext {
	n := &ntlmContext{password: password, spn: spn, binding: binding, now: time.Now, rand: func(b []byte) { rand.Read(b) }}
	n.domain, n.user = a.user.ntlm()
	return n
}

// established reports whether the log-on has been sent: the server's proof is its
// first sealed message.
func (n *ntlmContext) established() bool { return n.ntlmProtection != nil }
func (n *ntlmContext) final() bool       { return n.established() }
func (n *ntlmContext) ends() time.Time   { return time.Time{} }
func (n *ntlmContext) release()          {}

func (n *ntlmContext) step(_ context.Context, token []byte) ([]byte, error) {
	if n.negotiate == nil {
		b := append([]byte(ntlmSignature), 1, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, ntlmAsked)
		b = append(b, make([]byte, 16)...) // neither domain nor workstation
		n.negotiate = append(b, ntlmProductVersion[:]...)
		return n.negotiate, nil
	}
	if n.established() {
		return nil, nil
	}
	challenge, err := parseNTLMChallenge(token)
	if err != nil {
		return nil, err
	}
	return n.authenticate(challenge)
}

// An ntlmChallenge is the CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2).
type ntlmChallenge struct {
	message []byte
	nonce   []byte
	target  []avPair
}

// An avPair is one attribute of the server (MS-NLMP 2.2.2.1).
type avPair struct {
	id    uint16
	value []byte
}

func parseNTLMChallenge(b []byte) (ntlmChallenge, error) {
	if len(b) < 48 || string(b[:8]) != ntlmSignature || binary.LittleEndian.Uint32(b[8:]) != 2 {
		return ntlmChallenge{}, malformed("what the server answered to the log-on is no NTLM challenge")
	}
	if missing := ntlmRequired &^ binary.LittleEndian.Uint32(b[20:]); missing != 0 {
		return ntlmChallenge{}, &Error{Kind: NotOffered, What: fmt.Sprintf("the server does not agree to NTLM version 2 with 128-bit sealing (flags %#x are missing)", missing),
			Advice: "something between weakens the log-on, or the server is set to a weak form of NTLM (NtlmMinServerSec)"}
	}
	length, offset := int(binary.LittleEndian.Uint16(b[40:])), int64(binary.LittleEndian.Uint32(b[44:]))
	if offset+int64(length) > int64(len(b)) {
		return ntlmChallenge{}, malformed("an NTLM challenge that ends too early")
	}
	target, err := parseAVPairs(b[offset : int(offset)+length])
	return ntlmChallenge{message: b, nonce: b[24:32], target: target}, err
}

func parseAVPairs(b []byte) ([]avPair, error) {
	var pairs []avPair
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if id == avEnd {
			return pairs, nil
		}
		if len(b) < 4+n {
			break
		}
		pairs = append(pairs, avPair{id, b[4 : 4+n]})
		b = b[4+n:]
	}
	return nil, malformed("an NTLM challenge with attributes that cannot be read")
}

// targetInfo is what the server says of itself, with what we say to it (MS-NLMP
// 3.1.5.1.2), and the time.
func (n *ntlmContext) targetInfo(challenge ntlmChallenge) (info, timestamp []byte) {
	add := func(id uint16, value []byte) {
		info = binary.LittleEndian.AppendUint16(info, id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(value)))
		info = append(info, value...)
	}
	flags := uint32(avFlagMIC)
	for _, pair := range challenge.target {
		switch pair.id {
		case avFlags:
			if len(pair.value) == 4 {
				flags |= binary.LittleEndian.Uint32(pair.value)
			}
			continue
		case avSingleHost, avTargetName, avChannelBindings:
			continue
		case avTimestamp:
			if len(pair.value) == 8 {
				timestamp = pair.value
			}
		}
		add(pair.id, pair.value)
	}
	if timestamp == nil {
		timestamp = binary.LittleEndian.AppendUint64(nil, fileTime(n.now()))
	}
	hash := bindingHash(n.binding)
	add(avFlags, binary.LittleEndian.AppendUint32(nil, flags))
	add(avChannelBindings, hash[:])
	add(avTargetName, utf16le(n.spn))
	add(avEnd, nil)
	return info, timestamp
}

// fileTime counts 100 ns since 1601 (MS-DTYP 2.3.3).
func fileTime(t time.Time) uint64 { return uint64(t.UnixNano()/100 + 116444736000000000) }

func utf16le(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// responseKey is NTOWFv2 (MS-NLMP 3.3.2).
func (n *ntlmContext) responseKey() []byte {
	hash := md4.New()
	hash.Write(utf16le(n.password.Reveal()))
	return hmacMD5(hash.Sum(nil), utf16le(strings.ToUpper(n.user)+n.domain))
}

// authenticate makes the AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3, 3.3.2).
func (n *ntlmContext) authenticate(challenge ntlmChallenge) ([]byte, error) {
	key := n.responseKey()
	info, timestamp := n.targetInfo(challenge)
	var random [8 + 16]byte
	n.rand(random[:])
	clientNonce, sessionKey := random[:8], random[8:]

	temp := append([]byte{1, 1, 0, 0, 0, 0, 0, 0}, timestamp...)
	temp = append(append(append(temp, clientNonce...), 0, 0, 0, 0), info...)
	temp = append(temp, 0, 0, 0, 0)
	proof := hmacMD5(key, challenge.nonce, temp)
	if len(proof)+len(temp) > 0xffff {
		return nil, malformed("an NTLM challenge with too many attributes")
	}
	sealedKey := append([]byte(nil), sessionKey...)
	rc4With(hmacMD5(key, proof), sealedKey)

	message := ntlmAuthenticate(append(proof, temp...), n.domain, n.user, sealedKey)
	mic := hmacMD5(sessionKey, n.negotiate, challenge.message, message)
	copy(message[ntlmMICOffset:], mic)
	n.ntlmProtection = newNTLMProtection(sessionKey, true)
	return message, nil
}

const ntlmMICOffset = 72

// ntlmAuthenticate lays the message out, with an integrity code of zeros.
func ntlmAuthenticate(response []byte, domain, user string, sessionKey []byte) []byte {
	head := append([]byte(ntlmSignature), 3, 0, 0, 0)
	var payload []byte
	field := func(value []byte) {
		head = binary.LittleEndian.AppendUint16(head, uint16(len(value)))
		head = binary.LittleEndian.AppendUint16(head, uint16(len(value)))
		head = binary.LittleEndian.AppendUint32(head, uint32(ntlmMICOffset+16+len(payload)))
		payload = append(payload, value...)
	}
	field(make([]byte, 24)) // no LM response where there is a timestamp, 3.1.5.1.2
	field(response)
	field(utf16le(domain))
	field(utf16le(user))
	field(nil) // workstation
	field(sessionKey)
	head = binary.LittleEndian.AppendUint32(head, ntlmAsked&^ntlmRequestTarget)
	head = append(head, ntlmProductVersion[:]...)
	head = append(head, make([]byte, 16)...)
	return append(head, payload...)
}
