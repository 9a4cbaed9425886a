        # Servers give a filter back with other spaces and parentheses; what stands in quotes must be the same.
        $stored, $wanted = $scope.RecipientFilter, $filter | ForEach-Object -Process {
            $_ -replace "('(?:[^']|'')*')|[\s()]", '$1'
        }
        $same = $stored -eq $wanted
