package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/report"
)

func printed(t *testing.T, print func(io.Writer) error) []byte {
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
	return Script{Text: printed(t, func(w io.Writer) error { return psgen.Grant(w, g) }), Parameters: parameters}
}

var unattended = exchange.Param{Name: "Confirm", Value: exchange.Bool(false)}

// raw is a script of ours in shape alone, for what PowerShell does to a transport.
func raw(body string) Script {
	return Script{Text: []byte("[CmdletBinding(SupportsShouldProcess)]\r\nparam([string]$ReportPath, [string]$A, [string[]]$B)\r\n" + body + "\r\n")}
}

const rawReport = `
$json = '{"schema":"exgrant.report/v1","operation":"audit","outcome":"audited","operator":"' + ($A + '|' + ($B -join ',')) + '"}'
[System.IO.File]::WriteAllText($ReportPath, $json)
exit 3`

// A generated script runs from its preview to the second run, which changes nothing.
func TestScript(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		preview := grantScript(t, exchange.Param{Name: "WhatIf", Value: exchange.Switch(true)})
		preview.ReadsOnly = true
		for _, run := range []struct {
			script Script
			want   report.Outcome
		}{{preview, report.Planned}, {grantScript(t, unattended), report.Granted}, {grantScript(t, unattended), report.AlreadyGranted}} {
			result, err := s.Run(t.Context(), run.script)
			if err != nil || result.Report.Outcome != run.want || result.ExitCode != 0 {
				t.Fatalf("%v: %+v", err, result)
			}
		}
	})
}

// What a script gives beside its report, and what it does instead of giving one.
func TestScriptOutput(t *testing.T) {
	t.Setenv("EXGRANT_PASSWORD", "not-for-powershell")
	s := localShell(t)
	for _, test := range []struct {
		name, body string
		operator   string // of the report
		want       string // of the error
	}{
		{"values", rawReport, "O'Brien ‘x’ $(1) 漢|a,b c", ""},
		{"noise", "Write-Warning 'w'; Write-Error 'e'; 'an object'; [Console]::Error.WriteLine('plain'); [Console]::Out.Write('no line end')\r\n" + rawReport, "|", ""},
		{"throws behind its report", strings.Replace(rawReport, "exit 3", "throw 'late'", 1), "|", ""},
		{"exit", "exit 7", "", "exit code 7 and gave no report"},
		{"throws", "throw 'O''Brien'", "", "an error of its own: O'Brien"},
		{"braces", "}", "", "an error of its own"},
		{"dies", "[Environment]::Exit(9)", "", "ended before it was done"},
		{"is killed", "Stop-Process -Id $PID", "", "ended before it was done"},
		{"another report", "[System.IO.File]::WriteAllText($ReportPath, '{\"schema\":\"x\"}')", "", `says schema "x"`},
		{"half a report", "[System.IO.File]::WriteAllText($ReportPath, '{')", "", "cannot be read"},
		{"no secrets", "if ($env:EXGRANT_PASSWORD) { throw $env:EXGRANT_PASSWORD }" + rawReport, "|", ""},
		{"child", "Start-Process -FilePath sleep -ArgumentList 600" + rawReport, "|", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := raw(test.body)
			if test.name == "values" {
				script.Parameters = []exchange.Param{{Name: "A", Value: exchange.String("O'Brien ‘x’ $(1) 漢")}, {Name: "B", Value: exchange.Strings{"a", "b c"}}}
			}
			var warnings []string
			script.Warning = func(text string) { warnings = append(warnings, text) }
			result, err := s.Run(t.Context(), script)
			if test.want != "" {
				var lost *exchange.LostReplyError
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "FromBase64String") || !errors.As(err, &lost) {
					t.Fatalf("%v, want %q", err, test.want)
				}
				return
			}
			if err != nil || result.Report.Operator != test.operator || result.ExitCode != 3 && !strings.HasPrefix(test.name, "throws") {
				t.Fatalf("%v %+v", err, result)
			}
			if test.name == "noise" && (!slices.Equal(warnings, []string{"w"}) || len(result.Errors) != 1) {
				t.Errorf("%q %+v", warnings, result.Errors)
			}
		})
	}
}

