package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func writeScript(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.ps1")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEngine(t *testing.T) {
	engine := StartEngine(t)

	t.Run("everything a script can say", func(t *testing.T) {
		r := engine.Run(t, Job{
			Script: writeScript(t, `
param([string] $Text, [switch] $On, [int] $Count, [string[]] $Names, $Nothing)
Write-Warning -Message 'careful'
Write-Verbose -Message 'detail' -Verbose
Write-Error -Message 'not so good' -ErrorId Soft
[pscustomobject]@{ Text = $Text; On = [bool]$On; Count = $Count; Names = $Names; Nothing = $Nothing }
"$($Text.GetType().Name)"
exit 7
`),
			Parameters: map[string]any{"Text": "2026-01-02T03:04:05Z", "On": true, "Count": 3, "Names": []string{"ä", "b\nc"}, "Nothing": nil},
		})
		if r.ExitCode != 7 || r.Terminated {
			t.Errorf("exit code %d, terminated %v; want 7, false: %+v", r.ExitCode, r.Terminated, r.Errors)
		}
		if diff := cmp.Diff([]string{"careful"}, r.Warnings); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"detail"}, r.Verbose); diff != "" {
			t.Error(diff)
		}
		if len(r.Errors) != 1 || r.Errors[0].FullyQualifiedErrorID != "Soft,script.ps1" || r.Errors[0].Message != "not so good" {
			t.Errorf("errors %+v", r.Errors)
		}
		if len(r.Output) != 2 {
			t.Fatalf("output %+v", r.Output)
		}
		o := r.Output[0]
		if o.Property("text") != "2026-01-02T03:04:05Z" || o.Property("On") != true || o.Property("Count") != 3.0 || o.Property("Nothing") != nil {
			t.Errorf("object %s", o.Value)
		}
		if diff := cmp.Diff([]any{"ä", "b\nc"}, o.Property("Names")); diff != "" {
			t.Error(diff)
		}
		if !slices.Contains(o.TypeNames, "System.Management.Automation.PSCustomObject") {
			t.Errorf("type names %v", o.TypeNames)
		}
		if r.Output[1].Text != "String" {
			t.Errorf("second output %q, want String", r.Output[1].Text)
		}
		for _, want := range []string{"WARNING: careful\n", "VERBOSE: detail\n", "not so good", "Count   : 3\n"} {
			if !strings.Contains(r.Console, want) {
				t.Errorf("console lacks %q:\n%s", want, r.Console)
			}
		}
	})

	t.Run("constrained language and strict mode", func(t *testing.T) {
		script := writeScript(t, `
"$($ExecutionContext.SessionState.LanguageMode)"
try { [System.Text.StringBuilder]::new().Append('x').ToString() } catch { 'refused' }
try { "$($missing.Property)-" } catch { 'strict' }
exit 3
`)
		for _, c := range []struct {
			constrained, strict bool
			want                []string
		}{{false, false, []string{"FullLanguage", "x", "-"}}, {true, false, []string{"ConstrainedLanguage", "refused", "-"}},
			{false, true, []string{"FullLanguage", "x", "strict"}}} {
			r := engine.Run(t, Job{Script: script, Constrained: c.constrained, Strict: c.strict})
			var got []string
			for _, o := range r.Output {
				got = append(got, o.Text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || r.ExitCode != 3 {
				t.Errorf("constrained %v, strict %v, exit code %d:\n%s", c.constrained, c.strict, r.ExitCode, diff)
			}
		}
	})

	t.Run("uncaught error", func(t *testing.T) {
		r := engine.Run(t, Job{Command: `'before'; throw 'the end'; 'after'`})
		if !r.Terminated || r.ExitCode != 1 || len(r.Errors) != 1 || r.Errors[0].Message != "the end" {
			t.Errorf("%+v", r)
		}
		if !strings.HasPrefix(r.Console, "before\n") || !strings.Contains(r.Console, "the end") || strings.Contains(r.Console, "after") {
			t.Errorf("console:\n%s", r.Console)
		}
	})

	t.Run("a fresh runspace each time", func(t *testing.T) {
		engine.Run(t, Job{Command: `$global:left = 'over'; function global:left { }`})
		r := engine.Run(t, Job{Command: `"<$left>"; [bool](Get-Command -Name left -ErrorAction SilentlyContinue)`})
		if r.Console != "<>\nFalse\n" {
			t.Errorf("console %q", r.Console)
		}
	})

	t.Run("modules", func(t *testing.T) {
		module := filepath.Join(t.TempDir(), "Greeting.psm1")
		if err := os.WriteFile(module, []byte("function Get-Greeting { 'hello' }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := engine.Run(t, Job{Command: `Get-Greeting`, Modules: []string{module}}); r.Console != "hello\n" {
			t.Errorf("console %q", r.Console)
		}
		_, err := engine.run(t.Context(), Pwsh(t), Job{Command: `1`, Modules: []string{module + ".missing"}})
		if err == nil || !strings.Contains(err.Error(), "could not begin") {
			t.Errorf("error %v, want one that says the job could not begin", err)
		}
	})

	t.Run("dot-sourced", func(t *testing.T) {
		script := writeScript(t, `$MyInvocation.InvocationName; $script:here = 'kept'`)
		if r := engine.Run(t, Job{Script: script, DotSource: true}); r.Console != ".\n" {
			t.Errorf("console %q", r.Console)
		}
	})
}

// Jobs that overlap run at the same time, and a job finds the shell that it goes on in.
func TestEngineAtOnce(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor runs one job after the other")
	}
	engine, pwsh := StartEngine(t), Pwsh(t)
	dir := t.TempDir()
	said := make(chan string)
	for _, name := range []string{"one", "two"} {
		go func() {
			// Each waits for the other, and then asks what its shell knows.
			_, _ = engine.run(t.Context(), pwsh, Job{Shell: name, Limit: 30 * time.Second, Parameters: map[string]any{"Dir": dir, "Name": name}, Command: `param($Dir, $Name)
$global:name = $Name
[void](New-Item -Path (Join-Path $Dir $Name))
while (@(Get-ChildItem $Dir).Count -lt 2) { Start-Sleep -Milliseconds 20 }`})
			r, err := engine.run(t.Context(), pwsh, Job{Shell: name, Command: `$global:name`})
			if err != nil || len(r.Output) != 1 {
				said <- fmt.Sprintf("%v, %+v", err, r)
				return
			}
			said <- r.Output[0].Text
		}()
	}
	got := []string{<-said, <-said}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"one", "two"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEngineThatHangsOrDies(t *testing.T) {
	engine := StartEngine(t)
	pwsh := Pwsh(t)

	began := time.Now()
	_, err := engine.run(t.Context(), pwsh, Job{Command: `Start-Sleep -Seconds 600`, Limit: 3 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "limit of 3s") {
		t.Errorf("error %v, want one that names the limit", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v", took)
	}

	_, err = engine.run(t.Context(), pwsh, Job{Command: `'last words'; [Environment]::Exit(9)`})
	if err == nil || !strings.Contains(err.Error(), "last words") {
		t.Errorf("error %v, want one with the last words", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.run(ctx, pwsh, Job{Command: `Start-Sleep -Seconds 600`}); err == nil {
		t.Error("a cancelled job gave no error")
	}

	if r := engine.Run(t, Job{Command: `'well again'`}); r.Console != "well again\n" {
		t.Errorf("console %q", r.Console)
	}
}

// The engine's formatter makes a table of up to four columns wait for its widths, and
// an exit meanwhile loses it, and what waits behind it. How long it waits is a matter
// of time, so that only the code is certain; without an exit all must be there.
func TestRunProcessExits(t *testing.T) {
	script := writeScript(t, "[pscustomobject]@{ A = 1; B = 2 }\nWrite-Error -Message 'on stderr'\nexit 4\n")
	file := RunProcess(t, Process{Args: []string{"-File", script}})
	if file.Code != 4 {
		t.Errorf("-File: %+v; want exit 4", file)
	}
	call := RunProcess(t, Process{Args: []string{"-Command", "& '" + script + "'"}, OneConsole: true})
	if call.Code != 1 || !strings.Contains(call.Stdout, "A B") || !strings.Contains(call.Stdout, "on stderr") || call.Stderr != "" {
		t.Errorf("&: %+v; want exit 1, the table and the error on one console", call)
	}
}

func TestRunProcessLimit(t *testing.T) {
	p := Process{Limit: 2 * time.Second}
	_, err := p.run(t.Context(), Pwsh(t), []string{"-NoProfile", "-Command", "Start-Sleep -Seconds 600"})
	if err == nil || !strings.Contains(err.Error(), "within 2s") {
		t.Errorf("error %v, want one that names the limit", err)
	}
}

func TestCheck(t *testing.T) {
	good, bad := writeScript(t, "Get-Date\n"), writeScript(t, "Get-Date `\n  \nif (\n")
	findings := Check(t, nil, good, bad)
	if len(findings) == 0 || findings[0].File != bad || findings[0].Severity == "" || findings[0].Line == 0 {
		t.Errorf("findings %v", findings)
	}
	if findings := Check(t, []string{"alias"}, writeScript(t, "gci -Path .\n")); len(findings) != 0 {
		t.Errorf("findings of a skipped rule: %v", findings)
	}
}

func TestAST(t *testing.T) {
	s := AST(t, writeScript(t, "Get-User -Identity 'a''b' -Size 3\n"), writeScript(t, "if ("))
	want := []SyntaxArgument{
		{Parameter: "Identity", Kind: "SingleQuoted", Value: "a'b", Text: "'a''b'", Line: 1},
		{Parameter: "Size", Kind: "Constant", Value: 3.0, Text: "3", Line: 1},
	}
	if len(s[0].Commands) != 1 || len(s[1].Errors) == 0 {
		t.Fatalf("%+v", s)
	}
	if diff := cmp.Diff(want, s[0].Commands[0].Arguments); diff != "" {
		t.Error(diff)
	}
}

// The driver is PowerShell that we wrote: it is held to the rules of all of it.
func TestDriverPassesCheck(t *testing.T) {
	for _, finding := range Check(t, nil, filepath.Join(ModuleRoot(t), "internal", "testing", "peers", "engine.ps1")) {
		t.Error(finding)
	}
}
