package exchangesim

import "time"

// WebServices are the manners of the organization's Exchange Web Services. They are
// of a scenario, not of the directory: no command changes them.
type WebServices struct {
	Build    string // of the server; empty is the organization's, 14.x is Exchange 2010
	Language string // of messages: "en", "de" or "zh"; empty is the organization's

	// CacheLife is how long a server keeps what an account may do, in the organization's
	// time. 0 keeps nothing.
	CacheLife time.Duration

	Disabled    bool     // EwsEnabled of the organization is false
	DisabledFor []string // addresses of mailboxes whose EwsEnabled is false
	// AllowList and BlockList are patterns of user agents with *: with an allow list
	// all others are refused (EwsApplicationAccessPolicy).
	AllowList, BlockList []string
	// ImpersonationPassesLists lets requests that impersonate through, whatever the lists
	// say: one witness says that servers do so, and no page settles it.
	ImpersonationPassesLists bool
	RequireAnchor            bool // impersonation without X-AnchorMailbox fails, as between sites

	Concurrency int           // requests that an account may have at once; 0 is 27, as on a server
	Busy        int           // so many requests are answered that the server is busy
	BackOff     time.Duration // that is asked of those; 0 is five seconds

	// Codes are response codes for mailboxes, by address: of one that is being moved,
	// or whose database is away.
	Codes map[string]string
}

// WebScenarios returns the scenarios that are about Exchange Web Services: the
// organization is plain's with the grant in place (Reschedule Impersonation, over
// Reschedule Users), and its web services differ.
func WebScenarios() []Scenario {
	granted := func(o *Organization) { o.own(ownName, o.addScope(ownName, groupFilter("Groups"), false)) }
	web := func(name, summary string, w WebServices) Scenario {
		return Scenario{Name: name, Summary: summary, WebServices: w, arrange: granted}
	}
	return []Scenario{
		web("ews-granted", "The grant is in place: svc-reschedule may act for Reschedule Users.", WebServices{}),
		web("ews-cached", "The grant is in place, and Exchange Web Services keep what an account may do for 15 minutes.", WebServices{CacheLife: 15 * time.Minute}),
		web("ews-disabled", "The grant is in place, and Exchange Web Services are disabled for the organization (EwsEnabled).", WebServices{Disabled: true}),
		web("ews-disabled-mailbox", "The grant is in place, and Exchange Web Services are disabled for anna.", WebServices{DisabledFor: []string{"anna@contoso.test"}}),
		web("ews-block-list", "The grant is in place, and the organization blocks clients whose user agent begins with exgrant.", WebServices{BlockList: []string{"exgrant*"}}),
		web("ews-allow-list", "The grant is in place, and the organization lets only clients in whose user agent begins with Rescheduler.", WebServices{AllowList: []string{"Rescheduler*"}}),
		web("ews-allow-list-passed", "ews-allow-list, and requests that impersonate are let in all the same.",
			WebServices{AllowList: []string{"Rescheduler*"}, ImpersonationPassesLists: true}),
		web("ews-busy", "The grant is in place, and the first three requests are answered that the server is busy for two seconds.", WebServices{Busy: 3, BackOff: 2 * time.Second}),
		web("ews-throttled", "The grant is in place, and an account may have two requests at once.", WebServices{Concurrency: 2}),
		web("ews-moving", "The grant is in place; anna's mailbox is being moved, ben's database is away.", WebServices{
			Codes: map[string]string{"anna@contoso.test": "ErrorMailboxMoveInProgress", "ben@contoso.test": "ErrorMailboxStoreUnavailable"}}),
		web("ews-2010", "The grant is in place, on Exchange 2010.", WebServices{Build: "14.3.513.0"}),
		web("ews-chinese", "The grant is in place, and Exchange Web Services answer in Chinese.", WebServices{Language: "zh"}),
	}
}
