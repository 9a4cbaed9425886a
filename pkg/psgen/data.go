package psgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A block writes PowerShell assignments of constants. User text passes only
// through its text method; the first error is kept.
type block struct {
	b   strings.Builder
	err error
}

func (d *block) text(s string) string {
	quoted, err := Literal(s)
	if err != nil && d.err == nil {
		d.err = err
	}
	return quoted
}

func (d *block) list(items []string) string {
	if len(items) == 0 {
		return "@()"
	}
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = "        " + d.text(s)
	}
	return "@(\n" + strings.Join(quoted, "\n") + "\n    )"
}

func (d *block) line(format string, args ...any) {
	fmt.Fprintf(&d.b, format+"\n", args...)
}

// done is the block with the blank line that follows it.
func (d *block) done() (string, error) { return d.b.String() + "\n", d.err }

const (
	dataHead = "# What was asked for. Everything that is specific to this script stands in this block, as constants."
)

func (d *block) constants(operation string) {
	d.line("%s", dataHead)
	d.line("$Operation = %s", d.text(operation))
	d.line("$Role = %s", d.text(exchange.Role))
}

// grantData is the data block of a full script: what the bodies read as $Grant.
func grantData(g exchange.Grant, operation string) (string, error) {
	d := new(block)
	d.constants(operation)
	if g.Assignee.Kind == exchange.RoleGroup || operation == exchange.OperationStatus {
		d.line("$Configuration = %s", d.text(exchange.RoleViewOnlyConfiguration))
	}
	d.grant(g, Full)
	return d.done()
}

// minimalData is the data block of a minimal script.
func minimalData(g exchange.Grant) (string, error) {
	d := new(block)
	d.line("%s", dataHead)
	d.line("$Role = %s", d.text(exchange.Role))
	if g.Assignee.Kind == exchange.RoleGroup {
		d.line("$Configuration = %s", d.text(exchange.RoleViewOnlyConfiguration))
	}
	d.grant(g, Minimal)
	return d.done()
}

// A datum is one entry of the data block; full says that minimal scripts have no
// use for it.
type datum struct {
	name, value string
	full        bool
}

func (d *block) grant(g exchange.Grant, style Style) {
	group := g.Assignee.Kind == exchange.RoleGroup
	d.line("$Grant = @{")
	for _, entry := range []datum{
		{"Name", d.text(g.AssignmentName()), group},
		{"AssigneeKind", d.text(string(g.Assignee.Kind)), group},
		{"Assignee", d.text(g.Assignee.Identity), false},
		{"Members", d.list(g.Assignee.Members), !group},
		{"ViewOnlyConfiguration", boolean(g.Assignee.ViewOnlyConfiguration), !group},
		{"Mailbox", d.text(g.Mailbox), true},
		{"ScopeKind", d.text(string(g.Scope.Kind)), false},
		{"Scope", d.text(g.Scope.Text), false},
		{"ScopeName", d.text(g.ScopeName()), false},
		{"ScopeNamed", boolean(g.Scope.Name != ""), true},
		{"DomainController", d.text(g.DomainController), false},
		{"InScope", d.list(g.InScope), true},
		{"OutOfScope", d.list(g.OutOfScope), true},
	} {
		if style == Full || !entry.full {
			d.line("    %-21s = %s", entry.name, entry.value)
		}
	}
	d.line("}")
}

func boolean(b bool) string { return "$" + strconv.FormatBool(b) }

func auditData() (string, error) {
	d := new(block)
	d.constants(exchange.OperationAudit)
	return d.done()
}
