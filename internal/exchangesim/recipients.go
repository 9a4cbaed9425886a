package exchangesim

import (
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A recipient is an account, contact or group of the directory, mail-enabled or
// not. Type is its RecipientTypeDetails. A recipient is never changed once it is
// in the directory, only replaced.
type recipient struct {
	GUID        exchange.GUID     `json:"guid"`
	SID         string            `json:"sid,omitempty"`
	Type        string            `json:"type"`
	Name        string            `json:"name"`
	DisplayName string            `json:"displayName"`
	Sam         string            `json:"sam,omitempty"`
	UPN         string            `json:"upn,omitempty"`
	Alias       string            `json:"alias,omitempty"`
	SMTP        string            `json:"smtp,omitempty"`
	Container   string            `json:"container"` // canonical
	DN          string            `json:"dn"`
	Disabled    bool              `json:"disabled,omitempty"`
	Hidden      bool              `json:"hidden,omitempty"`
	External    string            `json:"external,omitempty"`   // where mail of a mail user or remote mailbox goes
	LinkedTo    string            `json:"linkedTo,omitempty"`   // account or group of another forest
	Properties  map[string]string `json:"properties,omitempty"` // Department, City, CustomAttribute1 and the like
	Created     time.Time         `json:"created,omitzero"`
	Changed     time.Time         `json:"changed,omitzero"`
	Group       *group            `json:"group,omitempty"`
}

// A group is what only groups have.
type group struct {
	Members     []exchange.GUID `json:"members"` // direct ones, in the order in which they were added
	ManagedBy   []exchange.GUID `json:"managedBy,omitempty"`
	Description string          `json:"description,omitempty"`
	BuiltIn     bool            `json:"builtIn,omitempty"`
	Filter      string          `json:"filter,omitempty"` // of a dynamic group
}

// Canonical is the canonical name: domain, organizational units, name.
func (r *recipient) Canonical() string { return r.Container + "/" + escapeCanonical(r.Name) }

// RecipientTypeDetails of the model's recipients.
const (
	typeUser                = "User"
	typeDisabledUser        = "DisabledUser"
	typeUserMailbox         = "UserMailbox"
	typeLinkedMailbox       = "LinkedMailbox"
	typeSharedMailbox       = "SharedMailbox"
	typeRoomMailbox         = "RoomMailbox"
	typeRemoteUserMailbox   = "RemoteUserMailbox"
	typeMailContact         = "MailContact"
	typeContact             = "Contact"
	typeRoleGroup           = "RoleGroup"
	typeUniversalSecurity   = "UniversalSecurityGroup"
	typeMailSecurity        = "MailUniversalSecurityGroup"
	typeMailDistribution    = "MailUniversalDistributionGroup"
	typeNonUniversal        = "NonUniversalGroup" // a global or domain local group
	typeDynamicDistribution = "DynamicDistributionGroup"
)

// recipientType is the coarser RecipientType of a RecipientTypeDetails.
func (r *recipient) recipientType() string {
	switch r.Type {
	case typeUserMailbox, typeLinkedMailbox, typeSharedMailbox, typeRoomMailbox:
		return "UserMailbox"
	case typeRemoteUserMailbox:
		return "MailUser"
	case typeDisabledUser:
		return "User"
	case typeRoleGroup, typeUniversalSecurity, typeNonUniversal:
		return "Group"
	}
	return r.Type
}

func (r *recipient) isMailbox() bool { return r.recipientType() == "UserMailbox" }
func (r *recipient) isRemote() bool  { return r.Type == typeRemoteUserMailbox }

func (r *recipient) isUser() bool {
	switch r.recipientType() {
	case "UserMailbox", "MailUser", "User":
		return true
	}
	return false
}

func (r *recipient) isGroup() bool { return r.Group != nil && r.Type != typeDynamicDistribution }

// isRecipient reports whether mail can be sent to it: what Get-Recipient shows.
func (r *recipient) isRecipient() bool { return r.SMTP != "" && r.Type != typeUser }

func (r *recipient) isDistributionGroup() bool {
	return r.Type == typeMailSecurity || r.Type == typeMailDistribution
}

func (r *recipient) groupType() string {
	switch r.Type {
	case typeMailDistribution:
		return "Universal"
	case typeNonUniversal:
		if strings.HasPrefix(r.SID, builtInSID) {
			return "BuiltinLocal, DomainLocal, SecurityEnabled"
		}
		return "Global, SecurityEnabled"
	}
	return "Universal, SecurityEnabled"
}

func (r *recipient) emailAddresses() []string {
	if r.SMTP == "" {
		return nil
	}
	addresses := []string{"SMTP:" + r.SMTP}
	if r.isRemote() {
		addresses = append(addresses, "smtp:"+r.Alias+"@contoso.mail.onmicrosoft.test")
	}
	return addresses
}

// isCalled reports whether identity is one of the recipient's names. unique says
// that it is one that no two objects share.
func (o *Organization) isCalled(r *recipient, identity string) (called, unique bool) {
	switch {
	case identity == "":
		return false, false
	case strings.EqualFold(identity, r.DN), strings.EqualFold(identity, string(r.GUID)),
		identity[0] == '{' && strings.EqualFold(strings.Trim(identity, "{}"), string(r.GUID)), r.SID != "" && strings.EqualFold(identity, r.SID):
		return true, true
	case strings.EqualFold(identity, r.Name), strings.EqualFold(identity, r.DisplayName), strings.EqualFold(identity, r.Alias),
		strings.EqualFold(identity, r.Sam), strings.EqualFold(identity, r.UPN), strings.EqualFold(identity, r.SMTP):
		return true, false
	}
	if i := strings.IndexByte(identity, '\\'); i >= 0 && r.Sam != "" && strings.EqualFold(identity[i+1:], r.Sam) {
		domain := o.domainOf(r.Container)
		if strings.EqualFold(identity[:i], domain.NetBIOS) || strings.EqualFold(identity[:i], domain.Name) {
			return true, true
		}
	}
	if strings.IndexByte(identity, '/') >= 0 && strings.EqualFold(identity, r.Canonical()) {
		return true, true
	}
	if r.isRemote() && strings.IndexByte(identity, '@') >= 0 {
		return slices.ContainsFunc(r.emailAddresses(), func(a string) bool { return strings.EqualFold(a[5:], identity) }), false
	}
	if strings.IndexByte(identity, '*') >= 0 {
		return likeText(r.Name, identity) || likeText(r.Alias, identity), false
	}
	return false, false
}

// A view is what a command sees of the recipients: one domain controller's
// replica, of one domain or, from a global catalog, of the whole forest.
type view struct {
	replica
	root string // canonical name of a domain or container; empty is the forest
}

// holds reports whether objects of a container are in the view.
func (v view) holds(container string) bool {
	return v.root == "" || container == v.root || strings.HasPrefix(container, v.root+"/")
}

// recipients returns what the view shows and keep accepts, in the order of
// creation.
func (o *Organization) recipientsIn(v view, keep func(*recipient) bool) []*recipient {
	var found []*recipient
	for _, rec := range o.recipients {
		if r := see(v.replica, rec); r != nil && v.holds(r.Container) && keep(r) {
			found = append(found, r)
		}
	}
	return found
}

// named returns the recipients that identity may mean. A GUID, distinguished
// name, canonical name or DOMAIN\name means one; other names may mean several.
func (o *Organization) named(v view, identity string, keep func(*recipient) bool) []*recipient {
	var found []*recipient
	for _, rec := range o.recipients {
		r := see(v.replica, rec)
		if r == nil {
			continue
		}
		called, unique := o.isCalled(r, identity)
		if !called || !v.holds(r.Container) || !keep(r) {
			continue
		}
		if unique {
			return []*recipient{r}
		}
		found = append(found, r)
	}
	return found
}

// one returns the only recipient that identity means, or why there is none.
func (o *Organization) one(v view, identity string, keep func(*recipient) bool) (*recipient, error) {
	found := o.named(v, identity, keep)
	switch len(found) {
	case 0:
		return nil, notFound(identity, v.dc)
	case 1:
		return found[0], nil
	}
	return nil, ambiguous(identity)
}

func anyRecipient(*recipient) bool { return true }

// byGUID returns the recipient with the given GUID, nil when the replica has none.
func (o *Organization) byGUID(r replica, guid exchange.GUID) *recipient {
	if rec := o.recipientIndex[guid]; rec != nil {
		return see(r, rec)
	}
	return nil
}

// addRecipient puts a recipient into the directory as it was from the beginning,
// and gives it what it lacks.
func (o *Organization) addRecipient(r recipient) *recipient {
	o.complete(&r, epoch.AddDate(-1, 0, 0))
	rec := original(r.GUID, &r)
	o.recipients = append(o.recipients, rec)
	o.recipientIndex[r.GUID] = rec
	return &r
}

// complete gives a new recipient its identities.
func (o *Organization) complete(r *recipient, when time.Time) {
	if r.GUID == "" {
		r.GUID = o.newGUID()
	}
	if r.DisplayName == "" {
		r.DisplayName = r.Name
	}
	r.DN = "CN=" + escapeRDN(r.Name) + "," + o.containerDN(r.Container)
	r.Created, r.Changed = when, when
	if r.SID == "" && r.Type != typeContact && r.Type != typeMailContact {
		r.SID = o.newSID(o.domainOf(r.Container))
	}
}

// replaceRecipient changes a recipient that was there from the beginning. It is
// for scenarios; commands write.
func (o *Organization) replaceRecipient(name string, change func(*recipient)) {
	for _, rec := range o.recipients {
		if r := *latest(rec); r.Name == name {
			if r.Group != nil {
				g := *r.Group
				r.Group = &g
			}
			change(&r)
			rec.Versions[0].Value = &r
			return
		}
	}
	panic("exchangesim: no recipient " + name)
}

// removeRecipient takes a recipient out of the beginning, also of its groups.
func (o *Organization) removeRecipient(name string) {
	guid := o.mustFind(name).GUID
	delete(o.recipientIndex, guid)
	o.recipients = slices.DeleteFunc(o.recipients, func(rec *record[recipient]) bool { return rec.GUID == guid })
	for _, rec := range o.recipients {
		if g := latest(rec).Group; g != nil {
			g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m exchange.GUID) bool { return m == guid })
		}
	}
}

// mustFind returns the recipient of a scenario by its name.
func (o *Organization) mustFind(name string) *recipient {
	for _, rec := range o.recipients {
		if r := latest(rec); r.Name == name {
			return r
		}
	}
	panic("exchangesim: no recipient " + name)
}
