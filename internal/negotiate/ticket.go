package negotiate

import (
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A Ticket describes a Kerberos ticket, without what it holds.
type Ticket struct {
	Client  string    // user@REALM
	Service string    // such as HTTP/ex01.contoso.test@CONTOSO.TEST
	Enctype string    // of its session key; empty where Windows keeps that to itself
	Ends    time.Time // zero where Windows keeps that to itself
}

// A ticket with its session key.
type ticket struct {
	message   messages.Ticket
	key       types.EncryptionKey
	cname     types.PrincipalName
	crealm    string
	service   types.PrincipalName
	realm     string // of the service
	from      time.Time
	ends      time.Time
	renewTill time.Time // zero where it cannot be renewed
}

func (t *ticket) describe() Ticket {
	return Ticket{Client: t.cname.PrincipalNameString() + "@" + t.crealm, Service: t.service.PrincipalNameString() + "@" + t.realm,
		Enctype: enctypeName(t.key.KeyType), Ends: t.ends}
}

// replaceBefore is how long before its end a ticket is not used any more, or a
// sixth of its life where that is shorter.
const replaceBefore = 5 * time.Minute

// fresh reports whether a ticket is good for new connections.
func (t *ticket) fresh(now time.Time) bool {
	return t != nil && now.Before(t.ends.Add(-min(replaceBefore, t.ends.Sub(t.from)/6)))
}

// isTGT reports whether it is the ticket-granting ticket of a realm.
func (t *ticket) isTGT(realm string) bool {
	name := t.service.NameString
	return len(name) == 2 && name[0] == "krbtgt" && name[1] == realm
}

// keySizes are those of the encryption types that we speak, in bytes.
var keySizes = map[int32]int{17: 16, 18: 32, 19: 16, 20: 32, 23: 16}

// checkKey refuses keys of types that we do not speak, and of a wrong size.
func checkKey(key types.EncryptionKey) error {
	if size := keySizes[key.KeyType]; size == 0 || len(key.KeyValue) != size {
		return malformed("a key of %s with %d bytes", enctypeName(key.KeyType), len(key.KeyValue))
	}
	return nil
}

// decrypt opens what a KDC or server encrypted (RFC 3961).
func decrypt(key types.EncryptionKey, usage uint32, cipher []byte) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	// The library slices without looking: a confounder, and the longest checksum.
	if len(cipher) < 16+24+1 {
		return nil, malformed("an encrypted part of %d bytes", len(cipher))
	}
	return crypto.DecryptMessage(cipher, key, usage)
}
