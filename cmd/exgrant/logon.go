package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/remote"
)

// The SESSION flags about the log-on, beside those of session.go.
const (
	flagKeytab      = "keytab"
	flagCCache      = "ccache"
	flagKrb5Config  = "krb5-config"
	flagClientCert  = "client-cert"
	flagClientKey   = "client-key"
	flagSPN         = "spn"
	flagSealOverTLS = "seal-over-tls"
)

func logonFlags(category string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: flagAuth, Category: category,
			Usage: "`METHOD`: kerberos, negotiate, ntlm, basic, certificate"},
		&cli.StringFlag{Name: flagLogon, Category: category, Usage: "`USER`@REALM or DOMAIN\\USER; else the ticket's"},
		&cli.StringFlag{Name: flagPasswordFile, Category: category,
			Usage: "the password is the first line of `FILE`, - for standard input; else EXGRANT_PASSWORD, else that of exgrant login, else a ticket of kinit, else it is asked for"},
		&cli.StringFlag{Name: flagSecrets, Category: category,
			Usage: "for programs: `-` reads the passwords from standard input, as {\"password\": \"of --logon\", \"asPassword\": \"of --as\"}"},
		&cli.StringFlag{Name: flagKeytab, Category: category, Usage: "log on by a key of this `FILE`, without a password"},
		&cli.StringFlag{Name: flagCCache, Category: category, Usage: "log on by a ticket of this `FILE`; when not given, that of kinit"},
		&cli.StringFlag{Name: flagKrb5Config, Category: category, Usage: "find KDCs by this `FILE`; when not given, by the system's krb5.conf, and by the DNS"},
		&cli.StringFlag{Name: flagSPN, Category: category, Usage: "the `SERVICE`/HOST to ask a ticket for; when not given, HTTP/ and the server's name"},
		&cli.BoolFlag{Name: flagSealOverTLS, Category: category, Usage: "seal messages also where TLS protects them"},
		&cli.StringFlag{Name: flagClientCert, Category: category, Usage: "log on by the certificate in this PEM `FILE`, for --auth certificate"},
		&cli.StringFlag{Name: flagClientKey, Category: category, Usage: "its key, in this PEM `FILE`"},
	}
}

// logonUses says which ways to log on have a use for a flag.
var logonUses = []struct {
	flag    string
	methods []remote.AuthMethod
}{
	{flagKeytab, []remote.AuthMethod{remote.Kerberos, remote.Negotiate}},
	{flagCCache, []remote.AuthMethod{remote.Kerberos, remote.Negotiate}},
	{flagKrb5Config, []remote.AuthMethod{remote.Kerberos, remote.Negotiate}},
	{flagSPN, []remote.AuthMethod{remote.Kerberos, remote.Negotiate, remote.NTLM}},
	{flagSealOverTLS, []remote.AuthMethod{remote.Kerberos, remote.Negotiate, remote.NTLM}},
	{flagClientCert, []remote.AuthMethod{remote.Certificate}},
	{flagClientKey, []remote.AuthMethod{remote.Certificate}},
	{flagLogon, []remote.AuthMethod{remote.Kerberos, remote.Negotiate, remote.NTLM, remote.Basic}},
	{flagPasswordFile, []remote.AuthMethod{remote.Kerberos, remote.Negotiate, remote.NTLM, remote.Basic}},
}

// A logon is what the flags and variables say about who logs on.
type logon struct {
	p          *program
	c          *cli.Context
	way        remote.Transport
	credential remote.Credential
	file       string // of the password
}

// credential is who logs on. check tells what is wrong with it for its target, before
// anybody types a password; it contacts nobody, as does credential.
func (p *program) credential(c *cli.Context, way remote.Transport, check func(remote.Credential) error) (remote.Credential, error) {
	l := &logon{p: p, c: c, way: way}
	if err := l.read(); err != nil {
		return l.credential, err
	}
	if err := l.addCertificate(); err != nil {
		return l.credential, err
	}
	if err := l.addPassword(check); err != nil {
		return l.credential, err
	}
	shared, err := l.credential.Share()
	if err != nil && l.credential.Method != remote.Certificate {
		return l.credential, l.refuse(err)
	}
	return shared, nil
}

// read reads what is given, and refuses what does not go together.
func (l *logon) read() error {
	p, c := l.p, l.c
	method := remote.AuthMethod(strings.ToLower(p.setting(c, flagAuth)))
	if method == "" {
		method = defaultMethod(l.way)
	}
	if !slices.Contains(remote.AuthMethods(), method) {
		return usageErrorf("%s: --%s \"%s\": not one of kerberos, negotiate, ntlm, basic, certificate", c.Command.HelpName, flagAuth, method).
			withHint("kerberos is what Exchange's endpoint takes as it is shipped, negotiate what WinRM does")
	}
	l.credential.Method = method // decides what the others are for
	l.credential.Username, l.credential.Krb5Config = l.value(flagLogon), l.value(flagKrb5Config)
	if err := l.checkUses(); err != nil {
		return err
	}
	return l.chooseSecret()
}

// defaultMethod is how servers are logged on to as they are shipped.
func defaultMethod(way remote.Transport) remote.AuthMethod {
	if way == remote.PSRP {
		return remote.Kerberos
	}
	return remote.Negotiate
}

// value is the value of a flag, "" where the method has no use for it.
func (l *logon) value(flag string) string {
	if !l.uses(flag) {
		return ""
	}
	return l.p.setting(l.c, flag)
}

// uses reports whether the method has a use for a flag. A script that goes on to
// Exchange from a remote shell needs a name and password, whatever logs on there.
func (l *logon) uses(flag string) bool {
	for _, u := range logonUses {
		if u.flag == flag {
			hop := l.way == remote.WinRS && (flag == flagLogon || flag == flagPasswordFile)
			return hop || slices.Contains(u.methods, l.credential.Method)
		}
	}
	return true
}

