package exchangesim

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const assignee = `CONTOSO\svc-reschedule`

func newAssignment(parameters ...any) exchange.Command {
	return command("New-ManagementRoleAssignment", append([]any{"Role", exchange.Role}, parameters...)...)
}

func TestNewAssignmentShows(t *testing.T) {
	_, s := open(t, "plain")
	must(t, s, commands.NewScope("S", groupFilter("Groups"), ""))
	a := must(t, s, commands.NewAssignment("A", exchange.User, assignee, exchange.Role, commands.WriteScope{Custom: "S"}, "")).objects[0]
	for property, want := range map[string]string{
		"Name": "A", "Identity": "A", "Role": "ApplicationImpersonation", "RoleAssigneeType": "User", "Enabled": "True",
		"RoleAssignee": "contoso.test/Services/svc-reschedule", "User": "contoso.test/Services/svc-reschedule",
		"RoleAssigneeName": "svc-reschedule", "EffectiveUserName": "svc-reschedule", "AssignmentMethod": "Direct",
		"RoleAssignmentDelegationType": "Regular", "RecipientWriteScope": "CustomRecipientScope", "CustomRecipientWriteScope": "S",
		"RecipientReadScope": "Organization", "ConfigReadScope": "None", "ConfigWriteScope": "None", "CustomConfigWriteScope": "",
		"DistinguishedName": "CN=A,CN=Role Assignments,CN=RBAC," + organizationDN, "OriginatingServer": "DC01.contoso.test",
	} {
		if got := a.Text(property); got != want {
			t.Errorf("%s: %q, want %q", property, got, want)
		}
	}
	again := must(t, s, commands.GetAssignment(a.Text("Guid"), "")).objects
	if diff := cmp.Diff(a, again[0]); diff != "" {
		t.Errorf("read back:\n%s", diff)
	}
}

