package ews

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exgrant/exgrant/pkg/fault"
)

// A ProberConfig says whom a Prober asks, and as whom.
type ProberConfig struct {
	// Client asks as the account whose rights are to be proved.
	Client *Client
	// Anonymous sends requests that log nobody on, for LevelEndpoint; nil is
	// NewTransport's.
	Anonymous http.RoundTripper
	// Account is an address of the account itself, or of any mailbox of the
	// organization where it has none: the anchor of requests that act for nobody.
	Account string
	// OwnMailbox says that the account should have a mailbox: then LevelLogOn reads it.
	OwnMailbox bool

	Now   func() time.Time // nil is time.Now
	NewID func() string    // for the subjects of appointments; nil takes random ones
}

// A Prober tries the rungs of a diagnosis. A rung never stops another: what cannot be
// asked is a Rung that says so. It is safe for concurrent use.
type Prober struct {
	config ProberConfig
	client *Client
}

// NewProber returns a prober. It contacts nobody.
func NewProber(c ProberConfig) *Prober {
	if c.Anonymous == nil {
		c.Anonymous = NewTransport(TransportConfig{})
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = newUUID
	}
	return &Prober{c, c.Client}
}

// LogOn has the server do something for the account that needs no mailbox, acting
// for nobody (LevelLogOn).
func (p *Prober) LogOn(ctx context.Context) Rung {
	r := Rung{Level: LevelLogOn, Tried: "ConvertId as the account itself, acting for nobody"}
	own := Mailbox{Address: p.config.Account}
	var err error
	if p.config.OwnMailbox {
		r.Tried = "GetFolder msgfolderroot of the account's own mailbox, acting for nobody"
		_, r.Answer, err = p.client.GetFolder(ctx, own, Root)
	} else {
		r.Answer, err = p.client.ConvertID(ctx, own)
	}
	switch code := r.Answer.Code; {
	case err == nil:
		return r.pass(r.Answer.saw(), "The account is logged on")
	case slices.Contains(withoutMailbox, code):
		r = r.pass(r.Answer.saw(), "The account is logged on; it has no mailbox of its own, which impersonation does not need from Exchange 2016 on")
		if r.Answer.Build.Major == 15 && r.Answer.Build.Minor == 0 {
			r.Next = "Exchange 2013 wants the account to have a mailbox: give it one (Enable-Mailbox)"
		}
		return r
	case isAnswered(code):
		return r.pass(r.Answer.saw(), "The account is logged on: EWS answers it, about the request and not about the account")
	}
	return r.fail(err)
}

// withoutMailbox are the codes for an account that is known and has no mailbox.
var withoutMailbox = []string{"ErrorNonExistentMailbox", "ErrorMissingEmailAddress"}

// isAnswered reports whether a code of ConvertId is about the identifier that was to
// be converted: whoever is told that is logged on.
func isAnswered(code string) bool {
	return strings.HasPrefix(code, "ErrorInvalidId") || slices.Contains([]string{
		"ErrorUnsupportedTypeForConversion", "ErrorInvalidSmtpAddress", "ErrorItemNotFound", "ErrorCorruptData",
	}, code)
}

// Read reads the properties of a mailbox's calendar by impersonation (LevelRead): it
// has to be possible.
func (p *Prober) Read(ctx context.Context, address string) Rung {
	return p.read(ctx, LevelRead, Impersonated(address))
}

// Cover is Read for a mailbox that stands for others (LevelCoverage): because says
// for which, such as "database DB01".
func (p *Prober) Cover(ctx context.Context, address, because string) Rung {
	r := p.read(ctx, LevelCoverage, Impersonated(address))
	r.Tried += ", for " + because
	return r
}

// As is Read with the mailbox named by an identity of any form (LevelForms).
func (p *Prober) As(ctx context.Context, address string, as Identity) Rung {
	return p.read(ctx, LevelForms, Mailbox{Address: address, As: as})
}

func (p *Prober) read(ctx context.Context, level Level, on Mailbox) Rung {
	r := Rung{Level: level, Mailbox: on.Address, Form: on.As.Form, Tried: "GetFolder calendar " + on.String()}
	folder, answer, err := p.client.GetFolder(ctx, on, Calendar)
	r.Answer = answer
	if err != nil {
		return r.fail(err)
	}
	r.Access = Allowed
	saw := answer.saw()
	if folder.Items >= 0 {
		saw += fmt.Sprintf(", a calendar of %d items", folder.Items)
	}
	return r.pass(saw, "The account may act for this mailbox")
}

// days are how far LevelUse looks ahead.
const days = 7

