package grant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// Ids of the findings of AuditAgainst that decide.
const (
	driftUnexplained = "drift-unexplained" // a holder that no grant explains
	driftGone        = "drift-gone"        // a grant that is not there
	driftDisabled    = "drift-disabled"    // an equal one that is disabled
	driftRenamed     = "drift-renamed"     // an equal one, by another name than the one that was asked for
	driftChanged     = "drift-changed"     // the grant's name, with another account, role or scope; or a role group that differs
)

// AuditAgainst is Audit, and compares what there is with the grants that there should
// be: the outcome is differs where somebody holds the role whom no grant explains, and
// where a grant is gone, disabled, renamed, or has another scope. What Exchange ships
// explains itself: Hygiene Management, and the delegating assignment of Organization
// Management. What a grant accepts is explained, and said to be so.
//
// A grant counts as gone only after a second look, at no particular domain controller.
// One that cannot be compared, because a name of it is not found or may not be read, is
// no drift: the outcome says what stopped the comparison.
//
// The error is as Audit's, or an exchange.ValidationError of a grant.
func AuditAgainst(ctx context.Context, inv exchange.Invoker, grants []exchange.Grant, o Options, yield func(report.Holder) error) (*report.Report, error) {
	for _, g := range grants {
		if err := g.Validate(); err != nil {
			return nil, err
		}
	}
	rows := map[string]report.Holder{} // the first of each assignment
	told, err := Audit(ctx, inv, o, func(h report.Holder) error {
		if _, known := rows[h.GUID]; !known {
			rows[h.GUID] = h
		}
		return yield(h)
	})
	if err != nil {
		return told, err
	}
	d := &drift{inv: inv, o: o, told: told, rows: rows, explained: map[string]bool{}, unread: map[string]bool{}}
	d.o.Progress = func(report.Step) {}
	for i, g := range grants {
		d.o.Beside = slices.Concat(grants[:i], grants[i+1:])
		d.grant(ctx, g)
	}
	d.holders()
	told.FinishedAt = newRun(inv, report.OperationAudit, exchange.Grant{}, o).now()
	return told, told.Err()
}

// A drift is a comparison while it is made.
type drift struct {
	inv       exchange.Invoker
	o         Options
	told      *report.Report
	rows      map[string]report.Holder
	explained map[string]bool // GUIDs of assignments
	unread    map[string]bool // … that a grant may explain which could not be compared
	lost      bool            // a grant could not be compared, and none of the rows shows which is its
}

// grant looks for one grant, and says how it differs.
func (d *drift) grant(ctx context.Context, g exchange.Grant) {
	r, err := d.look(ctx, g)
	if err == nil && !r.inPlace() && (r.compared == nil || r.compared.disabled == nil && r.compared.named == nil) && g.Assignee.Kind != exchange.RoleGroup {
		g.DomainController = ""
		r, err = d.look(ctx, g)
	}
	if err != nil {
		d.failed(g, r)
		return
	}
	d.accept(g)
	name := g.AssignmentName()
	if g.Assignee.Kind == exchange.RoleGroup {
		name = g.Assignee.Identity
		for _, a := range r.report.After.Assignments {
			d.explained[a.GUID] = true
		}
		if !r.inPlace() {
			id := driftChanged
			if len(r.report.After.RoleGroups) == 0 {
				id = driftGone
			}
			d.find(id, report.SeverityWarning, "'"+name+"': "+r.comparedText())
		}
		return
	}
	switch s := r.compared; {
	case s.equal != nil:
		found := s.equal.Text("Name")
		d.explained[s.equal.Text("Guid")] = true
		if g.Name != "" && !strings.EqualFold(found, g.Name) {
			d.find(driftRenamed, report.SeverityWarning, "The grant '"+g.Name+"' is there by the name '"+found+"'.", s.equal.Text("Guid"))
		}
		for _, twin := range s.equals {
			d.explained[twin.Text("Guid")] = true
		}
	case s.disabled != nil:
		d.explained[s.disabled.Text("Guid")] = true
		d.find(driftDisabled, report.SeverityWarning, "The grant '"+s.disabled.Text("Name")+"' is there and disabled.", s.disabled.Text("Guid"))
	case s.named != nil:
		d.explained[s.named.Text("Guid")] = true
		d.find(driftChanged, report.SeveritySecurity, "The name '"+name+"' is there, but "+r.describe(*s.named)+".", s.named.Text("Guid"))
	default:
		d.find(driftGone, report.SeverityWarning, "The grant '"+name+"' is not there: "+r.comparedText())
	}
}

// look verifies one grant by reading alone; its mailboxes are not asked about.
func (d *drift) look(ctx context.Context, g exchange.Grant) (*run, error) {
	g.InScope, g.OutOfScope, g.Mailbox = nil, nil, ""
	r := newRun(d.inv, report.OperationVerify, g, d.o)
	err := r.verify(ctx)
	r.finish(ctx, err)
	return r, err
}

