package remote

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
)

// The bootstrap runs on Windows PowerShell 3.0, and is of the scripts' style.
func TestBootstrapIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bootstrap.ps1")
	if err := os.WriteFile(path, append([]byte("\ufeff"), strings.ReplaceAll(bootstrapText, "\n", "\r\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	// $LASTEXITCODE is set on purpose: firstWords ends the process with it.
	for _, f := range peers.Check(t, []string{"automatic"}, path) {
		t.Error(f)
	}
	if i := strings.IndexFunc(bootstrapText, func(r rune) bool { return r > '~' }); i >= 0 {
		t.Errorf("a letter that is not ASCII at byte %d", i)
	}
}

// The session of Exchange brings every command that a script calls.
func TestImportedCommands(t *testing.T) {
	g := plainGrant(t)
	group := g
	group.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "G", Members: []string{"a"}, ViewOnlyConfiguration: true}
	var used []string
	for i, script := range [][]byte{
		scriptText(t, func(w io.Writer) error { return psgen.Grant(w, g, psgen.Full) }), scriptText(t, func(w io.Writer) error { return psgen.Grant(w, group, psgen.Full) }),
		scriptText(t, func(w io.Writer) error { return psgen.Revoke(w, g, psgen.Full) }), scriptText(t, func(w io.Writer) error { return psgen.Revoke(w, group, psgen.Full) }),
		scriptText(t, func(w io.Writer) error { return psgen.Status(w, group) }), scriptText(t, psgen.Audit),
	} {
		path := filepath.Join(t.TempDir(), "script.ps1")
		if err := os.WriteFile(path, script, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range peers.AST(t, path)[0].Commands {
			if _, noun, ok := strings.Cut(c.Name, "-"); ok && isExchange(noun) && c.Name != "Connect-ExchangeServer" && !slices.Contains(used, c.Name) {
				used = append(used, c.Name)
			}
		}
		if i == 0 && len(used) == 0 {
			t.Fatal("no command was found")
		}
	}
	for _, name := range used {
		if !slices.Contains(importedCommands, name) {
			t.Errorf("a script calls %s, which is not imported", name)
		}
	}
	if !slices.IsSorted(importedCommands) {
		t.Error("the list is not sorted")
	}
}

// isExchange knows the nouns of Exchange's commands.
func isExchange(noun string) bool {
	for _, n := range []string{"Management", "RoleGroup", "ADServer", "Exchange", "Group", "Mailbox", "Recipient", "User", "Organization"} {
		if strings.HasPrefix(noun, n) {
			return true
		}
	}
	return false
}
