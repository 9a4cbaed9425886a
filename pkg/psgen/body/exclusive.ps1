# Exclusive scopes: they may keep for others what they cover.

# Says which exclusive scopes cover recipients of the wanted scope. Where there is no exclusive scope, it asks
# nothing.
function Add-ExgExclusiveFinding {
    param($Wanted)
    $Exg.Covering = @()
    foreach ($scope in $Exg.Scopes) {
        if (-not $scope.Exclusive -or "$($scope.ScopeRestrictionType)" -ne 'RecipientScope') { continue }
        $text = "The exclusive scope '$($scope.Name)'"
        $covered = Measure-ExgCovered -Exclusive $scope -Wanted $Wanted
        if (-not $covered) {
            $text += ' may keep mailboxes out of reach; only a test over EWS shows it.'
        } elseif ($covered.Count) {
            $first = $covered.First -join ', '
            $text += " covers $(Format-ExgCount -Count $covered.Count) of this grant ($first), which may be out " +
                'of reach; only a test over EWS shows it.'
        } else {
            continue
        }
        $Exg.Covering += "$($scope.Name)"
        Add-ExgFinding -Id 'exclusive-scope' -Severity 'warning' -Text $text -Objects "$($scope.Guid)"
    }
}

# Counts the recipients of the wanted scope that an exclusive scope has; $null when that cannot be asked.
function Measure-ExgCovered {
    param($Exclusive, $Wanted)
    $covered = @{ Count = 0; First = New-Object -TypeName System.Collections.ArrayList }
    if ($Wanted.ContainsKey('Count') -and $Wanted.Count -eq 0) { return $covered }
    $root = Get-ExgCommonRoot -Exclusive "$($Exclusive.RecipientRoot)" -Wanted $Wanted
    if ($root.Apart) { return $covered }
    $filter = Join-ExgFilter -Filter "$($Exclusive.RecipientFilter)", "$($Wanted.Filter)"
    if ($root.Unknown -or $null -eq $filter) { return }
    if (-not (Get-Command -Name 'Get-Recipient' -ErrorAction SilentlyContinue)) { return }
    $getRecipientParams = @{ ResultSize = 'Unlimited'; ErrorAction = 'Stop' }
    if ($filter) { $getRecipientParams.Filter = $filter }
    if ($root.Name) { $getRecipientParams.OrganizationalUnit = $root.Name }
    try {
        Get-Recipient @getRecipientParams | ForEach-Object -Process {
            $covered.Count++
            if ($covered.Count -le 10) { $null = $covered.First.Add("$($_.Name)") }
        }
    } catch {
        return
    }
    $covered
}

# Returns the filter for what all of some filters match; an empty one matches everything. $null when one is no
# filter: only a whole condition stays the same condition in parentheses.
function Join-ExgFilter {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string[]]$Filter)
    $parts = @()
    foreach ($text in ($Filter | Where-Object -FilterScript { $_ })) {
        if (-not (ConvertTo-ExgFilterKey -Filter $text)) { return $null }
        $parts += '(' + ($text -replace '\A[ \t\r\n]*\{([\s\S]*)\}[ \t\r\n]*\z', '$1') + ')'
    }
    $parts -join ' -and '
}

# The root of what two scopes share: the lower of their two. A distinguished name and a canonical one cannot be
# compared; a canonical one begins with the name of a domain.
function Get-ExgCommonRoot {
    param([string]$Exclusive, $Wanted)
    $wish, $same = "$($Wanted.Root)", "$($Wanted.Root)"
    if ($Wanted.Kind -eq 'OU') { $wish, $same = $Wanted.Unit, $Wanted.UnitDN }
    if (-not $Exclusive) { return @{ Name = $same } }
    if (-not $wish -or (Test-ExgWithin -Name $Exclusive -Above $wish)) { return @{ Name = $Exclusive } }
    if (Test-ExgWithin -Name $wish -Above $Exclusive) { return @{ Name = $same } }
    if ($Exclusive -match '^[^/]*=' -or $wish -match '^[^/]*=') { return @{ Unknown = $true } }
    @{ Apart = $true }
}

# Is a canonical name another one, or below it?
function Test-ExgWithin {
    param([string]$Name, [string]$Above)
    "$($Name.TrimEnd('/'))/".StartsWith("$($Above.TrimEnd('/'))/", [StringComparison]::OrdinalIgnoreCase)
}
