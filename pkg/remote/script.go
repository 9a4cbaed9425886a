package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// maxReport bounds a script's report, in bytes. That of an audit of 50,000 holders has
// 25 million.
const maxReport = 128 << 20

// A Script is one run of a script that was written before.
type Script struct {
	Text       []byte           // the file, byte for byte
	Name       string           // of the file, while it runs; empty is script.ps1
	Parameters []exchange.Param // -ReportPath is added

	// ReadsOnly says that this run changes nothing: when its end is lost, it is run
	// again.
	ReadsOnly bool

	// Ask refuses the script Enable-OrganizationCustomization, which cannot be undone;
	// the result says whether it was wanted.
	Ask bool

	// Warning is called with each warning as it comes; may be nil.
	Warning func(text string)
}

// A ScriptResult is what a script that came to its end gave.
type ScriptResult struct {
	Report   report.Report
	ExitCode int
	Asked    bool // it wanted to run what Script.Ask refuses
	Errors   []exchange.ErrorRecord
}

// Run runs one script, unchanged, and returns its report. A script that ctx ends may
// still write one, which says what it did until then. Errors about the way there are of
// type *Error. One about a script that may have changed something is, or wraps, an
// *exchange.LostReplyError.
func (s *Shell) Run(ctx context.Context, script Script) (*ScriptResult, error) {
	line, err := s.scriptLine(script)
	if err != nil {
		return nil, err
	}
	leave, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var x *scriptRun
	a, err := persist(ctx, func() *attempt {
		a := newAttempt(nil, nil)
		x = &scriptRun{warning: script.Warning}
		a.what, a.readsOnly, a.told = "the script", script.ReadsOnly, x.told
		return a
	}, func(ctx context.Context, a *attempt) error {
		err := s.attempt(ctx, line, a)
		if a.stage != "" && (a.stage != "script" || x.text.Len() == 0) {
			a.started = a.stage == "script"
			err = newStageError(a.stage, a.failure, false)
		}
		return err
	})
	if err != nil && x.text.Len() == 0 {
		return nil, err
	}
	return x.result(a, err)
}

// scriptLine is a script as loop.ps1 reads it.
func (s *Shell) scriptLine(script Script) ([]byte, error) {
	name := script.Name
	if name == "" {
		name = "script.ps1"
	}
	if strings.ContainsAny(name, `/\:`) || !strings.HasSuffix(strings.ToLower(name), ".ps1") {
		return nil, fmt.Errorf("script %q: expected the name of a .ps1 file", name)
	}
	parameters, err := parametersOf(script.Parameters)
	if err != nil {
		return nil, fmt.Errorf("the script's %w", err)
	}
	return commandOf("Invoke-ExgScript", []parameter{
		{Name: "Name", Text: textMark + name}, {Name: "Base64", Text: textMark + base64.StdEncoding.EncodeToString(script.Text)},
		{Name: "IsSigned", Value: strings.Contains(string(script.Text), "\n# SIG # Begin signature block")}, // about_Signing
		{Name: "RequireSigned", Value: s.options.RequireSigned}, {Name: "Ask", Value: script.Ask}, {Name: "Parameters", Value: parameters},
	})
}

// A scriptRun takes what a script gives.
type scriptRun struct {
	warning func(string)
	text    strings.Builder // of the report
	code    int
	asked   bool
}

func (x *scriptRun) told(a answer) (taken bool, err error) {
	switch a.kind {
	case answerReport:
		if x.text.Len()+len(a.text()) > maxReport {
			return true, fmt.Errorf("the script's report is longer than %d bytes", maxReport)
		}
		x.text.WriteString(a.text())
	case answerExit:
		n, _ := wholeNumber(a.value)
		x.code = int(n)
	case answerAsk:
		x.asked = true
	case answerWarning:
		if x.warning != nil {
			x.warning(a.text())
		}
	case answerObject: // what a script prints is for people
	default:
		return false, nil
	}
	return true, nil
}

// result is what the script gave. One that was cut short may have given its report.
func (x *scriptRun) result(a *attempt, cut error) (*ScriptResult, error) {
	result := &ScriptResult{ExitCode: x.code, Asked: x.asked, Errors: a.streams.Errors}
	var err error
	switch text := x.text.String(); {
	case text == "":
		err = fmt.Errorf("the script ended with exit code %d and gave no report", x.code)
	default:
		if err = json.Unmarshal([]byte(text), &result.Report); err == nil && result.Report.Schema != report.Schema {
			err = fmt.Errorf("it says schema %.40q, not %q", result.Report.Schema, report.Schema)
		}
		if err != nil {
			err = fmt.Errorf("the script's report cannot be read: %w", err)
		}
	}
	switch {
	case err == nil:
		return result, nil
	case cut != nil:
		return nil, cut
	case !a.readsOnly:
		return nil, &exchange.LostReplyError{Cmdlet: a.what, Err: err}
	}
	return nil, err
}
