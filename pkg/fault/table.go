package fault

import "strings"

// Where facts were taken from more than once.
const (
	sourceCustomization = "https://learn.microsoft.com/powershell/module/exchangepowershell/enable-organizationcustomization"
	sourceAssignment    = "https://learn.microsoft.com/powershell/module/exchangepowershell/new-managementroleassignment"
	sourceRBAC          = "https://learn.microsoft.com/exchange/permissions/permissions"
	sourceRecords       = "https://learn.microsoft.com/powershell/scripting/developer/cmdlet/windows-powershell-error-records"
	sourceBinding       = "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_parameter_binding"
	sourceRemote        = "https://learn.microsoft.com/powershell/exchange/connect-to-exchange-servers-using-remote-powershell"
	sourceFilters       = "https://learn.microsoft.com/powershell/exchange/recipient-filters"
	sourceConnect       = "https://learn.microsoft.com/troubleshoot/exchange/administration/connecting-remote-server-failed"
	sourceTroubleshoot  = "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_remote_troubleshooting"
	sourceEWSCodes      = "https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode"
	sourceEWSThrottling = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange"
	sourceImpersonation = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-configure-impersonation"
	sourceEWSAccess     = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange"
	sourceLDAP          = "https://learn.microsoft.com/openspecs/windows_protocols/ms-adts/"
	sourceLDAPDown      = "https://learn.microsoft.com/en-us/answers/questions/1117619/found-dcdiag-error-in-one-domain-controller"
	sourceKerberos      = "https://web.mit.edu/kerberos/krb5-latest/doc/admin/troubleshoot.html"
	sourceQuota         = "https://learn.microsoft.com/windows/win32/winrm/quotas"
	sourceWSMV          = "https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv/"
	sourceLanguageModes = "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_language_modes"
	sourceSigning       = "https://learn.microsoft.com/exchange/plan-and-deploy/post-installation-tasks/security-best-practices/exchange-serialization-payload-sign"
)

const enableCustomization = "Enable-OrganizationCustomization"

// Hints that several rules give.
const (
	hintCustomize     = "Exchange asks for " + enableCustomization + " first. It cannot be undone, and the real command may be refused for hours after it: repeat that command with growing waits. An Exchange server on-premises is not known to ask for this: check that the shell is not connected to Exchange Online."
	hintCmdlet        = "Exchange hides cmdlets that no role of yours contains. In a plain PowerShell window open the Exchange Management Shell first. If it is missing there too, run it as an administrator of Exchange, or ask one for the role: Role Management is enough for assignments and scopes. Then open a new session."
	hintParameter     = "Check the spelling first: the scope of an assignment is -CustomRecipientWriteScope. Else your roles hide the parameter, or this version of Exchange does not have it: compare with (Get-Command NAME).Parameters in a session of an Organization Management member."
	hintQuota         = "The account has used up its PowerShell sessions. Close sessions that are not needed (Get-PSSession | Remove-PSSession), or wait until idle ones end, then connect again."
	hintNoRoles       = "Is this account to administer Exchange at all? One that only uses EWS needs no PowerShell: run the command as an administrator. Else give it, by its own name (a group of the domain is not enough everywhere), the role Role Management for assignments and scopes, or View-Only Organization Management to read, and open a new session."
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
	hintTLS           = "The certificate or the TLS version of the other side is not accepted. Use the name that is in the certificate, trust its issuer (--ca-file FILE), and check that it has not expired. To Exchange's PowerShell the default connection of exgrant goes without TLS; EWS always needs it."
	hintAuthZ         = "Exchange's authorization refused the session; the protocol version is not the matter. Read the sentence after FailureCategory: most often no role is assigned, or PowerShell is disabled for the account."
	hintLogon         = "The log-on failed. Check account (user@domain or DOMAIN\\user) and password first: repeated failures may lock the account. Use the server's full name, no address. exgrant connect --server SERVER --logon ACCOUNT tells which step refuses; a second hop needs its own credentials."
	hintNetwork       = "No answer from that address, or it stopped half-way. exgrant connect --server SERVER --logon ACCOUNT finds the step at which it ends; check name, port and firewall. If a command was running, read the state before you repeat it."
	hintHTTP          = "A web server answered, but not as Exchange PowerShell. Use http://SERVER/PowerShell/ with the server's full name, see that no proxy is between, and check the PowerShell virtual directory: Get-PowerShellVirtualDirectory, and in IIS that SSL is not required and MSExchangePowerShellFrontEndAppPool runs."
	hintEWS           = "EWS reports an error without its code. Ask the tool for the response code (a trace of the EWS response), and try the same call without impersonation."
	hintName          = "Nothing was sent: DNS has no address for that name. Check the spelling and use the full name; nslookup NAME asks the same question. Where DNS does not know the server, give its address beside the name: --connect-to ADDRESS:PORT."
	hintClock         = "The clocks differ by more than Kerberos allows, five minutes by default. Set the time of this machine from the domain, then log on again."
	hintNoKDC         = "The password was not even tried: no domain controller answered as KDC. See that DNS finds _kerberos._tcp.DOMAIN and that its port 88, TCP and UDP, is open from here; on Linux compare realm and kdc in /etc/krb5.conf. An account without its domain leads there too: use user@domain."
	hintLocked        = "More tries with the password make this worse: the account is locked, disabled or expired. Stop every program that has an old password, then ask a domain administrator: Get-ADUser ACCOUNT -Properties LockedOut, AccountExpirationDate."
	hintLost          = "The session could not be opened, or it broke, and no cause is shown. Connect again and read the state before you repeat anything; $Error[0].Exception has ErrorCode and TransportMessage."
)

// dehydratedText holds the two English sentences that ask for customization. The
// name of the cmdlet alone is not enough: it is in its own errors too.
const dehydratedText = `(?i)(?:isn't|is not|not) (?:currently )?allowed (?:in your|for the|in this) organization.{0,120}` + enableCustomization +
	`|organization with disabled customizations`

// dehydratedSentence is what those two sentences say word for word, and nothing
// else does.
const dehydratedSentence = `isn.t (?:currently )?allowed in your organization\. To run this command, you first need to run the command: ?` + enableCustomization +
	`|not allowed for the organization with disabled customizations`

// deniedText is "access is denied" in the languages of Windows.
var deniedText = `(?i)` + deniedWords

var deniedWords = `Access (?:is )?denied|` + spoken(saysDenied)

