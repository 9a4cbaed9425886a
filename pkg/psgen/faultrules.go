package psgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// maxColumn is the longest line that we write, where a constant can be split.
const maxColumn = 115

// faultRulesBlock prints the part of the fault table that an error in a script
// can match, as the data that Get-ExgFault reads. Lines end in \n.
func faultRulesBlock() (string, error) {
	b := &ruleBlock{}
	b.line(0, "# What errors mean: the first rule that matches. Text is a regular expression, the last resort.")
	b.list(0, "$ExgFaultWrappers = ", fault.Wrappers())
	b.text(0, "$ExgFaultTypePattern = ", fault.TypePattern)
	b.line(0, "$ExgFaultRules = @(")
	rules := scriptRules()
	for i, r := range rules {
		b.rule(r, i == len(rules)-1)
	}
	b.line(0, ")")
	return b.String(), b.err
}

// scriptRules leaves out what a script cannot see: codes of the transports, what
// only the text of a failed connection or of EWS tells, and the words for what a
// record's own type and identifier say.
func scriptRules() []fault.Rule {
	var out []fault.Rule
	for _, r := range fault.Rules() {
		if inScripts(r) {
			out = append(out, r)
		}
	}
	return out
}

func inScripts(r fault.Rule) bool {
	if r.Layer != fault.LayerAny || len(r.WSManCodes)+len(r.HTTPStatuses)+len(r.EWSCodes) > 0 {
		return false
	}
	switch r.ID {
	case fault.ConnectAuth, fault.ConnectHTTP, fault.ConnectNetwork, fault.ConnectQuota, fault.ConnectTLS,
		fault.WSManFault, fault.EWSImpersonationDenied, fault.EWSOther:
		return r.Text == ""
	case fault.CmdletMissing, fault.PrincipalNotFound, fault.PrincipalAmbiguous:
		return !slices.Equal(r.Types, []string{""})
	default:
		return true
	}
}

// A ruleBlock collects the lines and the first error.
type ruleBlock struct {
	strings.Builder
	err error
}

func (b *ruleBlock) line(indent int, s string) {
	fmt.Fprintf(b, "%*s%s\n", indent*4, "", s)
}

func (b *ruleBlock) rule(r fault.Rule, last bool) {
	b.line(1, "@{")
	b.text(2, "Rule     = ", r.Name)
	b.text(2, "Fault    = ", r.ID)
	for _, f := range []struct {
		name   string
		values []string
	}{{"Category", r.Categories}, {"Type", r.Types}, {"ErrorId", r.ErrorIDs}, {"Cmdlet", r.Cmdlets}} {
		if len(f.values) > 0 {
			b.list(2, fmt.Sprintf("%-8s = ", f.name), f.values)
		}
	}
	if r.Text != "" {
		b.text(2, "Text     = ", asciiPattern(r.Text))
	}
	if r.Unless != "" {
		b.text(2, "Unless   = ", asciiPattern(r.Unless))
	}
	b.text(2, "Hint     = ", r.Hint)
	b.text(2, "Retry    = ", r.Retry)
	b.line(2, "Source   = "+b.quote(r.Source)) // an address stays whole, however long
	if last {
		b.line(1, "}")
	} else {
		b.line(1, "},")
	}
}

func (b *ruleBlock) quote(s string) string {
	q, err := exchange.Quote(s)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("cannot print the fault rules: %w", err)
	}
	return q
}

// list prints an array of constants, in several lines when they are too long.
func (b *ruleBlock) list(indent int, head string, values []string) {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = b.quote(v)
	}
	if s := head + "@(" + strings.Join(quoted, ", ") + ")"; indent*4+len(s) <= maxColumn {
		b.line(indent, s)
		return
	}
	b.line(indent, head+"@(")
	row := ""
	for i, q := range quoted {
		if i < len(quoted)-1 {
			q += ", "
		}
		if row != "" && (indent+1)*4+len(row+strings.TrimSpace(q)) > maxColumn {
			b.line(indent+1, strings.TrimSpace(row))
			row = ""
		}
		row += q
	}
	b.line(indent+1, row)
	b.line(indent, ")")
}

// text prints one constant, in pieces when it is too long: after a space where
// there is one.
func (b *ruleBlock) text(indent int, head, s string) {
	room := maxColumn - indent*4 - len(head) - len(`'' +`)
	for first := true; ; first = false {
		piece, rest := cutPiece(s, room)
		line := head + b.quote(piece)
		if rest != "" {
			line += " +"
		}
		b.line(indent, line)
		if rest == "" {
			return
		}
		s = rest
		if first {
			indent, head = indent+1, ""
			room = maxColumn - indent*4 - len(`'' +`)
		}
	}
}

// cutPiece cuts ASCII text so that the piece, quoted, fits into room columns.
func cutPiece(s string, room int) (piece, rest string) {
	if len(s)+strings.Count(s, "'") <= room {
		return s, ""
	}
	end, space := 0, 0
	for width := 0; end < len(s); end++ {
		if width++; s[end] == '\'' {
			width++ // doubled
		}
		if width > room {
			break
		}
		if s[end] == ' ' {
			space = end + 1
		}
	}
	if space > end/2 {
		end = space
	}
	return s[:end], s[end:]
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
