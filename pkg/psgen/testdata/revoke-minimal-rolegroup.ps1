#Requires -Version 3.0
<#
.SYNOPSIS
    Takes the members of one grant out of a role group with the role ApplicationImpersonation of Exchange.

.DESCRIPTION
    The members of this grant leave the role group. When nobody else is in it and it has no other roles, the role
    group goes, and then its management scope when this grant named it and no other assignment uses it.

.EXAMPLE
    .\revoke.ps1 -WhatIf

    Tells what would be done. Nothing is changed.

.EXAMPLE
    .\revoke.ps1

    Asks before each change.

.OUTPUTS
    Lines of text.

.NOTES
    script-format: 1
    kind: revoke-minimal
    sha256: baeca251389f03f810542ab1ce60c7a88f865823868b77e09097bfd995fafdd9
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by a member of Organization Management. Review it, then start with
    -WhatIf.
    Undo: with the grant script of the same grant.
    Exit codes: 0 done or not there, 1 failed or the name belongs to something else, 5 denied.
    No password or other secret is in this file. The server keeps its own record: Search-AdminAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param()

# What was asked for. Everything that is specific to this script stands in this block, as constants.
$Role = 'ApplicationImpersonation'
$Configuration = 'View-Only Configuration'
$Grant = @{
    Assignee              = 'Reschedule Impersonation'
    Members               = @(
        'CONTOSO\svc-reschedule'
    )
    ViewOnlyConfiguration = $true
    ScopeKind             = 'group'
    Scope                 = 'Reschedule Users'
    ScopeName             = 'ApplicationImpersonation-Reschedule Impersonation-29d85646'
    DomainController      = ''
}

$exitCode = 1
$removeParams = @{ Confirm = $false; ErrorAction = 'Stop' }
if ($Grant.DomainController) { $removeParams.DomainController = $Grant.DomainController }
try {
    # The scope holds the group's distinguished name; in a filter a single quote is doubled.
    $group = @(Get-Group -Identity $Grant.Scope -ErrorAction Stop)
    if ($group.Count -ne 1) { throw "'$($Grant.Scope)' is not the name of exactly one group." }
    $filter = "MemberOfGroup -eq '" + "$($group[0].DistinguishedName)".Replace("'", "''") + "'"
    $scope = Get-ManagementScope -ErrorAction Stop | Where-Object -FilterScript { $_.Name -eq $Grant.ScopeName }
    if ($scope) {
        # Servers give a filter back with other spaces and parentheses; what stands in quotes must be the same.
        $stored, $wanted = $scope.RecipientFilter, $filter | ForEach-Object -Process {
            $_ -replace "('(?:[^']|'')*')|[\s()]", '$1'
        }
        $same = $stored -eq $wanted
        if (-not $same -or $scope.Exclusive -or "$($scope.RecipientRoot)") {
            throw "The scope '$($scope.Name)' exists with another definition: $($scope.RecipientFilter)"
        }
    }
    $assignments = @(Get-ManagementRoleAssignment -ErrorAction Stop)
    $group = Get-RoleGroup -ErrorAction Stop | Where-Object -FilterScript { $_.Name -eq $Grant.Assignee }
    if (-not $group) {
        "There is no role group '$($Grant.Assignee)'."
    } else {
        $getManagementRoleAssignmentParams = @{
            RoleAssignee     = "$($group.Guid)"
            AssignmentMethod = 'Direct'
            ErrorAction      = 'Stop'
        }
        $own = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
        $roles = @($own | ForEach-Object -Process { "$($_.Role)" })
        $foreign = @($roles | Where-Object -FilterScript { $Role, $Configuration -notcontains $_ })
        $kinds = @{ organization = 'Organization'; organizationalUnit = 'OU' }
        $kind = if ($kinds[$Grant.ScopeKind]) { $kinds[$Grant.ScopeKind] } else { 'CustomRecipientScope' }
        $foreign += @($own | Where-Object -FilterScript {
                "$($_.Role)" -eq $Role -and ("$($_.RecipientWriteScope)" -ne $kind -or
                    ($Grant.ScopeName -and "$($_.CustomRecipientWriteScope)" -ne $Grant.ScopeName))
            })
        if ($foreign.Count -or $roles -notcontains $Role) {
            throw "The role group '$($group.Name)' is not this grant: roles $($roles -join ', '), scopes " +
                "$(@($own | ForEach-Object -Process { $_.CustomRecipientWriteScope }) -join ', ')."
        }
        $ours = @($Grant.Members | ForEach-Object -Process {
                $member = @(Get-User -Identity $_ -ErrorAction SilentlyContinue)
                if ($member.Count -eq 0) { $member = @(Get-Group -Identity $_ -ErrorAction Stop) }
                if ($member.Count -ne 1) { throw "'$_' is not the name of exactly one account." }
                "$($member[0].Guid)"
            })
        $members = @(Get-RoleGroupMember -Identity "$($group.Guid)" -ResultSize Unlimited -ErrorAction Stop)
        foreach ($member in ($members | Where-Object -FilterScript { $ours -contains "$($_.Guid)" })) {
            if ($PSCmdlet.ShouldProcess("$($group.Name): $($member.Name)", 'Remove role group member')) {
                $removeRoleGroupMemberParams = @{
                    Identity                        = "$($group.Guid)"
                    Member                          = "$($member.Guid)"
                    BypassSecurityGroupManagerCheck = $true
                }
                Remove-RoleGroupMember @removeRoleGroupMemberParams @removeParams
                "Took $($member.Name) out of '$($group.Name)'."
            }
        }
        $left = @($members | Where-Object -FilterScript { $ours -notcontains "$($_.Guid)" })
        if ($left.Count) {
            "The role group stays: $($left[0].Name) is in it."
        } elseif ($PSCmdlet.ShouldProcess("the empty role group $($group.Name)", 'Remove role group')) {
            Remove-RoleGroup -Identity "$($group.Guid)" -BypassSecurityGroupManagerCheck @removeParams
            "Removed the role group '$($group.Name)'."
            $gone = @($own | ForEach-Object -Process { "$($_.Guid)" })
            $assignments = $assignments | Where-Object -FilterScript { $gone -notcontains "$($_.Guid)" }
        }
    }
    # The scope has the name of this grant. It goes when no other assignment uses it.
    $users = $assignments | Where-Object -FilterScript { "$($_.CustomRecipientWriteScope)" -eq $Grant.ScopeName }
    if ($scope -and $users) {
        "The scope '$($scope.Name)' stays: another assignment uses it."
    } elseif ($scope -and $PSCmdlet.ShouldProcess("$($scope.Name): $($scope.RecipientFilter)", 'Remove scope')) {
        Remove-ManagementScope -Identity "$($scope.Guid)" @removeParams
        "Removed the scope '$($scope.Name)'."
    }
    $exitCode = 0
} catch {
    # "You must be assigned a delegating role assignment", in the languages that have the word.
    # What stands in quotes is a name, and an error without an activity is this script's own.
    $said = "$($_.FullyQualifiedErrorId) $_" -replace '(?<!\w)(["''])[^"'']*\1'
    if ($_.CategoryInfo.Activity -and $said -match 'AccessDenied|INSUFF_ACCESS_RIGHTS|delegat|delegier|\u59D4') {
        $exitCode = 5
    }
    Write-Error -Message "$_" -ErrorAction Continue
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
