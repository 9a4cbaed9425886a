package clixml

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The characters that may not stand in a document as they are have two clothes:
// XML's entities (&lt;, &#10;) and, inside what those give, CLIXML's own escapes of
// UTF-16 code units: _x000A_, _xD83D__xDE00_, and _x005F_ for a _ that would begin
// one. Reading takes off the first, then the second.

var errEntity = errors.New("an entity that is none of &lt; &gt; &amp; &quot; &apos; and no character's number")

// decodeEntities takes off XML's entities and makes line ends "\n"; in an
// attribute they are spaces.
func decodeEntities(s string, attribute bool) (string, error) {
	if plain(s, attribute) {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '&':
			end := strings.IndexByte(s[i:], ';')
			if end < 0 {
				return s, errEntity
			}
			var ok bool
			if out, ok = appendEntity(out, s[i+1:i+end]); !ok {
				return s, errEntity
			}
			i += end
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
			// The line feed stands for both.
		case attribute && (c == '\r' || c == '\n' || c == '\t'):
			out = append(out, ' ')
		case c == '\r':
			out = append(out, '\n')
		default:
			out = append(out, c)
		}
	}
	return string(out), nil
}

// plain says whether there is nothing to decode.
func plain(s string, attribute bool) bool {
	if !attribute {
		return strings.IndexByte(s, '&') < 0 && strings.IndexByte(s, '\r') < 0
	}
	for i := range len(s) { // attributes are short
		if c := s[i]; c == '&' || c < ' ' {
			return false
		}
	}
	return true
}

func appendEntity(dst []byte, name string) ([]byte, bool) {
	switch name {
	case "lt":
		return append(dst, '<'), true
	case "gt":
		return append(dst, '>'), true
	case "amp":
		return append(dst, '&'), true
	case "quot":
		return append(dst, '"'), true
	case "apos":
		return append(dst, '\''), true
	}
	digits, base := name[min(1, len(name)):], uint32(10)
	if !strings.HasPrefix(name, "#") {
		return dst, false
	}
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, ok := parseCharacter(digits, base)
	if !ok {
		return dst, false
	}
	return appendCharacter(dst, n), true
}

// parseCharacter reads the number of a Unicode character.
func parseCharacter(digits string, base uint32) (rune, bool) {
	var n uint32
	for i := range len(digits) {
		d := hexDigit(digits[i])
		if d >= base {
			return 0, false
		}
		if n = n*base + d; n > utf8.MaxRune {
			return 0, false
		}
	}
	return rune(n), digits != ""
}

const notHex = 0xFF

func hexDigit(c byte) uint32 {
	switch {
	case '0' <= c && c <= '9':
		return uint32(c - '0')
	case 'a' <= c && c <= 'f':
		return uint32(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return uint32(c-'A') + 10
	}
	return notHex
}

// unescape takes off CLIXML's escapes.
func unescape(s string) string {
	i := nextEscape(s, 0)
	if i < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	done := 0
	for ; i >= 0; i = nextEscape(s, i) {
		r, length, ok := readEscape(s[i:])
		if !ok {
			i++
			continue
		}
		out = appendCharacter(append(out, s[done:i]...), r)
		i += length
		done = i
	}
	return string(append(out, s[done:]...))
}

// nextEscape finds where the next escape may begin.
func nextEscape(s string, from int) int {
	for {
		i := strings.IndexByte(s[from:], '_')
		if i < 0 {
			return -1
		}
		if from += i; from+1 < len(s) && s[from+1]|0x20 == 'x' {
			return from
		}
		from++
	}
}

// readEscape reads _xHHHH_, or _xHHHHHHHH_, which .NET takes too.
func readEscape(s string) (r rune, length int, ok bool) {
	for _, digits := range [...]int{4, 8} {
		if end := len("_x") + digits; end < len(s) && s[end] == '_' {
			if r, ok = parseCharacter(s[2:end], 16); ok {
				return r, end + 1, true
			}
		}
	}
	return 0, 0, false
}

// appendCharacter appends a character or half of a surrogate pair as WTF-8: a
// second half joins the first one before it.
func appendCharacter(dst []byte, r rune) []byte {
	if r < surrogateMin || r > surrogateMax {
		return utf8.AppendRune(dst, r)
	}
	if high, ok := lastSurrogate(dst); ok {
		if joined := utf16.DecodeRune(high, r); joined != utf8.RuneError {
			return utf8.AppendRune(dst[:len(dst)-3], joined)
		}
	}
	return append(dst, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
}

const surrogateMin, surrogateMax = 0xD800, 0xDFFF

// lastSurrogate returns the lone surrogate at the end of b, if there is one.
func lastSurrogate(b []byte) (rune, bool) {
	if len(b) < 3 {
		return 0, false
	}
	return surrogateAt(string(b[len(b)-3:]))
}

// surrogateAt returns the lone surrogate that s begins with in WTF-8.
func surrogateAt(s string) (rune, bool) {
	if len(s) < 3 || s[0] != 0xED || s[1]&0xE0 != 0xA0 || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), true
}

// ErrText says that a string is neither UTF-8 nor WTF-8: no .NET string is like it.
var ErrText = errors.New("neither UTF-8 nor UTF-8 with lone surrogates")

// appendText appends s with both kinds of escapes, as PowerShell writes it: every
// control character and surrogate by its number.
func appendText(dst []byte, s string, attribute bool) ([]byte, error) {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && !special(s, i, attribute) {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && size == 1 {
				var ok bool
				if r, ok = surrogateAt(s[i:]); !ok {
					return dst, ErrText
				}
				size = 3
			}
			if !escaped(r) {
				i += size
				continue
			}
		}
		dst = appendEscaped(append(dst, s[done:i]...), r)
		i += size
		done = i
	}
	return append(dst, s[done:]...), nil
}

// special says whether the ASCII character at s[i] cannot stand for itself.
func special(s string, i int, attribute bool) bool {
	switch c := s[i]; c {
	case '<', '>', '&', 0x7F:
		return true
	case '"':
		return attribute
	case '_':
		return i+1 < len(s) && s[i+1]|0x20 == 'x'
	default:
		return c < ' '
	}
}

// escaped says whether a character beyond ASCII is written by its number: control
// characters, surrogates in pairs or alone, and the two that XML forbids.
func escaped(r rune) bool {
	return r <= 0x9F || r >= surrogateMin && r <= surrogateMax || r == 0xFFFE || r == 0xFFFF || r > 0xFFFF
}

func appendEscaped(dst []byte, r rune) []byte {
	switch r {
	case '<':
		return append(dst, "&lt;"...)
	case '>':
		return append(dst, "&gt;"...)
	case '&':
		return append(dst, "&amp;"...)
	case '"':
		return append(dst, "&quot;"...)
	}
	if r > 0xFFFF {
		high, low := utf16.EncodeRune(r)
		return appendEscaped(appendEscaped(dst, high), low)
	}
	const digits = "0123456789ABCDEF"
	return append(dst, '_', 'x', digits[r>>12&0xF], digits[r>>8&0xF], digits[r>>4&0xF], digits[r&0xF], '_')
}
