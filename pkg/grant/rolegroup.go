package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A difference is how a role group that is there differs from the wanted one.
type difference struct {
	foreign         []string          // in words: what makes it another group than ours
	own             *exchange.Object  // its assignment of the role
	noConfiguration bool              // it lacks the role View-Only Configuration
	held            []exchange.Object // all its assignments
	others          []exchange.Object // members that are not wished for
	absent          []exchange.Object // wished for, and no members
	present         []exchange.Object // wished for, and members
}

// findRoleGroup looks the role group up by its exact name: another object that
// answers to the same text must not be taken for it.
func (r *run) findRoleGroup(ctx context.Context) (exchange.Object, bool, error) {
	name := r.grant.Assignee.Identity
	group, found, err := r.resolveOne(ctx, commands.GetRoleGroup(name), name)
	return group, found && strings.EqualFold(group.Text("Name"), name), err
}

// resolveMembers resolves the members that a role group is to have.
func (r *run) resolveMembers(ctx context.Context) ([]exchange.Object, error) {
	var members []exchange.Object
	for _, identity := range r.grant.Assignee.Members {
		kind := "User"
		member, found, err := r.resolveOne(ctx, commands.GetUser(identity), identity)
		if err == nil && !found {
			kind = "Group"
			member, found, err = r.resolveOne(ctx, commands.GetGroup(identity), identity)
		}
		switch {
		case err != nil:
			return nil, err
		case !found:
			return nil, r.stopNotFound("member", identity, "")
		}
		if kind == "Group" {
			if err := r.checkGroup(member, identity); err != nil {
				return nil, err
			}
		}
		r.rest(kind, member, "Name", "DistinguishedName")
		members = append(members, member)
	}
	r.members = members
	return members, nil
}

// compareRoleGroup compares a role group with the wanted one.
func (r *run) compareRoleGroup(ctx context.Context, group exchange.Object, members []exchange.Object, w *wanted) (*difference, error) {
	guid := group.Text("Guid")
	held, err := r.madeTo(ctx, holderOf(group))
	if err != nil {
		return nil, err
	}
	d := &difference{held: held, noConfiguration: r.grant.Assignee.ViewOnlyConfiguration}
	for i := range held {
		r.compareHeld(d, &held[i], w)
	}
	if d.own == nil {
		d.foreign = append(d.foreign, "it does not have the role "+exchange.Role)
	}
	there, err := r.list(ctx, commands.ListRoleGroupMembers(guid))
	if err != nil {
		return nil, err
	}
	r.restOnRoleGroup(group, there)
	wished, present := guids(members), guids(there)
	for _, m := range there {
		if !wished[m.Text("Guid")] {
			d.others = append(d.others, m)
		}
	}
	for _, m := range members {
		if present[m.Text("Guid")] {
			d.present = append(d.present, m)
		} else {
			d.absent = append(d.absent, m)
		}
	}
	return d, nil
}

func (r *run) compareHeld(d *difference, a *exchange.Object, w *wanted) {
	r.restOnAssignment(*a)
	role := a.Text("Role")
	switch {
	case isRegular(*a) && strings.EqualFold(role, exchange.Role):
		d.own = a
		if r.compareAssignment(*a, w) != equal {
			d.foreign = append(d.foreign, "it reaches "+r.describeScope(*a))
		} else if !a.Bool("Enabled") {
			d.foreign = append(d.foreign, "its assignment '"+a.Text("Name")+"' is disabled")
		}
	case isRegular(*a) && strings.EqualFold(role, exchange.RoleViewOnlyConfiguration) && r.grant.Assignee.ViewOnlyConfiguration:
		d.noConfiguration = false
	default:
		d.foreign = append(d.foreign, "it has the role "+role+" by '"+a.Text("Name")+"'")
	}
}

func (d *difference) ownList() []exchange.Object {
	if d.own == nil {
		return nil
	}
	return []exchange.Object{*d.own}
}

