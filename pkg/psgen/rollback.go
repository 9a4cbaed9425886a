package psgen

import (
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

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
	if _, err := i.Command(""); err != nil {
		return err // it is none of ours
	}
	d.line("    @{")
	d.line("        Cmdlet     = %s", d.text(i.Cmdlet))
	d.line("        Identity   = %s", d.text(i.Identity))
	d.line("        Parameters = [ordered]@{")
	for _, p := range i.Parameters {
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
