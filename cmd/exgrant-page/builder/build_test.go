package builder

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/google/go-cmp/cmp"
)

func groupForm(user, group string) Form {
	return Form{Assignee: "user", Scope: "group", User: user, ScopeGroup: group}
}

// The parts of a script are the file, its block apart.
func TestScripts(t *testing.T) {
	f := groupForm("svc\U0001d4b3", "Reschedule Users")
	r := Build(f)
	var want bytes.Buffer
	if err := psgen.Grant(&want, f.Grant()); err != nil {
		t.Fatal(err)
	}
	s := r.Scripts[0]
	if diff := cmp.Diff(want.String(), ByteOrderMark+s.Before+s.Asked+s.After); diff != "" {
		t.Errorf("-program +page\n%s", diff)
	}
	if !strings.Contains(s.Asked, "'svc\U0001d4b3'") || strings.Contains(s.Before+s.After, "svc") {
		t.Error("the account stands outside of what was asked for")
	}
	if s.Body != psgen.BodyHash(want.Bytes()) {
		t.Errorf("the body's hash is %s", s.Body)
	}
}

// PowerShell gives the program the words that were meant, and so that Windows PowerShell
// does it too, no word that it would change.
func TestPowerShellCommand(t *testing.T) {
	engine := peers.StartEngine(t)
	for _, c := range []struct {
		form Form
		want []string // but for those at the end
	}{
		{groupForm(`CONTOSO\svc`, "A"), []string{"--user", `CONTOSO\svc`, "--scope-group", "A"}},
		{groupForm("-x", "--mailbox"), []string{"--user", "-x", "--scope-group", "--mailbox"}},
		{groupForm("o'brien\u2019s \u201ca\u201d", "$(a) `b @c #d; e | f & g"), []string{"--user", "o'brien\u2019s \u201ca\u201d", "--scope-group", "$(a) `b @c #d; e | f & g"}},
		{groupForm(`a"b`, "A"), []string{"-f", "grants.yaml"}},
		{groupForm("a", `A\`), []string{"-f", "grants.yaml"}},
	} {
		r := Build(c.form)
		if len(r.Errors) > 0 {
			t.Fatalf("%v: %v", c.form, r.Errors)
		}
		run := engine.Run(t, peers.Job{Command: "function exgrant { $args }; " + r.Command})
		var got []string
		for _, word := range run.Output {
			got = append(got, word.Text)
		}
		want := slices.Concat([]string{"script", "grant"}, c.want, []string{"-o", "grant.ps1", "--undo", "undo.ps1"})
		if diff := cmp.Diff(want, got); diff != "" || len(run.Errors) > 0 {
			t.Errorf("%s: %v\n-want +got\n%s", r.Command, run.Errors, diff)
		}
	}
}

func TestSummary(t *testing.T) {
	whole := Form{Assignee: "role-group", Scope: "organization", RoleGroup: "R", Member: "a\nb\nc\nd\ne\nf\ng", ViewOnlyConfiguration: true, WholeOrganization: true}
	named := groupForm("svc", "G")
	named.InScope, named.OutOfScope = "anna", "boss\nceo"
	for _, c := range []struct {
		form Form
		want []string // in it, in this order
	}{
		{groupForm("svc", "G"), []string{"the account 'svc' act as every direct member of the group 'G'", "the management scope 'ApplicationImpersonation-svc-", "the role assignment 'ApplicationImpersonation-svc-", "nobody is in the scope", "you named no mailbox"}},
		{named, []string{"('anna' must be reached, 'boss', 'ceo' must not be reached)"}},
		{Form{Assignee: "group", Scope: "ou", Group: "S", ScopeOU: "contoso.test/Staff"}, []string{"everybody in the security group 'S', now and later, act as everybody in the organizational unit 'contoso.test/Staff' and below"}},
		{Form{Assignee: "user", Scope: "filter", User: "svc", ScopeFilter: "City -eq 'a'"}, []string{"the filter “City -eq 'a'” matches, now and later", "the management scope '"}},
		{Form{Assignee: "user", Scope: "name", User: "svc", ScopeName: "Rooms"}, []string{"the management scope 'Rooms', which must exist", "It makes the role assignment"}},
		{whole, []string{"the role group 'R' ('a', 'b', 'c', 'd', 'e' and 2 more) act as EVERYBODY in the organization", "the role View-Only Configuration for the whole organization"}},
	} {
		r := Build(c.form)
		if len(r.Summary) != 5 {
			t.Errorf("%v: %d sentences, errors %v", c.form, len(r.Summary), r.Errors)
		}
		rest := strings.Join(r.Summary, "\n")
		for _, want := range c.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%q is not in %q", want, rest)
				continue
			}
			rest = after
		}
	}
}

// An error has the words that follow the flag in the program's.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		form Form
		want string
	}{
		{Form{Assignee: "user", Scope: "group"}, `user missing: must not be empty; scope-group missing: must not be empty`},
		{groupForm("svc*", "a\u200bb"), `user: "svc*" must not contain the wildcard "*"; scope-group: "a` + "\u200b" + `b" must not contain an invisible character (U+200B) at byte 1`},
		{Form{Assignee: "user", Scope: "organization", User: "svc"}, `whole-organization missing: Tick the box, or choose a smaller scope.`},
		{Form{Assignee: "role-group", Scope: "ou", RoleGroup: "a,b", ScopeOU: "x"}, `role-group: "a,b" must not contain ","; member missing: a role group needs at least one member`},
		{Form{Assignee: "user", Scope: "group", User: "svc", ScopeGroup: "G", LoneSurrogates: []string{"name"}}, "name: must not contain a lone surrogate"},
		{Form{Assignee: "user", User: "svc"}, "scope missing: a scope is needed: a group, an organizational unit, a filter, an existing scope, or the whole organization by name"},
	} {
		r := Build(c.form)
		var got []string
		for _, e := range r.Errors {
			missing := ""
			if e.Missing {
				missing = " missing"
			}
			got = append(got, fmt.Sprintf("%s%s: %s", e.Field, missing, e.Text))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if len(r.Scripts) > 0 || len(r.Summary) > 0 || r.Command != "" || r.YAML != "" {
			t.Errorf("%v: beside errors stands %v", c.form, r)
		}
	}
}
