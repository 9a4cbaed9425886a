package negotiate

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/exgrant/exgrant/internal/nettext"
)

// FindKDC returns the realm that the account's tickets come from, and the address of a
// KDC of it to which there is a connection. Nothing is sent. An error is of kind NoKDC
// or BadCredential. Of the user who is logged on to Windows it is what Windows says,
// which may log on where it does not say.
func (a *Account) FindKDC(ctx context.Context) (realm, address string, err error) {
	if a.sspi {
		return sspiKDC()
	}
	if err := a.checkKerberos(); err != nil {
		return "", "", err
	}
	if realm, err = a.conf.realmOf(a.user); err != nil {
		return "", "", err
	}
	addresses, err := a.kdc.addresses(ctx, realm)
	if home := a.conf.defaultRealm; KindOf(err) == NoKDC && home != "" && home != realm {
		if there, failed := a.kdc.addresses(ctx, home); failed == nil {
			realm, addresses, err = home, there, nil // as login does with a UPN suffix
		}
	}
	if err != nil {
		return realm, "", err
	}
	var failed []error
	for _, address := range a.kdc.lastFirst(realm, addresses) {
		err := a.kdc.connect(ctx, address)
		if err == nil {
			a.kdc.remember(realm, address)
			return realm, address, nil
		}
		failed = append(failed, silence(address, err))
	}
	if ctx.Err() != nil {
		return realm, "", ctx.Err()
	}
	return realm, "", noAnswer(realm, failed)
}

// connect opens a connection, and closes it.
func (l *kdcLink) connect(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, kdcTimeout)
	defer cancel()
	conn, err := l.dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// An explained error has an administrator's words in place of its cause's.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// Hint is empty: the text says all.
func (e *explained) Hint() string { return "" }

// silence says why a KDC gives no answer.
func silence(address string, err error) error {
	text := nettext.Cause(err)
	if host, _, _ := net.SplitHostPort(address); !strings.Contains(text, host) {
		text = address + ": " + text
	}
	return &explained{text, err}
}

func noAnswer(realm string, failed []error) error {
	var why []string
	for _, err := range failed {
		why = append(why, err.Error())
	}
	return &Error{Kind: NoKDC, What: "no KDC of " + realm + " answers", Err: &explained{strings.Join(why, "; "), errors.Join(failed...)},
		Advice: "TCP port 88 of a domain controller of " + realm + " must be reachable from here; krb5.conf (--krb5-config) can name one that is"}
}

// A Challenge is what a server answers to a request from nobody.
type Challenge struct {
	Status  int
	Offered []string    // the schemes of WWW-Authenticate
	Header  http.Header // of the answer
}

// Challenge sends one empty request, from nobody, over a connection of its own.
func (t *Transport) Challenge(ctx context.Context, u *url.URL) (Challenge, error) {
	if err := t.mayBeClear(u); err != nil {
		return Challenge{}, err
	}
	c, err := t.dial(ctx, u)
	if err != nil {
		return Challenge{}, err
	}
	defer c.close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return Challenge{}, err
	}
	r.Header.Set("Content-Type", "application/soap+xml;charset=UTF-8")
	response, err := c.post(ctx, r, nil, "")
	if err != nil {
		return Challenge{}, err
	}
	defer discard(response)
	return Challenge{response.StatusCode, schemesOf(parseChallenges(response.Header)), response.Header}, redirected(response)
}

// Accepts says of the schemes that a server offers why the transport would use none;
// nil when there is one.
func (t *Transport) Accepts(offered []string) error {
	switch t.config.Method {
	case Certificate:
		return nil // TLS has logged on
	case Basic:
		if offers(offered, "Basic") {
			return nil
		}
	}
	_, err := schemeFor(t.config.Method, offered)
	return err
}
