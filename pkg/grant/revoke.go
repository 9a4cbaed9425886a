package grant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Revocation says what to take back. Exactly one field is set.
type Revocation struct {
	// Grant is the wish itself: the assignment that has its name and is equal to it,
	// and its scope where nothing else uses it.
	Grant *exchange.Grant

	// GUID is that of one assignment. Its scope stays: only a report or a grant tells
	// whose it is.
	GUID string

	// Report is that of a run that changed something: all its changes are taken back,
	// newest first, each object by its GUID.
	Report *exchange.Report
}

func (v Revocation) validate() error {
	given := 0
	for _, set := range []bool{v.Grant != nil, v.GUID != "", v.Report != nil} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return fmt.Errorf("revoke: exactly one of a grant, a GUID and a report is needed, not %d", given)
	case v.Grant != nil:
		return v.Grant.Validate()
	case v.GUID != "" && !exchange.IsGUID(v.GUID):
		return &exchange.FieldError{Field: "guid", Value: v.GUID, Rule: "is not a GUID: 8-4-4-4-12 hexadecimal digits"}
	case v.Report != nil:
		return checkReport(v.Report)
	}
	return nil
}

// Revoke takes one grant back, and tells by which paths the account can still act
// for mailboxes. It removes what is named and nothing else. Options.Confirm is
// asked once, before the first change, with all of them.
//
// The error says what is wrong with the revocation.
func Revoke(ctx context.Context, inv exchange.Invoker, v Revocation, o Options) (*exchange.Report, error) {
	if err := v.validate(); err != nil {
		return nil, err
	}
	switch {
	case v.Grant != nil:
		r := newRun(inv, exchange.OperationRevoke, *v.Grant, o)
		return r.finish(ctx, r.revokeGrant(ctx)), nil
	case v.Report != nil:
		r := newRun(inv, exchange.OperationRevoke, reportedGrant(*v.Report.Grant), o)
		return r.finish(ctx, r.rollback(ctx, v.Report.Inverse)), nil
	}
	r := newRun(inv, exchange.OperationRevoke, exchange.Grant{}, o)
	return r.finish(ctx, r.revokeGUID(ctx, strings.ToLower(v.GUID))), nil
}

// revokeGrant takes the grant back by its name and an equal comparison.
func (r *run) revokeGrant(ctx context.Context) error {
	r.report.Grant = r.state()
	r.pin()
	if err := r.preflight(ctx, r.revokeNeeds()); err != nil {
		return err
	}
	r.step = exchange.StepResolve
	assignee, err := r.resolveAssignee(ctx)
	if err != nil {
		return err
	}
	members, err := r.resolveMembers(ctx)
	if err != nil {
		return err
	}
	w, err := r.resolveScope(ctx)
	if err != nil {
		return err
	}
	r.unchanged(exchange.StepResolve, r.grant.Assignee.Identity+"; "+w.String(), "")

	r.step = exchange.StepReadAssignments
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
	return r.checkLeft(ctx, guidList(holders)...)
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
	own, err := r.findOwnAssignment(ctx, assignee, w)
	if err != nil {
		return err
	}
	scopes := r.findOwnScope(w)
	text, except := "The grant is not there.", ""
	if len(own) > 0 {
		text, except = "Found: "+r.describe(own[0])+".", own[0].Text("Guid")
		r.removeAssignment(own[0])
	}
	r.report.Before = stateOf(own, scopes)
	r.unchanged(exchange.StepReadAssignments, text, "")
	for _, scope := range scopes {
		if err := r.removeScope(ctx, scope, except); err != nil {
			return err
		}
	}
	return nil
}

// findOwnAssignment returns the assignment with this grant's name, none when it is
// not there. One that is not this grant ends the run.
func (r *run) findOwnAssignment(ctx context.Context, assignee exchange.Object, w *wanted) ([]exchange.Object, error) {
	made, err := r.held(ctx, assignee.Text("Guid"), true)
	if err != nil {
		return nil, err
	}
	direct := guids(made)
	var own []exchange.Object
	for _, a := range r.assignments {
		isEqual := direct[a.Text("Guid")] && isRegular(a) && r.compareAssignment(a, w) == equal
		switch hasName := strings.EqualFold(a.Text("Name"), r.name); {
		case hasName && !isEqual:
			return nil, r.conflict(exchange.StepReadAssignments, "An assignment has the name of this grant but is another one: "+r.describe(a)+
				". Nothing was removed.")
		case hasName:
			own = []exchange.Object{a}
		case isEqual:
			r.find("equal-other-name", exchange.SeverityInfo, "Equal, but with another name, and left alone: "+r.describe(a)+".", a.Text("Guid"))
		}
	}
	return own, nil
}

