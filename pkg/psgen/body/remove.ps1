# Removing: one assignment and one scope, each by GUID, and a last look at what access is left.

function Remove-ExgAssignment {
    param($Assignment)
    $invokeExgChangeParams = @{
        Step       = 'remove'
        Cmdlet     = 'Remove-ManagementRoleAssignment'
        Parameters = [ordered]@{ Identity = "$($Assignment.Guid)" }
        Target     = Format-ExgAssignment -Assignment $Assignment
        Text       = "Removes the assignment '$($Assignment.Name)'"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if ($WhatIfPreference) { return }
    $Exg.Gone += @("$($Assignment.Guid)")
    $kind = if ("$($Assignment.RoleAssigneeType)" -eq 'User') { 'User' } else { 'SecurityGroup' }
    $parameters = @(
        [ordered]@{ name = $kind; value = "$($Assignment.RoleAssignee)" }
        [ordered]@{ name = 'Role'; value = "$($Assignment.Role)" }
    )
    $scope = Get-ExgOldScope -Assignment $Assignment
    # A new assignment has the whole organization, or what its role has, without being told.
    if ($scope.name -ne 'RecipientRelativeWriteScope') { $parameters += $scope }
    Add-ExgInverse -Cmdlet 'New-ManagementRoleAssignment' -Identity "$($Assignment.Name)" -Parameters $parameters
}

# Removes a scope unless an assignment other than the given ones uses it.
function Remove-ExgScope {
    param($Scope, [string[]]$Except)
    $getManagementRoleAssignmentParams = @{ CustomRecipientWriteScope = "$($Scope.Name)"; ErrorAction = 'Stop' }
    $users = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams | Where-Object -FilterScript {
            "$($_.CustomRecipientWriteScope)" -eq "$($Scope.Name)" -and $Except -notcontains "$($_.Guid)"
        })
    if ($users.Count) {
        $text = "The scope '$($Scope.Name)' stays: '$($users[0].Name)' uses it."
        Add-ExgStep -Id 'remove' -Status 'skipped' -Text $text -Guid "$($Scope.Guid)"
        return
    }
    $invokeExgChangeParams = @{
        Step       = 'remove'
        Cmdlet     = 'Remove-ManagementScope'
        Parameters = [ordered]@{ Identity = "$($Scope.Guid)" }
        Target     = "the unused scope '$($Scope.Name)': $($Scope.RecipientFilter)"
        Text       = "Removes the unused scope '$($Scope.Name)'"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if ($WhatIfPreference) { return }
    $old = @([ordered]@{ name = 'RecipientRestrictionFilter'; value = "$($Scope.RecipientFilter)" })
    if ("$($Scope.RecipientRoot)") {
        $old += [ordered]@{ name = 'RecipientRoot'; value = "$($Scope.RecipientRoot)" }
    }
    Add-ExgInverse -Cmdlet 'New-ManagementScope' -Identity "$($Scope.Name)" -Parameters $old
}

# By which paths can the account still act for mailboxes? Reads everything again.
function Test-ExgLeft {
    param([object[]]$Holders)
    $Exg.Step = 'read-back'
    Read-ExgRole
    $Exg.Report.after = Get-ExgState
    # What was removed in this run may be seen for a while on other domain controllers.
    $left = @(foreach ($holder in ($Holders | Where-Object -FilterScript { $_ })) {
            Get-ExgHeld -Guid "$($holder.Guid)" |
                Where-Object -FilterScript { $_.Enabled -and (Test-ExgRegular -Assignment $_) } |
                Where-Object -FilterScript { $Exg.Gone -notcontains "$($_.Guid)" } |
                ForEach-Object -Process { Format-ExgAssignment -Assignment $_ }
        })
    $left = @($left | Sort-Object -Unique)
    if ($left.Count) {
        $Exg.Report.outcome = 'still-effective'
        Add-ExgStep -Id 'read-back' -Status 'unchanged' -Text "Access is left: $($left -join '; ')."
        return
    }
    $Exg.Report.outcome = if ($Exg.Report.changed) { 'revoked' } else { 'nothing-to-revoke' }
    Add-ExgStep -Id 'read-back' -Status 'unchanged' -Text 'No access is left by any path.'
}
