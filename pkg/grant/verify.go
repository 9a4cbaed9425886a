package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// Verify tells whether the grant is in place, by reading alone, and asks the server
// which of the grant's mailboxes are within reach. The outcome is verified or
// differs, unless the run could not be ended: differs also when another grant lets the
// account reach more, unless the grant accepts it or Options.Beside explains it, and when the
// account is disabled.
//
// The error is a *report.Stopped with the report when the outcome is not verified, an
// exchange.ValidationError when the grant is not valid.
func Verify(ctx context.Context, inv exchange.Invoker, g exchange.Grant, o Options) (*report.Report, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	r := newRun(inv, report.OperationVerify, g, o)
	return r.conclude(ctx, r.verify(ctx))
}

// VerifyAssignment is Verify for an assignment that is known by its name or its GUID:
// the grant is what that assignment gives. Of g, InScope, OutOfScope and Accept count.
//
// The error is as Verify's, or says what is wrong with the identity or the mailboxes.
func VerifyAssignment(ctx context.Context, inv exchange.Invoker, identity string, g exchange.Grant, o Options) (*report.Report, error) {
	for _, s := range slices.Concat([]string{identity}, g.InScope, g.OutOfScope, g.Accept) {
		if err := exchange.CheckIdentity(s); err != nil {
			return nil, fmt.Errorf("verify: %q %w", s, err)
		}
	}
	r := newRun(inv, report.OperationVerify, exchange.Grant{InScope: g.InScope, OutOfScope: g.OutOfScope, Accept: g.Accept}, o)
	return r.conclude(ctx, r.verifyIdentity(ctx, identity))
}

func (r *run) verify(ctx context.Context) error {
	r.report.Grant = report.NewGrantState(r.grant)
	if err := r.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	assignee, members, w, err := r.resolve(ctx)
	if err != nil {
		return err
	}

	r.step = report.StepReadAssignments
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	if r.grant.Assignee.Kind == exchange.RoleGroup {
		err = r.verifyRoleGroup(ctx, assignee, members, w)
	} else {
		err = r.verifyAssignment(ctx, *assignee, w)
	}
	if err != nil || assignee == nil {
		return err
	}
	return r.verifyReach(ctx, holderOf(*assignee))
}

// verifyReach asks about the mailboxes, and decides the outcome.
func (r *run) verifyReach(ctx context.Context, assignee holder) error {
	r.step = report.StepReach
	if err := r.askReach(ctx, assignee); err != nil {
		return err
	}
	r.findLate()
	if r.reachDiffers() {
		r.report.Outcome = report.Differs
		r.decides("out-of-scope-allowed")
		r.decides("in-scope-refused")
	}
	if r.decides(accountDisabled) || r.decidesStale() {
		r.report.Outcome = report.Differs
	}
	return nil
}

// decidesStale says that the outcome rests on the grant's own scope, where the group of
// it is gone: it holds nobody.
func (r *run) decidesStale() bool {
	isStale := func(f report.Finding) bool { return f.ID == scopeStale && len(f.Objects) == 0 }
	i := slices.IndexFunc(r.report.Findings, isStale)
	if i < 0 {
		return false
	}
	r.report.Findings[i].Decides = true
	r.decides(scopeEmpty)
	return true
}

// verifyIdentity looks at one assignment, whatever it gives.
func (r *run) verifyIdentity(ctx context.Context, identity string) error {
	if err := r.preflight(ctx, needs(getAssignment)); err != nil {
		return err
	}
	r.step = report.StepReadAssignments
	if err := r.readAssignments(ctx); err != nil {
		return err
	}
	a, err := r.findAssignment(ctx, identity)
	if err != nil {
		return err
	}
	if a == nil {
		return r.stop(report.NotFound, report.Step{ID: report.StepReadAssignments, Text: "There is no assignment '" + identity + "'. exgrant audit " +
			"lists those that there are."})
	}
	if err := r.checkOurKind(*a); err != nil {
		return err
	}
	r.name = a.Text("Name")
	r.report.Grant = r.stateOfAssignment(*a)
	r.step = report.StepResolve
	assignee, found, err := r.assigneeOf(ctx, *a)
	if err != nil {
		return err
	}
	if !found {
		return r.tellGoneHolder(*a)
	}
	r.tellAssignee(assignee)
	if r.report.Grant.Assignee.Kind == exchange.User {
		r.grant.Assignee.Kind = exchange.User
		r.checkMailbox(assignee)
	}
	if err := r.findPrivileges(ctx, &assignee, nil); err != nil {
		return err
	}
	if err := r.resolveProofs(ctx); err != nil {
		return err
	}
	w, err := r.scopeOf(ctx, *a)
	if err != nil {
		return err
	}
	r.unchanged(report.StepResolve, assignee.Text("Name")+"; "+w.String(), "")
	if err := r.verifyAssignment(ctx, assignee, w); err != nil {
		return err
	}
	return r.verifyReach(ctx, holderOf(assignee))
}

