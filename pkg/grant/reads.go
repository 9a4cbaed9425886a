package grant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
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
func (r *run) reads() []exchange.ReadObject {
	var all []exchange.ReadObject
	for _, n := range r.notes {
		sum := sha256.Sum256([]byte(strings.Join(n.texts, "\n")))
		all = append(all, exchange.ReadObject{Kind: n.kind, GUID: n.guid, SHA256: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(all, func(a, b exchange.ReadObject) int {
		return strings.Compare(a.Kind+" "+a.GUID, b.Kind+" "+b.GUID)
	})
	return all
}

// checkOrganization stops when the plan was made for another organization.
func (r *run) checkOrganization() error {
	if r.planned == nil {
		return nil
	}
	was := r.planned.Target.Organization
	if was == "" || r.organization == "" || strings.EqualFold(was, r.organization) {
		return nil
	}
	return r.stop(exchange.Differs, exchange.Step{ID: exchange.StepPreflight, Text: "The plan was made for another organization: " + was +
		", this is " + r.organization + ". Nothing was changed."})
}

// checkPlan stops before any change when what the plan rests on is not what is
// there now. Where there is nothing to do, nobody asks: a plan that was applied
// can be applied again.
func (r *run) checkPlan(step string) error {
	if r.planned == nil {
		return nil
	}
	var changed []string
	reads := r.reads()
	for _, was := range r.planned.Read {
		now := slices.IndexFunc(reads, func(o exchange.ReadObject) bool {
			return o.Kind == was.Kind && strings.EqualFold(o.GUID, was.GUID)
		})
		switch {
		case now < 0:
			changed = append(changed, was.Kind+" "+was.GUID+" is gone")
		case reads[now].SHA256 != was.SHA256:
			changed = append(changed, was.Kind+" "+was.GUID+" has changed")
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return r.stop(exchange.Differs, exchange.Step{ID: step, Text: "The plan no longer fits: " + strings.Join(changed, "; ") +
		". Nothing was changed; make a new plan."})
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
