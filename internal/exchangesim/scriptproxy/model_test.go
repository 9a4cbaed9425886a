package scriptproxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// newOrganization makes the organization of a scenario.
func newOrganization(t *testing.T, scenario string, o exchangesim.Options) *exchangesim.Organization {
	t.Helper()
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return exchangesim.New(s, o)
}

// serve serves a session of an organization for the time of a test.
func serve(t *testing.T, o *exchangesim.Organization, so exchangesim.SessionOptions) *Server {
	t.Helper()
	return start(t, o.Session(so), o.Clock())
}

// What Get-Command shows is what the session says that the caller's roles give.
func TestProxiesHaveTheCmdletsParameters(t *testing.T) {
	organization := newOrganization(t, "plain", exchangesim.Options{})
	session := organization.Session(exchangesim.SessionOptions{})
	server := start(t, session, organization.Clock())
	r := run(t, server, `
$common = @([System.Management.Automation.Cmdlet]::CommonParameters)
foreach ($command in Get-Command -Module `+session.Module()+`) {
    if ($command.Name -in 'Get-Date', 'Start-Sleep') { continue }
    $names = $command.Parameters.Keys | Where-Object -FilterScript { $common -notcontains $_ } | Sort-Object
    $command.Name + ': ' + ($names -join ' ')
}`)
	var want []string
	for _, c := range session.Commands() {
		var names []string
		for _, p := range c.Parameters {
			names = append(names, p.Name)
		}
		if c.SupportsShouldProcess {
			names = append(names, "Confirm", "WhatIf")
		}
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
		want = append(want, c.Name+": "+strings.Join(names, " "))
	}
	got := texts(r)
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 20 {
		t.Errorf("the session has %d cmdlets only", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, r.Console)
	}
	for _, finding := range peers.Check(t, nil, server.Manifest, strings.TrimSuffix(server.Manifest, ".psd1")+".psm1") {
		t.Error(finding)
	}
}

