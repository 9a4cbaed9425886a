#Requires -Version 3.0
<#
.SYNOPSIS
    Lists everybody who holds the role ApplicationImpersonation of Exchange, and for which mailboxes. It never
    writes.

.DESCRIPTION
    Reads the assignments of the role and of every custom role made from it, regular and delegating, direct and
    through groups, with their scopes in words. Groups whose members cannot be listed and accounts that are gone
    are said so. Nothing is changed.

.PARAMETER ReportPath
    Write the report to this file, as JSON, also when the run fails.

.PARAMETER AsJson
    Put the report on the pipeline, as one JSON text in ASCII, and nothing else.

.PARAMETER RecordMarker
    For programs: frame the report with this text as the last output, in base64.

.EXAMPLE
    .\audit.ps1

    One object for each holder.

.EXAMPLE
    .\audit.ps1 -AsJson | Set-Content -Path holders.json

    The same for a program.

.OUTPUTS
    One object for each holder (Holder, HolderType, Via, Scope, Delegation, Enabled, Role, Assignment, Guid), then
    one with the result. With -AsJson one JSON text.

.NOTES
    script-format: 1
    kind: audit
    sha256: {{sha256}}
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by anybody who may read role assignments.
    Undo: there is nothing to undo.
    Exit codes: 0 the list is complete, 1 failed, 5 denied.
    No password or other secret is in this file.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string]$ReportPath,
    [switch]$AsJson,
    [ValidatePattern('^[A-Za-z0-9]{1,32}$')]
    [string]$RecordMarker
)

# include: data

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    Start-ExgSession -Needed 'Get-ManagementRoleAssignment'
    $Exg.Step = 'read-assignments'
    Read-ExgAssignment
    # One row for each account that holds the role, directly or through a group.
    $rows = @(foreach ($name in $Exg.Roles) {
            Get-ManagementRoleAssignment -Role $name -GetEffectiveUsers -ErrorAction Stop
        })
    $Exg.Report.holders = New-Object -TypeName System.Collections.ArrayList
    foreach ($row in $rows) {
        $holder = New-ExgHolder -Row $row
        $null = $Exg.Report.holders.Add($holder)
        if (-not $Exg.Quiet) {
            $shown = [ordered]@{
                Holder     = $holder.holder
                HolderType = $holder.holderType
                Via        = $holder.via
                Scope      = $holder.scope.text
                Delegation = $holder.delegation
                Enabled    = $holder.enabled
                Role       = $holder.role
                Assignment = $holder.assignment
                Guid       = $holder.guid
            }
            $Exg.Cmdlet.WriteObject([PSCustomObject]$shown)
        }
    }
    Add-ExgHolderFinding
    $text = "$($Exg.Assignments.Count) assignments of $($Exg.Roles.Count) roles, $($Exg.Report.holders.Count) " +
        'holders'
    Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text $text
    $Exg.Report.outcome = 'audited'
}

# The scope of an assignment, in words and as data.
function Get-ExgHolderScope {
    param($Assignment)
    $of = "$($Assignment.CustomRecipientWriteScope)"
    $scope = [ordered]@{ kind = '' }
    switch ("$($Assignment.RecipientWriteScope)") {
        'Organization' { $scope.kind = 'organization' }
        'OU' {
            $scope.kind = 'organizationalUnit'
            $scope.name = $of
        }
        { 'CustomRecipientScope', 'ExclusiveRecipientScope' -contains $_ } {
            $scope.kind = 'filter'
            $scope.name = $of
            $definition = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $of })[0]
            if ($definition) { $scope.filter = "$($definition.RecipientFilter)" }
        }
        default { $scope.kind = 'relative' }
    }
    $scope.text = Format-ExgWriteScope -Assignment $Assignment
    $scope
}

# The last part of a canonical name: contoso.test/Users/Anna becomes Anna.
function Get-ExgLeaf {
    param([string]$CanonicalName)
    if (-not $CanonicalName) { return '' }
    ($CanonicalName -split '(?<!\\)/')[-1] -replace '\\/', '/'
}

# One row of Get-ManagementRoleAssignment -GetEffectiveUsers as a holder.
function New-ExgHolder {
    param($Row)
    $group = Get-ExgLeaf -CanonicalName "$($Row.RoleAssignee)"
    $type = "$($Row.RoleAssigneeType)"
    $holder = [ordered]@{
        assignment = "$($Row.Name)"
        guid       = "$($Row.Guid)"
        role       = "$($Row.Role)"
        holder     = $group
        holderType = $type
        via        = ''
        delegation = if (Test-ExgRegular -Assignment $Row) { 'Regular' } else { 'Delegating' }
        enabled    = [bool]$Row.Enabled
        scope      = Get-ExgHolderScope -Assignment $Row
    }
    $everybody = "$($Row.EffectiveUserName)" -match '^All (Linked )?Group Members$'
    if ($type -ne 'User' -and "$($Row.User)" -and -not $everybody -and "$($Row.User)" -ne "$($Row.RoleAssignee)") {
        $holder.holder = Get-ExgLeaf -CanonicalName "$($Row.User)"
        $holder.holderType = 'User'
        $holder.via = $group
    }
    $holder
}

# What an auditor should look at first.
function Add-ExgHolderFinding {
    foreach ($assignment in $Exg.Assignments) {
        $type = "$($assignment.RoleAssigneeType)"
        if ($type -eq 'LinkedRoleGroup' -or "$($assignment.EffectiveUserName)" -eq 'All Linked Group Members') {
            Add-ExgFinding -Id 'linked-group' -Severity 'info' -Objects "$($assignment.Guid)" -Text ('The ' +
                "members of $($assignment.RoleAssignee) are in another forest and cannot be listed here.")
        }
        $gone = "$($assignment.RoleAssignee)" -match '^$|S-1-5-|/Deleted Objects/'
        if ($type -eq 'ForeignSecurityPrincipal' -or $gone) {
            $text = "The account of '$($assignment.Name)' cannot be resolved: $($assignment.RoleAssignee)."
            Add-ExgFinding -Id 'unresolved-holder' -Severity 'warning' -Objects "$($assignment.Guid)" -Text $text
        }
    }
    $hygiene = @($Exg.Report.holders | Where-Object -FilterScript {
            $_.via -eq 'Hygiene Management' -and $_.enabled
        })
    if ($hygiene.Count) {
        $names = @($hygiene | ForEach-Object -Process { $_.holder } | Sort-Object -Unique) -join ', '
        Add-ExgFinding -Id 'hygiene-management' -Severity 'security' -Text ('Hygiene Management holds the role ' +
            "by default, for every mailbox: $names.")
    }
    foreach ($scope in ($Exg.Scopes | Where-Object -FilterScript { $_.Exclusive })) {
        Add-ExgFinding -Id 'exclusive-scope' -Severity 'info' -Objects "$($scope.Guid)" -Text ('The exclusive ' +
            "scope '$($scope.Name)' may keep mailboxes out of reach of the holders above.")
    }
}

# include: assignments.ps1
# include: shell.ps1
# include: report.ps1
# include: fault.ps1
# include: faultrules
# include: main.ps1
