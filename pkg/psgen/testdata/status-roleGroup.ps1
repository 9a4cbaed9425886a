#Requires -Version 3.0
<#
.SYNOPSIS
    Tells whether the members of a role group may act for the members of one group.
.DESCRIPTION
    It reads who has the role ApplicationImpersonation, compares account, role and scope, whatever the names are,
    and asks who of the named mailboxes is in reach. Another grant, or a disabled account, makes it "differs".
.NOTES
    script-format: 2
    form: status roleGroup group
    sha256: c413574877333054f1810811609d2faf41d678568d20dd41cd965d2df5c53f19
    body-sha256: ea132a97d2895cb1a9256846319a0b97e9826c859fbf16209802e01b48e8efb2
    Run it in the Exchange Management Shell, with the roles View-Only Configuration and View-Only Recipients. It
    changes nothing; it only widens the session's view to the whole forest, and puts that back.
    Exit codes: 0 verified, 1 failed or no such name, 3 it differs: see the reason and the warnings, 5 denied.
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

# What was asked for. Everything that is specific to this script stands in this block, as constants.
$Grant = [ordered]@{
    name     = 'ApplicationImpersonation-Reschedulers-d8383f01'
    assignee = [ordered]@{ kind = 'roleGroup'; given = 'Reschedulers'; members = @('svc-reschedule') }
    role     = 'ApplicationImpersonation'
    scope    = [ordered]@{ kind = 'group'; given = 'Reschedule Users' }
}
$Roles = @('ApplicationImpersonation', 'View-Only Configuration')
$InScope, $OutOfScope = @('anna@contoso.test'), @('boss@contoso.test')
$Pin = @{}

function Invoke-ExgProcedure { # What is asked, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
    $there = Get-ExgRoleGroup
    $lacks = @($Roles | Where-Object -FilterScript { $there.roles -notcontains $_ }) # that it should have
    foreach ($guid in $there.missing) { $lacks += "$($Run.Members[$guid]) is no member" }
    $lacks = @($lacks + $there.wrong | Where-Object -FilterScript { $_ })
    $Run.Reason = "Not in place: $($lacks -join '; ')."
    if ($inPlace = $there -and -not $lacks) { $Run.Reason = "In place: '$($Grant.assignee.given)'." }
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'unchanged'; text = $Run.Reason }
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
    $script:At, $is = $Pin, @('refused', 'allowed') # now as the servers of this session see it, which may lag
    foreach ($name in $InScope + $OutOfScope) {
        $with = @{ Role = $Grant.role; RoleAssignee = $Run.Who; WritableRecipient = $Run.Mailboxes[$name] } + $At
        $by = @(if ($Run.Who) { Get-ManagementRoleAssignment @with -ErrorAction Stop })
        $by = [string[]]$by.Enabled -contains 'True'
        $Report.proof += @{ mailbox = $name; expected = $is[$InScope -contains $name]; rbac = $is[$by] }
    }
    $wrong = @($Report.proof | Where-Object -FilterScript { $_.rbac -ne $_.expected })
    if ($inPlace -and -not ($wrong -or $Report.findings)) { 'verified' } else { 'differs' }
}

