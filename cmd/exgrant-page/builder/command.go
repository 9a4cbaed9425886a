package builder

import (
	"regexp"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// commandLines is the command that writes the same scripts, for PowerShell and for a
// Unix shell; shell is "" where the two are the same. The grant is valid, so that every
// value can be quoted.
func commandLines(g exchange.Grant) (powershell, shell string) {
	words := flags(g)
	if slices.ContainsFunc(words, lostByWindows) {
		words = []string{"-f", "grants.yaml"}
	}
	powershell = commandLine(words, func(s string) string {
		literal, _ := exchange.Quote(s) // it was checked with the grant
		return literal
	})
	shell = commandLine(flags(g), func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" })
	if shell == powershell {
		shell = ""
	}
	return powershell, shell
}

// lostByWindows tells whether Windows PowerShell hands a value to a program as another
// one: up to 7.2 it takes double quotes off, and joins what follows a backslash at the
// end.
func lostByWindows(value string) bool {
	return strings.Contains(value, `"`) || strings.HasSuffix(value, `\`)
}

// commandLine quotes what is not the name of a flag.
func commandLine(words []string, quote func(string) string) string {
	line := "exgrant script grant"
	for _, word := range words {
		if !plain.MatchString(word) {
			word = quote(word)
		}
		line += " " + word
	}
	return line + " -o grant.ps1 --undo undo.ps1"
}

// plain are the words that need no quotes in either shell: names of flags, and of our
// own file.
var plain = regexp.MustCompile(`^(--?[a-z]+(-[a-z]+)*|grants\.yaml)$`)

// flags are the flags that say the same as the grant, each before its value.
func flags(g exchange.Grant) []string {
	var words []string
	add := func(flag string, values ...string) {
		for _, v := range values {
			if v != "" {
				words = append(words, "--"+flag, v)
			}
		}
	}
	switch g.Assignee.Kind {
	case exchange.User:
		add("user", g.Assignee.Identity)
	case exchange.SecurityGroup:
		add("group", g.Assignee.Identity)
	case exchange.RoleGroup:
		add("role-group", g.Assignee.Identity)
		add("member", g.Assignee.Members...)
		if g.Assignee.ViewOnlyConfiguration {
			words = append(words, "--view-only-configuration")
		}
	}
	add("mailbox", g.Mailbox)
	switch g.Scope.Kind {
	case exchange.Group:
		add("scope-group", g.Scope.Text)
	case exchange.OrganizationalUnit:
		add("scope-ou", g.Scope.Text)
	case exchange.RecipientFilter:
		add("scope-filter", g.Scope.Text)
	case exchange.Existing:
		add("scope-name", g.Scope.Text)
	case exchange.WholeOrganization:
		words = append(words, "--whole-organization")
	}
	add("scope-name", g.Scope.Name)
	add("in-scope", g.InScope...)
	add("out-of-scope", g.OutOfScope...)
	add("name", g.Name)
	add("domain-controller", g.DomainController)
	return words
}
