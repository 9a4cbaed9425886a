package negotiate

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A keySource is where an account's long-term keys come from.
type keySource interface {
	// key returns the key of an encryption type for a client, of whom hints tell what
	// the KDC said (ETYPE-INFO2).
	key(enctype int32, cname types.PrincipalName, realm string, hints types.PADataSequence) (types.EncryptionKey, error)
	// principal names the client, where the source knows it.
	principal() string
}

// errNoKey is that of a source without a key of this type.
var errNoKey = errors.New("no key of this encryption type")

// A passwordSource derives keys from a password.
type passwordSource struct{ password Secret }

func (*passwordSource) principal() string { return "" }

// The iterations that a KDC can ask for: 4096 and 32768 are usual (RFC 3962, RFC
// 8009). Fewer would make a password cheap to guess for whoever stands between.
const (
	minIterations = 4096
	maxIterations = 1 << 20
)

func (s *passwordSource) key(enctype int32, cname types.PrincipalName, realm string, hints types.PADataSequence) (types.EncryptionKey, error) {
	etype, err := crypto.GetEtype(enctype)
	if err != nil {
		return types.EncryptionKey{}, err
	}
	salt, params := cname.GetSalt(realm), etype.GetDefaultStringToKeyParams()
	for _, hint := range etypeInfo(hints) {
		if hint.EType != enctype {
			continue
		}
		if hint.Salt != "" {
			salt = hint.Salt
		}
		if len(hint.S2KParams) == 4 {
			if n := binary.BigEndian.Uint32(hint.S2KParams); n < minIterations || n > maxIterations {
				return types.EncryptionKey{}, malformed("the KDC asks for %d iterations to derive a key, where %d to %d are believed: nothing was sent", n, minIterations, maxIterations)
			}
			params = hex.EncodeToString(hint.S2KParams)
		}
		break
	}
	value, err := etype.StringToKey(s.password.Reveal(), salt, params)
	if err != nil {
		return types.EncryptionKey{}, errors.New("no key can be derived from the password")
	}
	return types.EncryptionKey{KeyType: enctype, KeyValue: value}, nil
}

// etypeInfo returns the entries of PA-ETYPE-INFO2 (RFC 4120 5.2.7.5), the KDC's
// preferred first.
func etypeInfo(hints types.PADataSequence) types.ETypeInfo2 {
	for _, hint := range hints {
		var info types.ETypeInfo2
		if hint.PADataType == patype.PA_ETYPE_INFO2 && info.Unmarshal(hint.PADataValue) == nil {
			return info
		}
	}
	return nil
}

// A keytabSource has keys from a file.
type keytabSource struct {
	file *keytab.Keytab
	name string
}

func (s *keytabSource) principal() string { return s.name }

func (s *keytabSource) key(enctype int32, cname types.PrincipalName, realm string, _ types.PADataSequence) (types.EncryptionKey, error) {
	key, _, err := s.file.GetEncryptionKey(cname, realm, 0, enctype)
	if err != nil {
		return key, errNoKey
	}
	return key, nil
}

// has reports whether there is a key of an encryption type for a user of any realm.
func (s *keytabSource) has(enctype int32, user string) bool {
	for _, e := range s.file.Entries {
		if e.Key.KeyType == enctype && strings.Join(e.Principal.Components, "/") == user {
			return true
		}
	}
	return false
}

