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
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Options are what a caller may choose about an organization beside its scenario.
type Options struct {
	// Language is the language of messages for sessions that name none: "en",
	// "de" or "ja". Empty or unknown is the scenario's, which is mostly English.
	Language string `json:"language,omitempty"`

	// Seed changes all GUIDs. Organizations with the same seed have the same GUIDs.
	Seed uint64 `json:"seed,omitempty"`

	// UnknownAssignmentReturnsAll makes Get-ManagementRoleAssignment answer an
	// unknown -Identity with every assignment, as its documentation warns,
	// instead of an error.
	UnknownAssignmentReturnsAll bool `json:"unknownAssignmentReturnsAll,omitempty"`

	// ExclusiveScopesIgnored lets regular assignments reach what an exclusive
	// scope covers. The documentation says that they do not; whether that holds
	// for impersonation was never tried in public.
	ExclusiveScopesIgnored bool `json:"exclusiveScopesIgnored,omitempty"`

	// ReplicationDelay is how long a write takes to appear on the other domain
	// controllers, in model time. Zero is the scenario's, which is mostly no delay.
	ReplicationDelay time.Duration `json:"replicationDelay,omitempty"`

	// LostReply is the number of a write, from 1, whose reply is lost: it is done, and
	// its caller is told that the connection broke. BusyReply is that of a write that is
	// done and answered that the server is too busy. Zero is none.
	LostReply int `json:"lostReply,omitempty"`
	BusyReply int `json:"busyReply,omitempty"`
}

// An Organization is one simulated Exchange organization. It is safe for
// concurrent use.
type Organization struct {
	scenario Scenario
	options  Options
	clock    *Clock
	cmdlets  []*cmdlet

	// What follows is guarded by mu.
	mu             sync.Mutex
	domains        []domain
	units          []organizationalUnit
	containers     map[string]string // distinguished names by canonical name
	recipients     []*record[recipient]
	recipientIndex map[exchange.GUID]*record[recipient]
	userIndex      map[userName]*record[recipient] // made when it is first needed
	roles          []*role
	assignments    []*record[assignment]
	scopes         []*record[scope]
	behaviour      behaviour
	sequence       uint64 // of GUIDs
	rids           map[string]int
	sessions       int
	calls          []Call
	audited        []auditEntry
}

// A behaviour is what an organization does to its callers, with the counters of
// what it has done already.
type behaviour struct {
	Language         string         `json:"language,omitempty"`
	Online           bool           `json:"online,omitempty"`
	ReplicationDelay time.Duration  `json:"replicationDelay,omitempty"`
	ReadsElsewhere   bool           `json:"readsElsewhere,omitempty"` // reads without a pin go to another domain controller than writes
	Transient        int            `json:"transient,omitempty"`      // so many writes are still to fail
	Throttled        int            `json:"throttled,omitempty"`      // so many writes are still to fail
	Customization    customization  `json:"customization"`
	Settings         onlineSettings `json:"settings,omitzero"`
	ViewRoot         string         `json:"viewRoot,omitempty"`         // RecipientViewRoot of new sessions; empty is the default domain
	SilentGUIDs      bool           `json:"silentGUIDs,omitempty"`      // a -RoleAssignee that is a GUID finds nothing, and that is no error
	NoAccountControl bool           `json:"noAccountControl,omitempty"` // Get-User does not show UserAccountControl
	Misreports       []misreport    `json:"misreports,omitempty"`
	Build            string         `json:"build,omitempty"` // of the servers; empty is that of Exchange SE
}

// A misreport is a write that is done and answered with an error.
type misreport struct {
	Cmdlet string `json:"cmdlet,omitempty"` // empty is any
	Write  int    `json:"write"`            // how many writes of it are still to come, this one included
	Lost   bool   `json:"lost,omitempty"`   // the reply is lost; else the server says that it is too busy
}

