function Format-ExgHeld { # An assignment in words, with the definition of its scope.
    param($It)
    $name = "$($It.CustomRecipientWriteScope)"
# if: creates&grant creates&status
    $scope = (Get-ExgScope -Name $name).text
# end
# if: revoke existing organizationalUnit organization
    $scope = Get-ManagementScope -ErrorAction Stop @At | Where-Object -FilterScript { "$($_.Name)" -eq $name }
    $scope = $scope | ForEach-Object -Process { "($($_.RecipientFilter))" }
# end
    "'$($It.Name)', $($It.Role) of $($It.RoleAssignee), for $($It.RecipientWriteScope) $name $scope"
}