// tellGoneHolder says of an assignment that nobody has it any more.
func (r *run) tellGoneHolder(a exchange.Object) error {
	who, kind := a.Text("RoleAssignee"), a.Text("RoleAssigneeType")
	isOwnKind := hasText([]string{"User", "SecurityGroup", "RoleGroup"}, kind)
	if !isOwnKind && !gonePattern.MatchString(who) {
		return r.stopNotFound("account or group", who, "")
	}
	if who != "" {
		who = ", " + who + ","
	}
	r.report.After = stateOf([]exchange.Object{a}, nil)
	r.step = report.StepReadAssignments
	r.tell(false, "The assignment '"+a.Text("Name")+"' is there, and its account is gone.", a.Text("Guid"))
	r.find(accountGone, report.SeverityWarning, "'"+a.Text("Name")+"' is made to an account"+who+" that is gone. To remove it: "+takeBack(a), a.Text("Guid"))
	r.decides(accountGone)
	return nil
}

// accountGone is the finding that an account is no longer there.
const accountGone = "account-gone"

// findAssignment returns the assignment with a name or GUID, nil when there is none.
func (r *run) findAssignment(ctx context.Context, identity string) (*exchange.Object, error) {
	isIt := func(a exchange.Object) bool {
		return strings.EqualFold(a.Text("Name"), identity) || strings.EqualFold(a.Text("Guid"), identity)
	}
	if i := slices.IndexFunc(r.assignments, isIt); i >= 0 {
		return &r.assignments[i], nil
	}
	found, there, err := r.resolveOne(ctx, commands.GetAssignment(identity, r.configurationServer), identity)
	if err != nil || !there || !isIt(found) {
		return nil, err
	}
	return &found, nil
}

// checkOurKind stops for an assignment that is none of the kind that exgrant makes.
func (r *run) checkOurKind(a exchange.Object) error {
	isRole := func(role string) bool { return strings.EqualFold(role, a.Text("Role")) }
	if isRegular(a) && slices.ContainsFunc(r.roles, isRole) {
		return nil
	}
	kind := "delegating"
	if isRegular(a) {
		kind = "regular"
	}
	return r.conflict(report.StepReadAssignments, "The assignment '"+a.Text("Name")+"' does not give the role "+exchange.Role+": it is a "+
		kind+" assignment of "+a.Text("Role")+". Nothing was changed.")
}

// assigneeOf returns the account or group that has an assignment.
func (r *run) assigneeOf(ctx context.Context, a exchange.Object) (exchange.Object, bool, error) {
	identity := a.Text("RoleAssignee")
	if identity == "" {
		return exchange.Object{}, false, nil
	}
	switch kind := a.Text("RoleAssigneeType"); {
	case strings.EqualFold(kind, "User"):
		return r.seek(ctx, commands.GetUser(identity))
	case strings.EqualFold(kind, "RoleGroup"):
		return r.seek(ctx, commands.GetRoleGroup(identity))
	}
	return r.seek(ctx, commands.GetGroup(identity))
}