// roleGroupState is a role group for the report's before and after.
func (r *run) roleGroupState(ctx context.Context, group exchange.Object, assignments, scopes []exchange.Object) (*report.State, error) {
	members, err := r.list(ctx, commands.ListRoleGroupMembers(group.Text("Guid")))
	if err != nil {
		return nil, err
	}
	entry := report.RoleGroupState{GUID: group.Text("Guid"), Name: group.Text("Name"), Members: []string{}}
	for _, m := range members {
		entry.Members = append(entry.Members, m.Text("Name"))
	}
	slices.SortFunc(entry.Members, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	state := stateOf(assignments, scopes)
	state.RoleGroups = []report.RoleGroupState{entry}
	return state, nil
}

// grantRoleGroup creates or completes the role group. A group of that name that is
// not exactly this one is left as it is.
func (r *run) grantRoleGroup(ctx context.Context, group *exchange.Object, members []exchange.Object, w *wanted) error {
	r.step = report.StepRoleGroup
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	if err := r.findExclusive(ctx, w); err != nil {
		return err
	}
	for _, scope := range r.scopesNamed(w) {
		r.restOnScope(scope)
	}
	if err := r.findMemberGrants(ctx, group, members, w); err != nil {
		return err
	}
	decide := func(r *run) error {
		if group == nil {
			return r.makeRoleGroup(ctx, members, w)
		}
		return r.completeRoleGroup(ctx, *group, members, w)
	}
	if err := r.checkPlan(ctx, decide); err != nil {
		return err
	}
	if err := decide(r); err != nil {
		return err
	}
	r.newScope = ""
	return r.readBackRoleGroup(ctx, members, w)
}

// findMemberGrants says by what else the members reach mailboxes.
func (r *run) findMemberGrants(ctx context.Context, group *exchange.Object, members []exchange.Object, w *wanted) error {
	var own []exchange.Object
	if group != nil {
		var err error
		if own, err = r.held(ctx, holderOf(*group), true); err != nil {
			return err
		}
	}
	others, err := r.memberGrants(ctx, own, members, w)
	for _, o := range others {
		r.find(o.id, o.severity, o.text, o.assignment.Text("Guid"))
	}
	return err
}

func (r *run) makeRoleGroup(ctx context.Context, members []exchange.Object, w *wanted) error {
	name := r.grant.Assignee.Identity
	r.unchanged(report.StepReadAssignments, "There is no role group '"+name+"'.", "")
	r.report.Before = stateOf(nil, nil)
	if err := r.checkEmpty(w); err != nil {
		return err
	}
	if err := r.setScope(ctx, w, ""); err != nil {
		return err
	}
	// A scope would apply to all roles of the group, and View-Only Configuration has
	// none: it is assigned on its own.
	alone := r.grant.Assignee.ViewOnlyConfiguration && w.kind != writeOrganization
	group, err := r.newRoleGroup(ctx, members, w)
	if err != nil || !alone {
		return err
	}
	identity := group.Text("Guid")
	if identity == "" {
		identity = name // it is only planned
	}
	r.aliases = map[string]string{identity: name}
	return r.addConfiguration(ctx, identity)
}

func (r *run) newRoleGroup(ctx context.Context, members []exchange.Object, w *wanted) (exchange.Object, error) {
	name, roles := r.grant.Assignee.Identity, []string{exchange.Role}
	if r.grant.Assignee.ViewOnlyConfiguration && w.kind == writeOrganization {
		roles = append(roles, exchange.RoleViewOnlyConfiguration)
	}
	var identities []string
	for _, m := range members {
		identities = append(identities, m.Text("Guid"))
	}
	return r.change(ctx, change{
		step: report.StepRoleGroup, action: report.ActionCreate,
		text:    "New role group of " + names(members) + " for " + w.String(),
		why:     "there is no role group of this name",
		command: func(dc string) exchange.Command { return commands.NewRoleGroup(name, roles, identities, w.scope(), dc) },
		landed:  func(ctx context.Context) (exchange.Object, bool, error) { return r.roleGroupIs(ctx, members, w) },
		done: func(written exchange.Object) {
			r.newScope = ""
			guid := written.Text("Guid")
			r.undoBy(report.Inverse{Cmdlet: "Remove-RoleGroup", Identity: guid, OnlyIf: "unused"})
			for _, identity := range identities {
				r.undoBy(memberInverse("Remove-RoleGroupMember", guid, identity))
			}
		},
	})
}

// memberInverse puts a member in, or takes it out.
func memberInverse(cmdlet, group, member string) report.Inverse {
	return report.Inverse{Cmdlet: cmdlet, Identity: group, Parameters: []report.InverseParameter{{Name: "Member", Value: member}}}
}

// roleGroupIs tells whether the role group has its role, scope and members now.
func (r *run) roleGroupIs(ctx context.Context, members []exchange.Object, w *wanted) (exchange.Object, bool, error) {
	group, found, err := r.findRoleGroup(ctx)
	if err != nil || !found {
		return group, false, err
	}
	if err := r.readScopes(ctx); err != nil {
		return group, false, err
	}
	d, err := r.compareRoleGroup(ctx, group, members, w)
	return group, err == nil && len(d.foreign)+len(d.absent) == 0, err
}

func (r *run) completeRoleGroup(ctx context.Context, group exchange.Object, members []exchange.Object, w *wanted) error {
	d, err := r.compareRoleGroup(ctx, group, members, w)
	if err != nil {
		return err
	}
	foreign := d.foreign
	for _, m := range d.others {
		foreign = append(foreign, "it has the member "+m.Text("Name"))
	}
	if r.report.Before, err = r.roleGroupState(ctx, group, d.ownList(), nil); err != nil {
		return err
	}
	name := group.Text("Name")
	if len(foreign) > 0 {
		return r.conflict(report.StepRoleGroup, "The role group '"+name+"' exists and is not this one: "+strings.Join(foreign, "; ")+
			". Nothing was changed; choose another name.")
	}
	r.unchanged(report.StepRoleGroup, "The role group '"+name+"' exists with this role and scope.", group.Text("Guid"))
	for _, m := range d.absent {
		if err := r.addMember(ctx, group, m.Text("Guid"), "Adds "+m.Text("Name")+" to '"+name+"'"); err != nil {
			return err
		}
	}
	if d.noConfiguration {
		return r.addConfiguration(ctx, group.Text("Guid"))
	}
	return nil
}

// addConfiguration gives the role group the role View-Only Configuration.
func (r *run) addConfiguration(ctx context.Context, group string) error {
	_, err := r.change(ctx, change{
		step: report.StepAssign, action: report.ActionCreate,
		text: "Gives the role group the role " + exchange.RoleViewOnlyConfiguration,
		why:  "the role group does not have this role",
		command: func(dc string) exchange.Command {
			return commands.NewAssignment("", exchange.SecurityGroup, group, exchange.RoleViewOnlyConfiguration, commands.WriteScope{}, dc)
		},
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			found, err := r.madeTo(ctx, holder{guid: group})
			for _, a := range found {
				if isRegular(a) && strings.EqualFold(a.Text("Role"), exchange.RoleViewOnlyConfiguration) {
					return a, true, nil
				}
			}
			return exchange.Object{}, false, err
		},
		done: func(written exchange.Object) {
			r.undoBy(report.Inverse{Cmdlet: "Remove-ManagementRoleAssignment", Identity: written.Text("Guid")})
		},
	})
	return err
}

