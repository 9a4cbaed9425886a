package grant

import (
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

func finding(r *report.Report, id string) *report.Finding {
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &r.Findings[i]
}

// Another grant that lets the account reach more is a difference, named with the command
// that takes it back; one that is known is told and decides nothing.
func TestVerifyOtherGrants(t *testing.T) {
	for _, c := range []struct{ scenario, id, name string }{
		{"wider-grant", "wider-grant", "Wide Grant"}, {"child-role", "wider-grant", "Child Grant"},
		{"indirect-role-group", "indirect", "ApplicationImpersonation-Scheduling Services"},
	} {
		s := scenario(t, c.scenario)
		st, g := newStage(t, s), s.Grant()
		g.InScope, g.OutOfScope = nil, nil // nobody is asked: the assignments say it
		checkEnd(t, c.scenario, st.grant(t, g), report.Granted)
		result := st.verify(t, g)
		checkEnd(t, c.scenario, result, report.Differs)
		f := finding(result, c.id)
		if f == nil || !f.Decides || !strings.Contains(f.Text, "'"+c.name+"'") || !strings.Contains(f.Text, "exgrant revoke --guid "+f.Objects[0]) {
			t.Errorf("%s: %+v", c.scenario, f)
			continue
		}
		for _, known := range []string{strings.ToUpper(c.name), f.Objects[0]} {
			g.Accept = []string{known}
			result = st.verify(t, g)
			checkEnd(t, c.scenario+", accepted", result, report.Verified)
			if a := finding(result, "accepted"); a == nil || !strings.Contains(a.Text, "accepted, and was not examined") {
				t.Errorf("%s: %s", c.scenario, pretty(t, result.Findings))
			}
		}
		g.Accept = nil
		if c.scenario == "wider-grant" {
			st.o.Beside = []exchange.Grant{{Assignee: exchange.NewUser("svc-reschedule@contoso.test"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}}
			checkEnd(t, "explained by the file", st.verify(t, g), report.Verified)
			st.o.Beside = []exchange.Grant{{Assignee: exchange.NewUser("svc-backup"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}},
				{Assignee: exchange.NewUser("nobody"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}}
			checkEnd(t, "explained by nothing", st.verify(t, g), report.Differs)
		}
	}
}

// A second grant over other mailboxes is one, too; one over fewer is not.
func TestVerifyOtherScope(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	berlin := exchange.Grant{Name: "Berlin", Assignee: exchange.NewUser("svc-reschedule"), Scope: exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff/Berlin"}}
	staff := berlin
	staff.Name, staff.Scope.Text = "Staff", "contoso.test/Staff"
	st.grant(t, berlin)
	second := st.grant(t, staff)
	checkEnd(t, "second", second, report.Granted)
	if f := finding(second, "other-grant"); f == nil || f.Severity != report.SeverityWarning || f.Decides {
		t.Errorf("a grant beside another: %s", pretty(t, second.Findings))
	}
	checkEnd(t, "the wide one", st.verify(t, staff), report.Verified)
	checkEnd(t, "the narrow one", st.verify(t, berlin), report.Differs)
	st.o.Beside = []exchange.Grant{staff}
	checkEnd(t, "the narrow one of the same file", st.verify(t, berlin), report.Verified)
}

// What is known of the account before anything is made.
func TestAccountFindings(t *testing.T) {
	for scenarioName, want := range map[string]string{"shared-mailbox": accountDisabled, "domain-admin": "privileged-account", "exchange-2016": "version-unsupported",
		"exchange-2019": "version-unsupported", "lookalike-admin": "", "no-account-control": "", "plain": ""} {
		s := scenario(t, scenarioName)
		_, plan := newStage(t, s).plan(t, s.Grant())
		for _, id := range []string{accountDisabled, "privileged-account", "version-unsupported"} {
			if hasFinding(plan, id) != (id == want) {
				t.Errorf("%s: %s is found: %v", scenarioName, id, hasFinding(plan, id))
			}
		}
	}
	g := exchange.Grant{Assignee: exchange.NewUser("administrator"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}
	if _, plan := newStage(t, scenario(t, "plain")).plan(t, g); !hasFinding(plan, "privileged-account") {
		t.Errorf("the built-in Administrator: %s", pretty(t, plan.Findings))
	}
}

// A group that cannot hold a role is refused before a scope is made for it.
func TestGroupThatCannotHoldARole(t *testing.T) {
	for _, identity := range []string{"Berlin (global)", "Newsletter"} {
		st := newStage(t, scenario(t, "plain"))
		g := exchange.Grant{Assignee: exchange.NewSecurityGroup(identity), Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}}
		result, err := Make(t.Context(), st.inv, g, st.o)
		if result == nil {
			t.Fatal(err)
		}
		checkEnd(t, identity, result, report.Conflict)
		if len(st.org.Snapshot().Scopes) != 0 || !strings.Contains(lastText(result), "cannot hold a role") {
			t.Errorf("%s: %s", identity, lastText(result))
		}
	}
}

// A mailbox that is mistyped, none, or named on both sides stops the run before its first
// change.
func TestMistypedMailbox(t *testing.T) {
	for name, c := range map[string]struct {
		in, out []string
		end     report.Outcome
	}{
		"in scope":     {[]string{"anna", "annna"}, nil, report.NotFound},
		"out of scope": {nil, []string{"bos@contoso.test"}, report.NotFound},
		"a group":      {[]string{"Reschedule Users"}, nil, report.NotFound},
		"both":         {[]string{"anna"}, []string{"anna@contoso.test"}, report.Conflict},
	} {
		st := newStage(t, scenario(t, "plain"))
		start := st.snapshot(t)
		g := scenario(t, "plain").Grant()
		g.InScope, g.OutOfScope = c.in, c.out
		result, err := Make(t.Context(), st.inv, g, st.o)
		if result == nil {
			t.Fatal(err)
		}
		checkEnd(t, name, result, c.end)
		st.unchanged(t, name, start)
		checkEnd(t, name, st.verify(t, g), c.end)
	}
}

// After a write, a mailbox that is not in reach yet is replication; one that is in reach
// and should not be is a difference. Without a write both are.
func TestReachAfterWrite(t *testing.T) {
	st, g := newStage(t, scenario(t, "plain")), scenario(t, "plain").Grant()
	g.InScope, g.OutOfScope = []string{"boss"}, nil
	checkEnd(t, "refused, written", st.grant(t, g), report.GrantedReplicating)
	checkEnd(t, "refused, not written", st.grant(t, g), report.Differs)
	st, g = newStage(t, scenario(t, "plain")), scenario(t, "plain").Grant()
	g.InScope, g.OutOfScope = nil, []string{"anna"}
	checkEnd(t, "allowed, written", st.grant(t, g), report.Differs)
	checkEnd(t, "allowed, not written", st.grant(t, g), report.Differs)
}

// The equal grant is found, and taken back, by whatever spelling it was named after.
func TestAnySpelling(t *testing.T) {
	accounts := []string{`CONTOSO\svc-reschedule`, "svc-reschedule", "svc-reschedule@contoso.test", `contoso.test/Services/svc-reschedule`,
		"CN=svc-reschedule,OU=Services,DC=contoso,DC=test"}
	groups := []string{"Reschedule Users", "reschedule-users@contoso.test", "CN=Reschedule Users,OU=Groups,DC=contoso,DC=test", "contoso.test/Groups/Reschedule Users"}
	grant := func(account, group string) exchange.Grant {
		return exchange.Grant{Assignee: exchange.NewUser(account), Scope: exchange.Scope{Kind: exchange.Group, Text: group}}
	}
	for i, account := range accounts {
		st := newStage(t, scenario(t, "plain"))
		start := st.snapshot(t)
		made := st.grant(t, grant(account, groups[i%len(groups)]))
		checkEnd(t, account, made, report.Granted)
		other := grant(accounts[(i+1)%len(accounts)], groups[(i+1)%len(groups)])
		seen := st.verify(t, other)
		checkEnd(t, account, seen, report.Verified)
		if seen.Grant.Name != made.Grant.Name || other.AssignmentName() == made.Grant.Name {
			t.Errorf("the report shows %q, on the server is %q", seen.Grant.Name, made.Grant.Name)
		}
		checkEnd(t, account, st.revoke(t, Revocation{Grant: &other}), report.Revoked)
		st.unchanged(t, account, start)
	}
}

// An equal grant with a foreign name is somebody else's.
func TestForeignNameIsNotRevoked(t *testing.T) {
	s := scenario(t, "equal-other-name")
	st, g := newStage(t, s), s.Grant()
	g.Name = ""
	start := st.snapshot(t)
	result := st.revoke(t, Revocation{Grant: &g})
	checkEnd(t, "revoke", result, report.NotRevoked)
	guid := st.guidOf(t, "Old Grant")
	if f := finding(result, "access-left"); f == nil || !strings.Contains(f.Text, "exgrant revoke --guid "+guid) {
		t.Errorf("%s", pretty(t, result.Findings))
	}
	st.unchanged(t, "revoke", start)
}

// By its name or its GUID alone.
func TestByNameOrGUID(t *testing.T) {
	st, made := granted(t, scenario(t, "plain").Grant())
	guid := st.guidOf(t, made.Grant.Name)
	for _, identity := range []string{strings.ToLower(made.Grant.Name), strings.ToUpper(guid)} {
		result, err := VerifyAssignment(t.Context(), st.inv, identity, exchange.Grant{InScope: []string{"anna"}, OutOfScope: []string{"boss"}}, st.o)
		if result == nil {
			t.Fatal(err)
		}
		checkEnd(t, identity, result, report.Verified)
		if result.Grant.Name != made.Grant.Name || len(result.Proof) != 2 || result.Grant.Assignee.Name != "svc-reschedule" {
			t.Errorf("%s: %s", identity, pretty(t, result))
		}
	}
	for identity, want := range map[string]report.Outcome{"No Such Grant": report.NotFound,
		"ApplicationImpersonation-Organization Management-Delegating": report.Conflict, "Mail Recipients-Organization Management": report.Conflict} {
		result, err := VerifyAssignment(t.Context(), st.inv, identity, exchange.Grant{}, st.o)
		if result == nil {
			t.Fatal(err)
		}
		checkEnd(t, identity, result, want)
	}
	checkEnd(t, "another's", st.revoke(t, Revocation{Name: "Mail Recipients-Organization Management"}), report.Conflict)
	checkEnd(t, "by name", st.revoke(t, Revocation{Name: made.Grant.Name}), report.Revoked)
	checkEnd(t, "again", st.revoke(t, Revocation{Name: made.Grant.Name}), report.NothingToRevoke)
}

// A scope belongs to every role that uses it: it is not changed for one of them.
func TestUpdateScopeOfAnotherRole(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	st.command(t, commands.NewScope("Berlin Desk", "City -eq 'Berlin'", ""))
	st.command(t, commands.NewAssignment("Desk", exchange.SecurityGroup, "Schedulers", "Mail Recipients", commands.WriteScope{Custom: "Berlin Desk"}, ""))
	start := st.snapshot(t)
	st.o.UpdateScope = true
	g := exchange.Grant{Assignee: exchange.NewUser(`CONTOSO\svc-reschedule`), Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users", Name: "Berlin Desk"}}
	result := st.grant(t, g)
	checkEnd(t, "grant", result, report.Conflict)
	if !strings.Contains(lastText(result), "'Desk' (role Mail Recipients)") {
		t.Errorf("it says %q", lastText(result))
	}
	st.unchanged(t, "grant", start)
}
