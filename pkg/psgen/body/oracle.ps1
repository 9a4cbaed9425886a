# The server's own answer to who can write to whom.

# Asks the server itself, mailbox by mailbox: which regular assignments of the assignee can write to it?
function Test-ExgOracle {
    param([string]$Assignee)
    $expected = @($Grant.InScope | ForEach-Object -Process { @{ Mailbox = $_; Expected = 'allowed' } }) +
    @($Grant.OutOfScope | ForEach-Object -Process { @{ Mailbox = $_; Expected = 'refused' } })
    if ($expected.Count -eq 0) { return }
    $words = foreach ($entry in $expected) {
        $getManagementRoleAssignmentParams = @{
            RoleAssignee      = $Assignee
            WritableRecipient = $entry.Mailbox
            Delegating        = $false
            ErrorAction       = 'Stop'
        }
        $over = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams |
                Where-Object -FilterScript { $_.Enabled -and $Exg.Roles -contains "$($_.Role)" })
        $rbac = if ($over.Count) { 'allowed' } else { 'refused' }
        $proof = [ordered]@{ mailbox = $entry.Mailbox; expected = $entry.Expected; rbac = $rbac }
        $null = $Exg.Report.proof.Add($proof)
        if ($rbac -eq 'allowed' -and $entry.Expected -eq 'refused') {
            Add-ExgFinding -Id 'out-of-scope-allowed' -Severity 'security' -Text ("$($entry.Mailbox) should be " +
                "out of reach, but '$($over[0].Name)' reaches it.") -Objects "$($over[0].Guid)"
        }
        $word = if ($rbac -eq 'allowed') { 'writable' } else { 'not writable' }
        "$($entry.Mailbox): $word"
    }
    Add-ExgStep -Id 'oracle' -Status 'unchanged' -Text ($words -join '; ')
}

# A mailbox that should be in reach and is not: replication, or an exclusive scope that keeps it away.
function Test-ExgLate {
    $late = @(Get-ExgOracleDifference | Where-Object -FilterScript { $_.expected -eq 'allowed' })
    if (-not $late.Count) { return $false }
    $reason = 'The domain controllers may not have it yet, or the mailbox is not in the scope.'
    if ($Exg.Covering.Count) { $reason = "The exclusive scope '$($Exg.Covering[0])' may keep it away." }
    $names = @($late | ForEach-Object -Process { $_.mailbox }) -join ', '
    Add-ExgFinding -Id 'in-scope-refused' -Severity 'warning' -Text "$names is not in reach. $reason"
    -not $Exg.Covering.Count
}

# Mailboxes whose answer is not the expected one.
function Get-ExgOracleDifference {
    @($Exg.Report.proof | Where-Object -FilterScript { $_.expected -ne $_.rbac })
}
