package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
)

// A scripted operator generates full scripts and lets a PowerShell run them: the
// decisions are the script's. A plan is the grant script with -WhatIf.
type scripted struct {
	runner  remote.Runner
	options grant.Options
}

// A ScriptOperator also runs scripts that were generated before.
type ScriptOperator interface {
	Operator

	// Run runs a script of this program, and returns its report as it is, holders
	// included. Options.Confirm is asked once, before the first change.
	Run(ctx context.Context, s Script) *exchange.Report
}

// A Script is a full script that was generated before.
type Script struct {
	Text       []byte
	Kind       string // as its header says
	Parameters []exchange.Param
	WhatIf     bool
}

// Scripted returns an operator over a PowerShell that runs scripts.
func Scripted(r remote.Runner, o grant.Options) ScriptOperator {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Target = r.Target()
	return &scripted{r, o}
}

// A RefusedError says what this way to an organization cannot do.
type RefusedError struct {
	What string // "--guid …"
	Way  remote.Transport
	Hint string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s cannot be done by --transport %s", e.What, e.Way)
}

func (x *scripted) Plan(ctx context.Context, g exchange.Grant) (*exchange.Plan, *exchange.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, nil, err
	}
	report := x.preview(ctx, g, x.options.UpdateScope, x.options.AllowEmpty)
	report.Operation = exchange.OperationPlan
	if report.Outcome.ExitCode() != 0 {
		return nil, report, nil
	}
	plan, err := x.planOf(g, report)
	if err != nil {
		return nil, x.unread(report, err), nil
	}
	return plan, report, nil
}

// preview runs the grant script with -WhatIf.
func (x *scripted) preview(ctx context.Context, g exchange.Grant, update, empty bool) *exchange.Report {
	return x.run(ctx, task{
		operation: exchange.OperationGrant, grant: &g, readsOnly: true,
		print:      func(w io.Writer) error { return psgen.Grant(w, g, psgen.Full) },
		parameters: append(x.grantParameters(update, empty), whatIf),
	})
}

func (x *scripted) grantParameters(update, empty bool) []exchange.Param {
	var list []exchange.Param
	if update {
		list = append(list, exchange.Param{Name: "UpdateScope", Value: exchange.Switch(true)})
	}
	if empty {
		list = append(list, exchange.Param{Name: "AllowEmpty", Value: exchange.Switch(true)})
	}
	if d := x.options.CustomizationTimeout; d > 0 {
		list = append(list, exchange.Param{Name: "TimeoutMinutes", Value: exchange.String(strconv.FormatFloat(d.Minutes(), 'f', -1, 64))})
	}
	return list
}

var (
	whatIf     = exchange.Param{Name: "WhatIf", Value: exchange.Switch(true)}
	unattended = exchange.Param{Name: "Confirm", Value: exchange.Bool(false)}
)

// Apply looks once more what the script would do, since it could not take back what
// nobody agreed to: with other changes than the plan's it stops before any.
func (x *scripted) Apply(ctx context.Context, p *exchange.Plan) (*exchange.Report, error) {
	if p == nil {
		return nil, errors.New("apply: there is no plan")
	}
	g := p.Wish()
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("the plan's grant: %w", err)
	}
	options := exchange.PlanOptions{}
	if p.Options != nil {
		options = *p.Options
	}
	seen := x.quietly().preview(ctx, g, options.UpdateScope, options.AllowEmpty)
	if seen.Outcome.ExitCode() != 0 {
		return x.grantReport(seen), nil
	}
	if seen.Outcome == exchange.Planned {
		if why := x.stale(p, g, seen); why != "" {
			return x.stopped(x.grantReport(seen), why), nil
		}
	}
	return x.grantNow(ctx, g, options.UpdateScope, options.AllowEmpty), nil
}

// Make is documented at Operator.
func (x *scripted) Make(ctx context.Context, g exchange.Grant) (*exchange.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	return x.grantNow(ctx, g, x.options.UpdateScope, x.options.AllowEmpty), nil
}

// grantNow runs the script that makes a grant.
func (x *scripted) grantNow(ctx context.Context, g exchange.Grant, updateScope, allowEmpty bool) *exchange.Report {
	apply := task{
		operation: exchange.OperationGrant, grant: &g,
		print:      func(w io.Writer) error { return psgen.Grant(w, g, psgen.Full) },
		parameters: append(x.grantParameters(updateScope, allowEmpty), unattended),
	}
	if x.options.Confirm != nil {
		apply.ask = []string{customization}
	}
	return x.grantReport(x.run(ctx, apply))
}

