package commands

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

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

var custom, unit = WriteScope{Custom: "scope"}, WriteScope{OrganizationalUnit: "contoso.test/Rooms"}

// commands holds every constructor in every form that it has, and what it gives.
var all = []struct {
	command exchange.Command
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
	{ListGroups("f"), "Get-Group -Filter f -ResultSize Unlimited"},
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
	{NewAssignment("n", exchange.User, "u", exchange.Role, WriteScope{}, ""),
		"New-ManagementRoleAssignment -Name n -User u -Role ApplicationImpersonation -Confirm:false"},
	{NewAssignment("", exchange.SecurityGroup, "g", exchange.Role, custom, "dc"),
		"New-ManagementRoleAssignment -SecurityGroup g -Role ApplicationImpersonation -CustomRecipientWriteScope scope -DomainController dc -Confirm:false"},
	{NewAssignment("n", exchange.RoleGroup, "g", exchange.RoleViewOnlyConfiguration, unit, ""),
		"New-ManagementRoleAssignment -Name n -SecurityGroup g -Role View-Only Configuration -RecipientOrganizationalUnitScope contoso.test/Rooms -Confirm:false"},
	{SetAssignmentScope("a", custom, "dc"),
		"Set-ManagementRoleAssignment -Identity a -CustomRecipientWriteScope scope -DomainController dc -Confirm:false"},
	{SetAssignmentScope("a", unit, ""),
		"Set-ManagementRoleAssignment -Identity a -RecipientOrganizationalUnitScope contoso.test/Rooms -Confirm:false"},
	{SetAssignmentScope("a", WriteScope{}, ""),
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
	{NewRoleGroup("r", []string{exchange.Role}, []string{"a", "b"}, custom, "dc"),
		"New-RoleGroup -Name r -Roles [ApplicationImpersonation] -Members [a b] -CustomRecipientWriteScope scope -DomainController dc -Confirm:false"},
	{AddRoleGroupMember("r", "a", "dc"),
		"Add-RoleGroupMember -Identity r -Member a -BypassSecurityGroupManagerCheck -DomainController dc -Confirm:false"},
	{RemoveRoleGroupMember("r", "a", ""), "Remove-RoleGroupMember -Identity r -Member a -BypassSecurityGroupManagerCheck -Confirm:false"},
	{RemoveRoleGroup("r", ""), "Remove-RoleGroup -Identity r -BypassSecurityGroupManagerCheck -Confirm:false"},
	{EnableOrganizationCustomization(), "Enable-OrganizationCustomization -Confirm:false"},
}

func show(c exchange.Command) string {
	var b strings.Builder
	b.WriteString(c.Cmdlet)
	for _, p := range c.Params {
		switch v := p.Value.(type) {
		case exchange.Switch:
			fmt.Fprintf(&b, " -%s", p.Name)
			if !v {
				b.WriteString(":false")
			}
		case exchange.Bool:
			fmt.Fprintf(&b, " -%s:%t", p.Name, v)
		default:
			fmt.Fprintf(&b, " -%s %v", p.Name, v)
		}
	}
	return b.String()
}

func TestCommands(t *testing.T) {
	for _, test := range all {
		if got := show(test.command); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// The table must hold a constructor that is added.
func TestCommandsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "commands.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("commands_test.go")
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
	for _, test := range all {
		c := test.command
		verb, _, _ := strings.Cut(c.Cmdlet, "-")
		changes := verb != "Get" && c.Cmdlet != "Set-ADServerSettings"
		if v, ok := c.Param("Confirm"); ok != changes || ok && v != exchange.Bool(false) {
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
	for _, test := range all {
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
	if checked < len(all)/2 {
		t.Errorf("only %d of %d commands are in the testbed: %v", checked, len(all), r.Errors)
	}
}
