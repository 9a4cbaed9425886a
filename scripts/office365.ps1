#Requires -Version 3.0
<#
.SYNOPSIS
    Tells what is left of ApplicationImpersonation in Exchange Online, and shows what takes its place.
.DESCRIPTION
    The role, by which a service account may act for other mailboxes, no longer exists in Exchange Online; on
    servers of your own it works as before. This script lists who still has something of it, how Exchange Web
    Services (EWS) are set, and which applications have which rights. It changes nothing. The steps that replace
    the role stand at its end as comments, with a test of what must work and one of what must not.
.NOTES
    script-format: 2
    form: office365
    sha256: a520f4b94ef50c30c8cbec4e6d4619629fffb412fd1e13d6e0a12597f3ff3e24
    body-sha256: a520f4b94ef50c30c8cbec4e6d4619629fffb412fd1e13d6e0a12597f3ff3e24
    Run it after Connect-ExchangeOnline, as a member of Organization Management.
    Exit codes: 0 the list is complete, 1 failed, 5 denied.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string]$ReportPath # a new file for the report as JSON, written also when the run fails or is stopped
)
Set-StrictMode -Off
if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
    Write-Warning -Message 'Nothing was done: unsigned scripts may do less here than is needed. Sign this file.'
    if ($MyInvocation.InvocationName -ne '.') { exit 1 } else { return }
}

# What is known, as of 2026-09-15. Dates of Microsoft move: look at the source before you rely on one.
$EwsEnd = '2027-04-01'
$Facts = @(
    @{
        when   = 'since February 2024'
        source = 'https://techcommunity.microsoft.com/t5/exchange-team-blog/retirement-of-rbac-application-impersonation-in-exchange-online/ba-p/4062671'
        text   = 'Microsoft withdraws ApplicationImpersonation from Exchange Online. Exchange Server is ' +
            'not affected: on-premises the role works as before.'
    }
    @{
        when   = 'since the second half of 2024'
        source = 'https://mc.merill.net/message/MC718754'
        text   = 'New assignments of the role are refused in Exchange Online.'
    }
    @{
        when   = 'since February 2025'
        source = 'https://techcommunity.microsoft.com/blog/exchange/critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762'
        text   = 'The role and the feature are removed from Exchange Online, tenant by tenant.'
    }
    @{
        when   = 'since the end of June 2026'
        source = 'https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange'
        text   = 'Mailboxes with a licence for frontline workers (Kiosk, F1, F3) refuse EWS with HTTP 403.'
    }
    @{
        when   = 'from 2026-10-01'
        source = 'https://techcommunity.microsoft.com/blog/exchange/exchange-online-ews-your-time-is-almost-up/4492361'
        text   = 'EWS is switched off in Exchange Online, one organization after the other, unless ' +
            'EwsEnabled is True. Then only the applications in EwsAllowedAppIDs may use it.'
    }
    @{
        when   = 'in hybrid organizations'
        source = 'https://learn.microsoft.com/exchange/hybrid-deployment/deploy-dedicated-hybrid-app'
        text   = 'Since 2025-10-31 your own servers ask for free/busy times as the application ' +
            'ExchangeServerApp-GUID, by EWS or, since the update of May 2026, by Microsoft Graph. A ' +
            'list that lets one application in probably locks it out.'
    }
)

# The procedure, from top to bottom; what it calls stands below. It returns the outcome.
function Invoke-ExgProcedure {
    Test-ExgShell -Command 'Get-ServicePrincipal'
    foreach ($fact in $Facts) { Write-ExgRow -Topic "$($fact.when)" -Text "$($fact.text) $($fact.source)" }
    $days = [Math]::Ceiling(([datetime]$EwsEnd - (Get-Date)).TotalDays)
    $text = if ($days -gt 0) { "EWS in Exchange Online ends in $days days." } else { 'EWS has ended.' }
    Write-ExgRow -Topic $EwsEnd -Text $text
    Show-ExgOldRole
    Show-ExgSetting
    Show-ExgApplication
    Write-ExgRow -Topic 'next' -Text 'The steps at the end of this file replace the role.'
    'audited'
}

# Shows one thing that was found, and keeps it for the report.
function Write-ExgRow {
    param([string]$Topic, [string]$Text)
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'unchanged'; text = "${Topic}: $Text" }
    $Caller.WriteObject("${Topic}: $Text")
}

