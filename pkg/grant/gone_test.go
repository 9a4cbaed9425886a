package grant

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
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

// A grant whose scope names a group that is gone is not as it should be: it reaches
// nobody.
func TestScopeGroupIsGone(t *testing.T) {
	s := scenario(t, "group-deleted")
	st := newStage(t, s)
	told, err := VerifyAssignment(t.Context(), st.inv, "Reschedule Impersonation", exchange.Grant{}, st.o)
	told = ended(t, told, err)
	checkEnd(t, "verify", told, report.Differs)
	for _, f := range told.Findings {
		if (f.ID == scopeStale || f.ID == scopeEmpty) != f.Decides {
			t.Errorf("%+v", f)
		}
	}
	if findingText(told, scopeStale) == "" {
		t.Errorf("findings %s", pretty(t, told.Findings))
	}
}

// The assignment that has the grant's name and another scope is named, with the command
// that takes it back.
func TestVerifyNamesOwnNameWithOtherScope(t *testing.T) {
	s := scenario(t, "own-name-other-scope")
	st := newStage(t, s)
	told := st.verify(t, s.Grant())
	checkEnd(t, "verify", told, report.Differs)
	text := findingText(told, "other-grant")
	if !strings.Contains(text, "'Berlin'") || !strings.Contains(text, "exgrant revoke --guid "+st.guidOf(t, "Reschedule Impersonation")) {
		t.Errorf("it says %q", text)
	}
	told = st.verify(t, func() exchange.Grant { g := s.Grant(); g.Name = "Another Name"; return g }())
	if text := findingText(told, "other-grant"); !strings.Contains(text, "'Berlin'") {
		t.Errorf("by another name it says %q", text)
	}
}

// What is refused has its reason as a finding: nothing else exists already.
func TestRefusalsHaveTheirFinding(t *testing.T) {
	for name, id := range map[string]string{"global-assignee": "group-unfit", "scope-unparsable": scopeUnverified} {
		s := scenario(t, name)
		told := newStage(t, s).grant(t, s.Grant())
		checkEnd(t, name, told, report.Conflict)
		if findingText(told, id) == "" {
			t.Errorf("%s: findings %s", name, pretty(t, told.Findings))
		}
	}
}

// What was taken from an account that is gone since cannot be given back, and the run
// says why.
func TestUndoForAccountThatIsGone(t *testing.T) {
	g := scenario(t, "plain").Grant()
	st, _ := granted(t, g)
	back := st.revoke(t, Revocation{Grant: &g})
	start := st.snapshot(t)
	st.inv = &refusing{st.session, func(p exchange.Pipeline) (exchange.Streams, error, bool) {
		return exchange.Streams{Errors: []exchange.ErrorRecord{{Reason: "ManagementObjectNotFoundException", Message: "not found",
			FullyQualifiedErrorID: "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] 1,Microsoft.Exchange.Management.X"}}}, nil, p[0].Cmdlet == "Get-User"
	}}
	told := st.revoke(t, Revocation{Report: copied(t, back)})
	checkEnd(t, "undo", told, report.Conflict)
	if !strings.Contains(lastText(told), "cannot be made again") {
		t.Errorf("it says %q", lastText(told))
	}
	st.unchanged(t, "undo", start)
}
