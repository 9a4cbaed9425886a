package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// checkReport says why a report cannot be taken back. Nothing but what reports of
// this program hold is ever run.
func checkReport(report *exchange.Report) error {
	switch {
	case report.Schema != exchange.ReportSchema:
		return fmt.Errorf("the report says schema %q, not %q", report.Schema, exchange.ReportSchema)
	case report.Grant == nil:
		return fmt.Errorf("the report is not about a grant")
	case len(report.Inverse) == 0:
		return errNothingToUndo
	}
	for _, i := range report.Inverse {
		if _, err := i.Command(""); err != nil {
			return err
		}
	}
	return nil
}

// reportedGrant is the grant of a report with its assignee by GUID, so that a
// rename since then does not matter.
func reportedGrant(s exchange.GrantState) exchange.Grant {
	assignee := exchange.Assignee{Kind: s.Assignee.Kind, Identity: s.Assignee.Given, Members: s.Assignee.Members}
	if s.Assignee.GUID != "" && s.Assignee.Kind != exchange.RoleGroup {
		assignee.Identity = s.Assignee.GUID
	}
	return exchange.Grant{
		Name: s.Name, Assignee: assignee,
		Scope: exchange.Scope{Kind: s.Scope.Kind, Text: s.Scope.Given, Name: s.Scope.Name},
	}
}

// rollback takes back the changes of a report, newest first. Objects are found by
// GUID: an object that is gone stays gone, and one that merely has the same name is
// not touched.
func (r *run) rollback(ctx context.Context, undo []exchange.Inverse) error {
	r.report.Grant = r.state()
	r.pin()
	if err := r.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	r.step = exchange.StepResolve
	assignee, err := r.resolveAssignee(ctx)
	if err != nil {
		return err
	}
	holders, err := r.resolveMembers(ctx)
	if err != nil {
		return err
	}
	if r.grant.Assignee.Kind != exchange.RoleGroup {
		holders = []exchange.Object{*assignee}
	}
	r.unchanged(exchange.StepResolve, fmt.Sprintf("%s; %d changes to take back", r.grant.Assignee.Identity, len(undo)), "")

	r.report.Before = stateOf(nil, nil)
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	r.step = exchange.StepRemove
	u := undoing{run: r, all: undo}
	for _, i := range undo {
		if err := u.propose(ctx, i); err != nil {
			return err
		}
	}
	if err := r.carryOut(ctx); err != nil {
		return err
	}
	return r.checkLeft(ctx, guidList(holders)...)
}

// An undoing is a rollback while it is made up.
type undoing struct {
	*run
	all     []exchange.Inverse
	removed []string // GUIDs of what will be gone, or will have another scope
}

// propose proposes one inverse.
func (u *undoing) propose(ctx context.Context, i exchange.Inverse) error {
	if strings.HasPrefix(i.Cmdlet, "New-") {
		return u.restoreObject(ctx, i)
	}
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	noun = strings.TrimSuffix(noun, "Member")
	object, there, err := u.byGUID(ctx, from(getByIdentity(noun, i.Identity), u.configurationServer), i.Identity)
	if err != nil {
		return err
	}
	if !there {
		u.leave(exchange.StatusUnchanged, noun+" "+i.Identity+" is gone already.", "")
		return nil
	}
	switch i.Cmdlet {
	case "Remove-ManagementRoleAssignment":
		u.removeAssignment(object)
	case "Remove-ManagementScope":
		err = u.removeScope(ctx, object, u.removed...)
	case "Remove-RoleGroup":
		return u.removeUnusedRoleGroup(ctx, object)
	case "Remove-RoleGroupMember", "Add-RoleGroupMember":
		return u.restoreMember(ctx, object, i)
	default:
		return u.restoreSetting(object, i)
	}
	u.removed = append(u.removed, object.Text("Guid"))
	return err
}

// getByIdentity reads an object of the kinds that inverses are about.
func getByIdentity(noun, identity string) exchange.Command {
	switch noun {
	case "ManagementScope":
		return exchange.GetScope(identity, "")
	case "RoleGroup":
		return exchange.GetRoleGroup(identity)
	}
	return exchange.GetAssignment(identity, "")
}

// text is the value of a parameter that is text.
func textOf(i exchange.Inverse, parameter string) string {
	for _, p := range i.Parameters {
		if p.Name == parameter {
			s, _ := p.Value.(string)
			return s
		}
	}
	return ""
}

func (u *undoing) removeUnusedRoleGroup(ctx context.Context, group exchange.Object) error {
	guid := group.Text("Guid")
	members, err := u.list(ctx, exchange.ListRoleGroupMembers(guid))
	if err != nil {
		return err
	}
	var leaving []string
	for _, i := range u.all {
		if i.Cmdlet == "Remove-RoleGroupMember" {
			leaving = append(leaving, textOf(i, "Member"))
		}
	}
	for _, m := range members {
		if !slices.Contains(leaving, m.Text("Guid")) {
			u.leave(exchange.StatusSkipped, "The role group '"+group.Text("Name")+"' stays: "+m.Text("Name")+" is in it.", guid)
			return nil
		}
	}
	held, err := u.list(ctx, exchange.ListDirectAssignmentsOf("", guid))
	if err != nil {
		return err
	}
	held = slices.DeleteFunc(held, func(a exchange.Object) bool { return slices.Contains(u.removed, a.Text("Guid")) })
	u.removeRoleGroup(group, held, leaving)
	u.removed = append(u.removed, guidList(held)...) // they go with the group
	return nil
}

