package grant

import (
	"context"
	"errors"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// cleanupTime limits what is done after a run was interrupted.
const cleanupTime = time.Minute

// A run is one operation from its first look at the organization to its report.
type run struct {
	inv    exchange.Invoker
	o      Options
	grant  exchange.Grant
	name   string // of the assignment
	report *exchange.Report
	step   string // where an error that no step expected is told
	ended  error  // what ended the run before its time

	commands map[string][]string       // of the session, in lower case, with their parameters
	missing  map[string]exchange.Fault // what the session says of those that it does not have

	planning     bool              // changes are told, not made
	changes      []exchange.Change // what was told
	planned      *exchange.Plan    // whose reads must still hold; nil when there is none
	notes        []note            // what decisions rest on
	organization string            // its GUID; empty when it was not read

	// The directory as this run sees it.
	pinned              bool   // the grant names the domain controller
	writeServer         string // that takes the writes: the pin, or what took the first
	configurationServer string // that takes changes of roles and scopes: others may show them later
	roles               []string
	assignments         []exchange.Object
	scopes              []exchange.Object
	covering            []string // exclusive scopes that cover recipients of the grant, or may

	// The changes of this run.
	deadline      time.Time
	wait          time.Duration
	retries       int
	lost          int     // replies of changes that were not made
	readAgain     bool    // an object that is there already is read again
	customized    bool    // Enable-OrganizationCustomization is done
	customizedNow bool    // … by this run
	newScope      string  // GUID of a scope that must not stay when the run does not end well
	unsure        *change // of which it is not known whether it was made
	gone          []string
	queue         []action
}

func newRun(inv exchange.Invoker, operation string, g exchange.Grant, o Options) *run {
	o = o.withDefaults()
	r := &run{inv: inv, o: o, grant: g, name: g.AssignmentName(), step: exchange.StepPreflight}
	r.report = &exchange.Report{
		Schema: exchange.ReportSchema, Operation: operation, Outcome: exchange.Failed, StartedAt: r.now(),
		Operator: o.Operator, Tool: o.Tool, Target: o.Target, Steps: []exchange.Step{}, Findings: []exchange.Finding{},
	}
	r.deadline = o.Now().Add(o.CustomizationTimeout)
	r.wait = firstWait
	return r
}

func (r *run) now() time.Time { return r.o.Now().UTC().Truncate(time.Second) }

// pin makes the grant's domain controller, if it has one, the one for all writes.
func (r *run) pin() {
	r.writeServer = r.grant.DomainController
	r.pinned = r.writeServer != ""
	r.configurationServer = r.writeServer
	if r.pinned {
		r.report.Target.DomainController = r.writeServer
	}
}

// errStopped ends a run whose report says why already.
var errStopped = errors.New("the run has stopped: its report says why")

// stop ends the run: the outcome is decided, and a failed step says why.
func (r *run) stop(outcome exchange.Outcome, step exchange.Step) error {
	r.report.Outcome = outcome
	step.Status = exchange.StatusFailed
	r.addStep(step)
	return errStopped
}

func (r *run) conflict(step, text string) error {
	return r.stop(exchange.Conflict, exchange.Step{ID: step, Text: text})
}

// unexpected ends the run for an error that no step expected.
func (r *run) unexpected(ctx context.Context, err error) {
	if ctx.Err() != nil {
		_ = r.stop(exchange.Interrupted, exchange.Step{ID: r.step, Text: "Interrupted before it was done."})
		return
	}
	f := faultOf(err)
	_ = r.stop(OutcomeOf(f), exchange.Step{ID: r.step, Text: f.Message, Fault: &f})
}

// finish settles what the procedure left open, and returns the report. It works
// also when ctx has ended.
func (r *run) finish(ctx context.Context, err error) *exchange.Report {
	r.ended = err
	if err != nil && !errors.Is(err, errStopped) {
		r.unexpected(ctx, err)
	}
	if r.unsure != nil || r.newScope != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		r.settle(ctx)
		r.undoScope(ctx)
	}
	r.report.FinishedAt = r.now()
	return r.report
}

// addStep tells a step. Its text is left out where the fault's message says the same.
func (r *run) addStep(s exchange.Step) {
	if s.Fault != nil && s.Text == s.Fault.Message {
		s.Text = ""
	}
	r.report.Steps = append(r.report.Steps, s)
	r.o.Progress(s)
}

func (r *run) unchanged(step, text, guid string) {
	r.addStep(exchange.Step{ID: step, Status: exchange.StatusUnchanged, Text: text, GUID: guid})
}

func (r *run) find(id, severity, text string, objects ...string) {
	r.report.Findings = append(r.report.Findings, exchange.Finding{ID: id, Severity: severity, Text: text, Objects: objects})
}

// undoBy notes the command that takes a change back; the newest comes first.
func (r *run) undoBy(i exchange.Inverse) {
	r.report.Inverse = append([]exchange.Inverse{i}, r.report.Inverse...)
}

// OutcomeOf is the outcome that a fault leads to when nothing can be done about it.
func OutcomeOf(f exchange.Fault) exchange.Outcome {
	switch f.ID {
	case fault.AccessDenied, fault.ConnectAuth:
		return exchange.Denied
	case fault.PrincipalNotFound:
		return exchange.NotFound
	case fault.AlreadyExists:
		return exchange.Conflict
	case fault.ConnectHTTP, fault.ConnectNetwork, fault.ConnectQuota, fault.ConnectTLS:
		return exchange.Unreachable
	}
	return exchange.Failed
}
