package negotiate

import "strings"

// A userName is a user name taken apart.
type userName struct {
	given  string
	name   string // without realm and domain
	realm  string // after @, in upper case
	domain string // before \
}

// parseUserName reads user@REALM, DOMAIN\user or user.
func parseUserName(given string) (userName, error) {
	u := userName{given: given, name: given}
	if domain, name, ok := strings.Cut(given, `\`); ok {
		u.domain, u.name = domain, name
	} else if i := strings.LastIndexByte(given, '@'); i >= 0 {
		u.name, u.realm = given[:i], strings.ToUpper(given[i+1:])
	}
	bad := u.name == "" || strings.ContainsAny(u.name, "\x00\r\n\\") || strings.ContainsAny(u.domain+u.realm, "\x00\r\n\\/ ") ||
		strings.Contains(given, `\`) && u.domain == "" || strings.HasSuffix(given, "@")
	if bad {
		return userName{}, &Error{Kind: BadCredential, What: "the user name " + quote(given) + " cannot be read",
			Advice: `write user@REALM (alice@CONTOSO.TEST) or DOMAIN\user (CONTOSO\alice)`}
	}
	return u, nil
}

// ntlm returns domain and user as NTLM has them. A user principal name goes
// undivided, without a domain (MS-NLMP 3.1.5.1.2; the server finds the domain).
func (u userName) ntlm() (domain, user string) {
	if u.realm != "" {
		return "", u.given
	}
	return u.domain, u.name
}
