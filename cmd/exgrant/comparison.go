package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A comparison is what an audit is compared with: a reader must see that it was, and what
// the file accepts without a look.
type comparison struct {
	file     string
	grants   []exchange.Grant // none where nothing is compared
	accepted []report.Finding
}

// see notes a row that a grant accepts; an assignment has one for each member of a group.
func (f *comparison) see(h report.Holder) {
	isNoted := func(n report.Finding) bool { return n.Objects[0] == h.GUID }
	isIt := func(known string) bool {
		return strings.EqualFold(known, h.GUID) || strings.EqualFold(known, h.Assignment)
	}
	for _, g := range f.grants {
		if slices.ContainsFunc(g.Accept, isIt) && !slices.ContainsFunc(f.accepted, isNoted) {
			f.accepted = append(f.accepted, report.Finding{ID: "accepted", Severity: report.SeverityInfo, Objects: []string{h.GUID},
				Text: "'" + h.Assignment + "' is accepted by the file, and was not examined: " + h.Scope.Text + "."})
		}
	}
}

// tell adds to the report what was compared.
func (f *comparison) tell(r *report.Report) {
	if f.grants == nil || r.Outcome != report.Audited && r.Outcome != report.Differs {
		return
	}
	text := fmt.Sprintf("Compared with the %d grants of %s.", len(f.grants), fileName(f.file))
	if len(f.grants) == 1 {
		text = "Compared with the grant of " + fileName(f.file) + "."
	}
	r.Findings = append(r.Findings, report.Finding{ID: report.FindingCompared, Severity: report.SeverityInfo, Text: text})
	r.Findings = append(r.Findings, f.accepted...)
}
