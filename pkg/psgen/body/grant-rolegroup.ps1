# include: grant-head.ps1

# include: data

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    $Exg.Report.grant = New-ExgGrantState
    Initialize-ExgChange
    $needed = @('Get-ManagementRoleAssignment', 'Get-RoleGroup', 'New-RoleGroup', 'Add-RoleGroupMember')
    if ('group', 'filter', 'existing' -contains $Grant.ScopeKind) {
        $needed += 'Get-ManagementScope', 'New-ManagementScope', 'New-RoleGroup -CustomRecipientWriteScope'
    }
    if ($Grant.ScopeKind -eq 'organizationalUnit') {
        $needed += 'New-RoleGroup -RecipientOrganizationalUnitScope'
    }
    Start-ExgSession -Needed $needed
    Test-ExgDelegation

    $Exg.Step = 'resolve'
    $assignee = Resolve-ExgAssignee
    $members = @(Resolve-ExgMember)
    Resolve-ExgServiceMailbox
    $wanted = Resolve-ExgScope
    Add-ExgStep -Id 'resolve' -Status 'unchanged' -Text (Format-ExgResolved -Assignee $assignee -Wanted $wanted)

    # A scope of this run must not stay when the run does not end well.
    $Exg.AtEnd = { Undo-ExgScope }
    Set-ExgRoleGroup -RoleGroup $assignee -Wanted $wanted -Members $members
}

# Creates or completes the role group. A group of that name that is not exactly this one is left as it is.
function Set-ExgRoleGroup {
    param($RoleGroup, $Wanted, [object[]]$Members)
    $Exg.Step = 'role-group'
    Read-ExgAssignment
    Add-ExgExclusiveFinding -Wanted $Wanted
    if (-not $RoleGroup) {
        Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text "There is no role group '$($Grant.Assignee)'."
        $Exg.Report.before = Get-ExgState
        New-ExgRoleGroup -Wanted $Wanted -Members $Members
    } else {
        $difference = Compare-ExgRoleGroup -RoleGroup $RoleGroup -Wanted $Wanted -Members $Members
        $foreign = $difference.Foreign
        $foreign += @($difference.Others | ForEach-Object -Process { "it has the member $($_.Name)" })
        $Exg.Report.before = Get-ExgRoleGroupState -RoleGroup $RoleGroup -Assignments $difference.Own
        if ($foreign.Count) {
            Stop-ExgRun -Outcome 'conflict' -Step 'role-group' -Text ("The role group '$($RoleGroup.Name)' " +
                "exists and is not this one: $($foreign -join '; '). Nothing was changed; choose another name.")
        }
        $text = "The role group '$($RoleGroup.Name)' exists with this role and scope."
        Add-ExgStep -Id 'role-group' -Status 'unchanged' -Text $text -Guid "$($RoleGroup.Guid)"
        foreach ($member in $difference.Absent) { Add-ExgMember -RoleGroup $RoleGroup -Member $member }
        if ($difference.NoConfiguration) { Add-ExgConfiguration -RoleGroup $RoleGroup }
    }
    $Exg.NewScope = ''
    Complete-ExgRoleGroup -Wanted $Wanted -Members $Members
}

function New-ExgRoleGroup {
    param($Wanted, [object[]]$Members)
    if ($Wanted.ContainsKey('Count') -and $Wanted.Count -eq 0 -and -not $AllowEmpty) {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ('The scope holds no recipient. Check the group, ' +
            'unit or filter, or use -AllowEmpty when its members come later.')
    }
    $scope = Set-ExgScope -Wanted $Wanted
    $newRoleGroupParams = [ordered]@{
        Name    = $Grant.Assignee
        Roles   = @($Role)
        Members = @($Members | ForEach-Object -Process { "$($_.Guid)" })
    }
    # A scope would apply to all roles of the group, and View-Only Configuration has none: it is assigned on its
    # own.
    $together = $Grant.ViewOnlyConfiguration -and $Wanted.Kind -eq 'Organization'
    if ($together) { $newRoleGroupParams.Roles = @($Role, $Configuration) }
    switch ($Wanted.Kind) {
        'OU' { $newRoleGroupParams.RecipientOrganizationalUnitScope = $Wanted.UnitDN }
        'Custom' { $newRoleGroupParams.CustomRecipientWriteScope = $scope }
    }
    $names = @($Members | ForEach-Object -Process { "$($_.Name)" }) -join ', '
    $invokeExgChangeParams = @{
        Step       = 'role-group'
        Cmdlet     = 'New-RoleGroup'
        Parameters = $newRoleGroupParams
        Target     = "$($Grant.Assignee) ($names) for $(Format-ExgWanted -Wanted $Wanted)"
        Text       = "New role group of $names for $(Format-ExgWanted -Wanted $Wanted)"
    }
    $group = Invoke-ExgChange @invokeExgChangeParams
    $Exg.NewScope = ''
    if ($group) {
        Add-ExgInverse -Cmdlet 'Remove-RoleGroup' -Identity "$($group.Guid)" -OnlyIf 'unused'
        foreach ($member in $Members) {
            $parameter = [ordered]@{ name = 'Member'; value = "$($member.Guid)" }
            Add-ExgInverse -Cmdlet 'Remove-RoleGroupMember' -Identity "$($group.Guid)" -Parameters $parameter
        }
    }
    if ($Grant.ViewOnlyConfiguration -and -not $together) { Add-ExgConfiguration -RoleGroup $group }
}

