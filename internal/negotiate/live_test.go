package negotiate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
)

// A stage is a KDC, an acceptor and an account.
type stage struct {
	kdc      *peers.KDC
	acceptor *peers.Acceptor
}

// dialTo connects to an address, whatever is asked for.
func dialTo(address string) DialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

func noEnv(string) string { return "" }

func (s stage) account(t testing.TB, change func(*AccountConfig)) *Account {
	t.Helper()
	c := AccountConfig{Username: "alice@CONTOSO.TEST", Password: NewSecret(peers.KDCPassword), Getenv: noEnv}
	if s.kdc != nil {
		c.Krb5Config = s.kdc.Config
	}
	if change != nil {
		change(&c)
	}
	a, err := NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s stage) transport(t testing.TB, method Method, a *Account, change func(*Config)) *Transport {
	t.Helper()
	c := Config{Method: method, Account: a, Dial: dialTo(s.acceptor.Address)}
	if s.acceptor.CertFile != "" {
		pem, err := os.ReadFile(s.acceptor.CertFile)
		if err != nil {
			t.Fatal(err)
		}
		c.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		c.TLS.RootCAs.AppendCertsFromPEM(pem)
	}
	if change != nil {
		change(&c)
	}
	transport, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// envelope is a request of so many bytes.
func envelope(verb string, size int) string {
	head := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header><a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/` + verb + `</a:Action></s:Header><!--`
	tail := `--></s:Envelope>`
	return head + strings.Repeat("x", max(0, size-len(head)-len(tail))) + tail
}

const soapMedia = "application/soap+xml;charset=UTF-8"

func post(ctx context.Context, rt http.RoundTripper, url, content string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(content))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", soapMedia)
	response, err := rt.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode == 200 && response.Header.Get("Content-Type") != soapMedia {
		err = fmt.Errorf("content type %q", response.Header.Get("Content-Type"))
	}
	return response.StatusCode, string(b), err
}

func TestSealed(t *testing.T) {
	kdc := peers.StartKDC(t)
	for _, args := range [][]string{{"--require-encryption"}, {"--stream"}, {"--exchange-boundary", "--require-encryption", "--iis-compress", "--size", "300000", "--offer", "Kerberos,Negotiate"}} {
		s := stage{kdc, peers.StartAcceptor(t, peers.AcceptorOptions{KDC: kdc, Args: args})}
		for _, method := range []Method{Kerberos, Negotiate, NTLM} {
			t.Run(string(method)+strings.Join(args, ""), func(t *testing.T) {
				a := s.account(t, func(c *AccountConfig) {
					if method == NTLM {
						c.Username = peers.AcceptorNTLMUser
					}
				})
				rt := s.transport(t, method, a, nil)
				for i, verb := range []string{"Create", "Command", "Receive", "Receive", "Signal"} {
					status, content, err := post(t.Context(), rt, s.acceptor.URL+"/PowerShell", envelope(verb, 1<<(4*i)))
					if err != nil || status != 200 || !strings.Contains(content, verb) {
						t.Fatalf("%s: %d %.100q %v\n%s", verb, status, content, err, s.acceptor.Log())
					}
				}
				t.Logf("%s", s.acceptor.Log()[:2000])
			})
		}
	}
}
