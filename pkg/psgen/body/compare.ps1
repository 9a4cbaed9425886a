# Compares what is there with what is wanted: account, role and scope, never names.

# How the scope of an assignment stands to the wanted one: equal, wider, other, or unknown.
function Compare-ExgScope {
    param($Assignment, $Wanted)
    $kind = "$($Assignment.RecipientWriteScope)"
    $of = "$($Assignment.CustomRecipientWriteScope)"
    if ($kind -eq 'Organization') {
        if ($Wanted.Kind -eq 'Organization') { return 'equal' }
        return 'wider'
    }
    if ($kind -eq 'OU' -and $Wanted.Kind -eq 'OU') {
        if ($of -eq $Wanted.Unit -or $of -eq $Wanted.UnitDN) { return 'equal' }
        if ($Wanted.Unit -like ([WildcardPattern]::Escape($of) + '/*')) { return 'wider' }
        return 'other'
    }
    if ($kind -ne 'CustomRecipientScope' -or $Wanted.Kind -ne 'Custom') { return 'other' }
    $scope = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $of })[0]
    if (-not $scope) { return 'unknown' }
    Compare-ExgScopeDefinition -Scope $scope -Wanted $Wanted
}

function Compare-ExgScopeDefinition {
    param($Scope, $Wanted)
    if ($Wanted.Guid -and "$($Scope.Guid)" -eq $Wanted.Guid) { return 'equal' }
    if ($Scope.Exclusive -or "$($Scope.RecipientRoot)" -ne $Wanted.Root) { return 'other' }
    if ("$($Scope.RecipientFilter)" -eq $Wanted.Filter) { return 'equal' }
    $key = ConvertTo-ExgFilterKey -Filter "$($Scope.RecipientFilter)"
    if ($null -eq $key -or $null -eq $Wanted.Key) { return 'unknown' }
    if ($key -eq $Wanted.Key) { return 'equal' }
    'other'
}

# Whether the wanted scope holds all of the assignment's and more, as far as it shows by the kinds of the two.
function Test-ExgWidening {
    param($Assignment, $Wanted)
    if ($Wanted.Kind -eq 'Organization') { return $true }
    if ($Wanted.Kind -ne 'OU' -or "$($Assignment.RecipientWriteScope)" -ne 'OU') { return $false }
    "$($Assignment.CustomRecipientWriteScope)" -like ([WildcardPattern]::Escape("$($Wanted.Unit)") + '/*')
}

function Format-ExgWanted {
    param($Wanted)
    switch ($Wanted.Kind) {
        'Organization' { return 'the whole organization' }
        'OU' { return "the organizational unit $($Wanted.Unit)" }
    }
    "the scope '$($Wanted.Name)' ($($Wanted.Filter))"
}

# The state of the given assignments and scopes, for the report's before and after.
function Get-ExgState {
    param([object[]]$Assignments, [object[]]$Scopes)
    $state = [ordered]@{
        assignments = New-Object -TypeName System.Collections.ArrayList
        scopes      = New-Object -TypeName System.Collections.ArrayList
    }
    foreach ($assignment in ($Assignments | Where-Object -FilterScript { $_ })) {
        $entry = [ordered]@{
            guid                = "$($assignment.Guid)"
            name                = "$($assignment.Name)"
            enabled             = [bool]$assignment.Enabled
            recipientWriteScope = "$($assignment.RecipientWriteScope)"
        }
        $of = "$($assignment.CustomRecipientWriteScope)"
        if ($of) { $entry.customRecipientWriteScope = $of }
        $null = $state.assignments.Add($entry)
    }
    foreach ($scope in ($Scopes | Where-Object -FilterScript { $_ })) {
        $entry = [ordered]@{
            guid   = "$($scope.Guid)"
            name   = "$($scope.Name)"
            filter = "$($scope.RecipientFilter)"
        }
        if ("$($scope.RecipientRoot)") { $entry.root = "$($scope.RecipientRoot)" }
        $null = $state.scopes.Add($entry)
    }
    $state
}
