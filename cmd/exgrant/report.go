package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/report"
)

func (p *program) reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "show a kept report or plan, in any format",
		ArgsUsage: "FILE...",
		UsageText: "exgrant report FILE... [--format text|json|junit|html]",
		Description: `Shows reports that --report or a script's -ReportPath wrote, and plans that
exgrant plan -o wrote: to a person, or as the page of a change request. It
contacts nobody. What is no report of exgrant, or says what none says, is
refused.`,
		Flags:  formatFlags(reportFormats),
		Action: p.showReports,
	}
}

func (p *program) showReports(c *cli.Context) error {
	format, err := format(c, reportFormats)
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return usageErrorf("%s: no file is named", c.Command.HelpName).withHint("exgrant report made.json; - reads standard input")
	}
	o := &operation{p: p, c: c, format: format}
	return o.each(nil, c.NArg(), true, func(i int) error { return o.showKept(c.Args().Get(i), i > 0) })
}

// showKept shows one file. The outcome that it tells of is not this command's.
func (o *operation) showKept(name string, again bool) error {
	kept, plan, err := o.p.readKept(o.c, name)
	if err != nil {
		return err
	}
	switch {
	case o.format == formatText && again:
		fmt.Fprintln(o.p.stdout)
		fallthrough
	case o.format == formatText:
		if plan != nil {
			return render.Plan(o.p.stdout, plan, o.p.style(o.p.stdout))
		}
		return render.Report(o.p.stdout, kept, o.p.style(o.p.stdout))
	case o.format == formatJSON && plan != nil:
		return render.JSON(o.p.stdout, plan)
	case o.format == formatJSON:
		return render.JSON(o.p.stdout, kept)
	case plan != nil:
		kept = render.PlanReport(plan, report.Planned)
	}
	o.reports = append(o.reports, kept)
	return nil
}

// readKept reads a file that holds a report or a plan.
func (p *program) readKept(c *cli.Context, name string) (*report.Report, *report.Plan, error) {
	data, err := p.readText(c, name, 2*maxReport)
	if err != nil {
		return nil, nil, err
	}
	refuse := func(what string, err error) error {
		return usageErrorf("%s: %s is no %s of exgrant: %s", c.Command.HelpName, fileName(name), what, strings.TrimPrefix(err.Error(), "not a plan of exgrant: ")).
			withHint("apply --report FILE writes reports, plan -o FILE plans, and a grant script reports with -ReportPath FILE")
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if json.Unmarshal(data, &head) == nil && head.Schema == report.PlanSchema {
		plan, err := report.ReadPlan(bytes.NewReader(data))
		if err != nil {
			return nil, nil, refuse("plan", err)
		}
		return nil, plan, nil
	}
	kept, err := parseReport(data)
	if err == nil {
		err = kept.Check()
	}
	if err != nil {
		return nil, nil, refuse("report", err)
	}
	return &kept, nil, nil
}
