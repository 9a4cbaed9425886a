package psgen

import (
	"errors"
	"fmt"
	"strings"
)

// errNotConstant says that a data block holds something else than constants of the form
// that constantsBlock writes.
var errNotConstant = errors.New("it is no constant of the form that exgrant writes")

// readConstants reads a data block back: the variables by name. Nothing else than
// constants is accepted, since whoever runs a script rests on the block being data.
func readConstants(block string) (map[string]any, error) {
	variables := map[string]any{}
	p := &constantParser{text: block}
	for p.text != "" {
		names, values, err := p.variables()
		if err != nil {
			line := strings.Count(block[:len(block)-len(p.text)], "\n") + 1
			return nil, fmt.Errorf("line %d of what was asked for: %w", line, err)
		}
		for i, name := range names {
			if _, twice := variables[name]; twice {
				return nil, fmt.Errorf("what was asked for says $%s twice", name)
			}
			variables[name] = values[i]
		}
	}
	return variables, nil
}

type constantParser struct {
	text  string
	depth int
}

// maxDepth is deeper than any data block.
const maxDepth = 6

func (p *constantParser) take(s string) bool {
	rest, ok := strings.CutPrefix(p.text, s)
	if ok {
		p.text = rest
	}
	return ok
}

// blanks skips line ends and indentation.
func (p *constantParser) blanks() { p.text = strings.TrimLeft(p.text, "\n ") }

// variables reads "$Name = value" or "$Name, $Name = value, value", and the line's end.
func (p *constantParser) variables() (names []string, values []any, err error) {
	for {
		if !p.take("$") {
			return nil, nil, errNotConstant
		}
		names = append(names, p.word())
		if !p.take(", ") {
			break
		}
	}
	if !p.take(" = ") {
		return nil, nil, errNotConstant
	}
	for i := range names {
		if i > 0 && !p.take(", ") {
			return nil, nil, errNotConstant
		}
		value, err := p.value()
		if err != nil {
			return nil, nil, err
		}
		values = append(values, value)
	}
	if !p.take("\n") && p.text != "" {
		return nil, nil, errNotConstant
	}
	return names, values, nil
}

func (p *constantParser) word() string {
	end := strings.IndexFunc(p.text, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') })
	if end < 0 {
		end = len(p.text)
	}
	word := p.text[:end]
	p.text = p.text[end:]
	return word
}

func (p *constantParser) value() (any, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errNotConstant
	}
	defer func() { p.depth-- }()
	switch {
	case p.take("$true"):
		return true, nil
	case p.take("$false"):
		return false, nil
	case p.take("$null"):
		return nil, nil
	case strings.HasPrefix(p.text, "'"):
		return p.literal()
	case p.take("@("):
		return p.list()
	case p.take("[ordered]@{"):
		return p.table(false)
	case p.take("@{"):
		return p.table(true)
	}
	return nil, errNotConstant
}

// singleQuotes are the characters that PowerShell takes for a single quote.
const singleQuotes = "'\u2018\u2019\u201a\u201b"

// literal reads a text in single quotes, in which each of those characters is doubled.
func (p *constantParser) literal() (string, error) {
	var b strings.Builder
	text := p.text[1:]
	for {
		i := strings.IndexAny(text, singleQuotes+"\n")
		if i < 0 || text[i] == '\n' {
			return "", errNotConstant
		}
		b.WriteString(text[:i])
		quote := text[i:]
		for _, r := range quote {
			quote = string(r)
			break
		}
		text = text[i+len(quote):]
		if rest, doubled := strings.CutPrefix(text, quote); doubled {
			b.WriteString(quote)
			text = rest
			continue
		}
		if quote != "'" {
			return "", errNotConstant
		}
		p.text = text
		return b.String(), nil
	}
}

func (p *constantParser) list() (list, error) {
	items := list{}
	for p.blanks(); !p.take(")"); p.blanks() {
		if len(items) > 0 {
			p.take(", ") // items on lines of their own have no comma
		}
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if !strings.HasPrefix(p.text, ")") && !strings.HasPrefix(p.text, ", ") && !strings.HasPrefix(p.text, "\n") {
			return nil, errNotConstant
		}
	}
	return items, nil
}

func (p *constantParser) table(plain bool) (table, error) {
	t := table{plain: plain}
	for p.blanks(); !p.take("}"); p.blanks() {
		name := p.word()
		p.text = strings.TrimLeft(p.text, " ")
		if name == "" || !p.take("= ") {
			return t, errNotConstant
		}
		value, err := p.value()
		if err != nil {
			return t, err
		}
		t.entries = append(t.entries, entry{name, value})
		if !p.take("; ") && !strings.HasPrefix(p.text, " }") && !strings.HasPrefix(p.text, "\n") {
			return t, errNotConstant
		}
	}
	return t, nil
}

// get returns the value of an entry; nil where there is none.
func (t table) get(name string) any {
	for _, e := range t.entries {
		if e.name == name {
			return e.value
		}
	}
	return nil
}

// text returns the text of an entry; "" where there is none.
func (t table) text(name string) string {
	s, _ := t.get(name).(string)
	return s
}

// texts returns a list of an entry as texts.
func asTexts(v any) []string {
	l, _ := v.(list)
	var out []string
	for _, item := range l {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
