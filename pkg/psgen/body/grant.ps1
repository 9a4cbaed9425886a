#Requires -Version 3.0
<#
.SYNOPSIS
    Gives {{assignee}} the role ApplicationImpersonation of Exchange, for {{scope}}.
.DESCRIPTION
    It looks first: an equal grant is left alone, whatever its name, and what is in the way ends the run. Then it
    makes {{makes}}, or enables it; nothing else, but
    Enable-OrganizationCustomization where the server demands that, after a question of its own. It asks before
    each change, reads back, asks who is in reach, and prints what takes it back. A second run changes nothing.
# include: notes.ps1
    Exit codes: 0 done or nothing to do, 1 failed, 3 wrong reach or customization pending, 5 denied, 130 declined.
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
    $held = @(Get-ExgHeld)
    foreach ($other in @($held | Where-Object -FilterScript { $_.on -and -not $_.same })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "Also: $($other.text)." }
    }
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
    # Equal is what says the same, whatever its name is. Without one, what is in the way must show before a change.
    $equal = @($held | Where-Object -FilterScript { $_.same })
    if ($equal.on -notcontains $true) {
# if: creates
        if ($Run.Odd) { throw "conflict: It has a scope that cannot be compared: $($Run.Odd)." }
# end
# include: empty.ps1
        $own = $equal | Where-Object -FilterScript { $_.name -eq $Grant.name }
        if ($equal -and -not $own) { throw "conflict: Somebody disabled $($equal[0].text). Enable or remove it." }
        foreach ($named in @(Get-ManagementRoleAssignment -ErrorAction Stop @At)) {
            if ("$($named.Name)" -ne $Grant.name -or $own) { continue }
            throw "conflict: The name is in use: $(Format-ExgHeld -It $named). Wanted is $($Run.Wanted)."
        }
# include: new-scope.ps1
        $verb, $with = 'New', [ordered]@{ Name = $Grant.name; {{parameter}} = $Run.Who; Role = $Grant.role }
# if: custom
        $with.CustomRecipientWriteScope = $Grant.scope.name
# end
# if: organizationalUnit
        $with.RecipientOrganizationalUnitScope = $Grant.scope.root
# end
        if ($own) { $verb, $with = 'Set', [ordered]@{ Identity = $own.guid; Enabled = $true } }
        $stands = { Get-ExgHeld | Where-Object -FilterScript { $_.same -and $_.on -and $_.name -eq $Grant.name } }
        Invoke-ExgChange -Id 'assign' -Cmdlet "$verb-ManagementRoleAssignment" -With $with -Stands $stands
        if ($WhatIfPreference) { return 'planned' }
    }
    $whole = { Get-ExgHeld | Where-Object -FilterScript { $_.same -and $_.on } }
# include: reach.ps1
}

# include: session.ps1
# include: name.ps1
# include: held.ps1
# if: creates
# include: scope.ps1
# end
# include: change.ps1
# include: customize.ps1
# include: fault.ps1

# include: end.ps1