// newKeytabSource reads a keytab. Without a user name it must have one principal,
// which becomes the user.
func (a *Account) newKeytabSource(path string) (keySource, error) {
	file, err := readFile(path, keytab.Load)
	if err != nil {
		return nil, &Error{Kind: BadCredential, What: "the keytab cannot be read", Err: shortened(err)}
	}
	var names []string
	for _, e := range file.Entries {
		names = append(names, strings.Join(e.Principal.Components, "/")+"@"+e.Principal.Realm)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if a.user.given != "" {
		return &keytabSource{file, a.user.given}, a.holdsUser(path, names)
	}
	if len(names) != 1 {
		return nil, &Error{Kind: BadCredential, What: fmt.Sprintf("the keytab %s has %d principals", path, len(names)),
			Advice: "say which by --logon: " + strings.Join(names, ", ")}
	}
	a.user, err = parseUserName(names[0])
	return &keytabSource{file, names[0]}, err
}

// holdsUser checks that a keytab has the user's keys.
func (a *Account) holdsUser(path string, names []string) error {
	realm, err := a.conf.realmOf(a.user)
	if err != nil {
		return err
	}
	if slices.Contains(names, a.user.name+"@"+realm) {
		return nil
	}
	return &Error{Kind: BadCredential, What: fmt.Sprintf("the keytab %s has no key of %s@%s", path, a.user.name, realm),
		Advice: "it has " + strings.Join(names, ", ") + "; letter case counts"}
}

// A cacheSource is a ticket cache: it has tickets and no keys.
type cacheSource struct {
	path string
	name string
}

func (s *cacheSource) principal() string { return s.name }

func (*cacheSource) key(int32, types.PrincipalName, string, types.PADataSequence) (types.EncryptionKey, error) {
	return types.EncryptionKey{}, errNoKey
}

// newCacheSource reads the ticket cache that is given, or the usual one. Where none
// is given, none need be there, but then nothing can log on either.
func (a *Account) newCacheSource() (keySource, error) {
	path, err := a.cachePath()
	if err != nil {
		return nil, err
	}
	cache, err := readFile(path, credentials.LoadCCache)
	if err != nil {
		return nil, a.noTicket(path, err)
	}
	name := cache.DefaultPrincipal.PrincipalName.PrincipalNameString() + "@" + cache.DefaultPrincipal.Realm
	if a.user.given == "" {
		a.user, err = parseUserName(name)
		return &cacheSource{path, name}, err
	}
	realm, err := a.conf.realmOf(a.user)
	if err != nil {
		return nil, err
	}
	if name != a.user.name+"@"+realm {
		return nil, &Error{Kind: BadCredential, What: fmt.Sprintf("the ticket cache %s is that of %s, not of %s@%s", path, name, a.user.name, realm),
			Advice: "letter case counts; kinit " + a.user.name + "@" + realm + " gets tickets for the other"}
	}
	return &cacheSource{path, name}, nil
}

// noTicket says that there is nothing to log on with.
func (a *Account) noTicket(path string, err error) error {
	e := &Error{Kind: BadCredential, What: "the ticket cache cannot be read", Err: shortened(err), Advice: "kinit gets a ticket; --keytab FILE has a key"}
	if a.config.CCache != "" || !errors.Is(err, fs.ErrNotExist) {
		return e
	}
	e.Err = nil
	if a.user.given != "" {
		e.What = "no password of " + quote(a.user.given) + ", and no ticket of kinit (" + path + " is not there)"
		return e
	}
	e.What = "nobody to log on as: no --logon, and no ticket of kinit (" + path + " is not there)"
	e.Advice = "--logon admin@CONTOSO.COM asks for the password; or run kinit, then the same command"
	return e
}

// shortened is an error about a file without the name of the system's call.
func shortened(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return &explained{at.Path + ": " + at.Err.Error(), err}
	}
	return err
}

// cachePath returns the file of the ticket cache: as given, as KRB5CCNAME says, as
// krb5.conf says, or where MIT Kerberos has it.
func (a *Account) cachePath() (string, error) {
	uid := fmt.Sprint(os.Getuid())
	name := filepath.Join(os.TempDir(), "krb5cc_"+uid)
	for _, n := range []string{a.config.CCache, a.config.Getenv("KRB5CCNAME"), a.conf.ccacheName} {
		if n != "" {
			name = n
			break
		}
	}
	login := ""
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	name = strings.NewReplacer("%{uid}", uid, "%{euid}", uid, "%{USERID}", uid, "%{username}", login, "%{TEMP}", os.TempDir(), "%{null}", "").Replace(name)
	if kind, path, ok := strings.Cut(name, ":"); ok && len(kind) > 1 {
		if kind != "FILE" {
			return "", &Error{Kind: BadCredential, What: fmt.Sprintf("the ticket cache %s is of a kind that only this system's own Kerberos can read", quote(name)),
				Advice: "get a ticket in a file, kinit -c FILE:/tmp/exgrant.ccache, and name it by --ccache; or give the password or --keytab"}
		}
		return path, nil
	}
	return name, nil
}

// cachedTickets reads the tickets of the cache anew: kinit may have replaced them.
func (s *cacheSource) cachedTickets() ([]*ticket, error) {
	cache, err := readFile(s.path, credentials.LoadCCache)
	if err != nil {
		return nil, &Error{Kind: BadCredential, What: "the ticket cache cannot be read", Err: shortened(err)}
	}
	var list []*ticket
	for _, c := range cache.GetEntries() {
		var m messages.Ticket
		if m.Unmarshal(c.Ticket) != nil || checkKey(c.Key) != nil {
			continue // another kind of entry, or an encryption type that we have not
		}
		list = append(list, &ticket{message: m, key: c.Key, cname: cache.DefaultPrincipal.PrincipalName, crealm: cache.DefaultPrincipal.Realm,
			service: c.Server.PrincipalName, realm: c.Server.Realm, from: c.AuthTime, ends: c.EndTime, renewTill: c.RenewTill})
	}
	return list, nil
}

// readFile reads a file by a function of the Kerberos library, which panics at some
// malformed ones.
func readFile[T any](path string, load func(string) (T, error)) (value T, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%s: malformed", path)
		}
	}()
	return load(path)
}
