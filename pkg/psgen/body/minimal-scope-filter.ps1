    $filter = $Grant.Scope
# include: minimal-scope.ps1
