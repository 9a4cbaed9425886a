package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A grant comes back from a report as it was asked for, whatever was found meanwhile.
func TestAsked(t *testing.T) {
	for name, g := range map[string]exchange.Grant{
		"user, own scope": {Name: "G", Assignee: exchange.NewUser(`CONTOSO\svc`), Mailbox: "box",
			Scope: exchange.Scope{Kind: exchange.Group, Text: "Room users", Name: "Rooms"}},
		"group, existing scope": {Name: "G", Assignee: exchange.NewSecurityGroup("Schedulers"), Scope: exchange.Scope{Kind: exchange.Existing, Text: "Rooms"}},
		"role group": {Name: "G", Assignee: exchange.Assignee{Kind: exchange.RoleGroup, Identity: "R", Members: []string{"a", "b"}},
			Scope: exchange.Scope{Kind: exchange.WholeOrganization}},
		"unit": {Name: "G", Assignee: exchange.NewUser("svc"), Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Rooms"}},
	} {
		s := NewGrantState(g)
		s.Scope.Name = g.ScopeName() // what a run finds, also for scopes that it does not make
		s.Assignee.GUID, s.Assignee.Name = "8b1ae42f-c4b1-4726-906d-647de9f43a6f", "found"
		if diff := cmp.Diff(g, s.Asked()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		found := g
		found.Mailbox = ""
		if g.Assignee.Kind != exchange.RoleGroup {
			found.Assignee.Identity = s.Assignee.GUID
		}
		if diff := cmp.Diff(found, s.Found()); diff != "" {
			t.Errorf("%s, found: %s", name, diff)
		}
	}
}
