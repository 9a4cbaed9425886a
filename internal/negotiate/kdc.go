package negotiate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"

	"github.com/exgrant/exgrant/internal/nettext"
)

const (
	// kdcTimeout is how long one KDC may take to answer before the next is asked.
	kdcTimeout = 5 * time.Second
	// maxKDCReply bounds a reply: tickets with large group lists have some 64 KiB.
	maxKDCReply = 1 << 20
)

// A DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// A LookupSRVFunc asks the DNS for SRV records, as net.Resolver.LookupSRV does.
type LookupSRVFunc func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)

// A kdcLink reaches the KDCs of realms. It uses TCP alone, which every KDC of
// Active Directory and MIT takes, and which their tickets need.
type kdcLink struct {
	conf      *krb5Conf
	dial      DialFunc
	lookupSRV LookupSRVFunc

	mu       sync.Mutex
	answered map[string]string // of a realm, the address that answered last: it is asked first
}

// ask sends a request to a KDC of a realm and returns its reply, which is no
// KRB-ERROR: that is returned as an error of type messages.KRBError. Only a KDC
// that gives no answer at all lets the next one be asked.
func (l *kdcLink) ask(ctx context.Context, realm string, request []byte) ([]byte, error) {
	addresses, err := l.addresses(ctx, realm)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, address := range l.lastFirst(realm, addresses) {
		reply, err := l.exchange(ctx, address, request)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			failed = append(failed, silence(address, err))
			continue
		}
		l.remember(realm, address)
		var refusal messages.KRBError
		if refusal.Unmarshal(reply) == nil {
			return nil, refusal
		}
		return reply, nil
	}
	return nil, noAnswer(realm, failed)
}

func (l *kdcLink) remember(realm, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered[realm] = address
}

// lastFirst puts the address that answered last before the others.
func (l *kdcLink) lastFirst(realm string, addresses []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(addresses, l.answered[realm])
	if i <= 0 {
		return addresses
	}
	return slices.Insert(slices.Delete(slices.Clone(addresses), i, i+1), 0, addresses[i])
}

// addresses returns where the KDCs of a realm are: by krb5.conf, else by the DNS.
func (l *kdcLink) addresses(ctx context.Context, realm string) ([]string, error) {
	var list []string
	for _, kdc := range l.conf.kdcs[realm] {
		list = append(list, kdcAddress(kdc))
	}
	if len(list) > 0 {
		return list, nil
	}
	where := l.conf.path
	if where == "" {
		where = "krb5.conf (there is none)"
	}
	unknown := &Error{Kind: NoKDC, What: "no KDC is known for the realm " + quote(realm),
		Advice: "check the realm's spelling, which is the domain's DNS name; name the KDC in krb5.conf (--krb5-config), or let the DNS have _kerberos._tcp." + strings.ToLower(realm)}
	if l.conf.noDNS {
		unknown.Err = fmt.Errorf("%s has none, and forbids to ask the DNS", where)
		return nil, unknown
	}
	_, records, err := l.lookupSRV(ctx, "kerberos", "tcp", realm)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for _, r := range records {
		if r.Target != "." {
			list = append(list, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
		}
	}
	if len(list) == 0 {
		unknown.Err = fmt.Errorf("%s has none, nor has the DNS", where)
		if dns := (*net.DNSError)(nil); err != nil && !(errors.As(err, &dns) && dns.IsNotFound) {
			unknown.Err = &explained{fmt.Sprintf("%s has none; %s", where, nettext.Cause(err)), err}
		}
		return nil, unknown
	}
	return list, nil
}

// kdcAddress reads a kdc line: host, host:port, with an IPv6 address in brackets,
// and with tcp/ or udp/ in front.
func kdcAddress(text string) string {
	for _, proto := range []string{"tcp/", "udp/"} {
		text = strings.TrimPrefix(text, proto)
	}
	if _, _, err := net.SplitHostPort(text); err == nil {
		return text
	}
	return net.JoinHostPort(strings.Trim(text, "[]"), "88")
}

// exchange sends one request (RFC 4120 7.2.2: behind its length) and reads the
// reply.
func (l *kdcLink) exchange(ctx context.Context, address string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kdcTimeout)
	defer cancel()
	conn, err := l.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 || n > maxKDCReply {
		return nil, fmt.Errorf("a reply of %d bytes", n)
	}
	reply := make([]byte, n)
	_, err = io.ReadFull(conn, reply)
	return reply, err
}
