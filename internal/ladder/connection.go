package ladder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
)

// A Connection is the way to a server and into a session, to be climbed rung by rung.
type Connection struct {
	Way        remote.Transport // psrp or winrs
	Target     remote.Target
	Credential remote.Credential // shared: the whole way costs one attempt with its password
	Shell      remote.ShellOptions
	Options    grant.Options
}

// Climb goes from the server's name to the commands of a session, and ends at the
// first rung that fails. It changes nothing. The error is about target and credential;
// then nobody was contacted.
func (x Connection) Climb(ctx context.Context) (*report.Report, error) {
	if x.Options.Now == nil {
		x.Options.Now = time.Now
	}
	if x.Options.Progress == nil {
		x.Options.Progress = func(report.Step) {}
	}
	c := &connectionClimb{Connection: x}
	c.report = &report.Report{Schema: report.Schema, Operation: report.OperationConnect, Outcome: report.Verified,
		StartedAt: c.now(), Tool: x.Options.Tool}
	session, err := remote.NewOver(x.Way, x.Target, x.Credential, x.Shell)
	if err != nil {
		return nil, err
	}
	place := session.Place()
	c.report.Operator = place.Operator
	c.report.Target = report.Target{Server: place.Server, Transport: place.Transport}
	arrived, err := remote.Approach(ctx, x.Way, x.Target, x.Credential, c.add)
	if err != nil {
		return nil, err
	}
	if arrived {
		c.commands(ctx, session)
	}
	c.skipRest(ctx)
	c.report.FinishedAt = c.now()
	return c.report, nil
}

// A connectionClimb is one way up.
type connectionClimb struct {
	Connection
	report *report.Report
	ended  *remote.Rung // the rung that failed
}

func (c *connectionClimb) now() time.Time { return c.Options.Now().UTC().Truncate(time.Second) }

// add tells a rung, and ends the climb where it failed.
func (c *connectionClimb) add(r remote.Rung) {
	step := r.Step()
	var told *stepError
	if errors.As(r.Err, &told) {
		step.Fault = told.step.Fault
	}
	c.report.Steps = append(c.report.Steps, step)
	c.Options.Progress(step)
	if r.Err != nil && c.ended == nil {
		c.ended = &r
		c.report.Outcome = report.Failed
		if step.Fault != nil {
			c.report.Outcome = grant.OutcomeOf(*step.Fault)
		}
	}
}

// skipRest names the rungs that were not reached.
func (c *connectionClimb) skipRest(ctx context.Context) {
	why := "a step before it failed"
	switch {
	case ctx.Err() != nil:
		why, c.report.Outcome = "it was interrupted", report.Interrupted
	case c.ended != nil:
		why = fmt.Sprintf("%d %s failed", c.ended.Level, c.ended.Level)
	}
	for _, level := range remote.Levels()[len(c.report.Steps):] {
		step := remote.Rung{Level: level, Means: why}.Step()
		c.report.Steps = append(c.report.Steps, step)
	}
}

// commands looks at the session.
func (c *connectionClimb) commands(ctx context.Context, session remote.Session) {
	defer session.Close(ctx) // what goes wrong then changes nothing about what was seen
	begun := time.Now()
	mode, err := session.LanguageMode(ctx)
	if ctx.Err() != nil {
		return
	}
	tried, passed, saw := "and opening a session", "and opens a session", "PowerShell remoting at "
	if c.Way == remote.WinRS {
		tried, passed, saw = "starting its PowerShell, and opening a session of Exchange there", "and its PowerShell has the commands of Exchange", "a shell at "
	}
	opened := remote.Rung{Level: remote.LevelSession, Tried: "logging on to " + c.report.Target.Server + ", " + tried, Took: time.Since(begun)}
	if err != nil {
		c.add(failedRung(opened, "The server opens no session", err))
		return
	}
	c.report.Target.LanguageMode = mode
	opened.Means, opened.Saw = "The server accepts the log-on, "+passed, saw+c.report.Target.Server
	c.add(opened)
	c.add(c.mode(mode))
	c.cmdlets(ctx, session)
}

// failedRung is a rung that an error ended.
func failedRung(r remote.Rung, means string, err error) remote.Rung {
	r.Means, r.Saw, r.Next, r.Err = means, err.Error(), strings.TrimSuffix(fault.Of(err).Hint, "."), err
	return r
}

func (c *connectionClimb) mode(mode string) remote.Rung {
	r := remote.Rung{Level: remote.LevelLanguageMode, Tried: "asking the session for its language mode"}
	switch {
	case mode == "":
		r.Means = "the session does not say"
	case c.Way == remote.WinRS:
		r.Means, r.Saw = "The PowerShell accepts single commands", mode
	case mode == "NoLanguage":
		r.Means, r.Saw = "The session accepts single commands, as Exchange is shipped", mode
	default:
		r.Means, r.Saw = "The session accepts script text too, which is more than exgrant needs", mode
		c.report.Findings = append(c.report.Findings, report.Finding{ID: "language-mode", Severity: report.SeverityWarning,
			Text: "The endpoint lets whoever logs on run script text (" + mode + "); as shipped by Microsoft it is NoLanguage."})
	}
	return r
}

func (c *connectionClimb) cmdlets(ctx context.Context, session remote.Session) {
	begun := time.Now()
	o := c.Options
	o.Progress = func(report.Step) {}
	found := grant.FindCommands(ctx, session, o)
	if ctx.Err() != nil {
		return
	}
	c.report.Target = found.Report.Target
	c.report.Findings = append(c.report.Findings, found.Report.Findings...)
	c.judge(found.Report, found.Missing, time.Since(begun))
}

// judge is the rung of the commands, by the report of who looked for them.
func (c *connectionClimb) judge(seen *report.Report, missing []string, took time.Duration) {
	r := remote.Rung{Level: remote.LevelCmdlets, Tried: "the commands that grants need", Took: took,
		Means: "The account's roles give what grants need", Saw: "all commands are there"}
	if b := c.report.Target.Build; b != "" {
		r.Saw += ", Exchange " + b
	}
	failed := failedStep(seen)
	if failed == nil {
		c.add(r)
		return
	}
	r.Means, r.Saw, r.Err = "The session does not have what grants need", failed.Text, &stepError{*failed}
	if r.Saw == "" {
		r.Saw = failed.Fault.Message
	}
	if len(missing) > 0 {
		r.Saw = "missing: " + strings.Join(missing, ", ")
		r.Next = "ask for the management role 'Role Management', which members of Organization Management have; it counts from the next session on"
	} else if failed.Fault != nil {
		r.Next = strings.TrimSuffix(failed.Fault.Hint, ".")
	} else {
		r.Next = "name a server of the on-premises organization by --server"
	}
	r.Saw = strings.TrimSuffix(r.Saw, ".")
	c.add(r)
	c.report.Outcome = seen.Outcome
	if len(missing) > 0 || failed.Fault != nil && failed.Fault.ID == fault.CmdletMissing {
		c.report.Outcome = report.Differs
	}
}

func failedStep(r *report.Report) *report.Step {
	for i := range r.Steps {
		if r.Steps[i].Status == report.StatusFailed {
			return &r.Steps[i]
		}
	}
	return nil
}

// A stepError is a failed step of another report.
type stepError struct{ step report.Step }

func (e *stepError) Error() string {
	if e.step.Fault != nil {
		return e.step.Fault.Message
	}
	return e.step.Text
}
