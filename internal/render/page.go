// Package render writes plans, reports and audits: as text for a person, as JSON for
// a program, as JUnit XML for CI and monitoring, and as a page for a browser.
//
// Text is plain lines that may be as narrow as a terminal is: nothing in it is a
// table that a narrow window breaks. What comes from a server is shown in a form
// that no terminal acts on.
package render

import (
	"bufio"
	"io"
	"iter"
	"runtime"
	"strings"
	"unicode"
)

// A Style says how text is shown.
type Style struct {
	Width  int  // columns; 0 is no limit
	Colour bool // with ANSI colours
}

// leastWidth is the narrowest text: below it nothing would be left beside the
// indentation.
const leastWidth = 40

// A page is text that is being written. The first error stays.
type page struct {
	w     *bufio.Writer
	style Style
}

func newPage(w io.Writer, s Style) *page {
	if s.Width > 0 {
		s.Width = max(s.Width, leastWidth)
	}
	return &page{bufio.NewWriter(w), s}
}

func (p *page) flush() error { return p.w.Flush() }

func (p *page) blank() { _, _ = p.w.WriteString("\n") }

// An ink is how a word stands out.
type ink string

// The inks, as ANSI sequences.
const (
	plain  ink = ""
	bold   ink = "\x1b[1m"
	dim    ink = "\x1b[2m"
	red    ink = "\x1b[31m"
	green  ink = "\x1b[32m"
	yellow ink = "\x1b[33m"

	noInk = "\x1b[0m"
)

// hang is how far the second line of an item is moved in at most.
const hang = 6

// item writes text behind a lead. What does not fit into the line goes below,
// moved in.
func (p *page) item(lead string, i ink, text string) {
	width := columns(lead)
	indent := strings.Repeat(" ", min(width, hang))
	for n, line := range wrap(visible(text), p.style.Width-width, p.style.Width-len(indent)) {
		switch {
		case n == 0 && line == "":
			p.write(strings.TrimRight(lead, " "), i)
		case n == 0:
			p.write(lead, i)
		default:
			p.write(indent, plain)
		}
		p.write(line, i)
		p.blank()
	}
}

// command writes a PowerShell command below an item.
func (p *page) command(lead, text string) { p.copied(lead, text, "`", dim) }

// typed writes a command of this program.
func (p *page) typed(lead, text string) {
	more := `\`
	if runtime.GOOS == "windows" {
		more = "`"
	}
	p.copied(lead, text, more, plain)
}

// copied writes a command that a person copies: what does not fit goes on the next line,
// behind the mark by which a shell reads on.
func (p *page) copied(lead, text, more string, i ink) {
	indent := strings.Repeat(" ", min(columns(lead), hang)+2)
	line := lead
	for n, word := range words(graphic(text)) {
		gap := " "
		if n == 0 {
			gap = ""
		}
		if n > 0 && p.style.Width > 0 && columns(line+gap+word)+2 > p.style.Width {
			if !strings.HasPrefix(word, "  #") {
				line += " " + more
			}
			p.write(line, i)
			p.blank()
			line, gap = indent, ""
		}
		line += gap + word
	}
	p.write(line, i)
	p.blank()
}

// words are the words of a command; what stands in single quotes is one.
func words(command string) []string {
	var list []string
	quoted, begin := false, 0
	for n, r := range command {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == '#' && !quoted && n == begin: // a comment ends with its line
			return append(list, "  "+command[begin:])
		case r == ' ' && !quoted:
			if n > begin {
				list = append(list, command[begin:n])
			}
			begin = n + 1
		}
	}
	return append(list, command[begin:])
}

// Line writes a text behind a lead.
func Line(w io.Writer, s Style, lead, text string) error {
	p := newPage(w, s)
	p.item(lead, plain, text)
	return p.flush()
}

// List writes names, each with what it is in words.
func List(w io.Writer, s Style, width int, entries iter.Seq2[string, string]) error {
	p := newPage(w, s)
	for name, text := range entries {
		p.item(padded(visible(name), width+2), plain, text)
	}
	return p.flush()
}

func (p *page) heading(text string) {
	p.blank()
	p.item("", bold, text)
}

func (p *page) write(text string, i ink) {
	if i == plain || !p.style.Colour || strings.TrimSpace(text) == "" {
		_, _ = p.w.WriteString(text)
		return
	}
	_, _ = p.w.WriteString(string(i) + text + noInk)
}

// visible makes a text one line that shows everything that is in it.
func visible(text string) string {
	return graphic(strings.Join(strings.Fields(text), " "))
}

// graphic replaces what a terminal would act on.
func graphic(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// wrap breaks a line at its blanks so that the first part is no wider than first
// columns and the others than rest, but for words that are wider themselves. A
// rest that is not positive is no limit.
func wrap(text string, first, rest int) []string {
	if rest <= 0 {
		return []string{text}
	}
	var lines []string
	line, used, room := "", 0, first
	for i, word := range strings.Split(text, " ") {
		n := columns(word)
		switch {
		case i == 0 && n > first && n <= rest:
			lines = append(lines, "")
			line, used, room = word, n, rest
		case i == 0:
			line, used = word, n
		case used+1+n <= room:
			line, used = line+" "+word, used+1+n
		default:
			lines = append(lines, line)
			line, used, room = word, n, rest
		}
	}
	return append(lines, line)
}
