package grant

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

const getUser = "Get-User"

// An Account is what the directory tells of an account and its mailbox. What it does
// not tell is empty.
type Account struct {
	Given string // the identity that was asked for
	Name  string
	GUID  string

	DistinguishedName string

	Address       string // primary SMTP address
	PrincipalName string // UPN
	SID           string
	Kind          string // RecipientTypeDetails, such as UserMailbox or RemoteUserMailbox
	Database      string
	Server        string // that has the mailbox
}

// InCloud reports whether the account's mailbox is in Exchange Online.
func (a Account) InCloud() bool { return strings.HasPrefix(strings.ToLower(a.Kind), "remote") }

// HasMailbox reports whether the account has a mailbox on premises.
func (a Account) HasMailbox() bool {
	kind := strings.ToLower(a.Kind)
	return strings.HasSuffix(kind, "mailbox") && !a.InCloud()
}

// A Reached mailbox is one with the assignments that reach it.
type Reached struct {
	Account
	By []Reaching
}

// Reaching is an assignment that reaches a mailbox.
type Reaching struct {
	Name, GUID string
	Changed    time.Time // last, by the directory; zero where it does not say
}

// A Reach is which mailboxes an account reaches, by the organization's own
// reckoning.
type Reach struct {
	// Report tells the run: its proof has a row for each mailbox that was found. The
	// outcome is verified or differs, unless the run could not be ended.
	Report *report.Report
	// Account is the one that was asked about; its GUID is empty when it was not found.
	Account Account
	// Held are the GUIDs of the assignments that it holds, direct and through groups.
	Held []string
	// Mailboxes are those that were asked about, in the order of the proof's rows.
	Mailboxes []Reached
	// Exclusive are the names of the exclusive scopes of the organization, which may
	// keep mailboxes out of everybody's reach.
	Exclusive []string
}

// FindReach asks the organization which mailboxes an account reaches by roles of the
// type ApplicationImpersonation, whatever assignment gives it. It changes nothing.
func FindReach(ctx context.Context, inv exchange.Invoker, account string, inScope, outOfScope []string, o Options) *Reach {
	r := newRun(inv, report.OperationDiagnose, exchange.Grant{Assignee: exchange.NewUser(account)}, o)
	reach := &Reach{Report: r.report}
	r.finish(ctx, r.findReach(ctx, reach, inScope, outOfScope))
	return reach
}

func (r *run) findReach(ctx context.Context, reach *Reach, inScope, outOfScope []string) error {
	if err := r.preflight(ctx, needs(getAssignment, getUser)); err != nil {
		return err
	}
	r.step = report.StepResolve
	account, found, err := r.account(ctx, r.grant.Assignee.Identity)
	if err != nil {
		return err
	}
	if !found {
		return r.stopNotFound("user", r.grant.Assignee.Identity, "")
	}
	reach.Account = account
	if err := r.readRoles(ctx); err != nil {
		return err
	}
	held, err := r.held(ctx, holder{account.GUID, account.DistinguishedName}, false)
	if err != nil {
		return err
	}
	for _, a := range held {
		reach.Held = append(reach.Held, a.Text("Guid"))
	}
	if err := r.readScopes(ctx); err != nil {
		return err
	}
	for _, scope := range r.scopes {
		if scope.Bool("Exclusive") {
			reach.Exclusive = append(reach.Exclusive, scope.Text("Name"))
		}
	}
	var missing []string
	for _, list := range []struct {
		mailboxes []string
		expected  string
	}{{inScope, allowed}, {outOfScope, refused}} {
		for _, mailbox := range list.mailboxes {
			there, err := r.reachMailbox(ctx, reach, mailbox, list.expected)
			if err != nil {
				return err
			}
			if !there {
				missing = append(missing, "'"+mailbox+"'")
			}
		}
	}
	if len(missing) > 0 {
		return r.stopNotFound("mailbox", strings.Trim(strings.Join(missing, ", "), "'"), "")
	}
	r.unchanged(report.StepResolve, account.Name+" and all mailboxes are there.", "")
	r.report.Outcome = report.Verified
	if r.reachDiffers() {
		r.report.Outcome = report.Differs
	}
	return nil
}

// reachMailbox adds one mailbox, if there is one.
func (r *run) reachMailbox(ctx context.Context, reach *Reach, identity, expected string) (bool, error) {
	r.step = report.StepResolve
	mailbox, found, err := r.account(ctx, identity)
	if err != nil || !found {
		return found, err
	}
	r.step = report.StepReach
	over, err := r.reaching(ctx, mailbox.GUID, holder{reach.Account.GUID, reach.Account.DistinguishedName})
	if err != nil {
		return true, err
	}
	m := Reached{Account: mailbox}
	for _, a := range over {
		by := Reaching{Name: a.Text("Name"), GUID: a.Text("Guid")}
		for _, property := range []string{"WhenChangedUTC", "WhenChanged"} {
			if at, err := time.Parse(time.RFC3339, a.Text(property)); err == nil {
				by.Changed = at
				break
			}
		}
		m.By = append(m.By, by)
	}
	reach.Mailboxes = append(reach.Mailboxes, m)
	row := report.Proof{Mailbox: identity, Expected: expected, RBAC: refused}
	if len(over) > 0 {
		row.RBAC = allowed
	}
	r.report.Proof = append(r.report.Proof, row)
	return true, nil
}

// account reads an account, and where its mailbox is if the session tells.
func (r *run) account(ctx context.Context, identity string) (Account, bool, error) {
	o, found, err := r.resolveOne(ctx, commands.GetUser(identity), identity)
	if err != nil || !found {
		return Account{}, false, err
	}
	a := Account{Given: identity, Name: o.Text("Name"), GUID: o.Text("Guid"), DistinguishedName: o.Text("DistinguishedName"), Address: o.Text("WindowsEmailAddress"),
		PrincipalName: o.Text("UserPrincipalName"), SID: o.Text("Sid"), Kind: o.Text("RecipientTypeDetails")}
	if !a.HasMailbox() {
		return a, true, nil
	}
	mailboxes, err := r.listLoosely(ctx, commands.GetMailbox(a.GUID))
	if err != nil {
		return Account{}, false, err
	}
	if len(mailboxes) == 1 {
		m := mailboxes[0]
		a.Database, a.Server = m.Text("Database"), m.Text("ServerName")
		a.Address = cmp.Or(m.Text("PrimarySmtpAddress"), a.Address)
	}
	return a, true, nil
}
