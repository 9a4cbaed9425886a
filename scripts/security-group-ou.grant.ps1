#Requires -Version 3.0
<#
.SYNOPSIS
    Gives one account or group the right to act for other mailboxes: the role ApplicationImpersonation of Exchange.

.DESCRIPTION
    Reads first, writes second, reads back third. The block "What was asked for" below holds everything that is
    specific to this grant; the rest of the script is the same for every grant.

    1. Proves that this is a shell of an on-premises organization and that the commands are there.
    2. Resolves every name to one object, in the whole forest.
    3. Reads who holds the role already. A grant that is equal is left alone, whatever its name; a name or scope
       that is in use for something else stops the script before any change.
    4. Creates the management scope and the role assignment (or the role group), each after a question.
    5. Reads back what was written and asks the server which of the named mailboxes the account can reach.

    Run it twice and the second run changes nothing. -WhatIf tells everything and changes nothing.

    To read it: the procedure stands right below that block, then come its steps, then what they need. The end
    of the file is a table of what errors mean.

.PARAMETER DomainController
    Write to this domain controller and read back from it. By default Exchange chooses one.

.PARAMETER TimeoutMinutes
    How long to try again when the organization must be customized first and the server needs time for it.

.PARAMETER UpdateScope
    Change the scope when the assignment or the scope exists under its name with another definition.

.PARAMETER AllowEmpty
    Grant also when the scope holds no recipient now.

.PARAMETER ReportPath
    Write the report to this file, as JSON, also when the run fails.

.PARAMETER AsJson
    Put the report on the pipeline, as one JSON text in ASCII, and nothing else.

.PARAMETER RecordMarker
    For programs: frame the report with this text as the last output, in base64.

.EXAMPLE
    .\grant.ps1 -WhatIf

    Tells what would be done. Nothing is changed.

.EXAMPLE
    .\grant.ps1

    Asks before each change.

.EXAMPLE
    .\grant.ps1 -Confirm:$false -ReportPath .\report.json

    Asks nothing. The report holds the GUID of every object that was written.

.OUTPUTS
    One object for each step (Id, Status, Text, Command, Guid), then one with the result. With -AsJson one JSON
    text.

.NOTES
    script-format: 1
    kind: grant
    sha256: 4c151388472bbe0b9b597f274446f0892dd381932b5a8304f5ac6cddcad0f2e5
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by a member of Organization Management. Review it, then start with
    -WhatIf.
    Undo: with the revoke script of the same grant, or from the report: exgrant script revoke --from report.json
    Exit codes: 0 done or already so, 1 failed or conflict, 3 not yet in effect, 5 denied, 130 declined.
    No password or other secret is in this file. The server keeps its own record: Search-AdminAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string]$DomainController,
    [ValidateRange(0, 10080)]
    [double]$TimeoutMinutes = 60,
    [switch]$UpdateScope,
    [switch]$AllowEmpty,
    [string]$ReportPath,
    [switch]$AsJson,
    [ValidatePattern('^[A-Za-z0-9]{1,32}$')]
    [string]$RecordMarker
)

# What was asked for. Everything that is specific to this script stands in this block, as constants.
$Operation = 'grant'
$Role = 'ApplicationImpersonation'
$Grant = @{
    Name                  = 'Impersonation for rooms'
    AssigneeKind          = 'group'
    Assignee              = 'Room Booking Services'
    Members               = @()
    ViewOnlyConfiguration = $false
    Mailbox               = ''
    ScopeKind             = 'organizationalUnit'
    Scope                 = 'contoso.test/Rooms'
    ScopeName             = ''
    ScopeNamed            = $false
    DomainController      = 'dc01.contoso.test'
    InScope               = @(
        'room1@contoso.test'
    )
    OutOfScope            = @(
        'boss@contoso.test'
    )
}

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    $Exg.Report.grant = New-ExgGrantState
    Initialize-ExgChange
    $needed = @('Get-ManagementRoleAssignment', 'New-ManagementRoleAssignment')
    if ('group', 'filter', 'existing' -contains $Grant.ScopeKind) {
        $needed += 'Get-ManagementScope', 'New-ManagementScope'
        $needed += 'New-ManagementRoleAssignment -CustomRecipientWriteScope'
    }
    if ($Grant.ScopeKind -eq 'organizationalUnit') {
        $needed += 'New-ManagementRoleAssignment -RecipientOrganizationalUnitScope'
    }
    Start-ExgSession -Needed $needed
    Test-ExgDelegation

    $Exg.Step = 'resolve'
    $assignee = Resolve-ExgAssignee
    Resolve-ExgServiceMailbox
    $wanted = Resolve-ExgScope
    Add-ExgStep -Id 'resolve' -Status 'unchanged' -Text (Format-ExgResolved -Assignee $assignee -Wanted $wanted)

    # A scope of this run must not stay when the run does not end well.
    $Exg.AtEnd = { Undo-ExgScope }
    Set-ExgGrant -Assignee $assignee -Wanted $wanted
}

# Makes the grant to a user or security group, and reads it back.
function Set-ExgGrant {
    param($Assignee, $Wanted)
    $assignment = Set-ExgAssignment -Assignee $Assignee -Wanted $Wanted
    if ($WhatIfPreference -and $Exg.Planned) {
        $Exg.Report.outcome = 'planned'
        return
    }
    $Exg.Report.outcome = if ($Exg.Report.changed) { 'granted' } else { 'already-granted' }
    $there = Test-ExgReadBack -Assignment $assignment -Wanted $Wanted
    $Exg.Step = 'oracle'
    Test-ExgOracle -Assignee "$($Assignee.Guid)"
    if (-not $there -or ($Exg.Report.changed -and (Test-ExgLate))) { $Exg.Report.outcome = 'granted-replicating' }
}

# Returns the assignment that now makes the grant, or $null when it is only planned.
function Set-ExgAssignment {
    param($Assignee, $Wanted)
    for ($round = 1; $true; $round++) {
        $Exg.Step = 'read-assignments'
        Read-ExgAssignment
        $standing = Get-ExgStanding -Assignee $Assignee -Wanted $Wanted
        if ($round -eq 1) { Add-ExgStandingFinding -Wanted $Wanted -Standing $standing }
        $scopes = @($Exg.Scopes | Where-Object -FilterScript { $Wanted.Name -and $_.Name -eq $Wanted.Name })
        $ours = @(@($standing.Equal, $standing.Disabled, $standing.Named) |
                Where-Object -FilterScript { $_ } | Sort-Object -Property Name -Unique)
        $Exg.Report.before = Get-ExgState -Assignments $ours -Scopes $scopes
        if ($standing.Equal) {
            $text = "Nothing to do: $(Format-ExgAssignment -Assignment $standing.Equal)."
            Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text $text -Guid "$($standing.Equal.Guid)"
            return $standing.Equal
        }
        if ($round -eq 1) {
            Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text 'There is no equal grant.'
        }
        Assert-ExgScope -Wanted $Wanted -Standing $standing
        if ($standing.Disabled) { return Enable-ExgAssignment -Assignment $standing.Disabled }
        $named = $standing.Named
        if (-not $named) { $named = Find-ExgNamedAssignment }
        if ($named) { return Update-ExgAssignment -Wanted $Wanted -Named $named -Ours $standing.NamedOurs }
        $Exg.ReadAgain = $round -eq 1
        try {
            return New-ExgAssignment -Assignee $Assignee -Wanted $Wanted
        } catch {
            if (-not $Exg.MustReadAgain) { throw }
            $Exg.MustReadAgain = $false
        }
    }
}

# An assignment of another role may have the name. Servers answer an unknown identity with an error or with
# everything, therefore the name is compared.
function Find-ExgNamedAssignment {
    try {
        $found = @(Get-ManagementRoleAssignment -Identity $Grant.Name -ErrorAction Stop)
    } catch {
        if ((Get-ExgFault -ErrorRecord $_).id -eq 'principal_not_found') { return }
        throw
    }
    @($found | Where-Object -FilterScript { $_.Name -eq $Grant.Name })[0]
}

function New-ExgAssignment {
    param($Assignee, $Wanted)
    $scope = Set-ExgScope -Wanted $Wanted
    $newManagementRoleAssignmentParams = [ordered]@{ Name = $Grant.Name }
    if ($Grant.AssigneeKind -eq 'user') {
        $newManagementRoleAssignmentParams.User = "$($Assignee.Guid)"
    } else {
        $newManagementRoleAssignmentParams.SecurityGroup = "$($Assignee.Guid)"
    }
    $newManagementRoleAssignmentParams.Role = $Role
    switch ($Wanted.Kind) {
        'OU' { $newManagementRoleAssignmentParams.RecipientOrganizationalUnitScope = $Wanted.UnitDN }
        'Custom' { $newManagementRoleAssignmentParams.CustomRecipientWriteScope = $scope }
    }
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = 'New-ManagementRoleAssignment'
        Parameters = $newManagementRoleAssignmentParams
        Target     = "$($Assignee.Name) for $(Format-ExgWanted -Wanted $Wanted)"
        Text       = "Gives $($Assignee.Name) the role for $(Format-ExgWanted -Wanted $Wanted)"
    }
    $written = Invoke-ExgChange @invokeExgChangeParams
    $Exg.NewScope = ''
    if ($written) { Add-ExgInverse -Cmdlet 'Remove-ManagementRoleAssignment' -Identity "$($written.Guid)" }
    $written
}

function Enable-ExgAssignment {
    param($Assignment)
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = 'Set-ManagementRoleAssignment'
        Parameters = [ordered]@{ Identity = "$($Assignment.Guid)"; Enabled = $true }
        Target     = "$($Assignment.Name)"
        Text       = "Enables '$($Assignment.Name)', which is equal but disabled"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if (-not $WhatIfPreference) {
        $old = [ordered]@{ name = 'Enabled'; value = $false }
        Add-ExgInverse -Cmdlet 'Set-ManagementRoleAssignment' -Identity "$($Assignment.Guid)" -Parameters $old
    }
    $Assignment
}

# An assignment has our name already: it must be ours, and only its scope may be changed.
function Update-ExgAssignment {
    param($Wanted, $Named, [bool]$Ours)
    $seen = Format-ExgAssignment -Assignment $Named
    if (-not $Ours -or "$($Named.Role)" -ne $Role) {
        Stop-ExgRun -Outcome 'conflict' -Step 'assign' -Text ("The name is in use: $seen the role " +
            "$($Named.Role). Choose another name with --name, or leave it out.")
    }
    if ((Compare-ExgScope -Assignment $Named -Wanted $Wanted) -eq 'unknown') {
        Stop-ExgRun -Outcome 'conflict' -Step 'assign' -Text ("$seen, whose filter this script cannot compare. " +
            'Choose another name with --name.')
    }
    if (-not $UpdateScope) {
        Stop-ExgRun -Outcome 'conflict' -Step 'assign' -Text ("$seen; wanted is " +
            "$(Format-ExgWanted -Wanted $Wanted). Use -UpdateScope to change it, or another name.")
    }
    $scope = Set-ExgScope -Wanted $Wanted
    # Changing the definition of the scope that the assignment has can be all that is needed.
    if ($Wanted.Kind -eq 'Custom' -and "$($Named.CustomRecipientWriteScope)" -eq $Wanted.Name) { return $Named }
    $setManagementRoleAssignmentParams = [ordered]@{ Identity = "$($Named.Guid)" }
    switch ($Wanted.Kind) {
        'Organization' { $setManagementRoleAssignmentParams.RecipientRelativeWriteScope = 'Organization' }
        'OU' { $setManagementRoleAssignmentParams.RecipientOrganizationalUnitScope = $Wanted.UnitDN }
        'Custom' { $setManagementRoleAssignmentParams.CustomRecipientWriteScope = $scope }
    }
    $widening = if (Test-ExgWidening -Assignment $Named -Wanted $Wanted) { ' THIS WIDENS THE GRANT.' } else { '' }
    $old = Format-ExgWriteScope -Assignment $Named
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = 'Set-ManagementRoleAssignment'
        Parameters = $setManagementRoleAssignmentParams
        Target     = "$($Named.Name): from $old to $(Format-ExgWanted -Wanted $Wanted)$widening"
        Text       = "Changes the scope from $old to $(Format-ExgWanted -Wanted $Wanted).$widening"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    $Exg.NewScope = ''
    if (-not $WhatIfPreference) {
        $old = Get-ExgOldScope -Assignment $Named
        Add-ExgInverse -Cmdlet 'Set-ManagementRoleAssignment' -Identity "$($Named.Guid)" -Parameters $old
    }
    $Named
}

# Reads the assignment back: first from the server that took the write, then from any.
function Test-ExgReadBack {
    param($Assignment, $Wanted)
    $Exg.Step = 'read-back'
    $getManagementRoleAssignmentParams = @{ Identity = "$($Assignment.Guid)"; ErrorAction = 'Stop' }
    $places = @(@{})
    if ($Exg.WriteServer) { $places = @(@{ DomainController = $Exg.WriteServer }, @{}) }
    foreach ($place in $places) {
        try {
            $seen = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams @place |
                    Where-Object -FilterScript { "$($_.Guid)" -eq "$($Assignment.Guid)" })
            $Exg.Scopes = @(if ($Wanted.Kind -eq 'Custom') { Get-ManagementScope @place -ErrorAction Stop })
        } catch {
            if ((Get-ExgFault -ErrorRecord $_).id -ne 'principal_not_found') { throw }
            $seen = @()
        }
        if ($seen.Count -eq 0 -or -not $seen[0].Enabled -or
            (Compare-ExgScope -Assignment $seen[0] -Wanted $Wanted) -ne 'equal') {
            $text = 'The grant is written, but not every domain controller shows it yet.'
            Add-ExgStep -Id 'read-back' -Status 'unchanged' -Text $text -Guid "$($Assignment.Guid)"
            return $false
        }
        $of = "$($seen[0].CustomRecipientWriteScope)"
        $scopes = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $of })
        $Exg.Report.after = Get-ExgState -Assignments $seen -Scopes $scopes
    }
    $text = 'The assignment is there and enabled.'
    Add-ExgStep -Id 'read-back' -Status 'unchanged' -Text $text -Guid "$($Assignment.Guid)"
    $true
}

