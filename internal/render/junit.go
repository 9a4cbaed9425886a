package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// JUnit writes reports as one JUnit XML document, as CI servers and monitoring
// read it: a suite for each report, a test case for its outcome and for each step,
// finding and mailbox of the proof.
//
// A suite has a failure exactly where the program exits with something else than 0:
// its outcome, and each step, mailbox and finding that decided it. What is worth a
// warning and decided nothing is a case that passes; its text stands in system-out. A
// failed try that a later one made good is skipped, as is what was left
// out. Names of test cases are the same in every run, so that their history can be
// followed; what a person reads stands in system-out.
//
// The document is valid against the schema of Ant's JUnitReport and, with it,
// against Jenkins's junit-10.
func JUnit(w io.Writer, reports []*report.Report) error {
	var doc junitDocument
	for i, r := range reports {
		suite, err := newJUnitSuite(i, r)
		if err != nil {
			return err
		}
		doc.Suites = append(doc.Suites, suite)
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

// The elements, in the order that Ant's schema demands.
type (
	junitDocument struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		ID         int             `xml:"id,attr"`
		Package    string          `xml:"package,attr"`
		Name       string          `xml:"name,attr"`
		Hostname   string          `xml:"hostname,attr"`
		Timestamp  string          `xml:"timestamp,attr"` // UTC; the schema allows no zone
		Time       string          `xml:"time,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Properties junitProperties `xml:"properties"`
		Cases      []junitCase     `xml:"testcase"`
		SystemOut  junitLines      `xml:"system-out"`
		SystemErr  junitLines      `xml:"system-err"`
	}
	junitProperties struct {
		List []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitSkipped `xml:"skipped"`
		Failure *junitFailure `xml:"failure"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Lines   string `xml:",innerxml"`
	}
	junitLines struct {
		Lines string `xml:",innerxml"`
	}
)

// junitEscaped is text as content: its line ends stay as they are, so that the
// document itself can be read.
func junitEscaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return strings.ReplaceAll(b.String(), "&#xA;", "\n")
}

func newJUnitSuite(id int, r *report.Report) (junitSuite, error) {
	var text bytes.Buffer
	if err := Report(&text, r, Style{}); err != nil {
		return junitSuite{}, err
	}
	s := junitSuite{
		ID: id, Package: "exgrant." + r.Operation, Name: grantName(r), Hostname: visible(r.Target.Server),
		Timestamp:  r.StartedAt.UTC().Format("2006-01-02T15:04:05"),
		Time:       junitSeconds(r.FinishedAt.Sub(r.StartedAt).Milliseconds()),
		Properties: junitProperties{properties(r)}, SystemOut: junitLines{junitEscaped(text.String())},
	}
	if s.Name == "" {
		s.Name = r.Operation
	}
	if s.Hostname == "" {
		s.Hostname = "localhost" // as the schema says, where the name is not known
	}
	s.add(outcomeCase(r))
	for i, step := range r.Steps {
		s.add(decided(r, stepCase(r.Steps, i, step)))
	}
	for _, row := range r.Proof {
		s.add(decided(r, proofCase(row)))
	}
	for _, f := range r.Findings {
		s.add(decided(r, findingCase(f)))
	}
	return s, nil
}

// decided is a case of a report: where the program exits with 0, what would have failed
// is something to know, which the text of the suite tells.
func decided(r *report.Report, c junitCase) junitCase {
	if r.Outcome.ExitCode() != 0 || c.Failure == nil {
		return c
	}
	c.Failure = nil
	return c
}

