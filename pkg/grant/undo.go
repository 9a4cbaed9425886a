package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// undo takes back the changes of a report, newest first. Objects are found by
// GUID: an object that is gone stays gone, and one that merely has the same name is
// not touched.
//
// A report is a file that anybody may have changed, so that only what a run of this
// program can have made is taken back: an object must be of a kind that it makes, and
// belong to the report's own grant.
func (r *run) undo(ctx context.Context, from *report.Report) error {
	state := *from.Grant
	r.report.Grant = &state
	r.pin()
	if err := r.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	u := undoing{run: r, from: from}
	r.step = report.StepResolve
	if err := u.resolve(ctx); err != nil {
		return err
	}
	r.report.Before = stateOf(nil, nil)
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	if err := u.readHeld(ctx); err != nil {
		return err
	}
	r.step = report.StepRemove
	for _, i := range from.Inverse {
		if err := u.propose(ctx, i); err != nil {
			return err
		}
	}
	if err := r.carryOut(ctx); err != nil {
		return err
	}
	if gives(from.Inverse) {
		return u.checkRestored(ctx)
	}
	return r.checkLeft(ctx, holdersOf(u.accounts))
}

// gives tells whether inverses give back what a revocation took or a change of a scope
// replaced, and take nothing from anybody.
func gives(inverses []report.Inverse) bool {
	gives := false
	for _, i := range inverses {
		removes := strings.HasPrefix(i.Cmdlet, "Remove-")
		switch {
		case i.DisablesByName(), i.Cmdlet == "Remove-ManagementScope":
		case removes, i.Disables():
			return false
		}
		gives = gives || !removes
	}
	return gives
}

// checkRestored reads back what was given again, and decides the outcome.
func (u *undoing) checkRestored(ctx context.Context) error {
	u.step = report.StepReadBack
	u.report.After = stateOf(nil, nil)
	missing := 0
	for _, restored := range u.restored {
		object, there, err := restored.look(ctx)
		switch {
		case err != nil:
			return err
		case !there:
			missing++
		default:
			u.addState(u.report.After, restored.noun, object)
		}
	}
	switch {
	case missing > 0:
		u.report.Outcome = report.GrantedReplicating
		u.unchanged(report.StepReadBack, "Not everything that was made is seen yet.", "")
		return nil
	case u.report.Changed:
		u.report.Outcome = report.Granted
	default:
		u.report.Outcome = report.AlreadyGranted
	}
	u.unchanged(report.StepReadBack, "All is as it was before the report's run.", "")
	return nil
}

// An undoing is an undo while it is made up.
type undoing struct {
	*run
	from     *report.Report
	assignee *exchange.Object  // nil when it is gone, or is no longer one object
	accounts []exchange.Object // those who had the right by the report's grant, and are there
	held     map[string]bool   // GUIDs of the assignments that the assignee has
	removed  []string          // GUIDs of what will be gone, or will have another scope
	restored []restored        // what gives rights again, or did already
	again    *action           // makes the last object again that was asked for; nil where it is there
}

// A restored object is one that stands, or has to, when the undo has ended well.
type restored struct {
	noun string
	look func(context.Context) (exchange.Object, bool, error)
}

// resolve looks up those whom the report's grant is about. An account that is gone does
// not stop what is named by its GUID.
func (u *undoing) resolve(ctx context.Context) error {
	a := u.grant.Assignee
	c := commands.GetUser(a.Identity)
	switch a.Kind {
	case exchange.SecurityGroup:
		c = commands.GetGroup(a.Identity)
	case exchange.RoleGroup:
		c = commands.GetRoleGroup(a.Identity)
	}
	found, there, err := u.seek(ctx, c)
	switch {
	case err != nil:
		return err
	case there:
		u.tellAssignee(found)
		u.assignee = &found
	case a.Kind != exchange.RoleGroup:
		u.tellGone(u.from.Grant.Assignee.Given)
	}
	if a.Kind != exchange.RoleGroup {
		if there {
			u.accounts = []exchange.Object{found}
		}
	} else if err := u.resolveMembers(ctx); err != nil {
		return err
	}
	u.unchanged(report.StepResolve, fmt.Sprintf("%s; %d changes to take back", u.from.Grant.Assignee.Given, len(u.from.Inverse)), "")
	return nil
}

