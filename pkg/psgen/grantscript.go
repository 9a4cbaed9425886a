package psgen

import (
	"fmt"
	"io"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// writeGrant writes the script of a kind for a grant.
func writeGrant(w io.Writer, kind Kind, g exchange.Grant) error {
	if err := g.Validate(); err != nil {
		return err
	}
	variables, err := grantVariables(kind, g)
	if err != nil {
		return err
	}
	data, err := constantsBlock(variables)
	if err != nil {
		return fmt.Errorf("the grant cannot be written as PowerShell: %w", err)
	}
	faults, err := faultsBlock(kind)
	if err != nil {
		return err
	}
	form := Form{Kind: kind, Assignee: g.Assignee.Kind, Scope: g.Scope.Kind}
	s := script{form: form, facts: grantFacts(form), words: grantWords(form), blocks: map[string]string{"data": data, "faults": faults}}
	part := string(kind) + ".ps1"
	if g.Assignee.Kind == exchange.RoleGroup && kind != KindStatus {
		part = string(kind) + "-rolegroup.ps1"
	}
	return s.write(w, part)
}

// grantFacts are what parts of scripts about grants depend on.
func grantFacts(f Form) []string {
	facts := []string{string(f.Kind), assigneeFact(f.Assignee), string(f.Scope)}
	if f.Assignee != exchange.RoleGroup {
		facts = append(facts, "account")
	}
	switch f.Scope {
	case exchange.Group, exchange.RecipientFilter:
		facts = append(facts, "scoped", "custom", "creates")
	case exchange.Existing:
		facts = append(facts, "scoped", "custom")
	case exchange.OrganizationalUnit:
		facts = append(facts, "scoped")
	}
	return facts
}

// grantWords are the words of scripts about grants that differ with the form.
func grantWords(f Form) []string {
	who, get, parameter := "an account", "Get-User", "User"
	switch f.Assignee {
	case exchange.SecurityGroup:
		who, get, parameter = "a security group", "Get-Group", "SecurityGroup"
	case exchange.RoleGroup:
		who = "the members of a role group"
	}
	whom := map[exchange.ScopeKind]string{
		exchange.WholeOrganization:  "the whole organization",
		exchange.Group:              "the members of one group",
		exchange.OrganizationalUnit: "one organizational unit",
		exchange.RecipientFilter:    "the recipients that a filter matches",
		exchange.Existing:           "a management scope that exists",
	}[f.Scope]
	ownOrSame, ownOrThere := "($own -or $scope.same)", "($own -or $scope)"
	if f.Assignee == exchange.RoleGroup {
		ownOrSame, ownOrThere = "$scope.same", "$scope"
	}
	// One condition means the same with and without parentheses.
	brackets, nothing := " and parentheses", `[\s()]`
	if f.Scope == exchange.RecipientFilter {
		brackets, nothing = "", `\s`
	}
	wanted := "$($Run.Wanted)"
	if f.Scope == exchange.Group || f.Scope == exchange.RecipientFilter {
		wanted = "$($Grant.scope.filter)"
	}
	words := append([]string{
		"{{wanted}}", wanted,
		"{{assignee}}", who, "{{scope}}", whom, "{{get}}", get, "{{parameter}}", parameter, "{{brackets}}", brackets, "{{nothing}}", nothing, "{{own-or-same}}", ownOrSame, "{{own-or-there}}", ownOrThere,
	}, grantNeeds(f)...)
	switch f.Kind {
	case KindStatus:
		return append(words, "{{codes}}", "failed = 1; conflict = 1; 'not-found' = 1; differs = 3", "{{last}}", "read-assignments")
	case KindRevoke:
		and := ""
		if f.Scope == exchange.Group || f.Scope == exchange.RecipientFilter {
			and = ", and its management scope"
		}
		return append(words, "{{andscope}}", and, "{{codes}}", "failed = 1; conflict = 1; 'not-found' = 1; 'still-effective' = 3; 'not-revoked' = 3", "{{last}}", "remove")
	}
	makes := "the role assignment"
	if f.Assignee == exchange.RoleGroup {
		makes = "the role group"
	}
	if f.Scope == exchange.Group || f.Scope == exchange.RecipientFilter {
		makes = "a management scope, if there is none, and " + makes
	}
	return append(words, "{{codes}}", "failed = 1; conflict = 1; 'not-found' = 1; differs = 3; 'customization-pending' = 3",
		"{{last}}", "assign", "{{makes}}", makes)
}

// grantNeeds are the command, and the parameter of it, that a script cannot do without.
func grantNeeds(f Form) []string {
	command, parameter := "New-ManagementRoleAssignment", ""
	switch {
	case f.Kind == KindStatus:
		command = "Get-ManagementRoleAssignment"
	case f.Kind == KindRevoke && f.Assignee == exchange.RoleGroup:
		command = "Remove-RoleGroupMember"
	case f.Kind == KindRevoke:
		command = "Remove-ManagementRoleAssignment"
	case f.Assignee == exchange.RoleGroup:
		command = "New-RoleGroup"
	}
	if f.Kind == KindGrant {
		switch f.Scope {
		case exchange.Group, exchange.RecipientFilter, exchange.Existing:
			parameter = "CustomRecipientWriteScope"
		case exchange.OrganizationalUnit:
			parameter = "RecipientOrganizationalUnitScope"
		}
	}
	return sessionWords(command, parameter)
}

// sessionWords are what a session must have: a command, and a parameter of it.
func sessionWords(command, parameter string) []string {
	needed, with, role := "", "", "Role Management; see .NOTES"
	if parameter != "" {
		needed, with = " -or -not $here[3].Parameters.ContainsKey('"+parameter+"')", " -"+parameter
	}
	if strings.HasPrefix(command, "Get-") {
		role = "View-Only Configuration; see .NOTES"
	}
	return []string{"{{cloud}}", cloudShell, "{{command}}", command, "{{needed}}", needed, "{{with}}", with, "{{role}}", role}
}
