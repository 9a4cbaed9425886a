package psgen

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// interrupter stops a script as Ctrl-C does, while the server takes its time with
// the role assignment and the new scope is there already.
const interrupter = `
$shell = [powershell]::Create()
$null = $shell.AddScript(@'
Import-Module MANIFEST
function global:New-ManagementRoleAssignment {
    param($Name, $User, $Role, $CustomRecipientWriteScope, $DomainController, $Confirm)
    [System.IO.File]::WriteAllText(ASKED, '')
    while ($true) { [Threading.Thread]::Sleep(20) }
}
& SCRIPT -Confirm:$false -ReportPath REPORT
'@)
$running = $shell.BeginInvoke()
$end = [DateTime]::UtcNow.AddSeconds(30)
while (-not [System.IO.File]::Exists(ASKED) -and [DateTime]::UtcNow -lt $end) { [Threading.Thread]::Sleep(50) }
$shell.Stop()
"$($shell.InvocationStateInfo.State)"
`

// TestInterrupt: Ctrl-C in the middle leaves nothing half made, the session as it
// was, and a report that says so.
func TestInterrupt(t *testing.T) {
	st, g := stageOf(t, "plain")
	start := st.Snapshot(t)
	report := filepath.Join(st.Dir, "report.json")
	quote := func(s string) string {
		q, err := Literal(s)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	command := strings.NewReplacer("MANIFEST", quote(st.Manifest), "SCRIPT", quote(st.Write(t, fullGrant(g))),
		"REPORT", quote(report), "ASKED", quote(filepath.Join(st.Dir, "asked"))).Replace(interrupter)
	r := engine.Run(t, peers.Job{Command: command})
	if len(r.Output) != 1 || r.Output[0].Text != "Stopped" {
		t.Fatalf("the script was not stopped:\n%s", r.Console)
	}
	st.Unchanged(t, "an interrupted grant", start)
	file, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	got := scriptshell.ParseReport(t, strings.TrimSpace(string(file)))
	if got.Outcome != exchange.Interrupted || got.Changed {
		t.Errorf("outcome %s, changed %v", got.Outcome, got.Changed)
	}
	calls := st.Org.Calls()
	made := slices.ContainsFunc(calls, func(c exchangesim.Call) bool { return c.Command.Cmdlet == "New-ManagementScope" && c.Writes })
	if !made {
		t.Error("the script was stopped before it made the scope: nothing is proved")
	}
	if last := calls[len(calls)-1].Command; last.Cmdlet != "Set-ADServerSettings" {
		t.Errorf("the last command is %s, not the one that puts the session back", last.Cmdlet)
	}
}
