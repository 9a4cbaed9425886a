package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/report"
)

// A takeback is the taking back of the grants of one file, in order. What one of them
// leaves may be what a later one gives, so that nothing is shown before that is known.
type takeback struct {
	o        *operation
	reports  []*report.Report
	journals []*journal
}

// add takes the report of the next grant, and shows all of them where it is the last, or
// where it did not come to its end: what stands there stops the others.
func (t *takeback) add(r *report.Report, j *journal, isLast bool) error {
	j.keep(r)
	t.reports, t.journals = append(t.reports, r), append(t.journals, j)
	isDone := r.Outcome.ExitCode() == exitDone || r.Outcome == report.StillEffective || r.Outcome == report.NotRevoked
	if isDone && !isLast {
		return nil
	}
	err := t.show()
	if !isDone {
		t.o.ended = outcomeError{r.Outcome} // which counts more than what one before it left
	}
	return err
}

// show settles what was left by each grant, and prints and writes the reports.
func (t *takeback) show() error {
	var errs []error
	for i, r := range t.reports {
		settle(r, t.reports[i+1:])
		errs = append(errs, t.journals[i].end(r), t.o.result(r))
	}
	t.reports, t.journals = nil, nil
	return errors.Join(errs...)
}

// settle takes out of a report the access that a later grant of the same file gave and
// that is taken back with it.
func settle(r *report.Report, later []*report.Report) {
	left := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.ID != "access-left":
		case slices.ContainsFunc(f.Objects, func(guid string) bool { return isTakenBack(guid, later) }):
			name, _, _ := strings.Cut(f.Text, " still gives")
			*f = report.Finding{ID: "taken-back", Severity: report.SeverityInfo, Text: name + " is another grant of the same file, and was taken back after this one.", Objects: f.Objects}
		default:
			left++
		}
	}
	without := map[report.Outcome]report.Outcome{report.StillEffective: report.Revoked, report.NotRevoked: report.NothingToRevoke}[r.Outcome]
	if left > 0 || without == "" {
		return
	}
	r.Outcome = without
	for i := range r.Steps {
		if s := &r.Steps[i]; s.ID == report.StepReadBack {
			s.Text = "No access is left: what was left then is taken back with the later grants of the file."
		}
	}
}

// isTakenBack tells whether one of the reports removed an assignment.
func isTakenBack(guid string, reports []*report.Report) bool {
	return slices.ContainsFunc(reports, func(r *report.Report) bool {
		return slices.ContainsFunc(r.Steps, func(s report.Step) bool {
			return s.ID == report.StepRemove && s.Status == report.StatusChanged && strings.HasPrefix(s.Command, "Remove-ManagementRoleAssignment ") && strings.Contains(s.Command, guid)
		})
	})
}
