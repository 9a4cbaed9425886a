package grant

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

func TestRevokeGUID(t *testing.T) {
	s := scenario(t, "equal-other-name")
	st := newStage(t, s)
	guid := st.guidOf(t, "Old Grant")
	result := st.revoke(t, Revocation{GUID: strings.ToUpper(guid)})
	checkEnd(t, "revoke", result, report.Revoked)
	after := st.org.Snapshot()
	for _, a := range after.Assignments {
		if a.Name == "Old Grant" {
			t.Error("the assignment is still there")
		}
	}
	if len(after.Scopes) != 1 || after.Scopes[0].Name != "Old Scope" {
		t.Errorf("scopes %+v", after.Scopes)
	}
	if len(result.Findings) != 1 || result.Findings[0].ID != "scope-left" {
		t.Errorf("findings %+v", result.Findings)
	}
	checkEnd(t, "again", st.revoke(t, Revocation{GUID: guid}), report.NothingToRevoke)

	start := newStage(t, s).snapshot(t)
	result.Grant.Assignee.Given = "svc-reschedule"
	st.revoke(t, Revocation{Report: result})
	st.unchanged(t, "revoke and undo", start)
}

// Assignments that let their holder assign the role, and those of other roles, are
// not what this program grants.
func TestRevokeGUIDOfAnother(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	start := st.snapshot(t)
	for _, name := range []string{"ApplicationImpersonation-Organization Management-Delegating", "Mail Recipients-Organization Management"} {
		result := st.revoke(t, Revocation{GUID: st.guidOf(t, name)})
		checkEnd(t, name, result, report.Conflict)
		st.unchanged(t, name, start)
	}
}

// guidOf is the GUID of an assignment.
func (s *stage) guidOf(t *testing.T, name string) string {
	t.Helper()
	var guid string
	_, err := s.session.Invoke(t.Context(), exchange.Pipeline{commands.GetAssignment(name, "")}, func(o exchange.Object) error {
		guid = o.Text("Guid")
		return nil
	})
	if err != nil || guid == "" {
		t.Fatalf("there is no assignment %q (%v)", name, err)
	}
	return guid
}