func TestNewAssignmentKinds(t *testing.T) {
	for _, c := range []struct {
		name    string
		command exchange.Command
		fault   string
		want    AssignmentSnapshot // without Name, Role and Enabled
	}{
		{"whole organization", newAssignment("Name", "A", "User", assignee), "",
			AssignmentSnapshot{RoleAssignee: "contoso.test/Services/svc-reschedule", RoleAssigneeType: "User", Delegation: "Regular", RecipientWriteScope: "Organization"}},
		{"organizational unit", newAssignment("Name", "A", "User", assignee, "RecipientOrganizationalUnitScope", "OU=Berlin,OU=Staff,DC=contoso,DC=test"), "",
			AssignmentSnapshot{RoleAssignee: "contoso.test/Services/svc-reschedule", RoleAssigneeType: "User", Delegation: "Regular", RecipientWriteScope: "OU",
				CustomRecipientWriteScope: "contoso.test/Staff/Berlin"}},
		{"exclusive", newAssignment("Name", "A", "User", assignee, "ExclusiveRecipientWriteScope", "Protected Executives"), "",
			AssignmentSnapshot{RoleAssignee: "contoso.test/Services/svc-reschedule", RoleAssigneeType: "User", Delegation: "Regular",
				RecipientWriteScope: "ExclusiveRecipientScope", CustomRecipientWriteScope: "Protected Executives"}},
		{"security group", newAssignment("Name", "A", "SecurityGroup", "Schedulers"), "",
			AssignmentSnapshot{RoleAssignee: "contoso.test/Groups/Schedulers", RoleAssigneeType: "SecurityGroup", Delegation: "Regular", RecipientWriteScope: "Organization"}},
		{"role group", newAssignment("Name", "A", "SecurityGroup", "Help Desk"), "",
			AssignmentSnapshot{RoleAssignee: "contoso.test/Microsoft Exchange Security Groups/Help Desk", RoleAssigneeType: "RoleGroup", Delegation: "Regular", RecipientWriteScope: "Organization"}},
		{"delegating", newAssignment("Name", "A", "User", assignee, "Delegating", exchange.Switch(true)), "",
			AssignmentSnapshot{RoleAssignee: "contoso.test/Services/svc-reschedule", RoleAssigneeType: "User", Delegation: "DelegatingOrgWide", RecipientWriteScope: "Organization"}},
		{"nothing under what-if", newAssignment("Name", "A", "User", assignee, "WhatIf", exchange.Switch(true)), "", AssignmentSnapshot{}},
		{"distribution group", newAssignment("Name", "A", "SecurityGroup", "Newsletter"), "InvalidOperationException", AssignmentSnapshot{}},
		{"global group", newAssignment("Name", "A", "SecurityGroup", "Berlin (global)"), "InvalidOperationException", AssignmentSnapshot{}},
		{"group as user", newAssignment("Name", "A", "User", "Schedulers"), "ManagementObjectNotFoundException", AssignmentSnapshot{}},
		{"unknown role", command("New-ManagementRoleAssignment", "Name", "A", "User", assignee, "Role", "Nothing"), "ManagementObjectNotFoundException", AssignmentSnapshot{}},
		{"unknown user", newAssignment("Name", "A", "User", "nobody"), "ManagementObjectNotFoundException", AssignmentSnapshot{}},
		{"unknown scope", newAssignment("Name", "A", "User", assignee, "CustomRecipientWriteScope", "Nothing"), "ManagementObjectNotFoundException", AssignmentSnapshot{}},
		{"exclusive scope as custom", newAssignment("Name", "A", "User", assignee, "CustomRecipientWriteScope", "Protected Executives"), "InvalidOperationException", AssignmentSnapshot{}},
		{"two scopes", newAssignment("Name", "A", "User", assignee, "RecipientRelativeWriteScope", "Self", "RecipientOrganizationalUnitScope", "contoso.test/Staff"), "ArgumentException", AssignmentSnapshot{}},
		{"scope for a role that has none", command("New-ManagementRoleAssignment", "Name", "A", "User", assignee, "Role", "View-Only Configuration",
			"RecipientOrganizationalUnitScope", "contoso.test/Staff"), "InvalidOperationException", AssignmentSnapshot{}},
		{"configuration scope", newAssignment("Name", "A", "User", assignee, "CustomConfigWriteScope", "S"), "InvalidOperationException", AssignmentSnapshot{}},
		{"unscoped", newAssignment("Name", "A", "User", assignee, "UnScopedTopLevel", exchange.Switch(true)), "InvalidOperationException", AssignmentSnapshot{}},
		{"too long a name", newAssignment("Name", strings.Repeat("n", 65), "User", assignee), "DataValidationException", AssignmentSnapshot{}},
		{"bad name", newAssignment("Name", "A/B", "User", assignee), "DataValidationException", AssignmentSnapshot{}},
		{"taken name", newAssignment("Name", "ApplicationImpersonation-Hygiene Management", "User", assignee), "ADObjectAlreadyExistsException", AssignmentSnapshot{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, s := open(t, "exclusive-scope")
			before := o.Snapshot()
			if got := invoke(t, s, c.command).fault(t); got != c.fault {
				t.Fatalf("fault %q, want %q", got, c.fault)
			}
			var got AssignmentSnapshot
			for _, a := range o.Snapshot().Assignments {
				if a.Name == "A" {
					got = a
				}
			}
			if got.Name != "" && (got.Role != exchange.Role || !got.Enabled) {
				t.Errorf("got %+v", got)
			}
			got.Name, got.Role, got.Enabled = "", "", false
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if c.want == (AssignmentSnapshot{}) && !cmp.Equal(before, o.Snapshot()) {
				t.Error("something was changed")
			}
		})
	}
}

func TestExclusiveScopeAsCustomHasTheRealText(t *testing.T) {
	_, s := open(t, "exclusive-scope")
	a := invoke(t, s, newAssignment("Name", "A", "User", assignee, "CustomRecipientWriteScope", "Protected Executives"))
	// scope_error-01 of the corpus
	want := "The management scope object Protected Executives is an exclusive scope, and it can't be specified as parameter CustomRecipientWriteScope."
	if got := a.Errors[0].Message; got != want {
		t.Errorf("got %q", got)
	}
}

