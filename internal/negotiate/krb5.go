package negotiate

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// krb5Context is the initiator's side of the Kerberos mechanism of GSS-API (RFC
// 4121), with mutual authentication.
type krb5Context struct {
	account *Account
	spn     string
	binding []byte

	ticket        *ticket
	authenticator types.Authenticator
	protection    // nil until established
}

// protection are the message functions of a mechanism.
type protection interface {
	layout(n int) (header, padding, tail int)
	seal(b []byte, n int) error
	open(token []byte, header int) ([]byte, error)
	// sign and verify are GSS_GetMIC and GSS_VerifyMIC, for SPNEGO.
	sign(message []byte) []byte
	verify(message, token []byte) error
}

var (
	oidKRB5   = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02}
	oidMSKRB5 = []byte{0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02} // Microsoft's slip of the pen, [MS-SPNG] 3.1.5.2
	oidSPNEGO = []byte{0x2b, 0x06, 0x01, 0x05, 0x05, 0x02}
	oidNTLM   = []byte{0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a}
)

// The token IDs of RFC 4121 4.1.
const (
	tokenAPReq    = 0x0100
	tokenAPRep    = 0x0200
	tokenKRBError = 0x0300
)

func (k *krb5Context) established() bool { return k.protection != nil }

func (k *krb5Context) final() bool { return true }

// ends leaves a request that begins before it time to be answered.
func (k *krb5Context) ends() time.Time {
	t := k.ticket
	return t.ends.Add(-min(time.Minute, t.ends.Sub(t.from)/60))
}

func (k *krb5Context) release() {}

func (k *krb5Context) step(ctx context.Context, token []byte) ([]byte, error) {
	if k.ticket == nil {
		return k.initiate(ctx)
	}
	return nil, k.finish(token)
}

// initiate makes the AP-REQ (RFC 4121 4.1) with a subkey of our own.
func (k *krb5Context) initiate(ctx context.Context) ([]byte, error) {
	t, err := k.account.serviceTicket(ctx, k.spn)
	if err != nil {
		return nil, err
	}
	a, err := types.NewAuthenticator(t.crealm, t.cname)
	if err != nil {
		return nil, err
	}
	if err := a.GenerateSeqNumberAndSubKey(t.key.KeyType, keySizes[t.key.KeyType]); err != nil {
		return nil, err
	}
	a.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: k.checksum()}
	request, err := messages.NewAPReq(t.message, t.key, a)
	if err != nil {
		return nil, err
	}
	const mutualRequired = 2 // RFC 4120 5.5.1
	types.SetFlag(&request.APOptions, mutualRequired)
	b, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	k.ticket, k.authenticator = t, a
	return frameToken(oidKRB5, append(binary.BigEndian.AppendUint16(nil, tokenAPReq), b...)), nil
}

// checksum is the "checksum" of RFC 4121 4.1.1: what is asked of the context, and
// the channel binding.
func (k *krb5Context) checksum() []byte {
	const asked = gssapi.ContextFlagMutual | gssapi.ContextFlagReplay | gssapi.ContextFlagSequence | gssapi.ContextFlagConf | gssapi.ContextFlagInteg
	hash := bindingHash(k.binding)
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 24), 16)
	b = append(b, hash[:]...)
	return binary.LittleEndian.AppendUint32(b, asked)
}

// finish reads the AP-REP, which proves that the server has the service's key.
func (k *krb5Context) finish(token []byte) error {
	oid, inner, err := unframeToken(token)
	if err != nil || len(inner) < 2 || string(oid) != string(oidKRB5) && string(oid) != string(oidMSKRB5) {
		return noProof("what the server answered to the log-on is no Kerberos token", err)
	}
	switch binary.BigEndian.Uint16(inner) {
	case tokenKRBError:
		return k.refusal(inner[2:])
	case tokenAPRep:
		return k.checkReply(inner[2:])
	}
	return noProof("the server answered the log-on without a proof", nil)
}

func (k *krb5Context) checkReply(b []byte) error {
	var reply messages.APRep
	if reply.Unmarshal(b) != nil {
		return noProof("the server's proof cannot be read", nil)
	}
	plain, err := decrypt(k.ticket.key, keyusage.AP_REP_ENCPART, reply.EncPart.Cipher)
	if err != nil {
		return noProof("the server's proof is wrong: it does not have the service's key", nil)
	}
	var part messages.EncAPRepPart
	if part.Unmarshal(plain) != nil {
		return noProof("the server's proof cannot be read", nil)
	}
	if part.CTime.Unix() != k.authenticator.CTime.Unix() || part.Cusec != k.authenticator.Cusec {
		return noProof("the server's proof is that of another log-on", nil)
	}
	key, theirs := k.authenticator.SubKey, false
	if len(part.Subkey.KeyValue) > 0 {
		key, theirs = part.Subkey, true
	}
	if err := checkKey(key); err != nil {
		return err
	}
	k.protection, err = newKrb5Protection(key, theirs, uint64(k.authenticator.SeqNumber), uint64(uint32(part.SequenceNumber)))
	return err
}

func noProof(what string, err error) error {
	return &Error{Kind: NoMutualProof, What: what, Err: err,
		Advice: "something else than the server may answer at this address, such as a proxy or an impostor; nothing was sent to it but the log-on, which it cannot use"}
}

// refusal says what a server's KRB-ERROR means.
func (k *krb5Context) refusal(b []byte) error {
	var refusal messages.KRBError
	if refusal.Unmarshal(b) != nil {
		return noProof("the server's refusal cannot be read", nil)
	}
	switch refusal.ErrorCode {
	case errorcode.KRB_AP_ERR_SKEW:
		return skewError("the server", refusal, time.Now())
	case errorcode.KRB_AP_ERR_MODIFIED, errorcode.KRB_AP_ERR_BADKEYVER, errorcode.KRB_AP_ERR_NOT_US, errorcode.KRB_AP_ERR_BAD_INTEGRITY, errorcode.KRB_AP_ERR_NOKEY:
		return &Error{Kind: UnknownSPN, What: "the server cannot read the ticket for " + quote(k.spn), Err: krbText(refusal),
			Advice: "the service name belongs to another account than the server's: " + spnAdvice}
	}
	return &Error{Kind: LogonRefused, What: "the server refuses the ticket for " + quote(k.spn), Err: krbText(refusal)}
}

// frameToken puts a mechanism's token into the frame of RFC 2743 3.1.
func frameToken(oid, inner []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(frameTag, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(oid) })
		b.AddBytes(inner)
	})
	return b.BytesOrPanic() // only too long a token fails
}

const frameTag = asn1.Tag(0x60) // [APPLICATION 0], constructed

func unframeToken(token []byte) (oid, inner []byte, err error) {
	var frame, id cryptobyte.String
	s := cryptobyte.String(token)
	if !s.ReadASN1(&frame, frameTag) || !s.Empty() || !frame.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) {
		return nil, nil, malformed("a token without its frame")
	}
	return id, frame, nil
}
