// Package ladder climbs, rung by rung: to a server and into a session there, and to the
// proof over Exchange Web Services that impersonation works, and only where it should.
package ladder

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

// A Ladder proves over Exchange Web Services that impersonation works, and only
// where it should. It is for one climb at a time.
type Ladder struct {
	// Account is who logs on to Exchange Web Services: the account that the right is
	// for.
	Account string
	// URL is that of Exchange Web Services; empty is found by Discover.
	URL string
	// Discover finds the URL by the address of a mailbox. It is not asked where there
	// is a URL.
	Discover func(ctx context.Context, address string) (rung ews.Rung, url string)
	// Client returns a client that logs on as the account.
	Client func(url string) (*ews.Client, error)
	// Anonymous sends requests that log nobody on.
	Anonymous http.RoundTripper

	InScope, OutOfScope []string // mailboxes: addresses, or any identities where Look resolves them

	WriteTest bool // also create and delete an appointment
	Load      int  // so many reads at once; 0 leaves that out
	// Wait is how long to look again while something is not in effect.
	Wait time.Duration

	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
	Progress func(report.Step) // of each rung, as it ends
	Waiting  func(text string) // while it waits
}

// A Look is what the organization itself says, or nothing where it is not asked.
type Look struct {
	Report *report.Report
	Reach  *grant.Reach // nil where it is not asked

	Settled bool // nothing more is to be asked, and waiting would change nothing
}

// The waits between looks: the first, doubled each time, and the longest.
const (
	firstLook = 5 * time.Second
	lastLook  = time.Minute
)

// Climb asks the organization by look, and Exchange Web Services rung by rung, and
// returns one report of both. A rung that fails stops no other but those that could
// only fail the same way.
func (l Ladder) Climb(ctx context.Context, look func(context.Context) (Look, error)) (*report.Report, error) {
	begun := l.Now()
	seen, err := look(ctx)
	if err != nil {
		return nil, err
	}
	if seen.Settled {
		l.Client, l.Wait = nil, 0
	}
	c := &climb{Ladder: l, begun: begun, seen: seen}
	started := seen.Report.StartedAt
	if l.asksEWS() {
		c.approach(ctx)
		c.tryAll(ctx)
	}
	if err := c.wait(ctx, look); err != nil {
		return nil, err
	}
	r := c.seen.Report
	if l.asksEWS() {
		c.rest(ctx)
	}
	c.tell(ctx)
	r.StartedAt, r.FinishedAt = started, l.Now().UTC().Truncate(time.Second)
	return r, nil
}

// asksEWS is false for who only wants to wait.
func (l Ladder) asksEWS() bool { return l.Client != nil }

// A climb is one way up the ladder.
type climb struct {
	Ladder
	begun    time.Time
	seen     Look
	prober   *ews.Prober // nil when there is nothing to ask
	why      string      // there is no prober, or it must not be used
	steps    []report.Step
	endpoint ews.Rung
	logOn    ews.Rung
	trials   []trial
	waited   bool
	took     time.Duration
}

// A trial is one mailbox that is acted for, or must not be.
type trial struct {
	mailbox  string // as given
	address  string // "" when it is not known
	expected string
	rung     ews.Rung
	tries    int
}

// approach finds the server and logs on.
func (c *climb) approach(ctx context.Context) {
	discovered := skipped(ews.LevelAutodiscover, "", "the address is given: "+c.URL)
	if c.URL == "" {
		discovered = c.discover(ctx)
	}
	if c.URL == "" {
		c.why = "the address of Exchange Web Services is not known"
		c.add(skipped(ews.LevelEndpoint, "", c.why), discovered, skipped(ews.LevelLogOn, "", c.why))
		return
	}
	c.seen.Report.Target.EWS = c.URL
	client, err := c.Client(c.URL)
	if err != nil {
		c.why = err.Error()
		c.add(skipped(ews.LevelEndpoint, "", c.why), discovered, skipped(ews.LevelLogOn, "", c.why))
		return
	}
	c.prober = ews.NewProber(ews.ProberConfig{Client: client, Anonymous: c.Anonymous, Account: c.anchor(),
		OwnMailbox: c.account().HasMailbox(), Now: c.Now})
	c.endpoint = c.prober.Endpoint(ctx)
	c.add(stepOf(c.endpoint, 0), discovered)
	if c.endpoint.Fault != nil && c.endpoint.Answer.Status == 0 {
		c.why = "the server does not answer"
		c.add(skipped(ews.LevelLogOn, "", c.why))
		return
	}
	if c.anchor() == "" {
		// Every request names a mailbox to be routed by (X-AnchorMailbox).
		c.why = "no address is known to ask by"
		c.add(skipped(ews.LevelLogOn, "", c.why+": where the organization does not answer, name account and mailboxes as user@domain"))
		return
	}
	c.logOn = c.prober.LogOn(ctx)
	c.add(stepOf(c.logOn, 0))
	if c.logOn.Fault != nil && c.logOn.Fault.ID == fault.ConnectAuth {
		// Every other rung would show the same, and lock the account.
		c.why = "the account could not log on"
	}
}