func (u *undoing) resolveMembers(ctx context.Context) error {
	for _, identity := range u.grant.Assignee.Members {
		member, there, err := u.seek(ctx, commands.GetUser(identity))
		if err == nil && !there {
			member, there, err = u.seek(ctx, commands.GetGroup(identity))
		}
		switch {
		case err != nil:
			return err
		case there:
			u.accounts = append(u.accounts, member)
		default:
			u.tellGone(identity)
		}
	}
	return nil
}

func (u *undoing) tellGone(identity string) {
	u.find(accountGone, report.SeverityInfo, "'"+identity+"' is no longer there under this name: what the report names by its GUID is taken back "+
		"all the same.")
}

// readHeld reads which assignments, of whatever role, the assignee has.
func (u *undoing) readHeld(ctx context.Context) error {
	u.held = map[string]bool{}
	if u.assignee == nil {
		return nil
	}
	held, err := u.madeTo(ctx, holderOf(*u.assignee))
	if err == nil {
		u.held = guids(held)
	}
	return err
}

// refuse ends the run for what no report of this program can hold.
func (u *undoing) refuse(i report.Inverse, why string) error {
	return u.conflict(report.StepRemove, "The report says "+i.Cmdlet+" "+i.Identity+", which no run of exgrant can have recorded: "+why+
		". Nothing was changed.")
}

// propose proposes one inverse.
func (u *undoing) propose(ctx context.Context, i report.Inverse) error {
	switch {
	case strings.HasPrefix(i.Cmdlet, "New-"):
		return u.restoreObject(ctx, i)
	case i.DisablesByName():
		u.disableAgain(i)
		return nil
	}
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	noun = strings.TrimSuffix(noun, "Member")
	object, there, err := u.byGUID(ctx, from(getByIdentity(noun, i.Identity), u.configurationServer), i.Identity)
	if err != nil {
		return err
	}
	switch isGiven := !strings.HasPrefix(i.Cmdlet, "Remove-"); {
	case !there && isGiven && gives(u.from.Inverse):
		return u.stop(report.NotFound, report.Step{ID: stepOf(noun), Text: noun + " " + i.Identity + " is gone: there is nothing to give its old state back to. " +
			"Nothing was changed."})
	case !there:
		u.leave(report.StatusUnchanged, noun+" "+i.Identity+" is gone already.", "")
		return nil
	}
	if why := u.foreign(noun, object); why != "" {
		return u.refuse(i, why)
	}
	u.addState(u.report.Before, noun, object)
	switch i.Cmdlet {
	case "Remove-ManagementRoleAssignment":
		u.removeAssignment(object)
	case "Remove-ManagementScope":
		err = u.removeScope(ctx, object, u.removed...)
	case "Remove-RoleGroup":
		return u.removeUnusedRoleGroup(ctx, i, object)
	case "Remove-RoleGroupMember", "Add-RoleGroupMember":
		return u.restoreMember(ctx, object, i)
	default:
		return u.restoreSetting(object, i)
	}
	u.removed = append(u.removed, object.Text("Guid"))
	return err
}

// addState adds an object to the report's before or after.
func (u *undoing) addState(state *report.State, noun string, o exchange.Object) {
	switch noun {
	case "ManagementRoleAssignment":
		state.Assignments = append(state.Assignments, stateOf([]exchange.Object{o}, nil).Assignments...)
	case "ManagementScope":
		state.Scopes = append(state.Scopes, stateOf(nil, []exchange.Object{o}).Scopes...)
	}
}

