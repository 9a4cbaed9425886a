// Package report is what exgrant tells about an operation, as data: a Report of
// what was found, done and left, the Plan of what would be done, the Outcome with
// its exit code, and the Inverse that undoes a change. The JSON forms are contracts
// (Schema, PlanSchema).
//
// All values are plain data, safe for concurrent reading. The package contacts
// nobody and decides nothing.
package report

import (
	"encoding/json"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// Schema names the version of Report's JSON form.
const Schema = "exgrant.report/v1"

// Operations a Report can tell of.
const (
	OperationGrant    = "grant"
	OperationRevoke   = "revoke"
	OperationStatus   = "status"
	OperationVerify   = "verify"
	OperationAudit    = "audit"
	OperationPlan     = "plan"
	OperationDiagnose = "diagnose"

	OperationConnect = "connect"
)

// An Outcome is the one word that says how an operation ended.
type Outcome string

// The outcomes of all operations.
const (
	Granted              Outcome = "granted"
	AlreadyGranted       Outcome = "already-granted"
	GrantedReplicating   Outcome = "granted-replicating"
	Revoked              Outcome = "revoked"
	NothingToRevoke      Outcome = "nothing-to-revoke"
	Verified             Outcome = "verified"
	Audited              Outcome = "audited"
	Planned              Outcome = "planned"
	Failed               Outcome = "failed"
	Conflict             Outcome = "conflict"
	NotFound             Outcome = "not-found"
	Unreachable          Outcome = "unreachable"
	Blocked              Outcome = "blocked" // Exchange Web Services answer, and are closed to this client
	Differs              Outcome = "differs"
	CustomizationPending Outcome = "customization-pending"
	StillEffective       Outcome = "still-effective" // something was removed, and reach is left
	NotRevoked           Outcome = "not-revoked"     // nothing was removed, and reach is left
	Denied               Outcome = "denied"
	Interrupted          Outcome = "interrupted"
)

// outcomeExitCodes holds every outcome once, in the order in which they are shown.
var outcomeExitCodes = []struct {
	Outcome Outcome
	Code    int
}{
	{Granted, 0}, {AlreadyGranted, 0}, {GrantedReplicating, 0}, {Revoked, 0}, {NothingToRevoke, 0},
	{Verified, 0}, {Audited, 0}, {Planned, 0},
	{Failed, 1}, {Conflict, 1}, {NotFound, 1}, {Unreachable, 1}, {Blocked, 1},
	{Differs, 3}, {CustomizationPending, 3}, {StillEffective, 3}, {NotRevoked, 3},
	{Denied, 5},
	{Interrupted, 130},
}

// Outcomes returns every outcome, in the order of the exit code table.
func Outcomes() []Outcome {
	out := make([]Outcome, len(outcomeExitCodes))
	for i, o := range outcomeExitCodes {
		out[i] = o.Outcome
	}
	return out
}

// ExitCode returns the process exit code of the outcome: 0 done, 1 failed,
// 3 not (yet) as wished, 5 denied, 130 interrupted. An unknown outcome is a
// failure.
func (o Outcome) ExitCode() int {
	for _, e := range outcomeExitCodes {
		if e.Outcome == o {
			return e.Code
		}
	}
	return 1
}

// Step identifiers, in the order in which steps happen.
const (
	StepPreflight       = "preflight"
	StepResolve         = "resolve"
	StepReadAssignments = "read-assignments"
	StepScope           = "scope"
	StepCustomize       = "customize"
	StepAssign          = "assign"
	StepRoleGroup       = "role-group"
	StepRemove          = "remove"
	StepReadBack        = "read-back"
	StepReach           = "reach"
	StepProof           = "proof"
)

// What the text of the step [StepReadAssignments] of a verification begins with, by this
// program and by the scripts.
const (
	InPlace    = "In place"
	NotInPlace = "Not in place"
)

// Step statuses.
const (
	StatusPlanned   = "planned"
	StatusChanged   = "changed"
	StatusUnchanged = "unchanged"
	StatusSkipped   = "skipped"
	StatusFailed    = "failed"
)

// Finding severities.
const (
	SeverityInfo     = "info"
	SeverityWarning  = "warning"
	SeveritySecurity = "security"
)

// FindingCompared is the id of the finding that says with which file of grants an audit
// was compared.
const FindingCompared = "compared"

// A Report tells what an operation found, did and left, as data. Its JSON form
// is a contract: see Schema.
type Report struct {
	Schema     string      `json:"schema"`
	Operation  string      `json:"operation"`
	Outcome    Outcome     `json:"outcome"`
	Changed    bool        `json:"changed"`
	StartedAt  time.Time   `json:"startedAt"`  // UTC, whole seconds
	FinishedAt time.Time   `json:"finishedAt"` // UTC, whole seconds
	Operator   string      `json:"operator,omitempty"`
	Tool       string      `json:"tool"`
	Target     Target      `json:"target"`
	Account    string      `json:"account,omitempty"` // diagnoses: the account that Exchange Web Services are asked as; audits: the only one that was asked about
	Grant      *GrantState `json:"grant,omitempty"`   // nil for audits and diagnoses
	Steps      []Step      `json:"steps"`
	Findings   []Finding   `json:"findings"`
	Proof      []Proof     `json:"proof,omitempty"`
	Before     *State      `json:"before,omitempty"`
	After      *State      `json:"after,omitempty"`
	Inverse    []Inverse   `json:"inverse,omitempty"`
	Holders    []Holder    `json:"holders,omitzero"` // audits only

	// Next is the command to type next, where a run did not end well and there is one. The
	// program adds it: it knows how it was started.
	Next string `json:"next,omitempty"`
}

// Failure is the step that a report's outcome rests on; nil where none failed. Where
// nobody was reached or logged on it is the first that failed, since later ones failed
// for the same reason.
func (r *Report) Failure() *Step {
	var last *Step
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Status != StatusFailed {
			continue
		}
		last = s
		if s.Fault != nil && (r.Outcome == Unreachable || r.Outcome == Denied || r.Outcome == Blocked) {
			return s
		}
	}
	return last
}