# How this grant stands to what is there already.

# Sorts the existing assignments by how they stand to this grant.
function Get-ExgStanding {
    param($Assignee, $Wanted)
    $standing = @{ Equal = $null; Disabled = $null; Named = $null; NamedOurs = $false; Unknown = @(); Wider = @() }
    $direct = @(Get-ExgHeld -Guid "$($Assignee.Guid)" -Direct | ForEach-Object -Process { "$($_.Guid)" })
    foreach ($assignment in $Exg.Assignments) {
        if (-not (Test-ExgRegular -Assignment $assignment)) { continue }
        $same = $direct -contains "$($assignment.Guid)"
        if ($assignment.Name -eq $Grant.Name) {
            $standing.Named = $assignment
            $standing.NamedOurs = $same
        }
        if (-not $same) { continue }
        $relation = Compare-ExgScope -Assignment $assignment -Wanted $Wanted
        if ($relation -eq 'equal' -and $assignment.Enabled) {
            if (-not $standing.Equal -or $assignment.Name -eq $Grant.Name) { $standing.Equal = $assignment }
        } elseif ($relation -eq 'equal') {
            if (-not $standing.Disabled -or $assignment.Name -eq $Grant.Name) { $standing.Disabled = $assignment }
        } elseif ($relation -eq 'unknown') {
            $standing.Unknown += $assignment
        } elseif ($relation -eq 'wider' -and $assignment.Enabled) {
            $standing.Wider += $assignment
        }
    }
    $held = @(Get-ExgHeld -Guid "$($Assignee.Guid)")
    $standing.Indirect = @($held | Where-Object -FilterScript {
            $_.Enabled -and $direct -notcontains "$($_.Guid)" -and (Test-ExgRegular -Assignment $_)
        })
    $standing
}

# Says of the scopes with which the grant is compared by name that they match nobody, because their group is gone.
function Find-ExgStaleScope {
    param($Wanted, $Standing)
    $names = @($Wanted.Name)
    if ($Standing.Named -and $Standing.NamedOurs) {
        $of = "$($Standing.Named.CustomRecipientWriteScope)"
        if ($names -notcontains $of) { $names += $of }
    }
    foreach ($name in ($names | Where-Object -FilterScript { $_ })) {
        $scope = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $name })[0]
        if (-not $scope -or (Compare-ExgScopeDefinition -Scope $scope -Wanted $Wanted) -eq 'equal') { continue }
        $what = "The scope '$($scope.Name)'"
        $null = Find-ExgScopeGroup -Filter "$($scope.RecipientFilter)" -What $what -Objects "$($scope.Guid)"
    }
}

# Says what makes the scope mean less than it seems: scopes that match nobody, wider grants, grants through groups,
# exclusive scopes.
function Add-ExgStandingFinding {
    param($Wanted, $Standing)
    Find-ExgStaleScope -Wanted $Wanted -Standing $Standing
    $who = $Exg.Report.grant.assignee.name
    foreach ($assignment in $Standing.Wider) {
        if ($assignment.Name -eq $Grant.Name) { continue }
        $text = "'$($assignment.Name)' gives $who $(Format-ExgWriteScope -Assignment $assignment): the scope " +
            'means nothing while it stands.'
        Add-ExgFinding -Id 'wider-grant' -Severity 'warning' -Text $text -Objects "$($assignment.Guid)"
    }
    foreach ($assignment in $Standing.Unknown) {
        Add-ExgFinding -Id 'scope-unverified' -Severity 'warning' -Objects "$($assignment.Guid)" -Text ('The ' +
            "filter of $(Format-ExgWriteScope -Assignment $assignment) of '$($assignment.Name)' could not be " +
            'understood.')
    }
    foreach ($assignment in $Standing.Indirect) {
        if ('equal', 'wider' -notcontains (Compare-ExgScope -Assignment $assignment -Wanted $Wanted)) { continue }
        $text = "'$($assignment.Name)' reaches as far through the group $($assignment.RoleAssignee)."
        Add-ExgFinding -Id 'indirect' -Severity 'info' -Text $text -Objects "$($assignment.Guid)"
    }
    Add-ExgExclusiveFinding -Wanted $Wanted
}
# The management scope of a grant: created, reused or changed, and removed again when the run does not end well.

# Creates, reuses or changes the management scope. Returns the name or GUID to assign.
function Set-ExgScope {
    param($Wanted)
    if ($Wanted.Kind -ne 'Custom') { return }
    $Exg.Step = 'scope'
    if ($Wanted.Guid) {
        $text = "The scope '$($Wanted.Name)' is used as it is."
        Add-ExgStep -Id 'scope' -Status 'unchanged' -Text $text -Guid $Wanted.Guid
        return $Wanted.Name
    }
    $existing = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $Wanted.Name })[0]
    if (-not $existing) {
        $newManagementScopeParams = [ordered]@{
            Name                       = $Wanted.Name
            RecipientRestrictionFilter = $Wanted.Filter
        }
        $invokeExgChangeParams = @{
            Step       = 'scope'
            Cmdlet     = 'New-ManagementScope'
            Parameters = $newManagementScopeParams
            Target     = "$($Wanted.Name): $($Wanted.Filter)"
            Text       = "New scope of $(Format-ExgRecipient -Wanted $Wanted)"
        }
        $written = Invoke-ExgChange @invokeExgChangeParams
        if ($written) {
            $Exg.NewScope = "$($written.Guid)"
            Add-ExgInverse -Cmdlet 'Remove-ManagementScope' -Identity "$($written.Guid)" -OnlyIf 'unused'
        }
        return $Wanted.Name
    }
    if ($existing.Exclusive -or "$($existing.ScopeRestrictionType)" -ne 'RecipientScope') {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("The scope '$($Wanted.Name)' exists and is " +
            'exclusive or not for recipients. Choose another name with --scope-name.')
    }
    switch (Compare-ExgScopeDefinition -Scope $existing -Wanted $Wanted) {
        'equal' {
            $text = "The scope '$($Wanted.Name)' exists with the same definition."
            Add-ExgStep -Id 'scope' -Status 'unchanged' -Text $text -Guid "$($existing.Guid)"
            return $Wanted.Name
        }
        'unknown' {
            Add-ExgFinding -Id 'scope-unverified' -Severity 'warning' -Objects "$($existing.Guid)" -Text ('The ' +
                "filter of the scope '$($existing.Name)' could not be understood: $($existing.RecipientFilter)")
            Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("The scope '$($existing.Name)' exists with a " +
                'filter that this script cannot compare, and is never overwritten. Choose another name with ' +
                '--scope-name.')
        }
    }
    Update-ExgScope -Existing $existing -Wanted $Wanted
    $Wanted.Name
}

