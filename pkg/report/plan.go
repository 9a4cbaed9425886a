package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/exgrant/exgrant/internal/jsontext"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// PlanSchema names the version of Plan's JSON form.
const PlanSchema = "exgrant.plan/v1"

// MaxPlan is the longest plan that ReadPlan reads, in bytes.
const MaxPlan = 4 << 20

// A Plan tells what applying a grant would change and what that was decided on,
// for a person to approve and for a program to apply later. Its JSON form is a
// contract: see PlanSchema.
type Plan struct {
	Schema string `json:"schema"`

	// Outcome is planned, already-granted where there is nothing to do, or differs where
	// a mailbox answers otherwise than it should and no change would mend it. Changed says
	// whether applying the plan would change something.
	Outcome Outcome `json:"outcome,omitempty"`
	Changed bool    `json:"changed"`

	MadeAt    time.Time    `json:"madeAt"` // UTC, whole seconds
	Target    PlanTarget   `json:"target"`
	Grant     GrantState   `json:"grant"`
	Options   *PlanOptions `json:"options,omitempty"` // nil when none was given
	Changes   []Change     `json:"changes"`
	Unchanged []Unchanged  `json:"unchanged"`
	Findings  []Finding    `json:"findings"`
	Read      []ReadObject `json:"read"`
}

// PlanTarget is the organization that a plan was made for.
type PlanTarget struct {
	Server       string `json:"server,omitempty"`
	Build        string `json:"build,omitempty"`
	Organization string `json:"organization,omitempty"` // GUID of the organization, by which another one is refused
}

// PlanOptions is what else the plan's maker asked for, so that applying the plan
// asks for the same.
type PlanOptions struct {
	DomainController      string   `json:"domainController,omitempty"`
	ViewOnlyConfiguration bool     `json:"viewOnlyConfiguration,omitempty"`
	UpdateScope           bool     `json:"updateScope,omitempty"`
	AllowEmpty            bool     `json:"allowEmpty,omitempty"`
	InScope               []string `json:"inScope,omitempty"`
	OutOfScope            []string `json:"outOfScope,omitempty"`
}

// Actions of a Change.
const (
	ActionCreate = "create"
	ActionUpdate = "update"
	ActionRemove = "remove"
)

// Widening stands in the Why of a change that gives an assignment more mailboxes.
const Widening = "THIS WIDENS THE GRANT."

// A Change is one command that a plan would run. ID is the id of the report's
// step that carries it out.
type Change struct {
	ID      string      `json:"id"`
	Action  string      `json:"action"`
	Command PlanCommand `json:"command"`
	Why     string      `json:"why"`
}

// A PlanCommand is a Command as data.
type PlanCommand struct {
	Cmdlet     string             `json:"cmdlet"`
	Parameters []InverseParameter `json:"parameters"`
}

// Unchanged is something that a plan found as it should be, or leaves alone.
type Unchanged struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// A ReadObject is an object that a plan rests on, with a hash of what was read
// of it.
type ReadObject struct {
	Kind   string `json:"kind"` // Group, User, ManagementScope, ManagementRoleAssignment …: the noun of the cmdlet that read it
	GUID   string `json:"guid"`
	SHA256 string `json:"sha256"`
}

// NewPlanCommand returns a command as data.
func NewPlanCommand(c exchange.Command) PlanCommand {
	out := PlanCommand{Cmdlet: c.Cmdlet, Parameters: []InverseParameter{}}
	for _, p := range c.Params {
		out.Parameters = append(out.Parameters, InverseParameter{p.Name, plainValue(p.Value)})
	}
	return out
}

func plainValue(v exchange.Value) any {
	switch v := v.(type) {
	case exchange.String:
		return string(v)
	case exchange.Int:
		return int64(v)
	case exchange.Bool:
		return bool(v)
	case exchange.Switch:
		return bool(v)
	case exchange.Strings:
		return []string(v)
	}
	return nil
}

// MarshalJSON writes the plan; a list that every plan has is [] when empty,
// never null.
func (p Plan) MarshalJSON() ([]byte, error) {
	p.Changes, p.Unchanged, p.Findings, p.Read = notNil(p.Changes), notNil(p.Unchanged), notNil(p.Findings), notNil(p.Read)
	type plain Plan
	return json.Marshal(plain(p))
}

// ReadPlan reads a plan that was written as JSON. It refuses another schema,
// fields that no plan has, a grant that does not validate, and more than MaxPlan
// bytes.
func ReadPlan(r io.Reader) (*Plan, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxPlan+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > MaxPlan:
		return nil, fmt.Errorf("not a plan of exgrant: it is longer than %d bytes", MaxPlan)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("not a plan of exgrant: %w", jsontext.Explain(text, err))
	}
	if head.Schema != PlanSchema {
		return nil, fmt.Errorf("not a plan of exgrant: its schema is %q, and must be %q", head.Schema, PlanSchema)
	}
	var p Plan
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("not a plan of exgrant: %w", jsontext.Explain(text, err))
	}
	if err := p.Asked().Validate(); err != nil {
		return nil, fmt.Errorf("the plan's grant: %w", err)
	}
	return &p, nil
}

// Command returns the command that the data are of, for showing it. Switches are
// given as booleans, which binds the same.
func (c PlanCommand) Command() (exchange.Command, error) {
	out := exchange.Command{Cmdlet: c.Cmdlet}
	for _, p := range c.Parameters {
		v, err := p.value()
		if err != nil {
			return exchange.Command{}, fmt.Errorf("%s -%s: %w", c.Cmdlet, p.Name, err)
		}
		out = out.With(p.Name, v)
	}
	return out, nil
}
