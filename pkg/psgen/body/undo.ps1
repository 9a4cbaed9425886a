#Requires -Version 3.0
<#
.SYNOPSIS
    Takes back what a run for a grant of ApplicationImpersonation reported that it changed.
.DESCRIPTION
    Each object is found by its GUID: what is gone stays gone, and what merely has the same name is left alone. It
    must be one that such a run makes, for this grant. A scope or role group that is in use stays.
    It asks before each change, reads back what the account still can do, and prints what takes the change back.
# include: notes.ps1
    Exit codes: 0 taken back or nothing to do, 1 failed, 3 the account can still act, 5 denied, 130 declined.
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    $Run.Roles = [string[]]@(Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop).Name
    foreach ($change in $Changes) { Undo-ExgChange -It $change }
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
# if: account
    $Run.Who = $Grant.assignee.guid, $Grant.assignee.given # what can it still do?
# end
# if: roleGroup
    $Run.Who = $Grant.assignee.members # what can they still do?
# end
    foreach ($other in @(Get-ExgHeld | Where-Object -FilterScript { $_.on })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "It stays: $($other.text)." }
    }
    if ($Report.findings) { return ('not-revoked', 'still-effective')[$Report.changed] }
    if ($Report.changed) { 'revoked' } else { 'nothing-to-revoke' }
}

# include: session.ps1
function Undo-ExgChange { # Takes one change back, if it can have been made for this grant, and still stands.
    param($It)
    $verb, $noun = $It.cmdlet -split '-'
# if: account
    $get, $on = "Get-$noun", $At
# end
# if: roleGroup
    $get, $on = "Get-$($noun -replace 'Member$')", $At
    if ($noun -like 'RoleGroup*') { $on = @{} }
# end
    $find = { & $get -ErrorAction Stop @on | Where-Object -FilterScript { "$($_.Guid)", "$($_.Name)" -eq $It.id } }
    $done = {
        $now = & $find
# if: gives
        if ($verb -eq 'New') { return @($now | Where-Object -FilterScript { $_ }) }
# end
        if (-not $now) { return $true }
# if: roleGroup
        if ($noun -eq 'RoleGroupMember') {
            $in = @(Get-RoleGroupMember -Identity "$($now.Guid)" -ResultSize Unlimited -ErrorAction Stop)
# end
# if: roleGroup&takes
            return [string[]]$in.Guid -notcontains $It.parameters.Member
# end
# if: roleGroup&gives
            return [string[]]$in.Guid -contains $It.parameters.Member
# end
# if: roleGroup
        }
# end
        $verb -eq 'Set' -and "$($now.($It.property))" -eq $It.value
    }
    if (& $done) { return }
    $object = & $find
# if: takes
    $name, $role = "$($object.Name)", "$($object.Role)"
# end
# if: gives
    $name, $role = $It.id, $It.parameters.Role
    if ($object) { $name, $role = "$($object.Name)", "$($object.Role)" }
# end
    $fits = $Grant.name, $Grant.scope.name -contains $name -and "$($object.Exclusive)" -ne 'True'
# if: roleGroup
    if ($noun -like 'RoleGroup*') { $fits = $name -eq $Grant.assignee.given }
# end
    if ($noun -eq 'ManagementRoleAssignment') {
        $fits = $Run.Roles + $Roles -contains $role -and "$($object.RoleAssignmentDelegationType)" -ne 'Delegating'
    }
    if (-not $fits) { throw "conflict: No run for this grant can have made the $noun '$name'. It is left alone." }
    if ($It.now -and "$($object.($It.property))" -ne $It.now) { throw "conflict: '$name' was changed since." }
    $Run.Wanted = "$noun '$name', $role"
# if: takes
    if ($It.onlyIf) { # A scope that an assignment uses stays.
        $all = @(Get-ManagementRoleAssignment -ErrorAction Stop @At)
        $users = @($all | Where-Object -FilterScript { "$($_.CustomRecipientWriteScope)" -eq $name })
# end
# if: takes&roleGroup
        if ($noun -eq 'RoleGroup') { $users = @(Get-RoleGroupMember -Identity $It.id -ErrorAction Stop) }
# end
# if: takes
        if ($users) { return }
    }
# end
    $with = [ordered]@{ Identity = $It.id }
# if: gives
    if ($verb -eq 'New') { $with = [ordered]@{ Name = $It.id } }
# end
    foreach ($key in $It.parameters.Keys) { $with[$key] = $It.parameters[$key] }
    $undo = @(@{ cmdlet = $It.cmdlet; with = $It.again })
# if: takes
    if ($verb -eq 'Remove') { $undo = @(@{ cmdlet = "New-$noun"; with = Get-ExgDefinition -It $object }) }
# end
# if: gives
    if ($verb -eq 'New') { $undo = @(@{ cmdlet = "Remove-$noun"; with = [ordered]@{ Identity = $It.id } }) }
# end
# if: takes&roleGroup
    if ($noun -like 'RoleGroup*') { $with.BypassSecurityGroupManagerCheck = $true }
    if ($noun -eq 'RoleGroupMember') { $undo = @(@{ cmdlet = 'Add-RoleGroupMember'; with = $with }) }
    if ($noun -eq 'RoleGroup') { # Its roles are assignments to it. Made again, it has the members that left.
        $left = @($Run.Undo | Where-Object -FilterScript { $_.cmdlet -like 'Add-*' })
        if ($left) { $undo[0].with.Members = [string[]]$left.with.Member }
        $held = @{ RoleAssignee = "$($object.DistinguishedName)"; AssignmentMethod = 'Direct' } + $At
        $undo += @(Get-ManagementRoleAssignment @held -ErrorAction Stop | ForEach-Object -Process {
                @{ cmdlet = 'New-ManagementRoleAssignment'; with = Get-ExgDefinition -It $_ }
            })
    }
# end
# if: gives&roleGroup
    if ($noun -eq 'RoleGroupMember') {
        $with.BypassSecurityGroupManagerCheck = $true
        $undo = @(@{ cmdlet = 'Remove-RoleGroupMember'; with = $with })
    }
# end
    Invoke-ExgChange -Cmdlet $It.cmdlet -With $with -Undo $undo -Done $done
# if: takes&roleGroup
    if ($left) { $Run.Undo = @($Run.Undo | Where-Object -FilterScript { $left -notcontains $_ }) }
# end
}
# include: left.ps1
# if: takes
# include: definition.ps1
# end
# include: remove.ps1
# include: fault.ps1

# include: end.ps1
