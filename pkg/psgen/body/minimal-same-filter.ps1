        $key = ConvertTo-ExgFilterKey -Filter $scope.RecipientFilter
        $same = $key -and $key -eq (ConvertTo-ExgFilterKey -Filter $filter)
