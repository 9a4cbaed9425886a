    $newManagementScopeParams = @{
        Name                       = $Grant.ScopeName
        RecipientRestrictionFilter = $filter
        Confirm                    = $false
        ErrorAction                = 'Stop'
    }
    $scope = Get-ManagementScope -ErrorAction Stop | Where-Object -FilterScript { $_.Name -eq $Grant.ScopeName }
    if ($scope) {
        # Servers give a filter back with other spaces and parentheses; what stands in quotes must be the same.
        $outside = "('(?:[^']|'')*')|[\s()]"
        $same = ($scope.RecipientFilter -replace $outside, '$1') -eq ($filter -replace $outside, '$1')
        if (-not $same -or $scope.Exclusive -or "$($scope.RecipientRoot)") {
            throw "The scope '$($scope.Name)' exists with another definition: $($scope.RecipientFilter)"
        }
    }
