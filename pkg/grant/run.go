package grant

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// cleanupTime limits what is done after a run was interrupted.
const cleanupTime = time.Minute

// A run is one operation from its first look at the organization to its report.
type run struct {
	inv    exchange.Invoker
	o      Options
	grant  exchange.Grant
	name   string // of the assignment
	report *report.Report
	step   string // where an error that no step expected is told
	ended  error  // what ended the run before its time

	commands map[string][]string    // of the session, in lower case, with their parameters
	missing  map[string]fault.Fault // what the session says of those that it does not have

	planning     bool              // changes are told, not made
	changes      []report.Change   // what was told
	planned      *report.Plan      // whose changes, and no others, are made; nil when there is none
	shadows      bool              // it only works out what another run would change
	aliases      map[string]string // of objects made in this run: what a plan calls them, by GUID
	notes        []note            // what decisions rest on
	organization string            // its GUID; empty when it was not read

	// The directory as this run sees it.
	pinned              bool   // the grant names the domain controller
	writeServer         string // that takes the writes: the pin, or what took the first
	configurationServer string // that takes changes of roles and scopes: others may show them later
	knowsGUIDs          bool   // it finds assignments by the GUID of who holds them
	proofs              []proof
	known               *standing         // what the look at the plan read
	members             []exchange.Object // that a role group is to have
	roles               []string
	assignments         []exchange.Object
	scopes              []exchange.Object
	covering            []string // exclusive scopes that cover recipients of the grant, or may

	// The changes of this run.
	deadline      time.Time
	lost          int       // replies of changes that were not made
	readAgain     bool      // an object that is there already is read again
	customized    bool      // Enable-OrganizationCustomization is done
	mayCustomize  bool      // … or may be: it was sent, and its end is not known
	customizedNow bool      // … by this run
	compared      *standing // what a verification found
	asWanted      bool      // and whether that is the grant as it should be
	newScope      string    // GUID of a scope that must not stay when the run does not end well
	unsure        *attempt  // of which it is not known whether it was made
	gone          []string
	queue         []action
}

// unknownOperator stands where an Invoker does not say who acts: a report always names
// somebody.
const unknownOperator = "unknown"

func newRun(inv exchange.Invoker, operation string, g exchange.Grant, o Options) *run {
	o = o.withDefaults()
	r := &run{inv: inv, o: o, grant: g, name: g.AssignmentName(), step: report.StepPreflight}
	r.report = &report.Report{
		Schema: report.Schema, Operation: operation, Outcome: report.Failed, StartedAt: r.now(),
		Operator: unknownOperator, Tool: o.Tool, Steps: []report.Step{}, Findings: []report.Finding{},
	}
	if s, ok := inv.(exchange.Session); ok {
		place := s.Place()
		r.report.Operator = cmp.Or(place.Operator, unknownOperator)
		r.report.Target.Server, r.report.Target.Transport = place.Server, place.Transport
	}
	r.deadline = o.Now().Add(o.CustomizationTimeout)
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
func (r *run) stop(outcome report.Outcome, step report.Step) error {
	r.report.Outcome = outcome
	step.Status = report.StatusFailed
	r.addStep(step)
	return errStopped
}

func (r *run) conflict(step, text string) error {
	return r.stop(report.Conflict, report.Step{ID: step, Text: text})
}

// unexpected ends the run for an error that no step expected.
func (r *run) unexpected(ctx context.Context, err error) {
	if ctx.Err() != nil {
		_ = r.stop(report.Interrupted, report.Step{ID: r.step, Text: "Interrupted before it was done."})
		return
	}
	f := faultOf(err)
	_ = r.stop(OutcomeOf(f), report.Step{ID: r.step, Text: f.Message, Fault: &f})
}

// finish settles what the procedure left open, and returns the report. It works
// also when ctx has ended.
func (r *run) finish(ctx context.Context, err error) *report.Report {
	r.ended = err
	if err != nil && !errors.Is(err, errStopped) {
		r.unexpected(ctx, err)
	}
	if r.unsure != nil || r.newScope != "" || r.mayCustomize {
		ctx, cancel := aftermath.Within(ctx, cleanupTime)
		defer cancel()
		r.settle(ctx)
		r.undoScope(ctx)
	}
	r.report.FinishedAt = r.now()
	return r.report
}

// addStep tells a step. Its text is left out where the fault's message says the same.
func (r *run) addStep(s report.Step) {
	if s.Fault != nil && s.Text == s.Fault.Message {
		s.Text = ""
	}
	r.report.Steps = append(r.report.Steps, s)
	r.o.Progress(s)
}

func (r *run) unchanged(step, text, guid string) {
	r.addStep(report.Step{ID: step, Status: report.StatusUnchanged, Text: text, GUID: guid})
}

func (r *run) find(id, severity, text string, objects ...string) {
	r.report.Findings = append(r.report.Findings, report.Finding{ID: id, Severity: severity, Text: text, Objects: objects})
}

// keep records the report as it is, with the command that is about to run.
func (r *run) keep(pending string) {
	now := *r.report
	now.Outcome, now.FinishedAt = report.Interrupted, r.now()
	if pending != "" {
		now.Findings = append(slices.Clone(now.Findings), report.Finding{ID: "change-unknown", Severity: report.SeverityWarning,
			Text: "This was under way: " + pending + ". Run again: what is there is read first."})
	}
	r.o.Record(&now)
}

// decides says that the outcome rests on the findings of an id, and tells whether there
// are any.
func (r *run) decides(id string) bool {
	found := false
	for i := range r.report.Findings {
		if r.report.Findings[i].ID == id {
			r.report.Findings[i].Decides, found = true, true
		}
	}
	return found
}

// undoBy notes the command that takes a change back; the newest comes first.
func (r *run) undoBy(i report.Inverse) {
	r.report.Inverse = append([]report.Inverse{i}, r.report.Inverse...)
}

// OutcomeOf is the outcome that a fault leads to when nothing can be done about it.
func OutcomeOf(f fault.Fault) report.Outcome {
	switch f.ID {
	case fault.AccessDenied, fault.ConnectAuth:
		return report.Denied
	case fault.PrincipalNotFound:
		return report.NotFound
	case fault.AlreadyExists:
		return report.Conflict
	case fault.ConnectHTTP, fault.ConnectNetwork, fault.ConnectQuota, fault.ConnectTLS:
		return report.Unreachable
	}
	return report.Failed
}
