package ews

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/nettext"
)

// An AutodiscoverConfig says how Discover asks.
type AutodiscoverConfig struct {
	// Transport sends requests and logs on, as a Config's does. It is asked over
	// verified TLS only.
	Transport http.RoundTripper
	// Anonymous sends requests that log nobody on; nil is NewTransport's.
	Anonymous http.RoundTripper
	// LookupSRV asks the DNS; nil is net.DefaultResolver's.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	// Trust says whether the log-on may go to a host outside the domain of the address,
	// in whichever way the host was learned; nil trusts none. What is in the domain, or
	// below it, is trusted.
	Trust func(host string) bool

	UserAgent string
	Timeout   time.Duration // of one request
	MaxReply  int
	NewID     func() string
	// Sleep waits for a server that is busy and says for how long; nil waits, or returns
	// the context's error.
	Sleep func(context.Context, time.Duration) error
}

// maxDiscoverWait is how long one place is waited for that is busy: there are others.
const maxDiscoverWait = 30 * time.Second

// A Way is a way of Autodiscover to find settings.
type Way string

// The ways, in their order.
const (
	BySOAP     Way = "soap"     // autodiscover.svc (MS-OXWSADISC)
	ByPOX      Way = "pox"      // autodiscover.xml (MS-OXDSCLI)
	ByRedirect Way = "redirect" // a redirection in clear
	BySRV      Way = "srv"      // the DNS
)

// An Attempt is one thing that Discover tried.
type Attempt struct {
	Way Way
	URL string // or the name that the DNS was asked for
	Saw string
	Err error // nil where it led on
}

// A Discovery is what Autodiscover tells about a mailbox.
type Discovery struct {
	// Address is the one that was asked about last: a redirection may name another.
	Address string
	// URL is that of EWS: the internal one, which an administrator's machine reaches,
	// else the external one. It is empty where Cloud is not.
	URL         string
	InternalURL string
	ExternalURL string
	// Cloud is where the mailbox is, in Exchange Online, where impersonation by roles of
	// this organization does not reach it: an address or a host. Nothing was asked there.
	Cloud string
	Build Build // of the server that told
	Way   Way
	Asked string // URL that told

	Attempts []Attempt // everything that was tried, in order
}

// maxHops bounds redirections, all kinds together (MS-OXDSCLI 3.1.5.4).
const maxHops = 10

// Discover finds the URL of EWS for a mailbox, in the documented order: SOAP and then
// POX at https://DOMAIN and at https://autodiscover.DOMAIN, the redirection of
// http://autodiscover.DOMAIN, the SRV record _autodiscover._tcp.DOMAIN
// (https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange).
// The service connection point, which only machines of the domain can read in Active
// Directory, is not asked.
//
// The log-on goes over verified TLS only, to servers that ask for it, and to no host
// outside the address's domain but those of Trust: another host is shown, and not
// logged on to, whether a redirection, the DNS or an answer named it. The error
// is the one that tells most of those of the attempts; the Discovery is returned with
// it.
func Discover(ctx context.Context, config AutodiscoverConfig, address string) (Discovery, error) {
	s := &search{config: config.complete(), domain: domainOf(address), found: Discovery{Address: address}, asked: map[string]bool{}}
	if err := checkAddress(address); err != nil {
		return s.found, fmt.Errorf("autodiscover: %w", err)
	}
	err := s.mailbox(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = fmt.Errorf("autodiscover of %s: %w", address, ctx.Err())
	default:
		err = &Error{Doing: "autodiscover of " + address, Answer: s.answer, Err: err}
	}
	return s.found, err
}

