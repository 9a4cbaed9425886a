#Requires -Version 3.0
<#
.SYNOPSIS
    Makes a role group with the role ApplicationImpersonation, for the members of one group.
.DESCRIPTION
    A role group of that name with these roles, this scope and no others in it gets what it lacks. Else it makes
    a management scope, if there is none, and the role group; where the server demands it, after a question,
    Enable-OrganizationCustomization; nothing else. It asks before each change, reads back, prints the undo.
.NOTES
    script-format: 2
    form: grant roleGroup group
    sha256: 14df5f2b22d6d30d2cf54da6f58e992830d3ebe822f11dd28a4960545a6d8f35
    body-sha256: 5024e3a53ac14f21d7726617b518a00ac82f285fd8d4484223ae0e9541409604
    Run it in the Exchange Management Shell, first with -WhatIf, as a member of Organization Management, or with
    the roles Role Management and View-Only Recipients and the right to assign this one.
    Exit codes: 0 done or nothing to do, 1 failed, 3 wrong reach or customization pending, 5 denied, 130 declined.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [ValidateRange(0, 10080)] [double]$TimeoutMinutes = 60, # in which to try again after customization
    [switch]$AllowEmpty, # grant although nobody is in the scope yet
    [switch]$EnableCustomization, # agree to Enable-OrganizationCustomization; 'Yes to All' and -Confirm do not
    [string]$ReportPath # a new file for the report as JSON, written also when the run fails or is stopped
)
Set-StrictMode -Off
if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
    Write-Warning -Message 'Nothing was done: unsigned scripts may do less here than is needed. Sign this file.'
    if ($MyInvocation.InvocationName -ne '.') { exit 1 } else { return }
}

# What was asked for. Everything that is specific to this script stands in this block, as constants.
$Grant = [ordered]@{
    name     = 'ApplicationImpersonation-Calendar Impersonation-1f6db7a5'
    assignee = [ordered]@{
        kind    = 'roleGroup'
        given   = 'Calendar Impersonation'
        members = @('CONTOSO\svc-reschedule', 'CONTOSO\svc-rooms')
    }
    role     = 'ApplicationImpersonation'
    scope    = [ordered]@{ kind = 'group'; given = 'Reschedule Users'; name = 'Reschedule Users scope' }
}
$Roles = @('ApplicationImpersonation', 'View-Only Configuration')
$InScope, $OutOfScope = @('anna@contoso.test', 'ben@contoso.test'), @('boss@contoso.test')
$Pin = @{}

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
    $there = Get-ExgRoleGroup
    if ($there.wrong) { throw "conflict: It is another: $($there.wrong -join '; '). Wanted is $($Run.Wanted)." }
    $whole = { Get-ExgRoleGroup | Where-Object -FilterScript { -not ($_.wrong -or $_.missing) } }
    if (-not $there) {
        if (-not ($Grant.scope.recipients -or $AllowEmpty)) { throw 'conflict: Nobody is in it: see -AllowEmpty.' }
        $scope = Get-ExgScope -Name $Grant.scope.name
        if ($scope -and -not $scope.same) {
            throw "conflict: There is a scope $($Grant.scope.name) $($scope.text). Wanted is $($Run.Wanted)."
        }
        if (-not $scope) {
            $with = [ordered]@{ Name = $Grant.scope.name; RecipientRestrictionFilter = $Grant.scope.filter }
            $stands = { Get-ExgScope -Name $Grant.scope.name | Where-Object -FilterScript { $_.same } }
            Invoke-ExgChange -Id 'scope' -Cmdlet 'New-ManagementScope' -With $with -Stands $stands
        }
        $with = [ordered]@{ Name = $Grant.assignee.given; Roles = @($Grant.role); Members = @($Run.Members.Keys) }
        $with.CustomRecipientWriteScope = $Grant.scope.name
        Invoke-ExgChange -Id 'role-group' -Cmdlet 'New-RoleGroup' -With $with -Stands $whole
    }
    foreach ($guid in $there.missing) {
        $with = [ordered]@{ Identity = $there.guid; Member = $guid; BypassSecurityGroupManagerCheck = $true }
        $stands = { Get-ExgRoleGroup | Where-Object -FilterScript { $_.missing -notcontains $guid } }
        Invoke-ExgChange -Id 'role-group' -Cmdlet 'Add-RoleGroupMember' -With $with -Stands $stands
    }
    foreach ($role in @($Roles -ne $Grant.role | Where-Object -FilterScript { $there.roles -notcontains $_ })) {
        $with = [ordered]@{ SecurityGroup = $Grant.assignee.given; Role = $role } # this other one has no scope
        $stands = { Get-ExgRoleGroup | Where-Object -FilterScript { $_.roles -contains $role } }
        Invoke-ExgChange -Id 'assign' -Cmdlet 'New-ManagementRoleAssignment' -With $with -Stands $stands
    }
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
    $script:At, $is = $Pin, @('refused', 'allowed') # now as the servers of this session see it, which may lag
    foreach ($name in @(if (& $whole) { $InScope + $OutOfScope })) { # one that is not there yet cannot be asked
        $with = @{ Role = $Grant.role; RoleAssignee = $Run.Who; WritableRecipient = $Run.Mailboxes[$name] } + $At
        $by = [string[]]@(Get-ManagementRoleAssignment @with -ErrorAction Stop).Enabled -contains 'True'
        $Report.proof += @{ mailbox = $name; expected = $is[$InScope -contains $name]; rbac = $is[$by] }
    }
    $wrong = @($Report.proof | Where-Object -FilterScript { $_.rbac -ne $_.expected })
    if ($wrong.rbac -contains 'allowed') { return 'differs' }
    if (-not (& $whole) -or ($wrong -and $Report.changed)) { return 'granted-replicating' } # run it again later
    if ($wrong) { return 'differs' }
    if ($Report.changed) { 'granted' } else { 'already-granted' }
}

