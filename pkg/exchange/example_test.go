package exchange_test

import (
	"fmt"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Grant is a plain value; Validate says what is wrong with it and where.
func ExampleGrant_Validate() {
	g := exchange.Grant{Assignee: exchange.NewUser(`CONTOSO\svc*`)}
	fmt.Println(g.Validate())

	g.Assignee = exchange.NewUser(`CONTOSO\svc-reschedule`)
	g.Scope = exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}
	fmt.Println(g.Validate(), g.AssignmentName())
	// Output:
	// user "CONTOSO\\svc*": must not contain the wildcard "*"; scope: a scope is needed: a group, an organizational unit, a filter, an existing scope, or the whole organization by name
	// <nil> ApplicationImpersonation-svc-reschedule-30a6cea9
}

// Text becomes PowerShell as a constant, in which nothing is expanded.
func ExampleCommand_Line() {
	c := exchange.Command{Cmdlet: "Get-User"}.With("Identity", exchange.String("O'Brien $(calc)"))
	fmt.Println(c.Line())
	// Output: Get-User -Identity 'O''Brien $(calc)' <nil>
}
