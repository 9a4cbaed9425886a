package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/remote"
)

// A Connection is the way to a server and into a session, to be climbed rung by rung.
type Connection struct {
	Way        remote.Transport // psrp or winrs
	Target     remote.Target
	Credential remote.Credential // shared: the whole way costs one attempt with its password
	Script     remote.ScriptOptions
	Options    grant.Options
}

// Climb goes from the server's name to the commands of a session, and ends at the
// first rung that fails. It changes nothing. The error is about target and credential;
// then nobody was contacted.
func (x Connection) Climb(ctx context.Context) (*exchange.Report, error) {
	if x.Options.Now == nil {
		x.Options.Now = time.Now
	}
	if x.Options.Progress == nil {
		x.Options.Progress = func(exchange.Step) {}
	}
	c := &connectionClimb{Connection: x}
	c.report = &exchange.Report{Schema: exchange.ReportSchema, Operation: exchange.OperationConnection, Outcome: exchange.Verified,
		StartedAt: c.now(), Operator: x.Options.Operator, Tool: x.Options.Tool}
	target, session, err := c.opener()
	if err != nil {
		return nil, err
	}
	c.report.Target = target
	arrived, err := remote.Approach(ctx, x.Way, x.Target, x.Credential, c.add)
	if err != nil {
		return nil, err
	}
	if arrived {
		session(ctx)
	}
	c.skipRest(ctx)
	c.report.FinishedAt = c.now()
	return c.report, nil
}

// A connectionClimb is one way up.
type connectionClimb struct {
	Connection
	report *exchange.Report
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
		c.report.Outcome = exchange.Failed
		if step.Fault != nil {
			c.report.Outcome = grant.OutcomeOf(*step.Fault)
		}
	}
}

// skipRest names the rungs that were not reached.
func (c *connectionClimb) skipRest(ctx context.Context) {
	why := "the way ends before it"
	switch {
	case ctx.Err() != nil:
		why, c.report.Outcome = "it was interrupted", exchange.Interrupted
	case c.ended != nil:
		why = fmt.Sprintf("the way ends at %d %s", c.ended.Level, c.ended.Level)
	}
	for _, level := range remote.Levels()[len(c.report.Steps):] {
		step := remote.Rung{Level: level, Means: why}.Step()
		c.report.Steps = append(c.report.Steps, step)
	}
}

// opener makes what opens the session; nobody is contacted.
func (c *connectionClimb) opener() (exchange.Target, func(context.Context), error) {
	if c.Way == remote.PSRP {
		session, err := remote.New(c.Target, c.Credential)
		if err != nil {
			return exchange.Target{}, nil, err
		}
		return session.Target(), func(ctx context.Context) { c.commands(ctx, session) }, nil
	}
	runner, err := remote.NewWinRS(c.Target, c.Credential, c.Script)
	if err != nil {
		return exchange.Target{}, nil, err
	}
	return runner.Target(), func(ctx context.Context) { c.scripts(ctx, runner) }, nil
}

// commands looks at a session that takes commands.
func (c *connectionClimb) commands(ctx context.Context, session remote.Session) {
	defer session.Close(ctx) // what goes wrong then changes nothing about what was seen
	begun := time.Now()
	mode, err := session.LanguageMode(ctx)
	if ctx.Err() != nil {
		return
	}
	opened := remote.Rung{Level: remote.LevelSession, Tried: "logging on to " + c.report.Target.Server + ", and opening a session", Took: time.Since(begun)}
	if err != nil {
		c.add(failedRung(opened, "The server opens no session", err))
		return
	}
	c.report.Target.LanguageMode = mode
	opened.Means, opened.Saw = "The server takes the log-on, and opens a session", "PowerShell remoting at "+c.report.Target.Server
	c.add(opened)
	c.add(c.psrpMode(mode))
	c.cmdlets(ctx, session)
}

// failedRung is a rung that an error ended.
func failedRung(r remote.Rung, means string, err error) remote.Rung {
	r.Means, r.Saw, r.Next, r.Err = means, err.Error(), strings.TrimSuffix(fault.Of(err).Hint, "."), err
	return r
}

func (c *connectionClimb) psrpMode(mode string) remote.Rung {
	r := remote.Rung{Level: remote.LevelLanguageMode, Tried: "asking the session for its language mode"}
	switch mode {
	case "":
		r.Means = "the session does not say"
	case "NoLanguage":
		r.Means, r.Saw = "The session takes single commands, as Exchange ships it", mode
	default:
		r.Means, r.Saw = "The session takes script text too, which is more than exgrant needs", mode
		c.report.Findings = append(c.report.Findings, exchange.Finding{ID: "language-mode", Severity: exchange.SeverityWarning,
			Text: "The endpoint lets whoever logs on run script text (" + mode + "); Exchange ships it as NoLanguage."})
	}
	return r
}

func (c *connectionClimb) cmdlets(ctx context.Context, session remote.Session) {
	begun := time.Now()
	o := c.Options
	o.Target, o.Progress = c.report.Target, func(exchange.Step) {}
	found := grant.FindCommands(ctx, session, o)
	if ctx.Err() != nil {
		return
	}
	c.report.Target = found.Report.Target
	c.report.Findings = append(c.report.Findings, found.Report.Findings...)
	c.judge(found.Report, found.Missing, time.Since(begun))
}

// judge is the rung of the commands, by the report of who looked for them.
func (c *connectionClimb) judge(seen *exchange.Report, missing []string, took time.Duration) {
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
		c.report.Outcome = exchange.Differs
	}
}

func failedStep(r *exchange.Report) *exchange.Step {
	for i := range r.Steps {
		if r.Steps[i].Status == exchange.StatusFailed {
			return &r.Steps[i]
		}
	}
	return nil
}

// A stepError is a failed step of another report.
type stepError struct{ step exchange.Step }

func (e *stepError) Error() string {
	if e.step.Fault != nil {
		return e.step.Fault.Message
	}
	return e.step.Text
}

// scripts looks at a PowerShell that runs scripts, by one that only reads.
func (c *connectionClimb) scripts(ctx context.Context, runner remote.Runner) {
	o := c.Options
	o.Progress = func(exchange.Step) {}
	operator := Scripted(runner, o)
	defer operator.Close(ctx)
	begun := time.Now()
	seen, err := operator.Audit(ctx, func(exchange.Holder) error { return nil })
	if ctx.Err() != nil {
		return
	}
	opened := remote.Rung{Level: remote.LevelSession, Took: time.Since(begun),
		Tried: "logging on to " + c.report.Target.Server + ", starting its PowerShell, and opening a session of Exchange there"}
	if failed := failedStep(seen); err == nil && failed != nil && seen.Target.LanguageMode == "" {
		opened.Means, opened.Saw, opened.Err = "No script comes to run with the commands of Exchange", (&stepError{*failed}).Error(), &stepError{*failed}
		if failed.Fault != nil {
			opened.Next = strings.TrimSuffix(failed.Fault.Hint, ".")
		}
		c.add(opened)
		c.report.Outcome = seen.Outcome
		return
	}
	c.report.Target = seen.Target
	opened.Means, opened.Saw = "The server takes the log-on, and a script runs with the commands of Exchange", "a shell at "+c.report.Target.Server
	c.add(opened)
	mode := remote.Rung{Level: remote.LevelLanguageMode, Means: "Scripts may run", Saw: seen.Target.LanguageMode}
	c.add(mode)
	c.judge(seen, nil, 0)
}
