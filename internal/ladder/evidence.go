package ladder

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

// unknownAccess stands in a row where an answer shows neither.
const unknownAccess = "unknown"

// recent is how young a change of a role assignment may be for servers not to know
// it: they keep what an account may do, and domain controllers replicate.
const recent = 2 * time.Hour

// tell puts what was seen together: the rows, why they differ, how it ended.
func (c *climb) tell(ctx context.Context) {
	r := c.seen.Report
	c.weigh()
	r.Steps = append(r.Steps, c.steps...)
	for _, t := range c.trials {
		if t.tries > 0 {
			c.tellTrial(t)
		}
	}
	if c.waited {
		c.tellWait()
	}
	r.Outcome = c.outcome(ctx)
}

// tellTrial puts what Exchange Web Services say beside what the role assignments say.
func (c *climb) tellTrial(t trial) {
	r := c.seen.Report
	i := slices.IndexFunc(r.Proof, func(p report.Proof) bool { return p.Mailbox == t.mailbox && p.Expected == t.expected })
	if i < 0 {
		i = len(r.Proof)
		r.Proof = append(r.Proof, report.Proof{Mailbox: t.mailbox, Expected: t.expected})
	}
	row := &r.Proof[i]
	row.EWS = t.rung.Access
	if row.EWS == "" {
		row.EWS = unknownAccess
	}
	if code := t.rung.Answer.Code; code != "NoError" {
		row.EWSCode = code
	}
	row.Diagnosis = c.diagnosis(*row, t)
	if row.Expected == ews.Refused && row.EWS == ews.Allowed {
		text := t.mailbox + " should be out of reach, and Exchange Web Services let the account act for it."
		if row.Diagnosis != "" {
			text += " " + row.Diagnosis
		}
		finding := report.Finding{ID: "out-of-scope-reached", Severity: report.SeveritySecurity, Text: text}
		if m := c.reached(t.mailbox); m != nil {
			for _, by := range m.By {
				finding.Objects = append(finding.Objects, by.GUID)
			}
		}
		r.Findings = append(r.Findings, finding)
	}
}

// diagnosis says why a row is not as it should be, or why its two answers differ,
// from what is known: "" when everything is well, or nothing more is known than the
// rung says.
func (c *climb) diagnosis(row report.Proof, t trial) string {
	m := c.reached(t.mailbox)
	switch {
	case row.EWS == row.Expected && (row.RBAC == "" || row.RBAC == row.Expected):
		return ""
	case m != nil && m.InCloud():
		return "The mailbox is in Exchange Online (" + m.Kind + "): role assignments of this organization do not reach it there."
	case row.EWS == unknownAccess:
		return "Exchange Web Services do not show whether it is in reach: " + t.rung.Means + "."
	case row.RBAC == ews.Allowed && row.EWS == ews.Refused:
		return c.notYet(m)
	case row.RBAC == ews.Refused && row.EWS == ews.Allowed:
		return "No role assignment reaches it now, and the server still lets the account act for it: it keeps what an account may do for a " +
			"while, or asks a domain controller that is late. If that stays, the account that logs on is not the one that was looked up."
	case row.RBAC == ews.Allowed && row.Expected == ews.Refused:
		return assignmentNames(m.By) + " reaches it: the scope that is meant to keep it out means nothing while that stands."
	case row.RBAC == ews.Refused && row.Expected == ews.Allowed:
		return "No role assignment reaches it: the mailbox is not in the scope, the grant is not there, or the domain controller that was asked " +
			"does not have it yet (--wait)."
	}
	return ""
}

