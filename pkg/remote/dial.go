package remote

import (
	"context"
	"fmt"
	"net/url"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// An AuthMethod is a way to log on.
type AuthMethod string

// Basic sends name and password with every request. It is refused but over TLS or
// to this machine.
const Basic AuthMethod = "basic"

// AuthMethods returns every way to log on.
func AuthMethods() []AuthMethod { return []AuthMethod{Basic} }

// A Credential is who logs on, and how.
type Credential struct {
	Method   AuthMethod
	Username string // user@REALM or DOMAIN\user
	Password Secret
}

// A Session runs pipelines at a server. It is safe for concurrent use. Whoever
// opened it closes it: that deletes what the server holds for it.
type Session interface {
	exchange.Invoker

	// Target says where the session is, for reports.
	Target() exchange.Target

	// Close ends the session. It is done even when ctx has ended, within a time of its
	// own. A second Close does nothing.
	Close(ctx context.Context) error
}

// New returns a session over PowerShell remoting that opens when it is first used.
// The error is about target and credential; nobody is contacted.
func New(t Target, c Credential) (Session, error) {
	u, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	if err := c.check(t, u); err != nil {
		return nil, err
	}
	return newPSRPSession(t, u, c), nil
}

// check says what is wrong with a credential for a URL.
func (c Credential) check(t Target, u *url.URL) error {
	switch {
	case c.Method != Basic:
		return fmt.Errorf("there is no way to log on by %q", c.Method)
	case c.Username == "" || c.Password.IsZero():
		return fmt.Errorf("logging on by basic needs a user name and a password")
	case u.Scheme != "https" && t.elsewhere(u) != "":
		return fmt.Errorf("basic would send the password to %s in clear: it is for TLS, or for this machine", t.elsewhere(u))
	}
	return nil
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
