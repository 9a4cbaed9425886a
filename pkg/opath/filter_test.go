package opath

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unicode"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What the tests of this file call documented comes from
// learn.microsoft.com/powershell/exchange/recipient-filters, from the examples of
// New-ManagementScope, Set-ManagementScope, New-DynamicDistributionGroup and
// Get-User in learn.microsoft.com/powershell/module/exchangepowershell, and from
// "Understanding management role scopes" (Exchange 2013 help).

func is(property, operator, text string) *Comparison {
	return &Comparison{property, operator, Value{Text, text}}
}

func isSystem(property, operator, name string) *Comparison {
	return &Comparison{property, operator, Value{Variable, name}}
}

func TestParseFilter(t *testing.T) {
	userMailbox := is("RecipientType", "eq", "UserMailbox")
	tests := []struct {
		in   string
		want Filter
	}{
		// Documented.
		{"RecipientType -eq 'UserMailbox'", userMailbox},
		{" RecipientType -eq 'UserMailbox' ", userMailbox},
		{`{ City -Eq "Seattle" }`, is("City", "eq", "Seattle")},
		{"{ Company -eq 'contoso' }", is("Company", "eq", "contoso")},
		{"Title -like 'VP*'", is("Title", "like", "VP*")},
		{"Name -Like 'SEA*'", is("Name", "like", "SEA*")},
		{"Title -like 'Manager*'", is("Title", "like", "Manager*")},
		{"ServerSite -eq 'CN=Redmond,CN=Sites,CN=Configuration,DC=contoso,DC=com'",
			is("ServerSite", "eq", "CN=Redmond,CN=Sites,CN=Configuration,DC=contoso,DC=com")},
		{"City -eq 'Seattle' -and RecipientType -eq 'UserMailbox'", &And{[]Filter{is("City", "eq", "Seattle"), userMailbox}}},
		{"CountryCode -eq 840", is("CountryCode", "eq", "840")},
		{"CountryCode -eq '840'", is("CountryCode", "eq", "840")},
		{`{CountryCode -eq "840"}`, is("CountryCode", "eq", "840")},
		{"HiddenFromAddressListsEnabled -eq $true", isSystem("HiddenFromAddressListsEnabled", "eq", "true")},
		{"((RecipientTypeDetails -eq 'UserMailbox') -and (Company -eq 'Contoso') -and (Office -eq 'North Building'))",
			&And{[]Filter{is("RecipientTypeDetails", "eq", "UserMailbox"), is("Company", "eq", "Contoso"), is("Office", "eq", "North Building")}}},
		{"(RecipientType -eq 'UserMailbox') -and (StateOrProvince -eq 'Washington' -or StateOrProvince -eq 'Oregon')",
			&And{[]Filter{userMailbox, &Or{[]Filter{is("StateOrProvince", "eq", "Washington"), is("StateOrProvince", "eq", "Oregon")}}}}},
		{"{(RecipientTypeDetails -eq 'UserMailbox') -and (CustomAttribute10 -eq 'FullTimeEmployee')}",
			&And{[]Filter{is("RecipientTypeDetails", "eq", "UserMailbox"), is("CustomAttribute10", "eq", "FullTimeEmployee")}}},
		{"MemberOfGroup -eq 'CN=Ottawa Users,OU=Users,DC=contoso,DC=com'", is("MemberOfGroup", "eq", "CN=Ottawa Users,OU=Users,DC=contoso,DC=com")},

		// Quotes.
		{"Name -eq 'O''Brien'", is("Name", "eq", "O'Brien")},
		{`Name -eq "O'Brien"`, is("Name", "eq", "O'Brien")},
		{`Name -eq "say ""hello"""`, is("Name", "eq", `say "hello"`)},
		{`Name -eq 'say "hello"'`, is("Name", "eq", `say "hello"`)},
		{"Name -eq ''", is("Name", "eq", "")},
		{`Name -eq ""`, is("Name", "eq", "")},
		{"Name -eq ''''", is("Name", "eq", "'")},
		{"Name -eq 'a'''", is("Name", "eq", "a'")},
		{"Name -eq '‘O’Brien‚‛'", is("Name", "eq", "‘O’Brien‚‛")},
		{"Name -eq '“x”'", is("Name", "eq", "“x”")},
		{"Name -eq ') -or (Name -like *'", is("Name", "eq", ") -or (Name -like *")},
		{"Name -eq '}'", is("Name", "eq", "}")},
		{"Name -eq '$true'", is("Name", "eq", "$true")},
		{"Name -eq '東京 Büro'", is("Name", "eq", "東京 Büro")},

		// Bare words.
		{"Alias -eq anna", is("Alias", "eq", "anna")},
		{"X -lt -5", is("X", "lt", "-5")},
		{"X -gt 1.5", is("X", "gt", "1.5")},
		{"Alias -like svc-*", is("Alias", "like", "svc-*")},
		{`SamAccountName -eq CONTOSO\anna`, is("SamAccountName", "eq", `CONTOSO\anna`)},
		{"WhenCreated -ge 2026-11-24T09:00:00Z", is("WhenCreated", "ge", "2026-11-24T09:00:00Z")},
		{"Guid -ne 6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5", is("Guid", "ne", "6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5")},
		{"Alias -notlike a -and Alias -le b", &And{[]Filter{is("Alias", "notlike", "a"), is("Alias", "le", "b")}}},

		// Keywords ignore case and need no spaces where nothing is ambiguous.
		{"A -EQ 'x' -AND B -nE 'y'", &And{[]Filter{is("A", "eq", "x"), is("B", "ne", "y")}}},
		{"A -eq'x'-or(B -eq\"y\")", &Or{[]Filter{is("A", "eq", "x"), is("B", "eq", "y")}}},
		{"A-eq 'x'", is("A", "eq", "x")},
		{"A -eq $TRUE", isSystem("A", "eq", "true")},
		{"A -ne $Null", isSystem("A", "ne", "null")},
		{"A -eq 'x'\r\n\t-and B -eq 'y'\n", &And{[]Filter{is("A", "eq", "x"), is("B", "eq", "y")}}},

		// Negation, precedence, flattening.
		{"-not(Name -like 'SystemMailbox{*')", &Not{is("Name", "like", "SystemMailbox{*")}},
		{"-not Name -like 'x*'", &Not{is("Name", "like", "x*")}},
		{"!(A -eq 1)", &Not{is("A", "eq", "1")}},
		{"! A -eq 1", &Not{is("A", "eq", "1")}},
		{"!!A -eq 1", &Not{&Not{is("A", "eq", "1")}}},
		{"-not A -eq 1 -and B -eq 2", &And{[]Filter{&Not{is("A", "eq", "1")}, is("B", "eq", "2")}}},
		{"A -eq 1 -and -not B -eq 2", &And{[]Filter{is("A", "eq", "1"), &Not{is("B", "eq", "2")}}}},
		{"A -eq 1 -or B -eq 2 -and C -eq 3", &Or{[]Filter{is("A", "eq", "1"), &And{[]Filter{is("B", "eq", "2"), is("C", "eq", "3")}}}}},
		{"A -eq 1 -and B -eq 2 -or C -eq 3", &Or{[]Filter{&And{[]Filter{is("A", "eq", "1"), is("B", "eq", "2")}}, is("C", "eq", "3")}}},
		{"(A -eq 1 -or B -eq 2) -and C -eq 3", &And{[]Filter{&Or{[]Filter{is("A", "eq", "1"), is("B", "eq", "2")}}, is("C", "eq", "3")}}},
		{"(A -eq 1 -and B -eq 2) -and (C -eq 3 -and D -eq 4)",
			&And{[]Filter{is("A", "eq", "1"), is("B", "eq", "2"), is("C", "eq", "3"), is("D", "eq", "4")}}},
		{"(((A -eq 1)) -or B -eq 2)", &Or{[]Filter{is("A", "eq", "1"), is("B", "eq", "2")}}},
		{strings.Repeat("(", MaxDepth) + "A -eq 1" + strings.Repeat(")", MaxDepth), is("A", "eq", "1")},
		{strings.Repeat("(A -eq 1) -and ", 500) + "(A -eq 1)", &And{slicesRepeat(is("A", "eq", "1"), 501)}},
	}
	for _, test := range tests {
		got, err := Parse(test.in)
		if err != nil {
			t.Errorf("Parse(%.200q): %v", test.in, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Parse(%.200q): -want +got\n%s", test.in, diff)
		}
	}
}

func slicesRepeat(f Filter, n int) []Filter {
	out := make([]Filter, n)
	for i := range out {
		out[i] = f
	}
	return out
}

func TestParseFilterErrors(t *testing.T) {
	tests := []struct {
		in   string
		want string
	}{
		{"", "is not a filter: it ends at byte 0, expected the name of a property, -not or an opening parenthesis"},
		{"  ", "it ends at byte 2"},
		{"Name", "it ends at byte 4, expected one of -eq -ne -like -notlike -lt -le -gt -ge"},
		{"Name -eq", "it ends at byte 8, expected a text in single quotes, a number, $true, $false or $null"},
		{"Name -eq 'x", "it ends at byte 11, expected the closing quote of the text that begins at byte 9"},
		{"Name -eq 'x''", "it ends at byte 13, expected the closing quote"},
		{`Name -eq "x`, "expected the closing quote"},
		{"Name = 'x'", `found "=" at byte 5, expected one of -eq`},
		{"Name eq 'x'", `found "eq" at byte 5, expected one of -eq`},
		{"Name -match 'x'", `found "-match" at byte 5, expected one of -eq`},
		{"Name -eq5", `found "-eq5" at byte 5`},
		{"Name –eq 'x'", `found "–" (U+2013) at byte 5`},
		{"Name\u00a0-eq 'x'", `found "\u00a0" (U+00A0) at byte 4`},
		{"Name -eq ‘x’", `found "‘" (U+2018) at byte 9, expected a text in single quotes`},
		{"Name -eq $User", `found "$User" at byte 9, expected $true, $false, $null or a text in single quotes: variables are not expanded`},
		{"Name -eq `$true", "found \"`\" at byte 9"},
		{"Name -eq a b", `found "b" at byte 11, expected -and, -or or the end`},
		{"Name -eq Müller", `found "ü" (U+00FC) at byte 10`},
		{"Name -eq 'x' 'y'", `found "'y'" at byte 13, expected -and, -or or the end`},
		{"Name -eq 'x' -and", "it ends at byte 17, expected the name of a property"},
		{"Name -eq 'x' -xor A -eq 'y'", `found "-xor" at byte 13, expected -and, -or or the end`},
		{"Name -eq 'x')", `found ")" at byte 12, expected -and, -or or the end`},
		{"(Name -eq 'x'", "it ends at byte 13, expected -and, -or or a closing parenthesis"},
		{"()", `found ")" at byte 1`},
		{"{Name -eq 'x'", "it ends at byte 13, expected -and, -or or the closing brace"},
		{"Name -eq 'x'}", `found "}" at byte 12`},
		{"{{Name -eq 'x'}}", `found "{" at byte 1`},
		{"({Name -eq 'x'})", `found "{" at byte 1`},
		{"{Name -eq 'x'} -or {Name -eq 'y'}", `found "-or" at byte 15, expected -and, -or or the end`},
		{"'Name' -eq 'x'", `found "'Name'" at byte 0, expected the name of a property`},
		{"9Name -eq 'x'", `found "9Name" at byte 0`},
		{"Na.me -eq 'x'", `found "Na.me" at byte 0`},
		{"-not", "it ends at byte 4"},
		{"-not -and A -eq 1", `found "-and" at byte 5`},
		{"(&(objectClass=user)(cn=x))", `found "&" at byte 1`},
		{"Name -eq 'x'\x00", `found "\x00" at byte 12`},
		{"\xff", `found "\xff" at byte 0`},
		{strings.Repeat("x", 200), `it ends at byte 200`},
		{"A -eq 1 " + strings.Repeat("é", 200), `found "é" (U+00E9) at byte 8`},
		{"A -eq 1 " + strings.Repeat("y", 200), `found "` + strings.Repeat("y", 40) + `..." at byte 8`},
		{"A -eq 1 '" + strings.Repeat("é", 200) + "'", `é..." at byte 8`},
		{strings.Repeat("(", MaxDepth+1) + "A -eq 1", `at byte 256, expected at most 256 levels`},
		{strings.Repeat("!", MaxDepth+1) + "A -eq 1", `at byte 256, expected at most 256 levels`},
		{"A -eq '" + strings.Repeat("x", MaxLength) + "'", "expected at most 32768 bytes"},
	}
	for _, test := range tests {
		f, err := Parse(test.in)
		var e *SyntaxError
		if !errors.As(err, &e) || f != nil {
			t.Errorf("Parse(%.60q) = %v, %v; want a *SyntaxError", test.in, f, err)
			continue
		}
		if !strings.Contains(e.Error(), test.want) {
			t.Errorf("Parse(%.60q): %q does not contain %q", test.in, e, test.want)
		}
	}
}

// The pairs are what a server was given and what it gave back.
func TestEqualFiltersAsServersRenderThem(t *testing.T) {
	tests := []struct{ source, given, returned string }{
		{
			"support.microsoft.com/kb/973490, the exclusions that the server adds left out",
			"((Alias -ne $null) -and (customattribute4 -eq 'active') -and (c -eq 'us'))",
			"((Alias -ne $null -and CustomAttribute4 -eq 'active') -and C -eq 'us')",
		},
		{
			"support.microsoft.com/kb/973490",
			"Alias -ne $null -and CustomAttribute4 -eq 'active' -and C -eq 'us' -and -not(Name -like 'SystemMailbox {*') -and -not(Name -like 'CAS_{*')",
			"(((Alias -ne $null -and CustomAttribute4 -eq 'active') -and C -eq 'us') -and -not(Name -like 'SystemMailbox {*') -and -not(Name -like 'CAS_{*'))",
		},
		{
			"learn.microsoft.com/archive/blogs/messaging_with_communications/ldap-to-opath-conversion-why-all-the-parenthesis, its beginning",
			`((Alias -ne $null) -and (customAttribute1 -eq "Contoso") -and (customAttribute2 -eq "Corporate") -and ` +
				`(((ObjectCategory -like "person") -and (ObjectClass -eq "user") -and -not (Database -ne $null) -and -not (ServerLegacyDN -ne $null)) -or ` +
				`((ObjectCategory -like "person") -and (ObjectClass -eq "user") -and (recipientType -eq "UserMailbox"))))`,
			`((((((Alias -ne $null) -and (CustomAttribute1 -eq "Contoso"))) -and (CustomAttribute2-eq "Corporate"))) -and ` +
				`(((((((((ObjectCategory -like "person") -and (ObjectClass -eq "user"))) -and (-not(Database -ne $null)))) -and (-not(ServerLegacyDN -ne $null)))) -or ` +
				`(((((ObjectCategory -like "person") -and (ObjectClass -eq "user"))) -and (RecipientType -eq "UserMailbox"))))))`,
		},
		{
			"a dynamic group's filter, saved many times: 44 parentheses deep",
			"CustomAttribute7 -eq 'Yes365' -and RecipientType -eq 'UserMailbox'" + strings.Repeat(" -and -not(Name -like 'CAS_{*')", 21),
			strings.Repeat("(", 44) + "(CustomAttribute7 -eq 'Yes365') -and (RecipientType -eq 'UserMailbox'))" +
				strings.Repeat(" -and (-not(Name -like 'CAS_{*'))))", 21) + ")",
		},
		{"", "MemberOfGroup -eq 'CN=x,DC=y' -and RecipientTypeDetails -eq 'UserMailbox'",
			"((MemberOfGroup -eq 'CN=x,DC=y') -and (RecipientTypeDetails -eq 'UserMailbox'))"},
	}
	for _, test := range tests {
		given, returned := parsed(t, test.given), parsed(t, test.returned)
		if !Equal(given, returned) {
			t.Errorf("%s: not equal:\n%s\n%s", test.source, Key(given), Key(returned))
		}
	}
}

// Lines of one group are equal to each other and different from every other group's.
var equalFilters = [][]string{
	{"A -eq 'x'", "a -EQ 'X'", `A -eq "x"`, "A -eq x", "((A -eq 'x'))", "{A -eq 'x'}", "!!(A -eq 'x')", "-not(-not(!(!(A -eq 'x'))))"},
	{"A -ne 'x'"},
	{"-not (A -eq 'x')", "!A -eq 'x'", "-not(!(!A -eq x))"},
	{"-not (A -ne 'x')"},
	{"A -like 'x'"},
	{"A -notlike 'x'"},
	{"-not (A -like 'x')"},
	{"B -eq 'x'"},
	{"A -eq 'x '"},
	{"A -eq ' x'"},
	{"A -eq 'x' -and B -eq 'x'", "(A -eq x) -and !!(B -eq x)"},
	{"B -eq 'x' -and A -eq 'x'"},
	{"A -eq 'x' -or B -eq 'x'"},
	{"A -eq 'x' -and B -eq 'x' -and C -eq 'x'", "A -eq 'x' -and (B -eq 'x' -and C -eq 'x')", "(A -eq 'x' -and B -eq 'x') -and C -eq 'x'",
		"A -eq 'x' -and !!(B -eq 'x' -and C -eq 'x')"},
	{"A -eq 'x' -and (B -eq 'x' -or C -eq 'x')"},
	{"A -eq 'x' -and B -eq 'x' -or C -eq 'x'", "(A -eq 'x' -and B -eq 'x') -or C -eq 'x'"},
	{"-not (A -eq 'x' -and B -eq 'x')"},
	{"A -eq $true", "A -eq 'True'", "A -eq true", `A -eq "TRUE"`},
	{"A -eq $false", "A -eq 'False'"},
	{"A -eq '$true'"},
	{"A -eq $null", "A -eq $NULL"},
	{"A -eq 'null'", "A -eq NULL"},
	{"A -eq ''", `A -eq ""`},
	{"A -eq '500'", "A -eq 500", `A -eq "500"`},
	{"A -eq '0500'"},
	{"A -eq 'O''Brien'", `A -eq "o'brien"`},
	{"A -eq 'O’Brien'"},
	{"A -eq 'x'','"},
	{"A -eq 'müller'", "A -eq 'MÜLLER'"},
	{"A -eq 'ωσ'", "A -eq 'ΩΣ'", "A -eq 'ως'"},
	{"A -eq 'straße'", "A -eq 'STRAßE'"},
	{"A -eq 'STRASSE'"},
	{"A -eq 'i'", "A -eq 'I'"},
	{"A -eq 'ı'"},
	{"A -eq 'İ'"},
	{"A -eq 's'"},
	{"A -eq 'ſ'"},
	{"A -eq 'k'"},
	{"A -eq '\u212a'"}, // KELVIN SIGN
	{"A -eq 'é'"},
	{"A -eq 'e\u0301'"},
}

func TestEqualFilters(t *testing.T) {
	for i, group := range equalFilters {
		for _, text := range group {
			for j, others := range equalFilters {
				for _, other := range others {
					if got := Equal(parsed(t, text), parsed(t, other)); got != (i == j) {
						t.Errorf("Equal(%s, %s) = %v", text, other, got)
					}
				}
			}
		}
	}
}

func TestEqualFiltersWithoutFilter(t *testing.T) {
	f := parsed(t, "A -eq 'x'")
	if Equal(f, nil) || Equal(nil, f) {
		t.Error("a filter is equal to none")
	}
	if got := Format(nil); got != "" {
		t.Errorf("Format(nil) = %q", got)
	}
}

func parsed(t testing.TB, s string) Filter {
	t.Helper()
	f, err := Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return f
}

func TestFilterString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"memberOfGroup -EQ \"CN=O'Brien\"", "memberOfGroup -eq 'CN=O''Brien'"},
		{"A -eq 5 -and (B -ne $NULL)", "A -eq '5' -and B -ne $null"},
		{"A -eq 1 -or B -eq 2 -and C -eq 3", "A -eq '1' -or (B -eq '2' -and C -eq '3')"},
		{"!(A -eq 1 -or B -eq 2) -and C -eq 3", "-not (A -eq '1' -or B -eq '2') -and C -eq '3'"},
		{"!!A -eq 1", "-not (-not (A -eq '1'))"},
	}
	for _, test := range tests {
		if got := Format(parsed(t, test.in)); got != test.want {
			t.Errorf("Format(%s) = %s, want %s", test.in, got, test.want)
		}
	}
}

