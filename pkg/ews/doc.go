// Package ews asks Exchange Web Services whether impersonation works, and whether
// it works only where it should.
//
// A [Client] has the eight operations that a proof needs. Each request may carry an
// [Identity] to act for (ExchangeImpersonation), always names the mailbox that it is
// about (X-AnchorMailbox), and tells what came back as an [Answer]: HTTP status,
// response code, build of the server, the servers that took part. [Discover] finds
// the URL to ask at. A [Prober] climbs the rungs of a diagnosis, one mailbox at a
// time; each [Rung] says what was tried, what was seen, what it means and what to do.
//
// A success is one only when everything says so: HTTP 200, ResponseClass Success,
// the code NoError, a reply that is whole. Everything else is an [*Error], with the
// evidence that package fault decides on. Texts of a server, in whatever language,
// decide nothing.
//
// Replies are limited in size and depth; a server that is busy is waited for as long
// as it asks, within a limit; there is no HTTP/2, since Kerberos and NTLM log a
// connection on and not a request. What logs on is the caller's http.RoundTripper.
// Nothing here logs, and no error or trace holds a credential.
//
// The operations are described at
// https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-operations-in-exchange.
package ews
