package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A standing is how what is there stands to the grant.
type standing struct {
	equal    *exchange.Object // makes the grant already
	disabled *exchange.Object // would, but is disabled
	named    *exchange.Object // has the grant's name
	ours     bool             // … and is made to the assignee
	equals   []exchange.Object
	unknown  []exchange.Object
	wider    []exchange.Object
	others   []exchange.Object // with another scope
	indirect []exchange.Object // through a group
}

// standing sorts the assignments by how they stand to the grant.
func (r *run) standing(ctx context.Context, assignee exchange.Object, w *wanted) (*standing, error) {
	made, held, err := r.heldBoth(ctx, holderOf(assignee))
	if err != nil {
		return nil, err
	}
	direct := guids(made)
	s := &standing{}
	for i := range r.assignments {
		a := &r.assignments[i]
		if isRegular(*a) {
			r.sort(s, a, direct[a.Text("Guid")], w)
		} else if strings.EqualFold(a.Text("Name"), r.name) {
			s.named, s.ours = a, false
			r.restOnAssignment(*a)
		}
	}
	for _, a := range held {
		if a.Bool("Enabled") && isRegular(a) && !direct[a.Text("Guid")] {
			s.indirect = append(s.indirect, a)
		}
	}
	return s, nil
}

// sort puts one assignment where it belongs; direct says that it is made to the
// assignee.
func (r *run) sort(s *standing, a *exchange.Object, direct bool, w *wanted) {
	hasName := strings.EqualFold(a.Text("Name"), r.name)
	if hasName {
		s.named, s.ours = a, direct
	}
	if direct || hasName {
		r.restOnAssignment(*a)
	}
	if !direct {
		return
	}
	enabled, relation := a.Bool("Enabled"), r.compareAssignment(*a, w)
	if relation == equal && !isRole(*a) {
		relation = other // a child role is another grant, whatever its scope
	}
	switch relation {
	case equal:
		if enabled && (s.equal == nil || hasName) {
			s.equal = a
		}
		if enabled {
			s.equals = append(s.equals, *a)
		}
		if !enabled && (s.disabled == nil || hasName) {
			s.disabled = a
		}
	case unknown:
		s.unknown = append(s.unknown, *a)
	case wider:
		if enabled {
			s.wider = append(s.wider, *a)
		}
	case other:
		if enabled {
			s.others = append(s.others, *a)
		}
	}
}

// isRole tells whether an assignment is of the role itself, and not of a child of it.
func isRole(a exchange.Object) bool { return strings.EqualFold(a.Text("Role"), exchange.Role) }

// concerned are the assignments that the report's state shows, each once, by name.
func (s *standing) concerned() []exchange.Object {
	var list []exchange.Object
	for _, a := range []*exchange.Object{s.equal, s.disabled, s.named} {
		if a != nil {
			list = append(list, *a)
		}
	}
	key := func(o exchange.Object) string { return strings.ToLower(o.Text("Name")) }
	slices.SortStableFunc(list, func(a, b exchange.Object) int { return strings.Compare(key(a), key(b)) })
	return slices.CompactFunc(list, func(a, b exchange.Object) bool { return key(a) == key(b) })
}

// scopesNamed are the management scopes with the wanted one's name.
func (r *run) scopesNamed(w *wanted) []exchange.Object {
	return slices.DeleteFunc(slices.Clone(r.scopes), func(s exchange.Object) bool { return !w.isNamed(s) })
}

// findStale says of the scopes with which the grant is compared by name that they
// match nobody, because their group is gone.
func (r *run) findStale(ctx context.Context, s *standing, w *wanted) error {
	compared := r.scopesNamed(w)
	if s.named != nil && s.ours {
		scope, ok := named(r.scopes, s.named.Text("CustomRecipientWriteScope"))
		if ok && !w.isNamed(scope) {
			compared = append(compared, scope)
		}
	}
	for _, scope := range compared {
		if compareScope(scope, w) == equal {
			continue
		}
		if _, err := r.groupOf(ctx, scope.Text("RecipientFilter"), "The scope '"+scope.Text("Name")+"'", scope.Text("Guid")); err != nil {
			return err
		}
	}
	return nil
}

