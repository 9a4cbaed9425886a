package render

import (
	"fmt"
	"io"

	"github.com/exgrant/exgrant/pkg/report"
)

// Plan writes a plan for a person to approve: each change with its exact command
// and the reason, what stays as it is, and what is worth knowing.
func Plan(w io.Writer, plan *report.Plan, s Style) error {
	p := newPage(w, s)
	p.item("", bold, "Plan for "+describeGrant(&plan.Grant))
	if place := describeTarget(report.Target{Server: plan.Target.Server, Build: plan.Target.Build}); place != "" {
		p.item("  ", dim, place)
	}
	p.heading("Changes")
	if len(plan.Changes) == 0 {
		p.item("  ", plain, "none: the grant is in place already")
	}
	p.changes(plan.Changes)
	if len(plan.Unchanged) > 0 {
		p.heading("Left alone")
		for _, u := range plan.Unchanged {
			p.item("  = "+u.ID+": ", plain, u.Text)
		}
	}
	p.findings(plan.Findings)
	return p.flush()
}

// Changes writes what is about to be changed.
func Changes(w io.Writer, changes []report.Change, s Style) error {
	p := newPage(w, s)
	p.changes(changes)
	return p.flush()
}

// actions is the mark of each action, and its ink.
var actions = map[string]struct {
	mark string
	ink  ink
}{
	report.ActionCreate: {"+", green},
	report.ActionUpdate: {"~", yellow},
	report.ActionRemove: {"-", red},
}

func (p *page) changes(changes []report.Change) {
	for _, c := range changes {
		a := actions[c.Action]
		what := c.Action
		if c.ID != c.Action {
			what += " " + c.ID
		}
		p.item(fmt.Sprintf("  %s %s: ", a.mark, what), a.ink, c.Why)
		p.command("      ", commandLine(c.Command))
	}
}

// commandLine is a plan's command as it would be typed.
func commandLine(c report.PlanCommand) string {
	command, err := c.Command()
	if err == nil {
		var line string
		if line, err = command.Line(); err == nil {
			return line
		}
	}
	return fmt.Sprintf("%s (cannot be shown: %v)", c.Cmdlet, err)
}
