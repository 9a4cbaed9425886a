package nettext

import (
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
	"strings"
	"syscall"
	"testing"
	"time"
)

func dialed(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 80}, Err: err}
}

func received(err error) error { return &net.OpError{Op: "read", Net: "tcp", Err: err} }

type advised struct{}

func (advised) Error() string { return "the ticket has expired" }
func (advised) Hint() string  { return "kinit gets another" }

// Every failure has a cause without the words of Go's packages, on every system.
func TestCause(t *testing.T) {
	leaf := &x509.Certificate{DNSNames: []string{"ex01.contoso.test"}, NotBefore: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2002, 2, 3, 0, 0, 0, 0, time.UTC)}
	later := &x509.Certificate{NotBefore: time.Date(2901, 1, 2, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2902, 2, 3, 0, 0, 0, 0, time.UTC)}
	for _, test := range []struct {
		name, cause, advice string
		err                 error
	}{
		{"unknown name", "the name ex01.contoso.test has no address (asked DNS server 10.0.0.1)", "--connect-to", dialed(&net.DNSError{Err: "no such host", Name: "ex01.contoso.test", Server: "10.0.0.1:53", IsNotFound: true})},
		{"silent DNS", "the DNS does not answer when asked for ex01.contoso.test", "DNS servers", &net.DNSError{Err: "i/o timeout", Name: "ex01.contoso.test", IsTimeout: true}},
		{"refused", "10.0.0.7:80 refuses connections: nothing listens there", "name and port", dialed(os.NewSyscallError("connect", syscall.ECONNREFUSED))},
		{"refused on Windows", "10.0.0.7:80 refuses connections: nothing listens there", "name and port", dialed(os.NewSyscallError("connectex", wsaRefused))},
		{"dropped", "10.0.0.7:80 does not answer", "firewall", dialed(os.ErrDeadlineExceeded)},
		{"dropped on Windows", "10.0.0.7:80 does not answer", "firewall", dialed(os.NewSyscallError("connectex", wsaTimedOut))},
		{"no route", "there is no route to 10.0.0.7:80", "network", dialed(os.NewSyscallError("connect", syscall.EHOSTUNREACH))},
		{"no route on Windows", "there is no route to 10.0.0.7:80", "network", dialed(wsaHostUnreachable)},
		{"reset", "the connection was cut", "firewall", received(syscall.ECONNRESET)},
		{"reset on Windows", "the connection was cut", "firewall", received(wsaReset)},
		{"end", "the connection was cut", "firewall", fmt.Errorf("http: %w", io.ErrUnexpectedEOF)},
		{"slow", "no answer came in time", "--timeout", received(os.ErrDeadlineExceeded)},
		{"slow by a context", "no answer came in time", "--timeout", fmt.Errorf("reading: %w", context.DeadlineExceeded)},
		{"expired", "the server's certificate expired on 2002-02-03", "Get-ExchangeCertificate", &tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{leaf}, Err: x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired}}},
		{"not yet valid", "the server's certificate is valid from 2901-01-02 on", "clock", x509.CertificateInvalidError{Cert: later, Reason: x509.Expired}},
		{"another's", "the server's certificate is for ex01.contoso.test, and not for mail.contoso.test", "--connect-to", x509.HostnameError{Certificate: leaf, Host: "mail.contoso.test"}},
		{"unknown authority", "an authority that is not trusted here", "--ca-file", x509.UnknownAuthorityError{Cert: leaf}},
		{"not for servers", "the server's certificate is not accepted: certificate specifies an incompatible key usage", "replaced", x509.CertificateInvalidError{Cert: leaf, Reason: x509.IncompatibleUsage}},
		{"no TLS", "does not speak TLS", "--tls", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}},
		{"no TLS, by HTTP", "does not speak TLS", "--tls", http.ErrSchemeMismatch},
		{"alert", "the server refuses TLS: handshake failure", "TLS", received(tls.AlertError(40))},
		{"no HTTP", "does not speak HTTP", "port", errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "220 smtp"`)},
		{"its own words", "the ticket has expired", "kinit", received(advised{})},
		{"unknown", "it is odd", "", errors.New("read tcp 10.0.0.1:4->10.0.0.7:80: wsarecv: it is\nodd")},
	} {
		cause, advice := Cause(test.err), Advice(test.err)
		if !strings.Contains(cause, test.cause) || !strings.Contains(advice, test.advice) || (advice == "") != (test.advice == "") {
			t.Errorf("%s: %q, %q", test.name, cause, advice)
		}
		if raw := regexp.MustCompile(`tcp|x509|tls:|http:|net/http|EOF|i/o timeout|deadline|wsa|no such host`).FindString(cause); raw != "" {
			t.Errorf("%s: raw %q in %q", test.name, raw, cause)
		}
	}
}