// findStanding says what makes the scope mean less than it seems: scopes that match
// nobody, wider grants, grants through groups, exclusive scopes.
func (r *run) findStanding(ctx context.Context, s *standing, w *wanted) error {
	if err := r.findStale(ctx, s, w); err != nil {
		return err
	}
	others, err := r.unexplained(ctx, r.otherGrants(s, w))
	if err != nil {
		return err
	}
	for _, o := range others {
		r.find(o.id, o.severity, o.text, o.assignment.Text("Guid"))
	}
	for _, a := range s.unknown {
		r.find(scopeUnverified, report.SeverityWarning, "The filter of "+r.describeScope(a)+" of '"+a.Text("Name")+"' could not be "+
			"understood: whether it is the same cannot be said.", a.Text("Guid"))
	}
	return r.findExclusive(ctx, w)
}

const scopeUnverified = "scope-unverified"

// An otherGrant is an assignment of the account beside the grant.
type otherGrant struct {
	id, severity, text string
	assignment         exchange.Object
	more               bool // it reaches, or may reach, what the grant does not
}

// otherGrants are the assignments of the account beside the grant. One that has the
// grant's own name is left out: what is to become of it is told as a change.
func (r *run) otherGrants(s *standing, w *wanted) []otherGrant {
	who := r.report.Grant.Assignee.Name
	var all []otherGrant
	add := func(id, severity, how string, a exchange.Object) {
		if s.named != nil && s.ours && a.Text("Guid") == s.named.Text("Guid") {
			return
		}
		text := "'" + a.Text("Name") + "' " + how
		if role := a.Text("Role"); !strings.EqualFold(role, exchange.Role) {
			text += " It is of the role '" + role + "'."
		}
		all = append(all, otherGrant{id, severity, text + " To take it back: " + takeBack(a), a, r.reachesMore(a, w)})
	}
	for _, a := range s.wider {
		add("wider-grant", report.SeverityWarning, "gives "+who+" "+r.describeScope(a)+": the scope means nothing while it stands.", a)
	}
	for _, a := range s.others {
		add("other-grant", report.SeverityWarning, "gives "+who+" "+r.describeScope(a)+" too.", a)
	}
	for _, a := range s.equals {
		if a.Text("Guid") != s.equal.Text("Guid") {
			add("other-grant", report.SeverityWarning, "gives "+who+" the same once more.", a)
		}
	}
	for _, a := range s.indirect {
		add("indirect", report.SeverityWarning, "gives "+who+" "+r.describeScope(a)+" through the group "+leaf(a.Text("RoleAssignee"))+".", a)
	}
	return all
}

// memberGrants are the assignments by which the members of a role group reach
// mailboxes beside the group's own.
func (r *run) memberGrants(ctx context.Context, own []exchange.Object, members []exchange.Object, w *wanted) ([]otherGrant, error) {
	var all []otherGrant
	told := guids(own)
	for _, m := range members {
		made, held, err := r.heldBoth(ctx, holderOf(m))
		if err != nil {
			return nil, err
		}
		direct := guids(made)
		for _, a := range held {
			guid := a.Text("Guid")
			if !a.Bool("Enabled") || !isRegular(a) || told[guid] {
				continue
			}
			told[guid] = true
			id, how := "other-grant", "gives "+m.Text("Name")+" "+r.describeScope(a)+" too."
			switch {
			case !direct[guid]:
				id, how = "indirect", "gives "+m.Text("Name")+" "+r.describeScope(a)+" through the group "+leaf(a.Text("RoleAssignee"))+"."
			case r.compareAssignment(a, w) == wider:
				id = "wider-grant"
			}
			all = append(all, otherGrant{id, report.SeverityWarning, "'" + a.Text("Name") + "' " + how + " To take it back: " + takeBack(a), a,
				r.reachesMore(a, w)})
		}
	}
	return all, nil
}

// takeBack is the command that takes an assignment back.
func takeBack(a exchange.Object) string { return "exgrant revoke --guid " + a.Text("Guid") }

// reachesMore tells whether an assignment can reach a mailbox that the wanted scope does
// not hold.
func (r *run) reachesMore(a exchange.Object, w *wanted) bool {
	switch kind := a.Text("RecipientWriteScope"); {
	case kind == writeExclusive:
		return true
	case w.kind == writeOrganization || r.compareAssignment(a, w) == equal:
		return false
	case kind == writeUnit && w.kind == writeUnit:
		return !isWithin(a.Text("CustomRecipientWriteScope"), w.unit)
	}
	return true
}