function Update-ExgScope {
    param($Existing, $Wanted)
    $difference = "The scope '$($Existing.Name)' exists with another definition: there " +
        "$($Existing.RecipientFilter), wanted $($Wanted.Filter)."
    if (-not $UpdateScope -or "$($Existing.RecipientRoot)") {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("$difference Use -UpdateScope to change it, or " +
            'another name.')
    }
    $others = @($Exg.Assignments | Where-Object -FilterScript {
            $_.CustomRecipientWriteScope -eq $Existing.Name -and $_.Name -ne $Grant.Name
        })
    if ($others.Count) {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("$difference It is not changed because other " +
            "assignments use it: '$($others[0].Name)'. Choose another name with --scope-name.")
    }
    $setManagementScopeParams = [ordered]@{
        Identity                   = "$($Existing.Guid)"
        RecipientRestrictionFilter = $Wanted.Filter
    }
    $invokeExgChangeParams = @{
        Step       = 'scope'
        Cmdlet     = 'Set-ManagementScope'
        Parameters = $setManagementScopeParams
        Target     = "$($Existing.Name): from $($Existing.RecipientFilter) to $($Wanted.Filter)"
        Text       = "Changes the scope to $(Format-ExgRecipient -Wanted $Wanted)"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if (-not $WhatIfPreference) {
        $old = [ordered]@{ name = 'RecipientRestrictionFilter'; value = "$($Existing.RecipientFilter)" }
        Add-ExgInverse -Cmdlet 'Set-ManagementScope' -Identity "$($Existing.Guid)" -Parameters $old
        $Existing = Get-ManagementScope -Identity "$($Existing.Guid)" -ErrorAction Stop
        $guid = "$($Existing.Guid)"
        $Exg.Scopes = @($Exg.Scopes | Where-Object -FilterScript { "$($_.Guid)" -ne $guid }) + $Existing
    }
}

# A scope that was created in this run and is used by nothing is removed again when the run does not end well.
function Undo-ExgScope {
    if (-not $Exg.NewScope) { return }
    $removeManagementScopeParams = [ordered]@{ Identity = $Exg.NewScope }
    if ($Exg.WriteServer) { $removeManagementScopeParams.DomainController = $Exg.WriteServer }
    $removeManagementScopeParams.Confirm = $false
    $command = Format-ExgCommand -Cmdlet 'Remove-ManagementScope' -Parameters $removeManagementScopeParams
    $Exg.Report.inverse.Clear()
    $Exg.Report.changed = [bool]$Exg.CustomizedNow
    try {
        Remove-ManagementScope @removeManagementScopeParams -ErrorAction Stop
        $text = 'The scope that was created in this run is removed again.'
        Add-ExgStep -Id 'remove' -Status 'changed' -Text $text -Command $command -Guid $Exg.NewScope
    } catch {
        $fault = Get-ExgFault -ErrorRecord $_
        $Exg.Report.changed = $true
        Add-ExgInverse -Cmdlet 'Remove-ManagementScope' -Identity $Exg.NewScope -OnlyIf 'unused'
        $addExgStepParams = @{
            Id      = 'remove'
            Status  = 'failed'
            Text    = $fault.message
            Command = $command
            Guid    = $Exg.NewScope
            Fault   = $fault
        }
        Add-ExgStep @addExgStepParams
    }
}

# What stops the grant before any change.
function Assert-ExgScope {
    param($Wanted, $Standing)
    if ($Wanted.ContainsKey('Count') -and $Wanted.Count -eq 0 -and -not $AllowEmpty) {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ('The scope holds no recipient. Check the group, ' +
            'unit or filter, or use -AllowEmpty when its members come later.')
    }
    if ($Standing.Unknown.Count) {
        $seen = Format-ExgAssignment -Assignment $Standing.Unknown[0]
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("$seen, whose filter this script cannot compare; " +
            'it may be the same grant. Look at it, and name its scope with --scope-name alone if it is meant.')
    }
}
# Without a delegating assignment the server will refuse; only the server knows for sure, so this is a warning.
function Test-ExgDelegation {
    $getManagementRoleAssignmentParams = @{
        Role         = $Role
        RoleAssignee = $Exg.Report.operator
        Delegating   = $true
        ErrorAction  = 'Stop'
    }
    try {
        $delegating = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
    } catch {
        Write-Verbose -Message "Whether $($Exg.Report.operator) may assign the role could not be read: $_"
        return
    }
    if ($delegating.Count -eq 0) {
        Add-ExgFinding -Id 'no-delegating-assignment' -Severity 'warning' -Text ("$($Exg.Report.operator) has " +
            "no delegating assignment of $Role; the server will probably refuse. Organization Management has " +
            'one.')
    }
}
# Changing: the one place where a command that changes something is run. It asks first, records the exact command,
# tries again only when the fault says that this can help, and stops with the reason otherwise.

function Initialize-ExgChange {
    $Exg.WriteServer = if ($DomainController) { $DomainController } else { $Grant.DomainController }
    $Exg.Pinned = [bool]$Exg.WriteServer
    $Exg.ConfigurationServer = $Exg.WriteServer
    if ($Exg.Pinned) { $Exg.Report.target.domainController = $Exg.WriteServer }
    $Exg.Wait = 2
    $Exg.Retries = 0
    $Exg.Deadline = (Get-Date).AddMinutes($TimeoutMinutes)
}

# Runs one change and returns what the cmdlet returned; $null under -WhatIf.
function Invoke-ExgChange {
    param(
        [string]$Step, [string]$Cmdlet, [System.Collections.Specialized.OrderedDictionary]$Parameters,
        [string]$Target, [string]$Text
    )
    if ($Exg.WriteServer) { $Parameters.DomainController = $Exg.WriteServer }
    $Parameters.Confirm = $false
    $command = Format-ExgCommand -Cmdlet $Cmdlet -Parameters $Parameters
    $confirmExgChangeParams = @{
        Step    = $Step
        Target  = $Target
        Action  = $Cmdlet
        Text    = $Text
        Command = $command
    }
    if (-not (Confirm-ExgChange @confirmExgChangeParams)) { return }

    $attempt = 0
    while ($true) {
        $attempt++
        try {
            $written = & $Cmdlet @Parameters -ErrorAction Stop
            break
        } catch {
            $fault = Get-ExgFault -ErrorRecord $_
        }
        if ($fault.id -eq 'principal_not_found' -and $Exg.WriteServer -and -not $Exg.Pinned) {
            # The server that took the first write need not know objects of other domains.
            $Exg.WriteServer = ''
            $Parameters.Remove('DomainController')
            $command = Format-ExgCommand -Cmdlet $Cmdlet -Parameters $Parameters
            continue
        }
        if ($fault.id -eq 'already_exists' -and $Exg.ReadAgain) {
            # Somebody else was faster: what they made may be what is wanted.
            $Exg.MustReadAgain = $true
            throw $fault.message
        }
        Resume-ExgChange -Step $Step -Command $command -Attempt $attempt -Fault $fault
    }
    $Exg.Report.changed = $true
    if ("$($written.OriginatingServer)" -and -not $Exg.WriteServer) {
        $Exg.WriteServer = "$($written.OriginatingServer)"
        $Exg.Report.target.domainController = $Exg.WriteServer
    }
    $shown = if ($attempt -gt 1) { $attempt } else { 0 }
    Add-ExgStep -Id $Step -Status 'changed' -Text $Text -Command $command -Guid "$($written.Guid)" -Attempt $shown
    $written
}

# The one question. $false means that the change is only planned.
function Confirm-ExgChange {
    param([string]$Step, [string]$Target, [string]$Action, [string]$Text, [string]$Command)
    $Exg.Step = $Step
    if ($WhatIfPreference) {
        if (-not $Exg.Quiet) { $null = $Exg.Cmdlet.ShouldProcess($Target, $Action) }
        $Exg.Planned = $true
        Add-ExgStep -Id $Step -Status 'planned' -Text $Text -Command $Command
        return $false
    }
    try {
        $agreed = $Exg.Cmdlet.ShouldProcess($Target, $Action)
    } catch {
        Stop-ExgRun -Outcome 'failed' -Step $Step -Command $Command -Text ('Nobody can be asked in this ' +
            'session. Look at what -WhatIf tells, then run the script with -Confirm:$false.')
    }
    if (-not $agreed) {
        Stop-ExgRun -Outcome 'interrupted' -Step $Step -Text "Declined: $Action was not run." -Command $Command
    }
    $true
}

# After a fault: prepares the next attempt and returns, or stops the run.
function Resume-ExgChange {
    param([string]$Step, [string]$Command, [int]$Attempt, $Fault)
    $text = $Fault.message
    if ($Fault.id -eq 'principal_not_found' -and $Exg.Pinned) {
        $text = "Not on this domain controller ($($Exg.WriteServer)): $text"
    }
    if ($Fault.id -eq 'dehydrated') {
        Add-ExgStep -Id $Step -Status 'failed' -Text $text -Command $Command -Attempt $Attempt -Fault $Fault
        if (-not $Exg.Customized) {
            Enable-ExgCustomization -Fault $Fault
            return
        }
        if ((Get-Date) -ge $Exg.Deadline) {
            Stop-ExgRun -Outcome 'customization-pending' -Step $Step -Attempt $Attempt -Text ('Customization is ' +
                'enabled but not yet in effect. This can take a day: run this script again later.')
        }
        Wait-ExgRetry
        return
    }
    if ('transient', 'throttled' -contains $Fault.id -and $Exg.Retries -lt 5) {
        Add-ExgStep -Id $Step -Status 'failed' -Text $text -Command $Command -Attempt $Attempt -Fault $Fault
        $Exg.Retries++
        Wait-ExgRetry
        return
    }
    $outcome = Get-ExgOutcome -Fault $Fault
    Stop-ExgRun -Outcome $outcome -Step $Step -Text $text -Command $Command -Attempt $Attempt -Fault $Fault
}

# 2 seconds, doubling, at most 5 minutes, never past the deadline.
function Wait-ExgRetry {
    $left = [int][Math]::Ceiling(($Exg.Deadline - (Get-Date)).TotalSeconds)
    $seconds = [Math]::Max(1, [Math]::Min($Exg.Wait, $left))
    Write-Verbose -Message "Waiting $seconds seconds before the next attempt."
    Start-Sleep -Seconds $seconds
    $Exg.Wait = [Math]::Min(2 * $Exg.Wait, 300)
}

# Some organizations must be told once that their configuration may be customized. It cannot be undone, therefore
# it is done only after the server has asked for it, and with a question of its own.
function Enable-ExgCustomization {
    param($Fault)
    $command = 'Enable-OrganizationCustomization -Confirm:$false'
    if (-not (Get-Command -Name 'Enable-OrganizationCustomization' -ErrorAction SilentlyContinue)) {
        Add-ExgStep -Id 'customize' -Status 'skipped' -Text ('Enable-OrganizationCustomization is not in this ' +
            'session.')
        Stop-ExgRun -Outcome 'failed' -Step 'assign' -Fault $Fault -Text ('The organization asks to be ' +
            'customized, but the command for it is not here: nothing was granted. It exists in Exchange Online ' +
            'and hosted organizations.')
    }
    $confirmExgChangeParams = @{
        Step    = 'customize'
        Target  = 'the whole organization'
        Action  = 'Enable-OrganizationCustomization (this cannot be undone)'
        Text    = 'Allows changes to the configuration of the organization. This cannot be undone.'
        Command = $command
    }
    if (-not (Confirm-ExgChange @confirmExgChangeParams)) { return }
    for ($attempt = 1; $true; $attempt++) {
        try {
            $null = Enable-OrganizationCustomization -Confirm:$false -ErrorAction Stop
            $Exg.Report.changed = $true
            $Exg.CustomizedNow = $true
            $text = 'Customization of the organization was enabled. This cannot be undone.'
            Add-ExgStep -Id 'customize' -Status 'changed' -Text $text -Command $command -Irreversible
            break
        } catch {
            $fault = Get-ExgFault -ErrorRecord $_
        }
        if ($fault.id -eq 'already_customized') {
            Add-ExgStep -Id 'customize' -Status 'unchanged' -Text 'Customization was enabled already.'
            break
        }
        if ($attempt -ge 4 -or 'access_denied' -eq $fault.id) {
            $outcome = Get-ExgOutcome -Fault $fault
            Stop-ExgRun -Outcome $outcome -Step 'customize' -Text $fault.message -Command $command -Fault $fault
        }
        $addExgStepParams = @{
            Id      = 'customize'
            Status  = 'failed'
            Text    = $fault.message
            Command = $command
            Attempt = $attempt
            Fault   = $fault
        }
        Add-ExgStep @addExgStepParams
        Wait-ExgRetry
    }
    $Exg.Customized = $true
    $Exg.Wait = 2
}
# Names become objects. Nothing here changes anything.

# The grant as the report shows it, before anything is resolved.
function New-ExgGrantState {
    $state = [ordered]@{
        name     = $Grant.Name
        assignee = [ordered]@{ kind = $Grant.AssigneeKind; given = $Grant.Assignee }
        role     = $Role
        scope    = [ordered]@{ kind = $Grant.ScopeKind }
    }
    if ($Grant.Members.Count) { $state.assignee.members = $Grant.Members }
    if ($Grant.Scope) { $state.scope.given = $Grant.Scope }
    if ($Grant.Mailbox) { $state.mailbox = $Grant.Mailbox }
    $state
}

# Returns the one object of that identity, or $null when there is none; several end the run.
function Find-ExgObject {
    param([string]$Cmdlet, [string]$Identity, [string]$DomainController)
    $from = @{}
    if ($DomainController) { $from.DomainController = $DomainController }
    try {
        $found = @(& $Cmdlet -Identity $Identity -ErrorAction Stop @from)
    } catch {
        $fault = Get-ExgFault -ErrorRecord $_
        if ($fault.id -eq 'principal_not_found') { return }
        if ($fault.id -eq 'principal_ambiguous') {
            Stop-ExgRun -Outcome 'failed' -Step 'resolve' -Fault $fault -Text ("'$Identity' is the name of " +
                'several objects.')
        }
        throw
    }
    if ($found.Count -gt 1) {
        $first = $found[0..([Math]::Min(9, $found.Count - 1))]
        $candidates = @($first | ForEach-Object -Process { "$($_.DistinguishedName)" })
        $fault = [ordered]@{
            id      = 'principal_ambiguous'
            rule    = 'several-objects'
            message = "'$Identity' matches " + ($candidates -join ' and ')
            hint    = 'Name one of them by its distinguished name, UPN or GUID.'
            retry   = 'never'
        }
        Stop-ExgRun -Outcome 'failed' -Step 'resolve' -Fault $fault -Text ("'$Identity' is the name of several " +
            'objects.')
    }
    $found
}

function Stop-ExgNotFound {
    param([string]$What, [string]$Identity, [string]$On)
    $where = if ($On) { "on this domain controller ($On)" } else { 'in the forest' }
    $fault = [ordered]@{
        id      = 'principal_not_found'
        rule    = 'no-object'
        message = "There is no $What '$Identity' $where."
        hint    = 'Check the spelling. A UPN, DOMAIN\name, distinguished name or GUID is surest.'
        retry   = 'never'
    }
    Stop-ExgRun -Outcome 'not-found' -Step 'resolve' -Fault $fault -Text $fault.message
}

# The account or group that receives the role, as the report shows it. A role group need not exist yet.
function Resolve-ExgAssignee {
    switch ($Grant.AssigneeKind) {
        'user' { $object = Find-ExgObject -Cmdlet 'Get-User' -Identity $Grant.Assignee }
        'group' { $object = Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.Assignee }
        'roleGroup' { $object = Find-ExgRoleGroup }
    }
    if (-not $object -and $Grant.AssigneeKind -ne 'roleGroup') {
        Stop-ExgNotFound -What $Grant.AssigneeKind -Identity $Grant.Assignee
    }
    if ($object) {
        $state = $Exg.Report.grant.assignee
        $state.name = "$($object.Name)"
        $state.guid = "$($object.Guid)"
        $state.distinguishedName = "$($object.DistinguishedName)"
    }
    if ($Grant.AssigneeKind -eq 'user') {
        Test-ExgMailbox -Type "$($object.RecipientTypeDetails)" -Name $object.Name
    }
    $object
}

# Role groups are looked up by exact name: another object that answers to the same text must not be taken for it.
function Find-ExgRoleGroup {
    $found = Find-ExgObject -Cmdlet 'Get-RoleGroup' -Identity $Grant.Assignee
    if ($found -and $found.Name -eq $Grant.Assignee) { $found }
}

function Test-ExgMailbox {
    param([string]$Type, [string]$Name)
    if ($Type -like 'Remote*') {
        Add-ExgFinding -Id 'cloud-mailbox' -Severity 'warning' -Text ("The mailbox of $Name is in Exchange " +
            'Online: on-premises impersonation does not reach mailboxes there.')
    } elseif ($Type -notlike '*Mailbox') {
        Add-ExgFinding -Id 'no-mailbox' -Severity 'info' -Text ("$Name has no mailbox. Exchange 2016 and later " +
            'do not need one; Exchange 2013 does.')
    }
}

# The service's own mailbox, when one was named.
function Resolve-ExgServiceMailbox {
    if (-not $Grant.Mailbox) { return }
    $recipient = Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $Grant.Mailbox
    if (-not $recipient) {
        # An account without a mailbox is no recipient.
        $recipient = Find-ExgObject -Cmdlet 'Get-User' -Identity $Grant.Mailbox
        if (-not $recipient) { Stop-ExgNotFound -What 'mailbox' -Identity $Grant.Mailbox }
    }
    if ("$($recipient.PrimarySmtpAddress)") { $Exg.Report.grant.mailbox = "$($recipient.PrimarySmtpAddress)" }
    if ($Grant.AssigneeKind -ne 'user') {
        Test-ExgMailbox -Type "$($recipient.RecipientTypeDetails)" -Name $recipient.Name
    }
}

# What is wanted, in the terms in which assignments are compared: Kind is Organization, OU or Custom.
function Resolve-ExgScope {
    $state = $Exg.Report.grant.scope
    switch ($Grant.ScopeKind) {
        'organization' { return @{ Kind = 'Organization' } }
        'organizationalUnit' {
            $unit = Find-ExgObject -Cmdlet 'Get-OrganizationalUnit' -Identity $Grant.Scope
            if (-not $unit) { Stop-ExgNotFound -What 'organizational unit' -Identity $Grant.Scope }
            $state.root = "$($unit.DistinguishedName)"
            $wanted = @{ Kind = 'OU'; Unit = "$($unit.Identity)"; UnitDN = "$($unit.DistinguishedName)" }
        }
        'existing' { $wanted = Resolve-ExgExistingScope }
        'group' {
            $group = Resolve-ExgScopeGroup
            # In a filter a single quote is doubled.
            $filter = "MemberOfGroup -eq '" + "$($group.DistinguishedName)".Replace("'", "''") + "'"
            $wanted = @{ Kind = 'Custom'; Name = $Grant.ScopeName; Filter = $filter; Root = '' }
        }
        'filter' {
            $wanted = @{ Kind = 'Custom'; Name = $Grant.ScopeName; Filter = $Grant.Scope; Root = '' }
        }
    }
    if ($wanted.Kind -eq 'Custom') {
        $wanted.Key = ConvertTo-ExgFilterKey -Filter $wanted.Filter
        $state.name = $wanted.Name
        $state.filter = $wanted.Filter
        if ($wanted.Root) { $state.root = $wanted.Root }
    }
    if ($Operation -ne 'revoke') { Measure-ExgScope -Wanted $wanted }
    $wanted
}

function Resolve-ExgScopeGroup {
    $group = Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.Scope
    if (-not $group) {
        $other = Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $Grant.Scope
        if ("$($other.RecipientTypeDetails)" -eq 'DynamicDistributionGroup') {
            Stop-ExgRun -Outcome 'conflict' -Step 'resolve' -Text ("'$($Grant.Scope)' is a dynamic group: it " +
                'has no list of members that a scope could use. Use its recipient filter with --scope-filter ' +
                'instead.')
        }
        Stop-ExgNotFound -What 'group' -Identity $Grant.Scope
    }
    if ("$($group.GroupType)" -notmatch 'Universal') {
        $text = "$($group.Name) is not a universal group: members in other domains may be missing from the scope."
        Add-ExgFinding -Id 'group-not-universal' -Severity 'warning' -Text $text -Objects "$($group.Guid)"
    }
    $group
}

function Resolve-ExgExistingScope {
    $findExgObjectParams = @{
        Cmdlet           = 'Get-ManagementScope'
        Identity         = $Grant.Scope
        DomainController = $Exg.ConfigurationServer
    }
    $scope = Find-ExgObject @findExgObjectParams
    if (-not $scope -or ($scope.Name -ne $Grant.Scope -and "$($scope.Guid)" -ne $Grant.Scope -and
            "$($scope.DistinguishedName)" -ne $Grant.Scope)) {
        Stop-ExgNotFound -What 'management scope' -Identity $Grant.Scope -On $Exg.WriteServer
    }
    if ($scope.Exclusive -or "$($scope.ScopeRestrictionType)" -ne 'RecipientScope') {
        Stop-ExgRun -Outcome 'conflict' -Step 'resolve' -Text ("The scope '$($scope.Name)' is exclusive or not " +
            'for recipients: an assignment of this role cannot use it. Name a regular recipient scope.')
    }
    @{
        Kind   = 'Custom'
        Name   = "$($scope.Name)"
        Guid   = "$($scope.Guid)"
        Filter = "$($scope.RecipientFilter)"
        Root   = "$($scope.RecipientRoot)"
    }
}

# Counts whom the scope reaches now, and says what would surprise.
function Measure-ExgScope {
    param($Wanted)
    if (-not (Get-Command -Name 'Get-Recipient' -ErrorAction SilentlyContinue)) { return }
    $getRecipientParams = @{ ResultSize = 'Unlimited'; ErrorAction = 'Stop' }
    if ($Wanted.Filter) { $getRecipientParams.Filter = $Wanted.Filter }
    if ($Wanted.Root) { $getRecipientParams.OrganizationalUnit = $Wanted.Root }
    if ($Wanted.UnitDN) { $getRecipientParams.OrganizationalUnit = $Wanted.UnitDN }
    $Wanted.Count = 0
    $Wanted.First = New-Object -TypeName System.Collections.ArrayList
    $Wanted.Cloud = 0
    Get-Recipient @getRecipientParams | ForEach-Object -Process {
        $Wanted.Count++
        if ($Wanted.Count -le 10) { $null = $Wanted.First.Add("$($_.Name)") }
        if ("$($_.RecipientTypeDetails)" -like 'Remote*') { $Wanted.Cloud++ }
    }
    $Exg.Report.grant.scope.recipients = $Wanted.Count
    if ($Wanted.Count -eq 0) {
        $text = 'The scope holds no recipient now: the grant would reach nobody.'
        Add-ExgFinding -Id 'scope-empty' -Severity 'warning' -Text $text
    }
    if ($Wanted.Cloud) {
        Add-ExgFinding -Id 'cloud-targets' -Severity 'warning' -Text ("$($Wanted.Cloud) of $($Wanted.Count) " +
            'mailboxes in the scope are in Exchange Online: on-premises impersonation does not reach them.')
    }
    Test-ExgScopeGroup -Filter $Wanted.Filter
}

# The group whose members a filter matches. That its group is gone is a finding about what has the filter.
function Find-ExgScopeGroup {
    param([string]$Filter, [string]$What, [string[]]$Objects)
    if ($Filter -notmatch "^\W*MemberOfGroup\s+-eq\s+'((?:[^']|'')+)'\W*$") { return }
    $name = $Matches[1].Replace("''", "'")
    $group = Find-ExgObject -Cmdlet 'Get-Group' -Identity $name
    if ($group) { return $group }
    Add-ExgFinding -Id 'scope-stale' -Severity 'warning' -Objects $Objects -Text ("$What names the group $name, " +
        'which no longer exists under that name: it was renamed, moved or deleted.')
}

# A group scope means the direct members of the group with exactly this distinguished name.
function Test-ExgScopeGroup {
    param([string]$Filter)
    $group = Find-ExgScopeGroup -Filter $Filter -What 'The scope'
    if (-not $group) { return }
    $nested = @(Get-Group -Filter $Filter -ResultSize Unlimited -ErrorAction SilentlyContinue)
    if ($nested.Count) {
        $names = @($nested | ForEach-Object -Process { "$($_.Name)" }) -join ', '
        Add-ExgFinding -Id 'nested-not-included' -Severity 'warning' -Text ("Groups inside $($group.Name) are " +
            "not followed: members of $names are not in the scope unless they are direct members too.")
    }
}

function Format-ExgCount {
    param([int]$Count)
    switch ($Count) {
        0 { return 'no recipient now' }
        1 { return '1 recipient' }
    }
    "$Count recipients"
}

# Whom the scope reaches now, in words.
function Format-ExgRecipient {
    param($Wanted)
    $count = Format-ExgCount -Count $Wanted.Count
    if ($Wanted.Count) { "${count}: $($Wanted.First -join ', ')" } else { $count }
}

function Format-ExgResolved {
    param($Assignee, $Wanted)
    $who = if ($Assignee) { $Assignee.Name } else { "$($Grant.Assignee) (does not exist yet)" }
    if ($Wanted.Kind -eq 'Organization') { return "$who; the whole organization" }
    $shown = "$who; $($Grant.Scope): $(Format-ExgCount -Count $Wanted.Count)"
    if ($Wanted.Count) { $shown += " ($($Wanted.First -join ', '))" }
    $shown
}
# Reads who holds the role.

# Custom roles made from the role grant the same: they count too.
function Read-ExgRole {
    $Exg.Roles = @($Role)
    if (-not (Get-Command -Name 'Get-ManagementRole' -ErrorAction SilentlyContinue)) {
        $text = 'Get-ManagementRole is not in this session: custom roles that grant the same were not looked for.'
        Add-ExgFinding -Id 'roles-unread' -Severity 'info' -Text $text
        return
    }
    $found = @(Get-ManagementRole -RoleType $Role -ErrorAction Stop |
            Where-Object -FilterScript { "$($_.RoleType)" -eq $Role } | ForEach-Object -Process { "$($_.Name)" })
    if ($found.Count) { $Exg.Roles = $found }
}

# Reads all assignments of the roles, and all scopes, from the domain controller that takes changes of them: others
# may show them later.
function Read-ExgAssignment {
    Read-ExgRole
    $from = @{ ErrorAction = 'Stop' }
    if ($Exg.ConfigurationServer) { $from.DomainController = $Exg.ConfigurationServer }
    $Exg.Assignments = @(foreach ($name in $Exg.Roles) { Get-ManagementRoleAssignment -Role $name @from })
    $Exg.Scopes = @()
    if (Get-Command -Name 'Get-ManagementScope' -ErrorAction SilentlyContinue) {
        $Exg.Scopes = @(Get-ManagementScope @from)
    }
}

# The assignments that somebody holds, by the server's own reckoning: it knows the names and the groups. With
# -Direct only those made to this very account or group.
function Get-ExgHeld {
    param([string]$Guid, [switch]$Direct)
    $getManagementRoleAssignmentParams = @{ RoleAssignee = $Guid; ErrorAction = 'Stop' }
    if ($Direct) { $getManagementRoleAssignmentParams.AssignmentMethod = 'Direct' }
    $from = @{}
    if ($Exg.ConfigurationServer) { $from.DomainController = $Exg.ConfigurationServer }
    foreach ($name in $Exg.Roles) {
        try {
            Get-ManagementRoleAssignment -Role $name @getManagementRoleAssignmentParams @from
        } catch {
            # A domain controller need not know accounts of other domains.
            if ((Get-ExgFault -ErrorRecord $_).id -ne 'principal_not_found' -or -not $from.Count) { throw }
            Get-ManagementRoleAssignment -Role $name @getManagementRoleAssignmentParams
        }
    }
}

function Test-ExgRegular {
    param($Assignment)
    "$($Assignment.RoleAssignmentDelegationType)" -eq 'Regular'
}

# An assignment in words, for messages.
function Format-ExgAssignment {
    param($Assignment)
    $state = if ($Assignment.Enabled) { '' } else { ' (disabled)' }
    "'$($Assignment.Name)'$state gives $($Assignment.RoleAssignee) $(Format-ExgWriteScope -Assignment $Assignment)"
}

function Format-ExgWriteScope {
    param($Assignment)
    $of = "$($Assignment.CustomRecipientWriteScope)"
    $definition = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $of })[0]
    $filter = if ("$($definition.RecipientFilter)") { " ($($definition.RecipientFilter))" } else { '' }
    switch ("$($Assignment.RecipientWriteScope)") {
        'Organization' { return 'the whole organization' }
        'OU' { return "the organizational unit $of" }
        'CustomRecipientScope' { return "the scope '$of'$filter" }
        'ExclusiveRecipientScope' { return "the exclusive scope '$of'$filter" }
    }
    "the relative scope $($Assignment.RecipientWriteScope)"
}

