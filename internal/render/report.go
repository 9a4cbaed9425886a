package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// Report writes a report for a person: first how it ended, then what was done,
// what is worth knowing, and how to undo it.
func Report(w io.Writer, r *exchange.Report, s Style) error {
	p := newPage(w, s)
	p.outcome(r)
	p.steps(r.Steps)
	p.findings(r.Findings)
	p.proof(r.Proof)
	p.undo(r)
	return p.flush()
}

// outcomes says what each outcome means to the person who started the operation.
var outcomes = map[exchange.Outcome]string{
	exchange.Granted:              "the grant is in place",
	exchange.AlreadyGranted:       "the grant was in place already: nothing was changed",
	exchange.GrantedReplicating:   "the grant is written, and not every domain controller shows it yet: verify it later",
	exchange.Revoked:              "the grant is gone",
	exchange.NothingToRevoke:      "there was nothing to revoke: nothing was changed",
	exchange.Verified:             "the grant is in place, and everything is as it should be",
	exchange.Audited:              "everybody who holds the role is listed",
	exchange.Planned:              "nothing was changed: this is what would be done",
	exchange.Failed:               "it did not work, and the steps say why",
	exchange.Conflict:             "something is in the way: nothing of it was overwritten",
	exchange.NotFound:             "something that was named does not exist",
	exchange.Unreachable:          "the server could not be reached",
	exchange.Differs:              "what is there is not what was asked for",
	exchange.CustomizationPending: "the organization is being customized: try again later",
	exchange.StillEffective:       "it is done, and the account still reaches mailboxes: the steps say by which way",
	exchange.Denied:               "the server did not allow it",
	exchange.Interrupted:          "interrupted",
}

func (p *page) outcome(r *exchange.Report) {
	i := green
	switch r.Outcome.ExitCode() {
	case 0:
	case 3:
		i = yellow
	default:
		i = red
	}
	p.item("", i, fmt.Sprintf("%s: %s.", r.Outcome, outcomeText(r)))
	if g := r.Grant; g != nil && g.Name != "" {
		p.item("  ", plain, describeGrant(g))
	}
	if r.Account != "" {
		p.item("  ", plain, "acting as "+r.Account)
	}
	if place := describeTarget(r.Target); place != "" {
		p.item("  ", dim, place)
	}
}

func describeGrant(g *exchange.GrantState) string {
	who := g.Assignee.Name
	if who == "" {
		who = g.Assignee.Given
	}
	return fmt.Sprintf("'%s': %s for %s, %s", g.Name, g.Role, who, describeScope(g.Scope))
}

func describeScope(s exchange.ScopeState) string {
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

func describeTarget(t exchange.Target) string {
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
	exchange.StatusPlanned:   {"~", yellow},
	exchange.StatusChanged:   {"+", green},
	exchange.StatusUnchanged: {"=", plain},
	exchange.StatusSkipped:   {"/", plain},
	exchange.StatusFailed:    {"x", red},
}

func (p *page) steps(steps []exchange.Step) {
	if len(steps) == 0 {
		return
	}
	p.heading("Steps")
	told := map[string]bool{} // faults by their rule, which come again when something is tried again
	for _, s := range steps {
		m := marks[s.Status]
		if s.Rung != nil {
			p.rung(s, m.mark, m.ink)
			continue
		}
		if s.ID == exchange.StepRemove && s.Status == exchange.StatusChanged {
			m.mark = "-"
		}
		p.item(fmt.Sprintf("  %s %s: ", m.mark, s.ID), m.ink, stepText(s))
		if s.Command != "" {
			p.command("      ", s.Command)
		}
		if s.GUID != "" && s.Status == exchange.StatusChanged {
			p.item("      ", dim, s.GUID)
		}
		if s.Fault != nil {
			p.fault(s, told[s.Fault.Rule])
			told[s.Fault.Rule] = true
		}
	}
}

// rung writes a rung of a diagnosis: in a line where nothing is to be done.
func (p *page) rung(s exchange.Step, mark string, i ink) {
	p.item(fmt.Sprintf("  %s %s: ", mark, visible(rungName(s.Rung))), i, stepText(s))
	r := s.Rung
	if s.Status == exchange.StatusFailed && r.Tried != "" {
		p.item("      tried: ", plain, r.Tried)
	}
	if r.Do != "" {
		p.item("      do: ", plain, r.Do+".")
	}
	if s.Fault != nil && s.Fault.Source != "" {
		p.command("      see: ", s.Fault.Source)
	}
}

// rungName is a rung's place on the ladder, and what it is about.
func rungName(r *exchange.Rung) string {
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
func stepText(s exchange.Step) string {
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
func (p *page) fault(s exchange.Step, again bool) {
	f := s.Fault
	if s.Text != "" && s.Text != f.Message {
		p.item("      said: ", plain, f.Message)
	}
	p.item("      means: ", plain, fmt.Sprintf("%s: %s", f.ID, fault.Meaning(f.ID)))
	if again {
		return
	}
	if f.Hint != "" {
		p.item("      do: ", plain, f.Hint)
	}
	if f.Source != "" {
		p.command("      see: ", f.Source)
	}
}

func (p *page) findings(findings []exchange.Finding) {
	if len(findings) == 0 {
		return
	}
	p.heading("Worth knowing")
	for _, f := range findings {
		i := plain
		switch f.Severity {
		case exchange.SeverityWarning:
			i = yellow
		case exchange.SeveritySecurity:
			i = red
		}
		p.item("  ! "+f.ID+": ", i, f.Text)
	}
}

func (p *page) proof(rows []exchange.Proof) {
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

func newProofTable(rows []exchange.Proof) proofTable {
	t := proofTable{cells: [][]string{{"mailbox", "expected", "role assignments", "Exchange Web Services"}}}
	isAsked := func(row exchange.Proof) bool { return row.EWS != "" }
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
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i]))
		}
	}
	return t
}

// fits tells whether there is a table, and room for it; 0 columns is no limit.
func (t proofTable) fits(columns int) bool {
	need := 4
	for _, w := range t.widths {
		need += w + 2
	}
	return t.cells != nil && (columns == 0 || need <= columns)
}

func (t proofTable) line(n int) string {
	var b strings.Builder
	for i, text := range t.cells[n] {
		b.WriteString(text + strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(text)+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// asExpected tells whether nothing that was asked about a mailbox answered
// otherwise than expected.
func asExpected(row exchange.Proof) bool {
	return (row.RBAC == "" || row.RBAC == row.Expected) && (row.EWS == "" || row.EWS == row.Expected)
}

func proofText(row exchange.Proof) string {
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
func (p *page) undo(r *exchange.Report) {
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

func recordText(r *exchange.Report) string {
	return "Search-AdminAuditLog shows what the server recorded since " + shownTime(r.StartedAt) + "."
}

func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

func inverseLine(v exchange.Inverse) string {
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
