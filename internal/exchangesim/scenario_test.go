package exchangesim

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestScenarioList(t *testing.T) {
	want := strings.Fields(`plain dehydrated already-enabled already-enabled-service-offer not-yet-in-effect customization-halfway exchange-online
		no-such-user ambiguous-user name-taken equal-other-name disabled-grant own-name-other-scope wider-grant indirect-role-group child-role
		role-group-other-members role-group-other-roles role-group-other-scope exclusive-scope stale-group-dn empty-group access-denied
		cmdlet-missing transient-dc throttled replication-lag two-domains recipients-50000 dehydrated-no-cmdlet no-mailbox cloud-mailbox
		german scope-unparsable exchange-online-customized own-scope-other-filter parameter-missing role-group-incomplete
		shared-mailbox no-account-control global-assignee global-scope-group domain-admin lookalike-admin
		disabled-foreign-grant child-role-same-scope group-deleted account-deleted both-renamed scope-before shared-scope shared-scope-other-filter
		busy-after-scope busy-after-assignment lost-after-scope lost-after-assignment silent-guid view-root constrained-language strict-mode
		exchange-2016 exchange-2019 recipients-5000`)
	var names []string
	for _, s := range Scenarios() {
		names = append(names, s.Name)
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(s.Name) || !strings.HasSuffix(s.Summary, ".") {
			t.Errorf("%q: %q", s.Name, s.Summary)
		}
		if err := s.Grant().Validate(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if s.Grant().Name != ownName {
			t.Errorf("%s: the grant's name is %q", s.Name, s.Grant().Name)
		}
	}
	if names[0] != "plain" {
		t.Errorf("the first scenario is %s", names[0])
	}
	slices.Sort(want)
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestScenarioByName(t *testing.T) {
	if s, err := ScenarioByName("two-domains"); err != nil || s.Name != "two-domains" {
		t.Errorf("%v, %v", s.Name, err)
	}
	for name, want := range map[string]string{
		"plane":      "did you mean plain?",
		"dehydratet": "did you mean dehydrated?",
		"enabled":    "did you mean already-enabled, already-enabled-service-offer?",
		"xyzzy":      `there is no scenario "xyzzy"`,
	} {
		if _, err := ScenarioByName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScenariosAreDeterministic(t *testing.T) {
	for _, sc := range Scenarios() {
		a, b := saved(t, New(sc, Options{})), saved(t, New(sc, Options{}))
		if a != b {
			t.Errorf("%s: two organizations differ", sc.Name)
		}
		if a == saved(t, New(sc, Options{Seed: 1})) {
			t.Errorf("%s: the seed changes nothing", sc.Name)
		}
	}
}

// try is what a scenario's own grant would do first: scope, then assignment.
func try(t *testing.T, s *Session, g exchange.Grant) []string {
	t.Helper()
	must(t, s, commands.SetADServerSettings(true))
	var faults []string
	faults = append(faults, invoke(t, s, commands.NewScope("S", groupFilter("Groups"), "")).fault(t))
	identity := g.Assignee.Identity
	if g.Assignee.Kind == exchange.RoleGroup {
		identity = g.Assignee.Members[0]
	}
	return append(faults, invoke(t, s, commands.NewAssignment(g.Name, exchange.User, identity, exchange.Role, commands.WriteScope{Custom: "S"}, "")).fault(t))
}

// TestScenarioFaults asks every scenario for what its grant writes. Scenarios
// that answer as plain are told apart below.
func TestScenarioFaults(t *testing.T) {
	const (
		dehydrated = "InvalidOperationInDehydratedContextException"
		missing    = "CommandNotFoundException"
	)
	for name, want := range map[string][]string{
		"plain":                         {"", ""},
		"german":                        {"", ""},
		"dehydrated":                    {dehydrated, dehydrated},
		"dehydrated-no-cmdlet":          {dehydrated, dehydrated},
		"already-enabled":               {dehydrated, dehydrated},
		"already-enabled-service-offer": {dehydrated, dehydrated},
		"not-yet-in-effect":             {dehydrated, dehydrated},
		"customization-halfway":         {dehydrated, dehydrated},
		"no-such-user":                  {"", "ManagementObjectNotFoundException"},
		"ambiguous-user":                {"", "ManagementObjectAmbiguousException"},
		"no-mailbox":                    {"", ""},
		"cloud-mailbox":                 {"", ""},
		"name-taken":                    {"", "ADObjectAlreadyExistsException"},
		"equal-other-name":              {"", ""},
		"disabled-grant":                {"", "ADObjectAlreadyExistsException"},
		"own-name-other-scope":          {"", "ADObjectAlreadyExistsException"},
		"own-scope-other-filter":        {"", "ADObjectAlreadyExistsException"},
		"stale-group-dn":                {"", "ADObjectAlreadyExistsException"},
		"access-denied":                 {"", "InvalidOperationException"},
		"cmdlet-missing":                {missing, missing},
		"parameter-missing":             {"", "ParameterBindingException"},
		"transient-dc":                  {"ADTransientException", "ADTransientException"},
		"throttled":                     {"OverBudgetException", "OverBudgetException"},
		"two-domains":                   {"", ""},
		"shared-mailbox":                {"", ""},
		"global-assignee":               {"", "ManagementObjectNotFoundException"}, // it is no user
		"group-deleted":                 {"", "ADObjectAlreadyExistsException"},
		"account-deleted":               {"", "ManagementObjectNotFoundException"},
		"both-renamed":                  {"", "ManagementObjectNotFoundException"},
		"scope-before":                  {"", ""},
		"busy-after-scope":              {"ServerBusyException", ""},
		"busy-after-assignment":         {"", "ServerBusyException"},
		"lost-after-scope":              {"PSRemotingTransportException", ""},
		"lost-after-assignment":         {"", "PSRemotingTransportException"},
		"silent-guid":                   {"", ""},
		"view-root":                     {"", ""},
	} {
		_, s := open(t, name)
		if diff := cmp.Diff(want, try(t, s, scenario(t, name).Grant())); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestCustomization(t *testing.T) {
	type step struct {
		enable bool
		want   string // fault
	}
	enable := func(want string) step { return step{true, want} }
	write := func(want string) step { return step{false, want} }
	const (
		dehydrated = "InvalidOperationInDehydratedContextException"
		already    = "InvalidOperationException"
	)
	for name, steps := range map[string][]step{
		"plain":                         {write(""), enable("CommandNotFoundException")},
		"dehydrated":                    {write(dehydrated), write(dehydrated), enable(""), write(""), enable(already)},
		"dehydrated-no-cmdlet":          {write(dehydrated), enable("CommandNotFoundException"), write(dehydrated)},
		"already-enabled":               {write(dehydrated), enable(already), write("")},
		"already-enabled-service-offer": {write(dehydrated), enable(already), write("")},
		"not-yet-in-effect":             {write(dehydrated), enable(already), write(dehydrated), write(dehydrated), enable(already), write(dehydrated), write("")},
		"customization-halfway": {write(dehydrated), enable("ManagementObjectNotFoundException"), write(dehydrated),
			enable("ManagementObjectNotFoundException"), enable(""), write("")},
	} {
		o, s := open(t, name)
		for i, st := range steps {
			c := commands.NewScope(string(rune('A'+i)), "City -eq 'Berlin'", "")
			if st.enable {
				c = commands.EnableOrganizationCustomization()
			}
			before := o.Snapshot().Customization
			invoke(t, s, c.With("WhatIf", exchange.Switch(true)))
			if diff := cmp.Diff(before, o.Snapshot().Customization); diff != "" {
				t.Errorf("%s, step %d: -WhatIf changed:\n%s", name, i, diff)
			}
			if got := invoke(t, s, c).fault(t); got != st.want {
				t.Errorf("%s, step %d: fault %q, want %q", name, i, got, st.want)
			}
		}
	}
	for name, want := range map[string]bool{"dehydrated": true, "already-enabled": false, "plain": false} {
		_, s := open(t, name)
		if got := must(t, s, commands.GetOrganizationConfig()).objects[0].Bool("IsDehydrated"); got != want {
			t.Errorf("%s: IsDehydrated %v", name, got)
		}
	}
}

func TestRealWordsOfCustomization(t *testing.T) {
	for name, want := range map[string][]string{
		"already-enabled": {"The command you tried to run isn't currently allowed in your organization. To run this command, you first need to run the command: Enable-OrganizationCustomization.",
			"This operation is not required. Organization is already enabled for customization."},
		"already-enabled-service-offer": {"The command you tried to run isn't currently allowed in your organization. To run this command, you first need to run the command: Enable-OrganizationCustomization.",
			"This operation is not available in current service offer."},
	} {
		_, s := open(t, name)
		refused := invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", "")).Errors[0]
		answer := invoke(t, s, commands.EnableOrganizationCustomization()).Errors[0]
		if diff := cmp.Diff(want, []string{refused.Message, answer.Message}); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if got := answer.TaskClass(); got != "Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask" {
			t.Errorf("%s: task class %s", name, got)
		}
	}
}

func TestExchangeOnline(t *testing.T) {
	_, s := open(t, "exchange-online")
	for _, cmdlet := range []string{"Get-ExchangeServer", "Get-ADServerSettings"} {
		if got := invoke(t, s, command(cmdlet)).fault(t); got != "CommandNotFoundException" {
			t.Errorf("%s: %q", cmdlet, got)
		}
	}
	if got := must(t, s, commands.ListImpersonationRoles()).names(); len(got) != 0 {
		t.Errorf("roles: %v", got)
	}
	if got := invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", "DC01")).Errors; len(got) != 1 || !strings.HasPrefix(got[0].FullyQualifiedErrorID, "NamedParameterNotFound") {
		t.Errorf("a domain controller: %+v", got)
	}
	must(t, s, commands.EnableOrganizationCustomization())
	force := newAssignment("User", "svc-reschedule", "Force", exchange.Switch(true))
	if got := invoke(t, s, force); got.fault(t) != "ManagementObjectNotFoundException" || got.Errors[0].TargetName != exchange.Role {
		t.Errorf("the role is gone: %+v", got.Streams)
	}
}

// TestScenarioStates holds what the summaries say is there.
func TestScenarioStates(t *testing.T) {
	plain, _ := open(t, "plain")
	before := plain.Snapshot()
	for _, c := range []struct {
		name        string
		assignments []AssignmentSnapshot
		scopes      []ScopeSnapshot
		groups      []RoleGroupSnapshot
	}{
		{name: "equal-other-name",
			assignments: []AssignmentSnapshot{{"Old Grant", exchange.Role, "contoso.test/Services/svc-reschedule", "User", "Regular", true, "CustomRecipientScope", "Old Scope"}},
			scopes:      []ScopeSnapshot{{Name: "Old Scope", Filter: groupFilter("Groups")}}},
		{name: "disabled-grant",
			assignments: []AssignmentSnapshot{{ownName, exchange.Role, "contoso.test/Services/svc-reschedule", "User", "Regular", false, "CustomRecipientScope", ownName}},
			scopes:      []ScopeSnapshot{{Name: ownName, Filter: groupFilter("Groups")}}},
		{name: "disabled-foreign-grant",
			assignments: []AssignmentSnapshot{{"Old Grant", exchange.Role, "contoso.test/Services/svc-reschedule", "User", "Regular", false, "CustomRecipientScope", "Old Scope"}},
			scopes:      []ScopeSnapshot{{Name: "Old Scope", Filter: groupFilter("Groups")}}},
		{name: "scope-before", scopes: []ScopeSnapshot{{Name: ownName, Filter: groupFilter("Groups")}}},
		{name: "shared-scope",
			assignments: []AssignmentSnapshot{
				{"Help Desk Recipients", "Mail Recipients", securityGroupsOU + "/Help Desk", "RoleGroup", "Regular", true, "CustomRecipientScope", ownName},
				{ownName, exchange.Role, "contoso.test/Services/svc-reschedule", "User", "Regular", true, "CustomRecipientScope", ownName}},
			scopes: []ScopeSnapshot{{Name: ownName, Filter: groupFilter("Groups")}}},
		{name: "account-deleted",
			assignments: []AssignmentSnapshot{{ownName, exchange.Role, "", "User", "Regular", true, "CustomRecipientScope", ownName}},
			scopes:      []ScopeSnapshot{{Name: ownName, Filter: groupFilter("Groups")}}},
		{name: "both-renamed",
			assignments: []AssignmentSnapshot{{ownName, exchange.Role, "contoso.test/Partners/svc-calendar", "User", "Regular", true, "CustomRecipientScope", ownName}},
			scopes:      []ScopeSnapshot{{Name: ownName, Filter: groupFilter("Groups")}}},
		{name: "child-role-same-scope",
			assignments: []AssignmentSnapshot{{"Child Grant", "Calendar Impersonation", "contoso.test/Services/svc-reschedule", "User", "Regular", true, "CustomRecipientScope", "Old Scope"}},
			scopes:      []ScopeSnapshot{{Name: "Old Scope", Filter: groupFilter("Groups")}}},
		{name: "name-taken",
			assignments: []AssignmentSnapshot{{ownName, exchange.Role, "contoso.test/Services/svc-backup", "User", "Regular", true, "Organization", ""}}},
		{name: "wider-grant",
			assignments: []AssignmentSnapshot{{"Wide Grant", exchange.Role, "contoso.test/Services/svc-reschedule", "User", "Regular", true, "Organization", ""}}},
		{name: "own-name-other-scope",
			assignments: []AssignmentSnapshot{{ownName, exchange.Role, "contoso.test/Services/svc-reschedule", "User", "Regular", true, "CustomRecipientScope", "Berlin"}},
			scopes:      []ScopeSnapshot{{Name: "Berlin", Filter: "City -eq 'Berlin'"}}},
		{name: "exclusive-scope", scopes: []ScopeSnapshot{{Name: "Protected Executives", Filter: "CustomAttribute1 -eq 'VIP'", Exclusive: true}}},
		{name: "child-role",
			assignments: []AssignmentSnapshot{{"Child Grant", "Calendar Impersonation", "contoso.test/Services/svc-reschedule", "User", "Regular", true, "Organization", ""}}},
		{name: "indirect-role-group",
			assignments: []AssignmentSnapshot{{"ApplicationImpersonation-Scheduling Services", exchange.Role, securityGroupsOU + "/Scheduling Services", "RoleGroup", "Regular", true, "Organization", ""}},
			groups:      []RoleGroupSnapshot{{"Scheduling Services", []string{exchange.Role}, []string{"contoso.test/Services/svc-reschedule"}}}},
		{name: "role-group-other-roles",
			assignments: []AssignmentSnapshot{
				{"ApplicationImpersonation-" + ownName, exchange.Role, securityGroupsOU + "/" + ownName, "RoleGroup", "Regular", true, "CustomRecipientScope", ownName},
				{"Mail Recipients-" + ownName, "Mail Recipients", securityGroupsOU + "/" + ownName, "RoleGroup", "Regular", true, "CustomRecipientScope", ownName}},
			scopes: []ScopeSnapshot{{Name: ownName, Filter: groupFilter("Groups")}},
			groups: []RoleGroupSnapshot{{ownName, []string{exchange.Role, "Mail Recipients"}, []string{"contoso.test/Services/svc-reschedule"}}}},
	} {
		o, _ := open(t, c.name)
		after := o.Snapshot()
		if diff := cmp.Diff(c.assignments, added(before.Assignments, after.Assignments)); diff != "" {
			t.Errorf("%s, assignments:\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.scopes, added(before.Scopes, after.Scopes)); diff != "" {
			t.Errorf("%s, scopes:\n%s", c.name, diff)
		}
		var groups []RoleGroupSnapshot
		for _, g := range after.RoleGroups {
			if _, ok := roleGroup(plain, g.Name); !ok {
				groups = append(groups, g)
			}
		}
		if diff := cmp.Diff(c.groups, groups); diff != "" {
			t.Errorf("%s, role groups:\n%s", c.name, diff)
		}
	}
}

func added[T comparable](before, after []T) []T {
	var new []T
	for _, x := range after {
		if !slices.Contains(before, x) {
			new = append(new, x)
		}
	}
	return new
}

func TestMatchingScenarios(t *testing.T) {
	for name, want := range map[string]int{"plain": 3, "empty-group": 0, "two-domains": 4, "recipients-5000": 5003} {
		_, s := open(t, name)
		must(t, s, commands.SetADServerSettings(true))
		if got := len(must(t, s, commands.ListRecipients(groupFilter("Groups"), "")).objects); got != want {
			t.Errorf("%s: %d recipients", name, got)
		}
	}
	_, s := open(t, "stale-group-dn")
	filter := must(t, s, commands.GetScope(ownName, "")).objects[0].Text("RecipientFilter")
	if got := len(must(t, s, commands.ListRecipients(filter, "")).objects); got != 0 {
		t.Errorf("stale-group-dn: %d recipients", got)
	}
	for name, want := range map[string]string{"plain": "UserMailbox", "no-mailbox": "User", "cloud-mailbox": "RemoteUserMailbox"} {
		_, s := open(t, name)
		if got := must(t, s, commands.GetUser(assignee)).texts("RecipientTypeDetails"); !cmp.Equal(got, []string{want}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHiccupsPass(t *testing.T) {
	for _, name := range []string{"transient-dc", "throttled"} {
		_, s := open(t, name)
		fails := 0
		for invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", "")).fault(t) != "" {
			must(t, s, commands.GetUser("anna"))
			invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", "").With("WhatIf", exchange.Switch(true)))
			fails++
		}
		if fails != 3 {
			t.Errorf("%s: %d changes failed", name, fails)
		}
	}
}