# The parameter that would put an assignment's present scope back.
function Get-ExgOldScope {
    param($Assignment)
    $of = "$($Assignment.CustomRecipientWriteScope)"
    switch ("$($Assignment.RecipientWriteScope)") {
        'CustomRecipientScope' { return [ordered]@{ name = 'CustomRecipientWriteScope'; value = $of } }
        'ExclusiveRecipientScope' { return [ordered]@{ name = 'ExclusiveRecipientWriteScope'; value = $of } }
        'OU' { return [ordered]@{ name = 'RecipientOrganizationalUnitScope'; value = $of } }
    }
    [ordered]@{ name = 'RecipientRelativeWriteScope'; value = "$($Assignment.RecipientWriteScope)" }
}
# Compares what is there with what is wanted: account, role and scope, never names.

# How the scope of an assignment stands to the wanted one: equal, wider, other, or unknown.
function Compare-ExgScope {
    param($Assignment, $Wanted)
    $kind = "$($Assignment.RecipientWriteScope)"
    $of = "$($Assignment.CustomRecipientWriteScope)"
    if ($kind -eq 'Organization') {
        if ($Wanted.Kind -eq 'Organization') { return 'equal' }
        return 'wider'
    }
    if ($kind -eq 'OU' -and $Wanted.Kind -eq 'OU') {
        if ($of -eq $Wanted.Unit -or $of -eq $Wanted.UnitDN) { return 'equal' }
        if ($Wanted.Unit -like ([WildcardPattern]::Escape($of) + '/*')) { return 'wider' }
        return 'other'
    }
    if ($kind -ne 'CustomRecipientScope' -or $Wanted.Kind -ne 'Custom') { return 'other' }
    $scope = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $of })[0]
    if (-not $scope) { return 'unknown' }
    Compare-ExgScopeDefinition -Scope $scope -Wanted $Wanted
}

function Compare-ExgScopeDefinition {
    param($Scope, $Wanted)
    if ($Wanted.Guid -and "$($Scope.Guid)" -eq $Wanted.Guid) { return 'equal' }
    if ($Scope.Exclusive -or "$($Scope.RecipientRoot)" -ne $Wanted.Root) { return 'other' }
    if ("$($Scope.RecipientFilter)" -eq $Wanted.Filter) { return 'equal' }
    $key = ConvertTo-ExgFilterKey -Filter "$($Scope.RecipientFilter)"
    if ($null -eq $key -or $null -eq $Wanted.Key) { return 'unknown' }
    if ($key -eq $Wanted.Key) { return 'equal' }
    'other'
}

# Whether the wanted scope holds all of the assignment's and more, as far as it shows by the kinds of the two.
function Test-ExgWidening {
    param($Assignment, $Wanted)
    if ($Wanted.Kind -eq 'Organization') { return $true }
    if ($Wanted.Kind -ne 'OU' -or "$($Assignment.RecipientWriteScope)" -ne 'OU') { return $false }
    "$($Assignment.CustomRecipientWriteScope)" -like ([WildcardPattern]::Escape("$($Wanted.Unit)") + '/*')
}

function Format-ExgWanted {
    param($Wanted)
    switch ($Wanted.Kind) {
        'Organization' { return 'the whole organization' }
        'OU' { return "the organizational unit $($Wanted.Unit)" }
    }
    "the scope '$($Wanted.Name)' ($($Wanted.Filter))"
}

# The state of the given assignments and scopes, for the report's before and after.
function Get-ExgState {
    param([object[]]$Assignments, [object[]]$Scopes)
    $state = [ordered]@{
        assignments = New-Object -TypeName System.Collections.ArrayList
        scopes      = New-Object -TypeName System.Collections.ArrayList
    }
    foreach ($assignment in ($Assignments | Where-Object -FilterScript { $_ })) {
        $entry = [ordered]@{
            guid                = "$($assignment.Guid)"
            name                = "$($assignment.Name)"
            enabled             = [bool]$assignment.Enabled
            recipientWriteScope = "$($assignment.RecipientWriteScope)"
        }
        $of = "$($assignment.CustomRecipientWriteScope)"
        if ($of) { $entry.customRecipientWriteScope = $of }
        $null = $state.assignments.Add($entry)
    }
    foreach ($scope in ($Scopes | Where-Object -FilterScript { $_ })) {
        $entry = [ordered]@{
            guid   = "$($scope.Guid)"
            name   = "$($scope.Name)"
            filter = "$($scope.RecipientFilter)"
        }
        if ("$($scope.RecipientRoot)") { $entry.root = "$($scope.RecipientRoot)" }
        $null = $state.scopes.Add($entry)
    }
    $state
}
# Exclusive scopes: they may keep for others what they cover.

