package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestPlanReadsWhatItWrites(t *testing.T) {
	grant := exchange.Grant{Name: "A name", Assignee: exchange.NewUser(`CONTOSO\svc`), Scope: exchange.Scope{Kind: exchange.Group, Text: "Users", Name: "A scope"},
		Mailbox: "svc", DomainController: "dc1", InScope: []string{"anna"}, OutOfScope: []string{"boss"}}
	plan := Plan{
		Schema: PlanSchema,
		Grant: GrantState{Name: grant.Name, Assignee: AssigneeState{Kind: exchange.User, Given: grant.Assignee.Identity}, Role: exchange.Role,
			Scope: ScopeState{Kind: exchange.Group, Given: "Users", Name: "A scope"}, Mailbox: "svc"},
		Options: &PlanOptions{DomainController: "dc1", InScope: grant.InScope, OutOfScope: grant.OutOfScope},
		Changes: []Change{{ID: StepScope, Action: ActionCreate, Command: NewPlanCommand(commands.NewScope("A scope", "Name -eq 'x'", "dc1"))}},
	}
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(`"read":[]`)) {
		t.Errorf("an empty list is not []: %s", text)
	}
	back, err := ReadPlan(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(grant, back.Asked()); diff != "" {
		t.Errorf("the wish (-want +got):\n%s", diff)
	}
	if again, err := json.Marshal(back); err != nil || !bytes.Equal(text, again) {
		t.Errorf("written again: %s, %v\nwant %s", again, err, text)
	}
}

func TestReadPlanRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "not a plan of exgrant: it is empty",
		"{}":                              `its schema is ""`,
		`{"schema":"exgrant.plan/v2"}`:    `"exgrant.plan/v2"`,
		`{"schema":"exgrant.plan/v1"}`:    "the plan's grant: ",
		`{"schema":"exgrant.plan/v1"} {}`: "something stands behind its end",
		`{"schema":"exgrant.plan/v1","colour":1}`: `line 1: there is no field "colour"`,
		strings.Repeat(" ", MaxPlan+1):            "longer than",
	} {
		if _, err := ReadPlan(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
