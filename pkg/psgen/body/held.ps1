# if: account
function Get-ExgHeld { # Regular assignments of the role, or of one made from it, that the account has in any way.
    param([hashtable]$Over = @{}) # In a management shell names are live objects, equal to no text; here all is.
    foreach ($role in Get-ManagementRole -RoleType $Grant.role -ErrorAction Stop) {
        $with = @{ Role = "$($role.Name)"; RoleAssignee = $Run.Who; Delegating = $false } + $Over + $At
        foreach ($it in @(Get-ManagementRoleAssignment @with -ErrorAction Stop)) {
# if: existing organizationalUnit organization
            $kind, $name = "$($it.RecipientWriteScope)", "$($it.CustomRecipientWriteScope)"
# end
# if: creates
            $same = ($scope = Get-ExgScope -Name "$($it.CustomRecipientWriteScope)").same
# end
# if: existing
            $same = $kind -eq 'CustomRecipientScope' -and $name -eq $Grant.scope.name
# end
# if: organizationalUnit
            $same = $kind -eq 'OU' -and $Run.Units -contains $name
# end
# if: organization
            $same = $kind -eq 'Organization'
# end
            $mine = "$($role.Name)" -eq $Grant.role -and "$($it.AssignmentMethod)" -eq 'Direct'
# if: grant&creates
            if ($mine -and $scope.odd) { $Run.Odd = $scope.text }
# end
# if: status
            $within, $same, $on = $same, ($same -and $mine), ("$($it.Enabled)" -eq 'True')
            @{ on = $on; same = $same; within = $within; text = Format-ExgHeld -It $it }
# end
# if: grant
            $same, $on = ($same -and $mine), ("$($it.Enabled)" -eq 'True')
            @{ guid = "$($it.Guid)"; name = "$($it.Name)"; on = $on; same = $same; text = Format-ExgHeld -It $it }
# end
        }
    }
}
# include: words.ps1
# end
