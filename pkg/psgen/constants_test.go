package psgen

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// nasty are pieces that mean something to PowerShell, to the header, or to the
// generator itself.
var nasty = []string{
	"'", "''", "'''", "\"", "\"\"", "\u2018", "\u2019", "\u201a", "\u201b", "\u201c", "\u201d", "\u201e", "`", "``", "`n", "`'",
	"$", "$(", "$(Get-Date)", "${x}", "$_", "$env:PATH", "@'", "'@", "@\"", "\"@", "@(", ")", "(", "{", "}", "[", "]", ";", "|", "&", "&&",
	"%", "--%", "--", "-join", "\u2013", "\u2014", "\u2015", "<#", "#>", "#", "# include: grant.ps1", "# SIG # Begin signature block",
	"{{sha256}}", "[CmdletBinding(", ".ps1", "\\", "/", ",", "=", " ", "  ", "\u00a0", "\u3000", "é", "e\u0301", "ß", "Ж", "日本", "한", "ع", "ש", "न", "🎉", "𐐀", "\ufffd",
	"$null", "$true", "if", "exit", "Invoke-Expression", "rm -rf", "..", "0", "-1", "1e9", "::", "@{", "@x", "!", "~", "^", "<", ">", "+",
}

// hostile returns a text that holds mark and is accepted as an identity.
func hostile(r *rand.Rand, mark string) string {
	for {
		var b strings.Builder
		at := r.IntN(4)
		for i := range 4 {
			if i == at {
				b.WriteString(mark)
			}
			switch r.IntN(3) {
			case 0, 1:
				b.WriteString(nasty[r.IntN(len(nasty))])
			default:
				if c := rune(r.IntN(0x30000)); utf8.ValidRune(c) {
					b.WriteRune(c)
				}
			}
		}
		if s := b.String(); exchange.CheckIdentity(s) == nil {
			return s
		}
	}
}

// A probe is a script made from hostile texts.
type probe struct {
	path, script string
	texts        []string
}

// TestUserTextIsConstant makes scripts from more than 10,000 hostile texts in all
// places where a user can put one, and has the real parser read them: every text
// must be a constant in the data block, and nothing else of the script may differ
// from a script for a harmless grant.
func TestUserTextIsConstant(t *testing.T) {
	peers.Pwsh(t)
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	var probes []probe
	total := 0
	for round := range 5 {
		for _, harmless := range []exchange.Grant{groupGrant(), roleGroupGrant()} {
			g, everywhere, full := hostileGrant(r, harmless, 260)
			for _, k := range kinds(g) {
				if k.name == "audit" {
					continue
				}
				script := string(printed(t, k.print))
				path := filepath.Join(dir, fmt.Sprintf("%d-%s-%s.ps1", round, harmless.Assignee.Kind, k.name))
				if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
					t.Fatal(err)
				}
				texts := everywhere
				if !strings.HasSuffix(k.name, "-minimal") {
					texts = slices.Concat(everywhere, full)
				}
				probes = append(probes, probe{path, script, texts})
				total += len(texts)
				sameOutside(t, k.name, script, reference(t, harmless, k.name))
			}
		}
	}
	if total < 10_000 {
		t.Fatalf("%d texts are too few", total)
	}
	paths := make([]string, len(probes))
	for i, p := range probes {
		paths[i] = p.path
	}
	for i, syntax := range peers.AST(t, paths...) {
		probes[i].check(t, syntax)
	}
	t.Logf("%d texts in %d scripts", total, len(probes))
}

// hostileGrant puts a hostile text into every field that takes an identity. It
// returns the texts that every script must hold, and those that full ones hold
// besides.
func hostileGrant(r *rand.Rand, g exchange.Grant, lists int) (_ exchange.Grant, everywhere, full []string) {
	next := func(texts *[]string) string {
		s := hostile(r, fmt.Sprintf("z%dz", len(everywhere)+len(full)))
		*texts = append(*texts, s)
		return s
	}
	if g.Assignee.Kind == exchange.RoleGroup {
		g.Assignee.Members = nil
		for range lists {
			g.Assignee.Members = append(g.Assignee.Members, next(&everywhere))
		}
	} else {
		g.Assignee.Identity = next(&everywhere)
	}
	g.DomainController, g.Scope.Text, g.Mailbox = next(&everywhere), next(&everywhere), next(&full)
	g.InScope, g.OutOfScope = nil, nil
	for range lists {
		g.InScope, g.OutOfScope = append(g.InScope, next(&full)), append(g.OutOfScope, next(&full))
	}
	g.Name, g.Scope.Name = "Name ‘with’ $(quotes)", "Scope's `name`"
	return g, append(everywhere, g.Scope.Name), full
}

func reference(t *testing.T, g exchange.Grant, kindName string) string {
	g.Scope.Name = "Some scope"
	for _, k := range kinds(g) {
		if k.name == kindName {
			return string(printed(t, k.print))
		}
	}
	t.Fatalf("no kind %s", kindName)
	return ""
}

// dataBlock returns the number of lines before the block of user data, and after
// its end.
func dataBlock(t *testing.T, lines []string) (first, end int) {
	t.Helper()
	for i, line := range lines {
		if line == dataHead {
			first = i
		}
		if first > 0 && line == "}" {
			return first, i + 1
		}
	}
	t.Fatal("no data block")
	return 0, 0
}

