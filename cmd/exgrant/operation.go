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

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/internal/terminal"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/remote"
	"github.com/exgrant/exgrant/pkg/report"
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
	flagAccept    = "accept"

	flagEnableCustomization = "enable-customization"
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
	p       *program
	c       *cli.Context
	format  string
	session remote.Session
	options grant.Options
	ended   error            // what the first grant ended with that did not end well
	reports []*report.Report // of a format that is one document for all grants
	beside  bool             // a plan is shown on standard error, beside the file that it goes into
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
		Tool:                 p.tool(),
		Now:                  p.now,
		Sleep:                p.sleep,
		Progress:             func(s report.Step) { p.person().Progress(progressText(s)) },
		UpdateScope:          c.Bool(flagUpdate),
		AllowEmpty:           c.Bool(flagEmpty),
		CustomizationTimeout: c.Duration(flagCustomize),
		EnableCustomization:  c.Bool(flagEnableCustomization),
	}
}

// progressText is a step in a line, while the run goes on.
func progressText(s report.Step) string {
	text := s.Text
	if text == "" && s.Fault != nil {
		text = s.Fault.Message
	}
	return s.ID + ": " + text
}

// journal is where what is changed from here on is recorded.
func (o *operation) journal(path string) *journal {
	j := &journal{p: o.p, c: o.c, path: path}
	o.options.Record = j.keep
	return j
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
func (o *operation) result(r *report.Report) error {
	o.p.person().Done()
	o.p.advise(o.c, r)
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
		o.p.tellChanges(r)
		return err
	}
	if o.format != formatText {
		o.p.tellFailure(o.c, r)
	}
	o.keep(r.Outcome)
	return nil
}

// told is the report of a run, also of one that stopped: its outcome decides how the
// program ends, after it was shown. Every other error is the command line's.
func told(r *report.Report, err error) (*report.Report, error) {
	if stopped := (*report.Stopped)(nil); errors.As(err, &stopped) {
		return stopped.Report, nil
	}
	return r, err
}

func (o *operation) keep(outcome report.Outcome) {
	if o.ended == nil && outcome.ExitCode() != exitDone {
		o.ended = outcomeError{outcome}
	}
}

// tellFailure says in a line what went wrong, where the result itself is for a
// program.
func (p *program) tellFailure(c *cli.Context, r *report.Report) {
	if r.Outcome.ExitCode() == exitDone {
		return
	}
	why, hint := string(r.Outcome), ""
	for _, s := range r.Steps {
		if s.Status != report.StatusFailed {
			continue
		}
		why = string(r.Outcome) + ": " + s.Text
		if s.Fault != nil {
			why, hint = string(r.Outcome)+": "+s.Fault.Message, s.Fault.Hint
		}
	}
	p.say(strings.Replace(c.Command.HelpName, "exgrant ", "exgrant: ", 1)+": ", oneLine(why))
	for _, h := range []string{r.Next, hint} {
		if h != "" {
			p.say("hint: ", oneLine(h))
		}
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

// confirm asks on the terminal whether the changes may be made. --yes agrees to what the
// command was told to do; what cannot be undone, and what gives rights that nobody
// named, is asked for all the same where there is somebody to ask.
func (p *program) confirm(c *cli.Context) func(context.Context, grant.Question) (bool, error) {
	if c.Bool(flagYes) && !p.person().Interactive() {
		return nil
	}
	return func(ctx context.Context, q grant.Question) (bool, error) {
		if c.Bool(flagYes) && (q.Kind == grant.AskChanges || q.Own) {
			return true, nil
		}
		p.person().Done()
		before, question := "About to be changed:", "Go on?"
		switch q.Kind {
		case grant.AskCustomization:
			before, question = "The server asks for Enable-OrganizationCustomization first. It cannot be undone.", "Run it?"
		case grant.AskRights:
			before, question = "This gives rights again:", "Give them?"
		}
		fmt.Fprintln(p.stderr, before)
		if err := render.Changes(p.stderr, q.Changes, p.style(p.stderr)); err != nil {
			return false, err
		}
		return p.person().Confirm(ctx, question)
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

// saveUndo writes the script that takes a run's changes back.
func (p *program) saveUndo(c *cli.Context, path string, r *report.Report) error {
	if path == "" {
		return nil
	}
	if !r.Changed || len(r.Inverse) == 0 {
		fmt.Fprintf(p.stderr, "nothing was changed that could be taken back: %s is not written\n", oneLine(filepath.Base(path)))
		return nil
	}
	var b bytes.Buffer
	if err := psgen.Undo(&b, *r); err != nil {
		return fmt.Errorf("%s: the undo script: %w", c.Command.HelpName, err)
	}
	return p.save(c, path, b.Bytes())
}
