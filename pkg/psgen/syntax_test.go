package psgen

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func writeScript(t *testing.T, name string, script []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What only PowerShell's own parser can tell, on a script of every form.
func TestSyntax(t *testing.T) {
	t.Parallel()
	scripts := allScripts(t)
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		paths = append(paths, writeScript(t, name, scripts[name]))
	}
	for _, finding := range peers.Check(t, nil, paths...) {
		finding.File = filepath.Base(finding.File)
		t.Error(finding)
	}
	function := regexp.MustCompile(`^[A-Z][A-Za-z]+-Exg[A-Z][A-Za-z]*$`)
	for i, s := range peers.AST(t, paths...) {
		name := filepath.Base(paths[i])
		own := map[string]bool{}
		for _, line := range strings.Split(string(scripts[name]), "\r\n") {
			if rest, ok := strings.CutPrefix(line, "function "); ok {
				n, _, _ := strings.Cut(rest, " ")
				own[n] = true
				if !function.MatchString(n) {
					t.Errorf("%s: function %s is not Verb-ExgNoun", name, n)
				}
			}
		}
		called := map[string]bool{}
		for _, c := range s.Commands {
			called[c.Name] = true
			switch {
			case strings.Contains(c.Name, "-Exg") && !own[c.Name]:
				t.Errorf("%s:%d: %s is not in the script", name, c.Line, c.Name)
			case slices.Contains([]string{"Invoke-Expression", "Add-Type", "Read-Host", "Write-Host", "Clear-Host", "Import-Module", "iex"}, c.Name):
				t.Errorf("%s:%d: %s", name, c.Line, c.Name)
			}
		}
		for n := range own {
			if !called[n] {
				t.Errorf("%s: nothing calls %s", name, n)
			}
		}
	}
}

// TestIdentitiesAreText: in a management shell the properties of an object can be live
// objects, which are equal to no text. Whatever is compared, searched or put into a table
// is the text of a property.
func TestIdentitiesAreText(t *testing.T) {
	scripts := allScripts(t)
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		if !strings.HasPrefix(name, "office365") && !strings.HasPrefix(name, "fieldtest") {
			paths = append(paths, writeScript(t, name, scripts[name]))
		}
	}
	tool, err := filepath.Abs("testdata/compare.ps1")
	if err != nil {
		t.Fatal(err)
	}
	result := engine.Run(t, peers.Job{Script: tool, Parameters: map[string]any{"Path": paths}})
	if len(result.Errors) > 0 {
		t.Fatal(result.Errors[0].Message)
	}
	compared := 0
	for _, o := range result.Output {
		if n, ok := o.Property("Compared").(float64); ok {
			compared += int(n)
			continue
		}
		t.Error(o.Text)
	}
	if compared < 500 {
		t.Errorf("only %d comparisons were looked at", compared)
	}
}

// nasty are pieces that mean something to PowerShell, to the header, or to the
// generator itself.
var nasty = []string{
	"'", "''", "'''", "\"", "\"\"", "\u2018", "\u2019", "\u201a", "\u201b", "\u201c", "\u201d", "\u201e", "`", "``", "`n", "`'",
	"$", "$(", "$(Get-Date)", "${x}", "$_", "$env:PATH", "@'", "'@", "@\"", "\"@", "@(", ")", "(", "{", "}", "[", "]", ";", "|", "&", "&&",
	"%", "--%", "--", "-join", "\u2013", "\u2014", "\u2015", "<#", "#>", "#", "# include: grant.ps1", "# if: grant", "# end", "# SIG # Begin signature block",
	"{{sha256}}", "{{body-sha256}}", "[CmdletBinding(", ".ps1", "\\", "/", ",", "=", " ", "  ", "\u00a0", "\u3000", "é", "e\u0301", "ß", "Ж", "日本", "한", "ع", "ש", "न", "🎉", "𐐀", "\ufffd",
	"$null", "$true", "if", "exit", "Invoke-Expression", "rm -rf", "..", "0", "-1", "1e9", "::", "@{", "[ordered]@{", "@x", "!", "~", "^", "<", ">", "+", dataHead,
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
			if r.IntN(3) < 2 {
				b.WriteString(nasty[r.IntN(len(nasty))])
			} else if c := rune(r.IntN(0x30000)); utf8.ValidRune(c) {
				b.WriteRune(c)
			}
		}
		if s := b.String(); exchange.CheckIdentity(s) == nil {
			return s
		}
	}
}

