package grant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A Revocation says what to take back. Exactly one field is set.
type Revocation struct {
	// Grant is what was wanted: the assignment that is equal to it and has its name, or
	// where it has none of its own, one that is derived from any spelling of the
	// account and the scope; and its scope where nothing else uses it.
	Grant *exchange.Grant

	// GUID is that of one assignment, and Name its name. Its scope stays: only a report
	// or a grant tells whose it is.
	GUID, Name string

	// Report is that of a run that changed something: all its changes are taken back,
	// newest first, each object by its GUID.
	Report *report.Report
}

func (v Revocation) validate() error {
	given := 0
	for _, set := range []bool{v.Grant != nil, v.GUID != "", v.Name != "", v.Report != nil} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return fmt.Errorf("revoke: exactly one of a grant, a GUID, a name and a report is needed, not %d", given)
	case v.Grant != nil:
		return v.Grant.Validate()
	case v.GUID != "" && !exchange.IsGUID(v.GUID):
		return &exchange.FieldError{Field: "guid", Value: v.GUID, Rule: "is not a GUID: 8-4-4-4-12 hexadecimal digits"}
	case v.Name != "":
		if err := exchange.CheckIdentity(v.Name); err != nil {
			return &exchange.FieldError{Field: "name", Value: v.Name, Rule: err.Error()}
		}
	case v.Report != nil:
		return v.Report.CheckInverse()
	}
	return nil
}

// Revoke takes one grant back, and tells by which paths the account can still act
// for mailboxes. It removes what is named and nothing else. Options.Confirm is
// asked once, before the first change, with all of them.
//
// The error is a *report.Stopped with the report when the outcome is not success, or
// says what is wrong with the revocation.
func Revoke(ctx context.Context, inv exchange.Invoker, v Revocation, o Options) (*report.Report, error) {
	if err := v.validate(); err != nil {
		return nil, err
	}
	switch {
	case v.Grant != nil:
		r := newRun(inv, report.OperationRevoke, *v.Grant, o)
		return r.conclude(ctx, r.revokeGrant(ctx))
	case v.Report != nil:
		r := newRun(inv, report.OperationRevoke, v.Report.Grant.Found(), o)
		return r.conclude(ctx, r.undo(ctx, v.Report))
	}
	r := newRun(inv, report.OperationRevoke, exchange.Grant{}, o)
	return r.conclude(ctx, r.revokeIdentity(ctx, cmp.Or(v.GUID, v.Name)))
}

// revokeGrant takes the grant back by its name and an equal comparison.
func (r *run) revokeGrant(ctx context.Context) error {
	r.report.Grant = report.NewGrantState(r.grant)
	r.pin()
	if err := r.preflight(ctx, r.revokeNeeds()); err != nil {
		return err
	}
	r.step = report.StepResolve
	assignee, members, w, err := r.resolveRevoked(ctx)
	if err != nil {
		return r.hintAtName(ctx, err)
	}
	r.unchanged(report.StepResolve, r.grant.Assignee.Identity+"; "+w.String(), "")

	r.step = report.StepReadAssignments
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	holders := members
	if r.grant.Assignee.Kind == exchange.RoleGroup {
		err = r.proposeRoleGroup(ctx, assignee, members, w)
	} else {
		holders = []exchange.Object{*assignee}
		err = r.proposeGrant(ctx, *assignee, w)
	}
	if err != nil {
		return err
	}
	if err := r.carryOut(ctx); err != nil {
		return err
	}
	return r.checkLeft(ctx, holdersOf(holders))
}

// resolveRevoked looks up what a revocation needs to know of the grant.
func (r *run) resolveRevoked(ctx context.Context) (assignee *exchange.Object, members []exchange.Object, w *wanted, err error) {
	if assignee, err = r.resolveAssignee(ctx); err != nil {
		return nil, nil, nil, err
	}
	if members, err = r.resolveMembers(ctx); err != nil {
		return nil, nil, nil, err
	}
	w, err = r.resolveScope(ctx)
	return assignee, members, w, err
}

