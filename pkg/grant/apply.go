package grant

import (
	"context"
	"errors"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// grantProcedure makes the grant, or plans it.
func (r *run) grantProcedure(ctx context.Context) error {
	r.report.Grant = r.state()
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
	r.step = exchange.StepResolve
	assignee, err := r.resolveAssignee(ctx)
	if err != nil {
		return err
	}
	members, err := r.resolveMembers(ctx)
	if err != nil {
		return err
	}
	if err := r.resolveMailbox(ctx); err != nil {
		return err
	}
	w, err := r.resolveScope(ctx)
	if err != nil {
		return err
	}
	r.unchanged(exchange.StepResolve, r.resolvedText(assignee, w), "")
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
	guid, err := r.setAssignment(ctx, assignee, w)
	if err != nil {
		return err
	}
	if len(r.changes) > 0 {
		r.report.Outcome = exchange.Planned
		return nil
	}
	r.report.Outcome = exchange.AlreadyGranted
	if r.report.Changed {
		r.report.Outcome = exchange.Granted
	}
	there, err := r.readBack(ctx, guid, w)
	if err != nil {
		return err
	}
	r.step = exchange.StepOracle
	if err := r.askOracle(ctx, assignee.Text("Guid")); err != nil {
		return err
	}
	if !there || r.report.Changed && r.isLate() {
		r.report.Outcome = exchange.GrantedReplicating
	}
	return nil
}

// setAssignment makes sure that an assignment makes the grant, and returns its
// GUID; "" when it is only planned. When somebody else was faster, it reads again
// once.
func (r *run) setAssignment(ctx context.Context, assignee exchange.Object, w *wanted) (string, error) {
	for first := true; ; first = false {
		r.step = exchange.StepReadAssignments
		if err := r.readAssignments(ctx); err != nil {
			return "", err
		}
		s, err := r.standing(ctx, assignee.Text("Guid"), w)
		if err != nil {
			return "", err
		}
		if first {
			if err := r.findStanding(ctx, s, w); err != nil {
				return "", err
			}
			for _, scope := range r.scopesNamed(w) {
				r.restOnScope(scope)
			}
		}
		r.report.Before = stateOf(s.concerned(), r.scopesNamed(w))
		if s.equal != nil {
			r.unchanged(exchange.StepReadAssignments, "Nothing to do: "+r.describe(*s.equal)+".", s.equal.Text("Guid"))
			if strings.EqualFold(s.equal.Text("CustomRecipientWriteScope"), w.name) {
				r.newScope = "" // it is in use now
			}
			return s.equal.Text("Guid"), nil
		}
		if first {
			if err := r.checkPlan(exchange.StepReadAssignments); err != nil {
				return "", err
			}
			r.unchanged(exchange.StepReadAssignments, "There is no equal grant.", "")
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

// makeAssignment enables, changes or creates the assignment.
func (r *run) makeAssignment(ctx context.Context, assignee exchange.Object, s *standing, w *wanted) (string, error) {
	if s.disabled != nil {
		return r.enableAssignment(ctx, *s.disabled)
	}
	holder := s.named
	if holder == nil {
		var err error
		if holder, err = r.findNamed(ctx); err != nil {
			return "", err
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
	found, err := r.list(ctx, exchange.GetAssignment(r.name, ""))
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
	if err := r.setScope(ctx, w); err != nil {
		return "", err
	}
	who, guid := assignee.Text("Name"), assignee.Text("Guid")
	written, err := r.change(ctx, change{
		step: exchange.StepAssign, action: exchange.ActionCreate,
		text: "Gives " + who + " the role for " + w.String(),
		why:  "there is no equal grant",
		command: func(dc string) exchange.Command {
			return exchange.NewAssignment(r.name, r.grant.Assignee.Kind, guid, exchange.Role, w.scope(), dc)
		},
		landed: func(ctx context.Context) (exchange.Object, bool, error) { return r.isAssigned(ctx, guid, w) },
		done: func(written exchange.Object) {
			r.newScope = ""
			r.undoBy(exchange.Inverse{Cmdlet: "Remove-ManagementRoleAssignment", Identity: written.Text("Guid")})
		},
	})
	return written.Text("Guid"), err
}

// isAssigned tells whether the assignment with the grant's name makes the grant now.
func (r *run) isAssigned(ctx context.Context, assignee string, w *wanted) (exchange.Object, bool, error) {
	if err := r.readScopes(ctx); err != nil {
		return exchange.Object{}, false, err
	}
	made, err := r.held(ctx, assignee, true)
	if err != nil {
		return exchange.Object{}, false, err
	}
	a, ok := named(made, r.name)
	return a, ok && isRegular(a) && r.compareAssignment(a, w) == equal, nil
}

func (r *run) enableAssignment(ctx context.Context, a exchange.Object) (string, error) {
	guid := a.Text("Guid")
	_, err := r.change(ctx, change{
		step: exchange.StepAssign, action: exchange.ActionUpdate,
		text:    "Enables '" + a.Text("Name") + "', which is equal but disabled",
		why:     "the assignment is equal but disabled",
		command: func(dc string) exchange.Command { return exchange.SetAssignmentEnabled(guid, true, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			now, there, err := r.byGUID(ctx, exchange.GetAssignment(guid, r.configurationServer), guid)
			return now, there && now.Bool("Enabled"), err
		},
		done: func(exchange.Object) {
			r.undoBy(exchange.Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: guid,
				Parameters: []exchange.InverseParameter{{Name: "Enabled", Value: false}}})
		},
	})
	return guid, err
}

// updateAssignment changes the scope of an assignment that has our name: it must be
// ours, and only its scope may be changed.
func (r *run) updateAssignment(ctx context.Context, a exchange.Object, ours bool, w *wanted) (string, error) {
	seen := r.describe(a)
	switch {
	case !ours || !strings.EqualFold(a.Text("Role"), exchange.Role):
		return "", r.conflict(exchange.StepAssign, "The name is in use: "+seen+" the role "+a.Text("Role")+". Choose another name with --name, "+
			"or leave it out.")
	case r.compareAssignment(a, w) == unknown:
		return "", r.conflict(exchange.StepAssign, seen+", whose filter exgrant cannot compare. Choose another name with --name.")
	case !r.o.UpdateScope:
		return "", r.conflict(exchange.StepAssign, seen+"; wanted is "+w.String()+". Use --update-scope to change it, or another name.")
	}
	if err := r.setScope(ctx, w); err != nil {
		return "", err
	}
	// Changing the definition of the scope that the assignment has can be all that is needed.
	if w.kind == writeCustom && strings.EqualFold(a.Text("CustomRecipientWriteScope"), w.name) {
		return a.Text("Guid"), nil
	}
	return r.moveAssignment(ctx, a, w)
}

// moveAssignment gives an assignment the wanted scope.
func (r *run) moveAssignment(ctx context.Context, a exchange.Object, w *wanted) (string, error) {
	guid, widening := a.Text("Guid"), ""
	if w.widens(a) {
		widening = " " + exchange.Widening
	}
	_, err := r.change(ctx, change{
		step: exchange.StepAssign, action: exchange.ActionUpdate,
		text:    "Changes the scope from " + r.describeScope(a) + " to " + w.String() + "." + widening,
		why:     "the assignment has " + r.describeScope(a) + "." + widening,
		command: func(dc string) exchange.Command { return exchange.SetAssignmentScope(guid, w.scope(), dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			if err := r.readScopes(ctx); err != nil {
				return exchange.Object{}, false, err
			}
			now, there, err := r.byGUID(ctx, exchange.GetAssignment(guid, r.configurationServer), guid)
			return now, there && r.compareAssignment(now, w) == equal, err
		},
		done: func(exchange.Object) {
			r.newScope = ""
			r.undoBy(exchange.Inverse{Cmdlet: "Set-ManagementRoleAssignment", Identity: guid, Parameters: []exchange.InverseParameter{oldScope(a)}})
		},
	})
	return guid, err
}

// readBack reads the assignment back, first from the server that took the write,
// then from any, and tells whether both show the grant.
func (r *run) readBack(ctx context.Context, guid string, w *wanted) (bool, error) {
	r.step = exchange.StepReadBack
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
			r.unchanged(exchange.StepReadBack, "The grant is written, but not every domain controller shows it yet.", guid)
			return false, nil
		}
		var scopes []exchange.Object
		if scope, ok := named(r.scopes, seen.Text("CustomRecipientWriteScope")); ok {
			scopes = append(scopes, scope)
		}
		r.report.After = stateOf([]exchange.Object{seen}, scopes)
	}
	r.unchanged(exchange.StepReadBack, "The assignment is there and enabled.", guid)
	return true, nil
}

// seenAt reads the assignment, and the scopes for comparing it, from one server.
func (r *run) seenAt(ctx context.Context, place, guid string, w *wanted) (exchange.Object, bool, error) {
	seen, there, err := r.byGUID(ctx, exchange.GetAssignment(guid, place), guid)
	if err != nil || !there {
		return seen, there, err
	}
	r.scopes = nil
	if w.kind == writeCustom {
		r.scopes, err = r.list(ctx, from(exchange.ListScopes(), place))
	}
	return seen, true, err
}
