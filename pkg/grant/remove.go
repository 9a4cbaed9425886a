package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// An action is what a revocation will do: a change, or a step that tells why
// something stays as it is.
type action struct {
	change *change
	step   report.Step
	gives  bool // it gives rights again
	own    bool // … to the report's own account, as they were before
}

func (r *run) propose(c change) { r.queue = append(r.queue, action{change: &c}) }

func (r *run) leave(status, text, guid string) {
	r.queue = append(r.queue, action{step: report.Step{ID: report.StepRemove, Status: status, Text: text, GUID: guid}})
}

// carryOut asks once for everything that was proposed, once more for what gives rights
// again, and does it in order.
func (r *run) carryOut(ctx context.Context) error {
	r.step = report.StepRemove
	takes, rights := Question{Kind: AskChanges}, Question{Kind: AskRights, Own: true}
	for _, a := range r.queue {
		switch {
		case a.change == nil:
		case a.gives:
			rights.Changes = append(rights.Changes, a.change.planned(r.writeServer))
			rights.Own = rights.Own && a.own
		default:
			takes.Changes = append(takes.Changes, a.change.planned(r.writeServer))
		}
	}
	for _, q := range []Question{takes, rights} {
		if len(q.Changes) == 0 {
			continue
		}
		if err := r.ask(ctx, q, ""); err != nil {
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
		step: report.StepRemove, action: report.ActionRemove,
		text:    "Removes the assignment '" + a.Text("Name") + "'",
		why:     r.describe(a),
		command: func(dc string) exchange.Command { return commands.RemoveAssignment(guid, dc) },
		landed:  r.isGone(commands.GetAssignment(guid, r.configurationServer), guid),
		done: func(exchange.Object) {
			r.gone = append(r.gone, guid)
			r.undoAssignmentBy(a)
		},
	})
}

// undoAssignmentBy notes what makes an assignment again, and disables it again where it
// was disabled: a new one is enabled, and has a GUID that nobody knows yet.
func (r *run) undoAssignmentBy(a exchange.Object) {
	if gonePattern.MatchString(a.Text("RoleAssignee")) {
		r.find("not-undoable", report.SeverityInfo, "'"+a.Text("Name")+"' cannot be made again, since its account is gone.", a.Text("Guid"))
		return
	}
	if !a.Bool("Enabled") {
		r.undoBy(report.Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: a.Text("Name"),
			Parameters: []report.InverseParameter{{Name: "Enabled", Value: false}}})
	}
	r.undoBy(assignmentInverse(a))
}

// assignmentInverse makes an assignment again.
func assignmentInverse(a exchange.Object) report.Inverse {
	kind := "SecurityGroup"
	if strings.EqualFold(a.Text("RoleAssigneeType"), "User") {
		kind = "User"
	}
	parameters := []report.InverseParameter{{Name: kind, Value: a.Text("RoleAssignee")}, {Name: "Role", Value: a.Text("Role")}}
	if scope := oldScope(a); mustBeTold(scope) && !strings.EqualFold(a.Text("Role"), exchange.RoleViewOnlyConfiguration) {
		parameters = append(parameters, scope)
	}
	return report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: a.Text("Name"), Parameters: parameters}
}

// removeScope proposes to remove a scope, unless an assignment other than the
// given ones uses it.
func (r *run) removeScope(ctx context.Context, scope exchange.Object, except ...string) error {
	name, guid := scope.Text("Name"), scope.Text("Guid")
	users, err := r.usersOf(ctx, name)
	if err != nil {
		return err
	}
	for _, a := range users {
		if !slices.Contains(except, a.Text("Guid")) {
			r.leave(report.StatusSkipped, "The scope '"+name+"' stays: '"+a.Text("Name")+"' uses it.", guid)
			return nil
		}
	}
	r.propose(change{
		step: report.StepRemove, action: report.ActionRemove,
		text:    "Removes the unused scope '" + name + "'",
		why:     "nothing else uses it: " + scope.Text("RecipientFilter"),
		command: func(dc string) exchange.Command { return commands.RemoveScope(guid, dc) },
		landed:  r.isGone(commands.GetScope(guid, r.configurationServer), guid),
		done: func(exchange.Object) {
			parameters := []report.InverseParameter{{Name: "RecipientRestrictionFilter", Value: scope.Text("RecipientFilter")}}
			if root := scope.Text("RecipientRoot"); root != "" {
				parameters = append(parameters, report.InverseParameter{Name: "RecipientRoot", Value: root})
			}
			r.undoBy(report.Inverse{Cmdlet: "New-ManagementScope", Identity: name, Parameters: parameters})
		},
	})
	return nil
}

// checkLeft tells by which paths the holders can still act for mailboxes. It reads
// everything again.
func (r *run) checkLeft(ctx context.Context, holders []holder) error {
	r.step = report.StepReadBack
	if err := r.readRoles(ctx); err != nil {
		return err
	}
	r.report.After = stateOf(nil, nil)
	seen := map[string]bool{}
	var left []string
	for _, h := range holders {
		held, err := r.held(ctx, h, false)
		if err != nil {
			return err
		}
		for _, a := range held {
			guid := a.Text("Guid")
			// What was removed in this run may be seen for a while on other domain controllers.
			if a.Bool("Enabled") && isRegular(a) && !slices.Contains(r.gone, guid) && !seen[guid] {
				seen[guid] = true
				left = append(left, r.describe(a))
				r.find("access-left", report.SeverityWarning, "'"+a.Text("Name")+"' still gives "+leaf(a.Text("RoleAssignee"))+" "+
					r.describeScope(a)+". To take it back: "+takeBack(a), guid)
			}
		}
	}
	switch left = sortedSet(left); {
	case len(left) > 0:
		r.decides("access-left")
		r.report.Outcome = report.NotRevoked
		if r.report.Changed {
			r.report.Outcome = report.StillEffective
		}
		r.unchanged(report.StepReadBack, "Access is left: "+strings.Join(left, "; ")+".", "")
		return nil
	case r.report.Changed:
		r.report.Outcome = report.Revoked
	default:
		r.report.Outcome = report.NothingToRevoke
	}
	r.unchanged(report.StepReadBack, "No access is left by any path.", "")
	return nil
}

// sortedSet sorts texts without regard to case and drops repetitions.
func sortedSet(texts []string) []string {
	slices.SortFunc(texts, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(texts, strings.EqualFold)
}
