package psgen

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What a data block holds: a string, a bool, nil, a list, or a table, which keeps the
// order of its entries. A plain table becomes a Hashtable, any other an ordered one.
type (
	list  []any
	table struct {
		entries []entry
		plain   bool
	}
	entry struct {
		name  string
		value any
	}
	both [2]any // values of two variables, in one line
)

// constantsBlock prints the variables of a script, each a constant; user text passes
// through Literal alone. It ends in a blank line.
func constantsBlock(variables []entry) (string, error) {
	p := &constantPrinter{}
	for _, v := range variables {
		head := "$" + v.name + " = "
		p.b.WriteString(head)
		p.value(v.value, 0, utf8.RuneCountInString(head))
		p.b.WriteByte('\n')
	}
	return dataHead + "\n" + p.b.String() + "\n", p.err
}

// A constantPrinter prints constants, and keeps the first error.
type constantPrinter struct {
	b   strings.Builder
	err error
}

// value prints a constant behind column: on the same line where it fits there, else
// with one line for each element, indented beyond indent.
func (p *constantPrinter) value(v any, indent, column int) {
	if line, ok := p.line(v); !ok || indent > 0 && column+utf8.RuneCountInString(line) <= maxColumn {
		p.b.WriteString(line)
		return
	}
	pad := strings.Repeat(" ", indent+4)
	switch v := v.(type) {
	case list:
		if line, _ := p.line(v); column+utf8.RuneCountInString(line) <= maxColumn {
			p.b.WriteString(line)
			return
		}
		p.b.WriteString("@(\n")
		for _, item := range v {
			p.b.WriteString(pad)
			p.value(item, indent+4, len(pad))
			p.b.WriteByte('\n')
		}
		p.b.WriteString(pad[4:] + ")")
	case table:
		if len(v.entries) == 0 {
			line, _ := p.line(v)
			p.b.WriteString(line)
			return
		}
		width := 0
		for _, e := range v.entries {
			width = max(width, len(e.name))
		}
		if !v.plain {
			p.b.WriteString("[ordered]")
		}
		p.b.WriteString("@{\n")
		for _, e := range v.entries {
			head := fmt.Sprintf("%s%-*s = ", pad, width, e.name)
			p.b.WriteString(head)
			p.value(e.value, indent+4, len(head))
			p.b.WriteByte('\n')
		}
		p.b.WriteString(pad[4:] + "}")
	}
}

// line is a constant on one line, and whether it could take more than one.
func (p *constantPrinter) line(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		quoted, err := Literal(v)
		if err != nil && p.err == nil {
			p.err = err
		}
		return quoted, false
	case both:
		first, _ := p.line(v[0])
		second, _ := p.line(v[1])
		return first + ", " + second, false
	case bool:
		return fmt.Sprintf("$%t", v), false
	case nil:
		return "$null", false
	case list:
		items := make([]string, len(v))
		for i, item := range v {
			items[i], _ = p.line(item)
		}
		return "@(" + strings.Join(items, ", ") + ")", true
	case table:
		head, items := "[ordered]@{", make([]string, len(v.entries))
		if v.plain {
			head = "@{"
		}
		for i, e := range v.entries {
			value, _ := p.line(e.value)
			items[i] = e.name + " = " + value
		}
		if len(items) == 0 {
			return head + "}", true
		}
		return head + " " + strings.Join(items, "; ") + " }", true
	}
	if p.err == nil {
		p.err = fmt.Errorf("%T is no constant of a data block", v)
	}
	return "", false
}

func texts(items []string) list {
	l := make(list, len(items))
	for i, s := range items {
		l[i] = s
	}
	return l
}
