package psgen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// inverseCommands are the commands that reports hold as inverses, and the
// parameters that each may have.
var inverseCommands = map[string][]string{
	"Remove-ManagementRoleAssignment": {},
	"Remove-ManagementScope":          {},
	"Remove-RoleGroup":                {},
	"Remove-RoleGroupMember":          {"Member"},
	"Add-RoleGroupMember":             {"Member"},
	"Set-ManagementScope":             {"RecipientRestrictionFilter"},
	"Set-ManagementRoleAssignment": {"Enabled", "CustomRecipientWriteScope", "ExclusiveRecipientWriteScope",
		"RecipientOrganizationalUnitScope", "RecipientRelativeWriteScope"},
	"New-ManagementRoleAssignment": {"User", "SecurityGroup", "Role", "CustomRecipientWriteScope",
		"ExclusiveRecipientWriteScope", "RecipientOrganizationalUnitScope"},
	"New-ManagementScope": {"RecipientRestrictionFilter", "RecipientRoot"},
	"New-RoleGroup":       {"Roles", "Members", "CustomRecipientWriteScope", "RecipientOrganizationalUnitScope"},
}

// rollbackData is the data block of a revocation by report: the account that the
// report is about, and the changes to take back, newest first.
func rollbackData(r exchange.Report) (string, error) {
	switch {
	case r.Schema != exchange.ReportSchema:
		return "", fmt.Errorf("the report says schema %q, not %q", r.Schema, exchange.ReportSchema)
	case r.Grant == nil:
		return "", errors.New("the report is not about a grant")
	case len(r.Inverse) == 0:
		return "", errors.New("the report changed nothing: there is nothing to take back")
	}
	d := new(block)
	d.constants(exchange.OperationRevoke)
	d.line("$Configuration = %s", d.text(exchange.RoleViewOnlyConfiguration))
	d.grant(reportedGrant(*r.Grant), Full)
	d.line("$Undo = @(")
	for _, inverse := range r.Inverse {
		if err := d.inverse(inverse); err != nil {
			return "", err
		}
	}
	d.line(")")
	return d.done()
}

// reportedGrant is the grant of a report with its assignee by GUID, so that a
// rename since then does not matter.
func reportedGrant(s exchange.GrantState) exchange.Grant {
	assignee := exchange.Assignee{Kind: s.Assignee.Kind, Identity: s.Assignee.Given, Members: s.Assignee.Members}
	if s.Assignee.GUID != "" && s.Assignee.Kind != exchange.RoleGroup {
		assignee.Identity = s.Assignee.GUID
	}
	return exchange.Grant{
		Name:     s.Name,
		Assignee: assignee,
		Scope:    exchange.Scope{Kind: s.Scope.Kind, Text: s.Scope.Given, Name: s.Scope.Name},
	}
}

func (d *block) inverse(i exchange.Inverse) error {
	allowed, ok := inverseCommands[i.Cmdlet]
	if !ok {
		return fmt.Errorf("the report's inverse holds %q, which no report of exgrant has", i.Cmdlet)
	}
	if !strings.HasPrefix(i.Cmdlet, "New-") && !isGUID(i.Identity) {
		return fmt.Errorf("the report's inverse %s names %q, which is no GUID", i.Cmdlet, i.Identity)
	}
	if i.OnlyIf != "" && i.OnlyIf != "unused" {
		return fmt.Errorf("the report's inverse %s has the condition %q, which is not known", i.Cmdlet, i.OnlyIf)
	}
	d.line("    @{")
	d.line("        Cmdlet     = %s", d.text(i.Cmdlet))
	d.line("        Identity   = %s", d.text(i.Identity))
	d.line("        Parameters = [ordered]@{")
	for _, p := range i.Parameters {
		if !slices.Contains(allowed, p.Name) {
			return fmt.Errorf("the report's inverse %s has the parameter %q, which exgrant does not use", i.Cmdlet, p.Name)
		}
		value, err := d.inverseValue(p.Value)
		if err != nil {
			return fmt.Errorf("the report's inverse %s -%s: %w", i.Cmdlet, p.Name, err)
		}
		d.line("            %s = %s", p.Name, value)
	}
	d.line("        }")
	d.line("    }")
	return nil
}

func (d *block) inverseValue(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return d.text(v), nil
	case bool:
		return boolean(v), nil
	case nil:
		return "$null", nil
	case []any:
		quoted := make([]string, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return "", fmt.Errorf("a list of %T cannot be a parameter", item)
			}
			quoted[i] = d.text(s)
		}
		return "@(" + strings.Join(quoted, ", ") + ")", nil
	case []string:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return d.inverseValue(items)
	}
	return "", fmt.Errorf("%T cannot be a parameter", v)
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if hyphen != (c == '-') || !hyphen && !hex {
			return false
		}
	}
	return true
}
