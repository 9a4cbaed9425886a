package grant

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/report"
)

// An assignment whose account is gone is there still, lets nobody act, and can be taken
// back; it cannot be made again.
func TestAccountIsGone(t *testing.T) {
	const name = "Reschedule Impersonation"
	s := scenario(t, "account-deleted")
	st := newStage(t, s)
	guid := st.guidOf(t, name)
	takeBack := "exgrant revoke --guid " + guid
	for _, identity := range []string{name, guid} {
		told, err := VerifyAssignment(t.Context(), st.inv, identity, s.Grant(), st.o)
		told = ended(t, told, err)
		checkEnd(t, "verify", told, report.Differs)
		if text := findingText(told, accountGone); !strings.Contains(text, takeBack) {
			t.Errorf("verify says %q", text)
		}
	}

	audit := st.audit(t)
	checkEnd(t, "audit", audit, report.Audited)
	for _, h := range audit.Holders {
		if is := h.Assignment == name; h.Unresolved != is || h.Holder == "" {
			t.Errorf("%+v", h)
		}
	}

	g := s.Grant()
	told := st.revoke(t, Revocation{Grant: &g})
	checkEnd(t, "revoke the grant", told, report.NotFound)
	if hint := told.Failure().Fault.Hint; !strings.Contains(hint, "--name \""+name+"\"") || !strings.Contains(hint, takeBack) {
		t.Errorf("the hint is %q", hint)
	}
	told = st.revoke(t, Revocation{Name: name})
	checkEnd(t, "revoke by name", told, report.Revoked)
	if len(told.Inverse) > 0 || !strings.Contains(findingText(told, "not-undoable"), "cannot be made again") {
		t.Errorf("%s\n%s", pretty(t, told.Inverse), pretty(t, told.Findings))
	}
	if err := told.CheckInverse(); err == nil || strings.Contains(err.Error(), "changed nothing") {
		t.Errorf("the report can be taken back: %v", err)
	}
}

func findingText(r *report.Report, id string) string {
	for _, f := range r.Findings {
		if f.ID == id {
			return f.Text
		}
	}
	return ""
}
