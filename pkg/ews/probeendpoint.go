package ews

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/nettext"
)

// soon is when a certificate's end is worth a word.
const soon = 30 * 24 * time.Hour

// Endpoint asks the endpoint without logging on (LevelEndpoint): it shows the
// connection, the certificate, and the ways to log on.
func (p *Prober) Endpoint(ctx context.Context) Rung {
	r := Rung{Level: LevelEndpoint, Tried: "POST " + p.client.URL() + " without a log-on"}
	var address string
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectDone: func(_, to string, err error) {
			if err == nil {
				address = to
			}
		},
	})
	response, waited, err := p.patient(traced)
	if err != nil {
		return r.fail(err)
	}
	defer drain(response.Body)
	r.Answer = Answer{URL: p.client.URL(), Requests: 1, Waited: waited}
	r.Answer.note(response)
	offered := offered(response)
	saw := p.connection(address, response.TLS) + fmt.Sprintf("HTTP %d", response.StatusCode)
	if len(offered) > 0 {
		saw += ", which offers " + strings.Join(offered, ", ")
	}
	if waited > 0 {
		saw += fmt.Sprintf(", after waiting %v as the server asked", waited)
	}
	return p.judgeEndpoint(r, response, offered, saw)
}

func (p *Prober) judgeEndpoint(r Rung, response *http.Response, offered []string, saw string) Rung {
	switch usable := slices.ContainsFunc(offered, isKnownScheme); {
	case response.StatusCode == http.StatusUnauthorized && usable:
		r = r.pass(saw, "EWS is there and asks for a log-on")
		r.Next = p.certificateEnd(response.TLS)
	case response.StatusCode == http.StatusUnauthorized:
		r.Verdict, r.Saw = Failed, saw
		r.Means = "The server offers no log-on method that EWS has"
		r.Next = "Look at the authentication of the virtual directory: Get-WebServicesVirtualDirectory | Format-List *Authentication*, and set WindowsAuthentication or BasicAuthentication"
	case response.StatusCode < 300:
		r.Verdict, r.Saw = Failed, saw
		r.Means = "Something answers without a log-on: this is not EWS, or anonymous access is open"
		r.Next = "Check the address and what is between (proxy, portal, load balancer), and the anonymous authentication of the EWS virtual directory in IIS"
	default:
		r = r.fail(&Error{Doing: r.Tried, Answer: r.Answer, Err: httpError(response)})
		r.Saw = saw
		r.Verdict = Failed
	}
	return r
}

// patient is anonymous, and waits for a server that is busy.
func (p *Prober) patient(ctx context.Context) (response *http.Response, waited time.Duration, err error) {
	patience := patience{left: p.client.config.MaxWait}
	for {
		response, err = p.anonymous(ctx)
		if err != nil {
			return nil, waited, err
		}
		wait, busy := patience.next(httpBusy(response))
		if !busy {
			return response, waited, nil
		}
		drain(response.Body)
		if err := p.client.config.Sleep(ctx, wait); err != nil {
			return nil, waited, err
		}
		waited += wait
	}
}

// httpBusy is what an answer says about when to come back, without its body.
func httpBusy(r *http.Response) error {
	return &HTTPError{Status: r.StatusCode, RetryAfter: retryAfter(r.Header)}
}

// anonymous sends an empty request that logs nobody on.
func (p *Prober) anonymous(ctx context.Context) (*http.Response, error) {
	answer := Answer{URL: p.client.URL(), Requests: 1}
	fail := func(err error) error {
		if isCancel(ctx, err) {
			return err
		}
		return &Error{Doing: "POST without a log-on", Answer: answer, Err: &NetworkError{Err: err}}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.client.config.Timeout, lateError{p.client.config.Timeout})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.client.URL(), http.NoBody)
	if err != nil {
		cancel()
		return nil, fail(err)
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("User-Agent", p.client.config.UserAgent)
	response, err := p.config.Anonymous.RoundTrip(request)
	if err != nil {
		defer cancel()
		return nil, fail(cause(ctx, err))
	}
	response.Body = &cancelBody{response.Body, cancel}
	return response, nil
}

func isKnownScheme(scheme string) bool {
	return slices.ContainsFunc([]string{"Negotiate", "NTLM", "Kerberos", "Basic"}, func(s string) bool { return strings.EqualFold(s, scheme) })
}

// connection describes where an answer came from, and under which certificate.
func (p *Prober) connection(address string, state *tls.ConnectionState) string {
	var text string
	if address != "" {
		text = address + ", "
	}
	if state == nil {
		return text + "no TLS, "
	}
	if len(state.PeerCertificates) == 0 {
		return text + tls.VersionName(state.Version) + ", "
	}
	leaf := state.PeerCertificates[0]
	return text + fmt.Sprintf("%s, certificate for %s until %s, ", tls.VersionName(state.Version), nettext.Names(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
}

func (p *Prober) certificateEnd(state *tls.ConnectionState) string {
	if state == nil || len(state.PeerCertificates) == 0 {
		return ""
	}
	if left := state.PeerCertificates[0].NotAfter.Sub(p.config.Now()); left < soon {
		return fmt.Sprintf("The certificate ends in %d days: renew it", int(left.Hours()/24))
	}
	return ""
}
