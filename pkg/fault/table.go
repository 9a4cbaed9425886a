package fault

import "strings"

// Where facts were taken from more than once.
const (
	sourceCustomization = "https://learn.microsoft.com/powershell/module/exchangepowershell/enable-organizationcustomization"
	sourceAssignment    = "https://learn.microsoft.com/powershell/module/exchangepowershell/new-managementroleassignment"
	sourceRBAC          = "https://learn.microsoft.com/exchange/permissions/permissions"
	sourceRecords       = "https://learn.microsoft.com/powershell/scripting/developer/cmdlet/windows-powershell-error-records"
	sourceRemote        = "https://learn.microsoft.com/powershell/exchange/connect-to-exchange-servers-using-remote-powershell"
	sourceFilters       = "https://learn.microsoft.com/powershell/exchange/recipient-filters"
	sourceConnect       = "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/connecting-remote-server-failed.md"
	sourceConnectIDs    = "https://github.com/PowerShell/PowerShell/blob/master/src/System.Management.Automation/engine/remoting/fanin/WSManTransportManager.cs"
	sourceTroubleshoot  = "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_remote_troubleshooting"
	sourceEWSCodes      = "https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode"
	sourceEWSThrottling = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange"
	sourceImpersonation = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-configure-impersonation"
	sourceEWSAccess     = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange"
	sourceLDAP          = "https://learn.microsoft.com/openspecs/windows_protocols/ms-adts/"
	sourceLDAPDown      = "https://learn.microsoft.com/en-us/answers/questions/1117619/found-dcdiag-error-in-one-domain-controller"
	sourceQuota         = "https://learn.microsoft.com/windows/win32/winrm/quotas"
	sourceWSMV          = "https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv/"
	sourceLanguageModes = "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_language_modes"
	sourceSigning       = "https://learn.microsoft.com/exchange/plan-and-deploy/post-installation-tasks/security-best-practices/exchange-serialization-payload-sign"
)

const enableCustomization = "Enable-OrganizationCustomization"

// Hints that several rules give.
const (
	hintCustomize     = "Exchange asks for " + enableCustomization + " first. It cannot be undone, and the real command may be refused for hours after it: repeat that command with growing waits. An Exchange server on-premises is not known to ask for this: check that the shell is not connected to Exchange Online."
	hintCmdlet        = "Exchange hides cmdlets that no role of yours contains. Give your account the role that has it (Role Management for assignments and scopes), then open a new session. In a plain PowerShell window open the Exchange Management Shell first."
	hintParameter     = "The cmdlet is there, that parameter is not: your roles hide it, or this version of Exchange does not have it. Compare with (Get-Command NAME).Parameters in a session of an Organization Management member."
	hintQuota         = "The account has used up its PowerShell sessions. Close sessions that are not needed (Get-PSSession | Remove-PSSession), or wait until idle ones end, then connect again."
	hintNoRoles       = "The logon worked, but no management role is assigned to this account. Add it to a role group such as Organization Management by its own name, then open a new session."
	hintDirectory     = "Active Directory refused the change, not Exchange's roles. Check that permissions are inherited on the object named, and that the Exchange groups still have theirs; Setup /PrepareAD puts those back."
	hintHalfway       = enableCustomization + " stopped half-way. Run it again in a few minutes: it goes on where it stopped. If it stops at the same place three times, open a support case."
	hintCustomized    = "Nothing to do: the organization is customized already. That does not mean that the real command works yet: repeat that one with growing waits."
	hintNotFound      = "No object of that name, as the domain controller named in the message sees it. Check the spelling; in a forest of several domains give the full distinguished name, or run Set-ADServerSettings -ViewEntireForest $true first. A new object may not have replicated yet."
	hintAmbiguous     = "Several objects match that name. Use one that is unique: the GUID, the distinguished name, or DOMAIN\\account."
	hintExists        = "An object of that name is there. Read it and compare who, which role and which scope before you choose another name or change it."
	hintLanguage      = "The Exchange endpoint takes commands, not script text: no variables, properties, if or try. Send one cmdlet with plain parameters, or run the script on a machine with the Exchange tools."
	hintScope         = "Exchange refuses this scope or filter. An exclusive scope is given by -ExclusiveRecipientWriteScope; a filter is one string such as MemberOfGroup -eq 'distinguished name', with every comparison written out. Try it with Get-Recipient -Filter."
	hintImpersonation = "The account may not act for this mailbox: no assignment, one that has not replicated yet, or the mailbox is outside its scope or in an exclusive one. Ask the server: Get-ManagementRoleAssignment -RoleAssignee ACCOUNT -WritableRecipient MAILBOX -Delegating $false."
	hintShell         = "The session is gone: the server was restarted, or another server behind the load balancer answered. Open a new session and read the state before you go on."
	hintLoad          = "WS-Management counts requests per second and this was one too many. Send fewer at a time and try again after a few seconds; do not believe the number of milliseconds in the text."
	hintTLS           = "The server's certificate or TLS version is not accepted. Use the name that is in the certificate, trust its issuer (--ca-file), and check that it has not expired. The default connection needs no TLS: Kerberos seals it."
	hintAuthZ         = "Exchange's authorization refused the session; the protocol version is not the matter. Read the sentence after FailureCategory: most often no role is assigned, or PowerShell is disabled for the account."
	hintLogon         = "The logon failed. Check account (user@domain or DOMAIN\\user) and password, use the server's full name, and see that this machine can reach a domain controller. A second hop needs its own credentials."
	hintNetwork       = "No answer from that address, or it stopped half-way. Check name, port and firewall; if a command was running, read the state before you repeat it."
	hintHTTP          = "A web server answered, but not as Exchange PowerShell. Use http://SERVER/PowerShell/ with the server's full name, see that no proxy is between, and check the PowerShell virtual directory (require SSL off, its application pool started)."
	hintEWS           = "EWS reports an error without its code. Ask the tool for the response code (a trace of the EWS response), and try the same call without impersonation."
	hintLost          = "The session could not be opened, or it broke, and no cause is shown. Connect again and read the state before you repeat anything; $Error[0].Exception has ErrorCode and TransportMessage."
)

// dehydratedText holds the two English sentences that ask for customization. The
// name of the cmdlet alone is not enough: it is in its own errors too.
const dehydratedText = `(?i)(?:isn't|is not|not) (?:currently )?allowed (?:in your|for the|in this) organization.{0,120}` + enableCustomization +
	`|organization with disabled customizations`

// deniedText is "access is denied" in the languages of Windows.
const deniedText = `(?i)Access is denied|Zugriff (?:wurde )?verweigert|Acc[eè]s (?:est )?refus[eé]|Acceso denegado|Accesso negato|Acesso negado` +
	`|アクセスが拒否|拒绝访问|存取被拒|Отказано в доступе`