// foreign tells why an object cannot be one that a run made for the report's grant;
// "" where it can.
func (u *undoing) foreign(noun string, o exchange.Object) string {
	name := o.Text("Name")
	switch noun {
	case "ManagementRoleAssignment":
		return u.foreignAssignment(o)
	case "ManagementScope":
		if !isRecipientScope(o) {
			return "the scope '" + name + "' is exclusive or not for recipients"
		}
		if !hasText([]string{u.from.Grant.Name, u.from.Grant.Scope.Name}, name) {
			return "the scope '" + name + "' is not that of the report's grant"
		}
	case "RoleGroup":
		if u.grant.Assignee.Kind != exchange.RoleGroup || !hasText([]string{u.from.Grant.Assignee.Given, u.from.Grant.Assignee.Name}, name) {
			return "the role group '" + name + "' is not that of the report's grant"
		}
	}
	return ""
}

func (u *undoing) foreignAssignment(a exchange.Object) string {
	name, role := a.Text("Name"), a.Text("Role")
	switch {
	case !isRegular(a):
		return "the assignment '" + name + "' is a delegating one"
	case !u.mayHold(role):
		return "the assignment '" + name + "' is of the role " + role
	case u.assignee != nil && !u.held[a.Text("Guid")]:
		return "the assignment '" + name + "' is not one of " + u.from.Grant.Assignee.Given
	case u.assignee == nil && u.grant.Assignee.Kind != exchange.RoleGroup && !strings.EqualFold(name, u.from.Grant.Name):
		return "the assignment '" + name + "' is not that of the report's grant"
	}
	return ""
}

// mayHold tells whether a run of this program can have given a role for the report's
// grant.
func (u *undoing) mayHold(role string) bool {
	configuration := u.grant.Assignee.Kind == exchange.RoleGroup && strings.EqualFold(role, exchange.RoleViewOnlyConfiguration)
	return hasText(u.roles, role) || configuration
}

// getByIdentity reads an object of the kinds that inverses are about.
func getByIdentity(noun, identity string) exchange.Command {
	switch noun {
	case "ManagementScope":
		return commands.GetScope(identity, "")
	case "RoleGroup":
		return commands.GetRoleGroup(identity)
	}
	return commands.GetAssignment(identity, "")
}

func (u *undoing) removeUnusedRoleGroup(ctx context.Context, i report.Inverse, group exchange.Object) error {
	guid := group.Text("Guid")
	members, err := u.list(ctx, commands.ListRoleGroupMembers(guid))
	if err != nil {
		return err
	}
	var leaving []string
	for _, i := range u.from.Inverse {
		if i.Cmdlet == "Remove-RoleGroupMember" {
			leaving = append(leaving, i.Text("Member"))
		}
	}
	for _, m := range members {
		if !hasText(leaving, m.Text("Guid")) {
			u.leave(report.StatusSkipped, "The role group '"+group.Text("Name")+"' stays: "+m.Text("Name")+" is in it.", guid)
			return nil
		}
	}
	held, err := u.madeTo(ctx, holderOf(group))
	if err != nil {
		return err
	}
	held = slices.DeleteFunc(held, func(a exchange.Object) bool { return slices.Contains(u.removed, a.Text("Guid")) })
	for _, a := range held {
		if !isRegular(a) || !u.mayHold(a.Text("Role")) {
			return u.refuse(i, "the role group has '"+a.Text("Name")+"', of the role "+a.Text("Role"))
		}
	}
	u.removeRoleGroup(group, held, leaving)
	u.removed = append(u.removed, guidList(held)...) // they go with the group
	return nil
}

// restoreMember proposes to take a member out again, or to put one back.
func (u *undoing) restoreMember(ctx context.Context, group exchange.Object, i report.Inverse) error {
	member, leave := i.Text("Member"), i.Cmdlet == "Remove-RoleGroupMember"
	members, err := u.list(ctx, commands.ListRoleGroupMembers(group.Text("Guid")))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(members, func(m exchange.Object) bool { return strings.EqualFold(m.Text("Guid"), member) })
	switch present := at >= 0; {
	case present && !leave:
		u.stands(report.StepRoleGroup, "RoleGroup", group, "The members of '"+group.Text("Name")+"' are as they were: "+member+".")
	case present != leave:
		u.leave(report.StatusUnchanged, "The members of '"+group.Text("Name")+"' are as they were: "+member+".", "")
	case leave && !u.isAccount(member) && len(u.accounts) == len(u.grant.Assignee.Members):
		return u.refuse(i, members[at].Text("Name")+" is none of the members of the report's grant")
	case leave:
		u.removeMember(group, member, members[at].Text("Name"))
	case !u.isAccount(member):
		return u.refuse(i, member+" is none of the members of the report's grant")
	default:
		c := u.memberChange(group, member, "Puts "+member+" back into '"+group.Text("Name")+"'")
		u.give(c, true)
		u.restored = append(u.restored, restored{"RoleGroup", c.landed})
	}
	return nil
}

