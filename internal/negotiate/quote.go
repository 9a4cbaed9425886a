package negotiate

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuoted is how much of a foreign text an error repeats.
const maxQuoted = 120

// quote makes a text of others fit for an error: short, printable, in quotes.
func quote(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > maxQuoted {
		cut := maxQuoted
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strconv.Quote(text)
}
