package exchangesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/exgrant/exgrant/internal/jsontext"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const stateSchema = "exgrant.sim/v1"

// maxState bounds what Load reads.
const maxState = 64 << 20

// A state is what commands can change, beside the scenario that all else follows
// from.
type state struct {
	Schema      string                `json:"schema"`
	Scenario    string                `json:"scenario"`
	Options     Options               `json:"options"`
	Now         time.Time             `json:"now"`
	Sequence    uint64                `json:"sequence"`
	RIDs        map[string]int        `json:"rids"`
	Sessions    int                   `json:"sessions"`
	Behaviour   behaviour             `json:"behaviour"`
	Assignments []*record[assignment] `json:"assignments"`
	Scopes      []*record[scope]      `json:"scopes"`
	Principals  []*record[recipient]  `json:"principals"` // role groups and applications
	Audit       []auditEntry          `json:"audit"`
}

// Save writes the organization as JSON, so that Load restores it exactly:
// objects with their GUIDs, what is still to be replicated, counters, the audit
// log and the time. Open sessions and the log of Calls are not part of it.
func (o *Organization) Save(w io.Writer) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := state{stateSchema, o.scenario.Name, o.options, o.clock.Now(), o.sequence, o.rids, o.sessions, o.behaviour,
		o.assignments, o.scopes, o.principalRecords(), o.audited}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("save the simulated organization: %w", err)
	}
	return nil
}

// principalRecords are the objects beside the configuration that commands change.
func (o *Organization) principalRecords() []*record[recipient] {
	var principals []*record[recipient]
	for _, rec := range o.recipients {
		for _, v := range rec.Versions {
			if v.Value != nil && (v.Value.Type == typeRoleGroup || isServicePrincipal(v.Value)) {
				principals = append(principals, rec)
				break
			}
		}
	}
	return principals
}

// Load restores an organization that Save wrote. It refuses what Save could not
// have written.
func Load(r io.Reader) (*Organization, error) {
	var s state
	text, err := io.ReadAll(io.LimitReader(r, maxState))
	if err != nil {
		return nil, fmt.Errorf("load the simulated organization: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("load the simulated organization: %w", jsontext.Explain(text, err))
	}
	if s.Schema != stateSchema {
		return nil, fmt.Errorf("load the simulated organization: its schema is %q, not %q", s.Schema, stateSchema)
	}
	scenario, err := ScenarioByName(s.Scenario)
	if err != nil {
		return nil, fmt.Errorf("load the simulated organization: %w", err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("load the simulated organization: %w", err)
	}
	o := New(scenario, s.Options)
	o.clock.now = s.Now
	o.sequence, o.sessions, o.behaviour = s.Sequence, s.Sessions, s.Behaviour
	o.assignments, o.scopes, o.audited = s.Assignments, s.Scopes, s.Audit
	for name, n := range s.RIDs {
		o.rids[name] = n
	}
	o.restorePrincipals(s.Principals)
	return o, o.checkReferences()
}

// check refuses records that have no version.
func (s *state) check() error {
	if err := checkRecords(s.Assignments); err != nil {
		return err
	}
	if err := checkRecords(s.Scopes); err != nil {
		return err
	}
	if err := checkRecords(s.Principals); err != nil {
		return err
	}
	for _, rec := range s.Principals {
		for _, v := range rec.Versions {
			if v.Value != nil && (v.Value.Type != typeRoleGroup || v.Value.Group == nil) && !isServicePrincipal(v.Value) {
				return fmt.Errorf("the object %s is neither a role group with members nor an application", rec.GUID)
			}
		}
	}
	return nil
}

func checkRecords[T any](recs []*record[T]) error {
	for _, rec := range recs {
		if rec == nil || rec.GUID == "" || len(rec.Versions) == 0 {
			return fmt.Errorf("an object has no GUID or no version")
		}
	}
	return nil
}

// restorePrincipals puts saved objects in the place of the scenario's own.
func (o *Organization) restorePrincipals(principals []*record[recipient]) {
	for _, rec := range principals {
		if old, ok := o.recipientIndex[rec.GUID]; ok {
			old.Versions = rec.Versions
			continue
		}
		o.recipients = append(o.recipients, rec)
		o.recipientIndex[rec.GUID] = rec
	}
}

// checkReferences refuses assignments of roles and scopes that are not there.
func (o *Organization) checkReferences() error {
	scopes := map[exchange.GUID]bool{"": true}
	for _, rec := range o.scopes {
		scopes[rec.GUID] = true
	}
	for _, rec := range o.assignments {
		for _, v := range rec.Versions {
			if v.Value != nil && (o.role(v.Value.Role) == nil || !scopes[v.Value.Scope]) {
				return fmt.Errorf("load the simulated organization: assignment %q has a role or scope that is not there", v.Value.Name)
			}
		}
	}
	return nil
}
