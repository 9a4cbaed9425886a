#Requires -Version 3.0
<#
.SYNOPSIS
    Shows what is left of ApplicationImpersonation in Exchange Online and, when asked, gives scoped rights instead.

.DESCRIPTION
    The role ApplicationImpersonation, which lets a service account act for other mailboxes, no longer exists in
    Exchange Online. It still works on-premises. The block "What happened" below says what was withdrawn when, with
    the sources. Steps from before that time, such as a role group with ApplicationImpersonation, do not work and
    are not in here.

    Without parameters this script only reads: who still holds the role, the EWS settings of the organization, and
    which applications have which rights.

    With parameters it gives one application (not a service account) a right to some mailboxes, by RBAC for
    Applications:

    1. Looks everything up and stops at a conflict, before any change.
    2. Makes the application known to Exchange (New-ServicePrincipal).
    3. Creates the management scope, or uses the one that exists, a group or an administrative unit.
    4. Assigns the role in that scope (New-ManagementRoleAssignment -App).
    5. Asks Exchange about a mailbox in the scope and one outside it (Test-ServicePrincipalAuthorization).
    6. Lists what is left to do by hand, above all to remove tenant-wide consents in Entra.

    The role is one of Microsoft Graph. EWS in Exchange Online ends on 2027-04-01: this script does not
    set it up.

    Every change is asked for. Run it twice and the second run changes nothing. -WhatIf tells everything and
    changes nothing.

.PARAMETER AppId
    The application (client) id of the application in Entra, a GUID.

.PARAMETER ObjectId
    The object id of its service principal, a GUID: Entra, Enterprise applications, the application, Object ID.
    It is not the object id of the app registration.

.PARAMETER DisplayName
    The name under which Exchange shows the application when it has to be made known.

.PARAMETER Role
    The application role to assign, as Get-ManagementRole lists it.

.PARAMETER AssignmentName
    The name of the role assignment. By default it is made of the role and the application's id.

.PARAMETER ScopeName
    Scope: a management scope by its name. With -RecipientFilter it is created when there is none of that name.

.PARAMETER RecipientFilter
    The filter of the management scope (OPATH), such as: CustomAttribute1 -eq 'Reschedule'. A scope of the same
    name with another filter is a conflict; without -RecipientFilter it is used as it is.

.PARAMETER ScopeGroup
    Scope: the direct members of this mail-enabled or Microsoft 365 group.

.PARAMETER AdministrativeUnit
    Scope: the administrative unit in Entra with this id, a GUID.

.PARAMETER InScopeMailbox
    A mailbox that the application must reach afterwards. It is only asked about, not opened.

.PARAMETER OutOfScopeMailbox
    A mailbox that the application must not reach afterwards. It is only asked about, not opened.

.EXAMPLE
    .\office365.ps1

    Explains and lists. Nothing is changed.

.EXAMPLE
    $ids = @{
        AppId    = '00000000-0000-0000-0000-000000000001'
        ObjectId = '00000000-0000-0000-0000-000000000002'
    }
    $mailboxes = @{
        InScopeMailbox    = 'room1@contoso.com'
        OutOfScopeMailbox = 'boss@contoso.com'
    }
    .\office365.ps1 @ids @mailboxes -ScopeGroup 'Reschedule Users' -WhatIf

    Tells what would be done for the direct members of a group. Without -WhatIf it is done, after a question for
    each change; with -Confirm:$false without questions.

.EXAMPLE
    .\office365.ps1 @ids @mailboxes -ScopeName 'Rooms' -RecipientFilter "RecipientTypeDetails -eq 'RoomMailbox'"

    The same for all room mailboxes.

.OUTPUTS
    One object for each step: Id, Status, Text, Command, Guid. Status is info, todo, planned, changed, unchanged or
    failed.

.NOTES
    script-format: 1
    kind: office365
    sha256: 47e19587e39d19bb625a2221bf6bb7b8c5b4d72fe81ed3bce89801e3f0abc55a
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: after Connect-ExchangeOnline, by a member of Organization Management. Review it, then start with -WhatIf.
    Undo: Remove-ManagementRoleAssignment with the name that the step "assign" shows; then, if nothing else uses
    them, Remove-ManagementScope and Remove-ServicePrincipal.
    Exit codes: 0 done or only read, 1 failed or conflict, 2 wrong parameters, 3 a mailbox is not as it must be,
    130 declined.
    No password or other secret is in this file. Exchange Online keeps its own record: Search-UnifiedAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [ValidatePattern('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')]
    [string]$AppId,
    [ValidatePattern('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')]
    [string]$ObjectId,
    [ValidateLength(1, 256)]
    [string]$DisplayName,
    [ValidatePattern('^Application ')]
    [string]$Role = 'Application Calendars.ReadWrite',
    [ValidatePattern('^[^*?]{1,64}\z')]
    [string]$AssignmentName,
    [ValidatePattern('^[^*?]{1,64}\z')]
    [string]$ScopeName,
    [ValidateLength(1, 32768)]
    [string]$RecipientFilter,
    [ValidatePattern('^[^*?]+\z')]
    [string]$ScopeGroup,
    [ValidatePattern('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')]
    [string]$AdministrativeUnit,
    [ValidatePattern('^[^*?]+\z')]
    [string]$InScopeMailbox,
    [ValidatePattern('^[^*?]+\z')]
    [string]$OutOfScopeMailbox
)