func (c *climb) discover(ctx context.Context) report.Step {
	address := c.anchor()
	if c.Discover == nil || address == "" {
		return skipped(ews.LevelAutodiscover, "", "no address of a mailbox is known to ask with")
	}
	rung, url := c.Discover(ctx, address)
	c.URL = url
	return stepOf(rung, 0)
}

// account is what the organization tells of the account; zero where it is not asked.
func (c *climb) account() grant.Account {
	if c.seen.Reach == nil {
		return grant.Account{}
	}
	return c.seen.Reach.Account
}

// anchor is the address of the account, or of a mailbox of its organization.
func (c *climb) anchor() string {
	if address := c.account().Address; address != "" {
		return address
	}
	if strings.Contains(c.Account, "@") {
		return c.Account
	}
	for _, mailbox := range slices.Concat(c.InScope, c.OutOfScope) {
		if address := c.address(mailbox); address != "" {
			return address
		}
	}
	return ""
}

// reached is what the organization tells of a mailbox, nil where it is not asked.
func (c *climb) reached(mailbox string) *grant.Reached {
	if c.seen.Reach == nil {
		return nil
	}
	for i, m := range c.seen.Reach.Mailboxes {
		if m.Given == mailbox {
			return &c.seen.Reach.Mailboxes[i]
		}
	}
	return nil
}

func (c *climb) address(mailbox string) string {
	if m := c.reached(mailbox); m != nil && m.Address != "" {
		return m.Address
	}
	if strings.Contains(mailbox, "@") {
		return mailbox
	}
	return ""
}

func (c *climb) usable() bool { return c.prober != nil && c.why == "" }

// tryAll acts for every mailbox once.
func (c *climb) tryAll(ctx context.Context) {
	for _, mailbox := range c.InScope {
		c.trials = append(c.trials, trial{mailbox: mailbox, expected: ews.Allowed})
	}
	for _, mailbox := range c.OutOfScope {
		c.trials = append(c.trials, trial{mailbox: mailbox, expected: ews.Refused})
	}
	for i := range c.trials {
		c.try(ctx, &c.trials[i])
	}
}

func (c *climb) try(ctx context.Context, t *trial) {
	t.address = c.address(t.mailbox)
	if !c.usable() || t.address == "" || ctx.Err() != nil {
		return
	}
	t.tries++
	if t.expected == ews.Allowed {
		t.rung = c.prober.Read(ctx, t.address)
	} else {
		t.rung = c.prober.Refused(ctx, t.address)
	}
	c.Progress(t.step())
}

// isPending tells whether time may change the answer.
func (t trial) isPending() bool {
	if t.tries == 0 || t.rung.Verdict == ews.Passed {
		return false
	}
	return t.rung.Access != "" || t.rung.Verdict == ews.Unknown
}

func (t trial) step() report.Step {
	level := ews.LevelRead
	if t.expected == ews.Refused {
		level = ews.LevelRefused
	}
	switch {
	case t.tries == 0 && t.address == "":
		return skipped(level, t.mailbox, "its address is not known")
	case t.tries == 0:
		return skipped(level, t.mailbox, "it was interrupted")
	}
	attempt := 0
	if t.tries > 1 {
		attempt = t.tries
	}
	return stepOf(t.rung, attempt)
}

