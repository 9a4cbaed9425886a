function Get-ExgHeld { # Regular assignments of the role, or of one made from it, that the account has in any way.
    $found = foreach ($who in @($Run.Who | Where-Object -FilterScript { $_ })) {
        foreach ($role in $Run.Roles) {
            $with = @{ Role = $role; RoleAssignee = $who; Delegating = $false } + $At
            try { Get-ManagementRoleAssignment @with -ErrorAction Stop } catch {
                if ((Get-ExgFault -Failure $_) -ne 'principal_not_found') { throw }
            }
        }
    }
    foreach ($it in $found | Sort-Object -Property { "$($_.Guid)" } -Unique) {
# if: revoke
        @{ guid = "$($it.Guid)"; on = "$($it.Enabled)" -eq 'True'; text = Format-ExgHeld -It $it }
# end
# if: undo
        $text = "'$($it.Name)', $($it.Role) for $($it.RecipientWriteScope) $($it.CustomRecipientWriteScope)"
        @{ guid = "$($it.Guid)"; on = "$($it.Enabled)" -eq 'True'; text = $text }
# end
    }
}
