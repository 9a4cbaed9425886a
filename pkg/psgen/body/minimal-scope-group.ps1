    # The scope holds the group's distinguished name; in a filter a single quote is doubled.
    $group = @(Get-Group -Identity $Grant.Scope -ErrorAction Stop)
    if ($group.Count -ne 1) { throw "'$($Grant.Scope)' is not the name of exactly one group." }
    $filter = "MemberOfGroup -eq '" + "$($group[0].DistinguishedName)".Replace("'", "''") + "'"
# include: minimal-scope.ps1
