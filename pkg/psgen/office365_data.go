package psgen

import "time"

// What office365 scripts say about Exchange Online, with sources, so that a date
// that moves is corrected in one place. The scripts hold these texts as data and
// count the days left themselves.

// office365AsOf is the day up to which the facts were checked.
const office365AsOf = "2026-10-01"

// ewsEnd is the first day without EWS in Exchange Online.
func ewsEnd() time.Time { return time.Date(2027, time.April, 1, 0, 0, 0, 0, time.UTC) }

// An office365Fact is one dated statement.
type office365Fact struct {
	When, Text, Source string
}

func office365Facts() []office365Fact {
	return []office365Fact{
		{
			When: "since February 2024",
			Text: "Microsoft withdraws ApplicationImpersonation from Exchange Online. Exchange Server is not affected: " +
				"on-premises the role works as before.",
			Source: "https://techcommunity.microsoft.com/t5/exchange-team-blog/" +
				"retirement-of-rbac-application-impersonation-in-exchange-online/ba-p/4062671",
		},
		{
			When:   "since the second half of 2024",
			Text:   "New assignments of the role are refused in Exchange Online.",
			Source: "https://mc.merill.net/message/MC718754",
		},
		{
			When: "since February 2025",
			Text: "The role and the feature are removed from Exchange Online, tenant by tenant.",
			Source: "https://techcommunity.microsoft.com/blog/exchange/" +
				"critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762",
		},
		{
			When: "since October 2026",
			Text: "EWS is switched off in Exchange Online where nobody set EwsEnabled to True. Where it is True, only the " +
				"applications in EwsAllowedAppIDs may use EWS; do not rely on an empty list, the sources contradict " +
				"each other about it.",
			Source: "https://techcommunity.microsoft.com/blog/exchange/exchange-online-ews-your-time-is-almost-up/4492361",
		},
		{
			When: "instead",
			Text: "RBAC for Applications gives an application, not an account, a right to some mailboxes, over Microsoft " +
				"Graph and, until its end, EWS. It is added to what Entra grants: tenant-wide consents must go.",
			Source: "https://learn.microsoft.com/exchange/permissions-exo/application-rbac",
		},
	}
}
