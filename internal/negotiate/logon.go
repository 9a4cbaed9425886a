package negotiate

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/exgrant/exgrant/internal/nettext"
	"sync"
)

// The schemes of WWW-Authenticate.
const (
	schemeKerberos  = "Kerberos"
	schemeNegotiate = "Negotiate"
	schemeNTLM      = "NTLM"
)

// maxLegs is how many messages a log-on may take; three are the most there are.
const maxLegs = 5

// logon logs the connection on. With a body the request goes along with the last
// token, and its answer is returned; without one the messages are empty, and an
// answer is returned only where the server gave another than that to a log-on.
func (c *conn) logon(r *http.Request, b *body) (*http.Response, error) {
	offered, answer, err := c.offer(r)
	if err != nil || answer != nil {
		return answer, err
	}
	if c.mechanism != nil {
		c.mechanism.release()
	}
	leave, err := c.choose(r.Context(), r.URL, offered)
	if err != nil {
		return nil, err
	}
	answer, err = c.legs(r, b)
	leave(err)
	if err != nil {
		return nil, err
	}
	c.ends = c.mechanism.ends()
	if answer != nil && b != nil {
		c.keepFor(answer)
	}
	return answer, nil
}

// offer returns the schemes that the server offers.
func (c *conn) offer(r *http.Request) ([]string, *http.Response, error) {
	return c.t.offer(func() (*http.Response, error) {
		c.asked = true
		response, err := c.post(withoutTrace{r.Context()}, r, nil, "")
		if err != nil {
			err = c.early(err)
		}
		return response, err
	})
}

// offer returns the schemes that the server offers. It is asked once, by an empty
// request from nobody; an answer other than 401 is returned, for it means that the
// request itself would fare no better.
func (t *Transport) offer(ask func() (*http.Response, error)) ([]string, *http.Response, error) {
	t.mu.Lock()
	offered := t.offered
	t.mu.Unlock()
	if offered != nil {
		return offered, nil, nil
	}
	response, err := ask()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case response.StatusCode == http.StatusUnauthorized:
	case response.StatusCode < 300:
		discard(response)
		return nil, nil, &Error{Kind: NoAuthentication, Status: response.StatusCode, What: fmt.Sprintf("the server answers %d to a request without a log-on", response.StatusCode),
			Advice: "no management endpoint does so: something else answers at this address, or the server lets anybody in"}
	default:
		return nil, response, nil
	}
	discard(response)
	offered = schemesOf(parseChallenges(response.Header))
	if len(offered) == 0 {
		return nil, nil, &Error{Kind: NotOffered, Status: response.StatusCode, What: "the server asks for a log-on, and offers no method",
			Advice: "look at the endpoint's authentication settings, and whether a proxy answers instead"}
	}
	t.mu.Lock()
	t.offered = offered
	t.mu.Unlock()
	return offered, nil, nil
}

// early says of a connection that ends during the log-on what that mostly means.
func (c *conn) early(err error) error {
	if isGone(err) {
		return &explained{nettext.Cause(err) + " in the middle of the log-on, which belongs to one connection: a proxy or load balancer that does not keep connections together may be in between", err}
	}
	return err
}

// choose picks scheme and mechanism. leave is told how the log-on ended.
func (c *conn) choose(ctx context.Context, u *url.URL, offered []string) (leave func(error), err error) {
	t := c.t
	if c.scheme, err = schemeFor(t.config.Method, offered); err != nil {
		return nil, err
	}
	spn := t.config.SPN
	if spn == "" {
		spn = "HTTP/" + strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	}
	if t.config.Account.sspi {
		c.mechanism, err = newSSPI(t.config.Method, c.scheme, spn, c.binding)
		return func(error) {}, err
	}
	ntlm := t.config.Method == NTLM || c.scheme == schemeNTLM
	if !ntlm {
		if ntlm, err = t.mustUseNTLM(ctx, spn); err != nil {
			return nil, err
		}
	}
	if ntlm {
		return c.chooseNTLM(ctx, spn, u)
	}
	k := &krb5Context{account: t.config.Account, spn: spn, binding: c.binding}
	if c.mechanism = k; c.scheme == schemeNegotiate {
		c.mechanism = &spnegoContext{krb5Context: k}
	}
	return func(error) {}, nil
}

// schemeFor chooses among the schemes offered, or refuses them all.
func schemeFor(m Method, offered []string) (string, error) {
	wanted := map[Method][]string{Kerberos: {schemeKerberos, schemeNegotiate}, Negotiate: {schemeNegotiate, schemeKerberos, schemeNTLM}, NTLM: {schemeNegotiate, schemeNTLM}}[m]
	for _, scheme := range wanted {
		if offers(offered, scheme) {
			return scheme, nil
		}
	}
	list := strings.Join(offered, ", ")
	e := &Error{Kind: NotOffered, Status: http.StatusUnauthorized, Offered: offered, What: fmt.Sprintf("the server offers only %s, and %s was asked for: nothing was sent", quote(list), m)}
	switch {
	case m == Kerberos && offers(offered, schemeNTLM):
		e.Kind, e.Advice = NTLMNotAllowed, "the server takes NTLM and no Kerberos: --auth negotiate or --auth ntlm allow it"
	case offers(offered, "Basic"):
		e.Advice = "the endpoint is set up for passwords in clear, or something else answers: /PowerShell of Exchange offers Kerberos as shipped; --auth basic sends the password, over TLS only"
	case offers(offered, schemeKerberos) || offers(offered, schemeNegotiate):
		e.Advice = "use --auth kerberos, with the server's full name and user@REALM"
	default:
		e.Advice = "look at the endpoint's authentication settings, and whether a proxy answers instead"
	}
	return "", e
}

