package exchange

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/google/go-cmp/cmp"
)

var custom, unit = AssignmentScope{Custom: "scope"}, AssignmentScope{OrganizationalUnit: "contoso.test/Rooms"}

// commands holds every constructor in every form that it has, and what it gives.
var commands = []struct {
	command Command
	want    string
}{
	{GetExchangeServer(), "Get-ExchangeServer"},
	{GetCommands("Get-User", "Get-Group"), "Get-Command -Name [Get-User Get-Group]"},
	{GetOrganizationConfig(), "Get-OrganizationConfig"},
	{GetADServerSettings(), "Get-ADServerSettings"},
	{SetADServerSettings(true), "Set-ADServerSettings -ViewEntireForest:true"},
	{GetUser("u"), "Get-User -Identity u"},
	{GetGroup("g"), "Get-Group -Identity g"},
	{GetMailbox("m"), "Get-Mailbox -Identity m"},
	{GetRecipient("r"), "Get-Recipient -Identity r"},
	{GetOrganizationalUnit("o"), "Get-OrganizationalUnit -Identity o"},
	{ListRecipients("", ""), "Get-Recipient -ResultSize Unlimited"},
	{ListRecipients("f", "o"), "Get-Recipient -Filter f -OrganizationalUnit o -ResultSize Unlimited"},
	{ListNestedGroups("f"), "Get-Group -Filter f -ResultSize Unlimited"},
	{ListImpersonationRoles(), "Get-ManagementRole -RoleType ApplicationImpersonation"},
	{ListAssignments("r"), "Get-ManagementRoleAssignment -Role r"},
	{ListHolders("r"), "Get-ManagementRoleAssignment -Role r -GetEffectiveUsers"},
	{ListAssignmentsUsing("s"), "Get-ManagementRoleAssignment -CustomRecipientWriteScope s"},
	{ListAssignmentsOf("r", "u"), "Get-ManagementRoleAssignment -Role r -RoleAssignee u"},
	{ListDirectAssignmentsOf("r", "u"), "Get-ManagementRoleAssignment -Role r -RoleAssignee u -AssignmentMethod [Direct]"},
	{ListDirectAssignmentsOf("", "u"), "Get-ManagementRoleAssignment -RoleAssignee u -AssignmentMethod [Direct]"},
	{GetAssignment("a", ""), "Get-ManagementRoleAssignment -Identity a"},
	{GetAssignment("a", "dc"), "Get-ManagementRoleAssignment -Identity a -DomainController dc"},
	{ListDelegatingAssignments("u"), "Get-ManagementRoleAssignment -Role ApplicationImpersonation -RoleAssignee u -Delegating:true"},
	{ListAssignmentsOver("m", "u"), "Get-ManagementRoleAssignment -RoleAssignee u -WritableRecipient m -Delegating:false"},
	{NewAssignment("n", User, "u", Role, AssignmentScope{}, ""),
		"New-ManagementRoleAssignment -Name n -User u -Role ApplicationImpersonation -Confirm:false"},
	{NewAssignment("", SecurityGroup, "g", Role, custom, "dc"),
		"New-ManagementRoleAssignment -SecurityGroup g -Role ApplicationImpersonation -CustomRecipientWriteScope scope -DomainController dc -Confirm:false"},
	{NewAssignment("n", RoleGroup, "g", RoleViewOnlyConfiguration, unit, ""),
		"New-ManagementRoleAssignment -Name n -SecurityGroup g -Role View-Only Configuration -RecipientOrganizationalUnitScope contoso.test/Rooms -Confirm:false"},
	{SetAssignmentScope("a", custom, "dc"),
		"Set-ManagementRoleAssignment -Identity a -CustomRecipientWriteScope scope -DomainController dc -Confirm:false"},
	{SetAssignmentScope("a", unit, ""),
		"Set-ManagementRoleAssignment -Identity a -RecipientOrganizationalUnitScope contoso.test/Rooms -Confirm:false"},
	{SetAssignmentScope("a", AssignmentScope{}, ""),
		"Set-ManagementRoleAssignment -Identity a -RecipientRelativeWriteScope Organization -Confirm:false"},
	{SetAssignmentEnabled("a", true, "dc"), "Set-ManagementRoleAssignment -Identity a -Enabled:true -DomainController dc -Confirm:false"},
	{RemoveAssignment("a", "dc"), "Remove-ManagementRoleAssignment -Identity a -DomainController dc -Confirm:false"},
	{ListScopes(), "Get-ManagementScope"},
	{GetScope("s", "dc"), "Get-ManagementScope -Identity s -DomainController dc"},
	{NewScope("s", "f", "dc"), "New-ManagementScope -Name s -RecipientRestrictionFilter f -DomainController dc -Confirm:false"},
	{SetScope("s", "f", ""), "Set-ManagementScope -Identity s -RecipientRestrictionFilter f -Confirm:false"},
	{RemoveScope("s", ""), "Remove-ManagementScope -Identity s -Confirm:false"},
	{GetRoleGroup("r"), "Get-RoleGroup -Identity r"},
	{ListRoleGroupMembers("r"), "Get-RoleGroupMember -Identity r -ResultSize Unlimited"},
	{NewRoleGroup("r", []string{Role}, []string{"a", "b"}, custom, "dc"),
		"New-RoleGroup -Name r -Roles [ApplicationImpersonation] -Members [a b] -CustomRecipientWriteScope scope -DomainController dc -Confirm:false"},
	{AddRoleGroupMember("r", "a", "dc"),
		"Add-RoleGroupMember -Identity r -Member a -BypassSecurityGroupManagerCheck -DomainController dc -Confirm:false"},
	{RemoveRoleGroupMember("r", "a", ""), "Remove-RoleGroupMember -Identity r -Member a -BypassSecurityGroupManagerCheck -Confirm:false"},
	{RemoveRoleGroup("r", ""), "Remove-RoleGroup -Identity r -BypassSecurityGroupManagerCheck -Confirm:false"},
	{EnableOrganizationCustomization(), "Enable-OrganizationCustomization -Confirm:false"},
}