# What happened, with sources, as of the first date.
$AsOf = '2026-10-01'
$EwsEnd = '2027-04-01'
$Facts = @(
    @{
        When   = 'since February 2024'
        Text   = 'Microsoft withdraws ApplicationImpersonation from Exchange Online. Exchange Server is ' +
            'not affected: on-premises the role works as before.'
        Source = 'https://techcommunity.microsoft.com/t5/exchange-team-blog/' +
            'retirement-of-rbac-application-impersonation-in-exchange-online/ba-p/4062671'
    }
    @{
        When   = 'since the second half of 2024'
        Text   = 'New assignments of the role are refused in Exchange Online.'
        Source = 'https://mc.merill.net/message/MC718754'
    }
    @{
        When   = 'since February 2025'
        Text   = 'The role and the feature are removed from Exchange Online, tenant by tenant.'
        Source = 'https://techcommunity.microsoft.com/blog/exchange/' +
            'critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762'
    }
    @{
        When   = 'since October 2026'
        Text   = 'EWS is switched off in Exchange Online where nobody set EwsEnabled to True. Where it is ' +
            'True, only the applications in EwsAllowedAppIDs may use EWS; do not rely on an empty ' +
            'list, the sources contradict each other about it.'
        Source = 'https://techcommunity.microsoft.com/blog/exchange/' +
            'exchange-online-ews-your-time-is-almost-up/4492361'
    }
    @{
        When   = 'instead'
        Text   = 'RBAC for Applications gives an application, not an account, a right to some mailboxes, ' +
            'over Microsoft Graph and, until its end, EWS. It is added to what Entra grants: ' +
            'tenant-wide consents must go.'
        Source = 'https://learn.microsoft.com/exchange/permissions-exo/application-rbac'
    }
)

# OPATH filters are compared as conditions, not as text: servers give a filter back with other parentheses, spaces,
# quotes and letter case (learn.microsoft.com/powershell/exchange/recipient-filters).

# Returns a text that is the same for two filters exactly when they are the same condition, $null when the text is
# no filter. -not binds before -and, -and before -or; what waits for its operands stands in $pending.
function ConvertTo-ExgFilterKey {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string]$Filter)

    if ([System.Text.Encoding]::UTF8.GetByteCount($Filter) -gt 32768) { return $null }
    $space = '[ \t\r\n]*'
    $end = '(?![A-Za-z0-9_.:/\\@*?+-])'
    # What stands where a condition begins, and where one has ended.
    $operand = [regex]("\G$space(?:(?<open>\()|(?<not>!)|-(?<not>[A-Za-z]+)$end|" +
        "(?<property>[A-Za-z][A-Za-z0-9_]*)$space-(?<operator>[A-Za-z]+)$end$space(?:" +
        '''(?<single>[^'']*(?:''''[^'']*)*)''|"(?<double>[^"]*(?:""[^"]*)*)"|\$(?<system>[A-Za-z]+)' + $end +
        '|(?<word>(?!-[A-Za-z])[A-Za-z0-9_.:/\\@*?+-]+)))')
    $joint = [regex]"\G$space(?:(?<close>\))|-(?<join>[A-Za-z]+)$end|(?<end>\z))"
    $binding = @{ '(' = 0; 'or' = 1; 'and' = 2; 'not' = 3 }
    $pending = New-Object -TypeName 'System.Collections.Generic.Stack[string]'
    $nodes = New-Object -TypeName 'System.Collections.Generic.Stack[object]'

    $text = $Filter -replace "\A$space\{([\s\S]*)\}$space\z", '$1'
    $position = 0
    $depth = 0
    $next = $operand
    while ($true) {
        $match = $next.Match($text, $position)
        if (-not $match.Success) { return $null }
        $position += $match.Length
        $token = $match.Groups
        if ($token['property'].Success) {
            $key = ConvertTo-ExgComparisonKey -Token $token
            if (-not $key) { return $null }
            $nodes.Push(@{ Kind = 'comparison'; Key = $key })
            $next = $joint
        } elseif ($next -eq $operand) {
            $opening = ($token['open'].Value + $token['not'].Value).ToLowerInvariant().Replace('!', 'not')
            $depth++
            if ($opening -notin '(', 'not' -or $depth -gt 256) { return $null }
            $pending.Push($opening)
        } else {
            # What binds at least as tightly as this joint has its operands now.
            $join = $token['join'].Value.ToLowerInvariant()
            if ($join -notin 'and', 'or', '') { return $null }
            $floor = if ($join) { $binding[$join] } else { 1 }
            while ($pending.Count -gt 0 -and $binding[$pending.Peek()] -ge $floor) {
                if ($pending.Peek() -eq 'not') { $depth-- }
                Join-ExgFilterNode -Nodes $nodes -Kind $pending.Pop()
            }
            if ($join) {
                $pending.Push($join)
                $next = $operand
            } elseif ($token['end'].Success) {
                if ($pending.Count -gt 0) { return $null }
                return $nodes.Peek().Key
            } else {
                if ($pending.Count -eq 0) { return $null }
                $null = $pending.Pop()
                $depth--
            }
        }
    }
}

