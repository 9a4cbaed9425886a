# Tells one step. Five properties are printed as a list at once; a table would wait and be lost at the exit.
function Write-ExgStep {
    param([string]$Id, [string]$Status, [string]$Text, [string]$Command, [string]$Guid)
    $Exg.Cmdlet.WriteObject([PSCustomObject]@{
            Id      = $Id
            Status  = $Status
            Text    = $Text
            Command = $Command
            Guid    = $Guid
        })
}

# Ends the run: tells why and with which exit code.
function Stop-ExgRun {
    param([int]$Code, [string]$Text, [string]$Command)
    $Exg.Code = $Code
    $Exg.Stopped = $true
    Write-ExgStep -Id $Exg.Step -Status 'failed' -Text $Text -Command $Command
    throw $Text
}

# The one place where something is changed: asks first, runs the command, tells it. Returns nothing under -WhatIf.
function Invoke-ExgChange {
    param(
        [string]$Step, [string]$Cmdlet, [System.Collections.Specialized.OrderedDictionary]$Parameters,
        [string]$Target, [string]$Text
    )
    $Exg.Step = $Step
    $Parameters.Confirm = $false
    $command = Format-ExgCommand -Cmdlet $Cmdlet -Parameters $Parameters
    if (-not $Exg.Cmdlet.ShouldProcess($Target, $Cmdlet)) {
        if (-not $WhatIfPreference) {
            Stop-ExgRun -Code 130 -Text "Declined: $Cmdlet was not run, nor anything after it." -Command $command
        }
        $Exg.Planned = $true
        Write-ExgStep -Id $Step -Status 'planned' -Text $Text -Command $command
        return
    }
    $written = & $Cmdlet @Parameters -ErrorAction Stop
    $guid = if ($written) { "$($written.Guid)" } else { '' }
    Write-ExgStep -Id $Step -Status 'changed' -Text $Text -Command $command -Guid $guid
}

# Whole days until EWS in Exchange Online is off; not positive when it is.
function Get-ExgEwsDay {
    $today = (Get-Date).ToUniversalTime().Date
    ([datetime]$EwsEnd - $today).Days
}

# The shell must be one of Exchange Online: nothing here makes sense anywhere else.
function Assert-ExgOnline {
    $connect = 'For Exchange Online open a new PowerShell window and run: Install-Module -Name ' +
        'ExchangeOnlineManagement (once), then Connect-ExchangeOnline -UserPrincipalName YOUR-ADMIN, then this ' +
        'script again.'
    if (Get-Command -Name 'Get-ExchangeServer' -ErrorAction SilentlyContinue) {
        Stop-ExgRun -Code 1 -Text ('This is the shell of an on-premises organization, where ' +
            'ApplicationImpersonation still works: exgrant script grant makes the script for it. Nothing was ' +
            "changed. $connect")
    }
    $needed = @(
        'Get-ManagementRole'
        'Get-ManagementRoleAssignment'
        'Get-OrganizationConfig'
        'Get-ServicePrincipal'
    )
    if ($Exg.Replace) {
        $needed += @(
            'Get-Mailbox'
            'Get-ManagementScope'
            'Get-Recipient'
            'New-ManagementRoleAssignment'
            'New-ManagementScope'
            'New-ServicePrincipal'
            'Test-ServicePrincipalAuthorization'
        )
    }
    $there = @(Get-Command -Name $needed -ErrorAction SilentlyContinue | ForEach-Object -Process { $_.Name })
    $missing = @($needed | Where-Object -FilterScript { $there -notcontains $_ })
    if ($there.Count -eq 0) {
        Stop-ExgRun -Code 1 -Text "This window is not connected to Exchange Online. $connect"
    }
    if ($missing.Count -gt 0) {
        Stop-ExgRun -Code 1 -Text ('Your roles do not give these commands, or this is another service than ' +
            "Exchange Online: $($missing -join ', '). Members of Organization Management have them. $connect")
    }
    Write-ExgStep -Id 'preflight' -Status 'unchanged' -Text ('This is a shell of Exchange Online; all commands ' +
        'are there.')
}

# The facts with their sources for whoever only reads, and how long EWS has left for everybody.
function Show-ExgExplanation {
    foreach ($fact in $Facts) {
        if ($Exg.Replace) { break }
        Write-ExgStep -Id 'explanation' -Status 'info' -Text "$($fact.When): $($fact.Text) Source: $($fact.Source)"
    }
    $days = Get-ExgEwsDay
    $text = "EWS in Exchange Online has been off since $EwsEnd."
    if ($days -gt 0) {
        $text = "EWS in Exchange Online is switched off on $EwsEnd, without exceptions: $days days left."
    }
    Write-ExgStep -Id 'explanation' -Status 'info' -Text "$text (Facts as of $AsOf.)"
}

