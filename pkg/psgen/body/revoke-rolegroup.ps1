#Requires -Version 3.0
<#
.SYNOPSIS
    Takes the members out of a role group with ApplicationImpersonation, for {{scope}}.
.DESCRIPTION
    It is found by exactly its name; members that are gone do not matter, where no others are in it. Then it is
    removed{{andscope}}; with others in it, it stays. Nothing else is ever changed.
    It asks before each change, reads back what the members still can do, and prints what takes the change back.
# include: notes.ps1
    Exit codes: 0 taken back or nothing to do, 1 failed, 3 a member can still act, 5 denied, 130 declined.
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    $Run.Roles = [string[]]@(Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop).Name
    $ours = foreach ($name in $Grant.assignee.members) {
        foreach ($cmdlet in 'Get-User', 'Get-Group') {
            try { & $cmdlet -Identity $name -ErrorAction Stop } catch {
                if ((Get-ExgFault -Failure $_) -ne 'principal_not_found') { throw }
            }
        }
    }
    $all, $on = try { (Get-RoleGroup -ErrorAction Stop @At), $At } catch { (Get-RoleGroup -ErrorAction Stop), @{} }
    $group = $all | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.assignee.given }
    $users = @(Get-ManagementRoleAssignment -ErrorAction Stop @At)
    if ($group) {
        $who = @{ RoleAssignee = "$($group.DistinguishedName)"; AssignmentMethod = 'Direct' }
        $held = @(Get-ManagementRoleAssignment -ErrorAction Stop @who @At)
        $wrong = @($held | Where-Object -FilterScript { ($Run.Roles + $Roles) -notcontains "$($_.Role)" })
        $wrong += @($held | Where-Object -FilterScript { "$($_.RoleAssignmentDelegationType)" -ne 'Regular' })
        if ($wrong) { throw "conflict: The role group has '$($wrong[0].Name)' too. It is left alone." }
        $Run.Wanted = @($held | ForEach-Object -Process { Format-ExgHeld -It $_ }) -join '; '
        $in, $guids = (Get-ExgMember -Group $group -On $on), [string[]]@($ours).Guid
        if ($in | Where-Object -FilterScript { $guids -notcontains $_ }) { # Somebody else is in it: it stays.
            if (@($ours).Count -lt $Grant.assignee.members.Count) { throw 'conflict: Was a member renamed?' }
            foreach ($it in $guids) { if ($in -contains $it) { Remove-ExgMember -Group $group -Guid $it -On $on } }
        } else {
            Remove-ExgObject -Noun 'RoleGroup' -It $group -From $on -Members $in -Held $held
            $users = @($users | Where-Object -FilterScript { [string[]]$held.Guid -notcontains "$($_.Guid)" })
        }
    }
# if: creates
# include: own-scope.ps1
# end
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
    $Run.Who = [string[]]@($ours).DistinguishedName # what can they still do?
    foreach ($other in @(Get-ExgHeld | Where-Object -FilterScript { $_.on })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "It stays: $($other.text)." }
    }
    if ($Report.findings) { return ('not-revoked', 'still-effective')[$Report.changed] }
    if ($Report.changed) { 'revoked' } else { 'nothing-to-revoke' }
}

# include: session.ps1
# include: left.ps1
# include: words.ps1
function Get-ExgMember { # The GUIDs of the members of a role group.
    param($Group, [hashtable]$On)
    [string[]]@(Get-RoleGroupMember -Identity "$($Group.Guid)" -ResultSize Unlimited -ErrorAction Stop @On).Guid
}
function Remove-ExgMember { # Takes one member out of the role group.
    param($Group, [string]$Guid, [hashtable]$On)
    $with = [ordered]@{ Identity = "$($Group.Guid)"; Member = $Guid; BypassSecurityGroupManagerCheck = $true }
    $undo = @{ cmdlet = 'Add-RoleGroupMember'; with = $with }
    $done = { (Get-ExgMember -Group $Group -On $On) -notcontains $Guid }
    Invoke-ExgChange -Cmdlet 'Remove-RoleGroupMember' -With $with -Undo $undo -Done $done
}
# include: remove-object.ps1
# include: definition.ps1
# include: remove.ps1
# include: fault.ps1

# include: end.ps1
