                if (-not $scope) {
                    $newManagementScopeParams = @{
                        Name                       = $Grant.ScopeName
                        RecipientRestrictionFilter = $filter
                        Confirm                    = $false
                        ErrorAction                = 'Stop'
                    }
                    $newScope = New-ManagementScope @newManagementScopeParams @pin
                    $scope = $newScope
                }
