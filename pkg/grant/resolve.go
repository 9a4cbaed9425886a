package grant

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/exgrant/exgrant/pkg/report"
)

// maxShown is how many candidates or recipients are named.
const maxShown = 10

// resolveOne returns the one object of an identity, and whether there is one;
// several end the run.
func (r *run) resolveOne(ctx context.Context, c exchange.Command, identity string) (exchange.Object, bool, error) {
	several := fmt.Sprintf("'%s' is the name of several objects.", identity)
	found, err := r.list(ctx, c)
	switch {
	case reports(err, fault.PrincipalNotFound):
		return exchange.Object{}, false, nil
	case reports(err, fault.PrincipalAmbiguous):
		f := faultOf(err)
		return exchange.Object{}, false, r.stop(report.Failed, report.Step{ID: report.StepResolve, Text: several, Fault: &f})
	case err != nil || len(found) == 0:
		return exchange.Object{}, false, err
	case len(found) == 1:
		return found[0], true, nil
	}
	var candidates []string
	for _, o := range found[:min(maxShown, len(found))] {
		candidates = append(candidates, o.Text("DistinguishedName"))
	}
	return exchange.Object{}, false, r.stop(report.Failed, report.Step{ID: report.StepResolve, Text: several, Fault: &fault.Fault{
		ID: fault.PrincipalAmbiguous, Rule: "several-objects", Message: fmt.Sprintf("'%s' matches %s", identity, strings.Join(candidates, " and ")),
		Hint: "Name one of them by its distinguished name, UPN or GUID.", Retry: fault.RetryNever,
	}})
}

// seek is resolveOne for what need not be there: none and several are both none.
func (r *run) seek(ctx context.Context, c exchange.Command) (exchange.Object, bool, error) {
	found, err := r.list(ctx, c)
	switch {
	case reports(err, fault.PrincipalNotFound), reports(err, fault.PrincipalAmbiguous):
		return exchange.Object{}, false, nil
	case err != nil || len(found) != 1:
		return exchange.Object{}, false, err
	}
	return found[0], true, nil
}

func (r *run) stopNotFound(what, identity, domainController string) error {
	where := "in the forest"
	if domainController != "" {
		where = "on this domain controller (" + domainController + ")"
	}
	f := fault.Fault{
		ID: fault.PrincipalNotFound, Rule: "no-object", Message: fmt.Sprintf("There is no %s '%s' %s.", what, identity, where),
		Hint: `Check the spelling. A UPN, DOMAIN\name, distinguished name or GUID is surest.`, Retry: fault.RetryNever,
	}
	return r.stop(report.NotFound, report.Step{ID: report.StepResolve, Text: f.Message, Fault: &f})
}

// resolve looks up everything that the grant names: its account or group (nil where a
// role group is not there yet) and the role group's members, its mailboxes and its scope.
func (r *run) resolve(ctx context.Context) (assignee *exchange.Object, members []exchange.Object, w *wanted, err error) {
	r.step = report.StepResolve
	if assignee, err = r.resolveAssignee(ctx); err != nil {
		return nil, nil, nil, err
	}
	if members, err = r.resolveMembers(ctx); err != nil {
		return nil, nil, nil, err
	}
	if err = r.findPrivileges(ctx, assignee, members); err != nil {
		return nil, nil, nil, err
	}
	if err = r.resolveMailbox(ctx); err != nil {
		return nil, nil, nil, err
	}
	if err = r.resolveProofs(ctx); err != nil {
		return nil, nil, nil, err
	}
	if w, err = r.resolveScope(ctx); err != nil {
		return nil, nil, nil, err
	}
	r.unchanged(report.StepResolve, r.resolvedText(assignee, w), "")
	return assignee, members, w, nil
}

