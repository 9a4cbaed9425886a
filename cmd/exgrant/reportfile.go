package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/jsontext"
	"github.com/exgrant/exgrant/pkg/report"
)

// maxReport bounds a report that is read, in bytes. The largest real ones, audits
// of big organizations, stay far below.
const maxReport = 16 << 20

// readReport reads a report that a script or this program wrote; - is standard
// input.
func (p *program) readReport(c *cli.Context, name string) (report.Report, error) {
	if name == "" {
		return report.Report{}, emptyValue(c, flagFrom)
	}
	text, err := p.readText(c, name, 2*maxReport)
	if err != nil {
		return report.Report{}, err
	}
	result, err := parseReport(text)
	if err != nil {
		return report.Report{}, usageErrorf("%s: %s is no report of exgrant: %w", c.Command.HelpName, fileName(name), err).
			withHint("a grant script writes one with -ReportPath FILE")
	}
	return result, nil
}

// parseReport reads the JSON form of a report strictly: a field it does not know
// could be one that matters.
func parseReport(text []byte) (report.Report, error) {
	var result report.Report
	if len(text) > maxReport {
		return result, fmt.Errorf("it is larger than %d MiB", maxReport>>20)
	}
	// The schema first: of another version, unknown fields are no surprise.
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return result, jsontext.Explain(text, err)
	}
	if head.Schema != report.Schema {
		return result, fmt.Errorf("its schema is \"%s\", and must be \"%s\"", head.Schema, report.Schema)
	}
	d := json.NewDecoder(bytes.NewReader(text)) // nothing stands behind it: head was the whole
	d.DisallowUnknownFields()
	if err := d.Decode(&result); err != nil {
		return report.Report{}, jsontext.Explain(text, err)
	}
	return result, nil
}
