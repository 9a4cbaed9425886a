package report

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// The published example holds every field: it must be read without a remainder and
// written back with the same meaning.
func TestReportAsPublished(t *testing.T) {
	example, err := os.ReadFile(peers.Shared(t, "design", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report Report
	decoder := json.NewDecoder(bytes.NewReader(example))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&report); err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(meaning(t, example), meaning(t, written)); diff != "" {
		t.Errorf("-example +written\n%s", diff)
	}
	if report.Schema != Schema {
		t.Errorf("schema is %q", report.Schema)
	}
}

func meaning(t *testing.T, document []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	return v
}

// Whoever reads a report may rely on its lists being lists.
func TestReportHasListsForNothing(t *testing.T) {
	report := Report{Before: &State{}, After: &State{RoleGroups: []RoleGroupState{{}}}}
	for name, v := range map[string]any{"value": report, "pointer": &report} {
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(written), "null") {
			t.Errorf("%s: %s", name, written)
		}
		for _, want := range []string{`"steps":[]`, `"findings":[]`, `"assignments":[]`, `"scopes":[]`, `"members":[]`} {
			if !strings.Contains(string(written), want) {
				t.Errorf("%s: no %s in %s", name, want, written)
			}
		}
	}
	audit, err := json.Marshal(Report{Operation: OperationAudit})
	if err != nil || !strings.Contains(string(audit), `"holders":[]`) {
		t.Errorf("no list of holders in %s, %v", audit, err)
	}
	if report.Steps != nil || report.Before.Scopes != nil {
		t.Error("writing a report changed it")
	}
}

func TestExitCodes(t *testing.T) {
	want := map[Outcome]int{
		"granted": 0, "already-granted": 0, "granted-replicating": 0, "revoked": 0, "nothing-to-revoke": 0, "verified": 0, "audited": 0, "planned": 0,
		"failed": 1, "conflict": 1, "not-found": 1, "unreachable": 1, "blocked": 1,
		"differs": 3, "customization-pending": 3, "still-effective": 3, "not-revoked": 3,
		"denied": 5, "interrupted": 130,
	}
	got := map[Outcome]int{}
	for _, o := range Outcomes() {
		got[o] = o.ExitCode()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(Outcomes()) != len(want) {
		t.Errorf("an outcome is listed twice: %v", Outcomes())
	}
	if code := Outcome("something else").ExitCode(); code != 1 {
		t.Errorf("an unknown outcome exits with %d", code)
	}
}