// restoreMember proposes to take a member out again, or to put one back.
func (u *undoing) restoreMember(ctx context.Context, group exchange.Object, i exchange.Inverse) error {
	member, leave := textOf(i, "Member"), i.Cmdlet == "Remove-RoleGroupMember"
	members, err := u.list(ctx, exchange.ListRoleGroupMembers(group.Text("Guid")))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(members, func(m exchange.Object) bool { return strings.EqualFold(m.Text("Guid"), member) })
	switch present := at >= 0; {
	case present != leave:
		u.leave(exchange.StatusUnchanged, "The members of '"+group.Text("Name")+"' are as they were: "+member+".", "")
	case leave:
		u.removeMember(group, member, members[at].Text("Name"))
	default:
		u.run.propose(u.memberChange(group, member, "Puts "+member+" back into '"+group.Text("Name")+"'"))
	}
	return nil
}

// restoreSetting proposes to put old values back, unless they are there.
func (u *undoing) restoreSetting(object exchange.Object, i exchange.Inverse) error {
	if _, err := i.Command(""); err != nil {
		return err
	}
	var words []string
	for _, p := range i.Parameters {
		words = append(words, p.Name+" "+exchange.Object{Properties: []exchange.Property{{Name: "v", Value: p.Value}}}.Text("v"))
	}
	text := strings.Join(words, ", ")
	if isSet(object, i) {
		u.leave(exchange.StatusUnchanged, "'"+object.Text("Name")+"' has its old value: "+text+".", "")
		return nil
	}
	guid := object.Text("Guid")
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	i.Identity = guid
	if !slices.ContainsFunc(i.Parameters, func(p exchange.InverseParameter) bool { return p.Name == "Enabled" }) {
		u.removed = append(u.removed, guid)
	}
	u.run.propose(change{
		step: exchange.StepRemove, action: exchange.ActionUpdate,
		text:    "Puts the old value of '" + object.Text("Name") + "' back: " + text,
		why:     "the report changed it",
		command: func(dc string) exchange.Command { return inverseCommand(i, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			now, there, err := u.byGUID(ctx, from(getByIdentity(noun, guid), u.configurationServer), guid)
			return exchange.Object{}, there && isSet(now, i), err
		},
		done: func(exchange.Object) {
			u.undoBy(exchange.Inverse{Cmdlet: i.Cmdlet, Identity: guid, Parameters: oldValues(object, i)})
		},
	})
	return nil
}

// inverseCommand is an inverse that was checked before the run began.
func inverseCommand(i exchange.Inverse, domainController string) exchange.Command {
	c, _ := i.Command(domainController)
	return c
}

// isSet tells whether an object has the values of an inverse.
func isSet(object exchange.Object, i exchange.Inverse) bool {
	for _, p := range i.Parameters {
		text, _ := p.Value.(string)
		same := false
		switch p.Name {
		case "Enabled":
			same = object.Bool("Enabled") == p.Value
		case "RecipientRestrictionFilter":
			key := filterKey(object.Text("RecipientFilter"))
			same = key != "" && strings.EqualFold(key, filterKey(text))
		case relativeWriteScope:
			same = strings.EqualFold(object.Text("RecipientWriteScope"), text)
		default:
			same = strings.EqualFold(object.Text("CustomRecipientWriteScope"), text)
		}
		if !same {
			return false
		}
	}
	return true
}

// oldValues are the parameters that put an object's present values back.
func oldValues(object exchange.Object, i exchange.Inverse) []exchange.InverseParameter {
	var old []exchange.InverseParameter
	for _, p := range i.Parameters {
		switch p.Name {
		case "Enabled":
			old = append(old, exchange.InverseParameter{Name: p.Name, Value: object.Bool("Enabled")})
		case "RecipientRestrictionFilter":
			old = append(old, exchange.InverseParameter{Name: p.Name, Value: object.Text("RecipientFilter")})
		default:
			old = append(old, oldScope(object))
		}
	}
	return old
}

// restoreObject proposes to make an object again that a revocation removed, unless
// its name is in use.
func (u *undoing) restoreObject(ctx context.Context, i exchange.Inverse) error {
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	existing, found, err := u.resolveOne(ctx, getByIdentity(noun, i.Identity), i.Identity)
	if err != nil {
		return err
	}
	if found && strings.EqualFold(existing.Text("Name"), i.Identity) {
		u.leave(exchange.StatusUnchanged, noun+" '"+i.Identity+"' is there already.", existing.Text("Guid"))
		return nil
	}
	u.run.propose(change{
		step: exchange.StepAssign, action: exchange.ActionCreate,
		text:    "Makes " + noun + " '" + i.Identity + "' again",
		why:     "the report removed it",
		command: func(dc string) exchange.Command { return inverseCommand(i, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			return u.resolveOne(ctx, from(getByIdentity(noun, i.Identity), u.configurationServer), i.Identity)
		},
		done: func(written exchange.Object) {
			u.undoBy(exchange.Inverse{Cmdlet: "Remove-" + noun, Identity: written.Text("Guid")})
		},
	})
	return nil
}
