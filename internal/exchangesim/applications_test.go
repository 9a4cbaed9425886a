package exchangesim

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	appID    = "6c1d6d7e-8f5c-4d0b-9f0d-0b1a2c3d4e5f"
	objectID = "0b8f2b7a-1c2d-4e3f-8a9b-123456789abc"
)

func TestApplications(t *testing.T) {
	o, s := open(t, "exchange-online-customized")
	made := must(t, s, command("New-ServicePrincipal", "AppId", appID, "ObjectId", objectID, "DisplayName", "Rescheduler")).objects[0]
	for property, want := range map[string]string{"AppId": appID, "ObjectId": objectID, "DisplayName": "Rescheduler", "Name": objectID} {
		if got := made.Text(property); got != want {
			t.Errorf("%s: %q, want %q", property, got, want)
		}
	}
	for _, identity := range []string{appID, objectID, "Rescheduler", made.Text("Guid")} {
		if got := must(t, s, command("Get-ServicePrincipal", "Identity", identity)).objects; len(got) != 1 {
			t.Errorf("%s: %d applications", identity, len(got))
		}
	}
	if got := invoke(t, s, command("New-ServicePrincipal", "AppId", appID, "ObjectId", "x")).fault(t); got != "ADObjectAlreadyExistsException" {
		t.Errorf("made twice: %q", got)
	}
	must(t, s, command("New-ManagementScope", "Name", "S", "RecipientRestrictionFilter", "City -eq 'Tokyo'"))
	assign := func(name string, scope ...any) exchange.Command {
		return command("New-ManagementRoleAssignment", append([]any{"Name", name, "App", objectID, "Role", "Application Calendars.ReadWrite"}, scope...)...)
	}
	a := must(t, s, assign("A", "CustomResourceScope", "S")).objects[0]
	b := must(t, s, assign("B", "RecipientGroupScope", groupFilter("Groups")[len("MemberOfGroup -eq '"):len(groupFilter("Groups"))-1])).objects[0]
	for i, c := range []struct {
		object      exchange.Object
		kind, scope string
	}{{a, "CustomRecipientScope", "S"}, {b, "Group", rescheduleUsers}} {
		got := []string{c.object.Text("RoleAssigneeType"), c.object.Text("RoleAssigneeName"), c.object.Text("RecipientWriteScope"), c.object.Text("CustomResourceScope")}
		if diff := cmp.Diff([]string{"ServicePrincipal", objectID, c.kind, c.scope}, got); diff != "" {
			t.Errorf("%d:\n%s", i, diff)
		}
	}
	inScope := func(mailbox string) []string {
		return must(t, s, command("Test-ServicePrincipalAuthorization", "Identity", objectID, "Resource", mailbox)).texts("InScope")
	}
	for mailbox, want := range map[string][]string{"anna": {"False", "True"}, "ben": {"True", "True"}, "boss": {"False", "False"}} {
		if diff := cmp.Diff(want, inScope(mailbox)); diff != "" {
			t.Errorf("%s:\n%s", mailbox, diff)
		}
	}
	if got := must(t, s, command("Get-ManagementRoleAssignment", "RoleAssignee", objectID)).names(); !cmp.Equal(got, []string{"A", "B"}) {
		t.Errorf("its assignments: %v", got)
	}
	must(t, s, command("Remove-ServicePrincipal", "Identity", appID, "Confirm", false))
	if slices.ContainsFunc(o.Snapshot().Assignments, func(a AssignmentSnapshot) bool { return a.RoleAssigneeType == "ServicePrincipal" }) {
		t.Error("its assignments are still there")
	}
}

func TestEWSSettings(t *testing.T) {
	_, s := open(t, "exchange-online-customized")
	read := func() []string {
		o := must(t, s, command("Get-OrganizationConfig", "RetrieveEwsOperationAccessPolicy", exchange.Switch(true))).objects[0]
		return []string{o.Text("EwsEnabled"), o.Text("EwsAllowedAppIDs")}
	}
	if diff := cmp.Diff([]string{"", ""}, read()); diff != "" {
		t.Error(diff)
	}
	must(t, s, command("Set-OrganizationConfig", "EwsEnabled", true, "EwsAllowedAppIDs", appID+","+objectID))
	if diff := cmp.Diff([]string{"True", appID + "," + objectID}, read()); diff != "" {
		t.Error(diff)
	}
	_, s = open(t, "plain")
	if got := invoke(t, s, command("Set-OrganizationConfig", "EwsEnabled", true)).fault(t); got != "CommandNotFoundException" {
		t.Errorf("on-premises: %q", got)
	}
}

func TestParameterSetsOfTheCaller(t *testing.T) {
	sets := func(scenario string) []string {
		_, s := open(t, scenario)
		all := s.Commands()
		return all[slices.IndexFunc(all, func(c CommandInfo) bool { return c.Name == "New-ManagementRoleAssignment" })].ParameterSets
	}
	if diff := cmp.Diff([]string{"User", "SecurityGroup", "Policy", "Computer"}, sets("plain")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"User", "SecurityGroup", "Policy", "App"}, sets("exchange-online")); diff != "" {
		t.Error(diff)
	}
}