func TestAutomaticNames(t *testing.T) {
	_, s := open(t, "plain")
	var got []string
	for range 3 {
		got = append(got, must(t, s, newAssignment("User", assignee)).names()...)
	}
	got = append(got, must(t, s, newAssignment("User", "jane")).texts("RoleAssigneeName")...)
	got = append(got, must(t, s, newAssignment("User", "jane")).names()...)
	want := []string{"ApplicationImpersonation-svc-reschedule", "ApplicationImpersonation-svc-reschedule-1", "ApplicationImpersonation-svc-reschedule-2",
		"Doe, Jane", "ApplicationImpersonation-Doe, Jane-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSetAssignment(t *testing.T) {
	o, s := open(t, "equal-other-name")
	state := func() AssignmentSnapshot {
		all := o.Snapshot().Assignments
		return all[slices.IndexFunc(all, func(a AssignmentSnapshot) bool { return a.Name == "Old Grant" })]
	}
	guid := must(t, s, commands.GetAssignment("Old Grant", "")).objects[0].Text("Guid")
	must(t, s, commands.SetAssignmentEnabled(guid, false, ""))
	if state().Enabled {
		t.Error("it is not disabled")
	}
	if a := invoke(t, s, commands.SetAssignmentEnabled(guid, false, "")); len(a.Warnings) != 1 || len(a.Errors) != 0 {
		t.Errorf("a change that changes nothing warns: %+v", a.Streams)
	}
	must(t, s, commands.SetAssignmentEnabled(guid, true, ""))
	must(t, s, commands.SetAssignmentScope(guid, commands.WriteScope{OrganizationalUnit: "contoso.test/Staff"}, ""))
	if got := state(); got.RecipientWriteScope != "OU" || got.CustomRecipientWriteScope != "contoso.test/Staff" {
		t.Errorf("by unit: %+v", got)
	}
	must(t, s, commands.SetAssignmentScope(guid, commands.WriteScope{}, ""))
	if got := state(); got.RecipientWriteScope != "Organization" || got.CustomRecipientWriteScope != "" {
		t.Errorf("whole organization: %+v", got)
	}
	must(t, s, commands.SetAssignmentScope(guid, commands.WriteScope{Custom: "Old Scope"}, ""))
	must(t, s, command("Set-ManagementRoleAssignment", "Identity", guid, "CustomRecipientWriteScope", nil, "Confirm", false))
	if got := state(); got.RecipientWriteScope != "Organization" {
		t.Errorf("$null: %+v", got)
	}
	if got := invoke(t, s, command("Set-ManagementRoleAssignment", "Identity", guid, "CustomRecipientWriteScope", "Old Scope", "RecipientRelativeWriteScope", "Organization")).Errors; len(got) != 1 || !strings.HasPrefix(got[0].FullyQualifiedErrorID, "AmbiguousParameterSet") {
		t.Errorf("two kinds of scopes: %+v", got)
	}
	if got := invoke(t, s, command("Set-ManagementRoleAssignment", "Identity", guid, "User", "anna")).Errors; len(got) != 1 || !strings.HasPrefix(got[0].FullyQualifiedErrorID, "NamedParameterNotFound") {
		t.Errorf("another user: %+v", got)
	}
	must(t, s, commands.RemoveAssignment(guid, ""))
	if got := invoke(t, s, commands.RemoveAssignment(guid, "")).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("removed twice: %q", got)
	}
}

func TestUnknownAssignment(t *testing.T) {
	o, s := open(t, "plain")
	if got := invoke(t, s, commands.GetAssignment("Nothing", "")).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("fault %q", got)
	}
	o = New(o.Scenario(), Options{UnknownAssignmentReturnsAll: true})
	a := must(t, o.Session(SessionOptions{}), commands.GetAssignment("Nothing", ""))
	if len(a.objects) != len(o.Snapshot().Assignments) {
		t.Errorf("got %d of %d assignments", len(a.objects), len(o.Snapshot().Assignments))
	}
}

func rows(a answer) []string {
	rows := []string{}
	for _, o := range a.objects {
		rows = append(rows, strings.Join([]string{o.Text("Name"), o.Text("AssignmentMethod"), o.Text("EffectiveUserName"), o.Text("AssignmentChain")}, "|"))
	}
	return rows
}

func TestEffectiveUsers(t *testing.T) {
	_, s := open(t, "plain")
	must(t, s, newAssignment("Name", "A", "User", assignee))
	must(t, s, newAssignment("Name", "B", "SecurityGroup", "Planning"))
	must(t, s, newAssignment("Name", "C", "SecurityGroup", "Empty Group"))
	must(t, s, command("New-RoleGroup", "Name", "L", "Roles", []string{exchange.Role}, "LinkedForeignGroup", `FABRIKAM\Schedulers`, "LinkedDomainController", "dc.fabrikam.test"))
	want := []string{
		"ApplicationImpersonation-Organization Management-Delegating|RoleGroup|Administrator|Organization Management",
		"ApplicationImpersonation-Hygiene Management|Direct|All Group Members|",
		"A|Direct|svc-reschedule|",
		"B|SecurityGroup|Peter O'Brien|Planning",
		`B|SecurityGroup|boss|Planning\Planning Managers`,
		"C|Direct|All Group Members|",
		"ApplicationImpersonation-L|Direct|All Linked Group Members|",
	}
	if diff := cmp.Diff(want, rows(must(t, s, commands.ListHolders(exchange.Role)))); diff != "" {
		t.Error(diff)
	}
	plain := must(t, s, command("Get-ManagementRoleAssignment", "Role", exchange.Role, "Delegating", false))
	if diff := cmp.Diff([]string{
		"ApplicationImpersonation-Hygiene Management|Direct|All Group Members|", "A|Direct|svc-reschedule|", "B|Direct|All Group Members|",
		"C|Direct|All Group Members|", "ApplicationImpersonation-L|Direct|All Linked Group Members|",
	}, rows(plain)); diff != "" {
		t.Error(diff)
	}
	if got := plain.objects[4].Text("RoleAssigneeType"); got != "LinkedRoleGroup" {
		t.Errorf("a linked role group is a %s", got)
	}
}

