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
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
)

// scriptPython is what pywinrm does.
//
//go:embed script.py
var scriptPython string

// scriptRows compares one script in a PowerShell that WinRM's remote shell starts:
// the shell is opened, the grant script goes there and runs with -WhatIf in a session
// of Exchange, its report is read, the shell is deleted. Nearly all of the time is the
// PowerShell's. Ours also looks at the execution policy, takes a private folder, and
// proves that the report came whole; what the script writes on its way comes as it is
// written, which takes a request more or two.
func (s *sessions) scriptRows() []row {
	const one = "one remote script over WinRS"
	text, err := planScript()
	own := side{"remote.NewWinRS", func(ctx context.Context) (func(context.Context) (float64, error), error) {
		if _, absent := pwsh(ctx); err != nil || absent != nil {
			return nil, errors.Join(err, absent)
		}
		return timed(func(ctx context.Context) error { return s.script(ctx, text) }), nil
	}}
	peer := side{"pywinrm", func(ctx context.Context) (func(context.Context) (float64, error), error) {
		if err != nil {
			return nil, err
		}
		return s.pywinrm(ctx, text)
	}}
	return []row{
		{what: one + ": HTTP requests", unit: count, ours: s.counted(own), peer: s.counted(peer), expected: 0.8, most: 3},
		{what: one + ": time", unit: milliseconds, ours: own, peer: peer, expected: 0.7, most: 5},
	}
}

func planScript() ([]byte, error) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = psgen.Grant(&text, scenario.Grant(), psgen.Full)
	return text.Bytes(), err
}

// script runs the script from opening the shell to deleting it.
func (s *sessions) script(ctx context.Context, text []byte) error {
	r, err := remote.NewWinRS(remote.Target{Server: s.server.url + "/wsman"},
		remote.Credential{Method: remote.Basic, Username: benchUser, Password: remote.NewSecret(benchPassword)}, remote.ScriptOptions{})
	if err != nil {
		return err
	}
	result, err := r.Run(ctx, remote.Script{Text: text, ReadsOnly: true, Parameters: []exchange.Param{{Name: "WhatIf", Value: exchange.Switch(true)}}})
	if err == nil && result.Report.Outcome != exchange.Planned {
		err = fmt.Errorf("the script's outcome is %s", result.Report.Outcome)
	}
	return errors.Join(err, r.Close(ctx))
}

// pywinrm is a worker that does the same with pywinrm.
func (s *sessions) pywinrm(ctx context.Context, text []byte) (func(context.Context) (float64, error), error) {
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
	w, err := startWorker(ctx, path, "-c", scriptPython, s.server.url+"/wsman", benchUser, benchPassword, file)
	if err != nil {
		return nil, err
	}
	return func(context.Context) (float64, error) { return w.work(0) }, nil
}
