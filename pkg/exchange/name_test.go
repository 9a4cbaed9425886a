package exchange

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/cases"
	"pgregory.net/rapid"
)

func TestCheckIdentity(t *testing.T) {
	tests := []struct{ in, want string }{
		{"CONTOSO\\svc-reschedule", ""},
		{"svc@contoso.test", ""},
		{`CN=Smith\, John,OU=A+B,DC=contoso,DC=test`, ""},
		{"contoso.test/Users/anna", ""},
		{"Müller [extern] <x>", ""},
		{strings.Repeat("x", 500), ""},
		{"", "must not be empty"},
		{" a", "must not begin or end with a space"},
		{"a\u00a0", "must not begin or end with a space"},
		{"a\n", "must not begin or end with a space"},
		{"svc*", `must not contain the wildcard "*"`},
		{"sv?", `must not contain the wildcard "?"`},
		{"a\x00b", "must not contain a NUL character (U+0000) at byte 1"},
		{"a\u202eb", "must not contain a bidirectional control character (U+202E) at byte 1"},
		{"a\xffb", "must not contain a byte that is not UTF-8 at byte 1"},
	}
	for _, test := range tests {
		if got := text(CheckIdentity(test.in)); got != test.want {
			t.Errorf("CheckIdentity(%q) = %q, want %q", test.in, got, test.want)
		}
		if test.want != "" {
			if got := text(CheckName(test.in)); got != test.want {
				t.Errorf("CheckName(%q) = %q, want %q", test.in, got, test.want)
			}
		}
	}
}

func TestCheckName(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Reschedule Impersonation", ""},
		{"Müller's (A) 50% & more!", ""},
		{strings.Repeat("é", 64), ""},
		{strings.Repeat("🎉", 32), ""},
		{strings.Repeat("x", 65), "must not be longer than 64 characters (it has 65)"},
		{strings.Repeat("🎉", 32) + "x", "must not be longer than 64 characters (it has 65)"},
	}
	for _, c := range `[],+"\<>;=#/` {
		tests = append(tests, struct{ in, want string }{"a" + string(c), `must not contain "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(c)) + `"`})
	}
	for _, test := range tests {
		if got := text(CheckName(test.in)); got != test.want {
			t.Errorf("CheckName(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAssignmentName(t *testing.T) {
	tests := []struct{ identity, want string }{
		{`CONTOSO\svc-reschedule`, "ApplicationImpersonation-svc-reschedule-"},
		{"svc-reschedule@contoso.test", "ApplicationImpersonation-svc-reschedule-"},
		{"contoso.test/Services/svc reschedule", "ApplicationImpersonation-svc reschedule-"},
		{"CN=svc-reschedule,OU=Services,DC=contoso,DC=test", "ApplicationImpersonation-svc-reschedule-"},
		{`CN=Smith\, John,DC=contoso`, "ApplicationImpersonation-Smith- John-"},
		{`CN=M\C3\BCller,DC=contoso`, "ApplicationImpersonation-Müller-"},
		{`CN=a\0Ab\E2\80\AEc\FFd,DC=contoso`, "ApplicationImpersonation-a-b-c\ufffdd-"},
		{`CN=\,,DC=contoso`, "ApplicationImpersonation---"},
		{"CN=x", "ApplicationImpersonation-CN-x-"},
		{"6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5", "ApplicationImpersonation-6f9c4e0e-4a57-4a40-8a8d-0a3a6f-"},
		{"a very long name of twenty-nine x cut", "ApplicationImpersonation-a very long name of twenty-nin-"},
		{strings.Repeat("x", 29) + " y", "ApplicationImpersonation-" + strings.Repeat("x", 29) + "-"},
		{strings.Repeat("🎉", 20), "ApplicationImpersonation-" + strings.Repeat("🎉", 15) + "-"},
		{"@x", "ApplicationImpersonation-"},
		{`CONTOSO\`, "ApplicationImpersonation-"},
	}
	for _, test := range tests {
		g := Grant{Assignee: NewUser(test.identity), Scope: Scope{Kind: WholeOrganization}}
		got := g.AssignmentName()
		if rest, ok := strings.CutPrefix(got, test.want); !ok || !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(rest) {
			t.Errorf("name for %q is %q, want %q and 8 digits", test.identity, got, test.want)
		}
		if err := CheckName(got); err != nil {
			t.Errorf("name for %q is %q, which %v", test.identity, got, err)
		}
	}
}

// A name that changed from one version to the next would no longer find its own
// assignments.
func TestAssignmentNameIsStable(t *testing.T) {
	g := Grant{Assignee: NewUser(`CONTOSO\svc-reschedule`), Scope: Scope{Kind: Group, Text: "Reschedule Users"}}
	const want = "ApplicationImpersonation-svc-reschedule-30a6cea9"
	if got := g.AssignmentName(); got != want {
		t.Errorf("name is %q, want %q", got, want)
	}
	if got := g.ScopeName(); got != want {
		t.Errorf("scope is %q, want %q", got, want)
	}
}

// identities generates identities of all forms, as CheckIdentity accepts them.
func identities() *rapid.Generator[string] {
	letters := rapid.StringOfN(rapid.OneOf(
		rapid.SampledFrom([]rune(`abcXYZ019 -.'\,+"<>;=#/@’é`)),
		rapid.Rune(),
	), 1, 80, -1)
	form := rapid.SampledFrom([]string{"%", `CONTOSO\%`, "%@contoso.test", "contoso.test/Users/%", "CN=%,OU=x,DC=contoso", `CN=\00\E2\80\8B%,DC=x`, "a/%"})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.ReplaceAll(form.Draw(t, "form"), "%", letters.Draw(t, "letters"))
	}).Filter(func(s string) bool { return CheckIdentity(s) == nil })
}

func grants() *rapid.Generator[Grant] {
	return rapid.Custom(func(t *rapid.T) Grant {
		return Grant{
			Assignee: Assignee{
				Kind:     rapid.SampledFrom([]AssigneeKind{User, SecurityGroup}).Draw(t, "kind"),
				Identity: identities().Draw(t, "identity"),
			},
			Scope: Scope{
				Kind: rapid.SampledFrom([]ScopeKind{Group, OrganizationalUnit, RecipientFilter, Existing}).Draw(t, "scope"),
				Text: identities().Draw(t, "text"),
			},
		}
	})
}

func TestAssignmentNameProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := grants().Draw(t, "grant")
		name := g.AssignmentName()
		if err := CheckName(name); err != nil {
			t.Fatalf("%q %v", name, err)
		}
		if again := g.AssignmentName(); again != name {
			t.Fatalf("%q, then %q", name, again)
		}
		other := grants().Draw(t, "other")
		if rapid.Bool().Draw(t, "same assignee") {
			other.Assignee = g.Assignee
		}
		if rapid.Bool().Draw(t, "same scope") {
			other.Scope = g.Scope
		}
		if same := folded(g) == folded(other); same != strings.EqualFold(name, other.AssignmentName()) {
			t.Fatalf("%q and %q for grants that are the same: %v", name, other.AssignmentName(), same)
		}
		shouted := g
		shouted.Assignee.Identity, shouted.Scope.Text = strings.ToUpper(g.Assignee.Identity), strings.ToUpper(g.Scope.Text)
		if folded(shouted) == folded(g) && !strings.HasSuffix(shouted.AssignmentName(), name[len(name)-8:]) {
			t.Fatalf("%q and %q differ by case alone", name, shouted.AssignmentName())
		}
	})
}

