package main

import (
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// advise adds to a report that did not end well the command to type next, and what only
// the command line shows: that a shell took the backslash out of a name.
func (p *program) advise(c *cli.Context, r *report.Report) {
	if r.Outcome.ExitCode() == exitDone {
		return
	}
	failed := r.Failure()
	switch {
	case failed != nil && failed.Rung == nil && isConnection(failed.Fault) && r.Operation != report.OperationConnect && c.String(flagTransport) != "local":
		r.Next = p.again(c, "connect")
	case r.Outcome == report.Differs && r.Operation == report.OperationVerify && isMissing(r):
		r.Next = p.again(c, "plan")
	case r.Outcome == report.Failed && failed != nil && failed.ID == report.StepCustomize && c.Command.Name == "apply" && !c.Bool(flagEnableCustomization):
		r.Next = p.again(c, "apply") + " " + dashed(flagEnableCustomization)
	case r.Outcome == report.CustomizationPending:
		r.Next = p.again(c, c.Command.Name)
	}
	if failed == nil || failed.Fault == nil || r.Outcome != report.NotFound && r.Outcome != report.Denied {
		return
	}
	if hint := unquoted(c); hint != "" {
		failed.Fault.Hint = strings.TrimSuffix(failed.Fault.Hint, ".") + ". " + hint
	}
}

// isConnection tells whether a fault is one that connect finds the place of.
func isConnection(f *fault.Fault) bool {
	return f != nil && slices.Contains([]string{fault.ConnectAuth, fault.ConnectHTTP, fault.ConnectNetwork, fault.ConnectTLS}, f.ID)
}

// isMissing tells whether a grant was looked for and is not there.
func isMissing(r *report.Report) bool {
	return slices.ContainsFunc(r.Steps, func(s report.Step) bool {
		return s.ID == report.StepReadAssignments && strings.HasPrefix(s.Text, report.NotInPlace)
	})
}

// again is the line that starts another command with the same flags, as far as it has
// them. What comes from variables is not repeated.
func (p *program) again(c *cli.Context, command string) string {
	line := "exgrant " + command
	other := find(c.App.Commands, command)
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) || findFlag(other, name) == nil || categoryOf(f) == outputCategory {
			continue
		}
		switch f.(type) {
		case *cli.BoolFlag:
			line += " " + dashed(name)
		case *cli.StringSliceFlag:
			for _, value := range c.StringSlice(name) {
				line += " " + dashed(name) + " " + shellWord(value)
			}
		case *cli.DurationFlag:
			line += " " + dashed(name) + " " + c.Duration(name).String()
		case *cli.IntFlag:
			line += " " + dashed(name) + " " + strconv.Itoa(c.Int(name))
		case *cli.StringFlag:
			line += " " + dashed(name) + " " + shellWord(c.String(name))
		}
	}
	return oneLine(line)
}

// plainWord is a word that every shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// shellWord quotes a word where a shell would change it, as sh and PowerShell both
// understand it; a quote in it is sh's, or PowerShell's on Windows.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	quote := `'\''`
	if runtime.GOOS == "windows" {
		quote = `''`
	}
	return "'" + strings.ReplaceAll(s, "'", quote) + "'"
}

// swallowed is DOMAIN\name after a shell that took the backslash for its own.
var swallowed = regexp.MustCompile(`^([A-Z][A-Z0-9-]{1,14})([a-z][^\\@=/,]*)$`)

// unquoted says how to write a name whose backslash a shell took away; "" where there
// is none on the command line.
func unquoted(c *cli.Context) string {
	if runtime.GOOS == "windows" {
		return ""
	}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) || categoryOf(f) == outputCategory {
			continue
		}
		values := []string{}
		switch f.(type) {
		case *cli.StringFlag:
			values = append(values, c.String(name))
		case *cli.StringSliceFlag:
			values = c.StringSlice(name)
		}
		for _, value := range values {
			if m := swallowed.FindStringSubmatch(value); m != nil {
				return "In a Unix shell a backslash needs quotes; was it meant as " + dashed(name) + " '" + m[1] + `\` + m[2] + "'?"
			}
		}
	}
	return ""
}

// categoryOf is the heading that help shows a flag under.
func categoryOf(f cli.Flag) string {
	if c, ok := f.(cli.CategorizableFlag); ok {
		return c.GetCategory()
	}
	return ""
}
