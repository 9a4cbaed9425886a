package exchange

import (
	"fmt"
	"slices"
	"strings"
)

// inverseParameters lists the commands that reports hold as inverses, and the
// parameters that each may have. A report is a file that anybody may have
// changed: nothing else of it is ever run.
func inverseParameters(cmdlet string) (parameters []string, known bool) {
	switch cmdlet {
	case "Remove-ManagementRoleAssignment", "Remove-ManagementScope", "Remove-RoleGroup":
		return nil, true
	case "Remove-RoleGroupMember", "Add-RoleGroupMember":
		return []string{"Member"}, true
	case "Set-ManagementScope":
		return []string{"RecipientRestrictionFilter"}, true
	case "Set-ManagementRoleAssignment":
		return []string{"Enabled", "CustomRecipientWriteScope", "ExclusiveRecipientWriteScope",
			"RecipientOrganizationalUnitScope", "RecipientRelativeWriteScope"}, true
	case "New-ManagementRoleAssignment":
		return []string{"User", "SecurityGroup", "Role", "CustomRecipientWriteScope",
			"ExclusiveRecipientWriteScope", "RecipientOrganizationalUnitScope"}, true
	case "New-ManagementScope":
		return []string{"RecipientRestrictionFilter", "RecipientRoot"}, true
	case "New-RoleGroup":
		return []string{"Roles", "Members", "CustomRecipientWriteScope", "RecipientOrganizationalUnitScope"}, true
	}
	return nil, false
}

// Command returns the inverse as the command to run. It refuses what no report of
// this program holds: another cmdlet or parameter, an object that is not named
// by its GUID (but for one that is made again), an unknown condition.
func (i Inverse) Command(domainController string) (Command, error) {
	allowed, known := inverseParameters(i.Cmdlet)
	makes := strings.HasPrefix(i.Cmdlet, "New-")
	switch {
	case !known:
		return Command{}, fmt.Errorf("the report's inverse holds %q, which no report of exgrant has", i.Cmdlet)
	case !makes && !IsGUID(i.Identity):
		return Command{}, fmt.Errorf("the report's inverse %s names %q, which is no GUID", i.Cmdlet, i.Identity)
	case i.OnlyIf != "" && i.OnlyIf != "unused":
		return Command{}, fmt.Errorf("the report's inverse %s has the condition %q, which is not known", i.Cmdlet, i.OnlyIf)
	}
	c := byIdentity(i.Cmdlet, i.Identity)
	if makes {
		c = command(i.Cmdlet, Param{"Name", String(i.Identity)})
	}
	for _, p := range i.Parameters {
		if !slices.Contains(allowed, p.Name) {
			return Command{}, fmt.Errorf("the report's inverse %s has the parameter %q, which exgrant does not use", i.Cmdlet, p.Name)
		}
		value, err := p.value()
		if err != nil {
			return Command{}, fmt.Errorf("the report's inverse %s -%s: %w", i.Cmdlet, p.Name, err)
		}
		c = c.With(p.Name, value)
	}
	if strings.Contains(i.Cmdlet, "RoleGroup") && !makes {
		c = c.With("BypassSecurityGroupManagerCheck", Switch(true))
	}
	return c.pinned(domainController).unattended(), nil
}

// value is the parameter's value, made here or read from JSON, as a command's.
func (p InverseParameter) value() (Value, error) {
	switch v := p.Value.(type) {
	case nil:
		return Null{}, nil
	case string:
		return String(v), CheckText(v)
	case bool:
		return Bool(v), nil
	case []string:
		return Strings(v), CheckText(strings.Join(v, ""))
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("a list of %T cannot be a parameter", item)
			}
			texts[i] = text
		}
		return Strings(texts), CheckText(strings.Join(texts, ""))
	}
	return nil, fmt.Errorf("%T cannot be a parameter", p.Value)
}

// IsGUID reports whether s has the form of a GUID with hyphens and without braces.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (s[i] == '-') || !hyphen && !isHex(s[i]) {
			return false
		}
	}
	return true
}
