package negotiate

import (
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// basic sends name and password with the request (RFC 7617). A server that refuses
// them is asked no second time.
func (t *Transport) basic(r *http.Request) (*http.Response, error) {
	a := t.config.Account
	password, err := a.password(Basic)
	if err != nil {
		return nil, err
	}
	if t.config.AskFirst {
		if answer, err := t.askBasic(r); err != nil || answer != nil {
			return answer, err
		}
	}
	leave, err := a.enter(r.Context(), "basic "+baseOf(r.URL))
	if err != nil {
		return nil, err
	}
	response, err := t.roundTripPlain(r, func(request *http.Request) { request.SetBasicAuth(a.user.given, password.Reveal()) })
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		discard(response)
		err = basicRefused(response, a)
	}
	leave(err)
	if err != nil {
		return nil, err
	}
	return response, nil
}

// roundTripPlain sends a request that needs no security context, as prepare makes it.
// Where a connection that was idle turns out to be worth nothing, one that can be
// repeated is sent once more, over a new one.
func (t *Transport) roundTripPlain(r *http.Request, prepare func(*http.Request)) (*http.Response, error) {
	b, err := newBody(r)
	if err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		var used, answered atomic.Bool
		request := r.Clone(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			GotConn:              func(info httptrace.GotConnInfo) { used.Store(info.Reused) },
			GotFirstResponseByte: func() { answered.Store(true) },
		}))
		request.Body, err = b.open()
		if err != nil {
			return nil, err
		}
		request.GetBody, request.ContentLength = b.open, int64(b.size)
		request.Close = t.single.Load()
		prepare(request)
		response, err := t.plain.RoundTrip(request)
		if err != nil {
			if used.Load() && !answered.Load() && r.Context().Err() == nil {
				t.single.Store(true)
			}
			return nil, err
		}
		if again || !used.Load() || !repeatable(r) || !isForgotten(response) {
			return response, nil
		}
		discard(response)
		t.plain.CloseIdleConnections()
	}
}

// askBasic asks what the server offers, once. An answer other than 401 is returned.
func (t *Transport) askBasic(r *http.Request) (*http.Response, error) {
	offered, answer, err := t.offer(func() (*http.Response, error) {
		empty := r.Clone(withoutTrace{r.Context()})
		empty.Body, empty.GetBody, empty.ContentLength = http.NoBody, nil, 0
		return t.plain.RoundTrip(empty)
	})
	if err == nil && answer == nil && !offers(offered, "Basic") {
		err = &Error{Kind: NotOffered, Status: http.StatusUnauthorized, Offered: offered, What: "the server does not take basic: nothing was sent",
			Advice: "it offers other log-on methods: use --auth kerberos or negotiate"}
	}
	return answer, err
}

func basicRefused(response *http.Response, a *Account) error {
	offered := schemesOf(parseChallenges(response.Header))
	e := &Error{Kind: LogonRefused, Status: response.StatusCode, Offered: offered, What: "the server refuses name or password of " + quote(a.Username()),
		Advice: oneAttempt}
	if len(offered) > 0 && !offers(offered, "Basic") {
		e.Kind, e.What, e.Advice = NotOffered, "the server does not take basic", "it offers other log-on methods: use --auth kerberos or negotiate"
	}
	return e
}

// certificate sends the request over TLS, which has logged on already.
func (t *Transport) certificate(r *http.Request) (*http.Response, error) {
	response, err := t.roundTripPlain(r, func(request *http.Request) {
		// [MS-WSMV] 3.1.4.1.1: WinRM's name for the certificate of the TLS connection.
		request.Header.Set("Authorization", "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual")
	})
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		discard(response)
		return nil, &Error{Kind: LogonRefused, Status: response.StatusCode, Offered: schemesOf(parseChallenges(response.Header)), What: "the server does not take the client certificate",
			Advice: "WinRM needs a listener on HTTPS, Auth\\Certificate enabled, and a ClientCertificate entry that maps this certificate to an account"}
	}
	return response, err
}
