package negotiate

import (
	"errors"
	"strings"
	"testing"
)

// What Windows says is one of our own errors, with the code that people search for.
func TestWindowsError(t *testing.T) {
	for _, test := range []struct {
		status uint32
		kind   Kind
		text   string
		advice string
	}{
		{0x80090303, UnknownSPN, "Windows cannot log on: 0x80090303 SEC_E_TARGET_UNKNOWN", "full name"},
		{0x80090322, UnknownSPN, "Windows cannot log on: 0x80090322 SEC_E_WRONG_PRINCIPAL", "setspn -X"},
		{0x8009030E, BadCredential, "Windows cannot log on: 0x8009030E SEC_E_NO_CREDENTIALS", "second hop"},
		{0x80090324, ClockSkew, "Windows cannot log on: 0x80090324 SEC_E_TIME_SKEW", "w32tm"},
		{0x80090311, NoKDC, "Windows cannot log on: 0x80090311 SEC_E_NO_AUTHENTICATING_AUTHORITY", "nltest"},
		{0x8009030C, LogonRefused, "Windows cannot log on: 0x8009030C SEC_E_LOGON_DENIED", "may not log on"},
		{0x80090346, ChannelBinding, "Windows cannot log on: 0x80090346 SEC_E_BAD_BINDINGS", "load balancer"},
		{1909, AccountLocked, "Windows cannot log on: 0x00000775 ERROR_ACCOUNT_LOCKED_OUT", "Unlock-ADAccount"},
		{0x8009DEAD, KDCRefused, "Windows cannot log on: 0x8009DEAD", "--logon"},
	} {
		err := windowsError("Windows cannot log on", test.status)
		var e *Error
		if !errors.As(err, &e) || e.Kind != test.kind || e.Error() != test.text || !strings.Contains(e.Hint(), test.advice) {
			t.Errorf("0x%08X: got %s %q, hint %q; want %s %q, a hint with %q", test.status, KindOf(err), err, e.Hint(), test.kind, test.text, test.advice)
		}
	}
}

// The codes that our own errors give for programs mean the same where Windows gives
// them; but for a ticket that ended, where Windows has no credentials at all.
func TestWindowsCodes(t *testing.T) {
	for kind, code := range codes {
		m, ok := winMeanings[winStatus(code)]
		if !ok || (&Error{Kind: m.kind}).Code() == code || kind == TicketExpired {
			continue
		}
		t.Errorf("%s is 0x%08X, which Windows gives for %s", kind, code, m.kind)
	}
	for status, m := range winMeanings {
		if m.name == "" || m.kind == "" {
			t.Errorf("0x%08X has no name or no kind", uint32(status))
		}
	}
}
