package grant

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// hygieneManagement is the role group that holds the role by default, and its
// members for every mailbox.
const hygieneManagement = "Hygiene Management"

// Audit lists everybody who holds a role of the type, one row for each account and
// assignment. It hands each row to yield as it arrives and keeps none: the report
// has no Holders. It reads only.
//
// The error is yield's own; the audit ends with it.
func Audit(ctx context.Context, inv exchange.Invoker, o Options, yield func(exchange.Holder) error) (*exchange.Report, error) {
	r := newRun(inv, exchange.OperationAudit, exchange.Grant{}, o)
	a := &audit{run: r, yield: yield}
	err := a.procedure(ctx)
	report := r.finish(ctx, err)
	var own *yieldError
	if errors.As(err, &own) {
		return report, own.err
	}
	return report, nil
}

// An audit is the run of an audit. It keeps scopes and findings, but no assignment.
type audit struct {
	*run
	yield   func(exchange.Holder) error
	filters map[string]string // of scopes, by name in lower case
	holders int
	hygiene []string // members of Hygiene Management
}

type yieldError struct{ err error }

func (e *yieldError) Error() string { return e.err.Error() }

func (a *audit) procedure(ctx context.Context) error {
	if err := a.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	a.step = exchange.StepReadAssignments
	if err := a.readRoles(ctx); err != nil {
		return err
	}
	count := 0
	var odd []exchange.Finding // told after what was found about the session
	for _, role := range a.roles {
		err := a.stream(ctx, from(exchange.ListAssignments(role), a.configurationServer), func(o exchange.Object) error {
			count++
			odd = append(odd, oddHolder(o)...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := a.readFilters(ctx); err != nil {
		return err
	}
	// One row for each account that holds the role, directly or through a group.
	for _, role := range a.roles {
		if err := a.stream(ctx, exchange.ListHolders(role), a.row); err != nil {
			return err
		}
	}
	a.report.Findings = append(a.report.Findings, odd...)
	a.findHygiene()
	a.unchanged(exchange.StepReadAssignments, fmt.Sprintf("%d assignments of %d roles, %d holders", count, len(a.roles), a.holders), "")
	a.report.Outcome = exchange.Audited
	return nil
}

// readFilters reads the scopes, and keeps of them what the audit shows.
func (a *audit) readFilters(ctx context.Context) error {
	a.filters = map[string]string{}
	if !a.has(getManagementScope) {
		return nil
	}
	return a.stream(ctx, from(exchange.ListScopes(), a.configurationServer), func(s exchange.Object) error {
		a.filters[strings.ToLower(ownText(s, "Name"))] = ownText(s, "RecipientFilter")
		if s.Bool("Exclusive") {
			a.scopes = append(a.scopes, s)
		}
		return nil
	})
}

// ownText is a property's text in memory of its own: what a transport gives may be a
// part of the whole object's, which would be kept with it.
func ownText(o exchange.Object, property string) string { return strings.Clone(o.Text(property)) }

// row hands one row on.
func (a *audit) row(o exchange.Object) error {
	h := holder(o, func(scope string) string { return a.filters[strings.ToLower(scope)] })
	a.holders++
	if strings.EqualFold(h.Via, hygieneManagement) && h.Enabled {
		a.hygiene = append(a.hygiene, h.Holder)
	}
	if err := a.yield(h); err != nil {
		return &yieldError{err}
	}
	return nil
}

// everybodyPattern is what stands for the members of a group that cannot be listed.
var everybodyPattern = regexp.MustCompile(`(?i)^All (Linked )?Group Members$`)

// holder is one row of Get-ManagementRoleAssignment -GetEffectiveUsers; filterOf gives
// the filter of a scope.
func holder(row exchange.Object, filterOf func(scope string) string) exchange.Holder {
	text := func(property string) string { return ownText(row, property) }
	group, kind, user := text("RoleAssignee"), text("RoleAssigneeType"), text("User")
	h := exchange.Holder{
		Assignment: text("Name"), GUID: text("Guid"), Role: text("Role"),
		Holder: leaf(group), HolderType: kind, Delegation: "Delegating", Enabled: row.Bool("Enabled"), Scope: holderScope(row, filterOf),
	}
	if isRegular(row) {
		h.Delegation = "Regular"
	}
	everybody := everybodyPattern.MatchString(row.Text("EffectiveUserName"))
	if !strings.EqualFold(kind, "User") && user != "" && !everybody && !strings.EqualFold(user, group) {
		h.Holder, h.HolderType, h.Via = leaf(user), "User", h.Holder
	}
	return h
}

// holderScope is the scope of an assignment, in words and as data.
func holderScope(a exchange.Object, filterOf func(scope string) string) exchange.HolderScope {
	of := ownText(a, "CustomRecipientWriteScope")
	s := exchange.HolderScope{Kind: "relative"}
	switch a.Text("RecipientWriteScope") {
	case writeOrganization:
		s.Kind = exchange.WholeOrganization
	case writeUnit:
		s.Kind, s.Name = exchange.OrganizationalUnit, of
	case writeCustom, writeExclusive:
		s.Kind, s.Name, s.Filter = exchange.RecipientFilter, of, filterOf(of)
	}
	s.Text = describeScope(a, s.Filter)
	return s
}

// leaf is the last part of a canonical name: contoso.test/Users/Anna becomes Anna.
// A slash within a part is escaped by a backslash.
func leaf(canonical string) string {
	for i := len(canonical) - 1; i >= 0; i-- {
		if canonical[i] == '/' && (i == 0 || canonical[i-1] != '\\') {
			canonical = canonical[i+1:]
			break
		}
	}
	return strings.ReplaceAll(canonical, `\/`, "/")
}

// gonePattern is an assignee whose account is gone or cannot be resolved.
var gonePattern = regexp.MustCompile(`(?i)^$|S-1-5-|/Deleted Objects/`)

// oddHolder says of an assignment that its holders cannot be listed or resolved.
func oddHolder(a exchange.Object) []exchange.Finding {
	var odd []exchange.Finding
	kind, assignee := a.Text("RoleAssigneeType"), a.Text("RoleAssignee")
	if strings.EqualFold(kind, "LinkedRoleGroup") || strings.EqualFold(a.Text("EffectiveUserName"), "All Linked Group Members") {
		odd = append(odd, exchange.Finding{ID: "linked-group", Severity: exchange.SeverityInfo, Objects: []string{ownText(a, "Guid")},
			Text: "The members of " + assignee + " are in another forest and cannot be listed here."})
	}
	if strings.EqualFold(kind, "ForeignSecurityPrincipal") || gonePattern.MatchString(assignee) {
		odd = append(odd, exchange.Finding{ID: "unresolved-holder", Severity: exchange.SeverityWarning, Objects: []string{ownText(a, "Guid")},
			Text: "The account of '" + a.Text("Name") + "' cannot be resolved: " + assignee + "."})
	}
	return odd
}

// findHygiene says what an auditor should look at first.
func (a *audit) findHygiene() {
	if members := sortedSet(a.hygiene); len(members) > 0 {
		a.find("hygiene-management", exchange.SeveritySecurity, "Hygiene Management holds the role by default, for every mailbox: "+
			strings.Join(members, ", ")+".")
	}
	for _, scope := range a.scopes {
		a.find("exclusive-scope", exchange.SeverityInfo, "The exclusive scope '"+scope.Text("Name")+"' may keep mailboxes out of reach of "+
			"the holders above.", scope.Text("Guid"))
	}
}
