# include: revoke-head.ps1

# include: data

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    $Exg.Report.grant = New-ExgGrantState
    Initialize-ExgChange
    $needed = @('Get-ManagementRoleAssignment', 'Remove-ManagementRoleAssignment')
    if ('group', 'filter' -contains $Grant.ScopeKind) {
        $needed += 'Get-ManagementScope', 'Remove-ManagementScope'
    }
    Start-ExgSession -Needed $needed

    $Exg.Step = 'resolve'
    $assignee = Resolve-ExgAssignee
    $wanted = Resolve-ExgScope
    $text = "$($Grant.Assignee); $(Format-ExgWanted -Wanted $wanted)"
    Add-ExgStep -Id 'resolve' -Status 'unchanged' -Text $text

    $Exg.Step = 'read-assignments'
    Read-ExgAssignment
    Remove-ExgGrant -Assignee $assignee -Wanted $wanted
    if ($WhatIfPreference -and $Exg.Planned) {
        $Exg.Report.outcome = 'planned'
        return
    }
    Test-ExgLeft -Holders $assignee
}

# The assignment with this grant's name, when it is this grant.
function Find-ExgOwnAssignment {
    param($Assignee, $Wanted)
    $own = $null
    $direct = @(Get-ExgHeld -Guid "$($Assignee.Guid)" -Direct | ForEach-Object -Process { "$($_.Guid)" })
    foreach ($assignment in $Exg.Assignments) {
        $same = $direct -contains "$($assignment.Guid)" -and (Test-ExgRegular -Assignment $assignment)
        $equal = $same -and (Compare-ExgScope -Assignment $assignment -Wanted $Wanted) -eq 'equal'
        if ($assignment.Name -eq $Grant.Name) {
            if (-not $equal) {
                Stop-ExgRun -Outcome 'conflict' -Step 'read-assignments' -Text ('An assignment has the name of ' +
                    "this grant but is another one: $(Format-ExgAssignment -Assignment $assignment). Nothing " +
                    'was removed.')
            }
            $own = $assignment
        } elseif ($equal) {
            $seen = Format-ExgAssignment -Assignment $assignment
            $text = "Equal, but with another name, and left alone: $seen."
            Add-ExgFinding -Id 'equal-other-name' -Severity 'info' -Objects "$($assignment.Guid)" -Text $text
        }
    }
    $own
}

function Remove-ExgGrant {
    param($Assignee, $Wanted)
    $own = Find-ExgOwnAssignment -Assignee $Assignee -Wanted $Wanted
    $scope = Find-ExgOwnScope -Wanted $Wanted
    $Exg.Report.before = Get-ExgState -Assignments $own -Scopes $scope
    $text = if ($own) { "Found: $(Format-ExgAssignment -Assignment $own)." } else { 'The grant is not there.' }
    Add-ExgStep -Id 'read-assignments' -Status 'unchanged' -Text $text
    $guid = ''
    if ($own) {
        $guid = "$($own.Guid)"
        Remove-ExgAssignment -Assignment $own
    }
    if ($scope) { Remove-ExgScope -Scope $scope -Except $guid }
}

# include: own-scope.ps1
# include: remove.ps1
# include: change.ps1
# include: resolve.ps1
# include: assignments.ps1
# include: compare.ps1
# include: shell.ps1
# include: report.ps1
# include: command.ps1
# include: filter.ps1
# include: fault.ps1
# include: faultrules
# include: main.ps1
