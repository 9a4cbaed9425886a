package remote

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/nettext"
	"github.com/exgrant/exgrant/internal/wsman"
)

// Approach goes the way to a server step by step, from its name to the ticket for its
// service, and hands on each rung as it ends. It opens no session, and logs nobody on
// at the server; a KDC is asked once with the secret. It ends at the first rung that
// fails, and reports whether none did. A credential that is shared (Credential.Share)
// keeps its tickets for the session that follows, and what a KDC refused.
//
// The error is about target and credential; then nobody was contacted.
func Approach(ctx context.Context, way Transport, t Target, c Credential, yield func(Rung)) (bool, error) {
	u, err := t.endpoint()
	if way == WinRS {
		u, err = t.winrmEndpoint()
	}
	if err != nil {
		return false, err
	}
	if c.account == nil {
		if c, err = c.Share(); err != nil {
			return false, err
		}
	}
	connections, err := newHTTPClient(t, u, c)
	if err != nil {
		return false, err
	}
	defer connections.CloseIdleConnections()
	a := &approach{way: way, target: t, credential: c, url: u, transport: connections.Transport.(*negotiate.Transport)}
	for _, step := range []func(context.Context) Rung{a.name, a.tcp, a.tls, a.challenge, a.kdc, a.ticket, a.spn} {
		begun := time.Now()
		r := step(ctx)
		r.Took = time.Since(begun)
		if ctx.Err() != nil {
			return false, nil
		}
		yield(r)
		if r.Err != nil {
			return false, nil
		}
	}
	return true, nil
}

// An approach is one way to one server.
type approach struct {
	way        Transport
	target     Target
	credential Credential
	url        *url.URL
	transport  *negotiate.Transport

	address string // that the connection was made to
	useNTLM string // why Kerberos is not used, where negotiate goes on without
}

// place is the host and port to connect to.
func (a *approach) place() (host, port string) {
	if a.target.ConnectTo != "" {
		host, port, _ = net.SplitHostPort(a.target.ConnectTo) // endpoint has looked at it
		return host, port
	}
	return a.url.Hostname(), cmp.Or(a.url.Port(), map[string]string{"http": "80", "https": "443"}[a.url.Scheme])
}

// pass, skip and fail end a rung.
func (r Rung) pass(means, saw string) Rung {
	r.Means, r.Saw = means, saw
	return r
}

func (r Rung) skip(why string) Rung {
	r.Means = why
	return r
}

func (r Rung) fail(means string, err error, next string) Rung {
	r.Means, r.Err = means, &Error{Doing: r.Tried, Err: err}
	if r.Saw == "" {
		r.Saw = err.Error()
	}
	r.Next = next
	return r
}

// refuse is fail for what the log-on says of itself.
func (r Rung) refuse(means string, err error) Rung {
	next := ""
	var logon *negotiate.Error
	if errors.As(err, &logon) {
		next = logon.Advice
	}
	return r.fail(means, err, next)
}

func (a *approach) name(ctx context.Context) Rung {
	host, _ := a.place()
	r := Rung{Level: LevelName, Tried: "looking up " + host}
	if _, err := netip.ParseAddr(host); err == nil {
		return r.skip(host + " is an address")
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return r.fail("The name is not known", unsent(a.url, err), withoutStop(nettext.Advice(err)))
	}
	return r.pass("The name has an address", host+" is "+strings.Join(addresses, ", "))
}

// unsent is an error on the way, before anything of a request was sent.
func unsent(u *url.URL, err error) error {
	return &wsman.NetworkError{Action: wsman.ActionCreate, URL: u.String(), Err: err}
}

func (a *approach) tcp(ctx context.Context) Rung {
	host, port := a.place()
	r := Rung{Level: LevelTCP, Tried: "connecting to " + net.JoinHostPort(host, port)}
	conn, err := (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return r.fail("No connection", unsent(a.url, err), withoutStop(nettext.Advice(err))+". "+a.ports(port))
	}
	a.address = conn.RemoteAddr().String()
	conn.Close()
	return r.pass("Something listens there", a.address)
}

// withoutStop is a sentence as the texts of a rung have it.
func withoutStop(sentence string) string { return strings.TrimSuffix(sentence, ".") }

// ports says which ports the service has as it is shipped.
func (a *approach) ports(port string) string {
	usual := "/PowerShell of Exchange is on port 80, with TLS on 443 (--tls)"
	if a.way == WinRS {
		usual = "WinRM is on port 5985, with TLS on 5986 (--tls)"
	}
	return usual + "; firewalls must let port " + port + " through"
}