# Says which exclusive scopes cover recipients of the wanted scope. Where there is no exclusive scope, it asks
# nothing.
function Add-ExgExclusiveFinding {
    param($Wanted)
    $Exg.Covering = @()
    foreach ($scope in $Exg.Scopes) {
        if (-not $scope.Exclusive -or "$($scope.ScopeRestrictionType)" -ne 'RecipientScope') { continue }
        $text = "The exclusive scope '$($scope.Name)'"
        $covered = Measure-ExgCovered -Exclusive $scope -Wanted $Wanted
        if (-not $covered) {
            $text += ' may keep mailboxes out of reach; only a test over EWS shows it.'
        } elseif ($covered.Count) {
            $first = $covered.First -join ', '
            $text += " covers $(Format-ExgCount -Count $covered.Count) of this grant ($first), which may be out " +
                'of reach; only a test over EWS shows it.'
        } else {
            continue
        }
        $Exg.Covering += "$($scope.Name)"
        Add-ExgFinding -Id 'exclusive-scope' -Severity 'warning' -Text $text -Objects "$($scope.Guid)"
    }
}

# Counts the recipients of the wanted scope that an exclusive scope has; $null when that cannot be asked.
function Measure-ExgCovered {
    param($Exclusive, $Wanted)
    $covered = @{ Count = 0; First = New-Object -TypeName System.Collections.ArrayList }
    if ($Wanted.ContainsKey('Count') -and $Wanted.Count -eq 0) { return $covered }
    $root = Get-ExgCommonRoot -Exclusive "$($Exclusive.RecipientRoot)" -Wanted $Wanted
    if ($root.Apart) { return $covered }
    $filter = Join-ExgFilter -Filter "$($Exclusive.RecipientFilter)", "$($Wanted.Filter)"
    if ($root.Unknown -or $null -eq $filter) { return }
    if (-not (Get-Command -Name 'Get-Recipient' -ErrorAction SilentlyContinue)) { return }
    $getRecipientParams = @{ ResultSize = 'Unlimited'; ErrorAction = 'Stop' }
    if ($filter) { $getRecipientParams.Filter = $filter }
    if ($root.Name) { $getRecipientParams.OrganizationalUnit = $root.Name }
    try {
        Get-Recipient @getRecipientParams | ForEach-Object -Process {
            $covered.Count++
            if ($covered.Count -le 10) { $null = $covered.First.Add("$($_.Name)") }
        }
    } catch {
        return
    }
    $covered
}

# Returns the filter for what all of some filters match; an empty one matches everything. $null when one is no
# filter: only a whole condition stays the same condition in parentheses.
function Join-ExgFilter {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string[]]$Filter)
    $parts = @()
    foreach ($text in ($Filter | Where-Object -FilterScript { $_ })) {
        if (-not (ConvertTo-ExgFilterKey -Filter $text)) { return $null }
        $parts += '(' + ($text -replace '\A[ \t\r\n]*\{([\s\S]*)\}[ \t\r\n]*\z', '$1') + ')'
    }
    $parts -join ' -and '
}

# The root of what two scopes share: the lower of their two. A distinguished name and a canonical one cannot be
# compared; a canonical one begins with the name of a domain.
function Get-ExgCommonRoot {
    param([string]$Exclusive, $Wanted)
    $wish, $same = "$($Wanted.Root)", "$($Wanted.Root)"
    if ($Wanted.Kind -eq 'OU') { $wish, $same = $Wanted.Unit, $Wanted.UnitDN }
    if (-not $Exclusive) { return @{ Name = $same } }
    if (-not $wish -or (Test-ExgWithin -Name $Exclusive -Above $wish)) { return @{ Name = $Exclusive } }
    if (Test-ExgWithin -Name $wish -Above $Exclusive) { return @{ Name = $same } }
    if ($Exclusive -match '^[^/]*=' -or $wish -match '^[^/]*=') { return @{ Unknown = $true } }
    @{ Apart = $true }
}

# Is a canonical name another one, or below it?
function Test-ExgWithin {
    param([string]$Name, [string]$Above)
    "$($Name.TrimEnd('/'))/".StartsWith("$($Above.TrimEnd('/'))/", [StringComparison]::OrdinalIgnoreCase)
}
# The server's own answer to who can write to whom.

# Asks the server itself, mailbox by mailbox: which regular assignments of the assignee can write to it?
function Test-ExgOracle {
    param([string]$Assignee)
    $expected = @($Grant.InScope | ForEach-Object -Process { @{ Mailbox = $_; Expected = 'allowed' } }) +
    @($Grant.OutOfScope | ForEach-Object -Process { @{ Mailbox = $_; Expected = 'refused' } })
    if ($expected.Count -eq 0) { return }
    $words = foreach ($entry in $expected) {
        $getManagementRoleAssignmentParams = @{
            RoleAssignee      = $Assignee
            WritableRecipient = $entry.Mailbox
            Delegating        = $false
            ErrorAction       = 'Stop'
        }
        $over = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams |
                Where-Object -FilterScript { $_.Enabled -and $Exg.Roles -contains "$($_.Role)" })
        $rbac = if ($over.Count) { 'allowed' } else { 'refused' }
        $proof = [ordered]@{ mailbox = $entry.Mailbox; expected = $entry.Expected; rbac = $rbac }
        $null = $Exg.Report.proof.Add($proof)
        if ($rbac -eq 'allowed' -and $entry.Expected -eq 'refused') {
            Add-ExgFinding -Id 'out-of-scope-allowed' -Severity 'security' -Text ("$($entry.Mailbox) should be " +
                "out of reach, but '$($over[0].Name)' reaches it.") -Objects "$($over[0].Guid)"
        }
        $word = if ($rbac -eq 'allowed') { 'writable' } else { 'not writable' }
        "$($entry.Mailbox): $word"
    }
    Add-ExgStep -Id 'oracle' -Status 'unchanged' -Text ($words -join '; ')
}

# A mailbox that should be in reach and is not: replication, or an exclusive scope that keeps it away.
function Test-ExgLate {
    $late = @(Get-ExgOracleDifference | Where-Object -FilterScript { $_.expected -eq 'allowed' })
    if (-not $late.Count) { return $false }
    $reason = 'The domain controllers may not have it yet, or the mailbox is not in the scope.'
    if ($Exg.Covering.Count) { $reason = "The exclusive scope '$($Exg.Covering[0])' may keep it away." }
    $names = @($late | ForEach-Object -Process { $_.mailbox }) -join ', '
    Add-ExgFinding -Id 'in-scope-refused' -Severity 'warning' -Text "$names is not in reach. $reason"
    -not $Exg.Covering.Count
}

# Mailboxes whose answer is not the expected one.
function Get-ExgOracleDifference {
    @($Exg.Report.proof | Where-Object -FilterScript { $_.expected -ne $_.rbac })
}
# The session: opens a management shell where none is open, proves that it belongs to an on-premises organization,
# and makes recipient reads cover the whole forest.

function Open-ExgShell {
    $known = 'Get-ExchangeServer', 'Get-ManagementRoleAssignment', 'Get-OrganizationConfig', 'Get-User'
    if (Get-Command -Name $known -ErrorAction SilentlyContinue) { return }

    $how = 'Run this script in the Exchange Management Shell of an Exchange server or tools machine, or open a ' +
        'session first: $s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri ' +
        'http://SERVER-FQDN/PowerShell/ -Authentication Kerberos, then Import-PSSession $s -DisableNameChecking.'
    if ($PSVersionTable.PSVersion.Major -gt 5 -or [IntPtr]::Size -lt 8) {
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ('No Exchange commands are here, and only 64-bit ' +
            'Windows PowerShell can open a management shell. ' + $how)
    }
    $key = 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15\Setup'
    $setup = Get-ItemProperty -Path $key -ErrorAction SilentlyContinue
    if (-not $setup -or -not $setup.MsiInstallPath) {
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ('No Exchange management tools are on this ' +
            "machine. $how")
    }
    # -WhatIf and -Confirm are meant for the grant, not for opening the shell.
    $WhatIfPreference = $false
    $ConfirmPreference = 'None'
    $before = @(Get-PSSession | ForEach-Object -Process { $_.Id })
    $remoteExchange = Join-Path -Path $setup.MsiInstallPath -ChildPath 'bin\RemoteExchange.ps1'
    Import-Module -Name $remoteExchange -ErrorAction Stop -WarningAction SilentlyContinue
    $null = Connect-ExchangeServer -Auto -ClientApplication:ManagementShell
    $Exg.Opened = @(Get-PSSession | Where-Object -FilterScript { $before -notcontains $_.Id })
}

# Exchange Online's shells are known by the module that their commands come from.
function Test-ExgOnline {
    $names = 'Get-ManagementRoleAssignment', 'Get-OrganizationConfig', 'Get-User'
    $command = @(Get-Command -Name $names -ErrorAction SilentlyContinue)[0]
    if (-not $command) { return $false }
    $description = if ($command.Module) { "$($command.Module.Description)" } else { '' }
    $command.ModuleName -like 'tmpEXO_*' -or $command.ModuleName -like 'ExchangeOnlineManagement*' -or
        $description -match 'outlook\.(com|cn)|office365\.(com|us)|outlook\.office\.de'
}

function Assert-ExgOnPremises {
    if (Test-ExgOnline) {
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ('This shell is connected to Exchange Online: the ' +
            'role ApplicationImpersonation no longer exists there. Nothing was changed. Run this script in a ' +
            'shell of the on-premises organization; for Exchange Online generate the script with: exgrant ' +
            'script office365')
    }
    $target = $Exg.Report.target
    $servers = @()
    if (Get-Command -Name 'Get-ExchangeServer' -ErrorAction SilentlyContinue) {
        $servers = @(Get-ExchangeServer -ErrorAction SilentlyContinue)
    }
    if ($servers.Count -eq 0) {
        Add-ExgFinding -Id 'build-unknown' -Severity 'info' -Text ('Get-ExchangeServer does not answer in this ' +
            'session.')
        return
    }
    # The server that answers, where the session tells it.
    $server = @($servers | Where-Object -FilterScript { $_.PSComputerName -and $_.Fqdn -eq $_.PSComputerName })[0]
    if (-not $server) { $server = $servers[0] }
    $target.server = "$($server.Fqdn)"
    if ("$($server.AdminDisplayVersion)" -match '(\d+)\.(\d+) \(Build (\d+)\.(\d+)\)') {
        $target.build = $Matches[1, 2, 3, 4] -join '.'
    }
}

# RBAC shows as missing commands and parameters. An entry is a command, or a command and one of its parameters.
function Assert-ExgCommand {
    param([string[]]$Name)
    foreach ($entry in $Name) {
        $command, $parameter = $entry -split ' -'
        try {
            $found = Get-Command -Name $command -ErrorAction Stop
            if ($parameter -and -not $found.Parameters.ContainsKey($parameter)) {
                Stop-ExgParameter -Command $command -Parameter $parameter
            }
        } catch [System.Management.Automation.CommandNotFoundException] {
            $fault = Get-ExgFault -ErrorRecord $_
            Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Fault $fault -Text ("$command is not in this " +
                "session. The management role 'Role Management' gives it; members of Organization Management " +
                'have it.')
        }
    }
}

function Stop-ExgParameter {
    param([string]$Command, [string]$Parameter)
    $fault = [ordered]@{
        id      = 'cmdlet_missing'
        rule    = 'parameter-missing'
        message = "$Command has no parameter $Parameter in this session."
        hint    = 'A role of yours hides it. Ask for the built-in role Role Management, then open a new session.'
        retry   = 'never'
    }
    Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Fault $fault -Text $fault.message
}

function Set-ExgForestView {
    if (-not (Get-Command -Name 'Set-ADServerSettings' -ErrorAction SilentlyContinue)) { return }
    $settings = Get-ADServerSettings -ErrorAction SilentlyContinue
    # The server that takes changes of the configuration, such as assignments, unless one was named.
    if ($settings -and -not $Exg.Pinned) {
        $Exg.ConfigurationServer = "$($settings.DefaultConfigurationDomainController)"
    }
    if ($settings -and -not $settings.ViewEntireForest) {
        Set-ADServerSettings -ViewEntireForest $true -ErrorAction Stop -WhatIf:$false -Confirm:$false
        $Exg.RestoreView = $true
    }
}

# Everything that comes before the first look at the organization.
function Start-ExgSession {
    param([string[]]$Needed)
    Open-ExgShell
    Assert-ExgOnPremises
    Assert-ExgCommand -Name $Needed
    Set-ExgForestView
    $build = if ($Exg.Report.target.build) { "Exchange $($Exg.Report.target.build)" } else { 'Exchange' }
    Add-ExgStep -Id 'preflight' -Status 'unchanged' -Text "$build on-premises, all commands are there."
}

function Close-ExgShell {
    if ($Exg.RestoreView) {
        Set-ADServerSettings -ViewEntireForest $false -ErrorAction SilentlyContinue -WhatIf:$false -Confirm:$false
    }
    if ($Exg.Opened) {
        Remove-PSSession -Session $Exg.Opened -WhatIf:$false -Confirm:$false
    }
}
# The report: one ordered dictionary that every step adds to. It becomes the JSON of -AsJson, -ReportPath and
# -RecordMarker; the pipeline gets one object for each step while the script runs.

function Get-ExgTime {
    $culture = [System.Globalization.CultureInfo]::InvariantCulture
    (Get-Date).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $culture)
}

