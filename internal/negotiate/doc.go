// Package negotiate logs on to an HTTP server as Windows' own clients do, and
// protects the messages to it.
//
// An Account is who logs on, with the Kerberos tickets got for it. It is made once
// and shared by all sessions of a program. A Transport is an http.RoundTripper for
// one kind of log-on to one server; every connection that it opens is logged on by
// itself.
//
//	account, err := negotiate.NewAccount(negotiate.AccountConfig{
//		Username: "admin@CONTOSO.TEST", Password: negotiate.NewSecret(password)})
//	transport, err := negotiate.New(negotiate.Config{
//		Method: negotiate.Kerberos, Account: account, TLS: tlsConfig})
//	client := &http.Client{Transport: transport, CheckRedirect: …}
//	defer transport.CloseIdleConnections()
//
// # Which to choose
//
// WS-Management on plain HTTP (Exchange's /PowerShell on port 80, WinRM on 5985):
// Kerberos, Negotiate or NTLM. Requests and replies are sealed (MS-WSMV 2.2.9.1);
// an answer that is not, is refused.
//
// Over TLS (WinRM on 5986, Exchange Web Services): the same, bound to the server's
// certificate by a channel binding (RFC 5929 tls-server-end-point), and not sealed
// once more unless Config.Seal is SealAlways.
//
// Certificate is for WinRM over TLS: put the certificate into Config.TLS. Basic
// sends the password, and so only over TLS or to this machine.
//
// # What it never does
//
// It sends no password, hash or message in clear, whatever the server offers; it
// follows no redirection; it believes no server that has not proved that it knows
// the account's secret or holds the service's key; it tries a password that was
// refused no second time.
//
// Errors are of type *Error where the log-on or the protection failed; Kind tells
// which way, Hint what to do. Errors of the network and of TLS are as net and
// crypto/tls make them.
package negotiate
