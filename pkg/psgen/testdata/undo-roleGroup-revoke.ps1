#Requires -Version 3.0
<#
.SYNOPSIS
    Takes back what a run for a grant of ApplicationImpersonation reported that it changed.
.DESCRIPTION
    Each object is found by its GUID: what is gone stays gone, and what merely has the same name is left alone. It
    must be one that such a run makes, for this grant. A scope or role group that is in use stays.
    What was taken is given again, to those who had it. It asks before each change, and prints what takes it back.
.NOTES
    script-format: 2
    form: undo roleGroup revoke
    sha256: 7530a4cff4187b4baa673102fc0e6212f7858885b48b380c128eca0d9f193af7
    body-sha256: 43879f1812757d1823a10fb17b5ec3c2106aab860c820b4a4cc32ee6c5ff1b7a
    Run it in the Exchange Management Shell, first with -WhatIf, as a member of Organization Management, or with
    the roles Role Management and View-Only Recipients and the right to assign this one.
    Exit codes: 0 given back or nothing to do, 1 failed, 5 denied, 130 declined.
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
    name     = 'ApplicationImpersonation-Reschedule Impersonation-29d85646'
    assignee = [ordered]@{
        kind    = 'roleGroup'
        given   = 'Reschedule Impersonation'
        guid    = 'c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77'
        members = @('CONTOSO\svc-reschedule')
    }
    role     = 'ApplicationImpersonation'
    scope    = [ordered]@{
        kind  = 'group'
        given = 'Reschedule Users'
        name  = 'ApplicationImpersonation-Reschedule Impersonation-29d85646'
    }
}
$Roles = @('View-Only Configuration')
$Changes = @(
    @{
        cmdlet     = 'New-ManagementScope'
        id         = 'ApplicationImpersonation-Reschedule Impersonation-29d85646'
        parameters = [ordered]@{
            RecipientRestrictionFilter = 'MemberOfGroup -eq ''CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'''
        }
    }
    @{
        cmdlet     = 'New-RoleGroup'
        id         = 'Reschedule Impersonation'
        parameters = [ordered]@{ Members = @('c4d04f6b-6e2c-4f6e-9d55-1b8a7c1d5e77') }
    }
    @{
        cmdlet     = 'New-ManagementRoleAssignment'
        id         = 'ApplicationImpersonation-Reschedule Impersonation'
        parameters = [ordered]@{
            SecurityGroup             = 'contoso.test/Microsoft Exchange Security Groups/Reschedule Impersonation'
            Role                      = 'ApplicationImpersonation'
            CustomRecipientWriteScope = 'ApplicationImpersonation-Reschedule Impersonation-29d85646'
        }
    }
)
$Pin = @{}

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    $Run.Roles = [string[]]@(Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop).Name
    $Run.Ours = @(foreach ($name in $Grant.assignee.members) {
            foreach ($get in 'Get-User', 'Get-Group') { & $get -Identity $name -ErrorAction SilentlyContinue }
        })
    foreach ($change in $Changes) { Undo-ExgChange -It $change }
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
    if ($Report.changed) { 'granted' } else { 'already-granted' }
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
function Undo-ExgChange { # Takes one change back, if it can have been made for this grant, and still stands.
    param($It)
    $verb, $noun = $It.cmdlet -split '-'
    $get, $on = "Get-$($noun -replace 'Member$')", $At
    if ($noun -like 'RoleGroup*') { $on = @{} }
    $find = { & $get -ErrorAction Stop @on | Where-Object -FilterScript { "$($_.Guid)", "$($_.Name)" -eq $It.id } }
    $done = {
        $now = & $find
        if ($verb -eq 'New') { return @($now | Where-Object -FilterScript { $_ }) }
        if (-not $now) { return $true }
        if ($noun -eq 'RoleGroupMember') {
            $in = @(Get-RoleGroupMember -Identity "$($now.Guid)" -ResultSize Unlimited -ErrorAction Stop)
            return [string[]]$in.Guid -contains $It.parameters.Member
        }
        $verb -eq 'Set' -and "$($now.($It.property))" -eq $It.value
    }
    $object = & $find
    if (& $done) {
        $holder = "$($It.parameters.User)$($It.parameters.SecurityGroup)"
        if (-not $holder -or "$($object.RoleAssignee)" -eq $holder) { return }
        throw "conflict: '$($It.id)' is of $($object.RoleAssignee) now. It is left alone."
    }
    $name, $role = $It.id, $It.parameters.Role
    if ($object) { $name, $role = "$($object.Name)", "$($object.Role)" }
    $fits = $Grant.name, $Grant.scope.name -contains $name -and "$($object.Exclusive)" -ne 'True'
    if ($noun -like 'RoleGroup*') { $fits = $name -eq $Grant.assignee.given }
    if ($noun -eq 'ManagementRoleAssignment') {
        $kind = "$($object.RoleAssignmentDelegationType)"
        $fits = $Run.Roles + $Roles -contains $role -and $kind -notlike 'Delegating*'
    }
    $new = @($It.parameters.Members) + $It.parameters.Member | Where-Object -FilterScript { $_ }
    if ($new | Where-Object -FilterScript { [string[]]$Run.Ours.Guid -notcontains $_ }) { $fits = $false }
    if (-not $fits) { throw "conflict: No run for this grant can have made the $noun '$name'. It is left alone." }
    if ($It.now -and "$($object.($It.property))" -ne $It.now) { throw "conflict: '$name' was changed since." }
    $Run.Wanted = "$noun '$name', $role"
    $with = [ordered]@{ Identity = $It.id }
    if ($verb -eq 'New') { $with = [ordered]@{ Name = $It.id } }
    foreach ($key in $It.parameters.Keys) { $with[$key] = $It.parameters[$key] }
    $undo = @(if ($It.again) { @{ cmdlet = $It.cmdlet; with = $It.again } })
    if ($verb -eq 'New') { $undo = @(@{ cmdlet = "Remove-$noun"; with = [ordered]@{ Identity = $It.id } }) }
    if ($noun -eq 'RoleGroupMember') {
        $with.BypassSecurityGroupManagerCheck = $true
        $undo = @(@{ cmdlet = 'Remove-RoleGroupMember'; with = $with })
    }
    Invoke-ExgChange -Cmdlet $It.cmdlet -With $with -Undo $undo -Done $done
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
