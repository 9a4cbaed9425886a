# Reads who holds the role.

# Reads every role of the type, child roles too, and every assignment of them, one row for each account.
function Read-ExgAssignment {
    $roles = @($Role)
    if (Get-Command -Name 'Get-ManagementRole' -ErrorAction SilentlyContinue) {
        $found = @(Get-ManagementRole -RoleType $Role -ErrorAction Stop | ForEach-Object -Process { "$($_.Name)" })
        if ($found.Count) { $roles = $found }
    } else {
        $text = 'Get-ManagementRole is not in this session: custom roles that grant the same were not looked for.'
        Add-ExgFinding -Id 'roles-unread' -Severity 'info' -Text $text
    }
    $Exg.Roles = $roles
    $Exg.Rows = @(foreach ($name in $roles) {
            Get-ManagementRoleAssignment -Role $name -GetEffectiveUsers -ErrorAction Stop
        })
    $seen = @{}
    $Exg.Assignments = @(foreach ($row in $Exg.Rows) {
            if (-not $seen.ContainsKey("$($row.Guid)")) {
                $seen["$($row.Guid)"] = $true
                $row
            }
        })
    $Exg.Scopes = @()
    if (Get-Command -Name 'Get-ManagementScope' -ErrorAction SilentlyContinue) {
        $Exg.Scopes = @(Get-ManagementScope -ErrorAction Stop)
    }
}

function Test-ExgRegular {
    param($Assignment)
    "$($Assignment.RoleAssignmentDelegationType)" -eq 'Regular'
}

# An assignment in words, for messages.
function Format-ExgAssignment {
    param($Assignment)
    $state = if ($Assignment.Enabled) { '' } else { ' (disabled)' }
    "'$($Assignment.Name)'$state gives $($Assignment.RoleAssignee) $(Format-ExgWriteScope -Assignment $Assignment)"
}

function Format-ExgWriteScope {
    param($Assignment)
    switch ("$($Assignment.RecipientWriteScope)") {
        'Organization' { return 'the whole organization' }
        'OU' { return "the organizational unit $($Assignment.CustomRecipientWriteScope)" }
        'CustomRecipientScope' { return "the scope '$($Assignment.CustomRecipientWriteScope)'" }
        'ExclusiveRecipientScope' { return "the exclusive scope '$($Assignment.CustomRecipientWriteScope)'" }
    }
    "the relative scope $($Assignment.RecipientWriteScope)"
}