# Who has the role still? Where it is removed, there is nothing of that name.
function Show-ExgOldRole {
    $roles = @(Get-ManagementRole -ErrorAction Stop | Where-Object -FilterScript {
            "$($_.RoleType)" -eq 'ApplicationImpersonation'
        })
    if (-not $roles) { Write-ExgRow -Topic 'role' -Text 'ApplicationImpersonation is gone, with all assignments.' }
    foreach ($role in $roles) {
        $with = @{ Role = "$($role.Name)"; GetEffectiveUsers = $true; Delegating = $false }
        $rows = @(Get-ManagementRoleAssignment @with -ErrorAction Stop)
        if (-not $rows) { Write-ExgRow -Topic 'role' -Text "'$($role.Name)' is there, and nobody has it." }
        foreach ($row in $rows) {
            $text = "$($row.User) has '$($row.Role)' by '$($row.Name)', for $($row.RecipientWriteScope) " +
                "$($row.CustomRecipientWriteScope): it no longer works here."
            Write-ExgRow -Topic 'role' -Text $text
        }
    }
}

# How may EWS be used? Only a newer module shows the list of applications.
function Show-ExgSetting {
    $with, $more = @{}, 'RetrieveEwsOperationAccessPolicy'
    $command = Get-Command -Name 'Get-OrganizationConfig' -ErrorAction Stop
    if ($command.Parameters.ContainsKey($more)) { $with[$more] = $true }
    $organization = Get-OrganizationConfig @with -ErrorAction Stop
    $meaning = switch ("$($organization.EwsEnabled)") {
        'True' { 'EWS is on until its end, for the applications in EwsAllowedAppIDs' }
        'False' { 'EWS is off' }
        default { 'not set: EWS is switched off when it is the turn of this organization' }
    }
    Write-ExgRow -Topic 'EwsEnabled' -Text "'$($organization.EwsEnabled)': $meaning."
    $list = 'this module does not show it: Update-Module ExchangeOnlineManagement'
    if ($with.Count) { $list = "'$($organization.EwsAllowedAppIDs)'; do not rely on an empty one" }
    Write-ExgRow -Topic 'EwsAllowedAppIDs' -Text $list
    $text = "'$($organization.EwsApplicationAccessPolicy)', lets in '$($organization.EwsAllowList)', " +
        "keeps out '$($organization.EwsBlockList)'"
    Write-ExgRow -Topic 'EwsApplicationAccessPolicy' -Text $text
}

# Which applications does Exchange know, and which of its roles do they have? What Entra grants does not show here.
function Show-ExgApplication {
    $with = @{ RoleAssigneeType = 'ServicePrincipal'; Delegating = $false }
    $rights = @(Get-ManagementRoleAssignment @with -ErrorAction Stop)
    $applications = @(Get-ServicePrincipal -ErrorAction Stop)
    if (-not $applications) { Write-ExgRow -Topic 'application' -Text 'Exchange knows none.' }
    foreach ($application in $applications) {
        $name = "$($application.DisplayName) ($($application.AppId))"
        $own = @($rights | Where-Object -FilterScript { "$($_.RoleAssigneeName)" -eq "$($application.Name)" })
        foreach ($right in $own) {
            $text = "$name has '$($right.Role)' by '$($right.Name)', for $($right.RecipientWriteScope) " +
                "$($right.CustomResourceScope), enabled: $($right.Enabled)"
            Write-ExgRow -Topic 'application' -Text $text
        }
        if (-not $own) { Write-ExgRow -Topic 'application' -Text "$name has no role of Exchange." }
        if ("$($application.DisplayName)" -like 'ExchangeServerApp-*') {
            $text = "$name is how your own servers ask for free/busy times: every list must let it in."
            Write-ExgRow -Topic 'hybrid' -Text $text
        }
    }
}

# Makes sure that this is the right shell.
function Test-ExgShell {
    param([string]$Command)
    $here = Get-Command -Name $Command -ErrorAction SilentlyContinue
    if (-not $here) {
        throw "failed: $Command is not here. It takes Connect-ExchangeOnline and Organization Management. " +
            'In a shell of Exchange Server the role works as ever: see "exgrant script grant".'
    }
}

