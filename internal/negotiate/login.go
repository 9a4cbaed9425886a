package negotiate

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A login is one AS exchange (RFC 4120 3.1), by the realm that it goes to.
type login struct {
	account *Account
	realm   string
	cname   types.PrincipalName
	key     types.EncryptionKey // of the preauthentication
	hints   types.PADataSequence
}

// maxReferrals bounds how often a KDC may send us to another realm.
const maxReferrals = 8

// login gets a ticket-granting ticket by the account's secret.
func (a *Account) login(ctx context.Context) (*ticket, error) {
	realm, err := a.conf.realmOf(a.user)
	if err != nil {
		return nil, err
	}
	l := &login{account: a, realm: realm, cname: types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, a.user.name)}
	l.byUPN(ctx)
	for range maxReferrals {
		t, err := l.exchange(ctx)
		var refusal messages.KRBError
		if errors.As(err, &refusal) && refusal.ErrorCode == errorcode.KDC_ERR_WRONG_REALM && refusal.CRealm != "" && refusal.CRealm != l.realm {
			l.realm, l.hints, l.key = refusal.CRealm, nil, types.EncryptionKey{}
			continue // RFC 6806 7: the account is in that realm
		}
		if err != nil {
			return nil, kdcError(err, a.Username(), time.Now())
		}
		return t, nil
	}
	return nil, malformed("the KDCs send %s from realm to realm", quote(a.Username()))
}

// byUPN turns to the default realm where that of the user name is none that has a
// KDC: then it is the suffix of a user principal name, which an Active Directory
// resolves (RFC 6806 5).
func (l *login) byUPN(ctx context.Context) {
	home := l.account.conf.defaultRealm
	if l.account.user.realm == "" || home == "" || home == l.realm {
		return
	}
	if _, err := l.account.kdc.addresses(ctx, l.realm); KindOf(err) != NoKDC {
		return
	}
	l.realm = home
	l.cname = types.PrincipalName{NameType: nametype.KRB_NT_ENTERPRISE, NameString: []string{l.account.user.given}}
}

// exchange asks for the ticket, with the timestamp that proves the key when the KDC
// wants it. That is done once.
func (l *login) exchange(ctx context.Context) (*ticket, error) {
	request := l.request()
	reply, err := l.ask(ctx, request)
	var refusal messages.KRBError
	if errors.As(err, &refusal) && refusal.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		if request.PAData, err = l.preauthenticate(refusal); err != nil {
			return nil, err
		}
		reply, err = l.ask(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	return l.open(request, reply)
}

func (l *login) request() *messages.ASReq {
	options := types.NewKrbFlags()
	types.SetFlag(&options, flags.Canonicalize)
	types.SetFlag(&options, flags.RenewableOK)
	return &messages.ASReq{KDCReqFields: messages.KDCReqFields{PVNO: iana.PVNO, MsgType: msgtype.KRB_AS_REQ,
		ReqBody: messages.KDCReqBody{KDCOptions: options, Realm: l.realm, CName: l.cname,
			SName: types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", l.realm}},
			Till:  time.Now().UTC().Add(24 * time.Hour), Nonce: nonce(), EType: l.account.etypes}}}
}

// nonce returns a random positive number of 31 bits.
func nonce() int {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return int(binary.BigEndian.Uint32(b[:]) >> 1)
}

func (l *login) ask(ctx context.Context, request *messages.ASReq) (*messages.ASRep, error) {
	b, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	b, err = l.account.kdc.ask(ctx, l.realm, b)
	if err != nil {
		return nil, err
	}
	reply := new(messages.ASRep)
	if err := reply.Unmarshal(b); err != nil {
		return nil, malformed("what the KDC of %s answers is no AS-REP", l.realm)
	}
	return reply, nil
}

// preauthenticate makes PA-ENC-TIMESTAMP (RFC 4120 5.2.7.2) with a key of the first
// type in the KDC's list that we have.
func (l *login) preauthenticate(refusal messages.KRBError) (types.PADataSequence, error) {
	if err := l.hints.Unmarshal(refusal.EData); err != nil {
		return nil, malformed("the KDC of %s does not say how to prove the password", l.realm)
	}
	var err error
	if l.key, err = l.chooseKey(); err != nil {
		return nil, err
	}
	stamp, err := types.GetPAEncTSEncAsnMarshalled()
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(stamp, l.key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, 0)
	if err != nil {
		return nil, err
	}
	value, err := sealed.Marshal()
	return types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value}}, err
}

