#Requires -Version 3.0
<#
.SYNOPSIS
    Takes the role ApplicationImpersonation back from an account, for the recipients that a filter matches.
.DESCRIPTION
    It removes the one role assignment that has exactly this grant's name. The account and the group of a scope may
    be gone, renamed or moved; the scope may be another one: the question shows it. Other grants are told and stay.
    Then it removes the management scope of the grant's own name, unless something uses it: nothing else changes.
    It asks before each change, reads back what the account still can do, and prints what takes the change back.
.NOTES
    script-format: 2
    form: revoke user filter
    sha256: 8211e4a639b29eb3b811da864fd43b6536a8518f2aaafa4439aefabb96f42092
    body-sha256: c179233141e638e3a79db28f72342e9f5e0958abfbc93ce465545e25b2699ded
    Run it in the Exchange Management Shell, first with -WhatIf, as a member of Organization Management, or with
    the roles Role Management and View-Only Recipients and the right to assign this one.
    Exit codes: 0 taken back or nothing to do, 1 failed, 3 the account can still act, 5 denied, 130 declined.
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
    name     = 'ApplicationImpersonation-svc-reschedule-3e85bedf'
    assignee = [ordered]@{ kind = 'user'; given = 'svc-reschedule@contoso.test' }
    role     = 'ApplicationImpersonation'
    scope    = [ordered]@{
        kind  = 'filter'
        given = 'RecipientTypeDetails -eq ''RoomMailbox'' -and CustomAttribute1 -eq ''Reschedule'' -and HiddenFromAddressListsEnabled -eq $false'
        name  = 'Rooms for rescheduling'
    }
    mailbox  = 'svc-reschedule@contoso.test'
}
$OwnScope = $false
$Pin = @{}

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    $all = @(Get-ManagementRoleAssignment -ErrorAction Stop @At)
    $own = $all | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.name }
    $account = @(try { Get-User -Identity $Grant.assignee.given -ErrorAction Stop } catch {
            if ((Get-ExgFault -Failure $_) -ne 'principal_not_found') { throw }
        })
    if ($account.Count -gt 1) { throw "failed: '$($Grant.assignee.given)' is the name of several objects." }
    if (-not ($account -or $own)) { throw "not-found: Neither $($Grant.assignee.given) nor '$($Grant.name)'." }
    # Where the account is gone or renamed, the holder of the assignment is the account.
    $Run.Who = if ($account) { "$($account[0].DistinguishedName)" } else { "$($own.RoleAssignee)" }
    $Run.Roles = [string[]]@(Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop).Name
    $held = @(Get-ExgHeld)
    foreach ($other in @($held | Where-Object -FilterScript { $_.guid -ne "$($own.Guid)" })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "It stays: $($other.text)." }
        Write-Warning -Message "It stays: $($other.text)."
    }
    if ($own) {
        $regular = $Run.Roles -contains "$($own.Role)" -and "$($own.RoleAssignmentDelegationType)" -eq 'Regular'
        if (-not $regular -or ($account -and $held.guid -notcontains "$($own.Guid)")) {
            throw "conflict: The name is of another grant: $(Format-ExgHeld -It $own). It is left alone."
        }
        $Run.Wanted = Format-ExgHeld -It $own
        Remove-ExgObject -Noun 'ManagementRoleAssignment' -It $own
    }
    $users = @($all | Where-Object -FilterScript { "$($_.Guid)" -ne "$($own.Guid)" })
    $old = Get-ManagementScope -ErrorAction Stop @At | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.name }
    $used = @($users | Where-Object -FilterScript { "$($_.CustomRecipientWriteScope)" -eq $Grant.name })
    if ($OwnScope -and "$($old.Exclusive)" -eq 'False' -and -not $used) { # the grant made it, and nothing uses it
        $Run.Wanted = "the scope $($Grant.name): $($old.RecipientFilter)"
        Remove-ExgObject -Noun 'ManagementScope' -It $old
    }
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
    $left = @(Get-ExgHeld | Where-Object -FilterScript { $_.on }) # what can the account still do?
    if ($left) { return ('not-revoked', 'still-effective')[$Report.changed] }
    if ($Report.changed) { 'revoked' } else { 'nothing-to-revoke' }
}