# The directory compares text without regard to case. $true and 'True' are one value, $null and 'null' are two.
function ConvertTo-ExgComparisonKey {
    param($Token)
    $operator = $Token['operator'].Value.ToLowerInvariant()
    if ($operator -notin 'eq', 'ne', 'like', 'notlike', 'lt', 'le', 'gt', 'ge') { return $null }
    $system = $Token['system'].Value.ToUpperInvariant()
    if ($system -notin 'TRUE', 'FALSE', 'NULL', '') { return $null }
    $text = $Token['word'].Value + $Token['single'].Value.Replace("''", "'") +
        $Token['double'].Value.Replace('""', '"')
    $value = "'" + ($system + $text.ToUpperInvariant()).Replace("'", "''") + "'"
    if ($system -eq 'NULL') { $value = '$NULL' }
    $Token['property'].Value.ToUpperInvariant() + " -$operator $value"
}

# Replaces the last one or two nodes by their combination. A chain of one kind is one node, a double negation none.
function Join-ExgFilterNode {
    param($Nodes, [string]$Kind)
    $last = $Nodes.Pop()
    if ($Kind -eq 'not' -and $last.Kind -eq 'not') {
        $Nodes.Push($last.Inner)
    } elseif ($Kind -eq 'not') {
        $Nodes.Push(@{ Kind = $Kind; Key = '-not(' + $last.Key + ')'; Inner = $last })
    } else {
        $parts = @()
        foreach ($node in $Nodes.Pop(), $last) {
            $parts += if ($node.Kind -eq $Kind) { $node.Parts } else { $node.Key }
        }
        $Nodes.Push(@{ Kind = $Kind; Key = "-$Kind(" + ($parts -join ',') + ')'; Parts = $parts })
    }
}

# The command as text, exactly as it is run.
function Format-ExgCommand {
    param([string]$Cmdlet, [System.Collections.IDictionary]$Parameters)
    $words = @($Cmdlet)
    foreach ($name in $Parameters.Keys) {
        $value = $Parameters[$name]
        if ($value -is [bool] -and $value -and $name -eq 'BypassSecurityGroupManagerCheck') {
            $words += "-$name"
        } elseif ($value -is [bool]) {
            $words += "-${name}:`$" + "$value".ToLowerInvariant()
        } else {
            # PowerShell takes these five characters for a single quote.
            $texts = @($value | ForEach-Object -Process { "'" + ($_ -replace "(['\u2018-\u201b])", '$1$1') + "'" })
            $words += "-$name " + ($texts -join ', ')
        }
    }
    $words -join ' '
}

# Tells one step. Five properties are printed as a list at once; a table would wait and be lost at the exit.
function Write-ExgStep {
    param([string]$Id, [string]$Status, [string]$Text, [string]$Command, [string]$Guid)
    $Exg.Cmdlet.WriteObject([PSCustomObject]@{
            Id      = $Id
            Status  = $Status
            Text    = $Text
            Command = $Command
            Guid    = $Guid
        })
}

# Ends the run: tells why and with which exit code.
function Stop-ExgRun {
    param([int]$Code, [string]$Text, [string]$Command)
    $Exg.Code = $Code
    $Exg.Stopped = $true
    Write-ExgStep -Id $Exg.Step -Status 'failed' -Text $Text -Command $Command
    throw $Text
}

# The one place where something is changed: asks first, runs the command, tells it. Returns nothing under -WhatIf.
function Invoke-ExgChange {
    param(
        [string]$Step, [string]$Cmdlet, [System.Collections.Specialized.OrderedDictionary]$Parameters,
        [string]$Target, [string]$Text
    )
    $Exg.Step = $Step
    $Parameters.Confirm = $false
    $command = Format-ExgCommand -Cmdlet $Cmdlet -Parameters $Parameters
    if (-not $Exg.Cmdlet.ShouldProcess($Target, $Cmdlet)) {
        if (-not $WhatIfPreference) {
            Stop-ExgRun -Code 130 -Text "Declined: $Cmdlet was not run, nor anything after it." -Command $command
        }
        $Exg.Planned = $true
        Write-ExgStep -Id $Step -Status 'planned' -Text $Text -Command $command
        return
    }
    $written = & $Cmdlet @Parameters -ErrorAction Stop
    $guid = if ($written) { "$($written.Guid)" } else { '' }
    Write-ExgStep -Id $Step -Status 'changed' -Text $Text -Command $command -Guid $guid
}

