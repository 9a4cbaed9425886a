// Package psgen prints grants as PowerShell scripts: for a person to read, sign
// and run, or for a transport to run and parse.
//
// There is one function for each kind of script. Each writes a whole file: a
// header that is the comment-based help, the parameters, a data block that holds
// everything the user said as constants, and a body that is the same for every
// script of the kind. The bodies are the .ps1 files in folder body.
//
// The output depends on the arguments alone: no version, date or path is in it,
// so that regeneration is byte-equal. It is UTF-8 with a byte order mark, lines
// end in CRLF, and it runs on Windows PowerShell 3.0 to PowerShell 7.
package psgen

import (
	"fmt"
	"io"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Style says how much a script does.
type Style int

const (
	// Full is the whole procedure: resolve, compare, change, read back, report.
	Full Style = iota
	// Minimal is the documented sequence with its fallback, short enough to be
	// read in a minute.
	Minimal
)

// Literal returns s as a PowerShell constant. It refuses what PowerShell cannot
// hold or a reader could not see; the error wraps an *exchange.TextError.
func Literal(s string) (string, error) { return exchange.Quote(s) }

// Grant writes the script that makes the grant. Its error is an
// exchange.ValidationError when the grant is not valid, else the writer's.
func Grant(w io.Writer, g exchange.Grant, s Style) error {
	return writeGrantScript(w, g, "grant", s)
}

// Revoke writes the script that takes exactly this grant back. Its error is as
// Grant's.
func Revoke(w io.Writer, g exchange.Grant, s Style) error {
	return writeGrantScript(w, g, "revoke", s)
}

// Status writes the script that tells whether the grant is in place and changes
// nothing. Its error is as Grant's.
func Status(w io.Writer, g exchange.Grant) error {
	return writeGrantScript(w, g, "status", Full)
}

// Audit writes the script that lists every holder of the role and changes
// nothing.
func Audit(w io.Writer) error {
	data, err := auditData()
	if err != nil {
		return err
	}
	return writeScript(w, "audit.ps1", blocks{"data": data})
}

// Rollback writes the script that takes back, by GUID, every change of a report.
// It refuses a report that changed nothing, or whose inverse holds a command
// that no report of this program has.
func Rollback(w io.Writer, r exchange.Report) error {
	data, err := rollbackData(r)
	if err != nil {
		return err
	}
	return writeScript(w, "rollback.ps1", blocks{"data": data})
}

func writeGrantScript(w io.Writer, g exchange.Grant, kind string, s Style) error {
	if err := g.Validate(); err != nil {
		return err
	}
	name, parts := body(g, kind), blocks{}
	data, err := grantData(g, kind)
	if s == Minimal {
		name = "minimal-" + name
		data, err = minimalData(g)
		minimalScope(g, parts)
	}
	if err != nil {
		return fmt.Errorf("the grant cannot be written as PowerShell: %w", err)
	}
	parts["data"] = data
	return writeScript(w, name, parts)
}

// body names the body of a kind of script. Role groups are made and unmade with
// other commands than assignments.
func body(g exchange.Grant, kind string) string {
	if g.Assignee.Kind == exchange.RoleGroup && kind != "status" {
		return kind + "-rolegroup.ps1"
	}
	return kind + ".ps1"
}

// minimalScope names the parts of a minimal script that find, make and remove the
// scope; they are empty where the grant has no scope of its own. A scope with a
// name of its own may be older than the grant: no revocation by name removes it.
func minimalScope(g exchange.Grant, parts blocks) {
	for _, part := range []string{"functions", "scope", "samefilter", "newscope", "oldscope"} {
		parts[part] = ""
	}
	if !g.Scope.Creates() {
		return
	}
	if g.Scope.Kind == exchange.RecipientFilter {
		parts["functions"] = "filter.ps1" // a filter of many conditions needs the comparer
	}
	parts["scope"] = "minimal-scope-" + string(g.Scope.Kind) + ".ps1"
	parts["samefilter"] = "minimal-same-" + string(g.Scope.Kind) + ".ps1"
	parts["newscope"] = "minimal-newscope.ps1"
	if g.Scope.Name == "" {
		parts["oldscope"] = "minimal-oldscope.ps1"
	}
}
