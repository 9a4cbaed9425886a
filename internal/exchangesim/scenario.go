package exchangesim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Scenario is the starting state of an organization, with what it will do to a
// caller. The zero value is not one; take them from Scenarios.
type Scenario struct {
	Name    string // kebab-case
	Summary string // what differs from the scenario plain, in a sentence or two

	// Shell is the PowerShell that scripts run in.
	Shell Shell
	// WebServices are the manners of Exchange Web Services.
	WebServices WebServices

	arrange func(*Organization)
	grant   func(*exchange.Grant)
}

// A Shell is what a scenario's PowerShell is like before a script begins.
type Shell struct {
	ConstrainedLanguage bool // as under an application control policy
	StrictMode          bool // a profile has run Set-StrictMode -Version Latest
}

// ScenarioByName returns one scenario. The error of an unknown name lists near
// ones.
func ScenarioByName(name string) (Scenario, error) {
	all := slices.Concat(Scenarios(), WebScenarios())
	if i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name }); i >= 0 {
		return all[i], nil
	}
	var near []string
	for _, s := range all {
		if isNear(s.Name, strings.ToLower(name)) {
			near = append(near, s.Name)
		}
	}
	if near != nil {
		return Scenario{}, fmt.Errorf("there is no scenario %q: did you mean %s?", name, strings.Join(near, ", "))
	}
	return Scenario{}, fmt.Errorf("there is no scenario %q", name)
}

// isNear reports whether a name shares a word of three letters or more with a
// scenario's, or has few other letters.
func isNear(scenario, name string) bool {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == ' ' }) {
		if len(word) > 2 && strings.Contains(scenario, word) {
			return true
		}
	}
	return smetrics.WagnerFischer(scenario, name, 1, 1, 1) <= 2
}

// Grant is the wish that the scenario is about: explicit name "Reschedule
// Impersonation", svc-reschedule as assignee (in the role group scenarios as
// member of the role group of that name) and as mailbox, the group Reschedule
// Users as scope, anna in scope and boss outside.
func (s Scenario) Grant() exchange.Grant {
	g := exchange.Grant{
		Name:       ownName,
		Assignee:   exchange.NewUser(`CONTOSO\` + serviceAccount),
		Mailbox:    serviceAccount + "@" + contoso.Name,
		Scope:      exchange.Scope{Kind: exchange.Group, Text: rescheduleUsers},
		InScope:    []string{"anna@contoso.test"},
		OutOfScope: []string{"boss@contoso.test"},
	}
	if s.grant != nil {
		s.grant(&g)
	}
	return g
}
