package negotiate

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// Login gets a ticket-granting ticket, or says which there is. For the user who is
// logged on to Windows that is Windows' word, which names the client alone.
func (a *Account) Login(ctx context.Context) (Ticket, error) {
	if a.sspi {
		return sspiTicket(ctx, "")
	}
	release, err := a.ask(ctx)
	if err != nil {
		return Ticket{}, err
	}
	defer release()
	t, err := a.grantingTicket(ctx)
	if err != nil {
		return Ticket{}, err
	}
	return t.describe(), nil
}

// Ticket gets a ticket for a service (HTTP/ex01.contoso.test), or says which there
// is. Windows keeps the key and the end of its own to itself.
func (a *Account) Ticket(ctx context.Context, spn string) (Ticket, error) {
	if a.sspi {
		return sspiTicket(ctx, spn)
	}
	t, err := a.serviceTicket(ctx, spn)
	if err != nil {
		return Ticket{}, err
	}
	return t.describe(), nil
}

// ask waits until nobody else of this account talks to the KDCs.
func (a *Account) ask(ctx context.Context) (release func(), err error) {
	select {
	case a.asking <- struct{}{}:
		return func() { <-a.asking }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serviceTicket returns a ticket that is fresh: the one there is, or a new one.
func (a *Account) serviceTicket(ctx context.Context, spn string) (*ticket, error) {
	if t := a.cached(spn); t != nil {
		return t, nil
	}
	release, err := a.ask(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if t := a.cached(spn); t != nil {
		return t, nil // another connection has just got it
	}
	t, err := a.newServiceTicket(ctx, spn)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.service[spn] = t
	return t, nil
}

func (a *Account) cached(spn string) *ticket {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.service[spn]; t.fresh(a.config.Now()) {
		return t
	}
	return nil
}

// newServiceTicket asks the KDCs, from the user's realm to that of the service. The
// caller has the token of asking.
func (a *Account) newServiceTicket(ctx context.Context, spn string) (*ticket, error) {
	name := types.NewPrincipalName(nametype.KRB_NT_SRV_INST, spn)
	if len(name.NameString) < 2 || strings.HasSuffix(spn, "/") || strings.HasPrefix(spn, "/") {
		return nil, &Error{Kind: BadCredential, What: "the service name " + quote(spn) + " is none", Advice: "write HTTP/ and the server's full name"}
	}
	if t := a.cachedInFile(name); t != nil {
		return t, nil
	}
	home, err := a.grantingTicket(ctx)
	if err != nil {
		return nil, err
	}
	// The home realm's KDC knows the way, but for a realm that only krb5.conf names.
	tgt := home
	if realm := a.conf.realmOfHost(name.NameString[1]); realm != "" && realm != home.crealm {
		if tgt, err = a.crossRealm(ctx, home, realm); err != nil {
			return nil, a.serviceError(ctx, err, spn)
		}
	}
	t, err := a.follow(ctx, tgt, name)
	return t, a.serviceError(ctx, err, spn)
}

// cachedInFile returns a fresh ticket for the service out of a ticket cache.
func (a *Account) cachedInFile(service types.PrincipalName) *ticket {
	cache, ok := a.source.(*cacheSource)
	if !ok {
		return nil
	}
	tickets, _ := cache.cachedTickets() // grantingTicket says why it cannot be read
	for _, t := range tickets {
		if t.service.Equal(service) && t.fresh(a.config.Now()) {
			return t
		}
	}
	return nil
}

// grantingTicket returns the ticket-granting ticket of the user's own realm: the
// one there is, the same renewed, or a new one. The caller has the token of asking.
func (a *Account) grantingTicket(ctx context.Context) (*ticket, error) {
	a.mu.Lock()
	t, refused := a.tgts[""], a.refused
	a.mu.Unlock()
	if t.fresh(a.config.Now()) || refused != nil {
		return t, refused
	}
	err := a.checkKerberos()
	if err != nil {
		return nil, err
	}
	if cache, ok := a.source.(*cacheSource); ok {
		t, err = a.fromCache(ctx, cache, t)
	} else {
		t, err = a.login(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch KindOf(err) {
	case WrongPassword, PasswordExpired, AccountLocked:
		a.refused = err
	}
	if err == nil {
		a.tgts[""] = t
	}
	return t, err
}

// fromCache takes the ticket of a ticket cache, which may be one that kinit has
// just put there, and renews it when it must.
func (a *Account) fromCache(ctx context.Context, cache *cacheSource, old *ticket) (*ticket, error) {
	tickets, err := cache.cachedTickets()
	if err != nil {
		return nil, err
	}
	now := a.config.Now()
	best := old
	for _, t := range tickets {
		if t.isTGT(t.crealm) && (best == nil || t.ends.After(best.ends)) {
			best = t
		}
	}
	switch {
	case best == nil:
		return nil, &Error{Kind: BadCredential, What: "the ticket cache " + cache.path + " has no ticket-granting ticket", Advice: "get one by kinit"}
	case best.fresh(now):
		return best, nil
	case now.Before(best.ends) && now.Before(best.renewTill):
		if renewed, err := a.request(ctx, best, best.crealm, best.service, true); err == nil {
			return renewed, nil
		}
	}
	if now.Before(best.ends) {
		return best, nil // the last minutes of it are better than nothing
	}
	return nil, &Error{Kind: TicketExpired, What: fmt.Sprintf("the ticket of %s in %s ended at %s", cache.name, cache.path, best.ends.UTC().Format(time.RFC3339)),
		Advice: "get a new one by kinit; a password or --keytab is renewed by itself"}
}

// crossRealm gets a ticket-granting ticket for another realm.
func (a *Account) crossRealm(ctx context.Context, home *ticket, realm string) (*ticket, error) {
	a.mu.Lock()
	t := a.tgts[realm]
	a.mu.Unlock()
	if t.fresh(a.config.Now()) {
		return t, nil
	}
	t, err := a.follow(ctx, home, types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", realm}})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tgts[realm] = t
	return t, nil
}

// follow asks for a ticket, going from realm to realm as the KDCs refer to one that
// is nearer (RFC 6806 8).
func (a *Account) follow(ctx context.Context, tgt *ticket, service types.PrincipalName) (*ticket, error) {
	for range maxReferrals {
		if len(tgt.service.NameString) != 2 {
			break
		}
		t, err := a.request(ctx, tgt, tgt.service.NameString[1], service, false)
		if err != nil {
			return nil, err
		}
		if equalFold(t.service, service) {
			return t, nil
		}
		if name := t.service.NameString; len(name) != 2 || name[0] != "krbtgt" {
			return nil, malformed("the KDC gave a ticket for %s instead of %s", quote(t.service.PrincipalNameString()), service.PrincipalNameString())
		}
		tgt = t
	}
	return nil, malformed("the KDCs send the request for %s from realm to realm", service.PrincipalNameString())
}

func equalFold(a, b types.PrincipalName) bool {
	return strings.EqualFold(a.PrincipalNameString(), b.PrincipalNameString())
}

// request does one TGS exchange (RFC 4120 3.3) with a KDC of the realm.
func (a *Account) request(ctx context.Context, tgt *ticket, realm string, service types.PrincipalName, renew bool) (*ticket, error) {
	options := types.NewKrbFlags()
	types.SetFlag(&options, flags.Canonicalize)
	if renew {
		types.SetFlag(&options, flags.Renew)
	}
	request := messages.TGSReq{KDCReqFields: messages.KDCReqFields{PVNO: iana.PVNO, MsgType: msgtype.KRB_TGS_REQ, Renewal: renew,
		ReqBody: messages.KDCReqBody{KDCOptions: options, Realm: realm, SName: service,
			Till: time.Now().UTC().Add(24 * time.Hour), Nonce: nonce(), EType: a.etypes}}}
	var err error
	if request.PAData, err = authenticateRequest(&request.ReqBody, tgt); err != nil {
		return nil, err
	}
	b, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	if b, err = a.kdc.ask(ctx, realm, b); err != nil {
		return nil, err
	}
	var reply messages.TGSRep
	if err := reply.Unmarshal(b); err != nil {
		return nil, malformed("what the KDC of %s answers is no TGS-REP", realm)
	}
	plain, err := decrypt(tgt.key, keyusage.TGS_REP_ENCPART_SESSION_KEY, reply.EncPart.Cipher)
	if err != nil {
		return nil, &Error{Kind: Altered, What: "the answer of the KDC of " + realm + " was changed in transit", Err: err}
	}
	var part messages.EncKDCRepPart
	switch {
	case part.Unmarshal(plain) != nil || checkKey(part.Key) != nil:
		return nil, malformed("the KDC of %s sent a ticket that cannot be read", realm)
	case part.Nonce != request.ReqBody.Nonce || !reply.CName.Equal(tgt.cname) || reply.CRealm != tgt.crealm:
		return nil, malformed("the answer of the KDC of %s is to another request", realm)
	}
	return newTicket(reply.KDCRepFields, part), nil
}

// authenticateRequest makes PA-TGS-REQ (RFC 4120 5.4.1): the ticket-granting ticket
// with an authenticator over the request's body.
func authenticateRequest(body *messages.KDCReqBody, tgt *ticket) (types.PADataSequence, error) {
	b, err := body.Marshal()
	if err != nil {
		return nil, err
	}
	etype, err := crypto.GetEtype(tgt.key.KeyType)
	if err != nil {
		return nil, err
	}
	sum, err := etype.GetChecksumHash(tgt.key.KeyValue, b, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM)
	if err != nil {
		return nil, err
	}
	authenticator, err := types.NewAuthenticator(tgt.crealm, tgt.cname)
	if err != nil {
		return nil, err
	}
	authenticator.Cksum = types.Checksum{CksumType: etype.GetHashID(), Checksum: sum}
	ap, err := messages.NewAPReq(tgt.message, tgt.key, authenticator)
	if err != nil {
		return nil, err
	}
	value, err := ap.Marshal()
	return types.PADataSequence{{PADataType: patype.PA_TGS_REQ, PADataValue: value}}, err
}

// serviceError says what a KDC's refusal of a service means.
func (a *Account) serviceError(ctx context.Context, err error, spn string) error {
	var refusal messages.KRBError
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal.ErrorCode {
	case errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN:
		return a.unknownService(ctx, refusal.Realm, spn)
	case errorcode.KDC_ERR_TGT_REVOKED, errorcode.KRB_AP_ERR_TKT_EXPIRED:
		return &Error{Kind: TicketExpired, What: "the KDC does not take the ticket-granting ticket any more", Err: krbText(refusal), Advice: "log on again: kinit, or a password or --keytab"}
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		return &Error{Kind: KDCRefused, What: fmt.Sprintf("the KDC of %s gives no ticket for %s", quote(refusal.Realm), quote(spn)), Err: krbText(refusal),
			Advice: "the server's account has no encryption type that krb5.conf permits here: look at its msDS-SupportedEncryptionTypes, and at permitted_enctypes"}
	}
	return kdcError(err, a.Username(), time.Now())
}