function New-ExgReport {
    param([string]$Operation)
    [ordered]@{
        schema     = 'exgrant.report/v1'
        operation  = $Operation
        outcome    = 'failed'
        changed    = $false
        startedAt  = Get-ExgTime
        finishedAt = ''
        operator   = [Environment]::UserDomainName + '\' + [Environment]::UserName
        tool       = 'script-format 1'
        target     = [ordered]@{
            transport    = 'script'
            languageMode = "$($ExecutionContext.SessionState.LanguageMode)"
        }
        grant      = $null
        steps      = New-Object -TypeName System.Collections.ArrayList
        findings   = New-Object -TypeName System.Collections.ArrayList
        proof      = New-Object -TypeName System.Collections.ArrayList
        before     = $null
        after      = $null
        inverse    = New-Object -TypeName System.Collections.ArrayList
        holders    = $null
    }
}

function Add-ExgStep {
    param(
        [string]$Id, [string]$Status, [string]$Text, [string]$Command, [string]$Guid,
        [int]$Attempt, [switch]$Irreversible, $Fault
    )
    $step = [ordered]@{ id = $Id; status = $Status }
    if ($Attempt) { $step.attempt = $Attempt }
    if ($Command) { $step.command = $Command }
    if ($Text -and (-not $Fault -or $Text -ne $Fault.message)) { $step.text = $Text }
    if ($Guid) { $step.guid = $Guid }
    if ($Irreversible) { $step.irreversible = $true }
    $shown = [ordered]@{ Id = $Id; Status = $Status; Text = $Text; Command = $Command; Guid = $Guid }
    if ($Fault) {
        $step.fault = $Fault
        $shown.Fault = $Fault.id
        $shown.Message = $Fault.message
        $shown.Hint = $Fault.hint
    }
    $null = $Exg.Report.steps.Add($step)
    # Five properties or more are printed as a list at once; a table would wait and be lost at the exit.
    if (-not $Exg.Quiet) { $Exg.Cmdlet.WriteObject([PSCustomObject]$shown) }
}

function Add-ExgFinding {
    param([string]$Id, [string]$Severity, [string]$Text, [string[]]$Objects)
    $finding = [ordered]@{ id = $Id; severity = $Severity; text = $Text }
    if ($Objects) { $finding.objects = @($Objects) }
    $null = $Exg.Report.findings.Add($finding)
    if (-not $Exg.Quiet) { Write-Warning -Message "${Id}: $Text" }
}

function Add-ExgInverse {
    param([string]$Cmdlet, [string]$Identity, [object[]]$Parameters, [string]$OnlyIf)
    $inverse = [ordered]@{ cmdlet = $Cmdlet; identity = $Identity }
    if ($Parameters) { $inverse.parameters = @($Parameters) }
    if ($OnlyIf) { $inverse.onlyIf = $OnlyIf }
    $Exg.Report.inverse.Insert(0, $inverse)
}

# Ends the run: the outcome is decided, a failed step says why, and what was half made is taken back.
function Stop-ExgRun {
    param([string]$Outcome, [string]$Step, [string]$Text, [string]$Command, [int]$Attempt, $Fault)
    $Exg.Report.outcome = $Outcome
    $Exg.Stopped = $true
    Add-ExgStep -Id $Step -Status 'failed' -Text $Text -Command $Command -Attempt $Attempt -Fault $Fault
    throw $Text
}

# The outcome that an error leads to when nothing can be done about it.
function Get-ExgOutcome {
    param($Fault)
    switch -Wildcard ($Fault.id) {
        'access_denied' { return 'denied' }
        'connect_auth' { return 'denied' }
        'principal_not_found' { return 'not-found' }
        'already_exists' { return 'conflict' }
        'connect_*' { return 'unreachable' }
    }
    'failed'
}

# An error that no step expected.
function Stop-ExgUnexpected {
    param([System.Management.Automation.ErrorRecord]$ErrorRecord)
    $fault = Get-ExgFault -ErrorRecord $ErrorRecord
    $Exg.Report.outcome = Get-ExgOutcome -Fault $fault
    Add-ExgStep -Id $Exg.Step -Status 'failed' -Text $fault.message -Fault $fault
}

function Get-ExgExitCode {
    switch ($Exg.Report.outcome) {
        { 'failed', 'conflict', 'not-found', 'unreachable' -contains $_ } { return 1 }
        { 'differs', 'customization-pending', 'still-effective' -contains $_ } { return 3 }
        'denied' { return 5 }
        'interrupted' { return 130 }
    }
    0
}

function ConvertTo-ExgJson {
    $report = [ordered]@{}
    foreach ($key in $Exg.Report.Keys) {
        $value = $Exg.Report[$key]
        $empty = $null -eq $value -or ($value -is [System.Collections.ArrayList] -and $value.Count -eq 0)
        if (-not $empty -or 'steps', 'findings' -contains $key) { $report[$key] = $value }
    }
    $json = ConvertTo-Json -InputObject $report -Depth 20 -Compress
    $escape = { param($match) '\u{0:x4}' -f [int][char]$match.Value }
    [regex]::Replace($json, '[^\x20-\x7e]', $escape)
}

# A report that has no place is a mistake to be told before anything is changed.
function Assert-ExgReportPath {
    if (-not $Exg.ReportPath) { return }
    try {
        [System.IO.File]::AppendAllText($Exg.ReportPath, '')
    } catch {
        $path = $Exg.ReportPath
        $Exg.ReportPath = ''
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ("The report cannot be written to ${path}: " +
            "$($_.Exception.InnerException.Message) Nothing was changed.")
    }
}

# Writes the file that -ReportPath asks for, also when the run fails or is interrupted.
function Save-ExgReport {
    $Exg.Report.finishedAt = Get-ExgTime
    if (-not $Exg.ReportPath) { return }
    try {
        [System.IO.File]::WriteAllText($Exg.ReportPath, (ConvertTo-ExgJson) + "`r`n")
    } catch {
        Write-Warning -Message "The report could not be written to $($Exg.ReportPath): $($_.Exception.Message)"
    }
}

# The last output: the result for people, the JSON, or the framed record.
function Write-ExgResult {
    $report = $Exg.Report
    if ($Exg.Quiet) {
        $Exg.Cmdlet.WriteObject((ConvertTo-ExgJson))
    } else {
        $result = [ordered]@{
            Outcome  = $report.outcome
            ExitCode = Get-ExgExitCode
            Changed  = $report.changed
            Operator = $report.operator
            Before   = Format-ExgState -State $report.before
            After    = Format-ExgState -State $report.after
        }
        if ($report.inverse.Count) {
            $undo = @($report.inverse | ForEach-Object -Process { "$($_.cmdlet) '$($_.identity)'" })
            $result.Undo = $undo -join ', then '
        }
        if ($report.changed) {
            $result.ServerRecord = "Search-AdminAuditLog -StartDate '$($report.startedAt)' shows what the " +
                'server recorded'
        }
        $Exg.Cmdlet.WriteObject([PSCustomObject]$result)
    }
    if ($Exg.RecordMarker) { Write-ExgRecord }
}

function Format-ExgState {
    param($State)
    if (-not $State) { return '' }
    $words = @($State.assignments | ForEach-Object -Process {
            $of = if ($_.customRecipientWriteScope) { " '$($_.customRecipientWriteScope)'" } else { '' }
            $enabled = if ($_.enabled) { 'enabled' } else { 'disabled' }
            "assignment '$($_.name)' ($enabled, $($_.recipientWriteScope)$of)"
        })
    $words += @($State.scopes | ForEach-Object -Process { "scope '$($_.name)' ($($_.filter))" })
    $words += @($State.roleGroups | Where-Object -FilterScript { $_ } | ForEach-Object -Process {
            "role group '$($_.name)' ($($_.members -join ', '))"
        })
    if ($words.Count) { $words -join '; ' } else { 'nothing' }
}

function Write-ExgRecord {
    $base64 = [Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes((ConvertTo-ExgJson)))
    $Exg.Cmdlet.WriteObject('-----BEGIN EXGRANT RECORD ' + $Exg.RecordMarker + '-----')
    for ($i = 0; $i -lt $base64.Length; $i += 76) {
        $Exg.Cmdlet.WriteObject($base64.Substring($i, [Math]::Min(76, $base64.Length - $i)))
    }
    $Exg.Cmdlet.WriteObject('-----END EXGRANT RECORD ' + $Exg.RecordMarker + '-----')
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
function Get-ExgFault {
    # Tells what an error means: the first of $ExgFaultRules that matches, as a dictionary with the fields of
    # the report's "fault". A rule matches when every field that it has does; an empty entry among its types or
    # cmdlets stands for an error that shows none.
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][System.Management.Automation.ErrorRecord]$ErrorRecord)

    $info = $ErrorRecord.CategoryInfo
    $errorId = [string]$ErrorRecord.FullyQualifiedErrorId
    $message = ([string]$ErrorRecord.Exception.Message).Trim()

    # Over remoting the client sees RemoteException; the server's own type is that of the serialized copy.
    $exceptionType = $ErrorRecord.Exception.GetType().FullName
    $remote = $ErrorRecord.Exception.PSObject.Properties['SerializedRemoteException']
    if ($null -ne $remote -and $null -ne $remote.Value) {
        $exceptionType = $remote.Value.PSObject.TypeNames[0] -replace '^Deserialized\.', ''
    }

    # Text is compared with white space collapsed and typographic quotes made plain.
    $text = @($message, $errorId)[$message -eq ''] -replace '\s+', ' '
    $text = $text.Trim() -replace '[\u2018\u2019]', "'" -replace '[\u201C\u201D]', '"'

    $category = ''
    if (($errorId + ' ' + $message) -cmatch '\[FailureCategory=([A-Za-z0-9]+-[A-Za-z0-9_.]+)\]') {
        $category = $Matches[1]
    }

    # The cmdlet: its activity, or the class of its task, such as "...RbacTasks.NewManagementRoleAssignment".
    $cmdlet = [string]$info.Activity
    if ($cmdlet -notlike '*-*' -or $cmdlet -clike 'Write-Error*') {
        $cmdlet = ''
        if ($errorId -cmatch ',(?:[A-Za-z0-9_]+\.)*([A-Z][a-z]+)([A-Z][A-Za-z0-9]*?)(?:Task|Command)?$') {
            $cmdlet = $Matches[1] + '-' + $Matches[2]
        }
    }

    # The exception: the first name that is no mere wrapper, in the record's fields, else in the text.
    $names = @(($category -replace '^[^-]*-?', ''), $exceptionType, [string]$info.Reason, ($errorId -split ',')[0])
    $inText = @([regex]::Matches($text, $ExgFaultTypePattern) | ForEach-Object { $_.Groups[1].Value })
    $names = @($names -clike '*Exception') + @($inText -cnotmatch '(^|\.)PSRemoting')
    $names = @($names | ForEach-Object { $_ -replace '^(?!.*\.\.\.).*\.', '' })
    $exception = [string]@($names | Where-Object { $ExgFaultWrappers -cnotcontains $_ })[0]

    # PowerShell shows of a long name the first and the last 15 characters, "..." between them.
    $typePattern = [regex]::Escape($exception)
    if ($exception.Length -ge 33) {
        $typePattern = $typePattern -replace '\\\.\\\.\\\.', '.+'
    }
    $parts = $errorId.Trim() -split '\s*,\s*'
    $area = $category -replace '-.*$', '-'
    $seen = @{
        Category = '^(?:' + [regex]::Escape($category) + '|' + [regex]::Escape($area) + ')$'
        Type     = '^' + $typePattern + '$'
        ErrorId  = '^(?:' + (@($parts | ForEach-Object { [regex]::Escape($_) }) -join '|') + ')$'
        Cmdlet   = '^' + [regex]::Escape($cmdlet) + '$'
    }
    foreach ($rule in $ExgFaultRules) {
        $misses = @($rule.Keys | Where-Object { $seen[$_] -and @($rule[$_] -match $seen[$_]).Count -eq 0 })
        if ($misses.Count -eq 0 -and (-not $rule['Text'] -or $text -cmatch $rule['Text']) -and
            (-not $rule['Unless'] -or $text -cnotmatch $rule['Unless'])) {
            break
        }
    }

    $record = [ordered]@{
        fullyQualifiedErrorId = $errorId
        exceptionType         = $exceptionType
    }
    foreach ($field in @('Category', 'Reason', 'Activity', 'TargetName')) {
        $record[$field.Substring(0, 1).ToLowerInvariant() + $field.Substring(1)] = [string]$info.$field
    }
    foreach ($empty in @($record.Keys | Where-Object { $record[$_] -eq '' })) {
        $record.Remove($empty)
    }
    [ordered]@{
        id      = $rule['Fault']
        rule    = $rule['Rule']
        message = $message
        hint    = $rule['Hint']
        retry   = $rule['Retry']
        source  = $rule['Source']
        record  = $record
    }
}
# What errors mean: the first rule that matches. Text is a regular expression, the last resort.
$ExgFaultWrappers = @(
    'Exception', 'SystemException', 'ApplicationException', 'RuntimeException', 'AggregateException',
    'RemoteException', 'CimException', 'CimJobException', 'MethodInvocationException', 'TargetInvocationException',
    'CmdletInvocationException', 'CmdletProxyException', 'ParentContainsErrorRecordException',
    'ActionPreferenceStopException', 'WriteErrorException', 'LocalizedException', 'RestClientException',
    'ErrorRecord', 'SerializedRemoteException', 'InnerException'
)
$ExgFaultTypePattern = '(?:^|[ |"''(\[>:{,])((?:[A-Za-z_][A-Za-z0-9_]*\.)*[A-Z][A-Za-z0-9_]*Exception) ' +
    '?(?:[:|"]|$)'