func TestMemberOf(t *testing.T) {
	tests := []struct{ dn, want string }{
		{"CN=Reschedule Users,OU=Groups,DC=contoso,DC=test", "MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'"},
		{`CN=Smith\, O'Brien,DC=x`, `MemberOfGroup -eq 'CN=Smith\, O''Brien,DC=x'`},
		{"CN=' -or Name -like '*,DC=x", "MemberOfGroup -eq 'CN='' -or Name -like ''*,DC=x'"},
		{"CN=Men’s Health,DC=x", "MemberOfGroup -eq 'CN=Men’s Health,DC=x'"},
	}
	for _, test := range tests {
		got, err := MemberOf(test.dn)
		if err != nil || got != test.want {
			t.Errorf("MemberOf(%q) = %q, %v; want %q", test.dn, got, err, test.want)
			continue
		}
		if diff := cmp.Diff(Filter(is("MemberOfGroup", "eq", test.dn)), parsed(t, got)); diff != "" {
			t.Errorf("MemberOf(%q) is another condition: -want +got\n%s", test.dn, diff)
		}
	}
	for _, dn := range []string{"CN=a\x00b", "CN=a\nb", "CN=a\u202eb", "CN=a\xffb", "CN=\xed\xa0\x80"} {
		if got, err := MemberOf(dn); got != "" || err == nil {
			t.Errorf("MemberOf(%q) = %q, %v; want an error", dn, got, err)
		}
	}
}