func TestRoleAssignee(t *testing.T) {
	_, s := open(t, "indirect-role-group")
	must(t, s, newAssignment("Name", "A", "User", assignee))
	for _, c := range []struct {
		method []string
		want   []string
	}{
		{nil, []string{"ApplicationImpersonation-Scheduling Services|RoleGroup|svc-reschedule|Scheduling Services", "A|Direct|svc-reschedule|"}},
		{[]string{"Direct"}, []string{"A|Direct|svc-reschedule|"}},
		{[]string{"RoleGroup"}, []string{"ApplicationImpersonation-Scheduling Services|RoleGroup|svc-reschedule|Scheduling Services"}},
		{[]string{"SecurityGroup"}, []string{}},
	} {
		get := command("Get-ManagementRoleAssignment", "RoleAssignee", assignee)
		if c.method != nil {
			get = get.With("AssignmentMethod", exchange.Strings(c.method))
		}
		if diff := cmp.Diff(c.want, rows(must(t, s, get))); diff != "" {
			t.Errorf("%v:\n%s", c.method, diff)
		}
	}
	if got := invoke(t, s, command("Get-ManagementRoleAssignment", "AssignmentMethod", []string{"Direct"})).fault(t); got != "ArgumentException" {
		t.Errorf("a method without an assignee: %q", got)
	}
	if got := must(t, s, commands.ListDelegatingAssignments(`CONTOSO\administrator`)).names(); !cmp.Equal(got, []string{"ApplicationImpersonation-Organization Management-Delegating"}) {
		t.Errorf("the caller's delegating assignments: %v", got)
	}
}

func TestOracle(t *testing.T) {
	reaches := func(t *testing.T, o *Organization, s *Session, mailbox string) bool {
		t.Helper()
		oracle := len(must(t, s, commands.ListAssignmentsOver(mailbox, assignee)).objects) > 0
		effect, err := o.CanImpersonate(assignee, mailbox)
		if err != nil {
			t.Fatal(err)
		}
		if oracle != effect {
			t.Errorf("%s: the oracle says %v, the effect is %v", mailbox, oracle, effect)
		}
		return oracle
	}
	for _, c := range []struct {
		name                     string
		scope                    commands.WriteScope
		anna, ben, boss, pobrien bool
	}{
		{"whole organization", commands.WriteScope{}, true, true, true, true},
		{"group", commands.WriteScope{Custom: "S"}, true, true, false, false},
		{"unit", commands.WriteScope{OrganizationalUnit: "contoso.test/Staff"}, true, true, true, true},
		{"unit below", commands.WriteScope{OrganizationalUnit: "contoso.test/Staff/Berlin"}, false, false, false, true},
		{"filter below a root", commands.WriteScope{Custom: "R"}, false, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, s := open(t, "plain")
			must(t, s, commands.NewScope("S", groupFilter("Groups"), ""))
			must(t, s, commands.NewScope("R", "RecipientTypeDetails -eq 'UserMailbox'", "").With("RecipientRoot", exchange.String("contoso.test/Staff/Berlin")))
			if reaches(t, o, s, "anna") {
				t.Error("without a grant")
			}
			must(t, s, commands.NewAssignment("A", exchange.User, assignee, exchange.Role, c.scope, ""))
			for mailbox, want := range map[string]bool{"anna": c.anna, "ben": c.ben, "boss": c.boss, "pobrien": c.pobrien} {
				if got := reaches(t, o, s, mailbox); got != want {
					t.Errorf("%s: %v", mailbox, got)
				}
			}
			must(t, s, commands.SetAssignmentEnabled("A", false, ""))
			if reaches(t, o, s, "anna") {
				t.Error("a disabled assignment reaches anna")
			}
		})
	}
	t.Run("exclusive scope", func(t *testing.T) {
		for ignored, want := range map[bool]bool{false: false, true: true} {
			o := New(scenario(t, "exclusive-scope"), Options{ExclusiveScopesIgnored: ignored})
			s := o.Session(SessionOptions{})
			must(t, s, newAssignment("Name", "A", "User", assignee))
			if got := reaches(t, o, s, "anna"); got != want {
				t.Errorf("ignored %v: %v", ignored, got)
			}
			if !reaches(t, o, s, "ben") {
				t.Error("ben is outside the exclusive scope")
			}
			must(t, s, newAssignment("Name", "B", "User", assignee, "ExclusiveRecipientWriteScope", "Protected Executives"))
			if !reaches(t, o, s, "anna") {
				t.Error("an assignment with the exclusive scope does not reach anna")
			}
		}
	})
	t.Run("delegating", func(t *testing.T) {
		o, s := open(t, "plain")
		must(t, s, newAssignment("Name", "A", "User", assignee, "Delegating", exchange.Switch(true)))
		if reaches(t, o, s, "anna") {
			t.Error("a delegating assignment lets its holder act")
		}
	})
	_, s := open(t, "plain")
	if got := invoke(t, s, commands.ListAssignmentsOver("nobody", assignee)).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("an unknown mailbox: %q", got)
	}
}

