// Package exchangesim is a model of an Exchange organization: a forest with its
// domain controllers, recipients, roles, assignments and scopes, which answers
// cmdlets as real servers do.
//
// An Organization is made from a Scenario, a Session of it is an
// exchange.Invoker. The model never waits and asks no clock but its own: time
// passes when a caller says so (Clock.Sleep). The same scenario, options and
// commands give the same answers, GUIDs and request ids included.
//
// What is modelled follows Microsoft's documentation of the cmdlets and public
// transcripts. Where neither says anything, the model decides for the stricter
// server, so that what works here does not rest on an assumption.
package exchangesim

import (
	"sync"
	"time"
)

// Options are what a caller may choose about an organization beside its scenario.
type Options struct {
	// Language is the language of messages for sessions that name none: "en",
	// "de" or "ja". Empty is the scenario's, which is mostly English.
	Language string

	// Seed changes all GUIDs. Organizations with the same seed have the same GUIDs.
	Seed uint64

	// UnknownAssignmentReturnsAll makes Get-ManagementRoleAssignment answer an
	// unknown -Identity with every assignment, as its documentation warns,
	// instead of an error.
	UnknownAssignmentReturnsAll bool

	// ExclusiveScopesIgnored lets regular assignments reach what an exclusive
	// scope covers. The documentation says that they do not; whether that holds
	// for impersonation was never tried in public.
	ExclusiveScopesIgnored bool

	// ReplicationDelay is how long a write takes to appear on the other domain
	// controllers, in model time. Zero is the scenario's, which is mostly no delay.
	ReplicationDelay time.Duration
}

// An Organization is one simulated Exchange organization. It is safe for
// concurrent use.
type Organization struct {
	scenario Scenario
	options  Options
	clock    *Clock

	mu sync.Mutex
}

// New makes the organization of a scenario.
func New(s Scenario, o Options) *Organization {
	return &Organization{scenario: s, options: o, clock: newClock()}
}

// Clock returns the organization's clock.
func (o *Organization) Clock() *Clock { return o.clock }

// Scenario returns the scenario that the organization was made from.
func (o *Organization) Scenario() Scenario { return o.scenario }
