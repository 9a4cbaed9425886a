package grant_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

// A plan says what would be changed, Apply makes exactly that, and everything that is
// not what was asked for is an error. The simulated organization stands for a session
// of package remote.
func Example() {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		fmt.Println(err)
		return
	}
	session := exchangesim.New(scenario, exchangesim.Options{}).Session(exchangesim.SessionOptions{})
	wanted := exchange.Grant{
		Assignee: exchange.NewUser(`CONTOSO\svc-reschedule`),
		Scope:    exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
	}
	ctx := context.Background()
	plan, err := grant.NewPlan(ctx, session, wanted, grant.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range plan.Changes {
		fmt.Println(change.Action, change.Command.Cmdlet)
	}
	made, err := grant.Apply(ctx, session, plan, grant.Options{})
	fmt.Println(made.Outcome, err)

	wanted.Assignee = exchange.NewUser("nobody-knows")
	_, err = grant.NewPlan(ctx, session, wanted, grant.Options{})
	var stopped *report.Stopped
	fmt.Println(errors.As(err, &stopped), stopped.Report.Outcome, stopped.Report.Changed)
	// Output:
	// create New-ManagementScope
	// create New-ManagementRoleAssignment
	// granted <nil>
	// true not-found false
}
