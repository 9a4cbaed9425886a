package exchangesim

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// installed is when the organization was set up.
var installed = epoch.AddDate(-1, 0, 0)

func (o *Organization) organizationGUID() exchange.GUID {
	return formatGUID(sha256.Sum256(fmt.Appendf(nil, "%d organization", o.options.Seed)))
}

// presentOrganizationConfig has the properties of a real Exchange 2019, in its
// order.
func (c *call) presentOrganizationConfig() exchange.Object {
	o := c.org
	system := "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@" + contoso.Name
	var ews any
	if o.behaviour.Settings.EwsEnabled != nil {
		ews = *o.behaviour.Settings.EwsEnabled
	}
	p := properties{
		{"OrganizationId", ""}, {"Name", organizationName}, {"Identity", organizationName},
		{"Guid", o.organizationGUID()}, {"ObjectVersion", int64(16763)}, {"DefaultPublicFolderAgeLimit", nil},
		{"DefaultPublicFolderIssueWarningQuota", "Unlimited"}, {"DefaultPublicFolderProhibitPostQuota", "Unlimited"},
		{"DefaultPublicFolderMaxItemSize", "Unlimited"}, {"DefaultPublicFolderDeletedItemRetention", "30.00:00:00"},
		{"DefaultPublicFolderMovedItemRetention", "7.00:00:00"}, {"PublicFoldersLockedForMigration", false},
		{"PublicFolderMigrationComplete", false}, {"PublicFolderMailboxesLockedForNewConnections", false},
		{"PublicFolderMailboxesMigrationComplete", false}, {"PublicFolderShowClientControl", false},
		{"PublicFoldersEnabled", "Local"}, {"ActivityBasedAuthenticationTimeoutEnabled", true},
		{"ActivityBasedAuthenticationTimeoutInterval", "06:00:00"},
		{"ActivityBasedAuthenticationTimeoutWithSingleSignOnEnabled", true}, {"AppsForOfficeEnabled", true},
		{"AVAuthenticationService", nil}, {"CustomerFeedbackEnabled", true}, {"DistributionGroupDefaultOU", nil},
		{"DistributionGroupNameBlockedWordsList", []string{}}, {"DistributionGroupNamingPolicy", ""},
		{"EwsAllowEntourage", nil}, {"EwsAllowList", nil}, {"EwsAllowMacOutlook", nil}, {"EwsAllowOutlook", nil},
		{"EwsApplicationAccessPolicy", nil}, {"EwsBlockList", nil}, {"EwsEnabled", ews},
		{"IPListBlocked", []string{}}, {"ElcProcessingDisabled", false}, {"AutoExpandingArchiveEnabled", false},
		{"ExchangeNotificationEnabled", true}, {"ExchangeNotificationRecipients", []string{}},
		{"HierarchicalAddressBookRoot", nil}, {"Industry", "NotSpecified"}, {"MailTipsAllTipsEnabled", true},
		{"MailTipsExternalRecipientsTipsEnabled", false}, {"MailTipsGroupMetricsEnabled", true},
		{"MailTipsLargeAudienceThreshold", int64(25)}, {"MailTipsMailboxSourcedTipsEnabled", true},
		{"ManagedFolderHomepage", ""}, {"MicrosoftExchangeRecipientEmailAddresses", []string{"SMTP:" + system}},
		{"MicrosoftExchangeRecipientEmailAddressPolicyEnabled", true},
		{"MicrosoftExchangeRecipientPrimarySmtpAddress", system}, {"MicrosoftExchangeRecipientReplyRecipient", nil},
		{"ForwardSyncLiveIdBusinessInstance", false}, {"OrganizationSummary", []string{}},
		{"ReadTrackingEnabled", false}, {"SCLJunkThreshold", int64(4)}, {"SIPAccessService", nil},
		{"SIPSessionBorderController", nil}, {"MaxConcurrentMigrations", "Unlimited"},
		{"MaxAddressBookPolicies", nil}, {"MaxOfflineAddressBooks", nil}, {"IsExcludedFromOnboardMigration", false},
		{"IsExcludedFromOffboardMigration", false}, {"IsFfoMigrationInProgress", false},
		{"IsProcessEhaMigratedMessagesEnabled", false}, {"TenantRelocationsAllowed", false},
		{"ACLableSyncedObjectEnabled", false}, {"PreferredInternetCodePageForShiftJis", int64(0)},
		{"RequiredCharsetCoverage", int64(100)}, {"ByteEncoderTypeFor7BitCharsets", int64(0)},
		{"PublicComputersDetectionEnabled", false}, {"RmsoSubscriptionStatus", "Unknown"},
		{"IntuneManagedStatus", false}, {"AzurePremiumSubscriptionStatus", false},
		{"HybridConfigurationStatus", "Unknown"}, {"ReleaseTrack", nil}, {"CompassEnabled", nil},
		{"SharePointUrl", nil}, {"MapiHttpEnabled", true}, {"RealTimeLogServiceEnabled", false},
		{"CustomerLockboxEnabled", false}, {"OAuth2ClientProfileEnabled", false},
		{"PerTenantSwitchToESTSEnabled", false}, {"LinkPreviewEnabled", true}, {"ConnectorsEnabled", true},
		{"ConnectorsActionableMessagesEnabled", true}, {"SmtpActionableMessagesEnabled", true},
		{"OfficeGraphActivitySharingOrgOptout", false}, {"UnblockUnsafeSenderPromptEnabled", true},
		{"AsyncSendEnabled", true}, {"RefreshSessionEnabled", false}, {"IsAgendaMailEnabled", true},
		{"NetworkThrottlingConfiguration", ""}, {"BookingsEnabled", true}, {"LeanPopoutEnabled", false},
		{"OrganizationConfigHash", ""}, {"LegacyExchangeDN", "/o=" + organizationName}, {"DisplayName", ""},
		{"Heuristics", "None"}, {"ResourceAddressLists", []string{`\All Rooms`}}, {"IsMixedMode", false},
		{"PreviousAdminDisplayVersion", "0.10 (14.0.100.0)"}, {"IsAddressListPagingEnabled", true},
		{"ForeignForestFQDN", []string{}}, {"ForeignForestOrgAdminUSGSid", nil},
		{"ForeignForestRecipientAdminUSGSid", nil}, {"ForeignForestViewOnlyAdminUSGSid", nil},
		{"MimeTypes", []string{}}, {"IsLicensingEnforced", false}, {"IsTenantAccessBlocked", false},
		{"IsTenantInGracePeriod", false}, {"IsDehydrated", o.behaviour.Customization.Dehydrated},
		{"IsGuidPrefixedLegacyDnDisabled", false}, {"IsMailboxForcedReplicationDisabled", false},
		{"RBACConfigurationVersion", "0.1 (" + o.build() + ")"}, {"RootPublicFolderMailbox", ""},
		{"RemotePublicFolderMailboxes", []string{}}, {"AdminDisplayVersion", "0.20 (15.1.0.0)"},
		{"IsUpgradingOrganization", false}, {"IsUpdatingServicePlan", false}, {"ServicePlan", ""},
		{"TargetServicePlan", ""}, {"WACDiscoveryEndpoint", ""}, {"UMAvailableLanguages", []string{}},
		{"AdfsAuthenticationConfiguration", ""}, {"AdfsIssuer", nil}, {"AdfsAudienceUris", []string{}},
		{"AdfsSignCertificateThumbprints", []string{}}, {"AdfsEncryptCertificateThumbprint", nil},
		{"SiteMailboxCreationURL", nil}, {"DefaultDataEncryptionPolicy", nil},
		{"MailboxDataEncryptionEnabled", false}, {"EmptyAddressBookForNonExchangeUsers", false},
		{"EnableDownloadDomains", false}, {"MitigationsEnabled", true}, {"EnableAuthAdminReadSession", false},
		{"DefaultAuthenticationPolicy", "OrgWideDefault"}, {"EnableOrgWidePermissionOnScopedRoles", false},
		{"UseIcsSyncStateStreaming", false}, {"AllowedMailboxRegions", []string{}}, {"DefaultMailboxRegion", nil},
		{"DefaultMailboxRegionLastUpdateTime", nil}, {"DirectReportsGroupAutoCreationEnabled", false},
		{"AllowToAddGuests", true}, {"GuestsEnabled", true}, {"GroupsCreationEnabled", true},
		{"HiddenMembershipGroupsCreationEnabled", false}, {"GroupsCreationWhitelistedId", nil},
		{"GroupsUsageGuidelinesLink", nil}, {"GroupsNamingPolicy", nil}, {"DataClassifications", nil},
		{"InPlaceHolds", []string{}}, {"ServiceInstanceMove", nil}, {"GuestsUsageGuidelinesLink", nil},
		{"FocusedInboxOn", nil}, {"FocusedInboxOnLastUpdateTime", time.Time{}}, {"ForestConfigVersion", ""},
		{"ForestConfigLastRunTime", time.Time{}}, {"EndUserDLUpgradeFlowsDisabled", false}, {"IsValid", true},
		{"ExchangeVersion", "2.0 (15.0.0.0)"}, {"DistinguishedName", organizationDN},
		{"ObjectCategory", configurationName + "/Schema/ms-Exch-Organization-Container"},
		{"ObjectClass", []string{"top", "container", "msExchOrganizationContainer"}}, {"WhenChanged", installed},
		{"WhenCreated", installed}, {"WhenChangedUTC", installed}, {"WhenCreatedUTC", installed},
		{"Id", organizationName}, {"OriginatingServer", c.replica().dc}, {"ObjectState", "Unchanged"},
	}
	if c.isTrue("RetrieveEwsOperationAccessPolicy") {
		p = append(p, property{"EwsAllowedAppIDs", o.behaviour.Settings.EwsAllowedAppIDs})
	}
	return object(managementType+"OrganizationConfig", p)
}