func (a *approach) tls(ctx context.Context) Rung {
	r := Rung{Level: LevelTLS, Tried: "TLS with " + a.url.Hostname()}
	if a.url.Scheme != "https" {
		if a.credential.Method == Basic {
			return r.skip("the address is http, of this computer")
		}
		return r.skip("the address is http, and every message is sealed")
	}
	config := &tls.Config{ServerName: a.url.Hostname(), RootCAs: a.target.RootCAs, MaxVersion: tls.VersionTLS12}
	if a.credential.Certificate != nil {
		config.Certificates = []tls.Certificate{*a.credential.Certificate}
	}
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: connectTimeout}, Config: config}).DialContext(ctx, "tcp", a.address)
	if err != nil {
		return a.noTLS(r, err)
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	return r.pass("The certificate is trusted, and the server's", tls.VersionName(state.Version)+", "+describe(state.PeerCertificates[0]))
}

// describe says of a certificate what matters here.
func describe(c *x509.Certificate) string {
	return fmt.Sprintf("a certificate for %s from %s, valid until %s", nettext.Names(c), nettext.Issuer(c), c.NotAfter.UTC().Format(time.DateOnly))
}

// noTLS says what is wrong with a certificate, or with TLS itself.
func (a *approach) noTLS(r Rung, err error) Rung {
	means, next := "No TLS", withoutStop(nettext.Advice(err))
	if errors.As(err, new(*tls.CertificateVerificationError)) {
		means = "The certificate is not accepted"
	}
	if errors.As(err, new(tls.RecordHeaderError)) {
		next += ". " + a.ports(a.port())
	}
	return r.fail(means, unsent(a.url, err), cmp.Or(next, "See what is between: something cuts TLS off"))
}

func (a *approach) port() string {
	_, port := a.place()
	return port
}

func (a *approach) challenge(ctx context.Context) Rung {
	r := Rung{Level: LevelChallenge, Tried: "an empty request from nobody to " + a.url.Redacted()}
	ctx, cancel := context.WithTimeout(ctx, a.target.timeout())
	defer cancel()
	c, err := a.transport.Challenge(ctx, a.url)
	if negotiate.KindOf(err) != "" {
		return r.refuse("The web server sends elsewhere", err)
	}
	if err != nil {
		return r.fail("What listens there gives no answer", &wsman.NetworkError{Action: wsman.ActionCreate, URL: a.url.String(), Sent: true, Err: err},
			"something else than a web server may listen there, or something in between cuts the connection; "+a.ports(a.port()))
	}
	r.Saw = fmt.Sprintf("HTTP %d", c.Status)
	if len(c.Offered) > 0 {
		r.Saw += ", which offers " + strings.Join(c.Offered, ", ")
	}
	if server := c.Header.Get("Server"); server != "" {
		r.Saw += ", from " + server
	}
	r.Saw += clockDifference(c.Header, time.Now())
	if c.Status != http.StatusUnauthorized {
		return a.unexpected(r, c)
	}
	if err := a.transport.Accepts(c.Offered); err != nil {
		return r.refuse("The server offers no log-on that was asked for", err)
	}
	return r.pass("The server accepts a log-on method that exgrant has", r.Saw)
}

// clockDifference tells of a server's clock that is too far away for Kerberos.
func clockDifference(h http.Header, now time.Time) string {
	there, err := http.ParseTime(h.Get("Date"))
	if d := now.Sub(there).Abs(); err == nil && d > 5*time.Minute {
		return fmt.Sprintf("; its clock and the one here differ by %v, and Kerberos bears 5m0s", d.Round(time.Second))
	}
	return ""
}

// unexpected says what an answer means that is no challenge.
func (a *approach) unexpected(r Rung, c negotiate.Challenge) Rung {
	err := &wsman.HTTPError{Status: c.Status, Offered: c.Offered, Server: c.Header.Get("Server"), Action: wsman.ActionCreate, URL: a.url.String()}
	next := err.Meaning()
	switch {
	case c.Status < 300 && a.credential.Method == Certificate:
		return r.pass("The server accepts the certificate", r.Saw)
	case c.Status < 300:
		next = "see what answers there: no management endpoint lets anybody in, and nothing is sent to one that does"
		return r.fail("The server asks nobody to log on", err, next)
	case c.Status == http.StatusBadRequest && a.url.Scheme == "http":
		return r.fail("The web server does not understand the request", err, "this may be a port for TLS: try https, or --tls with a name")
	case c.Status == http.StatusNotFound:
		return r.fail("There is no such path at this server", err, next)
	case c.Status == http.StatusForbidden:
		return r.fail("The web server forbids it before anybody logs on", err, next)
	case c.Status >= 500:
		return r.fail("The service behind the path does not work", err, next)
	}
	return r.fail("The web server answers something else than a request to log on", err, next)
}

