package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/cases"
)

// Role is the role that this program grants, by the name it has in every
// organization. Child roles of it grant the same.
const Role = "ApplicationImpersonation"

// RoleViewOnlyConfiguration is the role that lets its holder read the
// organization's configuration.
const RoleViewOnlyConfiguration = "View-Only Configuration"

// MaxName is the longest name of an assignment, scope or role group, in UTF-16
// units (New-ManagementRoleAssignment, -Name).
const MaxName = 64

const (
	refusedInIdentities = "*?"
	refusedInNames      = "*?[],+\"\\<>;=#/"
)

// CheckIdentity says why s cannot be the identity of an existing object: it is
// empty, has leading or trailing space, a wildcard, or a character that
// CheckText refuses. It does not say whether the object exists.
func CheckIdentity(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("must not be empty")
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("must not begin or end with a space")
	}
	if err := CheckText(s); err != nil {
		return fmt.Errorf("must not contain %w", err)
	}
	if i := strings.IndexAny(s, refusedInIdentities); i >= 0 {
		return fmt.Errorf("must not contain the wildcard %q", s[i:i+1])
	}
	return nil
}

// CheckName says why s cannot be the name of an object that exgrant creates:
// what CheckIdentity refuses, characters with a meaning in distinguished names
// or wildcards, and more than MaxName UTF-16 units.
func CheckName(s string) error {
	if err := CheckIdentity(s); err != nil {
		return err
	}
	if i := strings.IndexAny(s, refusedInNames); i >= 0 {
		return fmt.Errorf("must not contain %q", s[i:i+1])
	}
	if n := utf16Len(s); n > MaxName {
		return fmt.Errorf("must not be longer than %d characters (it has %d)", MaxName, n)
	}
	return nil
}

// AssignmentName is the name of the assignment and, unless the scope has its
// own, of the scope: Name, or where it is empty one derived from assignee and
// scope. The derived name is the same for the same grant, readable, at most
// MaxName long, and differs when assignee, scope kind or scope text differ in
// more than case. For a RoleGroup, whose assignments Exchange names itself, it is
// only the scope's name.
func (g Grant) AssignmentName() string {
	if g.Name != "" {
		return g.Name
	}
	fold := cases.Fold()
	sum := sha256.Sum256([]byte(strings.Join([]string{
		fold.String(string(g.Assignee.Kind)), fold.String(g.Assignee.Identity),
		fold.String(string(g.Scope.Kind)), fold.String(g.Scope.Text),
	}, "\x00")))
	parts := []string{Role}
	if last := LastPart(g.Assignee.Identity); last != "" {
		parts = append(parts, last)
	}
	return strings.Join(append(parts, hex.EncodeToString(sum[:4])), "-")
}

// ScopeName is the name of the management scope that the grant uses, "" when it
// uses none.
func (g Grant) ScopeName() string {
	switch {
	case g.Scope.Kind == Existing:
		return g.Scope.Text
	case !g.Scope.Creates():
		return ""
	case g.Scope.Name != "":
		return g.Scope.Name
	}
	return g.AssignmentName()
}

const maxLastPart = 30 // ApplicationImpersonation, two hyphens, 8 digits: 34 of 64

// LastPart is the part of an identity by which people know it: what follows the
// domain or path, precedes the @, or is the value of a DN's first RDN.
func LastPart(identity string) string {
	s := identity
	if v, ok := firstRDN(s); ok {
		s = v
	} else {
		s = s[strings.LastIndexAny(s, `\/`)+1:]
		s, _, _ = strings.Cut(s, "@")
	}
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(refusedInNames, r) || refusedRune(r) != "" {
			return '-' // a DN's escapes can hold any character
		}
		return r
	}, s)
	units := 0
	for i, r := range s {
		if units += utf16.RuneLen(r); units > maxLastPart {
			s = s[:i]
			break
		}
	}
	return strings.TrimSpace(s)
}

// firstRDN returns the unescaped value of the first RDN of a distinguished name
// (RFC 4514), and whether s is one.
func firstRDN(s string) (string, bool) {
	attr, rest, ok := strings.Cut(s, "=")
	if !ok || attr == "" || strings.IndexFunc(attr, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-')
	}) >= 0 {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == ',':
			return b.String(), true
		case c == '\\' && i+2 < len(rest) && isHex(rest[i+1]) && isHex(rest[i+2]):
			raw, _ := hex.DecodeString(rest[i+1 : i+3])
			b.Write(raw)
			i += 2
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false // one RDN alone is no name of an Exchange object
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