// scopeOf is the scope of an assignment as one that is wanted, counted.
func (r *run) scopeOf(ctx context.Context, a exchange.Object) (*wanted, error) {
	of := a.Text("CustomRecipientWriteScope")
	w := &wanted{kind: a.Text("RecipientWriteScope")}
	switch w.kind {
	case writeOrganization:
		return w, nil
	case writeUnit:
		unit, found, err := r.resolveOne(ctx, commands.GetOrganizationalUnit(of), of)
		if err != nil {
			return nil, err
		}
		if w.unit, w.unitDN = of, of; found {
			w.unit, w.unitDN = unit.Text("Identity"), unit.Text("DistinguishedName")
		}
	case writeCustom:
		scope, ok := named(r.scopes, of)
		if !ok {
			return nil, r.stopNotFound("management scope", of, "")
		}
		w.name, w.guid = of, scope.Text("Guid")
		w.filter, w.root = scope.Text("RecipientFilter"), scope.Text("RecipientRoot")
		w.key = filterKey(w.filter)
	default:
		return nil, r.conflict(report.StepReadAssignments, "'"+a.Text("Name")+"' has "+r.describeScope(a)+", which exgrant neither makes nor checks.")
	}
	return w, r.measure(ctx, w)
}

// tell is the result of the comparison.
func (r *run) tell(inPlace bool, text, guid string) {
	r.asWanted = inPlace
	r.report.Outcome = report.Differs
	if inPlace {
		r.report.Outcome = report.Verified
	}
	r.unchanged(report.StepReadAssignments, text, guid)
}

func (r *run) verifyAssignment(ctx context.Context, assignee exchange.Object, w *wanted) error {
	s, err := r.standing(ctx, assignee, w)
	if err != nil {
		return err
	}
	r.compared = s
	if err := r.findStale(ctx, s, w); err != nil {
		return err
	}
	if err := r.findExclusive(ctx, w); err != nil {
		return err
	}
	r.report.After = stateOf(s.concerned(), r.scopesNamed(w))
	switch {
	case s.equal != nil:
		r.tellName(*s.equal)
		there, err := r.isPinned(ctx, *s.equal)
		if err != nil {
			return err
		}
		r.tell(there, report.InPlace+": "+r.describe(*s.equal)+".", s.equal.Text("Guid"))
	case s.disabled != nil:
		r.tell(false, "Equal, but disabled: '"+s.disabled.Text("Name")+"'.", "")
	case s.named != nil:
		r.tell(false, report.NotInPlace+". The name is there, but "+r.describe(*s.named)+".", "")
	default:
		r.tell(false, report.NotInPlace+": there is no equal grant.", "")
	}
	var unknown []otherGrant
	for _, a := range s.unknown {
		if a.Bool("Enabled") {
			unknown = append(unknown, otherGrant{scopeUnverified, report.SeverityWarning, "The filter of " + r.describeScope(a) + " of '" + a.Text("Name") +
				"' could not be understood: whether it reaches more cannot be said.", a, true})
		}
	}
	return r.judge(ctx, slices.Concat(r.namedGrant(s, w), r.otherGrants(s, w), unknown))
}

// namedGrant is the assignment that has the grant's name and does not make the grant.
func (r *run) namedGrant(s *standing, w *wanted) []otherGrant {
	isNamed := func(a exchange.Object) bool { return a.Text("Guid") == s.named.Text("Guid") }
	switch {
	case s.named == nil, s.equal != nil && isNamed(*s.equal), s.disabled != nil && isNamed(*s.disabled), slices.ContainsFunc(s.unknown, isNamed):
		return nil
	case !s.ours:
		return []otherGrant{{"name-taken", report.SeverityWarning, "The name of the grant is another's: " + r.describe(*s.named) + ".", *s.named, s.equal == nil}}
	}
	text := r.describe(*s.named) + " instead. To take it back: " + takeBack(*s.named)
	return []otherGrant{{"other-grant", report.SeverityWarning, text, *s.named, s.equal == nil || s.named.Bool("Enabled") && r.reachesMore(*s.named, w)}}
}

// judge tells the other grants of the account, and differs when one lets it reach more
// and nothing explains it.
func (r *run) judge(ctx context.Context, others []otherGrant) error {
	others, err := r.unexplained(ctx, others)
	if err != nil {
		return err
	}
	for _, o := range others {
		r.find(o.id, o.severity, o.text, o.assignment.Text("Guid"))
		if o.more {
			r.report.Outcome = report.Differs
			r.report.Findings[len(r.report.Findings)-1].Decides = true
		}
	}
	return nil
}

