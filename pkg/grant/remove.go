package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// An action is what a revocation will do: a change, or a step that tells why
// something stays as it is.
type action struct {
	change *change
	step   exchange.Step
}

func (r *run) propose(c change) { r.queue = append(r.queue, action{change: &c}) }

func (r *run) leave(status, text, guid string) {
	r.queue = append(r.queue, action{step: exchange.Step{ID: exchange.StepRemove, Status: status, Text: text, GUID: guid}})
}

// carryOut asks once for everything that was proposed, and does it in order.
func (r *run) carryOut(ctx context.Context) error {
	r.step = exchange.StepRemove
	var changes []change
	var cmdlets []string
	for _, a := range r.queue {
		if a.change != nil {
			changes = append(changes, *a.change)
			cmdlets = append(cmdlets, a.change.command(r.writeServer).Cmdlet)
		}
	}
	if len(changes) > 0 {
		if err := r.confirm(ctx, strings.Join(cmdlets, ", "), "", changes); err != nil {
			return err
		}
	}
	for _, a := range r.queue {
		if a.change == nil {
			r.addStep(a.step)
		} else if _, err := r.change(ctx, *a.change); err != nil {
			return err
		}
	}
	return nil
}

// isGone is the landed of a removal.
func (r *run) isGone(c exchange.Command, guid string) func(context.Context) (exchange.Object, bool, error) {
	return func(ctx context.Context) (exchange.Object, bool, error) {
		_, there, err := r.byGUID(ctx, c, guid)
		return exchange.Object{}, !there && err == nil, err
	}
}

// removeAssignment proposes to remove one assignment.
func (r *run) removeAssignment(a exchange.Object) {
	guid := a.Text("Guid")
	r.propose(change{
		step: exchange.StepRemove, action: exchange.ActionRemove,
		text:    "Removes the assignment '" + a.Text("Name") + "'",
		why:     r.describe(a),
		command: func(dc string) exchange.Command { return exchange.RemoveAssignment(guid, dc) },
		landed:  r.isGone(exchange.GetAssignment(guid, r.configurationServer), guid),
		done: func(exchange.Object) {
			r.gone = append(r.gone, guid)
			r.undoBy(assignmentInverse(a))
		},
	})
}

// assignmentInverse makes an assignment again.
func assignmentInverse(a exchange.Object) exchange.Inverse {
	kind := "SecurityGroup"
	if strings.EqualFold(a.Text("RoleAssigneeType"), "User") {
		kind = "User"
	}
	parameters := []exchange.InverseParameter{{Name: kind, Value: a.Text("RoleAssignee")}, {Name: "Role", Value: a.Text("Role")}}
	if scope := oldScope(a); scope.Name != relativeWriteScope {
		parameters = append(parameters, scope)
	}
	return exchange.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: a.Text("Name"), Parameters: parameters}
}

// removeScope proposes to remove a scope, unless an assignment other than the
// given ones uses it.
func (r *run) removeScope(ctx context.Context, scope exchange.Object, except ...string) error {
	name, guid := scope.Text("Name"), scope.Text("Guid")
	users, err := r.list(ctx, exchange.ListAssignmentsUsing(name))
	if err != nil {
		return err
	}
	for _, a := range users {
		if strings.EqualFold(a.Text("CustomRecipientWriteScope"), name) && !slices.Contains(except, a.Text("Guid")) {
			r.leave(exchange.StatusSkipped, "The scope '"+name+"' stays: '"+a.Text("Name")+"' uses it.", guid)
			return nil
		}
	}
	r.propose(change{
		step: exchange.StepRemove, action: exchange.ActionRemove,
		text:    "Removes the unused scope '" + name + "'",
		why:     "nothing else uses it: " + scope.Text("RecipientFilter"),
		command: func(dc string) exchange.Command { return exchange.RemoveScope(guid, dc) },
		landed:  r.isGone(exchange.GetScope(guid, r.configurationServer), guid),
		done: func(exchange.Object) {
			parameters := []exchange.InverseParameter{{Name: "RecipientRestrictionFilter", Value: scope.Text("RecipientFilter")}}
			if root := scope.Text("RecipientRoot"); root != "" {
				parameters = append(parameters, exchange.InverseParameter{Name: "RecipientRoot", Value: root})
			}
			r.undoBy(exchange.Inverse{Cmdlet: "New-ManagementScope", Identity: name, Parameters: parameters})
		},
	})
	return nil
}

// checkLeft tells by which paths the holders can still act for mailboxes. It reads
// everything again.
func (r *run) checkLeft(ctx context.Context, holders ...string) error {
	r.step = exchange.StepReadBack
	if err := r.readRoles(ctx); err != nil {
		return err
	}
	r.report.After = stateOf(nil, nil)
	var left []string
	for _, holder := range holders {
		held, err := r.held(ctx, holder, false)
		if err != nil {
			return err
		}
		for _, a := range held {
			// What was removed in this run may be seen for a while on other domain controllers.
			if a.Bool("Enabled") && isRegular(a) && !slices.Contains(r.gone, a.Text("Guid")) {
				left = append(left, r.describe(a))
			}
		}
	}
	if left = sortedSet(left); len(left) > 0 {
		r.report.Outcome = exchange.StillEffective
		r.unchanged(exchange.StepReadBack, "Access is left: "+strings.Join(left, "; ")+".", "")
		return nil
	}
	r.report.Outcome = exchange.NothingToRevoke
	if r.report.Changed {
		r.report.Outcome = exchange.Revoked
	}
	r.unchanged(exchange.StepReadBack, "No access is left by any path.", "")
	return nil
}

// sortedSet sorts texts without regard to case and drops repetitions.
func sortedSet(texts []string) []string {
	slices.SortFunc(texts, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(texts, strings.EqualFold)
}
