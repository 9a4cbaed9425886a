    $scope = Get-ManagementScope -ErrorAction Stop | Where-Object -FilterScript { $_.Name -eq $Grant.ScopeName }
    if ($scope) {
# include: samefilter
        if (-not $same -or $scope.Exclusive -or "$($scope.RecipientRoot)") {
            throw "The scope '$($scope.Name)' exists with another definition: $($scope.RecipientFilter)"
        }
    }
