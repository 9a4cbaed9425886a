# How this grant stands to what is there already.

# Sorts the existing assignments by how they stand to this grant.
function Get-ExgStanding {
    param($Assignee, $Wanted)
    $standing = @{ Equal = $null; Disabled = $null; Named = $null; NamedOurs = $false; Unknown = @(); Wider = @() }
    $direct = @(Get-ExgHeld -Guid "$($Assignee.Guid)" -Direct | ForEach-Object -Process { "$($_.Guid)" })
    foreach ($assignment in $Exg.Assignments) {
        if (-not (Test-ExgRegular -Assignment $assignment)) { continue }
        $same = $direct -contains "$($assignment.Guid)"
        if ($assignment.Name -eq $Grant.Name) {
            $standing.Named = $assignment
            $standing.NamedOurs = $same
        }
        if (-not $same) { continue }
        $relation = Compare-ExgScope -Assignment $assignment -Wanted $Wanted
        if ($relation -eq 'equal' -and $assignment.Enabled) {
            if (-not $standing.Equal -or $assignment.Name -eq $Grant.Name) { $standing.Equal = $assignment }
        } elseif ($relation -eq 'equal') {
            if (-not $standing.Disabled -or $assignment.Name -eq $Grant.Name) { $standing.Disabled = $assignment }
        } elseif ($relation -eq 'unknown') {
            $standing.Unknown += $assignment
        } elseif ($relation -eq 'wider' -and $assignment.Enabled) {
            $standing.Wider += $assignment
        }
    }
    $held = @(Get-ExgHeld -Guid "$($Assignee.Guid)")
    $standing.Indirect = @($held | Where-Object -FilterScript {
            $_.Enabled -and $direct -notcontains "$($_.Guid)" -and (Test-ExgRegular -Assignment $_)
        })
    $standing
}

# Says of the scopes with which the grant is compared by name that they match nobody, because their group is gone.
function Find-ExgStaleScope {
    param($Wanted, $Standing)
    $names = @($Wanted.Name)
    if ($Standing.Named -and $Standing.NamedOurs) {
        $of = "$($Standing.Named.CustomRecipientWriteScope)"
        if ($names -notcontains $of) { $names += $of }
    }
    foreach ($name in ($names | Where-Object -FilterScript { $_ })) {
        $scope = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $name })[0]
        if (-not $scope -or (Compare-ExgScopeDefinition -Scope $scope -Wanted $Wanted) -eq 'equal') { continue }
        $what = "The scope '$($scope.Name)'"
        $null = Find-ExgScopeGroup -Filter "$($scope.RecipientFilter)" -What $what -Objects "$($scope.Guid)"
    }
}

# Says what makes the scope mean less than it seems: scopes that match nobody, wider grants, grants through groups,
# exclusive scopes.
function Add-ExgStandingFinding {
    param($Wanted, $Standing)
    Find-ExgStaleScope -Wanted $Wanted -Standing $Standing
    $who = $Exg.Report.grant.assignee.name
    foreach ($assignment in $Standing.Wider) {
        if ($assignment.Name -eq $Grant.Name) { continue }
        $text = "'$($assignment.Name)' gives $who $(Format-ExgWriteScope -Assignment $assignment): the scope " +
            'means nothing while it stands.'
        Add-ExgFinding -Id 'wider-grant' -Severity 'warning' -Text $text -Objects "$($assignment.Guid)"
    }
    foreach ($assignment in $Standing.Unknown) {
        Add-ExgFinding -Id 'scope-unverified' -Severity 'warning' -Objects "$($assignment.Guid)" -Text ('The ' +
            "filter of $(Format-ExgWriteScope -Assignment $assignment) of '$($assignment.Name)' could not be " +
            'understood.')
    }
    foreach ($assignment in $Standing.Indirect) {
        if ('equal', 'wider' -notcontains (Compare-ExgScope -Assignment $assignment -Wanted $Wanted)) { continue }
        $text = "'$($assignment.Name)' reaches as far through the group $($assignment.RoleAssignee)."
        Add-ExgFinding -Id 'indirect' -Severity 'info' -Text $text -Objects "$($assignment.Guid)"
    }
    Add-ExgExclusiveFinding -Wanted $Wanted
}
