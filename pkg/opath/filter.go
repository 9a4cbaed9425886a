// Package opath reads, compares and writes recipient filters: the OPATH of
// -RecipientRestrictionFilter and -Filter
// (learn.microsoft.com/powershell/exchange/recipient-filters).
//
// Servers give a filter back in another form than it was given: with more
// parentheses, in another case. So filters are compared as parsed trees (Equal),
// never as text, and text of people enters a filter only through Quote.
//
// All values are plain data, safe for concurrent reading. The package imports
// nothing of ours.
package opath

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Filter is a parsed OPATH recipient filter: *Comparison, *And, *Or or *Not.
// The grammar is that of -RecipientRestrictionFilter and -Filter
// (learn.microsoft.com/powershell/exchange/recipient-filters).
type Filter interface{ filter() }

// A Comparison compares one property of a recipient with a constant.
type Comparison struct {
	Property string // as written; property names ignore case
	Operator string // lower case without the hyphen: eq, ne, like, notlike, lt, le, gt, ge
	Value    Value
}

// A Value is a constant of a filter. Bare words and numbers are text that
// was not quoted: servers compare them like quoted text.
type Value struct {
	Kind ValueKind
	Text string // Text: unquoted, unescaped text; Variable: true, false or null in lower case
}

// ValueKind tells text from the system values $true, $false and $null.
type ValueKind int

// The kinds of constants.
const (
	Text ValueKind = iota
	Variable
)

// And, Or and Not combine filters. And and Or have two or more operands; nested
// ones of the same kind are flattened by Parse.
type (
	And struct{ Operands []Filter }
	Or  struct{ Operands []Filter }
	Not struct{ Operand Filter }
)

func (*Comparison) filter() {}
func (*And) filter()        {}
func (*Or) filter()         {}
func (*Not) filter()        {}

// Quote returns s as a text value of an OPATH filter: in single quotes,
// each single quote in it doubled. This is the one way in which text gets into a
// filter. It refuses control, invisible and bidirectional characters, and what is not
// UTF-8.
//
// Only the ASCII quote is doubled, as in Microsoft's own recipe: the four other
// characters that PowerShell takes for a single quote are letters like any other
// within a filter. Quote doubles those where the whole filter becomes a
// PowerShell literal.
func Quote(s string) (string, error) {
	if r, offset, ok := unprintable(s); ok {
		return "", fmt.Errorf("cannot write %q into a filter: %U at byte %d cannot be seen for what it is", s, r, offset)
	}
	return quote(s), nil
}

// unprintable finds the first character that a reader of a filter could not see for
// what it is: control and format characters (bidirectional ones among them), line
// separators, and bytes that are not UTF-8, of which r is utf8.RuneError.
func unprintable(s string) (r rune, offset int, found bool) {
	for i, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
			r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return r, i, true
		}
	}
	return 0, 0, false
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// MemberOf returns the filter for the direct members of the group with the given
// distinguished name; a filter takes no other form of the group's identity
// (learn.microsoft.com/powershell/exchange/filter-properties#memberofgroup).
func MemberOf(dn string) (string, error) {
	text, err := Quote(dn)
	if err != nil {
		return "", err
	}
	return "MemberOfGroup -eq " + text, nil
}

// HasMember returns the filter for the groups that have the recipient with the given
// distinguished name as a direct member
// (learn.microsoft.com/powershell/exchange/filter-properties#members).
func HasMember(dn string) (string, error) {
	text, err := Quote(dn)
	if err != nil {
		return "", err
	}
	return "Members -eq " + text, nil
}

// Both returns the filter for what two filters both match; an empty one
// matches everything. Texts that Parse does not understand are not joined with
// others: the error is a *SyntaxError.
func Both(a, b string) (string, error) {
	var both []Filter
	for _, text := range [...]string{a, b} {
		if text == "" {
			continue
		}
		f, err := Parse(text)
		if err != nil {
			return "", err
		}
		both = append(both, f)
	}
	if len(both) == 1 {
		return Format(both[0]), nil
	}
	return join(both, " -and "), nil
}

