package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// several is what a run over several grants leaves.
func several() []*report.Report {
	refused := sampleReport()
	refused.Grant.Name, refused.Operation, refused.Outcome, refused.Changed, refused.Inverse = "Other", report.OperationVerify, report.Differs, false, nil
	refused.Before, refused.After = nil, nil
	refused.Steps = []report.Step{{ID: report.StepCustomize, Status: report.StatusChanged, Irreversible: true, Command: "Enable-OrganizationCustomization -Confirm:$false"}, {ID: report.StepPreflight, Status: report.StatusFailed, DurationMS: 1234,
		Fault: &fault.Fault{ID: "access_denied", Message: "Access denied", Hint: "Ask.", Source: "javascript:alert(1)"}}}
	waiting := exchange.Grant{Name: "Third", Assignee: exchange.NewUser("svc"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}
	return []*report.Report{sampleReport(), refused, PlanReport(samplePlan(), report.Planned),
		NotBegun(report.OperationGrant, waiting, refused.FinishedAt)}
}

func junit(t testing.TB, reports ...*report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, reports); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parseJUnit(t testing.TB, text string) junitDocument {
	t.Helper()
	var doc junitDocument
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return doc
}

func TestJUnit(t *testing.T) {
	golden(t, "report.junit.xml", junit(t, sampleReport()))
	golden(t, "several.junit.xml", junit(t, several()...))
	golden(t, "diagnosis.junit.xml", junit(t, sampleDiagnosis()))
	golden(t, "none.junit.xml", junit(t))
}

// A suite is green exactly when the program exits with 0; otherwise each reason is a
// failure of its own, beside that of the outcome.
func TestJUnitVerdict(t *testing.T) {
	for _, o := range report.Outcomes() {
		r := sampleReport()
		r.Outcome = o
		failures := parseJUnit(t, junit(t, r)).Suites[0].Failures
		if (failures == 0) != (o.ExitCode() == 0) {
			t.Errorf("%s: %d failures", o, failures)
		}
	}
	for name, change := range map[string]func(*report.Report){
		"out of scope and reachable": func(r *report.Report) { r.Proof[0].Expected = "refused" },
		"in scope and refused":       func(r *report.Report) { r.Proof[0].EWS = "refused" },
		"security finding":           func(r *report.Report) { r.Findings[0].Severity = report.SeveritySecurity },
		"finding that decides":       func(r *report.Report) { r.Findings[0].Decides = true },
		"a try that stayed the last": func(r *report.Report) { r.Steps = r.Steps[:2] },
	} {
		r := sampleReport()
		r.Findings, r.Proof = r.Findings[:1], r.Proof[:1]
		r.Outcome = report.Differs
		if n := parseJUnit(t, junit(t, r)).Suites[0].Failures; n != 1 {
			t.Fatalf("%d failures to begin with", n)
		}
		change(r)
		if n := parseJUnit(t, junit(t, r)).Suites[0].Failures; n != 2 {
			t.Errorf("%s: %d failures, want 2", name, n)
		}
		r.Outcome = report.Granted
		if n := parseJUnit(t, junit(t, r)).Suites[0].Failures; n != 0 {
			t.Errorf("%s: %d failures of what ended well", name, n)
		}
	}
}

// Whatever a server says, the document stays one: it parses, and holds to the
// schema.
func TestJUnitOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"]]>", "<&>\"'", "\x00\x1b[31m\x7f", "\ufffe\uffff", "\xff\xfe", "a\u202eb\u2028c", "", " ", "&#0;", "<?xml?>", "<!DOCTYPE x>", "x\ty\r\nz",
		})).Draw(t, "text")
		r := sampleReport()
		r.Grant.Name, r.Operator, r.Target.Server = text, text, text
		r.Steps[1].Text, r.Steps[1].Command, r.Steps[1].Status, r.Steps[1].Fault.Message = text, text, report.StatusFailed, text
		r.Steps[1].Fault.ID, r.Steps[1].Fault.Hint, r.Steps[2].Attempt = text, text, 1
		r.Findings[1].Text, r.Findings[1].ID, r.Proof[1].Mailbox, r.Proof[1].EWSCode = text, text, text, text
		var b bytes.Buffer
		if err := JUnit(&b, []*report.Report{r, r}); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(b.Bytes()) {
			t.Fatal("not UTF-8")
		}
		var doc junitDocument
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if problems := antProblems(doc); len(problems) > 0 {
			t.Fatalf("%q\n%s", problems, b.String())
		}
	})
}

