    $old = Get-ManagementScope -ErrorAction Stop @At | Where-Object -FilterScript { "$($_.Name)" -eq $Grant.name }
    $used = @($users | Where-Object -FilterScript { "$($_.CustomRecipientWriteScope)" -eq $Grant.name })
    if ($OwnScope -and "$($old.Exclusive)" -eq 'False' -and -not $used) { # the grant made it, and nothing uses it
        $Run.Wanted = "the scope $($Grant.name): $($old.RecipientFilter)"
# if: account
        Remove-ExgObject -Noun 'ManagementScope' -It $old
# end
# if: roleGroup
        Remove-ExgObject -Noun 'ManagementScope' -It $old -From $At
# end
    }
