# EWS in Exchange Online has an end that nobody can move. After it nothing here could work.
function Assert-ExgVariant {
    if ($Role -ne 'Application EWS.AccessAsApp') {
        Stop-ExgRun -Code 2 -Text ("This script sets up EWS; '$Role' is a role of Microsoft Graph. exgrant " +
            'script office365 makes the script for it.')
    }
    if ((Get-ExgEwsDay) -gt 0) { return }
    Stop-ExgRun -Code 1 -Text ("EWS in Exchange Online has been off since $EwsEnd, without exceptions. Nothing " +
        'was changed. The application must use Microsoft Graph: exgrant script office365 makes the script that ' +
        'grants it.')
}

# Adds the application to the list of those that may use EWS. The list is read and written back whole with one more
# entry: the parameter replaces the list, and a missing entry is an application that stops working. It takes effect
# within a day (learn.microsoft.com, "Control access to EWS in Exchange").
function Add-ExgEwsAllowedApp {
    $Exg.Step = 'ews-allowed-app'
    $old = Get-ExgEwsAllowedApp
    if ($null -eq $old) {
        Stop-ExgRun -Code 1 -Text ('This shell does not show EwsAllowedAppIDs, so it cannot be extended safely. ' +
            'Update the module: Update-Module -Name ExchangeOnlineManagement, connect again and run the same ' +
            'command.')
    }
    if ($old -contains $AppId) {
        Write-ExgStep -Id 'ews-allowed-app' -Status 'unchanged' -Text 'The application is in EwsAllowedAppIDs.'
        return
    }
    $new = @($old) + $AppId
    $target = "EwsAllowedAppIDs of the organization: $AppId is added to the $($old.Count) that are there"
    $shown = $old -join ', '
    if ($old.Count -eq 0) {
        $target = "EwsAllowedAppIDs of the organization: it is empty and will hold $AppId alone; every other " +
            'application is refused then'
        $shown = '(empty)'
        Write-Warning -Message ('EwsAllowedAppIDs is empty now. With one entry it is a list: every application ' +
            'that is not on it is refused. Add the others that still need EWS.')
    }
    $invokeExgChangeParams = @{
        Step       = 'ews-allowed-app'
        Cmdlet     = 'Set-OrganizationConfig'
        Parameters = [ordered]@{ EwsAllowedAppIDs = $new -join ',' }
        Target     = $target
        Text       = "Lets the application use EWS until $EwsEnd. Before: $shown. Caches: up to 24 hours."
    }
    Invoke-ExgChange @invokeExgChangeParams
    if ($Exg.Planned) { return }
    $written = Get-ExgEwsAllowedApp
    $lost = @($new | Where-Object -FilterScript { $written -notcontains $_ })
    if ($lost.Count -gt 0) {
        Stop-ExgRun -Code 1 -Text ("Read back, EwsAllowedAppIDs lacks $($lost -join ', '). Somebody else may " +
            'have changed it at the same moment: compare it with the list in the step before and put it right.')
    }
}

# Switches EWS on for the organization, as far as it was not.
function Enable-ExgEws {
    $Exg.Step = 'ews-enabled'
    $organization = Get-OrganizationConfig -ErrorAction Stop
    $before = "$($organization.EwsEnabled)"
    if ($before -eq 'True') {
        Write-ExgStep -Id 'ews-enabled' -Status 'unchanged' -Text 'EwsEnabled is True.'
    } else {
        $shown = if ($before) { $before } else { '(empty)' }
        $invokeExgChangeParams = @{
            Step       = 'ews-enabled'
            Cmdlet     = 'Set-OrganizationConfig'
            Parameters = [ordered]@{ EwsEnabled = $true }
            Target     = "EwsEnabled of the whole organization: from $shown to True"
            Text       = "Switches EWS on for the applications in EwsAllowedAppIDs, until $EwsEnd. Before: $shown."
        }
        Invoke-ExgChange @invokeExgChangeParams
    }
    if ("$($organization.EwsApplicationAccessPolicy)" -eq 'EnforceAllowList') {
        Write-Warning -Message ('EwsApplicationAccessPolicy is EnforceAllowList: the User-Agent of the ' +
            'application must be in EwsAllowList too, else EWS answers 403.')
    }
}

function Invoke-ExgReplacement {
    Add-ExgServicePrincipal
    Add-ExgScope
    Add-ExgAssignment
    Add-ExgEwsAllowedApp
    Enable-ExgEws
    Test-ExgAuthorization
}
