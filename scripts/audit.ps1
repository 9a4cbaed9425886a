#Requires -Version 3.0
<#
.SYNOPSIS
    Lists everybody who has the role ApplicationImpersonation of Exchange, and for which mailboxes.
.DESCRIPTION
    It reads the assignments of the role and of each role made from it: direct ones and those through groups;
    regular ones, and delegating ones, by which somebody may only hand the role on. It changes nothing.
.NOTES
    script-format: 2
    form: audit
    sha256: b487a4ca011b0cccc3c5d549f85070bdcc894945d3f3ffa39576b756ee631d42
    body-sha256: b487a4ca011b0cccc3c5d549f85070bdcc894945d3f3ffa39576b756ee631d42
    Run it in the Exchange Management Shell, as somebody who may read role assignments.
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

# The procedure, from top to bottom; what it calls stands below. It returns the outcome.
function Invoke-ExgProcedure {
    Test-ExgShell -Command 'Get-ManagementRoleAssignment'
    Get-ManagementScope -ErrorAction Stop | ForEach-Object -Process { $Scopes["$($_.Name)"] = $_ }
    # One row for each account that has the role, itself or through a group.
    $roles = Get-ManagementRole -RoleType 'ApplicationImpersonation' -ErrorAction Stop
    $Report.holders = @(foreach ($role in $roles) {
            Get-ManagementRoleAssignment -Role "$($role.Name)" -GetEffectiveUsers -ErrorAction Stop |
                ForEach-Object -Process { ConvertTo-ExgHolder -Row $_ }
        })
    foreach ($holder in $Report.holders) {
        $Caller.WriteObject([PSCustomObject][ordered]@{
                Holder = $holder.holder; Through = $holder.via; Rights = $holder.delegation
                Enabled = $holder.enabled; Scope = $holder.scope.text; Role = $holder.role
                Assignment = $holder.assignment; Guid = $holder.guid
            })
        Add-ExgRemark -Holder $holder
    }
    foreach ($scope in $Scopes.Values | Where-Object -FilterScript { "$($_.Exclusive)" -eq 'True' }) {
        $text = "The exclusive scope '$($scope.Name)' may keep mailboxes out of reach of the holders."
        $Report.findings += [ordered]@{ id = 'exclusive-scope'; severity = 'info'; text = $text }
    }
    $text = "$($Report.holders.Count) rows; those with the rights Regular, if enabled, may act for mailboxes."
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'unchanged'; text = $text }
    'audited'
}

# A row as text, since in a management shell names are live objects. A member of a group stands in User; where
# members cannot be listed, the group itself does.
function ConvertTo-ExgHolder {
    param($Row, [string]$Kind = "$($Row.RecipientWriteScope)", [string]$Name = "$($Row.CustomRecipientWriteScope)")
    $through, $user = ("$($Row.RoleAssignee)", "$($Row.User)") -replace '^.*(?<!\\)/' -replace '\\/', '/'
    $delegation = "$($Row.RoleAssignmentDelegationType)" -replace '^Delegating.*', 'Delegating'
    $scope = [ordered]@{ kind = 'relative'; text = "$Kind $Name" }
    if ($Kind -eq 'Organization') { $scope = [ordered]@{ kind = 'organization'; text = 'the whole organization' } }
    if ($Kind -eq 'OU') { $scope = [ordered]@{ kind = 'organizationalUnit'; name = $Name; text = "below $Name" } }
    if ($Kind -like '*RecipientScope') {
        $filter, $root = "$($Scopes[$Name].RecipientFilter)", "$($Scopes[$Name].RecipientRoot)"
        $text = "'$Name': $filter" + ($root -replace '^(?=.)', ', below ')
        $scope = [ordered]@{ kind = 'filter'; name = $Name; filter = $filter; text = $text }
    }
    $holder = [ordered]@{
        assignment = "$($Row.Name)"; guid = "$($Row.Guid)"; role = "$($Row.Role)"; holder = $through
        holderType = "$($Row.RoleAssigneeType)"; via = ''; delegation = $delegation
        enabled = "$($Row.Enabled)" -eq 'True'; scope = $scope
    }
    if ($user -and $holder.holderType -ne 'User' -and "$($Row.User)" -ne "$($Row.RoleAssignee)") {
        $holder.via, $holder.holder, $holder.holderType = $through, $user, 'User'
    }
    $holder
}

# What an auditor should look at first.
function Add-ExgRemark {
    param($Holder)
    $who = "$($Holder.holderType) $($Holder.holder) through $($Holder.via)"
    $id, $severity, $text, $null = switch -Regex ($who) {
        '^LinkedRoleGroup' { 'linked-group', 'info', "The members of $($Holder.holder) are in another forest." }
        '^ForeignS|^\w+ ( |S-1-5-)|\nDEL:' {
            'unresolved-holder', 'warning', "'$($Holder.assignment)' is left of an account that is gone."
        }
        'through Hygiene Management$' {
            'hygiene-management', 'security', "$($Holder.holder) has it by default, in Hygiene Management."
        }
    }
    if ($id) { $Report.findings += [ordered]@{ id = $id; severity = $severity; text = $text } }
}

# Makes sure that this is the right shell.
function Test-ExgShell {
    param([string]$Command)
    $here = Get-Command -Name $Command -ErrorAction SilentlyContinue
    $cloud = 'tmpEXO_|ExchangeOnline|//([\w-]+\.)*(office365\.\w+|outlook\.(com|cn|office\.\w+))[:/ ]'
    if ("$($here.ModuleName) $($here.Module.Description) " -match $cloud) {
        throw 'failed: This is a shell of Exchange Online, where the role is gone: see "exgrant script office365".'
    }
    if (-not $here) {
        throw "failed: $Command is not here. It takes the Exchange Management Shell and the role Role Management."
    }
}

$Scopes = @{}
$Denied = ('CmdletAccessDeniedException|ADScopeException|OperationRequiresGroupManagerException|' +
    'INSUFF?_ACCESS_RIGHTS|UnauthorizedAccessException(?:\] [0-9A-F]{1,8})?,Microsoft\.Exchange|' +
    'delegating (?:management )?role|delegierende Rollenz|\u59D4\u4EFB\u5F79\u5272\u306E|' +
    'out of the current user.s write scope')
$NotDenied = 'synchroni[sz]|licen[sc]e'
$QuotedName = '(^|[ (:=,\[])(?:"[^"]*"|''(?:[^'']|''[A-Za-z0-9])*''|\u201C[^\u201D]*\u201D|\u00AB[^\u00BB]*\u00BB)'
$Caller = $PSCmdlet
$Report = [ordered]@{
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = 'audit'; outcome = 'interrupted'
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
