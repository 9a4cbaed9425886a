package grant

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A relation is how a scope that is there stands to the wanted one.
type relation int

const (
	other   relation = iota // another scope
	equal                   // the same mailboxes
	wider                   // all of these and more
	unknown                 // it has a filter that cannot be understood
)

// compareAssignment compares the scope of an assignment with the wanted one.
func (r *run) compareAssignment(a exchange.Object, w *wanted) relation {
	of := a.Text("CustomRecipientWriteScope")
	switch kind := a.Text("RecipientWriteScope"); {
	case kind == writeOrganization && w.kind == writeOrganization:
		return equal
	case kind == writeOrganization:
		return wider
	case kind == writeUnit && w.kind == writeUnit:
		return compareUnit(of, w)
	case kind != writeCustom || w.kind != writeCustom:
		return other
	}
	scope, ok := named(r.scopes, of)
	if !ok {
		return unknown
	}
	return compareScope(scope, w)
}

func compareUnit(unit string, w *wanted) relation {
	switch {
	case strings.EqualFold(unit, w.unit) || strings.EqualFold(unit, w.unitDN):
		return equal
	case strings.HasPrefix(strings.ToLower(w.unit), strings.ToLower(unit)+"/"):
		return wider
	}
	return other
}

// compareScope compares the definition of a management scope with the wanted one.
func compareScope(scope exchange.Object, w *wanted) relation {
	filter := scope.Text("RecipientFilter")
	switch {
	case w.guid != "" && strings.EqualFold(scope.Text("Guid"), w.guid):
		return equal
	case scope.Bool("Exclusive") || !strings.EqualFold(scope.Text("RecipientRoot"), w.root):
		return other
	case strings.EqualFold(filter, w.filter):
		return equal
	}
	switch key := filterKey(filter); {
	case key == "" || w.key == "":
		return unknown
	case strings.EqualFold(key, w.key):
		return equal
	}
	return other
}

// named returns the first object of that name; names ignore case.
func named(objects []exchange.Object, name string) (exchange.Object, bool) {
	for _, o := range objects {
		if strings.EqualFold(o.Text("Name"), name) {
			return o, true
		}
	}
	return exchange.Object{}, false
}

func guids(objects []exchange.Object) map[string]bool {
	set := map[string]bool{}
	for _, o := range objects {
		set[o.Text("Guid")] = true
	}
	return set
}

// stateOf is assignments and scopes for the report's before and after.
func stateOf(assignments, scopes []exchange.Object) *report.State {
	state := &report.State{Assignments: []report.AssignmentState{}, Scopes: []report.ManagementScope{}}
	for _, a := range assignments {
		state.Assignments = append(state.Assignments, report.AssignmentState{
			GUID: a.Text("Guid"), Name: a.Text("Name"), Enabled: a.Bool("Enabled"),
			RecipientWriteScope: a.Text("RecipientWriteScope"), CustomRecipientWriteScope: a.Text("CustomRecipientWriteScope"),
		})
	}
	for _, s := range scopes {
		state.Scopes = append(state.Scopes, report.ManagementScope{
			GUID: s.Text("Guid"), Name: s.Text("Name"), Filter: s.Text("RecipientFilter"), Root: s.Text("RecipientRoot"),
		})
	}
	return state
}
