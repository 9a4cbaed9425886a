package negotiate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A service that the KDC does not know is told for what it is: an alias, a
// load-balanced name, a short name, an address.
func TestUnknownService(t *testing.T) {
	kdc := peers.StartKDC(t)
	a := stage{kdc: kdc}.account(t, func(c *AccountConfig) {
		c.Resolve = func(_ context.Context, host string) (string, []string, error) {
			switch host {
			case "alias.contoso.test":
				return "ex02.contoso.test.", []string{"192.0.2.2"}, nil
			case "balanced.contoso.test":
				return host + ".", []string{"192.0.2.2", "192.0.2.3", "2001:db8::2"}, nil
			case "single.contoso.test":
				return host + ".", []string{"192.0.2.2", "2001:db8::2"}, nil
			}
			return "", nil, errors.New("no DNS")
		}
	})
	for spn, want := range map[string][2]string{
		"HTTP/alias.contoso.test":    {`is an alias of "ex02.contoso.test"`, "--spn HTTP/ex02.contoso.test"},
		"HTTP/balanced.contoso.test": {"has 2 addresses", "one server"},
		"HTTP/single.contoso.test":   {"knows no service", "own full name"},
		"HTTP/unknown.contoso.test":  {"knows no service", "own full name"},
		"HTTP/ex09":                  {"short name", "ex09.contoso.test"},
		"HTTP/192.0.2.2":             {"IP address", "--connect-to"},
	} {
		_, err := a.Ticket(t.Context(), spn)
		var e *Error
		if !errors.As(err, &e) || e.Kind != UnknownSPN || !strings.Contains(e.Error(), want[0]) || !strings.Contains(e.Hint(), want[1]) {
			t.Errorf("%s: %v; hint: %s", spn, err, e.Hint())
		}
	}
	for _, spn := range []string{"HTTP", "HTTP/", "/x"} {
		if _, err := a.Ticket(t.Context(), spn); KindOf(err) != BadCredential {
			t.Errorf("%q: %v", spn, err)
		}
	}
}
