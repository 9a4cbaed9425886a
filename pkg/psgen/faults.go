package psgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// faultsBlock prints the patterns by which a script of a kind tells errors apart:
// those of package fault that decide something in it. Lines end in \n.
func faultsBlock(kind Kind) (string, error) {
	undecided := []string{fault.AlreadyExists} // what stands after an error decides, whatever the error was
	if kind == KindStatus {
		undecided = append(undecided, fault.Throttled, fault.Transient, fault.Other) // nothing is tried again
	}
	if kind != KindGrant {
		undecided = append(undecided, fault.Dehydrated, fault.AlreadyCustomized)
	}
	var b strings.Builder
	b.WriteString("$Faults = [ordered]@{ # what errors mean: the first pattern that fits decides, unless the one behind it fits\n")
	for _, d := range fault.Decisions() {
		if slices.Contains(undecided, d.ID) {
			continue
		}
		if err := writeDecision(&b, d); err != nil {
			return "", fmt.Errorf("cannot print the pattern of %s: %w", d.ID, err)
		}
	}
	quoted, err := exchange.Quote(asciiPattern(fault.QuotedName))
	fmt.Fprintf(&b, "}\n$QuotedName = %s\n", quoted)
	return b.String(), err
}

// writeDecision prints one entry of the table: the pattern, and the exception where
// there is one.
func writeDecision(b *strings.Builder, d fault.Decision) error {
	const indent = "    "
	head := indent + d.ID + " = "
	pattern, err := lines(d.Pattern, len(head))
	if err != nil {
		return err
	}
	b.WriteString(head + pattern)
	if d.Unless != "" {
		unless, err := lines(d.Unless, 2*len(indent))
		if err != nil {
			return err
		}
		last := len(pattern) - strings.LastIndexByte(pattern, '\n')
		if !strings.Contains(pattern, "\n") {
			last += len(head)
		}
		if first, _, _ := strings.Cut(unless, "\n"); last+len(", ")+len(first) < maxColumn {
			b.WriteString(", " + unless)
		} else {
			b.WriteString(",\n" + indent + indent + unless)
		}
	}
	b.WriteByte('\n')
	return nil
}

// lines prints a pattern as one constant behind column, or as a sum of constants in
// parentheses, cut between alternatives where that is possible.
func lines(pattern string, column int) (string, error) {
	quoted, err := exchange.Quote(asciiPattern(pattern))
	if err != nil || column+len(quoted) < maxColumn {
		return quoted, err
	}
	var out []string
	piece := ""
	room := maxColumn - column - len("(''+ ,")
	flush := func() {
		if piece != "" {
			q, _ := exchange.Quote(piece) // it is a part of what could be quoted
			out = append(out, q)
		}
		piece, room = "", maxColumn-2*len("    ")-len("''+ ),")
	}
	for i, alternative := range alternatives(asciiPattern(pattern)) {
		if i > 0 {
			piece += "|"
		}
		if len(piece)+len(alternative) > room {
			flush()
		}
		for len(alternative) > room {
			cut := strings.LastIndexByte(alternative[:room], ' ') + 1
			if cut == 0 {
				cut = room
			}
			piece, alternative = alternative[:cut], alternative[cut:]
			flush()
		}
		piece += alternative
	}
	flush()
	return "(" + strings.Join(out, " +\n        ") + ")", nil
}

// alternatives cuts an expression at the bars that are not within parentheses.
func alternatives(pattern string) []string {
	var list []string
	depth, begin := 0, 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++ // what it escapes is no mark
		case '[':
			i += strings.IndexByte(pattern[i:], ']') // nor is anything in a class
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				list, begin = append(list, pattern[begin:i]), i+1
			}
		}
	}
	return append(list, pattern[begin:])
}

// asciiPattern writes every letter beyond ASCII as .NET's \uXXXX: what we print
// ourselves is ASCII, so that no shell can misread it.
func asciiPattern(pattern string) string {
	var b strings.Builder
	for _, r := range pattern {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}