// table is the order of decision: the first rule that matches wins. Rules that
// rest on a cmdlet's own type come first, then the way to the server, then EWS,
// then text that stands alone.
//
// Fixed points of the order:
//   - cmdlet-missing before all that look at Enable-OrganizationCustomization,
//     whose absence is not its answer;
//   - dehydrated before already-customized: the first is never an answer of
//     Enable-OrganizationCustomization itself, so where both show it is the news;
//   - already-customized and customization-incomplete before the general types,
//     because that cmdlet touches objects of others and fails with their errors;
//   - remote-transient before transient: the type's name promises what it does
//     not keep;
//   - failure categories before connect identifiers and codes, because Exchange
//     puts its own refusals under codes that mean something else.
var table = []Rule{
	// Cmdlets: types.
	{
		Name: "dehydrated-type", ID: Dehydrated,
		Types:  []string{"InvalidOperationInDehydratedContextException"},
		Hint:   hintCustomize,
		Retry:  RetryAfterCustomization,
		Source: sourceCustomization,
	},
	{
		Name: "cmdlet-missing-type", ID: CmdletMissing,
		Types:  []string{"CommandNotFoundException"},
		Hint:   hintCmdlet,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "cmdlet-missing-id", ID: CmdletMissing,
		ErrorIDs: []string{"CommandNotFoundException"},
		Hint:     hintCmdlet,
		Retry:    RetryNever,
		Source:   sourceRBAC,
	},
	{
		Name: "cmdlet-missing-text", ID: CmdletMissing,
		Types: []string{""},
		Text: `(?i)not recognized as (?:the|a) name of a cmdlet|nicht als Name eines Cmdlet|reconnu comme nom d'applet de commande` +
			`|reconoce como nombre de un cmdlet|riconosciuto come nome di cmdlet|reconhecido como nome de (?:um )?cmdlet` +
			`|コマンドレット、関数、スクリプト|识别为 ?cmdlet|распознано как имя командлета` +
			// In most other languages too: 'Name' ... cmdlet, function, script file or program.
			`|["'].{0,60}\bcmdlet ?[,、，] ?[^,、，.;:"']{2,30}[,、，] ?[^,、，.;:"']{2,60}`,
		Hint:   hintCmdlet,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "parameter-missing", ID: CmdletMissing,
		ErrorIDs: []string{"NamedParameterNotFound"},
		Hint:     hintParameter,
		Retry:    RetryNever,
		Source:   sourceRBAC,
	},
	{
		Name: "parameter-missing-text", ID: CmdletMissing,
		Types: []string{""},
		Text: `(?i)parameter cannot be found that matches parameter name|kein Parameter gefunden, der dem Parameternamen` +
			`|trouver un paramètre correspondant au nom|ningún parámetro que coincida con el nombre|parametro corrispondente al nome del parametro` +
			`|parâmetro que coincida com o nome|に一致するパラメーターが見つかりません|匹配的参数|параметр, соответствующий имени`,
		Hint:   hintParameter,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "authz-quota", ID: ConnectQuota,
		Categories: []string{"AuthZ-AuthorizationException"},
		Hint:       hintQuota,
		Retry:      RetryBackoff,
		Source:     sourceQuota,
	},
	{
		Name: "over-budget", ID: Throttled,
		Types:  []string{"OverBudgetException", "ServerBusyException", "ResourceUnhealthyException"},
		Hint:   "Exchange throttles the account, or a resource of the server is busy. Wait a minute, do less at a time, then try again; Get-ThrottlingPolicyAssociation shows the policy.",
		Retry:  RetryBackoff,
		Source: sourceEWSThrottling,
	},
	{
		Name: "no-roles", ID: AccessDenied,
		Types:  []string{"CmdletAccessDeniedException"},
		Hint:   hintNoRoles,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "no-delegating-assignment", ID: AccessDenied,
		// The term as Microsoft's documentation translates it; the whole sentence was seen in English only.
		Text: `(?i)delegating (?:management )?role assignment|delegierende \S*Rollenzuweisung|` +
			`attribution de rôle de délégation|asignación de roles? de delegación|atribuição de função de delegação|` +
			`assegnazione di ruolo di delega|委任(?:役割|ロール)の割り当て|委派(?:管理)?角色分配|делегирующ\S+ назначени\S+ рол`,
		Hint:   "Your account may not hand this role on. Add it to Organization Management by its own name, or give it a delegating assignment of the role, then open a new session. Right after the organization was customized the same answer can pass within the hour.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/en-us/answers/questions/1336420/exchange-impersonation-error-unable-to-open-user-m",
	},
	{
		Name: "directory-rights", ID: AccessDenied,
		Text:   `INSUFF_ACCESS_RIGHTS`,
		Hint:   hintDirectory,
		Retry:  RetryNever,
		Source: "https://github.com/microsoft/CSS-Exchange/issues/60",
	},
	{
		Name: "directory-denied", ID: AccessDenied,
		Types:  []string{"ADOperationException"},
		Text:   deniedText + `|insufficient access`,
		Hint:   hintDirectory,
		Retry:  RetryNever,
		Source: "https://github.com/microsoft/CSS-Exchange/issues/60",
	},
	{
		Name: "out-of-scope-type", ID: AccessDenied,
		Types:  []string{"ADScopeException", "OperationRequiresGroupManagerException", "UnauthorizedAccessException"},
		Hint:   "Your own roles do not reach this object. Use an account whose write scope covers it, or one that manages the group.",
		Retry:  RetryNever,
		Source: sourceRBAC,
	},

	// Enable-OrganizationCustomization.
	{
		Name: "customization-script", ID: Other,
		Cmdlets: []string{enableCustomization},
		Text:    `\$error\.|\bwas run:|--->|(?i:wasn't found|couldn't be found|write scope|try again)`,
		Hint:    hintHalfway,
		Retry:   RetryBackoff,
		Source:  "https://github.com/MicrosoftDocs/office-docs-powershell/issues/7519",
	},
	{
		Name: "already-customized-type", ID: AlreadyCustomized,
		Cmdlets: []string{enableCustomization},
		Types:   []string{"InvalidOperationException"},
		Unless:  dehydratedText,
		Hint:    hintCustomized,
		Retry:   RetryNever,
		Source:  "https://github.com/MicrosoftDocs/office-docs-powershell/issues/6497",
	},
	{
		Name: "already-customized-text", ID: AlreadyCustomized,
		Cmdlets: []string{enableCustomization, ""},
		Types:   []string{"InvalidOperationException", ""},
		Text:    `(?i)already enabled for customization`,
		Unless:  dehydratedText,
		Hint:    hintCustomized,
		Retry:   RetryNever,
		Source:  "https://github.com/MicrosoftDocs/office-docs-powershell/issues/6497",
	},
	{
		Name: "customization-not-offered", ID: AlreadyCustomized,
		Cmdlets: []string{enableCustomization, ""},
		Types:   []string{"InvalidOperationException", ""},
		Text:    `(?i)operation is(?: not|n't) available in (?:the |your )?current (?:service offer|organization)`,
		Unless:  dehydratedText,
		Hint:    "From " + enableCustomization + " this means that there is nothing to customize; repeat the real command. From any other cmdlet it means that this edition does not offer it.",
		Retry:   RetryNever,
		Source:  "https://help.bittitan.com/hc/en-us/articles/115008098447-The-account-does-not-have-permission-to-impersonate-the-requested-user",
	},
	{
		Name: "customization-incomplete", ID: Other,
		Cmdlets: []string{enableCustomization},
		Types: []string{
			"ManagementObjectNotFoundException", "ManagementObjectAmbiguousException", "ADObjectAlreadyExistsException",
			"ADOperationException", "DataValidationException", "TaskException", "ScriptExecutionException",
		},
		Hint:   hintHalfway,
		Retry:  RetryBackoff,
		Source: "https://github.com/MicrosoftDocs/office-docs-powershell/issues/7519",
	},

	// Cmdlets: what they work on.
	{
		Name: "role-not-found", ID: RoleNotFound,
		Types:   []string{"ManagementObjectNotFoundException"},
		Cmdlets: []string{"Get-ManagementRole", "Set-ManagementRole", "Remove-ManagementRole", "New-ManagementRole", "Get-ManagementRoleEntry"},
		Hint:    "No such management role. List what is there with Get-ManagementRole. Exchange Online has no ApplicationImpersonation role any more.",
		Retry:   RetryNever,
		Source:  "https://techcommunity.microsoft.com/blog/exchange/critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762",
	},
	{
		Name: "impersonation-role-not-found", ID: RoleNotFound,
		Types:  []string{"ManagementObjectNotFoundException"},
		Text:   `["'](?:[^"']{1,200}\\)?ApplicationImpersonation["']`,
		Hint:   "This organization has no role ApplicationImpersonation: look with Get-ManagementRole -RoleType ApplicationImpersonation. Exchange Online removed it in February 2025; on-premises a missing one is put back by Setup /PrepareAD.",
		Retry:  RetryNever,
		Source: "https://techcommunity.microsoft.com/blog/exchange/critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762",
	},
	{
		Name: "object-not-found", ID: PrincipalNotFound,
		Types:  []string{"ManagementObjectNotFoundException", "ADNoSuchObjectException", "RecipientNotFoundException"},
		Hint:   hintNotFound,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/cmdlet-parameter-combinations-not-working.md",
	},
	{
		Name: "object-ambiguous", ID: PrincipalAmbiguous,
		Types:  []string{"ManagementObjectAmbiguousException"},
		Hint:   hintAmbiguous,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/office-docs-powershell/issues/7166",
	},
	{
		Name: "already-exists-type", ID: AlreadyExists,
		Types:  []string{"ADObjectAlreadyExistsException"},
		Hint:   hintExists,
		Retry:  RetryReread,
		Source: sourceAssignment,
	},
	{
		Name: "already-member", ID: AlreadyExists,
		Types:  []string{"MemberAlreadyExistsException"},
		Hint:   "The account is a member of that group already. Read the members again and go on.",
		Retry:  RetryReread,
		Source: "https://learn.microsoft.com/powershell/module/exchangepowershell/add-rolegroupmember",
	},
	{
		Name: "already-exists-ldap", ID: AlreadyExists,
		Types:  []string{"ADOperationException", ""},
		Text:   `problem 6005 \(ENTRY_EXISTS\)`,
		Hint:   hintExists,
		Retry:  RetryReread,
		Source: sourceLDAP,
	},
	{
		Name: "already-exists-name", ID: AlreadyExists,
		Types:   []string{"InvalidOperationException"},
		Cmdlets: []string{"New-ManagementRole", "New-ManagementRoleAssignment", "New-ManagementScope", "New-RoleGroup", ""},
		Text:    `(?i)already an(?:other)? .{1,60} with the same name`,
		Hint:    hintExists,
		Retry:   RetryReread,
		Source:  "https://github.com/Microsoft365DSC/Microsoft365DSC/issues/4049",
	},
	{
		Name: "already-exists-dn", ID: AlreadyExists,
		Types:  []string{"ADOperationException", ""},
		Text:   `(?i)object ["'](?:CN|OU)=[^"']{1,1000}["'] already exists`,
		Hint:   hintExists,
		Retry:  RetryReread,
		Source: "https://github.com/microsoft/CSS-Exchange/issues/70",
	},
	{
		Name: "remote-transient", ID: Other,
		Types:  []string{"RemoteTransientException", "RemotePermanentException"},
		Hint:   "Another server refused the call. The type says transient, but the cause in the message (denied, forbidden) stays until somebody removes it: read the text after the address.",
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeHybrid/move-mailboxes/access-is-denied-error-when-moving-mailboxes.md",
	},
	{
		Name: "directory-transient", ID: Transient,
		Types: []string{
			"ADTransientException", "ADServerSettingsChangedException", "DirectoryTransientErrorException",
			"SuitabilityDirectoryException", "NoSuitableServerFoundException",
		},
		Unless: `INSUFF_ACCESS_RIGHTS|0x31\b|` + deniedText,
		Hint:   "Exchange cannot reach a suitable domain controller at the moment. It usually finds another: try again in a minute. If it stays, check the controllers of this site with Get-ExchangeServer -Status and dcdiag.",
		Retry:  RetryBackoff,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/ad-error-0x52-install-edge-role.md",
	},
	{
		Name: "directory-down", ID: Transient,
		Text:   `(?i)active directory[^.]{0,40} 0x5[12]\b`,
		Unless: `(?i)RemoteTransient|Permanent|too many transient`,
		Hint:   "Exchange cannot reach a domain controller (LDAP says server down). It usually finds another: try again in a minute. If it stays, check that controller with dcdiag.",
		Retry:  RetryBackoff,
		Source: sourceLDAPDown,
	},
	{
		Name: "write-scope-other", ID: Other,
		Text:   `(?i)out of the current user's write scope.{0,300}(?:synchroni[sz]|exceeds the maximum|licen[sc]e)`,
		Hint:   "The words about the write scope only wrap another reason: read the second sentence. An object that is synchronized is changed where it comes from; a limit of a licence stays.",
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "write-scope", ID: AccessDenied,
		Text:   `(?i)out of the current user's write scope|isn't within (?:your|a valid|the) .{0,40}write scope`,
		Hint:   "Your own roles do not reach this object. Use an account whose write scope covers it.",
		Retry:  RetryNever,
		Source: "https://github.com/OfficeDev/Office-Add-in-samples/issues/139",
	},
	{
		Name: "group-manager", ID: AccessDenied,
		Text:   `(?i)do(?:n't| not) have sufficient permissions|only be performed by a manager of the group`,
		Hint:   "Only a manager of that group may change it. Add yourself as a manager, or use -BypassSecurityGroupManagerCheck with the Role Management role.",
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/cannot-change-distribution-group-ownership.md",
	},

	// Cmdlets: parameters and sessions.
	{
		Name: "serialization", ID: Serialization,
		Text: `["' ]Deserialized\.[A-Z]|\bMicrosoft\.Exchange\.Configuration\.Tasks\.[A-Za-z]*IdParameter\b` +
			`|Serializ(?:ation)?(?:ed)?DataSigning|Runtime\.Serialization|(?i:serialized data signing|failed to deserialize)`,
		Hint:   "An object that came back over remoting was passed on as it was. Pass its GUID, distinguished name or name as text instead. If this began with an update, check the Auth Certificate: signed serialization depends on it.",
		Retry:  RetryNever,
		Source: sourceSigning,
	},
	{
		Name: "language-mode-id", ID: LanguageMode,
		ErrorIDs: []string{
			"ScriptsNotAllowed", "ParseException", "VariableReferenceNotSupportedInDataSection",
			"MethodInvocationNotSupportedInConstrainedLanguage",
		},
		Hint:   hintLanguage,
		Retry:  RetryNever,
		Source: sourceLanguageModes,
	},
	{
		Name: "language-mode-text", ID: LanguageMode,
		Text:   `\$PSCulture, \$PSUICulture|(?i:no-language mode|restricted language mode)|NoLanguage|RestrictedLanguage|ConstrainedLanguage|InDataSection\b`,
		Hint:   hintLanguage,
		Retry:  RetryNever,
		Source: "https://github.com/jborean93/pypsrp/issues/103",
	},
	{
		Name: "scope-parameter", ID: ScopeError,
		Text: `\b(?:(?:Custom|Exclusive)(?:Recipient|Config)WriteScope|(?:Recipient|Server|Database)RestrictionFilter)\b` +
			`|["'](?:RecipientFilter|RecipientRestrictionFilter|Filter)["'].{1,200}["'](?:RecipientFilter|RecipientRestrictionFilter|Filter)["']`,
		Hint:   hintScope,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/office-docs-powershell/issues/6201",
	},
	{
		Name: "scope-filter", ID: ScopeError,
		Text:   `(?i)invalid filter syntax|recogni[sz]ed filterable property|valid OPath filter|is an exclusive scope`,
		Hint:   hintScope,
		Retry:  RetryNever,
		Source: sourceFilters,
	},

	// Exchange Web Services: by response code.
	{
		Name: "ews-impersonation-code", ID: EWSImpersonationDenied,
		EWSCodes: []string{"ErrorImpersonateUserDenied"},
		Hint:     hintImpersonation,
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-impersonation-server", ID: EWSImpersonationDenied,
		EWSCodes: []string{"ErrorImpersonationDenied"},
		Hint:     "The account may act for nobody through this server: it is not given the right there (as in Exchange 2007, by server), or this is not the server that the grant is about. Ask another server of the organization, and check with Get-ManagementRoleAssignment -RoleAssignee ACCOUNT.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-throttled", ID: Throttled,
		EWSCodes: []string{"ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount", "ErrorExceededFindCountLimit", "ErrorTooManyObjectsOpened"},
		Hint:     "Exchange throttles the account. Wait for BackOffMilliseconds where the answer gives it, else a minute, and do less at a time.",
		Retry:    RetryBackoff,
		Source:   sourceEWSThrottling,
	},
	{
		Name: "ews-mailbox-away", ID: EWSOther,
		EWSCodes: []string{
			"ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorMailboxFailover", "ErrorConnectionFailed",
			"ErrorConnectionFailedTransientError", "ErrorTimeoutExpired", "ErrorInternalServerTransientError",
		},
		Hint:   "The mailbox or its server cannot answer now: it is being moved, its database fails over, or the server is away. Try again in a few minutes; Get-MoveRequest and Get-MailboxDatabaseCopyStatus show which it is.",
		Retry:  RetryBackoff,
		Source: sourceEWSCodes,
	},
	{
		Name: "ews-directory-away", ID: EWSOther,
		EWSCodes: []string{"ErrorADUnavailable"},
		Hint:     "The Exchange server reaches no domain controller now. Try again in a few minutes; if it stays so, look at the MSExchange ADAccess events of the server that answered.",
		Retry:    RetryBackoff,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-directory", ID: EWSOther,
		EWSCodes: []string{"ErrorADOperation", "ErrorADSessionFilter"},
		Hint:     "The server's question to Active Directory failed. Look at the event log of the server that answered (MSExchange ADAccess), and check the name that was asked for.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-no-mailbox", ID: EWSOther,
		EWSCodes: []string{"ErrorNonExistentMailbox"},
		Hint:     "There is no mailbox of that address on these servers: a typing error, a mail user, or a mailbox in Exchange Online, which roles of this organization do not reach. Check it with Get-Recipient: RecipientTypeDetails is RemoteUserMailbox for one in the cloud.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-no-own-mailbox", ID: EWSOther,
		EWSCodes: []string{"ErrorMissingEmailAddress"},
		Hint:     "The account itself has no mailbox, and the request names none. Its log-on works. Ask for the folder of a named mailbox or by impersonation; Exchange 2013 wants a mailbox for the account, later versions do not.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-identity", ID: EWSOther,
		EWSCodes: []string{"ErrorInvalidUserPrincipalName", "ErrorInvalidUserSid", "ErrorNonPrimarySmtpAddress", "ErrorInvalidSmtpAddress"},
		Hint:     "No account has the name by which it is to be acted for, in this form. A UPN may differ from every address, and PrimarySmtpAddress takes the primary one only: compare with Get-Mailbox | Format-List UserPrincipalName, PrimarySmtpAddress, and Get-User for the Sid.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-account", ID: EWSOther,
		EWSCodes: []string{"ErrorAccountDisabled"},
		Hint:     "The account that was used is disabled in Active Directory. Enable the service account (Enable-ADAccount). The accounts of room and shared mailboxes are disabled by design, and can be acted for all the same.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-password", ID: EWSOther,
		EWSCodes: []string{"ErrorPasswordExpired", "ErrorPasswordChangeRequired"},
		Hint:     "The account's password has expired or must be changed at the next log-on. Set a new one and give it to the product; a service account's password should not expire unnoticed.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-access", ID: EWSOther,
		EWSCodes: []string{"ErrorAccessDenied"},
		Hint:     "EWS lets the account in, but not to this folder or item. Without impersonation that takes delegate rights: check that the request acts for the mailbox. With it, look at holds, retention and the folder's own permissions.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-impersonation-failed", ID: EWSOther,
		EWSCodes: []string{"ErrorImpersonationFailed"},
		Hint:     "The server could not carry out the impersonation: its application pool's account, a domain controller that is away, or a broken forest trust. Look at the application event log of the server that answered.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-groups", ID: EWSOther,
		EWSCodes: []string{"ErrorProxyGroupSidLimitExceeded"},
		Hint:     "The account is in more than 3,000 groups, and a request to another site cannot carry that. Take it out of groups, or ask a server in the site of the mailbox.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-site", ID: EWSOther,
		EWSCodes: []string{"ErrorCrossSiteRequest", "ErrorProxyCallFailed", "ErrorNoRespondingCASInDestinationSite", "ErrorProxyRequestNotAllowed",
			"ErrorProxiedSubscriptionCallFailure", "ErrorProxyServiceDiscoveryFailed"},
		Hint:   "The mailbox is in another site, and the request could not be passed on there. Use the URL that Autodiscover tells for this mailbox, and set X-AnchorMailbox to its address.",
		Retry:  RetryNever,
		Source: sourceEWSCodes,
	},
	{
		Name: "ews-version", ID: EWSOther,
		EWSCodes: []string{"ErrorInvalidServerVersion", "ErrorWrongServerVersion", "ErrorWrongServerVersionDelegate", "ErrorIncorrectSchemaVersion", "ErrorInvalidSchemaVersionForMailboxVersion"},
		Hint:     "The server does not speak the version that was asked for (RequestServerVersion), or the mailbox is on a server of another version. Exchange2013_SP1 is for 2013 to Subscription Edition, Exchange2010_SP2 for 2010; use the URL that Autodiscover tells for this mailbox.",
		Retry:    RetryNever,
		Source:   "https://learn.microsoft.com/exchange/client-developer/web-service-reference/requestserverversion",
	},
	{
		Name: "ews-header", ID: EWSOther,
		EWSCodes: []string{"ErrorInvalidExchangeImpersonationHeaderData", "ErrorMoreThanOneAccessModeSpecified"},
		Hint:     "The server does not accept the impersonation header. It holds exactly one of PrincipalName, SID, PrimarySmtpAddress or SmtpAddress, which is not empty, and there is none with an application's own token.",
		Retry:    RetryNever,
		Source:   "https://github.com/OfficeDev/ews-managed-api/issues/212",
	},
	{
		Name: "ews-request", ID: EWSOther,
		EWSCodes: []string{"ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidOperation", "ErrorInvalidPropertySet"},
		Hint:     "The server does not accept the request itself: that is a mistake of the program that made it, or of something between that changed it. Compare with an older version of the program, and report it with the trace.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-not-there", ID: EWSOther,
		EWSCodes: []string{"ErrorItemNotFound", "ErrorFolderNotFound"},
		Hint:     "The mailbox could be opened; the folder or item is not there, or not for this account. Another program may have moved or deleted it.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-full", ID: EWSOther,
		EWSCodes: []string{"ErrorQuotaExceeded", "ErrorMailboxDataArrayTooBig", "ErrorMessageSizeExceeded"},
		Hint:     "The mailbox takes no more: its quota is used up (ProhibitSendReceiveQuota). Reading works; make room or raise the quota before something has to be written (Get-MailboxStatistics, Set-Mailbox).",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "autodiscover-user", ID: EWSOther,
		EWSCodes: []string{"InvalidUser", "Autodiscover500"},
		Hint:     "Autodiscover knows no mailbox of that address. Check it with Get-Recipient; a new mailbox may not have replicated yet.",
		Retry:    RetryNever,
		Source:   "https://learn.microsoft.com/exchange/client-developer/web-service-reference/errorcode-soap",
	},
	{
		Name: "autodiscover-other", ID: EWSOther,
		EWSCodes: []string{"InvalidDomain", "InvalidRequest", "InvalidSetting", "SettingIsNotAvailable", "ServerBusy", "InternalServerError", "NotFederated", "Autodiscover600", "Autodiscover601", "Autodiscover602", "Autodiscover603"},
		Hint:     "Autodiscover answers, and has no settings to give. Look at the event log of the server that answered, and name the address of EWS yourself meanwhile.",
		Retry:    RetryNever,
		Source:   "https://learn.microsoft.com/exchange/client-developer/web-service-reference/errorcode-soap",
	},
	{
		Name: "ews-internal", ID: EWSOther,
		EWSCodes: []string{"ErrorInternalServerError"},
		Hint:     "The server failed, and does not say at what. Try the same call without impersonation to see whose it is, and look at the event log and the EWS log of the server that answered, with the request's id.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},
	{
		Name: "ews-other-code", ID: EWSOther,
		EWSCodes: []string{"Error*"},
		Hint:     "EWS reports an error that is neither about impersonation nor about load. Look the response code up, and try the same call without impersonation to see whose it is.",
		Retry:    RetryNever,
		Source:   sourceEWSCodes,
	},

	// The way to the server: Exchange's own words, under whatever code.
	{
		Name: "shell-gone", ID: ConnectHTTP,
		Categories: []string{"WSMan-InvalidShellID"},
		Hint:       hintShell,
		Retry:      RetryNewSession,
		Source:     "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeOnline/administration/invalidshellid-error-in-rps.md",
	},
	{
		Name: "front-end-logon", ID: ConnectAuth,
		Categories: []string{"LiveID-", "Kerberos-", "Auth-"},
		Hint:       "Exchange's front end refused the logon. Check account and password, and that PowerShell is allowed for it (Get-User NAME | Format-List RemotePowerShellEnabled).",
		Retry:      RetryNever,
		Source:     sourceRemote,
	},
	{
		Name: "front-end", ID: ConnectHTTP,
		Categories: []string{"WSMan-", "Cafe-"},
		Hint:       "Exchange's front end could not hand the session to a back end. Connect to the mailbox server itself by its full name, and check its PowerShell application pools and back-end certificate.",
		Retry:      RetryNewSession,
		Source:     sourceConnect,
	},
	{
		Name: "authz-refused", ID: AccessDenied,
		Categories: []string{"AuthZ-"},
		Hint:       "The logon worked, but Exchange's authorization refused the session. Read the sentence after FailureCategory: most often no role is assigned, or PowerShell is disabled for the account.",
		Retry:      RetryNever,
		Source:     sourceRBAC,
	},
	{
		Name: "no-roles-text", ID: AccessDenied,
		Text:   `(?i)isn't assigned to any management roles|\bRBAC\b`,
		Unless: `CN=RBAC`,
		Hint:   hintNoRoles,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeHybrid/hybrid-configuration-wizard-errors/user-not-assigned-to-any-management-roles.md",
	},
	{
		Name: "rest-denied", ID: AccessDenied,
		Types:        []string{"ODataServiceException"},
		HTTPStatuses: []int{401, 403},
		Hint:         "The logon worked, but no role of the account contains that cmdlet. Assign one that does, then connect again.",
		Retry:        RetryNever,
		Source:       "https://github.com/MicrosoftDocs/office-docs-powershell/issues/7970",
	},
	{
		Name: "quota-code", ID: ConnectQuota,
		WSManCodes: []uint32{
			0x80338037, // ERROR_WSMAN_QUOTA_LIMIT
			0x803381A5, // ERROR_WSMAN_QUOTA_MAX_SHELLS
			0x803381A6, // ERROR_WSMAN_QUOTA_MAX_OPERATIONS
			0x803381AB, // ERROR_WSMAN_QUOTA_MAX_SHELLUSERS
			0x803381E4, // ERROR_WSMAN_QUOTA_MAX_SHELLS_PPQ
			0x803381E5, // ERROR_WSMAN_QUOTA_MAX_USERS_PPQ
			0x803381E6, // ERROR_WSMAN_QUOTA_MAX_PLUGINSHELLS_PPQ
			0x803381E7, // ERROR_WSMAN_QUOTA_MAX_PLUGINOPERATIONS_PPQ
			0x803381E8, // ERROR_WSMAN_QUOTA_MAX_OPERATIONS_USER_PPQ
			0x803381E9, // ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ
		},
		Hint:   hintQuota,
		Retry:  RetryBackoff,
		Source: sourceQuota,
	},
	{
		Name: "load-quota-code", ID: Throttled,
		WSManCodes: []uint32{
			0x803381A7, // ERROR_WSMAN_QUOTA_USER
			0x803381A8, // ERROR_WSMAN_QUOTA_SYSTEM
		},
		Hint:   hintLoad,
		Retry:  RetryBackoff,
		Source: sourceQuota,
	},
	{
		Name: "load-quota-text", ID: Throttled,
		Text: `(?i)(?:system|user) load quota|Systemlastenkontingent|quota de charge|cuota de carga|quota di carico|cota de carga|システム負荷` +
			`|(?:WinRM|WS-Man).{0,600}(?:millise[ck]|ミリ秒|毫秒|миллисек)`,
		Hint:   hintLoad,
		Retry:  RetryBackoff,
		Source: sourceQuota,
	},
	{
		Name: "quota-text", ID: ConnectQuota,
		Layer: LayerRemoting,
		Text: `(?i)m[aáà](?:x|ss)im.{0,60}\bshells?\b|concurrent shells|maximum number of (?:[0-9]+ )?(?:connections|concurrent (?:operations|commands|users))` +
			`|(?:BudgetType|MaxConcurrency|ActiveRunspaces|MI_RESULT_SERVER_LIMITS_EXCEEDED)|最大.{0,12}(?:外壳|殼層|シェル)|シェル.{0,12}最大|максим.{0,60}оболоч`,
		Hint:   hintQuota,
		Retry:  RetryBackoff,
		Source: "https://github.com/soteria-security/365Inspect/issues/38",
	},

	// The way to the server: TLS before logon, because a certificate's code is
	// often wrapped in one of security in general.
	{
		Name: "tls-code", ID: ConnectTLS,
		WSManCodes: []uint32{
			12037, 12038, 12044, 12045, 12157, 12169, 12170, 12175, // WinHTTP: certificate and secure channel
			0x80072F05, 0x80072F06, 0x80072F0D, 0x80072F7D, 0x80072F8F,
			0x80090325, 0x80090326, 0x80090327, 0x80090328, 0x80090331, 0x80090349, // SEC_E_: untrusted root to wrong usage
			0x800B0101, 0x800B0109, 0x800B010A, 0x800B010C, 0x800B010F, 0x80092013, // CERT_E_ and CRYPT_E_REVOCATION_OFFLINE
			0x803381BA, // ERROR_WSMAN_SSL_CONNECTION_ABORTED
		},
		Hint:   hintTLS,
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/windows/win32/winhttp/error-messages",
	},
	{
		Name: "tls-text", ID: ConnectTLS,
		Text: `(?i)x509: |\btls: |CERTIFICATE_VERIFY_FAILED|SSLHandshakeException|SSLError|SSL connection could not be established|certificate (?:chain|verify|has expired|is not trusted|is invalid)` +
			`|SSL/TLS secure channel|RemoteCertificate(?:NameMismatch|ChainErrors)|SSL certificate (?:is|contains|has|problem)|unable to verify the first certificate`,
		Hint:   hintTLS,
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
	},
	{
		Name: "tls-certificate", ID: ConnectTLS,
		Layer: LayerRemoting,
		Text: `(?i)(?:server|SSL)[ -]?(?:certificate|zertifikat)|SSL library|certificat (?:SSL|d[eu] serveur)|certificado (?:SSL|de servidor|del servidor|do servidor)` +
			`|certificato (?:SSL|server|del server)|(?:SSL|サーバー) ?証明書|(?:SSL|服务器) ?证书|сертификат (?:SSL|сервера)`,
		Hint:   hintTLS,
		Retry:  RetryNever,
		Source: "https://github.com/microsoft/azure-pipelines-tasks/issues/1774",
	},

	// The way to the server: logon.
	{
		Name: "authz-code", ID: AccessDenied,
		WSManCodes: []uint32{0x80540FA0},
		Hint:       hintAuthZ,
		Retry:      RetryNever,
		Source:     "https://github.com/ktecv2000/ProxyShell/issues/1",
	},
	{
		Name: "authz-id", ID: AccessDenied,
		ErrorIDs: []string{"IncorrectProtocolVersion"},
		Layer:    LayerRemoting,
		Hint:     hintAuthZ,
		Retry:    RetryNever,
		Source:   "https://github.com/MicrosoftDocs/office-docs-powershell/issues/1218",
	},
	{
		Name: "kerberos-name", ID: ConnectAuth,
		WSManCodes: []uint32{
			0x80090303, // SEC_E_TARGET_UNKNOWN
			0x80090322, // SEC_E_WRONG_PRINCIPAL
		},
		Hint:   "Kerberos does not know the server by this name. Use its full name, no alias or address; setspn -Q HTTP/NAME shows which account holds the name, and there must be exactly one.",
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
	},
	{
		Name: "kerberos-clock", ID: ConnectAuth,
		WSManCodes: []uint32{0x80090324}, // SEC_E_TIME_SKEW
		Hint:       "The clocks differ by more than Kerberos allows, five minutes by default. Set the time of this machine from the domain, then log on again.",
		Retry:      RetryNever,
		Source:     sourceTroubleshoot,
	},
	{
		Name: "logon-code", ID: ConnectAuth,
		WSManCodes: []uint32{
			5, 1311, 1312, 1326, 1327, 1330, 1331, 1355, 1385, 1907, 1909, // Win32: access denied to account locked out
			0x80070005, 0x8007051F, 0x80070520, 0x8007052E, 0x8007052F, 0x80070532, 0x80070533, 0x80070775,
			0x80090302, 0x80090304, 0x80090305, 0x80090306, 0x80090308, 0x8009030C, 0x8009030D, 0x8009030E,
			0x80090311, 0x80090342, 0x80090346, 0x80090363,
			0x8033809D, // ERROR_WSMAN_SECURITY_UNMAPPED
			0x803380DE, // ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED
			0x803380E2, // ERROR_WSMAN_CLIENT_KERBEROS_DISABLED
			0x803380E4, // ERROR_WSMAN_SERVER_NOT_TRUSTED
			0x803380E5, // ERROR_WSMAN_EXPLICIT_CREDENTIALS_REQUIRED
			0x8033810B, // ERROR_WSMAN_KERBEROS_IPADDRESS
			0x8033810C, // ERROR_WSMAN_CANNOTUSE_KERBEROS_IN_WORKGROUP
			0x8033810E, // ERROR_WSMAN_SERVER_DESTINATION_LOCALHOST
			0x803381BB, // ERROR_WSMAN_CANNOT_USE_IP
			0x803381F0, // ERROR_WSMAN_MUTUAL_AUTH_FAILED
		},
		Hint:   hintLogon,
		Retry:  RetryNever,
		Source: sourceConnectIDs,
	},
	{
		Name: "logon-id", ID: ConnectAuth,
		Layer: LayerRemoting,
		ErrorIDs: []string{
			"AccessDenied", "AuthenticationFailed", "LogonFailure", "InvalidAuthentication", "ClientKerberosDisabled", "ServerNotTrusted",
			"WorkgroupCannotUseKerberos", "ExplicitCredentialsRequired", "TargetUnknown", "CannotUseIPAddress",
		},
		Hint:   hintLogon,
		Retry:  RetryNever,
		Source: sourceConnectIDs,
	},

	// The way to the server: the network, and the web server.
	{
		Name: "network-lost", ID: ConnectNetwork,
		WSManCodes: []uint32{
			995, 1115, 12002, 12030, 10054, 10060, 0x80072EE2, 0x80072EFE,
			0x80338126, // ERROR_WSMAN_NETWORK_TIMEDOUT
		},
		Hint:   "The link was cut or the time ran out: what the server did before is not known. Connect again and read the state before you repeat anything.",
		Retry:  RetryReread,
		Source: sourceConnectIDs,
	},
	{
		Name: "network-code", ID: ConnectNetwork,
		WSManCodes: []uint32{
			53, 1722, 10061, 11001, 12007, 12029, 0x80072EE7, 0x80072EFD, 0x800706BA,
			0x80338012, // ERROR_WSMAN_CANNOT_CONNECT
			0x803381B9, // ERROR_WSMAN_NAME_NOT_RESOLVED
		},
		Hint:   "No answer from that address. Check the server's name and port (80 for Kerberos, 443 for TLS), the firewall, and that the site's application pools run.",
		Retry:  RetryNever,
		Source: sourceConnectIDs,
	},
	{
		Name: "network-id", ID: ConnectNetwork,
		Layer: LayerRemoting,
		ErrorIDs: []string{
			"NetworkPathNotFound", "ComputerNotFound", "ImproperResponse", "CannotConnect",
			"WinRMOperationTimeout", "ShutDownInProgress", "WinRMOperationAborted",
		},
		Hint:   hintNetwork,
		Retry:  RetryReread,
		Source: sourceConnectIDs,
	},
	{
		Name: "shell-gone-id", ID: ConnectHTTP,
		Layer:    LayerRemoting,
		ErrorIDs: []string{"CannotConnectTargetSessionDoesNotExist", "-2144108453"},
		Hint:     hintShell,
		Retry:    RetryNewSession,
		Source:   sourceConnectIDs,
	},
	{
		Name: "http-code", ID: ConnectHTTP,
		WSManCodes: []uint32{
			0x80338002, // ERROR_WSMAN_INVALID_URI
			0x8033802D, // ERROR_WSMAN_URI_LIMIT
			0x803380F5, // ERROR_WSMAN_HTTP_NO_RESPONSE_DATA
			0x803380F7, // ERROR_WSMAN_HTTP_CONTENT_TYPE_MISSMATCH_RESPONSE_DATA
			0x8033810F, // ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED
			0x80338110, // ERROR_WSMAN_UNSUPPORTED_HTTP_STATUS_REDIRECT
			0x80338111, // ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS
			0x80338112, // ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS
			0x80338113, // ERROR_WSMAN_HTTP_NOT_FOUND_STATUS
			0x8033814C, // ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE
			0x80338170, // ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR
			0x80338171, // ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST
			0x80338199, // ERROR_WSMAN_REDIRECT_REQUESTED
			0x803381B5, // ERROR_WSMAN_INVALID_REDIRECT_ERROR
			0x803381B7, // ERROR_WSMAN_REDIRECT_LOCATION_INVALID
		},
		Hint:   hintHTTP,
		Retry:  RetryNever,
		Source: sourceConnectIDs,
	},
	{
		Name: "http-id", ID: ConnectHTTP,
		Layer: LayerRemoting,
		ErrorIDs: []string{
			"URLNotAvailable", "InvalidResourceUri", "RedirectLocationInvalid", "RedirectInformationRequired",
			"CannotConnectWinRMService", "WinRMHttpError", "URIExceedsMaxAllowedSize", "WinRMOperationNotSupportedOnServer",
		},
		Hint:   hintHTTP,
		Retry:  RetryNever,
		Source: sourceConnectIDs,
	},
	{
		Name: "exchange-catch-all", ID: ConnectHTTP,
		Layer:      LayerRemoting,
		WSManCodes: []uint32{0x80338043}, // ERROR_WSMAN_INVALID_XML
		Hint:       "Exchange answered with something that is not WS-Management: this code stands for any trouble of the front end. An account name that ends in $ does it too. Try the mailbox server itself, and look at its HttpProxy\\PowerShell log.",
		Retry:      RetryNewSession,
		Source:     "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/client-connectivity/exchange-security-update-issues.md",
	},

	// The service's own faults, before any text: an unknown code is still a code.
	{
		Name: "wsman-timeout", ID: WSManFault,
		WSManCodes: []uint32{0x80338029}, // ERROR_WSMAN_OPERATION_TIMEDOUT
		Hint:       "A poll for output ended without any: while a command runs this is no error, and the client asks again. If it ends a command, read the state before you repeat it.",
		Retry:      RetryReread,
		Source:     sourceWSMV,
	},
	{
		Name: "wsman-code", ID: WSManFault,
		Layer:  LayerWSMan,
		Hint:   "The WS-Management service refused the request. Look the code up; for Exchange check that the address ends in /PowerShell/ and the configuration is Microsoft.Exchange, not port 5985.",
		Retry:  RetryNever,
		Source: sourceWSMV,
	},

	// The way to the server: text.
	{
		Name: "session-disabled", ID: ConnectAuth,
		Layer: LayerRemoting,
		Text: `(?i)PowerShell.{0,80}(?:disabled|deaktiviert|d[eé]sactiv|deshabilit|disabilit|desabilit|desativ|отключен|無効|禁用|停用)` +
			`|RemotePowerShellEnabled`,
		Hint:   "The logon is known, but remote PowerShell is switched off for this account. Set-User NAME -RemotePowerShellEnabled $true, then connect again.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/powershell/exchange/control-remote-powershell-access-to-exchange-servers",
	},
	{
		Name: "network-text", ID: ConnectNetwork,
		Text: `(?i)winrm quickconfig|no such host|connection refused|actively refused|i/o timeout|connection reset by peer|name or service not known|No route to host|network is unreachable` +
			`|server name cannot be resolved|remote name could not be resolved|cannot connect to the destination|operation within the time specified|connection .{0,40}was (?:closed|refused|reset)` +
			`|Couldn't connect to server|could not resolve host|ConnectTimeoutError|connection to .{1,100} timed out`,
		Unless: `TrustedHosts`,
		Hint:   hintNetwork,
		Retry:  RetryReread,
		Source: sourceConnect,
	},
	{
		Name: "logon-text", ID: ConnectAuth,
		Layer: LayerRemoting,
		Text: `TrustedHosts|Kerberos|NTLM|CredSSP|MI_RESULT_ACCESS_DENIED|(?i:Basic authentication|authorization failed|unencrypted traffic|user ?name or password|logon session|unauthorized|\b401\b)|` +
			deniedText,
		Hint:   hintLogon,
		Retry:  RetryNever,
		Source: sourceConnect,
	},
	{
		Name: "logon-library", ID: ConnectAuth,
		Text:   `KDC_ERR_[A-Z_]+|KRB_AP_ERR_[A-Z_]+|KRB5[A-Z0-9_]+|GSS_S_[A-Z_]+|SEC_E_LOGON_DENIED|authGSS[A-Za-z]+|Kerberos[A-Za-z]*Error|SpnegoError|WinRMAuthorizationError|UnauthorizedError|AuthenticationError: Failed to authenticate|(?i:unspecified GSS failure|in kerberos database|clock skew too great|cannot find KDC|preauthentication failed|no kerberos credentials|credentials were rejected by the server)`,
		Hint:   "Kerberos or NTLM refused the logon. Check account, realm (upper case) and password, the clock, and that the server is named by its full name: its HTTP service name must exist exactly once.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/troubleshoot/windows-server/windows-security/kerberos-authentication-problems-if-user-belongs-to-groups",
	},
	{
		Name: "network-firewall", ID: ConnectNetwork,
		Layer:  LayerRemoting,
		Text:   `(?i)firewall|pare-feu|ファイアウォール|防火[墙牆]|брандмауэр`,
		Hint:   "The time ran out without an answer. Check name, port and firewall; if a command was running, read the state before you repeat it.",
		Retry:  RetryReread,
		Source: sourceConnect,
	},

	// Bare HTTP.
	{
		Name: "http-401", ID: ConnectAuth,
		HTTPStatuses: []int{401},
		Hint:         "The server does not accept this logon. Check account and password and which methods WWW-Authenticate offers; with Extended Protection the client must bind to the TLS channel, and a load balancer that ends TLS breaks that.",
		Retry:        RetryNever,
		Source:       sourceConnect,
	},
	{
		Name: "http-429", ID: Throttled,
		HTTPStatuses: []int{429},
		Hint:         "Too many requests. Wait as long as Retry-After says, else a minute, and do less at a time.",
		Retry:        RetryBackoff,
		Source:       sourceEWSThrottling,
	},
	{
		Name: "ews-forbidden", ID: ConnectHTTP,
		HTTPStatuses: []int{403},
		Layer:        LayerEWS,
		Hint:         "Exchange Web Services are closed to this client: EwsEnabled is false, or EwsApplicationAccessPolicy with EwsAllowList or EwsBlockList names its user agent (ours is exgrant). Look at both places: Get-OrganizationConfig | Format-List Ews*, and Get-CASMailbox MAILBOX | Format-List Ews*.",
		Retry:        RetryNever,
		Source:       sourceEWSAccess,
	},
	{
		Name: "http-403", ID: ConnectHTTP,
		HTTPStatuses: []int{403},
		Hint:         "The server knows the address but forbids it. For PowerShell: the virtual directory requires SSL and you came by http. For EWS: EwsEnabled or EwsApplicationAccessPolicy, of the organization or the mailbox, blocks this client.",
		Retry:        RetryNever,
		Source:       sourceEWSAccess,
	},
	{
		Name: "http-away", ID: ConnectHTTP,
		HTTPStatuses: []int{500, 502, 503, 504},
		Hint:         "The web server is up, what is behind it is not: an application pool is stopped or starting, or the back end does not answer. Try again in a minute, then look at IIS on the server that answered.",
		Retry:        RetryBackoff,
		Source:       sourceEWSThrottling,
	},
	{
		Name: "http-status", ID: ConnectHTTP,
		HTTPStatuses: []int{3, 4, 5},
		Hint:         "A web server answered, but not as Exchange does. Check the address: /PowerShell/ for PowerShell, /EWS/Exchange.asmx for EWS, and that no proxy or portal is between.",
		Retry:        RetryNever,
		Source:       sourceConnect,
	},

	// EWS without a code.
	{
		Name: "ews-impersonation-text", ID: EWSImpersonationDenied,
		Text:   `(?i)permission to impersonate|cannot impersonate the requested user|impersonation (?:error|failed|is not|denied|rights?)`,
		Hint:   hintImpersonation,
		Retry:  RetryNever,
		Source: sourceImpersonation,
	},
	{
		Name: "ews-text", ID: EWSOther,
		Text:   `(?i)An internal server error occurred\. The operation failed|mailbox primary SMTP address for any distinguished folder`,
		Hint:   hintEWS,
		Retry:  RetryNever,
		Source: sourceEWSCodes,
	},
	{
		Name: "ews-not-the-service", ID: ConnectHTTP,
		HTTPStatuses: []int{2},
		Layer:        LayerEWS,
		Hint:         "Something answers with success, and not as EWS does: a page of a portal, proxy or load balancer, or an answer that was cut or changed on its way. Ask the server itself, with nothing between, and check that the path is /EWS/Exchange.asmx.",
		Retry:        RetryNever,
		Source:       sourceConnect,
	},
	{
		Name: "ews-layer", ID: EWSOther,
		Types: []string{
			"", "ServiceResponseException", "ServiceRequestException", "ServiceLocalException", "ServiceVersionException",
			"AutodiscoverLocalException", "AutodiscoverRemoteException",
		},
		Layer:  LayerEWS,
		Hint:   hintEWS,
		Retry:  RetryNever,
		Source: sourceEWSCodes,
	},

	// The way to the server: what is left.
	{
		Name: "http-text", ID: ConnectHTTP,
		Layer:  LayerRemoting,
		Text:   `WinRM|WS-Man|\bHTTPS?\b|Bad Request|Forbidden|Service Unavailable|Bad Gateway`,
		Hint:   hintHTTP,
		Retry:  RetryNever,
		Source: sourceConnect,
	},
	{
		Name: "session-lost", ID: ConnectNetwork,
		Types: []string{
			"PSRemotingTransportException", "PSRemotingDataStructureException",
			"InvalidRunspaceStateException", "InvalidRunspacePoolStateException",
		},
		Hint:   hintLost,
		Retry:  RetryReread,
		Source: "https://github.com/microsoft/CompliancePartnerWorkshops/issues/12",
	},
	{
		Name: "session-lost-text", ID: ConnectNetwork,
		Text:   `about_Remote_Troubleshooting|PSRemotingTransportException|InvalidSessionState\b|(?i:session in which it was intended to run was either closed or broken)`,
		Hint:   hintLost,
		Retry:  RetryReread,
		Source: sourceTroubleshoot,
	},

	// Cmdlets: text that stands alone. Here the type is not known.
	{
		// Exchange Online's newer module shows a type of its own for everything.
		Name: "dehydrated-text", ID: Dehydrated,
		Types:  []string{"InvalidOperationException", ""},
		Text:   dehydratedText,
		Hint:   hintCustomize,
		Retry:  RetryAfterCustomization,
		Source: sourceCustomization,
	},
	{
		Name: "dehydrated-name", ID: Dehydrated,
		Types:  []string{""},
		Text:   `\bInvalidOperationInDehydratedContextException\b`,
		Hint:   hintCustomize,
		Retry:  RetryAfterCustomization,
		Source: "https://github.com/MicrosoftLearning/MS-102T00-Microsoft-365-Administrator-Essentials/pull/171",
	},
	{
		Name: "object-ambiguous-text", ID: PrincipalAmbiguous,
		Types:  []string{""},
		Text:   `(?i)matches multiple entries|multiple recipients match`,
		Hint:   hintAmbiguous,
		Retry:  RetryNever,
		Source: "https://github.com/timmcmic/DLConversionV2/issues/170",
	},
	{
		Name: "object-not-found-text", ID: PrincipalNotFound,
		Types: []string{""},
		// In other languages: 'object' ... 'server.domain.name', and that it was not found.
		Text: `(?i)object ["'][^"']{1,1000}["'] couldn't be found|couldn't find .{0,40}["'][^"']{1,400}["']\.? make sure|["'][^"']{1,400}["'] wasn't found\. please make sure` +
			`|(?:no se (?:ha )?(?:podido |pudo )?(?:encontr|localiz)\S+|non .{0,20}trovat\S|não .{0,20}(?:encontrad|localizad)\S).{0,30}["'][^"']{1,400}["'].{1,40}["'][a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}["']` +
			`|["'][^"']{1,400}["'].{1,40}["'][a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}["'].{0,20}(?:nicht gefunden|introuvable|trouvé|見つかりません|找不到|未找到|не найден)`,
		Unless: `(?i)\bpolicy\b`,
		Hint:   hintNotFound,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/cmdlet-parameter-combinations-not-working.md",
	},
}

// knownEWSCodes are the response codes that count wherever they are written, not
// only where EWS puts its code.
var knownEWSCodes = func() []string {
	codes := []string{
		"ErrorMailboxConfiguration", "ErrorMailRecipientNotFound", "ErrorNotEnoughMemory", "ErrorTokenSerializationDenied",
	}
	for _, r := range table {
		for _, code := range r.EWSCodes {
			if strings.HasPrefix(code, "Error") { // others are words of any text
				codes = append(codes, code)
			}
		}
	}
	return codes
}()

// unknown is the rule of what no rule knows.
func unknown() Rule {
	return Rule{
		Name: "unknown", ID: Other,
		Hint:   "No rule knows this error. Read the message; nothing is tried again by itself.",
		Retry:  RetryNever,
		Source: sourceRecords,
	}
}
