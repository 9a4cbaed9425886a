package grant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A note is an object that decisions rest on, with what was read of it: one text
// for each set of properties.
type note struct {
	kind, guid string
	texts      []string
}

// rest notes that decisions rest on these properties of an object.
func (r *run) rest(kind string, o exchange.Object, properties ...string) {
	names := strings.Join(properties, ",")
	text := names + "\n"
	for _, p := range properties {
		text += fmt.Sprintf("%q\n", o.Text(p))
	}
	guid := o.Text("Guid")
	i := slices.IndexFunc(r.notes, func(n note) bool { return n.kind == kind && n.guid == guid })
	if i < 0 {
		r.notes = append(r.notes, note{kind, guid, []string{text}})
		return
	}
	n := &r.notes[i]
	if again := slices.IndexFunc(n.texts, func(t string) bool { return strings.HasPrefix(t, names+"\n") }); again >= 0 {
		n.texts[again] = text
	} else {
		n.texts = append(n.texts, text)
	}
}

func (r *run) restOnAssignment(a exchange.Object) {
	r.rest("ManagementRoleAssignment", a, "Name", "Role", "RoleAssignee", "RoleAssignmentDelegationType", "Enabled", "RecipientWriteScope",
		"CustomRecipientWriteScope")
	if scope, ok := named(r.scopes, a.Text("CustomRecipientWriteScope")); ok {
		r.restOnScope(scope)
	}
}

func (r *run) restOnScope(s exchange.Object) {
	r.rest("ManagementScope", s, "Name", "ScopeRestrictionType", "Exclusive", "RecipientFilter", "RecipientRoot")
}

// reads is what decisions rest on so far, sorted by kind and GUID.
func (r *run) reads() []report.ReadObject {
	var all []report.ReadObject
	for _, n := range r.notes {
		sum := sha256.Sum256([]byte(strings.Join(n.texts, "\n")))
		all = append(all, report.ReadObject{Kind: n.kind, GUID: n.guid, SHA256: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(all, func(a, b report.ReadObject) int {
		return strings.Compare(a.Kind+" "+a.GUID, b.Kind+" "+b.GUID)
	})
	return all
}

func (r *run) restOnRoleGroup(group exchange.Object, members []exchange.Object) {
	var texts []string
	for _, m := range members {
		texts = append(texts, m.Text("Guid"))
	}
	slices.Sort(texts)
	r.rest("RoleGroup", exchange.Object{Properties: []exchange.Property{
		{Name: "Guid", Value: group.Text("Guid")}, {Name: "Name", Value: group.Text("Name")}, {Name: "Members", Value: texts},
	}}, "Name", "Members")
}
