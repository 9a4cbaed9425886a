# EWS is not set up by this script.
function Assert-ExgVariant {
    if ($Role -ne 'Application EWS.AccessAsApp') { return }
    $days = Get-ExgEwsDay
    $end = if ($days -gt 0) { "is switched off on $EwsEnd, in $days days" } else { "has been off since $EwsEnd" }
    Stop-ExgRun -Code 2 -Text ("EWS in Exchange Online $end, and this script does not set it up. Use a role of " +
        'Microsoft Graph, such as Application Calendars.ReadWrite. Whoever must have EWS until then: exgrant ' +
        'script office365 --accept-ews-end.')
}

function Invoke-ExgReplacement {
    Add-ExgServicePrincipal
    Add-ExgScope
    Add-ExgAssignment
    Test-ExgAuthorization
}
