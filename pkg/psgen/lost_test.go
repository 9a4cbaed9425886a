package psgen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// TestLostReply: a write can be done although its answer says nothing of it. Whatever write
// it is, in every kind of script: the run goes on from what stands, and ends as if the
// answer had come, with the same undo.
func TestLostReply(t *testing.T) {
	t.Parallel()
	roleGroup := roleGroupGrant().Assignee
	for _, c := range []struct {
		name, scenario string
		assignee       *exchange.Assignee
		writes         int // of the grant
		revokes        int // writes of the revocation
		undone         report.Outcome
	}{
		{"user", "plain", nil, 2, 2, report.Revoked},
		{"disabled grant", "disabled-grant", nil, 1, 0, report.Revoked},
		{"role group", "plain", &roleGroup, 3, 2, report.Revoked},
		{"member of a role group", "role-group-incomplete", nil, 1, 0, report.StillEffective}, // the other member
	} {
		for write := 1; write <= c.writes+c.revokes; write++ {
			for _, busy := range []bool{false, true} {
				if busy && write != c.writes+c.revokes {
					continue // one is enough: of a lost answer a script knows less
				}
				t.Run(fmt.Sprintf("%s, write %d, busy %v", c.name, write, busy), func(t *testing.T) {
					s, err := exchangesim.ScenarioByName(c.scenario)
					if err != nil {
						t.Fatal(err)
					}
					o := exchangesim.Options{LostReply: write}
					if busy {
						o = exchangesim.Options{BusyReply: write}
					}
					st, g := newStage(t, s, o, exchangesim.SessionOptions{}), s.Grant()
					if c.assignee != nil {
						g.Assignee, g.Name = *c.assignee, ""
					}
					start := st.Snapshot(t)
					r := st.ends(t, "grant", grantScript(g), report.Granted)
					if len(r.Inverse) < c.writes {
						t.Errorf("%d of %d writes have an inverse", len(r.Inverse), c.writes)
					}
					if write > c.writes {
						st.ends(t, "revoke", revokeScript(g), report.Revoked)
					} else if undone := st.ends(t, "undo", undoScript(r), c.undone); c.scenario == "plain" && len(undone.Inverse) < 2 {
						t.Errorf("the undo has %d inverses", len(undone.Inverse))
					}
					st.Unchanged(t, "there and back", start)
				})
			}
		}
	}
}

// TestScopeBefore: a scope that was there before the grant is used, and stays.
func TestScopeBefore(t *testing.T) {
	st, g := stageOf(t, "scope-before")
	start := st.Snapshot(t)
	r := st.ends(t, "grant", grantScript(g), report.Granted)
	st.ends(t, "undo", undoScript(r), report.Revoked)
	st.Unchanged(t, "grant and undo", start)
}

// TestManyRecipients: all are counted, ten are named.
func TestManyRecipients(t *testing.T) {
	st, g := stageOf(t, "recipients-5000")
	r, shown := st.Reported(t, grantScript(g), "WhatIf", true)
	if n := r.Grant.Scope.Recipients; r.Outcome != report.Planned || n == nil || *n != 5003 {
		t.Errorf("%s: %v recipients", r.Outcome, n)
	}
	if want := "5003 recipients"; !strings.Contains(shown.Console, want) || !strings.Contains(shown.Console, "and 4993 more") {
		t.Errorf("without %q:\n%s", want, shown.Console)
	}
}