// notYet says why a server refuses what the role assignments give.
func (c *climb) notYet(m *grant.Reached) string {
	text := assignmentNames(m.By) + " gives it, and the server refuses: "
	var causes []string
	for _, by := range m.By {
		if age := c.Now().Sub(by.Changed); !by.Changed.IsZero() && age < recent {
			causes = append(causes, fmt.Sprintf("'%s' was changed %v ago, which domain controllers and the server's own cache may not know yet (--wait)",
				by.Name, max(age, 0).Truncate(time.Second)))
		}
	}
	if len(c.seen.Reach.Exclusive) > 0 {
		causes = append(causes, "the exclusive scope '"+strings.Join(c.seen.Reach.Exclusive, "', '")+"' may keep the mailbox for others")
	}
	if len(causes) == 0 {
		return text + "it asks a domain controller that is late, or it acts for another account than the one that was looked up. Nothing " +
			"else that is known explains it."
	}
	return text + strings.Join(causes, "; or ") + "."
}

// tellWait says how long it took, or that it did not come.
func (c *climb) tellWait() {
	finding := report.Finding{ID: "took-effect", Severity: report.SeverityInfo,
		Text: fmt.Sprintf("Everything is in effect since %v after the first look.", c.took.Truncate(time.Second))}
	if c.isPending() {
		finding = report.Finding{ID: "not-in-effect", Severity: report.SeverityWarning,
			Text: fmt.Sprintf("Not in effect after %v: %s.", c.Now().Sub(c.begun).Truncate(time.Second), c.pendingText())}
	}
	c.seen.Report.Findings = append(c.seen.Report.Findings, finding)
}

// weigh makes a warning of what went wrong before the mailboxes, where those were
// reached or refused as they are for nobody who is kept out: what was proved counts.
func (c *climb) weigh() {
	if !slices.ContainsFunc(c.trials, func(t trial) bool { return t.rung.Access != "" }) {
		return
	}
	for i := range c.steps {
		s := &c.steps[i]
		if s.Status != report.StatusFailed || s.Rung.Level > int(ews.LevelLogOn) {
			continue
		}
		s.Status, s.Rung.Verdict = report.StatusUnchanged, string(ews.Unknown)
		c.seen.Report.Findings = append(c.seen.Report.Findings, report.Finding{ID: "odd-answer", Severity: report.SeverityWarning,
			Text: fmt.Sprintf("Requests for mailboxes are answered, and still the server is not as it should be at %d %s: %s", s.Rung.Level, s.Rung.Name, s.Text)})
	}
}

// isBlocked reports whether Exchange Web Services answered that this client may not
// come in (EwsApplicationAccessPolicy, a rule of the web server), where nothing shows
// otherwise.
func (c *climb) isBlocked() bool {
	forbidden := func(r ews.Rung) bool { return r.Fault != nil && r.Answer.Status == http.StatusForbidden }
	return !slices.ContainsFunc(c.trials, func(t trial) bool { return t.rung.Access != "" }) &&
		(forbidden(c.endpoint) || forbidden(c.logOn) || slices.ContainsFunc(c.trials, func(t trial) bool { return forbidden(t.rung) }))
}

// outcome is how the whole ended: as the look did where that did not end well.
func (c *climb) outcome(ctx context.Context) report.Outcome {
	r := c.seen.Report
	switch {
	case ctx.Err() != nil:
		return report.Interrupted
	case r.Outcome.ExitCode() != 0 && r.Outcome != report.Differs:
		return r.Outcome
	}
	if c.isBlocked() {
		return report.Blocked
	}
	isWrong := func(s report.Step) bool { return s.Status == report.StatusFailed }
	for _, s := range c.steps {
		if !isWrong(s) || s.Rung.Level > int(ews.LevelLogOn) || s.Fault == nil {
			continue
		}
		switch s.Fault.ID {
		case fault.ConnectAuth:
			return report.Denied
		case fault.ConnectNetwork, fault.ConnectTLS, fault.ConnectHTTP, fault.ConnectQuota:
			return report.Unreachable
		}
	}
	if slices.ContainsFunc(c.steps, isWrong) {
		return report.Differs
	}
	if c.asksEWS() && c.prober == nil {
		return report.Unreachable
	}
	return r.Outcome
}
