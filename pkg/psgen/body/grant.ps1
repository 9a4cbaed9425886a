# include: grant-head.ps1

# include: data

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

# include: standing.ps1
# include: scope.ps1
# include: delegation.ps1
# include: change.ps1
# include: resolve.ps1
# include: assignments.ps1
# include: compare.ps1
# include: exclusive.ps1
# include: oracle.ps1
# include: shell.ps1
# include: report.ps1
# include: command.ps1
# include: filter.ps1
# include: fault.ps1
# include: faultrules
# include: main.ps1
