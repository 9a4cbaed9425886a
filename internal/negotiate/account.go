package negotiate

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"sync"
	"time"
)

// An AccountConfig says who logs on, and by which secret: the password, else the
// keytab, else the ticket cache. With none of them it is the ticket cache that
// Kerberos' own programs would use, and on Windows the user who is logged on.
type AccountConfig struct {
	// Username is user@REALM, DOMAIN\user, or user where krb5.conf has a default realm.
	// With a keytab or a ticket cache it may be empty, where those have one principal.
	Username string
	Password Secret
	Keytab   string // a file
	CCache   string // a file, or FILE: and a file

	// Krb5Config is the krb5.conf to use; empty is that of KRB5_CONFIG or the system. There
	// may be none: then the DNS knows the KDCs.
	Krb5Config string

	Getenv    func(string) string // nil is os.Getenv
	Now       func() time.Time    // decides when tickets are renewed; nil is time.Now
	Dial      DialFunc            // to KDCs; nil is a net.Dialer's
	LookupSRV LookupSRVFunc       // nil is net.DefaultResolver's
	Resolve   ResolveFunc         // tells why a service is not known; nil is net.DefaultResolver's
}

// An Account is who logs on, and the Kerberos tickets that were got for it: one
// ticket serves any number of connections, and is replaced before it ends. It is
// safe for concurrent use. It keeps to itself what it holds.
type Account struct {
	config AccountConfig
	user   userName
	conf   *krb5Conf
	kdc    kdcLink
	source keySource // nil when there is none, for which noKey is the reason, and with sspi
	noKey  error
	noConf error   // why the system's krb5.conf cannot be read
	etypes []int32 // to ask for, the preferred first
	sspi   bool    // the user who is logged on to Windows

	asking chan struct{} // holds one token; who has it talks to the KDCs

	mu      sync.Mutex
	tgts    map[string]*ticket // of the realm that they are for
	service map[string]*ticket // by SPN
	refused error              // the KDC's last word about the secret
	doors   map[string]*door
}

// NewAccount reads what is needed to log on; nobody is contacted. An error is of
// kind BadCredential.
func NewAccount(c AccountConfig) (*Account, error) {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: -1}).DialContext
	}
	if c.LookupSRV == nil {
		c.LookupSRV = net.DefaultResolver.LookupSRV
	}
	if c.Resolve == nil {
		c.Resolve = resolve
	}
	a := &Account{config: c, asking: make(chan struct{}, 1),
		tgts: map[string]*ticket{}, service: map[string]*ticket{}, doors: map[string]*door{}}
	if c.Username != "" {
		var err error
		if a.user, err = parseUserName(c.Username); err != nil {
			return nil, err
		}
	}
	a.sspi = haveSSPI && c.Username == "" && c.Password.IsZero() && c.Keytab == "" && c.CCache == ""
	if a.sspi {
		return a, nil
	}
	var err error
	if a.conf, err = loadKrb5Conf(c.Krb5Config, c.Getenv); err != nil {
		if c.Krb5Config != "" || c.Keytab != "" || c.CCache != "" {
			return nil, err
		}
		a.conf, a.noConf = &krb5Conf{}, err // ways to log on without Kerberos have no use for it
	}
	a.kdc = kdcLink{conf: a.conf, dial: c.Dial, lookupSRV: c.LookupSRV, answered: map[string]string{}}
	a.source, err = a.newSource()
	a.etypes = a.conf.enctypes
	if k, ok := a.source.(*keytabSource); ok && k.has(enctypeRC4, a.user.name) && !slices.Contains(a.etypes, enctypeRC4) {
		a.etypes = append(slices.Clone(a.etypes), enctypeRC4)
	}
	if err != nil && c.Keytab == "" && c.CCache == "" && c.Password.IsZero() {
		a.source, a.noKey, err = nil, err, nil // ways to log on without Kerberos may have no use for one
	}
	return a, err
}

// checkKerberos says why the account cannot log on by Kerberos, as far as that is
// known without asking.
func (a *Account) checkKerberos() error {
	if err := cmp.Or(a.noConf, a.noKey); a.sspi || err != nil {
		return err
	}
	_, err := a.conf.realmOf(a.user)
	return err
}

// newSource finds the secret.
func (a *Account) newSource() (keySource, error) {
	switch c := a.config; {
	case !c.Password.IsZero() && c.Username == "":
		return nil, &Error{Kind: BadCredential, What: "a password is given, and no user name"}
	case !c.Password.IsZero():
		return &passwordSource{c.Password}, nil
	case c.Keytab != "":
		return a.newKeytabSource(c.Keytab)
	}
	return a.newCacheSource()
}

// password returns the password for the ways to log on that need one.
func (a *Account) password(method Method) (Secret, error) {
	if a.user.given == "" || a.config.Password.IsZero() {
		return Secret{}, &Error{Kind: BadCredential, What: fmt.Sprintf("logging on by %s needs a user name and a password", method)}
	}
	return a.config.Password, nil
}

// Username returns the user as given, the principal of keytab or ticket cache, or who
// is logged on to Windows. Of an account that can log on it is never empty.
func (a *Account) Username() string {
	if a.sspi {
		return cmp.Or(sspiUser(), ThisUser())
	}
	if a.user.given == "" && a.source != nil {
		return a.source.principal()
	}
	return a.user.given
}

// ThisUser is who runs this program, as the system calls them: DOMAIN\user on Windows.
func ThisUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("user %d", os.Getuid()) // of a container, where nothing names users
}

// Format writes who it is, and nothing of what it holds.
func (a *Account) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "account %s", quote(a.Username())) }

// A door is one server at which the account logs on by a password. Until the
// password has been taken there, one attempt is made at a time; when it has been
// refused, none is made any more: domains count them.
type door struct {
	attempt chan struct{} // holds one token
	taken   bool
	refused error
}

// enter waits until an attempt may be made. The caller tells its outcome by leave:
// nil for taken, an Error of kind LogonRefused, or another that tells nothing.
func (a *Account) enter(ctx context.Context, name string) (leave func(error), err error) {
	a.mu.Lock()
	d := a.doors[name]
	if d == nil {
		d = &door{attempt: make(chan struct{}, 1)}
		a.doors[name] = d
	}
	taken, refused := d.taken, d.refused
	a.mu.Unlock()
	if taken || refused != nil {
		return func(error) {}, refused
	}
	select {
	case d.attempt <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	a.mu.Lock()
	refused = d.refused
	a.mu.Unlock()
	leave = func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if err == nil {
			d.taken = true
		} else if KindOf(err) == LogonRefused {
			d.refused = err
		}
		<-d.attempt
	}
	if refused != nil {
		leave(refused)
		return nil, refused
	}
	return leave, nil
}