# What takes the place of the role: an application, not an account, gets a role over some mailboxes. See
# https://learn.microsoft.com/exchange/permissions-exo/application-rbac
# Nothing of this runs by itself. Fill in the values, take off the marks, and run one step after the other.
#
# 1. The two ids stand in Entra, Enterprise applications, the application: not in its app registration.
#     $app = '00000000-0000-0000-0000-000000000001'
#     $object = '00000000-0000-0000-0000-000000000002'
#     New-ServicePrincipal -AppId $app -ObjectId $object -DisplayName 'Reschedule'
# 2. Whom it may reach. See who that is before you go on. The first command in an organization that was never
#    customized is refused, and asks for Enable-OrganizationCustomization, which cannot be undone.
#     $filter = "CustomAttribute1 -eq 'Reschedule'"
#     Get-Recipient -Filter $filter -ResultSize Unlimited
#     New-ManagementScope -Name 'Reschedule Mailboxes' -RecipientRestrictionFilter $filter
# 3. The role is one of Microsoft Graph; Get-ManagementRole 'Application *' lists all. EWS has one too, which ends
#    with EWS on 2027-04-01: 'Application EWS.AccessAsApp'. Take it only for software that can do nothing else, and
#    then add the application to EwsAllowedAppIDs beside those that are there: the list is replaced as a whole.
#     $right = @{ App = $object; CustomResourceScope = 'Reschedule Mailboxes' }
#     New-ManagementRoleAssignment -Name 'Reschedule' -Role 'Application Calendars.ReadWrite' @right
# 4. What must work: InScope is True for a mailbox that is meant.
#     Test-ServicePrincipalAuthorization -Identity $object -Resource 'room1@contoso.com'
# 5. What must not: InScope is False for a mailbox that is not.
#     Test-ServicePrincipalAuthorization -Identity $object -Resource 'boss@contoso.com'
# 6. In Entra, remove the application's consent for the whole organization (such as Calendars.ReadWrite or
#    full_access_as_app). Both kinds of rights add up: while it stands, the scope means nothing, and 4 and 5 do not
#    see it.
# 7. Wait for the caches, 30 minutes to 2 hours. Then let the application itself open both mailboxes: the first
#    must work, the second be refused. Autodiscover does not answer to these roles: configure the address.
# 8. Then retire the old way: the service account, its password, and the role group that had the role.
#
# Back, in this order; the last only if nothing else uses the application:
#     Remove-ManagementRoleAssignment -Identity 'Reschedule'
#     Remove-ManagementScope -Identity 'Reschedule Mailboxes'
#     Remove-ServicePrincipal -Identity $object

$Denied = ('CmdletAccessDeniedException|ADScopeException|OperationRequiresGroupManagerException|' +
    'INSUFF?_ACCESS_RIGHTS|UnauthorizedAccessException(?:\] [0-9A-F]{1,8})?,Microsoft\.Exchange|' +
    'delegating (?:management )?role|delegierende Rollenz|\u59D4\u4EFB\u5F79\u5272\u306E|' +
    'out of the current user.s write scope')
$NotDenied = 'synchroni[sz]|licen[sc]e'
$QuotedName = '(^|[ (:=,\[])(?:"[^"]*"|''(?:[^'']|''[A-Za-z0-9])*''|\u201C[^\u201D]*\u201D|\u00AB[^\u00BB]*\u00BB)'
$Caller = $PSCmdlet
$Report = [ordered]@{
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = 'office365'; outcome = 'interrupted'
    operator = [Environment]::UserDomainName + '\' + [Environment]::UserName; changed = $false
    startedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'; steps = @(); findings = @()
}
$file = @{ LiteralPath = $ReportPath; Encoding = 'Ascii'; ErrorAction = 'Stop'; WhatIf = $false; Confirm = $false }
try {
    if ($ReportPath -and (Get-Item -LiteralPath $ReportPath -Force -ErrorAction SilentlyContinue).Length) {
        $file.Clear()
        throw "failed: $ReportPath is there, and may hold the undo of another run. Name a new file."
    }
    if ($ReportPath) { Set-Content @file -Value 'The run has not ended.' }
    $Report.outcome = @(Invoke-ExgProcedure)[-1]
} catch {
    # Types and ids decide, and words last, since servers have many languages. What stands in quotes is a name.
    $words = ("$_" -replace '\s+', ' ').Trim() -replace $QuotedName, '$1'
    $text = "$($_.FullyQualifiedErrorId) [$($_.CategoryInfo.Activity)] $($_.CategoryInfo.Reason) $words"
    $Report.outcome = if ($text -match $Denied -and $text -notmatch $NotDenied) { 'denied' } else { 'failed' }
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'failed'; text = "$_" -replace '^failed: ' }
} finally {
    $Report.finishedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    $json = ConvertTo-Json -InputObject $Report -Depth 9 -Compress
    $json = [regex]::Replace($json, '[^ -~]', { param($match) '\u{0:x4}' -f [int][char]$match.Value })
    try { if ($file.LiteralPath) { Set-Content @file -Value $json } } catch {
        Write-Warning -Message "No report: $_"
    }
}
$exitCode = @{ audited = 0; denied = 5; interrupted = 130 }[$Report.outcome]
if ($null -eq $exitCode) { $exitCode = 1 }
[PSCustomObject][ordered]@{
    Outcome = $Report.outcome; ExitCode = $exitCode; Changed = $false; Reason = $Report.steps[-1].text
    Remarks = @($Report.findings | ForEach-Object -Process { "$($_.severity): $($_.text)" }) -join "`n"
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