function Open-ExgSession { # Makes sure that this is the right shell, and lets it see the whole forest.
    $needed = 'Get-Recipient', 'Get-User', 'Get-Group', 'Remove-ManagementRoleAssignment'
    $here = @(Get-Command -Name $needed -ErrorAction SilentlyContinue)
    $from = "$($here | ForEach-Object -Process { $_.ModuleName, $_.Module.Description }) "
    if ($from -match 'tmpEXO_|ExchangeOnline|//([\w-]+\.)*(office365\.\w+|outlook\.(com|cn|office\.\w+))[:/ ]') {
        throw 'failed: This is a shell of Exchange Online, where the role is gone: see "exgrant script office365".'
    }
    if ($here.Count -lt 4) {
        $open = '$s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://SERVER/PowerShell/'
        $lack = "It takes $($needed -join ', ') (Role Management; see .NOTES)"
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
function Get-ExgHeld { # Regular assignments of the role, or of one made from it, that the account has in any way.
    $found = foreach ($who in @($Run.Who | Where-Object -FilterScript { $_ })) {
        foreach ($role in $Run.Roles) {
            $with = @{ Role = $role; RoleAssignee = $who; Delegating = $false } + $At
            try { Get-ManagementRoleAssignment @with -ErrorAction Stop } catch {
                if ((Get-ExgFault -Failure $_) -ne 'principal_not_found') { throw }
            }
        }
    }
    foreach ($it in $found | Sort-Object -Property { "$($_.Guid)" } -Unique) {
        @{ guid = "$($it.Guid)"; on = "$($it.Enabled)" -eq 'True'; text = Format-ExgHeld -It $it }
    }
}
function Format-ExgHeld { # An assignment in words, with the definition of its scope.
    param($It)
    $name = "$($It.CustomRecipientWriteScope)"
    $scope = Get-ManagementScope -ErrorAction Stop @At | Where-Object -FilterScript { "$($_.Name)" -eq $name }
    $scope = $scope | ForEach-Object -Process { "($($_.RecipientFilter))" }
    "'$($It.Name)', $($It.Role) of $($It.RoleAssignee), for $($It.RecipientWriteScope) $name $scope"
}
function Remove-ExgObject { # Removes one object by its GUID.
    param([string]$Noun, $It)
    $with, $get = [ordered]@{ Identity = "$($It.Guid)" }, "Get-$Noun"
    $undo = @(Get-ExgDefinition -Noun $Noun -It $It)
    $done = { [string[]]@(& $get -ErrorAction Stop @At).Guid -notcontains $with.Identity }
    Invoke-ExgChange -Cmdlet "Remove-$Noun" -With $with -Undo $undo -Done $done
}
function Get-ExgDefinition { # The commands that make an assignment, a scope or a role group again.
    param([string]$Noun, $It)
    $holder = if ("$($It.RoleAssigneeType)" -eq 'User') { 'User' } else { 'SecurityGroup' }
    $within = "$($It.RecipientWriteScope)" -replace 'Scope$', 'WriteScope'
    if ($within -eq 'OU') { $within = 'RecipientOrganizationalUnitScope' }
    $is = 'Name', 'RecipientFilter', 'RecipientRoot', 'RoleAssignee', 'Role', 'CustomRecipientWriteScope'
    $to = 'Name', 'RecipientRestrictionFilter', 'RecipientRoot', $holder, 'Role', $within
    $again = [ordered]@{}
    foreach ($i in 0..5) { if ("$($It.($is[$i]))") { $again[$to[$i]] = "$($It.($is[$i]))" } }
    @{ cmdlet = "New-$Noun"; with = $again }
    $off = [ordered]@{ Identity = $again.Name; Enabled = $false }
    if ("$($It.Enabled)" -eq 'False') { @{ cmdlet = "Set-$Noun"; with = $off } }
}
function Invoke-ExgChange { # The one place where something is changed: shows the command, asks, runs it, notes it.
    param([string]$Cmdlet, [System.Collections.IDictionary]$With, [scriptblock]$Done, [array]$Undo)
    foreach ($name in $Pin.Keys) { $With[$name] = $Pin[$name] }
    $command = Format-ExgCommand -Cmdlet $Cmdlet -With $With
    $Report.steps += ($step = @{ id = 'remove'; status = 'planned'; command = $command })
    $yes = try { $Run.Script.ShouldProcess($Run.Wanted, $command) } catch { $false } # nobody can answer
    if (-not $yes -and $WhatIfPreference) { return }
    if (-not $yes) { throw "interrupted: Not agreed to (-Confirm:`$false), and not run: $command" }
    for ($try, $made = 1, $null; -not $made; $try++) {
        try { $made = @(& $Cmdlet @With -Confirm:$false -ErrorAction Stop) + $true } catch { $fail = $_ } finally {
            if (-not $made) { $made = @(try { & $Done } catch { throw "failed: Perhaps done: $_" }) -ne $false }
            if ($made) {
                $step.status, $Report.changed = 'changed', $true
                if ($Cmdlet -like 'New-*') { $Undo[0].with.Identity = "$($made[0].Guid)" }
                $Run.Undo = $Undo + $Run.Undo
            }
        }
        if ($made) { return }
        $fault = Get-ExgFault -Failure $fail
        if ('transient', 'throttled' -notcontains $fault -or $try -gt 5) { throw $fail }
        Write-Warning -Message "Refused for now, and tried again soon: $fail"
        Start-Sleep -Seconds ([Math]::Min(300, [Math]::Pow(2, $try)))
    }
}
function Format-ExgCommand { # The command as it could be typed.
    param([string]$Cmdlet, [System.Collections.IDictionary]$With)
    $words = foreach ($name in $With.Keys) {
        $texts = @($With[$name]) -replace "['\u2018-\u201b]", '$0$0' # all that PowerShell takes for a single quote
        if ($With[$name] -is [bool]) { "-${name}:`$$texts" } else { "-$name '$($texts -join "', '")'" }
    }
    "$Cmdlet $words"
}
$Faults = [ordered]@{ # what errors mean: the first pattern that fits decides, unless the one behind it fits
    other = 'EnableOrganizationCustomizationTask|\[Enable-OrganizationCustomization\]'
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

$Run, $At, $View, $to = @{ Script = $PSCmdlet; Undo = @() }, $Pin, $null, @{}
$Report = [ordered]@{
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = 'revoke'; grant = $Grant
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
    $Report.steps += [ordered]@{ id = 'remove'; status = 'failed'; text = $Run.Reason }
} finally { # Also after Ctrl-C: the session is as it was.
    try { if ($View) { Set-ADServerSettings @View -ErrorAction Stop -WhatIf:$false -Confirm:$false } } catch {
        Write-Warning -Message "Not put back: $_"
    }
    $undo = @($Run.Undo | ForEach-Object -Process { Format-ExgCommand -Cmdlet $_.cmdlet -With $_.with }) -join "`n"
    if ($undo) { $undo = "Set-ADServerSettings -ViewEntireForest `$true`n$undo" } # whatever an account's domain
    $Report.inverse = @(foreach ($it in $Run.Undo) {
            $rest = foreach ($key in @($it.with.Keys) -notmatch '^(Name|Identity|Bypass.*|DomainController)$') {
                @{ name = $key; value = $it.with[$key] }
            }
            @{ cmdlet = $it.cmdlet; identity = "$($it.with.Name)$($it.with.Identity)"; parameters = @($rest) }
        })
    if ($Report.outcome -eq 'interrupted') { Write-Warning "Stopped. Changed: $($Report.changed). Undo: $undo" }
    $Report.finishedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    $json = ConvertTo-Json -InputObject $Report -Depth 9 -Compress
    $json = [regex]::Replace($json, '[^ -~]', { param($match) '\u{0:x4}' -f [int][char]$match.Value })
    try { if ($to.LiteralPath) { Set-Content @to -Value $json } } catch { Write-Warning -Message "No report: $_" }
}
$codes = @{ failed = 1; conflict = 1; 'not-found' = 1; 'still-effective' = 3; 'not-revoked' = 3; denied = 5 }
$exitCode = if ($Report.outcome -eq 'interrupted') { 130 } else { [int]$codes[$Report.outcome] }
[PSCustomObject][ordered]@{
    Outcome = $Report.outcome; ExitCode = $exitCode; Changed = $Report.changed; Reason = $Run.Reason
    Warnings = @($Report.findings | ForEach-Object -Process { $_.text }) -join "`n"
    Undo = $undo
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