func TestFilterOfBoth(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{"", "", ""},
		{"A -eq 'x'", "", "A -eq 'x'"},
		{"", "{ A -eq 'x' }", "A -eq 'x'"},
		{"A -eq 'x'", "B -eq 'y'", "A -eq 'x' -and B -eq 'y'"},
		{"A -eq 'x' -or B -eq 'y'", "C -eq 'z' -and D -eq 'z'", "(A -eq 'x' -or B -eq 'y') -and (C -eq 'z' -and D -eq 'z')"},
		{"!A -eq $null", `B -eq "O'Brien"`, "-not (A -eq $null) -and B -eq 'O''Brien'"},
	} {
		if got, err := Both(test.a, test.b); err != nil || got != test.want {
			t.Errorf("Both(%q, %q) = %q, %v; want %q", test.a, test.b, got, err, test.want)
		}
	}
	for _, text := range []string{" ", "A -band 1", "A -eq 1) -or (B -eq 2", "A -eq 'x"} {
		var e *SyntaxError
		if got, err := Both("C -eq 3", text); got != "" || !errors.As(err, &e) {
			t.Errorf("with %q: %q, %v; want a *SyntaxError", text, got, err)
		}
	}
}

// filterTexts generates texts that can stand in filters, nasty ones among them.
func filterTexts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "'", "''", `"`, `""`, "' -or Name -like '*", "$true", "True", "null", "}", "{", "O'Brien", "‘’‚‛", "“”„", "`", "$(x)", "-and", " ", "\\", "*"}),
		rapid.StringOf(rapid.SampledFrom([]rune("ab'\"'\"(){}$`-!,\\/ ‘’“”éß東"))),
		rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { _, _, found := unprintable(string(r)); return !found })),
	)
}