// A script of 200 KB goes in and 30 MB of output come back, in bounded memory.
func TestScriptLarge(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		noise := "$line = 'x' * 1023 + \"`n\"\r\nfor ($n = 0; $n -lt 30720; $n++) { [Console]::Out.Write($line) }\r\n"
		result, err := s.Run(t.Context(), raw(noise+"# "+strings.Repeat("long ", 40<<10)+"\r\n"+rawReport))
		if err != nil || result.Report.Outcome != report.Audited || result.ExitCode != 3 {
			t.Fatalf("%v %+v", err, result)
		}
	})
}

// A script that is cancelled may still say what it did; its file is gone.
func TestScriptCancel(t *testing.T) {
	eachShell(t, func(t *testing.T, s *Shell) {
		for _, body := range []string{"Microsoft.PowerShell.Utility\\Start-Sleep -Seconds 600",
			"try { Microsoft.PowerShell.Utility\\Start-Sleep -Seconds 600 } finally {" + strings.Replace(rawReport, "exit 3", "", 1) + "}"} {
			path := filepath.Join(t.TempDir(), "begun")
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for ctx.Err() == nil {
					if text, _ := os.ReadFile(path); len(text) > 0 {
						cancel()
					}
					time.Sleep(10 * time.Millisecond)
				}
			}()
			script := raw("[System.IO.File]::WriteAllText($A, $PSCommandPath)\r\n" + body)
			script.Parameters = []exchange.Param{{Name: "A", Value: exchange.String(path)}}
			result, err := s.Run(ctx, script)
			var lost *exchange.LostReplyError
			switch reports := strings.Contains(body, "finally"); {
			case reports && (err != nil || result.Report.Outcome != report.Audited):
				t.Errorf("%v %+v", err, result)
			case !reports && (!errors.Is(err, context.Canceled) || !errors.As(err, &lost)):
				t.Errorf("%v", err)
			}
			file, _ := os.ReadFile(path)
			if _, err := os.Stat(string(file)); len(file) == 0 || err == nil {
				t.Errorf("%s is left", file)
			}
			cancel()
		}
	})
}

// What cannot be undone is refused to a script until somebody agreed.
func TestScriptAsk(t *testing.T) {
	s := localShellOf(t, "dehydrated")
	body := "try { $null = Enable-OrganizationCustomization -Confirm:$false -ErrorAction Stop; $A = 'ran' } catch { $A = $_.Exception.GetType().Name }\r\n" + rawReport
	for ask, want := range map[bool]string{true: "UnauthorizedAccessException|", false: "ran|"} {
		script := raw(body)
		script.Ask = ask
		result, err := s.Run(t.Context(), script)
		if err != nil || result.Asked != ask || ask && result.Report.Operator != want {
			t.Errorf("%v: %v %+v", ask, err, result)
		}
	}
}