// unexplained are those of the other grants that neither the grant accepts nor another one
// of the same file explains. The rest is told.
func (r *run) unexplained(ctx context.Context, others []otherGrant) ([]otherGrant, error) {
	var beside []expected
	if len(others) > 0 {
		var err error
		if beside, err = r.readBeside(ctx); err != nil {
			return nil, err
		}
	}
	var left []otherGrant
	for _, o := range others {
		guid, name := o.assignment.Text("Guid"), o.assignment.Text("Name")
		isAccepted := func(known string) bool { return strings.EqualFold(known, guid) || strings.EqualFold(known, name) }
		isMeant := func(e expected) bool { return e.holds[guid] && r.compareAssignment(o.assignment, e.scope) == equal }
		switch {
		case slices.ContainsFunc(r.grant.Accept, isAccepted):
			r.find("accepted", report.SeverityInfo, "'"+name+"' is accepted, and was not examined: it gives "+r.describeScope(o.assignment)+".", guid)
		case slices.ContainsFunc(beside, isMeant):
			r.find("accepted", report.SeverityInfo, "'"+name+"' is another grant of the same file.", guid)
		default:
			left = append(left, o)
		}
	}
	return left, nil
}

// An expected is another grant that is meant to be there: the assignments that its
// assignee holds, and its scope.
type expected struct {
	holds map[string]bool
	scope *wanted
}

// readBeside looks up the other grants that are meant to be there; one that cannot be
// found explains nothing.
func (r *run) readBeside(ctx context.Context) ([]expected, error) {
	var all []expected
	for _, g := range r.o.Beside {
		other := r.shadow()
		other.grant, other.name = g, g.AssignmentName()
		other.report.Grant, other.report.Operation = report.NewGrantState(g), report.OperationRevoke // nothing is counted
		assignee, err := other.resolveAssignee(ctx)
		if err == nil && assignee == nil || errors.Is(err, errStopped) {
			continue
		}
		if err != nil {
			return nil, err
		}
		scope, err := other.resolveScope(ctx)
		if errors.Is(err, errStopped) {
			continue
		}
		if err != nil {
			return nil, err
		}
		held, err := r.held(ctx, holderOf(*assignee), true)
		if err != nil {
			return nil, err
		}
		all = append(all, expected{guids(held), scope})
	}
	return all, nil
}

// isPinned tells whether the assignment is on the domain controller that the grant
// names, too.
func (r *run) isPinned(ctx context.Context, a exchange.Object) (bool, error) {
	pin, guid := r.grant.DomainController, a.Text("Guid")
	if pin == "" {
		return true, nil
	}
	r.report.Target.DomainController = pin
	_, there, err := r.byGUID(ctx, commands.GetAssignment(guid, pin), guid)
	if err == nil && !there {
		r.find("not-replicated", report.SeverityWarning, "'"+a.Text("Name")+"' is not on this domain controller yet: "+pin+".", guid)
	}
	return there, err
}

func (r *run) verifyRoleGroup(ctx context.Context, group *exchange.Object, members []exchange.Object, w *wanted) error {
	if err := r.findExclusive(ctx, w); err != nil {
		return err
	}
	if group == nil {
		r.tell(false, report.NotInPlace+": there is no role group '"+r.grant.Assignee.Identity+"'.", "")
		others, err := r.memberGrants(ctx, nil, members, w)
		if err != nil {
			return err
		}
		return r.judge(ctx, others)
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
		r.find("other-member", report.SeverityWarning, m.Text("Name")+" is in the role group '"+name+"' too, and holds the role by it.",
			m.Text("Guid"))
	}
	if len(lacks) > 0 {
		r.tell(false, report.NotInPlace+": "+strings.Join(lacks, "; ")+".", guid)
	} else {
		r.tell(true, report.InPlace+": the role group '"+name+"' has the role, the scope and the members.", guid)
	}
	others, err := r.memberGrants(ctx, d.held, members, w)
	if err != nil {
		return err
	}
	return r.judge(ctx, others)
}
