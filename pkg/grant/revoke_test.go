package grant

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestRevokeGUID(t *testing.T) {
	s := scenario(t, "equal-other-name")
	st := newStage(t, s)
	guid := st.guidOf(t, "Old Grant")
	report := st.revoke(t, Revocation{GUID: strings.ToUpper(guid)})
	checkEnd(t, "revoke", report, exchange.Revoked)
	after := st.org.Snapshot()
	for _, a := range after.Assignments {
		if a.Name == "Old Grant" {
			t.Error("the assignment is still there")
		}
	}
	if len(after.Scopes) != 1 || after.Scopes[0].Name != "Old Scope" {
		t.Errorf("scopes %+v", after.Scopes)
	}
	if len(report.Findings) != 1 || report.Findings[0].ID != "scope-left" {
		t.Errorf("findings %+v", report.Findings)
	}
	checkEnd(t, "again", st.revoke(t, Revocation{GUID: guid}), exchange.NothingToRevoke)

	start := newStage(t, s).snapshot(t)
	report.Grant.Assignee.Given = "svc-reschedule"
	st.revoke(t, Revocation{Report: report})
	st.unchanged(t, "revoke and rollback", start)
}

// Assignments that let their holder assign the role, and those of other roles, are
// not what this program grants.
func TestRevokeGUIDOfAnother(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	start := st.snapshot(t)
	for _, name := range []string{"ApplicationImpersonation-Organization Management-Delegating", "Mail Recipients-Organization Management"} {
		report := st.revoke(t, Revocation{GUID: st.guidOf(t, name)})
		checkEnd(t, name, report, exchange.Conflict)
		st.unchanged(t, name, start)
	}
}

// guidOf is the GUID of an assignment.
func (s *stage) guidOf(t *testing.T, name string) string {
	t.Helper()
	var guid string
	_, err := s.session.Invoke(t.Context(), exchange.Pipeline{exchange.GetAssignment(name, "")}, func(o exchange.Object) error {
		guid = o.Text("Guid")
		return nil
	})
	if err != nil || guid == "" {
		t.Fatalf("there is no assignment %q (%v)", name, err)
	}
	return guid
}
