    # The scope has the name of this grant. It goes when no other assignment uses it.
    $users = $assignments | Where-Object -FilterScript { "$($_.CustomRecipientWriteScope)" -eq $Grant.ScopeName }
    if ($scope -and $users) {
        "The scope '$($scope.Name)' stays: another assignment uses it."
    } elseif ($scope -and $PSCmdlet.ShouldProcess("$($scope.Name): $($scope.RecipientFilter)", 'Remove scope')) {
        Remove-ManagementScope -Identity "$($scope.Guid)" @removeParams
        "Removed the scope '$($scope.Name)'."
    }