// resolveAssignee returns the account or group that receives the role. A role
// group need not exist yet: nil then.
func (r *run) resolveAssignee(ctx context.Context) (*exchange.Object, error) {
	var object exchange.Object
	var found bool
	var err error
	identity := r.grant.Assignee.Identity
	switch r.grant.Assignee.Kind {
	case exchange.User:
		object, found, err = r.resolveOne(ctx, commands.GetUser(identity), identity)
	case exchange.SecurityGroup:
		object, found, err = r.resolveOne(ctx, commands.GetGroup(identity), identity)
	default:
		object, found, err = r.findRoleGroup(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case !found && r.grant.Assignee.Kind == exchange.RoleGroup:
		return nil, nil
	case !found:
		return nil, r.stopNotFound(string(r.grant.Assignee.Kind), identity, "")
	}
	r.tellAssignee(object)
	switch r.grant.Assignee.Kind {
	case exchange.User:
		r.rest("User", object, "Name", "DistinguishedName", "RecipientTypeDetails")
		r.checkMailbox(object)
	case exchange.SecurityGroup:
		r.rest("Group", object, "Name", "DistinguishedName")
		if err := r.checkGroup(object, identity); err != nil {
			return nil, err
		}
	}
	return &object, nil
}

func (r *run) tellAssignee(o exchange.Object) {
	a := &r.report.Grant.Assignee
	a.Name, a.GUID, a.DistinguishedName = o.Text("Name"), o.Text("Guid"), o.Text("DistinguishedName")
}

// checkMailbox says what is to be known of the mailbox of an account.
func (r *run) checkMailbox(o exchange.Object) {
	kind := strings.ToLower(o.Text("RecipientTypeDetails"))
	switch {
	case strings.HasPrefix(kind, "remote"):
		r.find("cloud-mailbox", report.SeverityWarning, "The mailbox of "+o.Text("Name")+" is in Exchange Online: on-premises "+
			"impersonation does not reach mailboxes there.")
	case !strings.HasSuffix(kind, "mailbox"):
		r.find("no-mailbox", report.SeverityInfo, o.Text("Name")+" has no mailbox. Exchange 2016 and later do not need one; "+
			"Exchange 2013 does.")
	}
}

// resolveMailbox resolves the service's own mailbox, when one was named.
func (r *run) resolveMailbox(ctx context.Context) error {
	identity := r.grant.Mailbox
	if identity == "" {
		return nil
	}
	kind := "Recipient"
	recipient, found, err := r.resolveOne(ctx, commands.GetRecipient(identity), identity)
	if err == nil && !found {
		// An account without a mailbox is no recipient.
		kind = "User"
		recipient, found, err = r.resolveOne(ctx, commands.GetUser(identity), identity)
	}
	switch {
	case err != nil:
		return err
	case !found:
		return r.stopNotFound("mailbox", identity, "")
	}
	r.rest(kind, recipient, "Name", "PrimarySmtpAddress", "RecipientTypeDetails")
	if address := recipient.Text("PrimarySmtpAddress"); address != "" {
		r.report.Grant.Mailbox = address
	}
	if r.grant.Assignee.Kind != exchange.User {
		r.checkMailbox(recipient)
	}
	return nil
}

// resolveScope returns what is wanted, with the recipients counted unless the
// grant is to be revoked.
func (r *run) resolveScope(ctx context.Context) (*wanted, error) {
	state := &r.report.Grant.Scope
	w, err := r.findScope(ctx)
	if err != nil || w.kind == writeOrganization {
		return w, err
	}
	switch w.kind {
	case writeUnit:
		state.Root = w.unitDN
	case writeCustom:
		w.key = filterKey(w.filter)
		state.Name, state.Filter, state.Root = w.name, w.filter, w.root
	}
	if r.report.Operation == report.OperationRevoke {
		return w, nil
	}
	return w, r.measure(ctx, w)
}

func (r *run) findScope(ctx context.Context) (*wanted, error) {
	switch r.grant.Scope.Kind {
	case exchange.OrganizationalUnit:
		return r.resolveUnit(ctx)
	case exchange.Existing:
		return r.resolveExistingScope(ctx)
	case exchange.Group:
		group, err := r.resolveScopeGroup(ctx)
		if err != nil {
			return nil, err
		}
		filter, err := opath.MemberOf(group.Text("DistinguishedName"))
		if err != nil {
			return nil, err
		}
		return &wanted{kind: writeCustom, name: r.grant.ScopeName(), filter: filter, group: &group}, nil
	case exchange.RecipientFilter:
		return &wanted{kind: writeCustom, name: r.grant.ScopeName(), filter: r.grant.Scope.Text}, nil
	}
	return &wanted{kind: writeOrganization}, nil
}

func (r *run) resolveUnit(ctx context.Context) (*wanted, error) {
	identity := r.grant.Scope.Text
	unit, found, err := r.resolveOne(ctx, commands.GetOrganizationalUnit(identity), identity)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, r.stopNotFound("organizational unit", identity, "")
	}
	r.rest("OrganizationalUnit", unit, "Identity", "DistinguishedName")
	return &wanted{kind: writeUnit, unit: unit.Text("Identity"), unitDN: unit.Text("DistinguishedName")}, nil
}

