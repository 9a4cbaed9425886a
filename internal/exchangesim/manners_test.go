package exchangesim

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// A view root limits the recipients that a session sees. The entire forest removes it,
// and leaving the forest does not bring it back.
func TestRecipientViewRoot(t *testing.T) {
	_, s := open(t, "view-root")
	root := func() string {
		settings := must(t, s, commands.GetADServerSettings()).objects[0]
		if entire := settings.Bool("ViewEntireForest"); entire != (settings.Text("RecipientViewRoot") == "") {
			t.Errorf("ViewEntireForest %v with the root %q", entire, settings.Text("RecipientViewRoot"))
		}
		return settings.Text("RecipientViewRoot")
	}
	set := func(parameters ...any) string {
		return invoke(t, s, command("Set-ADServerSettings", parameters...)).fault(t)
	}
	if got := root(); got != "contoso.test/Staff" {
		t.Errorf("the root is %q at the start", got)
	}
	if got := invoke(t, s, commands.GetUser(assignee)).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("an account outside the root: %q", got)
	}
	must(t, s, commands.GetUser("anna"))
	for _, step := range []struct {
		parameters  []any
		fault, root string
	}{
		{[]any{"ViewEntireForest", true}, "", ""},
		{[]any{"RecipientViewRoot", "contoso.test/Staff/Berlin", "WhatIf", exchange.Switch(true)}, "", ""},
		{[]any{"ViewEntireForest", false}, "", "contoso.test"},
		{[]any{"RecipientViewRoot", "OU=Staff,DC=contoso,DC=test"}, "", "contoso.test/Staff"},
		{[]any{"RecipientViewRoot", "contoso.test/Nowhere"}, "ManagementObjectNotFoundException", "contoso.test/Staff"},
		{[]any{"RecipientViewRoot", "contoso.test", "ViewEntireForest", true}, "ArgumentException", "contoso.test/Staff"},
		{[]any{"PreferredServer", "DC02"}, "", "contoso.test/Staff"},
		{[]any{"RecipientViewRoot", nil}, "", "contoso.test"},
	} {
		if got := set(step.parameters...); got != step.fault {
			t.Errorf("%v: %q, want %q", step.parameters, got, step.fault)
		}
		if got := root(); got != step.root {
			t.Errorf("%v: the root is %q, want %q", step.parameters, got, step.root)
		}
	}
}

// A write whose answer is an error was done all the same, whichever write it is.
func TestWritesThatAreDoneAndAnsweredWithAnError(t *testing.T) {
	for _, o := range []Options{{LostReply: 1}, {LostReply: 3}, {BusyReply: 1}, {BusyReply: 3}} {
		org := New(scenario(t, "plain"), o)
		s := org.Session(SessionOptions{})
		for i := range 4 {
			name := string(rune('A' + i))
			want := ""
			switch i + 1 {
			case o.LostReply:
				want = "PSRemotingTransportException"
			case o.BusyReply:
				want = "ServerBusyException"
			}
			got := invoke(t, s, commands.NewScope(name, "City -eq 'Berlin'", ""))
			if got.fault(t) != want || len(got.objects) != 0 && want != "" {
				t.Errorf("%+v, write %d: %q, want %q, and %d objects", o, i+1, got.fault(t), want, len(got.objects))
			}
			invoke(t, s, commands.NewScope(name+name, "City -eq 'Berlin'", "").With("WhatIf", exchange.Switch(true)))
			must(t, s, commands.GetScope(name, ""))
		}
	}
}

func TestSilentGUID(t *testing.T) {
	o, s := open(t, "silent-guid")
	holder := o.mustFind("Organization Management")
	for identity, want := range map[string]bool{string(holder.GUID): false, holder.Name: true, holder.DN: true} {
		if got := must(t, s, commands.ListAssignmentsOf(exchange.Role, identity)).names(); (len(got) > 0) != want {
			t.Errorf("%s: %v", identity, got)
		}
	}
}

// What a shell does not show is not there, rather than empty.
func TestNoAccountControl(t *testing.T) {
	for name, want := range map[string]bool{"plain": true, "no-account-control": false} {
		_, s := open(t, name)
		user := must(t, s, commands.GetUser("info")).objects[0]
		for _, property := range []string{"UserAccountControl", "AccountDisabled"} {
			if _, ok := user.Value(property); ok != want {
				t.Errorf("%s shows %s: %v", name, property, ok)
			}
		}
	}
}

// Whoever administers the forest is known by SID, whatever the groups are called.
func TestAdministrators(t *testing.T) {
	for name, want := range map[string]string{
		"plain":           "contoso.test/Users/Administrator",
		"domain-admin":    "contoso.test/Users/Administrator contoso.test/Services/svc-reschedule",
		"lookalike-admin": "contoso.test/Users/Administrator",
	} {
		_, s := open(t, name)
		group := must(t, s, commands.GetGroup(contoso.SID+"-512")).objects[0]
		if got := strings.Join(group.Strings("Members"), " "); got != want {
			t.Errorf("%s: members %s, want %s", name, got, want)
		}
		if (group.Text("Name") == "Domain Admins") != (name == "plain") {
			t.Errorf("%s: the group is called %s", name, group.Text("Name"))
		}
	}
	_, s := open(t, "plain")
	if got := must(t, s, commands.GetGroup("S-1-5-32-544")).objects[0].Text("RecipientTypeDetails"); got != "NonUniversalGroup" {
		t.Errorf("Administrators: %s", got)
	}
	if got := must(t, s, commands.GetUser("Administrator")).objects[0].Text("Sid"); got != contoso.SID+"-500" {
		t.Errorf("Administrator: %s", got)
	}
}

func TestBuilds(t *testing.T) {
	for name, want := range map[string]string{
		"plain": "Version 15.2 (Build 2562.17)", "exchange-2016": "Version 15.1 (Build 2507.61)", "exchange-2019": "Version 15.2 (Build 1748.39)",
	} {
		o, s := open(t, name)
		if got := must(t, s, commands.GetExchangeServer()).objects[0].Text("AdminDisplayVersion"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if build := o.Build(); !strings.Contains(want, build[len("15.2."):]) {
			t.Errorf("%s: build %s", name, build)
		}
	}
}

// What was renamed or deleted leaves assignments and filters as they were.
func TestWorstDays(t *testing.T) {
	for name, want := range map[string]struct {
		assignee string
		members  int
	}{"both-renamed": {"contoso.test/Partners/svc-calendar", 0}, "group-deleted": {"contoso.test/Services/svc-reschedule", 0}, "account-deleted": {"", 3}} {
		_, s := open(t, name)
		must(t, s, commands.SetADServerSettings(true))
		row := must(t, s, commands.GetAssignment(ownName, "")).objects[0]
		if got := row.Text("RoleAssignee"); got != want.assignee || row.Text("RoleAssigneeType") != "User" {
			t.Errorf("%s: %s %q", name, row.Text("RoleAssigneeType"), got)
		}
		filter := must(t, s, commands.GetScope(ownName, "")).objects[0].Text("RecipientFilter")
		if got := must(t, s, commands.ListRecipients(filter, "")).objects; len(got) != want.members {
			t.Errorf("%s: %d recipients in scope", name, len(got))
		}
	}
}
