package grant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// hygieneManagement is the role group that holds the role by default, and its
// members for every mailbox.
const hygieneManagement = "Hygiene Management"

// Audit lists everybody who holds a role of the type, one row for each account and
// assignment. It hands each row to yield as it arrives and keeps none: the report
// has no Holders. It reads only.
//
// The error is yield's own, with which the audit ends, or a *report.Stopped.
func Audit(ctx context.Context, inv exchange.Invoker, o Options, yield func(report.Holder) error) (*report.Report, error) {
	r := newRun(inv, report.OperationAudit, exchange.Grant{}, o)
	a := &audit{run: r, yield: yield}
	err := a.procedure(ctx)
	told := r.finish(ctx, err)
	var own *yieldError
	if errors.As(err, &own) {
		return told, own.err
	}
	return told, told.Err()
}

// An audit is the run of an audit. It keeps scopes and findings, but no assignment.
type audit struct {
	*run
	yield   func(report.Holder) error
	filters map[string]string // of scopes, by name in lower case
	sids    map[string]string // of holders, by canonical name in lower case
	unique  map[string]string // what names those whose name is that of several, by canonical name in lower case
	holders int
	hygiene []string        // members of Hygiene Management
	only    map[string]bool // GUIDs of the assignments that are asked for; nil is all
	account string          // and whose they are, by name
}

// narrow leaves of the audit what one account or group holds.
func (a *audit) narrow(ctx context.Context, identity string) error {
	account, found, err := a.resolveOne(ctx, commands.GetUser(identity), identity)
	if err == nil && !found {
		account, found, err = a.resolveOne(ctx, commands.GetGroup(identity), identity)
	}
	if err != nil {
		return err
	}
	if !found {
		return a.stopNotFound("account or group", identity, "")
	}
	held, err := a.held(ctx, holderOf(account), false)
	if err != nil {
		return err
	}
	a.only, a.account = guids(held), account.Text("Name")
	return nil
}

// isAsked tells whether a row is of the account that was asked about.
func (a *audit) isAsked(h report.Holder) bool {
	return a.only == nil || a.only[h.GUID] && (h.Via == "" || strings.EqualFold(h.Via, a.account) || strings.EqualFold(h.Holder, a.account))
}

type yieldError struct{ err error }

func (e *yieldError) Error() string { return e.err.Error() }

