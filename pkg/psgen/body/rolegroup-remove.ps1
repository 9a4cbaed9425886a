# Taking a role group apart.

function Remove-ExgMember {
    param($RoleGroup, [string]$Identity, [string]$Name)
    $removeRoleGroupMemberParams = [ordered]@{
        Identity                        = "$($RoleGroup.Guid)"
        Member                          = $Identity
        BypassSecurityGroupManagerCheck = $true
    }
    $invokeExgChangeParams = @{
        Step       = 'remove'
        Cmdlet     = 'Remove-RoleGroupMember'
        Parameters = $removeRoleGroupMemberParams
        Target     = "$($RoleGroup.Name): $Name"
        Text       = "Takes $Name out of '$($RoleGroup.Name)'"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if ($WhatIfPreference) { return }
    $parameter = [ordered]@{ name = 'Member'; value = $Identity }
    Add-ExgInverse -Cmdlet 'Add-RoleGroupMember' -Identity "$($RoleGroup.Guid)" -Parameters $parameter
}

function Remove-ExgEmptyRoleGroup {
    param($RoleGroup, [object[]]$Held, [string[]]$Members)
    $invokeExgChangeParams = @{
        Step       = 'remove'
        Cmdlet     = 'Remove-RoleGroup'
        Parameters = [ordered]@{ Identity = "$($RoleGroup.Guid)"; BypassSecurityGroupManagerCheck = $true }
        Target     = "the empty role group '$($RoleGroup.Name)' and its assignments"
        Text       = "Removes the empty role group '$($RoleGroup.Name)' and its assignments"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if ($WhatIfPreference) { return }
    $Exg.Gone += @($Held | ForEach-Object -Process { "$($_.Guid)" })
    Add-ExgRoleGroupInverse -RoleGroup $RoleGroup -Held $Held -Members $Members
}

# What makes the group again: a new group with its members and scope, then its other role. Single members cannot be
# put back into a group that is gone.
function Add-ExgRoleGroupInverse {
    param($RoleGroup, [object[]]$Held, [string[]]$Members)
    $guid = "$($RoleGroup.Guid)"
    foreach ($single in @($Exg.Report.inverse | Where-Object -FilterScript { $_.identity -eq $guid })) {
        $Exg.Report.inverse.Remove($single)
    }
    $parameters = @(
        [ordered]@{ name = 'Roles'; value = @($Role) }
        [ordered]@{ name = 'Members'; value = @($Members) }
    )
    foreach ($assignment in $Held) {
        if ("$($assignment.Role)" -eq $Role) {
            $scope = Get-ExgOldScope -Assignment $assignment
            if ($scope.name -ne 'RecipientRelativeWriteScope') { $parameters += $scope }
        } else {
            $other = @(
                [ordered]@{ name = 'SecurityGroup'; value = "$($RoleGroup.Name)" }
                [ordered]@{ name = 'Role'; value = "$($assignment.Role)" }
            )
            $name = "$($assignment.Name)"
            Add-ExgInverse -Cmdlet 'New-ManagementRoleAssignment' -Identity $name -Parameters $other
        }
    }
    Add-ExgInverse -Cmdlet 'New-RoleGroup' -Identity "$($RoleGroup.Name)" -Parameters $parameters
}
