package exchangesim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestIdentityForms(t *testing.T) {
	o, s := open(t, "plain")
	anna := must(t, s, commands.GetUser("anna")).objects[0]
	for _, identity := range []string{
		"anna", "ANNA", "Anna Abel", "anna@contoso.test", `CONTOSO\anna`, `contoso.test\anna`, "CN=anna,OU=Staff,DC=contoso,DC=test",
		"contoso.test/Staff/anna", anna.Text("Guid"), "{" + anna.Text("Guid") + "}", anna.Text("Sid"),
	} {
		for _, cmdlet := range []string{"Get-User", "Get-Mailbox", "Get-Recipient"} {
			a := must(t, s, command(cmdlet, "Identity", identity))
			if diff := cmp.Diff([]string{anna.Text("Guid")}, a.texts("Guid")); diff != "" {
				t.Errorf("%s -Identity %s:\n%s", cmdlet, identity, diff)
			}
		}
	}
	for _, identity := range []string{"nobody", `OTHER\anna`, "CN=anna,OU=Groups,DC=contoso,DC=test", "contoso.test/anna", "ann"} {
		if got := invoke(t, s, commands.GetUser(identity)).fault(t); got != "ManagementObjectNotFoundException" {
			t.Errorf("Get-User -Identity %s: fault %q", identity, got)
		}
	}
	if o.Snapshot().Scopes == nil {
		t.Error("no list of scopes")
	}
}

func TestWhoIsWhat(t *testing.T) {
	_, s := open(t, "plain")
	for _, c := range []struct {
		identity string
		cmdlets  []string // that find it
		details  string
	}{
		{"anna", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "UserMailbox"},
		{"room1", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "RoomMailbox"},
		{"会議室", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "RoomMailbox"},
		{"Jürgen Großmann", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "UserMailbox"},
		{"Peter O'Brien", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "UserMailbox"},
		{"info", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "SharedMailbox"},
		{"lars", []string{"Get-User", "Get-Mailbox", "Get-Recipient"}, "LinkedMailbox"},
		{"clara", []string{"Get-User", "Get-RemoteMailbox", "Get-Recipient"}, "RemoteUserMailbox"},
		{"paul", []string{"Get-User"}, "User"},
		{"lena", []string{"Get-User"}, "DisabledUser"},
		{"pia@partner.test", []string{"Get-Recipient"}, "MailContact"},
		{"Contact Carl", nil, ""},
		{"Reschedule Users", []string{"Get-Group", "Get-Recipient", "Get-DistributionGroup"}, "MailUniversalSecurityGroup"},
		{"Schedulers", []string{"Get-Group"}, "UniversalSecurityGroup"},
		{"Berlin (global)", []string{"Get-Group"}, "NonUniversalGroup"},
		{"Newsletter", []string{"Get-Group", "Get-Recipient", "Get-DistributionGroup"}, "MailUniversalDistributionGroup"},
		{"Berlin Mailboxes", []string{"Get-Recipient", "Get-DynamicDistributionGroup"}, "DynamicDistributionGroup"},
		{"Hygiene Management", []string{"Get-Group"}, "RoleGroup"},
	} {
		var found []string
		for _, cmdlet := range []string{"Get-User", "Get-Group", "Get-Mailbox", "Get-RemoteMailbox", "Get-Recipient", "Get-DistributionGroup", "Get-DynamicDistributionGroup"} {
			a := invoke(t, s, command(cmdlet, "Identity", c.identity))
			if len(a.objects) == 0 {
				continue
			}
			found = append(found, cmdlet)
			if got := a.objects[0].Text("RecipientTypeDetails"); got != c.details {
				t.Errorf("%s %s: %s, want %s", cmdlet, c.identity, got, c.details)
			}
		}
		if diff := cmp.Diff(c.cmdlets, found); diff != "" {
			t.Errorf("%s:\n%s", c.identity, diff)
		}
	}
}

func TestSharedNames(t *testing.T) {
	_, s := open(t, "plain")
	if got := must(t, s, commands.GetUser("John Doe")).texts("SamAccountName"); !cmp.Equal(got, []string{"jdoe", "jdoe2"}) {
		t.Errorf("a reading cmdlet gives all: %v", got)
	}
	write := commands.NewAssignment("X", exchange.User, "John Doe", exchange.Role, commands.WriteScope{}, "")
	if got := invoke(t, s, write).fault(t); got != "ManagementObjectAmbiguousException" {
		t.Errorf("a writing one fails: %q", got)
	}
}

func TestDistinguishedNamesAreEscaped(t *testing.T) {
	_, s := open(t, "plain")
	jane := must(t, s, commands.GetUser("jane")).objects[0]
	if got, want := jane.Text("DistinguishedName"), `CN=Doe\, Jane,OU=Staff,DC=contoso,DC=test`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if a := must(t, s, commands.GetUser(jane.Text("DistinguishedName"))); len(a.objects) != 1 {
		t.Error("it is not found by it")
	}
}