// mustUseNTLM reports whether Negotiate comes down to NTLM: when there is no KDC or
// no service name, and a password. A password that the KDC refused is not tried.
func (t *Transport) mustUseNTLM(ctx context.Context, spn string) (bool, error) {
	t.mu.Lock()
	noKrb := t.noKrb
	t.mu.Unlock()
	if noKrb != nil {
		return true, nil
	}
	var err error
	if isAddress(hostOf(spn)) {
		err = ipService(spn)
	} else {
		_, err = t.config.Account.serviceTicket(ctx, spn)
	}
	if err == nil || t.config.Method != Negotiate {
		return false, err
	}
	switch KindOf(err) {
	case NoKDC, UnknownSPN, BadCredential:
		if _, noPassword := t.config.Account.password(NTLM); noPassword != nil {
			return false, err
		}
		t.mu.Lock()
		t.noKrb = err
		t.mu.Unlock()
		return true, nil
	}
	return false, err
}

// chooseNTLM uses NTLM, which tries the password at the server.
func (c *conn) chooseNTLM(ctx context.Context, spn string, u *url.URL) (leave func(error), err error) {
	a := c.t.config.Account
	password, err := a.password(NTLM)
	if err != nil {
		return nil, err
	}
	if c.scheme == schemeKerberos {
		return nil, &Error{Kind: NotOffered, What: "the server offers Kerberos alone, which is not to be had", Err: c.t.noKrb, Advice: spnAdvice}
	}
	if leave, err = a.enter(ctx, "ntlm "+baseOf(u)); err != nil {
		return nil, err
	}
	c.mechanism = newNTLM(a, password, spn, c.binding)
	return leave, nil
}

// legs exchanges the tokens.
func (c *conn) legs(r *http.Request, b *body) (*http.Response, error) {
	var token []byte
	for range maxLegs {
		out, err := c.mechanism.step(r.Context(), token)
		if err != nil {
			return nil, err
		}
		if out == nil {
			return nil, noProof("the server asks for more after the log-on", nil)
		}
		response, err := c.leg(r, b, out)
		if err != nil {
			return nil, c.early(err)
		}
		c.begun = true
		if token, err = serverToken(response.Header, c.scheme); err != nil {
			discard(response)
			return nil, err
		}
		if response.StatusCode == http.StatusUnauthorized {
			discard(response)
			if token == nil {
				return nil, c.refused(response)
			}
			continue
		}
		return c.conclude(r, b, response, token)
	}
	return nil, malformed("a log-on without an end")
}

// leg sends one token: with the request where it is the last and goes along.
func (c *conn) leg(r *http.Request, b *body, token []byte) (*http.Response, error) {
	authorization := c.scheme + " " + base64.StdEncoding.EncodeToString(token)
	if b != nil && c.mechanism.final() {
		return c.post(r.Context(), r, b, authorization)
	}
	return c.post(withoutTrace{r.Context()}, r, nil, authorization)
}

// conclude takes the answer to the last token: the server's proof has to be in it.
func (c *conn) conclude(r *http.Request, b *body, response *http.Response, token []byte) (*http.Response, error) {
	if token != nil {
		out, err := c.mechanism.step(r.Context(), token)
		if err == nil && out != nil {
			err = noProof("the server ends the log-on before its end", nil)
		}
		if err != nil {
			discard(response)
			return nil, err
		}
	}
	if !c.mechanism.established() {
		discard(response)
		if err := redirected(response); err != nil {
			return nil, err
		}
		return nil, &Error{Kind: NoMutualProof, Status: response.StatusCode, What: fmt.Sprintf("the server answered the log-on with %d and without a proof of who it is", response.StatusCode),
			Advice: "something else than the server may answer at this address, such as a proxy or an impostor"}
	}
	if b != nil {
		return response, nil
	}
	if response.StatusCode >= 300 {
		return response, nil // the log-on was right, and the server has no use for it
	}
	discard(response)
	return nil, nil
}

// refused says what a 401 to the last token means.
func (c *conn) refused(response *http.Response) error {
	e := &Error{Kind: LogonRefused, Status: response.StatusCode, Offered: schemesOf(parseChallenges(response.Header)), What: "the server refuses the log-on of " + quote(c.t.config.Account.Username())}
	_, ntlm := c.mechanism.(*ntlmContext)
	windows, ok := c.mechanism.(interface{ byNTLM() bool })
	switch {
	case ok && windows.byNTLM():
		e.Advice = "the account may not log on there, or is not known there; " + withoutWindows
	case ntlm && c.binding != nil:
		e.Advice = oneAttempt + ". If they are right, the account may not log on there, or TLS ends before the server (channel binding)"
	case ntlm:
		e.Advice = oneAttempt + ". If they are right, the account may not log on there"
	case c.binding != nil:
		e.Kind, e.What = ChannelBinding, e.What+", though the KDC gave a ticket for it: most likely the TLS connection ends before the server"
		e.Advice = "a proxy or load balancer that has the certificate and not the server does so, and channel binding forbids it: connect to the server itself"
	default:
		e.What += ", though the KDC gave a ticket for it"
		e.Advice = "the service name may belong to another account than the server's (setspn -Q), the server's clock may differ by more than five minutes, or the account may not log on there; " + spnAdvice
	}
	return e
}

// keepFor takes the connection back when the answer has been read to its end.
func (c *conn) keepFor(response *http.Response) {
	response.Body = &returning{ReadCloser: response.Body, c: c}
}

// A returning body gives its connection back.
type returning struct {
	io.ReadCloser
	c    *conn
	once sync.Once
}

func (b *returning) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.once.Do(func() {
			b.c.used = true
			b.c.t.put(b.c)
		})
	}
	return n, err
}

func (b *returning) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.c.close)
	return err
}
