package grant

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// checkOrganization stops when the plan was made for another organization, or does not
// say for which.
func (r *run) checkOrganization() error {
	if r.planned == nil {
		return nil
	}
	was := r.planned.Target.Organization
	switch {
	case strings.EqualFold(was, r.organization):
		return nil
	case was == "":
		return r.stale(report.StepPreflight, "it does not say for which organization it was made")
	case r.organization == "":
		return r.stale(report.StepPreflight, "it was made for the organization "+was+", and this session does not tell which one this is")
	}
	return r.stale(report.StepPreflight, "it was made for another organization: "+was+", this is "+r.organization)
}

// stale ends the run because its plan is not what would be done now.
func (r *run) stale(step string, reasons ...string) error {
	return r.stop(report.Differs, report.Step{ID: step, Text: "The plan no longer fits: " + strings.Join(reasons, "; ") +
		". Nothing was changed; make a new plan."})
}

// checkPlan stops before the first change unless the plan's changes are exactly those
// that would be made now: they are worked out again by decide. Where there is nothing
// to change, nothing is stopped: a plan that was applied can be applied again.
func (r *run) checkPlan(ctx context.Context, decide func(shadow *run) error) error {
	if r.planned == nil {
		return nil
	}
	reasons := r.staleReads(r.reads(), r.planned.Read, true)
	if len(r.planned.Read) == 0 {
		reasons = []string{"it does not say on what it was decided"}
	}
	was, now := r.planned.Grant.Assignee.GUID, r.report.Grant.Assignee.GUID
	madeSince := r.grant.Assignee.Kind == exchange.RoleGroup && was == "" // what it is made of is compared
	if !strings.EqualFold(was, now) && !madeSince {
		reasons = append(reasons, fmt.Sprintf("it is for %s (%s), which is now %s", r.planned.Grant.Assignee.Given, cmp.Or(was, "nobody"), cmp.Or(now, "nobody")))
	}
	if madeSince && now != "" {
		r.aliases = map[string]string{now: r.grant.Assignee.Identity}
	}
	shadow := r.shadow()
	err := decide(shadow)
	switch {
	case errors.Is(err, errStopped) && shadow.report.Outcome == report.Conflict:
		reasons = append(reasons, r.staleReads(shadow.reads(), r.planned.Read, false)...)
		last := shadow.report.Steps[len(shadow.report.Steps)-1]
		reasons = append(reasons, strings.TrimSuffix(last.Text, "."))
	case errors.Is(err, errStopped):
		last := shadow.report.Steps[len(shadow.report.Steps)-1]
		return r.stop(shadow.report.Outcome, last)
	case err != nil:
		return err
	case len(shadow.changes) == 0 && len(reasons) == 0:
		return nil
	default:
		reasons = append(reasons, r.staleReads(shadow.reads(), r.planned.Read, false)...)
		reasons = append(reasons, r.staleChanges(shadow)...)
	}
	if len(reasons) == 0 {
		r.roles, r.assignments, r.scopes, r.known = shadow.roles, shadow.assignments, shadow.scopes, shadow.known
		r.notes = shadow.notes
		return nil
	}
	for _, step := range shadow.report.Steps {
		if step.Status == report.StatusPlanned {
			r.addStep(step) // what it would be now
		}
	}
	return r.stale(report.StepReadAssignments, slices.Compact(reasons)...)
}

// shadow is a run that works out, from what this one knows, what it would change.
func (r *run) shadow() *run {
	shadow := *r
	shadow.planning, shadow.shadows, shadow.planned = true, true, nil
	shadow.notes, shadow.changes = slices.Clone(r.notes), nil
	told := *r.report
	state := *r.report.Grant
	told.Grant, told.Steps, told.Findings = &state, nil, nil
	shadow.report = &told
	shadow.o.Progress = func(report.Step) {}
	return &shadow
}

