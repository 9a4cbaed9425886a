package ews_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
)

// dictionary is what each response code of a diagnosis means.
var dictionary = []struct{ code, fault, rule, retry string }{
	{"ErrorImpersonateUserDenied", fault.EWSImpersonationDenied, "ews-impersonation-code", fault.RetryNever},
	{"ErrorImpersonationDenied", fault.EWSImpersonationDenied, "ews-impersonation-server", fault.RetryNever},
	{"ErrorImpersonationFailed", fault.EWSOther, "ews-impersonation-failed", fault.RetryNever},
	{"ErrorInvalidExchangeImpersonationHeaderData", fault.EWSOther, "ews-header", fault.RetryNever},
	{"ErrorMoreThanOneAccessModeSpecified", fault.EWSOther, "ews-header", fault.RetryNever},
	{"ErrorInvalidUserPrincipalName", fault.EWSOther, "ews-identity", fault.RetryNever},
	{"ErrorInvalidUserSid", fault.EWSOther, "ews-identity", fault.RetryNever},
	{"ErrorNonPrimarySmtpAddress", fault.EWSOther, "ews-identity", fault.RetryNever},
	{"ErrorNonExistentMailbox", fault.EWSOther, "ews-no-mailbox", fault.RetryNever},
	{"ErrorMissingEmailAddress", fault.EWSOther, "ews-no-own-mailbox", fault.RetryNever},
	{"ErrorAccessDenied", fault.EWSOther, "ews-access", fault.RetryNever},
	{"ErrorAccountDisabled", fault.EWSOther, "ews-account", fault.RetryNever},
	{"ErrorPasswordExpired", fault.EWSOther, "ews-password", fault.RetryNever},
	{"ErrorServerBusy", fault.Throttled, "ews-throttled", fault.RetryBackoff},
	{"ErrorExceededConnectionCount", fault.Throttled, "ews-throttled", fault.RetryBackoff},
	{"ErrorMailboxStoreUnavailable", fault.EWSOther, "ews-mailbox-away", fault.RetryBackoff},
	{"ErrorMailboxMoveInProgress", fault.EWSOther, "ews-mailbox-away", fault.RetryBackoff},
	{"ErrorMailboxFailover", fault.EWSOther, "ews-mailbox-away", fault.RetryBackoff},
	{"ErrorConnectionFailed", fault.EWSOther, "ews-mailbox-away", fault.RetryBackoff},
	{"ErrorADUnavailable", fault.EWSOther, "ews-directory-away", fault.RetryBackoff},
	{"ErrorADOperation", fault.EWSOther, "ews-directory", fault.RetryNever},
	{"ErrorProxyGroupSidLimitExceeded", fault.EWSOther, "ews-groups", fault.RetryNever},
	{"ErrorCrossSiteRequest", fault.EWSOther, "ews-site", fault.RetryNever},
	{"ErrorWrongServerVersion", fault.EWSOther, "ews-version", fault.RetryNever},
	{"ErrorInvalidServerVersion", fault.EWSOther, "ews-version", fault.RetryNever},
	{"ErrorSchemaValidation", fault.EWSOther, "ews-request", fault.RetryNever},
	{"ErrorInvalidRequest", fault.EWSOther, "ews-request", fault.RetryNever},
	{"ErrorQuotaExceeded", fault.EWSOther, "ews-full", fault.RetryNever},
	{"ErrorItemNotFound", fault.EWSOther, "ews-not-there", fault.RetryNever},
	{"ErrorInternalServerError", fault.EWSOther, "ews-internal", fault.RetryNever},
	{"ErrorNobodyHasHeardOf", fault.EWSOther, "ews-other-code", fault.RetryNever},
}

