package exchangesim

import (
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// lookUp answers a Get cmdlet for recipients: the objects that -Identity means,
// or those that the filters leave. present makes the object when it is asked for.
func (c *call) lookUp(kind func(*recipient) bool, present func(*recipient) func() exchange.Object) error {
	v := c.view()
	accept, err := c.recipientFilters(v)
	if err != nil {
		return err
	}
	keep := func(r *recipient) bool { return kind(r) && accept(r) }
	identity := c.text("Identity")
	var found []*recipient
	if identity == "" {
		found = c.org.recipientsIn(v, keep)
	} else if found = c.org.named(v, identity, keep); len(found) == 0 && !strings.Contains(identity, "*") {
		return notFound(identity, v.dc)
	}
	if err := c.sort(found); err != nil {
		return err
	}
	found, err = limited(c, found)
	for _, r := range found {
		c.output = append(c.output, present(r))
	}
	return err
}

// sort puts recipients in the order of -SortBy.
func (c *call) sort(found []*recipient) error {
	name := c.text("SortBy")
	if name == "" {
		return nil
	}
	p, ok := findFilterProperty(name)
	if !ok || p.values == nil {
		return badArgument(msgBadValue, name, "SortBy")
	}
	key := func(r *recipient) string { return strings.Join(p.values(c.org, r), ",") }
	slices.SortStableFunc(found, func(a, b *recipient) int { return compareValues(key(a), key(b)) })
	return nil
}

// recipientFilters returns the test that -Filter, -OrganizationalUnit, -Anr and
// the type parameters make together.
func (c *call) recipientFilters(v view) (predicate, error) {
	var tests []predicate
	if filter := c.text("Filter"); filter != "" {
		f, err := parseFilter("Filter", filter)
		if err != nil {
			return nil, err
		}
		tests = append(tests, c.org.compile(f, v))
	}
	if unit := c.text("OrganizationalUnit"); unit != "" {
		units := c.org.findOUs(unit)
		switch len(units) {
		case 0:
			return nil, notFound(unit, v.dc)
		case 1:
			below := units[0].Canonical + "/"
			tests = append(tests, func(r *recipient) bool { return strings.HasPrefix(r.Container+"/", below) })
		default:
			return nil, ambiguous(unit)
		}
	}
	if anr := strings.ToLower(c.text("Anr")); anr != "" {
		tests = append(tests, func(r *recipient) bool { return isAnr(r, anr) })
	}
	for parameter, value := range map[string]func(*recipient) string{
		"RecipientTypeDetails": func(r *recipient) string { return r.Type },
		"RecipientType":        (*recipient).recipientType,
	} {
		if c.has(parameter) {
			wanted := c.texts(parameter)
			tests = append(tests, func(r *recipient) bool {
				return slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, value(r)) })
			})
		}
	}
	return func(r *recipient) bool {
		return !slices.ContainsFunc(tests, func(p predicate) bool { return !p(r) })
	}, nil
}

// isAnr is ambiguous name resolution: a beginning of one of the names.
func isAnr(r *recipient, anr string) bool {
	for _, name := range []string{r.Name, r.DisplayName, r.Alias, r.Sam, r.SMTP, r.Properties["FirstName"], r.Properties["LastName"]} {
		if strings.HasPrefix(strings.ToLower(name), anr) {
			return true
		}
	}
	return false
}

func (c *call) getUser() error { return c.lookUp((*recipient).isUser, c.presentUser) }

func (c *call) getGroup() error { return c.lookUp((*recipient).isGroup, c.presentGroup) }

func (c *call) getMailbox() error { return c.lookUp((*recipient).isMailbox, c.presentMailbox) }

func (c *call) getRemoteMailbox() error {
	return c.lookUp((*recipient).isRemote, c.presentRemoteMailbox)
}

func (c *call) getRecipient() error { return c.lookUp((*recipient).isRecipient, c.presentRecipient) }

func (c *call) getDistributionGroup() error {
	return c.lookUp((*recipient).isDistributionGroup, c.presentDistributionGroup)
}

func (c *call) getDynamicDistributionGroup() error {
	return c.lookUp(func(r *recipient) bool { return r.Type == typeDynamicDistribution }, c.presentDynamicGroup)
}

func (c *call) getOrganizationalUnit() error {
	v := c.view()
	identity := c.text("Identity")
	var found []organizationalUnit
	if identity != "" {
		found = c.org.findOUs(identity)
	} else {
		found = slices.Clone(c.org.units)
	}
	search := strings.ToLower(c.text("SearchText"))
	found = slices.DeleteFunc(found, func(u organizationalUnit) bool {
		return !v.holds(u.Canonical) || !strings.Contains(strings.ToLower(u.name()), search) ||
			identity == "" && u.Container && !c.isTrue("IncludeContainers")
	})
	if identity != "" && len(found) == 0 {
		return notFound(identity, v.dc)
	}
	found, err := limited(c, found)
	for _, u := range found {
		c.emit(c.presentUnit(u))
	}
	return err
}