// New makes the organization of a scenario.
func New(s Scenario, o Options) *Organization {
	org := &Organization{
		scenario: s, options: o, clock: newClock(), cmdlets: cmdlets(),
		recipientIndex: map[exchange.GUID]*record[recipient]{}, rids: map[string]int{}, containers: map[string]string{},
		domains: []domain{contoso},
	}
	org.furnish()
	if s.arrange != nil {
		s.arrange(org)
	}
	if o.ReplicationDelay > 0 {
		org.behaviour.ReplicationDelay = o.ReplicationDelay
	}
	if _, ok := languageByName(o.Language); ok {
		org.behaviour.Language = o.Language
	}
	for _, m := range []misreport{{Write: o.LostReply, Lost: true}, {Write: o.BusyReply}} {
		if m.Write > 0 {
			org.behaviour.Misreports = append(org.behaviour.Misreports, m)
		}
	}
	return org
}

// Clock returns the organization's clock.
func (o *Organization) Clock() *Clock { return o.clock }

// Scenario returns the scenario that the organization was made from.
func (o *Organization) Scenario() Scenario { return o.scenario }

// newGUID returns the next GUID of the organization (version 4 in form).
func (o *Organization) newGUID() exchange.GUID {
	o.sequence++
	var in [16]byte
	binary.BigEndian.PutUint64(in[:8], o.options.Seed)
	binary.BigEndian.PutUint64(in[8:], o.sequence)
	return formatGUID(sha256.Sum256(in[:]))
}

// unitGUID is the GUID of an organizational unit: units are never written.
func (o *Organization) unitGUID(u organizationalUnit) exchange.GUID {
	return formatGUID(sha256.Sum256(fmt.Appendf(nil, "%d %s", o.options.Seed, u.Canonical)))
}

func formatGUID(sum [32]byte) exchange.GUID {
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	var b [36]byte
	hex.Encode(b[:8], sum[:4])
	hex.Encode(b[9:13], sum[4:6])
	hex.Encode(b[14:18], sum[6:8])
	hex.Encode(b[19:23], sum[8:10])
	hex.Encode(b[24:], sum[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return exchange.GUID(b[:])
}

// newSID returns the next security identifier of a domain.
func (o *Organization) newSID(d domain) string {
	o.rids[d.Name]++
	return fmt.Sprintf("%s-%d", d.SID, 1100+o.rids[d.Name])
}

// serverName is the Exchange server that answers, as errors name it.
func (o *Organization) serverName() string {
	if o.behaviour.Online {
		return onlineServer
	}
	return "EX01"
}

// DefaultBuild is the build of the servers of most scenarios: Exchange SE.
const DefaultBuild = "15.2.2562.17"

// Build returns the build of the servers: four numbers with points.
func (o *Organization) Build() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.build()
}

func (o *Organization) build() string {
	if o.behaviour.Build == "" {
		return DefaultBuild
	}
	return o.behaviour.Build
}

// shownVersion is a build as Get-ExchangeServer shows it.
func shownVersion(build string) string {
	part := strings.SplitN(build, ".", 3)
	return fmt.Sprintf("Version %s.%s (Build %s)", part[0], part[1], part[2])
}

// writer is the replica that a configuration write without a pin lands on.
func (o *Organization) writer(now time.Time) replica {
	return replica{o.domains[0].DCs[0], now, o.behaviour.ReplicationDelay}
}

// reader is the replica that answers a read without a pin.
func (o *Organization) reader(now time.Time) replica {
	r := o.writer(now)
	if dcs := o.domains[0].DCs; o.behaviour.ReadsElsewhere && len(dcs) > 1 {
		r.dc = dcs[1]
	}
	return r
}

func equalFold[S ~string](a, b S) bool { return strings.EqualFold(string(a), string(b)) }

// derivedGUID is a second GUID of a recipient, for the given use.
func derivedGUID(r *recipient, use string) exchange.GUID {
	return formatGUID(sha256.Sum256([]byte(string(r.GUID) + use)))
}

// Language returns the language of messages for those who ask for none: "en", "de"
// or "ja".
func (o *Organization) Language() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.behaviour.Language
}
