package exchange

import (
	"fmt"
	"strings"
	"unicode"
)

// A Filter is a parsed OPATH recipient filter: *Comparison, *And, *Or or *Not.
// The grammar is that of -RecipientRestrictionFilter and -Filter
// (learn.microsoft.com/powershell/exchange/recipient-filters).
type Filter interface{ filter() }

// A Comparison compares one property of a recipient with a constant.
type Comparison struct {
	Property string // as written; property names ignore case
	Operator string // lower case without the hyphen: eq, ne, like, notlike, lt, le, gt, ge
	Value    FilterValue
}

// A FilterValue is a constant of a filter. Bare words and numbers are text that
// was not quoted: servers compare them like quoted text.
type FilterValue struct {
	Kind FilterValueKind
	Text string // FilterText: unquoted, unescaped text; FilterVariable: true, false or null in lower case
}

// FilterValueKind tells text from the system values $true, $false and $null.
type FilterValueKind int

// The kinds of constants.
const (
	FilterText FilterValueKind = iota
	FilterVariable
)

// And, Or and Not combine filters. And and Or have two or more operands; nested
// ones of the same kind are flattened by ParseFilter.
type (
	And struct{ Operands []Filter }
	Or  struct{ Operands []Filter }
	Not struct{ Operand Filter }
)

func (*Comparison) filter() {}
func (*And) filter()        {}
func (*Or) filter()         {}
func (*Not) filter()        {}

// QuoteFilterText returns s as a text value of an OPATH filter: in single quotes,
// each single quote in it doubled. This is the one way in which text gets into a
// filter. It refuses what CheckText refuses; the error is a *TextError.
//
// Only the ASCII quote is doubled, as in Microsoft's own recipe: the four other
// characters that PowerShell takes for a single quote are letters like any other
// within a filter. Quote doubles those where the whole filter becomes a
// PowerShell literal.
func QuoteFilterText(s string) (string, error) {
	if err := CheckText(s); err != nil {
		return "", fmt.Errorf("cannot write %q into a filter: %w", s, err)
	}
	return quoteFilterText(s), nil
}

func quoteFilterText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// MemberOf returns the filter for the direct members of the group with the given
// distinguished name; a filter takes no other form of the group's identity
// (learn.microsoft.com/powershell/exchange/filter-properties#memberofgroup).
func MemberOf(dn string) (string, error) {
	text, err := QuoteFilterText(dn)
	if err != nil {
		return "", err
	}
	return "MemberOfGroup -eq " + text, nil
}

// FilterOfBoth returns the filter for what two filters both match; an empty one
// matches everything. Texts that ParseFilter does not understand are not joined with
// others: the error is a *FilterError.
func FilterOfBoth(a, b string) (string, error) {
	var both []Filter
	for _, text := range [...]string{a, b} {
		if text == "" {
			continue
		}
		f, err := ParseFilter(text)
		if err != nil {
			return "", err
		}
		both = append(both, f)
	}
	if len(both) == 1 {
		return FilterString(both[0]), nil
	}
	return joinFilters(both, " -and "), nil
}

// String returns the filter as OPATH. ParseFilter gives an equal filter back.
// Every mixture of -and and -or has parentheses, so that its meaning does not
// rest on which of them binds more tightly.
func (c *Comparison) String() string {
	return c.Property + " -" + c.Operator + " " + c.Value.String()
}

// String is documented at Comparison.String.
func (a *And) String() string { return joinFilters(a.Operands, " -and ") }

// String is documented at Comparison.String.
func (o *Or) String() string { return joinFilters(o.Operands, " -or ") }

// String is documented at Comparison.String.
func (n *Not) String() string { return "-not (" + FilterString(n.Operand) + ")" }

// String returns the value as it stands in a filter.
func (v FilterValue) String() string {
	if v.Kind == FilterVariable {
		return "$" + v.Text
	}
	return quoteFilterText(v.Text)
}

// FilterString returns a filter as OPATH, as the String methods of its nodes do.
func FilterString(f Filter) string {
	if f == nil {
		return ""
	}
	return fmt.Sprint(f)
}

func joinFilters(operands []Filter, operator string) string {
	texts := make([]string, len(operands))
	for i, f := range operands {
		texts[i] = FilterString(f)
		switch f.(type) {
		case *And, *Or:
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, operator)
}

// EqualFilters reports whether two filters are the same condition but for what a
// server changes when it gives a filter back: parentheses, spaces, kind of
// quotes, and the case of keywords, property names and text. The directory
// compares text without regard to case, so case never tells two filters apart.
//
// Equal are also a condition and its double negation, and a system value and its
// name as text: $true and 'True'. $null is not the text 'null'. Operands of -and
// and -or count in their order, since servers keep it. A negated comparison is
// not equal to the opposite one (-not (x -eq 'y') and x -ne 'y'): no source says
// that servers rewrite one as the other.
func EqualFilters(a, b Filter) bool { return FilterKey(a) == FilterKey(b) }

// FilterKey returns a text that is the same for two filters exactly when
// EqualFilters says so. The generated scripts compute the same text
// (ConvertTo-ExgFilterKey).
func FilterKey(f Filter) string {
	switch f := f.(type) {
	case *Comparison:
		return strings.ToUpper(f.Property) + " -" + f.Operator + " " + f.Value.key()
	case *Not:
		if inner, ok := f.Operand.(*Not); ok {
			return FilterKey(inner.Operand)
		}
		return "-not(" + FilterKey(f.Operand) + ")"
	case *And:
		return "-and(" + strings.Join(operandKeys(f.Operands, andOperands), ",") + ")"
	case *Or:
		return "-or(" + strings.Join(operandKeys(f.Operands, orOperands), ",") + ")"
	}
	return ""
}

func (v FilterValue) key() string {
	if v.Kind == FilterVariable && v.Text == "null" {
		return "$NULL"
	}
	return quoteFilterText(strings.Map(upperInvariant, v.Text))
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
			keys = append(keys, FilterKey(f))
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
