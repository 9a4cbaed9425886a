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
	"strings"
	"unicode"
	"unicode/utf8"
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
	width := utf8.RuneCountInString(lead)
	indent := strings.Repeat(" ", min(width, hang))
	for n, line := range wrap(visible(text), p.style.Width-width, p.style.Width-len(indent)) {
		if n == 0 {
			p.write(lead, i)
		} else {
			p.write(indent, plain)
		}
		p.write(line, i)
		p.blank()
	}
}

// command writes a command below an item. It is not wrapped: a person copies it.
func (p *page) command(indent, text string) {
	p.write(indent+graphic(text), dim)
	p.blank()
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
		n := utf8.RuneCountInString(word)
		switch {
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
