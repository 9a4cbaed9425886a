package exchange

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrantValidateAccepts(t *testing.T) {
	whole := Scope{Kind: WholeOrganization}
	for name, g := range map[string]Grant{
		"user":           {Assignee: NewUser(`CONTOSO\svc`), Scope: whole},
		"security group": {Assignee: NewSecurityGroup("CN=a+b,DC=x"), Scope: Scope{Kind: OrganizationalUnit, Text: "contoso.test/Rooms"}},
		"role group": {Assignee: Assignee{Kind: RoleGroup, Identity: "Impersonators", Members: []string{"a", "b"}, ViewOnlyConfiguration: true},
			Scope: Scope{Kind: Existing, Text: "Rooms #1"}},
		"all": {Name: "n", Assignee: NewUser("svc"), Mailbox: "svc@contoso.test", Scope: Scope{Kind: Group, Text: "g", Name: "s"},
			DomainController: "dc01.contoso.test", InScope: []string{"a"}, OutOfScope: []string{"b"}},
		"number": {Assignee: NewUser("svc"), Scope: Scope{Kind: RecipientFilter, Text: "CustomAttribute1 -eq 5 -and Hidden -eq $false"}},
		"quotes": {Assignee: NewUser("svc"), Scope: Scope{Kind: RecipientFilter, Text: `City -eq "Berlin"`}},
		"filter": {Assignee: NewUser("svc"), Scope: Scope{Kind: RecipientFilter, Text: "Name -like 'VP*'"}},
	} {
		if err := g.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGrantValidateRefuses(t *testing.T) {
	user, whole := NewUser("svc"), Scope{Kind: WholeOrganization}
	tests := []struct {
		name  string
		grant Grant
		want  []string
	}{
		{"nothing", Grant{}, []string{
			"user: an assignee is needed: a user, a group or a role group",
			"scope: a scope is needed: a group, an organizational unit, a filter, an existing scope, or the whole organization by name",
		}},
		{"everything", Grant{
			Name: "a/b", Assignee: NewUser(" x"), Mailbox: "m*", Scope: Scope{Kind: Group, Text: "g?", Name: strings.Repeat("s", 65)},
			DomainController: "\x00", InScope: []string{"ok", ""}, OutOfScope: []string{"x "},
		}, []string{
			`name "a/b": must not contain "/"`,
			`user " x": must not begin or end with a space`,
			`mailbox "m*": must not contain the wildcard "*"`,
			`scope-group "g?": must not contain the wildcard "?"`,
			`scope-name "` + strings.Repeat("s", 65) + `": must not be longer than 64 characters (it has 65)`,
			`domain-controller "\x00": must not contain a NUL character (U+0000) at byte 0`,
			`in-scope: must not be empty`,
			`out-of-scope "x ": must not begin or end with a space`,
		}},
		{"kinds", Grant{Assignee: Assignee{Kind: "computer", Identity: "x"}, Scope: Scope{Kind: "forest"}}, []string{
			`user "computer": is not a kind of assignee`, `scope "forest": is not a kind of scope`,
		}},
		{"group", Grant{Assignee: NewSecurityGroup(""), Scope: whole}, []string{"group: must not be empty"}},
		{"role group", Grant{Assignee: Assignee{Kind: RoleGroup, Identity: "a,b"}, Scope: whole}, []string{
			`role-group "a,b": must not contain ","`, "member: a role group needs at least one member",
		}},
		{"role group members", Grant{Assignee: Assignee{Kind: RoleGroup, Identity: "r", Members: []string{"a", "*", "A"}}, Scope: whole}, []string{
			`member "*": must not contain the wildcard "*"`, `member "A": is named twice`,
		}},
		{"members of a user", Grant{Assignee: Assignee{Kind: User, Identity: "u", Members: []string{"a"}, ViewOnlyConfiguration: true}, Scope: whole}, []string{
			`member "a": only a role group takes members`, "view-only-configuration: only a role group can have it",
		}},
		{"whole organization with text", Grant{Assignee: user, Scope: Scope{Kind: WholeOrganization, Text: "x"}}, []string{
			`whole-organization "x": takes no text`,
		}},
		{"named organizational unit", Grant{Assignee: user, Scope: Scope{Kind: OrganizationalUnit, Text: "ou", Name: "n"}}, []string{
			`scope-name "n": names a scope to create: it goes with a group or a filter only`,
		}},
		{"existing without name", Grant{Assignee: user, Scope: Scope{Kind: Existing}}, []string{"scope-name: must not be empty"}},
		{"organizational unit", Grant{Assignee: user, Scope: Scope{Kind: OrganizationalUnit}}, []string{"scope-ou: must not be empty"}},
		{"filter", Grant{Assignee: user, Scope: Scope{Kind: RecipientFilter, Text: "Name = 'x'"}}, []string{
			`scope-filter "Name = 'x'": is not a filter: found "=" at byte 5, expected one of -eq -ne -like -notlike -lt -le -gt -ge`,
		}},
		{"no filter", Grant{Assignee: user, Scope: Scope{Kind: RecipientFilter}}, []string{
			"scope-filter: is not a filter: it ends at byte 0, expected the name of a property, -not or an opening parenthesis",
		}},
		{"filter as a script block", Grant{Assignee: user, Scope: Scope{Kind: RecipientFilter, Text: "{City -eq 'Berlin'}"}}, []string{
			`scope-filter "{City -eq 'Berlin'}": is not a filter: found "{" at byte 0, expected the condition without braces: a filter is text, no script block`,
		}},
		{"filter without quotes", Grant{Assignee: user, Scope: Scope{Kind: RecipientFilter, Text: "City -eq Berlin"}}, []string{
			`scope-filter "City -eq Berlin": is not a filter: found "Berlin" at byte 9, expected a text in single quotes, such as 'Berlin'`,
		}},
		{"filter in two lines", Grant{Assignee: user, Scope: Scope{Kind: RecipientFilter, Text: "Name -eq\n'x'"}}, []string{
			`scope-filter "Name -eq\n'x'": must not contain a control character (U+000A) at byte 8`,
		}},
		{"a mailbox on both sides", Grant{Assignee: user, Scope: whole, InScope: []string{"anna", "ben"}, OutOfScope: []string{"Ben"}}, []string{
			`out-of-scope "Ben": is in scope too`,
		}},
	}
	for _, test := range tests {
		err := test.grant.Validate()
		var all ValidationError
		if !errors.As(err, &all) {
			t.Errorf("%s: %v, want a ValidationError", test.name, err)
			continue
		}
		var got []string
		for _, e := range all {
			got = append(got, e.Error())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		if want := strings.Join(test.want, "; "); err.Error() != want {
			t.Errorf("%s: %q, want %q", test.name, err, want)
		}
		var first *FieldError
		if !errors.As(err, &first) || first != all[0] {
			t.Errorf("%s: the first error cannot be unwrapped", test.name)
		}
	}
}