function Open-ExgSession { # Makes sure that this is the right shell, and lets it see the whole forest.
    $needed = 'Get-Recipient', 'Get-User', 'Get-Group', 'New-RoleGroup'
    $here = @(Get-Command -Name $needed -ErrorAction SilentlyContinue)
    $from = "$($here | ForEach-Object -Process { $_.ModuleName, $_.Module.Description }) "
    if ($from -match 'tmpEXO_|ExchangeOnline|//([\w-]+\.)*(office365\.\w+|outlook\.(com|cn|office\.\w+))[:/ ]') {
        throw 'failed: This is a shell of Exchange Online, where the role is gone: see "exgrant script office365".'
    }
    if ($here.Count -lt 4 -or -not $here[3].Parameters.ContainsKey('CustomRecipientWriteScope')) {
        $open = '$s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://SERVER/PowerShell/'
        $lack = "It takes $($needed -join ', ') -CustomRecipientWriteScope (Role Management; see .NOTES)"
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
    if (-not $Grant.scope.name) { $Grant.scope.name = $Grant.name }
    $within = @{ Filter = $Grant.scope.filter; ResultSize = 'Unlimited' }
    $reached = @(Get-Recipient @within -ErrorAction Stop | ForEach-Object -Process { "$($_.Name)" })
    $Grant.scope.recipients = $reached.Count
    $more = if ($reached.Count -gt 10) { " and $($reached.Count - 10) more" }
    $Run.Wanted = "$($Grant.scope.filter), now $($reached.Count) recipients: $($reached[0..9] -join ', ')$more"
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
    if ($there.roles -notcontains $Grant.role) { $there.wrong += "it lacks the role $($Grant.role)" }
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
        @{ guid = "$($scope.Guid)"; same = $plain -and $is -eq $wanted; text = $text }
    }
}
function Invoke-ExgChange { # The one place where something is changed: shows the command, asks, runs it, notes it.
    param([string]$Id, [string]$Cmdlet, [System.Collections.IDictionary]$With, [scriptblock]$Stands)
    foreach ($name in $Pin.Keys) { $With[$name] = $Pin[$name] }
    $words = foreach ($name in $With.Keys) {
        $texts = @($With[$name]) -replace "['\u2018-\u201b]", '$0$0' # all that PowerShell takes for a single quote
        if ($With[$name] -is [bool]) { "-${name}:`$$texts" } else { "-$name '$($texts -join "', '")'" }
    }
    $Report.steps += ($step = [ordered]@{ id = $Id; status = 'planned'; command = "$Cmdlet $words" })
    $ask = { $Run.Script.ShouldProcess("$($Grant.assignee.given), for $($Run.Wanted)", $step.command) }
    $yes = try { & $ask } catch { $false } # it fails where nobody can answer
    if (-not $yes -and $WhatIfPreference) { return }
    if (-not $yes) { throw "interrupted: Not agreed to (-Confirm:`$false), and not run: $($step.command)" }
    for ($try, $busy, $made = 1, 0, $null; -not $made; $try++) {
        try { $made = @(& $Cmdlet @With -Confirm:$false -ErrorAction Stop) + $true } catch { $fail = $_ } finally {
            if (-not $made) { $made = @(try { & $Stands } catch { throw "failed: Perhaps done: $_" }) } # or lost
            if ($made) {
                $step.status, $step.guid = 'changed', @("$($With.Identity)", "$($made[0].Guid)" -ne '')[0]
                $undo = @{ cmdlet = $Cmdlet -replace '^New', 'Remove'; identity = $step.guid }
                if ($With.Member) { $undo = @() } elseif ($Id -ne 'assign') { $undo.onlyIf = 'unused' }
                $out = foreach ($it in @($With.Members) + $With.Member | Where-Object -FilterScript { $_ }) {
                    $who = @(@{ name = 'Member'; value = $it })
                    @{ cmdlet = 'Remove-RoleGroupMember'; identity = $step.guid; parameters = $who }
                }
                $Report.inverse, $Report.changed = (@($out) + $undo + $Report.inverse), $true
            }
        }
        if ($made) { continue }
        $fault = Get-ExgFault -Failure $fail
        if ($fault -eq 'dehydrated') { Enable-ExgCustomization -Failure $fail } else { $busy++ }
        if ('dehydrated', 'transient', 'throttled' -notcontains $fault -or $busy -gt 5) { throw $fail }
        Write-Warning -Message "Refused for now, and tried again soon: $fail"
        Start-Sleep -Seconds ([Math]::Min(300, [Math]::Pow(2, $try)))
    }
}
function Enable-ExgCustomization { # Only when the server asks for it; once it is enabled, only time helps.
    param($Failure)
    $command = 'Enable-OrganizationCustomization'
    if (-not (Get-Command -Name $command -ErrorAction SilentlyContinue)) { throw "failed: Not here: $Failure" }
    if ($Run.Customized -and (Get-Date).AddMinutes(-$TimeoutMinutes) -lt [datetime]$Report.startedAt) { return }
    if ($Run.Customized) { throw 'customization-pending: It is enabled, not in effect yet. Run this again later.' }
    $ask = { $Run.Script.ShouldContinue('This cannot be undone.', $command) } # which fails where nobody can answer
    $Run.Yes = $Run.Yes -or $EnableCustomization -or $(try { & $ask } catch { $false })
    if (-not $Run.Yes) { throw "interrupted: Not agreed to (-EnableCustomization), and not run: $command" }
    try {
        $null = & $command -Confirm:$false -ErrorAction Stop
        $Report.changed = $Run.Customized = $true
        $Report.steps += @{ id = 'customize'; status = 'changed'; command = $command; irreversible = $true }
    } catch { # Half done is tried again.
        $Run.Customized = (Get-ExgFault -Failure $_) -eq 'already_customized'
        if (-not $Run.Customized -and ++$Run.Halfway -gt 3) { throw }
    }
}
$Faults = [ordered]@{ # what errors mean: the first pattern that fits decides, unless the one behind it fits
    already_customized = ('InvalidOperationException\] [0-9A-F]{1,8},[a-z.]+EnableOrganizationCustomizationTask|' +
        '\[Enable-OrganizationCustomization\] InvalidOperationException'),
        '\$error\.|\bwas run:|--->|wasn.t found|couldn.t be found|write scope|try again'
    other = 'EnableOrganizationCustomizationTask|\[Enable-OrganizationCustomization\]'
    dehydrated = ('InDehydratedContext|you first need to run the command: ?Enable-OrganizationCustomization|' +
        'not allowed for the organization with disabled customizations')
    access_denied = ('CmdletAccessDeniedException|ADScopeException|OperationRequiresGroupManagerException|' +
        'INSUFF?_ACCESS_RIGHTS|UnauthorizedAccessException(?:\] [0-9A-F]{1,8})?,Microsoft\.Exchange|' +
        'delegating (?:management )?role|delegierende Rollenz|\u59D4\u4EFB\u5F79\u5272\u306E|' +
        'out of the current user.s write scope'), 'synchroni[sz]|licen[sc]e'
    throttled = '\b(?:OverBudget|ServerBusy|ResourceUnhealthy)Exception'
    principal_not_found = 'ManagementObjectNotFoundException|ADNoSuchObjectException|RecipientNotFoundException'
    transient = ('(?:ADTransient|ADServerSettingsChanged|DirectoryTransientError|SuitabilityDirectory)Exception|' +
        'active directory[^.]{0,40} 0x5[12]\b'), 'Permanent|RemoteTransient|too many transient|0x31\b'
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
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = 'grant'; grant = $Grant
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
    $Report.steps += [ordered]@{ id = 'assign'; status = 'failed'; text = $Run.Reason }
} finally { # Also after Ctrl-C: the session is as it was, and a scope that no assignment uses does not stay.
    try {
        if ($View) { Set-ADServerSettings @View -ErrorAction Stop -WhatIf:$false -Confirm:$false }
        if (@($Report.inverse)[0].onlyIf) {
            Remove-ManagementScope -Identity $Report.inverse[0].identity -Confirm:$false -ErrorAction Stop @Pin
            $Report.inverse, $Report.changed = @(), ($Report.steps.irreversible -contains $true)
        }
    } catch { Write-Warning -Message "Not put back: $_" }
    $undo = @($Report.inverse | ForEach-Object -Process {
            $rest = if ($_.parameters) { " -Member '$($_.parameters[0].value)'" }
            if ($_.cmdlet -match 'RoleGroup') { $rest += ' -BypassSecurityGroupManagerCheck' }
            "$($_.cmdlet) -Identity '$($_.identity)'$rest"
        }) -join "`n"
    if ($Report.outcome -eq 'interrupted') { Write-Warning "Stopped. Changed: $($Report.changed). Undo: $undo" }
    $Report.finishedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    $json = ConvertTo-Json -InputObject $Report -Depth 9 -Compress
    $json = [regex]::Replace($json, '[^ -~]', { param($match) '\u{0:x4}' -f [int][char]$match.Value })
    try { if ($to.LiteralPath) { Set-Content @to -Value $json } } catch { Write-Warning -Message "No report: $_" }
}
$codes = @{ failed = 1; conflict = 1; 'not-found' = 1; differs = 3; 'customization-pending' = 3; denied = 5 }
$exitCode = if ($Report.outcome -eq 'interrupted') { 130 } else { [int]$codes[$Report.outcome] }
$reach = $Report.proof | ForEach-Object -Process { "$($_.mailbox): $($_.rbac), expected $($_.expected)" }
if (-not ($InScope + $OutOfScope)) { $reach = 'not tested: no mailbox is named in this script' }
[PSCustomObject][ordered]@{
    Outcome = $Report.outcome; ExitCode = $exitCode; Changed = $Report.changed; Reason = $Run.Reason
    Warnings = @($Report.findings | ForEach-Object -Process { $_.text }) -join "`n"
    Reach = $reach -join "`n"; Undo = $undo
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
