package grant

import (
	"context"
	"errors"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// grantProcedure makes the grant, or plans it.
func (r *run) grantProcedure(ctx context.Context) error {
	r.report.Grant = report.NewGrantState(r.grant)
	r.pin()
	if err := r.preflight(ctx, r.grantNeeds()); err != nil {
		return err
	}
	if err := r.readOrganization(ctx); err != nil {
		return err
	}
	if err := r.checkOrganization(); err != nil {
		return err
	}
	if err := r.checkDelegation(ctx); err != nil {
		return err
	}
	assignee, members, w, err := r.resolve(ctx)
	if err != nil {
		return err
	}
	if r.grant.Assignee.Kind == exchange.RoleGroup {
		return r.grantRoleGroup(ctx, assignee, members, w)
	}
	return r.grantAssignment(ctx, *assignee, w)
}

// grantNeeds are the commands that the grant cannot do without.
func (r *run) grantNeeds() []need {
	needed, assign := needs(getAssignment, "New-ManagementRoleAssignment"), "New-ManagementRoleAssignment"
	if r.grant.Assignee.Kind == exchange.RoleGroup {
		needed, assign = needs(getAssignment, "Get-RoleGroup", "New-RoleGroup", "Add-RoleGroupMember"), "New-RoleGroup"
	}
	switch r.grant.Scope.Kind {
	case exchange.Group, exchange.RecipientFilter, exchange.Existing:
		needed = append(needed, needs(getManagementScope, "New-ManagementScope")...)
		needed = append(needed, need{assign, "CustomRecipientWriteScope"})
	case exchange.OrganizationalUnit:
		needed = append(needed, need{assign, "RecipientOrganizationalUnitScope"})
	}
	return needed
}

// grantAssignment makes the grant to a user or security group, and reads it back.
func (r *run) grantAssignment(ctx context.Context, assignee exchange.Object, w *wanted) error {
	err := r.checkPlan(ctx, func(shadow *run) error {
		_, err := shadow.setAssignment(ctx, assignee, w)
		return err
	})
	if err != nil {
		return err
	}
	guid, err := r.setAssignment(ctx, assignee, w)
	if err != nil {
		return err
	}
	if len(r.changes) > 0 {
		r.report.Outcome = report.Planned
		return nil
	}
	there, err := r.readBack(ctx, guid, w)
	if err != nil {
		return err
	}
	return r.prove(ctx, holderOf(assignee), there)
}

// prove asks who reaches the mailboxes that were named, and decides the outcome. What
// was written a moment ago need not be seen everywhere; a mailbox that is reached and
// should not be is no matter of time.
func (r *run) prove(ctx context.Context, assignee holder, there bool) error {
	r.report.Outcome = report.AlreadyGranted
	if r.report.Changed {
		r.report.Outcome = report.Granted
	}
	r.step = report.StepReach
	if err := r.askReach(ctx, assignee); err != nil {
		return err
	}
	late := r.findLate()
	switch {
	case r.reaches(refused), late && there && !r.report.Changed:
		r.report.Outcome = report.Differs
		r.decides("out-of-scope-allowed")
		r.decides("in-scope-refused")
	case late, !there:
		r.report.Outcome = report.GrantedReplicating
	}
	return nil
}

// setAssignment makes sure that an assignment makes the grant, and returns its
// GUID; "" when it is only planned. When somebody else was faster, it reads again
// once.
func (r *run) setAssignment(ctx context.Context, assignee exchange.Object, w *wanted) (string, error) {
	for first := true; ; first = false {
		r.step = report.StepReadAssignments
		s, err := r.stand(ctx, assignee, w)
		if err != nil {
			return "", err
		}
		if first && !r.shadows {
			if err := r.findStanding(ctx, s, w); err != nil {
				return "", err
			}
		}
		if first {
			for _, scope := range r.scopesNamed(w) {
				r.restOnScope(scope)
			}
		}
		r.report.Before = stateOf(s.concerned(), r.scopesNamed(w))
		if s.equal != nil {
			r.tellName(*s.equal)
			r.unchanged(report.StepReadAssignments, "Nothing to do: "+r.describe(*s.equal)+".", s.equal.Text("Guid"))
			if strings.EqualFold(s.equal.Text("CustomRecipientWriteScope"), w.name) {
				r.newScope = "" // it is in use now
			}
			return s.equal.Text("Guid"), nil
		}
		if first {
			r.unchanged(report.StepReadAssignments, "There is no equal grant.", "")
		}
		if err := r.checkScope(s, w); err != nil {
			return "", err
		}
		r.readAgain = first
		guid, err := r.makeAssignment(ctx, assignee, s, w)
		if !errors.Is(err, errReadAgain) {
			return guid, err
		}
	}
}

// stand reads how what is there stands to the grant, unless the look at the plan did it
// a moment ago.
func (r *run) stand(ctx context.Context, assignee exchange.Object, w *wanted) (*standing, error) {
	if known := r.known; known != nil && !r.shadows {
		r.known = nil
		return known, nil
	}
	if err := r.readAssignments(ctx); err != nil {
		return nil, err
	}
	s, err := r.standing(ctx, assignee, w)
	if r.shadows {
		r.known = s
	}
	return s, err
}

// makeAssignment enables, changes or creates the assignment.
func (r *run) makeAssignment(ctx context.Context, assignee exchange.Object, s *standing, w *wanted) (string, error) {
	switch {
	case s.disabled == nil:
	case strings.EqualFold(s.disabled.Text("Name"), r.name):
		return r.enableAssignment(ctx, *s.disabled)
	default:
		return "", r.conflict(report.StepAssign, "An equal grant is there, and somebody has disabled it: "+r.describe(*s.disabled)+". Find out why; "+
			"then enable it (Set-ManagementRoleAssignment -Enabled $true), or take it back: "+takeBack(*s.disabled))
	}
	holder := s.named
	if holder == nil {
		var err error
		if holder, err = r.findNamed(ctx); err != nil {
			return "", err
		}
		if holder != nil && hasText(r.roles, holder.Text("Role")) && r.readAgain {
			return "", errReadAgain // somebody has made it since the others were read
		}
	}
	if holder != nil {
		return r.updateAssignment(ctx, *holder, s.ours, w)
	}
	return r.newAssignment(ctx, assignee, w)
}

// findNamed looks for an assignment of another role that has the name. Servers
// answer an unknown identity with an error or with everything, therefore the name
// is compared.
func (r *run) findNamed(ctx context.Context) (*exchange.Object, error) {
	found, err := r.list(ctx, commands.GetAssignment(r.name, ""))
	if reports(err, fault.PrincipalNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if o, ok := named(found, r.name); ok {
		return &o, nil
	}
	return nil, nil
}

func (r *run) newAssignment(ctx context.Context, assignee exchange.Object, w *wanted) (string, error) {
	if err := r.setScope(ctx, w, ""); err != nil {
		return "", err
	}
	who, guid := assignee.Text("Name"), assignee.Text("Guid")
	written, err := r.change(ctx, change{
		step: report.StepAssign, action: report.ActionCreate,
		text: "Gives " + who + " the role for " + w.String(),
		why:  "there is no equal grant",
		command: func(dc string) exchange.Command {
			return commands.NewAssignment(r.name, r.grant.Assignee.Kind, guid, exchange.Role, w.scope(), dc)
		},
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			return r.isAssigned(ctx, holderOf(assignee), w)
		},
		done: func(written exchange.Object) {
			r.newScope = "" // also where a run that was cut short learns it later
			r.undoBy(report.Inverse{Cmdlet: "Remove-ManagementRoleAssignment", Identity: written.Text("Guid")})
		},
	})
	if err == nil {
		r.newScope = "" // it is in use now, whoever made the assignment
	}
	return written.Text("Guid"), err
}

// isAssigned tells whether the assignment with the grant's name makes the grant now.
func (r *run) isAssigned(ctx context.Context, assignee holder, w *wanted) (exchange.Object, bool, error) {
	if err := r.readScopes(ctx); err != nil {
		return exchange.Object{}, false, err
	}
	made, err := r.held(ctx, assignee, true)
	if err != nil {
		return exchange.Object{}, false, err
	}
	a, ok := named(made, r.name)
	return a, ok && isRegular(a) && isRole(a) && a.Bool("Enabled") && r.compareAssignment(a, w) == equal, nil
}

func (r *run) enableAssignment(ctx context.Context, a exchange.Object) (string, error) {
	guid := a.Text("Guid")
	_, err := r.change(ctx, change{
		step: report.StepAssign, action: report.ActionUpdate,
		text:    "Enables '" + a.Text("Name") + "', which is equal but disabled",
		why:     "the assignment is equal but disabled",
		command: func(dc string) exchange.Command { return commands.SetAssignmentEnabled(guid, true, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			now, there, err := r.byGUID(ctx, commands.GetAssignment(guid, r.configurationServer), guid)
			return now, there && now.Bool("Enabled"), err
		},
		done: func(exchange.Object) {
			r.undoBy(report.Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: guid,
				Parameters: []report.InverseParameter{{Name: "Enabled", Value: false}}, Set: []report.InverseParameter{{Name: "Enabled", Value: true}}})
		},
	})
	return guid, err
}

// updateAssignment changes the scope of an assignment that has our name: it must be
// ours, and only its scope may be changed.
func (r *run) updateAssignment(ctx context.Context, a exchange.Object, ours bool, w *wanted) (string, error) {
	seen, guid := r.describe(a), a.Text("Guid")
	switch {
	case !ours || !isRegular(a) || !strings.EqualFold(a.Text("Role"), exchange.Role):
		return "", r.conflict(report.StepAssign, "'"+a.Text("Name")+"' exists already: it gives "+a.Text("RoleAssignee")+" the role "+a.Text("Role")+
			" over "+r.describeScope(a)+". Choose another name with --name, or leave it out.")
	case r.compareAssignment(a, w) == unknown:
		return "", r.conflict(report.StepAssign, seen+", whose filter exgrant cannot compare. Choose another name with --name.")
	case !r.o.UpdateScope:
		return "", r.conflict(report.StepAssign, seen+"; wanted is "+w.String()+". Use --update-scope to change it, or another name.")
	}
	if err := r.setScope(ctx, w, guid); err != nil {
		return "", err
	}
	// Changing the definition of the scope that the assignment has can be all that is needed.
	if w.kind == writeCustom && strings.EqualFold(a.Text("CustomRecipientWriteScope"), w.name) {
		return guid, nil
	}
	return r.moveAssignment(ctx, a, w)
}

// moveAssignment gives an assignment the wanted scope.
func (r *run) moveAssignment(ctx context.Context, a exchange.Object, w *wanted) (string, error) {
	guid, widening := a.Text("Guid"), ""
	if w.widens(a) {
		widening = " " + report.Widening
	}
	_, err := r.change(ctx, change{
		step: report.StepAssign, action: report.ActionUpdate,
		text:    "Changes the scope from " + r.describeScope(a) + " to " + w.String() + "." + widening,
		why:     "the assignment has " + r.describeScope(a) + "." + widening,
		command: func(dc string) exchange.Command { return commands.SetAssignmentScope(guid, w.scope(), dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			if err := r.readScopes(ctx); err != nil {
				return exchange.Object{}, false, err
			}
			now, there, err := r.byGUID(ctx, commands.GetAssignment(guid, r.configurationServer), guid)
			return now, there && r.compareAssignment(now, w) == equal, err
		},
		done: func(exchange.Object) {
			r.newScope = ""
			r.undoBy(report.Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: guid,
				Parameters: []report.InverseParameter{oldScope(a)}, Set: []report.InverseParameter{w.parameter()}})
		},
	})
	return guid, err
}

// readBack reads the assignment back, first from the server that took the write,
// then from any, and tells whether both show the grant.
func (r *run) readBack(ctx context.Context, guid string, w *wanted) (bool, error) {
	r.step = report.StepReadBack
	places := []string{""}
	if r.writeServer != "" {
		places = []string{r.writeServer, ""}
	}
	for _, place := range places {
		seen, there, err := r.seenAt(ctx, place, guid, w)
		if err != nil {
			return false, err
		}
		if !there || !seen.Bool("Enabled") || r.compareAssignment(seen, w) != equal {
			r.unchanged(report.StepReadBack, "The grant is written, but not every domain controller shows it yet.", guid)
			return false, nil
		}
		var scopes []exchange.Object
		if scope, ok := named(r.scopes, seen.Text("CustomRecipientWriteScope")); ok {
			scopes = append(scopes, scope)
		}
		r.report.After = stateOf([]exchange.Object{seen}, scopes)
	}
	r.unchanged(report.StepReadBack, "The assignment is there and enabled.", guid)
	return true, nil
}

// seenAt reads the assignment, and the scopes for comparing it, from one server.
func (r *run) seenAt(ctx context.Context, place, guid string, w *wanted) (exchange.Object, bool, error) {
	seen, there, err := r.byGUID(ctx, commands.GetAssignment(guid, place), guid)
	if err != nil || !there {
		return seen, there, err
	}
	r.scopes = nil
	if w.kind == writeCustom {
		r.scopes, err = r.list(ctx, from(commands.ListScopes(), place))
	}
	return seen, true, err
}
