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

// An assignment that is made again was disabled: it is disabled by its name, directly
// behind the command that makes it.
func TestInverseDisablesByName(t *testing.T) {
	again := Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "Old Grant"}
	disable := Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: "old grant", Parameters: []InverseParameter{{"Enabled", false}}}
	enable, other, more := disable, disable, disable
	enable.Parameters = []InverseParameter{{"Enabled", true}}
	other.Identity = "Other Grant"
	more.Parameters = []InverseParameter{{"Enabled", false}, {"CustomRecipientWriteScope", "S"}}
	for name, c := range map[string]struct {
		inverses []Inverse
		good     bool
	}{
		"behind":        {[]Inverse{again, disable}, true},
		"alone":         {[]Inverse{disable}, false},
		"before":        {[]Inverse{disable, again}, false},
		"another":       {[]Inverse{again, other}, false},
		"enables":       {[]Inverse{again, enable}, false},
		"sets a scope":  {[]Inverse{again, more}, false},
		"not behind it": {[]Inverse{again, {Cmdlet: "New-ManagementScope", Identity: "S"}, disable}, false},
	} {
		r := &Report{Schema: Schema, Operation: OperationRevoke, Outcome: Revoked, Grant: &GrantState{}, Inverse: c.inverses}
		if err := r.CheckInverse(); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if err := r.Check(); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
