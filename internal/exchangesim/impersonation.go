package exchangesim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// An Account is what a front end has to know of an account, or of a mailbox.
type Account struct {
	GUID        exchange.GUID
	SID         string
	Name        string // DOMAIN\name
	DisplayName string
	UPN         string
	Address     string // primary SMTP address; "" without mail
	Mailbox     bool   // it has a mailbox here
	Cloud       string // where its mailbox is instead: an address in the cloud
	Hidden      bool   // from address lists
	Disabled    bool   // it cannot log on; the accounts of many mailboxes are so by design
}

// A NameKind says which of an account's names is meant.
type NameKind int

// The names of an account.
const (
	AnyName       NameKind = iota // whatever a person would type at a log-on
	AddressName                   // any of its SMTP addresses
	PrincipalName                 // its UPN
	SecurityID                    // its SID
)

// FindAccount returns the account or mailbox of a name. It is false where nobody has
// it, or several have.
func (o *Organization) FindAccount(kind NameKind, name string) (Account, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.user(view{replica: o.reader(o.clock.Now())}, kind, name)
	if r == nil {
		return Account{}, false
	}
	a := Account{GUID: r.GUID, SID: r.SID, Name: o.domainOf(r.Container).NetBIOS + `\` + r.Sam, DisplayName: r.DisplayName,
		UPN: r.UPN, Address: r.SMTP, Mailbox: r.isMailbox(), Hidden: r.Hidden, Disabled: r.Disabled}
	if r.isRemote() {
		a.Cloud = strings.TrimPrefix(r.External, "SMTP:")
	}
	return a, true
}

func (o *Organization) user(v view, kind NameKind, name string) *recipient {
	if o.userIndex == nil {
		o.userIndex = o.indexUsers()
	}
	if rec := o.userIndex[userName{kind, strings.ToLower(name)}]; rec != nil {
		return see(v.replica, rec)
	}
	if kind != AnyName {
		return nil
	}
	r, _ := o.one(v, name, (*recipient).isUser)
	return r
}

// A userName is a name of one kind in lower case.
type userName struct {
	kind NameKind
	name string
}

// indexUsers finds users by the names that no two of them share. No command makes
// users or changes their names.
func (o *Organization) indexUsers() map[userName]*record[recipient] {
	index := map[userName]*record[recipient]{}
	for _, rec := range o.recipients {
		r := latest(rec)
		if r == nil || !r.isUser() {
			continue
		}
		index[userName{PrincipalName, strings.ToLower(r.UPN)}] = rec
		index[userName{AnyName, strings.ToLower(o.domainOf(r.Container).NetBIOS + `\` + r.Sam)}] = rec
		index[userName{SecurityID, strings.ToLower(r.SID)}] = rec
		for _, address := range r.emailAddresses() {
			index[userName{AddressName, strings.ToLower(address[len("smtp:"):])}] = rec
		}
	}
	return index
}

// ResolveName returns the recipients that are in address lists and whose names begin
// with a text, or that have it as their address, in the order of their creation; most
// of them at most. Each is a Name, an Address and whether it is a Mailbox.
func (o *Organization) ResolveName(text string, most int) []Account {
	o.mu.Lock()
	defer o.mu.Unlock()
	anr := strings.ToLower(text)
	var found []Account
	for _, r := range o.recipientsIn(view{replica: o.reader(o.clock.Now())}, func(r *recipient) bool {
		return r.isRecipient() && !r.Hidden && isAnr(r, anr)
	}) {
		if len(found) == most {
			break
		}
		found = append(found, Account{GUID: r.GUID, DisplayName: r.DisplayName, Address: r.SMTP, Mailbox: r.isMailbox()})
	}
	return found
}

// Rights are what an account could do by impersonation when they were read: its
// assignments and the scopes of that moment. Who is in a scope is looked up when that
// is asked. They never change, so that a server may keep them.
type Rights struct {
	org         *Organization
	assignments []*assignment
	scopes      []*scope
}

// ImpersonationRights reads what an account may do by impersonation now, where the
// servers read: an assignment of a role of the type ApplicationImpersonation counts
// when it is enabled and regular.
func (o *Organization) ImpersonationRights(account exchange.GUID) Rights {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.reader(o.clock.Now())
	return o.rights(r, o.byGUID(r, account))
}

func (o *Organization) rights(r replica, account *recipient) Rights {
	rights := Rights{org: o, scopes: seen(r, o.scopes)}
	for _, held := range o.heldBy(r, account) {
		if a := held.assignment; o.role(a.Role).Type == exchange.Role && a.Enabled && a.Delegation == regular {
			rights.assignments = append(rights.assignments, a)
		}
	}
	return rights
}

// Cover reports whether the rights reach a mailbox.
func (r Rights) Cover(mailbox exchange.GUID) bool {
	r.org.mu.Lock()
	defer r.org.mu.Unlock()
	v := view{replica: r.org.reader(r.org.clock.Now())}
	return r.cover(v, r.org.byGUID(v.replica, mailbox))
}

func (r Rights) cover(v view, target *recipient) bool {
	return target != nil && target.isMailbox() && slices.ContainsFunc(r.assignments, r.org.reachBy(v, target, r.scopes))
}

// CanImpersonate reports whether an account may act for a mailbox now. Both are any
// identities; an unknown one is an error.
func (o *Organization) CanImpersonate(account, mailbox string) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := view{replica: o.reader(o.clock.Now())}
	caller, err := o.one(v, account, (*recipient).isUser)
	if err != nil {
		return false, fmt.Errorf("find the account %q: %w", account, err)
	}
	target, err := o.one(v, mailbox, (*recipient).isUser)
	if err != nil {
		return false, fmt.Errorf("find the mailbox %q: %w", mailbox, err)
	}
	return o.rights(v.replica, caller).cover(v, target), nil
}
