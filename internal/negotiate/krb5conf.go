package negotiate

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A krb5Conf is what counts of a krb5.conf.
type krb5Conf struct {
	path         string // of the first file; empty when there is none
	defaultRealm string
	noDNS        bool                // dns_lookup_kdc = false
	ccacheName   string              // default_ccache_name
	enctypes     []int32             // to ask for, the preferred first
	kdcs         map[string][]string // of a realm, as written
	realms       map[string]string   // of a host name, or of a domain with its dot
}

// The encryption types that are asked for where krb5.conf names none, the preferred
// first: those of every Active Directory, and those of RFC 8009. Whoever stands
// between here and the KDC can choose among them: RC4, which is cheap to guess a
// password from, is not among them.
var ourEnctypes = []int32{18, 17, 20, 19}

// enctypeRC4 is spoken where krb5.conf permits it by name, or a keytab has such a key.
const enctypeRC4 = 23

// enctypeNames are those of krb5.conf(5), families included.
var enctypeNames = map[string][]int32{
	"aes256-cts-hmac-sha1-96": {18}, "aes256-cts": {18}, "aes256-sha1": {18},
	"aes128-cts-hmac-sha1-96": {17}, "aes128-cts": {17}, "aes128-sha1": {17},
	"aes256-cts-hmac-sha384-192": {20}, "aes256-sha2": {20},
	"aes128-cts-hmac-sha256-128": {19}, "aes128-sha2": {19},
	"arcfour-hmac": {enctypeRC4}, "rc4-hmac": {enctypeRC4}, "arcfour-hmac-md5": {enctypeRC4},
	"aes": {18, 20, 17, 19}, "rc4": {enctypeRC4}, "default": ourEnctypes,
}

// enctypeName is the usual name of an encryption type.
func enctypeName(id int32) string {
	switch id {
	case 17:
		return "aes128-cts-hmac-sha1-96"
	case 18:
		return "aes256-cts-hmac-sha1-96"
	case 19:
		return "aes128-cts-hmac-sha256-128"
	case 20:
		return "aes256-cts-hmac-sha384-192"
	case enctypeRC4:
		return "arcfour-hmac"
	}
	return fmt.Sprintf("enctype %d", id)
}

// krb5ConfPaths are where the file is looked for: where KRB5_CONFIG says, else
// where MIT Kerberos has it. Here a file may be missing.
func krb5ConfPaths(getenv func(string) string) []string {
	if list := getenv("KRB5_CONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	switch runtime.GOOS {
	case "windows":
		return []string{filepath.Join(getenv("ProgramData"), "MIT", "Kerberos5", "krb5.ini"), filepath.Join(getenv("SystemRoot"), "krb5.ini")}
	case "darwin":
		return []string{"/etc/krb5.conf", "/opt/local/etc/krb5.conf"}
	}
	return []string{"/etc/krb5.conf"}
}

// loadKrb5Conf reads the file that is given, which must be there, or those that
// are found.
func loadKrb5Conf(given string, getenv func(string) string) (*krb5Conf, error) {
	c := &krb5Conf{kdcs: map[string][]string{}, realms: map[string]string{}}
	paths := []string{given}
	if given == "" {
		paths = krb5ConfPaths(getenv)
	}
	reader := &krb5Reader{conf: c, single: map[string]string{}}
	for _, path := range paths {
		err := reader.file(path, 0)
		if given == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &Error{Kind: BadCredential, What: "the Kerberos configuration cannot be read", Err: err}
		}
		if c.path == "" {
			c.path = path
		}
	}
	c.settle(reader.single)
	return c, nil
}

// settle takes over the settings of [libdefaults].
func (c *krb5Conf) settle(single map[string]string) {
	c.defaultRealm, c.ccacheName = single["default_realm"], single["default_ccache_name"]
	switch strings.ToLower(single["dns_lookup_kdc"]) {
	case "false", "no", "n", "f", "off", "0", "nil":
		c.noDNS = true
	}
	for _, key := range []string{"default_tgs_enctypes", "permitted_enctypes"} {
		if c.enctypes = parseEnctypes(single[key]); len(c.enctypes) > 0 {
			return
		}
	}
	c.enctypes = ourEnctypes
	switch strings.ToLower(single["allow_rc4"]) {
	case "true", "yes", "y", "t", "on", "1":
		c.enctypes = append(slices.Clone(ourEnctypes), enctypeRC4)
	}
}

