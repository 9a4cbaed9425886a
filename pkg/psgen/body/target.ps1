# if: group
    $group = "$((Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.scope.given).DistinguishedName)"
    $Grant.scope.filter = "MemberOfGroup -eq '$($group.Replace("'", "''"))'" # renamed, it is lost; '' is one quote
# end
# if: creates&status
    $Run.Wanted = $Grant.scope.filter
# end
# if: creates&grant
    if (-not $Grant.scope.name) { $Grant.scope.name = $Grant.name }
    $within = @{ Filter = $Grant.scope.filter; ResultSize = 'Unlimited' }
# end
# if: organizationalUnit
    $unit = Find-ExgObject -Cmdlet 'Get-OrganizationalUnit' -Identity $Grant.scope.given
    $Grant.scope.root, $Run.Wanted = "$($unit.DistinguishedName)", "$($unit.Identity)"
    $Run.Units = $Grant.scope.root, $Run.Wanted
# if: grant
    $within = @{ OrganizationalUnit = $Grant.scope.root; ResultSize = 'Unlimited' }
# end
# end
# if: existing
    $scope = Get-ManagementScope -ErrorAction Stop @At | Where-Object -FilterScript {
        "$($_.Name)", "$($_.Guid)", "$($_.DistinguishedName)" -contains $Grant.scope.given
    }
    if (-not $scope) { throw "not-found: No scope '$($Grant.scope.given)' at $($At.DomainController)." }
    if ("$($scope.Exclusive)" -eq 'True' -or -not "$($scope.RecipientFilter)") {
        throw "conflict: The scope '$($scope.Name)' is exclusive, or not one of recipients."
    }
    $Grant.scope.name, $Run.Wanted = "$($scope.Name)", "$($scope.Name): $($scope.RecipientFilter)"
# if: grant
    $within = @{ Filter = "$($scope.RecipientFilter)"; ResultSize = 'Unlimited' }
    if ("$($scope.RecipientRoot)") { $within.OrganizationalUnit = "$($scope.RecipientRoot)" }
# end
# end
# if: grant&scoped
    $reached = @(Get-Recipient @within -ErrorAction Stop | ForEach-Object -Process { "$($_.Name)" })
    $Grant.scope.recipients = $reached.Count
    $more = if ($reached.Count -gt 10) { " and $($reached.Count - 10) more" }
    $Run.Wanted = "{{wanted}}, now $($reached.Count) recipients: $($reached[0..9] -join ', ')$more"
# end
# if: organization
    $Run.Wanted = 'the whole organization'
# end
