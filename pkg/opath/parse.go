package opath

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of Parse.
const (
	MaxLength = 32 << 10 // bytes
	MaxDepth  = 256      // parentheses and negations around a condition; servers add some at every change
)

// filterOperators are the comparison operators of a Comparison.
var operators = [...]string{"eq", "ne", "like", "notlike", "lt", "le", "gt", "ge"}

// A SyntaxError says where a text stops being a filter.
type SyntaxError struct {
	Offset int    // in bytes, from 0
	Found  string // what stands there, "" at the end of the text
	Want   string // what should
}

func (e *SyntaxError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("is not a filter: it ends at byte %d, expected %s", e.Offset, e.Want)
	}
	return fmt.Sprintf("is not a filter: found %s at byte %d, expected %s", e.Found, e.Offset, e.Want)
}

// Parse parses an OPATH filter: comparisons (Property -operator Value),
// joined by -and and -or, negated by -not or !, grouped by parentheses, the whole
// perhaps in braces. -not binds before -and, and -and before -or; servers are not
// documented to agree, so a filter that mixes the two is best written with
// parentheses. Keywords ignore case.
//
// A value is a text in single or double quotes, in which the quote itself is
// doubled, $true, $false, $null, or a bare word or number of ASCII characters.
// Variables are not expanded: any other name after $ is an error.
//
// The error is a *SyntaxError; texts longer than MaxLength or deeper than
// MaxDepth, and such as are not UTF-8, are errors too.
func Parse(s string) (Filter, error) { return parse(parser{text: s}) }

// Check refuses what Parse understands and servers are not
// documented to take: the braces of a script block, and a text without quotes
// (learn.microsoft.com/powershell/exchange/recipient-filters).
func Check(s string) error {
	_, err := parse(parser{text: s, strict: true})
	return err
}

// Unwrap returns a filter without the braces that people put round it out of
// PowerShell's habit: what they type is a script block there and its text here.
func Unwrap(s string) string {
	inner := strings.TrimSpace(s)
	if !strings.HasPrefix(inner, "{") || !strings.HasSuffix(inner, "}") {
		return s
	}
	return strings.TrimSpace(inner[1 : len(inner)-1])
}

func parse(p parser) (Filter, error) {
	s := p.text
	if len(s) > MaxLength {
		return nil, &SyntaxError{MaxLength, "more text", fmt.Sprintf("at most %d bytes", MaxLength)}
	}
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return nil, &SyntaxError{i, fmt.Sprintf("%q", s[i:i+1]), "text in UTF-8"}
		}
	}
	f, err := p.whole()
	if err != nil {
		return nil, err
	}
	return f, nil
}

// A parser reads a filter by recursive descent. Its methods return after
// the first error, which is always a *SyntaxError.
type parser struct {
	text   string
	strict bool // see Check
	next   token
	depth  int
}

type tokenKind int

