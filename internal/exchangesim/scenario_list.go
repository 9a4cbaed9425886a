package exchangesim

import "slices"

// Scenarios returns every scenario that is about the organization; plain is the
// first. WebScenarios returns the others.
func Scenarios() []Scenario {
	return slices.Concat(plainScenarios(), customizationScenarios(), principalScenarios(), assignmentScenarios(),
		roleGroupScenarios(), scopeScenarios(), serverScenarios())
}

func plainScenarios() []Scenario {
	return []Scenario{
		{Name: "plain", Summary: "contoso.test on-premises (Exchange SE, EX01, DC01, DC02): svc-reschedule with a mailbox, the group Reschedule Users " +
			"with anna, ben and room1, outside it boss, and the roles, role groups and assignments of a real organization."},
		{Name: "german", Summary: "plain, with all messages in German.", arrange: func(o *Organization) { o.behaviour.Language = "de" }},
	}
}

func customizationScenarios() []Scenario {
	customized := func(c customization) func(*Organization) {
		return func(o *Organization) { o.behaviour.Customization = c }
	}
	return []Scenario{
		{Name: "dehydrated", Summary: "Changes are refused until Enable-OrganizationCustomization was run; it exists and works.",
			arrange: customized(customization{CmdletExists: true, Dehydrated: true})},
		{Name: "dehydrated-no-cmdlet", Summary: "Changes are refused as in dehydrated, and Enable-OrganizationCustomization does not exist.",
			arrange: customized(customization{Dehydrated: true})},
		{Name: "already-enabled", Summary: "Changes are refused until Enable-OrganizationCustomization was run, which answers that the organization " +
			"is already enabled; IsDehydrated is false.",
			arrange: customized(customization{CmdletExists: true, UntilEnabled: true})},
		{Name: "already-enabled-service-offer", Summary: "already-enabled in the words of 2012: \"not available in current service offer\".",
			arrange: customized(customization{CmdletExists: true, UntilEnabled: true, OldWording: true})},
		{Name: "not-yet-in-effect", Summary: "Customization is enabled and not in effect: three more changes are refused after " +
			"Enable-OrganizationCustomization answered that it is already enabled.",
			arrange: customized(customization{CmdletExists: true, UntilEnabled: true, NotInEffect: 3})},
		{Name: "customization-halfway", Summary: "dehydrated, and the first two runs of Enable-OrganizationCustomization fail half-way because of " +
			"an unrelated object.",
			arrange: customized(customization{CmdletExists: true, Dehydrated: true, Halfway: 2})},
		{Name: "exchange-online", Summary: "An Exchange Online shell: no Get-ExchangeServer, no domain controllers, the role ApplicationImpersonation " +
			"is gone, Enable-OrganizationCustomization exists, changes are refused as dehydrated.",
			arrange: func(o *Organization) {
				o.moveOnline()
				o.behaviour.Customization.Dehydrated = true
			}},
		{Name: "exchange-online-customized", Summary: "exchange-online, with customization in effect.", arrange: (*Organization).moveOnline},
	}
}