func (a *audit) procedure(ctx context.Context) error {
	if err := a.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	a.step = report.StepReadAssignments
	if err := a.readRoles(ctx); err != nil {
		return err
	}
	if a.o.Holder != "" {
		if err := a.narrow(ctx, a.o.Holder); err != nil {
			return err
		}
	}
	count := 0
	var odd []report.Finding // told after what was found about the session
	for _, role := range a.roles {
		err := a.stream(ctx, from(commands.ListAssignments(role), a.configurationServer), func(o exchange.Object) error {
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
	if err := a.readSIDs(ctx, count); err != nil {
		return err
	}
	// One row for each account that holds the role, directly or through a group.
	for _, role := range a.roles {
		if err := a.stream(ctx, commands.ListHolders(role), a.row); err != nil {
			return err
		}
	}
	a.report.Findings = append(a.report.Findings, odd...)
	a.findHygiene()
	a.unchanged(report.StepReadAssignments, quantity(count, "assignment")+" of "+quantity(len(a.roles), "role")+", "+quantity(a.holders, "holder"), "")
	a.report.Outcome = report.Audited
	return nil
}

// quantity is a number of things in words.
func quantity(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// readFilters reads the scopes, and keeps of them what the audit shows.
func (a *audit) readFilters(ctx context.Context) error {
	a.filters = map[string]string{}
	if !a.has(getManagementScope) {
		return nil
	}
	return a.stream(ctx, from(commands.ListScopes(), a.configurationServer), func(s exchange.Object) error {
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
	h := holderRow(o, func(scope string) string { return a.filters[strings.ToLower(scope)] })
	name, _ := whoHolds(o)
	h.SID = a.sids[strings.ToLower(name)]
	if h.Via == "" {
		h.Identity = a.unique[strings.ToLower(name)]
	}
	if !a.isAsked(h) {
		return nil
	}
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

// holderRow is one row of Get-ManagementRoleAssignment -GetEffectiveUsers; filterOf gives
// the filter of a scope.
func holderRow(row exchange.Object, filterOf func(scope string) string) report.Holder {
	text := func(property string) string { return ownText(row, property) }
	group, kind := text("RoleAssignee"), text("RoleAssigneeType")
	h := report.Holder{
		Assignment: text("Name"), GUID: text("Guid"), Role: text("Role"),
		Holder: leaf(group), HolderType: kind, Delegation: "Delegating", Enabled: row.Bool("Enabled"), Scope: holderScope(row, filterOf),
	}
	if isRegular(row) {
		h.Delegation = "Regular"
	}
	if name, _ := whoHolds(row); name != group {
		h.Holder, h.HolderType, h.Via = leaf(name), "User", h.Holder
	}
	if gonePattern.MatchString(group) {
		h.Unresolved = true
		h.Holder = cmp.Or(group, text("RoleAssigneeName"), text("User"), "(account is gone)")
	}
	return h
}

// whoHolds is the canonical name of the account or group that a row of
// Get-ManagementRoleAssignment -GetEffectiveUsers is about, and whether it is an account:
// a member of a group stands in User.
func whoHolds(row exchange.Object) (name string, isAccount bool) {
	group, user := ownText(row, "RoleAssignee"), ownText(row, "User")
	if strings.EqualFold(row.Text("RoleAssigneeType"), "User") {
		return group, true
	}
	if user != "" && !everybodyPattern.MatchString(row.Text("EffectiveUserName")) && !strings.EqualFold(user, group) {
		return user, true
	}
	return group, false
}

// maxSIDs is how many holders, at most, are looked up for their SIDs: each is a command.
const maxSIDs = 200

var sidPattern = regexp.MustCompile(`^S-1-[0-9-]+$`)

// readSIDs looks up the SIDs of the holders that were asked for, by which logs and other
// systems know them. It does so before their rows are handed on, since a session runs one
// command at a time; in an organization of more than maxSIDs of them it does not.
func (a *audit) readSIDs(ctx context.Context, assignments int) error {
	who := map[string]bool{} // canonical name: whether it is an account
	for _, role := range a.roles {
		if assignments > maxSIDs {
			break
		}
		err := a.stream(ctx, commands.ListHolders(role), func(o exchange.Object) error {
			name, isAccount := whoHolds(o)
			if name != "" && len(who) <= maxSIDs && a.isAsked(holderRow(o, func(string) string { return "" })) {
				who[name] = isAccount
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if assignments > maxSIDs || len(who) > maxSIDs {
		a.report.Findings = append(a.report.Findings, report.Finding{ID: "sids-left-out", Severity: report.SeverityInfo,
			Text: fmt.Sprintf("There are more than %d holders: their SIDs were not looked up.", maxSIDs)})
		return nil
	}
	a.sids, a.unique = map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(who)) {
		if sidPattern.MatchString(name) { // of an account that is gone
			a.sids[strings.ToLower(name)] = name
			continue
		}
		look := commands.GetGroup
		if who[name] {
			look = commands.GetUser
		}
		if err := a.lookUp(ctx, name, look); err != nil {
			return err
		}
	}
	return nil
}

// lookUp looks up a holder by the short name that the audit shows, and where that is not
// the name of this one alone, by the canonical name.
func (a *audit) lookUp(ctx context.Context, canonical string, look func(identity string) exchange.Command) error {
	key := strings.ToLower(canonical)
	o, found, err := a.seek(ctx, look(leaf(canonical)))
	if err != nil {
		return err
	}
	if !found || !strings.EqualFold(o.Text("Identity"), canonical) {
		if o, found, err = a.seek(ctx, look(canonical)); err != nil {
			return err
		}
		if found {
			a.unique[key] = ownText(o, "DistinguishedName")
		}
	}
	a.sids[key] = ownText(o, "Sid")
	return nil
}

// holderScope is the scope of an assignment, in words and as data.
func holderScope(a exchange.Object, filterOf func(scope string) string) report.HolderScope {
	of := ownText(a, "CustomRecipientWriteScope")
	s := report.HolderScope{Kind: report.RelativeScope}
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
func oddHolder(a exchange.Object) []report.Finding {
	var odd []report.Finding
	kind, assignee := a.Text("RoleAssigneeType"), a.Text("RoleAssignee")
	if strings.EqualFold(kind, "LinkedRoleGroup") || strings.EqualFold(a.Text("EffectiveUserName"), "All Linked Group Members") {
		odd = append(odd, report.Finding{ID: "linked-group", Severity: report.SeverityInfo, Objects: []string{ownText(a, "Guid")},
			Text: "The members of " + assignee + " are in another forest and cannot be listed here."})
	}
	if strings.EqualFold(kind, "ForeignSecurityPrincipal") || gonePattern.MatchString(assignee) {
		odd = append(odd, report.Finding{ID: "unresolved-holder", Severity: report.SeverityWarning, Objects: []string{ownText(a, "Guid")},
			Text: "The account of '" + a.Text("Name") + "' cannot be resolved: " + cmp.Or(assignee, "it is gone") + ". To remove the assignment: " + takeBack(a)})
	}
	return odd
}

// findHygiene says what an auditor should look at first.
func (a *audit) findHygiene() {
	if members := sortedSet(a.hygiene); len(members) > 0 {
		a.find("hygiene-management", report.SeveritySecurity, "Hygiene Management holds the role by default, for every mailbox: "+
			strings.Join(members, ", ")+".")
	}
	for _, scope := range a.scopes {
		a.find("exclusive-scope", report.SeverityInfo, "The exclusive scope '"+scope.Text("Name")+"' may keep mailboxes out of reach of "+
			"the holders above.", scope.Text("Guid"))
	}
}
