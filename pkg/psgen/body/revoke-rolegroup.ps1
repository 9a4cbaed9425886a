# include: revoke-head.ps1

# include: data

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    $Exg.Report.grant = New-ExgGrantState
    Initialize-ExgChange
    $needed = @('Get-ManagementRoleAssignment', 'Get-RoleGroup', 'Remove-RoleGroupMember', 'Remove-RoleGroup')
    if ('group', 'filter' -contains $Grant.ScopeKind) {
        $needed += 'Get-ManagementScope', 'Remove-ManagementScope'
    }
    Start-ExgSession -Needed $needed

    $Exg.Step = 'resolve'
    $assignee = Resolve-ExgAssignee
    $members = @(Resolve-ExgMember)
    $wanted = Resolve-ExgScope
    $text = "$($Grant.Assignee); $(Format-ExgWanted -Wanted $wanted)"
    Add-ExgStep -Id 'resolve' -Status 'unchanged' -Text $text

    $Exg.Step = 'read-assignments'
    Read-ExgAssignment
    Remove-ExgRoleGroup -RoleGroup $assignee -Wanted $wanted -Members $members
    if ($WhatIfPreference -and $Exg.Planned) {
        $Exg.Report.outcome = 'planned'
        return
    }
    Test-ExgLeft -Holders $members
}

# Our members leave the role group. The group goes only when it is exactly ours and nobody else is in it.
function Remove-ExgRoleGroup {
    param($RoleGroup, $Wanted, [object[]]$Members)
    if (-not $RoleGroup) {
        Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text "There is no role group '$($Grant.Assignee)'."
        $Exg.Report.before = Get-ExgState
        $scope = Find-ExgOwnScope -Wanted $Wanted
        if ($scope) { Remove-ExgScope -Scope $scope }
        return
    }
    $difference = Compare-ExgRoleGroup -RoleGroup $RoleGroup -Wanted $Wanted -Members $Members
    $scope = Find-ExgOwnScope -Wanted $Wanted
    $own = $difference.Own
    $Exg.Report.before = Get-ExgRoleGroupState -RoleGroup $RoleGroup -Assignments $own -Scopes $scope
    if ($difference.Foreign.Count) {
        Stop-ExgRun -Outcome 'conflict' -Step 'role-group' -Text ("The role group '$($RoleGroup.Name)' is not " +
            "the one of this grant: $($difference.Foreign -join '; '). Nothing was removed.")
    }
    Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text "Found the role group '$($RoleGroup.Name)'."
    foreach ($member in $difference.Present) {
        Remove-ExgMember -RoleGroup $RoleGroup -Identity "$($member.Guid)" -Name "$($member.Name)"
    }
    if ($difference.Others.Count) {
        $names = @($difference.Others | ForEach-Object -Process { "$($_.Name)" }) -join ', '
        Add-ExgStep -Id 'role-group' -Status 'skipped' -Text "The role group stays: $names is in it."
        return
    }
    $removeExgEmptyRoleGroupParams = @{
        RoleGroup = $RoleGroup
        Held      = $difference.Held
        Members   = @($difference.Present | ForEach-Object -Process { "$($_.Guid)" })
    }
    Remove-ExgEmptyRoleGroup @removeExgEmptyRoleGroupParams
    if ($scope) { Remove-ExgScope -Scope $scope -Except "$($own.Guid)" }
}

# include: own-scope.ps1
# include: remove.ps1
# include: rolegroup.ps1
# include: rolegroup-remove.ps1
# include: change.ps1
# include: resolve.ps1
# include: assignments.ps1
# include: compare.ps1
# include: shell.ps1
# include: report.ps1
# include: command.ps1
# include: filter.ps1
# include: fault.ps1
# include: faultrules
# include: main.ps1
