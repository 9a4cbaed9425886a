# The management scope of a grant: created, reused or changed, and removed again when the run does not end well.

# Creates, reuses or changes the management scope. Returns the name or GUID to assign.
function Set-ExgScope {
    param($Wanted)
    if ($Wanted.Kind -ne 'Custom') { return }
    $Exg.Step = 'scope'
    if ($Wanted.Guid) {
        $text = "The scope '$($Wanted.Name)' is used as it is."
        Add-ExgStep -Id 'scope' -Status 'unchanged' -Text $text -Guid $Wanted.Guid
        return $Wanted.Name
    }
    $existing = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $Wanted.Name })[0]
    if (-not $existing) {
        $newManagementScopeParams = [ordered]@{
            Name                       = $Wanted.Name
            RecipientRestrictionFilter = $Wanted.Filter
        }
        $invokeExgChangeParams = @{
            Step       = 'scope'
            Cmdlet     = 'New-ManagementScope'
            Parameters = $newManagementScopeParams
            Target     = "$($Wanted.Name): $($Wanted.Filter)"
            Text       = "New scope of $(Format-ExgRecipient -Wanted $Wanted)"
        }
        $written = Invoke-ExgChange @invokeExgChangeParams
        if ($written) {
            $Exg.NewScope = "$($written.Guid)"
            Add-ExgInverse -Cmdlet 'Remove-ManagementScope' -Identity "$($written.Guid)" -OnlyIf 'unused'
        }
        return $Wanted.Name
    }
    if ($existing.Exclusive -or "$($existing.ScopeRestrictionType)" -ne 'RecipientScope') {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("The scope '$($Wanted.Name)' exists and is " +
            'exclusive or not for recipients. Choose another name with --scope-name.')
    }
    switch (Compare-ExgScopeDefinition -Scope $existing -Wanted $Wanted) {
        'equal' {
            $text = "The scope '$($Wanted.Name)' exists with the same definition."
            Add-ExgStep -Id 'scope' -Status 'unchanged' -Text $text -Guid "$($existing.Guid)"
            return $Wanted.Name
        }
        'unknown' {
            Add-ExgFinding -Id 'scope-unverified' -Severity 'warning' -Objects "$($existing.Guid)" -Text ('The ' +
                "filter of the scope '$($existing.Name)' could not be understood: $($existing.RecipientFilter)")
            Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("The scope '$($existing.Name)' exists with a " +
                'filter that this script cannot compare, and is never overwritten. Choose another name with ' +
                '--scope-name.')
        }
    }
    Update-ExgScope -Existing $existing -Wanted $Wanted
    $Wanted.Name
}

function Update-ExgScope {
    param($Existing, $Wanted)
    $difference = "The scope '$($Existing.Name)' exists with another definition: there " +
        "$($Existing.RecipientFilter), wanted $($Wanted.Filter)."
    if (-not $UpdateScope -or "$($Existing.RecipientRoot)") {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("$difference Use -UpdateScope to change it, or " +
            'another name.')
    }
    $others = @($Exg.Assignments | Where-Object -FilterScript {
            $_.CustomRecipientWriteScope -eq $Existing.Name -and $_.Name -ne $Grant.Name
        })
    if ($others.Count) {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("$difference It is not changed because other " +
            "assignments use it: '$($others[0].Name)'. Choose another name with --scope-name.")
    }
    $setManagementScopeParams = [ordered]@{
        Identity                   = "$($Existing.Guid)"
        RecipientRestrictionFilter = $Wanted.Filter
    }
    $invokeExgChangeParams = @{
        Step       = 'scope'
        Cmdlet     = 'Set-ManagementScope'
        Parameters = $setManagementScopeParams
        Target     = "$($Existing.Name): from $($Existing.RecipientFilter) to $($Wanted.Filter)"
        Text       = "Changes the scope to $(Format-ExgRecipient -Wanted $Wanted)"
    }
    $null = Invoke-ExgChange @invokeExgChangeParams
    if (-not $WhatIfPreference) {
        $old = [ordered]@{ name = 'RecipientRestrictionFilter'; value = "$($Existing.RecipientFilter)" }
        Add-ExgInverse -Cmdlet 'Set-ManagementScope' -Identity "$($Existing.Guid)" -Parameters $old
        $Existing = Get-ManagementScope -Identity "$($Existing.Guid)" -ErrorAction Stop
        $guid = "$($Existing.Guid)"
        $Exg.Scopes = @($Exg.Scopes | Where-Object -FilterScript { "$($_.Guid)" -ne $guid }) + $Existing
    }
}

# A scope that was created in this run and is used by nothing is removed again when the run does not end well.
function Undo-ExgScope {
    if (-not $Exg.NewScope) { return }
    $removeManagementScopeParams = [ordered]@{ Identity = $Exg.NewScope }
    if ($Exg.WriteServer) { $removeManagementScopeParams.DomainController = $Exg.WriteServer }
    $removeManagementScopeParams.Confirm = $false
    $command = Format-ExgCommand -Cmdlet 'Remove-ManagementScope' -Parameters $removeManagementScopeParams
    $Exg.Report.inverse.Clear()
    $Exg.Report.changed = [bool]$Exg.CustomizedNow
    try {
        Remove-ManagementScope @removeManagementScopeParams -ErrorAction Stop
        $text = 'The scope that was created in this run is removed again.'
        Add-ExgStep -Id 'remove' -Status 'changed' -Text $text -Command $command -Guid $Exg.NewScope
    } catch {
        $fault = Get-ExgFault -ErrorRecord $_
        $Exg.Report.changed = $true
        Add-ExgInverse -Cmdlet 'Remove-ManagementScope' -Identity $Exg.NewScope -OnlyIf 'unused'
        $addExgStepParams = @{
            Id      = 'remove'
            Status  = 'failed'
            Text    = $fault.message
            Command = $command
            Guid    = $Exg.NewScope
            Fault   = $fault
        }
        Add-ExgStep @addExgStepParams
    }
}

# What stops the grant before any change.
function Assert-ExgScope {
    param($Wanted, $Standing)
    if ($Wanted.ContainsKey('Count') -and $Wanted.Count -eq 0 -and -not $AllowEmpty) {
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ('The scope holds no recipient. Check the group, ' +
            'unit or filter, or use -AllowEmpty when its members come later.')
    }
    if ($Standing.Unknown.Count) {
        $seen = Format-ExgAssignment -Assignment $Standing.Unknown[0]
        Stop-ExgRun -Outcome 'conflict' -Step 'scope' -Text ("$seen, whose filter this script cannot compare; " +
            'it may be the same grant. Look at it, and name its scope with --scope-name alone if it is meant.')
    }
}
