package exchange

import (
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/opath"
)

// A Grant says what is wanted: that the assignee may act for the mailboxes of the scope.
type Grant struct {
	Name     string // of the role assignment, at most MaxName; derived when empty (AssignmentName)
	Assignee Assignee
	Mailbox  string // the service's own mailbox; optional
	Scope    Scope

	// DomainController pins the writes and their read-back; optional.
	DomainController string

	// InScope and OutOfScope are mailboxes by which the grant is checked once it
	// is made: the first must be within reach of the assignee, the others not.
	InScope, OutOfScope []string

	// Accept names other assignments of the assignee, by name or GUID, that a check of
	// the grant takes as known.
	Accept []string
}

// A FieldError says what is wrong with one field of a Grant. Field is the name
// of the command line's flag for it, without hyphens.
type FieldError struct {
	Field string
	Value string
	Rule  string
}

func (e *FieldError) Error() string {
	if e.Value == "" {
		return e.Field + ": " + e.Rule
	}
	return fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Rule)
}

// A ValidationError lists everything that is wrong with a Grant.
type ValidationError []*FieldError

func (e ValidationError) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives the single errors.
func (e ValidationError) Unwrap() []error {
	errs := make([]error, len(e))
	for i, f := range e {
		errs[i] = f
	}
	return errs
}

// Validate says everything that is wrong with the grant and can be known without
// asking a server. The error is a ValidationError.
func (g Grant) Validate() error {
	var v validator
	if g.Name != "" {
		v.check("name", g.Name, CheckName)
	}
	v.assignee(g.Assignee)
	if g.Mailbox != "" {
		v.check("mailbox", g.Mailbox, CheckIdentity)
	}
	v.scope(g.Scope)
	if g.DomainController != "" {
		v.check("domain-controller", g.DomainController, CheckIdentity)
	}
	for _, a := range g.Accept {
		v.check("accept", a, CheckIdentity)
	}
	inScope := map[string]bool{}
	for _, m := range g.InScope {
		v.check("in-scope", m, CheckIdentity)
		inScope[strings.ToLower(m)] = true
	}
	for _, m := range g.OutOfScope {
		v.check("out-of-scope", m, CheckIdentity)
		if inScope[strings.ToLower(m)] {
			v.add("out-of-scope", m, "is in scope too")
		}
	}
	if len(v) == 0 {
		return nil
	}
	return ValidationError(v)
}

type validator ValidationError

func (v *validator) add(field, value, rule string) {
	*v = append(*v, &FieldError{field, value, rule})
}

func (v *validator) check(field, value string, rule func(string) error) {
	if err := rule(value); err != nil {
		v.add(field, value, err.Error())
	}
}

func (v *validator) assignee(a Assignee) {
	switch a.Kind {
	case User:
		v.check("user", a.Identity, CheckIdentity)
	case SecurityGroup:
		v.check("group", a.Identity, CheckIdentity)
	case RoleGroup:
		v.check("role-group", a.Identity, CheckName)
		v.members(a.Members)
		return
	case "":
		v.add("user", "", "an assignee is needed: a user, a group or a role group")
		return
	default:
		v.add("user", string(a.Kind), "is not a kind of assignee")
		return
	}
	if len(a.Members) > 0 {
		v.add("member", a.Members[0], "only a role group takes members")
	}
	if a.ViewOnlyConfiguration {
		v.add("view-only-configuration", "", "only a role group can have it")
	}
}

func (v *validator) members(members []string) {
	if len(members) == 0 {
		v.add("member", "", "a role group needs at least one member")
	}
	seen := map[string]bool{}
	for _, m := range members {
		v.check("member", m, CheckIdentity)
		if key := strings.ToLower(m); seen[key] {
			v.add("member", m, "is named twice")
		} else {
			seen[key] = true
		}
	}
}

func (v *validator) scope(s Scope) {
	switch s.Kind {
	case WholeOrganization:
		if s.Text != "" {
			v.add("whole-organization", s.Text, "takes no text")
		}
	case Group:
		v.check("scope-group", s.Text, CheckIdentity)
	case OrganizationalUnit:
		v.check("scope-ou", s.Text, CheckIdentity)
	case RecipientFilter:
		v.check("scope-filter", s.Text, checkFilter)
	case Existing:
		v.check("scope-name", s.Text, CheckIdentity)
	case "":
		v.add("scope", "", "a scope is needed: a group, an organizational unit, a filter, an existing scope, or the whole organization by name")
		return
	default:
		v.add("scope", string(s.Kind), "is not a kind of scope")
		return
	}
	if s.Name == "" {
		return
	}
	if !s.Creates() {
		v.add("scope-name", s.Name, "names a scope to create: it goes with a group or a filter only")
		return
	}
	v.check("scope-name", s.Name, CheckName)
}

func checkFilter(s string) error {
	if err := CheckText(s); err != nil {
		return fmt.Errorf("must not contain %w", err)
	}
	return opath.Check(s)
}
