#Requires -Version 3.0
<#
.SYNOPSIS
    Tells whether {{assignee}} may act for {{scope}}.
.DESCRIPTION
    It reads who has the role ApplicationImpersonation, compares account, role and scope, whatever the names are,
    and asks who of the named mailboxes is in reach. Another grant, or a disabled account, makes it "differs".
# include: notes.ps1
    Exit codes: 0 verified, 1 failed or no such name, 3 it differs: see the reason and the warnings, 5 denied.
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is asked, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
# if: account
    $held = @(Get-ExgHeld)
    foreach ($other in @($held | Where-Object -FilterScript { $_.on -and -not $_.within })) {
        $Report.findings += @{ id = 'other-grant'; severity = 'warning'; text = "Also: $($other.text)." }
    }
    $equal = @($held | Where-Object -FilterScript { $_.same })
    $inPlace = $equal.on -contains $true
    $Run.Reason = if ($inPlace) { "In place: $($equal.text)." } else { "Not in place. Wanted is $($Run.Wanted)." }
    if ($equal -and -not $inPlace) { $Run.Reason = "Disabled: $($equal.text)." }
# end
# if: roleGroup
    $there = Get-ExgRoleGroup
    $lacks = @($Roles | Where-Object -FilterScript { $there.roles -notcontains $_ }) # that it should have
    foreach ($guid in $there.missing) { $lacks += "$($Run.Members[$guid]) is no member" }
    $lacks = @($lacks + $there.wrong | Where-Object -FilterScript { $_ })
    $Run.Reason = "Not in place: $($lacks -join '; ')."
    if ($inPlace = $there -and -not $lacks) { $Run.Reason = "In place: '$($Grant.assignee.given)'." }
# end
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'unchanged'; text = $Run.Reason }
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
# include: reach.ps1
    if ($inPlace -and -not ($wrong -or $Report.findings)) { 'verified' } else { 'differs' }
}

# include: session.ps1
# include: name.ps1
# if: roleGroup
# include: rolegroup.ps1
# end
# include: held.ps1
# if: creates
# include: scope.ps1
# end
# include: fault.ps1

# include: end.ps1
