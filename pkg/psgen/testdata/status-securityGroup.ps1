#Requires -Version 3.0
<#
.SYNOPSIS
    Tells whether a security group may act for the members of one group.
.DESCRIPTION
    It reads who has the role ApplicationImpersonation, compares account, role and scope, whatever the names are,
    and asks who of the named mailboxes is in reach. Another grant, or a disabled account, makes it "differs".
.NOTES
    script-format: 2
    form: status securityGroup group
    sha256: 2e8f2adac5be9b70fbd263cdd9cb6915588b14ec53577068b2c0058d263a9a81
    body-sha256: e0d08afc936fae758564076c2f9e6da46e686614ed7339e7f2b5181e2f98bcec
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
    name     = 'ApplicationImpersonation-Schedulers-7b25f61d'
    assignee = [ordered]@{ kind = 'group'; given = 'Schedulers' }
    role     = 'ApplicationImpersonation'
    scope    = [ordered]@{ kind = 'group'; given = 'Reschedule Users' }
}
$InScope, $OutOfScope = @('anna@contoso.test'), @('boss@contoso.test')
$Pin = @{}

function Invoke-ExgProcedure { # What is asked, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
    $held = @(Get-ExgHeld)
    foreach ($other in @($held | Where-Object -FilterScript { $_.on -and -not $_.within })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "Also: $($other.text)." }
    }
    $equal = @($held | Where-Object -FilterScript { $_.same })
    $inPlace = $equal.on -contains $true
    $Run.Reason = if ($inPlace) { "In place: $($equal.text)." } else { "Not in place. Wanted is $($Run.Wanted)." }
    if ($equal -and -not $inPlace) { $Run.Reason = "Disabled: $($equal.text)." }
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'unchanged'; text = $Run.Reason }
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
    $script:At, $is = $Pin, @('refused', 'allowed') # now as the servers of this session see it, which may lag
    foreach ($name in $InScope + $OutOfScope) {
        $by = @(Get-ExgHeld -Over @{ WritableRecipient = $Run.Mailboxes[$name] }).on -contains $true
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
    $account = Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.assignee.given
    $Grant.assignee.guid = "$($account.Guid)"
    $Run.Who = @("$($account.DistinguishedName)", $Grant.assignee.guid -ne '')[0] # a GUID is not always found
    if ("$($account.RecipientTypeDetails)" -match 'NonUniversal|Distribution') {
        throw "conflict: A $($account.RecipientTypeDetails) has no roles: it takes a universal security group."
    }
    foreach ($name in $InScope + $OutOfScope) {
        $Run.Mailboxes[$name] = "$((Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $name).DistinguishedName)"
    }
    $group = "$((Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.scope.given).DistinguishedName)"
    $Grant.scope.filter = "MemberOfGroup -eq '$($group.Replace("'", "''"))'" # renamed, it is lost; '' is one quote
    $Run.Wanted = $Grant.scope.filter
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
            $within, $same, $on = $same, ($same -and $mine), ("$($it.Enabled)" -eq 'True')
            @{ on = $on; same = $same; within = $within; text = Format-ExgHeld -It $it }
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

$Run, $At, $View, $to = @{ Script = $PSCmdlet; Mailboxes = @{} }, $Pin, $null, @{}
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