// add numbers cases of the same name, since a name stands for one case.
func (s *junitSuite) add(c junitCase) {
	name, n := c.Name, 1
	for _, other := range s.Cases {
		if other.Name == c.Name {
			n++
			c.Name = fmt.Sprintf("%s (%d)", name, n)
		}
	}
	c.Class = s.Package + "." + s.Name
	if c.Time == "" {
		c.Time = junitSeconds(0)
	}
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func junitSeconds(ms int64) string { return fmt.Sprintf("%d.%03d", max(ms, 0)/1000, max(ms, 0)%1000) }

func properties(r *report.Report) []junitProperty {
	var list []junitProperty
	for _, p := range []junitProperty{
		{"outcome", string(r.Outcome)}, {"operator", r.Operator}, {"tool", r.Tool}, {"server", r.Target.Server},
		{"ews", r.Target.EWS}, {"account", r.Account}, {"transport", r.Target.Transport}, {"build", r.Target.Build}, {"domainController", r.Target.DomainController},
	} {
		if p.Value != "" {
			list = append(list, junitProperty{p.Name, visible(p.Value)})
		}
	}
	return list
}

// outcomeCase fails when the program does not exit with 0.
func outcomeCase(r *report.Report) junitCase {
	c := junitCase{Name: "outcome"}
	message := visible(fmt.Sprintf("%s: %s", r.Outcome, outcomeText(r)))
	switch {
	case r.Outcome == notBegun:
		c.Skipped = &junitSkipped{message}
	case r.Outcome.ExitCode() != 0:
		c.Failure = &junitFailure{Type: string(r.Outcome), Message: message}
	}
	return c
}

func stepCase(steps []report.Step, i int, s report.Step) junitCase {
	c := junitCase{Name: "step " + s.ID, Time: junitSeconds(s.DurationMS)}
	if s.Rung != nil {
		c.Name = "step " + visible(rungName(s.Rung))
	} else if s.Attempt > 0 {
		c.Name += fmt.Sprintf(", attempt %d", s.Attempt)
	}
	text := visible(stepText(s))
	switch {
	case s.Status == report.StatusSkipped:
		c.Skipped = &junitSkipped{text}
	case overtaken(steps, i):
		c.Skipped = &junitSkipped{"tried again, and then it worked: " + text}
	case s.Status == report.StatusFailed:
		c.Failure = &junitFailure{Type: report.StatusFailed, Message: text}
		if s.Fault != nil {
			c.Failure.Type = s.Fault.ID
		}
		if s.Rung != nil && s.Rung.Verdict == report.SeveritySecurity {
			c.Failure.Type = report.SeveritySecurity
		}
		c.Failure.Lines = junitEscaped(failureText(s))
	}
	return c
}

// failureText is what stands below the message of a failed step.
func failureText(s report.Step) string {
	var lines []string
	line := func(lead, text string) {
		if text != "" {
			lines = append(lines, lead+visible(text))
		}
	}
	if s.Command != "" {
		lines = append(lines, "command: "+graphic(s.Command))
	}
	if r := s.Rung; r != nil {
		line("tried: ", r.Tried)
		line("saw: ", r.Saw)
		line("means: ", r.Means)
		line("do: ", r.Do)
		if s.Fault != nil {
			line("see: ", s.Fault.Source)
		}
	} else if f := s.Fault; f != nil {
		line("said: ", f.Message)
		line("means: ", f.ID+": "+fault.Meaning(f.ID))
		line("do: ", f.Hint)
		line("see: ", f.Source)
	}
	return strings.Join(lines, "\n")
}

func proofCase(row report.Proof) junitCase {
	c := junitCase{Name: "proof " + visible(row.Mailbox)}
	switch {
	case row.RBAC == "" && row.EWS == "":
		c.Skipped = &junitSkipped{"expected " + visible(row.Expected) + ", and nobody was asked"}
	case !asExpected(row):
		c.Failure = &junitFailure{Type: report.StatusFailed, Message: visible(proofText(row))}
		if row.Expected == "refused" && (row.RBAC == "allowed" || row.EWS == "allowed") {
			c.Failure.Type = report.SeveritySecurity
		} else if row.EWSCode != "" {
			c.Failure.Type = visible(row.EWSCode)
		}
		c.Failure.Lines = junitEscaped(visible(row.Diagnosis))
	}
	return c
}

func findingCase(f report.Finding) junitCase {
	c := junitCase{Name: "finding " + visible(f.ID)}
	if f.Severity == report.SeveritySecurity || f.Decides {
		c.Failure = &junitFailure{Type: f.Severity, Message: visible(f.Text)}
		if len(f.Objects) > 0 {
			c.Failure.Lines = junitEscaped("objects: " + visible(strings.Join(f.Objects, ", ")))
		}
	}
	return c
}