// String returns the filter as OPATH. Parse gives an equal filter back.
// Every mixture of -and and -or has parentheses, so that its meaning does not
// rest on which of them binds more tightly.
func (c *Comparison) String() string {
	return c.Property + " -" + c.Operator + " " + c.Value.String()
}

// String is documented at Comparison.String.
func (a *And) String() string { return join(a.Operands, " -and ") }

// String is documented at Comparison.String.
func (o *Or) String() string { return join(o.Operands, " -or ") }

// String is documented at Comparison.String.
func (n *Not) String() string { return "-not (" + Format(n.Operand) + ")" }

// String returns the value as it stands in a filter.
func (v Value) String() string {
	if v.Kind == Variable {
		return "$" + v.Text
	}
	return quote(v.Text)
}

// Format returns a filter as OPATH, as the String methods of its nodes do.
func Format(f Filter) string {
	if f == nil {
		return ""
	}
	return fmt.Sprint(f)
}

func join(operands []Filter, operator string) string {
	texts := make([]string, len(operands))
	for i, f := range operands {
		texts[i] = Format(f)
		switch f.(type) {
		case *And, *Or:
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, operator)
}

// Equal reports whether two filters are the same condition but for what a
// server changes when it gives a filter back: parentheses, spaces, kind of
// quotes, and the case of keywords, property names and text. The directory
// compares text without regard to case, so case never tells two filters apart.
//
// Equal are also a condition and its double negation, and a system value and its
// name as text: $true and 'True'. $null is not the text 'null'. Operands of -and
// and -or count in their order, since servers keep it. A negated comparison is
// not equal to the opposite one (-not (x -eq 'y') and x -ne 'y'): no source says
// that servers rewrite one as the other.
func Equal(a, b Filter) bool { return Key(a) == Key(b) }

// Key returns a text that is the same for two filters exactly when
// Equal says so. The generated scripts compute the same text
// (ConvertTo-ExgFilterKey).
func Key(f Filter) string {
	switch f := f.(type) {
	case *Comparison:
		return strings.ToUpper(f.Property) + " -" + f.Operator + " " + f.Value.key()
	case *Not:
		if inner, ok := f.Operand.(*Not); ok {
			return Key(inner.Operand)
		}
		return "-not(" + Key(f.Operand) + ")"
	case *And:
		return "-and(" + strings.Join(operandKeys(f.Operands, andOperands), ",") + ")"
	case *Or:
		return "-or(" + strings.Join(operandKeys(f.Operands, orOperands), ",") + ")"
	}
	return ""
}

func (v Value) key() string {
	if v.Kind == Variable && v.Text == "null" {
		return "$NULL"
	}
	return quote(strings.Map(upperInvariant, v.Text))
}

func andOperands(f Filter) []Filter {
	if a, ok := f.(*And); ok {
		return a.Operands
	}
	return nil
}

func orOperands(f Filter) []Filter {
	if o, ok := f.(*Or); ok {
		return o.Operands
	}
	return nil
}

// operandKeys gives the keys of operands; those that same says are a chain of the
// same kind are replaced by their own operands.
func operandKeys(operands []Filter, same func(Filter) []Filter) []string {
	var keys []string
	for _, f := range operands {
		f = withoutDoubleNegation(f)
		if inner := same(f); inner != nil {
			keys = append(keys, operandKeys(inner, same)...)
		} else {
			keys = append(keys, Key(f))
		}
	}
	return keys
}

func withoutDoubleNegation(f Filter) Filter {
	for {
		outer, ok := f.(*Not)
		if !ok {
			return f
		}
		inner, ok := outer.Operand.(*Not)
		if !ok {
			return f
		}
		f = inner.Operand
	}
}

// upperInvariant is .NET's String.ToUpperInvariant: one letter for one letter,
// in no language. Unlike Unicode's table it leaves alone the two letters whose
// upper case is ASCII, so that no text outside ASCII is equal to one within.
func upperInvariant(r rune) rune {
	const dotlessI, longS = '\u0131', '\u017f'
	if r == dotlessI || r == longS {
		return r
	}
	return unicode.ToUpper(r)
}