// parseEnctypes reads a list of krb5.conf(5): names and families, + or nothing to
// add and - to take away.
func parseEnctypes(list string) []int32 {
	var ids []int32
	for _, name := range strings.FieldsFunc(strings.ToLower(list), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		bare := strings.TrimLeft(name, "+-")
		for _, id := range enctypeNames[bare] {
			ids = slices.DeleteFunc(ids, func(have int32) bool { return have == id })
			if name[0] != '-' {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// A krb5Reader reads the lines of the files. It takes what it knows and leaves the
// rest, as Kerberos itself does. Of a setting that can have one value the first
// counts.
type krb5Reader struct {
	conf   *krb5Conf
	single map[string]string // of [libdefaults]
}

// maxIncludes is how deep files may include each other.
const maxIncludes = 8

func (r *krb5Reader) file(path string, depth int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var section, realm string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if word, rest, _ := strings.Cut(line, " "); word == "include" || word == "includedir" {
			if err := r.include(word, strings.TrimSpace(rest), depth+1); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			continue
		}
		if line[0] == '[' {
			section, realm = strings.ToLower(strings.Trim(line, "[]*")), ""
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		switch {
		case !ok && strings.HasPrefix(key, "}"):
			realm = ""
		case section == "realms" && strings.HasPrefix(value, "{"):
			realm = key
		case ok:
			r.setting(section, realm, key, value)
		}
	}
	return lines.Err()
}

func (r *krb5Reader) include(word, path string, depth int) error {
	if depth > maxIncludes {
		return fmt.Errorf("files include each other")
	}
	if word == "include" {
		return r.file(path, depth)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// krb5.conf(5): names of letters, digits, dashes and underscores, or ending in .conf
		name := e.Name()
		if e.IsDir() || name[0] == '.' || !strings.HasSuffix(name, ".conf") && strings.ContainsFunc(name, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
		}) {
			continue
		}
		if err := r.file(filepath.Join(path, name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *krb5Reader) setting(section, realm, key, value string) {
	switch {
	case section == "libdefaults":
		if _, ok := r.single[key]; !ok {
			r.single[key] = value
		}
	case section == "domain_realm":
		if key = strings.ToLower(key); r.conf.realms[key] == "" {
			r.conf.realms[key] = value
		}
	case section == "realms" && realm != "" && (key == "kdc" || key == "master_kdc" || key == "primary_kdc"):
		if kdc := strings.TrimRight(value, "* "); !slices.Contains(r.conf.kdcs[realm], kdc) {
			r.conf.kdcs[realm] = append(r.conf.kdcs[realm], kdc)
		}
	}
}

// realmOfHost returns the realm that [domain_realm] gives a host: its own line, or
// that of the nearest domain above it; nothing when there is none.
func (c *krb5Conf) realmOfHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if realm := c.realms[host]; realm != "" {
		return realm
	}
	for {
		i := strings.IndexByte(host, '.')
		if i < 0 {
			return ""
		}
		if realm := c.realms[host[i:]]; realm != "" {
			return realm
		}
		if host = host[i+1:]; c.realms[host] != "" {
			return c.realms[host]
		}
	}
}

// realmOf returns the realm of a user: the one in the name, the one that the
// NetBIOS name of a domain is the first part of, or the default.
func (c *krb5Conf) realmOf(u userName) (string, error) {
	switch {
	case u.realm != "" && strings.Contains(u.realm, "."):
		return u.realm, nil
	case u.realm != "":
		return c.realmByFirstPart(u, u.realm)
	case u.domain != "" && strings.Contains(u.domain, "."):
		return strings.ToUpper(u.domain), nil
	case u.domain != "":
		return c.realmByFirstPart(u, u.domain)
	case c.defaultRealm != "":
		return c.defaultRealm, nil
	}
	return "", &Error{Kind: BadCredential, What: "the user name " + quote(u.given) + " does not say which realm",
		Advice: "write it with the domain's DNS name: " + u.name + "@CONTOSO.COM"}
}

// realmByFirstPart finds the realm that a short name stands for.
func (c *krb5Conf) realmByFirstPart(u userName, short string) (string, error) {
	known := []string{c.defaultRealm}
	for realm := range c.kdcs {
		known = append(known, realm)
	}
	for _, realm := range c.realms {
		known = append(known, realm)
	}
	slices.Sort(known)
	var found []string
	for _, realm := range slices.Compact(known) {
		first, _, _ := strings.Cut(realm, ".")
		if realm != "" && (strings.EqualFold(first, short) || strings.EqualFold(realm, short)) {
			found = append(found, realm)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", &Error{Kind: BadCredential, What: fmt.Sprintf("the user name %s has the short name of a domain, and Kerberos needs its realm", quote(u.given)),
		Advice: fmt.Sprintf("write %s@%s.EXAMPLE.COM, with the domain's whole DNS name", u.name, strings.ToUpper(short))}
}
