package grant

import (
	"context"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Verify tells whether the grant is in place, by reading alone, and asks the server
// which of the grant's mailboxes are within reach. The outcome is verified or
// differs, unless the run could not be ended.
//
// The error is an exchange.ValidationError when the grant is not valid.
func Verify(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*exchange.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	r := newRun(inv, exchange.OperationVerify, g, o)
	return r.finish(ctx, r.verify(ctx)), nil
}

func (r *run) verify(ctx context.Context) error {
	r.report.Grant = r.state()
	if err := r.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	r.step = exchange.StepResolve
	assignee, err := r.resolveAssignee(ctx)
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

	r.step = exchange.StepReadAssignments
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	if r.grant.Assignee.Kind == exchange.RoleGroup {
		err = r.verifyRoleGroup(ctx, assignee, w)
	} else {
		err = r.verifyAssignment(ctx, *assignee, w)
	}
	if err != nil || assignee == nil {
		return err
	}
	r.step = exchange.StepOracle
	if err := r.askOracle(ctx, assignee.Text("Guid")); err != nil {
		return err
	}
	if r.oracleDiffers() {
		r.report.Outcome = exchange.Differs
	}
	return nil
}

// tell is the result of the comparison.
func (r *run) tell(inPlace bool, text, guid string) {
	r.report.Outcome = exchange.Differs
	if inPlace {
		r.report.Outcome = exchange.Verified
	}
	r.unchanged(exchange.StepReadAssignments, text, guid)
}

func (r *run) verifyAssignment(ctx context.Context, assignee exchange.Object, w *wanted) error {
	s, err := r.standing(ctx, assignee.Text("Guid"), w)
	if err != nil {
		return err
	}
	if err := r.findStanding(ctx, s, w); err != nil {
		return err
	}
	r.report.After = stateOf(s.concerned(), r.scopesNamed(w))
	switch {
	case s.equal != nil:
		there, err := r.isPinned(ctx, *s.equal)
		if err != nil {
			return err
		}
		r.tell(there, "In place: "+r.describe(*s.equal)+".", s.equal.Text("Guid"))
	case s.disabled != nil:
		r.tell(false, "Equal, but disabled: '"+s.disabled.Text("Name")+"'.", "")
	case s.named != nil:
		r.tell(false, "Not in place. The name is there, but "+r.describe(*s.named)+".", "")
	default:
		r.tell(false, "Not in place: there is no equal grant.", "")
	}
	return nil
}

// isPinned tells whether the assignment is on the domain controller that the grant
// names, too.
func (r *run) isPinned(ctx context.Context, a exchange.Object) (bool, error) {
	pin, guid := r.grant.DomainController, a.Text("Guid")
	if pin == "" {
		return true, nil
	}
	r.report.Target.DomainController = pin
	_, there, err := r.byGUID(ctx, exchange.GetAssignment(guid, pin), guid)
	if err == nil && !there {
		r.find("not-replicated", exchange.SeverityWarning, "'"+a.Text("Name")+"' is not on this domain controller yet: "+pin+".", guid)
	}
	return there, err
}

func (r *run) verifyRoleGroup(ctx context.Context, group *exchange.Object, w *wanted) error {
	if err := r.findExclusive(ctx, w); err != nil {
		return err
	}
	if group == nil {
		r.tell(false, "Not in place: there is no role group '"+r.grant.Assignee.Identity+"'.", "")
		return nil
	}
	members, err := r.resolveMembers(ctx)
	if err != nil {
		return err
	}
	d, err := r.compareRoleGroup(ctx, *group, members, w)
	if err != nil {
		return err
	}
	name, guid, lacks := group.Text("Name"), group.Text("Guid"), d.foreign
	for _, m := range d.absent {
		lacks = append(lacks, m.Text("Name")+" is not a member")
	}
	if d.noConfiguration {
		lacks = append(lacks, "it does not have the role "+exchange.RoleViewOnlyConfiguration)
	}
	if r.report.After, err = r.roleGroupState(ctx, *group, d.ownList(), nil); err != nil {
		return err
	}
	for _, m := range d.others {
		r.find("other-member", exchange.SeverityWarning, m.Text("Name")+" is in the role group '"+name+"' too, and holds the role by it.",
			m.Text("Guid"))
	}
	if len(lacks) > 0 {
		r.tell(false, "Not in place: "+strings.Join(lacks, "; ")+".", guid)
		return nil
	}
	r.tell(true, "In place: the role group '"+name+"' has the role, the scope and the members.", guid)
	return nil
}