var (
	antTime    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`)
	antDecimal = regexp.MustCompile(`^\d+\.\d+$`)
)

// antProblems holds a document to what the schema of Ant's JUnitReport asks for
// beyond the elements' order.
func antProblems(doc junitDocument) []string {
	var problems []string
	ask := func(ok bool, what string) {
		if !ok {
			problems = append(problems, what)
		}
	}
	for i, s := range doc.Suites {
		ask(s.ID == i, "id")
		ask(s.Name != "" && s.Hostname != "" && s.Package != "", "an empty name")
		ask(antTime.MatchString(s.Timestamp), "timestamp "+s.Timestamp)
		ask(antDecimal.MatchString(s.Time), "time "+s.Time)
		failures, skipped, names := 0, 0, map[string]bool{}
		for _, c := range s.Cases {
			ask(c.Name != "" && c.Class != "", "a case without name")
			ask(antDecimal.MatchString(c.Time), "time "+c.Time)
			ask(c.Skipped == nil || c.Failure == nil, c.Name+" is both")
			ask(!names[c.Name], c.Name+" is there twice")
			names[c.Name] = true
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		ask(s.Tests == len(s.Cases) && s.Failures == failures && s.Skipped == skipped && s.Errors == 0, "a count")
		for _, p := range s.Properties.List {
			ask(p.Name != "", "a property without name")
		}
	}
	return problems
}

// junitparser is a reader that we did not write.
func TestJUnitReadByAnother(t *testing.T) {
	python := peers.Python(t, "junitparser")
	cmd := exec.Command(python, "-c", `
import json, sys
from junitparser import JUnitXml, Failure, Skipped
doc = JUnitXml.fromstring(sys.stdin.buffer.read())
out = []
for suite in doc:
    for case in suite:
        kinds = ["failure" if isinstance(r, Failure) else "skipped" if isinstance(r, Skipped) else "?" for r in case.result]
        out.append([suite.name, case.classname, case.name, ",".join(kinds)] + [r.message for r in case.result])
json.dump({"cases": out, "counts": [[s.tests, s.failures, s.errors, s.skipped] for s in doc]}, sys.stdout)
`)
	cmd.Stdin = strings.NewReader(junit(t, several()...))
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Cases  [][]string
		Counts [][]int
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	doc := parseJUnit(t, junit(t, several()...))
	n := 0
	for i, s := range doc.Suites {
		if got := read.Counts[i]; got[0] != s.Tests || got[1] != s.Failures || got[2] != s.Errors || got[3] != s.Skipped {
			t.Errorf("%s: %v", s.Name, got)
		}
		for _, c := range s.Cases {
			want := []string{s.Name, c.Class, c.Name, ""}
			if c.Failure != nil {
				want = append(append([]string{}, s.Name, c.Class, c.Name, "failure"), c.Failure.Message)
			}
			if c.Skipped != nil {
				want = append(append([]string{}, s.Name, c.Class, c.Name, "skipped"), c.Skipped.Message)
			}
			if got := strings.Join(read.Cases[n], "|"); got != strings.Join(want, "|") {
				t.Errorf("read %s, want %q", got, want)
			}
			n++
		}
	}
	if n != len(read.Cases) {
		t.Errorf("%d cases read, %d written", len(read.Cases), n)
	}
}

func TestJUnitTimes(t *testing.T) {
	r := sampleReport()
	r.FinishedAt = r.StartedAt.Add(-time.Second) // a clock that went back
	r.Steps[0].DurationMS = 61_005
	s := parseJUnit(t, junit(t, r)).Suites[0]
	if s.Time != "0.000" || s.Cases[1].Time != "61.005" || s.Timestamp != "2026-11-24T09:00:00" {
		t.Errorf("%s, %s, %s", s.Time, s.Cases[1].Time, s.Timestamp)
	}
}
