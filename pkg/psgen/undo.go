package psgen

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// writeUndo writes the script that takes a report back.
func writeUndo(w io.Writer, r report.Report) error {
	variables, err := undoVariables(r)
	if err != nil {
		return err
	}
	data, err := constantsBlock(variables)
	if err != nil {
		return fmt.Errorf("the report cannot be written as PowerShell: %w", err)
	}
	faults, err := faultsBlock(KindUndo)
	if err != nil {
		return err
	}
	words := append(sessionWords("Remove-ManagementRoleAssignment", ""), "{{last}}", "remove",
		"{{codes}}", "failed = 1; conflict = 1; 'not-found' = 1; 'still-effective' = 3; 'not-revoked' = 3")
	undone, err := undoneBy(r)
	if err != nil {
		return err
	}
	form := Form{Kind: KindUndo, Assignee: r.Grant.Assignee.Kind, Undone: undone}
	if !slices.Contains(Forms(), form) {
		return fmt.Errorf("the report is about an assignee of kind %q, and no such kind is known", form.Assignee)
	}
	facts := []string{string(KindUndo), assigneeFact(form.Assignee), map[Kind]string{KindGrant: "takes", KindRevoke: "gives"}[undone]}
	if form.Assignee != exchange.RoleGroup {
		facts = append(facts, "account")
	}
	s := script{form: form, facts: facts, words: words,
		blocks: map[string]string{"data": data, "faults": faults}}
	return s.write(w, "undo.ps1")
}

// undoneBy tells what a report's changes are undone: a grant, whose undo takes, or a
// revocation, whose undo gives. No run does both; a setting goes with what else is done.
func undoneBy(r report.Report) (Kind, error) {
	takes, makes, sets := false, false, false
	for _, i := range r.Inverse {
		takes = takes || strings.HasPrefix(i.Cmdlet, "Remove-") || i.Disables() && !i.DisablesByName()
		makes = makes || strings.HasPrefix(i.Cmdlet, "New-") || strings.HasPrefix(i.Cmdlet, "Add-")
		sets = sets || strings.HasPrefix(i.Cmdlet, "Set-") && !i.Disables()
	}
	switch {
	case takes && makes:
		return "", errors.New("the report's inverse both takes and gives, which that of no run does")
	case makes || sets && !takes:
		return KindRevoke, nil
	}
	return KindGrant, nil
}

