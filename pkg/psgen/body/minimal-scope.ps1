    $scope = Get-ManagementScope -ErrorAction Stop | Where-Object -FilterScript { $_.Name -eq $Grant.ScopeName }
    if ($scope) {
        # Servers give a filter back with other spaces, and in parentheses; what stands in quotes must be the same.
        $stored, $wanted = $scope.RecipientFilter, $filter | ForEach-Object -Process {
            ($_ -replace "('(?:[^']|'')*')|\s", '$1').Trim('(', ')')
        }
        if ($stored -ne $wanted -or $scope.Exclusive -or "$($scope.RecipientRoot)") {
            throw "The scope '$($scope.Name)' exists with another definition: $($scope.RecipientFilter)"
        }
    }
