package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// maxReport bounds a report that is read, in bytes. The largest real ones, audits
// of big organizations, stay far below.
const maxReport = 16 << 20

// readReport reads a report that a script or this program wrote; - is standard
// input.
func (p *program) readReport(c *cli.Context, name string) (exchange.Report, error) {
	if name == "" {
		return exchange.Report{}, emptyValue(c, flagFrom)
	}
	r, err := p.open(c, name)
	if err != nil {
		return exchange.Report{}, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		if c.Context.Err() != nil {
			return exchange.Report{}, c.Context.Err()
		}
		return exchange.Report{}, cannotRead(c, name, err)
	}
	report, err := parseReport(data)
	if err != nil {
		return exchange.Report{}, usageErrorf("%s: %s is no report: %w", c.Command.HelpName, fileName(name), err).
			withHint("a grant script writes one with -ReportPath FILE")
	}
	return report, nil
}

// parseReport reads the JSON form of a report strictly: a field it does not know
// could be one that matters. Windows PowerShell's > writes UTF-16, which is read
// too.
func parseReport(data []byte) (exchange.Report, error) {
	var report exchange.Report
	if len(data) > maxReport {
		return report, fmt.Errorf("it is larger than %d MiB", maxReport>>20)
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), data)
	if err != nil {
		return report, err
	}
	// The schema first: of another version, unknown fields are no surprise.
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return report, jsonError(text, err)
	}
	if head.Schema != exchange.ReportSchema {
		return report, fmt.Errorf("its schema is \"%s\", expected \"%s\"", head.Schema, exchange.ReportSchema)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&report); err != nil {
		return exchange.Report{}, jsonError(text, err)
	}
	return report, nil
}

// jsonError tells where in the text an error is, in lines.
func jsonError(text []byte, err error) error {
	offset := int64(-1)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		offset = kind.Offset
		err = fmt.Errorf("%s is a %s, expected %s", kind.Field, kind.Value, kind.Type)
	}
	err = errors.New(strings.TrimPrefix(err.Error(), "json: "))
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:offset], []byte("\n")), err)
}
