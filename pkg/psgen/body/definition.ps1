function Get-ExgDefinition { # The commands that make an assignment, a scope or a role group again.
    param([string]$Noun, $It)
    $holder = if ("$($It.RoleAssigneeType)" -eq 'User') { 'User' } else { 'SecurityGroup' }
    $within = "$($It.RecipientWriteScope)" -replace 'Scope$', 'WriteScope'
    if ($within -eq 'OU') { $within = 'RecipientOrganizationalUnitScope' }
    $is = 'Name', 'RecipientFilter', 'RecipientRoot', 'RoleAssignee', 'Role', 'CustomRecipientWriteScope'
    $to = 'Name', 'RecipientRestrictionFilter', 'RecipientRoot', $holder, 'Role', $within
    $again = [ordered]@{}
    foreach ($i in 0..5) { if ("$($It.($is[$i]))") { $again[$to[$i]] = "$($It.($is[$i]))" } }
    @{ cmdlet = "New-$Noun"; with = $again }
    $off = [ordered]@{ Identity = $again.Name; Enabled = $false }
    if ("$($It.Enabled)" -eq 'False') { @{ cmdlet = "Set-$Noun"; with = $off } }
}
