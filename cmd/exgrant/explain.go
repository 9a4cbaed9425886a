package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/internal/transcript"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

var explainFormats = []string{formatText, formatJSON}

func (p *program) explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "tell what an Exchange error means and what to do next",
		UsageText: "exgrant explain [FILE|-]... [--format text|json]",
		ArgsUsage: "[FILE|-]...",
		Description: `Reads errors as they were shown: a console's text, wrapped or quoted as it may
be, a mail, a log of any length, $Error[0] | ConvertTo-Json, a report of
exgrant, a WSMan fault, an HTTP answer or one of Exchange Web Services. Without
FILE it reads standard input. Several errors get several answers, the first
cause first.

Contacts nobody. An error that it does not know is "unknown", and no failure.`,
		Flags:  formatFlags(explainFormats),
		Action: p.explain,
	}
}

func (p *program) explain(c *cli.Context) error {
	format, err := format(c, explainFormats)
	if err != nil {
		return err
	}
	names := c.Args().Slice()
	if len(names) == 0 {
		names = []string{"-"}
	}
	var reader transcript.Reader
	for _, name := range names {
		if err := p.readErrors(c, &reader, name); err != nil {
			return err
		}
	}
	answers, more, err := reader.Answers()
	if errors.Is(err, transcript.ErrEmpty) {
		what := fileName(names[0]) + " is empty"
		if len(names) > 1 {
			what = "the files are empty"
		}
		return usageErrorf("%s: nothing to explain: %s", c.Command.HelpName, what).
			withHint("paste or pipe the error as it was shown; in PowerShell: $Error[0] | ConvertTo-Json | exgrant explain")
	}
	if errors.Is(err, transcript.ErrNoError) && format == formatText {
		_, err := fmt.Fprintln(p.stdout, "no error: what exgrant wrote of this run tells of none\nnext: exgrant report FILE shows it as text")
		return err
	}
	if err != nil && !errors.Is(err, transcript.ErrNoError) {
		return err
	}
	if more > 0 {
		fmt.Fprintf(p.stderr, "exgrant: %d more errors are not shown, only the first %d different ones\n", more, transcript.MaxAnswers)
	}
	if n := reader.Skipped(); n > 0 {
		fmt.Fprintf(p.stderr, "exgrant: %d lines were not looked at: too many different ones come before them; give a part of the log\n", n)
	}
	if format == formatJSON {
		return p.printAnswersJSON(answers, len(names) > 1)
	}
	return p.printAnswers(answers, len(names) > 1)
}

func (p *program) readErrors(c *cli.Context, reader *transcript.Reader, name string) error {
	r, err := p.open(c, name)
	if err != nil {
		return err
	}
	defer r.Close()
	if name == "-" && p.stdinIsTerminal() {
		fmt.Fprintf(p.stderr, "Paste the error, all of it with the lines that begin with +, then press %s.\n", endOfInput())
	}
	err = reader.Add(fileName(name), r)
	switch {
	case err != nil && c.Context.Err() != nil:
		return c.Context.Err()
	case err != nil:
		return cannotRead(c, fileName(name), err)
	}
	return nil
}