$ExgFaultRules = @(
    @{
        Rule     = 'dehydrated-type'
        Fault    = 'dehydrated'
        Type     = @('InvalidOperationInDehydratedContextException')
        Hint     = 'Exchange asks for Enable-OrganizationCustomization first. It cannot be undone, and the real ' +
            'command may be refused for hours after it: repeat that command with growing waits. An Exchange ' +
            'server on-premises is not known to ask for this: check that the shell is not connected to Exchange ' +
            'Online.'
        Retry    = 'after-customization'
        Source   = 'https://learn.microsoft.com/powershell/module/exchangepowershell/enable-organizationcustomization'
    },
    @{
        Rule     = 'cmdlet-missing-type'
        Fault    = 'cmdlet_missing'
        Type     = @('CommandNotFoundException')
        Hint     = 'Exchange hides cmdlets that no role of yours contains. Give your account the role that has ' +
            'it (Role Management for assignments and scopes), then open a new session. In a plain PowerShell ' +
            'window open the Exchange Management Shell first.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'cmdlet-missing-id'
        Fault    = 'cmdlet_missing'
        ErrorId  = @('CommandNotFoundException')
        Hint     = 'Exchange hides cmdlets that no role of yours contains. Give your account the role that has ' +
            'it (Role Management for assignments and scopes), then open a new session. In a plain PowerShell ' +
            'window open the Exchange Management Shell first.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'parameter-missing'
        Fault    = 'cmdlet_missing'
        ErrorId  = @('NamedParameterNotFound')
        Hint     = 'The cmdlet is there, that parameter is not: your roles hide it, or this version of Exchange ' +
            'does not have it. Compare with (Get-Command NAME).Parameters in a session of an Organization ' +
            'Management member.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'authz-quota'
        Fault    = 'connect_quota'
        Category = @('AuthZ-AuthorizationException')
        Hint     = 'The account has used up its PowerShell sessions. Close sessions that are not needed ' +
            '(Get-PSSession | Remove-PSSession), or wait until idle ones end, then connect again.'
        Retry    = 'backoff'
        Source   = 'https://learn.microsoft.com/windows/win32/winrm/quotas'
    },
    @{
        Rule     = 'over-budget'
        Fault    = 'throttled'
        Type     = @('OverBudgetException', 'ServerBusyException', 'ResourceUnhealthyException')
        Hint     = 'Exchange throttles the account, or a resource of the server is busy. Wait a minute, do less ' +
            'at a time, then try again; Get-ThrottlingPolicyAssociation shows the policy.'
        Retry    = 'backoff'
        Source   = 'https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange'
    },
    @{
        Rule     = 'no-roles'
        Fault    = 'access_denied'
        Type     = @('CmdletAccessDeniedException')
        Hint     = 'The logon worked, but no management role is assigned to this account. Add it to a role ' +
            'group such as Organization Management by its own name, then open a new session.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'no-delegating-assignment'
        Fault    = 'access_denied'
        Text     = '(?i)delegating (?:management )?role assignment|delegierende \S*Rollenzuweisung|attribution ' +
            'de r\u00F4le de d\u00E9l\u00E9gation|asignaci\u00F3n de roles? de ' +
            'delegaci\u00F3n|atribui\u00E7\u00E3o de fun\u00E7\u00E3o de delega\u00E7\u00E3o|assegnazione di ' +
            'ruolo di delega|\u59D4\u4EFB(?:\u5F79\u5272|\u30ED\u30FC\u30EB)\u306E\u5272\u308A\u5F53\u3066|\u59D' +
            '4\u6D3E(?:\u7BA1\u7406)?\u89D2\u8272\u5206\u914D|\u0434\u0435\u043B\u0435\u0433\u0438\u0440\u0443\u' +
            '044E\u0449\S+ \u043D\u0430\u0437\u043D\u0430\u0447\u0435\u043D\u0438\S+ \u0440\u043E\u043B'
        Hint     = 'Your account may not hand this role on. Add it to Organization Management by its own name, ' +
            'or give it a delegating assignment of the role, then open a new session. Right after the ' +
            'organization was customized the same answer can pass within the hour.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/en-us/answers/questions/1336420/exchange-impersonation-error-unable-to-open-user-m'
    },
    @{
        Rule     = 'directory-rights'
        Fault    = 'access_denied'
        Text     = 'INSUFF_ACCESS_RIGHTS'
        Hint     = 'Active Directory refused the change, not Exchange''s roles. Check that permissions are ' +
            'inherited on the object named, and that the Exchange groups still have theirs; Setup /PrepareAD ' +
            'puts those back.'
        Retry    = 'never'
        Source   = 'https://github.com/microsoft/CSS-Exchange/issues/60'
    },
    @{
        Rule     = 'directory-denied'
        Fault    = 'access_denied'
        Type     = @('ADOperationException')
        Text     = '(?i)Access is denied|Zugriff (?:wurde )?verweigert|Acc[e\u00E8]s (?:est ' +
            ')?refus[e\u00E9]|Acceso denegado|Accesso negato|Acesso ' +
            'negado|\u30A2\u30AF\u30BB\u30B9\u304C\u62D2\u5426|\u62D2\u7EDD\u8BBF\u95EE|\u5B58\u53D6\u88AB\u62D2' +
            '|\u041E\u0442\u043A\u0430\u0437\u0430\u043D\u043E \u0432 ' +
            '\u0434\u043E\u0441\u0442\u0443\u043F\u0435|insufficient access'
        Hint     = 'Active Directory refused the change, not Exchange''s roles. Check that permissions are ' +
            'inherited on the object named, and that the Exchange groups still have theirs; Setup /PrepareAD ' +
            'puts those back.'
        Retry    = 'never'
        Source   = 'https://github.com/microsoft/CSS-Exchange/issues/60'
    },
    @{
        Rule     = 'out-of-scope-type'
        Fault    = 'access_denied'
        Type     = @('ADScopeException', 'OperationRequiresGroupManagerException', 'UnauthorizedAccessException')
        Hint     = 'Your own roles do not reach this object. Use an account whose write scope covers it, or one ' +
            'that manages the group.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'customization-script'
        Fault    = 'other'
        Cmdlet   = @('Enable-OrganizationCustomization')
        Text     = '\$error\.|\bwas run:|--->|(?i:wasn''t found|couldn''t be found|write scope|try again)'
        Hint     = 'Enable-OrganizationCustomization stopped half-way. Run it again in a few minutes: it goes ' +
            'on where it stopped. If it stops at the same place three times, open a support case.'
        Retry    = 'backoff'
        Source   = 'https://github.com/MicrosoftDocs/office-docs-powershell/issues/7519'
    },
    @{
        Rule     = 'already-customized-type'
        Fault    = 'already_customized'
        Type     = @('InvalidOperationException')
        Cmdlet   = @('Enable-OrganizationCustomization')
        Unless   = '(?i)(?:isn''t|is not|not) (?:currently )?allowed (?:in your|for the|in this) ' +
            'organization.{0,120}Enable-OrganizationCustomization|organization with disabled customizations'
        Hint     = 'Nothing to do: the organization is customized already. That does not mean that the real ' +
            'command works yet: repeat that one with growing waits.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/office-docs-powershell/issues/6497'
    },
    @{
        Rule     = 'already-customized-text'
        Fault    = 'already_customized'
        Type     = @('InvalidOperationException', '')
        Cmdlet   = @('Enable-OrganizationCustomization', '')
        Text     = '(?i)already enabled for customization'
        Unless   = '(?i)(?:isn''t|is not|not) (?:currently )?allowed (?:in your|for the|in this) ' +
            'organization.{0,120}Enable-OrganizationCustomization|organization with disabled customizations'
        Hint     = 'Nothing to do: the organization is customized already. That does not mean that the real ' +
            'command works yet: repeat that one with growing waits.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/office-docs-powershell/issues/6497'
    },
    @{
        Rule     = 'customization-not-offered'
        Fault    = 'already_customized'
        Type     = @('InvalidOperationException', '')
        Cmdlet   = @('Enable-OrganizationCustomization', '')
        Text     = '(?i)operation is(?: not|n''t) available in (?:the |your )?current (?:service ' +
            'offer|organization)'
        Unless   = '(?i)(?:isn''t|is not|not) (?:currently )?allowed (?:in your|for the|in this) ' +
            'organization.{0,120}Enable-OrganizationCustomization|organization with disabled customizations'
        Hint     = 'From Enable-OrganizationCustomization this means that there is nothing to customize; repeat ' +
            'the real command. From any other cmdlet it means that this edition does not offer it.'
        Retry    = 'never'
        Source   = 'https://help.bittitan.com/hc/en-us/articles/115008098447-The-account-does-not-have-permission-to-impersonate-the-requested-user'
    },
    @{
        Rule     = 'customization-incomplete'
        Fault    = 'other'
        Type     = @(
            'ManagementObjectNotFoundException', 'ManagementObjectAmbiguousException',
            'ADObjectAlreadyExistsException', 'ADOperationException', 'DataValidationException', 'TaskException',
            'ScriptExecutionException'
        )
        Cmdlet   = @('Enable-OrganizationCustomization')
        Hint     = 'Enable-OrganizationCustomization stopped half-way. Run it again in a few minutes: it goes ' +
            'on where it stopped. If it stops at the same place three times, open a support case.'
        Retry    = 'backoff'
        Source   = 'https://github.com/MicrosoftDocs/office-docs-powershell/issues/7519'
    },
    @{
        Rule     = 'role-not-found'
        Fault    = 'role_not_found'
        Type     = @('ManagementObjectNotFoundException')
        Cmdlet   = @(
            'Get-ManagementRole', 'Set-ManagementRole', 'Remove-ManagementRole', 'New-ManagementRole',
            'Get-ManagementRoleEntry'
        )
        Hint     = 'No such management role. List what is there with Get-ManagementRole. Exchange Online has no ' +
            'ApplicationImpersonation role any more.'
        Retry    = 'never'
        Source   = 'https://techcommunity.microsoft.com/blog/exchange/critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762'
    },
    @{
        Rule     = 'impersonation-role-not-found'
        Fault    = 'role_not_found'
        Type     = @('ManagementObjectNotFoundException')
        Text     = '["''](?:[^"'']{1,200}\\)?ApplicationImpersonation["'']'
        Hint     = 'This organization has no role ApplicationImpersonation: look with Get-ManagementRole ' +
            '-RoleType ApplicationImpersonation. Exchange Online removed it in February 2025; on-premises a ' +
            'missing one is put back by Setup /PrepareAD.'
        Retry    = 'never'
        Source   = 'https://techcommunity.microsoft.com/blog/exchange/critical-update-applicationimpersonation-rbac-role-deprecation-in-exchange-onlin/4295762'
    },
    @{
        Rule     = 'object-not-found'
        Fault    = 'principal_not_found'
        Type     = @('ManagementObjectNotFoundException', 'ADNoSuchObjectException', 'RecipientNotFoundException')
        Hint     = 'No object of that name, as the domain controller named in the message sees it. Check the ' +
            'spelling; in a forest of several domains give the full distinguished name, or run ' +
            'Set-ADServerSettings -ViewEntireForest $true first. A new object may not have replicated yet.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/cmdlet-parameter-combinations-not-working.md'
    },
    @{
        Rule     = 'object-ambiguous'
        Fault    = 'principal_ambiguous'
        Type     = @('ManagementObjectAmbiguousException')
        Hint     = 'Several objects match that name. Use one that is unique: the GUID, the distinguished name, ' +
            'or DOMAIN\account.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/office-docs-powershell/issues/7166'
    },
    @{
        Rule     = 'already-exists-type'
        Fault    = 'already_exists'
        Type     = @('ADObjectAlreadyExistsException')
        Hint     = 'An object of that name is there. Read it and compare who, which role and which scope before ' +
            'you choose another name or change it.'
        Retry    = 'reread'
        Source   = 'https://learn.microsoft.com/powershell/module/exchangepowershell/new-managementroleassignment'
    },
    @{
        Rule     = 'already-member'
        Fault    = 'already_exists'
        Type     = @('MemberAlreadyExistsException')
        Hint     = 'The account is a member of that group already. Read the members again and go on.'
        Retry    = 'reread'
        Source   = 'https://learn.microsoft.com/powershell/module/exchangepowershell/add-rolegroupmember'
    },
    @{
        Rule     = 'already-exists-ldap'
        Fault    = 'already_exists'
        Type     = @('ADOperationException', '')
        Text     = 'problem 6005 \(ENTRY_EXISTS\)'
        Hint     = 'An object of that name is there. Read it and compare who, which role and which scope before ' +
            'you choose another name or change it.'
        Retry    = 'reread'
        Source   = 'https://learn.microsoft.com/openspecs/windows_protocols/ms-adts/'
    },
    @{
        Rule     = 'already-exists-name'
        Fault    = 'already_exists'
        Type     = @('InvalidOperationException')
        Cmdlet   = @(
            'New-ManagementRole', 'New-ManagementRoleAssignment', 'New-ManagementScope', 'New-RoleGroup', ''
        )
        Text     = '(?i)already an(?:other)? .{1,60} with the same name'
        Hint     = 'An object of that name is there. Read it and compare who, which role and which scope before ' +
            'you choose another name or change it.'
        Retry    = 'reread'
        Source   = 'https://github.com/Microsoft365DSC/Microsoft365DSC/issues/4049'
    },
    @{
        Rule     = 'already-exists-dn'
        Fault    = 'already_exists'
        Type     = @('ADOperationException', '')
        Text     = '(?i)object ["''](?:CN|OU)=[^"'']{1,1000}["''] already exists'
        Hint     = 'An object of that name is there. Read it and compare who, which role and which scope before ' +
            'you choose another name or change it.'
        Retry    = 'reread'
        Source   = 'https://github.com/microsoft/CSS-Exchange/issues/70'
    },
    @{
        Rule     = 'remote-transient'
        Fault    = 'other'
        Type     = @('RemoteTransientException', 'RemotePermanentException')
        Hint     = 'Another server refused the call. The type says transient, but the cause in the message ' +
            '(denied, forbidden) stays until somebody removes it: read the text after the address.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeHybrid/move-mailboxes/access-is-denied-error-when-moving-mailboxes.md'
    },
    @{
        Rule     = 'directory-transient'
        Fault    = 'transient'
        Type     = @(
            'ADTransientException', 'ADServerSettingsChangedException', 'DirectoryTransientErrorException',
            'SuitabilityDirectoryException', 'NoSuitableServerFoundException'
        )
        Unless   = 'INSUFF_ACCESS_RIGHTS|0x31\b|(?i)Access is denied|Zugriff (?:wurde ' +
            ')?verweigert|Acc[e\u00E8]s (?:est )?refus[e\u00E9]|Acceso denegado|Accesso negato|Acesso ' +
            'negado|\u30A2\u30AF\u30BB\u30B9\u304C\u62D2\u5426|\u62D2\u7EDD\u8BBF\u95EE|\u5B58\u53D6\u88AB\u62D2' +
            '|\u041E\u0442\u043A\u0430\u0437\u0430\u043D\u043E \u0432 \u0434\u043E\u0441\u0442\u0443\u043F\u0435'
        Hint     = 'Exchange cannot reach a suitable domain controller at the moment. It usually finds another: ' +
            'try again in a minute. If it stays, check the controllers of this site with Get-ExchangeServer ' +
            '-Status and dcdiag.'
        Retry    = 'backoff'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/ad-error-0x52-install-edge-role.md'
    },
    @{
        Rule     = 'directory-down'
        Fault    = 'transient'
        Text     = '(?i)active directory[^.]{0,40} 0x5[12]\b'
        Unless   = '(?i)RemoteTransient|Permanent|too many transient'
        Hint     = 'Exchange cannot reach a domain controller (LDAP says server down). It usually finds ' +
            'another: try again in a minute. If it stays, check that controller with dcdiag.'
        Retry    = 'backoff'
        Source   = 'https://learn.microsoft.com/en-us/answers/questions/1117619/found-dcdiag-error-in-one-domain-controller'
    },
    @{
        Rule     = 'write-scope-other'
        Fault    = 'other'
        Text     = '(?i)out of the current user''s write scope.{0,300}(?:synchroni[sz]|exceeds the ' +
            'maximum|licen[sc]e)'
        Hint     = 'The words about the write scope only wrap another reason: read the second sentence. An ' +
            'object that is synchronized is changed where it comes from; a limit of a licence stays.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'write-scope'
        Fault    = 'access_denied'
        Text     = '(?i)out of the current user''s write scope|isn''t within (?:your|a valid|the) .{0,40}write ' +
            'scope'
        Hint     = 'Your own roles do not reach this object. Use an account whose write scope covers it.'
        Retry    = 'never'
        Source   = 'https://github.com/OfficeDev/Office-Add-in-samples/issues/139'
    },
    @{
        Rule     = 'group-manager'
        Fault    = 'access_denied'
        Text     = '(?i)do(?:n''t| not) have sufficient permissions|only be performed by a manager of the group'
        Hint     = 'Only a manager of that group may change it. Add yourself as a manager, or use ' +
            '-BypassSecurityGroupManagerCheck with the Role Management role.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/cannot-change-distribution-group-ownership.md'
    },
    @{
        Rule     = 'serialization'
        Fault    = 'serialization'
        Text     = '["'' ]Deserialized\.[A-Z]|\bMicrosoft\.Exchange\.Configuration\.Tasks\.[A-Za-z]*IdParameter\' +
            'b|Serializ(?:ation)?(?:ed)?DataSigning|Runtime\.Serialization|(?i:serialized data signing|failed ' +
            'to deserialize)'
        Hint     = 'An object that came back over remoting was passed on as it was. Pass its GUID, ' +
            'distinguished name or name as text instead. If this began with an update, check the Auth ' +
            'Certificate: signed serialization depends on it.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/plan-and-deploy/post-installation-tasks/security-best-practices/exchange-serialization-payload-sign'
    },
    @{
        Rule     = 'language-mode-id'
        Fault    = 'language_mode'
        ErrorId  = @(
            'ScriptsNotAllowed', 'ParseException', 'VariableReferenceNotSupportedInDataSection',
            'MethodInvocationNotSupportedInConstrainedLanguage'
        )
        Hint     = 'The Exchange endpoint takes commands, not script text: no variables, properties, if or try. ' +
            'Send one cmdlet with plain parameters, or run the script on a machine with the Exchange tools.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_language_modes'
    },
    @{
        Rule     = 'language-mode-text'
        Fault    = 'language_mode'
        Text     = '\$PSCulture, \$PSUICulture|(?i:no-language mode|restricted language ' +
            'mode)|NoLanguage|RestrictedLanguage|ConstrainedLanguage|InDataSection\b'
        Hint     = 'The Exchange endpoint takes commands, not script text: no variables, properties, if or try. ' +
            'Send one cmdlet with plain parameters, or run the script on a machine with the Exchange tools.'
        Retry    = 'never'
        Source   = 'https://github.com/jborean93/pypsrp/issues/103'
    },
    @{
        Rule     = 'scope-parameter'
        Fault    = 'scope_error'
        Text     = '\b(?:(?:Custom|Exclusive)(?:Recipient|Config)WriteScope|(?:Recipient|Server|Database)Restric' +
            'tionFilter)\b|["''](?:RecipientFilter|RecipientRestrictionFilter|Filter)["''].{1,200}["''](?:Recipi' +
            'entFilter|RecipientRestrictionFilter|Filter)["'']'
        Hint     = 'Exchange refuses this scope or filter. An exclusive scope is given by ' +
            '-ExclusiveRecipientWriteScope; a filter is one string such as MemberOfGroup -eq ''distinguished ' +
            'name'', with every comparison written out. Try it with Get-Recipient -Filter.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/office-docs-powershell/issues/6201'
    },
    @{
        Rule     = 'scope-filter'
        Fault    = 'scope_error'
        Text     = '(?i)invalid filter syntax|recogni[sz]ed filterable property|valid OPath filter|is an ' +
            'exclusive scope'
        Hint     = 'Exchange refuses this scope or filter. An exclusive scope is given by ' +
            '-ExclusiveRecipientWriteScope; a filter is one string such as MemberOfGroup -eq ''distinguished ' +
            'name'', with every comparison written out. Try it with Get-Recipient -Filter.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/powershell/exchange/recipient-filters'
    },
    @{
        Rule     = 'shell-gone'
        Fault    = 'connect_http'
        Category = @('WSMan-InvalidShellID')
        Hint     = 'The session is gone: the server was restarted, or another server behind the load balancer ' +
            'answered. Open a new session and read the state before you go on.'
        Retry    = 'new-session'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeOnline/administration/invalidshellid-error-in-rps.md'
    },
    @{
        Rule     = 'front-end-logon'
        Fault    = 'connect_auth'
        Category = @('LiveID-', 'Kerberos-', 'Auth-')
        Hint     = 'Exchange''s front end refused the logon. Check account and password, and that PowerShell is ' +
            'allowed for it (Get-User NAME | Format-List RemotePowerShellEnabled).'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/powershell/exchange/connect-to-exchange-servers-using-remote-powershell'
    },
    @{
        Rule     = 'front-end'
        Fault    = 'connect_http'
        Category = @('WSMan-', 'Cafe-')
        Hint     = 'Exchange''s front end could not hand the session to a back end. Connect to the mailbox ' +
            'server itself by its full name, and check its PowerShell application pools and back-end ' +
            'certificate.'
        Retry    = 'new-session'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeServer/administration/connecting-remote-server-failed.md'
    },
    @{
        Rule     = 'authz-refused'
        Fault    = 'access_denied'
        Category = @('AuthZ-')
        Hint     = 'The logon worked, but Exchange''s authorization refused the session. Read the sentence ' +
            'after FailureCategory: most often no role is assigned, or PowerShell is disabled for the account.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/exchange/permissions/permissions'
    },
    @{
        Rule     = 'no-roles-text'
        Fault    = 'access_denied'
        Text     = '(?i)isn''t assigned to any management roles|\bRBAC\b'
        Unless   = 'CN=RBAC'
        Hint     = 'The logon worked, but no management role is assigned to this account. Add it to a role ' +
            'group such as Organization Management by its own name, then open a new session.'
        Retry    = 'never'
        Source   = 'https://github.com/MicrosoftDocs/OfficeDocs-Support/blob/36878e0e10fbe834858d06a771a7e51e570469d3/Exchange/ExchangeHybrid/hybrid-configuration-wizard-errors/user-not-assigned-to-any-management-roles.md'
    },
    @{
        Rule     = 'load-quota-text'
        Fault    = 'throttled'
        Text     = '(?i)(?:system|user) load quota|Systemlastenkontingent|quota de charge|cuota de carga|quota ' +
            'di carico|cota de carga|\u30B7\u30B9\u30C6\u30E0\u8CA0\u8377|(?:WinRM|WS-Man).{0,600}(?:millise[ck]' +
            '|\u30DF\u30EA\u79D2|\u6BEB\u79D2|\u043C\u0438\u043B\u043B\u0438\u0441\u0435\u043A)'
        Hint     = 'WS-Management counts requests per second and this was one too many. Send fewer at a time ' +
            'and try again after a few seconds; do not believe the number of milliseconds in the text.'
        Retry    = 'backoff'
        Source   = 'https://learn.microsoft.com/windows/win32/winrm/quotas'
    },
    @{
        Rule     = 'session-lost'
        Fault    = 'connect_network'
        Type     = @(
            'PSRemotingTransportException', 'PSRemotingDataStructureException', 'InvalidRunspaceStateException',
            'InvalidRunspacePoolStateException'
        )
        Hint     = 'The session could not be opened, or it broke, and no cause is shown. Connect again and read ' +
            'the state before you repeat anything; $Error[0].Exception has ErrorCode and TransportMessage.'
        Retry    = 'reread'
        Source   = 'https://github.com/microsoft/CompliancePartnerWorkshops/issues/12'
    },
    @{
        Rule     = 'dehydrated-text'
        Fault    = 'dehydrated'
        Type     = @('InvalidOperationException', '')
        Text     = '(?i)(?:isn''t|is not|not) (?:currently )?allowed (?:in your|for the|in this) ' +
            'organization.{0,120}Enable-OrganizationCustomization|organization with disabled customizations'
        Hint     = 'Exchange asks for Enable-OrganizationCustomization first. It cannot be undone, and the real ' +
            'command may be refused for hours after it: repeat that command with growing waits. An Exchange ' +
            'server on-premises is not known to ask for this: check that the shell is not connected to Exchange ' +
            'Online.'
        Retry    = 'after-customization'
        Source   = 'https://learn.microsoft.com/powershell/module/exchangepowershell/enable-organizationcustomization'
    },
    @{
        Rule     = 'dehydrated-name'
        Fault    = 'dehydrated'
        Type     = @('')
        Text     = '\bInvalidOperationInDehydratedContextException\b'
        Hint     = 'Exchange asks for Enable-OrganizationCustomization first. It cannot be undone, and the real ' +
            'command may be refused for hours after it: repeat that command with growing waits. An Exchange ' +
            'server on-premises is not known to ask for this: check that the shell is not connected to Exchange ' +
            'Online.'
        Retry    = 'after-customization'
        Source   = 'https://github.com/MicrosoftLearning/MS-102T00-Microsoft-365-Administrator-Essentials/pull/171'
    },
    @{
        Rule     = 'unknown'
        Fault    = 'other'
        Hint     = 'No rule knows this error. Read the message; nothing is tried again by itself.'
        Retry    = 'never'
        Source   = 'https://learn.microsoft.com/powershell/scripting/developer/cmdlet/windows-powershell-error-records'
    }
)

