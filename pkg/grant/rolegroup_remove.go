package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// proposeRoleGroup proposes that our members leave the role group. The group goes
// only when it is exactly ours and nobody else is in it.
func (r *run) proposeRoleGroup(ctx context.Context, group *exchange.Object, members []exchange.Object, w *wanted) error {
	if group == nil {
		r.unchanged(exchange.StepReadAssignments, "There is no role group '"+r.grant.Assignee.Identity+"'.", "")
		r.report.Before = stateOf(nil, nil)
		return r.removeOwnScope(ctx, r.findOwnScope(w))
	}
	d, err := r.compareRoleGroup(ctx, *group, members, w)
	if err != nil {
		return err
	}
	name, scopes := group.Text("Name"), r.findOwnScope(w)
	if r.report.Before, err = r.roleGroupState(ctx, *group, d.ownList(), scopes); err != nil {
		return err
	}
	if len(d.foreign) > 0 {
		return r.conflict(exchange.StepRoleGroup, "The role group '"+name+"' is not the one of this grant: "+strings.Join(d.foreign, "; ")+
			". Nothing was removed.")
	}
	r.unchanged(exchange.StepReadAssignments, "Found the role group '"+name+"'.", "")
	for _, m := range d.present {
		r.removeMember(*group, m.Text("Guid"), m.Text("Name"))
	}
	if len(d.others) > 0 {
		r.queue = append(r.queue, action{step: exchange.Step{ID: exchange.StepRoleGroup, Status: exchange.StatusSkipped,
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
		step: exchange.StepRemove, action: exchange.ActionUpdate,
		text:    "Takes " + name + " out of '" + group.Text("Name") + "'",
		why:     "it is a member by this grant",
		command: func(dc string) exchange.Command { return exchange.RemoveRoleGroupMember(guid, member, dc) },
		landed:  func(ctx context.Context) (exchange.Object, bool, error) { return r.hasMember(ctx, guid, member, false) },
		done:    func(exchange.Object) { r.undoBy(memberInverse("Add-RoleGroupMember", guid, member)) },
	})
}

// removeRoleGroup proposes to remove a role group that will be empty.
func (r *run) removeRoleGroup(group exchange.Object, held []exchange.Object, members []string) {
	guid, name := group.Text("Guid"), group.Text("Name")
	r.propose(change{
		step: exchange.StepRemove, action: exchange.ActionRemove,
		text:    "Removes the empty role group '" + name + "' and its assignments",
		why:     "nobody else is in it",
		command: func(dc string) exchange.Command { return exchange.RemoveRoleGroup(guid, dc) },
		landed:  r.isGone(exchange.GetRoleGroup(guid), guid),
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
	r.report.Inverse = slices.DeleteFunc(r.report.Inverse, func(i exchange.Inverse) bool { return i.Identity == guid })
	parameters := []exchange.InverseParameter{{Name: "Roles", Value: []string{exchange.Role}}, {Name: "Members", Value: members}}
	for _, a := range held {
		if strings.EqualFold(a.Text("Role"), exchange.Role) {
			if scope := oldScope(a); scope.Name != relativeWriteScope {
				parameters = append(parameters, scope)
			}
			continue
		}
		r.undoBy(exchange.Inverse{Cmdlet: "New-ManagementRoleAssignment", Identity: a.Text("Name"), Parameters: []exchange.InverseParameter{
			{Name: "SecurityGroup", Value: name}, {Name: "Role", Value: a.Text("Role")},
		}})
	}
	r.undoBy(exchange.Inverse{Cmdlet: "New-RoleGroup", Identity: name, Parameters: parameters})
}