// filters generates filters as Parse gives them: chains hold no chain of
// their own kind.
func filters(depth int) *rapid.Generator[Filter] {
	return rapid.Custom(func(t *rapid.T) Filter { return drawFilter(t, depth, "") })
}

func drawFilter(t *rapid.T, depth int, parent string) Filter {
	kind := "comparison"
	if depth > 0 {
		kind = rapid.SampledFrom([]string{"comparison", "and", "or", "not"}).Filter(func(k string) bool { return k == "not" || k != parent }).Draw(t, "kind")
	}
	operands := func() []Filter {
		out := make([]Filter, rapid.IntRange(2, 4).Draw(t, "operands"))
		for i := range out {
			out[i] = drawFilter(t, depth-1, kind)
		}
		return out
	}
	switch kind {
	case "and":
		return &And{operands()}
	case "or":
		return &Or{operands()}
	case "not":
		return &Not{drawFilter(t, depth-1, kind)}
	}
	c := &Comparison{
		Property: rapid.StringMatching(`[A-Za-z][A-Za-z0-9_]{0,8}`).Draw(t, "property"),
		Operator: rapid.SampledFrom(operators[:]).Draw(t, "operator"),
	}
	if rapid.IntRange(0, 3).Draw(t, "system") == 0 {
		c.Value = Value{Variable, rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "value")}
	} else {
		c.Value = Value{Text, filterTexts().Draw(t, "text")}
	}
	return c
}

func TestFilterRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filters(4).Draw(t, "filter")
		text := Format(f)
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(f, got); diff != "" {
			t.Fatalf("%s: -want +got\n%s", text, diff)
		}
		if again := Format(got); again != text {
			t.Fatalf("written again: %s, was %s", again, text)
		}
	})
}

func TestEqualFiltersIgnoresRendering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filters(3).Draw(t, "filter")
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		text := rerender(f, random)
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !Equal(f, got) {
			t.Fatalf("%s\nis %s\nnot %s", text, Key(got), Key(f))
		}
		other := filters(3).Draw(t, "other")
		if Equal(f, other) != (rerenderedKey(f) == rerenderedKey(other)) {
			t.Fatalf("%s and %s", Format(f), Format(other))
		}
	})
}

// rerenderedKey compares filters in another way than Key: as canonical
// OPATH of the filter without double negations, folded letter by letter.
func rerenderedKey(f Filter) string {
	return strings.Map(upperInvariant, Format(simplified(f)))
}

func simplified(f Filter) Filter {
	switch f := f.(type) {
	case *Comparison:
		if f.Value.Kind == Variable && f.Value.Text != "null" {
			return is(f.Property, f.Operator, f.Value.Text)
		}
	case *Not:
		inner := simplified(f.Operand)
		if n, ok := inner.(*Not); ok {
			return n.Operand
		}
		return &Not{inner}
	case *And:
		return &And{simplifiedAll(f.Operands, andOperands)}
	case *Or:
		return &Or{simplifiedAll(f.Operands, orOperands)}
	}
	return f
}