func (r *run) resolveScopeGroup(ctx context.Context) (exchange.Object, error) {
	identity := r.grant.Scope.Text
	group, found, err := r.resolveOne(ctx, commands.GetGroup(identity), identity)
	switch {
	case err != nil:
		return group, err
	case !found:
		return group, r.stopNoGroup(ctx, identity)
	}
	r.rest("Group", group, "Name", "DistinguishedName", "GroupType")
	if !strings.Contains(strings.ToLower(group.Text("GroupType")), "universal") {
		r.find("group-not-universal", report.SeverityWarning, group.Text("Name")+" is not a universal group: members in other domains "+
			"may be missing from the scope.", group.Text("Guid"))
	}
	return group, nil
}

// stopNoGroup ends the run for want of a scope group. A dynamic group answers as a
// recipient only.
func (r *run) stopNoGroup(ctx context.Context, identity string) error {
	other, found, err := r.resolveOne(ctx, commands.GetRecipient(identity), identity)
	switch {
	case err != nil:
		return err
	case found && other.Text("RecipientTypeDetails") == "DynamicDistributionGroup":
		return r.conflict(report.StepResolve, "'"+identity+"' is a dynamic group: it has no list of members that a scope could use. "+
			"Use its recipient filter with --scope-filter instead.")
	}
	return r.stopNotFound("group", identity, "")
}

func (r *run) resolveExistingScope(ctx context.Context) (*wanted, error) {
	identity := r.grant.Scope.Text
	scope, found, err := r.resolveOne(ctx, commands.GetScope(identity, r.configurationServer), identity)
	if err != nil {
		return nil, err
	}
	isIt := strings.EqualFold(scope.Text("Name"), identity) || strings.EqualFold(scope.Text("Guid"), identity) ||
		strings.EqualFold(scope.Text("DistinguishedName"), identity)
	switch {
	case !found || !isIt:
		return nil, r.stopNotFound("management scope", identity, r.writeServer)
	case !isRecipientScope(scope):
		return nil, r.conflict(report.StepResolve, "The scope '"+scope.Text("Name")+"' is exclusive or not for recipients: an assignment of "+
			"this role cannot use it. Name a regular recipient scope.")
	}
	r.restOnScope(scope)
	return &wanted{kind: writeCustom, name: scope.Text("Name"), guid: scope.Text("Guid"), filter: scope.Text("RecipientFilter"),
		root: scope.Text("RecipientRoot")}, nil
}

func isRecipientScope(scope exchange.Object) bool {
	return !scope.Bool("Exclusive") && strings.EqualFold(scope.Text("ScopeRestrictionType"), "RecipientScope")
}

