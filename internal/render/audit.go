package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/exgrant/exgrant/pkg/report"
)

// AuditText writes the holders of an audit for a person, each as it arrives: as a
// table with a line for each, or below each other where the page is too narrow.
type AuditText struct {
	p     *page
	n     int
	acts  int // of them, those that let their holder act for mailboxes
	gone  int // … and those whose holder is not known any more
	table bool
}

// NewAuditText returns a writer of holders.
func NewAuditText(w io.Writer, s Style) *AuditText {
	return &AuditText{p: newPage(w, s), table: s.Width == 0 || s.Width >= tableWidth}
}

// tableWidth is the narrowest page for a table, in columns.
const tableWidth = 180

// auditColumns are those of the table. Rows are written as they arrive, so that the
// widths are what usually fits; a longer text moves the rest of its row.
var auditColumns = [...]struct {
	title string
	width int
}{{"HOLDER", 20}, {"TYPE", 13}, {"THROUGH", 23}, {"ROLE", 24}, {"STATE", 19}, {"GUID", 36}, {"ASSIGNMENT", 43}, {"SCOPE", 0}}

// row writes one line of the table.
func (a *AuditText) row(i ink, cells [len(auditColumns)]string) {
	var line strings.Builder
	for n, cell := range cells {
		if n > 0 {
			line.WriteString("  ")
		}
		line.WriteString(padded(visible(cell), auditColumns[n].width))
	}
	a.p.write(strings.TrimRight(line.String(), " "), i)
	a.p.blank()
}

func (a *AuditText) tableRow(h report.Holder) error {
	if a.n == 0 {
		var titles [len(auditColumns)]string
		for n, c := range auditColumns {
			titles[n] = c.title
		}
		a.row(bold, titles)
	}
	a.n++
	through, state, i := h.Via, strings.ToLower(h.Delegation), plain
	if through == "" {
		through = "-"
	}
	if !h.Enabled {
		state, i = state+", disabled", dim
	}
	a.row(i, [...]string{h.Holder, h.HolderType, through, h.Role, state, h.GUID, h.Assignment, h.Scope.Text})
	return a.p.flush()
}

// Holder writes one holder.
func (a *AuditText) Holder(h report.Holder) error {
	switch {
	case h.Unresolved:
		a.gone++
	case h.Enabled && h.Delegation == "Regular":
		a.acts++
	}
	if a.table {
		return a.tableRow(h)
	}
	if a.n > 0 {
		a.p.blank()
	}
	a.n++
	i := bold
	if !h.Enabled {
		i = dim
	}
	a.p.item("", i, h.Holder+" ("+h.HolderType+")")
	a.p.item("  over ", plain, h.Scope.Text)
	if h.Via != "" {
		a.p.item("  through ", plain, h.Via)
	}
	state := "enabled"
	if !h.Enabled {
		state = "disabled"
	}
	a.p.item("  by ", plain, fmt.Sprintf("'%s' of role %s, %s, %s", h.Assignment, h.Role, strings.ToLower(h.Delegation), state))
	a.p.item("     ", dim, h.GUID)
	return a.p.flush()
}

// End writes what the report says beside the holders.
func (a *AuditText) End(r *report.Report) error {
	if a.n > 0 {
		a.p.blank()
	}
	text := outcomeText(r)
	if r.Outcome == report.Audited {
		text = auditedText(r, a.n)
	}
	a.p.outcomeAs(r, text)
	if r.Outcome == report.Audited || r.Outcome == report.Differs {
		a.p.item("  ", plain, auditCount(a.n, a.acts, a.gone))
		a.p.item("  ", dim, "asked by "+cmp.Or(r.Operator, "somebody who is not known")+" at "+shownTime(r.FinishedAt))
	} else {
		a.p.steps(r)
	}
	a.p.findings(r.Findings)
	return a.p.flush()
}

// holders writes the report of an audit that holds all of it.
func holders(w io.Writer, r *report.Report, s Style) error {
	a := NewAuditText(w, s)
	for _, h := range r.Holders {
		if err := a.Holder(h); err != nil {
			return err
		}
	}
	return a.End(r)
}

// auditCount says how many rows there are, and what they let their holders do.
func auditCount(rows, act, gone int) string {
	text := count(rows, "row", "rows")
	if act > 0 {
		text += "; " + count(act, "lets its holder act for mailboxes", "let their holders act for mailboxes")
	}
	if gone > 0 {
		text += "; " + count(gone, "is of an account that cannot be resolved", "are of accounts that cannot be resolved")
	}
	if rest := rows - act - gone; rest > 0 {
		text += "; " + count(rest, "only lets its holder hand the role on (delegating), or is disabled", "only let their holders hand the role on (delegating), or are disabled")
	}
	return text
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// AuditJSON writes the report of an audit as one document, its holders as they
// arrive.
type AuditJSON struct {
	w io.Writer
	n int
}

// NewAuditJSON returns a writer of the report. Nothing is written before the first
// holder or the end.
func NewAuditJSON(w io.Writer) *AuditJSON { return &AuditJSON{w: w} }

// Holder writes one holder.
func (a *AuditJSON) Holder(h report.Holder) error {
	text, err := compact(h)
	if err != nil {
		return err
	}
	lead := ",\n    "
	if a.n == 0 {
		lead = "{\n  \"holders\": [\n    "
	}
	a.n++
	_, err = fmt.Fprintf(a.w, "%s%s", lead, text)
	return err
}

// End writes the rest of the report. Its own holders are left out: they are
// written already.
func (a *AuditJSON) End(r *report.Report) error {
	rest := *r
	rest.Holders = nil
	text, err := indented(rest)
	if err != nil {
		return err
	}
	if a.n == 0 {
		_, err = a.w.Write(text)
		return err
	}
	// The fields of the report follow in the same object, but for the empty array.
	fields := strings.TrimPrefix(string(text), "{\n")
	fields = strings.Replace(fields, ",\n  \"holders\": []", "", 1)
	_, err = fmt.Fprintf(a.w, "\n  ],\n%s", fields)
	return err
}

// JSON writes a value, such as a report or plan, as indented JSON. Everything beyond
// ASCII is escaped, and what a terminal would obey: a server's text may hold it.
func JSON(w io.Writer, v any) error {
	text, err := indented(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// JSONLine is JSON in one line.
func JSONLine(w io.Writer, v any) error {
	text, err := encode(v, "")
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func indented(v any) ([]byte, error) { return encode(v, "  ") }

func compact(v any) ([]byte, error) {
	text, err := encode(v, "")
	return []byte(strings.TrimSuffix(string(text), "\n")), err
}

// encode keeps < > & as they are: nothing here goes into a web page.
func encode(v any, indent string) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return inASCII(b.String()), err
}

// inASCII escapes in JSON what is not: that stands in strings alone.
func inASCII(text string) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case r < 0x7F:
			out = append(out, byte(r))
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, "\\u%04x\\u%04x", high, low)
		default:
			out = fmt.Appendf(out, "\\u%04x", r)
		}
	}
	return out
}
