# The scope that this grant created: it has the grant's name and an equal definition. A scope with a name of its
# own may have been there before; only the report of the grant knows, and without it such a scope stays.
function Find-ExgOwnScope {
    param($Wanted)
    if ('group', 'filter' -notcontains $Grant.ScopeKind) { return }
    $scope = @($Exg.Scopes | Where-Object -FilterScript { $_.Name -eq $Wanted.Name })[0]
    if (-not $scope) { return }
    if ($Grant.ScopeNamed) {
        Add-ExgFinding -Id 'scope-left' -Severity 'info' -Objects "$($scope.Guid)" -Text ('The scope ' +
            "'$($scope.Name)' has a name of its own and may be older than this grant: it stays. Revoke from the " +
            'report of the grant to remove it.')
        return
    }
    if ((Compare-ExgScopeDefinition -Scope $scope -Wanted $Wanted) -eq 'equal') { $scope }
}