# Who still holds the retired role.
function Show-ExgRetiredRole {
    $Exg.Roles = @(Get-ManagementRole -ErrorAction Stop | ForEach-Object -Process { "$($_.Name)" })
    if ($Exg.Roles -notcontains 'ApplicationImpersonation') {
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text ('The role ApplicationImpersonation does not ' +
            'exist here any more, as expected: nobody holds it.')
        return
    }
    $getManagementRoleAssignmentParams = @{
        Role              = 'ApplicationImpersonation'
        Delegating        = $false
        GetEffectiveUsers = $true
        ErrorAction       = 'Stop'
    }
    $rows = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
    if ($rows.Count -eq 0) {
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text ('The role ApplicationImpersonation is still ' +
            'listed, but nobody holds it.')
    }
    foreach ($row in $rows) {
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Guid "$($row.Guid)" -Text (
            "A remainder of ApplicationImpersonation: '$($row.Name)' for $($row.RoleAssigneeName) (effective: " +
            "$($row.EffectiveUserName)). Do not count on it: the feature is removed.")
    }
}

# The applications that may use EWS; $null where this shell does not show them.
function Get-ExgEwsAllowedApp {
    $command = Get-Command -Name 'Get-OrganizationConfig' -ErrorAction Stop
    if (-not $command.Parameters.ContainsKey('RetrieveEwsOperationAccessPolicy')) { return }
    $organization = Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy -ErrorAction Stop
    if (-not $organization.PSObject.Properties['EwsAllowedAppIDs']) { return }
    $text = "$($organization.EwsAllowedAppIDs)"
    , @($text -split '[,;\s]+' | Where-Object -FilterScript { $_ })
}

function Show-ExgEwsSetting {
    $organization = Get-OrganizationConfig -ErrorAction Stop
    $settings = [ordered]@{}
    foreach ($setting in 'EwsEnabled', 'EwsApplicationAccessPolicy', 'EwsAllowList', 'EwsBlockList') {
        $settings[$setting] = @($organization.$setting) -join ', '
    }
    $allowed = Get-ExgEwsAllowedApp
    $settings.EwsAllowedAppIDs = $allowed -join ', '
    if ($null -eq $allowed) { $settings.EwsAllowedAppIDs = '(not shown by this shell)' }
    $words = @($settings.Keys | ForEach-Object -Process {
            if ($settings[$_]) { "${_}: $($settings[$_])" } else { "${_}: (empty)" }
        })
    Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text ('EWS settings. ' + ($words -join '. '))
}

# The mailboxes that an assignment covers, in words.
function Format-ExgReach {
    param($Assignment)
    $kind = "$($Assignment.RecipientWriteScope)"
    $target = Get-ExgReachName -Assignment $Assignment
    switch ($kind) {
        'Organization' { return 'every mailbox of the organization' }
        'CustomRecipientScope' { return "the management scope '$target'" }
        'Group' { return "the members of '$target'" }
        'AdministrativeUnit' { return "the administrative unit $target" }
    }
    "$kind $target".Trim()
}

# The scope, group or administrative unit of an assignment, by the first property that names one.
function Get-ExgReachName {
    param($Assignment)
    $Assignment.CustomResourceScope, $Assignment.CustomRecipientWriteScope, $Assignment.RecipientGroupScope,
    $Assignment.RecipientAdministrativeUnitScope | ForEach-Object -Process { "$_" } |
        Where-Object -FilterScript { $_ } | Select-Object -First 1
}

# The service principals that Exchange knows and what they may do; with -AppId only that application's.
function Show-ExgServicePrincipal {
    $Exg.Principals = @(Get-ServicePrincipal -ErrorAction Stop)
    $assignments = @(Get-ManagementRoleAssignment -ErrorAction Stop | Where-Object -FilterScript {
            "$($_.RoleAssigneeType)" -eq 'ServicePrincipal'
        })
    $shown = 0
    foreach ($principal in $Exg.Principals) {
        $application = "$($principal.AppId)"
        if ($AppId -and $application -ne $AppId) { continue }
        $names = @(
            "$($principal.ObjectId)", $application, "$($principal.Identity)", "$($principal.Name)",
            "$($principal.DisplayName)" | Where-Object -FilterScript { $_ }
        )
        $held = @($assignments | Where-Object -FilterScript {
                $names -contains "$($_.RoleAssignee)" -or $names -contains "$($_.RoleAssigneeName)"
            } | ForEach-Object -Process { "$($_.Role) for $(Format-ExgReach -Assignment $_)" })
        if ($held.Count -eq 0) { $held = @('no application role in Exchange') }
        $shown++
        $label = "'$($principal.DisplayName)', application $application"
        $object = "$($principal.ObjectId)"
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Guid $object -Text ("Service principal ${label}: " +
            ($held -join '; ') + '.')
    }
    if ($shown -eq 0) {
        $which = if ($AppId) { "the application $AppId" } else { 'any application' }
        Write-ExgStep -Id 'inventory' -Status 'unchanged' -Text "Exchange holds no service principal of $which."
    }
}