// staleReads tells which of the objects that the plan rests on are not as they were;
// complete says that what was looked up now must all be among them.
func (r *run) staleReads(now, was []report.ReadObject, complete bool) []string {
	find := func(list []report.ReadObject, o report.ReadObject) *report.ReadObject {
		i := slices.IndexFunc(list, func(other report.ReadObject) bool {
			return other.Kind == o.Kind && strings.EqualFold(other.GUID, o.GUID)
		})
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	var reasons []string
	if complete {
		// What is made by the plan's own commands can be there by now.
		made := []string{"ManagementScope", "ManagementRoleAssignment", "RoleGroup"}
		for _, o := range now {
			if find(was, o) == nil && !slices.Contains(made, o.Kind) {
				reasons = append(reasons, o.Kind+" "+o.GUID+" was not looked at when it was made")
			}
		}
		return reasons
	}
	for _, o := range was {
		switch found := find(now, o); {
		case found == nil:
			reasons = append(reasons, o.Kind+" "+o.GUID+" is gone")
		case found.SHA256 != o.SHA256:
			reasons = append(reasons, o.Kind+" "+o.GUID+" has changed")
		}
	}
	return reasons
}

// staleChanges tells how the plan's changes differ from those that would be made now.
// What the plan was to make may be there by now, exactly so: another run of the same
// plan may have begun.
func (r *run) staleChanges(shadow *run) []string {
	var left []report.Change
	for _, c := range r.planned.Changes {
		if !shadow.isThere(c) {
			left = append(left, c)
		}
	}
	now := shadow.changes
	for i := range max(len(left), len(now)) {
		switch {
		case i >= len(now):
			return []string{"it would not be done any more: " + shown(left[i])}
		case i >= len(left):
			return []string{"it would also be done now: " + shown(now[i])}
		case r.key(left[i].Command) != r.key(now[i].Command):
			return []string{"it says " + shown(left[i]) + ", and now it would be " + shown(now[i])}
		}
	}
	return nil
}

// isThere tells whether what a change of a plan makes is there, and would not be made
// any more.
func (r *run) isThere(c report.Change) bool {
	command, err := c.Command.Command()
	isSame := func(now report.Change) bool { return r.key(now.Command) == r.key(c.Command) }
	if err != nil || slices.ContainsFunc(r.changes, isSame) {
		return false
	}
	group := r.grant.Assignee.Identity
	isGroup := r.grant.Assignee.Kind == exchange.RoleGroup && r.report.Grant.Assignee.GUID != ""
	switch command.Cmdlet {
	case "New-ManagementScope":
		scope, ok := named(r.scopes, command.Text("Name"))
		filter := command.Text("RecipientRestrictionFilter")
		return ok && compareScope(scope, &wanted{kind: writeCustom, filter: filter, key: filterKey(filter)}) == equal
	case "New-RoleGroup": // it was compared: what it lacks would be made now
		return isGroup && strings.EqualFold(command.Text("Name"), group)
	case "Add-RoleGroupMember":
		return isGroup && strings.EqualFold(command.Text("Identity"), r.report.Grant.Assignee.GUID) &&
			slices.ContainsFunc(r.members, func(m exchange.Object) bool { return m.Text("Guid") == command.Text("Member") })
	case "New-ManagementRoleAssignment":
		return isGroup && strings.EqualFold(command.Text("Role"), exchange.RoleViewOnlyConfiguration) &&
			r.grant.Assignee.ViewOnlyConfiguration && hasText([]string{group, r.report.Grant.Assignee.GUID}, command.Text("SecurityGroup"))
	}
	return false
}

// key is the same text for commands that do the same. The domain controller is where
// the first change went; what this run has made has the name that the plan knew.
func (r *run) key(c report.PlanCommand) string {
	text := c.Cmdlet
	for _, p := range c.Parameters {
		if p.Name == "DomainController" {
			continue
		}
		value := p.Value
		if guid, ok := value.(string); ok && r.aliases[guid] != "" {
			value = r.aliases[guid]
		}
		b, err := json.Marshal(value)
		if err != nil {
			return "" // equal to nothing that is planned
		}
		text += "\n" + p.Name + " " + string(b)
	}
	return text
}

func shown(c report.Change) string {
	command, err := c.Command.Command()
	if err == nil {
		var line string
		if line, err = command.Line(); err == nil {
			return line
		}
	}
	return c.Command.Cmdlet
}

// checkChange stops a change that the plan does not have: between the look at the plan
// and this change, somebody else has changed something.
func (r *run) checkChange(c change) error {
	if r.planned == nil {
		return nil
	}
	now := c.planned("")
	isIt := func(was report.Change) bool { return r.key(was.Command) == r.key(now.Command) }
	if slices.ContainsFunc(r.planned.Changes, isIt) {
		return nil
	}
	return r.stop(report.Differs, report.Step{ID: c.step, Text: "The plan no longer fits: it would be " + shown(now) +
		", which it does not have. Make a new plan."})
}
