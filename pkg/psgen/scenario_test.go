package psgen

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// ends is how the scripts for a scenario's grant end. The goldens hold the rest;
// this table is written by hand.
type ends struct {
	whatIf, grant, again, status, revoke exchange.Outcome
	minimal, minimalAgain, minimalRevoke int // exit codes
}

var scenarioEnds = map[string]ends{
	"plain":                         {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"german":                        {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"dehydrated":                    {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"dehydrated-no-cmdlet":          {"planned", "failed", "failed", "differs", "nothing-to-revoke", 1, 1, 0},
	"already-enabled":               {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"already-enabled-service-offer": {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"not-yet-in-effect":             {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"customization-halfway":         {"planned", "granted", "already-granted", "verified", "revoked", 1, 1, 0},
	"exchange-online":               {"failed", "failed", "failed", "failed", "failed", 1, 1, 0},
	"exchange-online-customized":    {"failed", "failed", "failed", "failed", "failed", 1, 1, 0},
	"no-such-user":                  {"not-found", "not-found", "not-found", "not-found", "not-found", 1, 1, 0},
	"ambiguous-user":                {"failed", "failed", "failed", "failed", "failed", 1, 1, 0},
	"no-mailbox":                    {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"cloud-mailbox":                 {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
	"name-taken":                    {"conflict", "conflict", "conflict", "differs", "conflict", 1, 1, 1},
	"equal-other-name":              {"already-granted", "already-granted", "already-granted", "verified", "still-effective", 0, 1, 0},
	"disabled-grant":                {"planned", "granted", "already-granted", "verified", "revoked", 1, 1, 0},
	"own-name-other-scope":          {"conflict", "conflict", "conflict", "differs", "conflict", 1, 1, 1},
	"own-scope-other-filter":        {"conflict", "conflict", "conflict", "differs", "conflict", 1, 1, 1},
	"wider-grant":                   {"planned", "granted", "already-granted", "differs", "still-effective", 0, 1, 0},
	"indirect-role-group":           {"planned", "granted", "already-granted", "differs", "still-effective", 0, 1, 0},
	"child-role":                    {"planned", "granted", "already-granted", "differs", "still-effective", 0, 1, 0},
	"role-group-incomplete":         {"planned", "granted", "already-granted", "verified", "revoked", 1, 1, 0},
	"role-group-other-members":      {"conflict", "conflict", "conflict", "differs", "nothing-to-revoke", 1, 1, 0},
	"role-group-other-roles":        {"conflict", "conflict", "conflict", "differs", "conflict", 1, 1, 1},
	"role-group-other-scope":        {"conflict", "conflict", "conflict", "differs", "conflict", 1, 1, 1},
	"exclusive-scope":               {"planned", "granted", "already-granted", "differs", "revoked", 0, 1, 0},
	"stale-group-dn":                {"conflict", "conflict", "conflict", "differs", "conflict", 1, 1, 1},
	"empty-group":                   {"conflict", "conflict", "conflict", "differs", "nothing-to-revoke", 0, 1, 0},
	"scope-unparsable":              {"conflict", "conflict", "conflict", "differs", "still-effective", 0, 1, 0},
	"access-denied":                 {"planned", "denied", "denied", "differs", "nothing-to-revoke", 5, 5, 0},
	"cmdlet-missing":                {"failed", "failed", "failed", "failed", "failed", 1, 1, 1},
	"parameter-missing":             {"failed", "failed", "failed", "differs", "nothing-to-revoke", 1, 1, 0},
	"transient-dc":                  {"planned", "granted", "already-granted", "verified", "revoked", 1, 1, 0},
	"throttled":                     {"planned", "granted", "already-granted", "verified", "revoked", 1, 1, 0},
	"replication-lag":               {"planned", "granted-replicating", "granted-replicating", "differs", "revoked", 0, 1, 0},
	"two-domains":                   {"planned", "granted", "already-granted", "verified", "revoked", 1, 1, 0},
	"recipients-50000":              {"planned", "granted", "already-granted", "verified", "revoked", 0, 1, 0},
}

func TestScenarios(t *testing.T) {
	scenarios := exchangesim.Scenarios()
	if len(scenarios) != len(scenarioEnds) {
		t.Errorf("%d scenarios, %d rows in the table", len(scenarios), len(scenarioEnds))
	}
	for _, s := range scenarios {
		t.Run(s.Name, func(t *testing.T) {
			want, ok := scenarioEnds[s.Name]
			if !ok {
				t.Fatal("no row in the table")
			}
			record := &txtar.Archive{Comment: []byte(s.Summary + "\n")}
			runFull(t, s, want, record)
			runMinimal(t, s, want, record)
			golden(t, "scenarios/"+s.Name+".txtar", txtar.Format(record))
		})
	}
}

// runFull runs the full scripts one after the other in one organization: the
// preview and every repetition must change nothing, and the revocation must take
// back exactly the grant.
func runFull(t *testing.T, s exchangesim.Scenario, want ends, record *txtar.Archive) {
	st := newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{})
	g := s.Grant()
	grant := func(w io.Writer) error { return Grant(w, g, Full) }
	start := st.Snapshot(t)

	preview, code := st.Report(t, grant, "WhatIf", true)
	checkEnd(t, "preview", preview, code, want.whatIf)
	st.Unchanged(t, "preview", start)

	first, code := st.Report(t, grant)
	checkEnd(t, "grant", first, code, want.grant)
	granted := st.Snapshot(t)
	if first.Changed != (granted != start) {
		t.Errorf("the report says changed %v, the organization says %v", first.Changed, granted != start)
	}
	if code := first.Outcome.ExitCode(); code == 0 && preview.Outcome.ExitCode() != 0 {
		t.Errorf("the preview ended with %s, the grant with %s", preview.Outcome, first.Outcome)
	}
	record.Files = append(record.Files, reportFile(t, "grant.json", first), diffFile("granted", start, granted))

	again, code := st.Report(t, grant)
	checkEnd(t, "second grant", again, code, want.again)
	st.Unchanged(t, "second grant", granted)

	status, code := st.Report(t, func(w io.Writer) error { return Status(w, g) })
	checkEnd(t, "status", status, code, want.status)
	st.Unchanged(t, "status", granted)
	record.Files = append(record.Files, reportFile(t, "status.json", status))

	audit, code := st.Report(t, Audit)
	if audit.Outcome != exchange.Audited && first.Outcome.ExitCode() == 0 || code != audit.Outcome.ExitCode() {
		t.Errorf("audit: %s, exit code %d", audit.Outcome, code)
	}
	st.Unchanged(t, "audit", granted)

	st.rollback(t, first, granted, start)

	revoke := func(w io.Writer) error { return Revoke(w, g, Full) }
	preview, code = st.Report(t, revoke, "WhatIf", true)
	if code != preview.Outcome.ExitCode() {
		t.Errorf("preview of revoke: %s, exit code %d", preview.Outcome, code)
	}
	st.Unchanged(t, "preview of revoke", granted)
	revoked, code := st.Report(t, revoke)
	checkEnd(t, "revoke", revoked, code, want.revoke)
	if first.Outcome == exchange.Granted && !strings.Contains(s.Name, "disabled") && !strings.Contains(s.Name, "incomplete") {
		st.Unchanged(t, "grant and revoke", start)
	}
	record.Files = append(record.Files, reportFile(t, "revoke.json", revoked))
}

// rollback takes the grant back from its report, and makes it again.
func (s *stage) rollback(t *testing.T, report exchange.Report, granted, start string) {
	t.Helper()
	print := func(w io.Writer) error { return Rollback(w, report) }
	if len(report.Inverse) == 0 {
		if err := print(io.Discard); err == nil {
			t.Error("a report that changed nothing can be rolled back")
		}
		return
	}
	back, _ := s.Report(t, print)
	if back.Outcome != exchange.Revoked && back.Outcome != exchange.StillEffective {
		t.Errorf("rollback: %s: %+v", back.Outcome, back.Steps)
	}
	s.Unchanged(t, "grant and rollback", start)
	if again, _ := s.Report(t, print); again.Changed {
		t.Errorf("a second rollback changed something: %+v", again.Steps)
	}
	s.Report(t, func(w io.Writer) error { return Rollback(w, back) })
	s.Unchanged(t, "rollback of the rollback", granted)
}

// runMinimal runs the minimal scripts in an organization of their own.
func runMinimal(t *testing.T, s exchangesim.Scenario, want ends, record *txtar.Archive) {
	st := newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{})
	g := s.Grant()
	grant := func(w io.Writer) error { return Grant(w, g, Minimal) }
	revoke := func(w io.Writer) error { return Revoke(w, g, Minimal) }
	start := st.Snapshot(t)
	st.Run(t, grant, "WhatIf", true)
	st.Unchanged(t, "minimal preview", start)
	for _, step := range []struct {
		name  string
		print func(io.Writer) error
		code  int
	}{
		{"minimal grant", grant, want.minimal}, {"minimal grant again", grant, want.minimalAgain}, {"minimal revoke", revoke, want.minimalRevoke},
	} {
		r := st.Run(t, step.print, "Confirm", false)
		if r.ExitCode != step.code {
			t.Errorf("%s: exit code %d, want %d:\n%s", step.name, r.ExitCode, step.code, r.Console)
		}
		record.Files = append(record.Files, txtar.File{Name: step.name, Data: []byte(r.Console)})
	}
}

// TestGerman shows that no outcome depends on the language of the server.
func TestGerman(t *testing.T) {
	for _, s := range exchangesim.Scenarios() {
		if s.Name == "recipients-50000" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			for _, language := range []string{"de", "ja"} {
				st := newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{Language: language})
				g := s.Grant()
				r, code := st.Report(t, func(w io.Writer) error { return Grant(w, g, Full) })
				checkEnd(t, language, r, code, scenarioEnds[s.Name].grant)
				if language == "ja" {
					continue
				}
				st = newStage(t, s, exchangesim.Options{}, exchangesim.SessionOptions{Language: language})
				if m := st.Run(t, func(w io.Writer) error { return Grant(w, g, Minimal) }, "Confirm", false); m.ExitCode != scenarioEnds[s.Name].minimal {
					t.Errorf("minimal: exit code %d:\n%s", m.ExitCode, m.Console)
				}
			}
		})
	}
}

func checkEnd(t *testing.T, what string, r exchange.Report, code int, want exchange.Outcome) {
	t.Helper()
	if r.Outcome != want || code != want.ExitCode() {
		t.Errorf("%s: %s with exit code %d, want %s with %d\n%s", what, r.Outcome, code, want, want.ExitCode(), pretty(t, r))
	}
}

// reportFile is a report as a golden: who ran it depends on the machine.
func reportFile(t *testing.T, name string, r exchange.Report) txtar.File {
	r.Operator = "OPERATOR"
	return txtar.File{Name: name, Data: append(pretty(t, r), '\n')}
}

func pretty(t *testing.T, r exchange.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func diffFile(name, before, after string) txtar.File {
	return txtar.File{Name: name, Data: []byte(scriptshell.Diff(before, after))}
}