func simplifiedAll(operands []Filter, same func(Filter) []Filter) []Filter {
	var out []Filter
	for _, o := range operands {
		o = simplified(o)
		if inner := same(o); inner != nil {
			out = append(out, inner...)
		} else {
			out = append(out, o)
		}
	}
	return out
}

// rerender writes a filter as some server might: with parentheses, spaces, quotes
// and case of its own. Chains become pairs.
func rerender(f Filter, random *rand.Rand) string {
	space := func() string { return strings.Repeat(" ", random.Intn(3)) }
	wrap := func(s string) string {
		for random.Intn(3) == 0 {
			s = "(" + space() + s + space() + ")"
		}
		return s
	}
	chain := func(operator string, operands []Filter) string {
		texts := make([]string, len(operands))
		for i, o := range operands {
			texts[i] = "(" + rerender(o, random) + ")"
		}
		for len(texts) > 2 && random.Intn(2) == 0 {
			i := random.Intn(len(texts) - 1)
			texts[i] = "(" + texts[i] + space() + randomCase(operator, random) + space() + texts[i+1] + ")"
			texts = append(texts[:i+1], texts[i+2:]...)
		}
		return wrap(strings.Join(texts, space()+randomCase(operator, random)+space()))
	}
	switch f := f.(type) {
	case *And:
		return chain("-and", f.Operands)
	case *Or:
		return chain("-or", f.Operands)
	case *Not:
		return wrap([]string{"!", "-not", "-NOT"}[random.Intn(3)] + space() + "(" + rerender(f.Operand, random) + ")")
	}
	c := f.(*Comparison)
	value := c.Value.String()
	switch {
	case c.Value.Kind == Variable:
		value = randomCase(value, random)
	case random.Intn(2) == 0:
		value = `"` + strings.ReplaceAll(c.Value.Text, `"`, `""`) + `"`
	}
	s := randomCase(c.Property, random) + " " + space() + "-" + randomCase(c.Operator, random) + space() + value
	if random.Intn(5) == 0 {
		s = "!!" + wrap(s)
	}
	return wrap(s)
}

