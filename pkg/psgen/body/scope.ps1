function Get-ExgScope { # The scope of that name, in text.
    param([string]$Name) # Servers give a filter back with other blanks{{brackets}}: these do not count.
    foreach ($scope in Get-ManagementScope -ErrorAction Stop @At) {
        if ("$($scope.Name)" -ne $Name) { continue }
        $is, $wanted = "$($scope.RecipientFilter)", $Grant.scope.filter -replace "('(?:[^']|'')*')|{{nothing}}", '$1'
# if: grant&account
        $odd = $is -replace "'[^']*'" -replace '-(and|or|not|eq|ne|like|notlike|lt|le|gt|ge)' -match '-'
# end
        $plain = "$($scope.Exclusive)" -ne 'True' -and -not "$($scope.RecipientRoot)"
        $text = "($($scope.RecipientFilter), root '$($scope.RecipientRoot)', exclusive $($scope.Exclusive))"
# if: grant&account
        @{ guid = "$($scope.Guid)"; same = $plain -and $is -eq $wanted; odd = $odd; text = $text }
# end
# if: grant&roleGroup
        @{ guid = "$($scope.Guid)"; same = $plain -and $is -eq $wanted; text = $text }
# end
# if: status
        @{ same = $plain -and $is -eq $wanted; text = $text }
# end
    }
}
