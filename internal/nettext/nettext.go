// Package nettext says why a connection failed, in an administrator's words: what is
// wrong with the name, the port, the certificate or the connection itself, and what to
// do. The words of Go's own errors reach nobody.
package nettext

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/exgrant/exgrant/internal/httptext"
)

// Cause says in one clause, without a full stop, why a connection failed.
func Cause(err error) string {
	cause, _ := read(err)
	return cause
}

// Advice says in a sentence what to do about it; "" where nothing better is known than
// to look step by step.
func Advice(err error) string {
	_, advice := read(err)
	return advice
}

func read(err error) (cause, advice string) {
	// An error that gives advice has words of its own.
	var adviser interface {
		error
		Hint() string
	}
	if errors.As(err, &adviser) {
		return plain(err), adviser.Hint()
	}
	for _, reader := range []func(error) (string, string){certificate, encryption, name, place} {
		if cause, advice = reader(err); cause != "" {
			return cause, advice
		}
	}
	return plain(err), ""
}

// IsTLS reports whether a connection failed by TLS or by the certificate.
func IsTLS(err error) bool {
	c, _ := certificate(err)
	e, _ := encryption(err)
	return c != "" || e != ""
}

// certificate is for what is wrong with a server's certificate.
func certificate(err error) (cause, advice string) {
	var verification *tls.CertificateVerificationError
	var leaf *x509.Certificate
	if errors.As(err, &verification) && len(verification.UnverifiedCertificates) > 0 {
		leaf = verification.UnverifiedCertificates[0]
	}
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return expired(cmp.Or(leaf, invalid.Cert), time.Now())
	case errors.As(err, &host):
		return "the server's certificate is for " + Names(cmp.Or(leaf, host.Certificate)) + ", and not for " + host.Host,
			"Name the server by a name in its certificate, and say where it is with --connect-to ADDRESS:PORT; or give it a certificate with its own name."
	case errors.As(err, &authority):
		return "the server's certificate comes from " + Issuer(cmp.Or(leaf, authority.Cert)) + ", an authority that is not trusted here",
			"Give that authority's certificate with --ca-file FILE (PEM); for a certificate that the server signed itself, that one."
	case verification != nil || errors.As(err, &invalid):
		return "the server's certificate is not accepted: " + plain(err), "Have it replaced by a certificate for servers, from an authority that is trusted here."
	}
	return "", ""
}

func expired(c *x509.Certificate, now time.Time) (cause, advice string) {
	const advised = "Get-ExchangeCertificate shows it on the server, where a new one is put in; if its dates are right, set the clock here."
	switch {
	case c == nil:
		return "the server's certificate is not valid at this time", advised
	case now.Before(c.NotBefore):
		return fmt.Sprintf("the server's certificate is valid from %s on, and it is %s here", day(c.NotBefore), day(now)), advised
	}
	return fmt.Sprintf("the server's certificate expired on %s (it is %s here)", day(c.NotAfter), day(now)), advised
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Names are the hosts that a certificate is for, the first few.
func Names(c *x509.Certificate) string {
	if c == nil {
		return "other names"
	}
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	const most = 4
	if len(list) > most {
		list = append(list[:most], fmt.Sprintf("%d more", len(list)-most))
	}
	return cmp.Or(line(strings.Join(list, ", ")), line(c.Subject.CommonName), "no host")
}

// Issuer is who gave a certificate.
func Issuer(c *x509.Certificate) string {
	if c == nil {
		return "somebody"
	}
	return cmp.Or(line(c.Issuer.CommonName), line(c.Issuer.String()), "nobody")
}

// encryption is for what is wrong with TLS itself.
func encryption(err error) (cause, advice string) {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return "what answers there does not speak TLS", "Leave out --tls, or https, for the port without TLS; or name the port that has it."
	case errors.As(err, &alert):
		return "the server refuses TLS: " + plain(alert), "It has no version of TLS from 1.2 on, or wants a client certificate; or something between cuts TLS off."
	case strings.Contains(err.Error(), "tls: "):
		return "TLS fails: " + plain(err), "The server has no version of TLS from 1.2 on; or something between changes what it says."
	}
	return "", ""
}

