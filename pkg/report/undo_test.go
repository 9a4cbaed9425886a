package report

import (
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestCheckOwnInverse(t *testing.T) {
	p := func(name string, value any) InverseParameter { return InverseParameter{Name: name, Value: value} }
	grant := GrantState{Name: "G", Assignee: AssigneeState{Kind: exchange.User, Given: `CONTOSO\svc`, Name: "svc"}, Scope: ScopeState{Name: "S"}}
	group := GrantState{Name: "G", Assignee: AssigneeState{Kind: exchange.RoleGroup, Given: "Schedulers"}, Scope: ScopeState{Name: "S"}}
	for name, c := range map[string]struct {
		grant GrantState
		i     Inverse
		good  bool
	}{
		"its own": {grant, Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "G",
			Parameters: []InverseParameter{p("User", "contoso.test/Services/svc"), p("Role", exchange.Role), p("CustomRecipientWriteScope", "S")}}, true},
		"its scope": {grant, Inverse{Cmdlet: "New-ManagementScope", Identity: "s", Parameters: []InverseParameter{p("RecipientRestrictionFilter", "Name -eq 'x'")}}, true},
		"another account": {grant, Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "G",
			Parameters: []InverseParameter{p("User", "contoso.test/Services/other"), p("Role", exchange.Role)}}, false},
		"another role": {grant, Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "G",
			Parameters: []InverseParameter{p("User", "svc"), p("Role", "Role Management")}}, false},
		"configuration for a user": {grant, Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "G",
			Parameters: []InverseParameter{p("User", "svc"), p("Role", exchange.RoleViewOnlyConfiguration)}}, false},
		"its role group": {group, Inverse{Cmdlet: "New-RoleGroup", Identity: "Schedulers",
			Parameters: []InverseParameter{p("Roles", []any{exchange.Role, exchange.RoleViewOnlyConfiguration}), p("Members", []any{}), p("CustomRecipientWriteScope", "S")}}, true},
		"a role group for everybody": {group, Inverse{Cmdlet: "New-RoleGroup", Identity: "Schedulers", Parameters: []InverseParameter{p("Roles", []any{exchange.Role})}}, false},
		"everybody": {grant, Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "G",
			Parameters: []InverseParameter{p("User", "svc"), p("Role", exchange.Role)}}, false},
		"another scope": {grant, Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: "G",
			Parameters: []InverseParameter{p("User", "svc"), p("Role", exchange.Role), p("CustomRecipientWriteScope", "Wider")}}, false},
		"another role group":             {group, Inverse{Cmdlet: "New-RoleGroup", Identity: "Others", Parameters: []InverseParameter{p("Roles", []any{exchange.Role})}}, false},
		"a role group with another role": {group, Inverse{Cmdlet: "New-RoleGroup", Identity: "Schedulers", Parameters: []InverseParameter{p("Roles", []any{"Role Management"})}}, false},
	} {
		r := &Report{Schema: Schema, Grant: &c.grant, Inverse: []Inverse{c.i}}
		if err := r.CheckInverse(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := r.CheckOwnInverse(); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, r := range map[string]*Report{"none": {}, "no grant": {Schema: Schema}, "no change": {Schema: Schema, Grant: &grant}} {
		if r.CheckInverse() == nil || r.CheckOwnInverse() == nil {
			t.Errorf("%s can be taken back", name)
		}
	}
}
