#Requires -Version 3.0
<#
.SYNOPSIS
    Takes the role ApplicationImpersonation back from {{assignee}}, for {{scope}}.
.DESCRIPTION
    It removes the one role assignment that has exactly this grant's name. The account and the group of a scope may
    be gone, renamed or moved; the scope may be another one: the question shows it. Other grants are told and stay.
# if: creates
    Then it removes the management scope of the grant's own name, unless something uses it: nothing else changes.
# end
    It asks before each change, reads back what the account still can do, and prints what takes the change back.
# include: notes.ps1
    Exit codes: 0 taken back or nothing to do, 1 failed, 3 the account can still act, 5 denied, 130 declined.
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    $all = @(Get-ManagementRoleAssignment -ErrorAction Stop @At)
    $own = $all | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.name }
    $account = @(try { {{get}} -Identity $Grant.assignee.given -ErrorAction Stop } catch {
            if ((Get-ExgFault -Failure $_) -ne 'principal_not_found') { throw }
        })
    if ($account.Count -gt 1) { throw "failed: '$($Grant.assignee.given)' is the name of several objects." }
    if (-not ($account -or $own)) { throw "not-found: Neither $($Grant.assignee.given) nor '$($Grant.name)'." }
    # Where the account is gone or renamed, the holder of the assignment is the account.
    $Run.Who = if ($account) { "$($account[0].DistinguishedName)" } else { "$($own.RoleAssignee)" }
    $Run.Roles = [string[]]@(Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop).Name
    $held = @(Get-ExgHeld)
    foreach ($other in @($held | Where-Object -FilterScript { $_.guid -ne "$($own.Guid)" })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "It stays: $($other.text)." }
        Write-Warning -Message "It stays: $($other.text)."
    }
    if ($own) {
        $regular = $Run.Roles -contains "$($own.Role)" -and "$($own.RoleAssignmentDelegationType)" -eq 'Regular'
        if (-not $regular -or ($account -and $held.guid -notcontains "$($own.Guid)")) {
            throw "conflict: The name is of another grant: $(Format-ExgHeld -It $own). It is left alone."
        }
        $Run.Wanted = Format-ExgHeld -It $own
        Remove-ExgObject -Noun 'ManagementRoleAssignment' -It $own
    }
# if: creates
    $users = @($all | Where-Object -FilterScript { "$($_.Guid)" -ne "$($own.Guid)" })
# include: own-scope.ps1
# end
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
    $left = @(Get-ExgHeld | Where-Object -FilterScript { $_.on }) # what can the account still do?
    if ($left) { return ('not-revoked', 'still-effective')[$Report.changed] }
    if ($Report.changed) { 'revoked' } else { 'nothing-to-revoke' }
}

# include: session.ps1
# include: left.ps1
# include: words.ps1
# include: remove-object.ps1
# include: definition.ps1
# include: remove.ps1
# include: fault.ps1

# include: end.ps1
