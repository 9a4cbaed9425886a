package psgen

import "time"

// What office365 scripts say about Exchange Online, with sources, so that a date
// that moves is corrected in one place. The scripts hold these texts as data and
// count the days left themselves.

// office365AsOf is the day up to which the facts were checked.
const office365AsOf = "2026-09-15"

// rbacForApplications is where Microsoft explains what takes the role's place.
const rbacForApplications = "https://learn.microsoft.com/exchange/permissions-exo/application-rbac"

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
			When: "since the end of June 2026",
			Text: "Mailboxes with a licence for frontline workers (Kiosk, F1, F3) refuse EWS with HTTP 403.",
			Source: "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/" +
				"how-to-control-access-to-ews-in-exchange",
		},
		{
			When: "from 2026-10-01",
			Text: "EWS is switched off in Exchange Online, one organization after the other, unless EwsEnabled is True. Then " +
				"only the applications in EwsAllowedAppIDs may use it.",
			Source: "https://techcommunity.microsoft.com/blog/exchange/exchange-online-ews-your-time-is-almost-up/4492361",
		},
		{
			When: "in hybrid organizations",
			Text: "Since 2025-10-31 your own servers ask for free/busy times as the application ExchangeServerApp-GUID, by EWS or, " +
				"since the update of May 2026, by Microsoft Graph. A list that lets one application in probably locks it out.",
			Source: "https://learn.microsoft.com/exchange/hybrid-deployment/deploy-dedicated-hybrid-app",
		},
	}
}
