#Requires -Version 3.0
<#
.SYNOPSIS
    Tells whether one grant of the role ApplicationImpersonation of Exchange is in place. It never writes.

.DESCRIPTION
    Resolves the names of the grant, reads who holds the role, compares account, role and scope, and asks the
    server which of the named mailboxes the account can reach. Nothing is changed.

.PARAMETER DomainController
    Read the assignment from this domain controller too.

.PARAMETER ReportPath
    Write the report to this file, as JSON, also when the run fails.

.PARAMETER AsJson
    Put the report on the pipeline, as one JSON text in ASCII, and nothing else.

.PARAMETER RecordMarker
    For programs: frame the report with this text as the last output, in base64.

.EXAMPLE
    .\status.ps1

    Tells whether the grant is there, and what else gives the same access.

.OUTPUTS
    One object for each step (Id, Status, Text, Command, Guid), then one with the result. With -AsJson one JSON
    text.

.NOTES
    script-format: 1
    kind: status
    sha256: {{sha256}}
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by anybody who may read role assignments.
    Undo: there is nothing to undo.
    Exit codes: 0 the grant is in place, 1 failed or a name was not found, 3 it is not in place, 5 denied.
    No password or other secret is in this file.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string]$DomainController,
    [string]$ReportPath,
    [switch]$AsJson,
    [ValidatePattern('^[A-Za-z0-9]{1,32}$')]
    [string]$RecordMarker
)

# include: data

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    $Exg.Report.grant = New-ExgGrantState
    Start-ExgSession -Needed 'Get-ManagementRoleAssignment'

    $Exg.Step = 'resolve'
    $assignee = Resolve-ExgAssignee
    Resolve-ExgServiceMailbox
    $wanted = Resolve-ExgScope
    Add-ExgStep -Id 'resolve' -Status 'unchanged' -Text (Format-ExgResolved -Assignee $assignee -Wanted $wanted)

    $Exg.Step = 'read-assignments'
    if ($Grant.AssigneeKind -eq 'roleGroup') {
        Test-ExgRoleGroupGrant -RoleGroup $assignee -Wanted $wanted
    } else {
        Test-ExgGrant -Assignee $assignee -Wanted $wanted
    }
    $Exg.Step = 'oracle'
    if ($assignee) {
        Test-ExgOracle -Assignee "$($assignee.Guid)"
        if (@(Get-ExgOracleDifference).Count) { $Exg.Report.outcome = 'differs' }
    }
}

function Set-ExgStatus {
    param([bool]$InPlace, [string]$Text, [string]$Guid)
    $Exg.Report.outcome = if ($InPlace) { 'verified' } else { 'differs' }
    Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text $Text -Guid $Guid
}

function Test-ExgGrant {
    param($Assignee, $Wanted)
    Read-ExgAssignment
    $standing = Get-ExgStanding -Assignee $Assignee -Wanted $Wanted
    Add-ExgStandingFinding -Wanted $Wanted -Standing $standing
    $scopes = @($Exg.Scopes | Where-Object -FilterScript { $Wanted.Name -and $_.Name -eq $Wanted.Name })
    $ours = @(@($standing.Equal, $standing.Disabled, $standing.Named) |
            Where-Object -FilterScript { $_ } | Sort-Object -Property Name -Unique)
    $Exg.Report.after = Get-ExgState -Assignments $ours -Scopes $scopes
    if ($standing.Equal) {
        $equal = $standing.Equal
        $text = "In place: $(Format-ExgAssignment -Assignment $equal)."
        Set-ExgStatus -InPlace (Test-ExgPinned -Assignment $equal) -Text $text -Guid "$($equal.Guid)"
    } elseif ($standing.Disabled) {
        Set-ExgStatus -InPlace $false -Text "Equal, but disabled: '$($standing.Disabled.Name)'."
    } elseif ($standing.Named) {
        $text = "Not in place. The name is there, but $(Format-ExgAssignment -Assignment $standing.Named)."
        Set-ExgStatus -InPlace $false -Text $text
    } else {
        Set-ExgStatus -InPlace $false -Text 'Not in place: there is no equal grant.'
    }
}

# With -DomainController the assignment must be on that server too.
function Test-ExgPinned {
    param($Assignment)
    $pin = if ($DomainController) { $DomainController } else { $Grant.DomainController }
    if (-not $pin) { return $true }
    $Exg.Report.target.domainController = $pin
    try {
        $guid = "$($Assignment.Guid)"
        $seen = @(Get-ManagementRoleAssignment -Identity $guid -DomainController $pin -ErrorAction Stop |
                Where-Object -FilterScript { "$($_.Guid)" -eq $guid })
    } catch {
        if ((Get-ExgFault -ErrorRecord $_).id -ne 'principal_not_found') { throw }
        $seen = @()
    }
    if ($seen.Count) { return $true }
    $text = "'$($Assignment.Name)' is not on this domain controller yet: $pin."
    Add-ExgFinding -Id 'not-replicated' -Severity 'warning' -Objects "$($Assignment.Guid)" -Text $text
    $false
}

function Test-ExgRoleGroupGrant {
    param($RoleGroup, $Wanted)
    Read-ExgAssignment
    Add-ExgExclusiveFinding -Wanted $Wanted
    if (-not $RoleGroup) {
        Set-ExgStatus -InPlace $false -Text "Not in place: there is no role group '$($Grant.Assignee)'."
        return
    }
    $difference = Compare-ExgRoleGroup -RoleGroup $RoleGroup -Wanted $Wanted -Members @(Resolve-ExgMember)
    $lacks = $difference.Foreign
    $lacks += @($difference.Absent | ForEach-Object -Process { "$($_.Name) is not a member" })
    if ($difference.NoConfiguration) { $lacks += "it does not have the role $Configuration" }
    $Exg.Report.after = Get-ExgRoleGroupState -RoleGroup $RoleGroup -Assignments $difference.Own
    foreach ($other in $difference.Others) {
        Add-ExgFinding -Id 'other-member' -Severity 'warning' -Objects "$($other.Guid)" -Text ("$($other.Name) " +
            "is in the role group '$($RoleGroup.Name)' too, and holds the role by it.")
    }
    if ($lacks.Count) {
        Set-ExgStatus -InPlace $false -Text "Not in place: $($lacks -join '; ')." -Guid "$($RoleGroup.Guid)"
        return
    }
    $text = "In place: the role group '$($RoleGroup.Name)' has the role, the scope and the members."
    Set-ExgStatus -InPlace $true -Text $text -Guid "$($RoleGroup.Guid)"
}

# include: standing.ps1
# include: rolegroup.ps1
# include: resolve.ps1
# include: assignments.ps1
# include: compare.ps1
# include: exclusive.ps1
# include: oracle.ps1
# include: shell.ps1
# include: report.ps1
# include: filter.ps1
# include: fault.ps1
# include: faultrules
# include: main.ps1