function Open-ExgSession { # Makes sure that this is the right shell, and lets it see the whole forest.
    $needed = 'Get-Recipient', 'Get-User', 'Get-Group', 'Get-ManagementRoleAssignment'
    $here = @(Get-Command -Name $needed -ErrorAction SilentlyContinue)
    $from = "$($here | ForEach-Object -Process { $_.ModuleName, $_.Module.Description }) "
    if ($from -match 'tmpEXO_|ExchangeOnline|//([\w-]+\.)*(office365\.\w+|outlook\.(com|cn|office\.\w+))[:/ ]') {
        throw 'failed: This is a shell of Exchange Online, where the role is gone: see "exgrant script office365".'
    }
    if ($here.Count -lt 4) {
        $open = '$s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://SERVER/PowerShell/'
        $lack = "It takes $($needed -join ', ') (View-Only Configuration; see .NOTES)"
        throw "failed: $lack. Use the management shell, or:`n$open -Authentication Kerberos`nImport-PSSession `$s"
    }
    $view = Get-ADServerSettings -ErrorAction Stop
    $first = @{ DomainController = "$($view.DefaultConfigurationDomainController)" } # shows changes at once
    $answers = try { Get-ManagementRole @first -RoleType $Grant.role -ErrorAction Stop } catch { $null }
    if ($answers -and -not $Pin.Count) { $script:At = $first }
    $script:View = @{ ViewEntireForest = "$($view.ViewEntireForest)" -eq 'True' }
    if ("$($view.RecipientViewRoot)") { $script:View = @{ RecipientViewRoot = "$($view.RecipientViewRoot)" } }
    Set-ADServerSettings -ViewEntireForest $true -ErrorAction Stop -WhatIf:$false -Confirm:$false
}
function Find-ExgName { # Finds each name as one object, and counts whom the scope holds.
    $warn = { $Report.findings += @{ id = $args[0]; severity = 'warning'; text = $args[1] } }
    foreach ($name in $Grant.assignee.members) {
        $member = Find-ExgObject -Cmdlet 'Get-User', 'Get-Group' -Identity $name
        $Run.Members["$($member.Guid)"] = "$($member.Name)"
        if ("$($member.UserAccountControl)" -match 'Disabled') { & $warn 'account-disabled' "$name is disabled." }
        $with = @{ Role = $Grant.role; RoleAssignee = "$($member.DistinguishedName)"; Delegating = $false } + $At
        foreach ($it in @(Get-ManagementRoleAssignment @with -Enabled $true -ErrorAction Stop)) {
            if ("$($it.RoleAssigneeName)" -ne $Grant.assignee.given) { & $warn 'other-grant' "Also: $($it.Name)." }
        }
    }
    foreach ($name in $InScope + $OutOfScope) {
        $Run.Mailboxes[$name] = "$((Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $name).DistinguishedName)"
    }
    $group = "$((Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.scope.given).DistinguishedName)"
    $Grant.scope.filter = "MemberOfGroup -eq '$($group.Replace("'", "''"))'" # renamed, it is lost; '' is one quote
    $Run.Wanted = $Grant.scope.filter
}
function Find-ExgObject { # The one object of a name, of whatever kind.
    param([string[]]$Cmdlet, [string]$Identity)
    $found = @($Cmdlet | ForEach-Object -Process { & $_ -Identity $Identity -ErrorAction SilentlyContinue })
    if (-not $found) { $found = @(& $Cmdlet[0] -Identity $Identity -ErrorAction Stop) }
    if ($found.Count -ne 1) { throw "failed: '$Identity' is several: $($found.DistinguishedName -join '; ')" }
    $found[0]
}
function Get-ExgRoleGroup { # The role group, if it is there: its roles, what it lacks, and what is wrong with it.
    $all, $on = try { (Get-RoleGroup -ErrorAction Stop @At), $At } catch { (Get-RoleGroup -ErrorAction Stop), @{} }
    $group = $all | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.assignee.given }
    if (-not $group) { return }
    $Grant.assignee.guid, $Run.Who = "$($group.Guid)", "$($group.DistinguishedName)"
    $there = @{ guid = $Grant.assignee.guid; roles = @(); wrong = @() }
    $of = @{ RoleAssignee = $Run.Who; AssignmentMethod = 'Direct' } + $At
    foreach ($it in @(Get-ManagementRoleAssignment -ErrorAction Stop @of)) {
        $kind, $name, $role = "$($it.RecipientWriteScope)", "$($it.CustomRecipientWriteScope)", "$($it.Role)"
        $same = (Get-ExgScope -Name $name).same
        $good = $Roles -contains $role -and ($same -or $role -ne $Grant.role) -and "$($it.Enabled)" -eq 'True'
        $good = $good -and "$($it.RoleAssignmentDelegationType)" -eq 'Regular'
        if ($good) { $there.roles += $role } else { $there.wrong += "$role by '$($it.Name)' for $kind $name" }
    }
    $members = @(Get-RoleGroupMember -Identity $there.guid -ResultSize Unlimited -ErrorAction Stop @on)
    $there.missing = @($Run.Members.Keys | Where-Object -FilterScript { [string[]]$members.Guid -notcontains $_ })
    foreach ($it in $members) { if (-not $Run.Members["$($it.Guid)"]) { $there.wrong += "$($it.Name) is in it" } }
    $there
}
function Get-ExgScope { # The scope of that name, in text.
    param([string]$Name) # Servers give a filter back with other blanks and parentheses: these do not count.
    foreach ($scope in Get-ManagementScope -ErrorAction Stop @At) {
        if ("$($scope.Name)" -ne $Name) { continue }
        $is, $wanted = "$($scope.RecipientFilter)", $Grant.scope.filter -replace "('(?:[^']|'')*')|[\s()]", '$1'
        $plain = "$($scope.Exclusive)" -ne 'True' -and -not "$($scope.RecipientRoot)"
        $text = "($($scope.RecipientFilter), root '$($scope.RecipientRoot)', exclusive $($scope.Exclusive))"
        @{ same = $plain -and $is -eq $wanted; text = $text }
    }
}
$Faults = [ordered]@{ # what errors mean: the first pattern that fits decides, unless the one behind it fits
    access_denied = ('CmdletAccessDeniedException|ADScopeException|OperationRequiresGroupManagerException|' +
        'INSUFF?_ACCESS_RIGHTS|UnauthorizedAccessException(?:\] [0-9A-F]{1,8})?,Microsoft\.Exchange|' +
        'delegating (?:management )?role|delegierende Rollenz|\u59D4\u4EFB\u5F79\u5272\u306E|' +
        'out of the current user.s write scope'), 'synchroni[sz]|licen[sc]e'
    principal_not_found = 'ManagementObjectNotFoundException|ADNoSuchObjectException|RecipientNotFoundException'
}
$QuotedName = '(^|[ (:=,\[])(?:"[^"]*"|''(?:[^'']|''[A-Za-z0-9])*''|\u201C[^\u201D]*\u201D|\u00AB[^\u00BB]*\u00BB)'
function Get-ExgFault {
    param($Failure, $Info = $Failure.CategoryInfo)
    $words = ("$($Failure.Exception.Message)" -replace '\s+', ' ').Trim() -replace $QuotedName, '$1'
    $text = "$($Failure.FullyQualifiedErrorId) [$($Info.Activity)] $($Info.Reason) $words"
    foreach ($fault in $Faults.Keys) {
        $pattern, $unless = $Faults[$fault]
        if ($text -match $pattern -and -not ($unless -and $text -match $unless)) { return $fault }
    }
}

