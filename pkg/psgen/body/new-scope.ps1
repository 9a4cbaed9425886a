# if: creates
        $scope = Get-ExgScope -Name $Grant.scope.name
        if ($scope -and -not {{own-or-same}}) {
            throw "conflict: There is a scope $($Grant.scope.name) $($scope.text). Wanted is $($Run.Wanted)."
        }
        if (-not {{own-or-there}}) {
            $with = [ordered]@{ Name = $Grant.scope.name; RecipientRestrictionFilter = $Grant.scope.filter }
            $stands = { Get-ExgScope -Name $Grant.scope.name | Where-Object -FilterScript { $_.same } }
            Invoke-ExgChange -Id 'scope' -Cmdlet 'New-ManagementScope' -With $with -Stands $stands
        }
# end