// undoVariables is the data block of an undo: the report's grant, and its changes to
// take back, newest first. Nothing else of a report is ever run, since it is a file
// that anybody may have changed.
func undoVariables(r report.Report) ([]entry, error) {
	if err := r.CheckOwnInverse(); err != nil {
		return nil, err
	}
	var changes list
	for _, i := range r.Inverse {
		change, err := undoChange(r, i)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	roles := list{}
	if r.Grant.Assignee.Kind == exchange.RoleGroup {
		roles = list{exchange.RoleViewOnlyConfiguration}
	}
	return []entry{{"Grant", reportedTable(*r.Grant)}, {"Roles", roles}, {"Changes", changes}, {"Pin", table{plain: true}}}, nil
}

// reportedTable is the grant of a report, without what is not known.
func reportedTable(g report.GrantState) table {
	known := func(entries ...entry) table {
		return table{entries: slices.DeleteFunc(entries, func(e entry) bool { return e.value == "" })}
	}
	assignee := known(entry{"kind", string(g.Assignee.Kind)}, entry{"given", g.Assignee.Given}, entry{"guid", g.Assignee.GUID})
	if len(g.Assignee.Members) > 0 {
		assignee.entries = append(assignee.entries, entry{"members", texts(g.Assignee.Members)})
	}
	return table{entries: []entry{
		{"name", g.Name}, {"assignee", assignee}, {"role", exchange.Role},
		{"scope", known(entry{"kind", string(g.Scope.Kind)}, entry{"given", g.Scope.Given}, entry{"name", g.Scope.Name})},
	}}
}

// undoChange is one command of a report's inverse, with what it may find.
func undoChange(r report.Report, i report.Inverse) (table, error) {
	change := []entry{{"cmdlet", i.Cmdlet}, {"id", i.Identity}}
	if i.OnlyIf != "" {
		change = append(change, entry{"onlyIf", i.OnlyIf})
	}
	var parameters []entry
	for _, p := range i.Parameters {
		value, err := constant(p.Value)
		if err != nil {
			return table{}, fmt.Errorf("the report's inverse %s -%s: %w", i.Cmdlet, p.Name, err)
		}
		parameters = append(parameters, entry{p.Name, value})
	}
	if strings.HasPrefix(i.Cmdlet, "Set-") {
		setting, err := undoSetting(r, i)
		if err != nil {
			return table{}, err
		}
		change = append(change, setting...)
	}
	if len(parameters) > 0 {
		change = append(change, entry{"parameters", table{entries: parameters}})
	}
	return table{plain: true, entries: change}, nil
}

// undoSetting is what a script must know to put a setting back: the property that shows
// it, its old value, what it has to be now, and what the run had set.
func undoSetting(r report.Report, i report.Inverse) ([]entry, error) {
	set := i.Set
	if len(i.Parameters) == 1 && i.Parameters[0].Name == "Enabled" && len(set) == 0 {
		set = []report.InverseParameter{{Name: "Enabled", Value: true}}
	}
	if len(i.Parameters) != 1 || len(set) != 1 {
		return nil, fmt.Errorf("the report's inverse %s does not tell one setting, as it was and as it is", i.Cmdlet)
	}
	is, err := constant(set[0].Value)
	if err != nil {
		return nil, fmt.Errorf("the report's inverse %s: %w", i.Cmdlet, err)
	}
	property, was := i.Parameters[0].Name, fmt.Sprint(i.Parameters[0].Value)
	switch property {
	case "Enabled":
		was = map[string]string{"true": "True", "false": "False"}[was]
	case "RecipientRestrictionFilter":
		property = "RecipientFilter"
	case "RecipientRelativeWriteScope":
		property = "RecipientWriteScope"
	default:
		property = "CustomRecipientWriteScope"
	}
	setting := []entry{{"property", property}, {"value", was}}
	if !i.DisablesByName() { // what is made again is disabled by its name; to remove it undoes both
		again := table{entries: []entry{{"Identity", i.Identity}, {set[0].Name, is}}}
		setting = append(setting, entry{"again", again})
	}
	if now := reportedSetting(r, i); now != "" && property != "RecipientWriteScope" {
		setting = append(setting, entry{"now", now})
	}
	return setting, nil
}

// reportedSetting is what the report says that a setting is since its run: whoever
// changed it since does not want it back.
func reportedSetting(r report.Report, i report.Inverse) string {
	if r.After == nil || !strings.HasPrefix(i.Cmdlet, "Set-") {
		return ""
	}
	for _, s := range r.After.Scopes {
		if i.Cmdlet == "Set-ManagementScope" && strings.EqualFold(s.GUID, i.Identity) {
			return s.Filter
		}
	}
	for _, a := range r.After.Assignments {
		if i.Cmdlet == "Set-ManagementRoleAssignment" && strings.EqualFold(a.GUID, i.Identity) &&
			!slices.ContainsFunc(i.Parameters, func(p report.InverseParameter) bool { return p.Name == "Enabled" }) {
			return a.CustomRecipientWriteScope
		}
	}
	return ""
}

// constant is a value of a report as one of a data block.
func constant(v any) (any, error) {
	switch v := v.(type) {
	case string, bool, nil:
		return v, nil
	case []string:
		return texts(v), nil
	case []any:
		l := make(list, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("a list of %T cannot be a parameter", item)
			}
			l[i] = s
		}
		return l, nil
	}
	return nil, fmt.Errorf("%T cannot be a parameter", v)
}
