package render

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/pkg/report"
)

// AuditCSV writes the holders of an audit as a table for a spreadsheet, each as it
// arrives: comma-separated, in UTF-8 with a byte order mark, lines ending in CRLF
// (RFC 4180), with a line of titles. A cell that a spreadsheet would take for a formula
// has an apostrophe before it.
type AuditCSV struct {
	w       *csv.Writer
	out     io.Writer
	started bool
}

// NewAuditCSV returns a writer of holders. Nothing is written before the first holder or
// the end.
func NewAuditCSV(w io.Writer) *AuditCSV {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &AuditCSV{w: c, out: w}
}

func (a *AuditCSV) start() error {
	if a.started {
		return nil
	}
	a.started = true
	if _, err := io.WriteString(a.out, "\ufeff"); err != nil {
		return err
	}
	return a.row("holder", "type", "sid", "through", "role", "delegation", "enabled", "assignment", "guid", "scope kind", "scope name", "scope filter", "scope")
}

func (a *AuditCSV) row(cells ...string) error {
	for i, cell := range cells {
		cell = visible(cell)
		if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) {
			cell = "'" + cell
		}
		cells[i] = cell
	}
	if err := a.w.Write(cells); err != nil {
		return err
	}
	a.w.Flush()
	return a.w.Error()
}

// Holder writes one holder.
func (a *AuditCSV) Holder(h report.Holder) error {
	if err := a.start(); err != nil {
		return err
	}
	return a.row(h.Holder, h.HolderType, h.SID, h.Via, h.Role, h.Delegation, strconv.FormatBool(h.Enabled), h.Assignment, h.GUID,
		string(h.Scope.Kind), h.Scope.Name, h.Scope.Filter, h.Scope.Text)
}

// End writes the titles where there was no holder. What the report says beside the
// holders has no place in a table.
func (a *AuditCSV) End(*report.Report) error { return a.start() }
