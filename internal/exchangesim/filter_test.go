package exchangesim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/opath"
)

func TestFilters(t *testing.T) {
	_, s := open(t, "plain")
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{"MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'", []string{"anna", "ben", "room1"}},
		{"memberofgroup -EQ 'cn=reschedule users,ou=groups,dc=contoso,dc=test'", []string{"anna", "ben", "room1"}},
		{"MemberOfGroup -eq 'Reschedule Users'", []string{}},
		{"(MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test') -and (RecipientTypeDetails -eq 'RoomMailbox')", []string{"room1"}},
		{"MemberOfGroup -eq 'CN=Planning,OU=Groups,DC=contoso,DC=test'", []string{"Peter O'Brien", "Planning Managers"}},
		{"RecipientTypeDetails -eq 'RoomMailbox'", []string{"room1", "会議室"}},
		{"RecipientType -eq 'MailUser'", []string{"Cloud Clara"}},
		{"Department -eq 'planning' -and City -ne 'Berlin'", []string{"ben"}},
		{"Department -eq 'Board' -or CustomAttribute1 -eq 'VIP'", []string{"anna", "boss"}},
		{"Name -eq 'Peter O''Brien'", []string{"Peter O'Brien"}},
		{"Name -like 'Peter*'", []string{"Peter O'Brien"}},
		{"DisplayName -like '*Abel'", []string{"anna"}},
		{"Alias -like 'svc-*'", []string{"svc-reschedule", "svc-backup"}},
		{"EmailAddresses -like '*@partner.test'", []string{"Partner Pia"}},
		{"EmailAddresses -eq 'SMTP:anna@contoso.test'", []string{"anna"}},
		{"HiddenFromAddressListsEnabled -eq $true", []string{"info"}},
		{"HiddenFromAddressListsEnabled -eq 'True'", []string{"info"}},
		{"Title -ne $null", []string{"boss"}},
		{"Title -like '*'", []string{"boss"}},
		{"LastName -ge 'B' -and LastName -lt 'Bp'", []string{"boss"}},
		{"LastName -ge 'B' -and LastName -le 'Boss'", []string{"boss"}},
		{"-not (RecipientType -eq 'UserMailbox') -and -not (RecipientType -like 'Mail*')", []string{"Berlin Mailboxes"}},
		{"WhenCreated -gt '2026-11-24'", []string{}},
		{"DisplayName -eq '会議室'", []string{"会議室"}},
	} {
		got := must(t, s, commands.ListRecipients(c.filter, "")).names()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.filter, diff)
		}
	}
}

func TestRenderFilter(t *testing.T) {
	for _, c := range []struct{ given, shown string }{
		{"city -eq 'Berlin'", "City -eq 'Berlin'"},
		{`City -eq "Berlin"`, "City -eq 'Berlin'"},
		{"{ City   -EQ 'Berlin' }", "City -eq 'Berlin'"},
		{"RecipientTypeDetails -eq 'UserMailbox' -and HiddenFromAddressListsEnabled -eq $true",
			"((RecipientTypeDetails -eq 'UserMailbox') -and (HiddenFromAddressListsEnabled -eq 'True'))"},
		{"City -eq 'a' -or City -eq 'b' -or City -eq 'c'", "(((City -eq 'a') -or (City -eq 'b')) -or (City -eq 'c'))"},
		{"-not (City -eq 'a')", "(-not(City -eq 'a'))"},
		{"Name -eq 'O''Brien' -and Title -ne $null", "((Name -eq 'O''Brien') -and (Title -ne $null))"},
	} {
		f, err := opath.Parse(c.given)
		if err != nil {
			t.Fatal(err)
		}
		if got := renderFilter(f); got != c.shown {
			t.Errorf("%s\n got %s\nwant %s", c.given, got, c.shown)
		}
	}
}

