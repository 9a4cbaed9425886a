# The command as text, exactly as it is run.
function Format-ExgCommand {
    param([string]$Cmdlet, [System.Collections.IDictionary]$Parameters)
    $words = @($Cmdlet)
    foreach ($name in $Parameters.Keys) {
        $value = $Parameters[$name]
        if ($value -is [bool] -and $value -and $name -eq 'BypassSecurityGroupManagerCheck') {
            $words += "-$name"
        } elseif ($value -is [bool]) {
            $words += "-${name}:`$" + "$value".ToLowerInvariant()
        } else {
            # PowerShell takes these five characters for a single quote.
            $texts = @($value | ForEach-Object -Process { "'" + ($_ -replace "(['\u2018-\u201b])", '$1$1') + "'" })
            $words += "-$name " + ($texts -join ', ')
        }
    }
    $words -join ' '
}
