package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
)

// localShell makes the PowerShell of this computer one that has the commands of a
// simulated organization, as a management shell has.
func localShell(t *testing.T, scenario string) (*exchangesim.Organization, Runner) {
	t.Helper()
	pwsh := peers.Pwsh(t)
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	org := exchangesim.New(s, exchangesim.Options{})
	dir := t.TempDir()
	server, err := scriptproxy.Start(org.Session(exchangesim.SessionOptions{}), org.Clock(), "127.0.0.1:0", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	t.Setenv("PSModulePath", dir)
	r, err := NewLocal(Target{}, ScriptOptions{Pwsh: pwsh})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return org, r
}

func scriptText(t *testing.T, print func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := print(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func plainGrant(t *testing.T) exchange.Grant {
	t.Helper()
	s, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	return s.Grant()
}

func grantScript(t *testing.T, parameters ...exchange.Param) Script {
	t.Helper()
	g := plainGrant(t)
	return Script{Text: scriptText(t, func(w io.Writer) error { return psgen.Grant(w, g, psgen.Full) }), Parameters: parameters}
}

var unattended = exchange.Param{Name: "Confirm", Value: exchange.Bool(false)}

func TestLocalGrant(t *testing.T) {
	t.Setenv("EXGRANT_PASSWORD", "not-for-powershell")
	_, r := localShell(t, "plain")
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var steps []string
	s := grantScript(t, exchange.Param{Name: "WhatIf", Value: exchange.Switch(true)})
	s.ReadsOnly = true
	s.Progress = func(s exchange.Step) { steps = append(steps, s.ID+" "+s.Status) }
	result, err := r.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if result.Report.Outcome != exchange.Planned || result.ExitCode != 0 || !result.ExitKnown {
		t.Errorf("%+v", result)
	}
	var told []string
	for _, step := range result.Report.Steps {
		told = append(told, step.ID+" "+step.Status)
	}
	if strings.Join(steps, ", ") != strings.Join(told, ", ") || len(steps) < 4 {
		t.Errorf("progress %q, report %q", steps, told)
	}
	for _, want := range []exchange.Outcome{exchange.Granted, exchange.AlreadyGranted} {
		result, err := r.Run(t.Context(), grantScript(t, unattended))
		if err != nil || result.Report.Outcome != want {
			t.Fatalf("%v: %+v", err, result)
		}
	}
}

// raw is a script of ours in shape alone, for what PowerShell does to a transport.
func raw(body string) Script {
	return Script{Text: []byte("[CmdletBinding(SupportsShouldProcess)]\r\nparam([string]$RecordMarker, [string]$A, [string[]]$B)\r\n" + body + "\r\n")}
}

const rawRecord = `
$json = '{"schema":"exgrant.report/v1","operation":"audit","outcome":"audited","operator":"' + ($A + '|' + ($B -join ',')) + '"}'
$text = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json))
"-----BEGIN EXGRANT RECORD $RecordMarker-----"
for ($i = 0; $i -lt $text.Length; $i += 76) { $text.Substring($i, [Math]::Min(76, $text.Length - $i)) }
"-----END EXGRANT RECORD $RecordMarker-----"
exit 3`

// Why go-powershell's own protocol is not relied on: each of these makes it hang, or
// take an error for what it is not.
func TestLocalOutput(t *testing.T) {
	pwsh := peers.Pwsh(t)
	t.Setenv("EXGRANT_PASSWORD", "not-for-powershell")
	for _, test := range []struct {
		name, body string
		operator   string // of the record
		want       string // of the error
	}{
		{"values", rawRecord, "O'Brien ‘x’ $(1) \u6f22|a,b c", ""},
		{"noise", "Write-Warning 'w'; Write-Error 'e'; [Console]::Error.WriteLine('plain'); [Console]::Out.Write('no line end')\r\n" + rawRecord, "|", ""},
		{"exit", "exit 7", "", "exit code 7 and gave no record"},
		{"throws", "throw 'O''Brien'", "", "an error of its own: O'Brien"},
		{"braces", "}", "", "an error of its own"},
		{"dies", "[Environment]::Exit(9)", "", "ended before the script did"},
		{"is killed", "Stop-Process -Id $PID", "", "ended before the script did"},
		{"two records", rawRecord[:strings.LastIndex(rawRecord, "\n")] + rawRecord, "", "2 records"},
		{"cut record", rawRecord[:strings.Index(rawRecord, "for (")] + "'QUJD'; exit 0", "", "did not arrive"},
		{"no secrets", "if ($env:EXGRANT_PASSWORD) { throw $env:EXGRANT_PASSWORD }" + rawRecord, "|", ""},
		{"child", "Start-Process -FilePath sleep -ArgumentList 600" + rawRecord, "|", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			r, err := NewLocal(Target{}, ScriptOptions{Pwsh: pwsh})
			if err != nil {
				t.Fatal(err)
			}
			s := raw(test.body)
			if test.name == "values" {
				s.Parameters = []exchange.Param{{Name: "A", Value: exchange.String("O'Brien ‘x’ $(1) \u6f22")}, {Name: "B", Value: exchange.Strings{"a", "b c"}}}
			}
			result, err := r.Run(t.Context(), s)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "FromBase64String(") {
					t.Fatalf("%v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if result.Report.Operator != test.operator || result.ExitCode != 3 {
				t.Errorf("%+v", result)
			}
			if test.name == "noise" && len(result.Errors) == 0 {
				t.Error("what was written to standard error is lost")
			}
			for _, e := range result.Errors {
				if strings.Contains(e.Message, "gorilla") {
					t.Errorf("a boundary is shown as an error: %q", e.Message)
				}
			}
		})
	}
}

// A cancel ends the PowerShell with everything that it started, and leaves no file.
func TestLocalCancel(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	pwsh := peers.Pwsh(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	started := filepath.Join(t.TempDir(), "started")
	r, err := NewLocal(Target{}, ScriptOptions{Pwsh: pwsh})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				cancel()
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	s := raw("Start-Process -FilePath sleep -ArgumentList 6543\r\n[IO.File]::WriteAllText($A, 'x')\r\nStart-Sleep -Seconds 600")
	s.Parameters = []exchange.Param{{Name: "A", Value: exchange.String(started)}}
	begun := time.Now()
	_, err = r.Run(ctx, s)
	var lost *exchange.LostReplyError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &lost) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("a cancel took %v", took)
	}
	if out, _ := exec.Command("pgrep", "-f", "^sleep 6543$").Output(); len(out) > 0 {
		t.Errorf("processes left: %s", out)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
}

func TestLocalLargeOutput(t *testing.T) {
	pwsh := peers.Pwsh(t)
	r, err := NewLocal(Target{}, ScriptOptions{Pwsh: pwsh})
	if err != nil {
		t.Fatal(err)
	}
	noise := "$line = 'x' * 1023 + \"`n\"\r\nfor ($n = 0; $n -lt 30720; $n++) { [Console]::Out.Write($line) }\r\n"
	s := raw(noise + "# " + strings.Repeat("long ", 40<<10) + "\r\n" + rawRecord)
	if len(s.Text) < 200<<10 {
		t.Fatal(len(s.Text))
	}
	result, err := r.Run(t.Context(), s)
	if err != nil || result.Report.Outcome != exchange.Audited {
		t.Fatalf("%v %+v", err, result)
	}
}

func TestLocalRefuses(t *testing.T) {
	if _, err := NewLocal(Target{}, ScriptOptions{Pwsh: "/no/such/pwsh"}); err == nil || !strings.Contains(err.Error(), "/no/such/pwsh") {
		t.Errorf("%v", err)
	}
	if _, err := NewLocal(Target{Server: "ex01.contoso.test"}, ScriptOptions{RemoteExchange: true}); err == nil || !strings.Contains(err.Error(), "only one can open") {
		t.Errorf("%v", err)
	}
}