// presentExchangeServer has the properties of a real Exchange 2019, in its order.
func (c *call) presentExchangeServer(fqdn string) exchange.Object {
	const group = "Exchange Administrative Group (FYDIBOHF23SPDLT)"
	guid := formatGUID(sha256.Sum256(fmt.Appendf(nil, "%d %s", c.org.options.Seed, fqdn)))
	return object(managementType+"ExchangeServer", properties{
		{"Name", "EX01"}, {"DataPath", `C:\Program Files\Microsoft\Exchange Server\V15\Mailbox`},
		{"Domain", contoso.Name}, {"Edition", "Enterprise"},
		{"ExchangeLegacyDN", "/o=" + organizationName + "/ou=" + group + "/cn=Configuration/cn=Servers/cn=EX01"},
		{"ExchangeLegacyServerRole", int64(0)}, {"Fqdn", fqdn}, {"CustomerFeedbackEnabled", true},
		{"InternetWebProxy", nil}, {"InternetWebProxyBypassList", nil}, {"IsHubTransportServer", true},
		{"IsClientAccessServer", true}, {"IsExchange2007OrLater", true}, {"IsEdgeServer", false},
		{"IsMailboxServer", true}, {"IsE14OrLater", true}, {"IsE15OrLater", true}, {"IsProvisionedServer", false},
		{"IsUnifiedMessagingServer", false}, {"IsFrontendTransportServer", true},
		{"NetworkAddress", []string{"ncacn_vns_spp:EX01", "netbios:EX01", "ncacn_np:EX01", "ncacn_spx:EX01", "ncacn_ip_tcp:" + fqdn, "ncalrpc:EX01"}},
		{"OrganizationalUnit", contoso.Name + "/EX01"}, {"AdminDisplayVersion", shownVersion(c.org.build())},
		{"Site", configurationName + "/Sites/Default-First-Site-Name"}, {"ServerRole", "Mailbox"},
		{"ErrorReportingEnabled", true}, {"MitigationsEnabled", true}, {"StaticDomainControllers", []string{}},
		{"StaticGlobalCatalogs", []string{}}, {"StaticConfigDomainController", ""},
		{"StaticExcludedDomainControllers", []string{}}, {"MonitoringGroup", ""},
		{"CurrentDomainControllers", contoso.DCs}, {"CurrentGlobalCatalogs", contoso.DCs},
		{"CurrentConfigDomainController", contoso.DCs[0]}, {"ProductID", ""}, {"IsExchangeTrialEdition", false},
		{"IsExpiredExchangeTrialEdition", false}, {"MailboxProvisioningAttributes", nil},
		{"RemainingTrialPeriod", "00:00:00"}, {"MitigationsApplied", nil}, {"MitigationsBlocked", nil},
		{"DataCollectionEnabled", false}, {"Identity", "EX01"}, {"IsValid", true},
		{"ExchangeVersion", "0.1 (8.0.535.0)"},
		{"DistinguishedName", "CN=EX01,CN=Servers,CN=" + group + ",CN=Administrative Groups," + organizationDN},
		{"Guid", guid}, {"ObjectCategory", configurationName + "/Schema/ms-Exch-Exchange-Server"},
		{"ObjectClass", []string{"top", "server", "msExchExchangeServer"}}, {"WhenChanged", installed},
		{"WhenCreated", installed}, {"WhenChangedUTC", installed}, {"WhenCreatedUTC", installed},
		{"OrganizationId", ""}, {"Id", "EX01"}, {"OriginatingServer", c.replica().dc}, {"ObjectState", "Unchanged"},
	})
}
