# Changing: the one place where a command that changes something is run. It asks first, records the exact command,
# tries again only when the fault says that this can help, and stops with the reason otherwise.

function Initialize-ExgChange {
    $Exg.WriteServer = if ($DomainController) { $DomainController } else { $Grant.DomainController }
    $Exg.Pinned = [bool]$Exg.WriteServer
    $Exg.ConfigurationServer = $Exg.WriteServer
    if ($Exg.Pinned) { $Exg.Report.target.domainController = $Exg.WriteServer }
    $Exg.Wait = 2
    $Exg.Retries = 0
    $Exg.Deadline = (Get-Date).AddMinutes($TimeoutMinutes)
}

# Runs one change and returns what the cmdlet returned; $null under -WhatIf.
function Invoke-ExgChange {
    param(
        [string]$Step, [string]$Cmdlet, [System.Collections.Specialized.OrderedDictionary]$Parameters,
        [string]$Target, [string]$Text
    )
    if ($Exg.WriteServer) { $Parameters.DomainController = $Exg.WriteServer }
    $Parameters.Confirm = $false
    $command = Format-ExgCommand -Cmdlet $Cmdlet -Parameters $Parameters
    $confirmExgChangeParams = @{
        Step    = $Step
        Target  = $Target
        Action  = $Cmdlet
        Text    = $Text
        Command = $command
    }
    if (-not (Confirm-ExgChange @confirmExgChangeParams)) { return }

    $attempt = 0
    while ($true) {
        $attempt++
        try {
            $written = & $Cmdlet @Parameters -ErrorAction Stop
            break
        } catch {
            $fault = Get-ExgFault -ErrorRecord $_
        }
        if ($fault.id -eq 'principal_not_found' -and $Exg.WriteServer -and -not $Exg.Pinned) {
            # The server that took the first write need not know objects of other domains.
            $Exg.WriteServer = ''
            $Parameters.Remove('DomainController')
            $command = Format-ExgCommand -Cmdlet $Cmdlet -Parameters $Parameters
            continue
        }
        if ($fault.id -eq 'already_exists' -and $Exg.ReadAgain) {
            # Somebody else was faster: what they made may be what is wanted.
            $Exg.MustReadAgain = $true
            throw $fault.message
        }
        Resume-ExgChange -Step $Step -Command $command -Attempt $attempt -Fault $fault
    }
    $Exg.Report.changed = $true
    if ("$($written.OriginatingServer)" -and -not $Exg.WriteServer) {
        $Exg.WriteServer = "$($written.OriginatingServer)"
        $Exg.Report.target.domainController = $Exg.WriteServer
    }
    $shown = if ($attempt -gt 1) { $attempt } else { 0 }
    Add-ExgStep -Id $Step -Status 'changed' -Text $Text -Command $command -Guid "$($written.Guid)" -Attempt $shown
    $written
}

# The one question. $false means that the change is only planned.
function Confirm-ExgChange {
    param([string]$Step, [string]$Target, [string]$Action, [string]$Text, [string]$Command)
    $Exg.Step = $Step
    if ($WhatIfPreference) {
        if (-not $Exg.Quiet) { $null = $Exg.Cmdlet.ShouldProcess($Target, $Action) }
        $Exg.Planned = $true
        Add-ExgStep -Id $Step -Status 'planned' -Text $Text -Command $Command
        return $false
    }
    try {
        $agreed = $Exg.Cmdlet.ShouldProcess($Target, $Action)
    } catch {
        Stop-ExgRun -Outcome 'failed' -Step $Step -Command $Command -Text ('Nobody can be asked in this ' +
            'session. Look at what -WhatIf tells, then run the script with -Confirm:$false.')
    }
    if (-not $agreed) {
        Stop-ExgRun -Outcome 'interrupted' -Step $Step -Text "Declined: $Action was not run." -Command $Command
    }
    $true
}