func (r *run) addMember(ctx context.Context, group exchange.Object, member, text string) error {
	_, err := r.change(ctx, r.memberChange(group, member, text))
	return err
}

func (r *run) memberChange(group exchange.Object, member, text string) change {
	guid := group.Text("Guid")
	return change{
		step: report.StepRoleGroup, action: report.ActionUpdate, text: text,
		why:     "it is not a member",
		command: func(dc string) exchange.Command { return commands.AddRoleGroupMember(guid, member, dc) },
		landed:  func(ctx context.Context) (exchange.Object, bool, error) { return r.hasMember(ctx, guid, member, true) },
		done:    func(exchange.Object) { r.undoBy(memberInverse("Remove-RoleGroupMember", guid, member)) },
	}
}

// hasMember tells whether somebody is, or is not, a member of a role group now.
func (r *run) hasMember(ctx context.Context, group, member string, wish bool) (exchange.Object, bool, error) {
	found, err := r.list(ctx, commands.ListRoleGroupMembers(group))
	return exchange.Object{}, guids(found)[member] == wish && err == nil, err
}

// readBackRoleGroup reads the role group back and asks who reaches the mailboxes.
func (r *run) readBackRoleGroup(ctx context.Context, members []exchange.Object, w *wanted) error {
	if len(r.changes) > 0 {
		r.report.Outcome = report.Planned
		return nil
	}
	r.step = report.StepReadBack
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	group, found, err := r.findRoleGroup(ctx)
	complete := false
	if err == nil && found {
		complete, err = r.roleGroupComplete(ctx, group, members, w)
	}
	switch {
	case err != nil:
		return err
	case !found:
		r.report.Outcome = report.GrantedReplicating
		r.unchanged(report.StepReadBack, "The role group is written, and not every domain controller shows it yet.", "")
		return nil
	case !complete:
		r.unchanged(report.StepReadBack, "The role group is written, but not every domain controller shows it yet.", "")
	default:
		r.unchanged(report.StepReadBack, "The role group is there with its role, scope and members.", group.Text("Guid"))
	}
	return r.prove(ctx, holderOf(group), complete)
}

func (r *run) roleGroupComplete(ctx context.Context, group exchange.Object, members []exchange.Object, w *wanted) (bool, error) {
	d, err := r.compareRoleGroup(ctx, group, members, w)
	if err != nil {
		return false, err
	}
	r.report.After, err = r.roleGroupState(ctx, group, d.ownList(), r.scopesNamed(w))
	r.tellAssignee(group)
	return len(d.foreign)+len(d.absent) == 0 && !d.noConfiguration, err
}
