#Requires -Version 3.0
<#
.SYNOPSIS
    Takes the role ApplicationImpersonation of Exchange back from one account or group, in the documented steps.

.DESCRIPTION
    Removes the role assignment of exactly this name when it gives this account this role, and then its management
    scope when this grant named it and no other assignment uses it. Anything else is left alone.

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
    sha256: {{sha256}}
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by a member of Organization Management. Review it, then start with
    -WhatIf.
    Undo: with the grant script of the same grant.
    Exit codes: 0 done or not there, 1 failed or the name belongs to something else, 5 denied.
    No password or other secret is in this file. The server keeps its own record: Search-AdminAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param()

# include: data
# include: functions

$exitCode = 1
$removeParams = @{ Confirm = $false; ErrorAction = 'Stop' }
if ($Grant.DomainController) { $removeParams.DomainController = $Grant.DomainController }
try {
# include: scope
    $assignments = @(Get-ManagementRoleAssignment -ErrorAction Stop)
    $assignment = $assignments | Where-Object -FilterScript { $_.Name -eq $Grant.Name }
    if (-not $assignment) {
        "There is no assignment '$($Grant.Name)'."
    } else {
        $getManagementRoleAssignmentParams = @{
            Role             = $Role
            RoleAssignee     = $Grant.Assignee
            AssignmentMethod = 'Direct'
            ErrorAction      = 'Stop'
        }
        $held = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
        $ours = $held | Where-Object -FilterScript { "$($_.Guid)" -eq "$($assignment.Guid)" }
        $kinds = @{ organization = 'Organization'; organizationalUnit = 'OU' }
        $kind = if ($kinds[$Grant.ScopeKind]) { $kinds[$Grant.ScopeKind] } else { 'CustomRecipientScope' }
        $same = "$($assignment.RecipientWriteScope)" -eq $kind -and
            (-not $Grant.ScopeName -or "$($assignment.CustomRecipientWriteScope)" -eq $Grant.ScopeName)
        if (-not $ours -or -not $same) {
            throw "'$($Grant.Name)' is not this grant: $($assignment.RoleAssignee), $($assignment.Role), scope " +
                "$($assignment.RecipientWriteScope) $($assignment.CustomRecipientWriteScope)."
        }
        if ($PSCmdlet.ShouldProcess("$($Grant.Name) of $($assignment.RoleAssignee)", 'Remove role assignment')) {
            Remove-ManagementRoleAssignment -Identity "$($assignment.Guid)" @removeParams
            "Removed the assignment '$($Grant.Name)'."
        }
    }
    $assignments = $assignments | Where-Object -FilterScript { $_.Name -ne $Grant.Name }
# include: oldscope
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