func randomCase(s string, random *rand.Rand) string {
	return strings.Map(func(r rune) rune {
		if random.Intn(2) == 0 {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func FuzzParseFilter(f *testing.F) {
	for _, group := range equalFilters {
		for _, text := range group {
			f.Add(text)
		}
	}
	f.Add("{ -not(A -eq 'x''y') -or (B -like \"*\") }")
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := Parse(s)
		if err != nil {
			var e *SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) || e.Error() == "" {
				t.Fatalf("Parse(%q): %v", s, err)
			}
			return
		}
		again, err := Parse(Format(parsed))
		if err != nil && len(Format(parsed)) <= MaxLength {
			t.Fatalf("Parse(%q) of %q: %v", Format(parsed), s, err)
		}
		if err == nil && !cmp.Equal(parsed, again) {
			t.Fatalf("%q: %s", s, cmp.Diff(parsed, again))
		}
		if key := Key(parsed); key == "" || err == nil && key != Key(again) {
			t.Fatalf("%q: key %q, then %q", s, key, Key(again))
		}
	})
}

// .NET knows the letters of a later Unicode than Go may; where Go knows an upper
// case, .NET must have the same.
func TestUpperInvariantAsDotNet(t *testing.T) {
	const script = `
$b = New-Object -TypeName System.Text.StringBuilder
for ($i = 1; $i -lt 0x110000; $i++) {
    if ($i -ge 0xD800 -and $i -le 0xDFFF) { continue }
    $letter = [char]::ConvertFromUtf32($i)
    $upper = $letter.ToUpperInvariant()
    if ($upper -cne $letter) { $null = $b.AppendLine("$i $([char]::ConvertToUtf32($upper, 0)) $($upper.Length - $letter.Length)") }
}
$b.ToString()`
	peers.Pwsh(t)
	r := engine.Run(t, peers.Job{Command: script})
	upper := map[rune]rune{}
	for line := range strings.Lines(r.Output[0].Text) {
		var from, to rune
		var grown int
		if _, err := fmt.Sscan(line, &from, &to, &grown); err != nil || grown != 0 {
			t.Fatalf("line %q: %v", line, err)
		}
		upper[from] = to
	}
	if len(upper) < 1400 {
		t.Fatalf("only %d letters have an upper case", len(upper))
	}
	for r := rune(1); r <= unicode.MaxRune; r++ {
		want, changes := upper[r]
		if got := upperInvariant(r); got != r && got != want || got == r && changes && unicode.ToUpper(r) != r {
			t.Errorf("upperInvariant(%U) = %U, .NET %U", r, got, want)
		}
	}
}
