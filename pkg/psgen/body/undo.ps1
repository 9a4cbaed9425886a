#Requires -Version 3.0
<#
.SYNOPSIS
    Takes back what a run for a grant of ApplicationImpersonation reported that it changed.
.DESCRIPTION
    Each object is found by its GUID: what is gone stays gone, and what merely has the same name is left alone. It
    must be one that such a run makes, for this grant. A scope or role group that is in use stays.
# if: takes
    It asks before each change, reads back what the account still can do, and prints what takes the change back.
# include: notes.ps1
    Exit codes: 0 taken back or nothing to do, 1 failed, 3 the account can still act, 5 denied, 130 declined.
# end
# if: gives
    What was taken is given again, to those who had it. It asks before each change, and prints what takes it back.
# include: notes.ps1
    Exit codes: 0 given back or nothing to do, 1 failed, 5 denied, 130 declined.
# end
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    $Run.Roles = [string[]]@(Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop).Name
# if: account&takes
    $Run.Who = $Grant.assignee.guid, $Grant.assignee.given
    $Run.Held = @(Get-ExgHeld)
# end
# if: roleGroup&takes
    $Run.Who = $Grant.assignee.members
# end
# if: roleGroup&gives
    $Run.Ours = @(foreach ($name in $Grant.assignee.members) {
            foreach ($get in 'Get-User', 'Get-Group') { & $get -Identity $name -ErrorAction SilentlyContinue }
        })
# end
    foreach ($change in $Changes) { Undo-ExgChange -It $change }
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
# if: gives
    if ($Report.changed) { 'granted' } else { 'already-granted' }
# end
# if: takes
    foreach ($other in @(Get-ExgHeld | Where-Object -FilterScript { $_.on })) { # what can still be done?
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "It stays: $($other.text)." }
    }
    if ($Report.findings) { return ('not-revoked', 'still-effective')[$Report.changed] }
    if ($Report.changed) { 'revoked' } else { 'nothing-to-revoke' }
# end
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
    $object = & $find
# if: takes
    if (& $done) { return }
# end
# if: gives
    if (& $done) {
        $holder = "$($It.parameters.User)$($It.parameters.SecurityGroup)"
        if (-not $holder -or "$($object.RoleAssignee)" -eq $holder) { return }
        throw "conflict: '$($It.id)' is of $($object.RoleAssignee) now. It is left alone."
    }
# end
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
# if: takes
    $ok = $Run.Roles + $Roles | ForEach-Object -Process { "$_ Regular" } # and none that delegates
# end
# if: account&takes
    if ($noun -eq 'ManagementRoleAssignment') { # its own; where the account is gone, the one of the grant's name
        $fits = $ok -contains "$role $($object.RoleAssignmentDelegationType)"
        $own = [string[]]$Run.Held.guid
        $mine = if ($own) { $own -contains "$($object.Guid)" } else { $name -eq $Grant.name }
        $fits = $fits -and $mine
    }
# end
# if: roleGroup&takes
    $of = @{ RoleAssignee = "$($object.DistinguishedName)"; AssignmentMethod = 'Direct' } + $At
    $held = @(if ($noun -eq 'RoleGroup') { Get-ManagementRoleAssignment -ErrorAction Stop @of })
    if ($noun -eq 'ManagementRoleAssignment') { $fits = "$($object.RoleAssigneeName)" -eq $Grant.assignee.given }
    foreach ($row in $held + $object) {
        if ($row.Role -and $ok -notcontains "$($row.Role) $($row.RoleAssignmentDelegationType)") { $fits = $false }
    }
# end
# if: gives
    if ($noun -eq 'ManagementRoleAssignment') {
        $kind = "$($object.RoleAssignmentDelegationType)"
        $fits = $Run.Roles + $Roles -contains $role -and $kind -notlike 'Delegating*'
    }
# end
# if: roleGroup&gives
    $new = @($It.parameters.Members) + $It.parameters.Member | Where-Object -FilterScript { $_ }
    if ($new | Where-Object -FilterScript { [string[]]$Run.Ours.Guid -notcontains $_ }) { $fits = $false }
# end
    if (-not $fits) { throw "conflict: No run for this grant can have made the $noun '$name'. It is left alone." }
    if ($It.now -and "$($object.($It.property))" -ne $It.now) { throw "conflict: '$name' was changed since." }
    $Run.Wanted = "$noun '$name', $role"
# if: takes
    if ($It.onlyIf) { # A scope that an assignment uses stays.
        $used = [string[]]@(Get-ManagementRoleAssignment -ErrorAction Stop @At).CustomRecipientWriteScope -eq $name
# end
# if: takes&roleGroup
        if ($noun -eq 'RoleGroup') { $used = @(Get-RoleGroupMember -Identity $It.id -ErrorAction Stop) }
# end
# if: takes
        if ($used) { return }
    }
# end
    $with = [ordered]@{ Identity = $It.id }
# if: gives
    if ($verb -eq 'New') { $with = [ordered]@{ Name = $It.id } }
# end
    foreach ($key in $It.parameters.Keys) { $with[$key] = $It.parameters[$key] }
    $undo = @(if ($It.again) { @{ cmdlet = $It.cmdlet; with = $It.again } })
# if: takes
    if ($verb -eq 'Remove') { $undo = @(Get-ExgDefinition -Noun $noun -It $object) }
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
        foreach ($one in $held) { $undo += @(Get-ExgDefinition -Noun 'ManagementRoleAssignment' -It $one) }
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
# if: takes
# include: left.ps1
# include: definition.ps1
# end
# include: remove.ps1
# include: fault.ps1

# include: end.ps1