// missing matches a command of this name that PowerShell does not find.
func missing(name string) string {
	return `["'«] ?` + name + ` ?["'»] [^.:"']{0,60}\b(?i:cmdlet)\b|ObjectNotFound: ?\(` + name + `:String\)`
}

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
		// Whatever carried it: a portal, a web server's status, a mail.
		Name: "dehydrated-sentence", ID: Dehydrated,
		Types: []string{
			"", "InvalidOperationException", "PSRemotingTransportException", "PSRemotingDataStructureException", "ODataServiceException",
			"WebException", "HttpRequestException", "HttpResponseException", "CimException", "ServiceResponseException",
		},
		Text:   `(?i)` + dehydratedSentence,
		Hint:   hintCustomize,
		Retry:  RetryAfterCustomization,
		Source: sourceCustomization,
	},
	{
		// What an installer says that ran the command and goes on waiting.
		Name: "dehydrated-waiting", ID: Dehydrated,
		Types:  []string{""},
		Text:   `(?i)customization has been enabled, but this has not yet taken effect`,
		Hint:   "Nothing to do but wait: " + enableCustomization + " has run, and the organization answers as before for minutes to hours, at times a day. Let the program go on, or start it again later.",
		Retry:  RetryCommand,
		Source: sourceCustomization,
	},
	{
		Name: "dehydrated-type", ID: Dehydrated,
		Types:  []string{"InvalidOperationInDehydratedContextException"},
		Hint:   hintCustomize,
		Retry:  RetryAfterCustomization,
		Source: sourceCustomization,
	},
	{
		Name: "shell-not-loaded", ID: CmdletMissing,
		Types:   []string{"CommandNotFoundException", ""},
		Text:    missing(`Connect-ExchangeServer`),
		Meaning: "this is not the Exchange Management Shell",
		Who:     whoRan,
		Hint:    "Nothing was run: Connect-ExchangeServer is a function of the Exchange Management Shell. Open that shell, or load it where the tools are installed: . $env:ExchangeInstallPath\\bin\\RemoteExchange.ps1. Without the tools connect with New-PSSession -ConfigurationName Microsoft.Exchange.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/powershell/exchange/open-the-exchange-management-shell",
	},
	{
		// Their cmdlets are written with the capital that follows, Exchange's own
		// three of the directory are not among them.
		Name: "module-not-loaded", ID: CmdletMissing,
		Types:   []string{"CommandNotFoundException", ""},
		Text:    missing(`(?:Connect-(?:ExchangeOnline|IPPSSession|MgGraph|AzureAD|MsolService)|[A-Za-z]+-(?:AD|Mg|Msol|AzureAD|Az|EXO)[A-Z][A-Za-z]*)`),
		Unless:  `-AD(?:ServerSettings|Permission|Site)`,
		Meaning: "the module that has this cmdlet is not loaded",
		Who:     whoRan,
		Hint:    "Nothing was run, and no role is missing: the cmdlet is of another product. Install its module and import it: ActiveDirectory (RSAT) for -AD, ExchangeOnlineManagement for Connect-ExchangeOnline and -EXO, Microsoft.Graph for -Mg, Az for -Az. Exchange on-premises needs none of them.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_modules",
	},
	{
		Name: "program-not-found", ID: CmdletMissing,
		Types:   []string{"CommandNotFoundException", ""},
		Text:    missing(`[^"'()–— -]{1,200}`),
		Meaning: "there is no such program or script here",
		Who:     whoRan,
		Hint:    "Nothing was run: the program is not installed, or its folder is not in PATH. Check the spelling, and give the whole path; one in the present folder needs .\\ before its name. A cmdlet has a dash in its name.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_command_precedence",
	},
	{
		Name: "cmdlet-missing-type", ID: CmdletMissing,
		Types:  []string{"CommandNotFoundException"},
		Hint:   hintCmdlet,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "cmdlet-missing-text", ID: CmdletMissing,
		Types:  []string{""},
		Text:   `(?i)not recognized as (?:the|a) name of a cmdlet|the term .{1,120} is not recognized|` + spoken(saysNoCmdlet),
		Hint:   hintCmdlet,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "account-missing", ID: Other,
		ErrorIDs: []string{"MissingArgument"},
		Cmdlets:  []string{"New-ManagementRoleAssignment", ""},
		Text:     `(?i)["'](?:User|SecurityGroup)["']`,
		Meaning:  "the command has no account after -User",
		Hint:     "Nothing was run. Write the account after -User: New-ManagementRoleAssignment -Role ApplicationImpersonation -User 'DOMAIN\\account'. Without a scope that reaches every mailbox: add -CustomRecipientWriteScope 'NAME', or let exgrant script grant write the command.",
		Retry:    RetryNever,
		Source:   sourceAssignment,
	},
	{
		Name: "argument-missing", ID: Other,
		ErrorIDs: []string{"MissingArgument"},
		Meaning:  "a parameter of the command has no value",
		Hint:     "Nothing was run. The message names the parameter: write its value behind it, in quotes when it has spaces or a backslash.",
		Retry:    RetryNever,
		Source:   sourceBinding,
	},
	{
		Name: "argument-missing-text", ID: Other,
		Text:    `(?i)missing an argument for parameter ["'](?:User|SecurityGroup)["']`,
		Meaning: "the command has no account after -User",
		Hint:    "Nothing was run. Write the account after -User: New-ManagementRoleAssignment -Role ApplicationImpersonation -User 'DOMAIN\\account'. Without a scope that reaches every mailbox: add -CustomRecipientWriteScope 'NAME', or let exgrant script grant write the command.",
		Retry:   RetryNever,
		Source:  sourceAssignment,
	},
	{
		Name: "positional-parameter", ID: Other,
		ErrorIDs: []string{"PositionalParameterNotFound"},
		Meaning:  "a name with a space is not in quotes",
		Hint:     "Nothing was run. The word in the message was left over: put the whole name in quotes, for example -SecurityGroup 'Reschedule Users'.",
		Retry:    RetryNever,
		Source:   sourceBinding,
	},
	{
		Name: "positional-parameter-text", ID: Other,
		Text:    `(?i)positional parameter cannot be found that accepts argument`,
		Meaning: "a name with a space is not in quotes",
		Hint:    "Nothing was run. The word in the message was left over: put the whole name in quotes, for example -SecurityGroup 'Reschedule Users'.",
		Retry:   RetryNever,
		Source:  sourceBinding,
	},
	{
		Name: "script-policy", ID: Other,
		Text:    `(?i)running scripts is disabled on this system|is not digitally signed|about_Execution_Policies`,
		Meaning: "Windows does not run this script file",
		Hint:    "Nothing was run: Get-ExecutionPolicy -List shows the policy. Sign the script (Set-AuthenticodeSignature), or for this window only Set-ExecutionPolicy RemoteSigned -Scope Process and, for a downloaded file, Unblock-File FILE. A Group Policy wins over both: ask who keeps it.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_execution_policies",
	},
	{
		Name: "no-wsman-client", ID: Other,
		Text:    `(?i)no supported WSMan client library was found`,
		Meaning: "this PowerShell cannot speak to WinRM",
		Hint:    "Nothing was sent: PowerShell on Linux and macOS has no WSMan client of its own. exgrant needs none: exgrant connect --server SERVER --logon ACCOUNT, from the same computer.",
		Retry:   RetryNever,
		Source:  "https://github.com/PowerShell/PowerShell/issues/12310",
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
		Types:  []string{""},
		Text:   `(?i)parameter cannot be found that matches parameter name|` + spoken(saysNoParameter),
		Hint:   hintParameter,
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "runspace-rate", ID: ConnectQuota,
		Text:   `(?i)exceeded your budget to create runspace`,
		Hint:   "Too many sessions were opened in a short time; how many are open does not matter. Wait a minute, then open one and keep it for all commands.",
		Retry:  RetryBackoff,
		Source: "https://learn.microsoft.com/powershell/exchange/connect-to-exchange-online-powershell",
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
		Text:   `(?i)delegating (?:management )?role assignment|` + spoken(saysDelegating),
		Hint:   "Your account may not hand this role on. Add it to Organization Management by its own name, or give it a delegating assignment of the role, then open a new session. Right after the organization was customized the same answer can pass within the hour.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/en-us/answers/questions/1336420/exchange-impersonation-error-unable-to-open-user-m",
	},
	{
		Name: "directory-rights", ID: AccessDenied,
		Text:   `INSUFF?_ACCESS_RIGHTS`,
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
		Name: "directory-denied-text", ID: AccessDenied,
		Types:  []string{""},
		Text:   `(?i)Active Directory operation failed on .{1,300}(?:` + deniedWords + `|insufficient access)`,
		Hint:   hintDirectory,
		Retry:  RetryNever,
		Source: "https://github.com/microsoft/CSS-Exchange/issues/60",
	},
	{
		Name: "role-definition", ID: AccessDenied,
		Text:   `(?i)(?:parameter|cmdlet).{0,120} in the role definition for the current user|isn't supported in this scenario.{0,120}directory roles|raise an elevated access request`,
		Hint:   "The log-on worked; no role of the account contains that cmdlet or parameter. Ask an Organization Management member for the role that has it (Get-ManagementRoleEntry '*\\CMDLET'), then open a new session.",
		Retry:  RetryNever,
		Source: "https://github.com/Microsoft365DSC/Microsoft365DSC/issues/6753",
	},
	{
		Name: "graph-denied", ID: AccessDenied,
		Text:   `Authorization_RequestDenied|(?i:insufficient privileges to complete the operation)`,
		Hint:   "Microsoft Graph answered, not Exchange: the application or account lacks the permission for this call in Entra ID. Roles of an organization on-premises do not matter there.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/graph/resolve-auth-errors",
	},
	{
		Name: "snap-in-rights", ID: AccessDenied,
		Types:  []string{"UnauthorizedAccessException"},
		Text:   `(?i)registry key`,
		Hint:   "The Exchange snap-in was loaded into a plain PowerShell and needs Windows rights on the server. Use remote PowerShell instead: the Exchange Management Shell, or New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://SERVER/PowerShell/ -Authentication Kerberos.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/answers/questions/202408/exchange-2016-set-mailboxautoreplyconfiguration-ac",
	},
	{
		Name: "snap-in-rights-text", ID: AccessDenied,
		Types:  []string{""},
		Text:   `(?i)access to the registry key .{1,300} is denied`,
		Hint:   "The Exchange snap-in was loaded into a plain PowerShell and needs Windows rights on the server. Use remote PowerShell instead: the Exchange Management Shell, or New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://SERVER/PowerShell/ -Authentication Kerberos.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/answers/questions/202408/exchange-2016-set-mailboxautoreplyconfiguration-ac",
	},
	{
		Name: "file-rights", ID: AccessDenied,
		Types:   []string{"UnauthorizedAccessException", ""},
		Text:    `(?i)access to the path .{1,300} is denied`,
		Meaning: "Windows refuses a file or folder",
		Who:     "an administrator of that computer",
		Hint:    "This is about a file on the computer, not about roles of Exchange. Run the shell elevated (Run as administrator), or check the rights on the path that is named.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/dotnet/api/system.unauthorizedaccessexception",
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
		Retry:   RetryCommand,
		Source:  "https://github.com/MicrosoftDocs/office-docs-powershell/issues/6497",
	},
	{
		Name: "already-customized-text", ID: AlreadyCustomized,
		Cmdlets: []string{enableCustomization, ""},
		Types:   []string{"InvalidOperationException", ""},
		Text:    `(?i)already enabled for customization`,
		Unless:  dehydratedText,
		Hint:    hintCustomized,
		Retry:   RetryCommand,
		Source:  "https://github.com/MicrosoftDocs/office-docs-powershell/issues/6497",
	},
	{
		Name: "customization-not-offered", ID: AlreadyCustomized,
		Cmdlets: []string{enableCustomization, ""},
		Types:   []string{"InvalidOperationException", ""},
		Text:    `(?i)operation is(?: not|n't) available in (?:the |your )?current (?:service offer|organization)`,
		Unless:  dehydratedText,
		Hint:    "From " + enableCustomization + " this means that there is nothing to customize; repeat the real command. From any other cmdlet it means that this edition does not offer it.",
		Retry:   RetryCommand,
		Source:  "https://help.bittitan.com/hc/en-us/articles/115008098447-The-account-does-not-have-permission-to-impersonate-the-requested-user",
	},
	{
		Name: "customization-incomplete", ID: Other,
		Cmdlets: []string{enableCustomization},
		Types: []string{
			"ManagementObjectNotFoundException", "ManagementObjectAmbiguousException", "ADObjectAlreadyExistsException",
			"ADOperationException", "DataValidationException", "TaskException", "ScriptExecutionException", "TimeoutException",
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
		Name: "already-member-text", ID: AlreadyExists,
		Types:  []string{""},
		Text:   `(?i)the recipient ["'][^"']{1,300}["'] is already a member of the group ["']`,
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
		Name: "already-exists-sentence", ID: AlreadyExists,
		Types:  []string{"InvalidOperationException", ""},
		Text:   `(?i)can't create the new management (?:role|scope|role assignment).{0,80} because there's already an(?:other)? .{1,40} with the same name`,
		Hint:   hintExists,
		Retry:  RetryReread,
		Source: "https://github.com/Microsoft365DSC/Microsoft365DSC/issues/7124",
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
		Unless: `INSUFF?_ACCESS_RIGHTS|0x31\b|` + deniedText,
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
		Name: "directory-none", ID: Transient,
		Types:  []string{""},
		Text:   `(?i)could not find any available (?:Global Catalog|Domain Controller) in (?:forest|domain|site)\b`,
		Unless: `(?i)Permanent|too many transient`,
		Hint:   "Exchange sees no domain controller that it can use. It asks again by itself: try again in a minute. If it stays, check the controllers of this site with Get-ExchangeServer -Status and dcdiag.",
		Retry:  RetryBackoff,
		Source: "https://github.com/MicrosoftDocs/office-docs-powershell/issues/7559",
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
		Text:   `(?i)only be performed by a manager of the group`,
		Hint:   "Only a manager of that group may change it. Add yourself as a manager, or use -BypassSecurityGroupManagerCheck with the Role Management role.",
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/cannot-change-distribution-group-ownership.md",
	},

	// Cmdlets: parameters and sessions.
	{
		Name: "serialization", ID: Serialization,
		Text: `["' \[]Deserialized\.[A-Z]|(?i:cannot convert) .{1,400} to type ["']Microsoft\.Exchange\.Configuration\.Tasks\.[A-Za-z]*IdParameter\b` +
			`|Serializ(?:ation)?(?:ed)?DataSigning|Runtime\.Serialization|(?i:serialized data signing|failed to deserialize|requires to be run inside of exchange management shell)`,
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
		Text:   `\$PSCulture, \$PSUICulture|(?i:no-language mode|restricted language mode|syntax is not supported by this runspace|core types in this language mode)|NoLanguage|RestrictedLanguage|ConstrainedLanguage|InDataSection\b`,
		Hint:   hintLanguage,
		Retry:  RetryNever,
		Source: "https://github.com/jborean93/pypsrp/issues/103",
	},
	{
		Name: "scope-parameter", ID: ScopeError,
		// Not on a command line, nor as a property that is shown.
		Text: `(?:^|[^-–—A-Za-z])(?:(?:Custom|Exclusive)(?:Recipient|Config)WriteScope|(?:Recipient|Server|Database)RestrictionFilter)(?:[^A-Za-z :=]| [^:=]|$)` +
			`|["'](?:RecipientFilter|RecipientRestrictionFilter|Filter)["'].{1,200}["'](?:RecipientFilter|RecipientRestrictionFilter|Filter)["']`,
		Hint:   hintScope,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/office-docs-powershell/issues/6201",
	},
	{
		Name: "scope-filter", ID: ScopeError,
		Text:   `(?i)invalid filter syntax|recipient filter .{0,120}(?:isn't|is not) valid|(?:isn't|is not) a valid (?:recipient |OPath )?filter|exclusive scopes? (?:can't|cannot|can not)|transformation on parameter ['"](?:RecipientRestriction|Recipient)?Filter['"]|recogni[sz]ed filterable property|valid OPath filter|is an exclusive scope`,
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

	// Exchange Web Services: by their own sentences, whatever status carried them.
	{
		Name: "ews-impersonation-text", ID: EWSImpersonationDenied,
		Text: `(?i)permissions? to impersonate|cannot impersonate the requested user|impersonation (?:error|failed|denied)|impersonation is not (?:allowed|set|enabled|granted|configured)` +
			`|(?:\bno|not have|n't have|lacks?|missing|without|insufficient) (?:the |any )?(?:[A-Za-z]{1,20} )?impersonation rights?`,
		Hint:   hintImpersonation,
		Retry:  RetryNever,
		Source: sourceImpersonation,
	},
	{
		Name: "ews-throttled-text", ID: Throttled,
		Text:   `(?i)server cannot service this request right now|exceeded the available concurrent connections|throttling budget for policy part|budget type: ?'?ews`,
		Hint:   "Exchange throttles the account. Wait for BackOffMilliseconds where the answer gives it, else a minute, and do less at a time; Get-ThrottlingPolicyAssociation ACCOUNT shows the policy, an Organization Management member can give a wider one.",
		Retry:  RetryBackoff,
		Source: sourceEWSThrottling,
	},
	{
		Name: "ews-no-mailbox-text", ID: EWSOther,
		Text:   `(?i)SMTP address has no mailbox associated|mailbox does not have SMTP address|no mailbox with such guid|mailbox does not exist`,
		Types:  []string{"", "ServiceResponseException", "ServiceRequestException"},
		Hint:   "There is no mailbox of that address on these servers: a typing error, a mail user, or a mailbox in Exchange Online, which roles of this organization do not reach. Check it with Get-Recipient ADDRESS: RecipientTypeDetails is RemoteUserMailbox for one in the cloud.",
		Retry:  RetryNever,
		Source: "https://github.com/microsoftgraph/microsoft-graph-docs/issues/8861",
	},
	{
		Name: "autodiscover-text", ID: EWSOther,
		Text:   `(?i)autodiscover(?:y)? service (?:couldn't|could not) be (?:located|found)|autodiscover service returned an error|autodiscover .{0,60}(?:failed|redirect url|blocked a potentially insecure)`,
		Unless: `(?i)x509|certificate|SSL|no such host|name or service not known|\b401\b|unauthorized`,
		Hint:   "Autodiscover answered nobody, which says nothing about rights. Name the address of EWS instead, https://SERVER/EWS/Exchange.asmx, and look whether autodiscover.DOMAIN has an address and a certificate that the client trusts.",
		Retry:  RetryNever,
		Source: "https://github.com/OfficeDev/ews-managed-api/issues/275",
	},
	{
		Name: "ews-token", ID: EWSOther,
		Text:   `(?i)permission to serialize tokens`,
		Hint:   "One server may not pass the log-on to the next. On the computer object of the server that answered look at ms-Exch-EPI-Token-Serialization: its own account needs it, and a 'deny' that comes by way of Domain Admins takes it away.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/exchange/troubleshoot/client-connectivity/error-occur-ems-eac-owa",
	},
	{
		Name: "ews-sentence", ID: EWSOther,
		Text: `(?i)none of the client access servers in the destination site|primary SMTP address must be specified when referencing a mailbox|ExchangeImpersonation SOAP header must be present` +
			`|specified (?:object|folder) (?:was not|could not be) found in the store|mailbox move in progress|mailbox primary SMTP address for any distinguished folder|access is denied\. check credentials and try again` +
			`|the request failed schema validation|an internal server error occurred\. the operation failed|` + spoken(saysServerFault),
		Hint:   hintEWS,
		Retry:  RetryNever,
		Source: sourceEWSCodes,
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
		Hint:       "Exchange's front end refused the log-on. Check account and password, and that PowerShell is allowed for it (Get-User NAME | Format-List RemotePowerShellEnabled).",
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
		Hint:       "The log-on worked, but Exchange's authorization refused the session. Read the sentence after FailureCategory: most often no role is assigned, or PowerShell is disabled for the account.",
		Retry:      RetryNever,
		Source:     sourceRBAC,
	},
	{
		Name: "no-roles-text", ID: AccessDenied,
		Weak:   true,
		Text:   `(?i)isn't assigned to any management roles`,
		Hint:   hintNoRoles,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeHybrid/hybrid-configuration-wizard-errors/user-not-assigned-to-any-management-roles.md",
	},
	{
		// In every language the product's sentence has these letters; others use them too.
		Name: "no-roles-remote", ID: AccessDenied,
		Layer:  LayerRemoting,
		Weak:   true,
		Text:   `\bRBAC\b|(?i:` + spoken(saysNoPermission) + `)`,
		Unless: `CN=RBAC`,
		Hint:   hintNoRoles,
		Retry:  RetryNever,
		Source: "https://github.com/MicrosoftDocs/OfficeDocs-SkypeForBusiness-pr.es-ES/blob/0315e4a87d27b39dc801e2d9c2259b5a618a5b88/Skype/SfbOnline/set-up-your-computer-for-windows-powershell/diagnose-problems-with-the-skype-for-business-online-connector.md",
	},
	{
		Name: "rest-denied", ID: AccessDenied,
		Types:        []string{"ODataServiceException"},
		HTTPStatuses: []int{401, 403},
		Hint:         "The log-on worked, but no role of the account contains that cmdlet. Assign one that does, then connect again.",
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
		Weak:   true,
		Text:   `(?i)(?:system|user) load quota|` + spoken(saysLoad),
		Hint:   hintLoad,
		Retry:  RetryBackoff,
		Source: sourceQuota,
	},
	{
		Name: "quota-text", ID: ConnectQuota,
		Layer: LayerRemoting,
		Text: `(?i)` + spoken(saysShells) + `|concurrent shells|maximum number of (?:[0-9]+ )?(?:connections|concurrent (?:operations|commands|users))` +
			`|(?:tenant )?quota has (?:been )?exceeded|(?:BudgetType|MaxConcurrency|ActiveRunspaces|MI_RESULT_SERVER_LIMITS_EXCEEDED)`,
		Hint:   hintQuota,
		Retry:  RetryBackoff,
		Source: "https://github.com/soteria-security/365Inspect/issues/38",
	},

	// The way to the server: TLS before logon, because a certificate's code is
	// often wrapped in one of security in general.
	{
		Name: "tls-expired", ID: ConnectTLS,
		Text:    `(?i)certificate has expired|certificate expired|certificate is valid from [0-9]|CERT_HAS_EXPIRED|expired or is not yet valid`,
		Meaning: "the certificate of the other side is not valid at this time",
		Hint:    "The certificate has expired, or one of the two clocks is wrong: compare them first. A new certificate is put in by whoever keeps the server: Get-ExchangeCertificate shows the dates, Enable-ExchangeCertificate -Services IIS takes the new one.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/powershell/module/exchangepowershell/enable-exchangecertificate",
	},
	{
		Name: "tls-code", ID: ConnectTLS,
		WSManCodes: []uint32{
			12037, 12038, 12044, 12045, 12157, 12169, 12170, 12175, // WinHTTP: certificate and secure channel
			0x80072F05, 0x80072F06, 0x80072F0D, 0x80072F7D, 0x80072F8F,
			0x80090325, 0x80090326, 0x80090327, 0x80090328, 0x80090331, 0x80090349, // SEC_E_: untrusted root to wrong usage
			0x800B0101, 0x800B0109, 0x800B010A, 0x800B010C, 0x800B010F, 0x80092013, // CERT_E_ and CRYPT_E_REVOCATION_OFFLINE
			0x803381BA, // ERROR_WSMAN_SSL_CONNECTION_ABORTED
			0x80338115, // ERROR_WSMAN_HTTPS_LISTENER_CERTIFICATE: no certificate that fits
		},
		Hint:   hintTLS,
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/windows/win32/winhttp/error-messages",
	},
	{
		Name: "tls-text", ID: ConnectTLS,
		Text: `(?i)x509: |\btls: |server.s certificate (?:is for|comes from|is not accepted)|does not speak TLS|server refuses TLS|certificate did not match expected hostname|hostname .{1,200} doesn't match|PKIX path building failed|unable to find valid certification path|no subject alternative|trust relationship for the SSL|remote certificate is invalid|self[- ]signed certificate|wrong version number|handshake[_ ]failure|unrecognized SSL message|does not match the certificate|certificates? (?:does|do) not conform|SSLPeerUnverified|SSLException|certificate (?:has been )?revoked|revocation (?:function|status|server)|EOF occurred in violation of protocol|tlsv1 alert|possess a common algorithm|unable to get (?:local )?issuer|certificate verification failed|certificate is not valid|untrusted root|CERTIFICATE_VERIFY_FAILED|SSLHandshakeException|SSLError|SSL connection (?:could not|cannot) be established|certificate (?:chain|verify|has expired|is not trusted|is invalid)` +
			`|SSL/TLS secure channel|RemoteCertificate(?:NameMismatch|ChainErrors)|SSL certificate (?:is|contains|has|problem)|unable to verify the first certificate|` + spoken(saysNoTrust),
		Unless: `SSLException: Connection reset`, // the network's
		Hint:   hintTLS,
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
	},
	{
		Name: "tls-certificate", ID: ConnectTLS,
		Layer:  LayerRemoting,
		Text:   `(?i)(?:server|SSL)[ -]?certificate|SSL library`,
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
		Name: "kerberos-name-text", ID: ConnectAuth,
		Text:   `(?i)Kerberos.{0,120}cannot find the computer|target (?:principal )?name is incorrect|server not found in kerberos database|KDC_ERR_S_PRINCIPAL_UNKNOWN`,
		Hint:   "The name has an address, and Kerberos does not know it: an alias, a missing trust to that server's domain, or no service name. Use the server's full name; setspn -Q HTTP/NAME must show exactly one account, else a domain administrator sets it.",
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
	},
	{
		Name: "kerberos-clock", ID: ConnectAuth,
		WSManCodes: []uint32{0x80090324}, // SEC_E_TIME_SKEW
		Hint:       hintClock,
		Retry:      RetryNever,
		Source:     sourceTroubleshoot,
	},
	{
		Name: "kerberos-clock-text", ID: ConnectAuth,
		Text:   `KRB_AP_ERR_SKEW|(?i:clock skew too great)`,
		Hint:   hintClock,
		Retry:  RetryNever,
		Source: sourceKerberos,
	},
	{
		Name: "kerberos-no-kdc", ID: ConnectAuth,
		WSManCodes: []uint32{
			1311, 0x8007051F, // ERROR_NO_LOGON_SERVERS
			0x80090311, // SEC_E_NO_AUTHENTICATING_AUTHORITY
		},
		Meaning: "no domain controller could be reached to log on",
		Who:     whoNetwork,
		Hint:    hintNoKDC,
		Retry:   RetryNever,
		Source:  sourceTroubleshoot,
	},
	{
		Name: "kerberos-no-kdc-text", ID: ConnectAuth,
		Text:    `(?i)cannot (?:contact any|locate|find) KDC|cannot resolve (?:servers|network address) for KDC|no logon servers available`,
		Meaning: "no domain controller could be reached to log on",
		Who:     whoNetwork,
		Hint:    hintNoKDC,
		Retry:   RetryNever,
		Source:  sourceKerberos,
	},
	{
		Name: "kerberos-no-ticket", ID: ConnectAuth,
		Text:    `(?i)no credentials cache (?:file )?found|can't find client principal .{1,200} in cache|no kerberos credentials available|no credentials are available in the security package|ExpiredCredentialsError|referenced credential has expired|\bticket expired|KRB_AP_ERR_TKT_EXPIRED`,
		Meaning: "there is no valid Kerberos ticket here",
		Who:     whoRan,
		Hint:    "On Linux and macOS: kinit ACCOUNT@REALM (the realm in upper case), then klist must show the ticket to the account that runs the program; a service renews it or uses a keytab. On Windows give the program the account and password, or log on with an account of the domain.",
		Retry:   RetryNever,
		Source:  sourceKerberos,
	},
	{
		Name: "account-locked", ID: ConnectAuth,
		WSManCodes: []uint32{1331, 1909, 0x80070533, 0x80070775}, // ERROR_ACCOUNT_DISABLED, ERROR_ACCOUNT_LOCKED_OUT
		Meaning:    "the account is locked or disabled",
		Who:        "a domain administrator",
		Hint:       hintLocked,
		Retry:      RetryNever,
		Source:     sourceTroubleshoot,
	},
	{
		Name: "account-locked-text", ID: ConnectAuth,
		Text:    `(?i)client's credentials have been revoked|KDC_ERR_CLIENT_REVOKED|account is currently (?:locked|disabled)|account (?:is|has been) locked`,
		Meaning: "the account is locked or disabled",
		Who:     "a domain administrator",
		Hint:    hintLocked,
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/openspecs/windows_protocols/ms-kile/beb74443-2e5e-4cfa-917e-46ef701a5cb5",
	},
	{
		Name: "password-expired", ID: ConnectAuth,
		Text:    `(?i)password (?:has|is) expired|KDC_ERR_KEY_EXPIRED`,
		Meaning: "the account's password has expired",
		Hint:    "The password was right once and is too old, or must be changed at the first log-on. Set a new one and give it to every program that has the old one; a service account's password should not expire unnoticed.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/openspecs/windows_protocols/ms-kile/beb74443-2e5e-4cfa-917e-46ef701a5cb5",
	},
	{
		Name: "kerberos-encryption", ID: ConnectAuth,
		Text:    `KDC_ERR_ETYPE_NOSUPP|(?i:KDC has no support for encryption type|unknown or unsupported etype|encryption type not supported)`,
		Meaning: "account, client and controller have no encryption type in common",
		Who:     "a domain administrator",
		Hint:    "The password is not the matter. Allow AES for the account (msDS-SupportedEncryptionTypes) and set its password anew, which makes the keys; on Linux compare permitted_enctypes in /etc/krb5.conf.",
		Retry:   RetryNever,
		Source:  "https://learn.microsoft.com/troubleshoot/windows-server/windows-security/unsupported-etype-error-accessing-trusted-domain",
	},
	{
		Name: "kerberos-keytab", ID: ConnectAuth,
		Text:    `(?i)keytab contains no suitable keys|no key table entry found|key table (?:file|entry) .{0,200}not found`,
		Meaning: "the keytab has no key for this account",
		Who:     whoRan,
		Hint:    "klist -ket FILE shows whose keys the keytab has: name and realm must be written as there. After a new password or other encryption types the keytab must be made again (ktpass, ktutil or msktutil).",
		Retry:   RetryNever,
		Source:  sourceKerberos,
	},
	{
		Name: "kerberos-cache", ID: ConnectAuth,
		Text:    `(?i)failed to store credentials|(?:credentials? cache|krb5cc[A-Za-z0-9_]*).{0,120}(?:permission denied|read-only file system|no space left)`,
		Meaning: "the ticket cannot be written on this computer",
		Who:     whoRan,
		Hint:    "The log-on worked; the file for the ticket did not. See whose file it is and that its folder can be written, or choose another: export KRB5CCNAME=FILE:$HOME/krb5cc, then kinit again.",
		Retry:   RetryNever,
		Source:  sourceKerberos,
	},
	{
		Name: "logon-code", ID: ConnectAuth,
		WSManCodes: []uint32{
			5, 1312, 1326, 1327, 1330, 1355, 1385, 1907, // Win32: access denied to password must change
			0x80070005, 0x80070520, 0x8007052E, 0x8007052F, 0x80070532,
			0x80090302, 0x80090304, 0x80090305, 0x80090306, 0x80090308, 0x8009030C, 0x8009030D, 0x8009030E,
			0x80090342, 0x80090346, 0x80090363,
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
		Source: sourceTroubleshoot,
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
		Source: sourceTroubleshoot,
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
		Source: sourceTroubleshoot,
	},
	{
		Name: "name-unknown-code", ID: ConnectNetwork,
		WSManCodes: []uint32{
			11001, 12007, 0x80072EE7,
			0x803381B9, // ERROR_WSMAN_NAME_NOT_RESOLVED
		},
		Meaning: "the server's name has no address",
		Hint:    hintName,
		Retry:   RetryNever,
		Source:  sourceTroubleshoot,
	},
	{
		Name: "network-code", ID: ConnectNetwork,
		WSManCodes: []uint32{
			53, 1722, 10061, 12029, 0x80072EFD, 0x800706BA,
			0x80338012, // ERROR_WSMAN_CANNOT_CONNECT
		},
		Hint:   "Nothing answers at that address and port. Check the server's name and port (80 for Kerberos, 443 for TLS) and the firewall; exgrant connect --server SERVER --logon ACCOUNT tells which step fails.",
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
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
		Source: sourceTroubleshoot,
	},
	{
		Name: "shell-gone-id", ID: ConnectHTTP,
		Layer:    LayerRemoting,
		ErrorIDs: []string{"CannotConnectTargetSessionDoesNotExist", "-2144108453"},
		Hint:     hintShell,
		Retry:    RetryNewSession,
		Source:   sourceTroubleshoot,
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
		Source: sourceTroubleshoot,
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
		Source: sourceTroubleshoot,
	},
	{
		Name: "catch-all-denied", ID: ConnectAuth,
		Layer:      LayerRemoting,
		WSManCodes: []uint32{0x80338043},
		Text:       `(?i)\] ?` + deniedWords,
		Hint:       "Exchange's front end refuses the account. Compare with another account of Organization Management; where every account is refused on one server, look for a 'deny' on that server's computer object (ms-Exch-EPI-Token-Serialization, often by way of Domain Admins).",
		Retry:      RetryNever,
		Source:     "https://learn.microsoft.com/exchange/troubleshoot/client-connectivity/error-occur-ems-eac-owa",
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
		Name: "certificate-mapping", ID: WSManFault,
		WSManCodes: []uint32{0x803381FE},
		Hint:       "A client certificate is mapped to an account whose stored password is no longer right. On the server make the mapping again: New-Item WSMan:\\localhost\\ClientCertificate with the account's present password.",
		Retry:      RetryNever,
		Source:     "https://learn.microsoft.com/powershell/module/microsoft.wsman.management/about/about_wsman_provider",
	},
	{
		Name: "wsman-code", ID: WSManFault,
		Weak:   true,
		Layer:  LayerWSMan,
		Hint:   "The WS-Management service refused the request. Look the code up; for Exchange check that the address ends in /PowerShell/ and the configuration is Microsoft.Exchange, not port 5985.",
		Retry:  RetryNever,
		Source: sourceWSMV,
	},

	// The way to the server: text.
	{
		Name: "host-process", ID: ConnectHTTP,
		Text:   `(?i)could not launch a host process`,
		Hint:   "The server took the request and could not start the process for it (wsmprovhost.exe): memory, a damaged WinRM plug-in, or a policy that forbids it. Look at the server's WinRM and application event logs; restarting the WinRM service is what usually helps.",
		Retry:  RetryBackoff,
		Source: sourceTroubleshoot,
	},
	{
		Name: "session-disabled", ID: ConnectAuth,
		Layer:  LayerRemoting,
		Text:   `(?i)PowerShell.{0,80}disabled|RemotePowerShellEnabled|` + spoken(saysDisabled),
		Hint:   "The log-on is known, but remote PowerShell is switched off for this account. Set-User NAME -RemotePowerShellEnabled $true, then connect again.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/powershell/exchange/control-remote-powershell-access-to-exchange-servers",
	},
	{
		Name: "name-unknown", ID: ConnectNetwork,
		Text: `(?i)no such host|the name [^ ]{1,253} has no address|the DNS (?:does not answer|cannot say)|name or service not known|could not resolve host|server name cannot be resolved|remote name could not be resolved|nodename nor servname|UnknownHostException|\bENOTFOUND\b|name not resolved|getaddrinfo failed|name resolution` +
			`|Name or service|` + spoken(saysNoName),
		Unless:  `TrustedHosts`,
		Meaning: "the server's name has no address",
		Hint:    hintName,
		Retry:   RetryNever,
		Source:  sourceTroubleshoot,
	},
	{
		Name: "port-refused", ID: ConnectNetwork,
		Text:    `(?i)connection refused|refuses connections: nothing listens|actively refused|ECONNREFUSED|` + spoken(saysRefused),
		Unless:  `TrustedHosts`,
		Meaning: "the computer is there, and nothing listens on that port",
		Hint:    "Nothing was sent: that port is closed. Exchange's PowerShell listens on 80 and 443 of the server, WinRM on 5985 and 5986; check address and port, then that IIS (W3SVC) or WinRM runs there.",
		Retry:   RetryNever,
		Source:  sourceConnect,
	},
	{
		Name: "network-text", ID: ConnectNetwork,
		Text: `(?i)(?:["'«]|: ) ?winrm quickconfig|connected party did not properly respond|connected host has failed to respond|no whole answer came|no answer came in time|the connection was cut|there is no route to |[0-9] does not answer|i/o timeout|connection reset by peer|forcibly closed by the remote host|connection was (?:unexpectedly )?closed|No route to host|network is unreachable` +
			`|cannot connect to the destination|operation within the time specified|connection .{0,40}was (?:closed|refused|reset)` +
			`|Couldn't connect to server|unable to connect to the remote server|max retries exceeded|connection reset|connection (?:was )?aborted|\btimed out\b|time-?out (?:period )?(?:elapsed|expired|exceeded)|(?:connect|read|socket|request)[- ]?time-?out|context deadline exceeded|RemoteDisconnected|failed to establish a new connection|EHOSTUNREACH|ETIMEDOUT|ECONNRESET|NoRouteToHost|RPC server is unavailable|network path was not found|ConnectTimeoutError|connection to .{1,100} timed out|` + spoken(saysNoConnection),
		Unless: `TrustedHosts`,
		Hint:   hintNetwork,
		Retry:  RetryReread,
		Source: sourceConnect,
	},
	{
		Name: "no-mechanism", ID: ConnectAuth,
		Text:    `(?i)SPNEGO cannot find mechanisms|acquiring creds with username only failed`,
		Meaning: "this Linux cannot log on with a password",
		Who:     whoRan,
		Hint:    "Nothing was sent. PowerShell on Linux needs the package gss-ntlmssp to log on by NTLM, or a Kerberos ticket: kinit ACCOUNT@REALM, then -Authentication Kerberos. exgrant needs neither: exgrant connect --server SERVER --logon ACCOUNT.",
		Retry:   RetryNever,
		Source:  "https://github.com/PowerShell/PowerShell/issues/12948",
	},
	{
		Name: "delegation-policy", ID: ConnectAuth,
		Text:    `(?i)delegation of the user credentials|` + spoken(saysNoDelegation),
		Meaning: "a policy of this computer forbids CredSSP to hand the password on",
		Who:     "whoever keeps the Group Policy of this computer",
		Hint:    "Exchange needs no CredSSP: use -Authentication Kerberos with the server's full name, and no second hop. Where CredSSP must be, name the server in the policy Allow Delegating Fresh Credentials (Enable-WSManCredSSP -Role Client -DelegateComputer SERVER).",
		Retry:   RetryNever,
		Source:  "https://github.com/dsccommunity/SharePointDsc/issues/656",
	},
	{
		Name: "logon-text", ID: ConnectAuth,
		Weak:  true,
		Layer: LayerRemoting,
		Text: `TrustedHosts|Kerberos|NTLM|` + spoken(saysNotEncrypted) + `|CredSSP|MI_RESULT_ACCESS_DENIED|(?i:Basic authentication|authentication failure|authorization failed|unencrypted traffic|user ?name or password|logon session|unauthorized|\b401\b)|` +
			deniedText,
		// The answer of a mail server, and the first leg of Negotiate in a web server's log.
		Unless: `\b[245][0-9]{2}[ -][245]\.[0-9]{1,3}\.[0-9]{1,3}\b| 401 2 5 [0-9]+`,
		Hint:   hintLogon,
		Retry:  RetryNever,
		Source: sourceConnect,
	},
	{
		Name: "password-wrong", ID: ConnectAuth,
		Text:   `(?i)(?:user ?name|account) or password is incorrect|unknown user name or bad password|destination computer .{0,40}returned an ["']?access[ -]denied|authorization of this user failed with error 5|the request failed\. unauthorized`,
		Hint:   hintLogon,
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
	},
	{
		Name: "logon-library", ID: ConnectAuth,
		Text:   `KDC_ERR_[A-Z_]+|KDC_Error|KRBMessage_Handling_Error|Encrypting_Error|KRB_AP_ERR_[A-Z_]+|KRB5[A-Z0-9_]+|GSS_S_[A-Z_]+|SEC_E_LOGON_DENIED|authGSS[A-Za-z]+|Kerberos[A-Za-z]*Error|SpnegoError|WinRMAuthorizationError|UnauthorizedError|AuthenticationError: Failed to authenticate|KrbException|GSSException|GSSAPI|AADSTS[0-9]{4,7}|(?i:kerberos authentication error|cannot locate default realm|KDC reply did not match|kinit: |login failure|logon failure|invalid credentials|failed to get auth type|authentication (?:failed|failure)|failed to authenticate|account (?:is |has been )?(?:locked|disabled)|unspecified GSS failure|in kerberos database|preauthentication failed|integrity check on decrypted field failed|no kerberos credentials|credentials were rejected by the server)`,
		Unless: `\(EWS\)|\.git\b`,
		Hint:   "Kerberos or NTLM refused the log-on. Check account, realm (upper case) and password, the clock, and that the server is named by its full name: its HTTP service name must exist exactly once.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/troubleshoot/windows-server/windows-security/kerberos-authentication-problems-if-user-belongs-to-groups",
	},
	{
		Name: "network-firewall", ID: ConnectNetwork,
		Weak:   true,
		Layer:  LayerRemoting,
		Text:   `(?i)firewall|` + spoken(saysFirewall),
		Hint:   "The time ran out without an answer. Check name, port and firewall; if a command was running, read the state before you repeat it.",
		Retry:  RetryReread,
		Source: sourceConnect,
	},

	// Bare HTTP.
	{
		Name: "http-401", ID: ConnectAuth,
		HTTPStatuses: []int{401},
		Hint:         "The server does not accept this log-on. Check account and password and which methods WWW-Authenticate offers; with Extended Protection the client must bind to the TLS channel, and a load balancer that ends TLS breaks that.",
		Retry:        RetryNever,
		Source:       sourceConnect,
	},
	{
		Name: "front-end-page", ID: ConnectHTTP,
		Text:   `(?i)errorFE\.aspx\?httpCode=`,
		Hint:   "Exchange's front end sends its error page: the number behind httpCode= is what the back end answered. 404 and 503: the back end's site or pool (MSExchangeServicesAppPool) does not run; 500: its event log. Ask the mailbox server itself, with nothing between.",
		Retry:  RetryNever,
		Source: "https://learn.microsoft.com/exchange/troubleshoot/client-connectivity/exchange-security-update-issues",
	},
	{
		Name: "winrm-plain-text", ID: ConnectHTTP,
		Text:   `(?i)Bad HTTP response returned from server\.? Code:? ?500`,
		Hint:   "The client sent its messages unencrypted (basic over http), and WinRM refuses those with 500. Let it use kerberos or ntlm with message encryption, credssp, or https on 5986; leave AllowUnencrypted off. exgrant encrypts by itself.",
		Retry:  RetryNever,
		Source: "https://github.com/diyan/pywinrm/issues/208",
	},
	{
		Name: "http-redirect", ID: ConnectHTTP,
		HTTPStatuses: []int{301, 302, 303, 307, 308},
		Hint:         "The answer leads to another address: a log-on page, a portal or a proxy stands before the server. Ask the server itself by its full name (curl -sI ADDRESS shows Location), and have programs let past the portal.",
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
		Hint:         "The server, or a proxy before it, knows the address and forbids it. For PowerShell: the virtual directory requires SSL and you came by http. For EWS: EwsEnabled or EwsApplicationAccessPolicy, of the organization or the mailbox, blocks this client.",
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
		Weak:         true,
		HTTPStatuses: []int{3, 4, 5},
		Hint:         "A web server answered, but not as Exchange does. Check the address: /PowerShell/ for PowerShell, /EWS/Exchange.asmx for EWS, and that no proxy or portal is between.",
		Retry:        RetryNever,
		Source:       sourceConnect,
	},

	// EWS without a code.
	{
		Name: "ews-not-the-service", ID: ConnectHTTP,
		HTTPStatuses: []int{2},
		Layer:        LayerEWS,
		Hint:         "Something answers with success, and not as EWS does: a page of a portal, proxy or load balancer, or an answer that was cut or changed in transit. Ask the server itself, with nothing between, and check that the path is /EWS/Exchange.asmx.",
		Retry:        RetryNever,
		Source:       sourceConnect,
	},
	{
		Name: "ews-layer", ID: EWSOther,
		Weak: true,
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
		Weak:   true,
		Layer:  LayerRemoting,
		Text:   `\bHTTPS?\b|Bad Request|Forbidden|Service Unavailable|Bad Gateway|WS-Management service does not support the request|WS-Management catalog|session configuration in the WSMan|[Ss]hell handle`,
		Hint:   hintHTTP,
		Retry:  RetryNever,
		Source: sourceConnect,
	},
	{
		Name: "winrm-text", ID: WSManFault,
		Weak:   true,
		Layer:  LayerRemoting,
		Text:   `WinRM|WS-?Man`,
		Unless: `\+WinRM\+Client`, // a client's name in a web server's log
		Hint:   "WinRM, which carries remote PowerShell, stopped here: read the sentence behind its name. exgrant connect --server SERVER --logon ACCOUNT goes the way step by step and tells which one fails.",
		Retry:  RetryNever,
		Source: sourceTroubleshoot,
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
		Weak:   true,
		Text:   `about_Remote_Troubleshooting|PSRemotingTransportException|InvalidSessionState\b|(?i:state of (?:the )?runspace is not valid)|(?i:session in which it was intended to run was either closed or broken)`,
		Hint:   hintLost,
		Retry:  RetryReread,
		Source: sourceTroubleshoot,
	},

	// Cmdlets: text that stands alone. Here the type is not known.
	{
		Name: "denied-text", ID: AccessDenied,
		Types:  []string{"", "LocalizedException", "SecurityException", "InvalidOperationException"},
		Text:   `(?i)(?:you|user|account|caller)["']? .{0,80}(?:do(?:es)?(?:n't| not) have|has no|lacks?) (?:sufficient |the (?:required|necessary|proper) |proper |enough )?(?:permissions?|rights|access|privileges?)|insufficient (?:access )?(?:rights|permissions?|privileges)|(?:isn't|is not|aren't|are not) authorized to|requires? (?:elevated|administrat)[^ ]* (?:rights|permissions?|privileges)`,
		Hint:   "The log-on worked, and the account is not permitted to do this. Compare the roles that it has, Get-ManagementRoleAssignment -RoleAssignee ACCOUNT, with those that have the cmdlet, Get-ManagementRole -Cmdlet NAME; after a change open a new session.",
		Retry:  RetryNever,
		Source: sourceRBAC,
	},
	{
		Name: "throttled-text", ID: Throttled,
		Text:   `(?i)too many requests|\bthrottled\b|rate limit(?:ed| exceeded)|server (?:is )?too busy|micro-?delay`,
		Hint:   "Exchange, or what stands before it, counts requests and this was one too many. Wait a minute, do less at a time, then try again.",
		Retry:  RetryBackoff,
		Weak:   true,
		Source: sourceEWSThrottling,
	},
	{
		Name: "role-not-found-text", ID: RoleNotFound,
		Types:  []string{""},
		Text:   `(?i)management role ["'][^"']{1,100}["'] (?:couldn't be|could not be|was not|wasn't) found|role ["']?ApplicationImpersonation["']? (?:couldn't be|could not be|was not|wasn't|does not|doesn't) (?:found|exist)|couldn't find (?:the )?(?:management )?role ["']`,
		Hint:   "This organization has no role of that name: look with Get-ManagementRole -RoleType ApplicationImpersonation. Exchange Online removed it in February 2025; on-premises a missing one is put back by Setup /PrepareAD.",
		Retry:  RetryNever,
		Source: "https://techcommunity.microsoft.com/blog/exchange/critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762",
	},
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
		Text:   `(?i)matches multiple entries|multiple (?:recipients|mailbox users|users|objects|groups|entries|contacts) match|specify a unique value|matches more than one|more than one (?:object|recipient|user|group) (?:match|with|was found)`,
		Hint:   hintAmbiguous,
		Retry:  RetryNever,
		Source: "https://github.com/timmcmic/DLConversionV2/issues/170",
	},
	{
		Name: "object-not-found-text", ID: PrincipalNotFound,
		Types: []string{""},
		Text: `(?i)object ["'][^"']{1,1000}["'] (?:couldn't be found|does not exist)|specified mailbox .{1,200} (?:does not|doesn't) exist|(?:user|group|mailbox|recipient|contact|member|database|server|scope|assignment|organizational unit) ["'][^"']{1,400}["'] (?:wasn't|was not|couldn't be|could not be|cannot be|can't be) found|(?:couldn't|could not|cannot|can't|unable to) find (?:an? |the )?(?:object|user|group|mailbox|recipient|organizational unit)|couldn't find .{0,40}["'][^"']{1,400}["']\.? make sure|["'][^"']{1,400}["'] wasn't found\. please make sure` +
			`|` + spoken(saysNotFound),
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

const unknownName = "unknown"

// unknown is the rule of what no rule knows.
func unknown() Rule {
	return Rule{
		Name: unknownName, ID: Other,
		Meaning: "exgrant does not know this error",
		Hint:    "Send the whole error with the lines that begin with +, the command that was run, and the Exchange version (Get-ExchangeServer | Format-List Name, AdminDisplayVersion). Leave out passwords; names can be replaced.",
		Retry:   RetryNever,
		Source:  sourceRecords,
	}
}
