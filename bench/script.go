package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

// scriptPython is what pywinrm does.
//
//go:embed script.py
var scriptPython string

// scriptRows compare a grant over WinRM's remote shell: its plan, and then its apply.
// We open one PowerShell and decide here; pywinrm runs the script with -WhatIf, and then
// without, each time in a PowerShell and a session of Exchange of its own. And they
// compare one run of that script. Nearly all of the time is the PowerShell's.
func (s *sessions) scriptRows() []row {
	text, err := planScript()
	ours := func(run func(context.Context) error) side {
		return side{"remote.NewWinRS", func(ctx context.Context) (func(context.Context) (float64, error), error) {
			if _, absent := pwsh(ctx); err != nil || absent != nil {
				return nil, errors.Join(err, absent)
			}
			return s.anew(timed(run)), nil
		}}
	}
	pywinrm := func(runs ...string) side {
		return side{"pywinrm", func(ctx context.Context) (func(context.Context) (float64, error), error) {
			if err != nil {
				return nil, err
			}
			run, err := s.pywinrm(ctx, text, runs)
			return s.anew(run), err
		}}
	}
	const both = "plan and apply over WinRS"
	grants, twice := ours(s.grant), pywinrm("-WhatIf", "-Confirm:$false")
	const one = "one remote script over WinRS"
	script, once := ours(func(ctx context.Context) error { return s.script(ctx, text) }), pywinrm("-WhatIf")
	return []row{
		{what: both + ": starts of PowerShell", unit: count, ours: s.told("/starts", grants), peer: s.told("/starts", twice), expected: 2, most: 1},
		{what: both + ": HTTP requests", unit: count, ours: s.counted(grants), peer: s.counted(twice), expected: 0.1, most: 1},
		{what: both + ": time", unit: milliseconds, ours: grants, peer: twice, expected: 2, most: 5},
		{what: one + ": HTTP requests", unit: count, ours: s.counted(script), peer: s.counted(once), expected: 0.6, most: 3},
		{what: one + ": time", unit: milliseconds, ours: script, peer: once, expected: 0.7, most: 5},
	}
}

// anew runs something in an organization in which nothing was done yet.
func (s *sessions) anew(run func(context.Context) (float64, error)) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		if _, err := s.server.ask(ctx, "/anew"); err != nil {
			return 0, err
		}
		return run(ctx)
	}
}

// grant plans a grant and makes it, from opening the shell to deleting it.
func (s *sessions) grant(ctx context.Context) error {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		return err
	}
	session, err := s.shell()
	if err != nil {
		return err
	}
	o := grant.Options{Tool: "bench"}
	plan, err := grant.NewPlan(ctx, session, scenario.Grant(), o)
	if err == nil {
		_, err = grant.Apply(ctx, session, plan, o)
	}
	return errors.Join(err, session.Close(ctx))
}

func (s *sessions) shell() (*remote.Shell, error) {
	return remote.NewWinRS(remote.Target{Server: s.server.url + "/wsman"},
		remote.Credential{Method: remote.Basic, Username: benchUser, Password: remote.NewSecret(benchPassword)}, remote.ShellOptions{})
}

func planScript() ([]byte, error) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = psgen.Grant(&text, scenario.Grant())
	return text.Bytes(), err
}

// script runs the script from opening the shell to deleting it.
func (s *sessions) script(ctx context.Context, text []byte) error {
	r, err := s.shell()
	if err != nil {
		return err
	}
	result, err := r.Run(ctx, remote.Script{Text: text, ReadsOnly: true, Parameters: []exchange.Param{{Name: "WhatIf", Value: exchange.Switch(true)}}})
	if err == nil && result.Report.Outcome != report.Planned {
		err = fmt.Errorf("the script's outcome is %s", result.Report.Outcome)
	}
	return errors.Join(err, r.Close(ctx))
}

// pywinrm is a worker that runs the script with pywinrm, once with each of these parameters.
func (s *sessions) pywinrm(ctx context.Context, text []byte, runs []string) (func(context.Context) (float64, error), error) {
	path, err := python(ctx)
	if err == nil {
		err = exec.CommandContext(ctx, path, "-c", "import winrm").Run()
	}
	if err != nil {
		return nil, fmt.Errorf("no Python with pywinrm: set EXGRANT_PYTHON: %w", err)
	}
	dir, err := os.MkdirTemp("", "exgrant-bench-script-")
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "grant.ps1")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	w, err := startWorker(ctx, path, append([]string{"-c", scriptPython, s.server.url + "/wsman", benchUser, benchPassword, file}, runs...)...)
	if err != nil {
		return nil, err
	}
	return func(context.Context) (float64, error) { return w.work(0) }, nil
}