// findOwnScope returns the scope that this grant created: it has the grant's name
// and an equal definition. A scope with a name of its own may have been there
// before; only the report of the grant knows, and without it such a scope stays.
func (r *run) findOwnScope(w *wanted) []exchange.Object {
	if !r.grant.Scope.Creates() {
		return nil
	}
	scope, ok := named(r.scopes, w.name)
	switch {
	case !ok:
		return nil
	case r.grant.Scope.Name != "":
		r.find("scope-left", exchange.SeverityInfo, "The scope '"+scope.Text("Name")+"' has a name of its own and may be older than this "+
			"grant: it stays. Revoke from the report of the grant to remove it.", scope.Text("Guid"))
		return nil
	case compareScope(scope, w) != equal:
		return nil
	}
	return []exchange.Object{scope}
}

// revokeGUID removes one assignment by its GUID.
func (r *run) revokeGUID(ctx context.Context, guid string) error {
	if err := r.preflight(ctx, needs(getAssignment, "Remove-ManagementRoleAssignment")); err != nil {
		return err
	}
	r.step = exchange.StepReadAssignments
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	a, there, err := r.byGUID(ctx, exchange.GetAssignment(guid, r.configurationServer), guid)
	switch {
	case err != nil:
		return err
	case !there:
		r.report.Before, r.report.After = stateOf(nil, nil), stateOf(nil, nil)
		r.report.Outcome = exchange.NothingToRevoke
		r.unchanged(exchange.StepReadAssignments, "There is no assignment with the GUID "+guid+".", "")
		return nil
	}
	r.report.Grant = r.stateOfAssignment(a)
	if _, ours := guids(r.assignments)[guid]; !ours || !isRegular(a) {
		return r.conflict(exchange.StepReadAssignments, "The assignment '"+a.Text("Name")+"' does not give the role "+exchange.Role+": it is a "+
			strings.ToLower(a.Text("RoleAssignmentDelegationType"))+" assignment of "+a.Text("Role")+". Nothing was removed.")
	}
	r.report.Before = stateOf([]exchange.Object{a}, nil)
	r.unchanged(exchange.StepReadAssignments, "Found: "+r.describe(a)+".", "")
	if scope, ok := named(r.scopes, a.Text("CustomRecipientWriteScope")); ok {
		r.find("scope-left", exchange.SeverityInfo, "The scope '"+scope.Text("Name")+"' stays: a GUID does not tell whose it is. Revoke by the "+
			"grant, or from its report, to remove it.", scope.Text("Guid"))
	}
	r.removeAssignment(a)
	if err := r.carryOut(ctx); err != nil {
		return err
	}
	return r.checkLeft(ctx, a.Text("RoleAssignee"))
}

// stateOfAssignment is an assignment in the form of a grant.
func (r *run) stateOfAssignment(a exchange.Object) *exchange.GrantState {
	state := &exchange.GrantState{Name: a.Text("Name"), Role: a.Text("Role")}
	state.Assignee = exchange.AssigneeState{Kind: exchange.SecurityGroup, Given: a.Text("RoleAssignee"), Name: leaf(a.Text("RoleAssignee"))}
	if strings.EqualFold(a.Text("RoleAssigneeType"), "User") {
		state.Assignee.Kind = exchange.User
	}
	scope := holderScope(a, func(name string) string {
		definition, _ := named(r.scopes, name)
		return definition.Text("RecipientFilter")
	})
	state.Scope = exchange.ScopeState{Kind: scope.Kind, Given: scope.Name, Name: scope.Name, Filter: scope.Filter}
	return state
}

var errNothingToUndo = errors.New("the report changed nothing: there is nothing to take back")