// MarshalJSON writes the report; a list that every report has is [] when empty,
// never null. State and RoleGroupState do the same.
func (r Report) MarshalJSON() ([]byte, error) {
	r.Steps, r.Findings = notNil(r.Steps), notNil(r.Findings)
	if r.Operation == OperationAudit {
		r.Holders = notNil(r.Holders)
	}
	type plain Report
	return json.Marshal(plain(r))
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Target is the organization and the session that an operation ran in.
type Target struct {
	Server           string `json:"server,omitempty"`
	Transport        string `json:"transport,omitempty"` // psrp, winrs, local or script
	Build            string `json:"build,omitempty"`     // four numbers, such as 15.2.2562.17
	DomainController string `json:"domainController,omitempty"`
	LanguageMode     string `json:"languageMode,omitempty"`
	EWS              string `json:"ews,omitempty"` // URL of Exchange Web Services, where they were asked
}

// GrantState is the grant that was asked for, with what its names resolved to.
type GrantState struct {
	Name     string        `json:"name"`
	Assignee AssigneeState `json:"assignee"`
	Role     string        `json:"role"`
	Scope    ScopeState    `json:"scope"`
	Mailbox  string        `json:"mailbox,omitempty"`
}

// AssigneeState is an assignee as given and as found.
type AssigneeState struct {
	Kind              exchange.AssigneeKind `json:"kind"`
	Given             string                `json:"given"`
	Name              string                `json:"name,omitempty"`
	GUID              string                `json:"guid,omitempty"`
	DistinguishedName string                `json:"distinguishedName,omitempty"`
	Members           []string              `json:"members,omitempty"` // role groups: members as given
}

// ScopeState is a scope as given and as found. Recipients counts the recipients
// that the scope matches now; it is absent where nothing was counted.
type ScopeState struct {
	Kind       exchange.ScopeKind `json:"kind"`
	Given      string             `json:"given,omitempty"`
	Name       string             `json:"name,omitempty"`
	Filter     string             `json:"filter,omitempty"`
	Root       string             `json:"root,omitempty"`
	Recipients *int               `json:"recipients,omitempty"`
}

// A Step is one thing that was done, found done, planned, left out or failed.
// Command is the PowerShell text of the change, where there is one.
type Step struct {
	ID           string       `json:"id"`
	Status       string       `json:"status"`
	Attempt      int          `json:"attempt,omitempty"`
	Command      string       `json:"command,omitempty"`
	Text         string       `json:"text,omitempty"`
	GUID         string       `json:"guid,omitempty"`
	Irreversible bool         `json:"irreversible,omitempty"`
	DurationMS   int64        `json:"durationMs,omitempty"`
	Fault        *fault.Fault `json:"fault,omitempty"`
	Rung         *Rung        `json:"rung,omitempty"` // of connect and diagnose
}

// A Rung is a step of connect or diagnose: what was tried there, what was seen, what
// it means and what to do.
type Rung struct {
	Level   int    `json:"level"` // 0 to 10
	Name    string `json:"name"`  // of the level, in one word
	Mailbox string `json:"mailbox,omitempty"`
	Form    string `json:"form,omitempty"` // in which the mailbox was named, such as SmtpAddress
	Verdict string `json:"verdict"`        // passed, failed, unknown, security or skipped
	Tried   string `json:"tried,omitempty"`
	Saw     string `json:"saw,omitempty"`
	Means   string `json:"means,omitempty"`
	Do      string `json:"do,omitempty"`
}

// A Finding is something an administrator should know that is no error. Decides says
// that the outcome rests on it.
type Finding struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"`
	Text     string   `json:"text"`
	Objects  []string `json:"objects,omitempty"` // GUIDs or names of the objects concerned
	Decides  bool     `json:"decides,omitempty"`
}

