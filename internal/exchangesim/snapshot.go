package exchangesim

import (
	"io"
)

// A Snapshot is the state that grants are about, as all domain controllers see
// it once everything is replicated. It holds names, no GUIDs, and is sorted: two
// organizations in the same state have equal snapshots and the same JSON.
type Snapshot struct {
	Assignments   []AssignmentSnapshot  `json:"assignments"`
	Scopes        []ScopeSnapshot       `json:"scopes"`
	RoleGroups    []RoleGroupSnapshot   `json:"roleGroups"`
	Customization CustomizationSnapshot `json:"customization"`
}

// An AssignmentSnapshot is one role assignment.
type AssignmentSnapshot struct {
	Name                      string `json:"name"`
	Role                      string `json:"role"`
	RoleAssignee              string `json:"roleAssignee"` // canonical name
	RoleAssigneeType          string `json:"roleAssigneeType"`
	Delegation                string `json:"delegation"` // Regular, Delegating or DelegatingOrgWide
	Enabled                   bool   `json:"enabled"`
	RecipientWriteScope       string `json:"recipientWriteScope"`
	CustomRecipientWriteScope string `json:"customRecipientWriteScope,omitempty"`
}

// A ScopeSnapshot is one management scope.
type ScopeSnapshot struct {
	Name      string `json:"name"`
	Filter    string `json:"filter"` // as the server shows it
	Root      string `json:"root,omitempty"`
	Exclusive bool   `json:"exclusive"`
}

// A RoleGroupSnapshot is one role group with the canonical names of its members.
type RoleGroupSnapshot struct {
	Name    string   `json:"name"`
	Roles   []string `json:"roles"`
	Members []string `json:"members"`
}

// A CustomizationSnapshot tells whether the organization may be customized.
type CustomizationSnapshot struct {
	IsDehydrated  bool `json:"isDehydrated"`  // what Get-OrganizationConfig shows
	InEffect      bool `json:"inEffect"`      // commands that need customization work
	EnableAnswers int  `json:"enableAnswers"` // how often Enable-OrganizationCustomization ran, errors included
}

// Snapshot returns the organization's present state.
func (o *Organization) Snapshot() Snapshot { return Snapshot{} }

// Save writes the organization as JSON, so that Load restores it exactly:
// objects with their GUIDs, what is still to be replicated, counters, time.
func (o *Organization) Save(w io.Writer) error { return nil }

// Load restores an organization that Save wrote. Sessions are not part of it.
func Load(r io.Reader) (*Organization, error) { return nil, nil }
