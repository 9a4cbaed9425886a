package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// Report writes a report for a person: first how it ended, then what was done,
// what is worth knowing, and how to undo it. An audit is its holders.
func Report(w io.Writer, r *report.Report, s Style) error {
	if r.Operation == report.OperationAudit {
		return holders(w, r, s)
	}
	p := newPage(w, s)
	p.outcome(r)
	p.steps(r)
	p.findings(r.Findings)
	p.proof(r.Proof)
	p.undo(r)
	return p.flush()
}

func (p *page) outcome(r *report.Report) { p.outcomeAs(r, outcomeText(r)) }

// outcomeAs is outcome in other words.
func (p *page) outcomeAs(r *report.Report, text string) {
	i := green
	switch r.Outcome.ExitCode() {
	case 0:
	case 3:
		i = yellow
	default:
		i = red
	}
	p.item("", i, fmt.Sprintf("%s: %s.", r.Outcome, text))
	p.failure(r)
	if g := r.Grant; g != nil && g.Name != "" {
		p.item("  ", plain, describeGrant(g))
	}
	if r.Account != "" && r.Outcome != report.Audited { // which says it
		p.item("  ", plain, accountText(r))
	}
	if place := describeTarget(r.Target); place != "" {
		p.item("  ", dim, place)
	}
}

// failure says below the outcome why, and what to type or to do next.
func (p *page) failure(r *report.Report) {
	s := r.Failure()
	why := cause(r)
	switch {
	case why == "":
	case headedByReason(r):
		p.item("  ", plain, why) // more about the cause, which the outcome has
	default:
		p.item("  cause: ", plain, why)
	}
	if r.Next != "" {
		p.typed("  next: ", r.Next)
	}
	switch {
	case why == "":
	case s.Rung != nil && s.Rung.Do != "":
		p.item("  do: ", plain, capital(s.Rung.Do))
	case s.Fault != nil && s.Fault.Hint != "":
		p.item("  do: ", plain, capital(s.Fault.Hint))
	}
}

// cause is why a run failed, in a sentence; "" where it did not, or where the outcome
// says it.
func cause(r *report.Report) string {
	s := r.Failure()
	if code := r.Outcome.ExitCode(); s == nil || code == 0 || code == 3 || r.Outcome == report.Interrupted {
		return ""
	}
	text := stepText(*s)
	if headedByReason(r) {
		_, text = conflictReason(r) // the outcome has the beginning
	}
	if s.Fault != nil && s.Fault.ID == fault.PrincipalAmbiguous {
		text = s.Fault.Message // it has the candidates
	}
	return capital(text)
}

// capital is a text as a sentence: it begins with a capital letter, unless its first
// word is a name or an address, and ends with a full stop.
func capital(text string) string {
	if text == "" {
		return text
	}
	if word, _, _ := strings.Cut(text, " "); strings.ToLower(word) == word && !strings.ContainsAny(word, ".:/-0123456789'\"") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.ContainsAny(text[len(text)-1:], ".?!") {
		text += "."
	}
	return text
}

func describeGrant(g *report.GrantState) string {
	who := g.Assignee.Name
	if who == "" {
		who = g.Assignee.Given
	}
	return fmt.Sprintf("'%s': %s for %s, %s", g.Name, g.Role, who, describeScope(g.Scope))
}

func describeScope(s report.ScopeState) string {
	text := "scope " + s.Given
	switch s.Kind {
	case exchange.WholeOrganization:
		text = "the whole organization"
	case exchange.Group:
		text = "members of " + s.Given
	case exchange.OrganizationalUnit:
		text = "everybody below " + s.Given
	case exchange.RecipientFilter:
		text = "filter " + s.Given
	}
	if s.Recipients != nil {
		text += fmt.Sprintf(" (%d now)", *s.Recipients)
	}
	return text
}

func describeTarget(t report.Target) string {
	var parts []string
	if t.Server != "" {
		parts = append(parts, t.Server)
	}
	if t.Build != "" {
		parts = append(parts, "Exchange "+t.Build)
	}
	if t.DomainController != "" {
		parts = append(parts, "domain controller "+t.DomainController)
	}
	if t.EWS != "" {
		parts = append(parts, t.EWS)
	}
	return strings.Join(parts, ", ")
}

