package render

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns is how many columns of a terminal a text takes: two for a wide letter
// (Unicode Standard Annex 11), none for a mark that goes onto the letter before it.
func columns(text string) int {
	n := 0
	for _, r := range text {
		if r < 0x300 {
			n++
			continue
		}
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// padded is a text with blanks behind it until it is so many columns wide.
func padded(text string, to int) string { return text + strings.Repeat(" ", max(0, to-columns(text))) }