// name is for what the DNS says.
func name(err error) (cause, advice string) {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return "", ""
	}
	asked := ""
	if host, _, err := net.SplitHostPort(dns.Server); err == nil {
		asked = " (asked DNS server " + host + ")"
	}
	switch host := line(dns.Name); {
	case dns.IsNotFound:
		return "the name " + host + " has no address" + asked,
			"Check the spelling; use the server's full name. Where this computer's DNS does not know it: --connect-to ADDRESS:PORT."
	case dns.IsTimeout:
		return "the DNS does not answer when asked for " + host + asked,
			"Check this computer's DNS servers. Without them: --connect-to ADDRESS:PORT."
	default:
		return "the DNS cannot say where " + host + " is" + asked,
			"Check this computer's DNS servers. Without them: --connect-to ADDRESS:PORT."
	}
}

// What Windows' sockets say (winsock2.h); Go's own names of these numbers are others
// there, and no other system has numbers so high.
const (
	wsaNetUnreachable  = syscall.Errno(10051)
	wsaAborted         = syscall.Errno(10053)
	wsaReset           = syscall.Errno(10054)
	wsaTimedOut        = syscall.Errno(10060)
	wsaRefused         = syscall.Errno(10061)
	wsaHostUnreachable = syscall.Errno(10065)
)

// place is for what became of a connection to an address.
func place(err error) (cause, advice string) {
	where := address(err)
	is := func(numbers ...syscall.Errno) bool {
		return slices.ContainsFunc(numbers, func(n syscall.Errno) bool { return errors.Is(err, n) })
	}
	var network net.Error
	var operation *net.OpError
	isDial := errors.As(err, &operation) && operation.Op == "dial"
	switch {
	case is(syscall.ECONNREFUSED, wsaRefused):
		return where + " refuses connections: nothing listens there", "Check name and port, and that the service runs on the server."
	case is(syscall.EHOSTUNREACH, syscall.ENETUNREACH, wsaHostUnreachable, wsaNetUnreachable):
		return "there is no route to " + where, "Check the address, and the network and VPN of this computer."
	case isDial && (is(syscall.ETIMEDOUT, wsaTimedOut) || errors.As(err, &network) && network.Timeout() || errors.Is(err, os.ErrDeadlineExceeded)):
		return where + " does not answer", "The computer is off, or a firewall lets nothing through to this port."
	case is(syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, wsaReset, wsaAborted), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), strings.Contains(err.Error(), "readLoopPeekFailLocked"), strings.Contains(err.Error(), "server closed idle connection"):
		return "the connection was cut", "A firewall or proxy between, or the service itself, cuts it."
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "what answers there does not speak HTTP", "Check the port; https and --tls are for the port with TLS."
	case errors.As(err, &operation) && operation.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer came in time", "The server is too busy, or something between holds the answer back; --timeout waits longer."
	}
	return "", ""
}

// address is the one that an error names.
func address(err error) string {
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Addr != nil {
		return operation.Addr.String()
	}
	return "the server"
}

// prefixes are how Go's packages begin their errors.
var prefixes = regexp.MustCompile(`(?:^|\b)(?:dial|read|write) (?:tcp|udp)[46]?(?: \S+(?:->\S+)?)?: |\b(?:tls|x509|net/http|http|remote error|local error|asn1|connect|connectex|wsarecv|wsasend): |HTTP/1\.x transport connection broken: `)

// plain is an error's own text, without the names of Go's packages.
func plain(err error) string { return line(prefixes.ReplaceAllString(err.Error(), "")) }

// maxLine bounds a text of somebody else's, in bytes.
const maxLine = 300

// line is a text in one line, fit to be shown.
func line(s string) string { return httptext.Line(s, maxLine) }
