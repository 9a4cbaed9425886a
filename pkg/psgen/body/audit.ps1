#Requires -Version 3.0
<#
.SYNOPSIS
    Lists everybody who has the role ApplicationImpersonation of Exchange, and for which mailboxes.
.DESCRIPTION
    It reads the assignments of the role and of each role made from it: direct ones and those through groups;
    regular ones, and delegating ones, by which somebody may only hand the role on. It changes nothing.
# include: notes.ps1
    Exit codes: 0 the list is complete, 1 failed, 5 denied.
#>
# include: param.ps1

# The procedure, from top to bottom; what it calls stands below. It returns the outcome.
function Invoke-ExgProcedure {
    Test-ExgShell -Command 'Get-ManagementRoleAssignment'
    Get-ManagementScope -ErrorAction Stop | ForEach-Object -Process { $Scopes["$($_.Name)"] = $_ }
    # One row for each account that has the role, itself or through a group.
    $roles = Get-ManagementRole -RoleType 'ApplicationImpersonation' -ErrorAction Stop
    $Report.holders = @(foreach ($role in $roles) {
            Get-ManagementRoleAssignment -Role "$($role.Name)" -GetEffectiveUsers -ErrorAction Stop |
                ForEach-Object -Process { ConvertTo-ExgHolder -Row $_ }
        })
    foreach ($holder in $Report.holders) {
        $Caller.WriteObject([PSCustomObject][ordered]@{
                Holder = $holder.holder; Through = $holder.via; Rights = $holder.delegation
                Enabled = $holder.enabled; Scope = $holder.scope.text; Role = $holder.role
                Assignment = $holder.assignment; Guid = $holder.guid
            })
        Add-ExgRemark -Holder $holder
    }
    foreach ($scope in $Scopes.Values | Where-Object -FilterScript { "$($_.Exclusive)" -eq 'True' }) {
        $text = "The exclusive scope '$($scope.Name)' may keep mailboxes out of reach of the holders."
        $Report.findings += [ordered]@{ id = 'exclusive-scope'; severity = 'info'; text = $text }
    }
    $text = "$($Report.holders.Count) rows; those with the rights Regular, if enabled, may act for mailboxes."
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'unchanged'; text = $text }
    'audited'
}

# A row as text, since in a management shell names are live objects. A member of a group stands in User; where
# members cannot be listed, the group itself does.
function ConvertTo-ExgHolder {
    param($Row, [string]$Kind = "$($Row.RecipientWriteScope)", [string]$Name = "$($Row.CustomRecipientWriteScope)")
    $through, $user = ("$($Row.RoleAssignee)", "$($Row.User)") -replace '^.*(?<!\\)/' -replace '\\/', '/'
    $delegation = "$($Row.RoleAssignmentDelegationType)" -replace '^Delegating.*', 'Delegating'
    $scope = [ordered]@{ kind = 'relative'; text = "$Kind $Name" }
    if ($Kind -eq 'Organization') { $scope = [ordered]@{ kind = 'organization'; text = 'the whole organization' } }
    if ($Kind -eq 'OU') { $scope = [ordered]@{ kind = 'organizationalUnit'; name = $Name; text = "below $Name" } }
    if ($Kind -like '*RecipientScope') {
        $filter, $root = "$($Scopes[$Name].RecipientFilter)", "$($Scopes[$Name].RecipientRoot)"
        $text = "'$Name': $filter" + ($root -replace '^(?=.)', ', below ')
        $scope = [ordered]@{ kind = 'filter'; name = $Name; filter = $filter; text = $text }
    }
    $holder = [ordered]@{
        assignment = "$($Row.Name)"; guid = "$($Row.Guid)"; role = "$($Row.Role)"; holder = $through
        holderType = "$($Row.RoleAssigneeType)"; via = ''; delegation = $delegation
        enabled = "$($Row.Enabled)" -eq 'True'; scope = $scope
    }
    if ($user -and $holder.holderType -ne 'User' -and "$($Row.User)" -ne "$($Row.RoleAssignee)") {
        $holder.via, $holder.holder, $holder.holderType = $through, $user, 'User'
    }
    $holder
}

# What an auditor should look at first.
function Add-ExgRemark {
    param($Holder)
    $who = "$($Holder.holderType) $($Holder.holder) through $($Holder.via)"
    $id, $severity, $text, $null = switch -Regex ($who) {
        '^LinkedRoleGroup' { 'linked-group', 'info', "The members of $($Holder.holder) are in another forest." }
        '^ForeignS|^\w+ ( |S-1-5-)|\nDEL:' {
            'unresolved-holder', 'warning', "'$($Holder.assignment)' is left of an account that is gone."
        }
        'through Hygiene Management$' {
            'hygiene-management', 'security', "$($Holder.holder) has it by default, in Hygiene Management."
        }
    }
    if ($id) { $Report.findings += [ordered]@{ id = $id; severity = $severity; text = $text } }
}

# include: shell.ps1

$Scopes = @{}
# include: read-end.ps1
