package negotiate

import (
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// Windows statuses that an Active Directory puts into the e-data of a KRB-ERROR
// ([MS-KILE] 2.2.1, [MS-ERREF] 2.3).
const (
	statusLogonFailure       = 0xC000006D
	statusPasswordExpired    = 0xC0000071
	statusPasswordMustChange = 0xC0000224
	statusAccountLocked      = 0xC0000234
	statusAccountDisabled    = 0xC0000072
	statusAccountExpired     = 0xC0000193
	statusLogonHours         = 0xC000006F
	statusWorkstation        = 0xC0000070
)

// kdcError says what a KDC's refusal of an account means. The user is named as
// given.
func kdcError(err error, user string, now time.Time) error {
	var refusal messages.KRBError
	if !errors.As(err, &refusal) {
		return err
	}
	e := &Error{Kind: KDCRefused, What: fmt.Sprintf("the KDC of %s refuses %s", quote(refusal.Realm), quote(user)), Err: krbText(refusal)}
	switch refusal.ErrorCode {
	case errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KRB_AP_ERR_BAD_INTEGRITY:
		e.Kind, e.What, e.Err = WrongPassword, fmt.Sprintf("the password of %s is wrong", quote(user)), nil
		e.Advice = oneAttempt
	case errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN:
		e.Kind, e.What, e.Err = UnknownAccount, fmt.Sprintf("the realm %s does not know %s", quote(refusal.Realm), quote(user)), nil
		e.Advice = "check name and realm; where the name after @ is only a UPN suffix, write sAMAccountName@REALM with the domain's DNS name as realm"
	case errorcode.KDC_ERR_KEY_EXPIRED:
		e.Kind, e.What = PasswordExpired, fmt.Sprintf("the password of %s has expired", quote(user))
		e.Advice = "change it first; this program does not"
	case errorcode.KDC_ERR_CLIENT_REVOKED:
		e.Kind, e.What = AccountLocked, fmt.Sprintf("the account %s is locked or disabled", quote(user))
		e.Advice = "have it unlocked or enabled (Unlock-ADAccount, Enable-ADAccount); trying again makes it worse"
		revokedReason(e, refusal, user)
	case errorcode.KDC_ERR_NAME_EXP, errorcode.KDC_ERR_POLICY:
		e.Kind, e.What = AccountLocked, fmt.Sprintf("the account %s has expired, or may not log on now or from here", quote(user))
	case errorcode.KRB_AP_ERR_SKEW:
		return skewError("the KDC", refusal, now)
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		e.Advice = "KDC and krb5.conf have no encryption type in common: look at permitted_enctypes, and at the account's msDS-SupportedEncryptionTypes"
	case errorcode.KDC_ERR_WRONG_REALM:
		e.Kind, e.Advice = UnknownAccount, "write the user with the realm of its own domain"
	}
	return e
}

// revokedReason takes the reason out of what Active Directory adds.
func revokedReason(e *Error, refusal messages.KRBError, user string) {
	switch windowsStatus(refusal.EData) {
	case statusAccountLocked:
		e.What = fmt.Sprintf("the account %s is locked", quote(user))
	case statusAccountDisabled:
		e.What = fmt.Sprintf("the account %s is disabled", quote(user))
	case statusAccountExpired:
		e.What = fmt.Sprintf("the account %s has expired", quote(user))
	case statusLogonHours:
		e.What = fmt.Sprintf("the account %s may not log on at this hour", quote(user))
	case statusWorkstation:
		e.What = fmt.Sprintf("the account %s may not log on from here", quote(user))
	case statusPasswordExpired, statusPasswordMustChange:
		e.Kind, e.What = PasswordExpired, fmt.Sprintf("the password of %s has expired", quote(user))
		e.Advice = "change it first; this program does not"
	}
}

// skewError says by how much the clocks differ.
func skewError(whose string, refusal messages.KRBError, now time.Time) error {
	return &Error{Kind: ClockSkew, What: fmt.Sprintf("the clock here and that of %s differ by %v: here %s, there %s", whose,
		refusal.STime.Sub(now).Abs().Round(time.Second), now.UTC().Format(time.RFC3339), refusal.STime.UTC().Format(time.RFC3339)),
		Advice: "Kerberos allows five minutes: set this machine's clock by the domain's (NTP)"}
}

// krbText is the error's name, and the text that the KDC gives.
func krbText(e messages.KRBError) error {
	if e.EText != "" {
		return fmt.Errorf("%s (%s)", errorcode.Lookup(e.ErrorCode), quote(e.EText))
	}
	return errors.New(errorcode.Lookup(e.ErrorCode))
}