function Add-ExgConfiguration {
    param($RoleGroup)
    $identity = if ($RoleGroup) { "$($RoleGroup.Guid)" } else { $Grant.Assignee }
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = 'New-ManagementRoleAssignment'
        Parameters = [ordered]@{ SecurityGroup = $identity; Role = $Configuration }
        Target     = "$($Grant.Assignee): $Configuration"
        Text       = "Gives the role group the role $Configuration"
    }
    $written = Invoke-ExgChange @invokeExgChangeParams
    if ($written) { Add-ExgInverse -Cmdlet 'Remove-ManagementRoleAssignment' -Identity "$($written.Guid)" }
}

function Add-ExgMember {
    param($RoleGroup, $Member)
    $addRoleGroupMemberParams = [ordered]@{
        Identity                        = "$($RoleGroup.Guid)"
        Member                          = "$($Member.Guid)"
        BypassSecurityGroupManagerCheck = $true
    }
    $invokeExgChangeParams = @{
        Step       = 'role-group'
        Cmdlet     = 'Add-RoleGroupMember'
        Parameters = $addRoleGroupMemberParams
        Target     = "$($RoleGroup.Name): $($Member.Name)"
        Text       = "Adds $($Member.Name) to '$($RoleGroup.Name)'"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if (-not $WhatIfPreference) {
        $parameter = [ordered]@{ name = 'Member'; value = "$($Member.Guid)" }
        Add-ExgInverse -Cmdlet 'Remove-RoleGroupMember' -Identity "$($RoleGroup.Guid)" -Parameters $parameter
    }
}

# Reads the group back, from the server that took the write.
function Complete-ExgRoleGroup {
    param($Wanted, [object[]]$Members)
    if ($WhatIfPreference -and $Exg.Planned) {
        $Exg.Report.outcome = 'planned'
        return
    }
    $Exg.Step = 'read-back'
    $Exg.Report.outcome = if ($Exg.Report.changed) { 'granted' } else { 'already-granted' }
    Read-ExgAssignment
    $group = Find-ExgRoleGroup
    $complete = $false
    if ($group) {
        $difference = Compare-ExgRoleGroup -RoleGroup $group -Wanted $Wanted -Members $Members
        $lacks = $difference.Foreign.Count + $difference.Absent.Count
        $complete = -not $lacks -and -not $difference.NoConfiguration
        $scopes = @($Exg.Scopes | Where-Object -FilterScript { $Wanted.Name -and $_.Name -eq $Wanted.Name })
        $Exg.Report.after = Get-ExgRoleGroupState -RoleGroup $group -Assignments $difference.Own -Scopes $scopes
        $Exg.Report.grant.assignee.name = "$($group.Name)"
        $Exg.Report.grant.assignee.guid = "$($group.Guid)"
        $Exg.Report.grant.assignee.distinguishedName = "$($group.DistinguishedName)"
    }
    if (-not $complete) {
        $text = 'The role group is written, but not every domain controller shows it yet.'
        Add-ExgStep -Id 'read-back' -Status 'unchanged' -Text $text
        $Exg.Report.outcome = 'granted-replicating'
        return
    }
    $text = 'The role group is there with its role, scope and members.'
    Add-ExgStep -Id 'read-back' -Status 'unchanged' -Text $text -Guid "$($group.Guid)"
    Test-ExgOracle -Assignee "$($group.Guid)"
}

# include: scope.ps1
# include: delegation.ps1
# include: rolegroup.ps1
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
