package psgen

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// interrupter runs a script and stops it as Ctrl-C does, in the middle of a command:
// before that has done its work, or when the answer has not come yet.
const interrupter = `param($Manifest, $Script, $Report, $Asked, $Command, $After, $Switch)
$shell = [powershell]::Create()
$null = $shell.AddScript({
    param($Manifest, $Script, $Report, $Asked, $Command, $After, $Switch)
    Import-Module $Manifest
    $real = Get-Command $Command
    $binding = [System.Management.Automation.ProxyCommand]::GetCmdletBindingAttribute($real)
    $parameters = [System.Management.Automation.ProxyCommand]::GetParamBlock($real)
    $before, $afterwards = '', ''
    $call = '& ' + $real.ModuleName + '\' + $Command + ' @PSBoundParameters' # $real itself becomes the new function
    if ($After) { $before = $call } else { $afterwards = $call }
    . ([scriptblock]::Create("function global:$Command {
        $binding param($parameters)
        $before
        if (-not [System.IO.File]::Exists('$Asked')) {
            [System.IO.File]::WriteAllText('$Asked', '')
            while (` + "`$true) { [Threading.Thread]::Sleep(20) }" + `
        }
        $afterwards
    }"))
    & $Script @Switch -Confirm:$false -ReportPath $Report
}).AddParameters($PSBoundParameters)
$running = $shell.BeginInvoke()
$end = [DateTime]::UtcNow.AddSeconds(30)
while (-not [System.IO.File]::Exists($Asked) -and -not $running.IsCompleted -and [DateTime]::UtcNow -lt $end) { [Threading.Thread]::Sleep(20) }
$shell.Stop()
"$($shell.InvocationStateInfo.State)"
$shell.Streams.Warning | ForEach-Object { "$_" }
$shell.Runspace.Dispose()
`

// interrupt stops a script in a command, and returns its report and what it warned of.
func (s *stage) interrupt(t *testing.T, print func(io.Writer) error, command string, after bool, switches map[string]any) (report.Report, []string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	r := engine.Run(t, peers.Job{Command: interrupter, Parameters: map[string]any{
		"Manifest": s.Manifest, "Script": s.Write(t, print), "Report": path, "Asked": filepath.Join(dir, "asked"), "Command": command, "After": after, "Switch": switches}})
	if len(r.Output) == 0 || r.Output[0].Text != "Stopped" {
		t.Fatalf("the script was not stopped in %s:\n%s", command, r.Console)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var warnings []string
	for _, o := range r.Output[1:] {
		warnings = append(warnings, o.Text)
	}
	return scriptshell.ParseReport(t, strings.TrimSpace(string(text))), warnings
}

// TestInterrupt: Ctrl-C in the middle leaves nothing half made, the session as it was, a
// report that says so, and on the screen what takes back that which stands.
func TestInterrupt(t *testing.T) {
	user := func(g exchange.Grant) exchange.Grant { return g }
	roleGroup := func(g exchange.Grant) exchange.Grant {
		g.Assignee = roleGroupGrant().Assignee
		return g
	}
	grant, revoke := grantScript, revokeScript
	for _, c := range []struct {
		name, scenario string
		of             func(exchange.Grant) exchange.Grant
		script         func(exchange.Grant) func(io.Writer) error
		command        string
		after          bool
		stands         bool // something was changed
	}{
		{"before the assignment", "view-root", user, grant, "New-ManagementRoleAssignment", false, false},
		{"after the assignment", "view-root", user, grant, "New-ManagementRoleAssignment", true, true},
		{"after the scope", "plain", user, grant, "New-ManagementScope", true, false},
		{"in the first wait", "not-yet-in-effect", user, grant, "Start-Sleep", false, false},
		{"while a disabled grant is enabled", "disabled-grant", user, grant, "Set-ManagementRoleAssignment", true, true},
		{"before the role group", "plain", roleGroup, grant, "New-RoleGroup", false, false},
		{"after the role group", "plain", roleGroup, grant, "New-ManagementRoleAssignment", false, true},
		{"after a member", "role-group-incomplete", user, grant, "Add-RoleGroupMember", true, true},
		{"revoke, before the assignment is gone", "view-root", user, revoke, "Remove-ManagementRoleAssignment", false, false},
		{"revoke, after its first removal", "view-root", user, revoke, "Remove-ManagementScope", false, true},
		{"revoke of a role group, after its first removal", "plain", roleGroup, revoke, "Remove-ManagementScope", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, g := stageOf(t, c.scenario)
			g = c.of(g)
			if strings.HasPrefix(c.name, "revoke") {
				if r := st.Run(t, grantScript(g), "Confirm", false); r.ExitCode != 0 {
					t.Fatal(r.Console)
				}
			}
			start, calls := st.Snapshot(t), len(st.Org.Calls())
			view := st.view(t)
			switches := map[string]any{}
			if c.scenario == "not-yet-in-effect" {
				switches["EnableCustomization"] = true
			}
			r, warnings := st.interrupt(t, c.script(g), c.command, c.after, switches)
			customized := slices.ContainsFunc(r.Steps, func(s report.Step) bool { return s.Irreversible })
			if r.Outcome != report.Interrupted || r.Changed != (c.stands || customized) || (len(r.Inverse) > 0) != c.stands {
				t.Errorf("outcome %s, changed %v, %d inverses", r.Outcome, r.Changed, len(r.Inverse))
			}
			if got := st.view(t); got != view {
				t.Errorf("the view was %q and is %q", view, got)
			}
			st.putBackFirst(t, st.Org.Calls()[calls:])
			if got := st.Snapshot(t); (got != start) != c.stands {
				t.Errorf("changed, but it should be %v:\n%s", c.stands, scriptshell.Diff(start, got))
			}
			if len(warnings) == 0 || !strings.HasPrefix(warnings[len(warnings)-1], "Stopped.") {
				t.Fatalf("warnings %q", warnings)
			}
			_, undo, _ := strings.Cut(warnings[len(warnings)-1], "Undo: ")
			if (undo != "") != c.stands {
				t.Errorf("the undo is %q", undo)
			}
			if undo != "" {
				st.retype(t, undo)
			}
			st.Unchanged(t, "what was interrupted, and its undo", start)
		})
	}
}

// view is what the session sees of the forest.
func (s *stage) view(t *testing.T) string {
	t.Helper()
	return engine.Run(t, peers.Job{Modules: []string{s.Manifest}, Command: `$v = Get-ADServerSettings; "$($v.ViewEntireForest) $($v.RecipientViewRoot)"`}).Console
}

// putBackFirst holds that nothing comes between the interruption and the command that
// puts the session back but reads.
func (s *stage) putBackFirst(t *testing.T, calls []exchangesim.Call) {
	t.Helper()
	last := -1
	for i, c := range calls {
		if c.Command.Cmdlet == "Set-ADServerSettings" {
			last = i
		}
	}
	if last < 1 || slices.ContainsFunc(calls[:last], func(c exchangesim.Call) bool { return c.Writes && c.Command.Cmdlet == "Remove-ManagementScope" }) {
		t.Errorf("the view is put back by command %d of %d, after a scope was removed", last, len(calls))
	}
}