$Run, $At, $View, $to = @{ Script = $PSCmdlet; Mailboxes = @{}; Members = [ordered]@{} }, $Pin, $null, @{}
$Report = [ordered]@{
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = 'status'; grant = $Grant
    operator = [Environment]::UserDomainName + '\' + [Environment]::UserName; changed = $false
    startedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'; steps = @(); findings = @()
    outcome = 'interrupted'; proof = @(); inverse = @()
}
try { # A report that has no place must show before anything is changed, and none is written over.
    if ($ReportPath -and (Get-Item -LiteralPath $ReportPath -Force -ErrorAction SilentlyContinue).Length) {
        throw "failed: $ReportPath is there, and may hold the undo of another run. Name a new file."
    }
    $to = @{ LiteralPath = $ReportPath; Encoding = 'Ascii'; ErrorAction = 'Stop' }
    $to.WhatIf = $to.Confirm = $false # it is written in any case
    if ($ReportPath) { Set-Content @to -Value 'The run has not ended.' }
    $Report.outcome = @(Invoke-ExgProcedure)[-1]
} catch { # A text that is thrown is the id of its error. Those of this script begin with the outcome.
    $fault = @{ access_denied = 'denied'; principal_not_found = 'not-found' }["$(Get-ExgFault -Failure $_)"]
    $own = "$($_.FullyQualifiedErrorId)" -match '^(failed|conflict|not-found|interrupted|customization-pending): '
    $Report.outcome = if ($own) { $Matches[1] } elseif ($fault) { $fault } else { 'failed' }
    $Run.Reason = "$_" -replace "^$($Report.outcome): "
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'failed'; text = $Run.Reason }
} finally { # Also after Ctrl-C: the session is as it was.
    try { if ($View) { Set-ADServerSettings @View -ErrorAction Stop -WhatIf:$false -Confirm:$false } } catch {
        Write-Warning -Message "Not put back: $_"
    }
    $Report.finishedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    $json = ConvertTo-Json -InputObject $Report -Depth 9 -Compress
    $json = [regex]::Replace($json, '[^ -~]', { param($match) '\u{0:x4}' -f [int][char]$match.Value })
    try { if ($to.LiteralPath) { Set-Content @to -Value $json } } catch { Write-Warning -Message "No report: $_" }
}
$codes = @{ failed = 1; conflict = 1; 'not-found' = 1; differs = 3; denied = 5 }
$exitCode = if ($Report.outcome -eq 'interrupted') { 130 } else { [int]$codes[$Report.outcome] }
$reach = $Report.proof | ForEach-Object -Process { "$($_.mailbox): $($_.rbac), expected $($_.expected)" }
if (-not ($InScope + $OutOfScope)) { $reach = 'not tested: no mailbox is named in this script' }
[PSCustomObject][ordered]@{
    Outcome = $Report.outcome; ExitCode = $exitCode; Changed = $Report.changed; Reason = $Run.Reason
    Warnings = @($Report.findings | ForEach-Object -Process { $_.text }) -join "`n"
    Reach = $reach -join "`n"
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