func show(c Command) string {
	var b strings.Builder
	b.WriteString(c.Cmdlet)
	for _, p := range c.Params {
		switch v := p.Value.(type) {
		case Switch:
			fmt.Fprintf(&b, " -%s", p.Name)
			if !v {
				b.WriteString(":false")
			}
		case Bool:
			fmt.Fprintf(&b, " -%s:%t", p.Name, v)
		default:
			fmt.Fprintf(&b, " -%s %v", p.Name, v)
		}
	}
	return b.String()
}

func TestCommands(t *testing.T) {
	for _, test := range commands {
		if got := show(test.command); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// The table must hold a constructor that is added.
func TestCommandsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "cmdlets.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("command_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Name.IsExported() && !bytes.Contains(tests, []byte("\t{"+f.Name.Name+"(")) {
			t.Errorf("%s is in no test", f.Name.Name)
		}
	}
}

// A command that changes the organization asks nothing, one that reads it takes no
// -Confirm; -Force exists in the cloud only.
func TestCommandsConfirm(t *testing.T) {
	for _, test := range commands {
		c := test.command
		verb, _, _ := strings.Cut(c.Cmdlet, "-")
		changes := verb != "Get" && c.Cmdlet != "Set-ADServerSettings"
		if v, ok := c.Param("Confirm"); ok != changes || ok && v != Bool(false) {
			t.Errorf("%s: Confirm is %v", test.want, v)
		}
		if _, ok := c.Param("Force"); ok {
			t.Errorf("%s: -Force does not exist on-premises", test.want)
		}
	}
}

// The organization of the testbed was written from the documentation by other
// hands: every parameter must be one that it has.
func TestCommandsAgainstTestbed(t *testing.T) {
	module := peers.Shared(t, "testbed", "ExchangeOrg.psm1")
	r := engine.Run(t, peers.Job{
		Modules: []string{module},
		Command: `Get-Command -Module ExchangeOrg | ForEach-Object -Process { "$($_.Name) $($_.Parameters.Keys -join ' ')" }`,
	})
	parameters := map[string][]string{}
	for _, o := range r.Output {
		fields := strings.Fields(o.Text)
		parameters[fields[0]] = fields[1:]
	}
	checked := 0
	for _, test := range commands {
		have, ok := parameters[test.command.Cmdlet]
		if !ok {
			t.Logf("the testbed has no %s", test.command.Cmdlet)
			continue
		}
		checked++
		for _, p := range test.command.Params {
			if !slices.Contains(have, p.Name) {
				t.Errorf("%s: the testbed has no -%s", test.want, p.Name)
			}
		}
	}
	if checked < len(commands)/2 {
		t.Errorf("only %d of %d commands are in the testbed: %v", checked, len(commands), r.Errors)
	}
}

