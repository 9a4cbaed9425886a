package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// AuditText writes the holders of an audit for a person, each as it arrives: as a
// table with a line for each, or below each other where the page is too narrow.
type AuditText struct {
	p     *page
	n     int
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
		fmt.Fprintf(&line, "%-*s", auditColumns[n].width, visible(cell))
	}
	a.p.write(strings.TrimRight(line.String(), " "), i)
	a.p.blank()
}

func (a *AuditText) tableRow(h exchange.Holder) error {
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
func (a *AuditText) Holder(h exchange.Holder) error {
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
func (a *AuditText) End(r *exchange.Report) error {
	if a.n > 0 {
		a.p.blank()
	}
	a.p.outcome(r)
	if r.Outcome == exchange.Audited {
		a.p.item("  ", plain, count(a.n, "way", "ways")+" to hold a role of this type")
	} else {
		a.p.steps(r.Steps)
	}
	a.p.findings(r.Findings)
	return a.p.flush()
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
func (a *AuditJSON) Holder(h exchange.Holder) error {
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
func (a *AuditJSON) End(r *exchange.Report) error {
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

// JSON writes a report or plan as indented JSON.
func JSON(w io.Writer, v any) error {
	text, err := indented(v)
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
	return []byte(b.String()), err
}
