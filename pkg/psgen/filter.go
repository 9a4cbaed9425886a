package psgen

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/opath"
)

// storedFilter writes a filter as servers give it back: a pair of parentheses around
// every condition of a combination and around the whole, two operands to an operator,
// system values as text. A script can then compare without understanding filters;
// blanks and letter case it leaves out of account.
func storedFilter(text string) (string, error) {
	f, err := opath.Parse(text)
	if err != nil {
		return "", err
	}
	return stored(f), nil
}

func stored(f opath.Filter) string {
	switch f := f.(type) {
	case *opath.Not:
		return "(-not" + bracketed(f.Operand) + ")"
	case *opath.And:
		return chain(f.Operands, " -and ")
	case *opath.Or:
		return chain(f.Operands, " -or ")
	case *opath.Comparison:
		value := f.Value
		if value.Kind == opath.Variable && value.Text != "null" {
			value = opath.Value{Kind: opath.Text, Text: strings.ToUpper(value.Text[:1]) + value.Text[1:]}
		}
		return f.Property + " -" + f.Operator + " " + value.String()
	}
	return ""
}

// chain nests to the left, as the operators of filters do.
func chain(operands []opath.Filter, operator string) string {
	s := bracketed(operands[0])
	for _, f := range operands[1:] {
		s = "(" + s + operator + bracketed(f) + ")"
	}
	return s
}

func bracketed(f opath.Filter) string {
	if s := stored(f); s[0] == '(' {
		return s
	} else {
		return "(" + s + ")"
	}
}