// Proof compares what one mailbox should allow with what was observed. Expected,
// RBAC and EWS are "allowed" or "refused"; RBAC and EWS are empty where not asked,
// and EWS is "unknown" where the answer shows neither.
type Proof struct {
	Mailbox  string `json:"mailbox"`
	Expected string `json:"expected"`
	RBAC     string `json:"rbac,omitempty"`
	EWS      string `json:"ews,omitempty"`
	EWSCode  string `json:"ewsCode,omitempty"`

	// Diagnosis is why the answers differ from what was expected, or from each other,
	// as far as the evidence shows it.
	Diagnosis string `json:"diagnosis,omitempty"`
}

// State is the part of the organization that an operation is about: the
// assignments, scopes and role groups that are equal to the grant, carry its
// name, or were written.
type State struct {
	Assignments []AssignmentState `json:"assignments"`
	Scopes      []ManagementScope `json:"scopes"`
	RoleGroups  []RoleGroupState  `json:"roleGroups,omitempty"`
}

// MarshalJSON is documented at Report.MarshalJSON.
func (s State) MarshalJSON() ([]byte, error) {
	s.Assignments, s.Scopes = notNil(s.Assignments), notNil(s.Scopes)
	type plain State
	return json.Marshal(plain(s))
}

// AssignmentState is a role assignment as read.
type AssignmentState struct {
	GUID                      string `json:"guid"`
	Name                      string `json:"name"`
	Enabled                   bool   `json:"enabled"`
	RecipientWriteScope       string `json:"recipientWriteScope"`
	CustomRecipientWriteScope string `json:"customRecipientWriteScope,omitempty"`
}

// ManagementScope is a recipient scope as read.
type ManagementScope struct {
	GUID   string `json:"guid"`
	Name   string `json:"name"`
	Filter string `json:"filter"`
	Root   string `json:"root,omitempty"`
}

// RoleGroupState is a role group as read.
type RoleGroupState struct {
	GUID    string   `json:"guid"`
	Name    string   `json:"name"`
	Members []string `json:"members"`
}

// MarshalJSON is documented at Report.MarshalJSON.
func (g RoleGroupState) MarshalJSON() ([]byte, error) {
	g.Members = notNil(g.Members)
	type plain RoleGroupState
	return json.Marshal(plain(g))
}

// An Inverse is one command that undoes a change. OnlyIf "unused" says to run it
// only when no assignment uses the object any more. Set is what the change made of
// the settings that Parameters put back: where they are neither that nor the old
// values any more, somebody else has changed them since.
type Inverse struct {
	Cmdlet     string             `json:"cmdlet"`
	Identity   string             `json:"identity"`
	Parameters []InverseParameter `json:"parameters,omitempty"`
	Set        []InverseParameter `json:"set,omitempty"`
	OnlyIf     string             `json:"onlyIf,omitempty"`
}

// An InverseParameter is a parameter of an Inverse; Value is a string, a
// boolean, a list of strings or null.
type InverseParameter struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// A Holder is one way in which somebody holds a role of type
// ApplicationImpersonation.
type Holder struct {
	Assignment string      `json:"assignment"`
	GUID       string      `json:"guid"`
	Role       string      `json:"role"`
	Holder     string      `json:"holder"`
	HolderType string      `json:"holderType"`
	Identity   string      `json:"identity,omitempty"`   // distinguished name, where others have the holder's name too
	SID        string      `json:"sid,omitempty"`        // S-1-5-21-…; "" where it was not looked up, or nobody is found by that name
	Unresolved bool        `json:"unresolved,omitempty"` // the account cannot be resolved, since it is gone or in another forest: it acts for nobody here
	Via        string      `json:"via"`                  // the group through which a member holds it; "" when direct
	Delegation string      `json:"delegation"`           // Regular or Delegating
	Enabled    bool        `json:"enabled"`
	Scope      HolderScope `json:"scope"`
}

// HolderScope is a holder's scope in words.
type HolderScope struct {
	Kind   exchange.ScopeKind `json:"kind"`
	Name   string             `json:"name,omitempty"`
	Filter string             `json:"filter,omitempty"`
	Text   string             `json:"text"`
}