// marks is what stands before a step, and its ink.
var marks = map[string]struct {
	mark string
	ink  ink
}{
	report.StatusPlanned:   {"~", yellow},
	report.StatusChanged:   {"+", green},
	report.StatusUnchanged: {"=", plain},
	report.StatusSkipped:   {"/", plain},
	report.StatusFailed:    {"x", red},
}

func (p *page) steps(r *report.Report) {
	why := r.Failure()
	if len(r.Steps) == 0 || len(r.Steps) == 1 && why != nil && why.Rung == nil && cause(r) != "" {
		return // all of it stands above
	}
	p.heading("Steps")
	told := map[string]bool{} // faults by their rule, which come again when something is tried again
	if cause(r) != "" && why.Fault != nil {
		told[why.Fault.Rule] = true
	}
	for _, s := range r.Steps {
		m := marks[s.Status]
		if s.Rung != nil {
			p.rung(s, m.mark, m.ink)
			continue
		}
		if s.ID == report.StepRemove && s.Status == report.StatusChanged {
			m.mark = "-"
		}
		p.item(fmt.Sprintf("  %s %s: ", m.mark, s.ID), m.ink, stepText(s))
		if s.Command != "" {
			p.command("      ", s.Command)
		}
		if s.GUID != "" && s.Status == report.StatusChanged {
			p.item("      ", dim, s.GUID)
		}
		if s.Fault != nil {
			p.fault(s, told[s.Fault.Rule])
			told[s.Fault.Rule] = true
		}
	}
}

// rung writes a rung of a diagnosis: in a line where nothing is to be done.
func (p *page) rung(s report.Step, mark string, i ink) {
	p.item(fmt.Sprintf("  %s %s: ", mark, visible(rungName(s.Rung))), i, stepText(s))
	r := s.Rung
	if s.Status == report.StatusFailed && r.Tried != "" {
		p.item("      tried: ", plain, r.Tried)
	}
	if r.Do != "" {
		p.item("      do: ", plain, capital(r.Do))
	}
	if s.Fault != nil {
		p.source(s.Fault)
	}
}

func (p *page) source(f *fault.Fault) {
	if source := readOn(f); source != "" {
		p.command("      see: ", source)
	}
}

// readOn is where to read more about a fault. What connect finds out is no matter of
// reading, and other people's sources are no page for an administrator.
func readOn(f *fault.Fault) string {
	if strings.HasPrefix(f.ID, "connect_") || strings.HasPrefix(f.Source, "https://github.com/") {
		return ""
	}
	return f.Source
}

// rungName is a rung's place on the ladder, and what it is about.
func rungName(r *report.Rung) string {
	name := fmt.Sprintf("%d %s", r.Level, r.Name)
	if r.Mailbox != "" {
		name += " " + r.Mailbox
	}
	if r.Name == "forms" && r.Form != "" {
		name += " as " + r.Form
	}
	return name
}

// stepText is a step in words, never empty.
func stepText(s report.Step) string {
	text := s.Text
	if text == "" && s.Fault != nil {
		text = s.Fault.Message
	}
	if text == "" {
		text = s.Status
	}
	if s.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", s.Attempt)
	}
	return text
}

// fault says what an error means, below its step; what to do about it only the
// first time.
func (p *page) fault(s report.Step, again bool) {
	f := s.Fault
	if s.Text != "" && s.Text != f.Message {
		p.item("      said: ", plain, f.Message)
	}
	p.item("      means: ", plain, fmt.Sprintf("%s: %s", f.ID, fault.Meaning(f.ID)))
	if again {
		return
	}
	if f.Hint != "" {
		p.item("      do: ", plain, capital(f.Hint))
	}
	p.source(f)
}

