package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/exgrant/exgrant/pkg/report"
)

// checkGroup stops for a group that cannot hold a role: only universal security groups
// can. A property that the shell does not show decides nothing.
func (r *run) checkGroup(group exchange.Object, given string) error {
	kind, details := strings.ToLower(group.Text("GroupType")), group.Text("RecipientTypeDetails")
	universal := !strings.EqualFold(details, "NonUniversalGroup") && (kind == "" || strings.Contains(kind, "universal"))
	security := kind == "" || strings.Contains(kind, "securityenabled")
	if universal && security {
		return nil
	}
	what := "a distribution group"
	if !universal {
		what = "not a universal group"
	}
	r.find("group-unfit", report.SeverityWarning, "'"+given+"' is "+what+" and cannot hold a role.", group.Text("Guid"))
	return r.conflict(report.StepResolve, "'"+given+"' is "+what+" and cannot hold a role: only universal security groups can. Name one, or make "+
		"a role group with --role-group.")
}

// findPrivileges says of the accounts that get the role what may keep them from using
// it.
func (r *run) findPrivileges(ctx context.Context, assignee *exchange.Object, members []exchange.Object) error {
	accounts := members
	if r.grant.Assignee.Kind == exchange.User && assignee != nil {
		accounts = []exchange.Object{*assignee}
	}
	for _, account := range accounts {
		if _, isGroup := account.Value("GroupType"); isGroup {
			continue
		}
		r.findDisabled(account)
		if err := r.findAdministrator(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// findDisabled says of an account that it cannot log on. Shared, room and linked
// mailboxes have such accounts.
func (r *run) findDisabled(account exchange.Object) {
	control := strings.ToLower(account.Text("UserAccountControl"))
	if !strings.Contains(control, "accountdisabled") && !account.Bool("AccountDisabled") {
		return
	}
	why := ""
	switch kind := strings.ToLower(account.Text("RecipientTypeDetails")); kind {
	case "linkedmailbox":
		why = " The accounts of linked mailboxes are, by design: the service logs on as the linked account of the other forest."
	case "sharedmailbox", "roommailbox", "equipmentmailbox":
		why = " The accounts of shared, room and equipment mailboxes are, by design: give the right to an account of the service's own."
	}
	r.find(accountDisabled, report.SeverityWarning, "The account of "+account.Text("Name")+" is disabled: it cannot log on, and Exchange Web "+
		"Services answer 401."+why, account.Text("Guid"))
}

const accountDisabled = "account-disabled"

// adminGroups are the groups of administrators, by the ends of their SIDs
// (learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers).
var adminGroups = []struct{ end, name string }{
	{"-512", "Domain Admins"}, {"-518", "Schema Admins"}, {"-519", "Enterprise Admins"},
}

const (
	administratorsSID = "S-1-5-32-544"
	domainSID         = "S-1-5-21-"
)

// adminGroup is the English name of a group of administrators; "" for another group.
func adminGroup(sid string) string {
	if strings.EqualFold(sid, administratorsSID) {
		return "Administrators"
	}
	for _, g := range adminGroups {
		if strings.HasPrefix(sid, domainSID) && strings.HasSuffix(sid, g.end) {
			return g.name
		}
	}
	return ""
}

// findAdministrator says of an administrator's account that impersonation may fail
// with it: Exchange denies administrators other people's mailboxes.
func (r *run) findAdministrator(ctx context.Context, account exchange.Object) error {
	sid, what := account.Text("Sid"), ""
	if strings.HasPrefix(sid, domainSID) && strings.HasSuffix(sid, "-500") {
		what = "is the built-in Administrator"
	}
	filter, err := opath.HasMember(account.Text("DistinguishedName"))
	if what == "" && err == nil {
		groups, err := r.listLoosely(ctx, commands.ListGroups(filter))
		if err != nil {
			return err
		}
		var in []string
		for _, g := range groups {
			if name := adminGroup(g.Text("Sid")); name != "" {
				in = append(in, name)
			}
		}
		if len(in) > 0 {
			slices.Sort(in)
			what = "is a member of " + strings.Join(in, " and ")
		}
	}
	if what != "" {
		r.find("privileged-account", report.SeverityWarning, account.Text("Name")+" "+what+": impersonation by such accounts may fail. Give the "+
			"right to an account of the service's own.", account.Text("Guid"))
	}
	return nil
}