# Whole days until EWS in Exchange Online is off; not positive when it is.
function Get-ExgEwsDay {
    $today = (Get-Date).ToUniversalTime().Date
    ([datetime]$EwsEnd - $today).Days
}

# The shell must be one of Exchange Online: nothing here makes sense anywhere else.
function Assert-ExgOnline {
    $connect = 'For Exchange Online open a new PowerShell window and run: Install-Module -Name ' +
        'ExchangeOnlineManagement (once), then Connect-ExchangeOnline -UserPrincipalName YOUR-ADMIN, then this ' +
        'script again.'
    if (Get-Command -Name 'Get-ExchangeServer' -ErrorAction SilentlyContinue) {
        Stop-ExgRun -Code 1 -Text ('This is the shell of an on-premises organization, where ' +
            'ApplicationImpersonation still works: exgrant script grant makes the script for it. Nothing was ' +
            "changed. $connect")
    }
    $needed = @(
        'Get-ManagementRole'
        'Get-ManagementRoleAssignment'
        'Get-OrganizationConfig'
        'Get-ServicePrincipal'
    )
    if ($Exg.Replace) {
        $needed += @(
            'Get-Mailbox'
            'Get-ManagementScope'
            'Get-Recipient'
            'New-ManagementRoleAssignment'
            'New-ManagementScope'
            'New-ServicePrincipal'
            'Test-ServicePrincipalAuthorization'
        )
    }
    $there = @(Get-Command -Name $needed -ErrorAction SilentlyContinue | ForEach-Object -Process { $_.Name })
    $missing = @($needed | Where-Object -FilterScript { $there -notcontains $_ })
    if ($there.Count -eq 0) {
        Stop-ExgRun -Code 1 -Text "This window is not connected to Exchange Online. $connect"
    }
    if ($missing.Count -gt 0) {
        Stop-ExgRun -Code 1 -Text ('Your roles do not give these commands, or this is another service than ' +
            "Exchange Online: $($missing -join ', '). Members of Organization Management have them. $connect")
    }
    Write-ExgStep -Id 'preflight' -Status 'unchanged' -Text ('This is a shell of Exchange Online; all commands ' +
        'are there.')
}

# The facts with their sources for whoever only reads, and how long EWS has left for everybody.
function Show-ExgExplanation {
    foreach ($fact in $Facts) {
        if ($Exg.Replace) { break }
        Write-ExgStep -Id 'explanation' -Status 'info' -Text "$($fact.When): $($fact.Text) Source: $($fact.Source)"
    }
    $days = Get-ExgEwsDay
    $text = "EWS in Exchange Online has been off since $EwsEnd."
    if ($days -gt 0) {
        $text = "EWS in Exchange Online is switched off on $EwsEnd, without exceptions: $days days left."
    }
    Write-ExgStep -Id 'explanation' -Status 'info' -Text "$text (Facts as of $AsOf.)"
}

# Who still holds the retired role.
function Show-ExgRetiredRole {
    $Exg.Roles = @(Get-ManagementRole -ErrorAction Stop | ForEach-Object -Process { "$($_.Name)" })
    if ($Exg.Roles -notcontains 'ApplicationImpersonation') {
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text ('The role ApplicationImpersonation does not ' +
            'exist here any more, as expected: nobody holds it.')
        return
    }
    $getManagementRoleAssignmentParams = @{
        Role              = 'ApplicationImpersonation'
        Delegating        = $false
        GetEffectiveUsers = $true
        ErrorAction       = 'Stop'
    }
    $rows = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
    if ($rows.Count -eq 0) {
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text ('The role ApplicationImpersonation is still ' +
            'listed, but nobody holds it.')
    }
    foreach ($row in $rows) {
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Guid "$($row.Guid)" -Text (
            "A remainder of ApplicationImpersonation: '$($row.Name)' for $($row.RoleAssigneeName) (effective: " +
            "$($row.EffectiveUserName)). Do not count on it: the feature is removed.")
    }
}

# The applications that may use EWS; $null where this shell does not show them.
function Get-ExgEwsAllowedApp {
    $command = Get-Command -Name 'Get-OrganizationConfig' -ErrorAction Stop
    if (-not $command.Parameters.ContainsKey('RetrieveEwsOperationAccessPolicy')) { return }
    $organization = Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy -ErrorAction Stop
    if (-not $organization.PSObject.Properties['EwsAllowedAppIDs']) { return }
    $text = "$($organization.EwsAllowedAppIDs)"
    , @($text -split '[,;\s]+' | Where-Object -FilterScript { $_ })
}

function Show-ExgEwsSetting {
    $organization = Get-OrganizationConfig -ErrorAction Stop
    $settings = [ordered]@{}
    foreach ($setting in 'EwsEnabled', 'EwsApplicationAccessPolicy', 'EwsAllowList', 'EwsBlockList') {
        $settings[$setting] = @($organization.$setting) -join ', '
    }
    $allowed = Get-ExgEwsAllowedApp
    $settings.EwsAllowedAppIDs = $allowed -join ', '
    if ($null -eq $allowed) { $settings.EwsAllowedAppIDs = '(not shown by this shell)' }
    $words = @($settings.Keys | ForEach-Object -Process {
            if ($settings[$_]) { "${_}: $($settings[$_])" } else { "${_}: (empty)" }
        })
    Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text ('EWS settings. ' + ($words -join '. '))
}