func (c AutodiscoverConfig) complete() AutodiscoverConfig {
	if c.Anonymous == nil {
		c.Anonymous = NewTransport(TransportConfig{})
	}
	if c.LookupSRV == nil {
		c.LookupSRV = net.DefaultResolver.LookupSRV
	}
	if c.UserAgent == "" {
		c.UserAgent = DefaultUserAgent
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxReply <= 0 {
		c.MaxReply = defaultMaxReply
	}
	if c.NewID == nil {
		c.NewID = newUUID
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	return c
}

// A search is one run of Discover.
type search struct {
	config AutodiscoverConfig
	domain string // of the address that was asked about first
	found  Discovery
	hops   int
	asked  map[string]bool // URL and address
	answer Answer          // of the error that tells most
}

// mailbox finds the settings of the mailbox, wherever redirections lead.
func (s *search) mailbox(ctx context.Context) error {
	if isCloudAddress(s.found.Address) {
		s.found.Cloud = s.found.Address
		return nil
	}
	domain := domainOf(s.found.Address)
	if err := s.foreign(domain); err != nil {
		return err
	}
	var telling error
	for _, try := range []func() error{
		func() error { return s.host(ctx, domain) },
		func() error { return s.host(ctx, "autodiscover."+domain) },
		func() error { return s.redirection(ctx, domain) },
		func() error { return s.srv(ctx, domain) },
	} {
		err := try()
		if err == nil || ctx.Err() != nil {
			return err
		}
		telling = moreTelling(telling, err)
	}
	return telling
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// moreTelling returns the error that says more about what is wrong: that the log-on
// was refused, or the address is not known, is more than that a name is not there.
func moreTelling(a, b error) error {
	if a == nil || weight(b) > weight(a) {
		return b
	}
	return a
}

func weight(err error) int {
	var web *HTTPError
	var response *ResponseError
	var network *NetworkError
	var protocol *ProtocolError
	var logon *negotiate.Error
	var foreign *ForeignHostError
	switch {
	case errors.As(err, &foreign):
		return 7
	case errors.As(err, &logon) && logon.Kind == negotiate.NoAuthentication:
		return 2 // a web site
	case errors.As(err, &logon), errors.As(err, &web) && web.Status == http.StatusUnauthorized:
		return 6
	case errors.As(err, &response):
		return 5
	case errors.As(err, &network) && nettext.IsTLS(network.Err):
		return 4
	case errors.As(err, &protocol):
		return 3
	case errors.As(err, &web):
		return 2
	}
	return 1
}

// host asks one host, by SOAP and then by POX. One that cannot be reached is asked
// once.
func (s *search) host(ctx context.Context, host string) error {
	err := s.url(ctx, BySOAP, "https://"+host+pathSOAP)
	var network *NetworkError
	if err == nil || ctx.Err() != nil || errors.As(err, &network) && !network.Sent {
		return err
	}
	other := s.url(ctx, ByPOX, "https://"+host+pathPOX)
	if other == nil {
		return nil
	}
	return moreTelling(err, other)
}

const (
	pathSOAP = "/autodiscover/autodiscover.svc"
	pathPOX  = "/autodiscover/autodiscover.xml"
)

// url asks one URL and follows where it leads.
func (s *search) url(ctx context.Context, way Way, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return s.note(way, clip(text), &ProtocolError{What: "the log-on goes to https addresses only"})
	}
	if isCloudHost(u.Hostname()) {
		s.found.Cloud = u.Hostname()
		s.note(way, text, nil)
		return nil
	}
	if err := s.foreign(u.Hostname()); err != nil {
		return s.note(way, clip(text), err)
	}
	key := strings.ToLower(text) + " " + s.found.Address
	if s.hops++; s.hops > maxHops+len(ways())*4 || s.asked[key] {
		return s.note(way, text, &ProtocolError{What: "the redirections of Autodiscover lead in a circle, or too far"})
	}
	s.asked[key] = true
	told, answer, err := s.ask(ctx, way, text)
	if err != nil {
		if s.answer.Operation == "" || weight(err) >= 5 {
			s.answer = answer
		}
		return s.note(way, text, err)
	}
	return s.follow(ctx, way, text, told, answer)
}

// ways returns every way, in their order.
func ways() []Way { return []Way{BySOAP, ByPOX, ByRedirect, BySRV} }

// A told is what one answer of Autodiscover says: one of its fields.
type told struct {
	address            string // to ask about instead
	url                string // to ask at instead
	internal, external string
}

// follow does what an answer says.
func (s *search) follow(ctx context.Context, way Way, asked string, t told, answer Answer) error {
	switch {
	case t.address != "":
		if err := checkAddress(t.address); err != nil {
			return s.note(way, asked, &ProtocolError{What: "it redirects to another address", Err: err})
		}
		s.noteSaw(way, asked, "redirects to the address "+t.address)
		if s.hops++; s.hops > maxHops {
			return &ProtocolError{What: "the redirections of Autodiscover lead too far"}
		}
		s.found.Address = t.address
		return s.mailbox(ctx)
	case t.url != "":
		s.noteSaw(way, asked, "redirects to "+clip(t.url))
		return s.elsewhere(ctx, way, t.url)
	}
	s.found.InternalURL, s.found.ExternalURL = t.internal, t.external
	if err := s.chooseURL(t.internal, t.external); err != nil {
		return s.note(way, asked, err)
	}
	s.found.Way, s.found.Asked, s.found.Build = way, asked, answer.Build
	s.noteSaw(way, asked, "EWS is at "+clip(t.internal+" "+t.external))
	return nil
}

// chooseURL takes the first of the addresses of EWS that can be used.
func (s *search) chooseURL(urls ...string) error {
	var why error = &ProtocolError{What: "it tells no address of EWS"}
	first := true
	for _, text := range urls {
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		switch {
		case err != nil || checkURL(text) != nil:
			err = &ProtocolError{What: "it tells an address of EWS that cannot be used: " + clip(text)}
		case isCloudHost(u.Hostname()):
			s.found.Cloud = u.Hostname()
			return nil
		default:
			err = s.foreign(u.Hostname())
		}
		if err == nil {
			s.found.URL = text
			return nil
		}
		if first {
			why, first = err, false
		}
	}
	return why
}

// elsewhere asks at the URL of a redirection that came over verified TLS.
func (s *search) elsewhere(ctx context.Context, way Way, to string) error {
	if strings.HasSuffix(strings.ToLower(to), ".svc") {
		way = BySOAP
	} else if strings.HasSuffix(strings.ToLower(to), ".xml") {
		way = ByPOX
	}
	return s.url(ctx, way, to)
}

// redirection asks in clear, without a log-on, for the one answer that is of use: a
// redirection.
func (s *search) redirection(ctx context.Context, domain string) error {
	asked := "http://autodiscover." + domain + pathPOX
	limited, cancel := context.WithTimeoutCause(ctx, s.config.Timeout, lateError{s.config.Timeout})
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodGet, asked, nil)
	if err != nil {
		return s.note(ByRedirect, asked, &NetworkError{Err: err})
	}
	request.Header.Set("User-Agent", s.config.UserAgent)
	response, err := s.config.Anonymous.RoundTrip(request)
	if err != nil {
		return s.note(ByRedirect, asked, &NetworkError{Err: cause(limited, err)})
	}
	defer drain(response.Body)
	to, err := response.Location()
	if err != nil || response.StatusCode != http.StatusFound && response.StatusCode != http.StatusMovedPermanently {
		return s.note(ByRedirect, asked, httpError(response))
	}
	s.noteSaw(ByRedirect, asked, "redirects to "+location(response))
	return s.forgeable(ctx, ByRedirect, to.Hostname(), to.Host, to.Scheme)
}

// srv asks the DNS.
func (s *search) srv(ctx context.Context, domain string) error {
	asked := "_autodiscover._tcp." + domain
	_, records, err := s.config.LookupSRV(ctx, "autodiscover", "tcp", domain)
	if err == nil && len(records) == 0 {
		err = &net.DNSError{Err: "no such record", Name: asked, IsNotFound: true}
	}
	if err != nil {
		return s.note(BySRV, asked, &NetworkError{Err: err})
	}
	r := records[0] // sorted by priority and weight
	host := strings.ToLower(strings.TrimSuffix(r.Target, "."))
	s.noteSaw(BySRV, asked, fmt.Sprintf("names %s, port %d", clip(host), r.Port))
	at := host
	if r.Port != 443 {
		at = net.JoinHostPort(host, fmt.Sprint(r.Port))
	}
	return s.forgeable(ctx, BySRV, host, at, "https")
}

// forgeable asks a host that was learned in a way that can be forged, where it is
// trusted.
func (s *search) forgeable(ctx context.Context, way Way, name, host, scheme string) error {
	switch {
	case isCloudHost(name):
		s.found.Cloud = name
		return nil
	case scheme != "https":
		return s.note(way, host, &ProtocolError{What: "it leads to an address in clear, where the log-on does not go"})
	}
	if err := s.foreign(name); err != nil {
		return s.note(way, host, err)
	}
	return s.host(ctx, host)
}

// A ForeignHostError is a host that Autodiscover leads to, outside the domain of the
// address: whoever can answer in the place of one server could have named it.
type ForeignHostError struct{ Host, Domain string }

func (e *ForeignHostError) Error() string {
	return fmt.Sprintf("it leads to %s, outside %s: that could be forged, and the log-on does not go there; name the address of EWS (--ews-url) if it is yours", clip(e.Host), e.Domain)
}

// foreign returns an error for a host that the log-on must not go to.
func (s *search) foreign(host string) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == s.domain || strings.HasSuffix(name, "."+s.domain) || s.config.Trust != nil && s.config.Trust(name) {
		return nil
	}
	return &ForeignHostError{host, s.domain}
}

// note records an attempt and returns its error.
func (s *search) note(way Way, asked string, err error) error {
	saw := ""
	if err != nil {
		saw = err.Error()
	} else {
		saw = "is Exchange Online's: not asked"
	}
	s.found.Attempts = append(s.found.Attempts, Attempt{way, asked, saw, err})
	return err
}

func (s *search) noteSaw(way Way, asked, saw string) {
	s.found.Attempts = append(s.found.Attempts, Attempt{way, asked, saw, nil})
}

// cloudHosts are the domains of Exchange Online, of every national cloud
// (https://learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges).
var cloudHosts = []string{
	"outlook.com", "office.com", "office365.com", "office365.us", "outlook.us", "office.de", "outlook.de", "outlook.cn", "office.cn", "microsoft.com",
}

func isCloudHost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return isCloudDomain(host) || slices.ContainsFunc(cloudHosts, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// isCloudAddress reports whether an address is one that hybrid organizations give to
// mailboxes in the cloud: of TENANT.mail.onmicrosoft.com or TENANT.onmicrosoft.com.
func isCloudAddress(address string) bool { return isCloudDomain(domainOf(address)) }

func isCloudDomain(domain string) bool {
	return slices.Contains(strings.Split(domain, "."), "onmicrosoft")
}
