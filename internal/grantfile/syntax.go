package grantfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse returns the one document of a file, and what is wrong with it as YAML or
// goes beyond the part of YAML that a file may use.
func parse(data []byte, file string) (ast.Node, Errors) {
	fail := func(line, column int, rule string, args ...any) Errors {
		return Errors{{File: file, Line: line, Column: column, Rule: fmt.Sprintf(rule, args...)}}
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fail(1, 1, "is UTF-16: save the file as UTF-8")
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if line, column, rule := checkCharacters(text); rule != "" {
		return nil, fail(line, column, "%s", rule)
	}
	tokens := lexer.Tokenize(text)
	if errs := checkTokens(tokens, file); len(errs) > 0 {
		return nil, errs
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	var syntax *yaml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		rule := "is not YAML: " + syntax.Message
		if strings.HasPrefix(syntax.Message, "found unknown escape") {
			rule += ": a text with backslashes goes without quotes or in single ones"
		}
		return nil, fail(syntax.Token.Position.Line, syntax.Token.Position.Column, "%s", rule)
	case err != nil:
		return nil, fail(1, 1, "is not YAML: %v", err)
	case len(parsed.Docs) > 1:
		at := parsed.Docs[1].Start
		if at == nil {
			at = parsed.Docs[1].Body.GetToken()
		}
		return nil, fail(at.Position.Line, at.Position.Column, "a second document begins here: a file holds one")
	case len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil:
		return nil, fail(1, 1, "is empty: it needs the keys apiVersion and grants")
	}
	return parsed.Docs[0].Body, nil
}

// checkCharacters refuses what is not UTF-8, control characters, tabs where a line
// begins (those look like spaces and are none), and empty lines without end, over
// which the lexer takes time by the square of their number.
func checkCharacters(text string) (line, column int, rule string) {
	line, column = 1, 0
	indenting := true
	empty := 0
	for i, r := range text {
		column++
		switch {
		case r == '\n':
			if empty++; empty > maxEmpty {
				return line, 1, fmt.Sprintf("more than %d empty lines in a row", maxEmpty)
			}
			line, column, indenting = line+1, 0, true
			continue
		case r == '\t' && indenting:
			return line, column, "a tab cannot indent: use spaces"
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			return line, column, "a byte that is not UTF-8: save the file as UTF-8"
		case r == '\r' && strings.HasPrefix(text[i:], "\r\n"):
			continue
		case r < ' ' && r != '\t' || r == 0x7f:
			return line, column, fmt.Sprintf("a control character (%U) cannot stand here", r)
		}
		if r != ' ' {
			indenting, empty = false, 0
		}
	}
	return 0, 0, ""
}

// checkTokens refuses the parts of YAML that make one text stand for another, and
// nesting and numbers of keys that no grant needs, before the parser would follow
// them: it takes time by the square of the keys.
func checkTokens(tokens token.Tokens, file string) (errs Errors) {
	entries, line := 0, 0
	var keys keyCount
	var flow []int // the keys of each open { or [, outermost first
	for i, t := range tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		rule := ""
		switch t.Type {
		case token.AnchorType, token.AliasType:
			rule = "anchors and aliases are not used: write the value itself, in quotes where it begins with & or *"
		case token.MergeKeyType:
			rule = "merge keys are not used: write the keys themselves"
		case token.TagType:
			rule = "tags are not used: a text that begins with ! needs quotes"
		case token.DirectiveType:
			rule = "directives are not used: a text that begins with % needs quotes"
		case token.MappingKeyType:
			rule = "keys are plain words: a text that begins with ? needs quotes"
		case token.MappingStartType, token.SequenceStartType:
			flow = append(flow, 0)
		case token.MappingEndType, token.SequenceEndType:
			flow = flow[:max(0, len(flow)-1)]
		case token.SequenceEntryType:
			entries++
			keys.leave(t.Position.Column)
		case token.MappingValueType:
			count := 0
			if len(flow) > 0 {
				flow[len(flow)-1]++
				count = flow[len(flow)-1]
			} else if i > 0 {
				count = keys.add(tokens[i-1].Position.Column)
			}
			if count > maxKeys {
				rule = fmt.Sprintf("more than %d keys in one mapping", maxKeys)
			}
		}
		tooDeep := len(flow)+entries > maxDepth
		if tooDeep {
			rule = "too many lists and mappings within each other"
		}
		if rule == "" {
			continue
		}
		errs = append(errs, &Error{File: file, Line: t.Position.Line, Column: t.Position.Column, Rule: rule})
		if tooDeep || len(errs) == maxErrors {
			break
		}
	}
	return errs
}

// A keyCount counts the keys of the block mappings that are open, outermost first.
type keyCount []struct{ column, keys int }

// leave closes the mappings to the right of column.
func (k *keyCount) leave(column int) {
	for len(*k) > 0 && (*k)[len(*k)-1].column > column {
		*k = (*k)[:len(*k)-1]
	}
}

// add counts a key at column and returns how many its mapping has by now.
func (k *keyCount) add(column int) int {
	k.leave(column)
	if len(*k) == 0 || (*k)[len(*k)-1].column < column {
		*k = append(*k, struct{ column, keys int }{column, 0})
	}
	last := &(*k)[len(*k)-1]
	last.keys++
	return last.keys
}