# The mailboxes that an assignment covers, in words.
function Format-ExgReach {
    param($Assignment)
    $kind = "$($Assignment.RecipientWriteScope)"
    $target = Get-ExgReachName -Assignment $Assignment
    switch ($kind) {
        'Organization' { return 'every mailbox of the organization' }
        'CustomRecipientScope' { return "the management scope '$target'" }
        'Group' { return "the members of '$target'" }
        'AdministrativeUnit' { return "the administrative unit $target" }
    }
    "$kind $target".Trim()
}

# The scope, group or administrative unit of an assignment, by the first property that names one.
function Get-ExgReachName {
    param($Assignment)
    $Assignment.CustomResourceScope, $Assignment.CustomRecipientWriteScope, $Assignment.RecipientGroupScope,
    $Assignment.RecipientAdministrativeUnitScope | ForEach-Object -Process { "$_" } |
        Where-Object -FilterScript { $_ } | Select-Object -First 1
}

# The service principals that Exchange knows and what they may do; with -AppId only that application's.
function Show-ExgServicePrincipal {
    $Exg.Principals = @(Get-ServicePrincipal -ErrorAction Stop)
    $assignments = @(Get-ManagementRoleAssignment -ErrorAction Stop | Where-Object -FilterScript {
            "$($_.RoleAssigneeType)" -eq 'ServicePrincipal'
        })
    $shown = 0
    foreach ($principal in $Exg.Principals) {
        $application = "$($principal.AppId)"
        if ($AppId -and $application -ne $AppId) { continue }
        $names = @(
            "$($principal.ObjectId)", $application, "$($principal.Identity)", "$($principal.Name)",
            "$($principal.DisplayName)" | Where-Object -FilterScript { $_ }
        )
        $held = @($assignments | Where-Object -FilterScript {
                $names -contains "$($_.RoleAssignee)" -or $names -contains "$($_.RoleAssigneeName)"
            } | ForEach-Object -Process { "$($_.Role) for $(Format-ExgReach -Assignment $_)" })
        if ($held.Count -eq 0) { $held = @('no application role in Exchange') }
        $shown++
        $label = "'$($principal.DisplayName)', application $application"
        $object = "$($principal.ObjectId)"
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Guid $object -Text ("Service principal ${label}: " +
            ($held -join '; ') + '.')
    }
    if ($shown -eq 0) {
        $which = if ($AppId) { "the application $AppId" } else { 'any application' }
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text "Exchange holds no service principal of $which."
    }
}

# How RBAC for Applications works: learn.microsoft.com/exchange/permissions-exo/application-rbac

# Half an order is refused whole, before anything is asked of Exchange Online.
function Assert-ExgParameter {
    $scopes = @('ScopeName', 'ScopeGroup', 'AdministrativeUnit' | Where-Object -FilterScript {
            $Exg.Bound.ContainsKey($_)
        })
    $missing = @('AppId', 'ObjectId', 'InScopeMailbox', 'OutOfScopeMailbox' | Where-Object -FilterScript {
            -not $Exg.Bound.ContainsKey($_)
        })
    if ($missing.Count -gt 0) {
        Stop-ExgRun -Code 2 -Text ("Missing: -$($missing -join ', -'). A replacement needs -AppId, -ObjectId, " +
            'one scope, -InScopeMailbox and -OutOfScopeMailbox. Without any parameter the script only reads.')
    }
    if ($scopes.Count -ne 1) {
        Stop-ExgRun -Code 2 -Text ('Give exactly one scope: -ScopeName (with -RecipientFilter to create it), ' +
            '-ScopeGroup or -AdministrativeUnit. There is no default: without a scope the application would ' +
            'reach every mailbox.')
    }
    if ($RecipientFilter -and -not $ScopeName) {
        Stop-ExgRun -Code 2 -Text '-RecipientFilter is the filter of a management scope: it needs -ScopeName.'
    }
    if ($AppId -eq $ObjectId) {
        Stop-ExgRun -Code 2 -Text ('-AppId and -ObjectId are the same. The first is the application (client) ' +
            'id, the second the object id of its enterprise application, not of its app registration.')
    }
}

# Everything is looked up, and every conflict found, before anything is changed.
function Resolve-ExgReplacement {
    $Exg.Step = 'resolve'
    $known = @($Exg.Roles | Where-Object -FilterScript { $_ -like 'Application *' })
    if ($known -notcontains $Role) {
        Stop-ExgRun -Code 1 -Text "There is no application role '$Role' here. There are: $($known -join ', ')."
    }
    $inScope = Resolve-ExgMailbox -Identity $InScopeMailbox
    $outOfScope = Resolve-ExgMailbox -Identity $OutOfScopeMailbox
    if ($inScope -eq $outOfScope) {
        Stop-ExgRun -Code 2 -Text "-InScopeMailbox and -OutOfScopeMailbox are the same mailbox, $inScope."
    }
    $Exg.Mailboxes = @{ In = $inScope; Out = $outOfScope }
    Resolve-ExgPrincipal
    Resolve-ExgScope
    Resolve-ExgAssignment
    Write-ExgStep -Id 'resolve' -Status 'unchanged' -Text ("Application $AppId, role '$Role', " +
        "$($Exg.Reach.Words). To be reachable: $inScope. Not to be reachable: $outOfScope.")
}