func TestCommandParams(t *testing.T) {
	c := GetUser("u")
	if v, ok := c.Param("identity"); !ok || v != String("u") {
		t.Errorf("Param ignores no case: %v, %v", v, ok)
	}
	if got := c.Text("IDENTITY") + c.Text("Filter"); got != "u" {
		t.Errorf("Text gives %q", got)
	}
	if got := SetADServerSettings(true).Text("ViewEntireForest"); got != "" {
		t.Errorf("Text of a Bool is %q", got)
	}
	a, b := c.With("A", Int(1)), c.With("B", Null{})
	if len(c.Params) != 1 || show(a) != "Get-User -Identity u -A 1" || show(b) != "Get-User -Identity u -B {}" {
		t.Errorf("With changes its receiver: %s, %s, %s", show(c), show(a), show(b))
	}
}

func TestErrorRecord(t *testing.T) {
	tests := []struct {
		record              ErrorRecord
		category, taskClass string
	}{
		{ErrorRecord{FullyQualifiedErrorID: "[Server=EX01,RequestId=0c1b8d26-7d4b-4c0e-9d1e-55f3b0a1c111,TimeStamp=11/24/2026 9:00:00 AM] " +
			"[FailureCategory=Cmdlet-InvalidOperationInDehydratedContextException] 9C31A2B7,Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment"},
			"Cmdlet-InvalidOperationInDehydratedContextException", "Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment"},
		{ErrorRecord{FullyQualifiedErrorID: "CommandNotFoundException"}, "", ""},
		{ErrorRecord{FullyQualifiedErrorID: "3F2A,New-ManagementRoleAssignment"}, "", ""},
		{ErrorRecord{Message: "Connecting to remote server ex01 failed: [ClientAccessServer=EX01,BackEndServer=ex01] [FailureCategory=AuthZ-CmdletAccessDeniedException] ..."},
			"AuthZ-CmdletAccessDeniedException", ""},
		{ErrorRecord{FullyQualifiedErrorID: "x [FailureCategory=A-B] y", Message: "[FailureCategory=C-D]"}, "A-B", ""},
		{ErrorRecord{}, "", ""},
	}
	for _, test := range tests {
		if got := test.record.FailureCategory(); got != test.category {
			t.Errorf("FailureCategory of %+v is %q, want %q", test.record, got, test.category)
		}
		if got := test.record.TaskClass(); got != test.taskClass {
			t.Errorf("TaskClass of %+v is %q, want %q", test.record, got, test.taskClass)
		}
	}
}

func TestObject(t *testing.T) {
	o := Object{Properties: []Property{
		{"Name", "anna"}, {"Guid", GUID("6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5")}, {"Enabled", true}, {"Exclusive", false}, {"Size", int64(7)},
		{"Ratio", 0.5}, {"Members", []string{"a", "b"}}, {"Empty", []string{}}, {"Nothing", nil}, {"IsValid", "TRUE"},
	}}
	texts := map[string]string{
		"name": "anna", "GUID": "6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5", "Enabled": "True", "Exclusive": "False", "Size": "7", "Ratio": "0.5",
		"Members": "a, b", "Empty": "", "Nothing": "", "Absent": "",
	}
	for name, want := range texts {
		if got := o.Text(name); got != want {
			t.Errorf("Text(%s) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"Enabled": true, "IsValid": true, "Exclusive": false, "Nothing": false, "Absent": false, "Size": false} {
		if got := o.Bool(name); got != want {
			t.Errorf("Bool(%s) = %v", name, got)
		}
	}
	for name, want := range map[string][]string{"Members": {"a", "b"}, "Empty": {}, "Name": {"anna"}, "Size": {"7"}, "Nothing": nil, "Absent": nil} {
		if diff := cmp.Diff(want, o.Strings(name)); diff != "" {
			t.Errorf("Strings(%s): -want +got\n%s", name, diff)
		}
	}
	if _, ok := o.Value("Nothing"); !ok {
		t.Error("a null property is absent")
	}
}