// inPlace tells whether the comparison found the grant as it should be.
func (r *run) inPlace() bool {
	if r.compared != nil {
		return r.compared.equal != nil
	}
	return r.asWanted
}

// comparedText is what the comparison said.
func (r *run) comparedText() string {
	for _, s := range r.report.Steps {
		if s.ID == report.StepReadAssignments {
			return s.Text
		}
	}
	return ""
}

// failed says of a grant that it could not be compared; the audit ends as that did.
func (d *drift) failed(g exchange.Grant, r *run) {
	if errors.Is(r.ended, context.Canceled) || d.told.Outcome == report.Audited || d.told.Outcome == report.Differs {
		d.told.Outcome = r.report.Outcome
	}
	step := report.Step{ID: report.StepReadAssignments, Status: report.StatusFailed,
		Text: fmt.Sprintf("The grant '%s' could not be compared: %s", g.AssignmentName(), r.report.Reason())}
	for _, s := range r.report.Steps {
		if s.Fault != nil {
			step.Fault = s.Fault
		}
	}
	d.told.Steps = append(d.told.Steps, step)
	d.leaveOut(g)
}

// leaveOut notes the rows that a grant may explain which could not be compared: what
// cannot be read is no drift.
func (d *drift) leaveOut(g exchange.Grant) {
	who, found := exchange.LastPart(g.Assignee.Identity), false
	for guid, h := range d.rows {
		holder := cmp.Or(h.Via, h.Holder)
		if strings.EqualFold(h.Assignment, g.AssignmentName()) || strings.EqualFold(holder, who) {
			d.unread[guid], found = true, true
		}
	}
	d.lost = d.lost || !found
}

// accept explains what a grant accepts.
func (d *drift) accept(g exchange.Grant) {
	for guid, h := range d.rows {
		if slices.ContainsFunc(g.Accept, func(known string) bool {
			return strings.EqualFold(known, guid) || strings.EqualFold(known, h.Assignment)
		}) {
			d.explained[guid] = true
		}
	}
}

// holders says who holds the role though no grant explains it.
func (d *drift) holders() {
	for _, guid := range sortedKeys(d.rows) {
		h := d.rows[guid]
		switch {
		case d.explained[guid] || isShipped(h):
		case d.unread[guid] || d.lost:
			d.told.Findings = append(d.told.Findings, report.Finding{ID: "not-compared", Severity: report.SeverityWarning, Objects: []string{guid},
				Text: "Whether the file explains '" + h.Assignment + "' of " + cmp.Or(h.Via, h.Holder) + " cannot be said: a grant of the file could not be compared."})
		case !h.Enabled:
			d.told.Findings = append(d.told.Findings, report.Finding{ID: "disabled-leftover", Severity: report.SeverityInfo, Objects: []string{guid},
				Text: "'" + h.Assignment + "' is disabled, and no grant of the file explains it."})
		default:
			d.find(driftUnexplained, report.SeveritySecurity, unexplainedText(h), guid)
		}
	}
}

func unexplainedText(h report.Holder) string {
	holder := h.Holder
	if h.Via != "" {
		holder = "the members of " + h.Via
	}
	what := "lets " + holder + " act for mailboxes: " + h.Scope.Text
	switch {
	case h.Unresolved:
		what = "is made to an account that cannot be resolved"
	case h.Delegation != "Regular":
		what = "lets " + holder + " hand the role on"
	}
	return "'" + h.Assignment + "' " + what + ". No grant of the file explains it. To remove it: exgrant revoke --guid " + h.GUID
}

// isShipped tells whether a row is one of those that Exchange makes itself.
func isShipped(h report.Holder) bool {
	isOf := func(group string) bool {
		return strings.EqualFold(h.Via, group) || h.Via == "" && strings.EqualFold(h.Holder, group)
	}
	if h.Role != exchange.Role || h.Scope.Kind != exchange.WholeOrganization {
		return false
	}
	return h.Delegation == "Regular" && isOf(hygieneManagement) || h.Delegation != "Regular" && isOf("Organization Management")
}

func sortedKeys(rows map[string]report.Holder) []string {
	keys := make([]string, 0, len(rows))
	for guid := range rows {
		keys = append(keys, guid)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if c := strings.Compare(rows[a].Assignment, rows[b].Assignment); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return keys
}

// find notes a difference, which decides.
func (d *drift) find(id, severity, text string, objects ...string) {
	d.told.Findings = append(d.told.Findings, report.Finding{ID: id, Severity: severity, Text: text, Objects: objects, Decides: true})
	if d.told.Outcome == report.Audited {
		d.told.Outcome = report.Differs
	}
}
