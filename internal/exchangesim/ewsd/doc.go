// Package ewsd serves a simulated organization's Exchange Web Services and its
// Autodiscover, as an Exchange server does: /EWS/Exchange.asmx and /autodiscover.
//
// Who may act for whom is decided by the organization's role assignments and scopes,
// as the domain controller that servers read has them, and by what a server has kept
// of them (WebServices.CacheLife). Calendars have appointments that follow from the
// mailbox; what clients create is kept in memory.
//
// Refusals are those of a real server: SOAP faults under HTTP 500 for the request as
// a whole, response messages under HTTP 200 for its parts, web pages where IIS
// refuses. What goes wrong beside that is up to a FaultPlan.
package ewsd
