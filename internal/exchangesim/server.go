package exchangesim

import (
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A customization is whether the organization allows changes of its
// configuration, and what Enable-OrganizationCustomization does about it.
type customization struct {
	CmdletExists bool `json:"cmdletExists,omitempty"`
	Dehydrated   bool `json:"dehydrated,omitempty"` // what Get-OrganizationConfig shows

	// UntilEnabled refuses commands until Enable-OrganizationCustomization was
	// run, whatever it answered; NotInEffect refuses so many of them after that.
	UntilEnabled bool `json:"untilEnabled,omitempty"`
	NotInEffect  int  `json:"notInEffect,omitempty"`

	OldWording bool `json:"oldWording,omitempty"` // "already enabled" in the words of 2012
	Halfway    int  `json:"halfway,omitempty"`    // so many runs of Enable-OrganizationCustomization are still to fail
	Answers    int  `json:"answers,omitempty"`    // how often it was run
}

func (c *customization) inEffect() bool {
	return !c.Dehydrated && !c.UntilEnabled && c.NotInEffect == 0
}

// refuse is the error of a command that needs customization. A try counts as an
// attempt unless it would change nothing.
func (c *customization) refuse(whatIf bool) error {
	switch {
	case c.inEffect():
		return nil
	case !c.Dehydrated && !c.UntilEnabled && !whatIf:
		c.NotInEffect--
	}
	return &failure{exception: typeDehydrated, id: "FDC3D516", text: msgDehydrated}
}

func (c *call) enableOrganizationCustomization() error {
	state := &c.org.behaviour.Customization
	if c.whatIf {
		return nil
	}
	state.Answers++
	if state.Halfway > 0 {
		state.Halfway--
		return &failure{exception: typeNotFound, id: "8C9BE0D3", target: defaultPolicy, text: msgHalfway, args: []any{defaultPolicy}}
	}
	state.UntilEnabled = false
	if !state.Dehydrated {
		if state.OldWording {
			return &failure{exception: typeInvalid, id: "A8CC0B3B", text: msgServiceOffer}
		}
		return &failure{exception: typeInvalid, id: "EA916286", text: msgAlreadyEnabled}
	}
	state.Dehydrated = false
	c.changing(organizationName)
	return nil
}

const defaultPolicy = "Default Role Assignment Policy"

func (c *call) getExchangeServer() error {
	identity := c.text("Identity")
	fqdn := "EX01.contoso.test"
	if identity != "" && !likeText("EX01", identity) && !strings.EqualFold(identity, fqdn) ||
		c.text("Domain") != "" && !strings.EqualFold(c.text("Domain"), contoso.Name) {
		return notFound(identity, c.replica().dc)
	}
	c.emit(c.presentExchangeServer(fqdn))
	return nil
}

func (c *call) getOrganizationConfig() error {
	c.emit(c.presentOrganizationConfig())
	return nil
}

func (c *call) getADServerSettings() error {
	c.emit(c.presentADServerSettings())
	return nil
}

// setADServerSettings changes the session, not the organization.
func (c *call) setADServerSettings() error {
	preferred := c.text("ConfigurationDomainController")
	if preferred == "" {
		preferred = c.text("PreferredServer")
	}
	if preferred != "" {
		dc, _, ok := c.org.findDC(preferred)
		if !ok {
			return &failure{exception: typeUnsuitable, target: preferred, text: msgTransient, args: []any{preferred}}
		}
		preferred = dc
	}
	root, err := c.newViewRoot()
	if err != nil || c.whatIf {
		return err
	}
	if preferred != "" {
		c.session.preferredDC = preferred
	}
	c.session.viewRoot = root
	return nil
}

// defaultViewRoot is the RecipientViewRoot of a session that has set none.
func (o *Organization) defaultViewRoot() string { return o.domains[0].Name }

// newViewRoot is the session's RecipientViewRoot after the command: the entire forest
// has none, and leaving it leads back to the default domain, not to the root before.
func (c *call) newViewRoot() (string, error) {
	root := c.text("RecipientViewRoot")
	switch {
	case root != "" && c.isTrue("ViewEntireForest"):
		return "", badArgument(msgBadValue, root, "RecipientViewRoot")
	case c.isTrue("ViewEntireForest"):
		return "", nil
	case root == "" && !c.has("ViewEntireForest") && !c.has("RecipientViewRoot"):
		return c.session.viewRoot, nil
	case root == "":
		return c.org.defaultViewRoot(), nil
	}
	for _, d := range c.org.domains {
		if strings.EqualFold(root, d.Name) || strings.EqualFold(root, d.dn()) {
			return d.Name, nil
		}
	}
	units := c.org.findOUs(root)
	if len(units) != 1 {
		return "", notFound(root, c.replica().dc)
	}
	return units[0].Canonical, nil
}

// An auditEntry is one record of the administrator audit log: a command that
// could change something, whether it did or not.
type auditEntry struct {
	At         string           `json:"at"` // RFC 3339
	Caller     string           `json:"caller"`
	Cmdlet     string           `json:"cmdlet"`
	Object     string           `json:"object"`
	Parameters []auditParameter `json:"parameters"`
	Succeeded  bool             `json:"succeeded"`
	Error      string           `json:"error,omitempty"`
	GUID       exchange.GUID    `json:"guid"`
}

type auditParameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// audit logs a command of a cmdlet that writes, as the server's admin audit
// agent does.
func (c *call) audit(command exchange.Command, fault string) {
	if c.cmdlet == nil || !c.cmdlet.writes || c.whatIf || c.failed {
		return
	}
	e := auditEntry{At: c.now.Format("2006-01-02T15:04:05Z07:00"), Caller: c.session.name, Cmdlet: c.cmdlet.name,
		Object: c.modified, Succeeded: fault == "" || c.wrote, GUID: c.org.newGUID()}
	if !e.Succeeded && len(c.errors) > 0 {
		e.Error = c.errors[0].Message
	}
	if e.Object == "" {
		e.Object = c.text("Identity") + c.text("Name")
	}
	for _, p := range command.Params {
		e.Parameters = append(e.Parameters, auditParameter{p.Name, valueText(p.Value)})
	}
	c.org.audited = appendBounded(c.org.audited, e)
}

func valueText(v exchange.Value) string {
	switch v := v.(type) {
	case exchange.Bool, exchange.Switch:
		if t, _ := truth("", v); t {
			return "True"
		}
		return "False"
	case exchange.Strings:
		return strings.Join(v, ";")
	}
	s, _ := asText(v)
	return s
}

func (c *call) searchAdminAuditLog() error {
	start, end := c.text("StartDate"), c.text("EndDate")
	var found []auditEntry
	for _, e := range slices.Backward(c.org.audited) { // newest first
		if !c.wanted("Cmdlets", e.Cmdlet) || !c.wanted("ObjectIds", e.Object) || !c.wanted("UserIds", e.Caller) ||
			c.has("IsSuccess") && e.Succeeded != c.isTrue("IsSuccess") ||
			start != "" && compareValues(e.At, start) < 0 || end != "" && compareValues(e.At, end) > 0 {
			continue
		}
		found = append(found, e)
	}
	if n, ok := c.arguments["ResultSize"].(exchange.Int); ok && int(n) >= 0 && int(n) < len(found) {
		found = found[:n]
	}
	for _, e := range found {
		c.emit(c.presentAuditEntry(e))
	}
	return nil
}

func (c *call) wanted(parameter, value string) bool {
	return !c.has(parameter) || slices.ContainsFunc(c.texts(parameter), func(w string) bool { return likeText(value, w) })
}