const (
	endToken      tokenKind = iota
	markToken               // one of ( ) { } !
	operatorToken           // -word; text in lower case without the hyphen
	variableToken           // $word; text in lower case without the dollar sign
	quotedToken             // text without the quotes
	wordToken               // bare word
	unterminated            // a quoted text without its end
	strangeToken            // a character that begins no token
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

func (p *parser) whole() (Filter, error) {
	p.advance()
	if p.strict && p.next.kind == markToken && p.next.text == "{" {
		return nil, p.expected("the condition without braces: a filter is text, no script block")
	}
	braces := p.accept(markToken, "{")
	f, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if braces && !p.accept(markToken, "}") {
		return nil, p.expected("-and, -or or the closing brace")
	}
	if p.next.kind != endToken {
		return nil, p.expected("-and, -or or the end")
	}
	return f, nil
}

func (p *parser) disjunction() (Filter, error) {
	operands, err := p.chain("or", p.conjunction, orOperands)
	if err != nil || len(operands) == 1 {
		return first(operands), err
	}
	return &Or{operands}, nil
}

func (p *parser) conjunction() (Filter, error) {
	operands, err := p.chain("and", p.condition, andOperands)
	if err != nil || len(operands) == 1 {
		return first(operands), err
	}
	return &And{operands}, nil
}

func first(operands []Filter) Filter {
	if len(operands) == 0 {
		return nil
	}
	return operands[0]
}

// chain reads operands joined by one operator. An operand that is itself such a
// chain, in parentheses, gives its operands.
func (p *parser) chain(operator string, operand func() (Filter, error), same func(Filter) []Filter) ([]Filter, error) {
	var operands []Filter
	for {
		f, err := operand()
		if err != nil {
			return nil, err
		}
		if inner := same(f); inner != nil {
			operands = append(operands, inner...)
		} else {
			operands = append(operands, f)
		}
		if !p.accept(operatorToken, operator) {
			return operands, nil
		}
	}
}

// condition reads a comparison, a group or a negation.
func (p *parser) condition() (Filter, error) {
	at := p.next
	negated := p.accept(operatorToken, "not") || p.accept(markToken, "!")
	if !negated && !p.accept(markToken, "(") {
		return p.comparison()
	}
	if p.depth++; p.depth > MaxDepth {
		p.next = at
		return nil, p.expected(fmt.Sprintf("at most %d levels of parentheses and negations", MaxDepth))
	}
	defer func() { p.depth-- }()
	if negated {
		f, err := p.condition()
		if err != nil {
			return nil, err
		}
		return &Not{f}, nil
	}
	f, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if !p.accept(markToken, ")") {
		return nil, p.expected("-and, -or or a closing parenthesis")
	}
	return f, nil
}

func (p *parser) comparison() (Filter, error) {
	property := propertyName(p.next)
	if property == "" {
		return nil, p.expected("the name of a property, -not or an opening parenthesis")
	}
	p.next.end = p.next.start + len(property)
	p.advance()
	operator := p.next
	if operator.kind != operatorToken || !slices.Contains(operators[:], operator.text) {
		return nil, p.expected("one of -" + strings.Join(operators[:], " -"))
	}
	p.advance()
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	return &Comparison{property, operator.text, value}, nil
}

func (p *parser) value() (Value, error) {
	t := p.next
	switch {
	case p.strict && t.kind == wordToken && strings.Trim(t.text, "+-.0123456789") != "":
		return Value{}, p.expected("a text in single quotes, such as " + quote(t.text))
	case t.kind == quotedToken || t.kind == wordToken:
		p.advance()
		return Value{Text, t.text}, nil
	case t.kind == variableToken && (t.text == "true" || t.text == "false" || t.text == "null"):
		p.advance()
		return Value{Variable, t.text}, nil
	case t.kind == variableToken:
		return Value{}, p.expected("$true, $false, $null or a text in single quotes: variables are not expanded")
	}
	return Value{}, p.expected("a text in single quotes, a number, $true, $false or $null")
}

// accept takes the next token when it is the given one.
func (p *parser) accept(kind tokenKind, text string) bool {
	if p.next.kind != kind || p.next.text != text {
		return false
	}
	p.advance()
	return true
}

// expected is the error that something else than the next token is needed.
func (p *parser) expected(want string) error {
	t := p.next
	switch t.kind {
	case endToken:
		return &SyntaxError{t.start, "", want}
	case unterminated:
		return &SyntaxError{len(p.text), "", "the closing quote of the text that begins at byte " + fmt.Sprint(t.start)}
	}
	return &SyntaxError{t.start, describe(p.text[t.start:t.end]), want}
}

// describeFilterText shows what was found, shortened, with its code point where
// the character alone would look like the one that is expected.
func describe(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if r >= utf8.RuneSelf && size == len(s) {
		return fmt.Sprintf("%q (%U)", s, r)
	}
	if len(s) > 40 {
		cut := 40
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// advance reads the next token.
func (p *parser) advance() {
	i := p.next.end
	for i < len(p.text) && strings.IndexByte(" \t\r\n", p.text[i]) >= 0 {
		i++
	}
	t := token{start: i, end: i}
	rest := p.text[i:]
	switch {
	case rest == "":
	case strings.IndexByte("(){}!", rest[0]) >= 0:
		t.kind, t.text, t.end = markToken, rest[:1], i+1
	case rest[0] == '\'' || rest[0] == '"':
		t.kind, t.text, t.end = quotedText(rest, i)
	case rest[0] == '$':
		n := 1 + wordLength(rest[1:])
		t.kind, t.text, t.end = variableToken, strings.ToLower(rest[1:n]), i+n
	case wordLength(rest) > 1 && rest[0] == '-' && isLetter(rest[1]):
		n := wordLength(rest)
		t.kind, t.text, t.end = operatorToken, strings.ToLower(rest[1:n]), i+n
	case wordLength(rest) > 0:
		n := wordLength(rest)
		t.kind, t.text, t.end = wordToken, rest[:n], i+n
	default:
		_, size := utf8.DecodeRuneInString(rest)
		t.kind, t.end = strangeToken, i+size
	}
	p.next = t
}

// quotedText reads the quoted text at the start of s, which stands at offset.
func quotedText(s string, offset int) (kind tokenKind, text string, end int) {
	quote := s[:1]
	for i := 1; ; {
		n := strings.Index(s[i:], quote)
		if n < 0 {
			return unterminated, "", offset + len(s)
		}
		i += n + 1
		if !strings.HasPrefix(s[i:], quote) {
			return quotedToken, strings.ReplaceAll(s[1:i-1], quote+quote, quote), offset + i
		}
		i++
	}
}

// wordLength is the length of the bare word at the start of s.
func wordLength(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && strings.IndexByte(`_.:/\@*?+-`, c) < 0 {
			return i
		}
	}
	return len(s)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// propertyName is the property name that a token is or, where a server left no
// space before the operator, begins with; "" when it is none.
func propertyName(t token) string {
	name, _, _ := strings.Cut(t.text, "-")
	if t.kind != wordToken || name == "" || !isLetter(name[0]) || strings.ContainsAny(name, `.:/\@*?+`) {
		return ""
	}
	return name
}
