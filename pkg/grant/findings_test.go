package grant

import (
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// lastText is what the last step of a report says.
func lastText(r *report.Report) string { return r.Steps[len(r.Steps)-1].Text }

// A conflict over the scope shows both definitions: two scopes can have one name.
func TestConflictShowsBothScopes(t *testing.T) {
	for _, test := range []struct{ scenario, there string }{
		{"own-name-other-scope", "the scope 'Berlin' (City -eq 'Berlin')"},
		{"own-scope-other-filter", "the scope 'Reschedule Impersonation' (City -eq 'Berlin')"},
		{"stale-group-dn", "OU=Old Groups"},
	} {
		s := scenario(t, test.scenario)
		_, result := newStage(t, s).plan(t, s.Grant())
		text := lastText(result)
		if result.Outcome != report.Conflict || !strings.Contains(text, test.there) ||
			!strings.Contains(text, "wanted is the scope 'Reschedule Impersonation' (MemberOfGroup -eq 'CN=Reschedule Users,") {
			t.Errorf("%s: %s: %s", test.scenario, result.Outcome, text)
		}
	}
}

// A scope whose group was moved matches nobody: plan and verify say why.
func TestStaleScope(t *testing.T) {
	s := scenario(t, "stale-group-dn")
	st := newStage(t, s)
	_, plan := st.plan(t, s.Grant())
	for name, result := range map[string]*report.Report{"plan": plan, "verify": st.verify(t, s.Grant())} {
		at := slices.IndexFunc(result.Findings, func(f report.Finding) bool { return f.ID == "scope-stale" })
		if at < 0 {
			t.Errorf("%s: no finding scope-stale: %s", name, pretty(t, result.Findings))
			continue
		}
		if f := result.Findings[at]; !strings.Contains(f.Text, "The scope 'Reschedule Impersonation' names the group CN=Reschedule Users,OU=Old Groups") ||
			len(f.Objects) != 1 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// An organization is Exchange Online's also behind another address.
func TestOnlineBehindAnotherAddress(t *testing.T) {
	for _, name := range []string{"exchange-online", "exchange-online-customized"} {
		s := scenario(t, name)
		_, report := newStage(t, s).plan(t, s.Grant())
		if len(report.Steps) != 1 || !strings.Contains(lastText(report), "connected to Exchange Online") ||
			!strings.Contains(lastText(report), "exgrant script office365") {
			t.Errorf("%s: %s", name, pretty(t, report.Steps))
		}
	}
}

// Moving an assignment to a unit above its own widens it, and the plan says so; the
// way back does not.
func TestWideningByUnit(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	st.o.UpdateScope = true
	grant := func(unit string) exchange.Grant {
		return exchange.Grant{Name: "Unit Grant", Assignee: exchange.NewUser("svc-reschedule"),
			Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: unit}}
	}
	st.grant(t, grant("contoso.test/Staff/Berlin"))
	wide, _ := st.plan(t, grant("contoso.test/Staff"))
	if wide == nil || len(wide.Changes) != 1 || !strings.Contains(wide.Changes[0].Why, report.Widening) {
		t.Fatalf("%s", pretty(t, wide))
	}
	st.apply(t, wide)
	narrow, _ := st.plan(t, grant("contoso.test/Staff/Berlin"))
	if narrow == nil || len(narrow.Changes) != 1 || strings.Contains(narrow.Changes[0].Why, report.Widening) {
		t.Errorf("%s", pretty(t, narrow))
	}
}