// noKerberos says why no KDC is asked; "" when one is.
func (a *approach) noKerberos() string {
	switch a.credential.Method {
	case Kerberos, Negotiate:
		return a.useNTLM
	}
	return string(a.credential.Method) + " asks no KDC"
}

// otherwise is for what Kerberos cannot do, and negotiate does by NTLM.
func (a *approach) otherwise(r Rung, means string, err error) Rung {
	switch negotiate.KindOf(err) {
	case negotiate.NoKDC, negotiate.UnknownSPN, negotiate.BadCredential:
		if a.credential.Method == Negotiate && (a.credential.byWindows() || !a.credential.Password.IsZero()) {
			a.useNTLM = "NTLM is used instead of Kerberos"
			return r.skip(a.useNTLM + ", since " + err.Error())
		}
	}
	return r.refuse(means, err)
}

func (a *approach) kdc(ctx context.Context) Rung {
	r := Rung{Level: LevelKDC, Tried: "finding a KDC of the realm of " + cmp.Or(a.credential.User(), "the user")}
	if why := a.noKerberos(); why != "" {
		return r.skip(why)
	}
	realm, address, err := a.credential.account.FindKDC(ctx)
	switch {
	case err != nil && a.credential.byWindows():
		return r.skip("Windows asks the KDC for the user who is logged on; " + err.Error()) // the next step shows whether it does
	case negotiate.KindOf(err) == negotiate.NoKDC && a.credential.HasTicket() && a.credential.Password.IsZero() && a.credential.Keytab == "":
		return r.skip("the ticket cache may hold all that is needed; " + err.Error())
	case err != nil:
		return a.otherwise(r, "No KDC can be asked for a ticket", err)
	}
	return r.pass("A KDC is there", realm+" at "+address)
}

func (a *approach) ticket(ctx context.Context) Rung {
	r := Rung{Level: LevelTicket, Tried: "a ticket for " + a.credential.User()}
	if why := a.noKerberos(); why != "" {
		return r.skip(why)
	}
	ticket, err := a.credential.account.Login(ctx)
	if err != nil && a.credential.byWindows() {
		return a.otherwise(r, "Windows has nothing to log on with", err)
	}
	if err != nil {
		return a.otherwise(r, ticketTrouble(err), err)
	}
	if a.credential.byWindows() {
		return r.pass("Windows has credentials of who is logged on", a.credential.User())
	}
	return r.pass("The KDC accepts the log-on", describeTicket(ticket.Client, ticket))
}

func describeTicket(who string, t negotiate.Ticket) string {
	if t.Ends.IsZero() {
		return "a ticket for " + who + ", which Windows keeps"
	}
	return fmt.Sprintf("a ticket for %s, %s, until %s", who, t.Enctype, t.Ends.UTC().Format("2006-01-02 15:04 UTC"))
}

func ticketTrouble(err error) string {
	switch negotiate.KindOf(err) {
	case negotiate.WrongPassword:
		return "The KDC refuses the password"
	case negotiate.UnknownAccount:
		return "The KDC does not know this user"
	case negotiate.ClockSkew:
		return "The clocks differ too much"
	case negotiate.PasswordExpired, negotiate.AccountLocked:
		return "The account may not log on now"
	case negotiate.TicketExpired:
		return "The ticket has expired"
	}
	return "The KDC gives no ticket"
}

func (a *approach) spn(ctx context.Context) Rung {
	spn := cmp.Or(a.target.SPN, "HTTP/"+strings.ToLower(strings.TrimSuffix(a.url.Hostname(), ".")))
	r := Rung{Level: LevelSPN, Tried: "a ticket for the service " + spn}
	if why := a.noKerberos(); why != "" {
		return r.skip(why)
	}
	_, host, _ := strings.Cut(spn, "/")
	var ticket negotiate.Ticket
	var err error
	if _, bad := netip.ParseAddr(strings.Trim(host, "[]")); bad == nil {
		err = &negotiate.Error{Kind: negotiate.UnknownSPN, What: "Kerberos has no services of IP addresses",
			Advice: "name the server by its full name; --connect-to HOST:PORT says where it is"}
	} else {
		ticket, err = a.credential.account.Ticket(ctx, spn)
	}
	if err != nil {
		return a.otherwise(r, "The KDC gives no ticket for this server", err)
	}
	return r.pass("The KDC knows the server's service", describeTicket(ticket.Service, ticket))
}