func (p *program) stdinIsTerminal() bool {
	r := p.stdin
	if i, ok := r.(interruptible); ok {
		r = i.r
	}
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// endOfInput is the key that ends what is typed into a terminal.
func endOfInput() string {
	if runtime.GOOS == "windows" {
		return "Enter, Ctrl-Z and Enter"
	}
	return "Enter and Ctrl-D"
}

// An explainedError is one error in the document that --json prints. Of an error that
// is not known nothing is said that nobody knows: no retry, no source.
type explainedError struct {
	Fault    string                `json:"fault"`
	Rule     string                `json:"rule"`
	Meaning  string                `json:"meaning"`
	Message  string                `json:"message"`
	Hint     string                `json:"hint,omitempty"`
	Who      string                `json:"who,omitempty"`
	Retry    string                `json:"retry,omitempty"`
	Wait     string                `json:"wait,omitempty"`
	Source   string                `json:"source,omitempty"`
	Evidence []fault.Clue          `json:"evidence,omitempty"`
	Record   *exchange.ErrorRecord `json:"record,omitempty"`
	Count    int                   `json:"count"`
	File     string                `json:"file,omitempty"`
}

func explainAnswer(a transcript.Answer, files bool) explainedError {
	f := a.Fault
	e := explainedError{
		Fault: f.ID, Rule: f.Rule, Meaning: a.Rule.Says(), Message: f.Message, Hint: f.Hint, Who: a.Rule.Can(), Record: f.Record, Count: a.Count,
		Evidence: fault.Clues(a.Evidence, *a.Rule),
	}
	if !a.Rule.Unknown() {
		e.Retry, e.Wait, e.Source = f.Retry, fault.RetryMeaning(f.Retry), f.Source
	}
	if files {
		e.File = a.Source
	}
	return e
}

// printAnswersJSON prints one document: the first cause, and all errors in order.
func (p *program) printAnswersJSON(answers []transcript.Answer, files bool) error {
	if len(answers) == 0 {
		return render.JSON(p.stdout, struct {
			Errors []explainedError `json:"errors"`
		}{[]explainedError{}})
	}
	document := struct {
		explainedError
		Errors []explainedError `json:"errors"`
	}{explainedError: explainAnswer(answers[0], files)}
	for _, a := range answers {
		document.Errors = append(document.Errors, explainAnswer(a, files))
	}
	return render.JSON(p.stdout, document)
}

// shownMessage and shownClue are how much of a message and of what decided a person
// sees, in letters: they have it in front of them.
const (
	shownMessage = 400
	shownClue    = 100
)

func (p *program) printAnswers(answers []transcript.Answer, files bool) error {
	width := p.textWidth()
	var b strings.Builder
	if len(answers) > 1 {
		writeParagraph(&b, "", fmt.Sprintf("%d errors. The first is where to begin: others often follow from it.", len(answers)), width)
		b.WriteByte('\n')
	}
	for i, a := range answers {
		if i > 0 {
			b.WriteByte('\n')
		}
		number := ""
		if len(answers) > 1 {
			number = fmt.Sprintf("%d. ", i+1)
		}
		writeAnswer(&b, number, explainAnswer(a, files), width)
	}
	_, err := p.stdout.Write([]byte(b.String()))
	return err
}

func writeAnswer(b *strings.Builder, number string, e explainedError, width int) {
	id := e.Fault
	if e.Retry == "" {
		id = "unknown"
	}
	writeParagraph(b, number+id+": ", e.Meaning, width)
	b.WriteByte('\n')
	writeParagraph(b, "Error   ", shorten(oneLine(e.Message), shownMessage), width)
	writeParagraph(b, "Next    ", e.Hint, width)
	writeParagraph(b, "Who     ", e.Who, width)
	writeParagraph(b, "Retry   ", e.Wait, width)
	writeParagraph(b, "Why     ", why(e), width)
	writeParagraph(b, "Seen    ", seen(e), width)
	writeParagraph(b, "Source  ", e.Source, width)
}

// why is what decided, so that a wrong answer can be argued with.
func why(e explainedError) string {
	if e.Retry == "" {
		return ""
	}
	var clues []string
	for _, c := range e.Evidence {
		clues = append(clues, c.Field+" "+shorten(oneLine(c.Text), shownClue))
	}
	return strings.Join(append(clues, "rule "+e.Rule), "; ")
}

// seen is how often, and where, when that is not once in the only input.
func seen(e explainedError) string {
	switch {
	case e.File != "" && e.Count > 1:
		return fmt.Sprintf("%d times, first in %s", e.Count, oneLine(e.File))
	case e.File != "":
		return "in " + oneLine(e.File)
	case e.Count > 1:
		return fmt.Sprintf("%d times", e.Count)
	}
	return ""
}

// textWidth is the terminal's width within what reads well, and that of help where
// there is none.
func (p *program) textWidth() int {
	if f, ok := p.stdout.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return min(max(width, 40), 100)
		}
	}
	return helpWidth
}

// writeParagraph prints text beside its label, wrapped between words. A word that
// is longer than a line, such as an address, stays whole.
func writeParagraph(b *strings.Builder, label, text string, width int) {
	if text == "" {
		return
	}
	b.WriteString(label)
	used := len(label)
	for i, word := range strings.Fields(text) {
		switch n := utf8.RuneCountInString(word); {
		case i > 0 && used+1+n > width:
			fmt.Fprintf(b, "\n%*s", len(label), "")
			used = len(label)
		case i > 0:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += utf8.RuneCountInString(word)
	}
	b.WriteByte('\n')
}

func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + " ..."
}
