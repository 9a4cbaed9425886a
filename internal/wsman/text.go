package wsman

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exgrant/exgrant/internal/httptext"
)

// A writer appends XML. What XML cannot hold becomes its error, and nothing that
// was written counts then.
type writer struct {
	out []byte
	err error
}

func (w *writer) raw(s ...string) {
	for _, part := range s {
		w.out = append(w.out, part...)
	}
}

// text appends s as character data or as an attribute's value in double quotes.
// Tabs and line ends are written as references, so that attributes keep them.
func (w *writer) text(s string) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"), !isXML(r):
			if w.err == nil {
				w.err = fmt.Errorf("XML cannot hold the character at byte %d of %.200q", i, s)
			}
			return
		case r == '&':
			w.raw("&amp;")
		case r == '<':
			w.raw("&lt;")
		case r == '>':
			w.raw("&gt;")
		case r == '"':
			w.raw("&quot;")
		case r == '\t' || r == '\n' || r == '\r':
			w.raw("&#", strconv.Itoa(int(r)), ";")
		default:
			w.out = utf8.AppendRune(w.out, r)
		}
	}
}

// isXML reports whether XML 1.0 section 2.2 allows the character.
func isXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// element appends <tag>text</tag>. The tag may have attributes.
func (w *writer) element(tag, text string) {
	w.raw("<", tag, ">")
	w.text(text)
	w.end(tag)
}

// optional appends an element unless its text is empty.
func (w *writer) optional(tag, text string) {
	if text != "" {
		w.element(tag, text)
	}
}

func (w *writer) end(tag string) {
	name, _, _ := strings.Cut(tag, " ")
	w.raw("</", name, ">")
}

// attribute appends ` name="value"`, nothing when the value is empty.
func (w *writer) attribute(name, value string) {
	if value == "" {
		return
	}
	w.raw(" ", name, `="`)
	w.text(value)
	w.raw(`"`)
}

func (w *writer) base64(data []byte) {
	w.out = base64.StdEncoding.AppendEncode(w.out, data)
}

// appendBase64 decodes the text of an element. Line breaks and blanks in it do not
// count.
func appendBase64(out, text []byte) ([]byte, error) {
	text = withoutSpace(text)
	start := len(out)
	out = append(out, make([]byte, base64.StdEncoding.DecodedLen(len(text)))...)
	n, err := base64.StdEncoding.Strict().Decode(out[start:], text)
	return out[:start+n], err
}

// withoutSpace returns the text itself when there is nothing to remove.
func withoutSpace(text []byte) []byte {
	clean := true
	for _, c := range text {
		if isSpace(c) {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if !isSpace(c) {
			out = append(out, c)
		}
	}
	return out
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// maxClip bounds what a message shows of foreign text, in bytes.
const maxClip = 200

// clip makes one short line of foreign text for a message.
func clip(s string) string { return httptext.Line(s, maxClip) }

// formatDuration writes an xs:duration in seconds, milliseconds the least.
func formatDuration(d time.Duration) string {
	return "PT" + strconv.FormatFloat(float64(max(d, 0).Round(time.Millisecond))/float64(time.Second), 'f', -1, 64) + "S"
}

// parseDuration reads an xs:duration without years and months, whose length is
// not fixed. Negative ones are errors.
func parseDuration(s string) (time.Duration, error) {
	date, clock, hasClock := strings.Cut(strings.TrimPrefix(s, "P"), "T")
	if !strings.HasPrefix(s, "P") || date == "" && clock == "" || hasClock && clock == "" {
		return 0, fmt.Errorf("%q is not a duration", clip(s))
	}
	days, err := durationPart(date, "D")
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: %w", clip(s), err)
	}
	rest, err := durationPart(clock, "HMS")
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: %w", clip(s), err)
	}
	return days + rest, nil
}

// maxDuration is where durations end that a server sends for "without limit".
const maxDuration = 100 * 365 * 24 * time.Hour

// durationPart adds up numbers with their units, which come in the given order.
func durationPart(s, units string) (time.Duration, error) {
	lengths := map[byte]time.Duration{'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	var total time.Duration
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if n < 1 {
			return 0, fmt.Errorf("no number before a unit")
		}
		at := strings.IndexByte(units, s[n])
		value, err := strconv.ParseFloat(s[:n], 64)
		if at < 0 || err != nil {
			return 0, fmt.Errorf("%q is no number with one of the units %s", clip(s[:n+1]), units)
		}
		scaled := value * float64(lengths[s[n]])
		if scaled > float64(maxDuration) {
			scaled = float64(maxDuration)
		}
		total = min(total+time.Duration(scaled).Round(time.Microsecond), maxDuration)
		units, s = units[at+1:], s[n+1:]
	}
	return total, nil
}