// wait looks again, in the organization and at the mailboxes, until everything is in
// effect or the time is over.
func (c *climb) wait(ctx context.Context, look func(context.Context) (Look, error)) error {
	pause := firstLook
	for c.Wait > 0 && c.isPending() {
		c.waited = true
		passed := c.Now().Sub(c.begun)
		left := c.Wait - passed
		if left <= 0 {
			return nil
		}
		c.Waiting(fmt.Sprintf("not in effect after %v, for at most %v: %s", passed.Truncate(time.Second), c.Wait, c.pendingText()))
		if c.Sleep(ctx, min(pause, left)) != nil {
			return nil // the report says that it was interrupted
		}
		pause = min(2*pause, lastLook)
		seen, err := look(ctx)
		if err != nil {
			return err
		}
		seen.Report.Target.EWS = c.seen.Report.Target.EWS
		c.seen = seen
		for i := range c.trials {
			if c.trials[i].rung.Verdict != ews.Passed {
				c.try(ctx, &c.trials[i])
			}
		}
	}
	c.took = c.Now().Sub(c.begun)
	return nil
}

// isPending tells whether something may still come into effect.
func (c *climb) isPending() bool {
	return c.seen.Report.Outcome == report.Differs || slices.ContainsFunc(c.trials, trial.isPending)
}

func (c *climb) pendingText() string {
	var parts []string
	if c.seen.Report.Outcome == report.Differs {
		parts = append(parts, "the role assignments differ")
	}
	for _, t := range c.trials {
		if t.isPending() {
			parts = append(parts, t.mailbox+" "+cmp.Or(t.rung.Access, "unknown"))
		}
	}
	return strings.Join(parts, ", ")
}

// rest is what is asked once, when there is nothing more to wait for.
func (c *climb) rest(ctx context.Context) {
	c.add(c.roleAssignments()...)
	c.addTrials(ews.LevelRead, ews.Allowed, "name a mailbox with --in-scope")
	readable := c.readable()
	if c.why == "" && len(readable) == 0 {
		c.why = "no mailbox could be read"
	}
	if c.usable() {
		for _, address := range readable {
			for _, rung := range c.prober.Use(ctx, address) {
				c.add(stepOf(rung, 0))
			}
		}
	} else {
		c.add(skipped(ews.LevelUse, "", c.why))
	}
	c.addTrials(ews.LevelRefused, ews.Refused, "name a mailbox with --out-of-scope: without one nothing shows where the right ends")
	c.add(c.write(ctx, readable))
	c.add(c.forms(ctx, readable)...)
	c.add(c.coverage())
	if c.Load > 0 && c.usable() {
		c.add(stepOf(c.prober.Load(ctx, readable[0], c.Load), 0))
	}
}

// addTrials adds the rungs of one level; those of another are left as they are.
func (c *climb) addTrials(level ews.Level, expected, none string) {
	n := 0
	for _, t := range c.trials {
		if t.expected != expected {
			continue
		}
		n++
		step := t.step()
		if t.tries == 0 && c.why != "" {
			step = skipped(level, t.mailbox, c.why)
		}
		c.steps = append(c.steps, step) // its progress is told already
	}
	if n == 0 {
		c.add(skipped(level, "", none))
	}
}

// readable are the addresses in scope that could be read.
func (c *climb) readable() []string {
	var list []string
	for _, t := range c.trials {
		if t.expected == ews.Allowed && t.tries > 0 && t.rung.Verdict == ews.Passed {
			list = append(list, t.address)
		}
	}
	return list
}

func (c *climb) write(ctx context.Context, readable []string) report.Step {
	switch {
	case !c.WriteTest:
		return skipped(ews.LevelWrite, "", "only with --write-test: it creates an appointment without attendees, and deletes it")
	case !c.usable():
		return skipped(ews.LevelWrite, "", c.why)
	}
	return stepOf(c.prober.Write(ctx, readable[0]), 0)
}

// forms names one mailbox in every way that is known.
func (c *climb) forms(ctx context.Context, readable []string) []report.Step {
	if !c.usable() {
		return []report.Step{skipped(ews.LevelForms, "", c.why)}
	}
	address := readable[0]
	names := map[ews.Form]string{ews.SMTPAddress: address, ews.PrimarySMTPAddress: address}
	if i := slices.IndexFunc(c.trials, func(t trial) bool { return t.address == address }); i >= 0 {
		if m := c.reached(c.trials[i].mailbox); m != nil {
			names[ews.PrincipalName], names[ews.SID] = m.PrincipalName, m.SID
		}
	}
	var steps []report.Step
	for _, form := range ews.Forms() {
		if names[form] == "" {
			steps = append(steps, skipped(ews.LevelForms, address, string(form)+" is not known: with --server it is asked for"))
			continue
		}
		steps = append(steps, stepOf(c.prober.As(ctx, address, ews.Identity{Form: form, Value: names[form]}), 0))
	}
	return steps
}

