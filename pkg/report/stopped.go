package report

import "fmt"

// Stopped is the error of an operation that came to an end which is not what was asked
// for: a conflict, a name that was not found, a difference, a refusal. The organization
// answered, or could not be reached; Report says what was found, and what was changed
// before.
type Stopped struct{ Report *Report }

// Error is the outcome, and what the step says that decided it.
func (s *Stopped) Error() string {
	if why := s.Report.Reason(); why != "" {
		return fmt.Sprintf("%s: %s", s.Report.Outcome, why)
	}
	return string(s.Report.Outcome)
}

// Err returns nil when the operation ended as it was asked for, with exit code 0, and
// else a *Stopped with the report in it.
func (r *Report) Err() error {
	if r.Outcome.ExitCode() == 0 {
		return nil
	}
	return &Stopped{r}
}

// Reason is what the last step that failed says, with the server's own words where it
// has none; "" where no step failed.
func (r *Report) Reason() string {
	why := ""
	for _, s := range r.Steps {
		switch {
		case s.Status != StatusFailed:
		case s.Fault != nil && s.Fault.Message != "":
			why = s.Fault.Message
		default:
			why = s.Text
		}
	}
	return why
}