func (l *login) chooseKey() (types.EncryptionKey, error) {
	for _, entry := range etypeInfo(l.hints) {
		if !slices.Contains(l.account.etypes, entry.EType) {
			continue
		}
		key, err := l.account.source.key(entry.EType, l.cname, l.realm, l.hints)
		if !errors.Is(err, errNoKey) {
			return key, err
		}
	}
	e := &Error{Kind: KDCRefused, What: "the KDC of " + l.realm + " takes no key of " + quote(l.account.Username()) + " that is to be had here: nothing was sent",
		Advice: "a keytab must hold a key of a type that the account has; krb5.conf may permit too few encryption types"}
	if slices.ContainsFunc(etypeInfo(l.hints), func(entry types.ETypeInfo2Entry) bool { return entry.EType == enctypeRC4 }) {
		e.Advice = "the KDC wants RC4, from which a password is cheap to guess, or somebody between makes it seem so: " +
			"give the account AES keys (msDS-SupportedEncryptionTypes, and a new password), or permit it in krb5.conf (permitted_enctypes = aes rc4)"
	}
	return types.EncryptionKey{}, e
}

// open decrypts the reply and checks that it answers the request.
func (l *login) open(request *messages.ASReq, reply *messages.ASRep) (*ticket, error) {
	key := l.key
	if key.KeyType != reply.EncPart.EType || key.KeyValue == nil {
		var err error
		if !slices.Contains(l.account.etypes, reply.EncPart.EType) {
			return nil, malformed("the KDC of %s answers in an encryption type that was not asked for: %s", l.realm, enctypeName(reply.EncPart.EType))
		}
		hints := append(types.PADataSequence(reply.PAData), l.hints...)
		if key, err = l.account.source.key(reply.EncPart.EType, l.cname, l.realm, hints); err != nil {
			return nil, err
		}
	}
	plain, err := decrypt(key, keyusage.AS_REP_ENCPART, reply.EncPart.Cipher)
	if err != nil {
		// A KDC without preauthentication leaves it to the client to find out.
		return nil, &Error{Kind: WrongPassword, What: "the password of " + quote(l.account.Username()) + " is wrong: it does not open the KDC's answer"}
	}
	var part messages.EncKDCRepPart
	switch {
	case part.Unmarshal(plain) != nil || checkKey(part.Key) != nil:
		return nil, malformed("the KDC of %s sent a ticket that cannot be read", l.realm)
	case part.Nonce != request.ReqBody.Nonce || !part.SName.Equal(request.ReqBody.SName) || part.SRealm != l.realm || reply.CRealm != l.realm:
		return nil, malformed("the answer of the KDC of %s is to another request", l.realm)
	case l.cname.NameType != nametype.KRB_NT_ENTERPRISE && len(reply.CName.NameString) != len(l.cname.NameString):
		return nil, malformed("the KDC of %s sent the ticket of somebody else", l.realm)
	}
	return newTicket(reply.KDCRepFields, part), nil
}

func newTicket(reply messages.KDCRepFields, part messages.EncKDCRepPart) *ticket {
	t := &ticket{message: reply.Ticket, key: part.Key, cname: reply.CName, crealm: reply.CRealm, service: part.SName, realm: part.SRealm,
		from: part.AuthTime, ends: part.EndTime, renewTill: part.RenewTill}
	if !part.StartTime.IsZero() {
		t.from = part.StartTime
	}
	return t
}
