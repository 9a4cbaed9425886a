package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/operate"
	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/internal/terminal"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/psgen"
)

const (
	flagYes       = "yes"
	flagReport    = "report"
	flagInScope   = "in-scope"
	flagOutScope  = "out-of-scope"
	flagGUID      = "guid"
	flagFormat    = "format"
	flagJSON      = "json"
	flagExitCode  = "exit-code"
	flagUpdate    = "update-scope"
	flagEmpty     = "allow-empty"
	flagCustomize = "customization-timeout"
)

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: flagYes, Category: "Details", Usage: "change it without a question"}
}

func reportFlag() cli.Flag {
	return &cli.StringFlag{Name: flagReport, Category: outputCategory,
		Usage: "also write the report as JSON to `FILE` (a folder for several grants), also when it fails"}
}

// An operation is one run of a command at an organization.
type operation struct {
	p        *program
	c        *cli.Context
	format   string
	operator operate.Operator
	ended    error              // what the first grant ended with that did not end well
	reports  []*exchange.Report // of a format that is one document for all grants
}

// each does one after the other, and then prints the document, where the format is
// one for all. The first error ends it, and with stop the first that does not end
// well.
func (o *operation) each(grants []exchange.Grant, n int, stop bool, one func(i int) error) error {
	var err error
	for i := range n {
		err = one(i)
		if err != nil || stop && o.ended != nil {
			o.leave(grants[min(i+1, len(grants)):])
			break
		}
	}
	return cmp.Or(errors.Join(err, o.document()), o.ended)
}

// leave says what was not begun.
func (o *operation) leave(grants []exchange.Grant) {
	if len(grants) == 0 {
		return
	}
	fmt.Fprintf(o.p.stderr, "exgrant: %d more of the grants were not begun\n", len(grants))
	if len(o.reports) == 0 {
		return
	}
	for _, g := range grants {
		o.reports = append(o.reports, render.NotBegun(o.reports[0].Operation, g, o.p.now()))
	}
}

// document prints what was kept for one document.
func (o *operation) document() error {
	if len(o.reports) == 0 {
		return nil
	}
	if o.format == formatJUnit {
		return render.JUnit(o.p.stdout, o.reports)
	}
	return render.HTML(o.p.stdout, o.reports)
}

// options are what every operation is run with.
func (p *program) options(c *cli.Context) grant.Options {
	return grant.Options{
		Tool: p.tool(),
		Now:  p.now,
		Progress: func(s exchange.Step) {
			p.person().Progress(s.ID + ": " + s.Text)
		},
		UpdateScope:          c.Bool(flagUpdate),
		AllowEmpty:           c.Bool(flagEmpty),
		CustomizationTimeout: c.Duration(flagCustomize),
	}
}

// style is how text for standard output or standard error is shown.
func (p *program) style(w io.Writer) render.Style {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		return render.Style{Width: terminal.Width(f), Colour: p.person().Colour(f)}
	}
	return render.Style{}
}

// result prints a report, and keeps its outcome if it is the first that did not
// end well.
func (o *operation) result(r *exchange.Report) error {
	o.p.person().Done()
	var err error
	switch o.format {
	case formatText:
		err = render.Report(o.p.stdout, r, o.p.style(o.p.stdout))
	case formatJSON:
		err = render.JSON(o.p.stdout, r)
	default:
		o.reports = append(o.reports, r)
	}
	if err != nil {
		return err
	}
	if o.format != formatText {
		o.p.tellFailure(o.c, r)
	}
	o.keep(r.Outcome)
	return nil
}

func (o *operation) keep(outcome exchange.Outcome) {
	if o.ended == nil && outcome.ExitCode() != exitDone {
		o.ended = outcomeError{outcome}
	}
}

// tellFailure says in a line what went wrong, where the result itself is for a
// program.
func (p *program) tellFailure(c *cli.Context, r *exchange.Report) {
	if r.Outcome.ExitCode() == exitDone {
		return
	}
	why, hint := string(r.Outcome), ""
	for _, s := range r.Steps {
		if s.Status != exchange.StatusFailed {
			continue
		}
		why = string(r.Outcome) + ": " + s.Text
		if s.Fault != nil {
			why, hint = string(r.Outcome)+": "+s.Fault.Message, s.Fault.Hint
		}
	}
	fmt.Fprintf(p.stderr, "%s: %s\n", strings.Replace(c.Command.HelpName, "exgrant ", "exgrant: ", 1), oneLine(why))
	if hint != "" {
		fmt.Fprintf(p.stderr, "hint: %s\n", oneLine(hint))
	}
}