// drawFilter makes filters over properties and values that the model's people have.
func drawFilter(t *rapid.T, depth int) opath.Filter {
	kind := 0
	if depth > 0 {
		kind = rapid.IntRange(0, 3).Draw(t, "kind")
	}
	several := func() []opath.Filter {
		operands := make([]opath.Filter, rapid.IntRange(2, 4).Draw(t, "operands"))
		for i := range operands {
			operands[i] = drawFilter(t, depth-1)
		}
		return operands
	}
	switch kind {
	case 1:
		return &opath.And{Operands: several()}
	case 2:
		return &opath.Or{Operands: several()}
	case 3:
		return &opath.Not{Operand: drawFilter(t, depth-1)}
	}
	c := &opath.Comparison{
		Property: rapid.SampledFrom([]string{"City", "department", "Name", "ALIAS", "HiddenFromAddressListsEnabled", "MemberOfGroup", "RecipientType"}).Draw(t, "property"),
		Operator: rapid.SampledFrom([]string{"eq", "ne", "like", "notlike", "lt", "ge"}).Draw(t, "operator"),
	}
	if rapid.IntRange(0, 4).Draw(t, "variable") == 0 {
		c.Value = opath.Value{Kind: opath.Variable, Text: rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "value")}
	} else {
		c.Value.Text = rapid.SampledFrom([]string{"Berlin", "b*", "O'Brien", "*", "", "会議室", "(", "CN=Reschedule Users,OU=Groups,DC=contoso,DC=test"}).Draw(t, "text")
	}
	return c
}

func TestRenderedFilterIsTheSame(t *testing.T) {
	o, _ := open(t, "plain")
	everyone := view{replica: o.reader(o.clock.Now())}
	rapid.Check(t, func(t *rapid.T) {
		f, err := opath.Parse(opath.Format(drawFilter(t, 3)))
		if err != nil {
			t.Fatal(err)
		}
		shown := renderFilter(f)
		back, err := opath.Parse(shown)
		if err != nil {
			t.Fatalf("%s: %v", shown, err)
		}
		if !opath.Equal(f, back) {
			t.Fatalf("%s is not equal to %s", shown, opath.Format(f))
		}
		if again := renderFilter(back); again != shown {
			t.Fatalf("rendered twice: %s, %s", shown, again)
		}
		given, rendered := o.compile(f, everyone), o.compile(back, everyone)
		for _, r := range o.recipientsIn(everyone, anyRecipient) {
			if given(r) != rendered(r) {
				t.Fatalf("%s means something else for %s", shown, r.Name)
			}
		}
	})
}

func TestLikeText(t *testing.T) {
	for _, c := range []struct {
		s, pattern string
		want       bool
	}{
		{"anna", "anna", true}, {"Anna", "aNN*", true}, {"anna", "*na", true}, {"anna", "*nn*", true}, {"anna", "a*a", true},
		{"anna", "a*b", false}, {"a", "a*a", false}, {"", "*", true}, {"anna", "", false}, {"anna", "*x*", false}, {"a?", "a?", true}, {"ab", "a?", false},
	} {
		if got := likeText(c.s, c.pattern); got != c.want {
			t.Errorf("%q like %q: %v", c.s, c.pattern, got)
		}
	}
}

func TestFilterErrorsHaveTheRealShape(t *testing.T) {
	_, s := open(t, "plain")
	filter := "((RecipientType -eq 'UserMailbox' -or 'MailUser' -or 'MailContact'))"
	r := invoke(t, s, command("Get-Recipient", "Filter", filter)).Errors[0]
	// scope_error-03 of the corpus, whose parameter is RecipientFilter
	want := "Cannot bind parameter 'Filter' to the target. Exception setting \"Filter\": \"Invalid filter syntax. For a description of the filter parameter syntax see the command help.\r\n\"" + filter + "\" at position "
	if !strings.HasPrefix(r.Message, want) {
		t.Errorf("got %q", r.Message)
	}
	if r.Category != "WriteError" || r.Reason != "ParameterBindingException" {
		t.Errorf("got %+v", r)
	}
	r = invoke(t, s, command("Get-Recipient", "Filter", "Shoe -eq '42'")).Errors[0]
	if !strings.Contains(r.Message, `"Shoe" is not a recognized filterable property`) {
		t.Errorf("got %q", r.Message)
	}
}