function Resolve-ExgMailbox {
    param([string]$Identity)
    $found = @(Get-Mailbox -Identity $Identity -ErrorAction Stop)
    if ($found.Count -ne 1) {
        Stop-ExgRun -Code 1 -Text "'$Identity' is $($found.Count) mailboxes. Name one by its address."
    }
    "$($found[0].PrimarySmtpAddress)"
}

function Resolve-ExgPrincipal {
    foreach ($principal in $Exg.Principals) {
        $application = "$($principal.AppId)"
        $object = "$($principal.ObjectId)"
        if ($application -eq $AppId -and $object -eq $ObjectId) {
            $Exg.Principal = $principal
        } elseif ($application -eq $AppId -or $object -eq $ObjectId) {
            Stop-ExgRun -Code 1 -Text ("Exchange already knows application $application with the object id " +
                "${object}: one of your two ids is wrong. -ObjectId is the object id of the enterprise " +
                'application in Entra (Get-MgServicePrincipal), not of the app registration. Nothing was changed.')
        }
    }
}

# Finds what the assignment is to cover: a management scope, a group or an administrative unit.
function Resolve-ExgScope {
    if ($ScopeGroup) {
        $found = @(Get-Recipient -Identity $ScopeGroup -ErrorAction Stop)
        $type = if ($found.Count -eq 1) { "$($found[0].RecipientTypeDetails)" } else { '' }
        if ($type -notlike '*Group*' -or $type -like 'Dynamic*') {
            Stop-ExgRun -Code 1 -Text ("'$ScopeGroup' is not one group ($($found.Count) found, type '$type'). A " +
                'mail-enabled security group, distribution group or Microsoft 365 group is needed, not a ' +
                'dynamic one.')
        }
        $Exg.Reach = @{
            Kind      = 'Group'
            Parameter = 'RecipientGroupScope'
            Value     = "$($found[0].DistinguishedName)"
            Names     = @("$($found[0].Name)", "$($found[0].DistinguishedName)", "$($found[0].Guid)")
            Words     = "the direct members of '$($found[0].Name)' (nested groups do not count)"
        }
        return
    }
    if ($AdministrativeUnit) {
        $Exg.Reach = @{
            Kind      = 'AdministrativeUnit'
            Parameter = 'RecipientAdministrativeUnitScope'
            Value     = $AdministrativeUnit
            Names     = @($AdministrativeUnit)
            Words     = "the administrative unit $AdministrativeUnit"
        }
        return
    }
    $Exg.Reach = @{
        Kind      = 'CustomRecipientScope'
        Parameter = 'CustomResourceScope'
        Value     = $ScopeName
        Names     = @($ScopeName)
        Words     = "the management scope '$ScopeName'"
    }
    $found = @(Get-ManagementScope -ErrorAction Stop | Where-Object -FilterScript { "$($_.Name)" -eq $ScopeName })
    if ($found.Count -eq 1) {
        $Exg.Scope = $found[0]
        Compare-ExgScope -Scope $found[0]
    } elseif (-not $RecipientFilter) {
        Stop-ExgRun -Code 1 -Text "There is no management scope '$ScopeName'. Give -RecipientFilter to create it."
    }
}

# A scope of that name is used as it is only when it is what was asked for. It is never changed: others may use it.
function Compare-ExgScope {
    param($Scope)
    if ("$($Scope.Exclusive)" -eq 'True') {
        Stop-ExgRun -Code 1 -Text ("The management scope '$ScopeName' is exclusive and cannot be used here. " +
            'Choose another name.')
    }
    if (-not $RecipientFilter) { return }
    $filter = "$($Scope.RecipientFilter)"
    $root = "$($Scope.RecipientRoot)"
    $key = ConvertTo-ExgFilterKey -Filter $RecipientFilter
    $same = $filter -eq $RecipientFilter -or ($key -and $key -ceq (ConvertTo-ExgFilterKey -Filter $filter))
    if (-not $same -or $root) {
        Stop-ExgRun -Code 1 -Text ("The management scope '$ScopeName' exists with another definition: $filter " +
            "$root. Asked for: $RecipientFilter. Nothing was changed. Choose another name, or leave " +
            '-RecipientFilter out to use it as it is.')
    }
}

