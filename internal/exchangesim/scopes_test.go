package exchangesim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
)

func TestScopes(t *testing.T) {
	o, s := open(t, "exclusive-scope")
	made := must(t, s, commands.NewScope("S", "recipienttypedetails -EQ 'UserMailbox' -and City -eq 'Berlin'", "").
		With("RecipientRoot", exchange.String("OU=Staff,DC=contoso,DC=test"))).objects[0]
	for property, want := range map[string]string{
		"Name": "S", "Identity": "S", "ScopeRestrictionType": "RecipientScope", "Exclusive": "False", "RecipientRoot": "contoso.test/Staff",
		"RecipientFilter": "((RecipientTypeDetails -eq 'UserMailbox') -and (City -eq 'Berlin'))", "ServerFilter": "",
		"DistinguishedName": "CN=S,CN=Scopes,CN=RBAC," + organizationDN,
	} {
		if got := made.Text(property); got != want {
			t.Errorf("%s: %q, want %q", property, got, want)
		}
	}
	list := func(parameters ...any) []string {
		return must(t, s, command("Get-ManagementScope", parameters...)).names()
	}
	for _, c := range []struct {
		parameters []any
		want       []string
	}{
		{nil, []string{"Protected Executives", "S"}},
		{[]any{"Exclusive", true}, []string{"Protected Executives"}},
		{[]any{"Exclusive", false}, []string{"S"}},
		{[]any{"Orphan", exchange.Switch(true)}, []string{"Protected Executives", "S"}},
		{[]any{"Identity", "s"}, []string{"S"}},
		{[]any{"Identity", made.Text("Guid")}, []string{"S"}},
		{[]any{"Identity", "Prot*"}, []string{"Protected Executives"}},
		{[]any{"Identity", "x*"}, []string{}},
	} {
		if diff := cmp.Diff(c.want, list(c.parameters...)); diff != "" {
			t.Errorf("%v:\n%s", c.parameters, diff)
		}
	}
	must(t, s, newAssignment("Name", "A", "User", assignee, "CustomRecipientWriteScope", made.Text("Guid")))
	if diff := cmp.Diff([]string{"Protected Executives"}, list("Orphan", exchange.Switch(true))); diff != "" {
		t.Error(diff)
	}
	guid := made.Text("Guid")
	for _, c := range []struct {
		name    string
		command exchange.Command
		fault   string
	}{
		{"remove while used", commands.RemoveScope(guid, ""), "InvalidOperationException"},
		{"taken name", commands.NewScope("s", "City -eq 'x'", ""), "ADObjectAlreadyExistsException"},
		{"taken name by change", command("Set-ManagementScope", "Identity", guid, "Name", "Protected Executives"), "ADObjectAlreadyExistsException"},
		{"unknown root", commands.NewScope("T", "City -eq 'x'", "").With("RecipientRoot", exchange.String("contoso.test/Nowhere")), "ManagementObjectNotFoundException"},
		{"bad name", commands.NewScope("a,b", "City -eq 'x'", ""), "DataValidationException"},
		{"unknown", commands.GetScope("Nothing", ""), "ManagementObjectNotFoundException"},
		{"remove unknown", commands.RemoveScope("Nothing", ""), "ManagementObjectNotFoundException"},
		{"change unknown", commands.SetScope("Nothing", "City -eq 'x'", ""), "ManagementObjectNotFoundException"},
		{"another kind", command("Set-ManagementScope", "Identity", guid, "ServerRestrictionFilter", "Name -eq 'EX01'"), "ArgumentException"},
	} {
		before := o.Snapshot()
		if got := invoke(t, s, c.command).fault(t); got != c.fault {
			t.Errorf("%s: fault %q, want %q", c.name, got, c.fault)
		}
		if diff := cmp.Diff(before, o.Snapshot()); diff != "" {
			t.Errorf("%s changed:\n%s", c.name, diff)
		}
	}
	must(t, s, commands.SetScope(guid, "City -eq 'Tokyo'", ""))
	if got := must(t, s, commands.GetScope("S", "")).objects[0].Text("RecipientFilter"); got != "City -eq 'Tokyo'" {
		t.Errorf("changed filter: %s", got)
	}
	if a := invoke(t, s, commands.SetScope(guid, "city -eq 'Tokyo'", "")); len(a.Warnings) != 1 {
		t.Errorf("the same filter again: %+v", a.Streams)
	}
	must(t, s, command("Set-ManagementScope", "Identity", guid, "Name", "U", "RecipientRoot", nil))
	if got := must(t, s, commands.GetAssignment("A", "")).objects[0].Text("CustomRecipientWriteScope"); got != "U" {
		t.Errorf("the assignment shows the scope as %q after it was renamed", got)
	}
	must(t, s, commands.RemoveAssignment("A", ""))
	must(t, s, commands.RemoveScope(guid, ""))
	if diff := cmp.Diff([]string{"Protected Executives"}, list()); diff != "" {
		t.Error(diff)
	}
}

func TestServerScopeIsNoRecipientScope(t *testing.T) {
	_, s := open(t, "plain")
	a := must(t, s, command("New-ManagementScope", "Name", "S", "ServerList", []string{"EX01"}))
	if got := a.objects[0].Text("ScopeRestrictionType"); got != "ServerScope" {
		t.Errorf("kind %s", got)
	}
	if got := invoke(t, s, newAssignment("Name", "A", "User", assignee, "CustomRecipientWriteScope", "S")).fault(t); got != "InvalidOperationException" {
		t.Errorf("fault %q", got)
	}
}

func TestUnparsableScope(t *testing.T) {
	o, s := open(t, "scope-unparsable")
	shown := must(t, s, commands.GetScope("Foreign Scope", "")).objects[0].Text("RecipientFilter")
	if _, err := opath.Parse(shown); err == nil {
		t.Errorf("%s can be parsed", shown)
	}
	if reaches, err := o.CanImpersonate(assignee, "anna"); err != nil || reaches {
		t.Errorf("it reaches anna: %v, %v", reaches, err)
	}
}