# After a fault: prepares the next attempt and returns, or stops the run.
function Resume-ExgChange {
    param([string]$Step, [string]$Command, [int]$Attempt, $Fault)
    $text = $Fault.message
    if ($Fault.id -eq 'principal_not_found' -and $Exg.Pinned) {
        $text = "Not on this domain controller ($($Exg.WriteServer)): $text"
    }
    if ($Fault.id -eq 'dehydrated') {
        Add-ExgStep -Id $Step -Status 'failed' -Text $text -Command $Command -Attempt $Attempt -Fault $Fault
        if (-not $Exg.Customized) {
            Enable-ExgCustomization -Fault $Fault
            return
        }
        if ((Get-Date) -ge $Exg.Deadline) {
            Stop-ExgRun -Outcome 'customization-pending' -Step $Step -Attempt $Attempt -Text ('Customization is ' +
                'enabled but not yet in effect. This can take a day: run this script again later.')
        }
        Wait-ExgRetry
        return
    }
    if ('transient', 'throttled' -contains $Fault.id -and $Exg.Retries -lt 5) {
        Add-ExgStep -Id $Step -Status 'failed' -Text $text -Command $Command -Attempt $Attempt -Fault $Fault
        $Exg.Retries++
        Wait-ExgRetry
        return
    }
    $outcome = Get-ExgOutcome -Fault $Fault
    Stop-ExgRun -Outcome $outcome -Step $Step -Text $text -Command $Command -Attempt $Attempt -Fault $Fault
}

# 2 seconds, doubling, at most 5 minutes, never past the deadline.
function Wait-ExgRetry {
    $left = [int][Math]::Ceiling(($Exg.Deadline - (Get-Date)).TotalSeconds)
    $seconds = [Math]::Max(1, [Math]::Min($Exg.Wait, $left))
    Write-Verbose -Message "Waiting $seconds seconds before the next attempt."
    Start-Sleep -Seconds $seconds
    $Exg.Wait = [Math]::Min(2 * $Exg.Wait, 300)
}

# Some organizations must be told once that their configuration may be customized. It cannot be undone, therefore
# it is done only after the server has asked for it, and with a question of its own.
function Enable-ExgCustomization {
    param($Fault)
    $command = 'Enable-OrganizationCustomization -Confirm:$false'
    if (-not (Get-Command -Name 'Enable-OrganizationCustomization' -ErrorAction SilentlyContinue)) {
        Add-ExgStep -Id 'customize' -Status 'skipped' -Text ('Enable-OrganizationCustomization is not in this ' +
            'session.')
        Stop-ExgRun -Outcome 'failed' -Step 'assign' -Fault $Fault -Text ('The organization asks to be ' +
            'customized, but the command for it is not here: nothing was granted. It exists in Exchange Online ' +
            'and hosted organizations.')
    }
    $confirmExgChangeParams = @{
        Step    = 'customize'
        Target  = 'the whole organization'
        Action  = 'Enable-OrganizationCustomization (this cannot be undone)'
        Text    = 'Allows changes to the configuration of the organization. This cannot be undone.'
        Command = $command
    }
    if (-not (Confirm-ExgChange @confirmExgChangeParams)) { return }
    for ($attempt = 1; $true; $attempt++) {
        try {
            $null = Enable-OrganizationCustomization -Confirm:$false -ErrorAction Stop
            $Exg.Report.changed = $true
            $Exg.CustomizedNow = $true
            $text = 'Customization of the organization was enabled. This cannot be undone.'
            Add-ExgStep -Id 'customize' -Status 'changed' -Text $text -Command $command -Irreversible
            break
        } catch {
            $fault = Get-ExgFault -ErrorRecord $_
        }
        if ($fault.id -eq 'already_customized') {
            Add-ExgStep -Id 'customize' -Status 'unchanged' -Text 'Customization was enabled already.'
            break
        }
        if ($attempt -ge 4 -or 'access_denied' -eq $fault.id) {
            $outcome = Get-ExgOutcome -Fault $fault
            Stop-ExgRun -Outcome $outcome -Step 'customize' -Text $fault.message -Command $command -Fault $fault
        }
        $addExgStepParams = @{
            Id      = 'customize'
            Status  = 'failed'
            Text    = $fault.message
            Command = $command
            Attempt = $attempt
            Fault   = $fault
        }
        Add-ExgStep @addExgStepParams
        Wait-ExgRetry
    }
    $Exg.Customized = $true
    $Exg.Wait = 2
}
