package ews

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// A TransportConfig says how to reach servers. The zero value is the usual way.
type TransportConfig struct {
	// RootCAs are the authorities that certificates must come from; nil is the system's.
	RootCAs *x509.CertPool
	// Dial opens connections; nil is the usual way. It gets host:port as in the URL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewTransport returns a transport fit for EWS, which logs nobody on: HTTP/1.1 only,
// because Kerberos and NTLM log a connection on; no proxy, no compression, connections
// are kept.
func NewTransport(c TransportConfig) *http.Transport {
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:         c.Dial,
		TLSClientConfig:     &tls.Config{RootCAs: c.RootCAs},
		TLSHandshakeTimeout: 15 * time.Second,
		Protocols:           protocols,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 16,
		// IIS closes idle connections after two minutes; one that is closed while a
		// request is under way makes a lost reply of it: be earlier.
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