// mayChange refuses a run that would change something without anybody's consent.
func (p *program) mayChange(c *cli.Context) error {
	if c.Bool(flagYes) || p.person().Interactive() {
		return nil
	}
	return usageErrorf("%s: there is no terminal to ask on", c.Command.HelpName).
		withHint("--%s changes it without a question", flagYes).
		withHint("exgrant plan shows what would be changed, and changes nothing")
}

// confirm asks on the terminal whether the changes may be made.
func (p *program) confirm(c *cli.Context) func(context.Context, []exchange.Change) (bool, error) {
	if c.Bool(flagYes) {
		return nil
	}
	return func(ctx context.Context, changes []exchange.Change) (bool, error) {
		p.person().Done()
		fmt.Fprintln(p.stderr, "About to be changed:")
		if err := render.Changes(p.stderr, changes, p.style(p.stderr)); err != nil {
			return false, err
		}
		return p.person().Confirm(ctx, "Go on?")
	}
}

// places are where the file of each grant goes: "" when none is wanted.
type places []string

// places returns a path for each grant: the flag's value for one, files in the
// folder of that name for several.
func (p *program) places(c *cli.Context, flag, ext string, grants []exchange.Grant) (places, error) {
	path := c.String(flag)
	switch {
	case !c.IsSet(flag):
		return make(places, max(len(grants), 1)), nil
	case path == "":
		return nil, emptyValue(c, flag)
	case path == "-":
		return nil, usageErrorf("%s: %s needs a file", c.Command.HelpName, dashed(flag)).withHint("standard output is for the result")
	case len(grants) <= 1:
		return places{path}, nil
	}
	return pathsInFolder(c, flag, ext, grants)
}

// check refuses, before anything is contacted, files that could not be written.
func (p *program) check(c *cli.Context, all ...places) error {
	var files []outfile
	for _, list := range all {
		for _, path := range list {
			if path == "" {
				continue
			}
			for _, f := range files {
				if sameOutput(f.path, path) {
					return usageErrorf("%s: %s would be written twice", c.Command.HelpName, path).withHint("give each file its own name")
				}
			}
			files = append(files, outfile{path, nil})
		}
	}
	made, err := makeFolders(files, len(all) > 0 && len(all[0]) > 1)
	if err != nil {
		return inCommand(c, err)
	}
	staged, err := stage(files, c.Bool(flagOverwrite))
	if err != nil {
		made.remove()
		return inCommand(c, err)
	}
	staged.discard()
	return nil
}

// save writes one file, whole or not at all.
func (p *program) save(c *cli.Context, path string, data []byte) error {
	if path == "" {
		return nil
	}
	staged, err := stage([]outfile{{path, data}}, c.Bool(flagOverwrite))
	if err != nil {
		return inCommand(c, err)
	}
	defer staged.discard()
	if err := staged.publish(); err != nil {
		return inCommand(c, err)
	}
	fmt.Fprintf(p.stderr, "wrote %s\n", oneLine(path))
	return nil
}

// afterwards is the failure to write a file when the server was changed already:
// no longer one of usage, which says that nothing was contacted.
func afterwards(err error) error {
	if h := (*hintedError)(nil); errors.As(err, &h) {
		return &hintedError{err: err, code: exitFailed, hints: h.hints}
	}
	return err
}

func (p *program) saveJSON(c *cli.Context, path string, v any) error {
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	if err := render.JSON(&b, v); err != nil {
		return err
	}
	return p.save(c, path, b.Bytes())
}

// saveRollback writes the script that takes a run's changes back.
func (p *program) saveRollback(c *cli.Context, path string, r *exchange.Report) error {
	if path == "" {
		return nil
	}
	if !r.Changed || len(r.Inverse) == 0 {
		fmt.Fprintf(p.stderr, "nothing was changed that could be taken back: %s is not written\n", oneLine(filepath.Base(path)))
		return nil
	}
	var b bytes.Buffer
	if err := psgen.Rollback(&b, *r); err != nil {
		return fmt.Errorf("%s: the rollback script: %w", c.Command.HelpName, err)
	}
	return p.save(c, path, b.Bytes())
}