// One cmdlet of every kind, in the order of an administrator's day.
func TestModelThroughTheModule(t *testing.T) {
	organization := newOrganization(t, "plain", exchangesim.Options{})
	server := serve(t, organization, exchangesim.SessionOptions{})
	before := organization.Snapshot()
	r := run(t, server, `
Set-ADServerSettings -ViewEntireForest $true
$user = Get-User -Identity 'CONTOSO\svc-reschedule'
$group = Get-Group -Identity 'Reschedule Users'
$filter = "MemberOfGroup -eq '$($group.DistinguishedName)'"
$scope = New-ManagementScope -Name 'Test Scope' -RecipientRestrictionFilter $filter -Confirm:$false
$assignment = New-ManagementRoleAssignment -Name 'Test' -User $user.Guid -Role 'ApplicationImpersonation' `+
		`-CustomRecipientWriteScope $scope -Confirm:$false
$assignment.PSObject.TypeNames[0]
$assignment.Guid.GetType().Name
$assignment.RecipientWriteScope
$assignment.WhenCreatedUTC.GetType().Name
@(Get-Recipient -Filter $filter -ResultSize Unlimited | ForEach-Object -Process { $_.Name } | Sort-Object) -join ' '
Set-ManagementRoleAssignment -Identity $assignment.Guid -Enabled $false -Confirm:$false
(Get-ManagementRoleAssignment -Identity 'Test').Enabled
`)
	want := []string{
		"Deserialized.Microsoft.Exchange.Data.Directory.Management.ExchangeRoleAssignmentPresentation",
		"Guid", "CustomRecipientScope", "DateTime", "anna ben room1", "False",
	}
	if diff := cmp.Diff(want, texts(r)); diff != "" || len(r.Errors) > 0 {
		t.Fatalf("%s\n%s", diff, r.Console)
	}
	r = run(t, server, `
Remove-ManagementRoleAssignment -Identity 'Test' -WhatIf
Remove-ManagementRoleAssignment -Identity 'Test' -Confirm:$false
Remove-ManagementScope -Identity 'Test Scope' -Confirm:$false
Set-ADServerSettings -ViewEntireForest $false
`)
	if want := "What if: Performing the operation \"Remove-ManagementRoleAssignment\" on target \"Test\".\n"; r.Console != want {
		t.Errorf("console %q, want %q", r.Console, want)
	}
	if diff := cmp.Diff(before, organization.Snapshot()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIfChangesNothing(t *testing.T) {
	organization := newOrganization(t, "plain", exchangesim.Options{})
	server := serve(t, organization, exchangesim.SessionOptions{})
	before := organization.Snapshot()
	r := run(t, server, `
New-ManagementScope -Name 'Test Scope' -RecipientRestrictionFilter "Name -eq 'x'" -WhatIf
New-ManagementRoleAssignment -Name 'Test' -User svc-reschedule -Role ApplicationImpersonation -WhatIf
`)
	if strings.Count(r.Console, "What if:") != 2 || len(r.Errors) != 0 {
		t.Errorf("console:\n%s", r.Console)
	}
	if diff := cmp.Diff(before, organization.Snapshot()); diff != "" {
		t.Error(diff)
	}
}

func TestModelsErrors(t *testing.T) {
	for _, c := range []struct{ language, message string }{
		{"en", "couldn't be performed because object 'nobody' couldn't be found"},
		{"de", "Der Vorgang konnte nicht"},
	} {
		t.Run(c.language, func(t *testing.T) {
			organization := newOrganization(t, "plain", exchangesim.Options{})
			server := serve(t, organization, exchangesim.SessionOptions{Language: c.language})
			r := run(t, server, `Get-User -Identity nobody; 'after'`)
			if len(r.Errors) != 1 || !slices.Equal(texts(r), []string{"after"}) {
				t.Fatalf("%+v\n%s", r.Errors, r.Console)
			}
			e := r.Errors[0]
			if !strings.Contains(e.FullyQualifiedErrorID, "[FailureCategory=Cmdlet-ManagementObjectNotFoundException]") ||
				!strings.HasSuffix(e.FullyQualifiedErrorID, ",Microsoft.Exchange.Management.RecipientTasks.GetUser") {
				t.Errorf("FullyQualifiedErrorId %q", e.FullyQualifiedErrorID)
			}
			if e.Reason != "ManagementObjectNotFoundException" || e.Activity != "Get-User" {
				t.Errorf("%+v", e)
			}
			if !strings.Contains(e.Message, c.message) {
				t.Errorf("message %q lacks %q", e.Message, c.message)
			}
		})
	}
}

// Two shells work on one organization at once; each has its own view of it.
func TestParallelSessions(t *testing.T) {
	peers.Pwsh(t)
	organization := newOrganization(t, "plain", exchangesim.Options{})
	const each = 5
	t.Run("shells", func(t *testing.T) {
		for shell := range 2 {
			t.Run(fmt.Sprint(shell), func(t *testing.T) {
				t.Parallel()
				server := serve(t, organization, exchangesim.SessionOptions{})
				r := peers.StartEngine(t).Run(t, peers.Job{Modules: []string{server.Manifest}, Command: fmt.Sprintf(`
foreach ($i in 1..%d) {
    $null = New-ManagementScope -Name "Shell %d Scope $i" -RecipientRestrictionFilter "Name -eq 'x$i'" -Confirm:$false
}`, each, shell)})
				if len(r.Errors) > 0 {
					t.Error(r.Console)
				}
			})
		}
	})
	if n := len(organization.Snapshot().Scopes); n != 2*each {
		t.Errorf("%d scopes, want %d", n, 2*each)
	}
}

// The scripts' waits are the model's: an organization that is not ready yet becomes
// ready while a script sleeps, at once.
func TestSleepingMovesTheModel(t *testing.T) {
	organization := newOrganization(t, "plain", exchangesim.Options{})
	server := serve(t, organization, exchangesim.SessionOptions{})
	began := organization.Clock().Now()
	r := run(t, server, `
$deadline = (Get-Date).AddMinutes(60)
$rounds = 0
while ((Get-Date) -lt $deadline) { Start-Sleep -Seconds 300; $rounds++ }
$rounds`)
	if r.Console != "12\n" || organization.Clock().Now().Sub(began) != time.Hour {
		t.Errorf("console %q, %v slept", r.Console, organization.Clock().Now().Sub(began))
	}
}

// A person's biggest organization is a matter of seconds.
func TestLargeOrganization(t *testing.T) {
	organization := newOrganization(t, "recipients-50000", exchangesim.Options{})
	server := serve(t, organization, exchangesim.SessionOptions{})
	r := run(t, server, `@(Get-Recipient -Filter "Department -eq 'population'" -ResultSize Unlimited).Count; @(Get-Recipient).Count`)
	if want := "50000\n"; !strings.HasPrefix(r.Console, want) {
		t.Errorf("console %q, want it to begin with %q", r.Console, want)
	}
	if len(r.Warnings) != 1 || !strings.HasSuffix(r.Console, "1000\n") {
		t.Errorf("without -ResultSize: console %q, warnings %q; want 1000 and a warning", r.Console, r.Warnings)
	}
	t.Logf("50,000 recipients in %v", r.Duration)
}

func TestOnlineShellOfTheModel(t *testing.T) {
	server := serve(t, newOrganization(t, "exchange-online", exchangesim.Options{}), exchangesim.SessionOptions{})
	r := run(t, server, `
(Get-Command -Name New-ManagementRoleAssignment).ModuleName -like 'tmpEXO_*'
@(Get-ConnectionInformation).Count
[bool](Get-Command -Name Get-ExchangeServer -ErrorAction SilentlyContinue)`)
	if want := "True\n1\nFalse\n"; r.Console != want {
		t.Errorf("console %q, want %q", r.Console, want)
	}
}

// RBAC hides cmdlets and parameters: PowerShell itself refuses them.
func TestHiddenByRBAC(t *testing.T) {
	server := serve(t, newOrganization(t, "cmdlet-missing", exchangesim.Options{}), exchangesim.SessionOptions{})
	r := run(t, server, `New-ManagementRoleAssignment -Name x`)
	if len(r.Errors) != 1 || r.Errors[0].FullyQualifiedErrorID != "CommandNotFoundException" ||
		r.Errors[0].TargetName != "New-ManagementRoleAssignment" {
		t.Errorf("%+v", r.Errors)
	}
	session := newOrganization(t, "parameter-missing", exchangesim.Options{}).Session(exchangesim.SessionOptions{})
	i := slices.IndexFunc(session.Commands(), func(c exchangesim.CommandInfo) bool { return c.Name == "New-ManagementRoleAssignment" })
	if i < 0 {
		t.Fatal("the scenario parameter-missing has no New-ManagementRoleAssignment")
	}
	server = start(t, session, newClock())
	r = run(t, server, `New-ManagementRoleAssignment -Name x -User y -Role ApplicationImpersonation -CustomRecipientWriteScope z`)
	if len(r.Errors) != 1 || r.Errors[0].FullyQualifiedErrorID != "NamedParameterNotFound,New-ManagementRoleAssignment" {
		t.Errorf("%+v", r.Errors)
	}
}

// In a Management Shell an identity is an object whose text is the value and which is
// equal to no text; without Exchange's own types it is what PowerShell makes of an
// object that it does not know. A script that compares text is right in both.
func TestIdentities(t *testing.T) {
	for _, c := range []struct {
		deserialized bool
		kind         string
	}{{false, "Microsoft.Exchange.Data.Directory.ADObjectId"}, {true, "Deserialized.Microsoft.Exchange.Data.Directory.ADObjectId"}} {
		organization := newOrganization(t, "role-group-other-roles", exchangesim.Options{})
		server := serve(t, organization, exchangesim.SessionOptions{Deserialized: c.deserialized})
		r := run(t, server, `
$a = Get-ManagementRoleAssignment -Identity 'ApplicationImpersonation-Reschedule Impersonation'
foreach ($name in 'CustomRecipientWriteScope', 'RoleAssignee', 'Role', 'Identity') { "$($a.$name)" }
$a.CustomRecipientWriteScope.PSObject.TypeNames[0]
$a.CustomRecipientWriteScope -eq 'Reschedule Impersonation'
"$($a.CustomRecipientWriteScope)" -eq 'Reschedule Impersonation'
$null -eq $a.CustomConfigWriteScope
$a.Guid.GetType().Name
$g = Get-RoleGroup -Identity 'Reschedule Impersonation'
$g.Members[0].PSObject.TypeNames[0]
@($g.Roles | ForEach-Object -Process { "$_" }) -join ', '
$g.Roles -contains 'Mail Recipients'
(Get-ManagementScope -Identity $a.CustomRecipientWriteScope).RecipientFilter
@(Get-Recipient -ResultSize Unlimited | ForEach-Object -Process { $_.Identity.PSObject.TypeNames[0] } | Select-Object -Unique) -join ' '
`)
		want := []string{"Reschedule Impersonation", "contoso.test/Microsoft Exchange Security Groups/Reschedule Impersonation",
			"ApplicationImpersonation", "ApplicationImpersonation-Reschedule Impersonation", c.kind, "False", "True", "True", "Guid", c.kind,
			"ApplicationImpersonation, Mail Recipients", "False", "MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'", c.kind}
		if diff := cmp.Diff(want, texts(r)); diff != "" || len(r.Errors) > 0 {
			t.Errorf("deserialized %v:\n%s\n%s", c.deserialized, diff, r.Console)
		}
	}
}

// A constrained shell restricts its scripts, not the cmdlets.
func TestConstrainedLanguage(t *testing.T) {
	server := serve(t, newOrganization(t, "constrained-language", exchangesim.Options{}), exchangesim.SessionOptions{})
	script := filepath.Join(t.TempDir(), "script.ps1")
	if err := os.WriteFile(script, []byte(`
"$($ExecutionContext.SessionState.LanguageMode)"
(Get-User -Identity svc-reschedule).Name
try { [Activator]::CreateInstance([guid]) } catch { 'refused' }
"$(Get-Date)" -like '*2026*'`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := engine.Run(t, peers.Job{Constrained: true, Modules: []string{server.Manifest}, Script: script})
	if diff := cmp.Diff([]string{"ConstrainedLanguage", "svc-reschedule", "refused", "True"}, texts(r)); diff != "" {
		t.Errorf("%s\n%s", diff, r.Console)
	}
}
