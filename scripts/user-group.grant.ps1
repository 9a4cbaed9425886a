#Requires -Version 3.0
<#
.SYNOPSIS
    Gives an account the role ApplicationImpersonation of Exchange, for the members of one group.
.DESCRIPTION
    It looks first: an equal grant is left alone, whatever its name, and what is in the way ends the run. Then it
    makes a management scope, if there is none, and the role assignment, or enables it; nothing else, but
    Enable-OrganizationCustomization where the server demands that, after a question of its own. It asks before
    each change, reads back, asks who is in reach, and prints what takes it back. A second run changes nothing.
.NOTES
    script-format: 2
    form: grant user group
    sha256: a1ec93263a93be715e18afdbcd11227cb33431106ca777c7db2522dd3e8b56a7
    body-sha256: 842abcb1a866c4254a38156792319ff07de1ba483169e1c8a62540a9540e4c33
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
    name     = 'ApplicationImpersonation-svc-reschedule-30a6cea9'
    assignee = [ordered]@{ kind = 'user'; given = 'CONTOSO\svc-reschedule' }
    role     = 'ApplicationImpersonation'
    scope    = [ordered]@{ kind = 'group'; given = 'Reschedule Users' }
}
$InScope, $OutOfScope = @('anna@contoso.test'), @('boss@contoso.test')
$Pin = @{}

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
    $held = @(Get-ExgHeld)
    foreach ($other in @($held | Where-Object -FilterScript { $_.on -and -not $_.same })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "Also: $($other.text)." }
    }
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
    # Equal is what says the same, whatever its name is. Without one, what is in the way must show before a change.
    $equal = @($held | Where-Object -FilterScript { $_.same })
    if ($equal.on -notcontains $true) {
        if ($Run.Odd) { throw "conflict: It has a scope that cannot be compared: $($Run.Odd)." }
        if (-not ($Grant.scope.recipients -or $AllowEmpty)) { throw 'conflict: Nobody is in it: see -AllowEmpty.' }
        $own = $equal | Where-Object -FilterScript { $_.name -eq $Grant.name }
        if ($equal -and -not $own) { throw "conflict: Somebody disabled $($equal[0].text). Enable or remove it." }
        foreach ($named in @(Get-ManagementRoleAssignment -ErrorAction Stop @At)) {
            if ("$($named.Name)" -ne $Grant.name -or $own) { continue }
            throw "conflict: The name is in use: $(Format-ExgHeld -It $named). Wanted is $($Run.Wanted)."
        }
        $scope = Get-ExgScope -Name $Grant.scope.name
        if ($scope -and -not ($own -or $scope.same)) {
            throw "conflict: There is a scope $($Grant.scope.name) $($scope.text). Wanted is $($Run.Wanted)."
        }
        if (-not ($own -or $scope)) {
            $with = [ordered]@{ Name = $Grant.scope.name; RecipientRestrictionFilter = $Grant.scope.filter }
            $stands = { Get-ExgScope -Name $Grant.scope.name | Where-Object -FilterScript { $_.same } }
            Invoke-ExgChange -Id 'scope' -Cmdlet 'New-ManagementScope' -With $with -Stands $stands
        }
        $verb, $with = 'New', [ordered]@{ Name = $Grant.name; User = $Run.Who; Role = $Grant.role }
        $with.CustomRecipientWriteScope = $Grant.scope.name
        if ($own) { $verb, $with = 'Set', [ordered]@{ Identity = $own.guid; Enabled = $true } }
        $stands = { Get-ExgHeld | Where-Object -FilterScript { $_.same -and $_.on -and $_.name -eq $Grant.name } }
        Invoke-ExgChange -Id 'assign' -Cmdlet "$verb-ManagementRoleAssignment" -With $with -Stands $stands
        if ($WhatIfPreference) { return 'planned' }
    }
    $whole = { Get-ExgHeld | Where-Object -FilterScript { $_.same -and $_.on } }
    $script:At, $is = $Pin, @('refused', 'allowed') # now as the servers of this session see it, which may lag
    foreach ($name in $InScope + $OutOfScope) {
        $by = @(Get-ExgHeld -Over @{ WritableRecipient = $Run.Mailboxes[$name] }).on -contains $true
        $Report.proof += @{ mailbox = $name; expected = $is[$InScope -contains $name]; rbac = $is[$by] }
    }
    $wrong = @($Report.proof | Where-Object -FilterScript { $_.rbac -ne $_.expected })
    if ($wrong.rbac -contains 'allowed') { return 'differs' }
    if (-not (& $whole) -or ($wrong -and $Report.changed)) { return 'granted-replicating' } # run it again later
    if ($wrong) { return 'differs' }
    if ($Report.changed) { 'granted' } else { 'already-granted' }
}

