package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

// tellOtherAccount makes a report differ where the account that would log on to Exchange
// Web Services is not the one that has the grant: what it reaches proves nothing.
func tellOtherAccount(r *report.Report, account string) {
	r.Outcome = report.Differs
	r.Findings = append(r.Findings, report.Finding{ID: "other-account", Severity: report.SeverityWarning, Decides: true,
		Text: "The account of --" + flagAs + ", " + account + ", is not that of the grant, " + cmp.Or(r.Grant.Assignee.Name, r.Grant.Assignee.Given) +
			". Exchange Web Services were not asked: name the account that has the grant, and verify the grants of several accounts one by one."})
}

// isAccountOf tells whether an account is the one that a verified grant is for, or a member
// of the group that it is for: by what the organization found, and by the spelling where it
// did not find the account.
func isAccountOf(r *report.Report, reach *grant.Reach, account string) bool {
	if r.Grant == nil {
		return true
	}
	assignee := r.Grant.Assignee
	switch {
	case assignee.Kind != exchange.User:
		return reach.Account.GUID == "" || holdsAny(reach.Held, r)
	case reach.Account.GUID != "" && assignee.GUID != "":
		return strings.EqualFold(reach.Account.GUID, assignee.GUID)
	}
	return strings.EqualFold(accountName(account), accountName(cmp.Or(assignee.Given, assignee.Name)))
}

// holdsAny tells whether one of the grant's own assignments is among those that are held.
// A grant that has none is not in place, whoever was tested.
func holdsAny(held []string, r *report.Report) bool {
	if r.After == nil || len(r.After.Assignments) == 0 {
		return true
	}
	return slices.ContainsFunc(r.After.Assignments, func(a report.AssignmentState) bool { return slices.Contains(held, a.GUID) })
}

// accountName is the name in DOMAIN\name and in name@realm.
func accountName(identity string) string {
	_, name, found := strings.Cut(identity, `\`)
	if !found {
		name, _, _ = strings.Cut(identity, "@")
	}
	return name
}
