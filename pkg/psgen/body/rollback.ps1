# include: revoke-head.ps1

# include: data

# The procedure, from top to bottom. Everything below it are its steps.
function Invoke-ExgProcedure {
    $Exg.Report.grant = New-ExgGrantState
    Initialize-ExgChange
    Start-ExgSession -Needed 'Get-ManagementRoleAssignment'

    $Exg.Step = 'resolve'
    $assignee = Resolve-ExgAssignee
    $holders = @($assignee)
    if ($Grant.AssigneeKind -eq 'roleGroup') { $holders = @(Resolve-ExgMember) }
    $text = "$($Grant.Assignee); $($Undo.Count) changes to take back"
    Add-ExgStep -Id 'resolve' -Status 'unchanged' -Text $text
    Invoke-ExgRollback
    if ($WhatIfPreference -and $Exg.Planned) {
        $Exg.Report.outcome = 'planned'
        return
    }
    Test-ExgLeft -Holders $holders
}

# Takes back the changes of a report, newest first. Objects are found by GUID: an object that is gone stays gone,
# and one that merely has the same name is not touched.

function Find-ExgByGuid {
    param([string]$Noun, [string]$Guid)
    $from = @{}
    if ($Exg.ConfigurationServer) { $from.DomainController = $Exg.ConfigurationServer }
    try {
        $found = @(& "Get-$Noun" -Identity $Guid -ErrorAction Stop @from)
    } catch {
        if ((Get-ExgFault -ErrorRecord $_).id -eq 'principal_not_found') { return }
        throw
    }
    @($found | Where-Object -FilterScript { "$($_.Guid)" -eq $Guid })[0]
}

function Invoke-ExgRollback {
    $Exg.Report.before = Get-ExgState
    Read-ExgAssignment
    foreach ($change in $Undo) {
        $Exg.Step = 'remove'
        if ($change.Cmdlet -like 'New-*') {
            Restore-ExgObject -Change $change
            continue
        }
        $noun = ($change.Cmdlet -replace '^[A-Za-z]+-', '') -replace 'Member$', ''
        $object = Find-ExgByGuid -Noun $noun -Guid $change.Identity
        if (-not $object) {
            Add-ExgStep -Id 'remove' -Status 'unchanged' -Text "$noun $($change.Identity) is gone already."
            continue
        }
        switch ($change.Cmdlet) {
            'Remove-ManagementRoleAssignment' { Remove-ExgAssignment -Assignment $object }
            'Remove-ManagementScope' { Remove-ExgScope -Scope $object -Except $Exg.Removed }
            'Remove-RoleGroup' { Remove-ExgUnusedRoleGroup -RoleGroup $object }
            'Remove-RoleGroupMember' { Restore-ExgMember -RoleGroup $object -Change $change -Leave }
            'Add-RoleGroupMember' { Restore-ExgMember -RoleGroup $object -Change $change }
            default { Restore-ExgSetting -Object $object -Change $change }
        }
        if ($change.Cmdlet -like 'Remove-Management*') { $Exg.Removed += @("$($object.Guid)") }
    }
}

function Remove-ExgUnusedRoleGroup {
    param($RoleGroup)
    $members = @(Get-ExgRoleGroupMember -Identity "$($RoleGroup.Guid)")
    $leaving = @($Undo | Where-Object -FilterScript { $_.Cmdlet -eq 'Remove-RoleGroupMember' } |
            ForEach-Object -Process { $_.Parameters.Member })
    $others = @($members | Where-Object -FilterScript { $leaving -notcontains "$($_.Guid)" })
    if ($others.Count) {
        $text = "The role group '$($RoleGroup.Name)' stays: $($others[0].Name) is in it."
        Add-ExgStep -Id 'remove' -Status 'skipped' -Text $text -Guid "$($RoleGroup.Guid)"
        return
    }
    $getManagementRoleAssignmentParams = @{
        RoleAssignee     = "$($RoleGroup.Guid)"
        AssignmentMethod = 'Direct'
        ErrorAction      = 'Stop'
    }
    $held = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
    Remove-ExgEmptyRoleGroup -RoleGroup $RoleGroup -Held $held -Members $leaving
}

