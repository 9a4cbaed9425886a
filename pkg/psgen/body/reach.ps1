    $script:At, $is = $Pin, @('refused', 'allowed') # now as the servers of this session see it, which may lag
# if: roleGroup&grant
    foreach ($name in @(if (& $whole) { $InScope + $OutOfScope })) { # one that is not there yet cannot be asked
# end
# if: account roleGroup&status
    foreach ($name in $InScope + $OutOfScope) {
# end
# if: account
        $by = @(Get-ExgHeld -Over @{ WritableRecipient = $Run.Mailboxes[$name] }).on -contains $true
# end
# if: roleGroup
        $with = @{ Role = $Grant.role; RoleAssignee = $Run.Who; WritableRecipient = $Run.Mailboxes[$name] } + $At
# end
# if: roleGroup&grant
        $by = [string[]]@(Get-ManagementRoleAssignment @with -ErrorAction Stop).Enabled -contains 'True'
# end
# if: roleGroup&status
        $by = @(if ($Run.Who) { Get-ManagementRoleAssignment @with -ErrorAction Stop })
        $by = [string[]]$by.Enabled -contains 'True'
# end
        $Report.proof += @{ mailbox = $name; expected = $is[$InScope -contains $name]; rbac = $is[$by] }
    }
    $wrong = @($Report.proof | Where-Object -FilterScript { $_.rbac -ne $_.expected })
# if: grant
    if ($wrong.rbac -contains 'allowed') { return 'differs' }
    if (-not (& $whole) -or ($wrong -and $Report.changed)) { return 'granted-replicating' } # run it again later
    if ($wrong) { return 'differs' }
    if ($Report.changed) { 'granted' } else { 'already-granted' }
# end
