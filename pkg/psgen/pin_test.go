package psgen

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// TestPinReachesEveryWrite: a domain controller that a grant names is where every script
// for it makes every change.
func TestPinReachesEveryWrite(t *testing.T) {
	const pin = "DC02.contoso.test"
	for _, g := range []exchange.Grant{groupGrant(), roleGroupGrant()} {
		g.DomainController = pin
		st, _ := stageOf(t, "plain")
		start := st.Snapshot(t)
		granted := st.ends(t, "grant", grantScript(g), report.Granted)
		st.ends(t, "revoke", revokeScript(g), report.Revoked)
		if g.Assignee.Kind == exchange.RoleGroup { // and a member that is missing
			st.ends(t, "grant", grantScript(g), report.Granted)
			more := g
			more.Assignee.Members = append([]string{"Peter O'Brien"}, g.Assignee.Members...)
			st.ends(t, "member", grantScript(more), report.Granted)
			st.ends(t, "revoke", revokeScript(more), report.Revoked)
		}
		st.Unchanged(t, "all of it", start)
		writes := map[string]int{}
		for _, c := range st.Org.Calls() {
			if !c.Writes || c.Command.Cmdlet == "Set-ADServerSettings" {
				continue
			}
			writes[c.Command.Cmdlet]++
			if got := c.Command.Text("DomainController"); got != pin {
				t.Errorf("%s: on %q", c.Command.Cmdlet, got)
			}
		}
		if len(writes) < 4 { // scope and grant, made and removed
			t.Errorf("writes %v", writes)
		}
		for _, s := range granted.Steps {
			if s.Status == report.StatusChanged && !strings.Contains(s.Command, "-DomainController '"+pin+"'") {
				t.Errorf("shown without its domain controller: %s", s.Command)
			}
		}
	}
}
