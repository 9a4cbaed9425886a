package grant

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/report"
)

// ends is how the operations on a scenario's grant end, one after the other in one
// organization. The table is written by hand.
type ends struct{ plan, grant, again, verify, revoke report.Outcome }

var (
	works    = ends{"planned", "granted", "already-granted", "verified", "revoked"}
	isOnline = ends{"failed", "failed", "failed", "failed", "failed"}
	clashes  = ends{"conflict", "conflict", "conflict", "differs", "conflict"}
	besides  = ends{"planned", "differs", "differs", "differs", "still-effective"}
)

var scenarioEnds = map[string]ends{
	"plain":                         works,
	"german":                        works,
	"dehydrated":                    works,
	"dehydrated-no-cmdlet":          {"planned", "failed", "failed", "differs", "nothing-to-revoke"},
	"already-enabled":               works,
	"already-enabled-service-offer": works,
	"not-yet-in-effect":             works,
	"customization-halfway":         works,
	"exchange-online":               isOnline,
	"exchange-online-customized":    isOnline,
	"no-such-user":                  {"not-found", "not-found", "not-found", "not-found", "not-found"},
	"ambiguous-user":                {"failed", "failed", "failed", "failed", "failed"},
	"no-mailbox":                    works,
	"cloud-mailbox":                 works,
	"name-taken":                    clashes,
	"equal-other-name":              {"already-granted", "already-granted", "already-granted", "verified", "not-revoked"},
	"disabled-grant":                works,
	"own-name-other-scope":          clashes,
	"own-scope-other-filter":        clashes,
	"wider-grant":                   besides,
	"indirect-role-group":           besides,
	"child-role":                    besides,
	"role-group-incomplete":         works,
	"role-group-other-members":      {"conflict", "conflict", "conflict", "differs", "nothing-to-revoke"},
	"role-group-other-roles":        clashes,
	"role-group-other-scope":        clashes,
	"exclusive-scope":               {"planned", "granted-replicating", "differs", "differs", "revoked"},
	"stale-group-dn":                clashes,
	"empty-group":                   {"conflict", "conflict", "conflict", "differs", "nothing-to-revoke"},
	"scope-unparsable":              {"conflict", "conflict", "conflict", "differs", "not-revoked"},
	"access-denied":                 {"planned", "denied", "denied", "differs", "nothing-to-revoke"},
	"cmdlet-missing":                isOnline,
	"parameter-missing":             {"failed", "failed", "failed", "differs", "nothing-to-revoke"},
	"transient-dc":                  works,
	"throttled":                     works,
	"replication-lag":               {"planned", "granted-replicating", "granted-replicating", "differs", "revoked"},
	"two-domains":                   works,
	"recipients-50000":              works,
	"disabled-foreign-grant":        {"conflict", "conflict", "conflict", "differs", "nothing-to-revoke"},
	"child-role-same-scope":         {"planned", "granted", "already-granted", "verified", "still-effective"},
	"scope-before":                  works,
	"busy-after-scope":              works,
	"busy-after-assignment":         works,
	"lost-after-scope":              works,
	"lost-after-assignment":         works,
	"silent-guid":                   works,
	"shared-mailbox":                {"planned", "granted", "already-granted", "differs", "revoked"},
	"no-account-control":            works,
	"global-assignee":               {"conflict", "conflict", "conflict", "conflict", "conflict"},
	"global-scope-group":            works,
	"domain-admin":                  works,
	"lookalike-admin":               works,
	"group-deleted":                 {"not-found", "not-found", "not-found", "not-found", "not-found"},
	"account-deleted":               {"not-found", "not-found", "not-found", "not-found", "not-found"},
	"both-renamed":                  {"not-found", "not-found", "not-found", "not-found", "not-found"},
	"shared-scope":                  {"already-granted", "already-granted", "already-granted", "verified", "revoked"},
	"shared-scope-other-filter":     clashes,
	"view-root":                     works,
	"constrained-language":          works,
	"strict-mode":                   works,
	"exchange-2016":                 works,
	"exchange-2019":                 works,
	"recipients-5000":               works,
}

func TestScenarios(t *testing.T) {
	for _, s := range exchangesim.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			if testing.Short() && s.Name == "recipients-50000" {
				t.Skip("50,000 recipients take long")
			}
			want, ok := scenarioEnds[s.Name]
			if !ok {
				t.Fatal("no row in the table")
			}
			runScenario(t, s, want)
		})
	}
}

func runScenario(t *testing.T, s exchangesim.Scenario, want ends) {
	st, g := newStage(t, s), s.Grant()
	start := st.snapshot(t)

	plan, result := st.plan(t, g)
	checkEnd(t, "plan", result, want.plan)
	st.unchanged(t, "plan", start)
	if stopped := want.plan.ExitCode() != 0; stopped != (plan == nil) {
		t.Fatalf("the outcome is %s and the plan %v", result.Outcome, plan)
	}

	first := st.grant(t, g)
	checkEnd(t, "grant", first, want.grant)
	granted := st.snapshot(t)
	if first.Changed != (granted != start) {
		t.Errorf("the report says changed %v, the organization says %v", first.Changed, granted != start)
	}
	checkEnd(t, "second grant", st.grant(t, g), want.again)
	st.unchanged(t, "second grant", granted)

	checkEnd(t, "verify", st.verify(t, g), want.verify)
	if audit := st.audit(t); audit.Outcome != report.Audited && first.Outcome.ExitCode() == 0 {
		t.Errorf("audit: %s", audit.Outcome)
	}
	st.unchanged(t, "verify and audit", granted)
	st.undo(t, first, granted, start)

	checkEnd(t, "revoke", st.revoke(t, Revocation{Grant: &g}), want.revoke)
	// A scope of the grant's name counts as its own, also where it was there before.
	if first.Outcome == report.Granted && s.Name != "scope-before" && !strings.Contains(s.Name, "disabled") && !strings.Contains(s.Name, "incomplete") {
		st.unchanged(t, "grant and revoke", start)
	}
	revoked := st.snapshot(t)
	st.revoke(t, Revocation{Grant: &g})
	st.unchanged(t, "second revoke", revoked)
}

// undo takes the grant back from its report, and makes it again.
func (s *stage) undo(t *testing.T, result *report.Report, granted, start string) {
	t.Helper()
	if len(result.Inverse) == 0 {
		if _, err := Revoke(t.Context(), s.inv, Revocation{Report: result}, s.o); err == nil {
			t.Error("a report that changed nothing can be rolled back")
		}
		return
	}
	back := s.revoke(t, Revocation{Report: result})
	if back.Outcome != report.Revoked && back.Outcome != report.StillEffective {
		t.Errorf("undo: %s: %s", back.Outcome, pretty(t, back.Steps))
	}
	s.unchanged(t, "grant and undo", start)
	if again := s.revoke(t, Revocation{Report: result}); again.Changed {
		t.Errorf("a second undo changed something: %s", pretty(t, again.Steps))
	}
	checkEnd(t, "undo of the undo", s.revoke(t, Revocation{Report: back}), report.Granted)
	s.unchanged(t, "undo of the undo", granted)
}

func checkEnd(t *testing.T, what string, r *report.Report, want report.Outcome) {
	t.Helper()
	if r.Outcome != want {
		t.Errorf("%s: %s, want %s\n%s", what, r.Outcome, want, pretty(t, r))
	}
}

func (s *stage) unchanged(t *testing.T, what, want string) {
	t.Helper()
	if got := s.snapshot(t); got != want {
		t.Errorf("%s changed the organization: before\n%s\nafter\n%s", what, want, got)
	}
}
