package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A Process is one real `pwsh -NoProfile -NonInteractive …` process.
type Process struct {
	// Args follow -NoProfile -NonInteractive: "-File", "script.ps1", "-WhatIf", or
	// "-Command", "& ./script.ps1".
	Args []string
	Dir  string   // the folder it runs in; empty is the test's own
	Env  []string // NAME=value, added to this process's environment
	// Stdin is its standard input; nothing when empty.
	Stdin string
	// OneConsole sends standard error where standard output goes, as in a window, so
	// that Exited.Stdout holds both in their order.
	OneConsole bool
	// Limit is how long it may run; zero is a minute.
	Limit time.Duration
}

// An Exited process and all it wrote. Nothing is hidden: what PowerShell loses
// between a pending table and an `exit` is lost here too.
type Exited struct {
	Code           int
	Stdout, Stderr string
}

// RunProcess runs one process of the real engine to its end. One that outlives its
// limit fails the test; every exit code is a result.
func RunProcess(t testing.TB, p Process) Exited {
	t.Helper()
	args := append([]string{"-NoProfile", "-NonInteractive"}, p.Args...)
	exited, err := p.run(t.Context(), Pwsh(t), args)
	if err != nil {
		t.Fatal(err)
	}
	return exited
}

func (p Process) run(ctx context.Context, pwsh string, args []string) (Exited, error) {
	limit := p.Limit
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, pwsh, args...)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdin = strings.NewReader(p.Stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if p.OneConsole {
		cmd.Stderr = &stdout
	}
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	exited := Exited{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return exited, fmt.Errorf("pwsh %s: did not end within %v; it wrote %q %q",
			strings.Join(args, " "), limit, tail(exited.Stdout, 500), tail(exited.Stderr, 500))
	case err != nil && !errors.As(err, &exit):
		return exited, fmt.Errorf("pwsh %s: %w", strings.Join(args, " "), err)
	}
	return exited, nil
}

// A CheckFinding is one finding of the engine's checker in a script.
type CheckFinding struct {
	File     string
	Line     int
	Column   int
	Severity string // error or warning
	Rule     string
	Message  string
}

// String gives the finding as the checker prints it.
func (f CheckFinding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s %s %s", f.File, f.Line, f.Column, f.Severity, f.Rule, f.Message)
}

// Check parses and lints scripts with every rule except those in skip, many files
// in one process, and returns what it found: errors and warnings alike.
func Check(t testing.TB, skip []string, files ...string) []CheckFinding {
	t.Helper()
	args := []string{"-Check", "-Json"}
	if len(skip) > 0 {
		args = append(args, "-Skip", strings.Join(skip, ","))
	}
	exited := runTool(t, append(args, files...))
	var findings []CheckFinding
	if err := json.Unmarshal([]byte(exited.Stdout), &findings); err != nil {
		t.Fatalf("pwsh -Check: %v in %.500q %.500q", err, exited.Stdout, exited.Stderr)
	}
	return findings
}

// runTool runs one of the checker's modes: it exits with 1 when there are findings.
func runTool(t testing.TB, args []string) Exited {
	t.Helper()
	exited, err := Process{Limit: 5 * time.Minute}.run(t.Context(), Pwsh(t), args)
	if err == nil && exited.Code > 1 {
		err = fmt.Errorf("pwsh %s: exit %d: %s", args[0], exited.Code, exited.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return exited
}

// A Syntax is what the engine's parser sees in a script: what it calls, and every
// string it holds.
type Syntax struct {
	Errors    []SyntaxError
	Commands  []SyntaxCommand
	Strings   []SyntaxString
	Functions []struct {
		Name string
		Line int
	}
	Variables []string // names, once each, sorted
}

// A SyntaxError is a parse error.
type SyntaxError struct {
	Line, Column int
	ID, Message  string
}

// A SyntaxCommand is one command call. Name is empty where the command is an
// expression, such as & $path.
type SyntaxCommand struct {
	Name, Expression string
	Invocation       string // "", "&" or "."
	Line             int
	Arguments        []SyntaxArgument
	Redirections     []string
}

// A SyntaxArgument is a parameter with its value, or a value alone. The parser does
// not know the command: the value after a switch is taken to be the switch's.
type SyntaxArgument struct {
	Parameter string
	Kind      string // SingleQuoted, DoubleQuoted, BareWord, Constant, ConstantArray, Variable, Splat, none, or the expression's kind
	Value     any    // of a constant, or the name of a variable
	Values    []any  // of a ConstantArray
	Text      string // as written
	Line      int
}

// A SyntaxString is one string of a script.
type SyntaxString struct {
	Value        string
	Kind         string // SingleQuoted, DoubleQuoted, BareWord, SingleQuotedHereString, DoubleQuotedHereString
	Expandable   bool   // holds something that is expanded when it runs
	Line, Column int
}

// AST parses scripts and returns their syntax, one for each file, in order. A file
// with parse errors is a result too.
func AST(t testing.TB, files ...string) []Syntax {
	t.Helper()
	syntaxes := make([]Syntax, len(files))
	for i, file := range files {
		exited := runTool(t, []string{"-Ast", file})
		if err := json.Unmarshal([]byte(exited.Stdout), &syntaxes[i]); err != nil {
			t.Fatalf("pwsh -Ast %s: %v in %.500q %.500q", file, err, exited.Stdout, exited.Stderr)
		}
	}
	return syntaxes
}
