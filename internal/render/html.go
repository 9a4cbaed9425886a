package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

var (
	//go:embed html.tmpl
	htmlTemplate string
	//go:embed html.css
	htmlStyle string
)

// HTML writes reports as one page that needs nothing else: no script, no network,
// no font. It is for reading at a screen, light or dark, for printing, and for
// attaching to a change request. What comes from a server or a person is text in
// it and nothing more; the page's own policy (CSP) forbids everything but its own
// style.
func HTML(w io.Writer, reports []*report.Report) error {
	t, err := template.New("page").Funcs(template.FuncMap{"show": visible, "heading": newHeading}).Parse(htmlTemplate)
	if err != nil {
		return err
	}
	// Whole or not at all: half a page would look like a whole one.
	var b bytes.Buffer
	if err := t.Execute(&b, newHTMLPage(reports)); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// The page as its template takes it.
type (
	htmlPage struct {
		Title   string
		Policy  string // the content security policy
		Style   template.CSS
		Several bool
		Summary string // of several
		Parts   []htmlPart
		Tool    string
	}
	htmlPart struct {
		Anchor   string
		Name     string
		Wish     string
		Cause    string // why it did not end well
		Next     string // the command to type next
		Outcome  string
		Meaning  string
		Tone     tone
		Facts    []htmlFact
		Proof    []htmlProof
		Holders  []report.Holder
		Findings []htmlFinding
		Steps    []htmlStep
		States   []htmlState
		Undo     []string
		UndoText string
		Record   string
	}
	htmlFact  struct{ Name, Value string }
	htmlProof struct {
		Mailbox, Expected, RBAC, EWS, Verdict, Diagnosis string
		Tone                                             tone
	}
	htmlFinding struct {
		ID, Severity, Text string
		Objects            []string
		Tone               tone
	}
	htmlStep struct {
		ID, Status, Text, Command, GUID, Took string
		Irreversible                          bool
		Tone                                  tone
		Fault                                 []htmlFact
		Source                                string // where to read on
		Link                                  bool   // the source is an address of the web
	}
	// htmlState is an object as it was and as it is.
	htmlState struct{ Name, GUID, Before, After string }
	// htmlHeading is a heading within a part: one level deeper where parts have
	// headings of their own.
	htmlHeading struct {
		Deep     bool
		ID, Text string
	}
)

// A tone is how good news is, beside the word that says it.
type tone string

const (
	toneGood  tone = "good"
	toneQuiet tone = "quiet"
	toneWarn  tone = "warn"
	toneBad   tone = "bad"
)

func newHeading(several bool, anchor, name, text string) htmlHeading {
	return htmlHeading{several, anchor + "-" + name, text}
}

func newHTMLPage(reports []*report.Report) htmlPage {
	sum := sha256.Sum256([]byte(htmlStyle))
	p := htmlPage{
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'",
		Style: template.CSS(htmlStyle), Several: len(reports) != 1,
	}
	for i, r := range reports {
		p.Parts = append(p.Parts, newHTMLPart(fmt.Sprintf("part-%d", i+1), r))
		if r.Tool != "" {
			p.Tool = r.Tool
		}
	}
	p.Title = "exgrant"
	if p.Several {
		p.Summary = summary(reports)
		p.Title = p.Summary
	} else {
		part := p.Parts[0]
		p.Title = part.Outcome + ": " + part.Name
	}
	return p
}

// summary counts how several ended: "3 grants: 2 granted, 1 failed".
func summary(reports []*report.Report) string {
	var order []report.Outcome
	n := map[report.Outcome]int{}
	for _, r := range reports {
		if n[r.Outcome] == 0 {
			order = append(order, r.Outcome)
		}
		n[r.Outcome]++
	}
	var parts []string
	for _, o := range order {
		parts = append(parts, fmt.Sprintf("%d %s", n[o], o))
	}
	return count(len(reports), "grant", "grants") + ": " + strings.Join(parts, ", ")
}

func newHTMLPart(anchor string, r *report.Report) htmlPart {
	p := htmlPart{
		Anchor: anchor, Name: grantName(r), Outcome: string(r.Outcome), Meaning: visible(outcomeText(r)),
		Tone: outcomeTone(r.Outcome), Facts: facts(r), States: states(r),
	}
	if p.Name == "" {
		p.Name = r.Operation
	}
	p.Wish, p.Cause, p.Next = p.Name, cause(r), r.Next
	if r.Account != "" {
		p.Wish = accountText(r)
	}
	if r.Grant != nil && r.Grant.Name != "" {
		p.Wish = describeGrant(r.Grant)
	}
	p.Holders = r.Holders
	for _, row := range r.Proof {
		p.Proof = append(p.Proof, newHTMLProof(row))
	}
	for _, f := range bySeverity(r.Findings) {
		p.Findings = append(p.Findings, htmlFinding{f.ID, f.Severity, f.Text, f.Objects, severityTones[f.Severity]})
	}
	for _, s := range r.Steps {
		p.Steps = append(p.Steps, newHTMLStep(s))
	}
	for _, v := range r.Inverse {
		p.Undo, p.UndoText = append(p.Undo, graphic(inverseLine(v))), undoText
	}
	if r.Changed {
		p.Record = recordText(r)
	}
	return p
}

func outcomeTone(o report.Outcome) tone {
	switch o.ExitCode() {
	case 0:
		return toneGood
	case 3:
		return toneWarn
	}
	if o == notBegun {
		return toneQuiet
	}
	return toneBad
}

var severityTones = map[string]tone{
	report.SeverityInfo: toneQuiet, report.SeverityWarning: toneWarn, report.SeveritySecurity: toneBad,
}

// bySeverity puts first what is worst.
func bySeverity(findings []report.Finding) []report.Finding {
	order := []string{report.SeveritySecurity, report.SeverityWarning, report.SeverityInfo}
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b report.Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	return sorted
}

// facts are what was asked, of whom, by whom and when.
func facts(r *report.Report) []htmlFact {
	var list []htmlFact
	fact := func(name, value string) {
		if value != "" {
			list = append(list, htmlFact{name, value})
		}
	}
	fact("Operation", r.Operation)
	if g := r.Grant; g != nil {
		fact("Grant", g.Name)
		fact("Role", g.Role)
		fact("For", describeAssignee(g.Assignee))
		fact("Members", strings.Join(g.Assignee.Members, ", "))
		if g.Scope.Kind != "" {
			fact("Over", describeScope(g.Scope))
		}
		fact("Filter", g.Scope.Filter)
		fact("Mailbox", g.Mailbox)
	}
	fact("Server", describeTarget(r.Target))
	fact("Transport", r.Target.Transport)
	fact("Operator", r.Operator)
	if r.Operation == report.OperationAudit {
		fact("Asked about", r.Account)
	} else {
		fact("Acting as", r.Account)
	}
	if !r.StartedAt.IsZero() {
		fact("When", shownTime(r.StartedAt)+took(r.FinishedAt.Sub(r.StartedAt)))
	}
	return list
}

func took(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", for " + d.String()
}

// describeAssignee gives the name that was found, and the one that was given where
// that is another.
func describeAssignee(a report.AssigneeState) string {
	if a.Name == "" || a.Name == a.Given {
		return a.Given
	}
	if a.Given == "" {
		return a.Name
	}
	return a.Name + " (given as " + a.Given + ")"
}

func newHTMLProof(row report.Proof) htmlProof {
	p := htmlProof{Mailbox: row.Mailbox, Expected: row.Expected, RBAC: row.RBAC, EWS: strings.TrimSpace(row.EWS + " " + row.EWSCode)}
	p.Diagnosis = row.Diagnosis
	const unasked = "not asked"
	if p.RBAC == "" {
		p.RBAC = unasked
	}
	if p.EWS == "" {
		p.EWS = unasked
	}
	switch {
	case row.RBAC == "" && row.EWS == "":
		p.Verdict, p.Tone = unasked, toneQuiet
	case asExpected(row):
		p.Verdict, p.Tone = "as expected", toneGood
	case row.Expected == "refused" && (row.RBAC == "allowed" || row.EWS == "allowed"):
		p.Verdict, p.Tone = "not as expected: reachable", toneBad
	default:
		p.Verdict, p.Tone = "not as expected", toneBad
	}
	return p
}

var statusTones = map[string]tone{
	report.StatusPlanned: toneWarn, report.StatusChanged: toneGood, report.StatusUnchanged: toneQuiet,
	report.StatusSkipped: toneQuiet, report.StatusFailed: toneBad,
}

func newHTMLStep(s report.Step) htmlStep {
	step := htmlStep{ID: s.ID, Status: s.Status, Text: stepText(s), Command: graphic(s.Command), GUID: s.GUID,
		Irreversible: s.Irreversible && (s.Status == report.StatusChanged || s.Status == report.StatusPlanned), Tone: statusTones[s.Status]}
	if step.Text == s.Status {
		step.Text = "" // the status stands beside it
	}
	if s.DurationMS > 0 {
		step.Took = (time.Duration(s.DurationMS) * time.Millisecond).String()
	}
	if s.Rung != nil {
		return rungStep(step, s)
	}
	f := s.Fault
	if f == nil {
		return step
	}
	if s.Text != "" && s.Text != f.Message {
		step.Fault = append(step.Fault, htmlFact{"Said", f.Message})
	}
	step.Fault = append(step.Fault, htmlFact{"Means", f.ID + ": " + fault.Meaning(f.ID)})
	if f.Hint != "" {
		step.Fault = append(step.Fault, htmlFact{"Do", f.Hint})
	}
	step.Source = readOn(f)
	step.Link = strings.HasPrefix(step.Source, "https://")
	return step
}

// rungStep shows a rung: what it was, and all that it says.
func rungStep(step htmlStep, s report.Step) htmlStep {
	r := s.Rung
	step.ID = rungName(r)
	if r.Verdict != report.StatusSkipped {
		step.Status = r.Verdict
		step.Text = ""
		if s.Attempt > 1 {
			step.Text = fmt.Sprintf("Attempt %d", s.Attempt)
		}
	}
	if r.Verdict == "passed" {
		step.Tone = toneGood
	}
	for _, f := range []htmlFact{{"Tried", r.Tried}, {"Saw", r.Saw}, {"Means", r.Means}, {"Do", r.Do}} {
		if f.Value != "" {
			step.Fault = append(step.Fault, f)
		}
	}
	if s.Fault != nil {
		step.Source = readOn(s.Fault)
		step.Link = strings.HasPrefix(step.Source, "https://")
	}
	return step
}

// states sets what is there now beside what was there before.
func states(r *report.Report) []htmlState {
	var list []htmlState
	at := map[string]int{}
	note := func(name, guid, text string, after bool) {
		i, known := at[guid]
		if !known {
			i, at[guid] = len(list), len(list)
			list = append(list, htmlState{Name: name, GUID: guid, Before: absentText, After: absentText})
		}
		if after {
			list[i].Name, list[i].After = name, text
		} else {
			list[i].Before = text
		}
	}
	for _, s := range []struct {
		state *report.State
		after bool
	}{{r.Before, false}, {r.After, true}} {
		if s.state == nil {
			continue
		}
		for _, a := range s.state.Assignments {
			note("assignment '"+a.Name+"'", a.GUID, describeAssignment(a), s.after)
		}
		for _, m := range s.state.Scopes {
			note("scope '"+m.Name+"'", m.GUID, strings.TrimSpace(m.Filter+" "+m.Root), s.after)
		}
		for _, g := range s.state.RoleGroups {
			note("role group '"+g.Name+"'", g.GUID, "members: "+strings.Join(g.Members, ", "), s.after)
		}
	}
	if r.Before == nil || r.After == nil {
		return nil // one alone says nothing of what changed
	}
	return list
}

const absentText = "not there"

func describeAssignment(a report.AssignmentState) string {
	text := a.RecipientWriteScope
	switch {
	case a.CustomRecipientWriteScope != "":
		text += " '" + a.CustomRecipientWriteScope + "'"
	case text == "Organization":
		text = "the whole organization"
	}
	if !a.Enabled {
		text += ", disabled"
	}
	return text
}
