package exchangesim

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Call is one command that a session ran.
type Call struct {
	Session int    // counts the organization's sessions from 1
	User    string // the caller, as DOMAIN\name
	At      time.Time
	Command exchange.Command
	WhatIf  bool
	Writes  bool   // the command changed the organization
	Fault   string // FailureCategory or FullyQualifiedErrorID of its first error; empty when it had none
}

// maxLog is how many entries the log of calls and the audit log keep.
const maxLog = 100_000

// appendBounded adds to a log; a full one loses its older half.
func appendBounded[T any](log []T, entry T) []T {
	if len(log) >= maxLog {
		log = slices.Clone(log[maxLog/2:])
	}
	return append(log, entry)
}

// Calls returns the commands so far, in order: the last 50,000 at least.
func (o *Organization) Calls() []Call {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.calls)
}

// A call is one command while it runs. It holds the organization's lock.
type call struct {
	org       *Organization
	session   *Session
	cmdlet    *cmdlet
	now       time.Time
	arguments map[string]exchange.Value // by the parameter's own spelling
	whatIf    bool
	quiet     bool // -ErrorAction SilentlyContinue or Ignore
	stop      bool // -ErrorAction Stop

	output   []func() exchange.Object
	errors   []exchange.ErrorRecord
	warnings []string
	failed   bool
	wrote    bool
	modified string // identity of what it changed, for the audit log
}

// run runs one command to its end and logs it. The objects are made when they
// are asked for, outside the lock.
func (s *Session) run(command exchange.Command, input *exchange.Object) *call {
	o := s.org
	o.mu.Lock()
	defer o.mu.Unlock()
	c := &call{org: o, session: s, now: o.clock.Now(), arguments: map[string]exchange.Value{}}
	first := ""
	if err := c.execute(command, input); err != nil {
		first = c.report(err)
	}
	o.calls = appendBounded(o.calls, Call{s.number, s.name, c.now, command, c.whatIf, c.wrote, first})
	c.audit(command, first)
	return c
}

func (c *call) execute(command exchange.Command, input *exchange.Object) error {
	if err := c.bind(command, input); err != nil {
		return err
	}
	if err := c.gate(); err != nil {
		return err
	}
	if err := c.cmdlet.run(c); err != nil {
		return err
	}
	return c.misreport()
}

// misreport is the error of a write that was done, if it has one.
func (c *call) misreport() error {
	if !c.wrote {
		return nil
	}
	for i := range c.org.behaviour.Misreports {
		m := &c.org.behaviour.Misreports[i]
		if m.Cmdlet != "" && m.Cmdlet != c.cmdlet.name {
			continue
		}
		if m.Write--; m.Write != 0 {
			continue
		}
		c.output = nil
		if m.Lost {
			return &failure{exception: typeLost, id: "PSSessionStateBroken", category: "OpenError", target: c.org.serverName(),
				text: msgReplyLost, args: []any{c.org.serverName()}, transport: true}
		}
		return &failure{exception: typeServerBusy, text: msgServerBusy}
	}
	return nil
}

// report turns what ended the command into error records, and returns the class
// of the first.
func (c *call) report(err error) string {
	var f *failure
	if !errors.As(err, &f) {
		panic("exchangesim: an error that is no failure: " + err.Error())
	}
	if c.cmdlet == nil {
		c.cmdlet = &cmdlet{}
	}
	r := c.record(f)
	if !c.quiet || f.engine {
		c.errors = append(c.errors, r)
	}
	c.failed = f.engine || c.stop
	if category := r.FailureCategory(); category != "" {
		return category
	}
	return r.FullyQualifiedErrorID
}

// gate lets through what the organization's state does not refuse.
func (c *call) gate() error {
	if pin := c.text("DomainController"); pin != "" {
		if _, _, ok := c.org.findDC(pin); !ok {
			return &failure{exception: typeUnsuitable, target: pin, text: msgTransient, args: []any{pin}}
		}
	}
	if c.cmdlet.writes && !c.whatIf {
		if err := c.org.hiccup(c.replica().dc); err != nil {
			return err
		}
	}
	if c.cmdlet.customizes {
		return c.org.behaviour.Customization.refuse(c.whatIf)
	}
	return nil
}