# Looks for the assignment that is wanted, and for others of this application and role, which add to it.
function Resolve-ExgAssignment {
    $Exg.Name = if ($AssignmentName) { $AssignmentName } else { ($Role -replace '^Application ', '') + "-$AppId" }
    if ($Exg.Name.Length -gt 64) { $Exg.Name = $Exg.Name.Substring(0, 64) }
    if (-not $Exg.Principal) { return }

    $getManagementRoleAssignmentParams = @{
        RoleAssignee = $ObjectId
        Delegating   = $false
        ErrorAction  = 'Stop'
    }
    foreach ($assignment in @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)) {
        if ("$($assignment.Role)" -ne $Role) { continue }
        $label = "$($assignment.Name)"
        $disabled = "$($assignment.Enabled)" -eq 'False'
        if ((Test-ExgReach -Assignment $assignment) -and $disabled) {
            Stop-ExgRun -Code 1 -Text ("The assignment '$label' is what you ask for, but somebody disabled it. " +
                'Find out why, then enable it with Set-ManagementRoleAssignment. Nothing was changed.')
        } elseif (Test-ExgReach -Assignment $assignment) {
            $Exg.Assignment = $assignment
        } elseif ($label -eq $Exg.Name) {
            Stop-ExgRun -Code 1 -Text ("The assignment '$label' exists for " +
                "$(Format-ExgReach -Assignment $assignment). Nothing was changed. Give this one another name " +
                'with -AssignmentName, or remove the old one first.')
        } elseif (-not $disabled) {
            Write-Warning -Message ("The application already has '$Role' for " +
                "$(Format-ExgReach -Assignment $assignment), by the assignment '$label'. Assignments add up: " +
                'what that one reaches stays reachable.')
        }
    }
}

# Exchange shows a group scope as Group with the group's name, or with the name and a GUID behind an underscore.
function Test-ExgReach {
    param($Assignment)
    if ("$($Assignment.RecipientWriteScope)" -ne $Exg.Reach.Kind) { return $false }
    $reachName = Get-ExgReachName -Assignment $Assignment
    if ($Exg.Reach.Kind -eq 'Group') {
        $reachName = $reachName -replace '_[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    }
    $Exg.Reach.Names -contains $reachName
}

# The service principal of Entra gets its counterpart in Exchange.
function Add-ExgServicePrincipal {
    if ($Exg.Principal) {
        Write-ExgStep -Id 'service-principal' -Status 'unchanged' -Guid $ObjectId -Text ('Exchange knows the ' +
            'application.')
        return
    }
    $parameters = [ordered]@{ AppId = $AppId; ObjectId = $ObjectId }
    if ($DisplayName) { $parameters.DisplayName = $DisplayName }
    $invokeExgChangeParams = @{
        Step       = 'service-principal'
        Cmdlet     = 'New-ServicePrincipal'
        Parameters = $parameters
        Target     = "application $AppId"
        Text       = 'Makes the application known to Exchange. This alone gives it nothing.'
    }
    Invoke-ExgChange @invokeExgChangeParams
}

function Add-ExgScope {
    if ($Exg.Reach.Kind -ne 'CustomRecipientScope') { return }
    if ($Exg.Scope) {
        Write-ExgStep -Id 'scope' -Status 'unchanged' -Guid "$($Exg.Scope.Guid)" -Text (
            "The management scope '$ScopeName' exists: $($Exg.Scope.RecipientFilter)")
        return
    }
    $invokeExgChangeParams = @{
        Step       = 'scope'
        Cmdlet     = 'New-ManagementScope'
        Parameters = [ordered]@{ Name = $ScopeName; RecipientRestrictionFilter = $RecipientFilter }
        Target     = "management scope '$ScopeName': $RecipientFilter"
        Text       = 'Creates the management scope. This alone gives nobody anything.'
    }
    Invoke-ExgChange @invokeExgChangeParams
}

function Add-ExgAssignment {
    if ($Exg.Assignment) {
        Write-ExgStep -Id 'assign' -Status 'unchanged' -Guid "$($Exg.Assignment.Guid)" -Text (
            "The assignment '$($Exg.Assignment.Name)' exists.")
        return
    }
    $parameters = [ordered]@{ Name = $Exg.Name; App = $ObjectId; Role = $Role }
    $parameters[$Exg.Reach.Parameter] = $Exg.Reach.Value
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = 'New-ManagementRoleAssignment'
        Parameters = $parameters
        Target     = "application $AppId, role '$Role', $($Exg.Reach.Words)"
        Text       = "Lets the application use '$Role' in $($Exg.Reach.Words)."
    }
    Invoke-ExgChange @invokeExgChangeParams
}

