# OPATH filters are compared as conditions, not as text: servers give a filter back with other parentheses, spaces,
# quotes and letter case (learn.microsoft.com/powershell/exchange/recipient-filters).

# Returns a text that is the same for two filters exactly when they are the same condition, $null when the text is
# no filter. -not binds before -and, -and before -or; what waits for its operands stands in $pending.
function ConvertTo-ExgFilterKey {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string]$Filter)

    if ([System.Text.Encoding]::UTF8.GetByteCount($Filter) -gt 32768) { return $null }
    $space = '[ \t\r\n]*'
    $end = '(?![A-Za-z0-9_.:/\\@*?+-])'
    # What stands where a condition begins, and where one has ended.
    $operand = [regex]("\G$space(?:(?<open>\()|(?<not>!)|-(?<not>[A-Za-z]+)$end|" +
        "(?<property>[A-Za-z][A-Za-z0-9_]*)$space-(?<operator>[A-Za-z]+)$end$space(?:" +
        '''(?<single>[^'']*(?:''''[^'']*)*)''|"(?<double>[^"]*(?:""[^"]*)*)"|\$(?<system>[A-Za-z]+)' + $end +
        '|(?<word>(?!-[A-Za-z])[A-Za-z0-9_.:/\\@*?+-]+)))')
    $joint = [regex]"\G$space(?:(?<close>\))|-(?<join>[A-Za-z]+)$end|(?<end>\z))"
    $binding = @{ '(' = 0; 'or' = 1; 'and' = 2; 'not' = 3 }
    $pending = New-Object -TypeName 'System.Collections.Generic.Stack[string]'
    $nodes = New-Object -TypeName 'System.Collections.Generic.Stack[object]'

    $text = $Filter -replace "\A$space\{([\s\S]*)\}$space\z", '$1'
    $position = 0
    $depth = 0
    $next = $operand
    while ($true) {
        $match = $next.Match($text, $position)
        if (-not $match.Success) { return $null }
        $position += $match.Length
        $token = $match.Groups
        if ($token['property'].Success) {
            $key = ConvertTo-ExgComparisonKey -Token $token
            if (-not $key) { return $null }
            $nodes.Push(@{ Kind = 'comparison'; Key = $key })
            $next = $joint
        } elseif ($next -eq $operand) {
            $opening = ($token['open'].Value + $token['not'].Value).ToLowerInvariant().Replace('!', 'not')
            $depth++
            if ($opening -notin '(', 'not' -or $depth -gt 256) { return $null }
            $pending.Push($opening)
        } else {
            # What binds at least as tightly as this joint has its operands now.
            $join = $token['join'].Value.ToLowerInvariant()
            if ($join -notin 'and', 'or', '') { return $null }
            $floor = if ($join) { $binding[$join] } else { 1 }
            while ($pending.Count -gt 0 -and $binding[$pending.Peek()] -ge $floor) {
                if ($pending.Peek() -eq 'not') { $depth-- }
                Join-ExgFilterNode -Nodes $nodes -Kind $pending.Pop()
            }
            if ($join) {
                $pending.Push($join)
                $next = $operand
            } elseif ($token['end'].Success) {
                if ($pending.Count -gt 0) { return $null }
                return $nodes.Peek().Key
            } else {
                if ($pending.Count -eq 0) { return $null }
                $null = $pending.Pop()
                $depth--
            }
        }
    }
}

# The directory compares text without regard to case. $true and 'True' are one value, $null and 'null' are two.
function ConvertTo-ExgComparisonKey {
    param($Token)
    $operator = $Token['operator'].Value.ToLowerInvariant()
    if ($operator -notin 'eq', 'ne', 'like', 'notlike', 'lt', 'le', 'gt', 'ge') { return $null }
    $system = $Token['system'].Value.ToUpperInvariant()
    if ($system -notin 'TRUE', 'FALSE', 'NULL', '') { return $null }
    $text = $Token['word'].Value + $Token['single'].Value.Replace("''", "'") +
        $Token['double'].Value.Replace('""', '"')
    $value = "'" + ($system + $text.ToUpperInvariant()).Replace("'", "''") + "'"
    if ($system -eq 'NULL') { $value = '$NULL' }
    $Token['property'].Value.ToUpperInvariant() + " -$operator $value"
}

# Replaces the last one or two nodes by their combination. A chain of one kind is one node, a double negation none.
function Join-ExgFilterNode {
    param($Nodes, [string]$Kind)
    $last = $Nodes.Pop()
    if ($Kind -eq 'not' -and $last.Kind -eq 'not') {
        $Nodes.Push($last.Inner)
    } elseif ($Kind -eq 'not') {
        $Nodes.Push(@{ Kind = $Kind; Key = '-not(' + $last.Key + ')'; Inner = $last })
    } else {
        $parts = @()
        foreach ($node in $Nodes.Pop(), $last) {
            $parts += if ($node.Kind -eq $Kind) { $node.Parts } else { $node.Key }
        }
        $Nodes.Push(@{ Kind = $Kind; Key = "-$Kind(" + ($parts -join ',') + ')'; Parts = $parts })
    }
}