function Restore-ExgMember {
    param($RoleGroup, $Change, [switch]$Leave)
    $member = $Change.Parameters.Member
    $present = @(Get-ExgRoleGroupMember -Identity "$($RoleGroup.Guid)" | Where-Object -FilterScript {
            "$($_.Guid)" -eq $member
        })
    if ([bool]$present.Count -ne [bool]$Leave) {
        $text = "The members of '$($RoleGroup.Name)' are as they were: $member."
        Add-ExgStep -Id 'remove' -Status 'unchanged' -Text $text
    } elseif ($Leave) {
        Remove-ExgMember -RoleGroup $RoleGroup -Identity $member -Name "$($present[0].Name)"
    } else {
        $addRoleGroupMemberParams = [ordered]@{
            Identity                        = "$($RoleGroup.Guid)"
            Member                          = $member
            BypassSecurityGroupManagerCheck = $true
        }
        $invokeExgChangeParams = @{
            Step       = 'role-group'
            Cmdlet     = 'Add-RoleGroupMember'
            Parameters = $addRoleGroupMemberParams
            Target     = "$($RoleGroup.Name): $member"
            Text       = "Puts $member back into '$($RoleGroup.Name)'"
        }
        $null = Invoke-ExgChange @invokeExgChangeParams
        if ($WhatIfPreference) { return }
        $parameter = [ordered]@{ name = 'Member'; value = $member }
        Add-ExgInverse -Cmdlet 'Remove-RoleGroupMember' -Identity "$($RoleGroup.Guid)" -Parameters $parameter
    }
}

# Puts old values back, unless they are there.
function Restore-ExgSetting {
    param($Object, $Change)
    $parameters = [ordered]@{ Identity = "$($Object.Guid)" }
    $words = foreach ($name in $Change.Parameters.Keys) {
        $parameters[$name] = $Change.Parameters[$name]
        "$name $($Change.Parameters[$name])"
    }
    if (Test-ExgSetting -Object $Object -Parameters $Change.Parameters) {
        $text = "'$($Object.Name)' has its old value: $($words -join ', ')."
        Add-ExgStep -Id 'remove' -Status 'unchanged' -Text $text
        return
    }
    $invokeExgChangeParams = @{
        Step       = 'remove'
        Cmdlet     = $Change.Cmdlet
        Parameters = $parameters
        Target     = "$($Object.Name): $($words -join ', ')"
        Text       = "Puts the old value of '$($Object.Name)' back: $($words -join ', ')"
    }
    $old = @(foreach ($name in $Change.Parameters.Keys) {
            switch ($name) {
                'Enabled' { [ordered]@{ name = $name; value = [bool]$Object.Enabled } }
                'RecipientRestrictionFilter' { [ordered]@{ name = $name; value = "$($Object.RecipientFilter)" } }
                default { Get-ExgOldScope -Assignment $Object }
            }
        })
    $null = Invoke-ExgChange @invokeExgChangeParams
    if ($WhatIfPreference) { return }
    Add-ExgInverse -Cmdlet $Change.Cmdlet -Identity "$($Object.Guid)" -Parameters $old
}

function Test-ExgSetting {
    param($Object, $Parameters)
    foreach ($name in $Parameters.Keys) {
        $old = $Parameters[$name]
        $same = switch ($name) {
            'Enabled' { [bool]$Object.Enabled -eq $old }
            'RecipientRestrictionFilter' {
                $key = ConvertTo-ExgFilterKey -Filter "$($Object.RecipientFilter)"
                $key -and $key -eq (ConvertTo-ExgFilterKey -Filter $old)
            }
            'RecipientRelativeWriteScope' { "$($Object.RecipientWriteScope)" -eq $old }
            default { "$($Object.CustomRecipientWriteScope)" -eq $old }
        }
        if (-not $same) { return $false }
    }
    $true
}

# Makes an object again that a revocation removed, unless its name is in use.
function Restore-ExgObject {
    param($Change)
    $noun = $Change.Cmdlet -replace '^New-', ''
    $existing = Find-ExgObject -Cmdlet "Get-$noun" -Identity $Change.Identity
    if ($existing -and $existing.Name -eq $Change.Identity) {
        $text = "$noun '$($Change.Identity)' is there already."
        Add-ExgStep -Id 'remove' -Status 'unchanged' -Text $text -Guid "$($existing.Guid)"
        return
    }
    $parameters = [ordered]@{ Name = $Change.Identity }
    foreach ($name in $Change.Parameters.Keys) { $parameters[$name] = $Change.Parameters[$name] }
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = $Change.Cmdlet
        Parameters = $parameters
        Target     = $Change.Identity
        Text       = "Makes $noun '$($Change.Identity)' again"
    }
    $written = Invoke-ExgChange @invokeExgChangeParams
    if ($written) { Add-ExgInverse -Cmdlet "Remove-$noun" -Identity "$($written.Guid)" }
}

# include: remove.ps1
# include: rolegroup.ps1
# include: rolegroup-remove.ps1
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
