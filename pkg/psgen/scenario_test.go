package psgen

import (
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/report"
)

// scenarioEnds is how the scripts for a scenario's grant end: the preview, the grant,
// the second grant, the revocation and the second revocation.
var scenarioEnds = map[string][5]report.Outcome{
	"dehydrated-no-cmdlet":       {"planned", "failed", "failed", "nothing-to-revoke", "nothing-to-revoke"},
	"exchange-online":            {"failed", "failed", "failed", "failed", "failed"},
	"exchange-online-customized": {"failed", "failed", "failed", "failed", "failed"},
	"no-such-user":               {"not-found", "not-found", "not-found", "not-found", "not-found"},
	"ambiguous-user":             {"failed", "failed", "failed", "failed", "failed"},
	"global-assignee":            {"conflict", "conflict", "conflict", "nothing-to-revoke", "nothing-to-revoke"},
	"name-taken":                 {"conflict", "conflict", "conflict", "conflict", "conflict"},
	"equal-other-name":           {"already-granted", "already-granted", "already-granted", "not-revoked", "not-revoked"},
	"disabled-foreign-grant":     {"conflict", "conflict", "conflict", "nothing-to-revoke", "nothing-to-revoke"},
	"own-name-other-scope":       {"conflict", "conflict", "conflict", "revoked", "nothing-to-revoke"},
	"own-scope-other-filter":     {"conflict", "conflict", "conflict", "revoked", "nothing-to-revoke"},
	"stale-group-dn":             {"conflict", "conflict", "conflict", "revoked", "nothing-to-revoke"},
	"replication-lag":            {"planned", "granted-replicating", "granted-replicating", "revoked", "nothing-to-revoke"},
	"wider-grant":                {"planned", "differs", "differs", "still-effective", "not-revoked"},
	"indirect-role-group":        {"planned", "differs", "differs", "still-effective", "not-revoked"},
	"child-role":                 {"planned", "differs", "differs", "still-effective", "not-revoked"},
	"child-role-same-scope":      {"planned", "granted", "already-granted", "still-effective", "not-revoked"},
	"exclusive-scope":            {"planned", "granted-replicating", "differs", "revoked", "nothing-to-revoke"},
	"empty-group":                {"conflict", "conflict", "conflict", "nothing-to-revoke", "nothing-to-revoke"},
	"scope-unparsable":           {"conflict", "conflict", "conflict", "not-revoked", "not-revoked"},
	"access-denied":              {"planned", "denied", "denied", "nothing-to-revoke", "nothing-to-revoke"},
	"cmdlet-missing":             {"failed", "failed", "failed", "failed", "failed"},
	"parameter-missing":          {"failed", "failed", "failed", "nothing-to-revoke", "nothing-to-revoke"},
	"group-deleted":              {"not-found", "not-found", "not-found", "revoked", "nothing-to-revoke"},
	"account-deleted":            {"not-found", "not-found", "not-found", "revoked", "not-found"},
	"both-renamed":               {"not-found", "not-found", "not-found", "revoked", "not-found"},
	"role-group-other-members":   {"conflict", "conflict", "conflict", "nothing-to-revoke", "nothing-to-revoke"},
	"role-group-other-roles":     {"conflict", "conflict", "conflict", "conflict", "conflict"},
	"role-group-other-scope":     {"conflict", "conflict", "conflict", "revoked", "nothing-to-revoke"},
	"shared-scope-other-filter":  {"conflict", "conflict", "conflict", "revoked", "nothing-to-revoke"},
	"shared-scope":               {"already-granted", "already-granted", "already-granted", "revoked", "nothing-to-revoke"},
}

// works is how they end where nothing is in the way.
var works = [5]report.Outcome{"planned", "granted", "already-granted", "revoked", "nothing-to-revoke"}

// keeps are the scenarios in which something stands before the grant that the revocation
// takes away.
var keeps = map[string]bool{
	"disabled-grant": true, "own-name-other-scope": true, "own-scope-other-filter": true, "stale-group-dn": true, "group-deleted": true,
	"account-deleted": true, "both-renamed": true, "scope-before": true, "shared-scope": true, "shared-scope-other-filter": true,
	"role-group-incomplete": true, "role-group-other-scope": true,
}

