package exchangesim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Populate adds so many mailboxes to the organization, and so many assignments of
// the role, each to one of them over a management scope of its own. It is for an
// organization without sessions. The mailboxes are those of scenario
// recipients-50000.
func (o *Organization) Populate(mailboxes, assignments int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	people := o.addPopulation(mailboxes, 10)
	for i := range assignments {
		s := o.addScope(fmt.Sprintf("Scope %05d", i+1), fmt.Sprintf("CustomAttribute7 -eq 'Site %d'", i+1), false)
		o.addAssignment(assignment{Name: fmt.Sprintf("Grant %05d", i+1), Role: exchange.Role, Assignee: people[i%len(people)],
			WriteScope: "CustomRecipientScope", Scope: s.GUID})
	}
}

// addPopulation adds so many people, one of every so many of them to the scenarios'
// group.
func (o *Organization) addPopulation(size, every int) (people []exchange.GUID) {
	o.units = append(o.units, organizationalUnit{contoso.Name + "/Staff/Population", false})
	department := map[string]string{"Department": "Population", "City": "Springfield"}
	o.recipients = slices.Grow(o.recipients, size)
	var members []exchange.GUID
	for i := range size {
		sam := fmt.Sprintf("user%05d", i+1)
		r := o.addPerson(person{name: strings.ToUpper(sam[:1]) + sam[1:], sam: sam, unit: "Staff/Population", kind: typeUserMailbox, properties: department})
		people = append(people, r.GUID)
		if i%every == every-1 {
			members = append(members, r.GUID)
		}
	}
	o.replaceRecipient(rescheduleUsers, func(r *recipient) { r.Group.Members = append(slices.Clone(r.Group.Members), members...) })
	return people
}
