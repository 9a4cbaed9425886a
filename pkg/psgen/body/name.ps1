function Find-ExgName { # Finds each name as one object, and counts whom the scope holds.
# if: account
    $account = Find-ExgObject -Cmdlet '{{get}}' -Identity $Grant.assignee.given
    $Grant.assignee.guid = "$($account.Guid)"
    $Run.Who = @("$($account.DistinguishedName)", $Grant.assignee.guid -ne '')[0] # a GUID is not always found
# end
# if: roleGroup
    $warn = { $Report.findings += @{ id = $args[0]; severity = 'warning'; text = $args[1] } }
    foreach ($name in $Grant.assignee.members) {
        $member = Find-ExgObject -Cmdlet 'Get-User', 'Get-Group' -Identity $name
        $Run.Members["$($member.Guid)"] = "$($member.Name)"
        if ("$($member.UserAccountControl)" -match 'Disabled') { & $warn 'account-disabled' "$name is disabled." }
        $with = @{ Role = $Grant.role; RoleAssignee = "$($member.DistinguishedName)"; Delegating = $false } + $At
        foreach ($it in @(Get-ManagementRoleAssignment @with -Enabled $true -ErrorAction Stop)) {
            if ("$($it.RoleAssigneeName)" -ne $Grant.assignee.given) { & $warn 'other-grant' "Also: $($it.Name)." }
        }
    }
# end
# if: user
    if ("$($account.UserAccountControl)" -match 'AccountDisabled') {
        $Report.findings += @{ id = 'account-disabled'; severity = 'warning'; text = 'The account is disabled.' }
    }
# end
# if: securityGroup
    if ("$($account.RecipientTypeDetails)" -match 'NonUniversal|Distribution') {
        throw "conflict: A $($account.RecipientTypeDetails) has no roles: it takes a universal security group."
    }
# end
    foreach ($name in $InScope + $OutOfScope) {
        $Run.Mailboxes[$name] = "$((Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $name).DistinguishedName)"
    }
# include: target.ps1
}
# if: account
function Find-ExgObject { # The one object of a name.
    param([string]$Cmdlet, [string]$Identity)
    $found = @(& $Cmdlet -Identity $Identity -ErrorAction Stop)
# end
# if: roleGroup
function Find-ExgObject { # The one object of a name, of whatever kind.
    param([string[]]$Cmdlet, [string]$Identity)
    $found = @($Cmdlet | ForEach-Object -Process { & $_ -Identity $Identity -ErrorAction SilentlyContinue })
    if (-not $found) { $found = @(& $Cmdlet[0] -Identity $Identity -ErrorAction Stop) }
# end
    if ($found.Count -ne 1) { throw "failed: '$Identity' is several: $($found.DistinguishedName -join '; ')" }
    $found[0]
}
