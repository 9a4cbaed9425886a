function Get-ExgRoleGroup { # The role group, if it is there: its roles, what it lacks, and what is wrong with it.
    $all, $on = try { (Get-RoleGroup -ErrorAction Stop @At), $At } catch { (Get-RoleGroup -ErrorAction Stop), @{} }
    $group = $all | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.assignee.given }
    if (-not $group) { return }
    $Grant.assignee.guid, $Run.Who = "$($group.Guid)", "$($group.DistinguishedName)"
    $there = @{ guid = $Grant.assignee.guid; roles = @(); wrong = @() }
    $of = @{ RoleAssignee = $Run.Who; AssignmentMethod = 'Direct' } + $At
    foreach ($it in @(Get-ManagementRoleAssignment -ErrorAction Stop @of)) {
        $kind, $name, $role = "$($it.RecipientWriteScope)", "$($it.CustomRecipientWriteScope)", "$($it.Role)"
# if: creates
        $same = (Get-ExgScope -Name $name).same
# end
# if: existing
        $same = $kind -eq 'CustomRecipientScope' -and $name -eq $Grant.scope.name
# end
# if: organizationalUnit
        $same = $kind -eq 'OU' -and $Run.Units -contains $name
# end
# if: organization
        $same = $kind -eq 'Organization'
# end
        $good = $Roles -contains $role -and ($same -or $role -ne $Grant.role) -and "$($it.Enabled)" -eq 'True'
        $good = $good -and "$($it.RoleAssignmentDelegationType)" -eq 'Regular'
        if ($good) { $there.roles += $role } else { $there.wrong += "$role by '$($it.Name)' for $kind $name" }
    }
# if: grant
    if ($there.roles -notcontains $Grant.role) { $there.wrong += "it lacks the role $($Grant.role)" }
# end
    $members = @(Get-RoleGroupMember -Identity $there.guid -ResultSize Unlimited -ErrorAction Stop @on)
    $there.missing = @($Run.Members.Keys | Where-Object -FilterScript { [string[]]$members.Guid -notcontains $_ })
    foreach ($it in $members) { if (-not $Run.Members["$($it.Guid)"]) { $there.wrong += "$($it.Name) is in it" } }
    $there
}
