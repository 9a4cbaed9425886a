package exchange

import "github.com/exgrant/exgrant/pkg/opath"

// ScopeKind is how a scope is given.
type ScopeKind string

// The kinds of scopes. The zero value is none of them: a scope is always a
// decision, never a default.
const (
	WholeOrganization  ScopeKind = "organization"
	Group              ScopeKind = "group"              // the direct members of a group
	OrganizationalUnit ScopeKind = "organizationalUnit" // all recipients below an organizational unit
	RecipientFilter    ScopeKind = "filter"             // an OPATH filter
	Existing           ScopeKind = "existing"           // a management scope that exists, by name
)

// A Scope is the set of mailboxes for which the role may be used.
type Scope struct {
	Kind ScopeKind
	Text string // the group, organizational unit, filter or scope name; empty for WholeOrganization

	// Name names the management scope to create for the kinds Group and
	// RecipientFilter; empty means the assignment's name.
	Name string
}

// NewFilterScope returns the scope of an OPATH filter, without the braces that people
// put round one out of PowerShell's habit. Name is as in Scope.
func NewFilterScope(filter, name string) Scope {
	return Scope{Kind: RecipientFilter, Text: opath.Unwrap(filter), Name: name}
}

// Creates reports whether the grant needs a management scope of its own.
func (s Scope) Creates() bool { return s.Kind == Group || s.Kind == RecipientFilter }
