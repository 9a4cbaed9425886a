package fault

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// An expression is a regular expression that first looks for the letters without
// which it cannot match: most rules do not fit most errors, and finding that out by
// the expression itself would take a second for a few thousand errors.
type expression struct {
	re    *regexp.Regexp
	needs []string // lower case; one of them is in every text that matches; nil: not known
}

// pattern is an expression that is compiled when it is first needed: most programs
// that know the table never have an error to classify.
func pattern(text string) func() *expression {
	return sync.OnceValue(func() *expression { return compile(text) })
}

// compile panics where the expression is wrong: all of them are constants.
func compile(text string) *expression {
	x := &expression{re: regexp.MustCompile(text)}
	if tree, err := syntax.Parse(text, syntax.Perl); err == nil {
		x.needs = needs(tree)
	}
	return x
}

// A passage is a text and the same in lower case.
type passage struct{ text, lower string }

func newPassage(s string) passage { return passage{s, strings.ToLower(s)} }

func (x *expression) possible(p passage) bool {
	if x.needs == nil {
		return true
	}
	for _, s := range x.needs {
		if strings.Contains(p.lower, s) {
			return true
		}
	}
	return false
}

func (x *expression) in(p passage) bool {
	return p.text != "" && x.possible(p) && x.re.MatchString(p.text)
}

// find returns the groups of the first match, or nil.
func (x *expression) find(p passage) []string {
	if p.text == "" || !x.possible(p) {
		return nil
	}
	return x.re.FindStringSubmatch(p.text)
}

// first returns the first group that is not empty, of the first passage that
// matches.
func (x *expression) first(passages ...passage) string {
	for _, p := range passages {
		for i, group := range x.find(p) {
			if i > 0 && group != "" {
				return group
			}
		}
	}
	return ""
}

// needs returns texts of which one must be in whatever the tree matches, or nil
// where there is none of at least two letters.
func needs(tree *syntax.Regexp) []string {
	switch tree.Op {
	case syntax.OpLiteral:
		if len(tree.Rune) >= 2 || len(tree.Rune) == 1 && tree.Rune[0] > 0x2000 {
			return []string{strings.ToLower(string(tree.Rune))}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needs(tree.Sub[0])
	case syntax.OpRepeat:
		if tree.Min > 0 {
			return needs(tree.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range tree.Sub {
			if found := needs(sub); found != nil && (best == nil || worth(found) > worth(best)) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range tree.Sub {
			found := needs(sub)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

// worth is greater for few long texts than for many short ones.
func worth(texts []string) int {
	shortest := len(texts[0])
	for _, s := range texts {
		shortest = min(shortest, len(s))
	}
	return 8*shortest - len(texts)
}
