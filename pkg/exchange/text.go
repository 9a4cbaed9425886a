package exchange

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A TextError says which character of a text cannot be used and why. Offset
// counts bytes.
type TextError struct {
	Offset int
	Rune   rune   // utf8.RuneError for a byte that is not UTF-8
	Why    string // what the character is: "a control character"
}

func (e *TextError) Error() string {
	if e.Rune == utf8.RuneError {
		return fmt.Sprintf("%s at byte %d", e.Why, e.Offset)
	}
	return fmt.Sprintf("%s (%U) at byte %d", e.Why, e.Rune, e.Offset)
}

// CheckText refuses text that a reader of a script, a plan or a report could not
// see for what it is: control, invisible and bidirectional characters, and what
// is not Unicode text at all, lone surrogates among it. Letters, marks, symbols
// and spaces of every language pass. The error is a *TextError.
func CheckText(s string) error {
	for i, r := range s {
		if ' ' <= r && r <= '~' {
			continue
		}
		why := refusedRune(r)
		if r == utf8.RuneError {
			why = invalidEncoding(s[i:])
		}
		if why != "" {
			return &TextError{i, r, why}
		}
	}
	return nil
}

func refusedRune(r rune) string {
	switch {
	case r == 0:
		return "a NUL character"
	case unicode.IsControl(r):
		return "a control character"
	case unicode.Is(unicode.Bidi_Control, r):
		return "a bidirectional control character"
	case unicode.In(r, unicode.Zl, unicode.Zp):
		return "a line or paragraph separator"
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return "" // category Cf, but visible: Arabic number signs
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return "an invisible character"
	}
	return ""
}

// invalidEncoding tells a surrogate that was encoded alone, as WTF-8 does, from
// other bytes that are not UTF-8. It returns "" for a real U+FFFD.
func invalidEncoding(s string) string {
	if _, size := utf8.DecodeRuneInString(s); size > 1 {
		return ""
	}
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF {
		return "a lone surrogate"
	}
	return "a byte that is not UTF-8"
}

// Quote returns s as a PowerShell single-quoted string: a constant in which
// nothing is expanded. PowerShell takes five characters for a single quote, the
// ASCII one and U+2018 to U+201B (CharTraits.IsSingleQuote); each is doubled. It
// refuses what CheckText refuses; the error is a *TextError.
func Quote(s string) (string, error) {
	if err := CheckText(s); err != nil {
		return "", fmt.Errorf("cannot write %q as a PowerShell string: %w", s, err)
	}
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('\'')
	written := 0
	for i, r := range s {
		if isSingleQuote(r) {
			b.WriteString(s[written:i])
			b.WriteRune(r)
			written = i // and once more with what follows
		}
	}
	b.WriteString(s[written:])
	b.WriteByte('\'')
	return b.String(), nil
}

func isSingleQuote(r rune) bool { return r == '\'' || r >= '\u2018' && r <= '\u201b' }

// utf16Len is the length of s as Exchange counts it, in UTF-16 units.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