func TestResultSize(t *testing.T) {
	_, s := open(t, "recipients-50000")
	a := invoke(t, s, command("Get-Recipient"))
	if len(a.objects) != 1000 || len(a.Warnings) != 1 || len(a.Errors) != 0 {
		t.Errorf("by default: %d objects, %v", len(a.objects), a.Warnings)
	}
	a = invoke(t, s, command("Get-Recipient", "ResultSize", "10"))
	if len(a.objects) != 10 || len(a.Warnings) != 1 {
		t.Errorf("10: %d objects, %v", len(a.objects), a.Warnings)
	}
	filter := groupFilter("Groups")
	if a = must(t, s, commands.ListRecipients(filter, "")); len(a.objects) != 5003 {
		t.Errorf("the group's members: %d", len(a.objects))
	}
	if a = must(t, s, commands.ListRecipients("Department -eq 'Population'", "contoso.test/Staff")); len(a.objects) != 50_000 {
		t.Errorf("the population: %d", len(a.objects))
	}
}

func TestOrganizationalUnits(t *testing.T) {
	_, s := open(t, "plain")
	for _, identity := range []string{"contoso.test/Staff/Berlin", "OU=Berlin,OU=Staff,DC=contoso,DC=test", "Berlin", "berlin"} {
		a := must(t, s, commands.GetOrganizationalUnit(identity))
		if diff := cmp.Diff([]string{"OU=Berlin,OU=Staff,DC=contoso,DC=test"}, a.texts("DistinguishedName")); diff != "" {
			t.Errorf("%s:\n%s", identity, diff)
		}
	}
	if got := invoke(t, s, commands.GetOrganizationalUnit("Nowhere")).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("unknown: %q", got)
	}
	below := must(t, s, commands.ListRecipients("", "contoso.test/Staff/Berlin")).names()
	if diff := cmp.Diff([]string{"Peter O'Brien", "Jürgen Großmann", "John Doe"}, below); diff != "" {
		t.Error(diff)
	}
	if got := invoke(t, s, commands.ListRecipients("", "contoso.test/Nowhere")).fault(t); got == "" {
		t.Error("an unknown unit was accepted")
	}
}

func TestForest(t *testing.T) {
	_, s := open(t, "two-domains")
	service := commands.GetUser(`EMEA\svc-reschedule`)
	if got := invoke(t, s, service).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("outside the default domain: %q", got)
	}
	for dc, want := range map[string]int{"EMEA-DC01.emea.contoso.test": 1, "emea-dc01": 1, "DC01": 0} {
		if a := invoke(t, s, service.With("DomainController", exchange.String(dc))); len(a.objects) != want {
			t.Errorf("%s has %d of it, want %d", dc, len(a.objects), want)
		}
	}
	if got := invoke(t, s, service.With("DomainController", exchange.String("DC09"))).fault(t); got != "SuitabilityDirectoryException" {
		t.Errorf("an unknown domain controller: %q", got)
	}
	if a := must(t, s, commands.ListRecipients(groupFilter("Groups"), "")); len(a.objects) != 3 {
		t.Errorf("members in the default domain: %v", a.names())
	}
	must(t, s, commands.SetADServerSettings(true))
	if a := must(t, s, commands.ListRecipients(groupFilter("Groups"), "")); len(a.objects) != 4 {
		t.Errorf("members in the forest: %v", a.names())
	}
	guid := must(t, s, service).objects[0].Text("Guid")
	must(t, s, commands.NewAssignment("A", exchange.User, guid, exchange.Role, commands.WriteScope{}, "DC01.contoso.test"))
	if got := invoke(t, s, commands.GetRoleGroup("Help Desk").With("DomainController", exchange.String("EMEA-DC01"))).fault(t); got == "" {
		t.Error("a domain controller of another domain knows a role group")
	}
	if a := must(t, s, commands.GetAssignment("A", "EMEA-DC01")); len(a.objects) != 1 {
		t.Error("the configuration is not on every domain controller")
	}
}

func TestAnr(t *testing.T) {
	_, s := open(t, "plain")
	if diff := cmp.Diff([]string{"anna"}, must(t, s, command("Get-Recipient", "Anr", "ann")).names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"room1", "会議室"}, must(t, s, command("Get-Mailbox", "RecipientTypeDetails", []string{"RoomMailbox"})).names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Partner Pia"}, must(t, s, command("Get-Recipient", "RecipientType", []string{"MailContact"})).names()); diff != "" {
		t.Error(diff)
	}
}

func TestOrderAndView(t *testing.T) {
	_, s := open(t, "two-domains")
	got := must(t, s, command("Get-Mailbox", "Filter", "Department -eq 'Planning'", "SortBy", "displayname")).names()
	if diff := cmp.Diff([]string{"anna", "ben", "John Doe", "Jürgen Großmann", "Peter O'Brien"}, got); diff != "" {
		t.Error(diff)
	}
	if got := invoke(t, s, command("Get-Mailbox", "SortBy", "Shoe")).fault(t); got != "ArgumentException" {
		t.Errorf("an unknown order: %q", got)
	}
	if got := must(t, s, command("Get-User", "Identity", "emily", "IgnoreDefaultScope", exchange.Switch(true))).names(); len(got) != 1 {
		t.Errorf("-IgnoreDefaultScope: %v", got)
	}
}