// TestDictionary provokes every code in both of its forms, a SOAP fault under HTTP
// 500 and a response message under HTTP 200, in three languages and with a text that
// says the opposite.
func TestDictionary(t *testing.T) {
	const misleading = "Access is denied. The SMTP address has no mailbox. Enable-OrganizationCustomization already exists. 401"
	for _, entry := range dictionary {
		t.Run(entry.code, func(t *testing.T) {
			for _, language := range []string{"en", "de", "zh", ""} {
				for _, kind := range []ewsd.FaultKind{ewsd.SOAPFault, ewsd.Response} {
					f := ewsd.Fault{Kind: kind, Code: entry.code}
					if language == "" {
						f.Message = misleading
					}
					// An older server is asked again: it refuses that too.
					s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: f, 2: f}), manners(exchangesim.WebServices{Language: language}))
					client := s.as(t, service, func(c *ews.Config) { c.MaxWait = -1 })
					r := ews.NewProber(ews.ProberConfig{Client: client, Account: anna}).Read(t.Context(), anna)
					status := http.StatusOK
					if kind == ewsd.SOAPFault {
						status = http.StatusInternalServerError
					}
					if r.Fault == nil || r.Fault.ID != entry.fault || r.Fault.Rule != entry.rule || r.Fault.Retry != entry.retry {
						t.Fatalf("%s %s: it means %+v", language, kind, r.Fault)
					}
					if r.Answer.Code != entry.code || r.Answer.Status != status || r.Means == "" || r.Next == "" || r.Verdict == ews.Passed {
						t.Errorf("%s %s: %+v", language, kind, r)
					}
					if refused := entry.fault == fault.EWSImpersonationDenied; refused != (r.Access == ews.Refused) {
						t.Errorf("%s %s: access %q", language, kind, r.Access)
					}
					if (entry.retry == fault.RetryBackoff) != (r.Verdict == ews.Unknown) {
						t.Errorf("%s %s: verdict %s", language, kind, r.Verdict)
					}
					if !strings.HasPrefix(r.Saw, entry.code) {
						t.Errorf("%s %s: saw %q", language, kind, r.Saw)
					}
				}
			}
		})
	}
}