// TestUserTextIsConstant makes scripts from thousands of hostile texts in all places
// where a user can put one, and has the real parser read them: every text must be a
// constant in the data block, nothing else of the script may differ from one for a
// harmless grant, and Check must read everything back.
func TestUserTextIsConstant(t *testing.T) {
	t.Parallel()
	peers.Pwsh(t)
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	var paths []string
	var texts [][]string
	total := 0
	for _, f := range Forms() {
		if f.Scope == "" || f.Scope == exchange.RecipientFilter {
			continue
		}
		g, put := hostileGrant(r, f)
		script := printed(t, func(w io.Writer) error { return writeGrant(w, f.Kind, g) })
		if BodyHash(script) != BodyHash(printed(t, printForm(f))) {
			t.Errorf("%s: user text changed the script outside its data block", f)
		}
		if _, back, err := Check(script); err != nil {
			t.Errorf("%s: %v", f, err)
		} else if f.Kind != KindRevoke && fmt.Sprint(back) != fmt.Sprint(g) {
			t.Errorf("%s: read back is\n%q, and not\n%q", f, fmt.Sprint(back), fmt.Sprint(g))
		}
		path := filepath.Join(dir, strings.ReplaceAll(f.String(), " ", "-")+".ps1")
		if err := os.WriteFile(path, script, 0o600); err != nil {
			t.Fatal(err)
		}
		paths, texts, total = append(paths, path), append(texts, put), total+len(put)
	}
	if total < 5_000 {
		t.Fatalf("%d texts are too few", total)
	}
	for i, syntax := range peers.AST(t, paths...) {
		name := filepath.Base(paths[i])
		if len(syntax.Errors) > 0 {
			t.Fatalf("%s does not parse: %+v", name, syntax.Errors[0])
		}
		script, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		first, end := dataLines(t, string(script))
		constants := map[string]bool{}
		for _, c := range syntax.Strings {
			if c.Line > first && c.Line <= end {
				if c.Kind != "SingleQuoted" && c.Kind != "BareWord" || c.Expandable {
					t.Errorf("%s:%d: %s %q in the data block", name, c.Line, c.Kind, c.Value)
				}
				constants[c.Value] = constants[c.Value] || c.Kind == "SingleQuoted"
			}
		}
		for _, c := range syntax.Commands {
			if c.Line > first && c.Line <= end {
				t.Errorf("%s:%d: the data block runs %s", name, c.Line, c.Name)
			}
		}
		for _, text := range texts[i] {
			if !constants[text] {
				t.Errorf("%s: %q is not a constant of the data block", name, text)
			}
		}
	}
}

// dataLines are the lines between which the data block stands.
func dataLines(t *testing.T, script string) (first, end int) {
	t.Helper()
	for i, line := range strings.Split(script, "\r\n") {
		if line == dataHead && first == 0 {
			first = i + 1
		}
		if first > 0 && line == "" {
			return first, i
		}
	}
	t.Fatal("no data block")
	return 0, 0
}

// hostileGrant puts a hostile text into every field that takes an identity, and returns
// the texts that the script must hold.
func hostileGrant(r *rand.Rand, f Form) (exchange.Grant, []string) {
	var put []string
	next := func() string {
		put = append(put, hostile(r, fmt.Sprintf("z%dz", len(put))))
		return put[len(put)-1]
	}
	g := grantOf(f)
	g.InScope, g.OutOfScope = nil, nil
	if f.Assignee == exchange.RoleGroup {
		g.Assignee.Members = nil
		for range 60 {
			g.Assignee.Members = append(g.Assignee.Members, next())
		}
	} else {
		g.Assignee.Identity = next()
	}
	g.Mailbox, g.DomainController = next(), next()
	if g.Scope.Text != "" {
		g.Scope.Text = next()
	}
	if f.Kind != KindRevoke {
		for range 100 {
			g.InScope, g.OutOfScope = append(g.InScope, next()), append(g.OutOfScope, next())
		}
	}
	g.Name = "Name ‘with’ $(quotes)"
	if g.Scope.Creates() {
		g.Scope.Name = "Scope's `name`"
	}
	return g, put
}
