package remote

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"

	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// An AuthMethod is a way to log on.
type AuthMethod string

// The ways to log on. Kerberos, Negotiate and NTLM seal every message where there
// is no TLS, and bind the log-on to the server's certificate where there is.
const (
	Kerberos    = AuthMethod(negotiate.Kerberos)
	Negotiate   = AuthMethod(negotiate.Negotiate)   // Kerberos; NTLM where there is no KDC or no service name
	NTLM        = AuthMethod(negotiate.NTLM)        // version 2
	Basic       = AuthMethod(negotiate.Basic)       // the password itself: over TLS, or to this machine
	Certificate = AuthMethod(negotiate.Certificate) // WinRM over TLS
)

// AuthMethods returns every way to log on.
func AuthMethods() []AuthMethod {
	return []AuthMethod{Kerberos, Negotiate, NTLM, Basic, Certificate}
}

// A Credential is who logs on, and how. Kerberos uses the password, else the
// keytab, else the ticket cache; with none of them the ticket cache that kinit
// fills, and on Windows the user who is logged on.
type Credential struct {
	Method   AuthMethod
	Username string // user@REALM or DOMAIN\user; may be empty with a keytab or a ticket cache
	Password Secret

	Keytab     string // a file
	CCache     string // a ticket cache in a file; empty is that of KRB5CCNAME
	Krb5Config string // a krb5.conf; empty is that of KRB5_CONFIG or the system, if there is one

	Certificate *tls.Certificate // for the method Certificate

	account *negotiate.Account
}

// Share returns the credential with a place for its Kerberos tickets: sessions with
// copies of it use the same ones, which are renewed before they end. Without it
// every session gets its own. Nobody is contacted; the error is about what the
// credential names.
func (c Credential) Share() (Credential, error) {
	account, err := negotiate.NewAccount(negotiate.AccountConfig{Username: c.Username, Password: c.Password,
		Keytab: c.Keytab, CCache: c.CCache, Krb5Config: c.Krb5Config})
	c.account = account
	return c, err
}

// User returns who logs on, for reports: the name as given, else that of the keytab,
// ticket cache or certificate, else who is logged on to this computer. Of a credential
// that is shared it is never empty.
func (c Credential) User() string {
	switch {
	case c.Username != "":
		return c.Username
	case c.Method == Certificate && c.Certificate != nil:
		return certificateUser(c.Certificate)
	case c.account == nil:
		return ""
	}
	return cmp.Or(c.account.Username(), negotiate.ThisUser())
}

// certificateUser names the holder of a certificate.
func certificateUser(c *tls.Certificate) string {
	if leaf, err := x509.ParseCertificate(slices.Concat(c.Certificate[:min(1, len(c.Certificate))]...)); err == nil {
		return "certificate " + leaf.Subject.String()
	}
	return "a certificate"
}

// HasTicket reports whether a ticket cache, the given one or that of kinit, has a
// ticket of this user that has not ended.
func (c Credential) HasTicket() bool {
	if c.Method != Kerberos && c.Method != Negotiate {
		return false
	}
	c.Password, c.Keytab = Secret{}, ""
	shared, err := c.Share()
	return err == nil && shared.account.HasTicket()
}

// byWindows reports whether Windows logs the user on who is logged on there.
func (c Credential) byWindows() bool { return c.account != nil && c.account.ByWindows() }

// A Session runs pipelines at a server. It is safe for concurrent use. Whoever
// opened it closes it: that deletes what the server holds for it.
type Session interface {
	exchange.LanguageModer
	exchange.Session

	// Close ends the session. It is done even when ctx has ended, within a time of its
	// own. A second Close does nothing.
	Close(ctx context.Context) error
}

// NewOver returns a session by a transport, which opens when it is first used. The
// error is about the arguments; nobody is contacted. Local logs on nowhere: it has no
// use for a credential.
func NewOver(way Transport, t Target, c Credential, o ShellOptions) (Session, error) {
	switch way {
	case WinRS:
		return NewWinRS(t, c, o)
	case Local:
		return NewLocal(t, o)
	}
	return New(t, c)
}

// New returns a session over PowerShell remoting that opens when it is first used.
// The error is about target and credential; nobody is contacted.
func New(t Target, c Credential) (Session, error) {
	u, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	connections, err := newHTTPClient(t, u, c)
	if err != nil {
		return nil, err
	}
	return newPSRPSession(t, u, connections, c.User()), nil
}

// Dial opens a session over PowerShell remoting. Errors about the server are of
// type *Error.
func Dial(ctx context.Context, t Target, c Credential) (Session, error) {
	s, err := New(t, c)
	if err != nil {
		return nil, err
	}
	if _, err := s.(*psrpSession).open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