// Use does what a scheduling product does with a calendar (LevelUse): it counts the
// appointments of the next seven days, and asks when the mailbox is free.
func (p *Prober) Use(ctx context.Context, address string) []Rung {
	on := Impersonated(address)
	from := p.config.Now().UTC().Truncate(time.Hour)
	to := from.AddDate(0, 0, days)

	find := Rung{Level: LevelUse, Mailbox: address, Form: on.As.Form, Tried: fmt.Sprintf("FindItem in the calendar's next %d days %s", days, on)}
	view, answer, err := p.client.FindAppointments(ctx, on, from, to)
	find.Answer = answer
	if err != nil {
		find = find.fail(err)
	} else {
		find.Access = Allowed
		find = find.pass(fmt.Sprintf("%s, %d appointments", answer.saw(), view.Items), "The calendar can be read")
	}

	free := Rung{Level: LevelUse, Mailbox: address, Form: on.As.Form, Tried: fmt.Sprintf("GetUserAvailability for the next %d days %s", days, on)}
	availability, answer, err := p.client.GetUserAvailability(ctx, on, from, to)
	free.Answer = answer
	if err != nil {
		free = free.fail(err)
	} else {
		free.Access = Allowed
		free = free.pass(fmt.Sprintf("%s, %d of %d half hours taken", answer.saw(), availability.Busy, len(availability.Slots)), "Free and busy times can be read")
	}
	return []Rung{find, free}
}

// Refused tries Read on a mailbox that must be out of reach (LevelRefused). Only the
// code for exactly that passes; a success is Security.
func (p *Prober) Refused(ctx context.Context, address string) Rung {
	r := p.read(ctx, LevelRefused, Impersonated(address))
	switch {
	case r.Verdict == Passed:
		r.Verdict = Security
		r.Means = "The account may act for a mailbox that should be out of its reach: the scope does not restrict it"
		r.Next = "Look for another assignment of the account, or of a group it is in, that reaches this mailbox (exgrant audit, " +
			"Get-ManagementRoleAssignment -WritableRecipient), and at the scope's filter; where it was narrowed just now, servers may still hold the old one"
	case r.Answer.Code == denied:
		r.Verdict, r.Fault, r.Err, r.Next = Passed, nil, nil, ""
		r.Means = "The account may not act for this mailbox, as it should be"
	case r.IsCancel():
	default:
		r.Verdict = Unknown
		r.Means += "; that does not show whether the mailbox is out of reach: only " + denied + " does"
	}
	return r
}

// denied is the code for an account that has no right to act for exactly that mailbox.
const denied = "ErrorImpersonateUserDenied"

// Load reads one calendar so many times at once (LevelLoad), and waits for nobody.
func (p *Prober) Load(ctx context.Context, address string, parallel int) Rung {
	on := Impersonated(address)
	r := Rung{Level: LevelLoad, Mailbox: address, Form: on.As.Form, Tried: fmt.Sprintf("GetFolder calendar %s, %d times at once", on, parallel)}
	impatient := p.client.impatient()
	answers := make([]Answer, parallel)
	errs := make([]error, parallel)
	var all sync.WaitGroup
	for i := range parallel {
		all.Go(func() { _, answers[i], errs[i] = impatient.GetFolder(ctx, on, Calendar) })
	}
	all.Wait()
	r.Saw = tally(answers, errs)
	failed := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if failed < 0 {
		r.Answer, r.Access = answers[0], Allowed
		return r.pass(r.Saw, "So many at once are not too many for the account's policy")
	}
	saw := r.Saw
	r = r.fail(errs[failed])
	if r.IsCancel() {
		return r
	}
	r.Saw, r.Verdict = saw, Failed
	if r.Fault.ID == fault.Throttled {
		r.Means = "So many at once are too many for the account's throttling policy"
		r.Next = "Let the product ask for less at once, or give the account a policy with a higher EwsMaxConcurrency (Get-ThrottlingPolicyAssociation, Set-ThrottlingPolicyAssociation)"
	}
	return r
}

// tally counts answers by what they say, in the order of their first.
func tally(answers []Answer, errs []error) string {
	var order []string
	count := map[string]int{}
	for i, a := range answers {
		what := a.Code
		if what == "" {
			what = "no answer"
		}
		if what == "no answer" && a.Status != 0 {
			what = fmt.Sprintf("HTTP %d", a.Status)
		}
		if errs[i] != nil && a.Operation == "" {
			what = errs[i].Error()
		}
		if count[what]++; count[what] == 1 {
			order = append(order, what)
		}
	}
	for i, what := range order {
		order[i] = fmt.Sprintf("%d times %s", count[what], what)
	}
	return strings.Join(order, ", ")
}

// impatient is the same client, which waits for nobody.
func (c *Client) impatient() *Client {
	other := &Client{config: c.config}
	other.config.MaxWait = -1
	other.older.Store(c.older.Load())
	return other
}
