package psgen

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// cloudShell matches the module and the connection of a shell of Exchange Online, and
// no server whose name only begins in the same way.
const cloudShell = `tmpEXO_|ExchangeOnline|//([\w-]+\.)*(office365\.\w+|outlook\.(com|cn|office\.\w+))[:/ ]`

// writeRead writes a script that only reads and is about no grant: nothing in it is
// what a user said.
func writeRead(w io.Writer, kind Kind, words []string, blocks map[string]string) error {
	denied, err := deniedBlock()
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	blocks["denied"] = denied
	s := script{form: Form{Kind: kind}, facts: []string{string(kind)}, words: append(words, "{{cloud}}", cloudShell), blocks: blocks}
	return s.write(w, string(kind)+".ps1")
}

// deniedBlock prints the patterns by which a script that only reads knows that it may
// not.
func deniedBlock() (string, error) {
	all := fault.Decisions()
	d := all[slices.IndexFunc(all, func(d fault.Decision) bool { return d.ID == fault.AccessDenied })]
	var b strings.Builder
	for _, v := range []struct{ name, pattern string }{{"Denied", d.Pattern}, {"NotDenied", d.Unless}} {
		head := "$" + v.name + " = "
		text, err := lines(v.pattern, len(head))
		if err != nil {
			return "", err
		}
		b.WriteString(head + strings.ReplaceAll(text, "\n        ", "\n    ") + "\n")
	}
	quoted, err := exchange.Quote(asciiPattern(fault.QuotedName))
	b.WriteString("$QuotedName = " + quoted + "\n")
	return b.String(), err
}

// office365Words is what is true of Exchange Online, and when.
func office365Words() []string {
	return []string{"{{asof}}", office365AsOf, "{{ewsend}}", ewsEnd().Format(time.DateOnly), "{{rbac}}", rbacForApplications}
}

// office365FactsBlock prints the facts as constants.
func office365FactsBlock() (string, error) {
	p := &constantPrinter{}
	p.b.WriteString("$EwsEnd = ")
	p.value(ewsEnd().Format(time.DateOnly), 0, 0)
	p.b.WriteString("\n$Facts = @(\n")
	for _, fact := range office365Facts() {
		p.b.WriteString("    @{\n        when   = ")
		p.value(fact.When, 0, 0)
		p.b.WriteString("\n        source = ")
		p.value(fact.Source, 0, 0)
		p.b.WriteString("\n        text   = ")
		for i, part := range wrap(fact.Text, 88) {
			if i > 0 {
				p.b.WriteString(" +\n            ")
			}
			p.value(part, 0, 0)
		}
		p.b.WriteString("\n    }\n")
	}
	p.b.WriteString(")\n")
	return p.b.String(), p.err
}

// wrap cuts a text behind blanks into parts of a width at most, where that is possible.
func wrap(text string, width int) []string {
	var parts []string
	for len(text) > width {
		cut := strings.LastIndexByte(text[:width], ' ') + 1
		if cut == 0 {
			break
		}
		parts = append(parts, text[:cut])
		text = text[cut:]
	}
	return append(parts, text)
}

// Audit writes the script that lists every holder of the role and changes nothing.
func Audit(w io.Writer) error { return writeRead(w, KindAudit, nil, map[string]string{}) }

// Office365 writes the script for Exchange Online, where ApplicationImpersonation no
// longer exists: it explains that, with dates and sources, lists what is left, and
// holds the steps that replace the role as comments. It changes nothing.
func Office365(w io.Writer) error {
	facts, err := office365FactsBlock()
	if err != nil {
		return err
	}
	return writeRead(w, KindOffice365, office365Words(), map[string]string{"facts": facts})
}

// FieldTest writes the script that answers, in an organization that somebody has, what
// Exchange's documents leave open. It changes nothing and tells no name.
func FieldTest(w io.Writer) error { return writeRead(w, KindFieldTest, nil, map[string]string{}) }
