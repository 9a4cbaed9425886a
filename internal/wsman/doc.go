// Package wsman is the Windows remote shell over SOAP (MS-WSMV), as far as
// PowerShell remoting (MS-PSRP 3.1.5.3) and a command shell need it: envelopes and
// faults of both sides, and a client.
//
// A Request and a Reply are values with an Append method and a parser each. A
// Client sends requests over HTTP to one endpoint; a Shell is what its Create
// returns. Payloads are opaque bytes here.
//
// Errors are of four types: a FaultError is what the service answered, an
// HTTPError what the web server in front of it did, a NetworkError means no whole
// answer, a ProtocolError an answer that is not WSMan. Unsent tells whether the
// request was certainly not carried out.
package wsman