// sameOutside compares two scripts without their data blocks and hashes.
func sameOutside(t *testing.T, name, got, want string) {
	t.Helper()
	outside := func(script string) string {
		lines := strings.Split(script, "\r\n")
		first, end := dataBlock(t, lines)
		rest := append(append([]string{}, lines[:first]...), lines[end:]...)
		for i, line := range rest {
			if strings.HasPrefix(line, "    sha256: ") {
				rest[i] = "    sha256"
			}
		}
		return strings.Join(rest, "\n")
	}
	if outside(got) != outside(want) {
		t.Errorf("%s: user text changed the script outside its data block", name)
	}
}

func (p probe) check(t *testing.T, s peers.Syntax) {
	t.Helper()
	name := filepath.Base(p.path)
	if len(s.Errors) > 0 {
		t.Fatalf("%s does not parse: %+v", name, s.Errors[0])
	}
	first, end := dataBlock(t, strings.Split(p.script, "\r\n"))
	inside := func(line int) bool { return line > first && line <= end }
	constants := map[string]bool{}
	for _, c := range s.Strings {
		if !inside(c.Line) {
			continue
		}
		if c.Kind != "SingleQuoted" && c.Kind != "BareWord" || c.Expandable {
			t.Errorf("%s:%d: %s %q in the data block", name, c.Line, c.Kind, c.Value)
		}
		constants[c.Value] = constants[c.Value] || c.Kind == "SingleQuoted"
	}
	for _, c := range s.Commands {
		if inside(c.Line) {
			t.Errorf("%s:%d: the data block runs %s", name, c.Line, c.Name)
		}
	}
	for _, text := range p.texts {
		if !constants[text] {
			t.Errorf("%s: %q is not a constant of the data block", name, text)
		}
	}
}

// TestRollbackRefuses: a report is a file that anybody may have edited. What is
// not of the form that exgrant writes is refused, and the rest are constants.
func TestRollbackRefuses(t *testing.T) {
	guid := "c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77"
	report := func(inverse ...exchange.Inverse) exchange.Report {
		return exchange.Report{Schema: exchange.ReportSchema, Grant: &exchange.GrantState{
			Name:     "x'; Remove-Item /; '",
			Assignee: exchange.AssigneeState{Kind: exchange.User, Given: "$(evil)", GUID: guid},
			Scope:    exchange.ScopeState{Kind: exchange.Group, Given: "'@"},
		}, Inverse: inverse}
	}
	for name, r := range map[string]exchange.Report{
		"no schema":      {Grant: &exchange.GrantState{}, Inverse: []exchange.Inverse{{}}},
		"no grant":       {Schema: exchange.ReportSchema, Inverse: []exchange.Inverse{{}}},
		"nothing to do":  report(),
		"other command":  report(exchange.Inverse{Cmdlet: "Remove-Mailbox", Identity: guid}),
		"no GUID":        report(exchange.Inverse{Cmdlet: "Remove-ManagementScope", Identity: "*"}),
		"other option":   report(exchange.Inverse{Cmdlet: "Remove-ManagementScope", Identity: guid, Parameters: []exchange.InverseParameter{{Name: "Force", Value: true}}}),
		"odd condition":  report(exchange.Inverse{Cmdlet: "Remove-ManagementScope", Identity: guid, OnlyIf: "always"}),
		"number":         report(exchange.Inverse{Cmdlet: "Set-ManagementScope", Identity: guid, Parameters: []exchange.InverseParameter{{Name: "RecipientRestrictionFilter", Value: 1.5}}}),
		"control letter": report(exchange.Inverse{Cmdlet: "Set-ManagementScope", Identity: guid, Parameters: []exchange.InverseParameter{{Name: "RecipientRestrictionFilter", Value: "a\x07"}}}),
		"mixed list":     report(exchange.Inverse{Cmdlet: "New-RoleGroup", Identity: "g", Parameters: []exchange.InverseParameter{{Name: "Roles", Value: []any{"a", 1}}}}),
	} {
		if err := Rollback(io.Discard, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}

	evil := "'; $(Remove-Item /) #>"
	script := printed(t, func(w io.Writer) error {
		return Rollback(w, report(
			exchange.Inverse{Cmdlet: "Set-ManagementScope", Identity: guid, Parameters: []exchange.InverseParameter{{Name: "RecipientRestrictionFilter", Value: evil}}},
			exchange.Inverse{Cmdlet: "New-RoleGroup", Identity: evil, Parameters: []exchange.InverseParameter{{Name: "Members", Value: []any{evil, "b"}}, {Name: "Roles", Value: []any{}}}}))
	})
	path := filepath.Join(t.TempDir(), "rollback.ps1")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	syntax := peers.AST(t, path)[0]
	if len(syntax.Errors) > 0 {
		t.Fatalf("does not parse: %+v", syntax.Errors)
	}
	found := 0
	for _, s := range syntax.Strings {
		if strings.Contains(s.Value, "Remove-Item") {
			if s.Kind != "SingleQuoted" {
				t.Errorf("line %d: %s %q", s.Line, s.Kind, s.Value)
			}
			found++
		}
	}
	if found != 5 {
		t.Errorf("%d constants hold the text, want 5", found)
	}
	for _, c := range syntax.Commands {
		if c.Name == "Remove-Item" {
			t.Errorf("line %d runs %s", c.Line, c.Name)
		}
	}
}
