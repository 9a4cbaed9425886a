package report

import (
	"strings"
	"testing"
)

const someGUID = "0d5cbb54-0f0f-4f62-9f55-7f3c9d6a3f10"

func TestInverseCommand(t *testing.T) {
	for want, i := range map[string]Inverse{
		"Remove-ManagementRoleAssignment -Identity '" + someGUID + "' -DomainController 'dc' -Confirm:$false": {
			Cmdlet: "Remove-ManagementRoleAssignment", Identity: someGUID},
		"Remove-RoleGroupMember -Identity '" + someGUID + "' -Member 'm' -BypassSecurityGroupManagerCheck -DomainController 'dc' -Confirm:$false": {
			Cmdlet: "Remove-RoleGroupMember", Identity: someGUID, Parameters: []InverseParameter{{"Member", "m"}}},
		"Set-ManagementRoleAssignment -Identity '" + someGUID + "' -Enabled:$false -DomainController 'dc' -Confirm:$false": {
			Cmdlet: "Set-ManagementRoleAssignment", Identity: someGUID, Parameters: []InverseParameter{{"Enabled", false}}},
		"New-RoleGroup -Name 'g' -Roles 'a', 'b' -Members 'm' -DomainController 'dc' -Confirm:$false": {
			Cmdlet: "New-RoleGroup", Identity: "g", Parameters: []InverseParameter{{"Roles", []any{"a", "b"}}, {"Members", []string{"m"}}}},
	} {
		c, err := i.Command("dc")
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if got, err := c.Line(); got != want || err != nil {
			t.Errorf("got %s (%v)\nwant %s", got, err, want)
		}
	}
}

func TestInverseCommandRefuses(t *testing.T) {
	for want, i := range map[string]Inverse{
		"no report of exgrant has":          {Cmdlet: "Remove-Mailbox", Identity: someGUID},
		"which is no GUID":                  {Cmdlet: "Remove-ManagementScope", Identity: "Some Scope"},
		"which is not known":                {Cmdlet: "Remove-ManagementScope", Identity: someGUID, OnlyIf: "friday"},
		"which exgrant does not use":        {Cmdlet: "Remove-ManagementScope", Identity: someGUID, Parameters: []InverseParameter{{"Force", true}}},
		"float64 cannot be a parameter":     {Cmdlet: "Set-ManagementScope", Identity: someGUID, Parameters: []InverseParameter{{"RecipientRestrictionFilter", 1.5}}},
		"a list of float64 cannot be":       {Cmdlet: "New-RoleGroup", Identity: "g", Parameters: []InverseParameter{{"Roles", []any{1.5}}}},
		"a control character":               {Cmdlet: "Set-ManagementScope", Identity: someGUID, Parameters: []InverseParameter{{"RecipientRestrictionFilter", "a\nb"}}},
		"a bidirectional control character": {Cmdlet: "New-RoleGroup", Identity: "g", Parameters: []InverseParameter{{"Roles", []any{"\u202e"}}}},
	} {
		if _, err := i.Command(""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", i, err, want)
		}
	}
}
