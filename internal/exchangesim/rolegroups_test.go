package exchangesim

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func roleGroup(o *Organization, name string) (RoleGroupSnapshot, bool) {
	all := o.Snapshot().RoleGroups
	i := slices.IndexFunc(all, func(g RoleGroupSnapshot) bool { return g.Name == name })
	if i < 0 {
		return RoleGroupSnapshot{}, false
	}
	return all[i], true
}

func TestNewRoleGroup(t *testing.T) {
	o, s := open(t, "plain")
	both := []string{exchange.Role, exchange.RoleViewOnlyConfiguration}
	made := must(t, s, commands.NewRoleGroup("R", both, []string{assignee, "svc-reschedule", "Schedulers"}, commands.WriteScope{}, "")).objects[0]
	if diff := cmp.Diff(both, made.Strings("Roles")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"contoso.test/Services/svc-reschedule", "contoso.test/Groups/Schedulers"}, made.Strings("Members")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ApplicationImpersonation-R", "View-Only Configuration-R"}, made.Strings("RoleAssignments")); diff != "" {
		t.Error(diff)
	}
	if got := made.Text("DistinguishedName"); got != "CN=R,OU=Microsoft Exchange Security Groups,DC=contoso,DC=test" {
		t.Errorf("got %s", got)
	}
	if ok, err := o.CanImpersonate("svc-backup", "anna"); err != nil || !ok {
		t.Errorf("a member of a nested group: %v, %v", ok, err)
	}
	if got := must(t, s, commands.GetGroup("R")).objects[0].Text("RecipientTypeDetails"); got != "RoleGroup" {
		t.Errorf("Get-Group shows a %s", got)
	}
	must(t, s, commands.RemoveRoleGroup(made.Text("Guid"), ""))
	if _, ok := roleGroup(o, "R"); ok {
		t.Error("it is still there")
	}
	if diff := cmp.Diff(New(o.Scenario(), Options{}).Snapshot(), o.Snapshot()); diff != "" {
		t.Errorf("its assignments went with it:\n%s", diff)
	}
}

func TestScopedRoleGroup(t *testing.T) {
	o, s := open(t, "plain")
	must(t, s, commands.NewScope("S", groupFilter("Groups"), ""))
	before := o.Snapshot()
	both := commands.NewRoleGroup("R", []string{exchange.Role, exchange.RoleViewOnlyConfiguration}, []string{assignee}, commands.WriteScope{Custom: "S"}, "")
	if got := invoke(t, s, both).fault(t); got != "InvalidOperationException" {
		t.Errorf("a scope with View-Only Configuration: %q", got)
	}
	if diff := cmp.Diff(before, o.Snapshot()); diff != "" {
		t.Errorf("it was half made:\n%s", diff)
	}
	must(t, s, commands.NewRoleGroup("R", []string{exchange.Role}, []string{assignee}, commands.WriteScope{Custom: "S"}, ""))
	must(t, s, commands.NewAssignment("", exchange.SecurityGroup, "R", exchange.RoleViewOnlyConfiguration, commands.WriteScope{}, ""))
	got := must(t, s, command("Get-ManagementRoleAssignment", "RoleAssignee", "R"))
	if diff := cmp.Diff([]string{"ApplicationImpersonation-R", "View-Only Configuration-R"}, got.names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"CustomRecipientScope", "None"}, got.texts("RecipientWriteScope")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"S", ""}, got.texts("CustomRecipientWriteScope")); diff != "" {
		t.Error(diff)
	}
}

func TestRoleGroupMembers(t *testing.T) {
	o, s := open(t, "role-group-other-members")
	members := func() []string { return must(t, s, commands.ListRoleGroupMembers(ownName)).names() }
	if diff := cmp.Diff([]string{"svc-backup"}, members()); diff != "" {
		t.Fatal(diff)
	}
	must(t, s, commands.AddRoleGroupMember(ownName, assignee, ""))
	if diff := cmp.Diff([]string{"svc-backup", "svc-reschedule"}, members()); diff != "" {
		t.Error(diff)
	}
	if got := invoke(t, s, commands.AddRoleGroupMember(ownName, assignee, "")).fault(t); got != "MemberAlreadyExistsException" {
		t.Errorf("added twice: %q", got)
	}
	must(t, s, commands.RemoveRoleGroupMember(ownName, "svc-backup", ""))
	if got := invoke(t, s, commands.RemoveRoleGroupMember(ownName, "svc-backup", "")).fault(t); got != "MemberNotFoundException" {
		t.Errorf("removed twice: %q", got)
	}
	for _, c := range []struct {
		name    string
		command exchange.Command
		fault   string
	}{
		{"unknown group", commands.AddRoleGroupMember("Nothing", assignee, ""), "ManagementObjectNotFoundException"},
		{"unknown member", commands.AddRoleGroupMember(ownName, "nobody", ""), "ManagementObjectNotFoundException"},
		{"empty member", commands.NewRoleGroup("R", nil, []string{""}, commands.WriteScope{}, ""), "ManagementObjectNotFoundException"},
		{"ambiguous member", commands.AddRoleGroupMember(ownName, "John Doe", ""), "ManagementObjectAmbiguousException"},
		{"distribution group", commands.AddRoleGroupMember(ownName, "Newsletter", ""), "ManagementObjectNotFoundException"},
		{"no role group", commands.ListRoleGroupMembers("Schedulers"), "ManagementObjectNotFoundException"},
		{"taken name", commands.NewRoleGroup(ownName, nil, nil, commands.WriteScope{}, ""), "ADObjectAlreadyExistsException"},
		{"unknown role", commands.NewRoleGroup("R", []string{"Nothing"}, nil, commands.WriteScope{}, ""), "ManagementObjectNotFoundException"},
		{"built-in", commands.RemoveRoleGroup("Hygiene Management", ""), "InvalidOperationException"},
		{"long account name", command("New-RoleGroup", "Name", "R", "SamAccountName", "a-name-of-21-characte"), "DataValidationException"},
		{"nothing under what-if", commands.RemoveRoleGroup(ownName, "").With("WhatIf", exchange.Switch(true)), ""},
	} {
		before := o.Snapshot()
		if got := invoke(t, s, c.command).fault(t); got != c.fault {
			t.Errorf("%s: fault %q, want %q", c.name, got, c.fault)
		}
		if diff := cmp.Diff(before, o.Snapshot()); diff != "" {
			t.Errorf("%s changed:\n%s", c.name, diff)
		}
	}
}

func TestOnlyManagersChangeMembers(t *testing.T) {
	_, s := open(t, "access-denied")
	add := command("Add-RoleGroupMember", "Identity", "Help Desk", "Member", assignee)
	if a := invoke(t, s, add); a.fault(t) != "InvalidOperationException" {
		t.Errorf("without being a manager: %+v", a.Streams)
	}
	must(t, s, add.With("BypassSecurityGroupManagerCheck", exchange.Switch(true)))
}
