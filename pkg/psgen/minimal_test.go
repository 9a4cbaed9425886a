package psgen

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// customizationStub is an organization that has to be customized, as far as the
// minimal script looks at it. $AnswerID and $AnswerMessage are the error that
// Enable-OrganizationCustomization ends with; the second attempt of the real command succeeds.
const customizationStub = `
function Get-ManagementRoleAssignment { [CmdletBinding()] param() }
function Start-Sleep { param($Seconds) }
function New-ManagementRoleAssignment {
    [CmdletBinding()] param($Name, $Role, $User, $Confirm)
    if (++$script:Attempts -lt 2) {
        throw 'The command you tried to run isn''t currently allowed in your organization. To run this command, you ' +
            'first need to run the command: Enable-OrganizationCustomization.'
    }
    New-Object -TypeName psobject -Property @{
        Name = $Name; Role = $Role; RoleAssignee = $User; RecipientWriteScope = 'Organization'; CustomRecipientWriteScope = ''
    }
}
function Enable-OrganizationCustomization {
    [CmdletBinding()] param([switch]$Confirm)
    $exception = New-Object -TypeName System.Exception -ArgumentList $AnswerMessage
    $record = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $AnswerID, 'NotSpecified', $null
    $PSCmdlet.ThrowTerminatingError($record)
}
`

// TestMinimalCustomizationAnswers shows which answers of the cmdlet count as
// done: all forms of "already enabled" and "not available", and no other failure.
func TestMinimalCustomizationAnswers(t *testing.T) {
	const task = ",Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask"
	g := exchange.Grant{Assignee: exchange.NewUser("svc"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}
	for _, c := range []struct {
		name, id, message string
		code              int
	}{
		{"today", "[Server=A] [FailureCategory=Cmdlet-InvalidOperationException] A3BD" + task, "Dieser Vorgang ist nicht erforderlich.", 0},
		{"2012", "26C9A4D2" + task, "This operation is not available in current Service Offer.", 0},
		{"REST", "[Server=A,RequestId=b,TimeStamp=c],Write-ErrorMessage", "|System.InvalidOperationException|Dieser Vorgang ist nicht erforderlich.", 0},
		{"REST with a number", "[Server=A],Write-ErrorMessage", "ExA3BDFF|System.InvalidOperationException|x", 0},
		{"text alone", "x", "This operation is not required. Organization is already enabled for customization.", 0},
		{"half-way", "[Server=A] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] A3" + task, "The object 'x' couldn't be found.", 1},
		{"a script in the message", "x" + task,
			`The following error was generated when "$error.Clear(); New-ManagementScope" was run: "|System.InvalidOperationException|x"`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := "$AnswerID = " + mustLiteral(t, c.id) + "\n$AnswerMessage = " + mustLiteral(t, c.message) + "\n"
			r := runMinimalWith(t, answer+customizationStub, g)
			if r.ExitCode != c.code {
				t.Errorf("exit code %d, want %d:\n%s", r.ExitCode, c.code, r.Console)
			}
		})
	}
}

// refusalStub fails to make the assignment with $AnswerMessage; the name is taken
// when $Taken says so.
const refusalStub = `
function Get-ManagementRoleAssignment {
    [CmdletBinding()] param()
    if ($Taken) {
        New-Object -TypeName psobject -Property @{
            Name = $Taken; Role = 'x'; RoleAssignee = 'contoso.test/svc-delegate'; RecipientWriteScope = 'Organization'
            CustomRecipientWriteScope = ''; Enabled = $true
        }
    }
}
function New-ManagementRoleAssignment {
    [CmdletBinding()] param($Name, $Role, $User, $Confirm)
    $exception = New-Object -TypeName System.Exception -ArgumentList $AnswerMessage
    $PSCmdlet.ThrowTerminatingError((New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, 'x', 'NotSpecified', $null))
}
`

// TestMinimalDenied shows that a refusal exits with 5, and that an account called
// after delegation is none.
func TestMinimalDenied(t *testing.T) {
	g := exchange.Grant{Name: "Delegates", Assignee: exchange.NewUser(`CONTOSO\svc-delegate`), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}
	for _, c := range []struct {
		name, taken, message string
		code                 int
	}{
		{"refused", "", `You must be assigned a delegating role assignment to the "x" management role or its parent.`, 5},
		{"refused in German", "", `Ihnen muss eine delegierende Rollenzuweisung für die Verwaltungsrolle zugewiesen sein.`, 5},
		{"refused in Japanese", "", `委任役割の割り当てが必要です。`, 5},
		{"by the directory", "", `problem 4003 (INSUFF_ACCESS_RIGHTS), data 0`, 5},
		{"a name", "", `The operation couldn't be performed because object 'CONTOSO\svc-delegate' couldn't be found on 'DC01'.`, 1},
		{"a name in double quotes", "", `"svc-delegate" isn't a user.`, 1},
		{"the name is taken", "Delegates", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			stub := "$Taken = " + mustLiteral(t, c.taken) + "\n$AnswerMessage = " + mustLiteral(t, c.message) + "\n" + refusalStub
			r := runMinimalWith(t, stub, g)
			if r.ExitCode != c.code {
				t.Errorf("exit code %d, want %d:\n%s", r.ExitCode, c.code, r.Console)
			}
		})
	}
}

// runMinimalWith runs the minimal script of a grant with the cmdlets of a module.
func runMinimalWith(t *testing.T, module string, g exchange.Grant) *peers.Result {
	t.Helper()
	var b bytes.Buffer
	if err := Grant(&b, g, Minimal); err != nil {
		t.Fatal(err)
	}
	stub, script := filepath.Join(t.TempDir(), "stub.psm1"), filepath.Join(t.TempDir(), "grant.ps1")
	for path, data := range map[string][]byte{stub: []byte("\ufeff" + module), script: b.Bytes()} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return engine.Run(t, peers.Job{Script: script, Parameters: map[string]any{"Confirm": false}, Modules: []string{stub}})
}

func mustLiteral(t *testing.T, s string) string {
	t.Helper()
	q, err := Literal(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