// hiccup is the error of a write that would have worked a moment later.
func (o *Organization) hiccup(dc string) error {
	b := &o.behaviour
	switch {
	case b.Throttled > 0:
		b.Throttled--
		return &failure{exception: typeOverBudget, text: msgThrottled}
	case b.Transient > 0:
		b.Transient--
		return &failure{exception: typeTransient, target: dc, text: msgTransient, args: []any{dc}}
	}
	return nil
}

func (c *call) has(name string) bool { _, ok := c.arguments[name]; return ok }

// text returns a text argument, "" when it is absent or null.
func (c *call) text(name string) string {
	s, _ := c.arguments[name].(exchange.String)
	return string(s)
}

func (c *call) texts(name string) []string {
	s, _ := c.arguments[name].(exchange.Strings)
	return s
}

func (c *call) isTrue(name string) bool {
	switch v := c.arguments[name].(type) {
	case exchange.Bool:
		return bool(v)
	case exchange.Switch:
		return bool(v)
	}
	return false
}

func (c *call) caller() *recipient {
	if r := c.org.byGUID(c.replica(), c.session.user.GUID); r != nil {
		return r
	}
	return c.session.user
}

// replica is what answers or takes the command's part of the configuration: the
// domain controller of its pin, else the session's preferred one, else the one
// that the server uses for writes or for reads.
func (c *call) replica() replica {
	r := c.org.reader(c.now)
	if c.cmdlet.writes {
		r = c.org.writer(c.now)
	}
	if c.session.preferredDC != "" {
		r.dc = c.session.preferredDC
	}
	if dc, _, ok := c.org.findDC(c.text("DomainController")); ok {
		r.dc = dc
	}
	return r
}

// view is what the command's recipient reads see: a domain controller knows its
// own domain, and the session looks below its RecipientViewRoot unless it views the
// entire forest, from a global catalog.
func (c *call) view() view {
	v := c.principals()
	if c.isTrue("IgnoreDefaultScope") {
		v.root = ""
	}
	if _, d, ok := c.org.findDC(c.text("DomainController")); ok && !d.holds(v.root) {
		v.root = d.Name
	}
	return v
}

// principals is where assignees, members and groups of role cmdlets are looked
// for: a pin is for the configuration and does not limit it.
func (c *call) principals() view {
	return view{replica: c.replica(), root: c.session.viewRoot}
}

// emit adds an object to the output.
func (c *call) emit(o exchange.Object) {
	c.output = append(c.output, func() exchange.Object { return o })
}

func (c *call) warn(m message, args ...any) {
	c.warnings = append(c.warnings, m.in(c.session.language, args...))
}

// changing notes that the command changes an object. It returns false under
// -WhatIf, when nothing may be changed.
func (c *call) changing(identity string) bool {
	if c.whatIf {
		return false
	}
	c.wrote, c.modified = true, identity
	return true
}

// limit returns how many objects -ResultSize allows; -1 is all of them.
func (c *call) limit() (int, error) {
	size := c.text("ResultSize")
	switch {
	case size == "":
		return defaultResultSize, nil
	case strings.EqualFold(size, "Unlimited"):
		return -1, nil
	}
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return 0, binding("ParameterArgumentTransformationError", "InvalidData", msgCannotConvert, "ResultSize", "Microsoft.Exchange.Data.Unlimited`1[System.UInt32]")
	}
	return n, nil
}

const defaultResultSize = 1000

// limited cuts a list down to -ResultSize and warns of what it left off.
func limited[T any](c *call, list []T) ([]T, error) {
	n, err := c.limit()
	if err != nil || n < 0 || len(list) <= n {
		return list, err
	}
	if c.has("ResultSize") {
		c.warn(msgMoreResultsAsked)
	} else {
		c.warn(msgMoreResults)
	}
	return list[:n], nil
}
