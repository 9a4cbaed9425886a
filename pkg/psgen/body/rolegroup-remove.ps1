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
    param($RoleGroup)
    $invokeExgChangeParams = @{
        Step       = 'remove'
        Cmdlet     = 'Remove-RoleGroup'
        Parameters = [ordered]@{ Identity = "$($RoleGroup.Guid)"; BypassSecurityGroupManagerCheck = $true }
        Target     = "the empty role group '$($RoleGroup.Name)' and its assignments"
        Text       = "Removes the empty role group '$($RoleGroup.Name)' and its assignments"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if ($WhatIfPreference) { return }
    $old = @([ordered]@{ name = 'Roles'; value = @($RoleGroup.Roles | ForEach-Object -Process { "$_" }) })
    Add-ExgInverse -Cmdlet 'New-RoleGroup' -Identity "$($RoleGroup.Name)" -Parameters $old
}
