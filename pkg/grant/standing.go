package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A standing is how what is there stands to the grant.
type standing struct {
	equal    *exchange.Object // makes the grant already
	disabled *exchange.Object // would, but is disabled
	named    *exchange.Object // has the grant's name
	ours     bool             // … and is made to the assignee
	unknown  []exchange.Object
	wider    []exchange.Object
	indirect []exchange.Object // through a group
}

// standing sorts the assignments by how they stand to the grant.
func (r *run) standing(ctx context.Context, assignee string, w *wanted) (*standing, error) {
	made, err := r.held(ctx, assignee, true)
	if err != nil {
		return nil, err
	}
	direct := guids(made)
	s := &standing{}
	for i := range r.assignments {
		a := &r.assignments[i]
		if isRegular(*a) {
			r.sort(s, a, direct[a.Text("Guid")], w)
		}
	}
	held, err := r.held(ctx, assignee, false)
	if err != nil {
		return nil, err
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
	switch enabled := a.Bool("Enabled"); r.compareAssignment(*a, w) {
	case equal:
		if enabled && (s.equal == nil || hasName) {
			s.equal = a
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
	}
}

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
	who := r.report.Grant.Assignee.Name
	for _, a := range s.wider {
		if !strings.EqualFold(a.Text("Name"), r.name) {
			r.find("wider-grant", exchange.SeverityWarning, "'"+a.Text("Name")+"' gives "+who+" "+r.describeScope(a)+": the scope means nothing "+
				"while it stands.", a.Text("Guid"))
		}
	}
	for _, a := range s.unknown {
		r.find("scope-unverified", exchange.SeverityWarning, "The filter of "+r.describeScope(a)+" of '"+a.Text("Name")+"' could not be "+
			"understood.", a.Text("Guid"))
	}
	for _, a := range s.indirect {
		if relation := r.compareAssignment(a, w); relation == equal || relation == wider {
			r.find("indirect", exchange.SeverityInfo, "'"+a.Text("Name")+"' reaches as far through the group "+a.Text("RoleAssignee")+".",
				a.Text("Guid"))
		}
	}
	return r.findExclusive(ctx, w)
}
