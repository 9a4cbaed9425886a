package exchangesim_test

import (
	"slices"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestGetCommand(t *testing.T) {
	scenario, err := exchangesim.ScenarioByName("parameter-missing")
	if err != nil {
		t.Fatal(err)
	}
	session := exchangesim.New(scenario, exchangesim.Options{}).Session(exchangesim.SessionOptions{})
	var found []exchange.Object
	streams, err := session.Invoke(t.Context(), exchange.Pipeline{commands.GetCommands("get-user", "Get-Nothing", "New-ManagementRoleAssignment")},
		func(o exchange.Object) error { found = append(found, o); return nil })
	if err != nil || streams.Failed {
		t.Fatalf("error %v, failed %v", err, streams.Failed)
	}
	if len(found) != 2 || found[0].Text("Name") != "Get-User" || found[0].TypeName != "System.Management.Automation.CmdletInfo" {
		t.Fatalf("found %+v", found)
	}
	parameters := found[1].Strings("Parameters")
	if !slices.Contains(parameters, "SecurityGroup") || slices.Contains(parameters, "CustomRecipientWriteScope") {
		t.Errorf("parameters that the roles leave: %q", parameters)
	}
	if len(streams.Errors) != 1 {
		t.Fatalf("errors %+v", streams.Errors)
	}
	r := streams.Errors[0]
	if r.FullyQualifiedErrorID != "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand" || r.Category != "ObjectNotFound" ||
		r.TargetName != "Get-Nothing" || r.Activity != "Get-Command" {
		t.Errorf("the error of an unknown name: %+v", r)
	}
}

func TestGetCommandWildcard(t *testing.T) {
	session := exchangesim.New(exchangesim.Scenarios()[0], exchangesim.Options{}).Session(exchangesim.SessionOptions{})
	count := func(name string) (n int) {
		t.Helper()
		streams, err := session.Invoke(t.Context(), exchange.Pipeline{commands.GetCommands(name)}, func(exchange.Object) error { n++; return nil })
		if err != nil || len(streams.Errors) > 0 {
			t.Fatalf("%s: error %v, errors %+v", name, err, streams.Errors)
		}
		return n
	}
	if n := count("*-RoleGroupMember"); n != 3 {
		t.Errorf("%d commands for role group members, want 3", n)
	}
	if n := count("No-Such*"); n != 0 {
		t.Errorf("%d commands for a wildcard that matches nothing", n)
	}
}
