package render

import (
	"fmt"
	"io"

	"github.com/exgrant/exgrant/pkg/report"
)

// maxShown is how many holders a document shows that is made as a whole. Such a
// document is for a person; csv and json have everything.
const maxShown = 5000

// AuditDocument writes an audit as one document, a page or JUnit XML, when it has come
// to its end. It holds at most 5,000 holders, and says where it stops.
type AuditDocument struct {
	w       io.Writer
	write   func(io.Writer, []*report.Report) error
	holders []report.Holder
	left    int
}

// NewAuditDocument returns a writer for HTML or JUnit.
func NewAuditDocument(w io.Writer, write func(io.Writer, []*report.Report) error) *AuditDocument {
	return &AuditDocument{w: w, write: write}
}

// Holder keeps one holder for the document.
func (a *AuditDocument) Holder(h report.Holder) error {
	if len(a.holders) < maxShown {
		a.holders = append(a.holders, h)
	} else {
		a.left++
	}
	return nil
}

// End writes the document.
func (a *AuditDocument) End(r *report.Report) error {
	whole := *r
	whole.Holders = a.holders
	if a.left > 0 {
		whole.Findings = append(append([]report.Finding(nil), r.Findings...), report.Finding{
			ID: "not-shown", Severity: report.SeverityWarning,
			Text: fmt.Sprintf("%d more holders are not shown here: --format csv and --format json have all of them.", a.left)})
	}
	return a.write(a.w, []*report.Report{&whole})
}
