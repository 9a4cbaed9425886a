package transcript

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// raise makes error records of the given fields in the real engine, and prints each as
// a program has it and as a console of 100 columns shows it, in both views.
const raise = `
param([string]$Path)
$cases = [System.IO.File]::ReadAllText($Path) | ConvertFrom-Json
ConvertTo-Json -Depth 3 -InputObject @(foreach ($case in $cases) {
    $exception = [System.Management.Automation.RemoteException]::new($case.message)
    $record = [System.Management.Automation.ErrorRecord]::new($exception, $case.fullyQualifiedErrorId, 'NotSpecified', $null)
    if ($case.activity) { $record.CategoryInfo.Activity = $case.activity }
    if ($case.reason) { $record.CategoryInfo.Reason = $case.reason }
    $shown = foreach ($view in 'NormalView', 'ConciseView') { $ErrorView = $view; $record | Out-String -Width 100 }
    @{
        id = "$($record.FullyQualifiedErrorId)"; activity = "$($record.CategoryInfo.Activity)"; reason = "$($record.CategoryInfo.Reason)"
        message = "$($record.Exception.Message)"; normal = $shown[0]; json = ($record | Select-Object -Property CategoryInfo, FullyQualifiedErrorId, @{ n = 'Exception'; e = { @{ Message = $_.Exception.Message } } } | ConvertTo-Json -Depth 3 -Compress)
    }
})
`

// TestLiveAndPasted: an error that a program meets, and the same one as a console
// shows it or as JSON, are of one class.
func TestLiveAndPasted(t *testing.T) {
	var cases []exchange.ErrorRecord
	for _, r := range readCorpus(t) {
		e := mustParse(t, r.pasted())
		if e.Record.FullyQualifiedErrorID == "" || e.Record.Message == "" {
			continue
		}
		cases = append(cases, e.Record)
	}
	if len(cases) < 40 {
		t.Fatalf("only %d records", len(cases))
	}
	dir := t.TempDir()
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	file, script := filepath.Join(dir, "cases.json"), filepath.Join(dir, "raise.ps1")
	for name, content := range map[string]string{file: string(data), script: strings.TrimLeft(raise, "\n")} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := peers.RunProcess(t, peers.Process{Args: []string{"-NoProfile", "-File", script, "-Path", file}})
	if out.Code != 0 {
		t.Fatalf("exit %d: %s\n%s", out.Code, out.Stdout, out.Stderr)
	}
	var raised []struct{ ID, Activity, Reason, Message, Normal, JSON string }
	if err := json.Unmarshal([]byte(out.Stdout), &raised); err != nil || len(raised) != len(cases) {
		t.Fatalf("%v: %d of %d raised: %s", err, len(raised), len(cases), shorter([]byte(out.Stdout)))
	}
	for _, r := range raised {
		live, _ := fault.Classify(fault.Evidence{Record: exchange.ErrorRecord{FullyQualifiedErrorID: r.ID, Activity: r.Activity, Reason: r.Reason, Message: r.Message}})
		for form, text := range map[string]string{"console": r.Normal, "JSON": r.JSON} {
			if pasted := mustExplain(t, text)[0].Fault; pasted.ID != live.ID {
				t.Errorf("live %s by %s, pasted from %s %s by %s\n%s", live.ID, live.Rule, form, pasted.ID, pasted.Rule, text)
			}
		}
	}
}
