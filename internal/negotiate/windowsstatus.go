package negotiate

import "fmt"

// A winStatus is a status code of Windows ([MS-ERREF] 2.1 and 2.2, winerror.h). Its text
// is the code and its name, which are the same in every language of Windows.
type winStatus uint32

// Statuses of security packages that decide something elsewhere.
const secEOutOfSequence = 0x80090310

func (s winStatus) Error() string {
	if m, ok := winMeanings[s]; ok {
		return fmt.Sprintf("0x%08X %s", uint32(s), m.name)
	}
	return fmt.Sprintf("0x%08X", uint32(s))
}

// withoutWindows is what helps whatever Windows says.
const withoutWindows = "to log on without Windows' own log-on, give --logon USER@REALM, with a password or --keytab"

// A winMeaning says which of our kinds a status is.
type winMeaning struct {
	name   string
	kind   Kind
	advice string // "" is withoutWindows
}

// winMeanings are the statuses that security packages give to a client.
var winMeanings = map[winStatus]winMeaning{
	0x80090303: {"SEC_E_TARGET_UNKNOWN", UnknownSPN, spnAdvice},
	0x80090322: {"SEC_E_WRONG_PRINCIPAL", UnknownSPN,
		"the service name belongs to another account than the server's, or to more than one: setspn -Q and setspn -X show it; " + spnAdvice},
	0x80090304: {"SEC_E_INTERNAL_ERROR", KDCRefused, spnAdvice + "; or " + withoutWindows},
	0x80090305: {"SEC_E_SECPKG_NOT_FOUND", BadCredential, ""},
	0x80090302: {"SEC_E_UNSUPPORTED_FUNCTION", NotOffered, ""},
	0x80090308: {"SEC_E_INVALID_TOKEN", Malformed, "something else than the server answers at this address, such as a proxy, or changes what it says"},
	0x8009030C: {"SEC_E_LOGON_DENIED", LogonRefused, "the account may not log on there, or its password has changed since it logged on here"},
	0x8009030D: {"SEC_E_UNKNOWN_CREDENTIALS", BadCredential, ""},
	0x8009030E: {"SEC_E_NO_CREDENTIALS", BadCredential,
		"a local account has none, nor has a session that was itself opened over the network (the second hop); log on by an account of the domain, or give --logon USER@REALM"},
	0x8009030F:        {"SEC_E_MESSAGE_ALTERED", Altered, ""},
	secEOutOfSequence: {"SEC_E_OUT_OF_SEQUENCE", OutOfOrder, ""},
	0x80090311:        {"SEC_E_NO_AUTHENTICATING_AUTHORITY", NoKDC, noWindowsKDC},
	0x80090350:        {"SEC_E_DOWNGRADE_DETECTED", NoKDC, noWindowsKDC},
	0x80090317:        {"SEC_E_CONTEXT_EXPIRED", TicketExpired, "log on to Windows again, or lock and unlock it: that renews the tickets"},
	0x80090324:        {"SEC_E_TIME_SKEW", ClockSkew, "set the clock: w32tm /query /status tells by which it goes, w32tm /resync sets it"},
	0x80090330:        {"SEC_E_DECRYPT_FAILURE", Altered, ""},
	0x80090340:        {"SEC_E_KDC_INVALID_REQUEST", KDCRefused, ""},
	0x80090341:        {"SEC_E_KDC_UNABLE_TO_REFER", KDCRefused, spnAdvice},
	0x80090342:        {"SEC_E_KDC_UNKNOWN_ETYPE", KDCRefused, "the server's account and this computer have no encryption type in common: look at its msDS-SupportedEncryptionTypes"},
	0x80090346:        {"SEC_E_BAD_BINDINGS", ChannelBinding, "a proxy or load balancer that has the certificate and not the server ends TLS, and channel binding forbids it: connect to the server itself"},
	0x80090363:        {"SEC_E_MUTUAL_AUTH_FAILED", NoMutualProof, ""},
	1326:              {"ERROR_LOGON_FAILURE", LogonRefused, ""},
	1330:              {"ERROR_PASSWORD_EXPIRED", PasswordExpired, "change it first: Ctrl+Alt+Del, Change a password"},
	1907:              {"ERROR_PASSWORD_MUST_CHANGE", PasswordExpired, "change it first: Ctrl+Alt+Del, Change a password"},
	1331:              {"ERROR_ACCOUNT_DISABLED", AccountLocked, ""},
	1793:              {"ERROR_ACCOUNT_EXPIRED", AccountLocked, ""},
	1909:              {"ERROR_ACCOUNT_LOCKED_OUT", AccountLocked, "have it unlocked (Unlock-ADAccount); trying again makes it worse"},
	9003:              {"DNS_ERROR_RCODE_NAME_ERROR", NoKDC, noWindowsKDC},
	1355:              {"ERROR_NO_SUCH_DOMAIN", NoKDC, noWindowsKDC},
	1311:              {"ERROR_NO_LOGON_SERVERS", NoKDC, noWindowsKDC},
}

const noWindowsKDC = "this computer finds no domain controller: is it in the domain, or connected to it by VPN? nltest /dsgetdc:DOMAIN /force asks; " + withoutWindows

// windowsError is a refusal by Windows itself: its status as one of our own errors, and
// with what Windows says. A status that is not known is a refusal like any other.
func windowsError(what string, status uint32) error {
	m, ok := winMeanings[winStatus(status)]
	if !ok {
		m.kind = KDCRefused
	}
	if m.advice == "" {
		m.advice = withoutWindows
	}
	return &Error{Kind: m.kind, What: what, Advice: m.advice, Err: winStatus(status)}
}