// coverage says what the mailboxes that were read stand for.
func (c *climb) coverage() report.Step {
	var places []string
	for _, t := range c.trials {
		if t.expected != ews.Allowed || t.tries == 0 || t.rung.Verdict != ews.Passed {
			continue
		}
		var parts []string
		if m := c.reached(t.mailbox); m != nil && m.Database != "" {
			parts = append(parts, "database "+m.Database+" on "+m.Server)
		} else if server := cmp.Or(t.rung.Answer.BackEnd, t.rung.Answer.FrontEnd); server != "" {
			parts = append(parts, "server "+server)
		}
		if b := t.rung.Answer.Build; !b.IsZero() {
			parts = append(parts, b.Named())
		}
		if place := strings.Join(parts, ", "); place != "" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	if len(places) == 0 {
		return skipped(ews.LevelCoverage, "", cmp.Or(c.why, "the answers do not say where the mailboxes are"))
	}
	rung := ews.Rung{Level: ews.LevelCoverage, Verdict: ews.Passed, Tried: "where the mailboxes are that could be read",
		Saw: strings.Join(places, "; "), Means: "What was proved holds for these"}
	if len(places) == 1 {
		rung.Next = "Name one mailbox of each database, server and site with --in-scope, where there are more"
	}
	return stepOf(rung, 0)
}

// roleAssignments are the rungs that the organization itself answers.
func (c *climb) roleAssignments() []report.Step {
	if c.seen.Reach == nil {
		return []report.Step{skipped(ews.LevelRBAC, "", "without --server only Exchange Web Services are asked")}
	}
	var steps []report.Step
	for i, m := range c.seen.Reach.Mailboxes {
		row := c.seen.Reach.Report.Proof[i]
		rung := ews.Rung{Level: ews.LevelRBAC, Mailbox: m.Given, Verdict: ews.Passed, Access: row.RBAC,
			Tried: "Get-ManagementRoleAssignment -RoleAssignee " + c.seen.Reach.Account.Name + " -WritableRecipient " + m.Given,
			Saw:   "no assignment reaches it", Means: "The role assignments keep it out of reach"}
		if row.RBAC == ews.Allowed {
			rung.Saw, rung.Means = assignmentNames(m.By), "The role assignments give it"
		}
		switch {
		case row.RBAC == row.Expected:
		case row.Expected == ews.Refused:
			rung.Verdict, rung.Next = ews.Security, "Take back what reaches it, or narrow its scope: exgrant audit shows them all"
		default:
			rung.Verdict, rung.Next = ews.Failed, "Look whether the scope holds this mailbox, and whether the grant is enabled: exgrant verify"
		}
		steps = append(steps, stepOf(rung, 0))
	}
	if len(steps) == 0 {
		return []report.Step{skipped(ews.LevelRBAC, "", "the organization did not say: the steps above tell why")}
	}
	return steps
}

func assignmentNames(by []grant.Reaching) string {
	var names []string
	for _, b := range by {
		names = append(names, "'"+b.Name+"'")
	}
	return strings.Join(names, ", ")
}

func (c *climb) add(steps ...report.Step) {
	for _, s := range steps {
		c.steps = append(c.steps, s)
		c.Progress(s)
	}
}

func skipped(level ews.Level, mailbox, why string) report.Step {
	return report.Step{ID: report.StepProof, Status: report.StatusSkipped, Text: "Not tried: " + why + ".",
		Rung: &report.Rung{Level: int(level), Name: level.String(), Mailbox: mailbox, Verdict: report.StatusSkipped}}
}

// stepOf is a rung as a step of the report.
func stepOf(r ews.Rung, attempt int) report.Step {
	s := report.Step{ID: report.StepProof, Status: report.StatusFailed, Attempt: attempt, Text: r.Means + ": " + r.Saw + ".",
		DurationMS: r.Answer.Took.Milliseconds(), Fault: r.Fault,
		Rung: &report.Rung{Level: int(r.Level), Name: r.Level.String(), Mailbox: r.Mailbox, Form: string(r.Form), Verdict: string(r.Verdict),
			Tried: r.Tried, Saw: r.Saw, Means: r.Means, Do: r.Next}}
	if r.Verdict == ews.Passed {
		s.Status = report.StatusUnchanged
	}
	return s
}
