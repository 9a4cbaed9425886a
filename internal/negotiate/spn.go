package negotiate

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

const spnAdvice = "use the server's own full name: a load-balanced name, an alias or an IP address has a service name only where an administrator gave it one (setspn -Q); --connect-to and --spn tell name and address apart"

// A ResolveFunc asks the DNS for a host's canonical name and its addresses.
type ResolveFunc func(ctx context.Context, host string) (canonical string, addresses []string, err error)

func resolve(ctx context.Context, host string) (string, []string, error) {
	canonical, err := net.DefaultResolver.LookupCNAME(ctx, host)
	if err != nil {
		return "", nil, err
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	return canonical, addresses, err
}

// resolveTimeout bounds the look-ups that only serve an explanation.
const resolveTimeout = 2 * time.Second

// ipService is the error of a service that is named by an address.
func ipService(spn string) error {
	return &Error{Kind: UnknownSPN, What: "Kerberos knows no service " + quote(spn) + ": that is an IP address",
		Advice: "name the server by its full name; --connect-to HOST:PORT says where it is"}
}

// hostOf is the host of a service name.
func hostOf(spn string) string {
	_, host, _ := strings.Cut(spn, "/")
	return strings.Trim(host, "[]")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// unknownService says of a service that the KDC does not know what its name is, as
// far as the DNS tells, and what to use instead.
func (a *Account) unknownService(ctx context.Context, realm, spn string) error {
	host := hostOf(spn)
	if isAddress(host) {
		return ipService(spn)
	}
	e := &Error{Kind: UnknownSPN, What: fmt.Sprintf("the realm %s knows no service %s", quote(realm), quote(spn)), Advice: spnAdvice}
	if !strings.Contains(host, ".") {
		e.What += ": that is a short name"
		e.Advice = "name the server by its full name, such as " + host + "." + strings.ToLower(a.homeDomain(realm))
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	canonical, addresses, err := a.config.Resolve(ctx, host)
	canonical = strings.TrimSuffix(canonical, ".")
	switch {
	case err != nil:
	case canonical != "" && !strings.EqualFold(canonical, strings.TrimSuffix(host, ".")):
		e.What += ": the name is an alias of " + quote(canonical)
		e.Advice = "use " + quote(canonical) + " as the server's name, or --spn HTTP/" + canonical
	case families(addresses) > 1:
		e.What += fmt.Sprintf(": the name has %d addresses, as load-balanced names do", families(addresses))
		e.Advice = "use the full name of one server; a load-balanced name works where an administrator gave it to an account that all servers share (alternate service account)"
	}
	return e
}

// homeDomain is the domain of a realm that a KDC named, or of our own.
func (a *Account) homeDomain(realm string) string {
	if realm != "" && len(realm) < 256 && !strings.ContainsFunc(realm, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return realm
	}
	return a.conf.defaultRealm
}

// families counts the addresses of the kind of which there are more: one server has
// one of each.
func families(addresses []string) int {
	v4, v6 := 0, 0
	for _, text := range addresses {
		switch address, err := netip.ParseAddr(text); {
		case err != nil:
		case address.Unmap().Is4():
			v4++
		default:
			v6++
		}
	}
	return max(v4, v6)
}
