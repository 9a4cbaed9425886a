package exchangesim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func saved(t testing.TB, o *Organization) string {
	t.Helper()
	var b bytes.Buffer
	if err := o.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSaveAndLoad(t *testing.T) {
	for _, sc := range Scenarios() {
		t.Run(sc.Name, func(t *testing.T) {
			o := New(sc, Options{Seed: 7, ReplicationDelay: time.Hour, Language: "ja"})
			s := o.Session(SessionOptions{})
			invoke(t, s, commands.NewScope("S", groupFilter("Groups"), ""))
			invoke(t, s, commands.NewRoleGroup("R", []string{exchange.Role}, []string{"svc-backup"}, commands.WriteScope{Custom: "S"}, ""))
			invoke(t, s, commands.RemoveRoleGroupMember("View-Only Organization Management", "Auditor", ""))
			invoke(t, s, commands.EnableOrganizationCustomization())
			o.Clock().Sleep(time.Minute)
			text := saved(t, o)
			back, err := Load(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text, saved(t, back)); diff != "" {
				t.Errorf("saved again:\n%s", diff)
			}
			if diff := cmp.Diff(o.Snapshot(), back.Snapshot()); diff != "" {
				t.Errorf("snapshot:\n%s", diff)
			}
			one, other := o.Session(SessionOptions{}), back.Session(SessionOptions{})
			for _, c := range []exchange.Command{
				commands.GetRoleGroup("R"), commands.NewScope("T", "City -eq 'Berlin'", ""), commands.ListScopes(), commands.GetUser("nobody"),
				commands.NewRoleGroup("Q", []string{exchange.Role}, []string{"anna"}, commands.WriteScope{}, ""),
				commands.GetOrganizationConfig(), commands.ListHolders(exchange.Role),
			} {
				if diff := cmp.Diff(invoke(t, one, c), invoke(t, other, c), cmp.AllowUnexported(answer{})); diff != "" {
					t.Errorf("%s:\n%s", c.Cmdlet, diff)
				}
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	good := saved(t, New(scenario(t, "plain"), Options{}))
	for name, c := range map[string]struct{ text, want string }{
		"nothing":          {"", "it is empty"},
		"another schema":   {`{"schema": "x"}`, "schema"},
		"unknown field":    {`{"x": 1}`, "there is no field"},
		"unknown scenario": {strings.Replace(good, `"scenario": "plain"`, `"scenario": "plane"`, 1), "did you mean plain"},
		"missing role":     {strings.Replace(good, `"role": "Address Lists"`, `"role": "Shoes"`, 1), "not there"},
		"missing scope":    {strings.Replace(good, `"writeScope": "Organization"`, `"writeScope": "CustomRecipientScope", "scope": "g"`, 1), "not there"},
		"no versions":      {`{"schema": "exgrant.sim/v1", "scenario": "plain", "scopes": [{"guid": "g", "versions": []}]}`, "no version"},
		"null record":      {`{"schema": "exgrant.sim/v1", "scenario": "plain", "principals": [null]}`, "no version"},
	} {
		if _, err := Load(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(`{"schema": "exgrant.sim/v1", "scenario": "two-domains", "options": {"seed": 1}, "now": "2026-11-24T09:00:00Z", "sequence": 900,
		"behaviour": {"replicationDelay": 60, "transient": 1, "customization": {"cmdletExists": true}}}`)
	f.Add(`{"schema": "exgrant.sim/v1", "scenario": "plain",
		"assignments": [{"guid": "a", "versions": [{"value": {"guid": "a", "name": "A", "role": "ApplicationImpersonation", "assignee": "g",
			"assigneeType": "RoleGroup", "delegation": "Regular", "enabled": true, "writeScope": "CustomRecipientScope", "scope": "s"}}]}],
		"scopes": [{"guid": "s", "versions": [{"value": null, "dc": "DC01.contoso.test", "at": "2026-11-24T09:00:00Z"}]}],
		"principals": [{"guid": "g", "versions": [{"value": {"guid": "g", "type": "RoleGroup", "name": "G", "group": {"members": ["g"]}}}]}]}`)
	f.Add(`{"schema": "exgrant.sim/v1", "scenario": "plain", "principals": [{"guid": "g", "versions": [{"value": null}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := Load(strings.NewReader(text))
		if err != nil {
			return
		}
		o.Snapshot()
		s := o.Session(SessionOptions{})
		for _, c := range []exchange.Command{commands.ListHolders(exchange.Role), commands.ListScopes(), commands.GetRoleGroup("Help Desk"),
			commands.NewRoleGroup("R", []string{exchange.Role}, nil, commands.WriteScope{}, "")} {
			invoke(t, s, c)
		}
		if _, err := Load(strings.NewReader(saved(t, o))); err != nil {
			t.Fatalf("what was loaded cannot be saved and loaded: %v", err)
		}
	})
}
