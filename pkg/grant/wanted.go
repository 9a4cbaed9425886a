package grant

import (
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/exgrant/exgrant/pkg/report"
)

// The kinds of recipient write scopes of assignments (RecipientWriteScope).
const (
	writeOrganization = "Organization"
	writeUnit         = "OU"
	writeCustom       = "CustomRecipientScope"
	writeExclusive    = "ExclusiveRecipientScope"
)

// A wanted is the scope that is asked for, in the terms in which assignments are
// compared.
type wanted struct {
	kind   string // writeOrganization, writeUnit or writeCustom
	unit   string // canonical name of the organizational unit
	unitDN string

	name   string // of the management scope
	guid   string // of a scope that must exist; empty for one of our own
	filter string
	root   string
	key    string           // of the filter; empty when it cannot be parsed
	group  *exchange.Object // whose members the filter names, where the grant names the group

	counted bool // whether the recipients were counted
	count   int
	first   []string // the names of at most ten
}

func (w *wanted) String() string {
	switch w.kind {
	case writeOrganization:
		return "the whole organization"
	case writeUnit:
		return "the organizational unit " + w.unit
	}
	return fmt.Sprintf("the scope '%s' (%s)", w.name, w.filter)
}

// recipients is whom the scope reaches now, in words.
func (w *wanted) recipients() string {
	if w.count == 0 {
		return recipients(0)
	}
	return recipients(w.count) + ": " + strings.Join(w.first, ", ")
}

func recipients(n int) string {
	switch n {
	case 0:
		return "no recipient now"
	case 1:
		return "1 recipient"
	}
	return fmt.Sprintf("%d recipients", n)
}

// scope is the wanted scope as the parameter of an assignment.
func (w *wanted) scope() commands.WriteScope {
	switch w.kind {
	case writeUnit:
		return commands.WriteScope{OrganizationalUnit: w.unitDN}
	case writeCustom:
		return commands.WriteScope{Custom: w.name}
	}
	return commands.WriteScope{}
}

// parameter is the parameter that gives an assignment this scope.
func (w *wanted) parameter() report.InverseParameter {
	switch w.kind {
	case writeUnit:
		return report.InverseParameter{Name: "RecipientOrganizationalUnitScope", Value: w.unit}
	case writeCustom:
		return report.InverseParameter{Name: "CustomRecipientWriteScope", Value: w.name}
	}
	return report.InverseParameter{Name: relativeWriteScope, Value: writeOrganization}
}

// widens tells whether the wanted scope holds all of the assignment's and more, as
// far as it shows by the kinds of the two.
func (w *wanted) widens(a exchange.Object) bool {
	inside := strings.HasPrefix(strings.ToLower(a.Text("CustomRecipientWriteScope")), strings.ToLower(w.unit)+"/")
	return w.kind == writeOrganization || w.kind == writeUnit && a.Text("RecipientWriteScope") == writeUnit && inside
}

// isNamed tells whether a management scope has the wanted one's name.
func (w *wanted) isNamed(scope exchange.Object) bool {
	return w.name != "" && strings.EqualFold(scope.Text("Name"), w.name)
}

// filterKey is the same text for two filters that are the same condition, empty
// for text that is no filter.
func filterKey(filter string) string {
	parsed, err := opath.Parse(filter)
	if err != nil {
		return ""
	}
	return opath.Key(parsed)
}
