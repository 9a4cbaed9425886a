package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/exgrant/exgrant/internal/transcript"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

var explainFormats = []string{formatText, formatJSON}

func (p *program) explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "tell what an Exchange error means and what to do next",
		UsageText: "exgrant explain [FILE|-] [--format text|json]",
		ArgsUsage: "[FILE|-]",
		Description: `Reads an error as it was shown: a console's text, wrapped or quoted as it may
be, $Error[0] | ConvertTo-Json, a report of ours, a WSMan fault, an HTTP answer
or one of Exchange Web Services. Without FILE it reads standard input.

Contacts nobody. An error that it does not know is "other", and no failure.`,
		Flags:  formatFlags(explainFormats),
		Action: p.explain,
	}
}

func (p *program) explain(c *cli.Context) error {
	format, err := format(c, explainFormats)
	if err != nil {
		return err
	}
	evidence, err := p.readEvidence(c, c.Args().First())
	if err != nil {
		return err
	}
	f, _ := fault.Classify(evidence)
	if format == formatJSON {
		return p.printFaultJSON(f)
	}
	return p.printFault(f)
}

func (p *program) readEvidence(c *cli.Context, name string) (fault.Evidence, error) {
	if name == "" {
		name = "-"
	}
	r, err := p.open(c, name)
	if err != nil {
		return fault.Evidence{}, err
	}
	defer r.Close()
	if name == "-" && p.stdinIsTerminal() {
		fmt.Fprintf(p.stderr, "Paste the error, all of it with the lines that begin with +, then press %s.\n", endOfInput())
	}
	evidence, truncated, err := transcript.Read(r)
	switch {
	case errors.Is(err, transcript.ErrEmpty):
		return evidence, usageErrorf("%s: nothing to explain: %s is empty", c.Command.HelpName, fileName(name)).
			withHint("paste or pipe the error as it was shown; in PowerShell: $Error[0] | ConvertTo-Json | exgrant explain")
	case err != nil && c.Context.Err() != nil:
		return evidence, c.Context.Err()
	case err != nil:
		return evidence, cannotRead(c, fileName(name), err)
	}
	if truncated {
		fmt.Fprintf(p.stderr, "exgrant: only the first %d MiB of %s were read\n", transcript.MaxInput>>20, fileName(name))
	}
	return evidence, nil
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

func (p *program) printFaultJSON(f fault.Fault) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Fault   string                `json:"fault"`
		Rule    string                `json:"rule"`
		Message string                `json:"message"`
		Hint    string                `json:"hint,omitempty"`
		Retry   string                `json:"retry"`
		Source  string                `json:"source,omitempty"`
		Record  *exchange.ErrorRecord `json:"record,omitempty"`
	}{f.ID, f.Rule, f.Message, f.Hint, f.Retry, f.Source, f.Record})
}

// shownMessage is how much of a message a person sees, in letters: they have it in
// front of them.
const shownMessage = 400

func (p *program) printFault(f fault.Fault) error {
	width := p.textWidth()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", f.ID, fault.Meaning(f.ID))
	writeParagraph(&b, "Error   ", shorten(oneLine(f.Message), shownMessage), width)
	writeParagraph(&b, "Next    ", f.Hint, width)
	writeParagraph(&b, "Retry   ", f.Retry+": "+fault.RetryMeaning(f.Retry), width)
	writeParagraph(&b, "Rule    ", f.Rule, width)
	writeParagraph(&b, "Source  ", f.Source, width)
	_, err := p.stdout.Write([]byte(b.String()))
	return err
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
