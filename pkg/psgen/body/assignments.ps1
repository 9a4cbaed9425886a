# Reads who holds the role.

# Custom roles made from the role grant the same: they count too.
function Read-ExgRole {
    $Exg.Roles = @($Role)
    if (-not (Get-Command -Name 'Get-ManagementRole' -ErrorAction SilentlyContinue)) {
        $text = 'Get-ManagementRole is not in this session: custom roles that grant the same were not looked for.'
        Add-ExgFinding -Id 'roles-unread' -Severity 'info' -Text $text
        return
    }
    $found = @(Get-ManagementRole -RoleType $Role -ErrorAction Stop |
            Where-Object -FilterScript { "$($_.RoleType)" -eq $Role } | ForEach-Object -Process { "$($_.Name)" })
    if ($found.Count) { $Exg.Roles = $found }
}

# Reads all assignments of the roles, and all scopes, from the domain controller that takes changes of them: others
# may show them later.
function Read-ExgAssignment {
    Read-ExgRole
    $from = @{ ErrorAction = 'Stop' }
    if ($Exg.ConfigurationServer) { $from.DomainController = $Exg.ConfigurationServer }
    $Exg.Assignments = @(foreach ($name in $Exg.Roles) { Get-ManagementRoleAssignment -Role $name @from })
    $Exg.Scopes = @()
    if (Get-Command -Name 'Get-ManagementScope' -ErrorAction SilentlyContinue) {
        $Exg.Scopes = @(Get-ManagementScope @from)
    }
}

# The assignments that somebody holds, by the server's own reckoning: it knows the names and the groups. With
# -Direct only those made to this very account or group.
function Get-ExgHeld {
    param([string]$Guid, [switch]$Direct)
    $getManagementRoleAssignmentParams = @{ RoleAssignee = $Guid; ErrorAction = 'Stop' }
    if ($Direct) { $getManagementRoleAssignmentParams.AssignmentMethod = 'Direct' }
    $from = @{}
    if ($Exg.ConfigurationServer) { $from.DomainController = $Exg.ConfigurationServer }
    foreach ($name in $Exg.Roles) {
        try {
            Get-ManagementRoleAssignment -Role $name @getManagementRoleAssignmentParams @from
        } catch {
            # A domain controller need not know accounts of other domains.
            if ((Get-ExgFault -ErrorRecord $_).id -ne 'principal_not_found' -or -not $from.Count) { throw }
            Get-ManagementRoleAssignment -Role $name @getManagementRoleAssignmentParams
        }
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
    $of = "$($Assignment.CustomRecipientWriteScope)"
    $definition = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $of })[0]
    $filter = if ("$($definition.RecipientFilter)") { " ($($definition.RecipientFilter))" } else { '' }
    switch ("$($Assignment.RecipientWriteScope)") {
        'Organization' { return 'the whole organization' }
        'OU' { return "the organizational unit $of" }
        'CustomRecipientScope' { return "the scope '$of'$filter" }
        'ExclusiveRecipientScope' { return "the exclusive scope '$of'$filter" }
    }
    "the relative scope $($Assignment.RecipientWriteScope)"
}

# The parameter that would put an assignment's present scope back.
function Get-ExgOldScope {
    param($Assignment)
    $of = "$($Assignment.CustomRecipientWriteScope)"
    switch ("$($Assignment.RecipientWriteScope)") {
        'CustomRecipientScope' { return [ordered]@{ name = 'CustomRecipientWriteScope'; value = $of } }
        'ExclusiveRecipientScope' { return [ordered]@{ name = 'ExclusiveRecipientWriteScope'; value = $of } }
        'OU' { return [ordered]@{ name = 'RecipientOrganizationalUnitScope'; value = $of } }
    }
    [ordered]@{ name = 'RecipientRelativeWriteScope'; value = "$($Assignment.RecipientWriteScope)" }
}