// What the server's policy, signatures and log-ons refuse is said before the script
// begins, with what works.
func TestScriptRefusedThere(t *testing.T) {
	signed := grantScript(t, unattended)
	signed.Text = append(signed.Text, "# SIG # Begin signature block\r\n# MII\r\n# SIG # End signature block\r\n"...)
	for _, test := range []struct {
		name   string
		config winrsd.Config
		o      ShellOptions
		script Script
		fault  string
		want   []string
	}{
		{"not signed", winrsd.Config{}, ShellOptions{RequireSigned: true}, grantScript(t), fault.Other, []string{"signature is not accepted", "NotSigned"}},
		{"broken signature", winrsd.Config{Signature: "HashMismatch"}, ShellOptions{}, signed, fault.Other, []string{"HashMismatch"}},
		{"all signed", winrsd.Config{ExecutionPolicy: "AllSigned"}, ShellOptions{}, signed, fault.Other, []string{"AllSigned", "Import-PSSession"}},
		{"restricted", winrsd.Config{ExecutionPolicy: "Restricted"}, ShellOptions{RemoteExchange: true}, signed, fault.Other, []string{"Restricted", "no script may run"}},
		{"other password", winrsd.Config{ExchangePassword: "another"}, ShellOptions{}, grantScript(t), fault.ConnectAuth, []string{"session of Exchange", "password is incorrect"}},
		{"no management shell", winrsd.Config{}, ShellOptions{RemoteExchange: true}, grantScript(t), fault.Other, []string{"management shell", "64-bit Windows PowerShell"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := startWinRS(t, test.config)
			s := w.shell(t, test.o)
			_, err := s.Run(t.Context(), test.script)
			var lost *exchange.LostReplyError
			if err == nil || fault.Of(err).ID != test.fault || errors.As(err, &lost) {
				t.Fatalf("%v: %+v", err, fault.Of(err))
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "O'Brien-") {
				t.Errorf("the password is told: %v", err)
			}
			_ = s.Close(t.Context())
			if n := w.SessionsLeft(); n > 0 {
				t.Errorf("%d sessions of Exchange were not removed", n)
			}
		})
	}
	w := startWinRS(t, winrsd.Config{})
	result, err := w.shell(t, ShellOptions{RequireSigned: true}).Run(t.Context(), signed)
	if err != nil || result.Report.Outcome == "" {
		t.Errorf("a signed script: %v", err)
	}
}

// What runs there runs on Windows PowerShell 3.0, and is of the scripts' style.
func TestPowerShellIsChecked(t *testing.T) {
	for name, text := range map[string]string{"loop.ps1": loopText, "commands.ps1": commandsText, "open.ps1": openText, "script.ps1": scriptText} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, append([]byte("\ufeff"), strings.ReplaceAll(text, "\n", "\r\n")...), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, f := range peers.Check(t, []string{"undefinedvar", "automatic"}, path) { // $Exg is of commands.ps1, $LASTEXITCODE the script's
			t.Error(f)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r > '~' }); i >= 0 {
			t.Errorf("%s: a letter that is not ASCII at byte %d", name, i)
		}
	}
	if n := strings.Count(loopText+commandsText, "\n"); n > 115 {
		t.Errorf("loop.ps1 and commands.ps1 have %d lines", n)
	}
}

// The session of Exchange brings every command that a script calls.
func TestImportedCommands(t *testing.T) {
	g := plainGrant(t)
	group := g
	group.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "G", Members: []string{"a"}, ViewOnlyConfiguration: true}
	var used []string
	for i, script := range [][]byte{
		printed(t, func(w io.Writer) error { return psgen.Grant(w, g) }), printed(t, func(w io.Writer) error { return psgen.Grant(w, group) }),
		printed(t, func(w io.Writer) error { return psgen.Revoke(w, g) }), printed(t, func(w io.Writer) error { return psgen.Revoke(w, group) }),
		printed(t, func(w io.Writer) error { return psgen.Status(w, group) }), printed(t, psgen.Audit),
	} {
		path := filepath.Join(t.TempDir(), "script.ps1")
		if err := os.WriteFile(path, script, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range peers.AST(t, path)[0].Commands {
			if _, noun, ok := strings.Cut(c.Name, "-"); ok && isExchange(noun) && c.Name != "Connect-ExchangeServer" && !slices.Contains(used, c.Name) {
				used = append(used, c.Name)
			}
		}
		if i == 0 && len(used) == 0 {
			t.Fatal("no command was found")
		}
	}
	for _, name := range used {
		if !slices.Contains(importedCommands, name) {
			t.Errorf("a script calls %s, which is not imported", name)
		}
	}
	if !slices.IsSorted(importedCommands) {
		t.Error("the list is not sorted")
	}
}

// isExchange knows the nouns of Exchange's commands.
func isExchange(noun string) bool {
	for _, n := range []string{"Management", "RoleGroup", "ADServer", "Exchange", "Group", "Mailbox", "Recipient", "User", "Organization"} {
		if strings.HasPrefix(noun, n) {
			return true
		}
	}
	return false
}