function Open-ExgSession { # Makes sure that this is the right shell, and lets it see the whole forest.
    $needed = 'Get-Recipient', 'Get-User', 'Get-Group', 'New-ManagementRoleAssignment'
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
    $account = Find-ExgObject -Cmdlet 'Get-User' -Identity $Grant.assignee.given
    $Grant.assignee.guid = "$($account.Guid)"
    $Run.Who = @("$($account.DistinguishedName)", $Grant.assignee.guid -ne '')[0] # a GUID is not always found
    if ("$($account.UserAccountControl)" -match 'AccountDisabled') {
        $Report.findings += @{ id = 'account-disabled'; severity = 'warning'; text = 'The account is disabled.' }
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
function Find-ExgObject { # The one object of a name.
    param([string]$Cmdlet, [string]$Identity)
    $found = @(& $Cmdlet -Identity $Identity -ErrorAction Stop)
    if ($found.Count -ne 1) { throw "failed: '$Identity' is several: $($found.DistinguishedName -join '; ')" }
    $found[0]
}
function Get-ExgHeld { # Regular assignments of the role, or of one made from it, that the account has in any way.
    param([hashtable]$Over = @{}) # In a management shell names are live objects, equal to no text; here all is.
    foreach ($role in Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop) {
        $with = @{ Role = "$($role.Name)"; RoleAssignee = $Run.Who; Delegating = $false } + $Over + $At
        foreach ($it in @(Get-ManagementRoleAssignment @with -ErrorAction Stop)) {
            $same = ($scope = Get-ExgScope -Name "$($it.CustomRecipientWriteScope)").same
            $mine = "$($role.Name)" -eq $Grant.role -and "$($it.AssignmentMethod)" -eq 'Direct'
            if ($mine -and $scope.odd) { $Run.Odd = $scope.text }
            $same, $on = ($same -and $mine), ("$($it.Enabled)" -eq 'True')
            @{ guid = "$($it.Guid)"; name = "$($it.Name)"; on = $on; same = $same; text = Format-ExgHeld -It $it }
        }
    }
}
function Format-ExgHeld { # An assignment in words, with the definition of its scope.
    param($It)
    $name = "$($It.CustomRecipientWriteScope)"
    $scope = (Get-ExgScope -Name $name).text
    "'$($It.Name)', $($It.Role) of $($It.RoleAssignee), for $($It.RecipientWriteScope) $name $scope"
}
function Get-ExgScope { # The scope of that name, in text.
    param([string]$Name) # Servers give a filter back with other blanks and parentheses: these do not count.
    foreach ($scope in Get-ManagementScope -ErrorAction Stop @At) {
        if ("$($scope.Name)" -ne $Name) { continue }
        $is, $wanted = "$($scope.RecipientFilter)", $Grant.scope.filter -replace "('(?:[^']|'')*')|[\s()]", '$1'
        $odd = $is -replace "'[^']*'" -replace '-(and|or|not|eq|ne|like|notlike|lt|le|gt|ge)' -match '-'
        $plain = "$($scope.Exclusive)" -ne 'True' -and -not "$($scope.RecipientRoot)"
        $text = "($($scope.RecipientFilter), root '$($scope.RecipientRoot)', exclusive $($scope.Exclusive))"
        @{ guid = "$($scope.Guid)"; same = $plain -and $is -eq $wanted; odd = $odd; text = $text }
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
                $undo = [ordered]@{ cmdlet = $Cmdlet -replace '^New', 'Remove'; identity = $step.guid }
                if ($With.Enabled) { $undo.parameters = @([ordered]@{ name = 'Enabled'; value = $false }) }
                if ($Id -eq 'scope') { $undo.onlyIf = 'unused' }
                $Report.inverse, $Report.changed = (@($undo) + $Report.inverse), $true
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

$Run, $At, $View, $to = @{ Script = $PSCmdlet; Mailboxes = @{} }, $Pin, $null, @{}
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
            "$($_.cmdlet) -Identity '$($_.identity)'$(if ($_.parameters) { ' -Enabled $false' })"
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