# Asks Exchange about one mailbox that must be reachable and one that must not be.
function Test-ExgAuthorization {
    $Exg.Step = 'oracle'
    if ($Exg.Planned) {
        Write-ExgStep -Id 'oracle' -Status 'planned' -Text ('Asks whether the application reaches ' +
            "$($Exg.Mailboxes.In) and does not reach $($Exg.Mailboxes.Out).")
        return
    }
    foreach ($expected in $true, $false) {
        $mailbox = if ($expected) { $Exg.Mailboxes.In } else { $Exg.Mailboxes.Out }
        $rows = @(Test-ServicePrincipalAuthorization -Identity $ObjectId -Resource $mailbox -ErrorAction Stop)
        $reaching = @($rows | Where-Object -FilterScript {
                "$($_.RoleName)" -eq $Role -and "$($_.InScope)" -eq 'True'
            })
        $answer = if ($reaching.Count -gt 0) { 'in scope' } else { 'not in scope' }
        if (($reaching.Count -gt 0) -eq $expected) {
            Write-ExgStep -Id 'oracle' -Status 'unchanged' -Text "${mailbox}: $answer, as it must be."
            continue
        }
        $Exg.Code = 3
        $why = 'A mailbox or scope that was changed a moment ago may not be seen yet: run the same command ' +
            'again. Else the mailbox does not match the scope.'
        if (-not $expected) {
            $through = @($reaching | ForEach-Object -Process { "$($_.AllowedResourceScope)" })
            $why = "Allowed by: $($through -join ', '). The scope is too wide, or another assignment of this " +
                'application is.'
        }
        Write-ExgStep -Id 'oracle' -Status 'failed' -Text "${mailbox}: $answer, but it must be otherwise. $why"
    }
    Write-ExgStep -Id 'oracle' -Status 'info' -Text ('This test reads the configuration. What the application ' +
        'itself gets is cached: a change takes 30 minutes when it is idle and up to 2 hours when it is busy.')
}

# What this script cannot do or see: the grants in Entra, and the application itself.
function Show-ExgChecklist {
    $permission = $Role -replace '^Application ', ''
    if ($permission -eq 'EWS.AccessAsApp') { $permission = 'full_access_as_app' }
    $command = "Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $ObjectId"
    Write-ExgStep -Id 'checklist' -Status 'todo' -Command $command -Text ('1. Remove the tenant-wide permission ' +
        "$permission (and wider ones) from the application in Entra: Enterprise applications, the application, " +
        'Permissions. What Entra and Exchange grant is added up: while such a consent stands, the scope means ' +
        'nothing. This script cannot see it.')
    Write-ExgStep -Id 'checklist' -Status 'todo' -Text ('2. Wait for the caches (30 minutes to 2 hours), then ' +
        'let the application itself open both mailboxes: the first must work, the second must be refused.')
    Write-ExgStep -Id 'checklist' -Status 'todo' -Text ('3. Configure the server address in the application: ' +
        'Autodiscover does not answer to application roles.')
    Write-ExgStep -Id 'checklist' -Status 'todo' -Text ('4. When it works, retire the old way: the service ' +
        'account, its password, and the role group that held ApplicationImpersonation.')
}

# EWS is not set up by this script.
function Assert-ExgVariant {
    if ($Role -ne 'Application EWS.AccessAsApp') { return }
    $days = Get-ExgEwsDay
    $end = if ($days -gt 0) { "is switched off on $EwsEnd, in $days days" } else { "has been off since $EwsEnd" }
    Stop-ExgRun -Code 2 -Text ("EWS in Exchange Online $end, and this script does not set it up. Use a role of " +
        'Microsoft Graph, such as Application Calendars.ReadWrite. Whoever must have EWS until then: exgrant ' +
        'script office365 --accept-ews-end.')
}

function Invoke-ExgReplacement {
    Add-ExgServicePrincipal
    Add-ExgScope
    Add-ExgAssignment
    Test-ExgAuthorization
}

# Runs it and tells the result.
$replacing = 'AppId', 'ObjectId', 'DisplayName', 'Role', 'AssignmentName', 'ScopeName', 'RecipientFilter',
    'ScopeGroup', 'AdministrativeUnit', 'InScopeMailbox', 'OutOfScopeMailbox'
$Exg = @{
    Cmdlet  = $PSCmdlet
    Bound   = $PSBoundParameters
    Replace = @($replacing | Where-Object -FilterScript { $PSBoundParameters.ContainsKey($_) }).Count -gt 0
    Step    = 'preflight'
    Code    = 0
    Stopped = $false
    Planned = $false
}
try {
    if ($Exg.Replace) { Assert-ExgParameter }
    Show-ExgExplanation
    if ($Exg.Replace) { Assert-ExgVariant }
    Assert-ExgOnline
    $Exg.Step = 'inventory'
    Show-ExgRetiredRole
    Show-ExgEwsSetting
    Show-ExgServicePrincipal
    if ($Exg.Replace) {
        Resolve-ExgReplacement
        Invoke-ExgReplacement
        Show-ExgChecklist
    } else {
        Write-ExgStep -Id 'next' -Status 'info' -Text ('Nothing was changed. To give an application scoped ' +
            'rights, run this script with -AppId and the rest; Get-Help with -Examples shows how. Try -WhatIf ' +
            'first.')
    }
} catch {
    $record = $_
    if (-not $Exg.Stopped) {
        $Exg.Code = 1
        Write-ExgStep -Id $Exg.Step -Status 'failed' -Text "$($record.Exception.Message)"
    }
}
if ($MyInvocation.InvocationName -ne '.') { exit $Exg.Code }