// hintAtName says, where an account or group of the grant is not found, how to take its
// assignment back without it: it may be gone.
func (r *run) hintAtName(ctx context.Context, err error) error {
	stopped := r.report.Failure()
	if !errors.Is(err, errStopped) || r.report.Outcome != report.NotFound || stopped == nil || stopped.Fault == nil ||
		r.grant.Assignee.Kind == exchange.RoleGroup {
		return err
	}
	hint := " If it is gone, exgrant audit lists the assignment that is left; take that back with exgrant revoke --guid GUID."
	r.step = report.StepReadAssignments
	if a, readErr := r.findNamed(ctx); readErr == nil && a != nil {
		hint = " If it is gone, take back the assignment alone: exgrant revoke --name \"" + a.Text("Name") + "\", or " + takeBack(*a)
	}
	stopped.Fault.Hint += hint
	return err
}

func holdersOf(objects []exchange.Object) []holder {
	list := make([]holder, len(objects))
	for i, o := range objects {
		list[i] = holderOf(o)
	}
	return list
}

func guidList(objects []exchange.Object) []string {
	list := make([]string, len(objects))
	for i, o := range objects {
		list[i] = o.Text("Guid")
	}
	return list
}

func (r *run) revokeNeeds() []need {
	needed := needs(getAssignment, "Remove-ManagementRoleAssignment")
	if r.grant.Assignee.Kind == exchange.RoleGroup {
		needed = needs(getAssignment, "Get-RoleGroup", "Remove-RoleGroupMember", "Remove-RoleGroup")
	}
	if r.grant.Scope.Creates() {
		needed = append(needed, needs(getManagementScope, "Remove-ManagementScope")...)
	}
	return needed
}

// proposeGrant proposes to remove the grant's assignment and its scope.
func (r *run) proposeGrant(ctx context.Context, assignee exchange.Object, w *wanted) error {
	names, err := r.ownNames(ctx, assignee, w)
	if err != nil {
		return err
	}
	own, err := r.findOwnAssignment(ctx, assignee, w, names)
	if err != nil {
		return err
	}
	text, except := "The grant is not there.", ""
	if len(own) > 0 {
		r.tellName(own[0])
		text, except = "Found: "+r.describe(own[0])+".", own[0].Text("Guid")
		names = []string{own[0].Text("Name")}
		r.removeAssignment(own[0])
	}
	scopes := r.findOwnScopes(w, names)
	r.report.Before = stateOf(own, scopes)
	r.unchanged(report.StepReadAssignments, text, "")
	return r.removeOwnScope(ctx, scopes, except)
}

// findOwnAssignment returns the assignment of this grant: it is equal and has one of
// the names; none when it is not there. One with the grant's own name that is not this
// grant ends the run, and so do several.
func (r *run) findOwnAssignment(ctx context.Context, assignee exchange.Object, w *wanted, names []string) ([]exchange.Object, error) {
	made, err := r.held(ctx, holderOf(assignee), true)
	if err != nil {
		return nil, err
	}
	direct := guids(made)
	var own, exact []exchange.Object
	for _, a := range r.assignments {
		isEqual := direct[a.Text("Guid")] && isRegular(a) && isRole(a) && r.compareAssignment(a, w) == equal
		switch hasName := strings.EqualFold(a.Text("Name"), r.name); {
		case hasName && !isEqual:
			return nil, r.conflict(report.StepReadAssignments, "An assignment has the name of this grant but is another one: "+r.describe(a)+
				". Nothing was removed.")
		case hasName:
			exact = []exchange.Object{a}
		case isEqual && hasText(names, a.Text("Name")):
			own = append(own, a)
		case isEqual:
			r.find("equal-other-name", report.SeverityInfo, "Equal, but with a name that is not of this grant, and left alone: "+r.describe(a)+
				". To take it back: "+takeBack(a), a.Text("Guid"))
		}
	}
	switch {
	case exact != nil:
		return exact, nil
	case len(own) > 1:
		return nil, r.conflict(report.StepReadAssignments, "Several assignments make this grant: "+sentence(own)+". Nothing was removed; "+
			"name the one that is meant: "+takeBack(own[0]))
	}
	return own, nil
}

