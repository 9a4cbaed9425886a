#Requires -Version 3.0
<#
.SYNOPSIS
    Gives one account or group the role ApplicationImpersonation of Exchange, in the documented steps.

.DESCRIPTION
    Makes the management scope, unless one with the same name and filter exists, then the role assignment. If the
    server answers that the organization must be customized first, that is done once, and the same is tried again
    until it works or the time is over. An assignment of the same name that exists already is shown and left alone.

.PARAMETER TimeoutMinutes
    How long to try again when the organization must be customized first and the server needs time for it.

.EXAMPLE
    .\grant.ps1 -WhatIf

    Tells what would be done. Nothing is changed.

.EXAMPLE
    .\grant.ps1

    Asks before each change.

.OUTPUTS
    Lines of text.

.NOTES
    script-format: 1
    kind: grant-minimal
    sha256: 7ab7fe114dba4025e7272c2cb6aa9e5edd5b5374108bdd3cf7c8bb6bc19837ae
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by a member of Organization Management. Review it, then start with
    -WhatIf.
    Undo: with the revoke script of the same grant.
    Exit codes: 0 done, 1 failed or there already, 3 not yet in effect, 5 denied.
    No password or other secret is in this file. The server keeps its own record: Search-AdminAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [ValidateRange(0, 10080)]
    [double]$TimeoutMinutes = 60
)

# What was asked for. Everything that is specific to this script stands in this block, as constants.
$Role = 'ApplicationImpersonation'
$Grant = @{
    Name                  = 'ApplicationImpersonation-svc-reschedule-30a6cea9'
    AssigneeKind          = 'user'
    Assignee              = 'CONTOSO\svc-reschedule'
    ScopeKind             = 'group'
    Scope                 = 'Reschedule Users'
    ScopeName             = 'ApplicationImpersonation-svc-reschedule-30a6cea9'
    DomainController      = ''
}

$exitCode = 1
$filter = ''
$newScope = $null
$pin = @{}
if ($Grant.DomainController) { $pin.DomainController = $Grant.DomainController }
try {
    $existing = Get-ManagementRoleAssignment -ErrorAction Stop |
        Where-Object -FilterScript { $_.Name -eq $Grant.Name }
    if ($existing) {
        throw "'$($Grant.Name)' exists already: it gives $($existing.RoleAssignee) the role $($existing.Role), " +
            "scope $($existing.RecipientWriteScope) $($existing.CustomRecipientWriteScope), enabled " +
            "$($existing.Enabled)."
    }
    $newManagementRoleAssignmentParams = @{
        Name        = $Grant.Name
        Role        = $Role
        Confirm     = $false
        ErrorAction = 'Stop'
    }
    $who = if ($Grant.AssigneeKind -eq 'user') { 'User' } else { 'SecurityGroup' }
    $newManagementRoleAssignmentParams[$who] = $Grant.Assignee
    if ($Grant.ScopeName) { $newManagementRoleAssignmentParams.CustomRecipientWriteScope = $Grant.ScopeName }
    if ($Grant.ScopeKind -eq 'organizationalUnit') {
        $newManagementRoleAssignmentParams.RecipientOrganizationalUnitScope = $Grant.Scope
    }
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
    $target = "$($Grant.Assignee) for $($Grant.ScopeKind) $($Grant.Scope)"
    if ($filter) { $target += ", scope '$($Grant.ScopeName)': $filter" }
    if ($PSCmdlet.ShouldProcess($target, "Assign the role $Role")) {
        $end = (Get-Date).AddMinutes($TimeoutMinutes)
        $wait = 2
        $customized = $false
        while ($true) {
            try {
                if (-not $scope) {
                    $newManagementScopeParams = @{
                        Name                       = $Grant.ScopeName
                        RecipientRestrictionFilter = $filter
                        Confirm                    = $false
                        ErrorAction                = 'Stop'
                    }
                    $newScope = New-ManagementScope @newManagementScopeParams @pin
                    $scope = $newScope
                }
                $made = New-ManagementRoleAssignment @newManagementRoleAssignmentParams @pin
                $newScope = $null
                break
            } catch {
                # The one error that can be helped: "you first need to run Enable-OrganizationCustomization".
                $reason = "$($_.FullyQualifiedErrorId) $_"
                if ($reason -notmatch 'DehydratedContext|Enable-OrganizationCustomization') { throw }
                if (-not (Get-Command -Name Enable-OrganizationCustomization -ErrorAction Ignore)) { throw }
                if ((Get-Date) -ge $end) {
                    $exitCode = 3
                    throw 'Customization is enabled but not in effect yet. Run this script again later.'
                }
            }
            if ($customized) {
                Start-Sleep -Seconds $wait
                $wait = [Math]::Min(2 * $wait, 300)
                continue
            }
            if (-not $PSCmdlet.ShouldProcess('the organization', 'Enable its customization (cannot be undone)')) {
                throw 'Declined: nothing was granted.'
            }
            try {
                Enable-OrganizationCustomization -Confirm:$false -ErrorAction Stop
            } catch {
                # "Already enabled" and "not available in current service offer" mean that it is done.
                $done = '^\w*\|System\.InvalidOperationException\||already enabled for|not available in current' +
                    '|Cmdlet-InvalidOperationException.*EnableOrganizationCustomization'
                if ("$_ $($_.FullyQualifiedErrorId)" -notmatch $done) { throw }
            }
            $customized = $true
        }
        "'$($made.Name)' gives $($made.RoleAssignee) the role $($made.Role), scope $($made.RecipientWriteScope) " +
            "$($made.CustomRecipientWriteScope)."
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
} finally {
    if ($newScope) {
        # The scope was made in this run and nothing uses it.
        Remove-ManagementScope -Identity "$($newScope.Guid)" -Confirm:$false -ErrorAction Continue @pin
    }
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