// TestProvoked has the organization itself give the codes that follow from its state.
func TestProvoked(t *testing.T) {
	s := start(t, "ews-moving")
	paul, _ := s.organization.FindAccount(exchangesim.PrincipalName, "paul@contoso.test")
	for name, c := range map[string]struct {
		user string
		on   ews.Mailbox
		code string
	}{
		"in scope":                {service, ews.Impersonated("room1@contoso.test"), ""},
		"out of scope":            {service, ews.Impersonated(boss), "ErrorImpersonateUserDenied"},
		"without a grant":         {`CONTOSO\svc-backup`, ews.Impersonated(anna), "ErrorImpersonateUserDenied"},
		"in the cloud":            {service, ews.Impersonated("clara@contoso.test"), "ErrorNonExistentMailbox"},
		"by a cloud address":      {service, ews.Mailbox{Address: anna, As: ews.Identity{ews.PrimarySMTPAddress, "clara@contoso.mail.onmicrosoft.test"}}, "ErrorNonPrimarySmtpAddress"},
		"no such address":         {service, ews.Impersonated("nobody@contoso.test"), "ErrorNonExistentMailbox"},
		"an account without one":  {service, ews.Mailbox{Address: anna, As: ews.Identity{ews.SID, paul.SID}}, "ErrorNonExistentMailbox"},
		"no such UPN":             {service, ews.Mailbox{Address: anna, As: ews.Identity{ews.PrincipalName, "nobody@contoso.test"}}, "ErrorInvalidUserPrincipalName"},
		"no such SID":             {service, ews.Mailbox{Address: anna, As: ews.Identity{ews.SID, "S-1-5-21-1-2-3-4"}}, "ErrorInvalidUserSid"},
		"own mailbox":             {service, ews.Mailbox{Address: "svc-reschedule@contoso.test"}, ""},
		"no own mailbox":          {`CONTOSO\svc-archive`, ews.Mailbox{Address: anna}, "ErrorMissingEmailAddress"},
		"being moved":             {service, ews.Impersonated(anna), "ErrorMailboxMoveInProgress"},
		"its database is away":    {service, ews.Impersonated("ben@contoso.test"), "ErrorMailboxStoreUnavailable"},
		"the account is disabled": {`CONTOSO\lena`, ews.Impersonated(anna), ""},
	} {
		client := s.as(t, c.user)
		_, answer, err := client.GetFolder(t.Context(), c.on, ews.Calendar)
		if c.user == `CONTOSO\lena` {
			if answer.Status != http.StatusUnauthorized || fault.Of(err).ID != fault.ConnectAuth {
				t.Errorf("%s: %+v, %v", name, answer, err)
			}
			continue
		}
		if ews.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}

// TestHeaders sends impersonation headers that no client of ours makes.
func TestHeaders(t *testing.T) {
	s := start(t, "ews-granted")
	const types = "http://schemas.microsoft.com/exchange/services/2006/types"
	for header, code := range map[string]string{
		`<t:ConnectingSID/>`: "ErrorInvalidExchangeImpersonationHeaderData",
		``:                   "ErrorInvalidExchangeImpersonationHeaderData",
		`<t:ConnectingSID><t:SmtpAddress> </t:SmtpAddress></t:ConnectingSID>`:                                                                    "ErrorInvalidExchangeImpersonationHeaderData",
		`<t:ConnectingSID><t:SmtpAddress>anna@contoso.test</t:SmtpAddress><t:PrincipalName>ben@contoso.test</t:PrincipalName></t:ConnectingSID>`: "ErrorMoreThanOneAccessModeSpecified",
		`<t:ConnectingSID><t:SmtpAddress>anna@contoso.test</t:SmtpAddress></t:ConnectingSID>`:                                                    "NoError",
		`<t:ConnectingSID><t:EmailAddress>anna@contoso.test</t:EmailAddress></t:ConnectingSID>`:                                                  "ErrorSchemaValidation",
	} {
		body := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="` + types + `" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">` +
			`<s:Header><t:ExchangeImpersonation>` + header + `</t:ExchangeImpersonation></s:Header><s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>` +
			`<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(service, password)
		request.Header.Set("Content-Type", "text/xml; charset=utf-8")
		response, err := s.web.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if events := s.seen(); events[len(events)-1].Code != code {
			t.Errorf("%s: %+v, want %s", header, events[len(events)-1].Code, code)
		}
	}
}

// TestForbidden shows what the settings of an organization do to a client.
func TestForbidden(t *testing.T) {
	for scenario, open := range map[string]string{"ews-disabled": "", "ews-block-list": "Other/1", "ews-allow-list": "Rescheduler/2.0"} {
		s := start(t, scenario)
		p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
		for _, r := range []ews.Rung{p.LogOn(t.Context()), p.Read(t.Context(), anna)} {
			if r.Verdict != ews.Failed || r.Answer.Status != http.StatusForbidden || r.Fault.Rule != "ews-forbidden" || !strings.Contains(r.Next, "EwsApplicationAccessPolicy") || r.Access != "" {
				t.Errorf("%s, %s: %+v", scenario, r.Level, r)
			}
		}
		if r := p.Endpoint(t.Context()); r.Verdict != ews.Passed {
			t.Errorf("%s: the endpoint is there: %+v", scenario, r)
		}
		if r := p.Refused(t.Context(), boss); r.Verdict != ews.Unknown || r.Access != "" {
			t.Errorf("%s: forbidden is no proof of being out of scope: %+v", scenario, r)
		}
		if open == "" {
			continue
		}
		other := ews.NewProber(ews.ProberConfig{Client: s.as(t, service, func(c *ews.Config) { c.UserAgent = open }), Account: anna})
		if r := other.Read(t.Context(), anna); r.Verdict != ews.Passed {
			t.Errorf("%s, as %s: %+v", scenario, open, r)
		}
	}
	s := start(t, "ews-disabled-mailbox")
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: "svc-reschedule@contoso.test"})
	for address, want := range map[string]ews.Verdict{anna: ews.Failed, "ben@contoso.test": ews.Passed} {
		if r := p.Read(t.Context(), address); r.Verdict != want {
			t.Errorf("%s: %+v", address, r)
		}
	}
}

func TestLogOn(t *testing.T) {
	s := start(t, "ews-granted")
	for user, want := range map[string]struct {
		verdict ews.Verdict
		own     bool
		means   string
	}{
		service:               {ews.Passed, true, "is logged on"},
		`CONTOSO\svc-archive`: {ews.Passed, true, "has no mailbox of its own"},
		`CONTOSO\svc-backup`:  {ews.Passed, false, "is logged on"},
		`CONTOSO\nobody`:      {ews.Failed, false, "Could not log on"},
	} {
		p := ews.NewProber(ews.ProberConfig{Client: s.as(t, user), Account: anna, OwnMailbox: want.own})
		if r := p.LogOn(t.Context()); r.Verdict != want.verdict || !strings.Contains(r.Means, want.means) || r.Access != "" {
			t.Errorf("%s: %+v", user, r)
		}
	}
	for code, want := range map[string]ews.Verdict{"ErrorInvalidIdMalformed": ews.Passed, "ErrorAccountDisabled": ews.Failed, "ErrorPasswordExpired": ews.Failed,
		"ErrorServerBusy": ews.Unknown, "ErrorInternalServerError": ews.Failed, "ErrorADUnavailable": ews.Unknown} {
		s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: {Kind: ewsd.Response, Code: code}}))
		client := s.as(t, service, func(c *ews.Config) { c.MaxWait = -1 })
		if r := ews.NewProber(ews.ProberConfig{Client: client, Account: anna}).LogOn(t.Context()); r.Verdict != want {
			t.Errorf("%s: %+v", code, r)
		}
	}
}

// TestCache grants, and asks a server that keeps what it knew; then revokes.
func TestCache(t *testing.T) {
	s := start(t, "plain", manners(exchangesim.WebServices{CacheLife: 15 * time.Minute}))
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
	access := func(want string) {
		t.Helper()
		if r := p.Read(t.Context(), anna); r.Access != want {
			t.Errorf("at %v: %s: %s", s.organization.Clock().Now(), r.Access, r.Saw)
		}
	}
	access(ews.Refused)
	s.grant(t)
	access(ews.Refused)
	s.organization.Clock().Sleep(14 * time.Minute)
	access(ews.Refused)
	s.organization.Clock().Sleep(time.Minute)
	access(ews.Allowed)
	s.invoke(t, "Remove-ManagementRoleAssignment", "Identity", "Reschedule")
	access(ews.Allowed)
	s.organization.Clock().Sleep(15 * time.Minute)
	access(ews.Refused)
}

func TestReplication(t *testing.T) {
	s := start(t, "replication-lag")
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
	s.grant(t)
	if r := p.Read(t.Context(), anna); r.Access != ews.Refused {
		t.Errorf("before it has replicated: %+v", r)
	}
	s.organization.Clock().Sleep(20 * time.Minute)
	if r := p.Read(t.Context(), anna); r.Access != ews.Allowed {
		t.Errorf("after it has replicated: %+v", r)
	}
}

func TestExclusiveScope(t *testing.T) {
	for ignored, want := range map[bool]string{false: ews.Refused, true: ews.Allowed} {
		s := startWith(t, "exclusive-scope", exchangesim.Options{ExclusiveScopesIgnored: ignored})
		s.grant(t)
		p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
		if r := p.Read(t.Context(), anna); r.Access != want {
			t.Errorf("ignored %t: %+v", ignored, r)
		}
		if r := p.Read(t.Context(), "ben@contoso.test"); r.Access != ews.Allowed {
			t.Errorf("outside it, ignored %t: %+v", ignored, r)
		}
	}
}

// TestWiderGrant is the security finding: a mailbox that the scope does not have is
// reached through another assignment.
func TestWiderGrant(t *testing.T) {
	for _, scenario := range []string{"wider-grant", "indirect-role-group", "child-role"} {
		s := start(t, scenario)
		s.grant(t)
		r := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna}).Refused(t.Context(), boss)
		if r.Verdict != ews.Security || r.Access != ews.Allowed || r.Answer.Code != "NoError" || r.Next == "" {
			t.Errorf("%s: %+v", scenario, r)
		}
	}
}

func TestLoad(t *testing.T) {
	s := start(t, "ews-throttled", func(c *ewsd.Config) { c.Latency = 500 * time.Millisecond })
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
	if r := p.Load(t.Context(), anna, 2); r.Verdict != ews.Passed || r.Saw != "2 times NoError" {
		t.Errorf("%+v", r)
	}
	r := p.Load(t.Context(), anna, 8)
	if r.Verdict != ews.Failed || r.Fault.ID != fault.Throttled || !strings.Contains(r.Saw, "ErrorServerBusy") || !strings.Contains(r.Next, "EwsMaxConcurrency") {
		t.Errorf("%+v", r)
	}
}

func TestFormsOfIdentity(t *testing.T) {
	s := start(t, "ews-granted")
	account, _ := s.organization.FindAccount(exchangesim.AddressName, anna)
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
	values := map[ews.Form]string{ews.SMTPAddress: anna, ews.PrimarySMTPAddress: anna, ews.PrincipalName: account.UPN, ews.SID: account.SID}
	for _, form := range ews.Forms() {
		if r := p.As(t.Context(), anna, ews.Identity{Form: form, Value: values[form]}); r.Verdict != ews.Passed || r.Form != form || r.Level != ews.LevelForms {
			t.Errorf("%s: %+v", form, r)
		}
	}
	if r := p.Cover(t.Context(), anna, "database DB01"); r.Verdict != ews.Passed || r.Level != ews.LevelCoverage || !strings.HasSuffix(r.Tried, ", for database DB01") {
		t.Errorf("%+v", r)
	}
}
