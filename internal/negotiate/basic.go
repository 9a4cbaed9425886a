package negotiate

import (
	"net/http"
)

// basic sends name and password with the request (RFC 7617). A server that refuses
// them is asked no second time.
func (t *Transport) basic(r *http.Request) (*http.Response, error) {
	a := t.config.Account
	password, err := a.password(Basic)
	if err != nil {
		return nil, err
	}
	leave, err := a.enter(r.Context(), "basic "+baseOf(r.URL))
	if err != nil {
		return nil, err
	}
	request := r.Clone(r.Context())
	request.SetBasicAuth(a.user.given, password.Reveal())
	response, err := t.plain.RoundTrip(request)
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

func basicRefused(response *http.Response, a *Account) error {
	offered := schemesOf(parseChallenges(response.Header))
	e := &Error{Kind: LogonRefused, Status: response.StatusCode, Offered: offered, What: "the server refuses name or password of " + quote(a.Username()),
		Advice: "they were tried once and are not tried again"}
	if len(offered) > 0 && !offers(offered, "Basic") {
		e.Kind, e.What, e.Advice = NotOffered, "the server does not take basic", "it offers other ways to log on: use --auth kerberos or negotiate"
	}
	return e
}

// certificate sends the request over TLS, which has logged on already.
func (t *Transport) certificate(r *http.Request) (*http.Response, error) {
	request := r.Clone(r.Context())
	// [MS-WSMV] 3.1.4.1.1: WinRM's name for the certificate of the TLS connection.
	request.Header.Set("Authorization", "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual")
	response, err := t.plain.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		discard(response)
		return nil, &Error{Kind: LogonRefused, Status: response.StatusCode, Offered: schemesOf(parseChallenges(response.Header)), What: "the server does not take the client certificate",
			Advice: "WinRM needs a listener on HTTPS, Auth\\Certificate enabled, and a ClientCertificate entry that maps this certificate to an account"}
	}
	return response, err
}