# Runs the procedure, puts back what must not stay whatever happens, and tells the result.

function Invoke-ExgScript {
    $ErrorActionPreference = 'Stop'
    try {
        Assert-ExgReportPath
        $null = Invoke-ExgProcedure
        $Exg.Done = $true
    } catch {
        if (-not $Exg.Stopped) { Stop-ExgUnexpected -ErrorRecord $_ }
        $Exg.Done = $true
    } finally {
        if (-not $Exg.Done) {
            # Ctrl-C: a stopped pipeline takes no more output, but commands still run here.
            $Exg.Report.outcome = 'interrupted'
            $Exg.Quiet = $true
        }
        if ($Exg.AtEnd) { & $Exg.AtEnd }
        Close-ExgShell
        Save-ExgReport
    }
}

$Exg = @{
    Cmdlet       = $PSCmdlet
    Quiet        = [bool]$AsJson
    ReportPath   = if ($ReportPath) { $PSCmdlet.GetUnresolvedProviderPathFromPSPath($ReportPath) }
    RecordMarker = $RecordMarker
    Step         = 'preflight'
}
$Exg.Report = New-ExgReport -Operation $Operation
Invoke-ExgScript
Write-ExgResult
# By -File and & the code reaches the caller; dot-sourced, exit would end the administrator's shell.
if ($MyInvocation.InvocationName -ne '.') { exit (Get-ExgExitCode) }