func hasText(list []string, text string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, text) })
}

// sentence is the names of objects with their GUIDs.
func sentence(objects []exchange.Object) string {
	texts := make([]string, len(objects))
	for i, o := range objects {
		texts[i] = "'" + o.Text("Name") + "' (" + o.Text("Guid") + ")"
	}
	return strings.Join(texts, ", ")
}

// findOwnScopes returns the scopes that this grant created: they have one of the
// grant's names and an equal definition. A scope with a name of its own may have been
// there before; only the report of the grant knows, and without it such a scope stays.
func (r *run) findOwnScopes(w *wanted, names []string) []exchange.Object {
	if !r.grant.Scope.Creates() {
		return nil
	}
	var own []exchange.Object
	for _, scope := range r.scopes {
		switch {
		case r.grant.Scope.Name != "" && w.isNamed(scope):
			r.find("scope-left", report.SeverityInfo, "The scope '"+scope.Text("Name")+"' has a name of its own and may be older than this "+
				"grant: it stays. Revoke from the report of the grant to remove it.", scope.Text("Guid"))
		case r.grant.Scope.Name == "" && hasText(names, scope.Text("Name")) && isRecipientScope(scope) && compareScope(scope, w) == equal:
			own = append(own, scope)
		}
	}
	return own
}

// revokeIdentity removes one assignment by its GUID or its name.
func (r *run) revokeIdentity(ctx context.Context, identity string) error {
	if err := r.preflight(ctx, needs(getAssignment, "Remove-ManagementRoleAssignment")); err != nil {
		return err
	}
	r.step = report.StepReadAssignments
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	found, err := r.findAssignment(ctx, identity)
	switch {
	case err != nil:
		return err
	case found == nil:
		r.report.Before, r.report.After = stateOf(nil, nil), stateOf(nil, nil)
		r.report.Outcome = report.NothingToRevoke
		r.unchanged(report.StepReadAssignments, "There is no assignment '"+identity+"'.", "")
		return nil
	}
	a := *found
	r.report.Grant = r.stateOfAssignment(a)
	if err := r.checkOurKind(a); err != nil {
		return err
	}
	// The account may be gone; its assignment can be removed all the same.
	assignee, there, err := r.assigneeOf(ctx, a)
	switch {
	case err != nil:
		return err
	case there:
		r.tellAssignee(assignee)
	}
	r.report.Before = stateOf([]exchange.Object{a}, nil)
	r.unchanged(report.StepReadAssignments, "Found: "+r.describe(a)+".", "")
	if scope, ok := named(r.scopes, a.Text("CustomRecipientWriteScope")); ok {
		r.find("scope-left", report.SeverityInfo, "The scope '"+scope.Text("Name")+"' stays: neither a GUID nor a name tells whose it is. Revoke by "+
			"the grant, or from its report, to remove it.", scope.Text("Guid"))
	}
	r.removeAssignment(a)
	if err := r.carryOut(ctx); err != nil {
		return err
	}
	if !there {
		return r.checkLeft(ctx, nil)
	}
	return r.checkLeft(ctx, []holder{holderOf(assignee)})
}

// stateOfAssignment is an assignment in the form of a grant.
func (r *run) stateOfAssignment(a exchange.Object) *report.GrantState {
	state := &report.GrantState{Name: a.Text("Name"), Role: a.Text("Role")}
	state.Assignee = report.AssigneeState{Kind: exchange.SecurityGroup, Given: cmp.Or(a.Text("RoleAssignee"), "an account that is gone"), Name: leaf(a.Text("RoleAssignee"))}
	if strings.EqualFold(a.Text("RoleAssigneeType"), "User") {
		state.Assignee.Kind = exchange.User
	}
	scope := holderScope(a, func(name string) string {
		definition, _ := named(r.scopes, name)
		return definition.Text("RecipientFilter")
	})
	state.Scope = report.ScopeState{Kind: scope.Kind, Given: scope.Name, Name: scope.Name, Filter: scope.Filter}
	return state
}