// customization is the command that has a question of its own: it cannot be undone.
const customization = "Enable-OrganizationCustomization"

func (x *scripted) grantReport(r *exchange.Report) *exchange.Report {
	r.Operation = exchange.OperationGrant
	return r
}

// quietly is the same operator without progress: what it reads is told again by the
// run that follows.
func (x *scripted) quietly() *scripted {
	quiet := *x
	quiet.options.Progress = nil
	return &quiet
}

// stale says in what a preview differs from a plan, "" when it does not.
func (x *scripted) stale(p *exchange.Plan, g exchange.Grant, seen *exchange.Report) string {
	now, err := x.planOf(g, seen)
	if err != nil {
		return err.Error()
	}
	want, got := commandLines(p.Changes), commandLines(now.Changes)
	if want == got {
		return ""
	}
	return "What the plan rests on has changed since: its changes are no longer those that would be made. Nothing was changed: make a new plan."
}

// commandLines are the commands of changes, for comparing them: whoever carries them
// out adds the domain controller and the answer to its question.
func commandLines(changes []exchange.Change) string {
	var b strings.Builder
	for _, c := range changes {
		command, err := c.Command.Command()
		if err != nil {
			return fmt.Sprintf("%s cannot be read: %v", c.Command.Cmdlet, err)
		}
		kept := exchange.Command{Cmdlet: command.Cmdlet}
		for _, p := range command.Params {
			if list, ok := p.Value.(exchange.Strings); ok && len(list) == 1 {
				p.Value = exchange.String(list[0])
			}
			if s, ok := p.Value.(exchange.Switch); ok {
				p.Value = exchange.Bool(s)
			}
			if p.Name != "Confirm" && p.Name != "DomainController" {
				kept = kept.With(p.Name, p.Value)
			}
		}
		fmt.Fprintf(&b, "%+v\n", kept)
	}
	return b.String()
}

// stopped is the report of a run that stopped before any change.
func (x *scripted) stopped(seen *exchange.Report, why string) *exchange.Report {
	steps := seen.Steps[:0:0]
	for _, s := range seen.Steps {
		if s.Status != exchange.StatusPlanned {
			steps = append(steps, s)
		}
	}
	failed := exchange.Step{ID: exchange.StepReadAssignments, Status: exchange.StatusFailed, Text: why}
	seen.Steps, seen.Outcome = append(steps, failed), exchange.Differs
	x.tell(failed)
	return seen
}

func (x *scripted) Verify(ctx context.Context, g exchange.Grant) (*exchange.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	return x.run(ctx, task{
		operation: exchange.OperationVerify, grant: &g, readsOnly: true,
		print: func(w io.Writer) error { return psgen.Status(w, g) },
	}), nil
}

// Revoke previews the changes where somebody is asked, and makes them.
func (x *scripted) Revoke(ctx context.Context, what grant.Revocation) (*exchange.Report, error) {
	t, err := x.revocation(what)
	if err != nil {
		return nil, err
	}
	return x.asked(ctx, t), nil
}

// Run is documented at ScriptOperator.
func (x *scripted) Run(ctx context.Context, s Script) *exchange.Report {
	t := task{operation: s.Kind, parameters: s.Parameters, print: func(w io.Writer) error { _, err := w.Write(s.Text); return err }}
	switch {
	case s.Kind == exchange.OperationStatus, s.Kind == exchange.OperationAudit:
		t.readsOnly = true
		return x.run(ctx, t)
	case s.WhatIf:
		t.readsOnly, t.parameters = true, with(s.Parameters, whatIf)
		return x.run(ctx, t)
	}
	if x.options.Confirm != nil {
		t.ask = []string{customization}
	}
	return x.asked(ctx, t)
}

// asked makes the changes of a script, after a preview and a question where somebody
// is there to answer.
func (x *scripted) asked(ctx context.Context, t task) *exchange.Report {
	if x.options.Confirm != nil {
		preview := t
		preview.readsOnly, preview.ask, preview.parameters = true, nil, with(t.parameters, whatIf)
		seen := x.run(ctx, preview)
		if seen.Outcome != exchange.Planned {
			return seen
		}
		changes, err := changesOf(seen)
		if err != nil {
			return x.unread(seen, err)
		}
		switch agreed, err := x.options.Confirm(ctx, changes); {
		case err != nil:
			return x.unfinished(ctx, t, err)
		case !agreed:
			return declined(seen)
		}
		x = x.quietly()
	}
	t.parameters = with(t.parameters, unattended)
	return x.run(ctx, t)
}