// TestScenarios: scripts end as they should, in every state that a server can be in. No
// outcome depends on the language of the server: where one said that something failed, the
// scenario is played in the others too.
func TestScenarios(t *testing.T) {
	for _, s := range exchangesim.Scenarios() {
		if s.Shell.ConstrainedLanguage {
			continue // TestConstrainedLanguage
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			st := playScenario(t, s, exchangesim.SessionOptions{})
			if !slices.ContainsFunc(st.Org.Calls(), func(c exchangesim.Call) bool { return c.Fault != "" }) {
				return // messages are all that would differ
			}
			for _, language := range []string{"de", "ja"} {
				t.Run(language, func(t *testing.T) { thereAndBackIn(t, s, exchangesim.SessionOptions{Language: language}) })
			}
		})
	}
}

// TestDeserialized: nor does an outcome depend on whether the shell has Exchange's own
// types, or what PowerShell makes of objects that it does not know.
func TestDeserialized(t *testing.T) {
	for _, s := range exchangesim.Scenarios() {
		if s.Shell.ConstrainedLanguage || strings.HasPrefix(s.Name, "recipients-") {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			thereAndBackIn(t, s, exchangesim.SessionOptions{Deserialized: true})
		})
	}
}

// thereAndBackIn is playScenario without what only repeats.
func thereAndBackIn(t *testing.T, s exchangesim.Scenario, so exchangesim.SessionOptions) {
	st, g, want := newStage(t, s, exchangesim.Options{}, so), s.Grant(), endsOf(s)
	start := st.Snapshot(t)
	st.ends(t, "grant", grantScript(g), want[1], "EnableCustomization", true)
	st.ends(t, "second grant", grantScript(g), want[2], "EnableCustomization", true)
	st.ends(t, "revoke", revokeScript(g), want[3])
	if !keeps[s.Name] {
		st.Unchanged(t, "grant and revoke", start)
	}
}

// endsOf is how the scripts end in a scenario.
func endsOf(s exchangesim.Scenario) [5]report.Outcome {
	if want, ok := scenarioEnds[s.Name]; ok {
		return want
	}
	return works
}

// playScenario runs the scripts one after the other in one organization: the preview and
// every repetition must change nothing, and the revocation must take back exactly the
// grant.
func playScenario(t *testing.T, s exchangesim.Scenario, so exchangesim.SessionOptions) *stage {
	st, g, want := newStage(t, s, exchangesim.Options{}, so), s.Grant(), endsOf(s)
	start := st.Snapshot(t)
	st.ends(t, "preview", grantScript(g), want[0], "WhatIf", true)
	st.Unchanged(t, "preview", start)
	st.ends(t, "grant", grantScript(g), want[1], "EnableCustomization", true)
	granted := st.Snapshot(t)
	st.ends(t, "second grant", grantScript(g), want[2], "EnableCustomization", true)
	st.Unchanged(t, "second grant", granted)

	planned := want[3]
	if planned == report.Revoked || planned == report.StillEffective {
		planned = report.Planned
	}
	st.ends(t, "preview of revoke", revokeScript(g), planned, "WhatIf", true)
	st.Unchanged(t, "preview of revoke", granted)
	st.ends(t, "revoke", revokeScript(g), want[3])
	revoked := st.Snapshot(t)
	if keeps[s.Name] {
		if strings.Contains(revoked, `"name": "`+g.AssignmentName()+`",`) && !strings.HasPrefix(s.Name, "shared-scope") {
			t.Errorf("something of that name is left:\n%s", scriptshell.Diff(start, revoked))
		}
	} else {
		st.Unchanged(t, "grant and revoke", start)
	}
	st.ends(t, "second revoke", revokeScript(g), want[4])
	st.Unchanged(t, "second revoke", revoked)
	return st
}
