package exchangesim

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// drawCommand makes commands that mostly mean something, over a few names.
func drawCommand(t *rapid.T) exchange.Command {
	one := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	name := one("name", "A", "B", "C")
	who := one("who", assignee, "svc-backup", "anna", "nobody", "John Doe")
	dc := one("dc", "", "DC01.contoso.test", "DC02.contoso.test")
	filter := one("filter", "City -eq 'Berlin'", groupFilter("Groups"), "-not (Name -like 'x*')", "Shoe -eq 'x'")
	scope := rapid.SampledFrom([]commands.WriteScope{{}, {Custom: "A"}, {Custom: "B"}, {OrganizationalUnit: "contoso.test/Staff"}}).Draw(t, "scope")
	var c exchange.Command
	switch rapid.IntRange(0, 12).Draw(t, "kind") {
	case 0:
		c = commands.NewScope(name, filter, dc)
	case 1:
		c = commands.SetScope(name, filter, dc)
	case 2:
		c = commands.RemoveScope(name, dc)
	case 3, 4:
		c = commands.NewAssignment(name, exchange.User, who, exchange.Role, scope, dc)
	case 5:
		c = commands.SetAssignmentScope(name, scope, dc)
	case 6:
		c = commands.SetAssignmentEnabled(name, rapid.Bool().Draw(t, "enabled"), dc)
	case 7:
		c = commands.RemoveAssignment(name, dc)
	case 8:
		c = commands.NewRoleGroup(name, []string{exchange.Role}, []string{who}, scope, dc)
	case 9:
		c = commands.AddRoleGroupMember(name, who, dc)
	case 10:
		c = commands.RemoveRoleGroupMember(name, who, dc)
	case 11:
		c = commands.RemoveRoleGroup(name, dc)
	default:
		c = commands.EnableOrganizationCustomization()
	}
	if rapid.IntRange(0, 4).Draw(t, "what-if") == 0 {
		c = c.With("WhatIf", exchange.Switch(true))
	}
	return c
}

// TestRandomWrites runs random commands and holds what must be true after each.
func TestRandomWrites(t *testing.T) {
	names := []string{"plain", "dehydrated", "not-yet-in-effect", "replication-lag", "access-denied", "transient-dc", "role-group-other-roles"}
	rapid.Check(t, func(t *rapid.T) {
		sc, err := ScenarioByName(rapid.SampledFrom(names).Draw(t, "scenario"))
		if err != nil {
			t.Fatal(err)
		}
		o := New(sc, Options{ReplicationDelay: rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "delay")})
		s := o.Session(SessionOptions{})
		for range rapid.IntRange(1, 25).Draw(t, "commands") {
			c := drawCommand(t)
			before := o.Snapshot()
			if _, err := s.Invoke(context.Background(), exchange.Pipeline{c}, func(exchange.Object) error { return nil }); err != nil {
				t.Fatal(err)
			}
			after, calls := o.Snapshot(), o.Calls()
			call := calls[len(calls)-1]
			before.Customization, after.Customization = CustomizationSnapshot{}, CustomizationSnapshot{}
			if changed := !cmp.Equal(before, after); changed && (!call.Writes || call.WhatIf || call.Fault != "") {
				t.Fatalf("%v changed the organization: %+v\n%s", c, call, cmp.Diff(before, after))
			}
			checkInvariants(t, o, after)
			if rapid.IntRange(0, 5).Draw(t, "wait") == 0 {
				o.Clock().Sleep(45 * time.Second)
			}
		}
		checkSaved(t, o)
	})
}

// checkInvariants holds what no command may break on one domain controller. With
// a replication delay two of them can take conflicting writes, as in a real
// directory; then only what Snapshot shows must still be whole.
func checkInvariants(t *rapid.T, o *Organization, s Snapshot) {
	t.Helper()
	if o.behaviour.ReplicationDelay > 0 {
		return
	}
	scopes := map[string]bool{}
	for _, sc := range s.Scopes {
		if scopes[strings.ToLower(sc.Name)] {
			t.Fatalf("two scopes are called %s", sc.Name)
		}
		scopes[strings.ToLower(sc.Name)] = true
	}
	names := map[string]bool{}
	for _, a := range s.Assignments {
		if names[strings.ToLower(a.Name)] {
			t.Fatalf("two assignments are called %s", a.Name)
		}
		names[strings.ToLower(a.Name)] = true
		if a.RecipientWriteScope == scopeCustom && !scopes[strings.ToLower(a.CustomRecipientWriteScope)] {
			t.Fatalf("%s has the scope %q, which is not there", a.Name, a.CustomRecipientWriteScope)
		}
		if a.RoleAssignee == "" {
			t.Fatalf("%s has no assignee", a.Name)
		}
	}
}

func checkSaved(t *rapid.T, o *Organization) {
	t.Helper()
	var text strings.Builder
	if err := o.Save(&text); err != nil {
		t.Fatal(err)
	}
	back, err := Load(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.Snapshot(), back.Snapshot()); diff != "" {
		t.Fatalf("after save and load:\n%s", diff)
	}
}
