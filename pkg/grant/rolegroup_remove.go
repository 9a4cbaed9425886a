package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// proposeRoleGroup proposes that our members leave the role group. The group goes
// only when it is exactly ours and nobody else is in it.
func (r *run) proposeRoleGroup(ctx context.Context, group *exchange.Object, members []exchange.Object, w *wanted) error {
	if group == nil {
		r.unchanged(report.StepReadAssignments, "There is no role group '"+r.grant.Assignee.Identity+"'.", "")
		r.report.Before = stateOf(nil, nil)
		return r.removeOwnScope(ctx, r.findOwnScopes(w, []string{r.name}))
	}
	own, err := r.ownNames(ctx, *group, w)
	if err != nil {
		return err
	}
	d, err := r.compareRoleGroup(ctx, *group, members, w)
	if err != nil {
		return err
	}
	name, scopes := group.Text("Name"), r.findOwnScopes(w, own)
	if r.report.Before, err = r.roleGroupState(ctx, *group, d.ownList(), scopes); err != nil {
		return err
	}
	if len(d.foreign) > 0 {
		return r.conflict(report.StepRoleGroup, "The role group '"+name+"' is not the one of this grant: "+strings.Join(d.foreign, "; ")+
			". Nothing was removed.")
	}
	r.unchanged(report.StepReadAssignments, "Found the role group '"+name+"'.", "")
	for _, m := range d.present {
		r.removeMember(*group, m.Text("Guid"), m.Text("Name"))
	}
	if len(d.others) > 0 {
		r.queue = append(r.queue, action{step: report.Step{ID: report.StepRoleGroup, Status: report.StatusSkipped,
			Text: "The role group stays: " + names(d.others) + " is in it."}})
		return nil
	}
	r.removeRoleGroup(*group, d.held, guidList(d.present))
	return r.removeOwnScope(ctx, scopes, guidList(d.ownList())...)
}

func (r *run) removeOwnScope(ctx context.Context, scopes []exchange.Object, except ...string) error {
	for _, scope := range scopes {
		if err := r.removeScope(ctx, scope, except...); err != nil {
			return err
		}
	}
	return nil
}

// removeMember proposes to take a member out of a role group.
func (r *run) removeMember(group exchange.Object, member, name string) {
	guid := group.Text("Guid")
	r.propose(change{
		step: report.StepRemove, action: report.ActionUpdate,
		text:    "Takes " + name + " out of '" + group.Text("Name") + "'",
		why:     "it is a member by this grant",
		command: func(dc string) exchange.Command { return commands.RemoveRoleGroupMember(guid, member, dc) },
		landed:  func(ctx context.Context) (exchange.Object, bool, error) { return r.hasMember(ctx, guid, member, false) },
		done:    func(exchange.Object) { r.undoBy(memberInverse("Add-RoleGroupMember", guid, member)) },
	})
}

// removeRoleGroup proposes to remove a role group that will be empty.
func (r *run) removeRoleGroup(group exchange.Object, held []exchange.Object, members []string) {
	guid, name := group.Text("Guid"), group.Text("Name")
	r.propose(change{
		step: report.StepRemove, action: report.ActionRemove,
		text:    "Removes the empty role group '" + name + "' and its assignments",
		why:     "nobody else is in it",
		command: func(dc string) exchange.Command { return commands.RemoveRoleGroup(guid, dc) },
		landed:  r.isGone(commands.GetRoleGroup(guid), guid),
		done: func(exchange.Object) {
			r.gone = append(r.gone, guidList(held)...)
			r.undoRoleGroupBy(guid, name, held, members)
		},
	})
}

// undoRoleGroupBy notes what makes the group again: a new group with its members
// and scope, then its other roles. Single members cannot be put back into a group
// that is gone.
func (r *run) undoRoleGroupBy(guid, name string, held []exchange.Object, members []string) {
	r.report.Inverse = slices.DeleteFunc(r.report.Inverse, func(i report.Inverse) bool { return i.Identity == guid })
	parameters := []report.InverseParameter{{Name: "Roles", Value: []string{exchange.Role}}, {Name: "Members", Value: members}}
	for _, a := range held {
		if strings.EqualFold(a.Text("Role"), exchange.Role) {
			if scope := oldScope(a); scope.Name != relativeWriteScope {
				parameters = append(parameters, scope)
			}
			continue
		}
		r.undoBy(report.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: a.Text("Name"), Parameters: []report.InverseParameter{
			{Name: "SecurityGroup", Value: name}, {Name: "Role", Value: a.Text("Role")},
		}})
	}
	r.undoBy(report.Inverse{Cmdlet: "New-RoleGroup", Identity: name, Parameters: parameters})
}
