package psgen

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// mostStatusLines is how many lines a status script has at most, whatever it is about.
const mostStatusLines = 200

// statusOf writes the status script of a grant.
func statusOf(g exchange.Grant) func(io.Writer) error {
	return func(w io.Writer) error { return Status(w, g) }
}

func TestStatusForms(t *testing.T) {
	var paths []string
	for _, a := range []exchange.Assignee{exchange.NewUser(`CONTOSO\svc-reschedule`), exchange.NewSecurityGroup("Schedulers"),
		{Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{"svc-reschedule"}, ViewOnlyConfiguration: true}} {
		for _, s := range []exchange.Scope{{Kind: exchange.Group, Text: "Reschedule Users"}, {Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"},
			{Kind: exchange.RecipientFilter, Text: "City -eq 'Bonn'"}, {Kind: exchange.Existing, Text: "Rooms"}, {Kind: exchange.WholeOrganization}} {
			name := fmt.Sprintf("status %s %s", assigneeFact(a.Kind), s.Kind)
			script := string(printed(t, statusOf(exchange.Grant{Assignee: a, Scope: s, InScope: []string{"anna@contoso.test"}, OutOfScope: []string{"boss@contoso.test"}})))
			text := strings.ReplaceAll(strings.TrimPrefix(script, byteOrderMark), "\r\n", "\n")
			if lines := strings.Count(text, "\n"); lines > mostStatusLines {
				t.Errorf("%s has %d lines, of %d", name, lines, mostStatusLines)
			}
			checkText(t, name, text)
			if s.Kind == exchange.Group {
				golden(t, "status-"+assigneeFact(a.Kind)+".ps1", []byte(script))
			}
			path := filepath.Join(t.TempDir(), "status.ps1")
			if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	for _, finding := range peers.Check(t, nil, paths...) {
		t.Error(finding)
	}
}

// What a status says in every kind of state. Nothing is ever changed by it, the view of
// the session included.
func TestStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scenario string
		outcome  report.Outcome
		says     string // in the reason or in a warning
	}{
		{"plain", report.Differs, "Not in place. Wanted is MemberOfGroup"},
		{"equal-other-name", report.Verified, "In place: 'Old Grant'"},
		{"shared-scope", report.Verified, "In place: 'Reschedule Impersonation'"},
		{"disabled-grant", report.Differs, "Disabled: 'Reschedule Impersonation'"},
		{"disabled-foreign-grant", report.Differs, "Disabled: 'Old Grant'"},
		{"wider-grant", report.Differs, "Also: 'Wide Grant'"},
		{"indirect-role-group", report.Differs, "Also: 'ApplicationImpersonation-Scheduling Services'"},
		{"child-role", report.Differs, "Also: 'Child Grant', Calendar Impersonation"},
		{"own-scope-other-filter", report.Differs, "Also: 'Reschedule Impersonation'"},
		{"shared-mailbox", report.Differs, "The account is disabled."},
		{"role-group-incomplete", report.Differs, "svc-backup is no member"},
		{"role-group-other-members", report.Differs, "svc-backup is in it"},
		{"role-group-other-roles", report.Differs, "Mail Recipients by"},
		{"global-assignee", report.Conflict, "NonUniversalGroup"},
		{"group-deleted", report.NotFound, "Reschedule Users"},
		{"account-deleted", report.NotFound, "svc-reschedule"},
		{"ambiguous-user", report.Failed, "is several"},
		{"exchange-online", report.Failed, "Exchange Online"},
		{"cmdlet-missing", report.Failed, "View-Only Configuration"},
		{"strict-mode", report.Differs, "Not in place"},
		{"silent-guid", report.Differs, "Not in place"},
		{"constrained-language", "", "Sign this file"},
	} {
		for _, deserialized := range []bool{false, true} {
			st := named(t, c.scenario, exchangesim.SessionOptions{Deserialized: deserialized})
			r, text := runRead(t, st, statusOf(st.Org.Scenario().Grant()))
			if told := strings.Join(strings.Fields(r.Console), ""); !strings.Contains(told, strings.Join(strings.Fields(c.says), "")) {
				t.Errorf("%s: without %q:\n%s", c.scenario, c.says, r.Console)
			}
			if c.outcome == "" {
				if r.ExitCode != 1 || len(text) > 0 {
					t.Errorf("%s: exit code %d, a report of %d bytes", c.scenario, r.ExitCode, len(text))
				}
				continue
			}
			told := scriptshell.ParseReport(t, strings.TrimSpace(string(text)))
			if told.Outcome != c.outcome || r.ExitCode != c.outcome.ExitCode() || told.Changed {
				t.Errorf("%s: %s with exit code %d, want %s\n%s", c.scenario, told.Outcome, r.ExitCode, c.outcome, r.Console)
			}
			if c.outcome != report.Verified {
				break // the second mode is asked where it must see that texts are equal
			}
		}
	}
}

// A grant that is in place is verified when nothing speaks against it: the answers about
// mailboxes decide too, and without any the result says that reach was not tested.
func TestStatusOfReach(t *testing.T) {
	st := named(t, "shared-scope", exchangesim.SessionOptions{})
	g := st.Org.Scenario().Grant()
	for _, c := range []struct {
		in, out []string
		outcome report.Outcome
		says    string
	}{
		{nil, nil, report.Verified, "Reach : not tested: no mailbox is named in this script"},
		{[]string{"anna", "room1"}, []string{"boss"}, report.Verified, "room1: allowed, expected allowed"},
		{[]string{"boss"}, nil, report.Differs, "boss: refused, expected allowed"},
		{nil, []string{"ben"}, report.Differs, "ben: allowed, expected refused"},
		{[]string{"nobody"}, nil, report.NotFound, "nobody"},
	} {
		g.InScope, g.OutOfScope = c.in, c.out
		r, text := runRead(t, st, statusOf(g))
		told := scriptshell.ParseReport(t, strings.TrimSpace(string(text)))
		if told.Outcome != c.outcome || !strings.Contains(strings.Join(strings.Fields(r.Console), " "), c.says) {
			t.Errorf("%v in, %v out: %s, without %q:\n%s", c.in, c.out, told.Outcome, c.says, r.Console)
		}
	}
}

// The session's view of the forest is afterwards what it was.
func TestStatusPutsTheViewBack(t *testing.T) {
	for _, set := range []string{"", "Set-ADServerSettings -ViewEntireForest $true", "Set-ADServerSettings -RecipientViewRoot contoso.test/Staff/Berlin"} {
		st := named(t, "view-root", exchangesim.SessionOptions{})
		view := func(text string) string {
			r := engine.Run(t, peers.Job{Modules: []string{st.Manifest}, Command: text + "\n" + `$v = Get-ADServerSettings; "$($v.ViewEntireForest) $($v.RecipientViewRoot)"`})
			return r.Console
		}
		before := view(set)
		if r, _ := runRead(t, st, statusOf(st.Org.Scenario().Grant())); r.ExitCode != 3 {
			t.Errorf("exit code %d\n%s", r.ExitCode, r.Console)
		}
		if after := view(""); after != before {
			t.Errorf("%q: the view was %q and is %q", set, before, after)
		}
	}
}

// A role group that is as it was asked for is in place.
func TestStatusOfRoleGroup(t *testing.T) {
	st := named(t, "role-group-incomplete", exchangesim.SessionOptions{})
	g := st.Org.Scenario().Grant()
	g.Assignee.Members = g.Assignee.Members[:1]
	r, text := runRead(t, st, statusOf(g))
	if told := scriptshell.ParseReport(t, strings.TrimSpace(string(text))); told.Outcome != report.Verified {
		t.Errorf("%s\n%s", told.Outcome, r.Console)
	}
	g.Assignee.ViewOnlyConfiguration = true
	if r, _ = runRead(t, st, statusOf(g)); r.ExitCode != 3 || !strings.Contains(r.Console, "Not in place: View-Only Configuration.") {
		t.Errorf("exit code %d\n%s", r.ExitCode, r.Console)
	}
	must := commands.RemoveRoleGroup(g.Assignee.Identity, "")
	if s, err := st.Org.Session(exchangesim.SessionOptions{}).Invoke(t.Context(), exchange.Pipeline{must}, nil); err != nil || len(s.Errors) > 0 {
		t.Fatal(err, s.Errors)
	}
	if r, _ = runRead(t, st, statusOf(g)); r.ExitCode != 3 || !strings.Contains(r.Console, "Not in place") {
		t.Errorf("exit code %d\n%s", r.ExitCode, r.Console)
	}
}
