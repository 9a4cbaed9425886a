# Without a delegating assignment the server will refuse; only the server knows for sure, so this is a warning.
function Test-ExgDelegation {
    $getManagementRoleAssignmentParams = @{
        Role         = $Role
        RoleAssignee = $Exg.Report.operator
        Delegating   = $true
        ErrorAction  = 'Stop'
    }
    try {
        $delegating = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
    } catch {
        Write-Verbose -Message "Whether $($Exg.Report.operator) may assign the role could not be read: $_"
        return
    }
    if ($delegating.Count -eq 0) {
        Add-ExgFinding -Id 'no-delegating-assignment' -Severity 'warning' -Text ("$($Exg.Report.operator) has " +
            "no delegating assignment of $Role; the server will probably refuse. Organization Management has " +
            'one.')
    }
}
