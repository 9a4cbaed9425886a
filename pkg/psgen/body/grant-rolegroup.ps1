#Requires -Version 3.0
<#
.SYNOPSIS
    Makes a role group with the role ApplicationImpersonation, for {{scope}}.
.DESCRIPTION
    A role group of that name with these roles, this scope and no others in it gets what it lacks. Else it makes
    {{makes}}; where the server demands it, after a question,
    Enable-OrganizationCustomization; nothing else. It asks before each change, reads back, prints the undo.
# include: notes.ps1
    Exit codes: 0 done or nothing to do, 1 failed, 3 wrong reach or customization pending, 5 denied, 130 declined.
#>
# include: param.ps1

# include: data

function Invoke-ExgProcedure { # What is done, from top to bottom, and the outcome; what is called stands below.
    Open-ExgSession
    Find-ExgName
    $Report.findings | ForEach-Object -Process { Write-Warning -Message $_.text }
    $there = Get-ExgRoleGroup
    if ($there.wrong) { throw "conflict: It is another: $($there.wrong -join '; '). Wanted is $($Run.Wanted)." }
    $whole = { Get-ExgRoleGroup | Where-Object -FilterScript { -not ($_.wrong -or $_.missing) } }
    if (-not $there) {
# include: empty.ps1
# include: new-scope.ps1
        $with = [ordered]@{ Name = $Grant.assignee.given; Roles = @($Grant.role); Members = @($Run.Members.Keys) }
# if: organization
        $with.Roles = $Roles
# end
# if: custom
        $with.CustomRecipientWriteScope = $Grant.scope.name
# end
# if: organizationalUnit
        $with.RecipientOrganizationalUnitScope = $Grant.scope.root
# end
        Invoke-ExgChange -Id 'role-group' -Cmdlet 'New-RoleGroup' -With $with -Stands $whole
# if: organization
        $there = @{ roles = $with.Roles }
# end
    }
    foreach ($guid in $there.missing) {
        $with = [ordered]@{ Identity = $there.guid; Member = $guid; BypassSecurityGroupManagerCheck = $true }
        $stands = { Get-ExgRoleGroup | Where-Object -FilterScript { $_.missing -notcontains $guid } }
        Invoke-ExgChange -Id 'role-group' -Cmdlet 'Add-RoleGroupMember' -With $with -Stands $stands
    }
    foreach ($role in @($Roles -ne $Grant.role | Where-Object -FilterScript { $there.roles -notcontains $_ })) {
        $with = [ordered]@{ SecurityGroup = $Grant.assignee.given; Role = $role } # this other one has no scope
        $stands = { Get-ExgRoleGroup | Where-Object -FilterScript { $_.roles -contains $role } }
        Invoke-ExgChange -Id 'assign' -Cmdlet 'New-ManagementRoleAssignment' -With $with -Stands $stands
    }
    if ($WhatIfPreference -and $Report.steps) { return 'planned' }
# include: reach.ps1
}

# include: session.ps1
# include: name.ps1
# include: rolegroup.ps1
# include: held.ps1
# if: creates
# include: scope.ps1
# end
# include: change.ps1
# include: customize.ps1
# include: fault.ps1

# include: end.ps1