// isAccount tells whether a GUID is that of somebody whom the report's grant is about.
func (u *undoing) isAccount(guid string) bool {
	return slices.ContainsFunc(u.accounts, func(o exchange.Object) bool { return strings.EqualFold(o.Text("Guid"), guid) })
}

// give proposes what gives rights again.
func (u *undoing) give(c change, own bool) {
	u.queue = append(u.queue, action{change: &c, gives: true, own: own})
}

// restoreSetting proposes to put old values back, unless they are there. A value that is
// not what the report's run made of it was changed by somebody else since.
func (u *undoing) restoreSetting(object exchange.Object, i report.Inverse) error {
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	text, guid, name := valuesText(i.Parameters), object.Text("Guid"), object.Text("Name")
	if isSet(object, i.Parameters) {
		u.stands(stepOfSetting(i), noun, object, "'"+name+"' has its old value: "+text+".")
		return nil
	}
	made := u.madeOf(i)
	switch {
	case made == nil:
		return u.conflict(report.StepRemove, "The report does not say what the run made of '"+name+"', so that a later change by somebody else "+
			"would not be seen. Nothing was changed; put it back by hand: "+text+".")
	case !isSet(object, made):
		return u.conflict(report.StepRemove, "'"+name+"' was changed since: it is neither what the run made of it ("+valuesText(made)+
			") nor its old value ("+text+"), but "+valuesText(oldValues(object, i))+". Nothing was changed.")
	}
	i.Identity = guid
	if !slices.ContainsFunc(i.Parameters, func(p report.InverseParameter) bool { return p.Name == "Enabled" }) {
		u.removed = append(u.removed, guid)
	}
	c := change{
		step: stepOfSetting(i), action: report.ActionUpdate,
		text:    "Puts the old value of '" + name + "' back: " + text,
		why:     "the report changed it",
		command: func(dc string) exchange.Command { return inverseCommand(i, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			now, there, err := u.byGUID(ctx, from(getByIdentity(noun, guid), u.configurationServer), guid)
			return now, there && isSet(now, i.Parameters), err
		},
		done: func(exchange.Object) {
			u.undoBy(report.Inverse{Cmdlet: i.Cmdlet, Identity: guid, Parameters: oldValues(object, i), Set: i.Parameters})
		},
	}
	if i.Disables() {
		u.run.propose(c)
		return nil
	}
	u.give(c, u.wasBefore(guid, i))
	u.restored = append(u.restored, restored{noun, c.landed})
	return nil
}

// madeOf is what the report's run made of the settings that an inverse puts back; nil
// where the report does not say.
func (u *undoing) madeOf(i report.Inverse) []report.InverseParameter {
	if len(i.Set) > 0 {
		return i.Set
	}
	if len(i.Parameters) == 1 && i.Parameters[0].Name == "Enabled" {
		enabled, ok := i.Parameters[0].Value.(bool)
		if !ok {
			return nil
		}
		return []report.InverseParameter{{Name: "Enabled", Value: !enabled}}
	}
	if u.from.After == nil {
		return nil
	}
	return valuesIn(*u.from.After, i.Identity)
}

// wasBefore tells whether an inverse puts back what the report's own state says was
// there before. The whole organization is never given back unasked, unless the report's
// grant is for it.
func (u *undoing) wasBefore(guid string, i report.Inverse) bool {
	if u.from.Before == nil {
		return false
	}
	if i.Text(relativeWriteScope) != "" && u.from.Grant.Scope.Kind != exchange.WholeOrganization {
		return false
	}
	before := append(valuesIn(*u.from.Before, guid), enabledIn(*u.from.Before, guid)...)
	for _, p := range i.Parameters {
		isIt := func(b report.InverseParameter) bool {
			return b.Name == p.Name && strings.EqualFold(fmt.Sprint(b.Value), fmt.Sprint(p.Value))
		}
		if !slices.ContainsFunc(before, isIt) {
			return false
		}
	}
	return true
}

// valuesIn are the settings of an object in a report's state, as parameters.
func valuesIn(state report.State, guid string) []report.InverseParameter {
	for _, a := range state.Assignments {
		if strings.EqualFold(a.GUID, guid) {
			return []report.InverseParameter{oldScope(exchange.Object{Properties: []exchange.Property{
				{Name: "RecipientWriteScope", Value: a.RecipientWriteScope}, {Name: "CustomRecipientWriteScope", Value: a.CustomRecipientWriteScope},
			}})}
		}
	}
	for _, s := range state.Scopes {
		if strings.EqualFold(s.GUID, guid) {
			return []report.InverseParameter{{Name: "RecipientRestrictionFilter", Value: s.Filter}}
		}
	}
	return nil
}

func enabledIn(state report.State, guid string) []report.InverseParameter {
	for _, a := range state.Assignments {
		if strings.EqualFold(a.GUID, guid) {
			return []report.InverseParameter{{Name: "Enabled", Value: a.Enabled}}
		}
	}
	return nil
}

// valuesText is parameters in words.
func valuesText(parameters []report.InverseParameter) string {
	var words []string
	for _, p := range parameters {
		words = append(words, p.Name+" "+exchange.Object{Properties: []exchange.Property{{Name: "v", Value: p.Value}}}.Text("v"))
	}
	return strings.Join(words, ", ")
}

// inverseCommand is an inverse that was checked before the run began.
func inverseCommand(i report.Inverse, domainController string) exchange.Command {
	c, _ := i.Command(domainController)
	return c
}

// isSet tells whether an object has values.
func isSet(object exchange.Object, values []report.InverseParameter) bool {
	for _, p := range values {
		text, _ := p.Value.(string)
		same := false
		switch p.Name {
		case "Enabled":
			same = object.Bool("Enabled") == p.Value
		case "RecipientRestrictionFilter":
			now := object.Text("RecipientFilter")
			key := filterKey(now)
			same = strings.EqualFold(now, text) || key != "" && strings.EqualFold(key, filterKey(text))
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
func oldValues(object exchange.Object, i report.Inverse) []report.InverseParameter {
	var old []report.InverseParameter
	for _, p := range i.Parameters {
		switch p.Name {
		case "Enabled":
			old = append(old, report.InverseParameter{Name: p.Name, Value: object.Bool("Enabled")})
		case "RecipientRestrictionFilter":
			old = append(old, report.InverseParameter{Name: p.Name, Value: object.Text("RecipientFilter")})
		default:
			old = append(old, oldScope(object))
		}
	}
	return old
}

// restoreObject proposes to make an object again that a revocation removed, unless
// its name is in use.
func (u *undoing) restoreObject(ctx context.Context, i report.Inverse) error {
	u.again = nil
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	existing, found, err := u.seek(ctx, getByIdentity(noun, i.Identity))
	if err != nil {
		return err
	}
	if found && strings.EqualFold(existing.Text("Name"), i.Identity) {
		return u.compareRestored(ctx, noun, existing, i)
	}
	why, own, err := u.foreignNew(ctx, noun, i)
	if err != nil {
		return err
	}
	if why != "" {
		return u.refuse(i, why)
	}
	c := change{
		step: stepOf(noun), action: report.ActionCreate,
		text:    "Makes " + noun + " '" + i.Identity + "' again",
		why:     "the report removed it",
		command: func(dc string) exchange.Command { return inverseCommand(i, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			return u.seek(ctx, from(getByIdentity(noun, i.Identity), u.configurationServer))
		},
		done: func(written exchange.Object) {
			u.undoBy(report.Inverse{Cmdlet: "Remove-" + noun, Identity: written.Text("Guid")})
		},
	}
	u.give(c, own)
	u.restored = append(u.restored, restored{noun, c.landed})
	u.again = &u.queue[len(u.queue)-1]
	return nil
}

// stands tells of an object that it is already as the undo would make it.
func (u *undoing) stands(step, noun string, o exchange.Object, text string) {
	u.queue = append(u.queue, action{step: report.Step{ID: step, Status: report.StatusUnchanged, Text: text, GUID: o.Text("Guid")}})
	u.restored = append(u.restored, restored{noun, func(context.Context) (exchange.Object, bool, error) { return o, true, nil }})
}

// stepOfSetting is the step in which a setting is put back.
func stepOfSetting(i report.Inverse) string {
	if i.Disables() {
		return report.StepRemove
	}
	_, noun, _ := strings.Cut(i.Cmdlet, "-")
	return stepOf(noun)
}

// stepOf is the step in which an object of a kind is made, or its settings are.
func stepOf(noun string) string {
	switch noun {
	case "ManagementScope":
		return report.StepScope
	case "RoleGroup":
		return report.StepRoleGroup
	}
	return report.StepAssign
}

// disableAgain proposes to disable what is made again, since it was disabled. It needs
// no inverse of its own: the object goes again.
func (u *undoing) disableAgain(i report.Inverse) {
	if u.again == nil {
		return
	}
	u.give(change{
		step: report.StepAssign, action: report.ActionUpdate,
		text:    "Disables '" + i.Identity + "' again",
		why:     "it was disabled when the report removed it",
		command: func(dc string) exchange.Command { return inverseCommand(i, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			now, there, err := u.seek(ctx, from(commands.GetAssignment(i.Identity, ""), u.configurationServer))
			return now, there && isSet(now, i.Parameters), err
		},
	}, u.again.own)
}

// compareRestored looks whether an object that is there is the one that the report
// removed: made again by another run, it is as the undo would make it.
func (u *undoing) compareRestored(ctx context.Context, noun string, existing exchange.Object, i report.Inverse) error {
	same, err := false, error(nil)
	switch noun {
	case "ManagementScope":
		filter := report.InverseParameter{Name: "RecipientRestrictionFilter", Value: i.Text("RecipientRestrictionFilter")}
		same = isRecipientScope(existing) && isSet(existing, []report.InverseParameter{filter}) &&
			strings.EqualFold(existing.Text("RecipientRoot"), i.Text("RecipientRoot"))
	case "RoleGroup":
		same, err = u.isRoleGroup(ctx, existing, i)
	default:
		same = u.isAssignment(existing, i)
	}
	if err != nil {
		return err
	}
	if same {
		u.stands(stepOf(noun), noun, existing, noun+" '"+i.Identity+"' is there already.")
		return nil
	}
	is := ""
	if noun == "ManagementRoleAssignment" {
		is = ", of the role " + existing.Text("Role") + ": " + u.describe(existing)
	}
	return u.conflict(stepOf(noun), "There is a "+noun+" '"+i.Identity+"', and it is not the one that the report removed"+is+". Nothing was changed.")
}

// isAssignment tells whether an assignment gives what an inverse would give.
func (u *undoing) isAssignment(a exchange.Object, i report.Inverse) bool {
	holder := slices.Concat(i.Texts("User"), i.Texts("SecurityGroup"))
	isHolder := hasText(holder, a.Text("RoleAssignee")) || u.held[a.Text("Guid")]
	return isHolder && isRegular(a) && strings.EqualFold(a.Text("Role"), i.Text("Role")) && hasScopeOf(a, i)
}

// hasScopeOf tells whether an assignment has the scope that an inverse gives.
func hasScopeOf(a exchange.Object, i report.Inverse) bool {
	is := oldScope(a)
	if strings.EqualFold(a.Text("Role"), exchange.RoleViewOnlyConfiguration) || !mustBeTold(is) {
		is = report.InverseParameter{}
	}
	for _, p := range i.Parameters {
		switch p.Name {
		case "CustomRecipientWriteScope", "ExclusiveRecipientWriteScope", "RecipientOrganizationalUnitScope", relativeWriteScope:
			return p.Name == is.Name && strings.EqualFold(fmt.Sprint(p.Value), fmt.Sprint(is.Value))
		}
	}
	return is.Name == ""
}

// isRoleGroup tells whether a role group has the roles, the scope and the members that
// an inverse would give it.
func (u *undoing) isRoleGroup(ctx context.Context, group exchange.Object, i report.Inverse) (bool, error) {
	members, err := u.list(ctx, commands.ListRoleGroupMembers(group.Text("Guid")))
	if err != nil {
		return false, err
	}
	for _, m := range i.Texts("Members") {
		if !hasText(guidList(members), m) {
			return false, nil
		}
	}
	held, err := u.madeTo(ctx, holderOf(group))
	for _, role := range i.Texts("Roles") {
		isIt := func(a exchange.Object) bool {
			return isRegular(a) && strings.EqualFold(a.Text("Role"), role) && hasScopeOf(a, i)
		}
		if !slices.ContainsFunc(held, isIt) {
			return false, err
		}
	}
	return err == nil, err
}

// foreignNew tells why an object that is to be made again cannot be one of the report's
// grant, "" where it can, and whether it gives its account only what it had.
func (u *undoing) foreignNew(ctx context.Context, noun string, i report.Inverse) (string, bool, error) {
	grant := u.from.Grant
	switch noun {
	case "ManagementScope":
		if !hasText([]string{grant.Name, grant.Scope.Name}, i.Identity) && !u.wasScope(i) {
			return "the scope '" + i.Identity + "' is not that of the report's grant", false, nil
		}
		return "", u.wasScope(i), nil
	case "RoleGroup":
		if u.grant.Assignee.Kind != exchange.RoleGroup || !hasText([]string{grant.Assignee.Given, grant.Assignee.Name}, i.Identity) {
			return "the role group '" + i.Identity + "' is not that of the report's grant", false, nil
		}
		for _, role := range i.Texts("Roles") {
			if !u.mayHold(role) {
				return "it has the role " + role, false, nil
			}
		}
		for _, member := range i.Texts("Members") {
			if !u.isAccount(member) {
				return member + " is none of the members of the report's grant", false, nil
			}
		}
		return "", u.from.HasOwnScope(i), nil
	}
	if role := i.Text("Role"); !u.mayHold(role) {
		return "it is of the role " + role, false, nil
	}
	why, err := u.foreignHolder(ctx, i)
	own := u.from.HasOwnScope(i) || strings.EqualFold(i.Text("Role"), exchange.RoleViewOnlyConfiguration)
	return why, own, err
}

// foreignHolder tells why whoever is to have an assignment again is not the one of the
// report's grant.
func (u *undoing) foreignHolder(ctx context.Context, i report.Inverse) (string, error) {
	user, group := i.Text("User"), i.Text("SecurityGroup")
	if u.grant.Assignee.Kind == exchange.RoleGroup && hasText([]string{u.from.Grant.Assignee.Given, u.from.Grant.Assignee.Name}, leaf(group)) {
		return "", nil // it is made again before
	}
	c, identity := commands.GetUser(user), user
	if user == "" {
		c, identity = commands.GetGroup(group), group
	}
	found, there, err := u.seek(ctx, c)
	switch {
	case err != nil:
		return "", err
	case !there:
		return "", u.conflict(report.StepAssign, "'"+i.Identity+"' cannot be made again: there is no '"+identity+"' any more. Nothing was changed.")
	case u.assignee == nil || !strings.EqualFold(found.Text("Guid"), u.assignee.Text("Guid")):
		return "it is for " + identity + ", and the report is about " + u.from.Grant.Assignee.Given, nil
	}
	return "", nil
}

// wasScope tells whether the report's state says that the scope had this definition.
func (u *undoing) wasScope(i report.Inverse) bool {
	if u.from.Before == nil {
		return false
	}
	return slices.ContainsFunc(u.from.Before.Scopes, func(s report.ManagementScope) bool {
		return strings.EqualFold(s.Name, i.Identity) && s.Filter == i.Text("RecipientRestrictionFilter") && strings.EqualFold(s.Root, i.Text("RecipientRoot"))
	})
}
