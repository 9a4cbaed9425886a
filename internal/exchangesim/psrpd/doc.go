// Package psrpd is an Exchange server's /PowerShell in front of a simulated
// organization: WSMan over HTTP, and in it the PowerShell Remoting Protocol.
//
// A Server is an http.Handler. It has the manners that clients have to know: only
// the resource Microsoft.Exchange, a session without a language that takes single
// commands, 18 shells for each user, an idle time-out, a cookie, replies that are
// compressed unless the client says otherwise. Its output waits for the client in
// bounded memory, an open shell has no goroutine, and tests can make any request
// fail in any way.
//
// It serves HTTP/1.1: an http.Server with TLS needs its Protocols set to HTTP1.
package psrpd