func TestDelegatingIsNeeded(t *testing.T) {
	o, s := open(t, "access-denied")
	must(t, s, commands.NewScope("S", groupFilter("Groups"), ""))
	before := o.Snapshot()
	hygiene := must(t, s, commands.GetAssignment("ApplicationImpersonation-Hygiene Management", "")).objects[0].Text("Guid")
	for _, c := range []exchange.Command{
		newAssignment("Name", "A", "User", assignee),
		commands.SetAssignmentEnabled(hygiene, false, ""),
		commands.RemoveAssignment(hygiene, ""),
		commands.NewRoleGroup("R", []string{exchange.Role}, []string{assignee}, commands.WriteScope{}, ""),
	} {
		a := invoke(t, s, c)
		if a.fault(t) != "InvalidOperationException" || !strings.Contains(a.Errors[0].Message, "You must be assigned a delegating role assignment") {
			t.Errorf("%s: %+v", c.Cmdlet, a.Streams)
		}
	}
	if diff := cmp.Diff(before, o.Snapshot()); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
	// A delegating assignment of the parent is one of its children too.
	child, admin := open(t, "child-role")
	must(t, admin, command("New-ManagementRoleAssignment", "Name", "B", "Role", "Calendar Impersonation", "User", assignee))
	if n := len(child.Snapshot().Assignments); n == 0 {
		t.Error("no assignments")
	}
}

func TestRoles(t *testing.T) {
	_, s := open(t, "child-role")
	if got := must(t, s, commands.ListImpersonationRoles()).names(); !cmp.Equal(got, []string{"ApplicationImpersonation", "Calendar Impersonation"}) {
		t.Errorf("roles of the type: %v", got)
	}
	child := must(t, s, command("Get-ManagementRole", "Identity", exchange.Role, "GetChildren", exchange.Switch(true)))
	if got := child.names(); !cmp.Equal(got, []string{"Calendar Impersonation"}) || child.objects[0].Text("Parent") != exchange.Role || child.objects[0].Bool("IsRootRole") {
		t.Errorf("children: %v", got)
	}
	if got := must(t, s, command("Get-ManagementRole", "Identity", exchange.Role, "Recurse", exchange.Switch(true))).names(); len(got) != 2 {
		t.Errorf("recursively: %v", got)
	}
	if got := must(t, s, command("Get-ManagementRole", "Identity", "View-Only*")).names(); len(got) != 3 {
		t.Errorf("by wildcard: %v", got)
	}
	if got := must(t, s, command("Get-ManagementRole", "Cmdlet", "New-ManagementRoleAssignment")).names(); !cmp.Equal(got, []string{"Role Management"}) {
		t.Errorf("by cmdlet: %v", got)
	}
	if got := invoke(t, s, command("Get-ManagementRole", "Identity", "Nothing")).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("unknown: %q", got)
	}
	if got := invoke(t, s, command("Get-ManagementRoleAssignment", "Role", "Nothing")).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("assignments of an unknown role: %q", got)
	}
}
