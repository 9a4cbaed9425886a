package grant

import (
	"context"
	"errors"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/exgrant/exgrant/pkg/report"
)

// findExclusive says which exclusive scopes cover recipients of the wanted scope:
// only EWS tells whether they are out of reach. Where there is no exclusive scope, it
// asks nothing.
func (r *run) findExclusive(ctx context.Context, w *wanted) error {
	r.covering = nil
	for _, scope := range r.scopes {
		if !scope.Bool("Exclusive") || !strings.EqualFold(scope.Text("ScopeRestrictionType"), "RecipientScope") {
			continue
		}
		name := scope.Text("Name")
		text := "The exclusive scope '" + name + "' may keep mailboxes out of reach; only a test over EWS shows it."
		covered, known, err := r.coveredBy(ctx, scope, w)
		switch {
		case err != nil:
			return err
		case known && covered.count == 0:
			continue
		case known:
			text = "The exclusive scope '" + name + "' covers " + recipients(covered.count) + " of this grant (" +
				strings.Join(covered.first, ", ") + "), which may be out of reach; only a test over EWS shows it."
		}
		r.covering = append(r.covering, name)
		r.find("exclusive-scope", report.SeverityWarning, text, scope.Text("Guid"))
	}
	return nil
}

// A covered is the recipients that two scopes share.
type covered struct {
	count int
	first []string // the names of at most ten
}

// coveredBy counts the recipients of the wanted scope that an exclusive scope has,
// and tells whether that is known: what cannot be asked is not.
func (r *run) coveredBy(ctx context.Context, exclusive exchange.Object, w *wanted) (covered, bool, error) {
	var c covered
	if w.counted && w.count == 0 {
		return c, true, nil
	}
	root, relation := commonRoot(exclusive.Text("RecipientRoot"), w)
	if relation == rootsApart {
		return c, true, nil
	}
	filter, err := opath.Both(exclusive.Text("RecipientFilter"), w.filter)
	if err != nil || relation == rootsUnknown || !r.has(getRecipient) {
		return c, false, nil
	}
	err = r.stream(ctx, commands.ListRecipients(filter, root), func(o exchange.Object) error {
		if c.count++; c.count <= maxShown {
			c.first = append(c.first, o.Text("Name"))
		}
		return nil
	})
	var reported *exchangeError
	if errors.As(err, &reported) {
		return c, false, nil
	}
	return c, err == nil, err
}

// How the roots of two scopes lie to each other.
const (
	rootsNested  = iota // one has the other, or there is none
	rootsApart          // no recipient is below both
	rootsUnknown        // they cannot be compared
)

// commonRoot is the root of what two scopes share: the lower of their two.
func commonRoot(exclusive string, w *wanted) (string, int) {
	wish, same := w.root, w.root // as the root of a scope shows it, and as it is asked for
	if w.kind == writeUnit {
		wish, same = w.unit, w.unitDN
	}
	switch {
	case exclusive == "":
		return same, rootsNested
	case wish == "" || isWithin(exclusive, wish):
		return exclusive, rootsNested
	case isWithin(wish, exclusive):
		return same, rootsNested
	case isDistinguished(exclusive) || isDistinguished(wish):
		return "", rootsUnknown
	}
	return "", rootsApart
}

// isWithin tells of two canonical names whether one is the other or below it.
func isWithin(name, above string) bool {
	below := func(n string) string { return strings.ToLower(strings.TrimRight(n, "/")) + "/" }
	return strings.HasPrefix(below(name), below(above))
}

// isDistinguished tells a distinguished name from a canonical one, which begins with
// the name of a domain.
func isDistinguished(name string) bool {
	domain, _, _ := strings.Cut(name, "/")
	return strings.Contains(domain, "=")
}