func folded(g Grant) [4]string {
	fold := cases.Fold()
	return [4]string{string(g.Assignee.Kind), fold.String(g.Assignee.Identity), string(g.Scope.Kind), fold.String(g.Scope.Text)}
}

// The parts of the hashed text must not run into each other.
func TestAssignmentNameTellsFieldsApart(t *testing.T) {
	a := Grant{Assignee: NewUser("x"), Scope: Scope{Kind: Group, Text: "y"}}
	names := map[string]bool{a.AssignmentName(): true}
	for _, g := range []Grant{
		{Assignee: NewSecurityGroup("x"), Scope: a.Scope},
		{Assignee: NewUser("x"), Scope: Scope{Kind: OrganizationalUnit, Text: "y"}},
		{Assignee: NewUser("x"), Scope: Scope{Kind: WholeOrganization}},
		{Assignee: NewUser("y"), Scope: Scope{Kind: Group, Text: "x"}},
		{Assignee: NewUser("xy"), Scope: Scope{Kind: Group}},
	} {
		if name := g.AssignmentName(); names[name] {
			t.Errorf("%q for %+v is taken", name, g)
		} else {
			names[name] = true
		}
	}
}

func TestScopeName(t *testing.T) {
	user := NewUser("svc")
	derived := Grant{Assignee: user, Scope: Scope{Kind: Group, Text: "g"}}.AssignmentName()
	tests := []struct {
		name  string
		grant Grant
		want  string
	}{
		{"derived", Grant{Assignee: user, Scope: Scope{Kind: Group, Text: "g"}}, derived},
		{"as the assignment", Grant{Name: "n", Assignee: user, Scope: Scope{Kind: RecipientFilter, Text: "f"}}, "n"},
		{"its own", Grant{Name: "n", Assignee: user, Scope: Scope{Kind: Group, Text: "g", Name: "s"}}, "s"},
		{"existing", Grant{Name: "n", Assignee: user, Scope: Scope{Kind: Existing, Text: "e"}}, "e"},
		{"none for an organizational unit", Grant{Assignee: user, Scope: Scope{Kind: OrganizationalUnit, Text: "o"}}, ""},
		{"none for the whole organization", Grant{Assignee: user, Scope: Scope{Kind: WholeOrganization}}, ""},
	}
	for _, test := range tests {
		if got := test.grant.ScopeName(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