func (p *page) findings(findings []report.Finding) {
	if len(findings) == 0 {
		return
	}
	p.heading("Worth knowing")
	for _, f := range findings {
		i := plain
		switch f.Severity {
		case report.SeverityWarning:
			i = yellow
		case report.SeveritySecurity:
			i = red
		}
		p.item("  ! "+f.ID+": ", i, f.Text)
	}
}

func (p *page) proof(rows []report.Proof) {
	if len(rows) == 0 {
		return
	}
	p.heading("Proof")
	t := newProofTable(rows)
	if t.fits(p.style.Width) {
		p.write("    "+t.line(0), dim)
		p.blank()
	}
	for n, row := range rows {
		mark, i := "=", green
		if !asExpected(row) {
			mark, i = "x", red
		}
		if t.fits(p.style.Width) {
			p.write("  "+mark+" "+t.line(n+1), i)
			p.blank()
		} else {
			p.item(fmt.Sprintf("  %s %s: ", mark, visible(row.Mailbox)), i, proofText(row))
		}
		if row.Diagnosis != "" {
			p.item("      ", plain, row.Diagnosis)
		}
	}
}

// A proofTable sets both answers side by side. It is empty where there is one only,
// which a line says better.
type proofTable struct {
	cells  [][]string
	widths []int
}

func newProofTable(rows []report.Proof) proofTable {
	t := proofTable{cells: [][]string{{"mailbox", "expected", "role assignments", "Exchange Web Services"}}}
	isAsked := func(row report.Proof) bool { return row.EWS != "" }
	if !slices.ContainsFunc(rows, isAsked) {
		return proofTable{}
	}
	for _, row := range rows {
		t.cells = append(t.cells, []string{row.Mailbox, row.Expected, cmp.Or(row.RBAC, "not asked"),
			cmp.Or(strings.TrimSpace(row.EWS+" "+row.EWSCode), "not asked")})
	}
	t.widths = make([]int, len(t.cells[0]))
	for _, cells := range t.cells {
		for i, text := range cells {
			cells[i] = visible(text)
			t.widths[i] = max(t.widths[i], columns(cells[i]))
		}
	}
	return t
}

// fits tells whether there is a table, and room for it; a width of 0 is no limit.
func (t proofTable) fits(width int) bool {
	need := 4
	for _, w := range t.widths {
		need += w + 2
	}
	return t.cells != nil && (width == 0 || need <= width)
}

func (t proofTable) line(n int) string {
	var b strings.Builder
	for i, text := range t.cells[n] {
		b.WriteString(padded(text, t.widths[i]+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// asExpected tells whether nothing that was asked about a mailbox answered
// otherwise than expected.
func asExpected(row report.Proof) bool {
	return (row.RBAC == "" || row.RBAC == row.Expected) && (row.EWS == "" || row.EWS == row.Expected)
}

func proofText(row report.Proof) string {
	text := "expected " + row.Expected
	if row.RBAC != "" {
		text += ", role assignments say " + row.RBAC
	}
	if row.EWS != "" {
		text += ", Exchange Web Services say " + strings.TrimSpace(row.EWS+" "+row.EWSCode)
	}
	return text
}

// undo says how to take a change back, and where the server's own record of it is.
func (p *page) undo(r *report.Report) {
	if len(r.Inverse) > 0 {
		p.heading("Undo")
		p.item("  ", plain, undoText)
		for _, v := range r.Inverse {
			p.command("    ", inverseLine(v))
		}
	}
	if r.Changed {
		p.heading("Record")
		p.item("  ", plain, recordText(r))
	}
}

const undoText = "exgrant revoke --from REPORT.json (the file that --report wrote), or one by one:"

func recordText(r *report.Report) string {
	return "Search-AdminAuditLog shows what the server recorded since " + shownTime(r.StartedAt) + "."
}

func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

func inverseLine(v report.Inverse) string {
	line := v.Cmdlet + " " + v.Identity
	if c, err := v.Command(""); err == nil {
		if written, err := c.Line(); err == nil {
			line = written
		}
	}
	if v.OnlyIf != "" {
		line += "   # only if it is " + v.OnlyIf
	}
	return line
}
