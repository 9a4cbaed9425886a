package ews

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Form is a way in which ExchangeImpersonation names an account: the name of the
// child of ConnectingSID.
type Form string

// The forms of an identity
// (https://learn.microsoft.com/exchange/client-developer/web-service-reference/connectingsid).
const (
	SMTPAddress        Form = "SmtpAddress"        // any address of the mailbox
	PrimarySMTPAddress Form = "PrimarySmtpAddress" // its primary one only
	PrincipalName      Form = "PrincipalName"      // UPN, which may differ from every address
	SID                Form = "SID"                // in the form S-1-5-21-…
)

// Forms returns every form, in the order of a diagnosis.
func Forms() []Form { return []Form{SMTPAddress, PrimarySMTPAddress, PrincipalName, SID} }

// An Identity is an account to act for. The zero Identity acts for nobody: the
// account that logged on acts for itself.
type Identity struct {
	Form  Form
	Value string
}

// IsZero reports whether the identity is nobody.
func (i Identity) IsZero() bool { return i == Identity{} }

func (i Identity) String() string {
	if i.IsZero() {
		return "nobody"
	}
	return string(i.Form) + " " + i.Value
}

// maxIdentity is longer than any address (RFC 5321, 4.5.3.1) or UPN.
const maxIdentity = 1024

var sidPattern = regexp.MustCompile(`^S-1-[0-9]{1,15}(?:-[0-9]{1,10}){1,15}$`)

// Validate says what is wrong with the identity, before a server has to.
func (i Identity) Validate() error {
	switch i.Form {
	case SMTPAddress, PrimarySMTPAddress:
		return checkAddress(i.Value)
	case PrincipalName:
		if err := checkAddress(i.Value); err != nil {
			return fmt.Errorf("a user principal name has the form user@domain: %w", err)
		}
		return nil
	case SID:
		if !sidPattern.MatchString(strings.ToUpper(i.Value)) {
			return fmt.Errorf("%q: not a security identifier (S-1-5-21-…)", i.Value)
		}
		return nil
	}
	return fmt.Errorf("%q: not a form of identity", i.Form)
}

// checkAddress wants one @ with something on both sides, and nothing that a header
// or XML could not hold.
func checkAddress(address string) error {
	local, domain, _ := strings.Cut(address, "@")
	switch {
	case !utf8.ValidString(address) || strings.ContainsFunc(address, isUnfit):
		return fmt.Errorf("%q: it has characters that no address has", address)
	case len(address) > maxIdentity:
		return fmt.Errorf("%.40q…: %d bytes are too many for an address", address, len(address))
	case local == "" || domain == "" || strings.Contains(domain, "@"):
		return fmt.Errorf("%q: not an address (user@domain)", address)
	}
	return nil
}

// isUnfit reports whether no address can hold a character: blanks, what controls,
// what cannot be seen, what XML 1.0 does not have, and the brackets of a list.
func isUnfit(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0xFFFE || r == 0xFFFF ||
		strings.ContainsRune(`<>,;:"\`, r)
}

// A Mailbox is what a request is about.
type Mailbox struct {
	// Address is an SMTP address of the mailbox. It goes into X-AnchorMailbox: without
	// that a front end may ask the wrong back end, which costs time, or fails.
	Address string
	// As is the account to act for; zero acts for nobody.
	As Identity
}

// Impersonated is a mailbox that is acted for by its address.
func Impersonated(address string) Mailbox {
	return Mailbox{Address: address, As: Identity{SMTPAddress, address}}
}

func (m Mailbox) validate() error {
	if err := checkAddress(m.Address); err != nil {
		return err
	}
	if m.As.IsZero() {
		return nil
	}
	return m.As.Validate()
}

func (m Mailbox) String() string {
	switch {
	case m.As.IsZero():
		return m.Address
	case m.As == Identity{SMTPAddress, m.Address}:
		return "as " + m.Address
	}
	return fmt.Sprintf("as %s by %s %s", m.Address, m.As.Form, m.As.Value)
}

// isUnfitText reports whether XML 1.0 cannot hold a character, or a person cannot
// have meant it.
func isUnfitText(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF
}
