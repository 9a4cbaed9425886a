package negotiate

import (
	"regexp"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A domain controller as a second KDC: every encryption type of an Active
// Directory, names as its users write them, and what it says of accounts that cannot
// log on.
func TestSamba(t *testing.T) {
	samba := peers.StartSamba(t)
	for _, user := range []string{"disabled", "expired", "mustchange", "locked", "suffixed"} {
		samba.Tool(t, "user", "create", user, peers.KDCPassword)
	}
	samba.Tool(t, "user", "disable", "disabled")
	samba.Modify(t, "expired", "replace: accountExpires", "accountExpires: 116444736000000001")
	samba.Modify(t, "mustchange", "replace: pwdLastSet", "pwdLastSet: 0")
	samba.Modify(t, "suffixed", "replace: userPrincipalName", "userPrincipalName: first.last@mail.example")
	samba.Tool(t, "domain", "passwordsettings", "set", "--account-lockout-threshold=3")
	s := stage{samba.KDC, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: samba.KDC, Args: []string{"--require-encryption"}})}

	for _, enctype := range []string{"aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "arcfour-hmac"} {
		t.Run(enctype, func(t *testing.T) {
			a := s.account(t, func(c *AccountConfig) { c.Krb5Config = krb5ConfWith(t, samba.KDC, enctype) })
			rt := s.transport(t, Kerberos, a, nil)
			if _, _, err := post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Create", 70000)); err != nil {
				t.Fatalf("%v\n%s", err, s.acceptor.Log())
			}
			if ticket, err := a.Ticket(t.Context(), "HTTP/ex01.contoso.test"); err != nil || ticket.Enctype != enctype {
				t.Errorf("%+v, %v", ticket, err)
			}
		})
	}
	for _, name := range []string{"alice@contoso.test", "ALICE@CONTOSO.TEST", `CONTOSO\alice`, "alice", "first.last@mail.example"} {
		t.Run(name, func(t *testing.T) {
			a := s.account(t, func(c *AccountConfig) { c.Username = name })
			rt := s.transport(t, Kerberos, a, nil)
			if _, _, err := post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Create", 100)); err != nil {
				t.Fatalf("%v\n%s", err, s.acceptor.Log())
			}
		})
	}
	for user, test := range map[string]struct {
		kind Kind
		text string
	}{
		"nobody":     {UnknownAccount, "does not know"},
		"disabled":   {AccountLocked, "disabled"},
		"expired":    {AccountLocked, "expired"},
		"mustchange": {PasswordExpired, "password"},
	} {
		a := s.account(t, func(c *AccountConfig) { c.Username = user + "@CONTOSO.TEST" })
		if _, err := a.Login(t.Context()); KindOf(err) != test.kind || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v (%s), want %s", user, err, KindOf(err), test.kind)
		}
	}
	if _, err := s.account(t, nil).Ticket(t.Context(), "HTTP/balanced.contoso.test"); KindOf(err) != UnknownSPN {
		t.Errorf("%v", err)
	}

	// A wrong password is one failure in the domain's count, however often we are asked.
	for want := 1; want <= 3; want++ {
		a := s.account(t, func(c *AccountConfig) {
			c.Username, c.Password = "locked@CONTOSO.TEST", NewSecret("wrong-Passw0rd")
		})
		for range 3 {
			rt := s.transport(t, Negotiate, a, nil)
			if _, _, err := post(t.Context(), rt, s.acceptor.URL+"/wsman", envelope("Create", 100)); KindOf(err) != WrongPassword {
				t.Errorf("%v", err)
			}
		}
		shown := samba.Tool(t, "user", "show", "locked", "--attributes=badPwdCount")
		if count := regexp.MustCompile(`badPwdCount: (\d+)`).FindStringSubmatch(shown); count == nil || count[1] != string(rune('0'+want)) {
			t.Errorf("after %d accounts: %s", want, shown)
		}
	}
	a := s.account(t, func(c *AccountConfig) { c.Username = "locked@CONTOSO.TEST" })
	if _, err := a.Login(t.Context()); KindOf(err) != AccountLocked {
		t.Errorf("locked: %v", err)
	}
}