// checkUses refuses flags that would do nothing. A variable may be there for other
// commands.
func (l *logon) checkUses() error {
	for _, u := range logonUses {
		if l.c.IsSet(u.flag) && !l.uses(u.flag) {
			var names []string
			for _, m := range u.methods {
				names = append(names, string(m))
			}
			return usageErrorf("%s: --%s has no meaning for --%s %s", l.c.Command.HelpName, u.flag, flagAuth, l.credential.Method).
				withHint("it is for --%s %s", flagAuth, strings.Join(names, ", "))
		}
	}
	return nil
}

// chooseSecret takes the one thing that proves who logs on: a flag, else a variable.
func (l *logon) chooseSecret() error {
	flags := []string{flagPasswordFile, flagKeytab, flagCCache}
	var given []string
	for _, f := range flags {
		if l.c.IsSet(f) {
			if l.c.String(f) == "" {
				return emptyValue(l.c, f)
			}
			given = append(given, "--"+f)
		}
	}
	isGiven := func(f string) bool { return l.c.IsSet(f) }
	if len(given) == 0 {
		for _, f := range flags {
			if l.value(f) != "" {
				given = append(given, variable(f))
			}
		}
		if l.p.getenv(envPassword) != "" && len(given) > 0 && given[0] != variable(flagPasswordFile) {
			given = append([]string{envPassword}, given...)
		}
		isGiven = func(f string) bool { return l.value(f) != "" }
	}
	if len(given) > 1 {
		return usageErrorf("%s: %s and %s exclude each other", l.c.Command.HelpName, given[0], given[1]).withHint("one of them proves who logs on")
	}
	if isGiven(flagPasswordFile) {
		l.file = l.value(flagPasswordFile)
	}
	if isGiven(flagKeytab) {
		l.credential.Keytab = l.value(flagKeytab)
	}
	if isGiven(flagCCache) {
		l.credential.CCache = l.value(flagCCache)
	}
	return nil
}

func (l *logon) addCertificate() error {
	if l.credential.Method != remote.Certificate {
		return nil
	}
	cert, key := l.value(flagClientCert), l.value(flagClientKey)
	if cert == "" || key == "" {
		return usageErrorf("%s: --%s certificate needs a certificate and its key", l.c.Command.HelpName, flagAuth).
			withHint("--%s FILE --%s FILE, both PEM", flagClientCert, flagClientKey)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return usageErrorf("%s: --%s %s, --%s %s: %s", l.c.Command.HelpName, flagClientCert, cert, flagClientKey, key,
			strings.TrimPrefix(err.Error(), "tls: ")).withHint("both are PEM, the key without a password: openssl pkcs12 -nodes takes them out of a .pfx")
	}
	l.credential.Certificate = &pair
	return nil
}

// addPassword finds the password where one is needed.
func (l *logon) addPassword(check func(remote.Credential) error) error {
	if l.credential.Keytab != "" || l.credential.CCache != "" {
		return l.refuse(check(l.credential))
	}
	if l.credential.Username == "" {
		return l.withoutName(check)
	}
	if l.credential.Method == remote.Certificate && check(l.credential) == nil {
		return nil
	}
	// What is wrong with the target is told before anybody types a password.
	trial := l.credential
	trial.Password = remote.NewSecret("-")
	if err := check(trial); err != nil {
		return l.refuse(err)
	}
	password, err := l.p.knownPassword(l.c, l.file, envPassword, l.credential.Username)
	if err != nil {
		return err
	}
	if password.IsZero() && l.credential.HasTicket() && check(l.credential) == nil {
		return nil
	}
	if password.IsZero() {
		password, err = l.p.askPassword(l.c, envPassword, l.credential.Username, flagPasswordFile)
	}
	l.credential.Password = password
	return err
}

// withoutName is for whoever the certificate, the ticket of kinit or, on Windows, the
// session is.
func (l *logon) withoutName(check func(remote.Credential) error) error {
	secret := l.credential.Method != remote.Certificate && (l.file != "" || l.p.getenv(envPassword) != "")
	err := l.refuse(check(l.credential)) // NTLM needs no name on Windows
	byName := l.credential.Method == remote.NTLM || l.credential.Method == remote.Basic
	if byName && err != nil || secret {
		err = usageErrorf("%s: nobody is named to log on", l.c.Command.HelpName).
			withHint("--%s admin@contoso.com, or %s", flagLogon, variable(flagLogon))
	}
	var hinted *hintedError
	if errors.As(err, &hinted) && l.p.getenv("EXGRANT_USERNAME") != "" {
		return hinted.withHint("EXGRANT_USERNAME is not read: it is called %s", variable(flagLogon))
	}
	return err
}

// refuse says of what cannot log on, or not there, what to do.
func (l *logon) refuse(err error) error {
	if err == nil {
		return nil
	}
	refusal := usageErrorf("%s: %w", l.c.Command.HelpName, err)
	var adviser interface{ Hint() string }
	if errors.As(err, &adviser) && adviser.Hint() != "" {
		_ = refusal.withHint("%s", adviser.Hint())
	}
	return refusal.withHint("exgrant help session tells of servers and log-ons")
}

// checkSPN refuses what is no service name.
func checkSPN(c *cli.Context, spn string) error {
	service, host, ok := strings.Cut(spn, "/")
	if spn == "" || ok && service != "" && host != "" && !strings.ContainsAny(spn, " \\") {
		return nil
	}
	return usageErrorf("%s: --%s \"%s\" is no service name", c.Command.HelpName, flagSPN, spn).
		withHint("write %s", fmt.Sprintf("--%s HTTP/ex01.contoso.com", flagSPN))
}