func with(list []exchange.Param, more exchange.Param) []exchange.Param {
	return append(list[:len(list):len(list)], more)
}

func (x *scripted) revocation(what grant.Revocation) (task, error) {
	t := task{operation: exchange.OperationRevoke, grant: what.Grant}
	switch {
	case what.GUID != "":
		return t, &RefusedError{"Revoking by a GUID alone", x.way(), "No generated script takes a GUID. Use --transport psrp, or name the grant, or its report with --from."}
	case what.Grant != nil:
		if err := what.Grant.Validate(); err != nil {
			return t, err
		}
		g := *what.Grant
		t.print = func(w io.Writer) error { return psgen.Revoke(w, g, psgen.Full) }
	case what.Report != nil:
		r := *what.Report
		t.print = func(w io.Writer) error { return psgen.Rollback(w, r) }
		if err := t.print(io.Discard); err != nil {
			return t, err
		}
	default:
		return t, errors.New("revoke: exactly one of a grant, a GUID and a report is needed, not 0")
	}
	return t, nil
}

func (x *scripted) way() remote.Transport { return remote.Transport(x.options.Target.Transport) }

// declined is the report of changes that were only shown.
func declined(seen *exchange.Report) *exchange.Report {
	steps := seen.Steps[:0:0]
	for _, s := range seen.Steps {
		if s.Status != exchange.StatusPlanned {
			steps = append(steps, s)
			continue
		}
		if len(steps) == 0 || steps[len(steps)-1].Status != exchange.StatusFailed {
			cmdlet, _, _ := strings.Cut(s.Command, " ")
			steps = append(steps, exchange.Step{ID: s.ID, Status: exchange.StatusFailed, Command: s.Command, Text: "Declined: " + cmdlet + " was not run."})
		}
	}
	seen.Steps, seen.Outcome = steps, exchange.Interrupted
	return seen
}

// Audit hands on the holders of the record: they come at its end, and not while they
// are read.
func (x *scripted) Audit(ctx context.Context, yield func(exchange.Holder) error) (*exchange.Report, error) {
	report := x.run(ctx, task{operation: exchange.OperationAudit, readsOnly: true, print: psgen.Audit})
	holders := report.Holders
	report.Holders = nil
	for _, h := range holders {
		if err := yield(h); err != nil {
			return report, err
		}
	}
	return report, nil
}

func (x *scripted) Close(ctx context.Context) error { return x.runner.Close(ctx) }

// A task is one script to run, and what its report is about.
type task struct {
	operation  string
	grant      *exchange.Grant
	print      func(io.Writer) error
	parameters []exchange.Param
	readsOnly  bool
	ask        []string
}

// run runs one script and returns its report, or the report of why there is none.
func (x *scripted) run(ctx context.Context, t task) *exchange.Report {
	begun := x.now()
	var text bytes.Buffer
	if err := t.print(&text); err != nil {
		return x.failed(t, begun, fault.Of(err), exchange.Failed)
	}
	script := remote.Script{Text: text.Bytes(), Name: t.operation + ".ps1", Parameters: t.parameters, ReadsOnly: t.readsOnly, Ask: t.ask}
	if x.options.Progress != nil {
		script.Progress = func(s exchange.Step) { x.options.Progress(inOurWords(s)) }
	}
	result, err := x.runner.Run(ctx, script)
	if err == nil && len(result.Asked) > 0 {
		result, err = x.ask(ctx, script, result)
	}
	if err != nil {
		r := x.unfinished(ctx, t, err)
		r.StartedAt = begun
		return r
	}
	return x.ours(t.operation, &result.Report)
}

// tell tells a step that is none of the script's.
func (x *scripted) tell(s exchange.Step) {
	if x.options.Progress != nil {
		x.options.Progress(s)
	}
}

func (x *scripted) now() time.Time { return x.options.Now().UTC().Truncate(time.Second) }

