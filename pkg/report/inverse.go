package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
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
			"ExclusiveRecipientWriteScope", "RecipientOrganizationalUnitScope", "RecipientRelativeWriteScope"}, true
	case "New-ManagementScope":
		return []string{"RecipientRestrictionFilter", "RecipientRoot"}, true
	case "New-RoleGroup":
		return []string{"Roles", "Members", "CustomRecipientWriteScope", "RecipientOrganizationalUnitScope"}, true
	}
	return nil, false
}

// Command returns the inverse as the command to run. It refuses what no report of
// this program holds: another cmdlet or parameter, an object that is not named
// by its GUID (but for one that is made again, and one that DisablesByName), an unknown
// condition.
func (i Inverse) Command(domainController string) (exchange.Command, error) {
	allowed, known := inverseParameters(i.Cmdlet)
	makes := strings.HasPrefix(i.Cmdlet, "New-")
	switch {
	case !known:
		return exchange.Command{}, fmt.Errorf("the report's inverse holds %q, which no report of exgrant has", i.Cmdlet)
	case !makes && !i.DisablesByName() && !exchange.IsGUID(i.Identity):
		return exchange.Command{}, fmt.Errorf("the report's inverse %s names %q, which is no GUID", i.Cmdlet, i.Identity)
	case i.OnlyIf != "" && i.OnlyIf != "unused":
		return exchange.Command{}, fmt.Errorf("the report's inverse %s has the condition %q, which is not known", i.Cmdlet, i.OnlyIf)
	}
	names := "Identity"
	if makes {
		names = "Name"
	}
	c := exchange.Command{Cmdlet: i.Cmdlet}.With(names, exchange.String(i.Identity))
	for _, p := range i.Parameters {
		if !slices.Contains(allowed, p.Name) {
			return exchange.Command{}, fmt.Errorf("the report's inverse %s has the parameter %q, which exgrant does not use", i.Cmdlet, p.Name)
		}
		value, err := p.value()
		if err != nil {
			return exchange.Command{}, fmt.Errorf("the report's inverse %s -%s: %w", i.Cmdlet, p.Name, err)
		}
		c = c.With(p.Name, value)
	}
	if strings.Contains(i.Cmdlet, "RoleGroup") && !makes {
		c = c.With("BypassSecurityGroupManagerCheck", exchange.Switch(true))
	}
	if domainController != "" {
		c = c.With("DomainController", exchange.String(domainController))
	}
	return c.With("Confirm", exchange.Bool(false)), nil
}

// Disables tells whether an inverse only disables an assignment.
func (i Inverse) Disables() bool {
	return i.Cmdlet == "Set-ManagementRoleAssignment" && len(i.Parameters) == 1 && i.Parameters[0].Name == "Enabled" && i.Parameters[0].Value == false
}

// DisablesByName tells whether an inverse disables again what its neighbour makes again:
// nobody knows the GUID that an assignment will have.
func (i Inverse) DisablesByName() bool { return i.Disables() && !exchange.IsGUID(i.Identity) }

// checkInverses says why inverses, in their order, are none of a report of this program.
func checkInverses(inverses []Inverse) error {
	before := Inverse{}
	for _, i := range inverses {
		if _, err := i.Command(""); err != nil {
			return err
		}
		isBehind := before.Cmdlet == "New-ManagementRoleAssignment" && strings.EqualFold(before.Identity, i.Identity)
		if i.DisablesByName() && !isBehind {
			return fmt.Errorf("the report's inverse %s names %q, which is no GUID, and nothing before it makes that again", i.Cmdlet, i.Identity)
		}
		before = i
	}
	return nil
}

// value is the parameter's value, made here or read from JSON, as a command's.
func (p InverseParameter) value() (exchange.Value, error) {
	switch v := p.Value.(type) {
	case nil:
		return exchange.Null{}, nil
	case string:
		return exchange.String(v), exchange.CheckText(v)
	case bool:
		return exchange.Bool(v), nil
	case []string:
		return exchange.Strings(v), exchange.CheckText(strings.Join(v, ""))
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("a list of %T cannot be a parameter", item)
			}
			texts[i] = text
		}
		return exchange.Strings(texts), exchange.CheckText(strings.Join(texts, ""))
	}
	return nil, fmt.Errorf("%T cannot be a parameter", p.Value)
}

// Texts are the texts that a parameter has, one or several; none where it is no text.
func (i Inverse) Texts(parameter string) []string {
	for _, p := range i.Parameters {
		if p.Name == parameter {
			return p.texts()
		}
	}
	return nil
}

// Text is the text of a parameter that has one; else "".
func (i Inverse) Text(parameter string) string {
	if texts := i.Texts(parameter); len(texts) == 1 {
		return texts[0]
	}
	return ""
}

func (p InverseParameter) texts() []string {
	value, err := p.value()
	if err != nil {
		return nil
	}
	switch v := value.(type) {
	case exchange.String:
		return []string{string(v)}
	case exchange.Strings:
		return v
	}
	return nil
}
