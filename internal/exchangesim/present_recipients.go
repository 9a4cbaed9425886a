package exchangesim

import (
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// recipientTail ends every recipient.
func (c *call) recipientTail(r *recipient) properties { return recipientTail(r, c.view().dc) }

func recipientTail(r *recipient, dc string) properties {
	category, classes := "Person", []string{"top", "person", "organizationalPerson", "user"}
	switch {
	case r.Type == typeDynamicDistribution:
		category, classes = "ms-Exch-Dynamic-Distribution-List", []string{"top", "msExchDynamicDistributionList"}
	case r.Group != nil:
		category, classes = "Group", []string{"top", "group"}
	case r.Type == typeContact || r.Type == typeMailContact:
		classes = []string{"top", "person", "organizationalPerson", "contact"}
	}
	return directoryTail(r.Canonical(), r.Name, r.DN, r.GUID, category, classes, r.Changed, r.Created, dc)
}

// properties returns the named texts of a recipient, "" where it has none.
func (r *recipient) texts(names ...string) properties {
	p := make(properties, len(names))
	for i, n := range names {
		p[i] = property{n, r.Properties[n]}
	}
	return p
}

// lazily makes an object when it is asked for: recipients never change, so that
// no lock is needed then.
func lazily(typeName string, parts ...func() properties) func() exchange.Object {
	return func() exchange.Object {
		made := make([]properties, len(parts))
		for i, part := range parts {
			made[i] = part()
		}
		return object(typeName, made...)
	}
}

// presentRecipient is Get-Recipient's short form.
func (c *call) presentRecipient(r *recipient) func() exchange.Object {
	dc := c.view().dc
	managers := c.managersOf(r)
	return lazily(managementType+"ReducedRecipient", func() properties {
		return r.texts("City", "Notes", "Company", "CountryOrRegion", "PostalCode", "CustomAttribute1", "CustomAttribute2",
			"CustomAttribute3", "CustomAttribute4", "CustomAttribute5", "CustomAttribute6", "CustomAttribute7", "CustomAttribute8",
			"CustomAttribute9", "CustomAttribute10", "CustomAttribute11", "CustomAttribute12", "CustomAttribute13",
			"CustomAttribute14", "CustomAttribute15", "Department")
	}, func() properties {
		return properties{
			{"Alias", r.Alias}, {"EmailAddresses", r.emailAddresses()}, {"ExternalEmailAddress", nullable(r.External)},
			{"DisplayName", r.DisplayName}, {"FirstName", r.Properties["FirstName"]},
			{"HiddenFromAddressListsEnabled", r.Hidden}, {"LastName", r.Properties["LastName"]}, {"ManagedBy", managers},
			{"Manager", nullable(r.Properties["Manager"])}, {"Office", r.Properties["Office"]},
			{"OrganizationalUnit", r.Container}, {"Phone", r.Properties["Phone"]}, {"PrimarySmtpAddress", r.SMTP},
			{"RecipientType", r.recipientType()}, {"RecipientTypeDetails", r.Type}, {"SamAccountName", r.Sam},
			{"StateOrProvince", r.Properties["StateOrProvince"]}, {"Title", r.Properties["Title"]},
		}
	}, func() properties { return recipientTail(r, dc) })
}

func (c *call) managersOf(r *recipient) []string {
	if r.Group == nil {
		return nil
	}
	return c.canonicalNames(r.Group.ManagedBy)
}

func (c *call) presentUser(r *recipient) func() exchange.Object {
	dc := c.view().dc
	control := "NormalAccount"
	if r.Disabled {
		control = "AccountDisabled, NormalAccount"
	}
	shown := func(p properties) properties { return p }
	if c.org.behaviour.NoAccountControl {
		shown = func(p properties) properties {
			return slices.DeleteFunc(p, func(q property) bool { return q.Name == "UserAccountControl" || q.Name == "AccountDisabled" })
		}
	}
	return lazily(managementType+"User", func() properties {
		return shown(properties{
			{"IsSecurityPrincipal", true}, {"SamAccountName", r.Sam}, {"Sid", r.SID}, {"SidHistory", []string{}},
			{"UserPrincipalName", r.UPN}, {"ResetPasswordOnNextLogon", false}, {"CertificateSubject", []string{}},
			{"RemotePowerShellEnabled", true}, {"AccountDisabled", r.Disabled}, {"DisplayName", r.DisplayName},
		})
	}, func() properties {
		return r.texts("AssistantName", "City", "Company", "CountryOrRegion", "Department", "Fax", "FirstName", "HomePhone", "Initials",
			"LastName", "Manager", "MobilePhone", "Notes", "Office", "Pager", "Phone", "PostalCode", "SimpleDisplayName",
			"StateOrProvince", "StreetAddress", "Title", "WebPage")
	}, func() properties {
		return shown(properties{
			{"IsLinked", r.LinkedTo != ""}, {"LinkedMasterAccount", r.LinkedTo}, {"RecipientType", r.recipientType()},
			{"RecipientTypeDetails", r.Type}, {"UserAccountControl", control}, {"WindowsEmailAddress", r.SMTP},
			{"OrganizationalUnit", r.Container}, {"DirectReports", []string{}},
		})
	}, func() properties { return recipientTail(r, dc) })
}

func (c *call) presentGroup(r *recipient) func() exchange.Object {
	dc, members, managers := c.view().dc, c.canonicalNames(r.Group.Members), c.managersOf(r)
	return lazily(managementType+"WindowsGroup", func() properties {
		return properties{
			{"DisplayName", r.DisplayName}, {"GroupType", r.groupType()}, {"ManagedBy", managers}, {"SamAccountName", r.Sam},
			{"Sid", r.SID}, {"SidHistory", []string{}}, {"SimpleDisplayName", ""}, {"RecipientType", r.recipientType()},
			{"RecipientTypeDetails", r.Type}, {"WindowsEmailAddress", r.SMTP}, {"Notes", r.Properties["Notes"]},
			{"Members", members}, {"PhoneticDisplayName", ""}, {"OrganizationalUnit", r.Container}, {"SeniorityIndex", nil},
			{"IsHierarchicalGroup", false},
		}
	}, func() properties { return recipientTail(r, dc) })
}

func (c *call) presentMailbox(r *recipient) func() exchange.Object {
	dc := c.view().dc
	return lazily(managementType+"Mailbox", func() properties {
		return properties{
			{"Database", "DB01"}, {"DeletedItemFlags", "DatabaseDefault"}, {"ExchangeGuid", derivedGUID(r, "mailbox")},
			{"IsMailboxEnabled", true}, {"ProhibitSendQuota", "Unlimited"}, {"IsResource", r.Type == typeRoomMailbox},
			{"IsLinked", r.Type == typeLinkedMailbox}, {"IsShared", r.Type == typeSharedMailbox},
			{"LinkedMasterAccount", r.LinkedTo}, {"ResourceType", resourceType(r)}, {"SamAccountName", r.Sam},
			{"ServerName", "ex01"}, {"AccountDisabled", r.Disabled}, {"UserPrincipalName", r.UPN},
			{"RoleAssignmentPolicy", defaultPolicy}, {"ThrottlingPolicy", nil}, {"Office", r.Properties["Office"]},
			{"ArchiveStatus", "None"}, {"RemoteRecipientType", "None"}, {"IsMonitoringMailbox", false},
		}
	}, func() properties { return mailEnabled(r) }, func() properties { return recipientTail(r, dc) })
}

func resourceType(r *recipient) any {
	if r.Type == typeRoomMailbox {
		return "Room"
	}
	return nil
}

func (c *call) presentRemoteMailbox(r *recipient) func() exchange.Object {
	dc := c.view().dc
	return lazily(managementType+"RemoteMailbox", func() properties {
		return properties{
			{"ExchangeGuid", exchange.GUID("00000000-0000-0000-0000-000000000000")}, {"RemoteRoutingAddress", r.External},
			{"RemoteRecipientType", "ProvisionMailbox"}, {"OnPremisesOrganizationalUnit", r.Container},
			{"SamAccountName", r.Sam}, {"UserPrincipalName", r.UPN}, {"ArchiveStatus", "None"},
		}
	}, func() properties { return mailEnabled(r) }, func() properties { return recipientTail(r, dc) })
}

func (c *call) presentDistributionGroup(r *recipient) func() exchange.Object {
	dc, managers := c.view().dc, c.managersOf(r)
	return lazily(managementType+"DistributionGroup", func() properties {
		return properties{
			{"GroupType", r.groupType()}, {"SamAccountName", r.Sam}, {"BypassNestedModerationEnabled", false},
			{"IsDirSynced", false}, {"ManagedBy", managers}, {"MemberJoinRestriction", "Closed"},
			{"MemberDepartRestriction", "Closed"}, {"ReportToManagerEnabled", false}, {"ReportToOriginatorEnabled", true},
			{"SendOofMessageToOriginatorEnabled", false},
		}
	}, func() properties { return mailEnabled(r) }, func() properties { return recipientTail(r, dc) })
}

// presentDynamicGroup has the properties of a real Exchange 2019, in its order.
func (c *call) presentDynamicGroup(r *recipient) func() exchange.Object {
	dc := c.view().dc
	return lazily(managementType+"DynamicDistributionGroup", func() properties {
		p := properties{{"RecipientContainer", r.Container}, {"RecipientFilter", r.Group.Filter},
			{"LdapRecipientFilter", ""}, {"IncludedRecipients", nil}, {"ConditionalDepartment", []string{}},
			{"ConditionalCompany", []string{}}, {"ConditionalStateOrProvince", []string{}}}
		for _, name := range plainProperties {
			if strings.HasPrefix(name, "CustomAttribute") {
				p = append(p, property{"Conditional" + name, []string{}})
			}
		}
		return append(p, properties{
			{"RecipientFilterType", "Custom"}, {"Notes", r.Properties["Notes"]}, {"PhoneticDisplayName", ""}, {"ManagedBy", nil},
			{"ExpansionServer", ""}, {"ReportToManagerEnabled", false}, {"ReportToOriginatorEnabled", true},
			{"SendOofMessageToOriginatorEnabled", false},
		}...)
	}, func() properties { return mailEnabled(r) }, func() properties { return recipientTail(r, dc) })
}

// mailEnabled is what every mail-enabled object has: the properties of the type
// MailEnabledRecipient in the order of a real Exchange 2019.
func mailEnabled(r *recipient) properties {
	p := properties{
		{"AcceptMessagesOnlyFrom", []string{}}, {"AcceptMessagesOnlyFromDLMembers", []string{}},
		{"AcceptMessagesOnlyFromSendersOrMembers", []string{}}, {"AddressListMembership", []string{}},
		{"AdministrativeUnits", []string{}}, {"Alias", r.Alias}, {"ArbitrationMailbox", nil},
		{"BypassModerationFromSendersOrMembers", []string{}}, {"OrganizationalUnit", r.Container},
	}
	p = append(p, r.texts("CustomAttribute1", "CustomAttribute10", "CustomAttribute11", "CustomAttribute12", "CustomAttribute13",
		"CustomAttribute14", "CustomAttribute15", "CustomAttribute2", "CustomAttribute3", "CustomAttribute4", "CustomAttribute5",
		"CustomAttribute6", "CustomAttribute7", "CustomAttribute8", "CustomAttribute9")...)
	for _, name := range []string{"ExtensionCustomAttribute1", "ExtensionCustomAttribute2", "ExtensionCustomAttribute3",
		"ExtensionCustomAttribute4", "ExtensionCustomAttribute5"} {
		p = append(p, property{name, []string{}})
	}
	return append(p, properties{
		{"DisplayName", r.DisplayName}, {"EmailAddresses", r.emailAddresses()}, {"GrantSendOnBehalfTo", []string{}},
		{"ExternalDirectoryObjectId", ""}, {"HiddenFromAddressListsEnabled", r.Hidden}, {"LastExchangeChangedTime", nil},
		{"LegacyExchangeDN", "/o=" + organizationName + "/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=" + r.Alias},
		{"MaxSendSize", "Unlimited"}, {"MaxReceiveSize", "Unlimited"}, {"ModeratedBy", []string{}}, {"ModerationEnabled", false},
		{"PoliciesIncluded", []string{}}, {"PoliciesExcluded", []string{}}, {"EmailAddressPolicyEnabled", true},
		{"PrimarySmtpAddress", r.SMTP}, {"RecipientType", r.recipientType()}, {"RecipientTypeDetails", r.Type},
		{"RejectMessagesFrom", []string{}}, {"RejectMessagesFromDLMembers", []string{}},
		{"RejectMessagesFromSendersOrMembers", []string{}}, {"RequireSenderAuthenticationEnabled", true},
		{"SimpleDisplayName", ""}, {"SendModerationNotifications", "Always"}, {"UMDtmfMap", []string{}},
		{"WindowsEmailAddress", r.SMTP}, {"MailTip", nil}, {"MailTipTranslations", []string{}},
	}...)
}