// ask asks what the script was not let do, and runs it again, now free to. Where the
// session does not have the command there is nothing to ask: the script says so itself.
func (x *scripted) ask(ctx context.Context, s remote.Script, stopped *remote.ScriptResult) (*remote.ScriptResult, error) {
	if stopped.Asked[0].Exists {
		command := exchange.EnableOrganizationCustomization()
		change := exchange.Change{ID: exchange.StepCustomize, Action: exchange.ActionUpdate, Command: exchange.NewPlanCommand(command),
			Why: "the organization refuses changes of its configuration; this cannot be undone"}
		agreed, err := x.options.Confirm(ctx, []exchange.Change{change})
		if err != nil {
			return nil, err
		}
		if !agreed {
			stopped.Report.Outcome = exchange.Interrupted
			if last := len(stopped.Report.Steps) - 1; last >= 0 {
				line, _ := command.Line()
				stopped.Report.Steps[last] = exchange.Step{ID: exchange.StepCustomize, Status: exchange.StatusFailed, Command: line,
					Text: "Declined: " + customization + " (this cannot be undone) was not run."}
			}
			return stopped, nil
		}
	}
	s.Ask = nil
	return x.runner.Run(ctx, s)
}

// ours makes a script's report this program's.
func (x *scripted) ours(operation string, r *exchange.Report) *exchange.Report {
	r.Operation, r.Tool = operation, x.options.Tool
	if x.options.Operator != "" {
		r.Operator = x.options.Operator
	}
	r.Target.Transport = x.options.Target.Transport
	if r.Target.Server == "" {
		r.Target.Server = x.options.Target.Server
	}
	for i := range r.Steps {
		r.Steps[i] = inOurWords(r.Steps[i])
	}
	for i := range r.Findings {
		r.Findings[i].Text = ourWords.Replace(r.Findings[i].Text)
	}
	return r
}

// ourWords are what a script says of itself, and what this program says instead.
var ourWords = strings.NewReplacer(
	"Use -UpdateScope to", "Use --update-scope to",
	"or use -AllowEmpty when", "or use --allow-empty when",
	"this script cannot compare", "exgrant cannot compare",
	"run this script again later", "apply again later",
	"This shell is connected", "This session is connected",
	"Run this script in a shell of the on-premises organization", "Connect to a server of the on-premises organization",
)

func inOurWords(s exchange.Step) exchange.Step {
	s.Text = ourWords.Replace(s.Text)
	return s
}

// unfinished is the report of a run that gave none.
func (x *scripted) unfinished(ctx context.Context, t task, err error) *exchange.Report {
	var lost *exchange.LostReplyError
	var r *exchange.Report
	if ctx.Err() != nil {
		r = x.failed(t, x.now(), exchange.Fault{Message: "Interrupted before it was done."}, exchange.Interrupted)
		r.Steps[0].Fault, r.Steps[0].Text = nil, "Interrupted before it was done."
	} else {
		f := meaning(err)
		r = x.failed(t, x.now(), f, grant.OutcomeOf(f))
	}
	if errors.As(err, &lost) {
		r.Findings = append(r.Findings, exchange.Finding{ID: "change-unknown", Severity: exchange.SeverityWarning,
			Text: "How far the script came is not known. Run again: what is there is read first."})
	}
	return r
}

// meaning is the fault of an error, with the error's own hint where it has one.
func meaning(err error) exchange.Fault {
	f := fault.Of(err)
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		f.Hint = hinted.Hint()
	}
	return f
}

func (x *scripted) failed(t task, begun time.Time, f exchange.Fault, outcome exchange.Outcome) *exchange.Report {
	r := &exchange.Report{
		Schema: exchange.ReportSchema, Operation: t.operation, Outcome: outcome, StartedAt: begun, FinishedAt: x.now(),
		Operator: x.options.Operator, Tool: x.options.Tool, Target: x.options.Target, Findings: []exchange.Finding{},
		Steps: []exchange.Step{{ID: exchange.StepPreflight, Status: exchange.StatusFailed, Fault: &f}},
	}
	if t.grant != nil {
		r.Grant = stateOf(*t.grant)
	}
	x.tell(r.Steps[0])
	return r
}

// stateOf is a grant of which nothing is resolved.
func stateOf(g exchange.Grant) *exchange.GrantState {
	return &exchange.GrantState{
		Name:     g.AssignmentName(),
		Assignee: exchange.AssigneeState{Kind: g.Assignee.Kind, Given: g.Assignee.Identity, Members: g.Assignee.Members},
		Role:     exchange.Role,
		Scope:    exchange.ScopeState{Kind: g.Scope.Kind, Given: g.Scope.Text},
		Mailbox:  g.Mailbox,
	}
}

// unread is a report whose steps cannot be made a plan of.
func (x *scripted) unread(r *exchange.Report, err error) *exchange.Report {
	r.Outcome = exchange.Failed
	r.Steps = append(r.Steps, exchange.Step{ID: exchange.StepPreflight, Status: exchange.StatusFailed, Text: "The script's preview cannot be read: " + err.Error()})
	return r
}