// measure counts whom the scope reaches now, and says what would surprise.
func (r *run) measure(ctx context.Context, w *wanted) error {
	if !r.has(getRecipient) {
		return nil
	}
	root := w.root
	if w.unitDN != "" {
		root = w.unitDN
	}
	cloud := 0
	err := r.stream(ctx, commands.ListRecipients(w.filter, root), func(o exchange.Object) error {
		if w.count++; w.count <= maxShown {
			w.first = append(w.first, o.Text("Name"))
		}
		if strings.HasPrefix(strings.ToLower(o.Text("RecipientTypeDetails")), "remote") {
			cloud++
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.counted = true
	r.report.Grant.Scope.Recipients = &w.count
	if w.count == 0 {
		r.find(scopeEmpty, report.SeverityWarning, "The scope holds no recipient now: the grant would reach nobody.")
	}
	if cloud > 0 {
		r.find("cloud-targets", report.SeverityInfo, fmt.Sprintf("%d of %d mailboxes in the scope are in Exchange Online: on-premises "+
			"impersonation does not reach them.", cloud, w.count))
	}
	return r.checkScopeGroup(ctx, w)
}

// memberOfPattern is a filter that is nothing but the members of one group.
var memberOfPattern = regexp.MustCompile(`(?i)^[^\pL\pN_]*MemberOfGroup\s+-eq\s+'((?:[^']|'')+)'[^\pL\pN_]*$`)

// checkScopeGroup looks at the group of a group scope: it means the direct members
// of the group with exactly this distinguished name.
func (r *run) checkScopeGroup(ctx context.Context, w *wanted) error {
	group, err := r.scopeGroup(ctx, w)
	if err != nil || group == nil {
		return err
	}
	nested, err := r.listLoosely(ctx, commands.ListGroups(w.filter))
	if err != nil || len(nested) == 0 {
		return err
	}
	r.find("nested-not-included", report.SeverityInfo, "Groups inside "+group.Text("Name")+" are not followed: members of "+
		names(nested)+" are not in the scope unless they are direct members too.")
	return nil
}

// scopeGroup returns the group whose members the scope holds; nil when the scope is
// another one, or its group is gone.
func (r *run) scopeGroup(ctx context.Context, w *wanted) (*exchange.Object, error) {
	if w.group != nil {
		return w.group, nil
	}
	return r.groupOf(ctx, w.filter, "The scope")
}

// Findings about a scope: it holds nobody, and its group is gone.
const scopeEmpty, scopeStale = "scope-empty", "scope-stale"

// groupOf returns the group whose members a filter matches, nil when it is another
// filter. That its group is gone is a finding about what has the filter.
func (r *run) groupOf(ctx context.Context, filter, what string, objects ...string) (*exchange.Object, error) {
	m := memberOfPattern.FindStringSubmatch(filter)
	if m == nil {
		return nil, nil
	}
	dn := strings.ReplaceAll(m[1], "''", "'")
	group, found, err := r.resolveOne(ctx, commands.GetGroup(dn), dn)
	if err == nil && !found {
		r.find(scopeStale, report.SeverityWarning, what+" names the group "+dn+", which no longer exists under that name: it was "+
			"renamed, moved or deleted.", objects...)
	}
	if err != nil || !found {
		return nil, err
	}
	return &group, nil
}

// names is the names of objects as a list in words.
func names(objects []exchange.Object) string {
	texts := make([]string, len(objects))
	for i, o := range objects {
		texts[i] = o.Text("Name")
	}
	return strings.Join(texts, ", ")
}

// resolvedText tells what the names of the grant stand for.
func (r *run) resolvedText(assignee *exchange.Object, w *wanted) string {
	who := r.grant.Assignee.Identity + " (does not exist yet)"
	if assignee != nil {
		who = assignee.Text("Name")
	}
	switch {
	case w.kind == writeOrganization:
		return who + "; the whole organization"
	case !w.counted:
		return who + "; " + r.grant.Scope.Text
	}
	shown := who + "; " + r.grant.Scope.Text + ": " + recipients(w.count)
	if w.count > 0 {
		shown += " (" + strings.Join(w.first, ", ") + ")"
	}
	return shown
}
